"""Certificates of every kind, made on the spot: a private authority, and servers that it signs well or badly."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True)
class Issued:
    """A certificate with its key, as PEM files."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Return what a server needs to show it."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.certificate, self.key)
        return made


class Authority:
    """A certificate authority that no machine knows; with a `parent` it is an intermediate one."""

    def __init__(
        self, folder: Path, name: str = "Corp Root CA", *, parent: Authority | None = None, organization: str = ""
    ) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = name_of(name, organization)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        signer = parent or self
        made = (
            unsigned(self._name, signer._name, self._key, _day(-1), _day(3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
        )
        self.certificate = folder / f"{name}.pem"
        self.certificate.write_bytes(made.sign(signer._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def issue(
        self,
        *names: str,
        starts: int = -1,
        ends: int = 90,
        self_signed: bool = False,
        file: str = "server",
        chain: Sequence[Authority] = (),
        as_text: str = "",
        purpose: x509.ObjectIdentifier | None = None,
        common_name_only: bool = False,
    ) -> Issued:
        """Sign a certificate for hosts; it is valid from `starts` to `ends`, in days from now.

        `chain` are the authorities whose certificates the server sends after its own, `as_text` is an address that
        stands there as if it were a name, `purpose` all that the certificate may be used for.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = name_of(names[0])
        texts = [x509.DNSName(as_text)] if as_text else []
        made = unsigned(subject, subject if self_signed else self._name, key, _day(starts), _day(ends)).add_extension(
            x509.BasicConstraints(ca=False, path_length=None), critical=True
        )
        if not common_name_only:
            hosts = x509.SubjectAlternativeName([*_hosts(names), *texts])
            made = made.add_extension(hosts, critical=False)
        if purpose:
            made = made.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        signed = made.sign(key if self_signed else self._key, hashes.SHA256())
        issued = Issued(self.folder / f"{file}.pem", self.folder / f"{file}.key")
        pem = [signed.public_bytes(Encoding.PEM), *(each.certificate.read_bytes() for each in chain)]
        issued.certificate.write_bytes(b"".join(pem))
        issued.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return issued


def name_of(text: str, organization: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, text)]
    if organization:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def _hosts(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _day(number: int) -> datetime.datetime:
    return NOW + datetime.timedelta(days=number)


def unsigned(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    begin: datetime.datetime,
    end: datetime.datetime,
) -> x509.CertificateBuilder:
    """Begin a certificate, to be extended and signed."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )

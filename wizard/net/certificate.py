"""Certificates as data: read from PEM as Claude Code reads it, and from the bytes a server sent before any trust."""

from __future__ import annotations

import binascii
import hashlib
import ipaddress
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from wizard.pattern import pattern
from wizard.record import dataclass, field
from wizard.secret import redact

_BLOCK: Final = pattern(
    rb"^-----BEGIN ((?:X509 )?CERTIFICATE)-----[ \t]*\r?$(.*?)^-----END \1-----", re.MULTILINE | re.DOTALL
)
"""OpenSSL's "TRUSTED CERTIFICATE" is skipped: Claude Code does not read it (2.1.197, 2.1.330)."""

_SEQUENCE: Final = 0x30
_CONTEXT_0: Final = 0xA0
_CONTEXT_3: Final = 0xA3
_UTC_TIME: Final = 0x17
_DNS_NAME: Final = 0x82
_IP_ADDRESS: Final = 0x87

_SUBJECT_ALT_NAME: Final = b"\x55\x1d\x11"
_BASIC_CONSTRAINTS: Final = b"\x55\x1d\x13"
_COMMON_NAME: Final = b"\x55\x04\x03"
_ORGANIZATION: Final = b"\x55\x04\x0a"
_UNIT: Final = b"\x55\x04\x0b"
_ENCODINGS: Final = {0x1E: "utf-16-be", 0x1C: "utf-32-be", 0x14: "latin-1"}


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate, its texts inert. `subject_key` and `issuer_key` are the names as they stand in its bytes."""

    der: bytes = field(repr=False)
    subject: str
    issuer: str
    organization: str
    issuer_organization: str
    not_before: datetime
    not_after: datetime
    names: tuple[str, ...]
    is_authority: bool
    subject_key: bytes = field(repr=False)
    issuer_key: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """The fingerprint as people compare it: 32 pairs of hex digits with colons."""
        return hashlib.sha256(self.der).digest().hex(":").upper()

    @property
    def signs_itself(self) -> bool:
        """Whether it names itself as its issuer."""
        return self.subject_key == self.issuer_key

    def as_facts(self) -> dict[str, object]:
        """Return what a person compares, as JSON can hold it."""
        return {
            "subject": self.subject,
            "issuer": self.issuer,
            "not_before": f"{self.not_before:%Y-%m-%d}",
            "not_after": f"{self.not_after:%Y-%m-%d}",
            "sha256": self.sha256,
        }


def pem_certificates(content: bytes) -> tuple[tuple[bytes, ...], bool]:
    """Return the certificates in a PEM file as DER, and whether all of it could be read.

    Text and keys around them are skipped. Claude Code stops at the first block that is no certificate and keeps those
    before it, for NODE_EXTRA_CA_CERTS as for SSL_CERT_FILE (2.1.197, 2.1.330).
    """
    found: list[bytes] = []
    for block in _BLOCK.finditer(content):
        try:
            der = binascii.a2b_base64(b"".join(block[2].split()), strict_mode=True)
            read_certificate(der)
        except (ValueError, OverflowError):
            return tuple(found), False
        found.append(der)
    return tuple(found), True


def read_certificate(der: bytes) -> Certificate:
    """Read a certificate (RFC 5280) without trusting it. Raises ValueError for bytes that are none."""
    try:
        return _read(der)
    except (IndexError, StopIteration, OverflowError, UnicodeDecodeError) as error:
        raise ValueError("no certificate") from error


def _read(der: bytes) -> Certificate:
    tag, whole, rest = _take(der)
    if tag != _SEQUENCE or rest:
        raise ValueError("no certificate")
    _, signed, _ = _take(whole)
    parts = [each for each in _each(signed) if each[0] != _CONTEXT_0]  # the version
    (_, _), (_, _), (_, issuer), (_, validity), (_, subject), *more = parts
    begins, ends = (_moment(*each) for each in _each(validity))
    names, is_authority = _extensions(next((body for tag, body in more if tag == _CONTEXT_3), b""))
    named, named_issuer = _name(subject), _name(issuer)
    return Certificate(
        der=der,
        subject=_called(named),
        issuer=_called(named_issuer),
        organization=named.get(_ORGANIZATION, ""),
        issuer_organization=named_issuer.get(_ORGANIZATION, ""),
        not_before=begins,
        not_after=ends,
        names=names or ((named[_COMMON_NAME],) if _COMMON_NAME in named else ()),
        is_authority=is_authority,
        subject_key=subject,
        issuer_key=issuer,
    )


def _take(data: bytes) -> tuple[int, bytes, bytes]:
    """Split the first element off: its tag, its content, and what comes after it (DER, definite lengths)."""
    tag, length, start = data[0], data[1], 2
    if length & 0x80:
        octets = length & 0x7F
        if not 1 <= octets <= 4:
            raise ValueError("no such length")
        start += octets
        length = int.from_bytes(data[2:start])
    end = start + length
    if end > len(data):
        raise ValueError("cut short")
    return tag, data[start:end], data[end:]


def _each(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        tag, body, data = _take(data)
        yield tag, body


def _name(data: bytes) -> dict[bytes, str]:
    found: dict[bytes, str] = {}
    for _, part in _each(data):
        for _, pair in _each(part):
            (_, kind), (encoding, value) = _each(pair)
            text = value.decode(_ENCODINGS.get(encoding, "utf-8"), "replace")
            found[kind] = redact(text, limit=60)
    return found


def _called(name: dict[bytes, str]) -> str:
    return name.get(_COMMON_NAME) or name.get(_ORGANIZATION) or name.get(_UNIT) or "an unnamed authority"


def _moment(tag: int, body: bytes) -> datetime:
    text = body.decode("ascii")
    if tag == _UTC_TIME:  # two digits: 1950 to 2049 (RFC 5280, 4.1.2.5.1)
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _extensions(data: bytes) -> tuple[tuple[str, ...], bool]:
    names: tuple[str, ...] = ()
    is_authority = False
    if not data:
        return names, is_authority
    for _, extension in _each(_take(data)[1]):
        fields = list(_each(extension))
        kind, value = fields[0][1], fields[-1][1]
        if kind == _SUBJECT_ALT_NAME:
            names = tuple(_alternatives(_take(value)[1]))
        elif kind == _BASIC_CONSTRAINTS:
            is_authority = _take(value)[1][:3] == b"\x01\x01\xff"
    return names, is_authority


def _alternatives(data: bytes) -> Iterator[str]:
    for tag, body in _each(data):
        if tag == _DNS_NAME:
            yield redact(body.decode("latin-1"))
        elif tag == _IP_ADDRESS and len(body) in (4, 16):
            yield str(ipaddress.ip_address(body))

"""The certificates of the demo's gateway: `python -m tests.demo.certificates` makes them anew.

They live as long as certificates can, but for the one that has expired. The authority's key is thrown away, so that
nobody can sign anything with it; the server's key is public and opens nothing but the demo.
"""

from __future__ import annotations

import datetime
import ipaddress
import sys
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.faults.certificates import name_of, unsigned

FOLDER: Final = Path(__file__).parents[2] / "wizard/demo/certificates"
AUTHORITY: Final = "Demo Root CA"
_BEGIN: Final = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
_EXPIRED: Final = datetime.datetime(2026, 10, 1, tzinfo=datetime.UTC)
_END: Final = datetime.datetime(2099, 12, 31, tzinfo=datetime.UTC)


def make(folder: Path) -> tuple[str, ...]:
    """Write the authority's certificate and one file (certificate and key) for each state; return their names."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = name_of(AUTHORITY)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    signed = (
        unsigned(authority, authority, authority_key, _BEGIN, _END)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    (folder / "authority.pem").write_bytes(signed.public_bytes(Encoding.PEM))
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    kinds: dict[str, tuple[x509.GeneralName, str, datetime.datetime]] = {
        "good": (loopback, "127.0.0.1", _END),
        "expired": (loopback, "127.0.0.1", _EXPIRED),
        "other-host": (x509.DNSName("old-llm.corp.example"), "old-llm.corp.example", _END),
    }
    for kind, (host, name, end) in kinds.items():
        certificate = (
            unsigned(name_of(name), authority, key, _BEGIN, end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([host]), critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{kind}.pem").write_bytes(certificate.public_bytes(Encoding.PEM) + private)
    return ("authority", *kinds)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    sys.stdout.write(", ".join(make(FOLDER)) + "\n")

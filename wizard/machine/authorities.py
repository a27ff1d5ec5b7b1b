"""Certificate files in the places where people and companies keep them. Nothing is read but small PEM files."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from wizard.machine.model import Machine
from wizard.net.certificate import Certificate, pem_certificates, read_certificate
from wizard.record import dataclass

NAMING: Final = (
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "NPM_CONFIG_CAFILE",
    "npm_config_cafile",
    "VAULT_CACERT",
    "BAO_CACERT",
)
"""Variables that name a file of authorities; Claude Code reads the first two of them only."""

_SYSTEM_FOLDERS: Final = (
    "/usr/local/share/ca-certificates",
    "/etc/pki/ca-trust/source/anchors",
    "/usr/share/pki/trust/anchors",
    "/etc/pki/trust/anchors",
    "/etc/ca-certificates/trust-source/anchors",
    "/usr/local/etc/ca-certificates",
    "/etc/pki/tls",
    "/etc/ssl",
    "/opt/certs",
    "/usr/local/etc/openssl/certs",
    "/opt/homebrew/etc/ca-certificates",
)
_HOME_FOLDERS: Final = (
    "",
    "certs",
    ".certs",
    "cert",
    "ca",
    ".ca",
    "ssl",
    ".ssl",
    "pki",
    ".pki",
    ".config",
    ".local/share/mkcert",
    "Library/Application Support/mkcert",
    ".mitmproxy",
    ".step/certs",
    ".claude",
    "Downloads",
    "Documents",
    "Desktop",
)
_FLAT: Final = ("", "Downloads", "Documents", "Desktop", "/etc/ssl")
"""Folders that are looked at without those below them."""

_SUFFIXES: Final = (".pem", ".crt", ".cer", ".cert", ".ca-bundle")
_KEY_SUFFIXES: Final = (".pem", ".key")
_DEPTH: Final = 2
_FILES: Final = 400
_ENTRIES: Final = 20_000
_SECONDS: Final = 1.5
_SIZE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PemFile:
    """A file and the certificates that Claude Code would read of it; `where` is the variable that names it, or ""."""

    path: Path
    certificates: tuple[Certificate, ...]
    where: str = ""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate of this user or machine, and the key that belongs to it."""

    certificate_file: Path
    key_file: Path
    certificate: Certificate


def pem_files(machine: Machine) -> tuple[PemFile, ...]:
    """Return the PEM files with certificates in the usual places, those that a variable names first.

    Blocks: takes at most some two seconds. The system's own bundle is left out, since it is trusted anyway.
    """
    found: dict[Path, PemFile] = {}
    for path, where in _candidates(machine):
        if path in found or len(found) >= _FILES:
            continue
        certificates = _read(path)
        if certificates:
            found[path] = PemFile(path, certificates, where)
    return tuple(found.values())


def client_certificates(files: tuple[PemFile, ...]) -> tuple[ClientCertificate, ...]:
    """Return the certificates that are no authority's and whose key lies in the same file or beside it. Blocks."""
    found: list[ClientCertificate] = []
    for file in files:
        if file.certificates[0].is_authority:
            continue
        key = next((each for each in _keys_near(file.path) if _belong_together(file.path, each)), None)
        if key is not None:
            found.append(ClientCertificate(file.path, key, file.certificates[0]))
    return tuple(found)


def _candidates(machine: Machine) -> Iterator[tuple[Path, str]]:
    for name in NAMING:
        if value := machine.env.get(name):
            yield machine.expand(value), name
    folders = [(Path(each), each in _FLAT) for each in _SYSTEM_FOLDERS]
    if root := machine.env.get("CAROOT"):
        folders.insert(0, (machine.expand(root), True))
    folders += [(machine.home / each, each in _FLAT) for each in _HOME_FOLDERS]
    walk = _Walk()
    for folder, flat in folders:
        for path in walk.files(folder, 0 if flat else _DEPTH):
            yield path, ""


class _Walk:
    """Goes through folders within a limit of entries and time for all of them together."""

    def __init__(self) -> None:
        self._entries = _ENTRIES
        self._ends = time.monotonic() + _SECONDS

    def files(self, folder: Path, depth: int) -> Iterator[Path]:
        below: list[Path] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self._entries -= 1
                    if self._entries < 0 or time.monotonic() > self._ends:
                        return
                    if entry.name.lower().endswith(_SUFFIXES):
                        yield Path(entry.path)
                    elif depth and entry.is_dir(follow_symlinks=False):
                        below.append(Path(entry.path))
        except OSError:
            return
        for each in sorted(below):
            yield from self.files(each, depth - 1)


def _read(path: Path) -> tuple[Certificate, ...]:
    try:
        if not path.is_file() or path.stat().st_size > _SIZE:
            return ()
        certificates, _ = pem_certificates(path.read_bytes())
        return tuple(read_certificate(der) for der in certificates)
    except (OSError, ValueError):
        return ()


def _keys_near(certificate: Path) -> Iterator[Path]:
    yield certificate
    stem = certificate.stem
    for suffix in _KEY_SUFFIXES:
        for base in (
            stem,
            f"{stem}-key",
            f"{stem}.key",
            stem.removesuffix("-cert"),
            f"{stem.removesuffix('-cert')}-key",
        ):
            yield certificate.with_name(base + suffix)
    for name in ("key.pem", "client.key", "client-key.pem", "tls.key"):
        yield certificate.with_name(name)


def _belong_together(certificate: Path, key: Path) -> bool:
    """Let OpenSSL say so; of a key with a passphrase nothing can be said, and it is taken at its name's word."""
    if not key.is_file():
        return False
    asked: list[bool] = []

    def passphrase() -> str:
        asked.append(True)
        return ""

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, passphrase)
    except (ssl.SSLError, OSError, ValueError):
        return bool(asked) and key != certificate
    return True

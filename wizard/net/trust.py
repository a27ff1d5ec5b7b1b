"""Whom Claude Code trusts and what it shows of itself, read from the same places by the same rules."""

from __future__ import annotations

import binascii
import contextlib
import os
import re
import ssl
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from wizard.net.certificate import Certificate, pem_certificates, read_certificate
from wizard.net.fault import Fault
from wizard.pattern import pattern
from wizard.record import dataclass, field
from wizard.secret import redact

SYSTEM_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where Debian, Red Hat, SUSE, and Alpine and macOS keep the system's authorities; a Python of its own may not know."""

_FILE_LIMIT: Final = 4 * 1024 * 1024
_FOLDER_LIMIT: Final = 2000
_HASH_NAME: Final = pattern(r"[0-9a-f]{8}\.\d+")
_ANY_BLOCK: Final = pattern(rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----(.*?)-----END", re.DOTALL)
_OLD_SUFFIXES: Final = (".pem", ".crt", ".cer")


@dataclass(frozen=True, slots=True)
class Named:
    """A file or folder of authorities, and where the user named it: `gateway.ca_file`, `SSL_CERT_FILE`."""

    path: Path
    where: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A context to verify with. `unused` are the named authorities that can't be used and that Claude Code ignores."""

    context: ssl.SSLContext = field(repr=False)
    unused: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom a server's certificate may be signed by, and what we show it ourselves (2.1.197 and 2.1.330, run).

    `extra` is NODE_EXTRA_CA_CERTS. `system_file` is SSL_CERT_FILE and takes the system bundle's place; `system_folders`
    are SSL_CERT_DIR and take the system folder's. With either of them, Claude Code before 2.1.330 (`newest` False)
    leaves the system's own bundle and folder out altogether. A client certificate counts only together with its key.
    """

    bundled: bool = True
    system: bool = True
    extra: Named | None = None
    system_file: Named | None = None
    system_folders: tuple[Named, ...] | None = None
    newest: bool = True
    client_cert: Path | None = None
    client_key: Path | None = None
    passphrase: str = field(default="", repr=False)

    def context(self) -> ssl.SSLContext:
        """Build the context, as strict as a file named for this one server deserves. Blocks, like `load`.

        Raises Fault: `tls-ca-missing`, `tls-ca-unusable` or `tls-client-cert-unusable`.
        """
        loaded = self.load()
        if loaded.unused:
            raise loaded.unused[0]
        return loaded.context

    def load(self) -> Loaded:
        """Build the context as Claude Code does. Blocks (20 ms and more): call it off the event loop.

        Raises Fault `tls-client-cert-unusable`, and `tls-ca-unusable` where an older Claude Code fails over the file.
        """
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.set_alpn_protocols(["http/1.1"])
        if self.bundled:
            import certifi

            made.load_verify_locations(certifi.where())
        found = _Found()
        if self.system:
            self._load_system(made, found)
        if self.extra:
            found.file(self.extra)
            if not self.newest and self.extra.path.exists() and not self.extra.path.is_dir():
                _refuse_nonsense(self.extra)
        _add(made, found.authorities)
        unused = list(found.unused)
        if self.client_cert:
            unused += self._load_client_certificate(made, self.client_cert)
        return Loaded(made, tuple(unused))

    def _load_system(self, made: ssl.SSLContext, found: _Found) -> None:
        replaced = not self.newest and (self.system_file is not None or self.system_folders is not None)
        if self.system_file is not None:
            found.file(self.system_file)
        elif not replaced:
            _load_bundle(made)
        for folder in self.system_folders or ():
            found.folder(folder, newest=self.newest)
            if not self.newest and folder.path.is_dir():
                made.load_verify_locations(capath=folder.path)
        if self.system_folders is None and not replaced:
            _load_folder(made, found, newest=self.newest)

    def _load_client_certificate(self, made: ssl.SSLContext, certificate: Path) -> Iterator[Fault]:
        """Load it; one that is not there counts as none, one that can't be read fails every request."""
        key = self.client_key or certificate
        for path in (certificate, key):
            if not path.is_file():
                yield _no_client(path, "it does not exist")
                return
        try:
            made.load_cert_chain(certificate, key, lambda: self.passphrase)
        except (ssl.SSLError, OSError, ValueError) as error:
            reason = _reason(error) or "it can't be read"
            raise _no_client(certificate, reason) from None


class _Found:
    """Authorities read one place after the other, and the places that could not be."""

    def __init__(self) -> None:
        self.authorities: dict[bytes, None] = {}
        self.unused: list[Fault] = []

    def file(self, named: Named) -> None:
        """Take what Claude Code reads of a file: everything up to the first block that is no certificate."""
        try:
            if not named.path.exists():
                raise _missing(named)
            if named.path.is_dir():
                raise _unusable(named, "it is a folder")
            certificates, whole = pem_certificates(_content(named.path))
        except OSError as error:
            self.unused.append(_unusable(named, redact(error.strerror or "it can't be read").lower()))
            return
        except Fault as fault:
            self.unused.append(fault)
            return
        self.authorities |= dict.fromkeys(certificates)
        if not certificates:
            self.unused.append(_unusable(named, "it holds no PEM certificate"))
        elif not whole:
            self.unused.append(_unusable(named, f"what follows certificate {len(certificates)} is broken"))

    def folder(self, named: Named, *, newest: bool) -> None:
        """Take every file of a folder; before 2.1.330 the first certificate of each .pem and .crt only."""
        try:
            paths = [each for each in _files_of(named.path) if newest or each.suffix in _OLD_SUFFIXES]
        except OSError:
            self.unused.append(_missing(named))
            return
        for path in paths:
            self.part(path, newest=newest)

    def part(self, path: Path, *, newest: bool) -> None:
        """Take one file of a folder, if it can be read."""
        with contextlib.suppress(OSError):
            certificates, _ = pem_certificates(_content(path))
            self.authorities |= dict.fromkeys(certificates if newest else certificates[:1])


def _files_of(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        return sorted(Path(each.path) for each, _ in zip(entries, range(_FOLDER_LIMIT), strict=False) if each.is_file())


def _content(path: Path) -> bytes:
    """Read a file that may be anything: a device or a pipe would be waited for."""
    if not path.is_file():
        raise OSError(0, "it is no file")
    with path.open("rb") as file:
        return file.read(_FILE_LIMIT)


def known_authorities(trust: Trust) -> tuple[Certificate, ...]:
    """Return the authorities of the bundles and files that count, to be looked through. Blocks."""
    contents: list[bytes] = []
    if trust.bundled:
        import certifi

        contents.append(Path(certifi.where()).read_bytes())
    bundle = system_bundle()
    if trust.system and bundle:
        contents.append(Path(bundle).read_bytes())
    for named in (trust.extra, trust.system_file):
        if named:
            with contextlib.suppress(OSError):
                contents.append(_content(named.path))
    ders = dict.fromkeys(der for content in contents for der in pem_certificates(content)[0])
    return tuple(read_certificate(der) for der in ders)


def system_bundle() -> str | None:
    """Return the file with this system's authorities, None where none is known."""
    known = (ssl.get_default_verify_paths().openssl_cafile, *SYSTEM_BUNDLES)
    return next((each for each in known if Path(each).is_file()), None)


def _load_bundle(made: ssl.SSLContext) -> None:
    if bundle := system_bundle():
        made.load_verify_locations(bundle)


def _load_folder(made: ssl.SSLContext, found: _Found, *, newest: bool) -> None:
    """Trust the system's folder: OpenSSL looks hashed names up when it needs them; files put there by hand have none.

    Before 2.1.330 hashed names counted in SSL_CERT_DIR only.
    """
    folder = ssl.get_default_verify_paths().openssl_capath
    if not Path(folder).is_dir():
        return
    if newest:
        made.load_verify_locations(capath=folder)
    bundle = system_bundle()
    for path in _files_of(Path(folder)):
        by_hand = not (path.is_symlink() or _HASH_NAME.fullmatch(path.name) or str(path) == bundle)
        if by_hand and (newest or path.suffix in _OLD_SUFFIXES):
            found.part(path, newest=newest)


def _add(made: ssl.SSLContext, authorities: Iterable[bytes]) -> None:
    for der in authorities:
        try:
            made.load_verify_locations(cadata=der)
        except ssl.SSLError:
            continue  # OpenSSL is stricter than we are about a certificate; then it can't verify anything either


def _refuse_nonsense(named: Named) -> None:
    """Refuse a file without anything like a certificate: before 2.1.330 every request fails over one."""
    try:
        content = _content(named.path)
    except OSError:
        content = b""
    for block in _ANY_BLOCK.finditer(content):
        with contextlib.suppress(ValueError):
            if binascii.a2b_base64(b"".join(block[1].split())).startswith(b"\x30"):
                return
    raise _unusable(named, "it holds no PEM certificate")


def _no_client(path: Path, reason: str) -> Fault:
    return Fault("tls-client-cert-unusable", file=str(path), where="The client certificate", reason=reason)


def _missing(named: Named) -> Fault:
    advice = f"Correct {named.where}, with an absolute path, or remove it."
    return Fault("tls-ca-missing", file=str(named.path), where=named.where, reason="it does not exist", advice=advice)


def _unusable(named: Named, reason: str) -> Fault:
    advice = "Give a PEM file with the authority's certificate."
    return Fault("tls-ca-unusable", file=str(named.path), where=named.where, reason=reason, advice=advice)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "").replace("_", " ").lower()
    return redact(getattr(error, "strerror", None) or "")

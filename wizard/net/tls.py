"""TLS as Claude Code will do it: the same authorities, the same client certificate, and every refusal by its name."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

from wizard.net import limits
from wizard.net.fault import Fault
from wizard.net.tcp import Stream, service_of
from wizard.record import dataclass
from wizard.secret import redact
from wizard.words import count

_BY_VERIFY_CODE: Final[Mapping[int, str]] = {
    9: "tls-not-yet",
    10: "tls-expired",
    2: "tls-untrusted",
    7: "tls-untrusted",
    18: "tls-untrusted",
    19: "tls-untrusted",
    20: "tls-untrusted",
    21: "tls-untrusted",
    27: "tls-untrusted",
    62: "tls-hostname",
    64: "tls-hostname",
}
"""OpenSSL's X509_V_ERR codes (x509_vfy.h). With any other, another authority would not help: tls-failed."""

_BY_REASON: Final[Mapping[str, str]] = {
    "WRONG_VERSION_NUMBER": "https-on-plain",
    "HTTP_REQUEST": "https-on-plain",
    "PACKET_LENGTH_TOO_LONG": "https-on-plain",
    "RECORD_LAYER_FAILURE": "https-on-plain",
    "UNSUPPORTED_PROTOCOL": "tls-version",
    "TLSV1_ALERT_PROTOCOL_VERSION": "tls-version",
    "NO_PROTOCOLS_AVAILABLE": "tls-version",
    "VERSION_TOO_LOW": "tls-version",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "tls-version",
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": "tls-version",
    "SSLV3_ALERT_BAD_CERTIFICATE": "tls-client-cert",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "tls-client-cert",
    "TLSV1_ALERT_UNKNOWN_CA": "tls-client-cert",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "tls-client-cert",
}


_HANDSHAKE: Final = b"\x16"
_ALERT: Final = b"\x15"
"""The first byte of a TLS record, by its type."""

_TWO_YEARS: Final = 730
"""Days from which the time left is told in years."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom we talk to, by its verified certificate."""

    issuer: str
    names: tuple[str, ...]
    not_after: datetime | None
    version: str

    @property
    def days_left(self) -> int | None:
        """Whole days until the certificate expires."""
        return None if self.not_after is None else (self.not_after - datetime.now(UTC)).days

    @property
    def time_left(self) -> str:
        """The time until the certificate expires, in words: `1 day`, `212 days`, from two years on `73 years`."""
        days = self.days_left
        if days is None:
            return "an unknown time"
        if days >= _TWO_YEARS:
            return count(days // 365, "year")
        return count(days, "day")


class TlsStream:
    """TLS over another stream, done in memory so that every byte and every refusal passes through our hands."""

    def __init__(self, below: Stream, context: ssl.SSLContext, host: str) -> None:
        self._below = below
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host.rstrip("."))
        self._first = b""
        self._flights = 0
        self.head = b""

    @property
    def address(self) -> str:
        """The IP address at the other end."""
        return self._below.address

    @property
    def session(self) -> ssl.SSLObject:
        """What was agreed, for its certificate."""
        return self._tls

    @property
    def was_answered(self) -> bool:
        """Whether a single byte has come from the other side."""
        return bool(self._first)

    async def handshake(self) -> Peer:
        """Agree on TLS and verify the server. Raises Fault, and `no-answer` at the limit."""
        try:
            async with asyncio.timeout(limits.HANDSHAKE):
                await self._shake_hands()
        except TimeoutError:
            raise Fault("no-answer", seconds=limits.HANDSHAKE, **_silence(self._first)) from None
        except ssl.SSLError as error:
            raise classify(error, self._first) from None
        except Fault as fault:
            raise _cut(self._first, fault, self._flights) from None
        return _peer(self._tls)

    async def _shake_hands(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                if not await self._fill():
                    raise Fault("tls-version", **_silence(self._first)) from None
                continue
            except ssl.SSLError:
                await self._flush()  # the alert that tells the server why
                raise
            await self._flush()
            return

    async def read(self) -> bytes:
        """Return what has come, or nothing once the other side has closed. Raises Fault."""
        while True:
            try:
                data = self._tls.read(limits.BODY)
            except ssl.SSLWantReadError:
                await self._flush()
                if not await self._fill():
                    return b""
                continue
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            except ssl.SSLError as error:
                raise classify(error, b"") from None
            if len(self.head) < 64:
                self.head = (self.head + data)[:64]
            return data

    async def write(self, data: bytes) -> None:
        """Send everything. Raises Fault `reset`."""
        try:
            self._tls.write(data)
        except ssl.SSLError as error:
            raise classify(error, b"") from None
        await self._flush()

    def close(self) -> None:
        """Drop the connection."""
        self._below.close()

    async def _flush(self) -> None:
        if data := self._outgoing.read():
            self._flights += 1
            await self._below.write(data)

    async def _fill(self) -> bool:
        data = await self._below.read()
        self._first = self._first or data[:8]
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        return bool(data)


def classify(error: ssl.SSLError, head: bytes) -> Fault:
    """Name what OpenSSL objected to; `head` is what the server sent first."""
    if isinstance(error, ssl.SSLCertVerificationError):
        verdict = _BY_VERIFY_CODE.get(error.verify_code, "tls-failed")
        return Fault(verdict, reason=redact(error.verify_message or ""), code=error.verify_code)
    reason = error.reason or ""
    verdict = _BY_REASON.get(reason, "tls-failed")
    if verdict == "https-on-plain" and head[:1] in (_HANDSHAKE, _ALERT):
        verdict = "tls-failed"
    if verdict == "https-on-plain" and head and not head.startswith(b"HTTP/"):
        return Fault("not-http", service=service_of(head))
    if reason == "SSLV3_ALERT_HANDSHAKE_FAILURE" and head[:1] == _HANDSHAKE:
        verdict = "tls-client-cert"
    return Fault(verdict, reason=reason.replace("_", " ").lower() or _unnamed(error))


def _unnamed(error: ssl.SSLError) -> str:
    """Return OpenSSL's own words where Python has no name for a reason: alert 120, no application protocol."""
    found = re.match(r"\[SSL[^\]]*\] ([a-z0-9 ]+)", str(error.strerror or error))
    return found[1].strip() if found else "no reason given"


def _silence(head: bytes) -> dict[str, object]:
    return {} if head else {"silent": True}


def _cut(head: bytes, fault: Fault, flights: int) -> Fault:
    """Name a handshake that was cut; a server that cuts after our second flight misses our certificate in it."""
    if head[:1] == _HANDSHAKE:
        return Fault("tls-client-cert") if flights > 1 else Fault("tls-failed", reason="cut in the middle")
    if head and head[:1] != _ALERT:
        return Fault("https-on-plain") if head.startswith(b"HTTP/") else Fault("not-http", service=service_of(head))
    return fault


def _peer(tls: ssl.SSLObject) -> Peer:
    certificate = cast("Mapping[str, Any]", tls.getpeercert() or {})
    ends = certificate.get("notAfter")
    return Peer(
        issuer=redact(common_name(certificate.get("issuer")), limit=60),
        names=tuple(redact(each) for each in certificate_names(certificate)),
        not_after=datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if ends else None,
        version=tls.version() or "",
    )


def common_name(distinguished: object) -> str:
    """Return what a person calls the subject or issuer of a certificate, as `getpeercert` gives them."""
    parts = cast("tuple[tuple[tuple[str, str], ...], ...]", distinguished or ())
    names = {key: str(value) for part in parts for key, value in part}
    return names.get("commonName") or names.get("organizationName") or "an unnamed authority"


def certificate_names(certificate: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the hosts that a certificate is for, as `getpeercert` gives them."""
    names = tuple(str(value) for kind, value in certificate.get("subjectAltName", ()) if kind in ("DNS", "IP Address"))
    return names or ((common_name(certificate.get("subject")),) if certificate.get("subject") else ())

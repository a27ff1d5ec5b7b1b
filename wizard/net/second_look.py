"""A closer look at a server after a fault, to tell causes apart. Nothing but a bare `HEAD /` is ever sent here."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from wizard.machine.background import in_daemon_thread
from wizard.net.fault import Fault
from wizard.net.http import Server, reach
from wizard.net.tls import TlsStream, certificate_names, common_name
from wizard.secret import redact

_NO_CHECK_TIME: Final = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME; Python's ssl has no name for it."""

_LIMIT: Final = 2.0
_UNKNOWN: Final[Mapping[str, object]] = {
    "issuer": "an authority",
    "names": "another host",
    "not_before": "a later date",
    "not_after": "an earlier date",
}


async def look_again(server: Server, fault: Fault) -> Fault:
    """Return the fault with what the certificate says, or the cause behind a connection that was merely cut.

    Takes at most two seconds and returns the fault itself when nothing more can be found. Raises nothing.
    """
    try:
        async with asyncio.timeout(_LIMIT):
            return await _closer(server, fault)
    except (TimeoutError, Fault, OSError, ValueError):
        return fault.adding(**_UNKNOWN) if fault.verdict in _WITH_CERTIFICATE else fault


_WITH_CERTIFICATE: Final = ("tls-untrusted", "tls-expired", "tls-not-yet", "tls-hostname")


async def _closer(server: Server, fault: Fault) -> Fault:
    if fault.verdict in _WITH_CERTIFICATE:
        return fault.adding(**{**_UNKNOWN, **await _certificate(server)})
    if fault.facts.get("silent"):
        return Fault("https-on-plain") if await _speaks_plainly(server) else fault
    if fault.verdict not in ("empty-reply", "reset"):
        return fault
    if server.address.scheme == "http":
        return Fault("http-on-tls") if not server.proxy and await _speaks_tls(server) else fault
    return Fault("tls-client-cert") if await _hangs_up_unasked(server) else fault


async def _certificate(server: Server) -> dict[str, object]:
    """Read the server's certificate: once unverified for its bytes, once more trusting just these to have them read."""
    unverified = await in_daemon_thread(_unverified)
    tls = await _shake_hands(server, unverified)
    certificate = tls.getpeercert(binary_form=True)
    if not certificate:
        return {}
    trusting_it = await in_daemon_thread(lambda: _trusting(certificate))
    read = (await _shake_hands(server, trusting_it)).getpeercert() or {}
    facts: dict[str, object] = {"issuer": redact(common_name(read.get("issuer")), limit=60)}
    if names := certificate_names(read):
        facts["names"] = redact(", ".join(names), limit=80)
    for fact, field in (("not_before", "notBefore"), ("not_after", "notAfter")):
        if moment := read.get(field):
            facts[fact] = f"{datetime.fromtimestamp(ssl.cert_time_to_seconds(str(moment)), UTC):%Y-%m-%d}"
    return facts


def _unverified() -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def _trusting(certificate: bytes) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.load_verify_locations(cadata=certificate)
    made.verify_flags = ssl.VerifyFlags(ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME)
    return made


async def _shake_hands(server: Server, context: ssl.SSLContext) -> ssl.SSLObject:
    stream = await reach(server)
    try:
        protected = TlsStream(stream, context, server.address.host)
        await protected.handshake()
        return protected.session
    finally:
        stream.close()


async def _speaks_tls(server: Server) -> bool:
    unverified = await in_daemon_thread(_unverified)
    secure = replace(server, address=replace(server.address, scheme="https", port=server.address.port))
    try:
        await _shake_hands(secure, unverified)
    except Fault as fault:
        return fault.verdict == "tls-client-cert"
    return True


async def _speaks_plainly(server: Server) -> bool:
    """Whether the port answers http: some servers close without a word when they are greeted in TLS."""
    stream = await reach(server)
    try:
        await stream.write(b"HEAD / HTTP/1.0\r\n\r\n")
        answer = await stream.read()
        return answer.startswith(b"HTTP/") and b"HTTPS" not in answer
    finally:
        stream.close()


async def _hangs_up_unasked(server: Server) -> bool:
    """Whether the server closes right after the handshake: so refuses TLS 1.3 who comes without a certificate."""
    assert server.context  # noqa: S101 - prepare() built one for every https address
    stream = await reach(server)
    try:
        protected = TlsStream(stream, server.context, server.address.host)
        await protected.handshake()
        try:
            return await protected.read() == b""
        except Fault as fault:
            return fault.verdict in ("tls-client-cert", "reset")
    finally:
        stream.close()

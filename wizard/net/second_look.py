"""A closer look at a server after a fault, to tell causes apart. Nothing but a bare `HEAD /` is ever sent here."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from typing import Final

from wizard.machine.background import in_daemon_thread
from wizard.net.certificate import Certificate, read_certificate
from wizard.net.fault import Fault
from wizard.net.http import Server, reach
from wizard.net.tls import TlsStream
from wizard.record import replace
from wizard.secret import redact

_LIMIT: Final = 2.0
_CHAIN: Final = 6
_WITH_CERTIFICATE: Final = ("tls-untrusted", "tls-expired", "tls-not-yet", "tls-hostname")


async def look_again(server: Server, fault: Fault) -> Fault:
    """Return the fault with what the certificate says, or the cause behind a connection that was merely cut.

    Takes at most two seconds and returns the fault itself when nothing more can be found. Raises nothing.
    """
    try:
        async with asyncio.timeout(_LIMIT):
            return await _closer(server, fault)
    except (TimeoutError, Fault, OSError, ValueError):
        return fault


async def sent_chain(server: Server) -> tuple[Certificate, ...]:
    """Return the certificates a server sends, its own first. No byte of a request is sent.

    Verification is off for this one handshake, which ends the connection; it may fail once the server has shown itself.
    Raises Fault, and ValueError when what the server sent is no certificate.
    """
    unverified = await in_daemon_thread(_unverified)
    stream = await reach(server)
    try:
        protected = TlsStream(stream, unverified, server.address.host)
        try:
            await protected.handshake()
        except Fault:
            if not _chain_bytes(protected.session):
                raise
        return tuple(read_certificate(der) for der in _chain_bytes(protected.session))
    finally:
        stream.close()


def _chain_bytes(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """Python has a public name for the whole chain from 3.13 on; the private one has been there since 3.10."""
    public = getattr(tls, "get_unverified_chain", None)
    if public is not None:
        return tuple(public() or ())
    inner = getattr(getattr(tls, "_sslobj", None), "get_unverified_chain", None)
    chain = inner() if inner is not None else None
    if chain:
        return tuple(ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in chain)
    own = tls.getpeercert(binary_form=True)
    return (own,) if own else ()


async def _closer(server: Server, fault: Fault) -> Fault:
    if fault.verdict in _WITH_CERTIFICATE or "code" in fault.facts:
        return Fault(fault.verdict, **{**fault.facts, **_told_by(await sent_chain(server), fault, server.address.host)})
    if fault.facts.get("silent"):
        return Fault("https-on-plain") if await _speaks_plainly(server) else fault
    if fault.verdict not in ("empty-reply", "reset"):
        return fault
    if server.address.scheme == "http":
        return Fault("http-on-tls") if not server.proxy and await _speaks_tls(server) else fault
    return Fault("tls-client-cert") if await _hangs_up_unasked(server) else fault


def _told_by(chain: tuple[Certificate, ...], fault: Fault, host: str) -> dict[str, object]:
    """Return the facts of a chain. A date is that of the first certificate in it that has the fault."""
    if not chain:
        return {}
    now = datetime.now(UTC)
    at_fault = chain[0]
    if fault.verdict == "tls-expired":
        at_fault = next((each for each in chain if each.not_after < now), chain[0])
    elif fault.verdict == "tls-not-yet":
        at_fault = next((each for each in chain if each.not_before > now), chain[0])
    facts = {name: at_fault.as_facts()[name] for name in ("issuer", "not_before", "not_after")}
    if names := chain[0].names:
        facts["names"] = redact(", ".join(names), limit=80)
        if fault.verdict == "tls-hostname" and host in names:  # then it stands there as a name
            facts["names"] = f"{host} as a name and not as an IP address"
    return {**facts, "issuer": chain[0].issuer, "chain": [each.as_facts() for each in chain[:_CHAIN]]}


def _unverified() -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
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

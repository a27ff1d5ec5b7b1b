"""What a server can do when it is greeted in TLS, each with the verdict a person should read."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.faults import servers
from tests.faults.behaviours import HTML, SIGN_IN_PAGE, Behaviour, by_path, paced
from tests.faults.certificates import Authority
from tests.faults.servers import Handler, Talk, litellm, says, sends

LOCAL: Final = "127.0.0.1"
Context = Callable[[Authority], ssl.SSLContext]
TLS_ROW: Final = "gateway.tls"
NGINX_MUTUAL: Final = "<html><head><title>400 No required SSL certificate was sent</title></head></html>"


@dataclass(frozen=True)
class InTls(Behaviour):
    """A behaviour behind a handshake that the context makes."""

    context: Context = lambda authority: authority.issue(LOCAL).context()


def greets(data: bytes) -> Handler:
    """Answer whatever comes first with these bytes, and close."""

    async def handle(talk: Talk) -> None:
        await talk.reader.read(4096)
        await talk.send(data)

    return handle


def alert(code: int) -> Handler:
    """Refuse the handshake with a fatal alert (RFC 8446, section 6)."""
    return greets(bytes((0x15, 3, 3, 0, 2, 2, code)))


async def drips_its_hello(talk: Talk) -> None:
    """Start a handshake and take for ever over it."""
    await talk.reader.read(4096)
    await talk.send(b"\x16\x03\x03\x02\x00\x02")
    while True:
        await talk.send(b"\x00")
        await asyncio.sleep(0.3)


def old_protocol(authority: Authority) -> ssl.SSLContext:
    """A server of ten years ago."""
    made = authority.issue(LOCAL).context()
    made.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.minimum_version = ssl.TLSVersion.TLSv1
        made.maximum_version = ssl.TLSVersion.TLSv1_1
    return made


def wants_certificate(newest: ssl.TLSVersion) -> Context:
    """A server that talks to holders of a certificate only."""

    def make(authority: Authority) -> ssl.SSLContext:
        made = authority.issue(LOCAL).context()
        made.maximum_version = newest
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(authority.certificate)
        return made

    return make


def certificate(*names: str, **more: Any) -> Context:
    """A server with this certificate; `more` is what `Authority.issue` takes."""
    return lambda authority: authority.issue(*names, **more).context()


def of_another_authority(authority: Authority) -> ssl.SSLContext:
    """A server whose certificate is signed by somebody nobody knows."""
    return Authority(authority.folder, "Other CA").issue(LOCAL).context()


HANDSHAKES: Final[list[Behaviour]] = [
    Behaviour("plain http", litellm(), "https-on-plain", TLS_ROW),
    Behaviour("400 to anything", sends(b"HTTP/1.1 400 Bad Request\r\n\r\n", first=True), "https-on-plain", TLS_ROW),
    Behaviour("SSH", sends(b"SSH-2.0-OpenSSH_9.2\r\n", first=True), "not-http", TLS_ROW, cause="an SSH server"),
    Behaviour("mail", sends(b"220 mail.example ESMTP\r\n", first=True), "not-http", TLS_ROW, cause="mail"),
    Behaviour("Redis", greets(b"-ERR Protocol error\r\n"), "not-http", TLS_ROW, cause="a Redis server"),
    Behaviour("garbage", greets(b"\x00\x01\x02\x03garbage"), "not-http|https-on-plain|tls-failed", TLS_ROW),
    Behaviour("closes", servers.closes_at_once, "tls-version|reset", TLS_ROW),
    Behaviour("closes when greeted", greets(b""), "tls-version|reset", TLS_ROW),
    Behaviour("resets", servers.resets_when_greeted, "reset", TLS_ROW),
    Behaviour("hangs", servers.hangs, "no-answer", TLS_ROW),
    Behaviour("drips its hello", drips_its_hello, "no-answer|too-slow", TLS_ROW),
    Behaviour("record of the wrong length", greets(b"\x16\x03\x03\xff\xff" + b"x" * 4000), "tls-failed", TLS_ROW),
    Behaviour("hello of nonsense", greets(b"\x16\x03\x03\x00\x04\x02\x00\x00\x00"), "tls-failed", TLS_ROW),
    Behaviour("alert: handshake failure", alert(40), "tls-version", TLS_ROW),
    Behaviour("alert: protocol version", alert(70), "tls-version", TLS_ROW),
    Behaviour("alert: insufficient security", alert(71), "tls-version", TLS_ROW),
    Behaviour("alert: internal error", alert(80), "tls-failed", TLS_ROW, cause="internal error"),
    Behaviour("alert: unrecognized name", alert(112), "tls-failed", TLS_ROW, cause="unrecognized name"),
    Behaviour("alert: no such protocol", alert(120), "tls-failed", TLS_ROW, cause="no application protocol"),
    Behaviour("alert: access denied", alert(49), "tls-failed|tls-client-cert", TLS_ROW),
    Behaviour("alert: certificate required", alert(116), "tls-client-cert", TLS_ROW),
    Behaviour("alert: unknown authority", alert(48), "tls-client-cert", TLS_ROW),
    Behaviour("half a hello", greets(b"\x16\x03\x03\x40\x00\x02"), "tls-failed", TLS_ROW, cause="cut in the middle"),
    Behaviour("half an alert", greets(b"\x15\x03\x03"), "tls-version|tls-failed", TLS_ROW),
]
"""An https URL, and what answers the greeting."""

CERTIFICATES: Final[list[InTls]] = [
    InTls("expired", litellm(), "tls-expired", TLS_ROW, context=certificate(LOCAL, starts=-20, ends=-2)),
    InTls("expired long ago", litellm(), "tls-expired", TLS_ROW, context=certificate(LOCAL, starts=-900, ends=-800)),
    InTls("not yet", litellm(), "tls-not-yet", TLS_ROW, context=certificate(LOCAL, starts=2, ends=9)),
    InTls("not for years", litellm(), "tls-not-yet", TLS_ROW, context=certificate(LOCAL, starts=900, ends=901)),
    InTls("another host", litellm(), "tls-hostname", TLS_ROW, context=certificate("llm.corp.example")),
    InTls("another address", litellm(), "tls-hostname", TLS_ROW, context=certificate("127.0.0.2")),
    InTls(
        "an address as a name",
        litellm(),
        "tls-hostname",
        TLS_ROW,
        context=certificate("llm.corp.example", as_text=LOCAL),
        cause="for 127.0.0.1 as a name and not as an IP address, and you asked for 127.0.0.1",
    ),
    InTls(
        "for clients only",
        litellm(),
        "tls-failed",
        TLS_ROW,
        context=certificate(LOCAL, purpose=ExtendedKeyUsageOID.CLIENT_AUTH),
        cause="certificate purpose",
    ),
    InTls(
        "for servers",
        litellm(),
        "tls-ok",
        TLS_ROW,
        worst="pass",
        context=certificate(LOCAL, purpose=ExtendedKeyUsageOID.SERVER_AUTH),
    ),
    InTls("self-signed", litellm(), "tls-untrusted", TLS_ROW, context=certificate(LOCAL, self_signed=True)),
    InTls("unknown authority", litellm(), "tls-untrusted", TLS_ROW, context=of_another_authority),
    InTls("old protocol", litellm(), "tls-version", TLS_ROW, context=old_protocol),
    InTls(
        "wants ours, 1.2",
        litellm(),
        "tls-client-cert",
        TLS_ROW,
        context=wants_certificate(ssl.TLSVersion.TLSv1_2),
    ),
    InTls("wants ours, 1.3", litellm(), "tls-client-cert", context=wants_certificate(ssl.TLSVersion.TLSv1_3)),
    InTls("expires soon", litellm(), "tls-expires-soon", TLS_ROW, context=certificate(LOCAL, ends=5), worst="warn"),
    InTls("good", litellm(), "tls-ok", TLS_ROW, worst="pass"),
]

BEHIND_TLS: Final = [
    InTls("nginx without our certificate", says(400, NGINX_MUTUAL, kind=HTML), "tls-client-cert"),
    InTls(
        "IIS without our certificate", says(403, "<h2>Client certificate required</h2>", kind=HTML), "tls-client-cert"
    ),
    InTls("another 400", says(400, "<title>400 Bad Request</title>", kind=HTML), "not-litellm"),
    InTls("hangs behind TLS", servers.hangs, "no-answer"),
    InTls("closes behind TLS", servers.closes, "empty-reply"),
    InTls("cuts behind TLS", servers.resets, "reset|empty-reply"),
    InTls("drips behind TLS", paced(b"HTTP/1.1 200 OK\r\nX-A: ", b"a", 0.3), "too-slow"),
    InTls("floods behind TLS", servers.endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536), "too-big"),
    InTls("HTTP/2 behind TLS", sends(b"\x00\x00\x12\x04" + b"\x00" * 23), "not-http", cause="HTTP/2"),
    InTls("SSH behind TLS", sends(b"SSH-2.0-x\r\n"), "not-http", cause="an SSH server"),
    InTls("sign-in behind TLS", says(200, SIGN_IN_PAGE, kind=HTML), "not-litellm", cause="a sign-in page"),
    InTls("404 behind TLS", says(404, "no"), "wrong-path"),
    InTls("down to http", says(301, Location="http://127.0.0.1/x"), "redirect-other", fix="Do not use that http"),
    InTls("to a sign-in from TLS", says(302, Location="/sso/login"), "redirect-login"),
    InTls("says 400 about https", says(400, "use https"), "not-litellm"),
    InTls("Ollama behind TLS", by_path(says(404, "no"), _=says(200, "Ollama is running")), "not-litellm"),
    InTls("flaky behind TLS", servers.first(2, says(503, "busy"), litellm()), "ok", worst="pass"),
    InTls("below a path behind TLS", litellm("/llm"), "wrong-path", fix="/llm: LiteLLM answers there."),
]

IN_TLS: Final = [*CERTIFICATES, *BEHIND_TLS]
"""Servers that agree on TLS, or would."""

"""One HTTP request under hard limits, over a connection whose every stage has its own verdict.

h11 speaks the protocol; nothing happens that is not written here: no redirect is followed, no cookie kept, no netrc or
proxy variable read, no body decompressed, and a credential goes out only where a caller puts it into `headers`.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from wizard.machine.background import in_daemon_thread
from wizard.net import limits
from wizard.net.address import Address
from wizard.net.fault import Fault
from wizard.net.foreign_json import read_json
from wizard.net.name import resolve
from wizard.net.proxy import Proxy
from wizard.net.tcp import Stream, connect, service_of
from wizard.net.tls import Peer, TlsStream
from wizard.net.trust import Loaded, Trust
from wizard.record import dataclass, field, replace

if TYPE_CHECKING:
    import h11

Headers = Sequence[tuple[str, str]]

_HEADER_BYTES: Final = 64 * 1024
_START: Final = b"HTTP/1."
_OVERHEAD: Final = 8
"""How many bytes may come for one of the body (the frame of a one-byte chunk has six): h11 takes chunk extensions, and
before an answer's head interim ones, without end."""

_PROXY_REASONS: Final = {
    "refused": "refuses the connection",
    "dns-unknown": "has a name that does not exist",
    "dns-down": "has a name that no name server resolves",
    "unreachable": "can't be reached",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A server and the way to it.

    `addresses` are those of the host (or of the proxy) once they are known; `unused` are the named authorities and
    certificates that Claude Code passes over.
    """

    address: Address
    context: ssl.SSLContext | None = field(repr=False)
    proxy: Proxy | None = None
    addresses: tuple[str, ...] = ()
    unused: tuple[Fault, ...] = ()

    @property
    def first_hop(self) -> tuple[str, int]:
        """Host and port that we connect to ourselves."""
        return (self.proxy.host, self.proxy.port) if self.proxy else (self.address.host, self.address.port)

    @property
    def forwards(self) -> bool:
        """Whether a proxy reads the request itself, instead of only carrying the bytes."""
        return self.proxy is not None and self.address.scheme == "http"


async def prepare(address: Address, trust: Trust, proxy: Proxy | None = None) -> Server:
    """Get ready for requests to a server: what takes time to import and to load is done off the event loop.

    Raises Fault when a CA or client certificate file makes Claude Code fail whatever the server does.
    """
    needs_tls = address.scheme == "https" or (proxy is not None and proxy.scheme == "https")

    def load() -> Loaded | None:
        import h11  # noqa: F401 - 10 ms, spent here and not in the event loop

        return trust.load() if needs_tls else None

    loaded = await in_daemon_thread(load)
    if loaded is None:
        return Server(address, None, proxy)
    return Server(address, loaded.context, proxy, unused=loaded.unused)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. Header names are in lower case; `ms` runs from the request to the last byte kept."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    ms: float

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> object:
        """Return the body read as JSON, None when it is none."""
        return read_json(self.body)


async def find(server: Server) -> Server:
    """Return the server with the addresses of the host we connect to. Raises Fault."""
    if server.addresses:
        return server
    try:
        return replace(server, addresses=await resolve(server.first_hop[0]))
    except Fault as fault:
        raise _on_the_way(server, fault) from None


async def reach(server: Server) -> Stream:
    """Connect, through the proxy's tunnel where there is one. Raises Fault."""
    server = await find(server)
    host, port = server.first_hop
    try:
        stream: Stream = await connect(host, port, server.addresses)
    except Fault as fault:
        raise _on_the_way(server, fault) from None
    try:
        return await _through(server.proxy, server, stream) if server.proxy else stream
    except BaseException:
        stream.close()
        raise


async def secure(server: Server, stream: Stream) -> tuple[TlsStream, Peer]:
    """Agree on TLS with the server itself. Raises Fault."""
    assert server.context  # noqa: S101 - prepare() built one for every https address
    protected = TlsStream(stream, server.context, server.address.host)
    try:
        return protected, await protected.handshake()
    except Fault as fault:
        if server.proxy is None or protected.was_answered:
            raise
        where, proxy = server.proxy.where, server.proxy.shown
        raise Fault(
            "proxy-dead", where=where, proxy=proxy, reason="opens the way and lets nothing through", found=fault.verdict
        ) from None


@asynccontextmanager
async def connection(server: Server, ready: Stream | None = None) -> AsyncIterator[Stream]:
    """Open a connection that is ready for a request, or take the one given; it is closed in the end. Raises Fault."""
    stream = ready or await reach(server)
    try:
        if server.address.scheme == "https" and ready is None:
            stream, _ = await secure(server, stream)
        yield stream
    finally:
        stream.close()


async def request(
    server: Server,
    method: str,
    path: str,
    *,
    headers: Headers = (),
    body: bytes = b"",
    most: int = limits.BODY,
    patience: float = limits.FIRST_BYTE,
    over: Stream | None = None,
) -> Response:
    """Send one request and return the answer, whatever its status.

    `path` is below the server's own path; `most` is how many bytes of a body are read before it is too much, `patience`
    how many seconds the server may think, `over` a connection already open to it, which is closed in the end. Raises
    Fault, also for a compressed body, which nobody asked for; with the usual patience at the latest after 8 s.
    """
    started = time.monotonic()
    total = limits.TOTAL - limits.FIRST_BYTE + patience
    try:
        async with asyncio.timeout(total), connection(server, over) as stream:
            talk = _Conversation(stream, patience, most)
            await talk.say(_request_head(server, method, path, headers, body), body)
            head = await talk.response()
            answered = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in head.headers}
            if answered.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
                raise Fault("encoded")
            content = await talk.body()
    except TimeoutError:
        raise Fault("too-slow", seconds=total) from None
    except Fault as fault:
        nothing_came = fault.verdict in ("empty-reply", "no-answer", "reset")
        raise _on_the_way(server, fault) if server.forwards and nothing_came else fault from None
    if server.proxy and server.forwards and head.status_code == 407:
        raise Fault("proxy-auth", where=server.proxy.where, proxy=server.proxy.shown)
    return Response(head.status_code, answered, content, (time.monotonic() - started) * 1000)


def _request_head(server: Server, method: str, path: str, headers: Headers, body: bytes) -> h11.Request:
    import h11

    address = server.address
    target = (address.url if server.forwards else address.path) + path
    all_headers = [
        ("Host", address.authority),
        ("User-Agent", "claude-litellm-wizard"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
        *headers,
    ]
    if body or method == "POST":
        all_headers.append(("Content-Length", str(len(body))))
    if server.proxy and server.forwards:
        all_headers += _proxy_authorization(server.proxy)
    return h11.Request(method=method, target=target, headers=all_headers)


class _Conversation:
    """h11 on a stream: one request said, one answer heard."""

    def __init__(self, stream: Stream, patience: float, most: int = 0) -> None:
        import h11

        self._h11 = h11
        self._stream = stream
        self._patience = patience
        self._most = most
        self._spare = 2 * _HEADER_BYTES
        self._state = h11.Connection(h11.CLIENT, _HEADER_BYTES)

    async def say(self, head: h11.Request, body: bytes = b"") -> None:
        parts = [self._state.send(head)]
        if body:
            parts.append(self._state.send(self._h11.Data(body)))
        parts.append(self._state.send(self._h11.EndOfMessage()))
        await self._stream.write(b"".join(part for part in parts if part))

    async def response(self) -> h11.Response:
        while not isinstance(event := await self._next(), self._h11.Response):
            if not isinstance(event, self._h11.InformationalResponse) or event.status_code == 101:
                raise Fault("malformed")
        return event

    async def body(self) -> bytes:
        content = bytearray()
        self._spare += _OVERHEAD * self._most
        while isinstance(event := await self._next(), self._h11.Data):
            content += event.data
            if len(content) > self._most:
                raise Fault("too-big", limit=self._most)
        return bytes(content)

    async def _next(self) -> object:
        began = self._state.their_state is not self._h11.SEND_RESPONSE
        while True:
            try:
                event = self._state.next_event()
            except self._h11.RemoteProtocolError as error:
                raise _no_answer(self._stream.head, error, began=began) from None
            if event is not self._h11.NEED_DATA:
                return event
            heard = await self._heard()
            self._spare -= len(heard)
            if self._spare < 0:
                raise Fault("too-big", limit=max(self._most, 2 * _HEADER_BYTES))
            self._state.receive_data(heard)
            if not began and len(self._stream.head) >= len(_START) and not self._stream.head.startswith(_START):
                raise _not_http(self._stream.head)  # a service that speaks first may say nothing more, or just cut

    async def _heard(self) -> bytes:
        if self._stream.head:
            return await self._stream.read()
        try:
            async with asyncio.timeout(self._patience):
                return await self._stream.read()
        except TimeoutError:
            raise Fault("no-answer", seconds=self._patience) from None


def _no_answer(head: bytes, error: h11.RemoteProtocolError, *, began: bool) -> Fault:
    if not head:
        return Fault("empty-reply")
    if not head.startswith(_START):
        return _not_http(head)
    if error.error_status_hint == 431:
        return Fault("too-big", limit=_HEADER_BYTES)
    return Fault("cut-body" if began else "malformed")


def _not_http(head: bytes) -> Fault:
    return Fault("http-on-tls") if head[:1] in (b"\x15", b"\x16") else Fault("not-http", service=service_of(head))


async def _through(proxy: Proxy, server: Server, stream: Stream) -> Stream:
    """Return the stream on which the server itself can be spoken to."""
    try:
        async with asyncio.timeout(limits.FIRST_BYTE):
            if proxy.scheme == "https":
                assert server.context  # noqa: S101 - prepare() built one for every https proxy
                protected = TlsStream(stream, server.context, proxy.host)
                await protected.handshake()
                stream = protected
            if not server.forwards:
                await _open_tunnel(proxy, server.address, stream)
    except TimeoutError:
        raise Fault("proxy-dead", where=proxy.where, proxy=proxy.shown, reason="does not answer") from None
    except Fault as fault:
        raise _on_the_way(server, fault) from None
    return stream


async def _open_tunnel(proxy: Proxy, address: Address, stream: Stream) -> None:
    import h11

    host = f"[{address.host}]" if ":" in address.host else address.host
    target = f"{host}:{address.port}"
    talk = _Conversation(stream, limits.FIRST_BYTE)
    await talk.say(
        h11.Request(method="CONNECT", target=target, headers=[("Host", target), *_proxy_authorization(proxy)])
    )
    status = (await talk.response()).status_code
    if status == 407:
        raise Fault("proxy-auth", where=proxy.where, proxy=proxy.shown)
    if not 200 <= status < 300:
        raise Fault("proxy-refuses", where=proxy.where, proxy=proxy.shown, status=status)


def _proxy_authorization(proxy: Proxy) -> list[tuple[str, str]]:
    if proxy.credentials is None:
        return []
    return [("Proxy-Authorization", "Basic " + base64.b64encode(proxy.credentials.reveal().encode()).decode())]


def _on_the_way(server: Server, fault: Fault) -> Fault:
    """A fault before the server itself was reached is the proxy's, when there is one."""
    proxy = server.proxy
    if proxy is None or fault.verdict.startswith("proxy-"):
        return fault
    reason = _PROXY_REASONS.get(fault.verdict, "does not answer")
    return Fault("proxy-dead", where=proxy.where, proxy=proxy.shown, reason=reason, found=fault.verdict)

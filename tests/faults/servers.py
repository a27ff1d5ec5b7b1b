"""Servers on loopback that misbehave, each in one way, and a gateway double that behaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field

Handler = Callable[["Talk"], Awaitable[None]]


@dataclass
class Talk:
    """One connection, seen from the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    received: list[bytes]

    async def request(self) -> bytes:
        """Read a request up to the end of its headers, and remember it."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.received.append(head)
        return head

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(
        self, status: int = 200, body: bytes | str = b"", *, kind: str = "application/json", **headers: str
    ) -> None:
        """Send a complete answer; `_` in a header name stands for `-`."""
        data = body.encode() if isinstance(body, str) else body
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {kind}", f"Content-Length: {len(data)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data)


@dataclass
class Running:
    """A server under way: its port, and every request it got."""

    port: int
    received: list[bytes] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """The request lines, without the HTTP version."""
        return [each.split(b"\r\n")[0].decode("latin-1").rpartition(" ")[0] for each in self.received]


@contextlib.asynccontextmanager
async def serving(
    handler: Handler, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Running]:
    """Run a server on a free port for as long as the block lasts."""
    running = Running(0)
    writers: list[asyncio.StreamWriter] = []
    tasks: set[asyncio.Task[None] | None] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        tasks.add(asyncio.current_task())
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError, ValueError):
            await handler(Talk(reader, writer, running.received))
        writer.close()

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # handshakes fail here on purpose
    server = await asyncio.start_server(connected, host, 0, ssl=tls)
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        server.close()
        for writer in writers:
            with contextlib.suppress(AttributeError):  # Python 3.11.2 raises it for TLS that was closed twice
                writer.transport.abort()
        for task in tasks:
            if task:
                task.cancel()
        await asyncio.sleep(0.01)


@contextlib.contextmanager
def blackhole() -> Iterator[int]:
    """A port that never accepts: its queue is full, so that the kernel drops what comes."""
    with socket.socket() as listening, contextlib.ExitStack() as fillers:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listening.getsockname())
        yield listening.getsockname()[1]


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port that nothing listens on, and that nobody else gets meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


ALIVE = '"I\'m alive!"'
UI_CONFIG = '{"server_root_path":"","proxy_base_url":null,"sso_configured":false}'
NO_KEY = '{"error":{"message":"Authentication Error, No api key passed in.","type":"auth_error","code":"401"}}'
NOT_FOUND = '{"detail":"Not Found"}'

Answer = tuple[int, str] | Handler
Answers = Mapping[str, Answer]

LITELLM: Answers = {
    "GET /health/liveliness": (200, ALIVE),
    "GET /health/readiness": (200, '{"status":"healthy","db":"Not connected"}'),
    "GET /.well-known/litellm-ui-config": (200, UI_CONFIG),
    "GET /v1/messages": (405, '{"detail":"Method Not Allowed"}'),
    "GET /bedrock/inference-profiles": (401, NO_KEY),
    "GET /vertex_ai/v1/projects": (401, NO_KEY),
    "GET /claude_code_gateway/.well-known/oauth-authorization-server": (404, '{"error":"not_found"}'),
}
"""What LiteLLM 1.106.2 says without a key (with prisma; without it the 401s are 500s)."""

_NAMES = ("alive", "ready", "identity", "anthropic", "bedrock", "vertex", "sign_in")


def litellm(base: str = "", **other: Answer) -> Handler:
    """A gateway double; `other` maps alive, ready, identity and so on to another (status, body) or behaviour."""
    names = dict(zip(_NAMES, LITELLM, strict=True))
    table = {**LITELLM, **{names[name]: answer for name, answer in other.items()}}

    async def handle(talk: Talk) -> None:
        head = await talk.request()
        method, path, _ = head.split(b"\r\n")[0].decode("latin-1").split(" ")
        known = path.startswith(base)
        answer = table.get(f"{method} {path.removeprefix(base)}", (404, NOT_FOUND)) if known else (404, NOT_FOUND)
        if method == "HEAD":
            there = table.get(f"GET {path.removeprefix(base)}") if known else None
            answer = (404 if there is None or (isinstance(there, tuple) and there[0] == 404) else 405, "")
        if isinstance(answer, tuple):
            await talk.answer(*answer)
        else:
            await answer(heard(talk, head))

    return handle


def heard(talk: Talk, head: bytes) -> Talk:
    """The same connection, its request still to be read, for another behaviour."""
    again = asyncio.StreamReader()
    again.feed_data(head)
    return Talk(again, talk.writer, [])


def says(status: int = 200, body: bytes | str = b"", **headers: str) -> Handler:
    """A server with one answer for everything."""

    async def handle(talk: Talk) -> None:
        await talk.request()
        await talk.answer(status, body, **headers)

    return handle


def sends(data: bytes, *, first: bool = False) -> Handler:
    """A server that sends these bytes and closes; `first` means without waiting for a request."""

    async def handle(talk: Talk) -> None:
        if not first:
            await talk.request()
        await talk.send(data)
        if first:
            await talk.reader.read(4096)

    return handle


def endless(head: bytes, chunk: bytes, pause: float = 0.0) -> Handler:
    """A server that never comes to an end."""

    async def handle(talk: Talk) -> None:
        await talk.request()
        await talk.send(head)
        while True:
            await talk.send(chunk)
            await asyncio.sleep(pause)

    return handle


async def hangs(talk: Talk) -> None:
    """Accept, and say nothing."""
    await talk.reader.read(65536)
    await asyncio.sleep(60)


async def closes(talk: Talk) -> None:
    """Take the request, and close."""
    await talk.request()


async def closes_at_once(talk: Talk) -> None:
    """Close before anything was said."""


async def resets(talk: Talk) -> None:
    """Take the request, and cut the connection."""
    await talk.request()
    cut(talk)


async def resets_in_body(talk: Talk) -> None:
    """Promise a body, and cut the connection in it."""
    await talk.request()
    await talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    await asyncio.sleep(0.05)
    cut(talk)


async def resets_when_greeted(talk: Talk) -> None:
    """Cut the connection at the first bytes."""
    await talk.reader.read(4096)
    cut(talk)


def cut(talk: Talk) -> None:
    """Cut the connection, so that the other side sees a reset."""
    connection = talk.writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    talk.writer.transport.abort()


def first(times: int, bad: Handler, then: Handler) -> Handler:
    """A server that misbehaves a few times for each path and is fine from then on."""
    seen: dict[bytes, int] = {}

    async def handle(talk: Talk) -> None:
        head = await talk.request()
        path = head.split(b"\r\n")[0]
        seen[path] = seen.get(path, 0) + 1
        await (bad if seen[path] <= times else then)(heard(talk, head))

    return handle


def connect_proxy(status: int = 200, hang: bool = False) -> Handler:
    """An HTTP proxy: tunnels CONNECT and passes other requests on, or refuses everything with a status."""

    async def handle(talk: Talk) -> None:
        head = await talk.request()
        if hang:
            await asyncio.sleep(60)
        method, target, _ = head.split(b"\r\n")[0].decode("latin-1").split(" ")
        if status != 200:
            await talk.answer(status, "<h1>no</h1>", kind="text/html")
            return
        authority = target if method == "CONNECT" else target.split("/")[2]
        host, _, port = authority.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            if method == "CONNECT":
                await talk.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = "/" + target.split("/", 3)[3]
                writer.write(head.replace(target.encode(), path.encode(), 1))
            await asyncio.gather(_pump(reader, talk.writer), _pump(talk.reader, writer))
        finally:
            writer.close()

    return handle


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        sink.close()


def as_json(value: object) -> str:
    """Return a value as a JSON body."""
    return json.dumps(value)

"""Servers on loopback for the demo: bound at once, answering from a thread of their own once they are started."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

_MOST: Final = 1024 * 1024
"""Bytes of a request's body."""

Manner = Literal["prompt", "slow", "hangs", "cuts", "absent"]
"""How a server behaves on the wire, whatever it answers."""

_SLOW: Final = 2.2


class Request(NamedTuple):
    """What was asked. `path` has no query; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Mapping[str, object]:
        """Return the JSON object of the body, empty when it holds none."""
        try:
            read = json.loads(self.body)
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}


class Reply(NamedTuple):
    """What is answered: JSON unless `kind` says otherwise."""

    status: int
    body: bytes = b""
    kind: str = "application/json"
    headers: Mapping[str, str] = {}


Answer = Callable[[Request], Reply]


def in_json(status: int, value: object, **headers: str) -> Reply:
    """Return a reply in JSON; `_` in a header's name stands for `-`."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return Reply(status, body, headers={name.replace("_", "-"): text for name, text in headers.items()})


class Server:
    """One server. Its port is taken when it is made; who connects before `Servers.start` waits."""

    def __init__(
        self, answer: Answer, *, certificate: Path | None = None, manner: Manner = "prompt", ahead: int = 0
    ) -> None:
        """Take a free port of loopback. `ahead` is by how many seconds its clock is fast."""
        self.answer = answer
        self.certificate = certificate
        self.manner = manner
        self.ahead = ahead
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        if manner != "absent":
            self.socket.listen(128)

    async def serve(self) -> asyncio.Server | None:
        """Begin to answer."""
        if self.manner == "absent":
            return None
        context = None
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
        return await asyncio.start_server(self._connected, sock=self.socket, ssl=context)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            asked = await _read(reader)
            if self.manner == "hangs":
                await reader.read()  # until the other side has had enough
            elif self.manner == "cuts":
                _cut(writer)
            else:
                await asyncio.sleep(_SLOW if self.manner == "slow" else 0)
                writer.write(_written(self.answer(asked), asked.method, time.time() + self.ahead))
                await writer.drain()
        writer.close()


class Servers:
    """Some servers, and the thread that answers for all of them."""

    def __init__(self, *servers: Server) -> None:
        self._servers = servers
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def start(self) -> None:
        """Have them answer; called again, it does nothing."""
        with self._starting:
            if self._thread is not None:
                return
            self._loop = asyncio.new_event_loop()
            self._loop.set_exception_handler(lambda *_: None)  # a handshake that fails on purpose is no news
            self._thread = threading.Thread(target=self._run, args=(self._loop,), daemon=True, name="demo servers")
            self._thread.start()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        listening = [loop.run_until_complete(each.serve()) for each in self._servers]
        try:
            loop.run_forever()
        finally:
            for each in listening:
                if each is not None:
                    each.close()
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()

    def stop(self) -> None:
        """Give the ports back."""
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)
        for each in self._servers:
            each.socket.close()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(min(int(headers.get("content-length", "0")), _MOST))
    path, _, query = target.partition("?")
    return Request(method, path, query, headers, body)


def _written(reply: Reply, method: str, now: float) -> bytes:
    from email.utils import formatdate  # both are of no use before the first frame
    from http import HTTPStatus

    headers = {
        "date": formatdate(now, usegmt=True),
        "content-type": reply.kind,
        "content-length": str(len(reply.body)),
        "connection": "close",
        **reply.headers,
    }
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (b"" if method == "HEAD" else reply.body)


def _cut(writer: asyncio.StreamWriter) -> None:
    """Drop the connection so that the other side sees a reset."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()

"""Servers on loopback for the demo: bound at once, answering in threads once they are started."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, Final, Literal, NamedTuple

_MOST: Final = 1024 * 1024
"""Bytes of a request's body."""

Manner = Literal["prompt", "slow", "hangs", "cuts", "absent"]
"""How a server behaves on the wire, whatever it answers."""

_SLOW: Final = 2.2
_HOST: Final = "127.0.0.1"
_LONGEST: Final = 64 * 1024
"""Bytes of a request's line."""

_PATIENCE: Final = 30.0
"""Seconds after which a connection on which nothing happens is given up."""


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

_NO_HTTP: Final = Reply(400, b"Invalid HTTP request received.", "text/plain")
"""As uvicorn says it, LiteLLM's server."""


def in_json(status: int, value: object, **headers: str) -> Reply:
    """Return a reply in JSON; `_` in a header's name stands for `-`."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return Reply(status, body, headers={name.replace("_", "-"): text for name, text in headers.items()})


class Server:
    """One server. Its port is taken when it is made; who connects before it is started waits."""

    def __init__(
        self, answer: Answer, *, certificate: Path | None = None, manner: Manner = "prompt", ahead: int = 0
    ) -> None:
        """Take a free port of loopback. `ahead` is by how many seconds its clock is fast."""
        self._answer = answer
        self._certificate = certificate
        self._manner = manner
        self._ahead = ahead
        self._enough = threading.Event()
        self._lock = threading.Lock()
        self._talks: dict[socket.socket, threading.Thread] = {}
        self._listener: threading.Thread | None = None
        self._socket = socket.socket()
        self._socket.bind((_HOST, 0))
        self.port: int = self._socket.getsockname()[1]
        if manner != "absent":
            self._socket.listen(128)

    def start(self) -> None:
        """Begin to answer, in threads; called again, it does nothing."""
        with self._lock:
            if self._listener is None and self._manner != "absent":
                self._listener = threading.Thread(target=self._listen, daemon=True, name=f"demo {self.port}")
                self._listener.start()

    def stop(self) -> None:
        """Cut whoever still waits for an answer, and give the port back."""
        self._enough.set()
        if self._listener is not None:
            with contextlib.suppress(OSError), socket.create_connection((_HOST, self.port)):
                pass  # wakes it
            self._listener.join(_PATIENCE)
        self._socket.close()
        with self._lock:
            talks = dict(self._talks)
        for connection, talk in talks.items():
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            talk.join(_PATIENCE)

    def _listen(self) -> None:
        context = None
        if self._certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._certificate)
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            if self._enough.is_set():
                connection.close()
                return
            self._welcome(connection, context)

    def _welcome(self, connection: socket.socket, context: ssl.SSLContext | None) -> None:
        connection.settimeout(_PATIENCE)
        if context is not None:
            connection = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        talk = threading.Thread(target=self._talk, args=(connection,), daemon=True)
        with self._lock:
            self._talks[connection] = talk
        talk.start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            if isinstance(connection, ssl.SSLSocket):
                connection.do_handshake()
            self._converse(connection)
        except (OSError, ValueError):
            pass  # it did not trust us, or has left
        finally:
            with self._lock:
                del self._talks[connection]
            connection.close()

    def _converse(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            asked = _read(stream)
        if self._manner == "hangs":
            while connection.recv(1024):  # until the other side has had enough
                pass
        elif self._manner == "cuts":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self._enough.wait(_SLOW if self._manner == "slow" else 0)
            reply = self._answer(asked) if asked else _NO_HTTP
            connection.sendall(_written(reply, asked.method if asked else "GET", time.time() + self._ahead))


class Servers:
    """Some servers together."""

    def __init__(self, *servers: Server) -> None:
        self._servers = servers

    def start(self) -> None:
        """Have them answer; called again, it does nothing."""
        for each in self._servers:
            each.start()

    def stop(self) -> None:
        """Give their ports back."""
        for each in self._servers:
            each.stop()


def _read(stream: BinaryIO) -> Request | None:
    """Return the request; None where what comes is none, as when the other side begins with TLS."""
    first = stream.peek(1)[:1] if isinstance(stream, io.BufferedReader) else b""
    if not first.isalpha():
        return None
    method, target, _ = _line(stream).split(" ")
    headers: dict[str, str] = {}
    while line := _line(stream):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = stream.read(min(int(headers.get("content-length", "0")), _MOST))
    path, _, query = target.partition("?")
    return Request(method, path, query, headers, body)


def _line(stream: BinaryIO) -> str:
    return stream.readline(_LONGEST).decode("latin-1").rstrip("\r\n")


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

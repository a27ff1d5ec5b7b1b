"""Stands before a server on a port of its own, passes every byte on, and keeps what clients sent."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_REQUEST_LINE: Final = re.compile(rb"((?:GET|HEAD|POST|PUT|LIST) /\S*) HTTP/1\.[01]\r\n")


@dataclass
class Recorder:
    """What one recorder saw. `sent` is every byte of every client, decrypted where it speaks TLS."""

    port: int
    scheme: str = "http"
    sent: bytearray = field(default_factory=bytearray, repr=False)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[str]:
        """The request lines so far."""
        return [each.decode("latin-1") for each in _REQUEST_LINE.findall(bytes(self.sent))]

    @property
    def credentials(self) -> int:
        """How many requests carried a credential of any kind."""
        names = (b"\r\nauthorization:", b"\r\nx-api-key:", b"\r\nx-vault-token:")
        return sum(bytes(self.sent).lower().count(name) for name in names)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True

    def __init__(self, to: int, tls: ssl.SSLContext | None) -> None:
        self.to, self.tls = to, tls
        self.open: set[socket.socket] = set()
        self.recorder = Recorder(0, "https" if tls else "http")
        super().__init__(("127.0.0.1", 0), _Connection)
        self.recorder.port = self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: a client that goes away, or that refuses the certificate, is no mistake here."""


class _Connection(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        near: socket.socket = self.request
        if self.server.tls:
            near = self.server.tls.wrap_socket(near, server_side=True)
        with near, socket.create_connection(("127.0.0.1", self.server.to)) as far:
            both = {near, far}
            self.server.open |= both
            answers = threading.Thread(target=_pass_on, args=(far, near, bytearray()))
            answers.start()
            _pass_on(near, far, self.server.recorder.sent)
            answers.join()
            self.server.open -= both


def _pass_on(source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            kept += chunk
            sink.sendall(chunk)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def recording(port: int, tls: ssl.SSLContext | None = None) -> Iterator[Recorder]:
    """Record what is sent to a loopback port; after the block nothing listens there any more."""
    with _Server(port, tls) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.recorder
        finally:
            server.shutdown()
            server.socket.close()
            for each in list(server.open):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            thread.join()

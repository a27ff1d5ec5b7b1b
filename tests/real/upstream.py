"""A server that refuses every request and keeps what it was sent: what a program would have told a gateway."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Upstream:
    """What came in: method, path, Authorization, x-api-key."""

    port: int = 0
    requests: list[tuple[str, str, str | None, str | None]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def posts(self) -> set[tuple[str, str | None]]:
        """Return the first part of the path and the Authorization of each POST."""
        return {
            (path.partition("?")[0].split("/")[1], bearer)
            for method, path, bearer, _ in self.requests
            if method == "POST"
        }

    def credentials(self) -> set[str | None]:
        """Return the Authorization of each POST."""
        return {bearer for _, bearer in self.posts()}


@contextlib.contextmanager
def serve() -> Iterator[Upstream]:
    """Serve on a free loopback port."""
    upstream = Upstream()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            sent = (self.headers.get("authorization"), self.headers.get("x-api-key"))
            upstream.requests.append((self.command, self.path, *sent))
            body = b'{"type": "error", "error": {"type": "invalid_request_error", "message": "refused"}}'
            self.send_response(400)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_POST = do_HEAD = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    upstream.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield upstream
    finally:
        server.shutdown()
        server.server_close()

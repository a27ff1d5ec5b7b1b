"""The place where the real Claude Code runs lets nothing out but to the servers a test names."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.sandbox import Sandbox

_FETCH = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=5).read().decode())"
_ADDRESSES = "import socket; print([name for _, name in socket.if_nameindex()])"


@pytest.fixture
def server() -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"from outside" * 10_000)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running.server_port
        running.shutdown()


def test_a_server_is_reached_only_after_it_was_brought_in(sandbox: Sandbox, server: int, home: Path) -> None:
    fetch = ["/usr/bin/env", "python3", "-I", "-c", _FETCH, f"http://127.0.0.1:{server}/"]
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home)}
    assert "Connection refused" in sandbox.run(fetch, env=env, cwd=home).stderr
    sandbox.bring_in(server)
    assert sandbox.run(fetch, env=env, cwd=home).stdout.strip() == "from outside" * 10_000


def test_there_is_no_interface_but_loopback(sandbox: Sandbox, home: Path) -> None:
    done = sandbox.run(["/usr/bin/env", "python3", "-I", "-c", _ADDRESSES], env={"PATH": "/usr/bin:/bin"}, cwd=home)
    assert done.stdout.strip() == "['lo']"
    outside = ["/usr/bin/env", "python3", "-I", "-c", _FETCH, "http://192.0.2.1/"]
    assert "Network is unreachable" in sandbox.run(outside, env={"PATH": "/usr/bin:/bin"}, cwd=home).stderr

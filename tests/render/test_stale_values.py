"""The cancelled values, tried on the real Claude Code."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.machines import machine_at
from tests.programs import require
from tests.real.sandbox import Sandbox
from wizard.answers import Answers, Gateway, Route, Write
from wizard.machine.claude_code import BASE_URLS, ROUTE_SWITCHES
from wizard.render.claude import settings_edits
from wizard.render.json_edit import edit

CLAUDES = ["claude-2.1.330", "claude-2.1.197"]


@dataclass
class Upstream:
    """A server that refuses everything and keeps what it was sent: method, path, Authorization."""

    port: int = 0
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)

    def credentials(self) -> set[str | None]:
        return {authorization for method, _, authorization in self.requests if method == "POST"}


@pytest.fixture
def upstreams(sandbox: Sandbox) -> Iterator[tuple[Upstream, Upstream]]:
    """The chosen server and the one of an earlier set-up."""
    servers = [_serve(), _serve()]
    for each, _ in servers:
        sandbox.bring_in(each.port)
    yield servers[0][0], servers[1][0]
    for _, server in servers:
        server.shutdown()
        server.server_close()


def _serve() -> tuple[Upstream, http.server.ThreadingHTTPServer]:
    upstream = Upstream()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            upstream.requests.append((self.command, self.path, self.headers.get("authorization")))
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
    return upstream, server


def _ask(program: Path, sandbox: Sandbox, home: Path, answers: Answers, shell: dict[str, str]) -> None:
    """Set up a home folder with these answers and let Claude Code ask one question in it."""
    helper = home / "a bin/it's.sh"
    helper.parent.mkdir()
    helper.write_text("#!/bin/sh\necho sk-from-the-helper\n")
    helper.chmod(0o700)
    (home / ".claude").mkdir()
    edits = settings_edits(answers, machine_at(home), helper, 60_000)
    (home / ".claude/settings.json").write_bytes(edit(None, edits))
    (home / "work").mkdir()
    env = {
        "HOME": str(home),
        "PATH": "/usr/bin:/bin",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "0",
        **shell,
    }
    sandbox.run([program, "-p", "hi"], env=env, cwd=home / "work")


def _stale(old: Upstream) -> dict[str, str]:
    url = f"http://127.0.0.1:{old.port}"
    return {
        "ANTHROPIC_AUTH_TOKEN": "stale-token",
        "ANTHROPIC_API_KEY": "stale-key",
        "AWS_BEARER_TOKEN_BEDROCK": "stale-bearer",
        BASE_URLS["anthropic"]: url,
        BASE_URLS["bedrock"]: f"{url}/bedrock",
        **dict.fromkeys(ROUTE_SWITCHES, "1"),
    }


@pytest.mark.parametrize("route", ["anthropic", "bedrock"])
@pytest.mark.parametrize("claude", CLAUDES)
def test_whatever_the_shell_holds_only_the_helpers_key_goes_to_the_chosen_server(
    claude: str, route: Route, sandbox: Sandbox, upstreams: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    (program,) = require(claude)
    new, old = upstreams
    answers = Answers(gateway=Gateway(url=f"http://127.0.0.1:{new.port}", route=route))

    _ask(program, sandbox, tmp_path, answers, _stale(old))

    paths = {path.partition("?")[0].split("/")[1] for method, path, _ in new.requests if method == "POST"}
    assert paths == {"bedrock" if route == "bedrock" else "v1"}
    assert new.credentials() == {"Bearer sk-from-the-helper"}
    assert old.requests == []


@pytest.mark.parametrize("route", ["anthropic", "bedrock"])
def test_without_the_cancels_a_stale_credential_goes_out(
    route: Route, sandbox: Sandbox, upstreams: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    (program,) = require("claude-2.1.330")
    new, old = upstreams
    answers = Answers(gateway=Gateway(url=f"http://127.0.0.1:{new.port}", route=route))
    kept = replace(answers, write=Write(cancel_stale=False))

    _ask(program, sandbox, tmp_path, kept, {"AWS_BEARER_TOKEN_BEDROCK": "stale", "ANTHROPIC_AUTH_TOKEN": "stale"})

    assert new.credentials() == {"Bearer stale"}
    assert old.requests == []

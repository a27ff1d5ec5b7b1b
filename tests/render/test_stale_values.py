"""The cancelled values, tried on the real Claude Code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.machines import machine_at
from tests.programs import require
from tests.real.sandbox import Sandbox
from tests.real.upstream import Upstream, serve
from wizard.answers import Answers, Gateway, Route, Write
from wizard.machine.claude_code import BASE_URLS, ROUTE_SWITCHES
from wizard.render.claude import settings_edits
from wizard.render.json_edit import edit

CLAUDES = ["claude-2.1.330", "claude-2.1.197"]


@pytest.fixture
def upstreams(sandbox: Sandbox) -> Iterator[tuple[Upstream, Upstream]]:
    """The chosen server and the one of an earlier set-up."""
    with serve() as chosen, serve() as earlier:
        for each in (chosen, earlier):
            sandbox.bring_in(each.port)
        yield chosen, earlier


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
    return {
        "ANTHROPIC_AUTH_TOKEN": "stale-token",
        "ANTHROPIC_API_KEY": "stale-key",
        "AWS_BEARER_TOKEN_BEDROCK": "stale-bearer",
        BASE_URLS["anthropic"]: old.url,
        BASE_URLS["bedrock"]: f"{old.url}/bedrock",
        **dict.fromkeys(ROUTE_SWITCHES, "1"),
    }


@pytest.mark.parametrize("route", ["anthropic", "bedrock"])
@pytest.mark.parametrize("claude", CLAUDES)
def test_case_88_whatever_the_shell_holds_only_the_helpers_key_goes_to_the_chosen_server(
    claude: str, route: Route, sandbox: Sandbox, upstreams: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    (program,) = require(claude)
    new, old = upstreams
    answers = Answers(gateway=Gateway(url=new.url, route=route))

    _ask(program, sandbox, tmp_path, answers, _stale(old))

    assert new.posts() == {("bedrock" if route == "bedrock" else "v1", "Bearer sk-from-the-helper")}
    assert old.requests == []


@pytest.mark.parametrize("route", ["anthropic", "bedrock"])
def test_case_88_without_the_cancels_a_stale_credential_goes_out(
    route: Route, sandbox: Sandbox, upstreams: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    (program,) = require("claude-2.1.330")
    new, old = upstreams
    answers = Answers(gateway=Gateway(url=new.url, route=route))
    kept = replace(answers, write=Write(cancel_stale=False))

    _ask(program, sandbox, tmp_path, kept, {"AWS_BEARER_TOKEN_BEDROCK": "stale", "ANTHROPIC_AUTH_TOKEN": "stale"})

    assert new.credentials() == {"Bearer stale"}
    assert old.requests == []

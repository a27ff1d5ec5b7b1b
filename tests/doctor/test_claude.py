"""Claude Code itself: version, first-run screens, and logins that must not reach the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doctor.support import ANSWERS, URL, looked_at, only, told, write, written
from tests.programs import CLAUDE, OLD_CLAUDE, require
from tests.real.sandbox import Sandbox
from tests.real.upstream import Upstream, serve
from wizard.doctor.claude import claude_verdicts, first_run_verdict, login_verdict
from wizard.machine.model import ClaudeCode

LOGIN = {
    "claudeAiOauth": {"accessToken": "sk-ant-oat01-canary", "expiresAt": 4102444800000, "scopes": ["user:inference"]}
}


@pytest.mark.parametrize(
    ("version", "verdict"),
    [
        ("2.1.330", ("pass", "claude-known")),
        ("2.1.197", ("pass", "claude-known")),
        ("3.0.0", ("pass", "claude-known")),
        ("2.1.196", ("warn", "claude-old")),
        ("1.0.128", ("warn", "claude-old")),
        (None, ("warn", "claude-version-unknown")),
    ],
)
def test_the_version_is_told_and_an_old_one_is_a_warning(
    tmp_path: Path, version: str | None, verdict: tuple[str, str]
) -> None:
    machine = looked_at(tmp_path, claude=ClaudeCode(tmp_path / "bin/claude", version))

    (found,) = claude_verdicts(ANSWERS, machine)

    assert (found.status, found.verdict) == verdict
    assert "~/bin/claude" in found.cause
    if version == "2.1.330":
        assert "asks for claude-opus-5-5" in found.cause


def test_no_claude_and_more_than_one(tmp_path: Path) -> None:
    assert told(claude_verdicts(ANSWERS, looked_at(tmp_path))) == [("fail", "claude-missing")]
    for name in ("bin/claude", ".local/bin/claude", "two/claude"):
        write(tmp_path / name, "#!/bin/sh\n").chmod(0o755)
    (tmp_path / "link").mkdir()
    (tmp_path / "link/claude").symlink_to(tmp_path / "bin/claude")
    path = f"{tmp_path}/bin:{tmp_path}/link:{tmp_path}/two"
    machine = looked_at(tmp_path, env={"PATH": path}, claude=ClaudeCode(tmp_path / "bin/claude", "2.1.330"))

    several = only(claude_verdicts(ANSWERS, machine), "claude-several")

    assert several.facts["programs"] == "~/bin/claude, ~/two/claude, ~/.local/bin/claude"


@pytest.mark.parametrize(
    ("memory", "helper", "verdict"),
    [
        (None, True, ("pass", "first-run-ahead")),
        (None, False, ("fail", "first-run-blocked")),
        ({"hasCompletedOnboarding": True}, False, ("pass", "ok")),
        ({"hasCompletedOnboarding": "yes"}, True, ("pass", "first-run-ahead")),
        ({"projects": []}, True, ("pass", "first-run-ahead")),
        ("{ nope", True, ("warn", "claude-state-bad")),
        ("[]", True, ("warn", "claude-state-bad")),
    ],
)
def test_the_first_run_is_past_ahead_or_blocked(
    tmp_path: Path, memory: object, helper: bool, verdict: tuple[str, str]
) -> None:
    if memory is not None:
        write(tmp_path / ".claude.json", memory)
    if helper:
        written(tmp_path)

    found = first_run_verdict(looked_at(tmp_path), tmp_path)

    assert (found.status, found.verdict) == verdict


def test_a_suspended_set_up_may_ask_for_a_login_of_its_own(tmp_path: Path) -> None:
    machine = looked_at(tmp_path)

    assert first_run_verdict(machine, tmp_path).status == "fail"
    assert first_run_verdict(machine, tmp_path, off=True).status == "pass"


def test_trust_of_a_folder_holds_below_it(tmp_path: Path) -> None:
    trusted = {str(tmp_path / "work"): {"hasTrustDialogAccepted": True}, "/x": {"hasTrustDialogAccepted": False}}
    write(tmp_path / ".claude.json", {"hasCompletedOnboarding": True, "projects": trusted})
    machine = looked_at(tmp_path)

    assert first_run_verdict(machine, tmp_path / "work/deep").facts["trusted"] is True
    assert first_run_verdict(machine, tmp_path).facts["trusted"] is False
    assert first_run_verdict(machine, Path("/x")).facts["trusted"] is False


def test_the_memory_follows_claude_config_dir(tmp_path: Path) -> None:
    write(tmp_path / "cfg/.claude.json", {"hasCompletedOnboarding": True})
    machine = looked_at(tmp_path, env={"CLAUDE_CONFIG_DIR": f"{tmp_path}/cfg"}, claude_dir=tmp_path / "cfg")

    assert first_run_verdict(machine, tmp_path).verdict == "ok"


@pytest.mark.parametrize(
    "place", ["~/.claude/.credentials.json", "~/.claude.json", "CLAUDE_CODE_OAUTH_TOKEN in the environment"]
)
def test_a_login_that_would_reach_the_server_fails_and_a_helper_keeps_it_back(tmp_path: Path, place: str) -> None:
    env = {"ANTHROPIC_BASE_URL": URL}
    if "environment" in place:
        env["CLAUDE_CODE_OAUTH_TOKEN"] = "sk-ant-oat01-canary"
    else:
        write(tmp_path / place[2:], LOGIN if "credentials" in place else {"primaryApiKey": "sk-ant-canary"})

    sent = login_verdict(looked_at(tmp_path, env=env))
    assert (sent.status, sent.verdict) == ("fail", "login-sent")
    assert place in sent.cause and URL in sent.cause and "canary" not in repr(sent)

    token = login_verdict(looked_at(tmp_path, env={**env, "ANTHROPIC_AUTH_TOKEN": "tok"}))
    assert token.facts["keeper"] == "ANTHROPIC_AUTH_TOKEN"
    assert login_verdict(looked_at(tmp_path, env={**env, "ANTHROPIC_BASE_URL": ""})).status == "pass"
    written(tmp_path)
    kept = login_verdict(looked_at(tmp_path, env=env))
    assert (kept.status, kept.verdict, kept.facts["keeper"]) == ("pass", "login-unsent", "the key helper")


def test_a_mac_keeps_the_login_in_its_keychain(tmp_path: Path) -> None:
    write(tmp_path / ".claude.json", {"oauthAccount": {"emailAddress": "ada@canary.example"}})

    found = login_verdict(looked_at(tmp_path, platform="darwin", env={"ANTHROPIC_BASE_URL": URL}))

    assert (found.verdict, found.facts["where"]) == ("login-sent", "the keychain")
    assert login_verdict(looked_at(tmp_path, env={"ANTHROPIC_BASE_URL": URL})).verdict == "ok"


def test_no_login_is_said(tmp_path: Path) -> None:
    write(tmp_path / ".claude/.credentials.json", {"claudeAiOauth": {}})

    assert login_verdict(looked_at(tmp_path)).cause == "No login of Anthropic's is kept here."


@pytest.fixture
def upstream(sandbox: Sandbox) -> Iterator[Upstream]:
    with serve() as server:
        sandbox.bring_in(server.port)
        yield server


@pytest.mark.parametrize("helper", ["", "exit 1"], ids=["no helper", "failing helper"])
@pytest.mark.parametrize("claude", [CLAUDE, OLD_CLAUDE])
def test_what_is_said_of_a_login_is_what_the_real_claude_does(
    claude: str, helper: str, sandbox: Sandbox, upstream: Upstream, tmp_path: Path
) -> None:
    (program,) = require(claude)
    write(tmp_path / ".claude/.credentials.json", LOGIN)
    settings: dict[str, object] = {"env": {"ANTHROPIC_BASE_URL": upstream.url}}
    write(tmp_path / ".claude/settings.json", {**settings, "apiKeyHelper": helper} if helper else settings)
    env = {
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "0",
    }

    sandbox.run([program, "-p", "hi"], env=env, cwd=tmp_path)

    sent = "canary" in repr(upstream.credentials())
    assert upstream.credentials()
    assert sent == (login_verdict(looked_at(tmp_path)).verdict == "login-sent") == (not helper)

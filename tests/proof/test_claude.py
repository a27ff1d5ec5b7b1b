"""What is said of Claude Code's own words, with a stand-in that says what the real one was seen to say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.machines import machine_at
from wizard.answers import Answers, Gateway, Key, Route, Write
from wizard.machine import claude_run
from wizard.machine.model import ClaudeCode, Machine
from wizard.proof.claude import answer_verdict, helper_verdict, settings_verdict
from wizard.proof.settings import Settings, read_settings
from wizard.secret import Secret
from wizard.verdict import Verdict

URL = "http://127.0.0.1:4000"
KEY = "sk-live-0123456789abcdef"

_STAND_IN = """#!/bin/sh
here=${0%/*}
env > "$here/env"
printf '%s\\n' "$@" > "$here/args"
pwd > "$here/cwd"
ls -ld . | cut -c1-10 > "$here/mode"
case "$*" in
  *--text*) cat "$here/text" ;;
  *) cat "$here/json" ;;
esac
cat "$here/stderr" >&2
exit "$(cat "$here/code")"
"""


class StandIn:
    """A program in Claude Code's place that says what it is told to and keeps what it was given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / "claude"
        self.program.write_text(_STAND_IN)
        self.program.chmod(0o700)
        self.says({})

    def says(self, told: object, *, text: str = "", stderr: str = "", code: int = 0) -> None:
        said = told if isinstance(told, str) else json.dumps(told)
        for name, content in {"json": said, "text": text, "stderr": stderr, "code": str(code)}.items():
            (self.folder / name).write_text(content)

    def was_given(self, name: str) -> str:
        return (self.folder / name).read_text()


@pytest.fixture
def claude(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path)


@pytest.fixture
def machine(home: Path, claude: StandIn) -> Machine:
    return machine_at(home, claude=ClaudeCode(claude.program, "2.1.330"))


def answers_for(route: Route = "anthropic", **write: Any) -> Answers:
    return Answers(Gateway(url=URL, route=route), Key("env-file"), write=Write(**write))


SET = Settings(f"echo {KEY}")


async def settings_found(claude: StandIn, machine: Machine, route: Route, text: str = "", **told: object) -> Verdict:
    claude.says(told, text=text)
    return await settings_verdict(answers_for(route), machine, SET)


HELPER_STATUS = {"authMethod": "api_key_helper", "apiProvider": "firstParty", "apiKeySource": "apiKeyHelper"}
BEDROCK_STATUS = {"authMethod": "third_party", "apiProvider": "bedrock", "apiKeySource": "apiKeyHelper"}


async def test_settings_pass_on_both_routes(claude: StandIn, machine: Machine) -> None:
    text = f"Auth token: apiKeyHelper\nAnthropic base URL: {URL}\n"
    assert (await settings_found(claude, machine, "anthropic", text, **HELPER_STATUS)).verdict == "settings-ok"
    text = f"API provider: Amazon Bedrock\nBedrock base URL: {URL}/bedrock\nAWS region: us-east-1\n"
    found = await settings_found(claude, machine, "bedrock", text, **BEDROCK_STATUS)
    assert (found.status, found.facts["url"]) == ("pass", f"{URL}/bedrock")


@pytest.mark.parametrize(
    ("change", "verdict", "word"),
    [
        ({"authMethod": "none", "apiKeySource": None}, "settings-ignored", "~/.claude/settings.json"),
        ({"authMethod": "oauth_token", "apiKeySource": None}, "settings-other-credential", "ANTHROPIC_AUTH_TOKEN"),
        ({"authMethod": "api_key", "apiKeySource": "env"}, "settings-other-credential", "ANTHROPIC_API_KEY"),
        ({"authMethod": "claude.ai", "apiKeySource": None}, "settings-other-credential", "claude auth logout"),
        ({"authMethod": "third_party", "apiProvider": "bedrock"}, "settings-other-route", "CLAUDE_CODE_USE_"),
        ({}, "settings-other-url", "ANTHROPIC_BASE_URL"),
    ],
)
async def test_settings_that_claude_code_read_otherwise(
    claude: StandIn, machine: Machine, change: dict[str, object], verdict: str, word: str
) -> None:
    text = "Anthropic base URL: https://old.example\n"
    found = await settings_found(claude, machine, "anthropic", text, **{**HELPER_STATUS, **change})
    assert (found.status, found.verdict) == ("fail", verdict)
    assert word in found.cause + found.fix


async def test_settings_with_no_url_at_all_mean_anthropic_itself(claude: StandIn, machine: Machine) -> None:
    found = await settings_found(claude, machine, "anthropic", "Auth token: apiKeyHelper\n", **HELPER_STATUS)
    assert "would talk to Anthropic, not to" in found.cause


async def test_a_status_that_is_not_readable_is_no_pass(claude: StandIn, machine: Machine) -> None:
    claude.says(f"error: unknown command 'auth' {KEY}", code=1)
    found = await settings_verdict(answers_for(), machine, SET)
    assert (found.status, found.verdict) == ("fail", "settings-unreadable")
    assert "unknown command" in found.cause
    assert KEY not in found.cause


async def test_a_status_that_never_ends(claude: StandIn, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claude_run, "STATUS_LIMIT", 0.3)
    claude.program.write_text("#!/bin/sh\nsleep 30\n")
    assert (await settings_verdict(answers_for(), machine, SET)).verdict == "settings-hangs"


async def test_without_claude_code_nothing_is_tried(home: Path) -> None:
    machine = machine_at(home)
    for found in (
        await settings_verdict(answers_for(), machine, SET),
        await answer_verdict(answers_for(), machine, None),
    ):
        assert (found.status, found.cause) == ("skip", "Not tried: Claude Code is not installed.")
        assert "npm install -g @anthropic-ai/claude-code" in found.fix


async def test_lines_not_yet_pasted_are_not_tried_but_unwritten_ones_fail(machine: Machine) -> None:
    for proof in (settings_verdict, _helper):
        pasted = await proof(answers_for(settings=False), machine, Settings())
        assert (pasted.status, pasted.verdict) == ("skip", "not-tried")
        written = await proof(answers_for(), machine, Settings())
        assert (written.status, written.verdict) == ("fail", "helper-unset")


async def _helper(answers: Answers, machine: Machine, settings: Settings) -> Verdict:
    return (await helper_verdict(answers, machine, settings))[0]


@pytest.mark.parametrize(
    ("content", "word"),
    [("{", "not JSON"), ("[]", "not a JSON object"), ("\xff", "not JSON"), ("[" * 100_000, "not JSON")],
)
async def test_settings_that_can_not_be_read(machine: Machine, content: str, word: str) -> None:
    machine.settings_file.parent.mkdir()
    machine.settings_file.write_bytes(content.encode("latin-1"))
    found = await settings_verdict(answers_for(), machine, read_settings(machine))
    assert (found.status, found.verdict) == ("fail", "settings-bad")
    assert word in found.cause


async def test_the_helper_runs_as_claude_code_runs_it(home: Path, machine: Machine) -> None:
    script = home / "a folder" / "helper"
    script.parent.mkdir()
    script.write_text(
        f'#!/bin/sh\nenv > "$HOME/env"\nreadlink /proc/$$/fd/0 > "$HOME/stdin"\npwd > "$HOME/cwd"\necho {KEY}\n'
    )
    script.chmod(0o700)
    settings = Settings(f"'{script}'", {"ANTHROPIC_BASE_URL": URL, "ANTHROPIC_AUTH_TOKEN": ""})
    env = {**machine.env, "ANTHROPIC_BASE_URL": "https://old.example", "ANTHROPIC_AUTH_TOKEN": "stale", "MINE": "kept"}
    machine = machine_at(home, env=env)
    found, key = await helper_verdict(answers_for(), machine, settings)
    assert (found.status, key) == ("pass", Secret(KEY))
    assert KEY not in repr(found)
    seen = (home / "env").read_text().splitlines()
    assert {f"ANTHROPIC_BASE_URL={URL}", "ANTHROPIC_AUTH_TOKEN=", "MINE=kept"} <= set(seen)
    assert (home / "stdin").read_text().startswith(("pipe:", "socket:"))
    assert (home / "cwd").read_text().startswith(str(machine.state_dir))
    assert not machine.state_dir.exists()


@pytest.mark.parametrize(
    ("helper", "verdict"),
    [
        (f"echo {KEY}; exit 2", "helper-failed"),
        ("true", "helper-silent"),
        (f"echo {KEY}; echo {KEY}", "shape-lines"),
        (f"echo '\"{KEY}\"'", "shape-quoted"),
        ("/no/such/helper", "helper-failed"),
    ],
)
async def test_a_helper_without_a_usable_key(machine: Machine, helper: str, verdict: str) -> None:
    found, key = await helper_verdict(answers_for(), machine, Settings(helper))
    assert (found.id, found.status, found.verdict, key) == ("proof.helper", "fail", verdict, None)
    assert KEY not in repr(found)


async def test_an_answer_passes_and_claude_code_ran_where_nothing_can_happen(claude: StandIn, machine: Machine) -> None:
    claude.says({"is_error": False, "result": "pong", "modelUsage": {"claude-opus-5-5": {}}, "api_error_status": None})
    outer = {**machine.env, "CLAUDECODE": "1", "CLAUDE_CODE_ENTRYPOINT": "cli"}
    machine = machine_at(machine.home, claude=machine.claude, env=outer)
    found = await answer_verdict(answers_for(), machine, Secret(KEY))
    assert (found.status, found.facts["model"]) == ("pass", "claude-opus-5-5")
    assert found.cause == f"Claude Code answered through {URL}: pong"
    given = claude.was_given("args").splitlines()
    assert given[given.index("--max-turns") + 1] == "1"
    assert given[given.index("--tools") + 1] == ""
    env = dict(line.partition("=")[::2] for line in claude.was_given("env").splitlines())
    assert env["CLAUDE_CODE_MAX_RETRIES"] == "0"
    assert not {"CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT"} & set(env)
    assert claude.was_given("mode").strip() == "drwx------"
    assert claude.was_given("cwd").startswith(str(machine.state_dir))
    assert not Path(claude.was_given("cwd").strip()).exists()


@pytest.mark.parametrize(
    ("status", "text", "stderr", "verdict"),
    [
        (401, "Failed to authenticate. API Error: 401 Expired Key", "", "answer-key-refused"),
        (400, "API Error: 400 No connected db.", "", "answer-key-refused"),
        (401, "API Error: 401 Malformed API Key", "apiKeyHelper failed: exited 2: denied", "answer-helper"),
        (None, "Your apiKeyHelper script is failing", "", "answer-helper"),
        (None, "Not logged in · Please run /login", "", "answer-helper"),
        (403, "API Error: 403 The requested model 'X' is not available for this API key", "", "answer-forbidden"),
        (400, "API Error: 400 Invalid model name passed in model=claude-nope", "", "answer-no-model"),
        (404, "There's an issue with the selected model (X)", "", "answer-no-model"),
        (422, "API Error: 422 Budget has been exceeded!", "", "answer-limit"),
        (429, "API Error: 429 Too many requests", "", "answer-limit"),
        (500, "API Error: 500 Internal Server Error", "", "answer-server"),
        (529, "API Error: 529 Overloaded", "", "answer-server"),
        (413, "API Error: 413 Request too large", "", "answer-bad-request"),
        (400, "API Error: 400 context_management: Extra inputs are not permitted", "", "answer-bad-request"),
        (None, "SSL certificate verification failed. Check your proxy", "", "answer-tls"),
        (None, "API Error: Unable to connect to API (ConnectionRefused)", "", "answer-unreachable"),
    ],
)
async def test_an_error_gets_its_cause_and_fix(
    claude: StandIn, machine: Machine, status: int | None, text: str, stderr: str, verdict: str
) -> None:
    told: dict[str, object] = {
        "is_error": True,
        "api_error_status": status,
        "result": f"{text} {KEY} other-secret-1234",
    }
    claude.says(told, stderr=stderr, code=1)
    found = await answer_verdict(answers_for(), machine, Secret("other-secret-1234"))
    assert (found.status, found.verdict) == ("fail", verdict)
    assert text.split()[0] in found.cause
    assert found.fix.endswith(".")
    assert KEY not in repr(found)
    assert "other-secret" not in repr(found)


@pytest.mark.parametrize("told", ["", "error: unknown option '--tools'", "[]", '{"type":"result"}'])
async def test_words_that_are_no_result_are_no_pass(claude: StandIn, machine: Machine, told: str) -> None:
    claude.says(told)
    assert (await answer_verdict(answers_for(), machine, None)).verdict == "answer-unreadable"


async def test_an_answer_that_never_comes(claude: StandIn, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claude_run, "ANSWER_LIMIT", 0.3)
    claude.program.write_text("#!/bin/sh\nsleep 30\n")
    assert (await answer_verdict(answers_for(), machine, None)).verdict == "answer-slow"

"""The proof as a whole: every row gets its verdict, in order, and nobody's money is spent unasked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.machines import machine_at
from tests.programs import require
from wizard import prove
from wizard.answers import Answers, Gateway, Key, Write
from wizard.machine.model import ClaudeCode, Machine, Shell
from wizard.net.address import AddressError
from wizard.proof.catalogue import CATALOGUE
from wizard.verdict import Verdict

URL = "http://127.0.0.1:4000"
_STAND_IN = """#!/bin/sh
case "$*" in
  *--text*) echo "Anthropic base URL: http://127.0.0.1:4000" ;;
  *auth*) echo '{"authMethod": "api_key_helper", "apiProvider": "firstParty", "apiKeySource": "apiKeyHelper"}' ;;
  *) echo asked >> "${0%/*}/asked"; echo '{"is_error": false, "result": "pong"}' ;;
esac
"""


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    return tmp_path / "asked"


@pytest.fixture
def machine(home: Path, tmp_path: Path) -> Machine:
    (bash,) = require("bash")
    program = tmp_path / "claude"
    program.write_text(_STAND_IN)
    program.chmod(0o700)
    (home / ".claude").mkdir()
    (home / ".claude/settings.json").write_text(json.dumps({"apiKeyHelper": "echo sk-0123456789abcdef"}))
    shells = (Shell("bash", bash, (home / ".bashrc",)),)
    return machine_at(home, shells=shells, claude=ClaudeCode(program, None))


ANSWERS = Answers(Gateway(url=URL), Key("env-file"), write=Write(shells=("zsh", "bash")))


async def proofs(answers: Answers, machine: Machine, *, ask: bool) -> list[Verdict]:
    reported: list[Verdict] = []
    returned = await prove.prove(answers, machine, reported.append, ask_claude=ask)
    assert tuple(reported) == returned
    assert [each.id for each in reported] == [check for check, _ in prove.rows(answers, machine)]
    return reported


async def test_claude_code_answers_only_when_asked(machine: Machine, asked: Path) -> None:
    found = await proofs(ANSWERS, machine, ask=False)
    assert (found[-1].status, found[-1].cause) == ("skip", "Not tried: nobody asked for it.")
    assert not asked.exists()
    found = await proofs(ANSWERS, machine, ask=True)
    assert [each.status for each in found] == ["skip", "fail", "pass", "pass", "pass"]
    assert asked.read_text() == "asked\n"


async def test_claude_code_does_not_answer_before_its_helper_works(machine: Machine, asked: Path) -> None:
    machine.settings_file.write_text('{"apiKeyHelper": "exit 1"}')
    found = await proofs(ANSWERS, machine, ask=True)
    assert (found[-1].status, found[-1].verdict) == ("skip", "not-tried")
    assert not asked.exists()


async def test_an_unusable_url_is_the_callers_mistake(machine: Machine) -> None:
    with pytest.raises(AddressError):
        await prove.prove(Answers(Gateway(url="llm")), machine, lambda _: None, ask_claude=False)


def test_every_text_is_a_sentence_and_every_failure_has_a_fix() -> None:
    for name, kind in CATALOGUE.items():
        assert kind.cause.endswith((".", "}")), name
        assert kind.status in ("pass", "skip") or kind.fix.endswith((".", "}")), name
        assert "!" not in kind.cause + kind.fix, name

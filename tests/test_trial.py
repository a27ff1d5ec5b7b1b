"""The key test against a real LiteLLM, and what it says when something is wrong."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines import machine_at
from tests.real.litellm_proxy import Proxy
from wizard.answers import Answers, from_table
from wizard.helper_run import HelperRun, read_run, run_helper
from wizard.lifetime import duration, token_life
from wizard.machine.model import Machine
from wizard.machine.process import Finished
from wizard.origins import origins
from wizard.secret import Secret
from wizard.trial import Trial, rows, send_one_message, try_key
from wizard.verdict import Verdict


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return machine_at(tmp_path)


def env_file(machine: Machine, url: str, key: str) -> Answers:
    file = machine.home / "key.env"
    file.write_text(f"LITELLM_API_KEY={key}\n")
    file.chmod(0o600)
    table = {"gateway": {"url": url}, "key": {"backend": "env-file", "env-file": {"file": str(file)}}}
    return from_table(table)


async def tried(
    answers: Answers, machine: Machine, confirmed: frozenset[str] | None = None
) -> tuple[Trial, dict[str, Verdict]]:
    reported: list[Verdict] = []
    trial = await try_key(answers, machine, origins(answers) if confirmed is None else confirmed, reported.append)
    assert tuple(reported) == trial.verdicts
    assert [each.id for each in reported] == [check for check, _ in rows(answers)], "every row gets its verdict"
    return trial, {each.id: each for each in reported}


async def test_a_good_key_passes_every_stage(machine: Machine, litellm: Proxy) -> None:
    answers = env_file(machine, litellm.url, litellm.master_key)
    trial, found = await tried(answers, machine)
    assert {each.status for each in trial.verdicts} <= {"pass", "skip"}, trial.verdicts
    assert found["key.accepted"].status == "pass"
    assert "claude-opus-5-5" in trial.models
    assert litellm.master_key not in repr(trial)


async def test_a_wrong_key_is_refused_by_the_gateway_and_named_nowhere(machine: Machine, litellm: Proxy) -> None:
    wrong = "sk-wrong-000000000000000000000000"
    trial, found = await tried(env_file(machine, litellm.url, wrong), machine)
    assert found["key.helper"].status == "pass"
    assert found["key.accepted"].status == "fail"
    assert found["key.accepted"].fix
    assert found["key.owner"].status == "skip"
    assert wrong not in repr(trial)


async def test_case_16_nothing_is_sent_to_a_gateway_that_was_not_confirmed(machine: Machine) -> None:
    answers = env_file(machine, "http://127.0.0.1:9", "sk-abcdefghijklmnop")
    _, found = await tried(answers, machine, frozenset())
    assert found["key.helper"].status == "pass"
    assert found["key.accepted"].status == found["key.owner"].status == "skip"
    assert "confirmed" in found["key.accepted"].cause


async def test_a_missing_source_is_the_one_thing_that_fails(machine: Machine) -> None:
    answers = env_file(machine, "http://127.0.0.1:9", "sk-abcdefghijklmnop")
    (machine.home / "key.env").unlink()
    trial, _ = await tried(answers, machine)
    assert [each.status for each in trial.verdicts].count("fail") == 1


async def test_a_message_is_answered_by_the_real_gateway(machine: Machine, litellm: Proxy) -> None:
    answers = env_file(machine, litellm.url, litellm.master_key)
    verdict = await send_one_message(answers, machine, origins(answers), "claude-haiku-5-5")
    assert verdict.status == "pass", verdict


async def test_case_16_70_a_message_to_an_unconfirmed_gateway_is_not_sent(machine: Machine, litellm: Proxy) -> None:
    answers = env_file(machine, litellm.url, litellm.master_key)
    verdict = await send_one_message(answers, machine, frozenset(), "claude-haiku-5-5")
    assert verdict.status == "skip"


async def test_the_helper_is_staged_privately_and_gone_afterwards(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = env_file(machine, "http://127.0.0.1:9", "sk-abcdefghijklmnop")
    seen: list[tuple[int, int]] = []

    async def spy(argv: list[str], **how: Any) -> Finished:
        helper = Path(how["cwd"])
        modes = [stat.S_IMODE(each.stat().st_mode) for each in (helper, *helper.iterdir())]
        seen.append((modes[0], modes[1]))
        assert how["stdin"] is None
        return Finished(0, b"sk-abcdefghijklmnop\n", b"", 0.01)

    monkeypatch.setattr("wizard.helper_run.run", spy)
    before = set(machine.home.rglob("*"))
    await run_helper(answers, machine, machine.env)
    assert seen == [(0o700, 0o700)]
    assert set(machine.home.rglob("*")) == before


def ran(code: int | None, out: bytes, err: bytes = b"") -> HelperRun:
    return read_run(Finished(code, out, err, 0.1))


@pytest.mark.parametrize(
    ("code", "out", "problem"),
    [
        (None, b"", "helper-hangs"),
        (2, b"sk-printed-anyway-123456", "helper-failed"),
        (0, b"  \n", "helper-silent"),
        (0, b"sk-one\nsk-two\n", "shape-lines"),
        (0, b"sk with blank", "shape-characters"),
        (0, b"sk-\xe2\x80\x99quote", "shape-characters"),
        (0, b"sk-\x07bell", "shape-characters"),
        (0, b'"sk-quoted-1234"', "shape-quoted"),
        (0, b"'sk-quoted-1234'", "shape-quoted"),
        (0, b"\r\n sk-good-12345678 \r\n", ""),
    ],
)
def test_case_19_what_the_helper_printed_is_judged_as_claude_code_would(
    code: int | None, out: bytes, problem: str
) -> None:
    result = ran(code, out)
    assert result.problem == problem
    assert (result.key is None) == bool(problem)


def test_case_17_a_failing_helper_is_quoted_without_what_it_printed() -> None:
    result = ran(1, b"topsecretkey1234\n", b"\x1b[31mcannot read topsecretkey1234\x1b[0m\n")
    assert result.facts["reason"] == "cannot read ****"


def jwt_of(**claims: object) -> Secret:
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in ({}, claims)]
    return Secret(".".join([*parts, "signature"]))


@pytest.mark.parametrize(
    ("key", "life"),
    [
        (jwt_of(iat=1000, exp=4600), 3600),
        (jwt_of(exp=4600), None),
        (jwt_of(iat="1", exp=4600), None),
        (Secret("sk-plain"), None),
        (Secret("a.b.c"), None),
        (Secret("...."), None),
    ],
)
def test_the_life_of_a_token_is_read_from_it(key: Secret, life: int | None) -> None:
    assert token_life(key) == life


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (90, "90 seconds"), (1800, "30 minutes"),
     (3600, "1 hour"), (5400, "90 minutes"), (7200, "2 hours"), (86400, "1 day"), (18316800, "212 days")],
)  # fmt: skip
def test_time_spans_read_as_people_say_them(seconds: int, text: str) -> None:
    assert duration(seconds) == text


@pytest.fixture(autouse=True)
def _no_leftover_folder(machine: Machine) -> Iterator[None]:
    yield
    assert not machine.state_dir.exists(), "a test of a key leaves nothing behind"

"""How long a key lives, from everything that knows, and the refresh interval that follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.keys.helpers import private_file
from tests.keys.test_vault_live import KEY
from tests.machines import machine_at
from tests.programs import require
from tests.real.openbao_server import OpenBao
from wizard.answers import Answers, Gateway, Key, from_table
from wizard.helper_run import HelperRun
from wizard.lifetime import Life, judge_life, lives_of, shortest
from wizard.secret import Secret
from wizard.trial import Trial, try_key
from wizard.verdict import Verdict

PLAIN = Secret("sk-plain-0123456789")


def told(**facts: object) -> Verdict:
    return Verdict("key.source.token", "pass", "token-good", "", "", facts)


@pytest.mark.parametrize(
    ("backend", "gateway", "facts", "life"),
    [
        (None, None, {}, None),
        (900, None, {}, Life("A key", 900)),
        (900, 600, {}, Life("A key", 600)),
        (None, 86400, {"creation_ttl_seconds": 1200}, Life("Your Vault token", 1200)),
        (None, 600, {"creation_ttl_seconds": 1200}, Life("A key", 600)),
        (None, None, {"lease_seconds": 600, "creation_ttl_seconds": 1200}, Life("The secret in Vault", 600)),
        (0, -5, {"lease_seconds": 0, "creation_ttl_seconds": "1200"}, None),
    ],
)
def test_the_shortest_life_decides(
    backend: int | None, gateway: int | None, facts: dict[str, object], life: Life | None
) -> None:
    assert shortest(lives_of(PLAIN, backend, gateway, [told(**facts)])) == life


@pytest.mark.parametrize(
    ("seconds", "chosen", "verdict", "cause"),
    [
        (1200, None, "life-known", "Your Vault token lives 20 minutes; the helper runs every 10 minutes."),
        (86400, None, "life-known", "Your Vault token lives 1 day; the helper runs every 30 minutes."),
        (119, None, "life-short", "Your Vault token lives only 119 seconds; the helper runs every 30 seconds."),
        (
            1200,
            900,
            "refresh-too-long",
            "Your Vault token lives 20 minutes, but you chose to refresh every 15 minutes.",
        ),
        (1200, 600, "life-known", "Your Vault token lives 20 minutes; the helper runs every 10 minutes."),
    ],
)
def test_the_helper_runs_at_half_of_it_at_the_latest(
    seconds: int, chosen: int | None, verdict: str, cause: str
) -> None:
    answers = Answers(gateway=Gateway(url="https://llm.example"), key=Key(refresh_seconds=chosen))
    judged = judge_life(answers, Life("Your Vault token", seconds), None)
    assert (judged.verdict, judged.cause) == (verdict, cause)
    every = judged.facts["refresh_seconds"]
    assert isinstance(every, int) and (verdict == "refresh-too-long" or every * 2 <= seconds)


def test_no_end_known_is_said_with_the_interval() -> None:
    judged = judge_life(Answers(gateway=Gateway(url="https://llm.example")), None, None)
    assert judged.cause == "No end known; the helper runs every 30 minutes."


async def tried(home: Path, server: OpenBao, token: str) -> tuple[Trial, dict[str, Verdict]]:
    private_file(home / ".vault-token", token)
    table = {"address": server.url, "mount": "secret", "path": "life", "field": "api_key"}
    answers = from_table({"gateway": {"url": "http://127.0.0.1:9"}, "key": {"backend": "vault", "vault": table}})
    programs = {name: require(name)[0] for name in ("curl", "jq")}
    trial = await try_key(answers, machine_at(home, programs=programs), {server.url}, lambda _: None)
    return trial, {each.id: each for each in trial.verdicts}


async def test_a_vault_token_is_renewed_in_time_because_the_helper_runs_in_time(home: Path, openbao: OpenBao) -> None:
    openbao.put("life", api_key=KEY)
    trial, seen = await tried(home, openbao, openbao.token(ttl="20m"))
    assert trial.life_seconds == 1200
    assert seen["key.life"].cause == "Your Vault token lives 20 minutes; the helper runs every 10 minutes."
    trial, seen = await tried(home, openbao, openbao.root_token)
    assert trial.life_seconds is None and seen["key.life"].verdict == "life-unknown"


async def test_a_lease_in_vault_bounds_it(home: Path, openbao: OpenBao) -> None:
    openbao.request("POST", "secret/metadata/life", {"delete_version_after": "10m"})
    openbao.put("life", api_key=KEY)
    try:
        trial, seen = await tried(home, openbao, openbao.token(ttl="20m"))
    finally:
        openbao.request("DELETE", "secret/metadata/life")
    assert trial.life_seconds == 600
    assert seen["key.life"].cause == "The secret in Vault lives 10 minutes; the helper runs every 5 minutes."


@pytest.mark.parametrize(("bare_works", "runs"), [(True, 3), (False, 4)])
async def test_the_helper_is_measured_three_times(
    home: Path, monkeypatch: pytest.MonkeyPatch, bare_works: bool, runs: int
) -> None:
    """A run that fails tells nothing of the waiting."""
    private_file(home / "key.env", "K=sk-measured-0123456789\n")
    seconds = iter([0.3, 0.1, 0.2, 0.25])
    environments: list[Any] = []

    async def spy(answers: Answers, machine: Any, env: dict[str, str]) -> HelperRun:
        environments.append(env)
        if len(environments) == 2 and not bare_works:
            return HelperRun(None, "helper-failed", {"code": 1, "reason": "x", "fix": "y"}, next(seconds))
        return HelperRun(Secret("sk-measured-0123456789"), "", {}, next(seconds))

    monkeypatch.setattr("wizard.trial.run_helper", spy)
    table = {"backend": "env-file", "env-file": {"file": str(home / "key.env"), "variable": "K"}}
    answers = from_table({"gateway": {"url": "http://127.0.0.1:9"}, "key": table})
    trial = await try_key(answers, machine_at(home), frozenset(), lambda _: None)
    (wait,) = (each for each in trial.verdicts if each.id == "key.wait")
    assert len(environments) == runs
    told_ms = [300, 100, 200] if bare_works else [300, 200, 250]
    assert wait.facts["runs_ms"] == told_ms
    assert wait.cause == f"A start waits {sorted(told_ms)[1]} ms; a refresh doesn't."

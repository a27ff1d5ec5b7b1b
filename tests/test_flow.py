"""Results belong to their inputs, and a key goes out only after a passed check and a yes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from wizard.answers import Answers, Gateway, Key, Models
from wizard.flow import STEPS, Checked, Draft, Step, failed, following, may_send_key, satisfied
from wizard.lifetime import Life, judge_life
from wizard.machine.model import Machine
from wizard.trial import Trial
from wizard.verdict import Verdict

PASS = (Verdict("gateway.alive", "pass", "ok", "It answers."),)
HOUR = Life("A key", 3600)
FAIL = (Verdict("gateway.alive", "fail", "refused", "Nothing listens.", "Start it."),)


@pytest.fixture
def draft(machine: Machine) -> Draft:
    gateway = Gateway(url="https://llm.example")
    key = Key("env-file", tables={"env-file": {"file": "~/k", "variable": "K"}})
    return Draft(
        Answers(gateway, key),
        machine,
        confirmed=frozenset({"https://llm.example"}),
        health=Checked(gateway, PASS),
        trial=Checked((gateway, key), Trial(PASS)),
    )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(
        home=tmp_path,
        env={},
        platform="linux",
        wsl=False,
        uid=0,
        login_shell=None,
        shells=(),
        claude_dir=tmp_path / ".claude",
        claude=None,
        programs={},
    )


def test_the_order_is_a_straight_line() -> None:
    walked = [STEPS[0]]
    while (coming := following(walked[-1])) is not None:
        walked.append(coming)
    assert tuple(walked) == STEPS


def test_another_url_drops_both_results(draft: Draft) -> None:
    moved = draft.answered(replace(draft.answers, gateway=Gateway(url="https://other.example")))
    assert moved.health is None and moved.trial is None
    assert not satisfied(Step.HEALTH, moved) and not may_send_key(moved)


def test_another_key_drops_only_the_key_test(draft: Draft) -> None:
    changed = draft.answered(replace(draft.answers, key=Key("vault")))
    assert changed.health_now == PASS and changed.trial is None


def test_the_answers_of_a_backend_not_chosen_drop_nothing(draft: Draft) -> None:
    key = draft.answers.key
    looked_at_vault = replace(key, tables={**key.tables, "vault": {"address": "https://vault.example"}})
    changed = draft.answered(replace(draft.answers, key=looked_at_vault))
    assert changed.health_now and changed.trial_now


def test_what_only_claude_code_does_with_the_gateway_drops_nothing(draft: Draft) -> None:
    gateway = replace(draft.answers.gateway, timeout_ms=9000, aws_region="eu-west-1")
    changed = draft.answered(replace(draft.answers, gateway=gateway))
    assert changed.health_now and changed.trial_now
    assert changed.answered(replace(changed.answers, gateway=replace(gateway, proxy="http://p:1"))).health is None


def test_another_refresh_interval_judges_the_key_test_anew_and_runs_nothing(draft: Draft) -> None:
    found = (*PASS, judge_life(draft.answers, HOUR, None))
    tried = draft.tried(Trial(found, ("claude-opus-5-5",), HOUR))
    changed = tried.answered(replace(draft.answers, key=replace(draft.answers.key, refresh_seconds=3600)))
    assert changed.trial_now and changed.trial_now.models == ("claude-opus-5-5",)
    assert [each.verdict for each in tried.trial_now.verdicts] == ["ok", "life-known"] if tried.trial_now else False
    assert [each.verdict for each in changed.trial_now.verdicts] == ["ok", "refresh-too-long"]
    assert changed.answered(tried.answers).trial_now == tried.trial_now


def test_a_life_that_was_not_tried_stays_not_tried(draft: Draft) -> None:
    skipped = Verdict("key.life", "skip", "not-tried", "Not tried: there is no key to try.")
    tried = draft.tried(Trial((skipped,)))
    changed = tried.answered(replace(draft.answers, key=replace(draft.answers.key, refresh_seconds=60)))
    assert changed.trial_now and changed.trial_now.verdicts == (skipped,)


def test_other_models_drop_nothing(draft: Draft) -> None:
    changed = draft.answered(replace(draft.answers, models=Models(opus="x")))
    assert changed.health_now and changed.trial_now


def test_an_override_lets_go_on_but_never_sends_a_key(draft: Draft) -> None:
    bad = replace(draft, health=Checked(draft.answers.gateway, FAIL))
    assert failed(Step.HEALTH, bad) and not satisfied(Step.HEALTH, bad)
    overridden = replace(bad, overridden=frozenset({Step.HEALTH}))
    assert satisfied(Step.HEALTH, overridden)
    assert not may_send_key(overridden)


def test_an_override_goes_with_the_result_it_belongs_to(draft: Draft) -> None:
    overridden = replace(
        draft, health=Checked(draft.answers.gateway, FAIL), overridden=frozenset({Step.HEALTH, Step.TEST})
    )
    moved = overridden.answered(replace(draft.answers, gateway=Gateway(url="https://other.example")))
    assert moved.overridden == frozenset()


def test_case_16_an_unconfirmed_origin_gets_no_key(draft: Draft) -> None:
    assert may_send_key(draft)
    assert not may_send_key(replace(draft, confirmed=frozenset()))

"""How the screens begin with a team's answers, and where a run was left early."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.tui.fixture import EXPIRED, URL, Fake, a_machine, first_draft, later_draft
from tests.tui.walking import walking
from wizard.answers import Gateway, Key
from wizard.flow import Draft, Step
from wizard.resume import Unfinished, find, save
from wizard.team import Team, read
from wizard.tui.session import Session

HOSTILE = b"""
version = 1
[gateway]
url = "https://llm.corp.example:4000"
proxy = "http://proxy.evil.example:3128"
[key]
backend = "command"
[key.command]
preset = "custom"
command = "touch /tmp/pwned"
[write]
helper = "~/.profile"
"""


def with_team(content: bytes, *, is_fetched: bool = False) -> Callable[[Session], None]:
    team = read(content, "https://wiki.corp.example/team.toml" if is_fetched else "team.toml", is_fetched=is_fetched)
    return lambda session: setattr(session, "beginning", team)


async def test_a_team_file_asks_for_each_answer_that_could_do_harm() -> None:
    async with walking(first_draft(), prepare=with_team(HOSTILE)) as walk:
        assert walk.step == "TeamDialog" and "(1 of 3)" in walk.text()
        assert "gateway.proxy = http://proxy.evil.example:3128" in walk.text()
        assert walk.session.draft.answers.gateway.url == "", "nothing is taken before the last answer"
        await walk.press("enter")
        assert "(1 of 3)" in walk.text(), "Enter is no yes"
        await walk.press("n")
        assert "key.command.command = touch /tmp/pwned" in walk.text() and "runs as you" in walk.text()
        await walk.press("y", "escape", "n", "n")
        assert walk.step == "Server" and walk.find("#url", Input).value == URL
        answers = walk.session.draft.answers
        assert answers.gateway.proxy == "" and answers.write.helper == ""
        assert "command" not in answers.key.options and not walk.session.would_lose
        assert not walk.session.draft.confirmed


async def test_a_yes_takes_the_answer_and_a_fetched_server_is_confirmed_by_name() -> None:
    async with walking(first_draft(), prepare=with_team(HOSTILE, is_fetched=True)) as walk:
        assert f"Your credential may be sent to {URL}" in " ".join(walk.text().split())
        await walk.press(*"yyyy")
        answers = walk.session.draft.answers
        assert answers.gateway.proxy and answers.key.options["command"] == "touch /tmp/pwned"
        assert answers.write.helper == "~/.profile" and walk.session.draft.confirmed == {URL}


async def test_leaving_the_question_takes_nothing() -> None:
    async with walking(first_draft(), prepare=with_team(HOSTILE)) as walk:
        await walk.press("ctrl+q")
    assert walk.session.draft.answers.gateway.url == "" and walk.app.return_value == 130


def stopped_at(step: Step) -> Callable[[Session], None]:
    draft = later_draft()
    kept = Unfinished(draft.answers, step, datetime(2026, 11, 29, 14, 3, tzinfo=UTC))

    def prepare(session: Session) -> None:
        session.beginning = kept

    return prepare


@pytest.mark.parametrize("step", [Step.SERVER, Step.HEALTH, Step.KEY, Step.TEST, Step.MODELS, Step.REVIEW])
async def test_enter_goes_on_where_it_was_with_every_check_made_anew(step: Step) -> None:
    fake = Fake()
    async with walking(first_draft(), fake, prepare=stopped_at(step)) as walk:
        assert walk.step == "ResumeDialog"
        told = " ".join(walk.text().split())
        assert f"You stopped at {step.value}" in told and URL in told and "https://vault.corp.example:8200" in told
        assert not fake.calls, "nothing is asked of any server before the yes"
        await walk.press("enter")
        await walk.settle()
        assert walk.step == step.value
        assert bool(fake.asked("check_gateway")) == (step is not Step.SERVER)
        assert bool(fake.asked("try_key")) == (step in (Step.TEST, Step.MODELS, Step.REVIEW))
        assert walk.session.heading is None
        assert walk.session.draft.confirmed == {URL, "https://vault.corp.example:8200"}


async def test_it_stops_at_a_check_that_fails() -> None:
    fake = Fake(health=EXPIRED)
    async with walking(first_draft(), fake, prepare=stopped_at(Step.REVIEW)) as walk:
        await walk.press("enter")
        assert walk.step == "Health" and not fake.asked("try_key")
        await walk.press("escape")
        assert walk.step == "Server" and walk.find("#url", Input).value == URL


@pytest.mark.parametrize("key", ["s", "escape"])
async def test_it_can_be_left_and_confirms_nothing_then(key: str, home: Path) -> None:
    machine = a_machine(home)
    save(machine, later_draft().answers, Step.TEST)
    async with walking(first_draft(home=home), prepare=stopped_at(Step.TEST)) as walk:
        await walk.press(key)
        assert walk.step == "Server" and walk.find("#url", Input).value == ""
        assert not walk.session.draft.confirmed and walk.session.draft.answers.gateway == Gateway()
        for _ in range(500):
            if key == "escape" or not machine.unfinished_file.exists():
                break
            await walk.pilot.pause(0.01)
    assert machine.unfinished_file.exists() == (key == "escape")


async def test_each_step_keeps_the_answers_and_the_write_forgets_them(home: Path) -> None:
    machine = a_machine(home)

    def prepare(session: Session) -> None:
        session.keep_on = machine

    fake = Fake()
    draft = Draft(later_draft().answers, machine)
    async with walking(draft, fake, prepare=prepare) as walk:
        assert not machine.state_dir.exists(), "nothing is written before anything is answered"
        await walk.paste("https://new.corp.example")
        await walk.press("enter")
        kept = find(machine, None)
        assert kept is not None and kept.step is Step.HEALTH
        assert kept.answers.gateway.url == "https://new.corp.example"
        await walk.press("ctrl+q")
        assert "is kept: the next start offers to go on" in " ".join(walk.text().split())
        await walk.press("escape", "enter")
        kept = find(machine, None)
        assert kept is not None and kept.step is Step.KEY
        await walk.press(*["enter"] * 3)
        assert walk.step == "Review" and machine.unfinished_file.exists()
        await walk.press("w")
        assert fake.asked("carry_out") and not (home / ".local").exists(), "it is gone, and the folders made for it"
    assert not walk.session.keep()


async def test_without_a_place_to_keep_them_leaving_says_that_they_are_lost() -> None:
    async with walking(first_draft()) as walk:
        await walk.paste(URL)
        await walk.press("enter", "ctrl+q")
        assert "is not kept" in " ".join(walk.text().split())


def test_what_is_there_to_begin_with_is_a_team_or_a_run() -> None:
    assert isinstance(read(b"version = 1\n[gateway]\nroute = 'anthropic'", "t", is_fetched=False), Team)
    assert Unfinished(later_draft().answers, Step.KEY, datetime.now(UTC)).origins == (
        URL,
        "https://vault.corp.example:8200",
    )
    assert Key() != later_draft().answers.key

"""The screens on a machine that was set up before: the server moved, or something else did, or nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.widgets import Input

from tests.tui.fixture import KEY_WORKS, MODELS, URL, Fake, a_plan, answered, first_draft, later_draft
from tests.tui.walking import walking
from wizard.flow import Draft
from wizard.trial import Trial
from wizard.tui.story import last_words, occasion
from wizard.tui.widgets.choice import Choice

NEW = "https://new.corp.example"


async def test_case_86_a_moved_server_takes_its_url_and_six_keys() -> None:
    async with walking(later_draft()) as walk:
        await walk.paste(NEW)
        assert walk.find("#url", Input).value == NEW, "what is pasted or typed takes the place of the old URL"
        assert "Did your LiteLLM server move?" in walk.text() and "server moved" in walk.text()
        await walk.press("enter", "k")
        assert walk.step == "Test" and "✓ Key" in walk.text()
        await walk.press("y", "enter")
        assert walk.step == "Review" and "✓ Models" in walk.text() and "3 pinned" in walk.text()
        await walk.press("w", "y")
        assert "It works" in walk.text()
        assert walk.fake.asked("make_plan")[-1] == replace(
            later_draft().answers, gateway=replace(later_draft().answers.gateway, url=NEW)
        ), "everything else is kept"
        assert walk.fake.asked("prove") == [False, True] and len(walk.fake.asked("send_one_message")) == 1
    assert NEW in last_words(walk.session)


async def test_typing_takes_the_place_of_the_old_url_and_moving_first_keeps_it() -> None:
    async with walking(later_draft()) as walk:
        await walk.press("h", "t")
        assert walk.find("#url", Input).value == "ht"
    async with walking(later_draft()) as walk:
        await walk.press("end", "1")
        assert walk.find("#url", Input).value == f"{URL}1"


async def test_back_from_a_kept_key_leads_to_where_it_can_be_changed() -> None:
    async with walking(later_draft()) as walk:
        await walk.press("enter", "k", "escape")
        assert walk.step == "Health"
        await walk.press("enter")
        assert walk.step == "Key"
        await walk.press("enter", "enter")
        assert walk.step == "Models", "Enter goes the whole way"
        assert len(walk.fake.asked("try_key")) == 1, "the result still belongs to this key"


@pytest.mark.parametrize("draft", [answered(first_draft(), url=URL), replace(later_draft(), saved=None)])
async def test_without_answers_from_before_there_is_nothing_to_keep(draft: Draft) -> None:
    async with walking(draft) as walk:
        await walk.press("enter")
        assert walk.step == "Health" and "Keep the rest" not in walk.text()
        await walk.press("k")
        assert walk.step == "Health"


@pytest.mark.parametrize("models", [MODELS[1:], ()], ids=["one-is-gone", "list-unknown"])
async def test_pins_that_the_new_server_may_lack_are_shown(models: tuple[str, ...]) -> None:
    async with walking(later_draft(), Fake(trial=Trial(KEY_WORKS, models))) as walk:
        await walk.press("enter", "k", "n", "enter")
        assert walk.step == "Models"
        assert ("Pin Haiku." in walk.text()) == bool(models)


async def test_leave_to_use_http_does_not_move_along() -> None:
    draft = answered(later_draft("http://llm.corp.example"), allow_http=True)
    async with walking(draft) as walk:
        assert "The key travels" in walk.text()
        await walk.paste("http://other.corp.example")
        assert walk.find("#allow-http", Choice).value == "false"
        await walk.press("enter")
        assert walk.step == "Server" and "Over http the key travels" in walk.text()
        walk.find("#url", Input).value = "http://llm.corp.example/below"
        await walk.settle()
        await walk.press("enter")
        assert walk.step == "Server", "once taken back it has to be given anew"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"url": NEW}, "server moved"),
        ({"url": f"{URL}/below"}, "server moved"),
        ({"url": URL.replace("4000", "4001")}, "server moved"),
        ({"url": f"{URL}/v1/"}, "server settings changed"),
        ({"timeout_ms": 9000}, "server settings changed"),
        ({"route": "bedrock"}, "route changed"),
        ({}, "set up before"),
    ],
)
async def test_the_title_says_what_changed(changes: dict[str, object], says: str) -> None:
    draft = later_draft()
    changed = replace(draft, answers=replace(draft.answers, gateway=replace(draft.answers.gateway, **changes)))  # type: ignore[arg-type]
    async with walking(changed) as walk:
        assert occasion(walk.session) == says and says in walk.text()


async def test_what_no_check_depends_on_repeats_none() -> None:
    async with walking(later_draft()) as walk:
        await walk.press("enter", "k", "escape", "escape")
        await walk.press("tab", "tab", "space")
        walk.find("#field-timeout_ms TextField", Input).value = "120000"
        await walk.press("enter", "k")
        assert walk.step == "Test" and walk.session.draft.answers.gateway.timeout_ms == 120000
        assert len(walk.fake.asked("check_gateway")) == len(walk.fake.asked("try_key")) == 1


async def test_the_review_shows_what_changes_and_sums_up_what_stays() -> None:
    plan = a_plan()
    helper, settings, *others = plan.changes
    stays = tuple(replace(each, before=each.after, before_mode=each.mode) for each in others)
    fake = Fake(plan=replace(plan, changes=(helper, settings, *stays), leftovers=()))
    async with walking(later_draft(), fake) as walk:
        await walk.press("enter", "k", "n", "enter")
        assert "2 files: 1 new, 1 changed." in walk.text() and "~/.bashrc" not in walk.text()
        await walk.press("end")
        assert "3 files stay as they are" in walk.text() and "~/.bashrc" in walk.text()
    fake = Fake(plan=replace(plan, changes=stays, leftovers=()))
    async with walking(later_draft(), fake) as walk:
        await walk.press("enter", "k", "n", "enter")
        assert "Nothing will change" in walk.text() and "3 files stay as they are" in walk.text()

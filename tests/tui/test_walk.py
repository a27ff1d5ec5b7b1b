"""The way through the seven screens, by keys only."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.tui.fixture import EXPIRED, HEALTHY, LEFTOVER, URL, Fake, a_plan, answered, first_draft, later_draft
from tests.tui.walking import LARGE, SMALL, walking
from wizard.apply.errors import Refused, WriteFailed
from wizard.apply.plan import Plan
from wizard.flow import Step
from wizard.tui.story import exit_code, last_words
from wizard.verdict import Verdict

VAULT_ORIGIN = "https://vault.corp.example:8200"


async def test_first_run_to_an_answer_by_keys_alone() -> None:
    async with walking(first_draft()) as walk:
        await walk.paste("https://llm.corp.example:4000/v1/\n")
        assert f"✓ Claude Code will use {URL}" in walk.text()
        await walk.press("enter")
        assert walk.step == "Health" and "It answers" in walk.text()
        await walk.press("enter")
        assert walk.step == "Key" and VAULT_ORIGIN in walk.text()
        await walk.paste("litellm/claude-code")
        await walk.press("enter")
        assert walk.step == "Test" and "sk-…7f3a (38 characters)" in walk.text()
        await walk.press("y", "enter")
        assert walk.step == "Models" and walk.fake.asked("send_one_message") == ["claude-haiku-5-5"]
        await walk.press("enter")
        assert walk.step == "Review" and not walk.fake.asked("carry_out")
        await walk.press("w")
        assert walk.step == "Done" and "5 files written." in walk.text()
        assert "Everything is in place" in walk.text(), "nothing works before Claude Code has answered"
        await walk.press("y")
        assert "It works" in walk.text() and walk.fake.asked("prove") == [False, True]
        await walk.press("enter")
    assert walk.app.return_value == 0
    words = last_words(walk.session)
    assert "~/bin/get-litellm-key.sh" in words and "undo" in words


async def test_a_known_machine_needs_eight_keys() -> None:
    async with walking(later_draft()) as walk:
        await walk.press(*["enter"] * 3, "y", "enter", "enter", "w", "y")
        assert "It works" in walk.text()


async def test_case_16_70_nothing_is_sent_before_it_was_agreed_to() -> None:
    async with walking(first_draft()) as walk:
        await walk.paste(URL)
        assert not walk.fake.calls, "typing asks nobody"
        await walk.press("enter", "enter")
        assert walk.session.draft.confirmed == {URL}
        await walk.paste("litellm/claude-code")
        await walk.press("enter")
        assert walk.fake.asked("try_key") == [frozenset({URL, VAULT_ORIGIN})]
        assert not walk.fake.asked("send_one_message")
        await walk.press("n")
        assert not walk.fake.asked("send_one_message") and "Not sent." in walk.text()


async def test_a_wrong_url_stays_and_says_why() -> None:
    async with walking(first_draft()) as walk:
        await walk.press("enter")
        assert walk.step == "Server" and "✗ Type the URL of your LiteLLM server." in walk.text()
        await walk.paste("https://llm.corp.example:99999")
        await walk.press("enter")
        assert walk.step == "Server" and "✗ Its port or host can't be read." in walk.text()


@pytest.mark.parametrize(
    ("typed", "completed"),
    [("llm.corp.example:4000", "https://llm.corp.example:4000"), ("localhost:4000", "http://localhost:4000")],
)
async def test_a_bare_host_is_completed_and_shown_first(typed: str, completed: str) -> None:
    async with walking(first_draft()) as walk:
        await walk.paste(typed)
        await walk.press("enter")
        assert walk.step == "Server" and f"Claude Code will use {completed}" in walk.text()
        await walk.press("enter")
        assert walk.step == "Health"


async def test_http_needs_its_own_yes() -> None:
    async with walking(first_draft()) as walk:
        await walk.paste("http://llm.corp.example")
        await walk.press("enter", "enter")
        assert walk.step == "Server" and "travels unencrypted" in walk.text()
        await walk.press("right", "enter")
        assert walk.step == "Health" and walk.session.draft.answers.gateway.allow_http


async def test_the_folded_fields_are_kept_and_checked() -> None:
    async with walking(answered(later_draft(), timeout_ms=600000)) as walk:
        await walk.press("tab", "tab", "space")
        walk.find("#field-timeout_ms TextField", Input).value = "soon"
        walk.find("#field-client_cert TextField", Input).value = "~/me.pem"
        await walk.press("enter")
        assert walk.step == "Server" and "It must be a whole number." in walk.text()
        walk.find("#field-timeout_ms TextField", Input).value = "120000"
        await walk.press("enter")
        assert walk.step == "Server" and "A client certificate and its key go together." in walk.text()
        walk.find("#field-client_key TextField", Input).value = "~/me.key"
        await walk.press("enter")
        gateway = walk.session.draft.answers.gateway
        assert (walk.step, gateway.timeout_ms, gateway.client_key) == ("Health", 120000, "~/me.key")


async def test_the_second_run_says_what_changed() -> None:
    async with walking(later_draft()) as walk:
        assert "Is this still your LiteLLM server?" in walk.text()
        walk.find("#url", Input).value = "https://new.corp.example"
        await walk.settle()
        assert "Did your LiteLLM server move?" in walk.text() and f"It was {URL}." in walk.text()
        await walk.press("enter")
        assert "server moved" in walk.text()


async def test_back_keeps_text_focus_and_results() -> None:
    async with walking(first_draft()) as walk:
        await walk.paste(URL)
        await walk.press("enter", "enter")
        await walk.paste("litellm/mine")
        focused = walk.app.focused
        await walk.press("enter", "escape")
        assert walk.step == "Key" and walk.app.focused is focused and "litellm/mine" in walk.text()
        await walk.press("escape", "escape")
        assert walk.step == "Server" and walk.find("#url", Input).value == URL
        await walk.press("enter")
        assert len(walk.fake.asked("check_gateway")) == 1, "the result still belongs to this URL"
        await walk.press("escape")
        walk.find("#url", Input).value = "https://other.example"
        await walk.press("enter")
        assert len(walk.fake.asked("check_gateway")) == 2 and walk.session.draft.trial is None


async def test_case_16_a_failed_check_is_overridden_only_explicitly_and_sends_no_key() -> None:
    async with walking(later_draft(), Fake(health=EXPIRED)) as walk:
        await walk.press("enter", "enter", "enter")
        assert walk.step == "Health" and "expired" in walk.text() and "o Go on anyway" in walk.footer()
        await walk.press("o", "enter", "enter")
        assert walk.step == "Test" and walk.fake.asked("try_key") == [frozenset({VAULT_ORIGIN})]
        assert "no key goes there" in walk.text() and "Send one tiny" not in walk.text()
        await walk.press("enter", "enter")
        assert walk.step == "Review" and "Server not healthy" in walk.text()


async def test_mending_a_failed_check_makes_the_key_test_run_again() -> None:
    async with walking(later_draft(), Fake(health=EXPIRED)) as walk:
        await walk.press("enter", "o", "enter", "enter", "escape", "escape")
        walk.fake.health = HEALTHY
        await walk.press("ctrl+r", "enter", "enter")
        assert walk.fake.asked("try_key")[-1] == {URL, VAULT_ORIGIN}
        assert Step.HEALTH not in walk.session.draft.overridden


async def test_case_72_enter_waits_for_the_check_and_escape_cancels_it() -> None:
    async with walking(later_draft(), Fake(hold=asyncio.Event())) as walk:
        await walk.pilot.press("enter")
        await walk.pilot.pause(0.1)
        assert walk.step == "Health" and "checking" in walk.text()
        await walk.pilot.press("enter")
        await walk.pilot.pause()
        assert walk.step == "Health"
        await walk.press("escape")
        assert walk.step == "Server" and walk.session.draft.health is None


async def test_a_double_enter_goes_one_step() -> None:
    async with walking(first_draft(), Fake(hold=asyncio.Event())) as walk:
        await walk.paste(URL)
        await walk.pilot.press("enter", "enter", "enter")
        await walk.pilot.pause(0.1)
        assert walk.step == "Health" and len(walk.app.screen_stack) == 2


async def test_case_29_holding_enter_never_writes() -> None:
    async with walking(later_draft()) as walk:
        await walk.press(*["enter"] * 12)
        assert not walk.fake.asked("carry_out")


async def test_a_conflict_needs_its_own_tick() -> None:
    async with walking(later_draft(), Fake(plan=a_plan(conflict=True))) as walk:
        await walk.press(*["enter"] * 5, "w")
        assert walk.step == "Review" and "1 file of yours waits for your word." in walk.text()
        await walk.press("space")
        assert "✓ replaced" in walk.text()
        await walk.press("w")
        [(plan, ticked)] = walk.fake.asked("carry_out")
        assert walk.step == "Done" and ticked == {plan.changes[0].path} == {Path("/home/ada/bin/get-litellm-key.sh")}


async def test_a_blocked_plan_is_not_written() -> None:
    fake = Fake(plan=replace(a_plan(), blockers=("Managed settings name another helper. Ask your administrator.",)))
    async with walking(later_draft(), fake) as walk:
        await walk.press(*["enter"] * 5, "w")
        assert walk.step == "Review" and "✗ Nothing can be written. Managed settings" in walk.text()


async def test_nothing_to_do_is_said_and_proven() -> None:
    async with walking(later_draft(), Fake(plan=Plan(()))) as walk:
        await walk.press(*["enter"] * 5)
        assert "Nothing will change" in walk.text()
        await walk.press("w", "n", "enter")
        assert not walk.fake.asked("carry_out") and walk.fake.asked("prove") == [False]
    assert walk.app.return_value == 0
    assert last_words(walk.session).startswith("Nothing was changed: every file was already as you want it.")


async def test_case_58_leftovers_stand_with_their_line_and_what_becomes_of_them() -> None:
    async with walking(later_draft()) as walk:
        await walk.press(*["enter"] * 5, "end")
        assert LEFTOVER.where in walk.text() and "→ It is set to nothing" in walk.text()


async def test_case_09_secrets_of_the_user_are_masked_in_the_diff() -> None:
    async with walking(later_draft()) as walk:
        await walk.press(*["enter"] * 5, "down", "enter")
        assert walk.step == "DiffScreen"
        assert "EDITOR_TOKEN" in walk.text() and "s3cr3t-of-mine" not in walk.text()


async def test_other_paths_make_another_plan() -> None:
    async with walking(later_draft()) as walk:
        await walk.press(*["enter"] * 5, "e")
        walk.find("#field-helper TextField", Input).value = "~/tools/key"
        walk.find("#field-shells TextField", Input).value = "bash"
        await walk.press("enter")
        write = walk.fake.asked("make_plan")[-1].write
        assert (walk.step, write.helper, write.shells) == ("Review", "~/tools/key", ("bash",))


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (Refused("~/.bashrc changed meanwhile."), 3, "~/.bashrc changed meanwhile.\nNothing was changed."),
        (WriteFailed("~/.bashrc", "No space.", rolled_back=True), 4, "Everything is as it was before."),
    ],
)
async def test_a_write_that_did_not_happen_leads_back(error: Exception, code: int, words: str) -> None:
    async with walking(later_draft(), Fake(write_error=error)) as walk:
        await walk.press(*["enter"] * 5, "w")
        assert walk.step == "Done" and "✗ The row below says why." in walk.text() and not walk.fake.asked("prove")
        assert exit_code(walk.session) == code and words in last_words(walk.session)
        await walk.press("escape")
        assert walk.step == "Review"


async def test_a_failed_proof_is_told_and_decides_the_exit_code() -> None:
    bad = Verdict("proof.bash", "fail", "shell-lacks", "A new bash has no ANTHROPIC_BASE_URL.", "Look in ~/.bashrc.")
    async with walking(later_draft(), Fake(proofs=(bad,))) as walk:
        await walk.press(*["enter"] * 5, "w")
        assert "Not everything works yet" in walk.text() and "→ Look in ~/.bashrc." in walk.text()
        await walk.press("enter")
    assert walk.app.return_value == 1
    assert "Not working yet: A new bash has no ANTHROPIC_BASE_URL. Look in ~/.bashrc." in last_words(walk.session)


@pytest.mark.parametrize("size", [SMALL, LARGE, (60, 16), (200, 60)], ids=str)
async def test_case_87_every_screen_fits(size: tuple[int, int]) -> None:
    async with walking(later_draft(), size=size) as walk:
        for key in ("", "enter", "enter", "enter", "enter", "enter", "w"):
            if key:
                await walk.press(key)
            lines = walk.text().splitlines()
            assert len(lines) <= size[1] and max(map(len, lines)) <= size[0]
            assert walk.app.screen.max_scroll_y == 0, "the frame itself never scrolls"
            assert "^Q Quit" in lines[-1] or size[0] < 80
            wide = walk.app.screen.has_class("-wide")
            assert wide == (size[0] >= 100)

"""What a run comes to: nothing untried is called right, and what is wrong says so."""

from __future__ import annotations

from dataclasses import replace

from tests.tui.fixture import (
    ANSWERED,
    EXPIRED,
    HEALTHY,
    KEY_WORKS,
    MODELS,
    NOT_ASKED,
    PROOFS,
    THREE_MONTHS,
    URL,
    Fake,
    later_draft,
)
from tests.tui.walking import LARGE, SMALL, walking
from wizard.flow import Draft
from wizard.outcome import Outcome
from wizard.summary import as_text, last_words, summary
from wizard.trial import Trial
from wizard.tui import story
from wizard.verdict import Verdict

DONE = Outcome("yes", files=("~/.bashrc", "~/.claude/settings.json"), proofs=(*PROOFS, ANSWERED))


def tried(draft: Draft | None = None) -> Draft:
    return (draft or later_draft()).checked(HEALTHY).tried(Trial(KEY_WORKS, MODELS, THREE_MONTHS))


def test_everything_that_was_proven_is_told() -> None:
    lines = summary(tried(), DONE)
    assert [each.name for each in lines] == [
        "Server", "Key", "Models", "Files", "Shells", "Key helper", "Settings", "Claude Code"
    ]  # fmt: skip
    assert {each.status for each in lines} == {"pass"}
    assert [each.name for each in lines if not each.tried] == ["Models", "Files"]
    assert as_text(lines).splitlines()[0] == f"  ✓ Server       {URL}, healthy"
    assert "new bash and zsh have the variables" in as_text(lines)


def test_what_was_not_tried_is_no_tick() -> None:
    lines = {each.name: each for each in summary(later_draft(), replace(DONE, proofs=(*PROOFS, NOT_ASKED)))}
    assert (lines["Server"].status, lines["Server"].text) == ("skip", f"{URL}, not checked")
    assert (lines["Key"].status, lines["Key"].text) == ("skip", "from vault, not tried at the server")
    assert (lines["Claude Code"].status, lines["Claude Code"].text) == ("skip", "has not answered yet")


def test_what_is_wrong_says_so() -> None:
    bad = Verdict("proof.zsh", "fail", "shell-lacks", "A new zsh has no ANTHROPIC_BASE_URL.", "Look in ~/.zshrc.")
    outcome = replace(DONE, proofs=(PROOFS[0], bad, *PROOFS[2:], NOT_ASKED))
    lines = {each.name: each for each in summary(later_draft().checked(EXPIRED), outcome)}
    assert lines["Server"].status == "fail" and "not healthy" in lines["Server"].text
    assert (lines["Shells"].status, lines["Shells"].text) == ("fail", bad.cause)


def test_it_stays_in_the_scrollback_only_when_something_stands() -> None:
    assert "  ✓ Claude Code  answered through your gateway" in last_words(DONE, tried())
    assert "✓ Server" in last_words(Outcome("nothing to do"), tried())
    assert last_words(Outcome(), tried()) == "Nothing was changed."
    told = last_words(Outcome("refused", "~/.bashrc changed.", stored=("The keychain holds the key now.",)), tried())
    assert told.splitlines()[1:3] == ["The keychain holds the key now.", "Nothing else was changed."]


async def test_the_card_stands_below_the_rows_and_hides_none() -> None:
    for size in (SMALL, LARGE):
        async with walking(later_draft(), size=size) as walk:
            await walk.press(*["enter"] * 5, "w")
            assert "Proven" not in walk.text() and "What you have now" not in walk.text(), "a question stands there"
            await walk.press("y")
            told = walk.text()
            for words in (
                "It works",
                "5 files written.",
                "A new bash has all",
                "claude-litellm-wizard undo",
                "Restart",
            ):
                assert words in told
            assert ("Proven" in told) == (size == SMALL) and ("What you have now" in told) == (size == LARGE)
            await walk.press("enter")
        assert "✓ Claude Code  answered through your gateway" in story.last_words(walk.session)


async def test_the_card_says_what_was_left_out_and_goes_with_the_set_up() -> None:
    async with walking(later_draft(), Fake()) as walk:
        await walk.press(*["enter"] * 5, "w", "n")
        assert "Not tried" in walk.text() and "Not asked." in walk.text()
        await walk.press("u", "y")
        assert "Taken back" in walk.text() and "Proven" not in walk.text()

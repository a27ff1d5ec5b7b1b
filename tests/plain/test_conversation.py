"""The same questions and results as on the screens, as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from tests.plain.support import Said, talk
from tests.tui.fixture import (
    AUTHORITY,
    EXPIRED,
    EXPIRED_KEY,
    HEALTHY,
    KEY_WORKS,
    SHA256,
    UNTRUSTED,
    URL,
    Fake,
    a_plan,
    first_draft,
    later_draft,
)
from wizard.apply.change import Migration, Plan
from wizard.apply.errors import Refused, WriteFailed
from wizard.trial import Trial
from wizard.verdict import Verdict

SERVER: Final = (URL, "", "")
KEY: Final = ("vault", "", "", "litellm/claude-code", "", "", "", "")
FIRST_RUN: Final = (*SERVER, *KEY, "yes", "", "", "", "yes", "yes")
"""Server, route, no more; Vault, its address as found, no more, right; message; three pins; write; ask."""


def questions(said: Said) -> list[str]:
    """Return the lines that ask."""
    return [line for line in said.text.splitlines() if ": " in line and ("[" in line or line.rstrip().endswith(":"))]


def test_a_first_run_asks_in_the_order_of_the_screens_and_writes_on_a_yes() -> None:
    fake = Fake()
    said = talk(first_draft(), *FIRST_RUN, fake=fake)
    headings = [line.split(".")[0] for line in said.text.splitlines() if line.split(".")[0] in STEPS]
    assert headings == list(STEPS)
    assert said.code == 0 and said.asked == len(FIRST_RUN), said.text
    assert len(fake.asked("carry_out")) == 1 and fake.asked("send_one_message") == ["claude-haiku-5-5"]
    assert fake.asked("prove") == [False, True]
    answers = fake.asked("make_plan")[-1]
    assert answers.gateway.url == URL and answers.key.backend == "vault"
    assert answers.key.options["path"] == "litellm/claude-code" and answers.models.opus == "claude-opus-5-5"
    for shown in ("+++ ~/.claude/settings.json", "mode 0700", "It works", "To undo: claude-litellm-wizard undo"):
        assert shown in said.text
    for verdict in (*HEALTHY, *KEY_WORKS):
        assert verdict.cause.removeprefix("Not tried: ") in said.text


STEPS: Final = ("Server", "Health", "Key", "Test", "Models", "Review", "Done")


def test_a_second_run_keeps_everything_by_enter_alone_but_never_writes_by_it() -> None:
    fake = Fake()
    said = talk(later_draft(), *[""] * 5, fake=fake)
    assert "Set up before for" in said.text and "Write 5 files?" in said.text
    assert not fake.asked("carry_out") and not fake.asked("send_one_message")
    assert said.code == 2 and said.text.rstrip().endswith("Nothing was changed.")


def test_enter_at_the_last_question_leaves_and_changes_nothing() -> None:
    fake = Fake()
    said = talk(later_draft(), *[""] * 6, fake=fake)
    assert said.code == 130 and "Nothing was changed." in said.text and not fake.asked("carry_out")


@pytest.mark.parametrize("place", range(len(FIRST_RUN) - 1))
@pytest.mark.parametrize("how", ["quit", "end", "interrupt"])
def test_leaving_at_any_question_before_the_yes_changes_nothing(place: int, how: str) -> None:
    fake = Fake()
    lines = [*FIRST_RUN[:place], *(["quit"] if how == "quit" else [])]
    said = talk(first_draft(), *lines, fake=fake, then=KeyboardInterrupt if how == "interrupt" else None)
    assert said.code == (2 if how == "end" else 130)
    assert said.text.rstrip().endswith("Nothing was changed.")
    assert not fake.asked("carry_out")


def test_the_end_of_input_at_a_terminal_is_leaving() -> None:
    assert talk(first_draft(), echo=False).code == 130


def test_an_interrupt_after_the_write_says_what_was_written() -> None:
    said = talk(first_draft(), *FIRST_RUN[:-1], then=KeyboardInterrupt)
    assert said.code == 130 and "Claude Code is set up for" in said.text and "To undo:" in said.text


def test_the_end_of_input_after_the_write_is_no_failure() -> None:
    said = talk(first_draft(), *FIRST_RUN[:-1])
    assert said.code == 0 and "Claude Code is set up for" in said.text


@pytest.mark.parametrize("place", range(len(FIRST_RUN)))
def test_a_question_mark_explains_every_question_and_asks_it_again(place: int) -> None:
    plain = talk(first_draft(), *FIRST_RUN)
    said = talk(first_draft(), *FIRST_RUN[:place], "?", *FIRST_RUN[place:])
    assert said.code == 0
    assert len(said.text) > len(plain.text) + 20


@pytest.mark.parametrize("place", range(1, len(FIRST_RUN) - 1))
def test_back_leads_to_the_question_before_and_loses_nothing(place: int) -> None:
    """After one step back, Enter keeps what was answered until the same plan stands there."""
    fake = Fake()
    lines = [*FIRST_RUN[:place], "back", *["" for _ in range(12)]]
    talk(first_draft(), *lines, fake=fake)
    if fake.asked("make_plan"):
        answers = fake.asked("make_plan")[-1]
        assert answers.gateway.url == URL


def test_back_at_the_first_question_stays_there() -> None:
    said = talk(first_draft(), "back", "back", "quit")
    assert said.text.count("quit leaves.") >= 3 and said.code == 130


@pytest.mark.parametrize(
    ("typed", "says"),
    [("nonsense words", "blank"), ("ftp://x.example", "http"), ("https://", "host"), ("https://a.example/?k=1", "?")],
)
def test_an_address_is_judged_by_the_field(typed: str, says: str) -> None:
    said = talk(first_draft(), typed, "quit")
    assert "✗ " in said.text


def test_http_needs_its_own_yes() -> None:
    fake = Fake()
    talk(first_draft(), "http://llm.corp.example", "", "http://llm.corp.example", "yes", "", "", fake=fake)
    (gateway,) = fake.asked("check_gateway")
    assert gateway.allow_http and gateway.url == "http://llm.corp.example"


def test_a_bare_host_gets_its_scheme() -> None:
    fake = Fake()
    talk(first_draft(), "llm.corp.example", "", "", fake=fake)
    assert fake.asked("check_gateway")[0].url == "https://llm.corp.example"


def test_what_a_company_network_needs_is_asked_on_request() -> None:
    fake = Fake()
    lines = [URL, "", "yes", "~/ca.pem", "~/c.pem", "", "", "", "", "", "~/c.key"]
    talk(first_draft(), *lines, fake=fake)
    gateway = fake.asked("check_gateway")[0]
    assert (gateway.ca_file, gateway.client_cert, gateway.client_key) == ("~/ca.pem", "~/c.pem", "~/c.key")


def test_a_failed_check_stops_until_it_is_overridden_and_no_key_goes_there() -> None:
    fake = Fake(health=EXPIRED)
    said = talk(first_draft(), *SERVER, "", "again", "anyway", *KEY, *[""] * 3, "yes", "no", fake=fake)
    assert len(fake.asked("check_gateway")) == 3
    assert all(URL not in confirmed for confirmed in fake.asked("try_key"))
    assert "Server not healthy" in said.text and "You go on although the server failed" in said.text
    assert said.code == 0


def test_a_failed_key_can_be_mended_by_going_back() -> None:
    fake = Fake(trial=Trial(EXPIRED_KEY))
    said = talk(first_draft(), *SERVER, *KEY, "back", "vault", "", "", "other/path", *[""] * 3, fake=fake)
    assert len(fake.asked("try_key")) == 2 and said.code == 2


def test_an_unknown_authority_is_trusted_by_its_fingerprint() -> None:
    fake = Fake(health=UNTRUSTED)
    said = talk(first_draft(), *SERVER, "trust", "1", fake=fake)
    assert SHA256 in said.text
    assert [each.ca_file for each in fake.asked("check_gateway")] == ["", AUTHORITY["file"]]


def test_a_file_in_the_way_waits_for_a_word() -> None:
    fake = Fake(plan=a_plan(conflict=True))
    ahead = [*FIRST_RUN[:-2]]
    kept = talk(first_draft(), *ahead, "leave", "quit", fake=fake)
    assert "1 file of yours stands in the way" in kept.text and not fake.asked("carry_out")
    done = talk(first_draft(), *ahead, "replace", "yes", "no", fake=fake)
    ((_, replaced),) = fake.asked("carry_out")
    assert replaced == {Path("/home/ada/bin/get-litellm-key.sh")} and done.code == 0


def test_old_settings_go_only_on_a_yes() -> None:
    old = Migration("~/.bashrc:12", Path("/home/ada/.bashrc"), "The line is set aside.", ())
    chosen: list[object] = []

    def planner(*_: object, choices: object, **__: object) -> Plan:
        chosen.append(getattr(choices, "migrate", None))
        return replace(a_plan(), migrations=(old,))

    said = talk(first_draft(), *FIRST_RUN[:-2], "yes", "yes", "no", fake=Fake(planner=planner))
    assert chosen[0] == frozenset() and chosen[-1] == {"~/.bashrc:12"} and said.code == 0


def test_another_place_is_asked_for_on_request() -> None:
    fake = Fake()
    talk(first_draft(), *FIRST_RUN[:-2], "paths", "bash", "yes", "no", "~/other/key.sh", "", "quit", fake=fake)
    write = fake.asked("make_plan")[-1].write
    assert (write.shells, write.cancel_stale, write.helper) == (("bash",), False, "~/other/key.sh")


def test_a_blocker_offers_no_yes() -> None:
    fake = Fake(plan=replace(a_plan(), blockers=("Managed settings win.",)))
    said = talk(first_draft(), *FIRST_RUN[:-2], "yes", "quit", fake=fake)
    assert "Managed settings win." in said.text and not fake.asked("carry_out") and said.code == 130


@pytest.mark.parametrize(
    ("error", "code"), [(Refused("~/.bashrc changed."), 3), (WriteFailed("~/.bashrc", "Full.", rolled_back=True), 4)]
)
def test_a_write_that_comes_to_nothing_says_so(error: Exception, code: int) -> None:
    fake = Fake(write_error=error)
    said = talk(first_draft(), *FIRST_RUN[:-1], "quit", fake=fake)
    assert str(error) in said.text and said.code == code and not fake.asked("prove")


def test_models_are_listed_searched_and_refused() -> None:
    fake = Fake()
    lines = [*FIRST_RUN[:-5], "list", "list gpt", "a b", "gpt-5.2", "-", "not-there"]
    said = talk(first_draft(), *lines, fake=fake)
    models = fake.asked("make_plan")[-1].models
    assert (models.opus, models.sonnet, models.haiku) == ("gpt-5.2", "", "not-there")
    assert "gemini-3-pro" in said.text and "It holds a blank" in said.text
    assert "not-there is not in the gateway's list" in said.text


def test_without_unicode_marks_are_ascii_and_nothing_moves_the_cursor() -> None:
    said = talk(first_draft(), *FIRST_RUN, encoding="ascii")
    assert said.code == 0 and said.text.isascii() and "+ ok: name:" in said.text
    for text in (said.text, talk(first_draft(), *FIRST_RUN).text):
        assert not set("\x1b\r\x08\x07") & set(text)


def test_what_is_shaped_like_a_key_is_not_repeated() -> None:
    said = talk(first_draft(), "sk-canary-1234567890abcdef", "quit")
    assert "canary" not in said.text


def test_a_word_of_command_can_be_an_answer() -> None:
    fake = Fake()
    talk(first_draft(), *FIRST_RUN[:6], "\\back", *FIRST_RUN[7:-2], fake=fake)
    assert fake.asked("make_plan")[-1].key.options["path"] == "back"


def test_trouble_with_saved_answers_is_told() -> None:
    said = talk(first_draft(), "quit", trouble="The answers can't be used.")
    assert "The answers can't be used." in said.text


def test_a_set_up_that_is_off_says_so() -> None:
    assert "It is switched off." in talk(later_draft(), "quit", fake=Fake(off="It is switched off.")).text


def test_a_failed_proof_decides_the_exit_code() -> None:
    bad = (Verdict("proof.bash", "fail", "x", "A new bash has nothing.", "Look in ~/.bashrc."),)
    said = talk(first_draft(), *FIRST_RUN[:-1], fake=Fake(proofs=bad))
    assert said.code == 1 and "Not working yet: A new bash has nothing." in said.text


def test_a_plan_with_nothing_to_do_proves_on_enter() -> None:
    fake = Fake(plan=Plan(()))
    lines: Sequence[str] = [*FIRST_RUN[:-2], "", "no"]
    said = talk(first_draft(), *lines, fake=fake)
    assert said.code == 0 and "Nothing was changed: every file was already" in said.text and fake.asked("prove")

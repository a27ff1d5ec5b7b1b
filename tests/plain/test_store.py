"""A key is pasted in lines: shown nowhere, kept in no answer, and stored on a yes of its own."""

from __future__ import annotations

import getpass
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from tests.commands.support import ROOT
from tests.keys.helpers import machine_with
from tests.keys.real_keychain import RealKeychain, real_keychain
from tests.plain.support import Said, talk, type_in
from tests.plain.test_command import start
from tests.real.litellm_proxy import free_port
from tests.tui.fixture import URL, Fake, first_draft
from wizard.apply.errors import Refused
from wizard.flow import Draft
from wizard.keys.pasted import NotHidden, ask_unseen

KEY: Final = "sk-canary-lines-0123456789"
FILE: Final = ".secrets/litellm.env"


def draft_in(home: Path, **more: Any) -> Draft:
    return first_draft(env={"HOME": str(home)}, home=home, claude_dir=home / ".claude", **more)


def at_key(draft: Draft, backend: str, *lines: str, **how: Any) -> Said:
    """Answer until a key backend's questions begin, then by these lines; the key is never said."""
    said = talk(draft, URL, "", "", backend, *lines, **how)
    assert "canary" not in said.text
    return said


def holding(home: Path, text: str = KEY) -> set[str]:
    files = (each for each in home.rglob("*") if each.is_file())
    return {str(each.relative_to(home)) for each in files if text.encode() in each.read_bytes()}


@pytest.mark.parametrize("before", [(), ("",), ("", ""), ("", "", "")], ids=["file", "variable", "encryption", "more"])
def test_a_key_is_stored_from_any_question_on_its_own_yes(home: Path, before: tuple[str, ...]) -> None:
    fake = Fake()
    rest = [""] * (4 - len(before))
    said = at_key(draft_in(home), "env-file", *before, "store", KEY, "yes", *rest, "no", "", "", "", "quit", fake=fake)
    assert (home / FILE).read_text() == f"LITELLM_API_KEY={KEY}\n" and holding(home) == {FILE}
    for part in (
        "type store at one of these questions",
        "It goes into ~/.secrets/litellm.env, as LITELLM_API_KEY.",
        "sk-…6789 (26 characters)",
        "Write the key into ~/.secrets/litellm.env? (yes, no) [no]: yes",
        "To undo: claude-litellm-wizard undo",
    ):
        assert part in said.text, said.text
    assert KEY not in repr(fake.asked("make_plan")[-1])
    assert said.text.rstrip().endswith(
        "~/.secrets/litellm.env holds the key now (mode 0600).\nNothing else was changed.\n"
        "To undo: claude-litellm-wizard undo"
    )


def test_it_goes_where_the_answers_say(home: Path) -> None:
    at_key(draft_in(home), "env-file", "~/mine.env", "K", "store", KEY, "yes", "quit")
    assert (home / "mine.env").read_text() == f"K={KEY}\n"


@pytest.mark.parametrize("no", ["no", "", "back", "quit"])
def test_without_a_yes_nothing_is_stored(home: Path, no: str) -> None:
    said = at_key(draft_in(home), "env-file", "store", KEY, no, "quit")
    assert not (home / ".secrets").exists() and said.text.rstrip().endswith("Nothing was changed.")
    assert no == "quit" or "Nothing was stored." in said.text


@pytest.mark.parametrize(("said", "code"), [(["back", "quit"], 130), (["quit"], 130), ([], 2)])
def test_the_prompt_can_be_left(home: Path, said: list[str], code: int) -> None:
    assert at_key(draft_in(home), "env-file", "store", *said).code == code
    assert at_key(draft_in(home), "env-file", "store", then=KeyboardInterrupt).code == 130
    assert not holding(home)


def test_what_is_no_key_is_said_and_asked_again(home: Path) -> None:
    bad = ["", "-", "?", "two canary", "'sk-canary'", "sk-canaré"]
    said = at_key(draft_in(home), "env-file", "store", *bad, f"  {KEY}\t", "yes", "quit")
    for part in ("There is no key yet", "position 4", "quotes", "position 9", "It is not shown; what would be written"):
        assert part in said.text
    assert holding(home) == {FILE}


def test_an_answer_that_is_wrong_is_asked_for_before_the_key(home: Path) -> None:
    said = at_key(draft_in(home), "keychain", "store", "back", "-", "svc", "store", "back", "quit")
    assert "service svc, account" in said.text


def test_the_same_key_again_is_nothing_to_do(home: Path) -> None:
    at_key(draft_in(home), "env-file", "store", KEY, "yes", "store", KEY, "quit")
    said = at_key(draft_in(home), "env-file", "store", KEY, "quit")
    assert "sets LITELLM_API_KEY to this key already" in said.text and "Write the key" not in said.text


def test_a_refusal_is_told_and_the_questions_go_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise Refused("Another program changed it meanwhile.")

    (home / FILE).mkdir(parents=True)
    said = at_key(draft_in(home), "env-file", "store", KEY, "~/other.env", "quit")
    assert "✗ ~/.secrets/litellm.env: It is a folder" in said.text and "Nothing was stored." in said.text
    from wizard.apply import store

    monkeypatch.setattr(store, "written", refuse)
    said = at_key(draft_in(home), "env-file", "~/other.env", "store", KEY, "yes", "quit")
    assert "✗ Another program changed it meanwhile." in said.text
    assert said.text.rstrip().endswith("Nothing was changed.") and not holding(home)


def test_what_was_stored_stays_told_when_the_write_is_refused(home: Path) -> None:
    fake = Fake(write_error=Refused("~/.bashrc changed."))
    lines = ["store", KEY, "yes", "", "", "", "", "no", "", "", "", "yes", "yes", "quit"]
    said = at_key(draft_in(home), "env-file", *lines, fake=fake)
    assert said.code == 3 and "holds the key now (mode 0600).\nNothing else was changed." in said.text, said.text


def test_a_terminal_that_can_not_hide_it_gets_no_key(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def shows(*_: object, **__: object) -> str:
        warnings.warn("Can not control echo on the terminal.", getpass.GetPassWarning, stacklevel=2)
        return KEY

    monkeypatch.setattr(getpass, "getpass", shows)
    with pytest.raises(NotHidden):
        ask_unseen("", sys.stderr)
    said = at_key(draft_in(home), "env-file", "store", "quit", echo=False)
    assert "can't hide what is typed" in said.text and not holding(home)


@pytest.mark.parametrize("backend", ["vault", "jwt", "command"])
def test_it_is_for_backends_that_can_keep_one(home: Path, backend: str) -> None:
    assert "Paste the key" not in at_key(draft_in(home), backend, "store", "quit").text


# ── the keychain ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def keychain() -> Iterator[RealKeychain]:
    with real_keychain() as chain:
        yield chain


def test_a_real_keychain_gets_the_key(home: Path, keychain: RealKeychain) -> None:
    machine = machine_with(home, "secret-tool", env={"HOME": str(home), **keychain.env})
    draft = replace(draft_in(home), machine=machine)
    said = at_key(draft, "keychain", "", "mine", "store", KEY, "yes", "quit")
    assert "service claude-litellm-wizard, account mine" in said.text
    assert "The keychain holds the key now" in said.text
    assert keychain.get("claude-litellm-wizard", "mine") == KEY and not holding(home)


def test_a_machine_without_a_keychain_says_so(home: Path) -> None:
    said = at_key(replace(draft_in(home), machine=machine_with(home)), "keychain", "store", KEY, "quit")
    assert "✗ There is no keychain to ask here" in said.text and "Nothing was stored." in said.text


# ── as it is run ─────────────────────────────────────────────────────────────────────────────────────────────────────

_ENV: Final = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), "TERM": "dumb"}
_WIZARD: Final = [sys.executable, "-m", "wizard"]


def test_a_terminal_never_shows_the_key_and_no_file_of_ours_keeps_it(home: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    said = [
        ("Server URL: ", url), ("Route", ""), ("too?", ""), ("What now?", "anyway"), ("Key backend", "env-file"),
        ("File [", "store"), ("(it is not shown): ", "two words"), ("(it is not shown): ", KEY),
        ("Write the key", "yes"), ("File [", ""), ("Variable", "quit"),
    ]  # fmt: skip
    code, heard = type_in(_WIZARD, said, env={**_ENV, "HOME": str(home)}, cwd=home)
    assert code == 130 and "two words" not in heard and KEY not in heard and "position 4" in heard, heard
    assert "Nothing else was changed." in heard and holding(home) == {FILE}


def test_the_demo_stores_it_in_its_own_home_and_the_helper_finds_it(home: Path) -> None:
    good = "sk-canary-of-nobody-0123456789"
    said = [
        ("Server URL", ""), ("Route", ""), ("too?", ""), ("Key backend", "env-file"), ("File [", "store"),
        ("(it is not shown): ", good), ("Write the key", "yes"), ("File [", "\n\n"), ("too?", ""),
        ("What now?", "quit"),
    ]  # fmt: skip
    code, heard = type_in([*_WIZARD, "--demo", "--plain"], said, env={**_ENV, "HOME": str(home)}, cwd=home)
    assert code == 0 and good not in heard and not list(home.iterdir()), heard
    assert "does not know the key sk-…6789 (30 characters)" in " ".join(heard.split())
    assert "~/.secrets/litellm.env  (0600, 1 lines)" in heard


def test_a_pipe_gives_the_key_as_its_next_line(home: Path) -> None:
    lines = [f"http://127.0.0.1:{free_port()}", "", "", "anyway", "env-file", "store", KEY, "yes", "quit"]
    done = start(home, "--plain", said="\n".join([*lines, ""]))
    assert "Paste the key (it is not shown): \n~/.secrets/litellm.env is new, with mode 0600" in done.stdout
    assert done.returncode == 130 and KEY not in done.stdout + done.stderr and holding(home) == {FILE}

"""What people changed in our files since we wrote them: said, shown, and kept, merged or replaced as they choose."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.apply.support import BASHRC, NEW, OLD, answers_for, furnish, machine_of
from wizard.answers import Answers
from wizard.apply.change import Change, Choices, Plan, Way
from wizard.apply.drift import drifts
from wizard.apply.merge import merge
from wizard.apply.plan import make_plan
from wizard.apply.transaction import Refused, carry_out
from wizard.apply.undo import undo_last
from wizard.machine.model import Machine

HELPER, SCRIPT = "bin/refresh-litellm-key.sh", ".config/claude/setup-litellm.sh"


@pytest.fixture
def machine(home: Path) -> Machine:
    furnish(home)
    machine = machine_of(home)
    carry_out(make_plan(answers_for(), machine), machine)
    return machine_of(home)


def planned(machine: Machine, name: str, way: Way | None = None, answers: Answers | None = None) -> tuple[Plan, Change]:
    path = machine.home / name
    chosen = Choices({path: way} if way else {})
    plan = make_plan(answers or answers_for(), machine_of(machine.home), choices=chosen)
    return plan, next(each for each in plan.changes if each.path == path)


def edit(machine: Machine, name: str, old: bytes, new: bytes) -> bytes:
    path = machine.home / name
    text = path.read_bytes()
    assert old in text
    path.write_bytes(text.replace(old, new, 1))
    return path.read_bytes()


def test_case_42_nothing_is_said_of_what_nobody_changed(machine: Machine) -> None:
    assert drifts(machine) == ()
    (machine.home / ".bashrc").write_bytes(b"echo above\n" + (machine.home / ".bashrc").read_bytes() + b"echo below\n")
    edit(machine, ".claude/settings.json", b'"opus"', b'"sonnet"')
    assert drifts(machine) == ()


@pytest.mark.parametrize(
    ("name", "old", "new", "says", "shows"),
    [
        (HELPER, b"set -u\n", b"set -u\necho mine >&2\n", "It changed since this wizard wrote it.", "+echo mine >&2"),
        (SCRIPT, b"fi\n", b"fi\nexport MINE=1\n", "It changed since this wizard wrote it.", "+export MINE=1"),
        (".bashrc", b"\n  . ", b"\n  echo mine\n  . ", "The lines between our markers changed.", "+  echo mine"),
        (
            ".claude/settings.json",
            OLD.encode(),
            b"https://me:hunter2@mine.example",
            "env.ANTHROPIC_BASE_URL changed.",
            "+env.ANTHROPIC_BASE_URL = https://****@mine.example",
        ),
    ],
)
def test_case_42_what_changed_is_said_and_shown(
    machine: Machine, name: str, old: bytes, new: bytes, says: str, shows: str
) -> None:
    edit(machine, name, old, new)
    (found,) = drifts(machine)
    assert (found.path, found.text) == (machine.home / name, says)
    diff = found.diff("it")
    assert shows in diff.splitlines()
    assert "hunter2" not in diff
    assert planned(machine, name)[1].drift == found


def test_case_42_fish_file_and_answers_count_too(machine: Machine) -> None:
    fish = answers_for(shells=("fish",))
    carry_out(make_plan(fish, machine), machine)
    path = next(each.rc_files[0] for each in machine.shells if each.name == "fish")
    path.write_bytes(path.read_bytes() + b"set -gx MINE 1\n")
    machine.answers_file.write_bytes(machine.answers_file.read_bytes() + b"# mine\n")
    assert {each.path: each.role for each in drifts(machine)} == {path: "fish", machine.answers_file: "answers"}


def test_case_42_a_mask_covers_a_secret_that_somebody_put_into_our_file(machine: Machine) -> None:
    edit(machine, SCRIPT, b"fi\n", b"fi\nexport MY_TOKEN=hunter2hunter2\n")
    (found,) = drifts(machine)
    assert "+export MY_TOKEN=****" in found.diff("it").splitlines()
    _, change = planned(machine, SCRIPT, "merge", answers_for(NEW))
    assert "hunter2" not in change.diff("it") and change.after is not None and b"hunter2" in change.after


def test_case_42_what_is_gone_is_said(machine: Machine) -> None:
    (machine.home / HELPER).unlink()
    (machine.home / ".zshrc").write_text("setopt autocd\n")
    assert {each.path.name: (each.kind, each.text) for each in drifts(machine)} == {
        "refresh-litellm-key.sh": ("gone", "It is gone."),
        ".zshrc": ("gone", "Our lines are no longer in it."),
    }
    assert planned(machine, HELPER)[0].conflicts == ()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (HELPER, b"set -u\n", b"set -u\n# mine\n"),
        (SCRIPT, b"fi\n", b"fi\nexport MINE=1\n"),
        (".bashrc", b"\n  . ", b"\n  echo mine\n  . "),
    ],
)
def test_case_42_kept_stays_and_is_asked_about_no_more_and_merges_with_what_is_new(
    machine: Machine, name: str, old: bytes, new: bytes
) -> None:
    theirs = edit(machine, name, old, new)
    plan, change = planned(machine, name)
    assert plan.conflicts == (change,)
    assert list(change.ways) == ["keep", "replace"]
    with pytest.raises(Refused):
        carry_out(plan, machine)
    plan, change = planned(machine, name, "keep")
    assert plan.conflicts == () and change.is_noop and plan.is_kept
    carry_out(plan, machine)
    assert (machine.home / name).read_bytes() == theirs

    plan, change = planned(machine, name)
    assert drifts(machine) == () and plan.conflicts == () and plan.is_empty
    plan, change = planned(machine, name, answers=answers_for(NEW))
    assert plan.conflicts == ()
    carry_out(plan, machine)
    moved = (machine.home / name).read_bytes()
    assert new.strip() in moved
    if name != ".bashrc":
        assert NEW.encode() in moved and OLD.encode() not in moved
    assert make_plan(answers_for(NEW), machine_of(machine.home)).is_empty
    undo_last(machine)
    assert (machine.home / name).read_bytes() == theirs
    assert planned(machine, name)[0].conflicts == ()


def test_case_42_merge_takes_both_edits_and_undo_takes_it_back(machine: Machine) -> None:
    theirs = edit(machine, SCRIPT, b"fi\n", b"fi\nexport MINE=1\n")
    plan, change = planned(machine, SCRIPT, answers=answers_for(NEW))
    assert list(change.ways) == ["keep", "merge", "replace"]
    plan, change = planned(machine, SCRIPT, "merge", answers_for(NEW))
    assert plan.conflicts == ()
    carry_out(plan, machine)
    text = (machine.home / SCRIPT).read_bytes()
    assert b"export MINE=1\n" in text and NEW.encode() in text and OLD.encode() not in text
    undo_last(machine)
    assert (machine.home / SCRIPT).read_bytes() == theirs


def test_case_42_replace_gives_ours_and_undo_gives_theirs_back(machine: Machine) -> None:
    ours = (machine.home / HELPER).read_bytes()
    theirs = edit(machine, HELPER, b"set -u\n", b"set -u\n# mine\n")
    plan, change = planned(machine, HELPER, "replace")
    assert plan.conflicts == (change,)
    carry_out(plan, machine, replace=[change.path])
    assert change.path.read_bytes() == ours
    undo_last(machine)
    assert change.path.read_bytes() == theirs


def test_case_16_a_helper_for_the_old_server_is_never_kept(machine: Machine) -> None:
    edit(machine, HELPER, b"set -u\n", b"set -u\n# mine\n")
    assert "keep" not in planned(machine, HELPER, answers=answers_for(NEW))[1].ways
    plan, change = planned(machine, HELPER, "keep", answers_for(NEW))
    assert change in plan.conflicts


def test_case_42_an_edit_of_the_very_line_that_changes_can_not_be_merged(machine: Machine) -> None:
    edit(machine, SCRIPT, OLD.encode(), b"https://mine.example")
    plan, change = planned(machine, SCRIPT, "merge", answers_for(NEW))
    assert list(change.ways) == ["keep", "replace"] and change in plan.conflicts


def test_case_42_values_in_settings_are_kept_unless_they_decide_who_gets_the_key(machine: Machine) -> None:
    def settings() -> dict[str, str]:
        env: dict[str, str] = json.loads(machine.settings_file.read_text())["env"]
        return env

    answers = answers_for()
    timed = replace(answers, gateway=replace(answers.gateway, timeout_ms=600000))
    carry_out(make_plan(timed, machine), machine)
    name = ".claude/settings.json"
    edit(machine, name, b'"600000"', b'"1234"')
    assert list(planned(machine, name, None, timed)[1].ways) == ["keep", "replace"]
    edit(machine, name, b'"0"', b'"1"')
    assert list(planned(machine, name, None, timed)[1].ways) == ["merge", "replace"]
    carry_out(planned(machine, name, "merge", timed)[0], machine)
    assert settings()["API_TIMEOUT_MS"] == "1234"
    assert {settings()[each] for each in settings() if each.startswith("CLAUDE_CODE_USE")} == {"0"}
    assert drifts(machine) == () and make_plan(timed, machine_of(machine.home)).is_empty
    longer = replace(answers, gateway=replace(answers.gateway, timeout_ms=700000))
    assert [each.path.name for each in make_plan(longer, machine_of(machine.home)).conflicts] == ["settings.json"]


def test_an_edited_file_of_earlier_answers_stays_however_often_one_applies(machine: Machine) -> None:
    theirs = edit(machine, SCRIPT, b"fi\n", b"fi\nexport MINE=1\n")
    for url in (NEW, OLD, NEW):
        carry_out(make_plan(answers_for(url, shells=()), machine_of(machine.home)), machine)
        assert (machine.home / SCRIPT).read_bytes() == theirs


def test_an_edited_block_of_earlier_answers_is_asked_about(machine: Machine) -> None:
    edit(machine, ".bashrc", b"\n  . ", b"\n  echo mine\n  . ")
    plan = make_plan(answers_for(shells=()), machine_of(machine.home))
    (conflict,) = plan.conflicts
    assert conflict.conflict.endswith("and would be taken out.")
    carry_out(plan, machine, replace="all")
    assert (machine.home / ".bashrc").read_bytes() == BASHRC


# ── broken markers, and files that are not read to their end ─────────────────────────────────────────────────────────

BROKEN = {
    "lost end": (b"# <<< claude-litellm-wizard <<<\n", b""),
    "lost begin": (b"# >>> claude-litellm-wizard >>>\n", b""),
    "indented": (b"# >>> claude-litellm-wizard >>>", b"\t# >>> claude-litellm-wizard >>>"),
    "reversed": (b"# >>> claude-litellm-wizard >>>", b"# <<< claude-litellm-wizard <<<"),
    "in a here-document": (b"# >>> claude-litellm-wizard >>>", b"cat <<E\n# >>> claude-litellm-wizard >>>\nE"),
    "two blocks": (
        b"# >>> claude-litellm-wizard >>>",
        b"# >>> claude-litellm-wizard >>>\necho mine\n# <<< claude-litellm-wizard <<<\n# >>> claude-litellm-wizard >>>",
    ),
    "lost end, edited inside": (b"fi\n# <<< claude-litellm-wizard <<<\n", b"echo mine\nfi\n"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_case_41_broken_markers_are_shown_with_their_line_and_mended_without_losing_a_line(
    machine: Machine, kind: str
) -> None:
    name = ".zshrc"
    theirs = edit(machine, name, *BROKEN[kind])
    (found,) = drifts(machine)
    assert found.kind == "broken" and found.text.startswith(f"Line {found.line}: ")
    plan, change = planned(machine, name)
    assert plan.conflicts == (change,) and list(change.ways) == ["merge", "keep"]
    with pytest.raises(Refused, match=f"Line {found.line}"):
        carry_out(plan, machine, replace="all")
    assert (machine.home / name).read_bytes() == theirs

    plan, change = planned(machine, name, "merge")
    carry_out(plan, machine)
    text = (machine.home / name).read_bytes()
    assert text.count(b">>> claude-litellm-wizard >>>") == text.count(b"<<< claude-litellm-wizard <<<") == 1
    assert make_plan(answers_for(), machine_of(machine.home)).is_empty and drifts(machine) == ()
    for line in theirs.split(b"\n"):
        assert line.strip() in text or b"claude-litellm-wizard" in line, line
    undo_last(machine)
    assert (machine.home / name).read_bytes() == theirs


@pytest.mark.parametrize("kind", BROKEN)
def test_case_41_broken_markers_can_be_left_alone(machine: Machine, kind: str) -> None:
    theirs = edit(machine, ".zshrc", *BROKEN[kind])
    plan, _ = planned(machine, ".zshrc", "keep", answers_for(NEW))
    assert plan.conflicts == ()
    carry_out(plan, machine)
    assert (machine.home / ".zshrc").read_bytes() == theirs
    assert NEW in machine.settings_file.read_text()


SWALLOWING = {
    ".bashrc": b"alias a=b\necho 'never closed\n",
    ".zshrc": b"alias a=b\ncat <<EOF\nnever ended\n",
}


@pytest.mark.parametrize("name", SWALLOWING)
@pytest.mark.parametrize("number", [46, 47])
def test_case_46_47_a_file_that_is_not_read_to_its_end_is_asked_about(home: Path, name: str, number: int) -> None:
    furnish(home)
    text = SWALLOWING[name] if number == 46 else SWALLOWING[name].replace(b"echo 'never closed", b"if true; then")
    (home / name).write_bytes(text)
    machine = machine_of(home)
    plan = make_plan(answers_for(), machine)
    (conflict,) = plan.conflicts
    assert conflict.path == home / name and conflict.conflict.startswith("Line ")
    assert list(conflict.ways) == ["merge", "keep", "replace"]
    carry_out(make_plan(answers_for(), machine, choices=Choices({home / name: "merge"})), machine)
    written = (home / name).read_bytes()
    assert written.startswith(b"# >>> claude-litellm-wizard >>>\n") and written.endswith(text)
    assert make_plan(answers_for(), machine_of(home)).is_empty
    undo_last(machine)
    assert (home / name).read_bytes() == text


def test_case_44_45_crlf_and_a_missing_last_newline_need_no_word(home: Path) -> None:
    furnish(home)
    (home / ".bashrc").write_bytes(b"alias a=b\r\nalias c=d")
    machine = machine_of(home)
    plan = make_plan(answers_for(), machine)
    assert plan.conflicts == ()
    carry_out(plan, machine)
    assert (home / ".bashrc").read_bytes().startswith(b"alias a=b\r\nalias c=d\n# >>> ")
    undo_last(machine)
    assert (home / ".bashrc").read_bytes() == b"alias a=b\r\nalias c=d"


# ── the merge itself ─────────────────────────────────────────────────────────────────────────────────────────────────

LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"\xff\n", b"\r\n"]), max_size=8).map(b"".join)


@given(LINES, LINES)
def test_merging_with_no_edit_of_the_other_side_is_that_edit(base: bytes, edited: bytes) -> None:
    assert merge(base, edited, base) == merge(base, base, edited) == edited
    assert merge(base, edited, edited) == edited


@given(LINES, LINES, LINES)
def test_a_merge_holds_every_line_that_either_side_added(base: bytes, theirs: bytes, ours: bytes) -> None:
    merged = merge(base, theirs, ours)
    if merged is not None:
        for side in (theirs, ours):
            for line in set(side.splitlines()) - set(base.splitlines()):
                assert line in merged.splitlines()


def test_a_last_line_without_newline_is_never_glued() -> None:
    assert merge(b"a\nb\n", b"a\nB", b"a\nb\nc\n") == b"a\nB\nc\n"
    assert merge(b"a\n", b"b\n", b"c\n") is None

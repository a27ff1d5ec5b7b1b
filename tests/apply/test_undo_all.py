"""Case 07, all the way: `undo --all` gives back what was there before the very first run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from tests.apply.support import (
    BASHRC,
    NEW,
    OLD,
    SETTINGS,
    Home,
    Picture,
    Watched,
    answers_for,
    apply,
    failing,
    furnish,
    machine_of,
    picture,
    without_generations,
)
from wizard.apply.journal import EVERYTHING, KEEP
from wizard.apply.plan import make_plan
from wizard.apply.transaction import Refused, WriteFailed, carry_out
from wizard.apply.undo import list_receipts, look_all_the_way_back, look_back, undo_all, undo_last
from wizard.machine.model import Machine
from wizard.machine.private import private_folder


@pytest.fixture
def machine(home: Path) -> Machine:
    furnish(home)
    return machine_of(home)


def whole(home: Path) -> Picture:
    """Return everything below a home folder, our state folder too."""
    return picture(home, without="no such name")


def urls(count: int) -> list[str]:
    return [f"https://llm-{number}.corp.example:4000" for number in range(count)]


def test_case_07_all_after_more_applies_than_receipts_are_kept(machine: Machine) -> None:
    before = whole(machine.home)
    for url in urls(KEEP + 3):
        apply(machine, url)
    assert len(list_receipts(machine)) == KEEP
    outcome = undo_all(machine)
    assert whole(machine.home) == before
    assert outcome.number == EVERYTHING and outcome.kept == ()
    assert "~/.local/state/claude-litellm-wizard is gone again." in outcome.lines(machine)
    with pytest.raises(Refused, match="nothing to undo"):
        undo_all(machine)


def test_case_07_when_the_kept_writes_are_undone_the_way_further_back_is_named(machine: Machine) -> None:
    for url in urls(KEEP + 1):
        apply(machine, url)
    for _ in range(KEEP):
        undo_last(machine)
    for undo in (undo_last, look_back):
        with pytest.raises(Refused, match=r"nothing to undo by itself any more.*undo --all"):
            undo(machine)
    undo_all(machine)
    with pytest.raises(Refused, match="nothing that this wizard wrote is left here"):
        undo_last(machine)


def test_case_48_undo_all_removes_what_a_killed_proof_left_and_nothing_of_a_running_one(machine: Machine) -> None:
    before = whole(machine.home)
    apply(machine, *urls(1))
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    killed = machine.state_dir / f"proof-{ended.pid}-0123abcd"
    killed.mkdir()
    (killed / "settings.json").write_text("{}")
    with private_folder(machine, "proof") as running:
        undo_all(machine)
        assert running.exists() and not killed.exists()
    machine.state_dir.rmdir()
    for each in (machine.state_dir.parent, machine.state_dir.parent.parent):
        each.rmdir()
    assert whole(machine.home) == before


def test_case_07_all_in_an_empty_home_leaves_it_empty(home: Path) -> None:
    machine = machine_of(home)
    for url in urls(3):
        apply(machine, url)
    undo_all(machine)
    assert whole(home) == {}


def test_case_07_all_after_every_single_undo_removes_the_records_too(home: Path) -> None:
    machine = machine_of(home)
    for url in urls(2):
        apply(machine, url)
    undo_last(machine)
    undo_last(machine)
    undo_all(machine)
    assert whole(home) == {}


def test_case_07_all_keeps_what_was_written_between_two_applies(machine: Machine) -> None:
    apply(machine)
    rc = machine.home / ".bashrc"
    rc.write_bytes(rc.read_bytes() + b"alias mine=1\n")
    table = json.loads(machine.settings_file.read_text())
    machine.settings_file.write_text(json.dumps({**table, "theirs": 1}, indent="\t"))
    apply(machine, NEW)
    outcome = undo_all(machine)
    assert rc.read_bytes() == BASHRC + b"\nalias mine=1\n"
    assert json.loads(machine.settings_file.read_text()) == {**json.loads(SETTINGS), "theirs": 1}
    assert outcome.kept == () and not machine.state_dir.exists()


def test_case_07_all_gives_back_a_value_that_a_later_apply_dropped(machine: Machine) -> None:
    text = '{"env": {"API_TIMEOUT_MS": "7"}}'
    machine.settings_file.write_text(text)
    with_timeout = answers_for(OLD)
    with_timeout = type(with_timeout)(
        type(with_timeout.gateway)(url=OLD, timeout_ms=5000), with_timeout.key, with_timeout.models, with_timeout.write
    )
    carry_out(make_plan(with_timeout, machine), machine, replace="all")
    apply(machine)
    assert "API_TIMEOUT_MS" not in machine.settings_file.read_text()
    machine.settings_file.write_text(machine.settings_file.read_text().replace("{", '{"theirs": 1,', 1))
    undo_all(machine)
    assert json.loads(machine.settings_file.read_text()) == {"theirs": 1, "env": {"API_TIMEOUT_MS": "7"}}


def test_case_07_all_keeps_what_somebody_changed_and_the_copy_of_what_was_before(machine: Machine) -> None:
    helper = machine.home / "bin/refresh-litellm-key.sh"
    helper.parent.mkdir()
    helper.write_text("#!/bin/sh\necho my own\n")
    apply(machine)
    helper.write_text("edited\n")
    outcome = undo_all(machine)
    assert helper.read_text() == "edited\n"
    assert outcome.kept == ((helper, "the whole file"),)
    ((path, copy),) = outcome.copies
    assert path == helper and copy.read_text() == "#!/bin/sh\necho my own\n"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert f"What ~/bin/refresh-litellm-key.sh held before is in {machine.short(copy)}." in outcome.lines(machine)
    assert (machine.home / ".bashrc").read_bytes() == BASHRC
    assert list_receipts(machine) == ()
    undo_all(machine)
    assert copy.exists(), "it is the user's only copy"


def test_case_07_an_undone_first_apply_is_no_origin_any_more(machine: Machine) -> None:
    apply(machine)
    undo_last(machine)
    rc = machine.home / ".bashrc"
    rc.write_bytes(b"another life\n")
    before = picture(machine.home)
    apply(machine)
    undo_all(machine)
    assert picture(machine.home) == before


def test_case_07_single_undos_in_between_do_not_confuse_it(machine: Machine) -> None:
    before = whole(machine.home)
    apply(machine)
    apply(machine, NEW)
    undo_last(machine)
    apply(machine, NEW, "bash")
    undo_all(machine)
    assert whole(machine.home) == before


def test_case_07_folders_that_others_use_stay(home: Path) -> None:
    machine = machine_of(home)
    apply(machine)
    (home / "bin/mine").write_text("x")
    (home / ".local/state/other").mkdir()
    undo_all(machine)
    assert sorted(whole(home)) == [".local", ".local/state", ".local/state/other", "bin", "bin/mine"]


def test_case_07_the_records_are_private(machine: Machine) -> None:
    old = os.umask(0)
    try:
        apply(machine)
    finally:
        os.umask(old)
    for path in machine.state_dir.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_looking_writes_nothing(machine: Machine) -> None:
    apply(machine)
    before = whole(machine.home)
    for look in (look_back, look_all_the_way_back):
        way = look(machine)
        assert {each.path.name: each.state for each in way.pending}[".bashrc"] == "changed"
        assert {each.path.name: each.state for each in way.pending}["refresh-litellm-key.sh"] == "removed"
    assert whole(machine.home) == before


def test_a_failed_call_of_all_leaves_the_set_up_as_it_was(machine: Machine) -> None:
    for url in urls(2):
        apply(machine, url)
    before = without_generations(machine.home)
    for at in range(20, 60, 13):
        with pytest.raises(WriteFailed):
            undo_all(machine, system=failing(at, 5))
        assert without_generations(machine.home) == before
    undo_all(machine)


def killed_at(machine: Machine, number: int) -> bool:
    """Undo everything in a child that is killed before its call of this number; say whether it was."""
    child = os.fork()
    if child == 0:

        def hook(count: int, _: str, moment: str) -> None:
            if count == number and moment == "before":
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            undo_all(machine, system=Watched(hook))
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1] == signal.SIGKILL


def test_case_01_killed_at_any_call_it_is_old_or_new_and_can_be_done_again(
    home: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bad: list[str] = []
    points = 0
    folder, kept = tmp_path_factory.mktemp("killed"), tmp_path_factory.mktemp("kept") / "home"
    furnish(folder)
    before = whole(folder)
    machine = machine_of(folder)
    apply(machine, OLD)
    apply(machine, NEW)
    shutil.copytree(folder, kept)
    for number in range(1, 2000, 5):
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
        if not killed_at(machine, number):
            break
        points += 1
        bad += [f"{number}: {each}" for each in Home(folder, NEW, NEW).complaints() if "names None" not in each]
        if machine.state_dir.exists():
            undo_all(machine_of(folder))
        left = {name: each for name, each in whole(folder).items() if each != (0o700, None) or name in before}
        bad += [f"{number}: {name} differs" for name in {*left, *before} if left.get(name) != before.get(name)]
    assert points > 20 and bad == []
    print(f"{points} points")

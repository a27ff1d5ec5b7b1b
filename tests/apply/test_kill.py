"""Cases 01, 02 and 48: killed or refused at every call that touches the disk, the old or the new set-up works."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.apply.support import (
    NEW,
    OLD,
    Home,
    Picture,
    Watched,
    answers_for,
    errors,
    failing,
    furnish,
    in_memory,
    machine_of,
    picture,
    temporaries,
    without_generations,
)
from wizard.apply.errors import WriteFailed, reason_of
from wizard.apply.files import System
from wizard.apply.plan import make_plan
from wizard.apply.transaction import carry_out, recover
from wizard.apply.undo import undo_last

Action = Callable[[Path, System | None], object]


def _apply(url: str) -> Action:
    def act(home: Path, system: System | None) -> object:
        machine = machine_of(home)
        return carry_out(make_plan(answers_for(url), machine), machine, system=system)

    return act


def _planned(url: str, home: Path) -> Action:
    """Return the same with the plan made now, for a home folder that is put back each time."""
    machine = machine_of(home)
    plan = make_plan(answers_for(url), machine)
    return lambda _, system: carry_out(plan, machine, system=system)


def _undo(home: Path, system: System | None) -> object:
    return undo_last(machine_of(home), system=system)


@pytest.fixture
def start() -> Iterator[Path]:
    """A furnished home folder. It is copied back for each point to the same path, which the files name."""
    with in_memory() as place:
        folder = place / "home"
        folder.mkdir(mode=0o700)
        furnish(folder)
        yield folder


@pytest.fixture
def set_up(start: Path) -> Path:
    """The same with the old server set up."""
    _apply(OLD)(start, None)
    return start


class _Copy:
    """A home folder as it is now, to go back to as often as needed."""

    def __init__(self, folder: Path, hard_link: tuple[str, str] | None = None) -> None:
        self._folder = folder
        self._hard_link = hard_link
        self.kept = folder.with_name("kept")
        shutil.copytree(folder, self.kept, symlinks=True)

    def restore(self) -> None:
        shutil.rmtree(self._folder)
        shutil.copytree(self.kept, self._folder, symlinks=True)
        if self._hard_link:
            name, target = self._hard_link
            (self._folder / name).unlink()
            os.link(self._folder / target, self._folder / name)


def _killed_at(number: int, moment: str, home: Path, act: Action) -> bool:
    """Run an action in a child that is killed before or after its n-th call; say whether it got that far."""
    child = os.fork()
    if child == 0:

        def hook(count: int, _: str, when: str) -> None:
            if (count, when) == (number, moment):
                os.kill(os.getpid(), signal.SIGKILL)

        code = 1
        try:
            act(home, Watched(hook))
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, "the action failed by itself"
    return False


def _kill_everywhere(
    home: Home,
    act: Action,
    *,
    then: Callable[[], None] = lambda: None,
    hard_link: tuple[str, str] | None = None,
    moments: tuple[str, ...] = ("before", "after"),
) -> tuple[int, int]:
    """Kill an action at every point; return the number of points and of those that left something broken."""
    copy = _Copy(home.folder, hard_link)
    points = bad = number = 0
    while True:
        number += 1
        for moment in moments:
            copy.restore()
            if not _killed_at(number, moment, home.folder, act):
                if moment == "before":
                    shutil.rmtree(copy.kept)
                    return points, bad
                continue  # the call failed, so there is no moment after it
            points += 1
            bad += any(home.complaints())
            then()


def _recovers(folder: Path, *states: Picture) -> Callable[[], None]:
    """Return a check that the next start leaves one of these states, and none of our temporary files."""

    machine = machine_of(folder)

    def check() -> None:
        recover(machine)
        found = without_generations(folder)
        assert found in states, [set(found) ^ set(state) for state in states]
        outside = [path for path in temporaries(folder) if "claude-litellm-wizard/" not in str(path)]
        assert outside == []

    return check


def test_case_01_killed_anywhere_in_a_first_apply(start: Path) -> None:
    copy = _Copy(start)
    before = picture(start)
    _apply(OLD)(start, None)
    after = picture(start)
    copy.restore()
    shutil.rmtree(copy.kept)
    points, bad = _kill_everywhere(Home(start, None, OLD), _planned(OLD, start), then=_recovers(start, before, after))
    print(f"first apply: {points} kill points, {bad} bad")
    assert points > 200
    assert bad == 0


def test_case_01_killed_anywhere_in_a_server_move(set_up: Path) -> None:
    copy = _Copy(set_up)
    before = picture(set_up)
    _apply(NEW)(set_up, None)
    after = without_generations(set_up)
    copy.restore()
    shutil.rmtree(copy.kept)
    points, bad = _kill_everywhere(Home(set_up, OLD, NEW), _planned(NEW, set_up), then=_recovers(set_up, before, after))
    print(f"server move: {points} kill points, {bad} bad")
    assert points > 200
    assert bad == 0


def test_case_01_killed_anywhere_in_an_undo_of_a_move(set_up: Path) -> None:
    before = picture(set_up)
    _apply(NEW)(set_up, None)
    after = without_generations(set_up)
    points, bad = _kill_everywhere(Home(set_up, NEW, OLD), _undo, then=_recovers(set_up, before, after))
    print(f"undo of a move: {points} kill points, {bad} bad")
    assert points > 200
    assert bad == 0


def test_case_01_a_stable_helper_name_breaks_the_promise(set_up: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without the generation, the harness finds helpers that do not belong to the URL."""
    monkeypatch.setattr("wizard.apply.work.in_order", lambda targets, _: tuple(targets))
    points, bad = _kill_everywhere(Home(set_up, OLD, NEW), _planned(NEW, set_up), moments=("before",))
    print(f"stable helper name: {points} kill points, {bad} bad")
    assert bad > 0


def test_case_01_writing_naively_breaks_the_promise(set_up: Path) -> None:
    """The control: truncate and write, as most programs do."""

    def naive(home: Path, system: System | None) -> None:
        calls = system or System()
        for change in make_plan(answers_for(NEW), machine_of(home)).pending:
            descriptor = calls.open(change.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            calls.write(descriptor, change.after or b"")
            calls.close(descriptor)

    points, bad = _kill_everywhere(Home(set_up, OLD, NEW), naive)
    print(f"naive writer: {points} kill points, {bad} bad")
    assert bad > 0


@pytest.mark.parametrize("code", errors(), ids=os.strerror)
def test_case_02_refused_anywhere_in_a_server_move(set_up: Path, code: int) -> None:
    """One call fails: nothing changes, the message names file and reason, nothing is left over."""
    before, copy = picture(set_up), _Copy(set_up)
    rolled_back = number = 0
    while True:
        number += 1
        copy.restore()
        system = failing(number, code)
        try:
            _apply(NEW)(set_up, system)
        except WriteFailed as error:
            rolled_back += 1
            assert error.rolled_back, f"call {number}: {error}"
            assert error.reason == reason_of(OSError(code, "")), f"call {number}: {error}"
            assert error.path.startswith("~/"), f"call {number}: {error}"
            assert picture(set_up) == before, f"call {number}: {error}"
        if system.count < number:
            break
        assert list(Home(set_up, OLD, NEW).complaints()) == [], f"call {number}"
        outside = [path for path in temporaries(set_up) if "claude-litellm-wizard/" not in str(path)]
        assert outside == [], f"call {number}"
    print(f"{os.strerror(code)}: {number - 1} calls, {rolled_back} taken back")
    # Without permission for a file beside it, one that is there is written in place instead.
    assert rolled_back > number * (0.8 if code == errno.EACCES else 0.95)


@pytest.mark.parametrize("failing_call", [70, 110])
def test_case_01_killed_anywhere_on_the_way_back(set_up: Path, failing_call: int) -> None:
    copy = _Copy(set_up)
    before = picture(set_up)
    _apply(NEW)(set_up, None)
    after = without_generations(set_up)
    copy.restore()
    shutil.rmtree(copy.kept)

    move = _planned(NEW, set_up)

    def act(home: Path, system: System | None) -> None:
        assert isinstance(system, Watched)
        system.fail_at = failing_call
        with contextlib.suppress(WriteFailed):
            move(home, system)

    points, bad = _kill_everywhere(
        Home(set_up, OLD, NEW), act, then=_recovers(set_up, before, after), moments=("before",)
    )
    print(f"call {failing_call} fails, then killed: {points} kill points, {bad} bad")
    assert points > failing_call
    assert bad == 0


def test_case_36_killed_anywhere_while_a_file_is_written_in_place(start: Path) -> None:
    """A file with two names is written in place; what a kill cuts short there, the next start mends."""
    os.link(start / ".bashrc", start / "other-name")
    copy = _Copy(start, hard_link=("other-name", ".bashrc"))
    before = picture(start)
    _apply(OLD)(start, None)
    after = picture(start)
    assert after["other-name"] == after[".bashrc"] != before[".bashrc"]
    copy.restore()
    shutil.rmtree(copy.kept)
    home = Home(start, None, OLD)
    points, _ = _kill_everywhere(
        home,
        _apply(OLD),
        then=_recovers(start, before, after),
        hard_link=("other-name", ".bashrc"),
        moments=("before",),
    )
    print(f"in place: {points} kill points, all mended")
    assert points > 100


@pytest.mark.parametrize("code", errors()[:2], ids=os.strerror)
def test_case_02_a_disk_that_stays_broken_leaves_a_set_up_that_works(set_up: Path, code: int) -> None:
    """Every call from the n-th on fails, the way back included; with a good disk the next start takes it back."""
    copy = _Copy(set_up)
    before = picture(set_up)
    _apply(NEW)(set_up, None)
    recovers = _recovers(set_up, before, without_generations(set_up))
    home = Home(set_up, OLD, NEW)
    number = 0
    while True:
        number += 1
        copy.restore()
        system = failing(number, code, ever_after=True)
        with contextlib.suppress(WriteFailed):
            _apply(NEW)(set_up, system)
        if system.count < number:
            break
        assert list(home.complaints()) == [], f"call {number}"
        recovers()
    print(f"{os.strerror(code)} from call n on: {number - 1} points")
    assert number > 100

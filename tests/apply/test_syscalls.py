"""Cases 01 and 02 by strace: every system call that changes a file is a place to be killed at, or to be refused."""

from __future__ import annotations

import errno
import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apply.at_syscall import (
    Action,
    Outcome,
    Point,
    Stage,
    fail_at,
    helpers,
    kill_at,
    said_by,
    sweep,
)
from tests.apply.support import (
    NEW,
    OLD,
    Home,
    answers_for,
    furnish,
    in_memory,
    machine_of,
    picture,
    temporaries,
    without_generations,
)
from tests.programs import require
from wizard.answers import Answers
from wizard.apply.errors import reason_of
from wizard.apply.plan import make_plan
from wizard.apply.transaction import carry_out
from wizard.apply.undo import undo_last

KEYS = {OLD: "sk-key-of-the-old-server", NEW: "sk-key-of-the-new-server"}
ERRORS = ("ENOSPC", "EIO", "EDQUOT", "EROFS", "EACCES")


@pytest.fixture
def place() -> Iterator[Path]:
    require("strace")
    with in_memory() as folder:
        yield folder


def _answers(url: str) -> Answers:
    return answers_for(url, variable="OLD_KEY" if url == OLD else "NEW_KEY")


def _home(folder: Path) -> Path:
    home = folder / "home"
    home.mkdir(mode=0o700)
    furnish(home)
    keys = home / ".secrets/litellm.env"
    keys.parent.mkdir(mode=0o700)
    keys.write_text(f"OLD_KEY={KEYS[OLD]}\nNEW_KEY={KEYS[NEW]}\n")
    keys.chmod(0o600)
    return home


def _applying(home: Path, url: str) -> Action:
    machine = machine_of(home)
    plan = make_plan(_answers(url), machine)
    return lambda: carry_out(plan, machine)


class _Check:
    """Looks at a home folder as it was left, and asks the helpers in it for a key."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._memory: dict[tuple[bytes, str], str] = {}

    def __call__(self, outcome: Outcome) -> list[str]:
        if not outcome.killed:
            return [f"it was not killed: {outcome.code} {outcome.text}"]
        return self.complaints()

    def complaints(self) -> list[str]:
        return [*self._home.complaints(), *self._keys()]

    def _keys(self) -> Iterator[str]:
        folder = self._home.folder
        for helper in helpers(folder):
            for url, other in ((OLD, NEW), (NEW, OLD)):
                if said_by(helper, folder, url, self._memory) == KEYS[other]:
                    yield f"{helper.name} gives the key of {other} to a session for {url}"
        command, url = _switch(folder)
        if url in KEYS and said_by(Path(shlex.split(command)[0]), folder, url, self._memory) != KEYS[url]:
            yield f"the helper that the settings name gives no key for {url}"


def _switch(home: Path) -> tuple[str, str]:
    """Return the helper and the URL of the settings, as far as they can be read."""
    try:
        table = json.loads((home / ".claude/settings.json").read_bytes())
    except ValueError:
        return "", ""
    return table.get("apiKeyHelper", ""), table["env"].get("ANTHROPIC_BASE_URL", "")


def _kill(act: Action, _: int, point: Point) -> Outcome:
    return kill_at(act, point)


def _first_apply(folder: Path) -> Stage:
    home = _home(folder)
    return Stage(home, _applying(home, OLD), _Check(Home(home, None, OLD)))


def _move(folder: Path) -> Stage:
    home = _home(folder)
    _applying(home, OLD)()
    return Stage(home, _applying(home, NEW), _Check(Home(home, OLD, NEW)))


def _undo(folder: Path) -> Stage:
    home = _home(folder)
    _applying(home, OLD)()
    _applying(home, NEW)()
    machine = machine_of(home)
    return Stage(home, lambda: undo_last(machine), _Check(Home(home, NEW, OLD)))


def _naive(folder: Path) -> Stage:
    """Truncate and write, as most programs do."""
    home = _home(folder)
    _applying(home, OLD)()
    changes = make_plan(_answers(NEW), machine_of(home)).pending

    def act() -> None:
        for change in changes:
            descriptor = os.open(change.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, change.mode)
            os.write(descriptor, change.after or b"")
            os.close(descriptor)

    return Stage(home, act, _Check(Home(home, OLD, NEW)))


@pytest.mark.parametrize("action", ["first apply", "move", "undo"])
def test_case_01_killed_at_every_system_call(place: Path, action: str) -> None:
    make = {"first apply": _first_apply, "move": _move, "undo": _undo}[action]
    points, complaints = sweep(make, place, _kill)
    print(f"{action}: {points} system calls, {len(complaints)} bad")
    assert complaints == []
    assert points > 80


def test_case_01_the_control_without_make_before_break(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wizard.apply.work.in_order", lambda targets, _: tuple(targets))
    points, complaints = sweep(_move, place, _kill)
    print(f"stable helper name: {points} system calls, {len(complaints)} bad")
    assert any("and its helper is for" in each for each in complaints)


def test_case_01_the_control_with_a_naive_writer(place: Path) -> None:
    points, complaints = sweep(_naive, place, _kill)
    print(f"naive writer: {points} system calls, {len(complaints)} bad")
    assert any("is not JSON" in each for each in complaints)


def test_case_02_refused_at_every_system_call(place: Path) -> None:
    """Each call of a move fails once, with one error after the other; `test_kill` tries each error at each call."""

    def make(folder: Path) -> Stage:
        stage = _move(folder)
        before = picture(stage.home)
        stage.act()
        after = without_generations(stage.home)
        undo_last(machine_of(stage.home))
        assert without_generations(stage.home) == before
        _put_back(stage.home, before)

        def check(outcome: Outcome) -> list[str]:
            assert isinstance(stage.check, _Check)
            found = stage.check.complaints()
            found += [f"{path.name} is left" for path in temporaries(stage.home)]
            if outcome.code == 4:
                found += [] if picture(stage.home) == before else ["it is not as before"]
                reasons = [reason_of(OSError(getattr(errno, name), "")) for name in ERRORS]
                named = outcome.text.startswith("~/") and any(reason in outcome.text for reason in reasons)
                return found + ([] if named else [f"it says: {outcome.text}"])
            # Without permission for a new file the one that is there is written in place.
            fine = outcome.code == 0 and without_generations(stage.home) == after
            return found + ([] if fine else [f"it ended with {outcome.code} {outcome.text}"])

        return Stage(stage.home, stage.act, check)

    points, complaints = sweep(make, place, lambda act, index, point: fail_at(act, point, ERRORS[index % 5]))
    print(f"errors: {points} system calls, {len(complaints)} bad")
    assert complaints == []
    assert points > 80


def _put_back(home: Path, before: object) -> None:
    """Take away the generations that an undo leaves for later."""
    for path in (home / "bin").glob("*.sh.*"):
        path.unlink()
    assert picture(home) == before

"""Case 01 without power: what was not synced may be gone or garbage, and still the old or the new set-up works."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.apply.support import (
    NEW,
    OLD,
    Home,
    Picture,
    answers_for,
    furnish,
    in_memory,
    machine_of,
    picture,
    without_generations,
)
from tests.faults.disk_model import Disk, PoweredDisk, lay_down
from wizard.apply.files import System
from wizard.apply.plan import make_plan
from wizard.apply.transaction import carry_out, recover
from wizard.apply.undo import undo_last

Act = Callable[[Path, System | None], object]


def _apply(url: str) -> Act:
    def act(home: Path, system: System | None) -> object:
        machine = machine_of(home)
        return carry_out(make_plan(answers_for(url), machine), machine, system=system)

    return act


def _undo(home: Path, system: System | None) -> object:
    return undo_last(machine_of(home), system=system)


def _naive(home: Path, system: System | None) -> None:
    """A new file renamed over the old one, never synced, as most careful programs do."""
    calls = system or System()
    for change in make_plan(answers_for(NEW), machine_of(home)).pending:
        beside = change.path.with_name(change.path.name + ".tmp")
        descriptor = calls.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, change.mode)
        calls.write(descriptor, change.after or b"")
        calls.close(descriptor)
        calls.rename(beside, change.path)


@pytest.fixture
def home() -> Iterator[Path]:
    with in_memory() as place:
        folder = place / "home"
        folder.mkdir(mode=0o700)
        furnish(folder)
        yield folder


def _left_behind(home: Path, act: Act, *, syncs: bool = True) -> tuple[int, dict[Disk, int]]:
    """Run an action; return the number of its crash points, and each disk that one of them may leave."""
    disks: dict[Disk, int] = {}
    points = 0

    def crash(disk: PoweredDisk) -> None:
        nonlocal points
        points += 1
        for left in disk.disks(points):
            disks.setdefault(left, points)

    act(home, PoweredDisk(home, crash, syncs=syncs))
    return points, disks


def _bad(home: Home, disks: dict[Disk, int], *states: Picture) -> list[str]:
    """Return what is broken on the disks; with states, the next start must leave one of them."""
    found: list[str] = []
    for disk, point in disks.items():
        lay_down(disk, home.folder)
        complaints = list(home.complaints())
        if states and not complaints:
            recover(machine_of(home.folder))
            if without_generations(home.folder) not in states:
                complaints = ["the next start leaves neither the old nor the new"]
        found += [f"after call {point}: {each}" for each in complaints]
    return found


@pytest.mark.parametrize("action", ["first apply", "move", "undo"])
def test_case_01_power_is_lost_anywhere(home: Path, action: str) -> None:
    expected = Home(home, None, OLD)
    act: Act = _apply(OLD)
    if action != "first apply":
        act(home, None)
        expected, act = Home(home, OLD, NEW), _apply(NEW)
    if action == "undo":
        act(home, None)
        expected, act = Home(home, NEW, OLD), _undo
    before = without_generations(home)
    points, disks = _left_behind(home, act)
    after = without_generations(home)
    bad = _bad(expected, disks, before, after)
    print(f"{action}: {points} calls, {len(disks)} disks, {len(bad)} bad")
    assert bad == []
    assert len(disks) > 50


@pytest.mark.parametrize("writer", ["without a sync", "naive"])
def test_case_01_the_control_that_syncs_nothing(home: Path, writer: str) -> None:
    _apply(OLD)(home, None)
    act = _naive if writer == "naive" else _apply(NEW)
    points, disks = _left_behind(home, act, syncs=False)
    bad = _bad(Home(home, OLD, NEW), disks)
    print(f"{writer}: {points} calls, {len(disks)} disks, {len(bad)} bad")
    assert bad


def test_case_01_the_model_without_a_loss_is_the_disk(home: Path) -> None:
    """All kept is what really happened, and after the last sync nothing can be lost."""
    model: list[PoweredDisk] = []
    _apply(OLD)(home, PoweredDisk(home, model.append))
    really = picture(home, without="-")
    for disk in list(model[-1].disks(1)):
        lay_down(disk, home)
        now = picture(home, without="-")
        assert {name: found for name, found in really.items() if now.get(name) != found and "/lock" not in name} == {}

"""Case 23: another program writes settings.json all the time while we apply, in both of the ways programs do."""

from __future__ import annotations

import contextlib
import errno
import json
import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.apply.support import NEW, OLD, Watched, answers_for, furnish, in_memory, machine_of, temporaries
from wizard.apply import swap as swap_module
from wizard.apply.errors import Refused
from wizard.apply.files import Changed, System, Writer, look
from wizard.apply.plan import make_plan
from wizard.apply.settings_edit import merged
from wizard.apply.swap import Overtaken, swap, take_away
from wizard.apply.transaction import carry_out, recover
from wizard.apply.undo import undo_last
from wizard.machine.model import Machine

UPDATES = 1500
_KEYS = 50


def _in_place(path: Path, text: str) -> None:
    path.write_text(text)


def _by_rename(path: Path, text: str) -> None:
    beside = path.with_name("theirs.tmp")
    beside.write_text(text)
    beside.chmod(0o640)
    beside.rename(path)


def _update(path: Path, count: int) -> None:
    """Note one number after another, at once or after a while, in place or by a rename."""
    chance = random.Random(23)
    for number in range(count):
        table = _read(path)
        key = f"theirs{number % _KEYS}"  # never twice in a row the same
        table[key] = f"{table.get(key, '')}{number} "
        (_in_place if chance.random() < 0.5 else _by_rename)(path, json.dumps(table, indent=2))
        time.sleep(chance.choice((0, 0, 0.002, 0.005, 0.01)))


def _read(path: Path) -> dict[str, object]:
    """Read as a program that waits while somebody else is in the middle of writing."""
    while True:
        with contextlib.suppress(ValueError):
            table = json.loads(path.read_text())
            assert isinstance(table, dict)
            return table
        time.sleep(0.001)


def _lost(path: Path, act: Callable[[int], None]) -> tuple[int, int]:
    """Act in a loop while another program updates; return how often we acted and how many updates are gone."""
    other = multiprocessing.get_context("fork").Process(target=_update, args=(path, UPDATES))
    other.start()
    turns = 0
    try:
        while other.is_alive() or turns < 200:
            turns += 1
            act(turns)
    finally:
        other.join(60)
    assert other.exitcode == 0
    act(turns + 1)
    noted = {
        int(number) for key, text in _read(path).items() if key.startswith("theirs") for number in str(text).split()
    }
    return turns, len(set(range(UPDATES)) - noted)


@pytest.fixture
def place() -> Iterator[Path]:
    with in_memory() as folder:
        furnish(folder)
        yield folder


def test_case_23_1500_foreign_updates_during_a_loop_of_applies(place: Path) -> None:
    machine = machine_of(place)
    written = refused = 0

    def apply(turn: int) -> None:
        nonlocal written, refused
        for _ in range(50):
            try:
                receipt = carry_out(make_plan(answers_for(NEW if turn % 2 else OLD), machine), machine, replace="all")
                written += receipt.number > 0
                return
            except Exception as error:
                # What they wrote is not what was agreed to, or they are writing just now: the plan is made again.
                if not isinstance(error, Refused) and "settings.json" not in str(error):
                    raise
                refused += 1
        raise AssertionError("there is no getting through")

    turns, lost = _lost(machine.settings_file, apply)
    print(f"{UPDATES} foreign updates, {turns} turns, {written} real writes, {refused} refused: {lost} lost")
    assert lost == 0
    assert written >= 200
    table = _read(machine.settings_file)
    environment = table["env"]
    assert isinstance(environment, dict)
    assert environment["ANTHROPIC_BASE_URL"] == (NEW if (turns + 1) % 2 else OLD)
    assert environment["MINE"] == "1"
    assert [path for path in temporaries(place) if "state/claude-litellm-wizard" not in str(path)] == []

    naive = place / "naive.json"
    naive.write_text("{}")

    def rename_over(turn: int) -> None:
        table = _read(naive)
        table["ours"] = turn
        beside = naive.with_name("ours.tmp")
        beside.write_text(json.dumps(table, indent=2))
        beside.rename(naive)

    turns, lost = _lost(naive, rename_over)
    print(f"read, merge, rename: {turns} turns: {lost} lost")
    assert lost > 0


# ── the instant of the switch, one case at a time ────────────────────────────────────────────────────────────────────


def _meddling(at: str, meddle: Callable[[], None], *, turn: int = 1) -> Watched:
    """Return calls before one of which another program acts."""
    seen = 0

    def hook(_: int, name: str, moment: str) -> None:
        nonlocal seen
        seen += (name, moment) == (at, "before")
        if (name, moment, seen) == (at, "before", turn):
            meddle()

    return Watched(hook)


def test_case_23_a_write_right_before_the_switch_stands(place: Path) -> None:
    path = place / "file"
    path.write_text("old")
    with pytest.raises(Changed):
        swap(Writer(_meddling("exchange", lambda: _by_rename(path, "theirs"))), look(path), b"ours", 0o600)
    assert path.read_text() == "theirs"
    with pytest.raises(Changed):
        take_away(Writer(_meddling("rename", lambda: _by_rename(path, "again"))), look(path))
    assert path.read_text() == "again"
    assert temporaries(place) == []
    Writer(_meddling("rename", lambda: _by_rename(path, "lost"))).replace(look(path), b"ours", 0o600)
    assert path.read_text() == "ours", "the control: a plain rename does lose it"


def test_case_23_a_program_that_opens_the_file_at_the_switch_writes_into_the_file(place: Path) -> None:
    """It waits for us, and then its text is in the file and not in a removed one."""
    path = place / "file"
    path.write_text("old")
    children: list[int] = []

    def meddle() -> None:
        pid = os.fork()  # a lease is for other processes
        if pid == 0:
            _in_place(path, "theirs")
            os._exit(0)
        children.append(pid)
        deadline = time.monotonic() + 10
        while "break_lease" not in _waits_in(pid) and time.monotonic() < deadline:
            time.sleep(0.002)

    with pytest.raises(Changed):
        swap(Writer(_meddling("exchange", meddle)), look(path), b"ours", 0o600)
    os.waitpid(children[0], 0)
    assert path.read_text() == "theirs"
    assert temporaries(place) == []


def _waits_in(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/wchan").read_text()
    return ""


def test_case_23_a_program_that_has_the_file_open_is_waited_for(place: Path) -> None:
    path = place / "file"
    path.write_text("old")
    with path.open("r+") as theirs:
        with pytest.raises(Changed):
            swap(Writer(), look(path), b"ours", 0o600)
        swap(Writer(), look(path), b"ours", 0o600, wait=False)  # but not for ever
        theirs.write("o")
    assert path.read_text() == "ours"


def test_case_23_two_writes_around_the_switch_are_both_brought_in(place: Path) -> None:
    """One replaces the file right before the switch; the next reads ours and replaces that before it is put back."""
    machine = machine_of(place)
    path = machine.settings_file
    exchanges = 0

    def hook(_: int, name: str, moment: str) -> None:
        nonlocal exchanges
        if (name, moment) != ("exchange", "before") or exchanges >= 2:
            return
        exchanges += 1
        table = json.loads(path.read_text())
        table[f"theirs{exchanges}"] = exchanges
        _by_rename(path, json.dumps(table))

    carry_out(make_plan(answers_for(), machine), machine, system=Watched(hook))
    table = json.loads(path.read_text())
    assert (table["theirs1"], table["theirs2"], table["env"]["ANTHROPIC_BASE_URL"]) == (1, 2, OLD)
    assert exchanges == 2
    assert temporaries(path.parent) == []


@pytest.mark.parametrize("writes", [1, 2])
def test_case_23_killed_anywhere_after_a_write_at_the_switch_it_is_not_lost(place: Path, writes: int) -> None:
    """The foreign write comes at the first exchange of settings.json (and once more at the way back of that one)."""
    machine = machine_of(place)
    kept = place.with_name(place.name + "-kept")
    shutil.copytree(place, kept, symlinks=True)
    plan = make_plan(answers_for(), machine)
    points = 0
    came = place.with_name(place.name + "-came")
    try:
        for number in (*range(1, 41), *range(41, 1000, 7)):
            shutil.rmtree(place)
            shutil.copytree(kept, place, symlinks=True)
            came.write_text("0")
            if not _killed(lambda hook: carry_out(plan, machine, system=Watched(hook)), machine, came, number, writes):
                break
            points += 1
            recover(machine)
            table = json.loads(machine.settings_file.read_text())
            assert {f"theirs{each + 1}" for each in range(writes)} <= set(table), f"call {number} after it"
    finally:
        shutil.rmtree(kept)
        came.unlink()
    print(f"{writes} foreign writes at the switch, then killed: {points} points, none lost")
    assert points > 30


def _killed(
    act: Callable[[Callable[[int, str, str], None]], object], machine: Machine, came: Path, number: int, writes: int
) -> bool:
    child = os.fork()
    if child == 0:
        late = 0

        def hook(_: int, name: str, moment: str) -> None:
            nonlocal late
            if (name, moment) == ("exchange", "before") and int(came.read_text()) < writes:
                turn = int(came.read_text()) + 1
                table = json.loads(machine.settings_file.read_text())
                _by_rename(machine.settings_file, json.dumps({**table, f"theirs{turn}": True}))
                came.write_text(str(turn))
            late += came.read_text() == str(writes)
            if late == number:
                os.kill(os.getpid(), signal.SIGKILL)

        code = 1
        try:
            act(hook)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def test_case_23_a_program_that_read_ours_and_writes_later_takes_nothing_with_it(place: Path) -> None:
    """It reads in the instant between our switch and the way back of it, and writes once all is over."""
    machine = machine_of(place)
    path = machine.settings_file
    exchanges = 0
    seen: list[str] = []

    def hook(_: int, name: str, moment: str) -> None:
        nonlocal exchanges
        if name != "exchange":
            return
        exchanges += moment == "before"
        if (exchanges, moment) == (1, "before"):
            _by_rename(path, json.dumps({**json.loads(path.read_text()), "theirs1": 1}))
        if (exchanges, moment) == (2, "before"):
            seen.append(path.read_text())
        if (exchanges, moment) == (3, "after"):
            _by_rename(path, json.dumps({**json.loads(seen[0]), "theirs2": 2}))

    carry_out(make_plan(answers_for(), machine), machine, system=Watched(hook))
    assert "theirs1" not in seen[0], "the program had read ours"
    table = json.loads(path.read_text())
    assert (table["theirs1"], table["theirs2"], table["env"]["ANTHROPIC_BASE_URL"]) == (1, 2, OLD)
    undo_last(machine)
    table = json.loads(path.read_text())
    assert (table["theirs1"], table["theirs2"], "apiKeyHelper" in table) == (1, 2, False)


def test_case_23_without_an_exchange_a_link_keeps_what_came_out(place: Path) -> None:
    class Old(System):
        @staticmethod
        def exchange(one: Path, other: Path) -> None:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

        @staticmethod
        def rename_new(old: Path, new: Path) -> None:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    path = place / "file"
    swap(Writer(Old()), look(path), b"new", 0o600)
    swap(Writer(Old()), look(path), b"newer", 0o600)
    assert path.read_bytes() == b"newer"
    assert path.stat().st_nlink == 1
    take_away(Writer(Old()), look(path))
    assert list(place.glob("file")) == temporaries(place) == []


def test_case_23_overtaken_names_what_was_kept(place: Path) -> None:
    path = place / "file"
    path.write_text("old")
    texts = iter(("first", "second"))
    watched = Watched(
        lambda _, name, moment: _by_rename(path, next(texts)) if (name, moment) == ("exchange", "before") else None
    )
    with pytest.raises(Overtaken) as caught:
        swap(Writer(watched), look(path), b"ours", 0o600)
    assert (path.read_text(), caught.value.kept.read_text(), caught.value.ours) == ("first", "second", b"ours")


def test_case_23_merging_three_ways() -> None:
    base = b'{"a": 1, "b": 2, "env": {"X": "1", "Y": "2"}}'
    now = b'{"a": 1, "b": 3, "env": {"X": "1", "Y": "2", "N": "n"}}'
    theirs = b'{"b": 2, "c": 4, "env": {"X": "9", "Y": "2"}}'
    assert json.loads(merged(now, base, theirs) or b"") == {"b": 3, "c": 4, "env": {"X": "9", "Y": "2", "N": "n"}}
    assert json.loads(merged(now, None, theirs) or b"") == {
        "a": 1, "b": 3, "c": 4, "env": {"X": "1", "Y": "2", "N": "n"},
    }  # fmt: skip
    for torn in (b"", b"torn {", b"[1]"):
        assert merged(now, base, torn) == merged(now, torn or b"?", b"") == now
    assert merged(b"torn {", base, theirs) == b"torn {"
    gently = merged(b'{"a": 1, "b": 2, "env": {"X": "7"}}', base, theirs, gently=True)
    assert json.loads(gently or b"") == {"b": 2, "c": 4, "env": {"X": "7"}}
    assert swap_module.PATIENCE_SECONDS <= 1

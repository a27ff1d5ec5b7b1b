"""What of the user's stands in the way of a write, and what its flags say shall become of it."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal

from wizard.apply.change import Change, Choices, Plan, Way
from wizard.commands.flags import ALL
from wizard.commands.shared import REFUSED, USAGE, Stop
from wizard.machine.model import Machine


def choices(arguments: argparse.Namespace, machine: Machine) -> Choices:
    """Return what the flags choose, nothing where a command has none. Raises Stop for a file that two of them name."""
    ways: dict[Path, Way] = {}
    names: tuple[Way, ...] = ("keep", "merge", "replace")
    for way in names:
        for text in getattr(arguments, way, ()):
            path = _path(text, machine)
            if ways.setdefault(path, way) != way:
                raise Stop(USAGE, f"{text} is named by --{ways[path]} and by --{way}. Choose one.")
    migrate = [_item(each, machine) for each in getattr(arguments, "migrate", ())]
    return Choices(ways, "all" if ALL in migrate else frozenset(migrate))


def _path(text: str, machine: Machine) -> Path:
    return machine.expand(text) if text.startswith("~") else Path(text).absolute()


def _item(text: str, machine: Machine) -> str:
    """Return an item as the plan names it, also when the shell has expanded its `~`."""
    return machine.short(text)


def to_replace(arguments: argparse.Namespace, chosen: Choices) -> Collection[Path] | Literal["all"]:
    """Return the files that may be replaced."""
    if getattr(arguments, "replace_existing", False):
        return "all"
    return frozenset(path for path, way in chosen.ways.items() if way == "replace")


def refuse_unknown(plan: Plan, chosen: Choices) -> None:
    """Raise Stop for an item that is not there to be migrated."""
    known = {each.name for each in plan.migrations}
    for name in () if chosen.migrate == "all" else sorted(chosen.migrate):
        if name not in known:
            there = f"There is: {', '.join(sorted(known))}." if known else "There is nothing to migrate."
            raise Stop(USAGE, f"--migrate {name}: no such item. {there}")


def refuse_open(plan: Plan, agreed: Collection[Path] | Literal["all"], machine: Machine) -> None:
    """Raise Stop, naming files and flags, when something of the user's stands in the way and nothing was chosen."""
    open_ones = [
        each for each in plan.conflicts if "replace" not in each.ways or not (agreed == "all" or each.path in agreed)
    ]
    if open_ones:
        raise Stop(REFUSED, "\n".join([*_lines(open_ones, machine), "Nothing was written."]))


def _lines(changes: Collection[Change], machine: Machine) -> Iterator[str]:
    for each in changes:
        yield _told(each, machine)
        for way, text in each.ways.items():
            yield f"  --{way} {shlex.quote(str(each.path))}: {text}"
    if all("replace" in each.ways for each in changes):
        yield "  --replace-existing: all of it becomes ours; what stands there now goes into the backup."


def _told(change: Change, machine: Machine) -> str:
    """Return file and sentence; with the line where one is to blame, as editors take it."""
    path = machine.short(change.path)
    found = re.match(r"Line (\d+): ", change.conflict)
    return f"{path}:{found[1]}: {change.conflict[found.end() :]}" if found else f"{path}: {change.conflict}"

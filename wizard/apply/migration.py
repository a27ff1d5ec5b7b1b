"""The set-up that somebody made by hand before us: what of it can be taken out of force, one by one, on a yes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from wizard.apply.change import Migration
from wizard.apply.errors import Unwritable
from wizard.apply.files import look, obstacle
from wizard.apply.set_aside import Place, place_of
from wizard.apply.settings_edit import Key, key_of, part_digest, read, value_at
from wizard.machine.model import Leftover, Machine
from wizard.record import dataclass, field

Chosen = Collection[str] | Literal["all"]

_LINE: Final = "The line stays in the file, behind a comment."
_KEY: Final = "The key goes from the file."
_NOT_FOR_US: Final = frozenset({"fish_variables"})
"""Files that a program rewrites as it likes."""


@dataclass(frozen=True, slots=True)
class Offers:
    """What can be migrated, and the places that each item is about."""

    items: tuple[Migration, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)
    keys: Mapping[str, Key] = field(default_factory=dict)

    def lines(self, chosen: Chosen) -> Mapping[Path, tuple[Place, ...]]:
        """Return the lines to set aside, by file."""
        found: dict[Path, tuple[Place, ...]] = {}
        for each in self.items:
            if is_chosen(each.name, chosen) and each.name in self.places:
                found[each.path] = (*found.get(each.path, ()), self.places[each.name])
        return found

    def drops(self, chosen: Chosen, settings: bytes | None) -> Mapping[Key, str]:
        """Return the keys to take out of the settings, with the fingerprints of what they hold."""
        table = read(settings)
        return {key: part_digest(value_at(table, key)) for name, key in self.keys.items() if is_chosen(name, chosen)}


def is_chosen(name: str, chosen: Chosen) -> bool:
    """Say whether an item is among those chosen."""
    return chosen == "all" or name in chosen


def offers(leftovers: Sequence[Leftover], machine: Machine, wanted: Collection[Key], chosen: Chosen) -> Offers:
    """Return what of the leftovers can be migrated; `wanted` are the keys of the settings that the write sets anyway.

    A line that does more than to set variables of Claude Code or to source one file is left to the user, and so is a
    file that is not theirs. Reads files.
    """
    places: dict[str, Place] = {}
    keys: dict[str, Key] = {}
    items: dict[str, Migration] = {}
    for leftover in leftovers:
        for name, path, spot in _spots(leftover, machine):
            if isinstance(spot, Place):
                places[name] = spot
                text = _LINE
            elif spot not in wanted:
                keys[name] = spot
                text = _KEY
            else:
                continue
            told = (*items[name].leftovers, leftover) if name in items else (leftover,)
            items[name] = Migration(name, path, text, told, is_chosen(name, chosen))
    return Offers(tuple(items.values()), places, keys)


def _spots(leftover: Leftover, machine: Machine) -> Iterator[tuple[str, Path, Place | Key]]:
    where, _, number = leftover.where.rpartition(":")
    if number.isdigit():
        path = machine.expand(where)
        content = _content(path, machine)
        place = place_of(content, int(number)) if content is not None else None
        if place is not None:
            yield leftover.where, path, place
        return
    settings = machine.short(machine.settings_file)
    if leftover.where == f"{settings} env":
        yield f"env.{leftover.name}", machine.settings_file, ("env", leftover.name)
    elif leftover.where == settings:
        yield leftover.name, machine.settings_file, key_of(leftover.name)


def _content(path: Path, machine: Machine) -> bytes | None:
    if path.name in _NOT_FOR_US or not path.is_relative_to(machine.home):
        return None
    try:
        found = look(path)
        return None if obstacle(found) else found.content
    except (OSError, Unwritable):
        return None

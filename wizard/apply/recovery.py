"""The way back: what each file of a run held before, given what it holds now. Undo and roll-back both take it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Final

from wizard.apply import managed_block
from wizard.apply.change import Role, digest
from wizard.apply.journal import ABSENT, Receipt, Store, Written
from wizard.apply.order import Target
from wizard.apply.set_aside import give_back
from wizard.apply.settings_edit import restored
from wizard.record import dataclass, field

BLOCK: Final = "block"
"""The name of our part of a start-up file."""

OUR_LINES: Final = "our lines"
"""What stays of a start-up file when the block in it was edited."""


@dataclass(frozen=True, slots=True)
class Back:
    """The way back of one file: what we wrote there, what stood there before, and the new texts of a write in place."""

    written: Written
    before: bytes | None = field(repr=False)
    copies: tuple[bytes, ...] = field(default=(), repr=False)

    def content(self, found: bytes | None) -> bytes | None:
        """Return what the file shall hold again. Raises JsonProblem, BlockProblem."""
        return _given_back(self.written, self.before, self.copies, found)[0]

    def kept(self, found: bytes | None) -> tuple[str, ...]:
        """Return what of the file stays as it is, because somebody changed it since we wrote it."""
        return _given_back(self.written, self.before, self.copies, found)[1]

    def target(self) -> Target:
        """Return what is to be written."""
        written = self.written
        return Target(
            path=written.path,
            role=written.role,
            make=self.content,
            mode=written.before_mode if written.before_mode is not None else written.after_mode or 0o600,
            mode_from=written.after_mode,
            text=_TEXTS[written.role],
        )


def ways_back(receipt: Receipt, store: Store) -> tuple[Back, ...]:
    """Return how each file of a run is given back. Raises DamagedState when a backup is gone."""
    return tuple(
        Back(
            each,
            store.restore(receipt.number, each.backup) if each.backup else None,
            tuple(store.restore(receipt.number, name) for name in each.copies),
        )
        for each in receipt.written
    )


def backwards(receipt: Receipt, store: Store) -> tuple[Target, ...]:
    """Return the targets that give back what was there before a run. Raises DamagedState when a backup is gone."""
    return tuple(each.target() for each in ways_back(receipt, store))


_TEXTS: Final[dict[Role, str]] = {
    "helper": "the key helper as it was",
    "settings": "Claude Code's settings as they were",
    "setup-script": "the setup script as it was",
    "rc-block": "the start-up file as it was",
    "fish": "fish's file as it was",
    "answers": "the answers as they were",
    "secrets": "the secrets file as it was",
}


def _given_back(
    written: Written, before: bytes | None, copies: tuple[bytes, ...], found: bytes | None
) -> tuple[bytes | None, tuple[str, ...]]:
    """Return what a file shall hold again, and the names of what stays in it."""
    now = digest(found)
    if now == written.before:
        return found, ()
    if written.exact and now in (written.after, *written.states) and not _is_lost(written, before):
        return before, ()
    if found is not None and written.in_place and _is_torn(found, (before or b"", *copies)):
        return before, ()
    if written.role == "settings":
        return restored(found, before, written.parts)
    if written.role == "rc-block":
        return _block_given_back(written, before, found)
    if written.role == "secrets":
        return _key_given_back(written, before, found)
    return found, ("the whole file",)


def _is_lost(written: Written, before: bytes | None) -> bool:
    """Say whether nobody kept what stood there before: a secrets file that only got another mode is copied nowhere."""
    return before is None and written.before != ABSENT


def _key_given_back(
    written: Written, before: bytes | None, found: bytes | None
) -> tuple[bytes | None, tuple[str, ...]]:
    """Take the key out of a secrets file that somebody else wrote to since; their lines stay."""
    from wizard.keys.secret_files import take_back, value_in

    if not written.parts:  # only the mode was ours
        return found, ()
    variable, ours = next(iter(written.parts.items()))
    if digest(value_in(found, variable)) != ours or _is_lost(written, before):
        return found, ("the whole file",) if found is not None else ()
    return take_back(found, before, variable), ()


def _block_given_back(
    written: Written, before: bytes | None, found: bytes | None
) -> tuple[bytes | None, tuple[str, ...]]:
    now = managed_block.current(found)
    then = _block_before(before)
    if found is None:
        return found, ()
    found = give_back(found, before or b"")
    if now == then:
        return found, ()
    if digest(now) != written.parts.get(BLOCK, ABSENT):
        return found, (OUR_LINES,)
    if then is None:
        return managed_block.remove(found), ()
    if now is not None:
        return managed_block.swap(found, then), ()
    try:
        return managed_block.put(found, then.decode()), ()
    except ValueError:  # an editor had turned the block into something that is no text of ours
        return found, (OUR_LINES,)


def _block_before(before: bytes | None) -> bytes | None:
    """Return the block that stood there; one with broken markers was put right on the user's word and stays so."""
    try:
        return managed_block.current(before)
    except managed_block.BlockProblem:
        return None


def _is_torn(found: bytes, texts: tuple[bytes, ...]) -> bool:
    """Say whether a file is the beginning of one text and the rest of another: a write in place that was cut short."""
    return any(found == mix for one, other in permutations(texts, 2) for mix in _mixes(found, one, other))


def _mixes(found: bytes, new: bytes, old: bytes) -> Iterator[bytes]:
    common = next((place for place, (a, b) in enumerate(zip(found, new, strict=False)) if a != b), None)
    place = min(len(found), len(new)) if common is None else common
    yield new[:place] + old[place:]

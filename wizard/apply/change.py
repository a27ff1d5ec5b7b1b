"""What a plan consists of: every file that would change, with what stands there now and what would stand there."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from wizard.apply.masking import mask_lines, mask_values
from wizard.machine.model import Leftover
from wizard.record import dataclass, field

if TYPE_CHECKING:
    from wizard.apply.drift import Drift

Role = Literal["helper", "settings", "setup-script", "rc-block", "fish", "answers", "secrets"]
State = Literal["unchanged", "new", "changed", "removed"]
Way = Literal["keep", "merge", "replace"]
"""What the user may choose for something of theirs that stands in the way."""

Transform = Callable[[bytes | None], bytes | None]
"""Makes a file's new content from what is found there; None means no file."""

Question = Callable[[bytes | None], str]
"""Returns a sentence when what is found there must not be replaced without its own yes, else an empty string."""

WHOLLY_OURS: Final = frozenset({"helper", "setup-script", "fish", "answers"})
"""Roles of files that hold nothing but what we wrote."""

KEPT_MODE: Final = frozenset({"settings", "rc-block", "fish"})
"""Roles of files whose mode is the user's when they exist already."""

_RENDERED: Final = frozenset({"helper", "setup-script", "fish"})
"""Roles whose new text is rendered by us from answers, which hold no secret: nothing in it needs a mask."""


REPLACE_ONLY: Final[Mapping[Way, str]] = {"replace": "What stands here now goes into the backup."}


def nothing_to_ask(_: bytes | None) -> str:
    """Agree with whatever is found."""
    return ""


@dataclass(frozen=True, slots=True)
class Change:
    """One file of the plan.

    `before` is what the plan was made from (None: no such file), `after` what will stand there. `mode` is the mode
    afterwards, `before_mode` the one it has now. `conflict` is a sentence when something of the user's that we did not
    write would be replaced: it needs its own yes. `transform` makes `after` from what is found at the moment of
    writing, so that somebody else's edit in between is merged and not lost, and `question` asks about that again.
    `parts` are fingerprints of our parts of a shared file, by name, and `texts` what we render for them. `ways` are
    what may be chosen where there is (or was) a conflict, each with what it does, and `way` is the chosen one;
    "replace" stays a conflict until it is said yes to. `drift` is what changed since we wrote it.
    """

    path: Path
    role: Role
    before: bytes | None = field(repr=False)
    after: bytes | None = field(repr=False)
    before_mode: int | None
    mode: int
    transform: Transform = field(repr=False, compare=False)
    conflict: str = ""
    notes: tuple[str, ...] = ()
    question: Question = field(default=nothing_to_ask, repr=False, compare=False)
    parts: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    texts: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    ways: Mapping[Way, str] = field(default_factory=lambda: dict(REPLACE_ONLY))
    way: Way | None = None
    drift: Drift | None = field(default=None, repr=False)

    @property
    def is_new(self) -> bool:
        """Whether the file does not exist yet."""
        return self.before is None

    @property
    def is_noop(self) -> bool:
        """Whether nothing would change: neither content nor mode."""
        if self.before is None or self.after is None:
            return self.before is self.after
        return self.before == self.after and self.before_mode == self.mode

    @property
    def is_conflict(self) -> bool:
        """Whether it needs its own yes; where nothing can be replaced the conflict stands although nothing changes."""
        return bool(self.conflict) and (not self.is_noop or "replace" not in self.ways)

    @property
    def state(self) -> State:
        """What happens to the file, in one word."""
        if self.is_noop:
            return "unchanged"
        if self.after is None:
            return "removed"
        return "new" if self.is_new else "changed"

    def diff(self, shown_path: str) -> str:
        """Return the unified diff a person may see: credentials in the user's own lines are masked."""
        names = (f"{shown_path} (now)", f"{shown_path} (after)")
        if self.role == "secrets":
            return unified(self.before, self.after, names, mask=mask_values)
        rendered = self.role in _RENDERED and self.way != "merge"
        return unified(self.before, self.after, names, plain_after=rendered)


@dataclass(frozen=True, slots=True)
class Migration:
    """Something of an earlier set-up that can be taken out of force: a line of a start-up file, or a settings key.

    `name` is what the user chooses it by (`~/.bashrc:12`, `env.ANTHROPIC_MODEL`), `text` what is done on a yes, and
    `leftovers` what it does today.
    """

    name: str
    path: Path
    text: str
    leftovers: tuple[Leftover, ...]
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chose on seeing a plan: a way for a file in the way, and the migrations they want."""

    ways: Mapping[Path, Way] = field(default_factory=dict)
    migrate: Collection[str] | Literal["all"] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that would change, in the order it is shown. `blockers` are reasons not to write at all.

    `off` says that the plan suspends the set-up.
    """

    changes: tuple[Change, ...]
    leftovers: tuple[Leftover, ...] = ()
    blockers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    off: bool = False
    migrations: tuple[Migration, ...] = ()

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that change something."""
        return tuple(each for each in self.changes if not each.is_noop)

    @property
    def conflicts(self) -> tuple[Change, ...]:
        """The changes that need their own yes."""
        return tuple(each for each in self.changes if each.is_conflict)

    @property
    def is_kept(self) -> bool:
        """Whether something of the user's is kept on their word, which is then noted also where nothing is written."""
        return any(each.is_noop and each.way in ("keep", "merge") for each in self.changes)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.pending


def digest(content: bytes | None) -> str:
    """Return the fingerprint that receipts keep of a file's content; `absent` for no file."""
    return "absent" if content is None else hashlib.sha256(content).hexdigest()


def _lines(content: bytes | None) -> list[str]:
    """Return a file's lines as a person reads them, free of control characters."""
    text = (content or b"").decode("utf-8", "backslashreplace").replace("\r\n", "\n").removesuffix("\n")
    return ["".join(map(_visible, line)) for line in text.split("\n")] if text else []


def _visible(character: str) -> str:
    return character if character.isprintable() or character == "\t" else character.encode("unicode_escape").decode()


def unified(
    before: bytes | None,
    after: bytes | None,
    names: tuple[str, str],
    *,
    plain_after: bool = False,
    mask: Callable[[list[str]], list[str]] = mask_lines,
) -> str:
    """Return the unified diff of two texts with credentials masked; not in a text `plain_after` that we rendered."""
    old, new = _lines(before), _lines(after)
    shown_new = new if plain_after else mask(new)
    return "\n".join(_unified(old, new, mask(old), shown_new, names))


def _unified(
    old: list[str], new: list[str], shown_old: list[str], shown_new: list[str], names: tuple[str, str]
) -> list[str]:
    """Compare the lines as they are and show them as they may be seen, in the format of `diff -u`."""
    lines: list[str] = []
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(3):
        first, last = group[0], group[-1]
        lines.append(f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@")
        for tag, old_start, old_end, new_start, new_end in group:
            if tag == "equal":
                lines += [f" {line}" for line in shown_new[new_start:new_end]]
                continue
            lines += [f"-{line}" for line in shown_old[old_start:old_end]]
            lines += [f"+{line}" for line in shown_new[new_start:new_end]]
    return [f"--- {names[0]}", f"+++ {names[1]}", *lines] if lines else []


def _range(start: int, end: int) -> str:
    length = end - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"

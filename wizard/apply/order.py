"""The order of a write: make before break, so that at every instant the old or the new set-up works.

URL and helper stand together in settings.json, which is therefore the switch. A helper whose text changes is first put
beside the old one under a generation name; settings.json turns to that one and to the new URL in one rename; only
then does the plain name get the new text, and settings.json turns to the plain name again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from wizard.apply.change import KEPT_MODE, Change, Role, Transform, digest
from wizard.apply.settings_edit import names_helper, with_helper
from wizard.record import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Target:
    """One file and what it shall hold: `make` is asked with what is found there, right before it is written.

    `mode` is the mode afterwards; with `keep_mode` only that of a new file, and with `mode_from` only of a file that
    has that mode now. `text` says what is done, for the user.
    """

    path: Path
    role: Role
    make: Transform = field(repr=False)
    mode: int
    keep_mode: bool = False
    mode_from: int | None = None
    text: str = ""

    def mode_for(self, now: int | None) -> int:
        """Return the mode afterwards of a file that has this mode now (None: no file)."""
        if now is None or not (self.keep_mode or self.mode_from not in (None, now)):
            return self.mode
        return now

    @classmethod
    def of(cls, change: Change) -> Target:
        """Return the target that a change of the plan describes."""
        return cls(change.path, change.role, change.transform, change.mode, change.role in KEPT_MODE)


Content = Callable[[Path], bytes | None]
"""Tells what a file holds now."""


def in_order(targets: Sequence[Target], content: Content) -> tuple[Target, ...]:
    """Return the targets in the order they are written, with the generation of the helper in between where needed."""
    settings = next((each for each in targets if each.role == "settings"), None)
    helpers = [each for each in targets if each.role == "helper"]
    coming = [each for each in helpers if each.make(content(each.path)) is not None]
    going = [each for each in helpers if each not in coming]
    last = [each for each in targets if each.role == "answers"]
    middle = [each for each in targets if each.role not in ("helper", "settings", "answers")]
    if settings is None:
        return (*coming, *middle, *last, *going)
    staged = [each for each in coming if _needs_generation(each, settings, middle, content)]
    direct = [each for each in coming if each not in staged]
    if not staged:
        return (*direct, settings, *middle, *last, *going)
    helper = staged[0]
    generation = _generation_of(helper, content)
    turned = _turned(settings, helper.path, generation.path)
    turned_back = _turned_back(settings, turned, content(settings.path))
    return (*direct, generation, turned, *middle, helper, turned_back, *last, *going)


def generation_path(helper: Path, text: bytes) -> Path:
    """Return the name of this text of a helper, beside its plain name."""
    return helper.with_name(f"{helper.name}.{digest(text)[:8]}")


def is_generation(path: Path, text: bytes | None) -> bool:
    """Say whether a file's name is that of a generation with just this text."""
    return text is not None and path.name.endswith(f".{digest(text)[:8]}")


def _needs_generation(helper: Target, settings: Target, middle: Sequence[Target], content: Content) -> bool:
    """Say whether both ends of the pair change while something already counts on the helper's plain name."""
    now, settings_now = content(helper.path), content(settings.path)
    if helper.make(now) == now:
        return False
    after = settings.make(settings_now)
    if after == settings_now or not names_helper(after, str(helper.path)):
        return False
    waiting = any(each.role in ("setup-script", "fish") and content(each.path) is not None for each in middle)
    return now is not None or waiting or names_helper(settings_now, str(helper.path))


def _generation_of(helper: Target, content: Content) -> Target:
    text = helper.make(content(helper.path)) or b""
    path = generation_path(helper.path, text)
    return Target(path, "helper", lambda _: text, 0o700, text="the new key helper, beside the old one")


def _turned(settings: Target, plain: Path, generation: Path) -> Target:
    """Return the switch: the new settings, with the helper under its generation name."""

    def make(found: bytes | None) -> bytes | None:
        text = settings.make(found)
        return with_helper(text, str(generation)) if text is not None and names_helper(text, str(plain)) else text

    return replace(settings, make=make, text="the switch to the new server and helper")


def _turned_back(settings: Target, turned: Target, found: bytes | None) -> Target:
    """Return the second write of the settings, with the helper under its plain name."""
    between, final = turned.make(found), settings.make(found)
    return replace(settings, make=lambda now: final if now == between else settings.make(now))

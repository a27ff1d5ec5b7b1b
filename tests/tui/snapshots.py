"""What every screen looks like in every state, kept as text with its styles, so that a change is seen in a diff.

`python -m tests.tui.snapshots` makes them anew; a test fails when a committed one is stale.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Final

from tests.tui.journeys import Journey, Stop, journeys

if TYPE_CHECKING:
    from textual.strip import Strip

    from tests.tui.walking import Walk

FOLDER: Final = Path(__file__).with_name("snapshots")
_LETTERS: Final = ascii_letters + digits


def names(journey: Journey) -> list[str]:
    """Return the names of the snapshots of a journey."""
    return [_name(journey, each) for each in journey.stops]


def _name(journey: Journey, stop: Stop) -> str:
    return f"{journey.name}-{stop.name}"


async def take(journey: Journey) -> dict[str, str]:
    """Make a journey and return its snapshots by name."""
    from tests.tui.walking import walking

    taken: dict[str, str] = {}
    given = (journey.draft(), journey.fake(), journey.size, journey.face, journey.trouble)
    async with walking(*given, lambda session: setattr(session, "beginning", journey.beginning())) as walk:
        for stop in journey.stops:
            await _go(walk, stop)
            taken[_name(journey, stop)] = drawn(walk.app.screen._compositor.render_strips())
        await walk.app.workers.wait_for_complete() if not stop.until else walk.app.workers.cancel_all()
    return taken


async def _go(walk: Walk, stop: Stop) -> None:
    if stop.size:
        await walk.pilot.resize_terminal(*stop.size)
        await walk.settle()
    if stop.paste:
        await walk.paste(stop.paste)
    if not stop.until:
        await walk.press(*stop.keys)
        return
    await walk.pilot.press(*stop.keys)
    await walk.until(stop.until)


def drawn(strips: Iterable[Strip]) -> str:
    """Return lines of text, the same lines as runs of styles, and what each style is."""
    text: list[str] = []
    runs: list[str] = []
    styles: dict[str, str] = {}
    for strip in strips:
        text.append(strip.text.rstrip())
        runs.append(" ".join(_runs(strip, styles)))
    told = [f"{letter} {style}" for style, letter in styles.items()]
    return "\n".join([*text, "=" * 80, *runs, "=" * 80, *told]) + "\n"


def _runs(strip: Strip, styles: dict[str, str]) -> Iterator[str]:
    """Yield a letter for each style with the number of cells it covers."""
    last, cells = "", 0
    for segment in strip:
        style = segment.style.without_color if segment.style else None
        colours = f"{_colour(segment.style, 'color')} on {_colour(segment.style, 'bgcolor')}"
        letter = styles.setdefault(f"{colours} {_attributes(style)}".rstrip(), _LETTERS[len(styles)])
        if letter != last and cells:
            yield f"{last}{cells}"
            cells = 0
        last, cells = letter, cells + segment.cell_length
    if cells:
        yield f"{last}{cells}"


def _colour(style: object, which: str) -> str:
    colour = getattr(style, which, None)
    return colour.name if colour is not None else "default"


def _attributes(style: object) -> str:
    return " ".join(each for each in ("bold", "dim", "italic", "underline", "reverse") if getattr(style, each, False))


def main() -> int:
    """Make every snapshot anew, and take away those that are no longer made."""
    for name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL", "COLORFGBG"):
        os.environ.pop(name, None)
    os.environ |= {"TERM": "xterm-256color", "LANG": "C.UTF-8", "TZ": "UTC", "HOME": "/nonexistent"}
    os.environ["TEXTUAL_ANIMATIONS"] = "none"  # read when Textual is imported, which nothing has done yet
    FOLDER.mkdir(exist_ok=True)
    made: set[str] = set()
    for journey in journeys():
        for name, text in asyncio.run(take(journey)).items():
            (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")
            made.add(name)
        sys.stdout.write(f"{journey.name}\n")
        sys.stdout.flush()
    for stale in FOLDER.glob("*.txt"):
        if stale.stem not in made:
            stale.unlink()
    sys.stdout.write(f"{len(made)} snapshots in {FOLDER}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""The README's pictures and its recording, made from the demo, the same each time.

`python -m tests.tui.screenshots` makes them anew; a test fails when a committed one is stale.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.demo.scenes import Frame

FOLDER: Final = Path(__file__).parents[2] / "screenshots"
RECORDING: Final = "tour"

_STUCK: Final = 120.0
"""Seconds after which a tour that does not end ends the command, with what every thread was at."""


def made_of(frames: Sequence[Frame]) -> Mapping[str, str]:
    """Return the text of each file, by its name without .svg."""
    from tests.demo.film import picture, recording

    pictures = {frame.scene.name: picture(frame) for frame in frames if frame.scene.name}
    return {**pictures, RECORDING: recording(frames)}


def steady_environment() -> None:
    """Have Textual draw the same on every machine; called before anything has imported it."""
    for name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL"):
        os.environ.pop(name, None)
    os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    os.environ["TEXTUAL_ANIMATIONS"] = "none"


class _Loop(asyncio.SelectorEventLoop):
    """A loop that leaves signals alone: an App would take them for itself, and the command go on without it."""

    def add_signal_handler(self, sig: int, callback: object, *args: object) -> None:
        """Do nothing."""


def main() -> int:
    """Make every picture anew, and take away those that are no longer made."""
    steady_environment()
    from tests.demo.scenes import TOURS, filmed
    from tests.demo.steady import PROGRAMS
    from tests.programs import locate

    if lacking := [name for name in PROGRAMS if isinstance(locate(name), str)]:
        sys.stderr.write(f"Nothing is made anew: {', '.join(lacking)} is missing here.\n")
        return 1
    frames: list[Frame] = []
    for tour in TOURS:
        faulthandler.dump_traceback_later(_STUCK, exit=True)
        with asyncio.Runner(loop_factory=_Loop) as runner:
            frames += runner.run(filmed([tour]))
        sys.stdout.write(f"{tour[0].name or 'all is well'}\n")
        sys.stdout.flush()
    faulthandler.cancel_dump_traceback_later()
    made = made_of(frames)
    FOLDER.mkdir(exist_ok=True)
    for stale in set(FOLDER.glob("*.svg")) - {FOLDER / f"{name}.svg" for name in made}:
        stale.unlink()
    for name, text in made.items():
        (FOLDER / f"{name}.svg").write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(made)} pictures in {FOLDER}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

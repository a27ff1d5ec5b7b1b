"""The recording at the top of the README: the demo taken by keys, its screens one after the other in one SVG.

`python -m tests.demo.film` makes it anew; a test fails when the committed one is stale.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from typing import Final

from tests.demo.steady import PROGRAMS, SteadyTour, steady_tour, until_still
from tests.programs import locate
from wizard.demo.faults import BY_NAME, NO_FAULT, DemoFault

FILE: Final = Path(__file__).parents[2] / "screenshots/tour.svg"
SIZE: Final = (80, 24)


@dataclass(frozen=True)
class Scene:
    """One stretch of the recording: the keys that lead there, the words below it, and for how long it stands."""

    keys: Sequence[str]
    words: str
    seconds: float


GOOD: Final = (
    Scene((), "claude-litellm-wizard --demo", 3),
    Scene(("enter",), "Enter   the server is checked, without a key and at no cost", 4),
    Scene(("enter",), "Enter   where the key comes from, found on this machine", 3.5),
    Scene(("enter",), "Enter   the very helper that will be installed is tried", 4.5),
    Scene(("y",), "y       one tiny message, only on a yes", 3),
    Scene(("enter",), "Enter   which models Claude Code asks for", 3),
    Scene(("enter",), "Enter   every file that would change", 3),
    Scene(("down", "enter"), "Enter   as a diff, your own lines kept", 4),
    Scene(("escape", "w"), "w       all or nothing is written, then proven", 5),
)
BAD: Final = (
    Scene((), "claude-litellm-wizard --demo expired-certificate", 2.5),
    Scene(("enter",), "Enter   a fault has a cause and a fix", 5),
)
TOURS: Final[tuple[tuple[DemoFault, tuple[Scene, ...]], ...]] = (
    (NO_FAULT, GOOD),
    (BY_NAME["expired-certificate"], BAD),
)

_WIDTH: Final = 994
_HEIGHT: Final = 664
_CAPTION: Final = 650
_BLANK: Final = "&#160;"
_RECT: Final = re.compile(
    r'<rect fill="(#[0-9a-f]{6})" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="[\d.]+" shape'
)
_TEXT: Final = re.compile(
    r'<text class="[\w-]+-(r\d+)" x="([\d.]+)" y="([\d.]+)" textLength="([\d.]+)"[^>]*>([^<]*)</text>'
)
_STYLE: Final = re.compile(r"\.[\w-]+-(r\d+) \{ ([^}]*) \}")
_HEAD: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="The tour in the demo">
<style>
text{{font-family:"Fira Code",ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:20px;white-space:pre}}
{styles}
</style>
<rect width="{width}" height="{height}" rx="8" fill="#15181e"/>
<circle cx="26" cy="22" r="7" fill="#ff5f57"/><circle cx="48" cy="22" r="7" fill="#febc2e"/>\
<circle cx="70" cy="22" r="7" fill="#28c840"/>
"""


@dataclass(frozen=True)
class Frame:
    """What one scene looks like: a screen as Textual draws it, the words below, and the seconds."""

    drawn: str
    words: str
    seconds: float


class Palette:
    """The styles of all frames, each under one short name."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def name(self, style: str) -> str:
        """Return the class of a style."""
        return self.names.setdefault(style, f"c{len(self.names)}")

    def css(self) -> str:
        """Return the rules."""
        return "\n".join(f".{name}{{{style}}}" for style, name in self.names.items())


async def filmed() -> tuple[Frame, ...]:
    """Take every tour and return its frames."""
    frames: list[Frame] = []
    for fault, scenes in TOURS:
        with steady_tour(fault) as tour:
            frames += await _taken(tour, scenes)
    return tuple(frames)


async def _taken(tour: SteadyTour, scenes: Sequence[Scene]) -> list[Frame]:
    from wizard.tui.app import WizardApp
    from wizard.tui.session import Session

    app = WizardApp(Session(tour.draft(), tour.services()), "dark")
    frames = []
    async with app.run_test(size=SIZE) as pilot:

        def look() -> str:
            return tour.picture(app.export_screenshot(simplify=True))

        for scene in scenes:
            drawn = await until_still(app, pilot, look)
            for key in scene.keys:
                await pilot.press(key)
                drawn = await until_still(app, pilot, look)
            frames.append(Frame(drawn, scene.words, scene.seconds))
    return frames


def recording(frames: Sequence[Frame]) -> str:
    """Return all frames as one SVG that plays for ever; what can't play shows the first."""
    palette = Palette()
    groups = [_group(frame, palette) for frame in frames]
    rules = [palette.css(), _timing([frame.seconds for frame in frames])]
    head = _HEAD.format(width=_WIDTH, height=_HEIGHT, styles="\n".join(rules))
    body = [f'<g class="f" id="f{number}">{group}</g>' for number, group in enumerate(groups)]
    return "\n".join([head.rstrip(), *body, "</svg>"]) + "\n"


def still(frame: Frame) -> str:
    """Return one frame as an SVG of its own, to look at."""
    palette = Palette()
    group = _group(frame, palette)
    return f"{_HEAD.format(width=_WIDTH, height=_HEIGHT, styles=palette.css())}{group}</svg>\n"


def _timing(seconds: Sequence[float]) -> str:
    """Return the rules that show one frame after the other, without any script."""
    whole, start = sum(seconds), 0.0
    rules = [f".f{{visibility:hidden;animation:{whole:g}s step-end infinite}}", "#f0{visibility:visible}"]
    for number, each in enumerate(seconds):
        begin, end = 100 * start / whole, 100 * (start + each) / whole
        before = f"0%{{visibility:hidden}}{begin:.3f}%{{visibility:visible}}" if number else "0%{visibility:visible}"
        after = f"{end:.3f}%{{visibility:hidden}}" if number + 1 < len(seconds) else ""
        rules.append(f"@keyframes k{number}{{{before}{after}}}#f{number}{{animation-name:k{number}}}")
        start += each
    return "\n".join(rules)


def _group(frame: Frame, palette: Palette) -> str:
    styles = dict(_STYLE.findall(frame.drawn))
    parts = ['<g transform="translate(9,41)">']
    rects = [_rect(*found) for found in _merged(_RECT.findall(frame.drawn))]
    texts = [_text(palette.name(styles[found[0]]), *found[1:]) for found in _TEXT.findall(frame.drawn)]
    words = escape(frame.words).replace(" ", _BLANK)
    caption = f'<text class="{palette.name("fill: #8ab4f8")}" x="33" y="{_CAPTION}">{words}</text>'
    return "\n".join([*parts, *rects, *filter(None, texts), "</g>", caption])


def _text(style: str, x: str, y: str, length: str, text: str) -> str:
    """Return a stretch of text without the blanks around it, which not every program that draws SVG keeps."""
    text = text.rstrip("\n")
    cells = len(unescape(text))
    left = text.removeprefix("\n")
    while left.startswith(_BLANK):
        left = left.removeprefix(_BLANK)
    bare = left
    while bare.endswith(_BLANK):
        bare = bare.removesuffix(_BLANK)
    if not bare:
        return ""
    width = float(length) / cells
    start = float(x) + width * (cells - len(unescape(left)))
    return f'<text class="{style}" x="{start:.5g}" y="{y}" textLength="{width * len(unescape(bare)):.5g}">{bare}</text>'


Rect = tuple[str, str, str, str]


def _merged(rects: Sequence[Rect]) -> list[tuple[str, float, float, float]]:
    """Return rectangles with neighbours of one colour made into one."""
    merged: list[tuple[str, float, float, float]] = []
    for fill, x, y, width in ((fill, float(x), float(y), float(width)) for fill, x, y, width in rects):
        if merged:
            last = merged[-1]
            if last[0] == fill and last[2] == y and abs(last[1] + last[3] - x) < 0.2:
                merged[-1] = (fill, last[1], y, last[3] + width)
                continue
        merged.append((fill, x, y, width))
    return merged


def _rect(fill: str, x: float, y: float, width: float) -> str:
    return f'<rect fill="{fill}" x="{x:g}" y="{y:g}" width="{width:.4g}" height="24.65"/>'


def main() -> int:
    """Write the recording; without the programs that it shows, say so and leave the old one."""
    from tests.tui.screenshots import steady_environment

    steady_environment()
    if lacking := [name for name in PROGRAMS if isinstance(locate(name), str)]:
        sys.stderr.write(f"{FILE} is not filmed anew: {', '.join(lacking)} is missing here.\n")
        return 1
    FILE.write_text(recording(asyncio.run(filmed())), encoding="utf-8")
    sys.stdout.write(f"{FILE}: {FILE.stat().st_size // 1024} kB\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""The recording at the top of the README: scenes of the demo one after the other, in one SVG without any script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape, unescape
from typing import Final

from tests.demo.scenes import Frame

_WIDTH: Final = 994
_SCREEN: Final = 636
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
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">
<style>
text{{font-family:"Fira Code",ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:20px;white-space:pre}}
{styles}
</style>
<rect width="{width}" height="{height}" rx="8" fill="#15181e"/>
<circle cx="26" cy="22" r="7" fill="#ff5f57"/><circle cx="48" cy="22" r="7" fill="#febc2e"/>\
<circle cx="70" cy="22" r="7" fill="#28c840"/>
"""


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


def recording(frames: Sequence[Frame]) -> str:
    """Return the frames that have a time as one SVG that plays for ever; what can't play shows the first."""
    palette = Palette()
    shown = [frame for frame in frames if frame.scene.seconds]
    groups = [_group(frame, palette) for frame in shown]
    rules = [palette.css(), _timing([frame.scene.seconds for frame in shown])]
    head = _HEAD.format(width=_WIDTH, height=_HEIGHT, title="The tour in the demo", styles="\n".join(rules))
    body = [f'<g class="f" id="f{number}">{group}</g>' for number, group in enumerate(groups)]
    return "\n".join([head.rstrip(), *body, "</svg>"]) + "\n"


def picture(frame: Frame) -> str:
    """Return one frame as a picture of its own, without words."""
    palette = Palette()
    group = _screen(frame, palette)
    return f"{_HEAD.format(width=_WIDTH, height=_SCREEN, title='The wizard', styles=palette.css())}{group}\n</svg>\n"


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
    """Return a screen and the words below it."""
    words = escape(frame.scene.words).replace(" ", _BLANK)
    caption = f'<text class="{palette.name("fill: #8ab4f8")}" x="33" y="{_CAPTION}">{words}</text>'
    return f"{_screen(frame, palette)}\n{caption}"


def _screen(frame: Frame, palette: Palette) -> str:
    styles = dict(_STYLE.findall(frame.drawn))
    rects = [_rect(*found) for found in _merged(_RECT.findall(frame.drawn))]
    texts = [_text(palette.name(styles[found[0]]), *found[1:]) for found in _TEXT.findall(frame.drawn)]
    return "\n".join(['<g transform="translate(9,41)">', *rects, *filter(None, texts), "</g>"])


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

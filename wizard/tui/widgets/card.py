"""The card at the end: what was set up and proven, what comes next, and the way back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from wizard.outcome import PROGRAM
from wizard.summary import Line
from wizard.tui.widgets.checks import LOOK
from wizard.verdict import Status

_NAMES: Final = 13
_BRIEF: Final[tuple[tuple[Status, str, tuple[Status, ...]], ...]] = (
    ("pass", "Proven", ("pass", "warn")),
    ("skip", "Not tried", ("skip",)),
    ("fail", "Not right", ("fail",)),
)


class Card(Widget):
    """Each line with its mark where there is room; where there is little, what is proven in one line."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.lines: Sequence[Line] = ()
        self.what_next = ""
        self.display = False

    def show(self, lines: Sequence[Line], what_next: str = "") -> None:
        """Show what a run came to, and the ways on (`what_next` in place of the usual); without lines, those alone."""
        self.what_next = what_next
        self.lines = tuple(lines)
        self.border_title = "What you have now"
        self.set_class(bool(lines), "-full")
        self.display = True
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the number of lines at this width."""
        return len(self._drawn(width))

    def render(self) -> Content:
        """Draw it."""
        return Content("\n").join(self._drawn(self.size.width))

    def _drawn(self, width: int) -> list[Content]:
        rows = self._each() if self.screen.has_class("-tall") else self._in_brief()
        return [part for name, text in (*rows, *_ways_on(self.what_next)) for part in _row(name, text, width)]

    def _each(self) -> Iterator[tuple[str, Content]]:
        for line in self.lines:
            yield line.name, _marked(line.status, line.text)
        if self.lines:
            yield "", Content("")

    def _in_brief(self) -> Iterator[tuple[str, Content]]:
        for status, title, alike in _BRIEF:
            if names := [line.name for line in self.lines if line.tried and line.status in alike]:
                yield title, _marked(status, ", ".join(names))


def _marked(status: Status, text: str) -> Content:
    mark, _, colour = LOOK[status]
    return Content.assemble((f"{mark} ", colour), text)


def _ways_on(instead: str) -> Iterator[tuple[str, Content]]:
    if instead:
        yield "Next", Content(" ".join(instead.split()))
        return
    yield "Next", Content("Restart running Claude Code sessions and IDEs.")
    yield "", Content.assemble("Open a new terminal and run ", ("claude", "bold"))
    yield "Undo", Content.assemble((f"{PROGRAM} undo", "bold"), ", or u on this screen")


def _row(name: str, text: Content, width: int) -> Iterator[Content]:
    for place, part in enumerate(text.wrap(max(20, width - _NAMES)) or [text]):
        yield Content.assemble((f"{name if place == 0 else '':<{_NAMES}}", "$text-muted"), part)

"""Checks as rows: laid out before the results arrive, filled in place, with cause and fix where one fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.timer import Timer
from textual.widget import Widget

from wizard.services import Rows
from wizard.verdict import Verdict

LOOK: Final = {
    "pass": ("✓", "ok", "$success"),
    "warn": ("!", "warning", "$warning"),
    "fail": ("✗", "failed", "$error"),
    "skip": ("○", "not tried", "$text-muted"),
}
_SPINNER: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_TIME: Final = 8
_RIGHT: Final = 15


class CheckRow(Widget):
    """One check: glyph, label, what was found, a word, and the time it took."""

    def __init__(self, check: str, label: str, label_width: int) -> None:
        super().__init__()
        self.check = check
        self.label = label
        self.label_width = label_width
        self.verdict: Verdict | None = None
        self.running = False
        self.frame = 0
        self.lines = 0
        """How many it takes, as last laid out; an empty row takes one."""

    def show(self, verdict: Verdict | None, *, running: bool = False) -> None:
        """Fill the row in; None empties it."""
        running = running and verdict is None
        if (verdict, running) == (self.verdict, self.running):
            return
        self.verdict = verdict
        self.running = running
        self.refresh(layout=self.lines != (len(self._lines(self.size.width)) if verdict else 1))

    def spin(self) -> None:
        """Advance the spinner."""
        if self.running:
            self.frame = (self.frame + 1) % len(_SPINNER)
            self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the number of lines at this width."""
        self.lines = len(self._lines(width))
        return self.lines

    def render(self) -> Content:
        """Draw it."""
        return Content("\n").join(self._lines(self.size.width))

    def _lines(self, width: int) -> list[Content]:
        indent = self.label_width + 4
        room = max(12, width - indent - _RIGHT - 1)
        cause = [line.plain for line in Content(_cause(self.verdict)).wrap(room)] or [""]
        lines = [self._first(cause[0], room)]
        lines += [Content(" " * indent + text) for text in cause[1:]]
        if self.verdict is not None and self.verdict.fix and self.verdict.status != "pass":
            lines += self._fix(self.verdict.fix, indent, width)
        return lines

    def _first(self, text: str, room: int) -> Content:
        glyph, word, colour = self._look()
        label = Content(self.label).truncate(self.label_width, pad=True)
        time = _time(self.verdict)
        return Content.assemble(
            (f"{glyph} ", colour),
            label.stylize("" if self.verdict else "$text-muted"),
            "  ",
            Content(text).truncate(room + 1, pad=True),
            (f"{word:>{_RIGHT - len(time)}}", colour if self.verdict else "$text-muted"),
            (time, "$text-muted"),
        )

    @staticmethod
    def _fix(text: str, indent: int, width: int) -> Iterator[Content]:
        for place, line in enumerate(Content(text).wrap(max(12, width - indent - 2))):
            yield Content.assemble(" " * indent, ("→ " if place == 0 else "  ", "$primary"), line)

    def _look(self) -> tuple[str, str, str]:
        if self.verdict is not None:
            return LOOK[self.verdict.status]
        if not self.running:
            return "○", "waiting", "$text-muted"
        still = self.app.animation_level == "none"
        return "…" if still else _SPINNER[self.frame], "checking", "$primary"


class CheckList(VerticalScroll, can_focus=False):
    """The rows of one group of checks. `concurrent` says whether they all run at once or one after another.

    There is nothing to do on a row, so it takes no focus; the screen that holds it scrolls it.
    """

    def __init__(self, rows: Rows, *, concurrent: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.rows = rows
        self.concurrent = concurrent
        self._ticker: Timer | None = None
        width = max([10, *(len(label) for _, label in rows)])
        self._each = [CheckRow(check, label, width) for check, label in rows]

    def compose(self) -> ComposeResult:
        """Lay every row out."""
        yield from self._each

    def start(self) -> None:
        """Empty every row and show that checks are running."""
        for row in self._each:
            row.show(None)
        self._mark_running()
        if self._ticker is None and self.app.animation_level != "none":
            self._ticker = self.set_interval(0.1, self._spin)

    def report(self, verdict: Verdict) -> None:
        """Fill in the row of a verdict. A second one wins when it is worse; an unknown one is added."""
        row = next((each for each in self._each if each.check == verdict.id), None)
        if row is None:
            row = CheckRow(verdict.id, verdict.id.rpartition(".")[2], max(10, *(len(label) for _, label in self.rows)))
            self._each.append(row)
            self.mount(row)
        if row.verdict is None or _rank(verdict) > _rank(row.verdict):
            row.show(verdict)
        self._mark_running()
        self.call_after_refresh(row.scroll_visible, animate=False)

    def stop(self) -> None:
        """Stop the spinner; rows without a verdict wait."""
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None
        for row in self._each:
            if row.verdict is None:
                row.show(None)
        bad = next((row for row in self._each if row.verdict and row.verdict.status == "fail"), None)
        if bad is None:
            self.call_after_refresh(self.scroll_home, animate=False)
        else:
            self.call_after_refresh(bad.scroll_visible, animate=False, top=True)

    def _mark_running(self) -> None:
        open_rows = [each for each in self._each if each.verdict is None]
        for place, row in enumerate(open_rows):
            row.show(None, running=self.concurrent or place == 0)

    def _spin(self) -> None:
        for row in self._each:
            row.spin()


def _cause(verdict: Verdict | None) -> str:
    """Return what was found; that it was not tried is said by the row's own word."""
    if verdict is None:
        return ""
    text = verdict.cause.removeprefix("Not tried: ")
    return text[:1].upper() + text[1:] if text != verdict.cause else text


def _rank(verdict: Verdict) -> int:
    return ("skip", "pass", "warn", "fail").index(verdict.status)


def _time(verdict: Verdict | None) -> str:
    """Return the time a check took, right-aligned; nothing where nothing was timed and the word needs the room."""
    if verdict is None or verdict.status == "skip":
        return ""
    if verdict.ms is None:
        return " " * _TIME
    text = f"{verdict.ms:.0f} ms" if verdict.ms < 1000 else f"{verdict.ms / 1000:.1f} s"
    return f"{text:>{_TIME}}"

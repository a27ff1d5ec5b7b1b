"""One of a few: every option in sight, the chosen one marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style

from wizard.record import dataclass
from wizard.tui.widgets.still import Still


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Option:
    """A value to choose, its label, and a line that says when to choose it."""

    value: str
    label: str
    note: str = ""


class Choice(Still, can_focus=True):
    """Chooses one option. The arrows choose at once; at either end they lead on to the next field."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Choose the one above", show=False, id="choice.up", tooltip="Choose the one above"),
        Binding("down", "move(1)", "Choose the one below", show=False, id="choice.down", tooltip="Choose the next"),
        Binding("left", "step(-1)", "Choose the one before", show=False, id="choice.left", tooltip="Choose the last"),
        Binding("right,space", "step(1)", "Choose the next", show=False, id="choice.right", tooltip="Choose the next"),
    ]

    value: reactive[str] = reactive("", init=False)
    """The chosen option's value."""

    @dataclass
    class Changed(Message):
        """Another option was chosen."""

        choice: Choice
        value: str

        @property
        def control(self) -> Choice:
            """The widget that sent it."""
            return self.choice

    def __init__(
        self,
        options: Sequence[Option],
        value: str = "",
        *,
        upright: bool = True,
        heading: str = "",
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.heading = heading
        self.options = tuple(options)
        self.upright = upright
        self._wrapped: tuple[int, Sequence[Sequence[Content]]] = (0, ())
        self.set_reactive(Choice.value, value or self.options[0].value)

    @property
    def place(self) -> int:
        """The chosen option's position."""
        return next((place for place, each in enumerate(self.options) if each.value == self.value), 0)

    def watch_value(self, value: str) -> None:
        """Tell it."""
        self.post_message(self.Changed(self, value))

    def action_move(self, by: int) -> None:
        """Choose the option above or below, or leave the field at either end."""
        if not self.upright or not 0 <= self.place + by < len(self.options):
            (self.screen.focus_previous if by < 0 else self.screen.focus_next)()
            return
        self._choose(self.place + by)

    def action_step(self, by: int) -> None:
        """Choose the option before or after, round and round."""
        self._choose((self.place + by) % len(self.options))

    def _choose(self, place: int) -> None:
        self.value = self.options[place].value

    def on_click(self, event: events.Click) -> None:
        """Choose the option under the mouse."""
        place = event.style.meta.get("option")
        if isinstance(place, int):
            self._choose(place)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the number of lines at this width."""
        return bool(self.heading) + (sum(map(len, self._notes(width))) if self.upright else 1)

    def render(self) -> Content:
        """Draw it."""
        return Content("\n").join(self._lines(self.size.width))

    def _lines(self, width: int) -> list[Content]:
        above = [Content.styled(self.heading, "$text-muted")] if self.heading else []
        return above + (self._upright(width) if self.upright else [self._flat(width)])

    def _upright(self, width: int) -> list[Content]:
        column = self._column
        lines: list[Content] = []
        for place, (option, notes) in enumerate(zip(self.options, self._notes(width), strict=True)):
            mark = Style.from_meta({"option": place})
            head = self._option(option)
            pad = " " * (column - head.cell_length)
            lines.append(Content.assemble(head, pad, notes[0]).stylize(mark))
            lines += [Content.assemble(" " * column, each).stylize(mark) for each in notes[1:]]
        return lines

    @property
    def _column(self) -> int:
        """Where the notes begin."""
        return max(cell_len(each.label) for each in self.options) + 4

    def _notes(self, width: int) -> Sequence[Sequence[Content]]:
        """Return the lines of each option's note; they are asked for more than once at every width."""
        if self._wrapped[0] != width:
            room = max(16, width - self._column)
            notes = (Content(each.note).stylize("$text-muted").wrap(room) for each in self.options)
            self._wrapped = width, [lines or [Content("")] for lines in notes]
        return self._wrapped[1]

    def _flat(self, width: int) -> Content:
        parts = [
            self._option(option).stylize(Style.from_meta({"option": place}))
            for place, option in enumerate(self.options)
        ]
        line = Content("  ").join(parts)
        if line.cell_length <= width:
            return line
        shown = self._option(self.options[self.place])
        return Content.assemble("‹ ", shown, " ›", (f"  {self.place + 1} of {len(self.options)}", "$text-muted"))

    def _option(self, option: Option) -> Content:
        chosen = option.value == self.value
        if not chosen:
            return Content.assemble(("○ ", "$text-muted"), option.label)
        return Content.assemble(("● ", "$primary"), (option.label, "bold" if self.has_focus else ""))

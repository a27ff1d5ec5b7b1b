"""A form made from declared fields: one row each, checked when it is left, with the problem right under it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import HorizontalGroup, VerticalGroup
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from wizard.fields import Field, Problem, Value, read_table
from wizard.record import dataclass
from wizard.tui.widgets.choice import Choice, Option
from wizard.tui.widgets.side_pane import Explanation, explain
from wizard.tui.widgets.text_field import TextField

_AT_ONCE: Final = 4
"""Rows of a form that are made in one go; twelve hold a key press up for 50 ms."""


class FieldRow(VerticalGroup):
    """One field: its label, its editor, and below them what is wrong with the value, if anything.

    What it consists of is made when it is first shown: most rows of a form never are, and each widget takes its time.
    """

    @dataclass
    class Changed(Message):
        """The value changed."""

        row: FieldRow

        @property
        def control(self) -> FieldRow:
            """The widget that sent it."""
            return self.row

    def __init__(self, field: Field, value: object, prefix: str, *, matters: bool, shown: bool) -> None:
        super().__init__(id=f"field-{field.name}")
        self.field = field
        self.prefix = prefix
        self._value = value
        self._editor: Choice | TextField | None = None
        self.problem = ""
        self._told = self.raw
        self._line = Static("", classes="problem", markup=False)
        self.matters = matters
        self.display = shown

    def compose(self) -> ComposeResult:
        """Lay the row out."""
        if self.display:
            yield from self._content()

    def _content(self) -> tuple[Widget, ...]:
        label = Static(self.field.label, classes="label", markup=False)
        return HorizontalGroup(label, self.editor, classes="field"), self._line

    @property
    def explanation(self) -> Explanation:
        """What the field says about itself."""
        return explain(self.field, self.prefix)

    @property
    def is_made(self) -> bool:
        """Whether the row has its content."""
        return self._editor is not None and self._editor.parent is not None

    @property
    def editor(self) -> Choice | TextField:
        """What the value is edited in, made when it is first asked for."""
        if self._editor is None:
            self._editor = _editor(self.field, self._value)
        return self._editor

    def settle(self) -> None:
        """Show the row if it matters, else hide it."""
        if self.matters and not self.display and not self.is_made:
            self.mount(*self._content())
        self.display = self.matters

    @property
    def raw(self) -> str:
        """The value as it stands there, for `Field.read`; empty where nothing is answered."""
        return self._editor.value if self._editor else _as_edited(self.field, self._value)

    def complain(self, text: str) -> None:
        """Show what is wrong; an empty text takes it away."""
        self.problem = text
        self._tell(f"✗ {text}" if text else "", "problem")

    def _tell(self, text: str, classes: str) -> None:
        self._line.set_classes(classes)
        self._line.update(text)
        self._line.display = bool(text)

    @on(TextField.Shortened)
    def _shortened(self, event: TextField.Shortened) -> None:
        event.stop()
        if not self.problem:
            self._tell(f"! {event.text}", "problem -mixed")

    def check(self) -> None:
        """Read the value and show what is wrong with it; an empty one is judged by the form as a whole."""
        raw = self.raw
        result = self.field.read(raw) if raw else None
        self.complain(result.text if isinstance(result, Problem) else "")

    @on(Input.Changed)
    @on(Choice.Changed)
    def _edited(self, event: Message) -> None:
        event.stop()
        if self.editor.value == self._told:
            return  # an Input tells the value it was made with, and nobody waits for that
        self._told = self.editor.value
        if self._line.display:
            self.check()
        self.post_message(self.Changed(self))

    @on(Input.Blurred)
    def _left(self, event: Message) -> None:
        event.stop()
        self.check()


class Form(VerticalGroup):
    """The rows of some fields; hides those that the other answers make pointless."""

    def __init__(
        self,
        fields: Sequence[Field],
        values: Mapping[str, object],
        prefix: str,
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.fields = tuple(fields)
        self.prefix = prefix
        self.initial = dict(values)
        self._rows: list[FieldRow] = []

    def compose(self) -> ComposeResult:
        """Lay the rows out."""
        given = {field.name: self.initial.get(field.name, field.default) for field in self.fields}
        matters = self._matters({name: value for name, value in given.items() if value not in (None, "", {})})
        shown = [field.name for field in self.fields if matters(field)][:_AT_ONCE]
        self._rows = [
            FieldRow(field, given[field.name], self.prefix, matters=matters(field), shown=field.name in shown)
            for field in self.fields
        ]
        yield from self._rows

    def on_mount(self) -> None:
        """Show the rest once the first rows stand."""
        self.call_after_refresh(self._reveal)

    @property
    def raw(self) -> dict[str, str]:
        """Every value as it stands there."""
        return {row.field.name: row.raw for row in self._rows}

    def read(self) -> tuple[dict[str, Value], tuple[Problem, ...]]:
        """Read every value by its field; what is hidden or empty is not answered."""
        shown = {row.field.name: row.raw for row in self._rows if row.matters and row.raw}
        return read_table(self.fields, shown, self.prefix)

    def show(self, problems: Sequence[Problem]) -> bool:
        """Show problems under their fields, put the focus on the first, and say whether there was any."""
        texts = {each.field.rpartition(".")[2]: each.text for each in reversed(problems)}
        for row in self._rows:
            row.complain(texts.get(row.field.name, ""))
        first = next((row for row in self._rows if row.problem), None)
        if first is not None:
            first.editor.focus()
            self.call_after_refresh(first.scroll_visible, animate=False)  # with what is wrong, below its value
        return first is not None

    def fill(self, texts: Mapping[str, str]) -> None:
        """Put texts into the fields of these names, and the focus on the last of them."""
        for row in self._rows:
            if row.field.name in texts and isinstance(row.editor, Input):
                row.editor.value = texts[row.field.name]
                row.check()
                row.editor.focus()

    def focus_first(self) -> None:
        """Put the focus where you would type next: the first empty required field, else the first of all."""
        rows = [row for row in self._rows if row.display]
        wanting = [row for row in rows if row.field.required and not row.raw]
        for row in (wanting or rows)[:1]:
            row.editor.focus(scroll_visible=False)  # by itself it scrolls before the form is laid out, by chance
            self.call_after_refresh(row.scroll_visible, animate=False)

    @on(FieldRow.Changed)
    def settle(self) -> None:
        """Show the fields that matter beside the present values."""
        matters = self._matters({name: raw for name, raw in self.raw.items() if raw})
        for row in self._rows:
            row.matters = matters(row.field)
        self._reveal()

    def _reveal(self) -> None:
        """Show the rows that matter; new ones a few at a time, so that keys are never held up."""
        new = [row for row in self._rows if row.matters and not (row.display or row.is_made)]
        for row in self._rows:
            if row not in new[_AT_ONCE:]:
                row.settle()
        if len(new) > _AT_ONCE:
            self.call_after_refresh(self._reveal)

    def _matters(self, given: Mapping[str, object]) -> Callable[[Field], bool]:
        """Return what says of a field whether it matters beside these values."""
        values, _ = read_table(self.fields, given, "")
        return lambda field: field.shown_when is None or field.shown_when(values)


def _editor(field: Field, value: object) -> Choice | TextField:
    text = _as_edited(field, value)
    if field.kind == "choice":
        return Choice([Option(each, each) for each in field.choices], text, upright=False)
    if field.kind == "flag":
        return Choice([Option("false", "no"), Option("true", "yes")], text, upright=False)
    return TextField(text, placeholder=field.example)


def _as_edited(field: Field, value: object) -> str:
    """Return a value as its editor holds it."""
    if field.kind == "choice":
        return str(value or field.choices[0])
    if field.kind == "flag":
        return "true" if value else "false"
    return as_text(value)


def as_text(value: object) -> str:
    """Return an answer as it stands in an input."""
    if value is None or isinstance(value, str):
        return value or ""
    from wizard.typed import as_line  # json is not worth its time before the first frame

    return as_line(value)

"""Everything that can be done now, to choose from: for whoever does not know the key, or whose terminal takes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from wizard.record import dataclass
from wizard.tui.widgets.keybar import KeyBar
from wizard.tui.widgets.pick_list import PickList
from wizard.tui.widgets.text_field import TextField


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do: its name, what it does in a sentence, the key that does it, and the doing."""

    title: str
    text: str
    key: str
    run: Callable[[], object]

    def line(self, titles: int, keys: int) -> Content:
        """Return the row of a list with columns of these widths."""
        return Content.assemble(
            (f"{self.key:<{keys}}  ", "$primary"), (f"{self.title:<{titles}}  ", "bold"), (self.text, "$text-muted")
        )

    def holds(self, words: Sequence[str]) -> bool:
        """Say whether every one of these words is in its name or its sentence."""
        return _all_in(words, f"{self.title} {self.text}")

    def is_called(self, words: Sequence[str]) -> bool:
        """Say whether every one of these words is in its name."""
        return _all_in(words, self.title)


def _all_in(words: Sequence[str], text: str) -> bool:
    return all(each in text.lower() for each in words)


class ActionSearch(TextField):
    """The field that narrows the list; the arrows move in the list below it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "screen.pick(-1)", "Action above", show=False, id="actions.up", tooltip="Go one action up"),
        Binding("down", "screen.pick(1)", "Action below", show=False, id="actions.down", tooltip="Go one action down"),
    ]


class ActionsScreen(ModalScreen[Action | None]):
    """The list of actions, narrowed by what is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", key_display="Esc", id="actions.close", tooltip="Do nothing"),
        Binding("enter", "take", "Do it", key_display="Enter", id="actions.take", tooltip="Do what is marked"),
    ]

    def __init__(self, actions: Sequence[Action]) -> None:
        super().__init__()
        self.actions = self.shown = tuple(actions)

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="dialog actions"):
            yield Static("What do you want to do?", classes="title")
            yield ActionSearch("", placeholder="Type to narrow the list", id="search")
            yield PickList(id="actions")
            yield KeyBar()

    def on_mount(self) -> None:
        """Start with everything."""
        self.narrow()

    @on(Input.Changed, "#search")
    def narrow(self) -> None:
        """Show the actions that hold every word typed, those first that have them in their name."""
        words = self.query_one(Input).value.lower().split()
        found = [each for each in self.actions if each.holds(words)]
        self.shown = tuple(sorted(found, key=lambda each: not each.is_called(words)))
        titles, keys = (max(map(len, texts), default=0) for texts in self._columns())
        self.query_one(PickList).fill([each.line(titles, keys) for each in self.shown], 0)

    def _columns(self) -> tuple[list[str], list[str]]:
        return [each.title for each in self.actions], [each.key for each in self.actions]

    def action_pick(self, by: int) -> None:
        """Move the mark while typing."""
        self.query_one(PickList).cursor += by

    @on(PickList.Picked)
    def action_take(self) -> None:
        """Do what is marked."""
        place = self.query_one(PickList).cursor
        if place < len(self.shown):
            self.dismiss(self.shown[place])

    def action_close(self) -> None:
        """Do nothing."""
        self.dismiss(None)

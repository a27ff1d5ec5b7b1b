"""A write of its own: shows what is written where, asks for the yes at that moment, and says how to undo it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from wizard.apply.errors import PlanError, Refused, WriteFailed
from wizard.keys.pasted import NoKey, read_pasted
from wizard.machine.background import in_daemon_thread
from wizard.outcome import UNDO
from wizard.tui.widgets.keybar import KeyBar
from wizard.tui.widgets.secret_input import SecretInput

if TYPE_CHECKING:
    from wizard.apply.confirmed import Confirmed
    from wizard.secret import Secret
    from wizard.tui.session import Session

Stage = Literal["asked for", "busy", "shown", "over"]


class ConfirmedDialog(ModalScreen[bool]):
    """Leads from a planned write to the yes and through the write; dismisses with whether something was written."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", key_display="Esc", id="write.close", tooltip="Go back to the step"),
        Binding(
            "enter", "go", "Go on", key_display="Enter", id="write.go", tooltip="Show what is written, then write it"
        ),
    ]

    class Settled(Message):
        """The write is over, one way or the other: leaving is safe again."""

    def __init__(self, session: Session, title: str, where: str, plan: Callable[[], Confirmed] | None = None) -> None:
        super().__init__()
        self.session = session
        self.heading = title
        self.where = where
        self.plan = plan
        self.stage: Stage = "asked for"
        self.confirmed: Confirmed | None = None
        self.wrote = False

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="dialog store"):
            yield Static(self.heading, classes="title", markup=False)
            yield Static(self.where, id="where", markup=False)
            yield from self.body()
            yield Static("", id="said", markup=False)
            yield KeyBar()

    def body(self) -> Iterable[Widget]:
        """Yield what is asked before there can be a plan."""
        return ()

    def on_mount(self) -> None:
        """Show what would be written, where nothing has to be asked first."""
        if self.plan is not None:
            self.look(self.plan)

    def say(self, *lines: str) -> None:
        """Show lines below all else."""
        self.query_one("#said", Static).update("\n".join(lines))
        self.refresh_bindings()

    @work(group="plan", exclusive=True)
    async def look(self, plan: Callable[[], Confirmed]) -> None:
        """Show what would be written, and ask."""
        self.stage = "busy"
        self.say("Looking …")
        try:
            found = await in_daemon_thread(plan)
        except PlanError as error:
            self.stage = "asked for"
            self.say(f"✗ {error.told}")
            return
        self.confirmed, self.stage = found, "over" if found.is_noop else "shown"
        self.say(*found.lines, *(() if found.is_noop else ("", f"{found.question} Enter does it.")))

    @work(group="write")
    async def write(self, confirmed: Confirmed) -> None:
        """Write, and say what came of it."""
        self.stage = "busy"
        self.session.storing = True
        self.say(*confirmed.lines, "", "Writing …")
        try:
            await in_daemon_thread(confirmed.write)
        except (Refused, WriteFailed) as error:
            self.stage = "asked for"
            self.say(f"✗ {error}")
        else:
            self.stage, self.wrote = "over", True
            self.session.outcome = self.session.outcome.having_stored(confirmed.done)
            self.forget()
            self.say(f"✓ {confirmed.done}", UNDO)
        finally:
            self.session.storing = False
            self.confirmed = None
            self.post_message(self.Settled())

    def forget(self) -> None:
        """Let go of what was typed."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keep the keys true: nothing goes on or away while something is under way."""
        if action in ("close", "go") and self.session.storing:
            return None
        if action == "go":
            return True if self.stage != "busy" and self.may_go() else None
        return super().check_action(action, parameters)

    def may_go(self) -> bool:
        """Say whether Enter does something now."""
        return self.stage in ("shown", "over") or self.plan is not None

    def action_go(self) -> None:
        """Plan, write or close, whatever comes next."""
        if self.stage == "over":
            self.action_close()
        elif self.stage == "shown" and self.confirmed is not None:
            self.write(self.confirmed)
        elif self.plan is not None:
            self.look(self.plan)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(self.wrote)


class StoreDialog(ConfirmedDialog):
    """Takes a key, shows where it goes, and stores it on a yes."""

    def __init__(self, session: Session, title: str, where: str, store: Callable[[Secret], Confirmed]) -> None:
        super().__init__(session, title, where)
        self.store = store

    def body(self) -> Iterable[Widget]:
        """Yield the field for the key."""
        yield SecretInput(id="key")

    def on_mount(self) -> None:
        """Wait for the key."""
        self.query_one(SecretInput).focus()

    def may_go(self) -> bool:
        """Say whether Enter does something now: once there is a key."""
        return self.stage in ("shown", "over") or any(not each.is_empty for each in self.query(SecretInput))

    @on(SecretInput.Changed)
    def edited(self) -> None:
        """Look again at what is typed: the plan was for another key."""
        if self.stage in ("shown", "asked for"):
            self.stage, self.confirmed = "asked for", None
            self.say("")

    def action_go(self) -> None:
        """Read the key and show where it goes, or go on."""
        if self.stage != "asked for":
            super().action_go()
            return
        try:
            key = read_pasted(self.query_one(SecretInput).take())
        except NoKey as error:
            self.say(f"✗ {error}")
            return
        self.look(lambda: self.store(key))

    def forget(self) -> None:
        """Let go of what was typed, and of the field: there is nothing to paste any more."""
        for field in self.query(SecretInput):
            field.clear()
            field.display = False

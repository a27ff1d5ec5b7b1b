"""Looking around in Vault from the Key step: mounts, folders, secrets, and the names of their fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from wizard.keys.vault_browse import Picked, Sight, Spot, said, what_is_sent
from wizard.tui.widgets.keybar import KeyBar
from wizard.tui.widgets.pick_list import PickList

if TYPE_CHECKING:
    from wizard.keys.vault_browse import Browser


class VaultDialog(ModalScreen[Picked | None]):
    """Leads from the mounts to one field of a secret. Asks first, where the token's way is not confirmed yet.

    `confirm` is called with a yes to that question; None when there is nothing to ask.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", key_display="Esc", id="vault.close", tooltip="Go back to the step"),
        Binding("enter", "open", "Open", key_display="Enter", id="vault.open", tooltip="Open what is under the cursor"),
        Binding(
            "backspace", "up", "Up", key_display="Backspace", id="vault.up", tooltip="Go to the folder that this is in"
        ),
        Binding("ctrl+r", "again", "Look again", key_display="^R", id="vault.again", tooltip="Ask Vault again"),
    ]

    def __init__(self, browser: Browser, origin: str, field: str, confirm: Callable[[], None] | None) -> None:
        super().__init__()
        self.browser = browser
        self.origin = origin
        self.field = field
        self.confirm = confirm
        self.spot = Spot()
        self.sight = Sight()
        self.looking = False

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="dialog vault"):
            yield Static("What is in Vault?", classes="title", markup=False)
            yield Static("", id="where", markup=False)
            yield PickList(id="names")
            yield Static("", id="said", markup=False)
            yield KeyBar()

    def on_mount(self) -> None:
        """Ask, or look at once."""
        if self.confirm is None:
            self.look(self.spot)
        else:
            self.tell(self.origin, f"Enter {what_is_sent(self.origin)}")

    def on_unmount(self) -> None:
        """Let go of the token."""
        self.browser.close()

    def tell(self, where: str, text: str) -> None:
        """Show where this is, and what is to say about it."""
        self.query_one("#where", Static).update(where)
        self.query_one("#said", Static).update(text)
        names = self.query_one("#names", PickList)
        names.display = bool(self.sight.names) and not self.looking
        if names.display:
            names.focus()
        self.refresh_bindings()

    @work(group="look", exclusive=True)
    async def look(self, spot: Spot) -> None:
        """Ask for what is there; leaving, or going elsewhere, drops the answer."""
        self.spot, self.looking = spot, True
        self.tell(spot.shown or self.origin, "Asking Vault …")
        self.sight = await self.browser.look(spot)
        self.looking = False
        names = self.sight.names
        texts = [each.text for each in names]
        cursor = texts.index(self.field) if spot.is_secret and self.field in texts else 0
        self.query_one("#names", PickList).fill([Content(each) for each in texts], cursor)
        self.tell(spot.shown or self.origin, self.sight.trouble or said(self.sight))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keep the keys true."""
        if action == "open":
            return True if self.confirm or (self.sight.names and not self.looking) else None
        if action == "up":
            return True if self.spot.above is not None and not self.confirm else None
        if action == "again":
            return None if self.confirm or self.looking else True
        return super().check_action(action, parameters)

    @on(PickList.Picked)
    def action_open(self) -> None:
        """Say yes to the question, or open what is under the cursor; a field ends it."""
        if self.confirm is not None:
            confirm, self.confirm = self.confirm, None
            confirm()
            self.look(self.spot)
            return
        name = self.sight.names[self.query_one("#names", PickList).cursor]
        if name.leads_to is None:
            self.dismiss(Picked(self.spot.mount, self.spot.path, name.text))
        else:
            self.look(name.leads_to)

    def action_up(self) -> None:
        """Go to the folder that this is in."""
        if self.spot.above is not None:
            self.look(self.spot.above)

    def action_again(self) -> None:
        """Ask again."""
        self.look(self.spot)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

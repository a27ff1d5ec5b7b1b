"""The server's URL, read as it is typed."""

from __future__ import annotations

from typing import Final

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalGroup
from textual.message import Message
from textual.widgets import Input
from textual.widgets.input import Selection

from wizard.net.address import Address, AddressError, parse_address, with_scheme
from wizard.record import dataclass
from wizard.tui.widgets.choice import Choice, Option
from wizard.tui.widgets.still import Backdrop, Line, Still
from wizard.tui.widgets.text_field import TextField

_HTTP: Final = (Option("false", "Keep to https"), Option("true", "Allow http for this server"))


class UrlField(VerticalGroup, Still, Backdrop):
    """The field, the line below it that says what Claude Code will use, and the yes that http needs."""

    @dataclass
    class Read(Message):
        """The URL was read anew; `address` is None while it can't be used."""

        address: Address | None

    def __init__(self, value: str, *, allow_http: bool, placeholder: str) -> None:
        super().__init__()
        self.field = TextField(value, placeholder=placeholder, id="url", compact=False)
        self.field.border_title = "Server URL"
        self.reading = Line(id="reading", markup=False)
        self.allow = Choice(_HTTP, "true" if allow_http else "false", id="allow-http", upright=False)
        self.allowed_for = _origin(value) if allow_http else ""

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield self.field
        yield self.reading

    def on_mount(self) -> None:
        """Show what was there before as read, marked so that typing replaces it."""
        self.field.focus()
        self.field.selection = Selection(0, len(self.field.value))
        self.read(judge=bool(self.text))

    @property
    def text(self) -> str:
        """The URL as typed."""
        return self.field.value.strip()

    @property
    def allows_http(self) -> bool:
        """Whether the user said yes to http for this server."""
        return self.allow.value == "true"

    @on(Input.Changed, "#url")
    def typed(self, event: Input.Changed) -> None:
        """Read the address as it is typed; nobody is corrected in the middle of a word.

        Leave to use http was given for one server, and is gone with it.
        """
        event.stop()
        self.field.border_subtitle = ""
        if self.allows_http and _origin(self.text) != self.allowed_for:
            self.allow.value = "false"
        self.read(judge=False)

    @on(TextField.Shortened, "#url")
    def shortened(self, event: TextField.Shortened) -> None:
        """Say on the frame that more was pasted; the line below has to say what was read."""
        event.stop()
        self.field.border_subtitle = event.text

    @on(Input.Blurred, "#url")
    def left(self, event: Input.Blurred) -> None:
        """Judge the address once the field is left."""
        event.stop()
        self.read(judge=bool(self.text))

    @on(Choice.Changed, "#allow-http")
    def allowed(self, event: Choice.Changed) -> None:
        """Read the address anew."""
        event.stop()
        self.allowed_for = _origin(self.text) if self.allows_http else ""
        self.read(judge=True)

    def read(self, *, judge: bool) -> Address | None:
        """Show what Claude Code will use, or why the address can't be used; return it when it can."""
        address, error = _read(self.text, allow_http=self.allows_http)
        refused = error is not None and error.kind == "http"
        self._offer_http(refused or (self.allows_http and self.text.lower().startswith("http://")))
        look = "-good" if address else "-bad" if judge else ""
        self._tell(_told(address) if address else _why(self.text, error, judge=judge), look)
        self.post_message(self.Read(address))
        return address

    def _offer_http(self, offered: bool) -> None:
        """Show or hide the choice; most never see it, so it is made when it is first needed."""
        self.allow.display = offered
        if offered and not self.allow.is_attached:
            self.mount(self.allow)

    def _tell(self, text: str, look: str) -> None:
        """Show what came of reading; the screen is laid out anew only where another line may be needed for it."""
        before = str(self.reading.content)
        if (text, look) == (before, " ".join(self.reading.classes)):
            return
        self.reading.set_classes(look)
        self.reading.update(text, layout=max(cell_len(text), cell_len(before)) > self.reading.content_size.width)

    def complete(self) -> bool:
        """Put the scheme before a bare host; say whether that was done: it is seen before it is confirmed."""
        completed = with_scheme(self.text)
        if completed == self.text:
            return False
        self.field.value = completed
        self.field.cursor_position = len(self.field.value)
        return True

    def correct(self) -> None:
        """Put the focus where an address that can't be used is mended."""
        (self.allow if self.allow.display else self.field).focus()


def _origin(text: str) -> str:
    address, _ = _read(text, allow_http=True)
    return address.origin if address else ""


def _read(text: str, *, allow_http: bool) -> tuple[Address | None, AddressError | None]:
    try:
        return parse_address(text, allow_http=allow_http), None
    except AddressError as error:
        return None, error


def _told(address: Address) -> str:
    note = "  The key travels unencrypted." if address.needs_leave else ""
    return f"✓ Claude Code will use {address.url}{note}"


def _why(text: str, error: AddressError | None, *, judge: bool) -> str:
    mark = "✗" if judge else "○"
    if not text:
        return f"{mark} {'Type the URL of your LiteLLM server.' if judge else 'Claude Code will use …'}"
    return f"{mark} {error}"

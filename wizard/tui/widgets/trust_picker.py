"""The questions of trust: who signed this gateway and which file vouches for it, and which certificate is yours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from wizard.answering import Shown
from wizard.tui.widgets.keybar import KeyBar
from wizard.tui.widgets.pick_list import PickList

_FEW: Final = 2
_HALF: Final = 47
"""Characters of half a SHA-256 fingerprint."""


class Picker(ModalScreen[Shown | None]):
    """Shows something, and lets one of a few files be chosen. Ends with it, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Back", key_display="Esc", id="trust.close", tooltip="Go back and change nothing"),
        Binding("enter", "use", "Use this file", key_display="Enter", id="trust.use", tooltip="Use it and check again"),
    ]

    def __init__(self, heading: str, files: Sequence[Shown]) -> None:
        super().__init__()
        self.heading = heading
        self.files = tuple(files)

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(classes="dialog trust"):
            yield Static(self.heading, classes="title", markup=False)
            yield from self.about()
            if self.files:
                files = PickList([self.line(each) for each in self.files], id="files")
                files.styles.height = min(_FEW, len(self.files))
                yield files
            yield Static(self.detail(), id="detail", markup=False)
            yield KeyBar()

    def about(self) -> Iterable[Widget]:
        """Yield what stands above the files."""
        return ()

    def line(self, file: Shown) -> Content:
        """Return a file's line."""
        raise NotImplementedError

    def detail(self) -> Content:
        """Return what stands below the files: about the one under the cursor."""
        raise NotImplementedError

    @property
    def here(self) -> Shown | None:
        """The file under the cursor."""
        return self.files[self.query_one(PickList).cursor if self.is_mounted else 0] if self.files else None

    @on(PickList.Moved)
    def retell(self) -> None:
        """Show the other file."""
        self.query_one("#detail", Static).update(self.detail())

    @on(PickList.Picked)
    def action_use(self) -> None:
        """Use the file under the cursor."""
        self.dismiss(self.here)

    def action_close(self) -> None:
        """Change nothing."""
        self.dismiss(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is nothing to use without a file."""
        if action == "use":
            return bool(self.files)
        return super().check_action(action, parameters)


class AuthorityPicker(Picker):
    """Who signed the gateway's certificate, and the files of this machine that make it verify."""

    def __init__(self, chain: Sequence[Shown], files: Sequence[Shown], *, keychain: bool = False) -> None:
        super().__init__("Who signed this gateway?", files)
        self.chain = tuple(chain)
        self.keychain = keychain

    def about(self) -> Iterable[Widget]:
        """Yield what the gateway sent."""
        own, top = self.chain[0], self.chain[-1]
        lines = [f"It shows a certificate for {own['subject']}, valid from {own['not_before']} to {own['not_after']}."]
        if own["subject"] == own["issuer"]:
            lines.append("It is signed by nobody but itself.")
        elif len(self.chain) == 1:
            lines.append(f"It is signed by {own['issuer']}.")
        else:
            last = f"the last certificate sent is {top['subject']}'s, signed by {top['issuer']}"
            lines.append(f"It is signed by {own['issuer']}; {last}.")
        lines.append("Its SHA-256 is" if len(self.chain) == 1 else "The SHA-256 of the last is")
        yield Static(" ".join(lines), id="about", markup=False)
        yield Static(_fingerprint(top), markup=False)
        heading = "Files here that make it verify" if self.files else "No file here makes it verify"
        yield Static(heading, classes="heading", markup=False)

    def line(self, file: Shown) -> Content:
        """Return a file's line."""
        where = f" · named by {file['where']}" if file["where"] else ""
        return Content.assemble(file["file"], (f"  {file['subject']}{where}", "$text-muted"))

    def detail(self) -> Content:
        """Return the fingerprint to compare, or where to get a file."""
        if self.here is None:
            advice = "Ask whoever runs the gateway for the authority's PEM file and its SHA-256 fingerprint."
            if self.keychain:
                advice += " If it is in your keychain: security find-certificate -a -p > ~/corp-ca.pem"
            return Content(f"{advice} Then give it as CA file on the first step, under More.")
        file = self.here
        until = f"{file['subject']}, valid from {file['not_before']} to {file['not_after']}; its SHA-256 is"
        ask = "Ask whoever runs the gateway for this fingerprint. Use the file only if it is the same."
        return Content("\n").join([Content(until), _fingerprint(file), Content(ask)])


class ClientCertificatePicker(Picker):
    """The certificates of this machine that come with their key."""

    def __init__(self, files: Sequence[Shown]) -> None:
        super().__init__("Which certificate does the gateway know you by?", files)

    def about(self) -> Iterable[Widget]:
        """Yield what choosing means."""
        yield Static("The one you choose is shown to the gateway, which learns its names. No other is.", markup=False)
        yield Static("Certificates with their key", classes="heading", markup=False)

    def line(self, file: Shown) -> Content:
        """Return a certificate's line."""
        return Content.assemble(file["file"], (f"  {file['subject']}, signed by {file['issuer']}", "$text-muted"))

    def detail(self) -> Content:
        """Return the key, the dates and the fingerprint."""
        file = self.here
        if file is None:
            return Content("")
        dates = f"Valid from {file['not_before']} to {file['not_after']}; its key is {file['key']}"
        return Content("\n").join([Content(dates), Content("Its SHA-256 is"), _fingerprint(file)])


def _fingerprint(shown: Shown) -> Content:
    """Return a fingerprint in halves that people can read to each other."""
    text = shown["sha256"]
    return Content("\n").join([Content(f"  {text[:_HALF]}"), Content(f"  {text[_HALF + 1 :]}")])

"""Where does your key come from?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import VerticalGroup, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from wizard.answering import STORABLE, first_backend, first_options, key_origin, store_place, with_key
from wizard.answers import KEY_FIELDS
from wizard.fields import Problem, Value
from wizard.flow import Step
from wizard.keys.backend import Backend
from wizard.tui.session import Session
from wizard.tui.steps.base import StepScreen
from wizard.tui.widgets.choice import Choice, Option
from wizard.tui.widgets.form import FieldRow, Form
from wizard.tui.widgets.side_pane import Explanation, explained

if TYPE_CHECKING:
    from wizard.keys.vault_browse import Picked

_REFRESH: Final = tuple(each for each in KEY_FIELDS if each.name == "refresh_seconds")


class KeyStep(StepScreen):
    """Asks for the key backend and its answers."""

    STEP = Step.KEY
    TITLE_TEXT = "Where does your key come from?"
    LEAD = "The key is never written down: a small helper fetches it when it is needed."
    ABOUT = Explanation(
        "Key backend",
        "Where the helper gets your API key. Your platform team knows which one your company uses.",
    )
    HELP_TEXT = (
        "Choose where your API key lives, then say where exactly. What this machine already tells (VAULT_ADDR, a token"
        " file, …) is filled in.\n\nThe answers hold no secret: they name places, and the helper reads the key there"
        " each time. Going on confirms that your credential may be sent to the key server shown, and to no other."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+l",
            "browse",
            "Look in Vault",
            key_display="^L",
            id="key.browse",
            tooltip="Choose mount, path and field from what Vault lists",
        ),
        Binding(
            "ctrl+k",
            "store",
            "Store a key",
            key_display="^K",
            id="key.store",
            tooltip="Paste a key and have it put where this form says",
        ),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.backends: tuple[Backend, ...] = session.services.backends()
        self.may_browse: bool | None = False
        self.may_store = False

    def body(self) -> Iterable[Widget]:
        """Yield the backends; the chosen one's form comes below them."""
        options = [
            Option(each.name, each.title, each.use_when.removeprefix("Use this ").rstrip(".")) for each in self.backends
        ]
        with VerticalScroll(id="scroll", can_focus=False):
            yield Choice(options, self._first(), id="backend")
            yield VerticalGroup(id="forms")
            yield Static("", id="notes", markup=False)

    def on_mount(self) -> None:
        """Show the form of the backend chosen before, or of the one this machine knows most about."""
        self.switch(self.chosen.name, first=True)

    @property
    def chosen(self) -> Backend:
        """The backend under the mark."""
        name = self.query_one("#backend", Choice).value
        return next(each for each in self.backends if each.name == name)

    @property
    def form(self) -> Form | None:
        """The chosen backend's form; None for the moment between choosing a backend and its form being there."""
        return next(iter(self.query(f"#form-{self.chosen.name}").results(Form)), None)

    def _read(self) -> tuple[dict[str, Value], tuple[Problem, ...]]:
        return self.form.read() if self.form else ({}, ())

    def _first(self) -> str:
        return first_backend(self.session.draft, self.backends)

    @on(Choice.Changed, "#backend")
    def changed(self) -> None:
        """Show the other form."""
        self.switch(self.chosen.name)

    @work(group="form", exclusive=True)
    async def switch(self, name: str, *, first: bool = False) -> None:
        """Show the form of a backend; at first, put the cursor where something is wanting."""
        await self.show_form(name)
        if first and self.form and self._read()[1]:
            self.form.focus_first()
        elif first:
            self.query_one("#backend", Choice).focus()

    async def show_form(self, name: str) -> None:
        """Show the form of a backend, made when it is first needed, with all that was typed into it since."""
        group = self.query_one("#forms")
        if not group.query(f"#form-{name}"):
            backend = next(each for each in self.backends if each.name == name)
            values: dict[str, object] = {**first_options(self.session.draft, backend)}
            values["refresh_seconds"] = self.session.draft.answers.key.refresh_seconds
            await group.mount(Form((*backend.fields, *_REFRESH), values, f"key.{name}", id=f"form-{name}"))
        for form in group.query(Form):
            form.display = form.id == f"form-{name}"
        self.tell()

    @on(FieldRow.Changed)
    def tell(self) -> None:
        """Say where the credential goes, and what must be known before choosing this."""
        options, _ = self._read()
        origin = key_origin(self.chosen, options)
        self.may_browse = self.chosen.name == "vault" and (bool(origin) or None)
        self.may_store = self.chosen.name in STORABLE
        self.lead(f"Your credential goes to {origin} and nowhere else." if origin else self.LEAD)
        self.query_one("#notes", Static).update("\n".join(self.chosen.notes(options)))
        if self.focused is not None and explained(self.focused) is None:
            self.explain(self.explanation_of(self.focused))
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keep the keys true: only Vault can be looked into, and only where it is known."""
        if action == "browse":
            return self.may_browse
        if action == "store":
            return self.may_store
        return super().check_action(action, parameters)

    def action_store(self) -> None:
        """Take a key and put it where the form says, on a yes of its own."""
        from wizard.tui.steps.confirmed_dialog import StoreDialog

        form = self.form
        if form is None:
            return
        options, problems = self._read()
        if form.show(problems):
            return
        name, services, machine = self.chosen.name, self.session.services, self.session.draft.machine
        place = store_place(name, options)
        dialog = StoreDialog(
            self.session, "Store a key", place, lambda key: services.plan_store(name, options, key, machine)
        )
        self.app.push_screen(dialog)

    def action_browse(self) -> None:
        """Look around in Vault; what is picked there fills the form."""
        from wizard.tui.steps.vault_dialog import VaultDialog

        options, _ = self._read()
        across = self._across(self.chosen, options)
        if self.form is None or self.form.show(across):
            return
        origin = key_origin(self.chosen, options)
        browser = self.session.services.vault_browser(options, self.session.draft.machine)
        known = origin in self.session.draft.confirmed
        field = str(options.get("field", ""))
        self.app.push_screen(VaultDialog(browser, origin, field, None if known else self._confirm), self._picked)

    def _confirm(self) -> None:
        self.session.draft = self.session.draft.confirming(key_origin(self.chosen, self._read()[0]))

    def _picked(self, picked: Picked | None) -> None:
        if picked is not None and self.form is not None:
            self.form.fill({"mount": picked.mount, "path": picked.path, "field": picked.field})

    def may_go_on(self) -> bool:
        """Next is always there: it says what is missing."""
        return True

    def finish(self) -> bool:
        """Put the key's answers into the draft and confirm where the credential goes; or show what is wrong."""
        backend, form = self.chosen, self.form
        if form is None:
            return False
        values, problems = form.read()
        refresh = values.pop("refresh_seconds", None)
        seconds = refresh if isinstance(refresh, int) else None
        problems = problems or self._across(backend, values)
        if form.show(problems):
            return False
        self.session.draft = with_key(self.session.draft, backend, values, seconds)
        return True

    def _across(self, backend: Backend, values: dict[str, Value]) -> tuple[Problem, ...]:
        return backend.validate(values, f"key.{backend.name}")

    def explanation_of(self, widget: Widget) -> Explanation:
        """Return the explanation of the chosen backend."""
        options, _ = self._read()
        return Explanation(self.chosen.title, " ".join(self.chosen.notes(options)) or self.chosen.use_when)

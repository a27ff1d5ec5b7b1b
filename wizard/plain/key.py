"""Where does your key come from?"""

from __future__ import annotations

from typing import Final

from wizard.answering import STORABLE, first_backend, first_options, key_origin, with_key
from wizard.answers import KEY_FIELDS
from wizard.fields import Value
from wizard.keys.backend import Backend
from wizard.plain.console import Back
from wizard.plain.forms import NO_OFFER, Form, Offer
from wizard.plain.state import Run

_REFRESH: Final = tuple(each for each in KEY_FIELDS if each.name == "refresh_seconds")


def ask(run: Run) -> None:
    """Ask for the key backend and its answers; going on confirms where the credential goes."""
    forms: dict[str, Form] = {}
    while True:
        backend = _backend(run)
        try:
            form = forms.setdefault(backend.name, _form(run, backend))
            values, refresh = _options(run, backend, form)
            if _goes_there(run, backend, values):
                run.draft = with_key(run.draft, backend, values, refresh)
                return
        except Back:
            continue


def _backend(run: Run) -> Backend:
    run.console.heading("Key. Where does your key come from?")
    run.console.say("The key is never written down: a small helper fetches it when it is needed.")
    backends = run.services.backends()
    for number, each in enumerate(backends, 1):
        run.console.say(f"{number}. {each.name}: {each.title}. {each.use_when}")
    names = [each.name for each in backends]
    chosen = run.console.choose("Key backend", names, first_backend(run.draft, backends), KEY_FIELDS[0].help)
    return next(each for each in backends if each.name == chosen)


def _form(run: Run, backend: Backend) -> Form:
    given: dict[str, object] = {**first_options(run.draft, backend)}
    given["refresh_seconds"] = run.draft.answers.key.refresh_seconds
    fields = (*backend.fields, *_REFRESH)
    return Form(run.console, fields, f"key.{backend.name}", given, _offer(run, backend))


def _offer(run: Run, backend: Backend) -> Offer:
    """Return what a backend's questions offer beside the answers: looking around in Vault, or storing a key."""
    from wizard.plain import store, vault

    if backend.name == "vault":
        return vault.offer(run, backend)
    return store.offer(run, backend) if backend.name in STORABLE else NO_OFFER


def _options(run: Run, backend: Backend, form: Form) -> tuple[dict[str, Value], int | None]:
    if form.offer.hint:
        run.console.say(form.offer.hint)
    form.ask()
    values = form.settle(lambda: form.read()[1] or backend.validate(_without_refresh(form.read()[0]), form.prefix))
    refresh = values.get("refresh_seconds")
    return _without_refresh(values), refresh if isinstance(refresh, int) else None


def _without_refresh(values: dict[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if name != "refresh_seconds"}


def _goes_there(run: Run, backend: Backend, values: dict[str, Value]) -> bool:
    for note in backend.notes(values):
        run.console.say(note)
    origin = key_origin(backend, values)
    if not origin or origin in run.draft.confirmed:
        return True
    return run.console.confirm(f"Your credential goes to {origin} and nowhere else. Is that right?", default=True)

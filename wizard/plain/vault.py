"""Looking around in Vault from the questions about it: mounts, folders, secrets and names of fields, numbered."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

from wizard.answering import key_origin, matching
from wizard.keys.vault_browse import Name, Picked, Sight, Spot, said, what_is_sent
from wizard.plain.console import Back
from wizard.plain.forms import Form, Offer
from wizard.plain.state import Run

if TYPE_CHECKING:
    from wizard.keys.backend import Backend
    from wizard.keys.vault_browse import Browser

_HINT: Final = "Type browse at Mount, Path or Field to look for the secret in Vault."

_PICKED: Final = ("mount", "path", "field")
_NOT_MORE: Final = (*_PICKED, "address", "refresh_seconds")
_WORDS: Final = ("again", "more", "stop")
_BACK: Final = "back"
_SHOWN: Final = 40
_HOW: Final = (
    "A number or a name opens it, back leads up, list WORD shows the names with that word, again asks anew, more asks"
    " for what else leads to Vault (the sign-in, a namespace, files), and stop leaves Vault."
)


def offer(run: Run, backend: Backend) -> Offer:
    """Return the offer to look around, for the questions that a pick answers."""
    return Offer("browse", _HINT, "browse looks for it in Vault.", partial(_browse, run, backend), _PICKED)


def _browse(run: Run, backend: Backend, form: Form) -> Collection[str]:
    """Have a field of a secret picked, answer the form with it, and return the names of the questions answered."""
    try:
        while (picked := _pick(run, backend, form)) is None:
            form.ask_only([each.name for each in form.fields if each.name not in _NOT_MORE])
    except Back:
        run.console.say("Back to the questions.")
        return ()
    run.console.say(f"Picked {picked.mount}/{picked.path}, field {picked.field}.")
    return form.fill({name: getattr(picked, name) for name in _PICKED})


def _pick(run: Run, backend: Backend, form: Form) -> Picked | None:
    """Return what was picked; None when more is to be said before. Raises Back, out of Vault."""
    options = form.settle(lambda: backend.validate(form.read()[0], form.prefix))
    origin = key_origin(backend, options)
    if origin not in run.draft.confirmed:
        if not run.console.confirm(f"This {what_is_sent(origin)} Is that right?", default=True):
            raise Back
        run.draft = run.draft.confirming(origin)
    run.console.say(_HOW)
    with closing(run.services.vault_browser(options, run.draft.machine)) as browser:
        return _look_around(run, browser, origin, str(options.get("field", "")))


def _look_around(run: Run, browser: Browser, origin: str, field: str) -> Picked | None:
    spot = Spot()
    while True:
        run.console.say("Asking Vault …")
        sight = asyncio.run(browser.look(spot))
        chosen = _choice(run, spot.shown or origin, sight, field if spot.is_secret else "")
        if isinstance(chosen, Name):
            if chosen.leads_to is None:
                return Picked(spot.mount, spot.path, chosen.text)
            spot = chosen.leads_to
        elif chosen == "more":
            return None
        elif chosen == _BACK and spot.above is not None:
            spot = spot.above
        elif chosen != "again":
            raise Back


def _choice(run: Run, where: str, sight: Sight, wanted: str) -> Name | str:
    """Show what is there, and return what of it is chosen; or one of the words."""
    try:
        if sight.trouble:
            run.console.wrong(sight.trouble)
            return run.console.choose("What now?", [*_WORDS, _BACK, "quit"], _BACK, _HOW)
        run.console.say(f"{where}: {said(sight)}")
        return _one_of(run, sight.names, wanted)
    except Back:
        return _BACK


def _one_of(run: Run, names: Sequence[Name], wanted: str) -> Name | str:
    texts = tuple(each.text for each in names)
    first = texts.index(wanted) + 1 if wanted in texts else 1
    default = str(first) if wanted in texts or len(texts) == 1 else ""
    _list(run, texts, texts)
    while True:
        typed = run.console.ask("Number or name", default, _HOW).strip()
        word, _, rest = typed.partition(" ")
        if typed in _WORDS:
            return typed
        if typed.isdecimal() and len(typed) <= 5 and 1 <= int(typed) <= len(names):
            return names[int(typed) - 1]
        for each in (typed, f"{typed}/"):
            if each in texts:
                return names[texts.index(each)]
        if word == "list":
            _list(run, texts, matching(texts, rest))
        else:
            run.console.wrong("Nothing here has that number or name. Choose one of the list.")


def _list(run: Run, texts: Sequence[str], shown: Sequence[str]) -> None:
    kept = frozenset(shown)
    numbered = [f"{number}. {each}" for number, each in enumerate(texts, 1) if each in kept]
    run.console.listing(numbered, _SHOWN, "list WORD shows those with that word.")

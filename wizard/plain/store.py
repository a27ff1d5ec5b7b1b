"""Taking a key from the questions about its place: read unseen, shown where it goes, stored on a yes of its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from wizard.answering import store_place
from wizard.apply.errors import PlanError, Refused, WriteFailed
from wizard.apply.signals import held_back
from wizard.keys.pasted import NoKey, NotHidden, read_pasted
from wizard.outcome import UNDO
from wizard.plain.console import Back
from wizard.plain.forms import Form, Offer
from wizard.plain.state import Run
from wizard.secret import Secret

if TYPE_CHECKING:
    from wizard.apply.confirmed import Confirmed
    from wizard.keys.backend import Backend

_HINT: Final = "If no key is there yet, type store at one of these questions: you paste it, and it is put there."

_ABOUT: Final = (
    "Paste or type the key and press Enter. It is not shown; what would be written comes first, and a question."
)
_NOTHING: Final = "Nothing was stored."


def offer(run: Run, backend: Backend) -> Offer:
    """Return the offer to store a key where the answers say."""
    return Offer("store", _HINT, "store takes a key and puts it there.", partial(_store, run, backend))


def _store(run: Run, backend: Backend, form: Form) -> tuple[str, ...]:
    """Take a key and store it; no question is answered by that."""
    console = run.console
    try:
        options = form.settle(lambda: form.read()[1] or backend.validate(form.read()[0], form.prefix))
        console.say(store_place(backend.name, options))
        confirmed = run.services.plan_store(backend.name, options, _key(run), run.draft.machine)
        for line in confirmed.lines:
            console.say(line)
        if confirmed.is_noop:
            return ()
        if console.confirm(confirmed.question):
            _write(run, confirmed)
        else:
            console.say(_NOTHING)
    except PlanError as error:
        console.wrong(f"{error.told} {_NOTHING}")
    except NotHidden as error:
        console.wrong(f"{error} {_NOTHING}")
    except Back:
        console.say(_NOTHING)
    return ()


def _key(run: Run) -> Secret:
    """Ask until what is pasted can be a key. Raises NotHidden."""
    while True:
        try:
            return read_pasted(run.console.ask_unseen("Paste the key (it is not shown)", _ABOUT))
        except NoKey as error:
            run.console.wrong(str(error))


def _write(run: Run, confirmed: Confirmed) -> None:
    try:
        with held_back():  # a ^C waits until it is known what came of the write
            confirmed.write()
            run.outcome = run.outcome.having_stored(confirmed.done)
    except (Refused, WriteFailed) as error:
        run.console.wrong(str(error))
    else:
        run.console.say(confirmed.done)
        run.console.say(UNDO)

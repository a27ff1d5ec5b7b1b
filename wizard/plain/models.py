"""Which models should Claude Code use?"""

from __future__ import annotations

from typing import Final

from wizard.answering import LABELS, TIERS, first_pins, matching, wanted_models
from wizard.answers import MODEL_FIELDS, Models
from wizard.fields import Field, Problem
from wizard.plain.console import Back
from wizard.plain.state import Run
from wizard.record import replace

_SHOWN: Final = 40


def ask(run: Run) -> None:
    """Ask for the gateway's model of each tier."""
    run.ask_claude_version()
    draft = run.draft
    wanted = wanted_models(draft.machine, draft.answers.gateway, run.services)
    pins = first_pins(draft, wanted)
    models = draft.trial_now.models if draft.trial_now else ()
    run.console.heading("Models. Which models should Claude Code use?")
    if models:
        run.console.say(
            f"Your gateway has {len(models)}. list shows them, list WORD those with that word in their name."
        )
    else:
        run.console.say("The gateway's list is not known: no key was tried. Type a name, or go on.")
    place = 0
    while place < len(TIERS):
        tier = TIERS[place]
        try:
            pins[tier] = _pin(run, MODEL_FIELDS[place], pins[tier], models)
        except Back:
            if place == 0:
                raise
            place -= 1
            continue
        _note(run, tier, pins[tier] or wanted[tier], models, pinned=bool(pins[tier]))
        place += 1
    run.draft = draft.answered(replace(draft.answers, models=Models(**pins)))


def _pin(run: Run, field: Field, default: str, models: tuple[str, ...]) -> str:
    help_text = f"{field.help} Without one, Claude Code asks for a default of its own, which changes with its version."
    while True:
        said = run.console.ask(field.label, default, help_text).strip()
        word, _, rest = said.partition(" ")
        if word == "list" and said not in models:
            _list(run, matching(models, rest))
            continue
        value = field.read(said)
        if not isinstance(value, Problem):
            return str(value)
        run.console.wrong(value.text)


def _list(run: Run, models: tuple[str, ...]) -> None:
    run.console.listing(models, _SHOWN, "add a word to see fewer.", indent="  ")


def _note(run: Run, tier: str, asked: str, models: tuple[str, ...], *, pinned: bool) -> None:
    if not asked or not models or asked in models:
        return
    what = (
        f"{asked} is not in the gateway's list." if pinned else f"Claude Code will ask for {asked}, which is not there."
    )
    run.console.say(f"! warning: {LABELS[tier]}: {what}")

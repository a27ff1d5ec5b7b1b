"""The way from step to step, forward and back, until the user leaves."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from wizard import summary
from wizard.flow import STEPS, Draft, Step, following
from wizard.outcome import exit_code
from wizard.plain import checking, done, key, models, review, server
from wizard.plain.beginning import begin
from wizard.plain.console import HOW, Back, Console, InputEnded, Quit
from wizard.plain.state import Run
from wizard.services import Services

if TYPE_CHECKING:
    from wizard.resume import Unfinished
    from wizard.team import Team

INPUT_ENDED: Final = 2
INTERRUPTED: Final = 130

_STEPS: Final[Mapping[Step, Callable[[Run], None]]] = {
    Step.SERVER: server.ask,
    Step.HEALTH: checking.check_gateway,
    Step.KEY: key.ask,
    Step.TEST: checking.try_key,
    Step.MODELS: models.ask,
    Step.REVIEW: review.show_and_ask,
    Step.DONE: done.write_and_prove,
}


def run_plain(
    draft: Draft,
    services: Services,
    console: Console,
    *,
    trouble: str = "",
    last_words: Callable[[Run], str] | None = None,
    team: Team | None = None,
    unfinished: Unfinished | None = None,
    keep: bool = False,
) -> int:
    """Ask and show, line by line, until everything is proven or the user leaves; return the exit code.

    `last_words` replaces what is said at the end, `team` fills the answers in, `unfinished` is a run to go on with, and
    `keep` keeps the answers of this one when it is left early.
    """
    run = Run(draft, services, console, keep=keep)
    way = [Step.SERVER]
    try:
        _greet(run, trouble)
        begin(run, team, unfinished)
        code = _walk(run, way)
    except Quit:
        code = exit_code(run.outcome)
    except KeyboardInterrupt:
        console.say()
        code = INTERRUPTED
    except InputEnded:
        code = exit_code(run.outcome)
        if run.outcome.written == "no":
            console.say("The input ended before every question was answered.")
            code = INPUT_ENDED if console.echo else INTERRUPTED
    with contextlib.suppress(KeyboardInterrupt):
        if run.remember(way[-1]):
            console.say("Your answers so far are kept; the next start offers to go on.")
        console.say(f"\n{last_words(run) if last_words else summary.last_words(run.outcome, run.draft)}")
    return code


def _greet(run: Run, trouble: str) -> None:
    run.console.say("claude-litellm-wizard sets up Claude Code to work through your LiteLLM server.")
    run.console.say(HOW)
    if run.services.greeting:
        run.console.say(run.services.greeting)
    if trouble:
        run.console.say(f"{trouble} Answer anew; the file is replaced when you write.")
    run.survey()


def _walk(run: Run, way: list[Step]) -> int:
    if run.heading not in (None, Step.SERVER):
        way.append(Step.HEALTH)
    while True:
        try:
            _STEPS[way[-1]](run)
        except Back:
            run.heading = None
            if len(way) > 1 and not run.outcome.is_written:
                way.pop()
            continue
        if run.outcome.written in ("refused", "failed"):
            way.pop()
            continue
        step = following(way[-1], run.draft if run.keeping else None, run.heading)
        if step is None:
            return exit_code(run.outcome)
        if run.heading is not None and STEPS.index(step) >= STEPS.index(run.heading):
            run.heading = None
        way.append(step)
        run.remember(step)

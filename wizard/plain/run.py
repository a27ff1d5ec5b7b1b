"""The way from step to step, forward and back, until the user leaves."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Final

from wizard import summary
from wizard.flow import Draft, Step, following
from wizard.outcome import exit_code
from wizard.plain import checking, done, key, models, review, server
from wizard.plain.console import HOW, Back, Console, InputEnded, Quit
from wizard.plain.state import Run
from wizard.services import Services

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
) -> int:
    """Ask and show, line by line, until everything is proven or the user leaves; return the exit code.

    `last_words` replaces what is said at the end.
    """
    run = Run(draft, services, console)
    try:
        code = _walk(run, trouble)
    except KeyboardInterrupt:
        console.say()
        code = INTERRUPTED
    except InputEnded:
        code = exit_code(run.outcome)
        if run.outcome.written == "no":
            console.say("The input ended before every question was answered.")
            code = INPUT_ENDED if console.echo else INTERRUPTED
    with contextlib.suppress(KeyboardInterrupt):
        console.say(f"\n{last_words(run) if last_words else summary.last_words(run.outcome, run.draft)}")
    return code


def _walk(run: Run, trouble: str) -> int:
    run.console.say("claude-litellm-wizard sets up Claude Code to work through your LiteLLM server.")
    run.console.say(HOW)
    if run.services.greeting:
        run.console.say(run.services.greeting)
    if trouble:
        run.console.say(f"{trouble} Answer anew; the file is replaced when you write.")
    run.survey()
    way = [Step.SERVER]
    while True:
        try:
            _STEPS[way[-1]](run)
        except Back:
            if len(way) > 1 and not run.outcome.is_written:
                way.pop()
            continue
        except Quit:
            return exit_code(run.outcome)
        if run.outcome.written in ("refused", "failed"):
            way.pop()
            continue
        step = following(way[-1], run.draft if run.keeping else None)
        if step is None:
            return exit_code(run.outcome)
        way.append(step)

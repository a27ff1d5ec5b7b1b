"""Is it healthy? Does the key work? The checks as rows, as they finish."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from wizard.answering import facts_of, may_send_message, message_model, with_way
from wizard.flow import Step, failed, is_key_kept, may_send_key, sendable
from wizard.plain.console import Back
from wizard.plain.state import Run
from wizard.secret import redact
from wizard.verdict import Verdict, worst


def check_gateway(run: Run) -> None:
    """Look at the gateway from outside, until it is healthy or the user goes on without."""
    run.console.heading("Health. Is it healthy?")
    run.console.say("Looking at the server. No key is sent.")
    _until_settled(run, Step.HEALTH, _look)
    run.keeping = (
        run.heading is None
        and is_key_kept(run.draft)
        and run.console.confirm(
            "Keep the key and the models of before?", default=True, explanation="No asks for them again."
        )
    )


def _look(run: Run) -> None:
    labels = dict(run.services.health_rows())
    draft = run.draft
    verdicts = asyncio.run(run.services.check_gateway(draft.answers.gateway, draft.machine, _rows(run, labels)))
    run.draft = run.draft.checked(verdicts)
    if worst(verdicts) != "fail":
        run.console.say("It answers, and it is a LiteLLM server.")


def try_key(run: Run) -> None:
    """Run the very helper to be installed, and ask the gateway about its key; then offer the one real message."""
    run.console.heading("Test. Does the key work?")
    run.console.say("Running the key helper the way Claude Code runs it.")
    _until_settled(run, Step.TEST, _try)
    if not may_send_message(run.draft) or run.draft.message_now:
        return
    model = message_model(run.draft)
    if run.console.confirm(f"Send one tiny real message to {model}? It may cost a fraction of a cent."):
        draft = run.draft
        verdict = asyncio.run(run.services.send_one_message(draft.answers, draft.machine, sendable(draft), model))
        run.draft = draft.messaged(verdict)
        run.console.row(verdict)


def _try(run: Run) -> None:
    draft = run.draft
    labels = dict(run.services.trial_rows(draft.answers))
    trial = asyncio.run(run.services.try_key(draft.answers, draft.machine, sendable(draft), _rows(run, labels)))
    run.draft = run.draft.tried(trial)
    if worst(trial.verdicts) == "fail":
        return
    asked = (
        "The key works."
        if may_send_key(run.draft)
        else "The gateway was not asked: no key goes there before it is healthy."
    )
    run.console.say(asked)


def _rows(run: Run, labels: Mapping[str, str]) -> Callable[[Verdict], None]:
    return lambda verdict: run.console.row(verdict, labels.get(verdict.id, ""))


def _until_settled(run: Run, step: Step, check: Callable[[Run], None]) -> None:
    """Check; while it fails, ask what to do: check again, choose a file that mends it, or go on without."""
    while True:
        try:
            check(run)
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            run.console.wrong(
                redact(f"This machine refused something the check needs: {error.strerror or error}{where}.")
            )
        if failed(step, run.draft) is False:
            return
        ways = [*(["trust"] if _files(run, step, "authorities") else [])]
        ways += ["identity"] if _files(run, step, "client_certificates") else []
        choice = run.console.choose("What now?", ["again", *ways, "anyway", "back", "quit"], "again", _what_now(step))
        if choice == "anyway":
            run.draft = run.draft.overriding(step)
            return
        if choice == "trust":
            _trust(run)
        elif choice == "identity":
            _identity(run)


def _what_now(step: Step) -> str:
    without = (
        "anyway goes on without a healthy server: files can be written, but no key is sent there."
        if step is Step.HEALTH
        else "anyway goes on without a working key."
    )
    return f"Mend what failed and answer again; {without} back goes to the step before."


def _files(run: Run, step: Step, name: str) -> tuple[Mapping[str, str], ...]:
    return facts_of(run.draft.health_now or (), name) if step is Step.HEALTH else ()


def _trust(run: Run) -> None:
    """Let the file be chosen that vouches for the gateway, by the fingerprint its people confirm."""
    files = _files(run, Step.HEALTH, "authorities")
    for number, file in enumerate(files, 1):
        run.console.say(f"{number}. {file['file']}: {file['subject']}, valid until {file['not_after']}")
        run.console.say(f"   SHA-256 {file['sha256']}")
    run.console.say("Ask whoever runs the gateway for this fingerprint. Use the file only if it is the same.")
    if (chosen := _one_of(run, files)) is not None:
        run.draft = with_way(run.draft, ca_file=chosen["file"])


def _identity(run: Run) -> None:
    """Let the certificate be chosen that the gateway knows the user by."""
    files = _files(run, Step.HEALTH, "client_certificates")
    run.console.say("The one you choose is shown to the gateway, which learns its names. No other is.")
    for number, file in enumerate(files, 1):
        run.console.say(f"{number}. {file['file']}: {file['subject']}, signed by {file['issuer']}")
    if (chosen := _one_of(run, files)) is not None:
        run.draft = with_way(run.draft, client_cert=chosen["file"], client_key=chosen["key"])


def _one_of(run: Run, files: tuple[Mapping[str, str], ...]) -> Mapping[str, str] | None:
    names = [each["file"] for each in files]
    try:
        chosen = run.console.choose("Which?", [*names, "none"], "none")
    except Back:
        return None
    return next((each for each in files if each["file"] == chosen), None)

"""One run of the key helper, just as Claude Code runs it, and what its output means."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from wizard.answers import Answers
from wizard.keys.backend import backend
from wizard.machine.model import Machine
from wizard.machine.private import private_folder
from wizard.machine.process import Finished, run
from wizard.pattern import pattern
from wizard.quoting import sh_quote
from wizard.record import dataclass, field
from wizard.render.claude import environment
from wizard.render.helper import render_helper
from wizard.render.refresh import refresh_seconds
from wizard.secret import Secret, redact
from wizard.verdict import Kind

HELPER_LIMIT: Final = 12.0
"""Seconds the helper may take here; it gives up by itself after 10."""

SLOW_HELPER: Final = 3.0
"""Seconds after which a helper is called slow: Claude Code waits for it at every start (2.1.197, 2.1.330)."""

_KEY_BYTES: Final = pattern(rb"[\x21-\x7e]+")

CATALOGUE: Final[Mapping[str, Kind]] = {
    "ok": Kind("pass", "It printed one key."),
    "helper-slow": Kind(
        "warn",
        "It printed one key, but took {seconds}.",
        "Claude Code waits this long at every start. Look at the server the key comes from.",
    ),
    "no-program": Kind("fail", "No program on this machine can do it: {reason}", "{fix}"),
    "helper-failed": Kind("fail", "The helper failed (exit {code}): {reason}", "{fix}"),
    "helper-hangs": Kind(
        "fail",
        "The helper gave no key within {limit} seconds and was stopped.",
        "Check that the source of the key answers, then run the test again.",
    ),
    "helper-silent": Kind(
        "fail", "The helper ended well but printed nothing.", "Check that the field or variable holds a key."
    ),
    "shape-lines": Kind(
        "fail",
        "The helper printed {lines} lines.",
        "Claude Code takes one. Store the key alone, without anything else.",
    ),
    "shape-characters": Kind(
        "fail",
        "The key holds a blank, a control or a non-ASCII character at position {position}.",
        "Store the key anew; it was probably cut or pasted with something else.",
    ),
    "shape-quoted": Kind(
        "fail",
        "The key is wrapped in quotes, and Claude Code would send them along.",
        "Store the key without quotes.",
    ),
}


@dataclass(frozen=True, slots=True)
class HelperRun:
    """One run of the helper: its key, or why there is none (`problem` names a verdict of the catalogue)."""

    key: Secret | None = field(repr=False)
    problem: str
    facts: Mapping[str, Any]
    seconds: float


async def run_helper(answers: Answers, machine: Machine, env: Mapping[str, str]) -> HelperRun:
    """Run the helper that would be installed as Claude Code does: `/bin/sh -c`, no terminal, a stdin that stays open.

    It runs from the wizard's own 0700 folder (`/tmp` may be noexec), with the variables that settings.json will hold.
    Raises NoProgramError when this machine has no program for it.
    """
    with staged_helper(answers, machine) as helper:
        settings = environment(answers, machine, refresh_seconds(answers, None) * 1000)
        command = ["/bin/sh", "-c", sh_quote(str(helper))]
        merged = {**env, **settings}
        done = await run(command, env=merged, cwd=helper.parent, limit=HELPER_LIMIT, stdin=None)
    return read_run(done)


@contextlib.contextmanager
def staged_helper(answers: Answers, machine: Machine) -> Iterator[Path]:
    """Put the helper into the wizard's state folder for as long as it is tried; folders made for that go again."""
    source = backend(answers.key.backend)
    body = source.helper_body(answers.key.options, machine)
    text = render_helper(source, body, answers, machine)
    with private_folder(machine, "trial") as folder:
        helper = folder / source.helper_name
        helper.touch(mode=0o700, exist_ok=False)
        helper.chmod(0o700)
        helper.write_text(text, encoding="utf-8")
        yield helper


def read_run(done: Finished) -> HelperRun:
    """Judge what a helper printed by the rules of Claude Code 2.1.197 and 2.1.330, the stricter of the two."""
    seconds = done.seconds
    if done.timed_out:
        return HelperRun(None, "helper-hangs", {"limit": round(HELPER_LIMIT)}, seconds)
    text = done.out.strip()
    if done.code != 0:
        said = redact(done.err.decode("utf-8", "replace"), *_as_secrets(text)) or "it gave no reason."
        facts = {"code": done.code, "reason": said, "fix": "Mend that, then run the test again."}
        return HelperRun(None, "helper-failed", facts, seconds)
    if not text:
        return HelperRun(None, "helper-silent", {}, seconds)
    if lines := len(text.splitlines()) - 1:
        return HelperRun(None, "shape-lines", {"lines": lines + 1}, seconds)
    if not _KEY_BYTES.fullmatch(text):
        place = next(index for index, byte in enumerate(text) if not 0x21 <= byte <= 0x7E)
        return HelperRun(None, "shape-characters", {"position": place + 1}, seconds)
    if text[:1] in (b'"', b"'") and text[-1:] == text[:1]:
        return HelperRun(None, "shape-quoted", {}, seconds)
    return HelperRun(Secret(text.decode("ascii")), "", {}, seconds)


def _as_secrets(printed: bytes) -> tuple[Secret, ...]:
    return (Secret(printed.decode("utf-8", "replace")),) if printed else ()

"""A run that was left early goes on where it was: its answers are kept, no secret, and no yes to a server."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from wizard import __version__
from wizard.answers import Answers, partial_answers, to_table
from wizard.flow import STEPS, Draft, Step
from wizard.machine.model import Machine
from wizard.origins import origins
from wizard.record import dataclass
from wizard.secret import redact

_MOST: Final = 64 * 1024
_ONE_AT_A_TIME: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What a run that was left early had come to."""

    answers: Answers
    step: Step
    when: datetime

    @property
    def origins(self) -> tuple[str, ...]:
        """The servers that a credential would be sent to: going on confirms them anew."""
        return tuple(sorted(origins(self.answers)))

    def told(self, now: datetime | None = None) -> str:
        """Return where it stopped, and when."""
        here = self.when.astimezone()
        today = (now or datetime.now().astimezone()).date()
        days = (today - here.date()).days
        day = {0: "today", 1: "yesterday"}.get(days, f"on {here:%Y-%m-%d}")
        return f"You stopped at {self.step.value} {day} at {here:%H:%M}."


def save(machine: Machine, answers: Answers, step: Step) -> None:
    """Keep the answers for the next start, in a 0600 file of the state folder. A disk that refuses is no failure."""
    with _ONE_AT_A_TIME, contextlib.suppress(OSError):
        folder = machine.state_dir
        made = [*_made_before(machine), *map(str, _make_missing(folder))]
        temporary = folder / f".unfinished-{secrets.token_hex(4)}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(_text(answers, step, made))
            temporary.replace(machine.unfinished_file)
        finally:
            temporary.unlink(missing_ok=True)


def forget(machine: Machine) -> None:
    """Remove what was kept, and the folders made for it when nothing else moved in."""
    with _ONE_AT_A_TIME:
        if not machine.unfinished_file.is_symlink() and not machine.unfinished_file.exists():
            return
        made = _made_before(machine)
        with contextlib.suppress(OSError):
            machine.unfinished_file.unlink()
        for each in reversed(made):
            folder = Path(each)
            with contextlib.suppress(OSError):
                if folder == machine.state_dir or folder in machine.state_dir.parents:
                    folder.rmdir()


def find(machine: Machine, saved: Answers | None) -> Unfinished | None:
    """Return what was kept; None when there is nothing of use: malformed, of another version, or saved meanwhile."""
    table = _read(machine.unfinished_file)
    if table is None or table.get("wizard") != __version__:
        return None
    when, name, answers = table.get("when"), table.get("step"), table.get("answers")
    step = next((each for each in STEPS if each.value == name), None)
    if not isinstance(when, datetime) or when.tzinfo is None or step is None or not isinstance(answers, Mapping):
        return None
    if _saved_since(machine, when):
        return None
    found = partial_answers(answers)
    return None if found in (saved, Answers()) else Unfinished(found, min(step, Step.REVIEW, key=STEPS.index), when)


def _saved_since(machine: Machine, when: datetime) -> bool:
    """Say whether a command has written answers since then: what was left off is overtaken."""
    try:
        return machine.answers_file.stat().st_mtime > when.timestamp()
    except OSError:
        return False


def go_on(draft: Draft, unfinished: Unfinished) -> Draft:
    """Return the draft with what was answered then. The user has just said yes to the servers that it names."""
    return draft.answered(unfinished.answers).confirming(*unfinished.origins)


def _text(answers: Answers, step: Step, made: list[str]) -> str:
    import tomli_w

    table = {"wizard": __version__, "step": step.value, "when": datetime.now().astimezone(), "made": made}
    head = "# The answers of a run that was left early. It holds no secret, and goes with the next write.\n"
    return head + tomli_w.dumps({**table, "answers": _without_keys(to_table(answers))})


def _without_keys(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table without what is shaped like a key: no answer is one, but somebody may have pasted theirs."""
    kept = {name: _without_keys(value) if isinstance(value, Mapping) else value for name, value in table.items()}
    return {name: value for name, value in kept.items() if "****" not in redact(str(value), limit=_MOST)}


def _read(path: Path) -> Mapping[str, Any] | None:
    """Return the table in a file that is ours alone; None for any other."""
    import tomllib

    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_size > _MOST:
                return None
            return tomllib.loads(file.read(_MOST).decode("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _made_before(machine: Machine) -> list[str]:
    made = (_read(machine.unfinished_file) or {}).get("made", [])
    return [each for each in made if isinstance(each, str)] if isinstance(made, list) else []


def _make_missing(folder: Path) -> list[Path]:
    missing = [each for each in (folder, *folder.parents) if not each.exists()][::-1]
    for each in missing:
        each.mkdir(mode=0o700)
    return missing

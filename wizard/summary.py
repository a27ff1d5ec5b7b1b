"""What a run comes to in a handful of lines: what was set up, and what of it was proven. The card of every face."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from wizard import outcome
from wizard.record import dataclass
from wizard.verdict import GLYPHS, Status, Verdict, worst
from wizard.words import count

if TYPE_CHECKING:
    from wizard.flow import Draft
    from wizard.outcome import Outcome


_SHELL_ROWS_END: Final = frozenset({"proof.helper", "proof.settings", outcome.ANSWER})


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that has to be right: its name, how it stands, and what is known of it.

    `tried` says whether a real program or server was asked, as for all but what was merely chosen or written.
    """

    name: str
    status: Status
    text: str
    tried: bool = True


def summary(draft: Draft, written: Outcome) -> tuple[Line, ...]:
    """Return what was set up and proven, from the server to the answer. Nothing untried is called right."""
    lines = [_server(draft), _key(draft), _models(draft), _files(written)]
    shells = [each for each in written.proofs if each.id not in _SHELL_ROWS_END]
    if shells:
        lines.append(_shells(shells))
    lines += (_proof(each) for each in written.proofs if each.id in _SHELL_ROWS_END)
    return tuple(lines)


def as_text(lines: Iterable[Line]) -> str:
    """Return the lines for a screen that keeps them, one below the other."""
    return "\n".join(f"  {GLYPHS[each.status]} {each.name:<12} {each.text}" for each in lines)


def last_words(written: Outcome, draft: Draft) -> str:
    """Return what stays in the scrollback: what was done and proven, and how to undo it."""
    words = outcome.last_words(written, draft.answers)
    return f"{words}\n{as_text(summary(draft, written))}" if written.is_written else words


def _server(draft: Draft) -> Line:
    verdicts = draft.health_now
    url = draft.answers.gateway.address.url
    if verdicts is None:
        return Line("Server", "skip", f"{url}, not checked")
    status = worst(verdicts)
    return Line("Server", status, f"{url}, {_word(status, 'healthy', 'healthy, with a warning', 'not healthy')}")


def _key(draft: Draft) -> Line:
    source = f"from {draft.answers.key.backend}"
    trial = draft.trial_now
    accepted = next((each for each in trial.verdicts if each.id == "key.accepted"), None) if trial else None
    if accepted is None or accepted.status == "skip":
        return Line("Key", "skip", f"{source}, not tried at the server")
    status = worst(trial.verdicts) if trial else "skip"
    return Line("Key", status, f"{source}, {_word(status, 'accepted', 'accepted, with a warning', 'does not work')}")


def _models(draft: Draft) -> Line:
    models = draft.answers.models
    pinned = [each for each in (models.opus, models.sonnet, models.haiku) if each]
    if not pinned:
        return Line("Models", "pass", "Claude Code's own choice", tried=False)
    return Line("Models", "pass", ", ".join(dict.fromkeys(pinned)), tried=False)


def _files(written: Outcome) -> Line:
    if not written.files:
        return Line("Files", "pass", "all were already as you want them", tried=False)
    return Line("Files", "pass", f"{count(len(written.files), 'file')} written", tried=False)


def _shells(verdicts: list[Verdict]) -> Line:
    status = worst(tuple(verdicts))
    if status in ("pass", "warn"):
        names = [each.id.rpartition(".")[2] for each in verdicts]
        having = f"new {' and '.join(names)} have" if len(names) > 1 else f"a new {names[0]} has"
        return Line("Shells", status, f"{having} the variables")
    first = next(each for each in verdicts if each.status == status)
    return Line("Shells", status, first.cause)


_PROVEN: Final[Mapping[str, tuple[str, str]]] = {
    "proof.helper": ("Key helper", "prints the key, run as Claude Code runs it"),
    "proof.settings": ("Settings", "Claude Code reads the helper and the server"),
    outcome.ANSWER: ("Claude Code", "answered through your gateway"),
}


def _proof(verdict: Verdict) -> Line:
    name, good = _PROVEN[verdict.id]
    if verdict.status == "pass":
        return Line(name, "pass", good)
    text = "has not answered yet" if (verdict.id, verdict.status) == (outcome.ANSWER, "skip") else verdict.cause
    return Line(name, verdict.status, text)


def _word(status: Status, good: str, doubtful: str, bad: str) -> str:
    return {"pass": good, "warn": doubtful, "fail": bad, "skip": "not tried"}[status]

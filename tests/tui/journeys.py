"""The ways through the wizard that are kept as snapshots: every screen, and every state it can be in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tests.tui.fixture import (
    EXPIRED,
    EXPIRED_KEY,
    HEALTHY,
    KEY_WORKS,
    PROOFS,
    SIGN_IN,
    UNTRUSTED,
    URL,
    Fake,
    a_plan,
    answered,
    first_draft,
    later_draft,
)
from wizard.apply.change import Plan
from wizard.apply.errors import Refused, WriteFailed
from wizard.flow import Draft, Step
from wizard.keys.backend import BACKEND_NAMES
from wizard.lifetime import Life
from wizard.resume import Unfinished
from wizard.team import Team, read
from wizard.trial import Trial
from wizard.verdict import Verdict

if TYPE_CHECKING:
    from wizard.tui.look import Face

Size = tuple[int, int]
SMALL: Final[Size] = (80, 24)
LARGE: Final[Size] = (120, 36)


@dataclass(frozen=True)
class Stop:
    """A moment to keep: the keys that lead there from the stop before, texts to paste, and what to wait for.

    `until` is a text to wait for in place of waiting until everything has settled: something is still under way then.
    """

    name: str
    keys: Sequence[str] = ()
    paste: str = ""
    until: str = ""
    size: Size | None = None


@dataclass(frozen=True)
class Journey:
    """One run of the wizard with stops to be kept."""

    name: str
    stops: Sequence[Stop]
    draft: Callable[[], Draft] = later_draft
    fake: Callable[[], Fake] = Fake
    size: Size = SMALL
    face: Face = "dark"
    trouble: str = ""
    beginning: Callable[[], Team | Unfinished | None] = lambda: None


def journeys() -> tuple[Journey, ...]:
    """Return every journey."""
    return (*_beginning(), *_server(), *_health(), *_key(), *_test(), *_models(), *_review(), *_done(), *_faces())


def _beginning() -> Iterator[Journey]:
    """What may be asked before the first step."""
    harmful = b"version = 1\n[gateway]\nproxy = 'http://proxy.corp.example:3128'\n[write]\nhelper = '~/key.sh'\n"
    stops = (Stop("first"), Stop("second", ("y",)))
    yield Journey("team", stops, first_draft, beginning=lambda: read(harmful, "~/team.toml", is_fetched=False))
    when = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)
    yield Journey(
        "resume", (Stop("asked"),), first_draft, beginning=lambda: Unfinished(later_draft().answers, Step.TEST, when)
    )


def _filled() -> Draft:
    return answered(first_draft(), url=URL)


def _server() -> Iterator[Journey]:
    yield Journey(
        "server",
        (
            Stop("empty"),
            Stop("wrong", paste="ftp://llm.corp.example", keys=("enter",)),
        ),
        draft=first_draft,
    )
    yield Journey("server-filled", (Stop("read", paste=f"{URL}\nsecond line"), Stop("route", ("tab",))), first_draft)
    yield Journey("server-http", (Stop("asked", paste="http://llm.corp.example", keys=("enter",)),), first_draft)
    yield Journey(
        "server-later",
        (
            Stop("known"),
            Stop("more", ("tab", "tab", "space", "down")),
            Stop("help", ("f1",)),
            Stop("actions", ("escape", "f2")),
            Stop("leave", ("escape", "up", "up", "up", "end", *"/x", "enter", "escape", "ctrl+q")),
        ),
    )
    yield Journey("server-moved", (Stop("told"),), lambda: answered(later_draft(), url="https://new-llm.corp.example"))
    yield Journey("server-trouble", (Stop("told"),), first_draft, trouble="The answers can't be read: line 3.")
    off = "The set-up is switched off."
    yield Journey("server-off", (Stop("told", until=off),), fake=lambda: Fake(off=off))
    yield Journey("window", (Stop("small", size=(70, 20)), Stop("tiny", size=(50, 10)), Stop("back", size=SMALL)))


def _health() -> Iterator[Journey]:
    warned = (*HEALTHY[:-1], replace(HEALTHY[-1], status="warn", fix="Ask whoever runs the gateway."))
    yield Journey(
        "health-running",
        (Stop("checking", ("enter",), until="checking"),),
        fake=lambda: Fake(hold=asyncio.Event()),
    )
    yield Journey("health", (Stop("passed", ("enter",)),))
    yield Journey("health-warned", (Stop("told", ("enter",)),), fake=lambda: Fake(health=warned))
    yield Journey(
        "health-failed", (Stop("told", ("enter",)), Stop("overridden", ("o",))), fake=lambda: Fake(health=EXPIRED)
    )
    yield Journey(
        "health-untrusted", (Stop("told", ("enter",)), Stop("picker", ("t",))), fake=lambda: Fake(health=UNTRUSTED)
    )
    yield Journey("health-sign-in", (Stop("told", ("enter",)),), fake=lambda: Fake(health=SIGN_IN))


def _key() -> Iterator[Journey]:
    to_key = ("enter", "enter")
    yield Journey("key", (Stop("first", to_key), Stop("missing", ("enter",))), _filled)
    yield Journey("key-later", (Stop("filled", to_key), Stop("field", ("tab", "tab", "tab"))))
    to_choice = (*to_key, *["shift+tab"] * 3)
    for place, name in enumerate(BACKEND_NAMES):
        if place:
            yield Journey(f"key-{name}", (Stop("chosen", (*to_choice, *["down"] * place)),), _filled)


def _test() -> Iterator[Journey]:
    to_test = ("enter", "enter", "enter")
    yield Journey("test", (Stop("asked", to_test), Stop("answered", ("y",))))
    yield Journey("test-left", (Stop("out", (*to_test, "n")),))
    yield Journey("test-failed", (Stop("told", to_test),), fake=lambda: Fake(trial=Trial(EXPIRED_KEY)))
    yield Journey("test-untried", (Stop("told", ("enter", "o", "enter", "enter")),), fake=lambda: Fake(health=EXPIRED))


def _models() -> Iterator[Journey]:
    to_models = ["enter"] * 4
    yield Journey(
        "models",
        (
            Stop("listed", to_models),
            Stop("searching", ("/", *"son")),
            Stop("typed", ("escape", "/", *"my-own")),
        ),
    )
    yield Journey(
        "models-missing",
        (Stop("told", to_models),),
        fake=lambda: Fake(trial=Trial(KEY_WORKS, ("claude-opus-5-5",), Life("A key", 3600))),
    )
    yield Journey(
        "models-unlisted",
        (Stop("told", to_models),),
        fake=lambda: Fake(trial=Trial(KEY_WORKS, (), Life("A key", 3600))),
    )


def _review() -> Iterator[Journey]:
    to_review = ["enter"] * 5
    yield Journey(
        "review",
        (
            Stop("first", to_review),
            Stop("second", ("down",)),
            Stop("whole", ("enter",)),
            Stop("places", ("escape", "e")),
        ),
    )
    yield Journey(
        "review-conflict",
        (Stop("waits", to_review), Stop("chosen", ("space",))),
        fake=lambda: Fake(plan=a_plan(conflict=True)),
    )
    yield Journey("review-nothing", (Stop("to-do", to_review),), fake=lambda: Fake(plan=Plan(())))
    managed = "Managed settings name another helper. Ask your administrator."
    yield Journey(
        "review-blocked", (Stop("told", to_review),), fake=lambda: Fake(plan=replace(a_plan(), blockers=(managed,)))
    )


def _done() -> Iterator[Journey]:
    to_done = (*["enter"] * 5, "w")
    bad = Verdict("proof.zsh", "fail", "shell-lacks", "A new zsh has no ANTHROPIC_BASE_URL.", "Look in ~/.zshrc.")
    yield Journey("done", (Stop("asked", to_done), Stop("answered", ("y",)), Stop("undo", ("u",)), Stop("undone", "y")))
    yield Journey("done-left", (Stop("out", (*to_done, "n")),))
    yield Journey(
        "done-failed",
        (Stop("proof", to_done), Stop("left", ("n",))),
        fake=lambda: Fake(proofs=(PROOFS[0], bad, *PROOFS[2:])),
    )
    refused = Refused("~/.bashrc changed meanwhile.")
    yield Journey("done-refused", (Stop("told", to_done),), fake=lambda: Fake(write_error=refused))
    broken = WriteFailed("~/.bashrc", "No space.", rolled_back=True)
    yield Journey("done-broken", (Stop("told", to_done),), fake=lambda: Fake(write_error=broken))


def _faces() -> Iterator[Journey]:
    """Every step in the other sizes and faces."""
    whole = (
        Stop("server"),
        Stop("health", ("enter",)),
        Stop("key", ("enter",)),
        Stop("test", ("enter",)),
        Stop("models", ("y", "enter")),
        Stop("review", ("enter", "down")),
        Stop("done", ("w", "y")),
    )
    yield Journey("wide-dark", whole, size=LARGE)
    yield Journey("small-light", whole, face="light")
    yield Journey("small-none", whole, face="none")
    few = tuple(each for each in whole if each.name in ("server", "review", "done"))
    by_name = {each.name: each for each in whole}
    skipping = (*by_name["health"].keys, *by_name["key"].keys, *by_name["test"].keys, "y", "enter", "enter", "down")
    few = (whole[0], Stop("review", skipping), whole[-1])
    yield Journey("wide-light", few, size=LARGE, face="light")
    yield Journey("small-terminal", few, face="terminal")
    broken = (Stop("health", ("enter",)),)
    yield Journey("failed-none", broken, fake=lambda: Fake(health=UNTRUSTED), face="none")
    yield Journey("failed-wide", broken, fake=lambda: Fake(health=UNTRUSTED), size=LARGE)

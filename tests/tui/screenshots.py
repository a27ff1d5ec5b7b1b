"""The pictures in screenshots/: one per screen, made from the fixture, the same each time.

`python -m tests.tui.screenshots` makes them anew, and the recording of the demo with them; a test fails when a
committed one is stale.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.tui.fixture import (
    EXPIRED_KEY,
    HOME,
    LEFTOVER,
    SIGN_IN,
    UNTRUSTED,
    Fake,
    a_machine,
    answered,
    first_draft,
    later_draft,
)
from wizard.apply.change import Way
from wizard.apply.plan import Change, Choices, Plan, make_plan
from wizard.apply.transaction import carry_out
from wizard.flow import Draft
from wizard.machine.leftovers import find_leftovers
from wizard.machine.model import Machine
from wizard.trial import Trial

if TYPE_CHECKING:
    from wizard.tui.look import Face

FOLDER: Final = Path(__file__).parents[2] / "screenshots"
_STUCK: Final = 120.0
"""Seconds after which a picture that does not come ends the command, with what every thread was at."""

SMALL: Final = (80, 24)
LARGE: Final = (120, 36)

_MOVED: Final = "https://new-llm.corp.example:4000"
_BY_HAND: Final = """\
source ~/.config/claude/setup.sh
export ANTHROPIC_AUTH_TOKEN=sk-a-secret-of-ada
"""
_SETTINGS: Final = '{\n  "theme": "dark",\n  "env": {\n    "DEPLOY_TOKEN": "a-secret-of-ada"\n  }\n}\n'


@dataclass(frozen=True)
class Shot:
    """One picture: where it starts, the keys that lead there, and the size of the terminal."""

    name: str
    keys: Sequence[str] = ()
    draft: Draft = field(default_factory=later_draft)
    fake: Fake = field(default_factory=Fake)
    size: tuple[int, int] = SMALL
    face: Face = "dark"


def shots() -> tuple[Shot, ...]:
    """Return every picture there is."""
    first = answered(first_draft(), url="https://llm.corp.example:4000")
    to_choices = ["enter"] * 5
    to_done = [*["enter"] * 5, "w", "y"]
    return (
        Shot("server", draft=first),
        Shot("server-moved", draft=answered(later_draft(), url=_MOVED)),
        Shot("health", ["enter"]),
        Shot("failed-untrusted", ["enter"], fake=Fake(health=UNTRUSTED)),
        Shot("trust", ["enter", "t"], fake=Fake(health=UNTRUSTED)),
        Shot("failed-sign-in", ["enter"], fake=Fake(health=SIGN_IN)),
        Shot("failed-key", ["enter"] * 3, fake=Fake(trial=Trial(EXPIRED_KEY))),
        Shot("key", ["enter"] * 2, draft=first),
        Shot("test", ["enter"] * 3),
        Shot("models", ["enter"] * 4),
        Shot("review", [*["enter"] * 5, "down"], fake=Fake(plan=a_real_plan())),
        Shot("review-choices", to_choices, draft=with_choices(), fake=Fake(plan=a_plan_with_choices())),
        Shot("done", to_done),
        Shot("key-wide", ["enter"] * 2, draft=first, size=LARGE),
        Shot("review-wide", [*["enter"] * 5, "down"], fake=Fake(plan=a_real_plan()), size=LARGE),
        Shot("test-light", ["enter"] * 3, face="light"),
    )


def a_plan_with_choices() -> Plan:
    """Return the plan of a later run on a computer where people have been at work, half of it chosen already."""
    with tempfile.TemporaryDirectory() as folder:
        home = _furnished(folder)
        answers = later_draft().answers
        carry_out(make_plan(answers, _ada(home), life_seconds=90 * 86400), _ada(home))
        helper = home / "bin/get-litellm-key.sh"
        helper.write_text(helper.read_text().replace("set -u\n", "set -u\necho asked >>/tmp/asked\n"))
        with (home / ".bashrc").open("a") as file:
            file.write(_BY_HAND)
        zshrc = home / ".zshrc"
        zshrc.write_text(zshrc.read_text().replace("# <<< claude-litellm-wizard <<<\n", ""))
        choices = Choices({zshrc: "merge"}, {"~/.bashrc:9"})
        machine = replace(_ada(home), leftovers=find_leftovers({}, home))
        plan = make_plan(answers, machine, life_seconds=90 * 86400, choices=choices)
    return replace(plan, changes=tuple(_at_adas(each, home) for each in plan.changes))


def with_choices() -> Draft:
    """Return the draft in which that was chosen."""
    ways: dict[str, Way] = {"/home/ada/.zshrc": "merge"}
    return replace(later_draft(), ways=ways, migrations=frozenset({"~/.bashrc:9"}))


def _furnished(folder: str) -> Path:
    home = Path(folder).resolve()
    (home / ".claude").mkdir()
    (home / ".claude/settings.json").write_text(_SETTINGS)
    (home / ".claude/settings.json").chmod(0o600)
    (home / ".bashrc").write_text("# ~/.bashrc\nalias ll='ls -l'\n")
    (home / ".bashrc").chmod(0o644)
    return home


def _ada(home: Path) -> Machine:
    return a_machine(home, uid=os.geteuid(), leftovers=())


def a_real_plan() -> Plan:
    """Return what the real planner makes of Ada's computer; made in a folder that is then called /home/ada."""
    with tempfile.TemporaryDirectory() as folder:
        home = _furnished(folder)
        plan = make_plan(later_draft().answers, a_machine(home, uid=os.geteuid()), life_seconds=90 * 86400)
    return replace(plan, changes=tuple(_at_adas(each, home) for each in plan.changes), leftovers=(LEFTOVER,))


def _at_adas(change: Change, home: Path) -> Change:
    def text(content: bytes | None) -> bytes | None:
        return content and content.replace(str(home).encode(), str(HOME).encode())

    path = HOME / change.path.relative_to(home)
    drift = change.drift and replace(change.drift, was=text(change.drift.was), now=text(change.drift.now))
    return replace(change, path=path, before=text(change.before), after=text(change.after), drift=drift)


async def take(shot: Shot) -> str:
    """Return a picture as SVG."""
    from wizard.tui.app import WizardApp
    from wizard.tui.session import Session

    app = WizardApp(Session(shot.draft, shot.fake.services()), shot.face)
    async with app.run_test(size=shot.size) as pilot:
        for key in ("", *shot.keys):
            if key:
                await pilot.press(key)
            async with asyncio.timeout(30):
                await pilot.pause()
                await app.workers.wait_for_complete()
                await pilot.pause()
        return app.export_screenshot(simplify=True) + "\n"


def pictures() -> set[Path]:
    """Return the pictures there are; the recording is made by tests.demo.film."""
    return set(FOLDER.glob("*.svg")) - {FOLDER / "tour.svg"}


class _Loop(asyncio.SelectorEventLoop):
    """A loop that leaves signals alone: an App would take them for itself, and the command go on without it."""

    def add_signal_handler(self, sig: int, callback: object, *args: object) -> None:
        """Do nothing."""


def steady_environment() -> None:
    """Have Textual draw the same on every machine; called before anything has imported it."""
    for name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL"):
        os.environ.pop(name, None)
    os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    os.environ["TEXTUAL_ANIMATIONS"] = "none"


def main() -> int:
    """Make every picture anew, and take away those that are no longer made."""
    steady_environment()
    FOLDER.mkdir(exist_ok=True)
    made = shots()
    for shot in made:
        faulthandler.dump_traceback_later(_STUCK, exit=True)
        with asyncio.Runner(loop_factory=_Loop) as runner:
            (FOLDER / f"{shot.name}.svg").write_text(runner.run(take(shot)), encoding="utf-8")
        sys.stdout.write(f"{shot.name}\n")
        sys.stdout.flush()
    faulthandler.cancel_dump_traceback_later()
    for stale in pictures() - {FOLDER / f"{each.name}.svg" for each in made}:
        stale.unlink()
    sys.stdout.write(f"{len(made)} pictures in {FOLDER}\n")
    from tests.demo import film

    return film.main()


if __name__ == "__main__":
    raise SystemExit(main())

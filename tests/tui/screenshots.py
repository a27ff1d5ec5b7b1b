"""The pictures in screenshots/: one per screen, made from the fixture, the same each time.

`python -m tests.tui.screenshots` makes them anew; a test fails when a committed one is stale.
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
from typing import Final

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
from wizard.apply.plan import Change, Plan, make_plan
from wizard.flow import Draft
from wizard.trial import Trial

FOLDER: Final = Path(__file__).parents[2] / "screenshots"
_STUCK: Final = 120.0
"""Seconds after which a picture that does not come ends the command, with what every thread was at."""

SMALL: Final = (80, 24)
LARGE: Final = (120, 36)

_MOVED: Final = "https://new-llm.corp.example:4000"
_SETTINGS: Final = '{\n  "theme": "dark",\n  "env": {\n    "DEPLOY_TOKEN": "a-secret-of-ada"\n  }\n}\n'


@dataclass(frozen=True)
class Shot:
    """One picture: where it starts, the keys that lead there, and the size of the terminal."""

    name: str
    keys: Sequence[str] = ()
    draft: Draft = field(default_factory=later_draft)
    fake: Fake = field(default_factory=Fake)
    size: tuple[int, int] = SMALL
    theme: str = ""


def shots() -> tuple[Shot, ...]:
    """Return every picture there is."""
    first = answered(first_draft(), url="https://llm.corp.example:4000")
    to_done = [*["enter"] * 5, "w", "y"]
    return (
        Shot("server", draft=first),
        Shot("server-moved", draft=answered(later_draft(), url=_MOVED)),
        Shot("health", ["enter"]),
        Shot("failed-untrusted", ["enter"], fake=Fake(health=UNTRUSTED)),
        Shot("failed-sign-in", ["enter"], fake=Fake(health=SIGN_IN)),
        Shot("failed-key", ["enter"] * 3, fake=Fake(trial=Trial(EXPIRED_KEY))),
        Shot("key", ["enter"] * 2, draft=first),
        Shot("test", ["enter"] * 3),
        Shot("models", ["enter"] * 4),
        Shot("review", [*["enter"] * 5, "down"], fake=Fake(plan=a_real_plan())),
        Shot("done", to_done),
        Shot("key-wide", ["enter"] * 2, draft=first, size=LARGE),
        Shot("review-wide", [*["enter"] * 5, "down"], fake=Fake(plan=a_real_plan()), size=LARGE),
        Shot("test-light", ["enter"] * 3, theme="wizard-light"),
    )


def a_real_plan() -> Plan:
    """Return what the real planner makes of Ada's computer; made in a folder that is then called /home/ada."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder).resolve()
        (home / ".claude").mkdir()
        (home / ".claude/settings.json").write_text(_SETTINGS)
        (home / ".claude/settings.json").chmod(0o600)
        (home / ".bashrc").write_text("# ~/.bashrc\nalias ll='ls -l'\n")
        (home / ".bashrc").chmod(0o644)
        machine = a_machine(home, uid=os.geteuid())
        plan = make_plan(later_draft().answers, machine, life_seconds=90 * 86400)
    return replace(plan, changes=tuple(_at_adas(each, home) for each in plan.changes), leftovers=(LEFTOVER,))


def _at_adas(change: Change, home: Path) -> Change:
    def text(content: bytes | None) -> bytes | None:
        return content and content.replace(str(home).encode(), str(HOME).encode())

    path = HOME / change.path.relative_to(home)
    return replace(change, path=path, before=text(change.before), after=text(change.after))


async def take(shot: Shot) -> str:
    """Return a picture as SVG."""
    from wizard.tui.app import WizardApp
    from wizard.tui.session import Session

    app = WizardApp(Session(shot.draft, shot.fake.services()))
    async with app.run_test(size=shot.size) as pilot:
        if shot.theme:
            app.theme = shot.theme
        for key in ("", *shot.keys):
            if key:
                await pilot.press(key)
            async with asyncio.timeout(30):
                await pilot.pause()
                await app.workers.wait_for_complete()
                await pilot.pause()
        return app.export_screenshot(simplify=True) + "\n"


class _Loop(asyncio.SelectorEventLoop):
    """A loop that leaves signals alone: an App would take them for itself, and the command go on without it."""

    def add_signal_handler(self, sig: int, callback: object, *args: object) -> None:
        """Do nothing."""


def main() -> int:
    """Make every picture anew, and take away those that are no longer made."""
    for name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL"):
        os.environ.pop(name, None)
    os.environ["TEXTUAL_ANIMATIONS"] = "none"  # read when Textual is imported, which nothing has done yet
    FOLDER.mkdir(exist_ok=True)
    made = shots()
    for shot in made:
        faulthandler.dump_traceback_later(_STUCK, exit=True)
        with asyncio.Runner(loop_factory=_Loop) as runner:
            (FOLDER / f"{shot.name}.svg").write_text(runner.run(take(shot)), encoding="utf-8")
        sys.stdout.write(f"{shot.name}\n")
        sys.stdout.flush()
    faulthandler.cancel_dump_traceback_later()
    for stale in set(FOLDER.glob("*.svg")) - {FOLDER / f"{each.name}.svg" for each in made}:
        stale.unlink()
    sys.stdout.write(f"{len(made)} pictures in {FOLDER}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

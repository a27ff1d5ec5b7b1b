"""One computer, one gateway and one goal for every way through the wizard: each has to end in the same plan.

`python -m tests.tour.place FOLDER` is the wizard on that computer as a process of its own: the screens in a terminal,
plain lines with `--plain` behind it. It writes down the plan that it carries out, to be compared.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from wizard.answers import Answers, Gateway, Key, Models, Write
from wizard.apply.change import Change, Choices, Plan
from wizard.apply.plan import make_plan
from wizard.apply.transaction import carry_out
from wizard.demo.gateway import Gateway as DemoGateway
from wizard.demo.gateway import key_of
from wizard.demo.http import Server, Servers
from wizard.fields import read_table
from wizard.flow import Draft
from wizard.keys.backend import backend
from wizard.machine.model import Machine
from wizard.machine.survey import glance, survey
from wizard.services import REAL, Services

ROOT: Final = Path(__file__).parents[2]
SONNET: Final = "claude-haiku-5-5"
"""The model that every tour chooses for Sonnet; the other tiers keep what is offered."""

_SETTINGS: Final = '{\n  "theme": "dark",\n  "env": {\n    "EDITOR": "vim"\n  }\n}\n'
_BASHRC: Final = "# ~/.bashrc\nalias ll='ls -l'\n"


@dataclass(frozen=True)
class File:
    """A file as it will be or is: its path below the home folder, its mode and its text, the same in every tour."""

    path: str
    mode: str
    text: str


@dataclass(frozen=True)
class Place:
    """A home folder with what the wizard finds there, and where its gateway is."""

    folder: Path
    url: str

    @property
    def home(self) -> Path:
        """The home folder."""
        return self.folder / "home"

    @property
    def record(self) -> Path:
        """Where the plan that was carried out is written down."""
        return self.folder / "plan.json"

    @property
    def env(self) -> dict[str, str]:
        """The environment: nothing of this machine but its programs."""
        return {
            "HOME": str(self.home),
            "PATH": "/usr/bin:/bin",
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
        }

    def furnish(self) -> None:
        """Put there what a person has: a start-up file, settings, and a key in a file."""
        self.home.mkdir(parents=True, mode=0o700)
        for name, mode, text in (
            (".bashrc", 0o644, _BASHRC),
            (".claude/settings.json", 0o600, _SETTINGS),
            (".secrets/litellm.env", 0o600, f"LITELLM_API_KEY={key_of('good')}\n"),
        ):
            file = self.home / name
            file.parent.mkdir(mode=0o700, exist_ok=True)
            file.touch(mode=mode)
            file.write_text(text)

    def draft(self) -> Draft:
        """Return what a first run begins with."""
        return Draft(Answers(write=Write(shells=("bash",))), glance(self.env))

    def machine(self) -> Machine:
        """Look at this computer."""
        return survey(self.env, cwd=self.home, root=self.folder / "system")

    def services(self) -> Services:
        """Return the real core, on this computer; the plan it carries out is written down first."""

        async def as_it_is(machine: Machine) -> Machine:
            return machine

        def writing(
            plan: Plan,
            machine: Machine,
            *,
            replace: Collection[Path] | Literal["all"],
            progress: Callable[[Any], None],
        ) -> Any:
            self.record.write_text(json.dumps([vars(each) for each in self.files_of(plan)]))
            return carry_out(plan, machine, replace=replace, progress=progress)

        return replace(REAL, survey=lambda _: self.machine(), with_claude_version=as_it_is, carry_out=writing)

    def expected(self) -> list[File]:
        """Return the plan that every tour has to end in, made from the answers without any tour."""
        options, _ = read_table(backend("env-file").fields, {"file": "~/.secrets/litellm.env"}, "key.env-file")
        key = Key("env-file").with_options("env-file", options)
        answers = Answers(
            Gateway(url=self.url),
            key,
            Models("claude-opus-5-5", SONNET, "claude-haiku-5-5"),
            Write(shells=("bash",)),
        )
        return self.files_of(make_plan(answers, self.machine(), life_seconds=None, choices=Choices()))

    def files_of(self, plan: Plan) -> list[File]:
        """Return what a plan will make of each file."""
        return [self._of(each) for each in plan.pending]

    def _of(self, change: Change) -> File:
        text = (change.after or b"").decode()
        return File(self._alike(str(change.path)), f"{change.mode:04o}", self._alike(text))

    def carried_out(self) -> list[File]:
        """Return the plan that a tour carried out."""
        return [File(**each) for each in json.loads(self.record.read_text())]

    def on_disk(self, files: Collection[File]) -> list[File]:
        """Return what stands where those files were to be written."""
        found = []
        for each in files:
            path = Path(each.path.replace("HOME", str(self.home), 1))
            found.append(File(each.path, f"{path.stat().st_mode & 0o7777:04o}", self._alike(path.read_text())))
        return found

    def _alike(self, text: str) -> str:
        """Return a text with what differs from tour to tour left out: where the home and the gateway happen to be."""
        return text.replace(str(self.home), "HOME").replace(self.url, "GATEWAY")


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    """Furnish a computer below a folder and run its gateway for as long as the block lasts."""
    server = Server(DemoGateway().answer)
    servers = Servers(server)
    made = Place(folder, f"http://127.0.0.1:{server.port}")
    made.furnish()
    servers.start()
    try:
        yield made
    finally:
        servers.stop()


def assert_arrived(there: Place, expected: Place) -> None:
    """Hold that a tour carried out the plan that was expected, and that the files are what that plan said."""
    assert there.carried_out() == expected.expected()
    assert there.on_disk(there.carried_out()) == there.carried_out()


def command(there: Place, *flags: str) -> list[str]:
    """Return the wizard on this computer as a command line."""
    return [sys.executable, "-m", "tests.tour.place", str(there.folder), there.url, *flags]


def environment(there: Place) -> Mapping[str, str]:
    """Return the environment of that command."""
    return {**there.env, "PYTHONPATH": str(ROOT), "TEXTUAL_ANIMATIONS": "none"}


def main(folder: str, url: str, *flags: str) -> int:
    """Run the wizard."""
    there = Place(Path(folder), url)
    if "--plain" in flags:
        from wizard.plain.console import Console
        from wizard.plain.run import run_plain

        return run_plain(there.draft(), there.services(), Console(sys.stdin, sys.stdout, echo=True))
    from wizard.tui.app import run_screens

    os.chdir(there.home)
    return run_screens(there.draft(), there.services())


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))

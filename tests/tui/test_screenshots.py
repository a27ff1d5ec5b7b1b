"""The committed pictures are what the demo looks like now."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.demo.scenes import NAMES, TOURS, filmed
from tests.demo.steady import PROGRAMS
from tests.programs import require
from tests.tui.screenshots import FOLDER, RECORDING, made_of

TAKES: Final = 3
"""A check that takes long on a busy machine says so on its screen; a picture that is stale is so in every take."""


async def test_the_committed_pictures_are_current() -> None:
    require(*PROGRAMS)
    for _ in range(TAKES):
        made = made_of(await filmed())
        stale = [name for name, text in made.items() if (FOLDER / f"{name}.svg").read_text(encoding="utf-8") != text]
        if not stale:
            return
    assert stale == [], "Look at what changed, then run: python -m tests.tui.screenshots"


def test_there_is_no_other_picture() -> None:
    assert {each.stem for each in FOLDER.glob("*.svg")} == {*NAMES, RECORDING}


def test_the_command_that_makes_them_can_be_stopped(tmp_path: Path) -> None:
    """A signal used to end one picture's App and nothing else, which looked like a command that hangs."""
    require(*PROGRAMS)
    argv = [sys.executable, "-c", "import tests.tui.screenshots as made; made.FOLDER = made.Path('made'); made.main()"]
    env = {**os.environ, "PYTHONPATH": str(FOLDER.parent), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(argv, cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        first = command.stdout.readline()  # the second tour is being taken
        command.terminate()
        rest = command.stdout.read().splitlines()
    assert first == "all is well\n"
    assert command.returncode == -signal.SIGTERM
    assert len(rest) < len(TOURS) - 1
    assert not (tmp_path / "made").exists(), "all are written at the end, or none"

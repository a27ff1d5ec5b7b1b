"""The committed pictures are what the screens look like now."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile

import pytest

from tests.tui.screenshots import FOLDER, Shot, pictures, shots, take


@pytest.mark.parametrize("shot", shots(), ids=lambda shot: shot.name)
async def test_the_committed_picture_is_current(shot: Shot) -> None:
    committed = (FOLDER / f"{shot.name}.svg").read_text(encoding="utf-8")
    assert await take(shot) == committed, "Stale. Look at what changed, then run: python -m tests.tui.screenshots"


def test_the_command_that_makes_them_can_be_stopped() -> None:
    """A signal used to end one picture's App and nothing else, which looked like a command that hangs."""
    argv = [sys.executable, "-c", "import tests.tui.screenshots as made; made.FOLDER = made.Path('made'); made.main()"]
    env = {**os.environ, "PYTHONPATH": str(FOLDER.parent)}
    with tempfile.TemporaryDirectory() as folder:
        with subprocess.Popen(argv, cwd=folder, env=env, stdout=subprocess.PIPE, text=True) as command:
            assert command.stdout is not None
            first = command.stdout.readline()  # the second picture is being made
            command.terminate()
            rest = command.stdout.read().splitlines()
        assert first == f"{shots()[0].name}\n"
        assert command.returncode == -signal.SIGTERM
        assert len(rest) < len(shots()) - 1


def test_there_is_no_other_picture() -> None:
    assert {each.stem for each in pictures()} == {each.name for each in shots()}

"""Case 84: no key is read out of the wizard's memory, neither from a core file nor by another program of the user."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tui.fixture import later_draft
from tests.tui.walking import walking

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")

_TELLS = """
import ctypes, resource, sys
from wizard import cli
from wizard.commands import show
def run(_):
    print(resource.getrlimit(resource.RLIMIT_CORE)[0], ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
    return 0
show.run = run
sys.exit(cli.main(["show"]))
"""


def test_case_84_a_command_leaves_no_core_and_is_not_dumpable(home: Path) -> None:
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", _TELLS], env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["0", "0"], done.stderr


def test_case_84_programs_started_from_there_are_as_always(home: Path) -> None:
    code = "from wizard.machine.memory import keep_private; import subprocess, sys; keep_private();"
    inner = "import ctypes; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    code += f"subprocess.run([sys.executable, '-c', {inner!r}])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["1"], done.stderr


async def test_case_84_the_screens_are_private_before_a_key_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr("wizard.tui.app.keep_private", lambda: called.append("private"))
    async with walking(later_draft()) as walk:
        await walk.press("enter")
        assert called == ["private"]

"""The command as scripts run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.support import ROOT, Run


@pytest.fixture
def wizard(home: Path) -> Run:
    """Run the command in the throw-away home, with no terminal."""

    def run(*words: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
        clean = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), **env}
        argv = [sys.executable, "-m", "wizard", *map(str, words)]
        return subprocess.run(
            argv, env=clean, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )

    return run

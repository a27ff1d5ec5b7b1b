"""No change from step to step holds the event loop up so long that a person would feel it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.first_frame import ROOT

WALKS = 5
MOST_WALKS = 20
LIMIT_MS = 50.0


def walk(home: Path, *arguments: str) -> dict[str, float]:
    """Return the hold-ups of one walk in a fresh process, in milliseconds."""
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "xterm-256color"}
    argv = [sys.executable, "-m", "tests.bench.step_changes", *arguments]
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    held: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return held


def least_held(home: Path) -> dict[str, float]:
    """Return the least of several walks: other programs of the machine only ever add to a hold-up."""
    least = walk(home)
    for number in range(1, MOST_WALKS):
        if number >= WALKS and max(least.values()) <= LIMIT_MS:
            break
        least = {name: min(ms, least[name]) for name, ms in walk(home).items()}
    return least


@pytest.mark.bench
def test_no_step_change_holds_the_event_loop_up(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    least = least_held(home)
    with capsys.disabled():
        print("\n" + "\n".join(f"{name:<24}{ms:6.0f} ms" for name, ms in least.items()))
    assert {name: ms for name, ms in least.items() if ms > LIMIT_MS} == {}


def test_the_walk_sees_what_holds_the_event_loop_up(home: Path) -> None:
    assert min(walk(home, "60").values()) >= LIMIT_MS

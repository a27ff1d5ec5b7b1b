"""`--demo` as it is typed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.programs import require
from tests.tui.window import open_window
from wizard.demo.faults import FAULTS
from wizard.demo.home import PREFIX

ROOT: Final = Path(__file__).parents[2]
WIZARD: Final = [sys.executable, "-m", "wizard"]


def run(*words: str, folder: Path, typed: str = "") -> subprocess.CompletedProcess[str]:
    env = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TMPDIR": str(folder)}
    return subprocess.run(
        [*WIZARD, *words],
        env=env,
        cwd=ROOT,
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_help_lists_every_fault(tmp_path: Path) -> None:
    done = run("--demo", "help", folder=tmp_path)
    assert done.returncode == 0 and not done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")] == [
        each.name for each in FAULTS
    ]


@pytest.mark.parametrize("words", [("--demo", "no-such-fault"), ("--demo=no-such-fault",)])
def test_an_unknown_fault_is_refused_with_the_list(words: tuple[str, ...], tmp_path: Path) -> None:
    done = run(*words, folder=tmp_path)
    assert done.returncode == 2 and not done.stdout
    assert "no fault called no-such-fault" in done.stderr and "expired-certificate" in done.stderr
    assert not list(tmp_path.glob(f"{PREFIX}*"))


def test_it_goes_without_a_command(tmp_path: Path) -> None:
    done = run("--demo", "expired-key", "check", folder=tmp_path)
    assert done.returncode == 2 and "without a command" in done.stderr


@pytest.mark.parametrize("end", ["quit", signal.SIGTERM, signal.SIGHUP], ids=str)
def test_left_early_it_leaves_nothing(end: str | signal.Signals, home: Path, tmp_path: Path) -> None:
    variables = {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    with open_window([*WIZARD, "--demo"], home, variables) as window:
        window.read_until(b"Where is your LiteLLM server?")
        assert len(list(tmp_path.glob(f"{PREFIX}*"))) == 1
        if isinstance(end, signal.Signals):
            window.process.send_signal(end)
        else:
            os.write(window.master, b"\x11")
        code = window.end(60)
    assert code == (128 + end if isinstance(end, signal.Signals) else 0), bytes(window.output)
    assert b"This was the demo" in window.output
    assert not list(tmp_path.glob(f"{PREFIX}*"))
    assert not list(home.iterdir())


def test_nobody_to_answer_is_refused(tmp_path: Path) -> None:
    done = run("--demo", folder=tmp_path)
    assert done.returncode == 2 and "--demo in a terminal" in done.stderr
    assert not list(tmp_path.glob(f"{PREFIX}*"))


@pytest.mark.parametrize("words", [("--demo", "vault-sealed"), ("--plain", "--demo", "vault-sealed")])
def test_the_tour_in_lines(words: tuple[str, ...], tmp_path: Path) -> None:
    """It also removes what a demo left that was killed."""
    require("bash")
    (tmp_path / f"{PREFIX}killed/home").mkdir(parents=True)
    (tmp_path / f"{PREFIX}killed").chmod(0o700)
    done = run(*words, folder=tmp_path, typed="\n" * 30)
    assert "LiteLLM: LiteLLM" in done.stdout and "is sealed" in done.stdout, done.stdout
    assert "This was the demo" in done.stdout and not done.stderr
    assert not list(tmp_path.glob(f"{PREFIX}*"))

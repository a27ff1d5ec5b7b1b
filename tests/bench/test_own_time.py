"""Setting up takes little more than starting Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.own_time import SET_UP, Figures, add

ROUNDS = 8
MOST_ROUNDS = 64
LIMIT_MS = 150.0


def own_time(folder: Path, *, slower: str = "pass") -> Figures:
    """Return the figures of a set-up; of more rounds where the machine was too noisy to tell."""
    figures = add(Figures(), SET_UP, folder, ROUNDS, slower=slower)
    while figures.own_ms > LIMIT_MS and len(figures.bare) < MOST_ROUNDS and slower == "pass":
        add(figures, SET_UP, folder, ROUNDS)
    return figures


@pytest.mark.bench
def test_a_set_up_takes_little_time_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = own_time(tmp_path)
    with capsys.disabled():
        print(f"\napply --yes without network: {figures}")
    assert figures.own_ms <= LIMIT_MS


def test_a_slower_command_is_seen(tmp_path: Path) -> None:
    slower = "while time.process_time() < 0.4: pass"
    assert own_time(tmp_path, slower=slower).own_ms > LIMIT_MS

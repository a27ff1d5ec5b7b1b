"""The wizard is no heavier than what LiteLLM itself brings for the job."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bench.beside_lite import Pair, compare
from tests.bench.processes import Runner, Took

ROUNDS = 3
MOST_ROUNDS = 9
LIMIT = 0.25
"""Of lite's time and memory; the wizard does more in it: it asks the gateway what lite does not, and tries the key."""


@pytest.mark.bench
def test_the_wizard_takes_a_quarter_of_what_lite_takes_at_most(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = compare(tmp_path, ROUNDS)
    while worst(pairs) > LIMIT and len(pairs[0].wizard) < MOST_ROUNDS:
        for pair, more in zip(pairs, compare(tmp_path, ROUNDS), strict=True):
            pair.wizard += more.wizard
            pair.lite += more.lite
    with capsys.disabled():
        print("", *pairs, sep="\n")
    assert worst(pairs) <= LIMIT


def worst(pairs: tuple[Pair, ...]) -> float:
    return max(each for pair in pairs for each in (pair.time, pair.memory))


def test_what_takes_more_is_told() -> None:
    light, heavy = Took(0.1, 0.1, 20_000, 0), Took(1.0, 1.0, 100_000, 0)
    assert Pair("it", [light], [heavy]).time == pytest.approx(0.1)
    assert Pair("it", [heavy], [light]).memory == pytest.approx(5)


def test_the_runner_tells_time_and_memory_of_the_program_alone(tmp_path: Path) -> None:
    held = bytearray(200 * 1024 * 1024)  # of this process; a program forked from it would begin with as much
    with Runner() as runner:
        small = runner.run(["/bin/sh", "-c", "echo said; exit 3"], {}, tmp_path, tmp_path / "output")
        large = runner.run([sys.executable, "-c", "x = b'x' * 40_000_000"], {}, tmp_path, tmp_path / "other")
    assert (small.code, (tmp_path / "output").read_text()) == (3, "said\n")
    assert small.peak_kib < 100 * 1024 < len(held) / 1024
    assert large.peak_kib > small.peak_kib + 20 * 1024
    assert large.seconds > 0 < large.processor

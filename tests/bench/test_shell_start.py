"""Case 30: a shell with our lines starts as before, whatever is dead or missing."""

from __future__ import annotations

import re
import statistics
from pathlib import Path

import pytest

from tests.bench.shell_start import STARTS, STATES, Pair, pair, table
from tests.programs import require
from wizard.machine.model import ShellName

ROUNDS = 20
MOST_ROUNDS = 240
LIMIT = 0.002
"""Seconds that our lines may add to a start."""

SLOW = "sleep 0.02\n"


def median_added(made: Pair, *, most: int = MOST_ROUNDS) -> tuple[float, list[float]]:
    """Return the median of the differences; where the machine was too noisy to tell, of more of them."""
    found = made.added(ROUNDS)
    while statistics.median(found) > LIMIT and len(found) < most:
        found += made.added(ROUNDS)
    return statistics.median(found), found


@pytest.mark.bench
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("shell", "flags"), STARTS, ids=lambda each: each if isinstance(each, str) else "".join(each))
def test_case_30_our_lines_cost_a_start_next_to_nothing(
    tmp_path: Path, shell: ShellName, flags: tuple[str, ...], state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (program,) = require(shell)
    made = pair(shell, program, flags, state, tmp_path)
    status = "echo status=$status" if shell == "fish" else "echo status=$?"
    for home in (made.without, made.ours):
        done = made.started(home, f'{status}; printf "%s\\n" "url=$ANTHROPIC_BASE_URL"')
        assert done.returncode == 0 and "status=0" in done.stdout, done
    reads = "-i" in flags or "-l" in flags or shell == "fish"
    if reads and (state == "everything there" or (shell == "fish" and state == "setup script missing")):
        assert re.search(r"url=http://127\.0\.0\.1:9$", done.stdout, re.MULTILINE), "our lines were not read"
    else:
        assert "url=\n" in done.stdout
    added, found = median_added(made)
    with capsys.disabled():
        print("\n" + table([(f"{shell} {' '.join(flags)}, {state}", found)]), end="")
    assert added <= LIMIT, f"{added * 1000:.2f} ms"


def test_the_measure_tells_lines_that_wait(tmp_path: Path) -> None:
    (bash,) = require("bash")
    made = pair("bash", bash, ("-i",), STATES[0], tmp_path)
    with (made.ours / ".bashrc").open("a") as file:
        file.write(SLOW)
    added, _ = median_added(made, most=ROUNDS)
    assert added > LIMIT

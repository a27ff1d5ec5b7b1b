"""`python -m tests.bench` prints every figure beside the limit that a test holds it to."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench import test_beside_lite, test_first_frame, test_key_presses, test_own_time, test_step_changes
from tests.bench.beside_lite import compare
from tests.bench.first_frame import BARE_APP, DEMO, WIZARD, Pair
from tests.bench.test_key_presses import least_pressed
from tests.bench.test_own_time import own_time
from tests.bench.test_step_changes import least_held

ROUNDS = 15


def rows(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield what was measured, the figure, and its limit."""
    for pair, limit in (
        (Pair(BARE_APP, WIZARD), test_first_frame.LIMIT),
        (Pair(WIZARD, DEMO), test_first_frame.DEMO_LIMIT),
    ):
        pair.measure(ROUNDS, folder)
        yield f"first frame, {pair.program.name} / {pair.base.name}", f"{pair.time:.2f}", f"{limit:.2f}"
        yield "    its memory", f"{pair.memory:.2f}", f"{limit:.2f}"
    for step, each in least_pressed(folder).items():
        median, most = statistics.median(each), max(each)
        yield f"a key on {step}, median", f"{median:.1f} ms", f"{test_key_presses.LIMIT_MS:.0f} ms"
        yield "    the longest", f"{most:.1f} ms", f"{test_key_presses.LONGEST_MS:.0f} ms"
    for name, ms in least_held(folder).items():
        yield name, f"{ms:.1f} ms", f"{test_step_changes.LIMIT_MS:.0f} ms"
    own = own_time(folder).own_ms
    yield "apply --yes without network, own time", f"{own:.0f} ms", f"{test_own_time.LIMIT_MS:.0f} ms"
    for job in compare(folder, test_beside_lite.ROUNDS):
        yield f"{job.job} / lite, time", f"{job.time:.2f}", f"{test_beside_lite.LIMIT:.2f}"
        yield "    memory", f"{job.memory:.2f}", f"{test_beside_lite.LIMIT:.2f}"


def main() -> None:
    """Print the table, row by row as the figures come."""
    print(f"{'':<44}{'is':>10}{'at most':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for name, figure, limit in rows(Path(folder)):
            print(f"{name:<44}{figure:>10}{limit:>10}", flush=True)


if __name__ == "__main__":
    main()

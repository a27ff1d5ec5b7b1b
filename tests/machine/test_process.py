"""Running a program of this machine: how it ends is told, whatever it leaves behind."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest

from wizard.machine.process import OUTPUT_CAP, Finished, run

ENV = {"PATH": "/usr/bin:/bin"}


async def sh(script: str, *, limit: float = 10, stdin: bytes | None = b"") -> Finished:
    return await run(["/bin/sh", "-c", script], env=ENV, cwd=Path("/"), limit=limit, stdin=stdin)


async def test_tells_code_and_both_outputs() -> None:
    done = await sh("cat; echo err >&2; exit 3", stdin=b"in")
    assert (done.code, done.out, done.err, done.timed_out) == (3, b"in", b"err\n", False)


async def test_an_open_stdin_delivers_nothing_and_no_end() -> None:
    done = await sh("read line; echo ended", limit=0.3, stdin=None)
    assert (done.code, done.out) == (None, b"")


async def test_keeps_what_was_said_before_the_limit() -> None:
    done = await sh("echo before; sleep 30", limit=0.3)
    assert (done.timed_out, done.out) == (True, b"before\n")


async def test_a_lot_of_output_is_read_and_cut() -> None:
    done = await sh("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; echo end")
    assert (done.code, len(done.out), len(done.err)) == (0, OUTPUT_CAP, OUTPUT_CAP)


async def test_a_program_that_takes_no_input_is_no_error() -> None:
    assert (await sh("exec <&-; sleep 0.1; exit 4", stdin=b"x" * 1_000_000)).code == 4


async def test_closed_outputs_are_no_end() -> None:
    started = time.monotonic()
    assert (await sh("exec >&- 2>&-; sleep 0.4; exit 5")).code == 5
    assert time.monotonic() - started >= 0.4


async def test_what_it_left_running_holds_nothing_up() -> None:
    started = time.monotonic()
    done = await sh("setsid sleep 5 & echo ready")
    assert (done.code, done.out) == (0, b"ready\n")
    assert time.monotonic() - started < 2


async def test_a_limit_ends_the_whole_group(tmp_path: Path) -> None:
    mark = tmp_path / "survived"
    done = await sh(f"trap '' TERM HUP; sh -c 'sleep 1; touch {mark}' & wait", limit=0.3)
    assert done.timed_out
    await asyncio.sleep(1.2)
    assert not mark.exists()


async def test_cancelling_ends_it_too(tmp_path: Path) -> None:
    mark = tmp_path / "survived"
    task = asyncio.ensure_future(sh(f"sleep 1; touch {mark}"))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(1.2)
    assert not mark.exists()


async def test_what_can_not_be_started_is_an_os_error() -> None:
    with pytest.raises(OSError, match="No such file"):
        await run(["/no/such/program"], env=ENV, cwd=Path("/"), limit=1)


async def test_nothing_is_said_at_the_end_of_the_interpreter() -> None:
    script = """
import asyncio
from pathlib import Path
from wizard.machine.process import run
for limit in (0.3, 5):
    asyncio.run(run(["/bin/sh", "-c", "setsid sleep 3 & test $1 = 5 || sleep 9", "sh", str(limit)],
                    env={"PATH": "/usr/bin:/bin"}, cwd=Path("/"), limit=limit))
"""
    root = Path(__file__).parents[2]
    done = await run([sys.executable, "-c", script], env=ENV, cwd=root, limit=20)
    assert (done.code, done.out, done.err) == (0, b"", b"")

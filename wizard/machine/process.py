"""Runs a program of this machine with a limit, in a session of its own that is killed whole."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from wizard.record import dataclass, field

OUTPUT_CAP: Final = 256 * 1024
"""Bytes kept of each output stream; the rest is read and dropped."""

_GLANCE: Final = 0.01
_LAST_WORDS: Final = 0.2
"""Seconds between two looks at a program whose outputs are open, and left for its outputs after its end."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended. `code` is None when it was killed at the limit; outputs may hold a secret."""

    code: int | None
    out: bytes = field(repr=False)
    err: bytes = field(repr=False)
    seconds: float

    @property
    def timed_out(self) -> bool:
        """Whether the limit ended it."""
        return self.code is None


async def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path,
    limit: float,
    stdin: bytes | None = b"",
) -> Finished:
    """Run a program and return how it ended; `limit` is in seconds.

    `stdin` is what it reads; None gives it an open pipe that never delivers anything, as Claude Code gives its key
    helper. The program has no terminal, and at the limit (or when the caller is cancelled) its whole process group
    gets SIGKILL, since an interactive bash ignores SIGTERM. It has ended when it has exited: what it left running
    (start-up files start agents) may hold its outputs open for as long as it likes. Raises OSError when it can't be
    started.
    """
    started = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *map(str, argv),
        env=dict(env),
        cwd=cwd,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin and process.stdout and process.stderr  # noqa: S101 - all three are pipes
    out, err = bytearray(), bytearray()
    readers = [asyncio.ensure_future(_collect(*each)) for each in ((process.stdout, out), (process.stderr, err))]
    code: int | None = None
    try:
        async with asyncio.timeout(limit):
            if stdin is not None:
                await _feed(process.stdin, stdin)
            code = await _exit_code(process, readers)
    except TimeoutError:
        pass
    finally:
        _kill_group(process.pid)  # not process.kill(): that may reap the child before asyncio does
        await asyncio.shield(_clean_up(process, readers))
    return Finished(code, bytes(out), bytes(err), time.monotonic() - started)


async def _feed(pipe: asyncio.StreamWriter, content: bytes) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        pipe.write(content)
        await pipe.drain()
    pipe.close()


async def _collect(stream: asyncio.StreamReader, kept: bytearray) -> None:
    while chunk := await stream.read(65536):
        kept += chunk[: OUTPUT_CAP - len(kept)]


async def _exit_code(process: asyncio.subprocess.Process, readers: Sequence[asyncio.Future[None]]) -> int:
    """Wait until the program has exited; `Process.wait` alone waits for the end of its outputs too."""
    while process.returncode is None and not all(each.done() for each in readers):
        await asyncio.wait(readers, timeout=_GLANCE)
    code = await process.wait() if process.returncode is None else process.returncode
    await asyncio.wait(readers, timeout=_LAST_WORDS)
    return code


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


async def _clean_up(process: asyncio.subprocess.Process, readers: Sequence[asyncio.Future[None]]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            await _exit_code(process, readers)
    for each in readers:
        each.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    # There is no public way to close the pipes that a survivor holds open.
    process._transport.close()  # type: ignore[attr-defined]

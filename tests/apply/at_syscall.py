"""Stops a write at any of its system calls, with strace: by SIGKILL as the call is entered, or by an error instead."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from wizard.apply.errors import WriteFailed

Action = Callable[[], object]

CHANGING: Final = (
    *("openat", "write", "pwrite64", "ftruncate", "fsync", "fchmod", "fchown", "chmod", "fchmodat", "fsetxattr"),
    *("fremovexattr", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat"),
    *("rmdir", "close", "flock"),
)
"""The system calls whose place in a run matters: those that change files, and the syncs and closes between them."""

_LINE: Final = re.compile(r"^(?P<pid>\d+) +(?P<name>\w+)\((?P<rest>.*)$")
_PR_SET_PTRACER: Final = 0x59616D61
_LIMIT: Final = 60


@dataclass(frozen=True, slots=True)
class Point:
    """The k-th call of a name, counted from the start of the action in its main thread."""

    name: str
    k: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an action ended: `killed`, or with this exit code and text."""

    killed: bool
    code: int
    text: str


def points_of(act: Action, trace: Path) -> list[Point]:
    """Run an action once and return the points from its lock on that concern files."""
    outcome = _run(act, ("-o", str(trace), "-e", f"trace={_known(CHANGING)}"))
    assert outcome.code == 0, outcome.text
    counts: Counter[str] = Counter()
    points: list[Point] = []
    lines = trace.read_text(errors="replace").splitlines()
    locked = not any(" flock(" in line for line in lines)
    main = ""
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        main = main or match["pid"]
        if match["name"] == "flock":
            locked = True
        if match["pid"] != main:
            continue
        counts[match["name"]] += 1
        if locked and _counts(match["name"], match["rest"]):
            points.append(Point(match["name"], counts[match["name"]]))
    return points


def _counts(name: str, rest: str) -> bool:
    if name == "openat":
        return any(flag in rest for flag in ("O_WRONLY", "O_RDWR", "O_CREAT"))
    return name not in ("close", "flock")


def kill_at(act: Action, point: Point) -> Outcome:
    """Run an action that is killed as it enters a call."""
    return _run(act, _injecting(point, "signal=KILL"))


def fail_at(act: Action, point: Point, error: str) -> Outcome:
    """Run an action of which one call fails with an error, without having done anything."""
    return _run(act, _injecting(point, f"error={error}"))


def _injecting(point: Point, what: str) -> tuple[str, ...]:
    return "-o", os.devnull, "-e", f"trace={point.name}", "-e", f"inject={point.name}:{what}:when={point.k}"


def _known(names: tuple[str, ...]) -> str:
    """Return the names for strace, with a mark on each that this machine may not have."""
    return ",".join(f"?{name}" for name in names)


def _run(act: Action, options: tuple[str, ...]) -> Outcome:
    """Run an action in a child that strace holds from before its first call."""
    go, ready = os.pipe()
    said, say = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ready)
        os.close(said)
        _be_traced(act, go, say)
    os.close(go)
    os.close(say)
    tracer = subprocess.Popen(
        ["strace", "-f", *options, "-p", str(child)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _wait_for(tracer)
        os.write(ready, b"x")
        os.close(ready)
        with os.fdopen(said, "rb") as stream:
            text = stream.read().decode(errors="replace")
        _, status = os.waitpid(child, 0)
    finally:
        tracer.communicate(timeout=_LIMIT)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, f"killed by {os.WTERMSIG(status)}"
        return Outcome(True, -1, text)
    return Outcome(False, os.WEXITSTATUS(status), text)


def _be_traced(act: Action, go: int, say: int) -> None:
    code, text = 70, ""
    try:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)
        os.read(go, 1)
        try:
            act()
            code = 0
        except WriteFailed as error:
            code, text = 4, str(error)
        except BaseException as error:
            text = repr(error)
    finally:
        if text:
            os.write(say, text.encode())
        os._exit(code)


def _wait_for(tracer: subprocess.Popen[bytes]) -> None:
    """Wait until strace says that it holds the child: a first call could slip through before, and shift the count."""
    assert tracer.stderr is not None
    said = tracer.stderr.readline()
    assert b"attached" in said, f"strace could not attach: {said!r}"


# ── many points ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Stage:
    """A home folder with an action to run in it as often as needed: made, and put back, in a folder of its own."""

    home: Path
    act: Action
    check: Callable[[Outcome], list[str]]


Make = Callable[[Path], Stage]
Run = Callable[[Action, int, Point], Outcome]


def sweep(make: Make, place: Path, run: Run) -> tuple[int, list[str]]:
    """Run an action once for each of its points, on all processors; return their number and the complaints."""
    workers = min(os.cpu_count() or 1, 4)
    context = get_context("fork")
    with ThreadPoolExecutor(workers) as pool:
        folders = [place / f"worker{number}" for number in range(workers)]
        results = []
        for number, folder in enumerate(folders):
            receiving, sending = context.Pipe(duplex=False)
            process = context.Process(target=_worker, args=(make, folder, run, number, workers, sending))
            process.start()
            sending.close()
            results.append((process, pool.submit(receiving.recv), receiving))
        count, complaints = 0, []
        for process, future, receiving in results:
            points, found = future.result(600)
            process.join(_LIMIT)
            receiving.close()
            count += points
            complaints += found
    return count, complaints


def _worker(make: Make, folder: Path, run: Run, number: int, workers: int, sending: Any) -> None:
    try:
        folder.mkdir(mode=0o700)
        stage: Stage = make(folder)
        kept = folder / "kept"
        shutil.copytree(stage.home, kept, symlinks=True)
        points = points_of(stage.act, folder / "trace")
        complaints: list[str] = []
        mine = list(enumerate(points))[number::workers]
        for index, point in mine:
            shutil.rmtree(stage.home)
            shutil.copytree(kept, stage.home, symlinks=True)
            outcome = run(stage.act, index, point)
            complaints += [f"{point.name} {point.k}: {each}" for each in stage.check(outcome)]
        sending.send((len(mine), complaints))
    except BaseException as error:
        sending.send((0, [f"the harness: {error!r}"]))
        raise


def environments(old_url: str) -> Mapping[str, str]:
    """Return what a Claude Code session that was started before has in its environment."""
    return {"PATH": "/usr/bin:/bin", "ANTHROPIC_BASE_URL": old_url}


def said_by(helper: Path, home: Path, url: str, memory: dict[tuple[bytes, str], str]) -> str:
    """Return what a helper prints in a session for this URL; the same text is asked once."""
    if not helper.is_file():
        return ""
    question = (helper.read_bytes(), url)
    if question not in memory:
        env = {**environments(url), "HOME": str(home)}
        done = subprocess.run(["/bin/sh", helper], env=env, capture_output=True, text=True, timeout=_LIMIT, check=False)
        memory[question] = done.stdout.strip() if done.returncode == 0 else ""
    return memory[question]


def helpers(home: Path) -> Iterator[Path]:
    """Yield the helpers that are there under any name."""
    yield from (path for path in (home / "bin").glob("*") if not path.name.startswith(".claude-litellm-wizard-"))

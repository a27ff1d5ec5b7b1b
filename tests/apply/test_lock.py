"""Cases 24 and 52: one wizard writes at a time, and a dead one blocks nobody."""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path

import pytest

from wizard.apply.lock import LockHeld, held


def _holder(path: Path) -> int:
    """Start a process that holds the lock until it is killed; return its number."""
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        with held(path):
            os.write(tell, b"x")
            time.sleep(60)
        os._exit(0)
    assert os.read(ready, 1) == b"x"
    os.close(ready)
    os.close(tell)
    return child


def test_24_a_second_wizard_names_the_first_and_is_free_after_its_death(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    child = _holder(path)
    try:
        started = time.monotonic()
        with pytest.raises(LockHeld, match=f"process {child}") as caught, held(path, wait=0.3):
            pass
        assert caught.value.pid == child
        assert 0.25 < time.monotonic() - started < 2
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with held(path, wait=0.3):
        pass


def test_the_lock_can_be_taken_again_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    for _ in range(2):
        with held(path):
            assert path.read_text() == f"{os.getpid()}\n"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_52_without_locks_a_file_takes_their_place(tmp_path: Path, code: int) -> None:
    path = tmp_path / "lock"

    def flock(_: int, __: int) -> None:
        raise OSError(code, os.strerror(code))

    with held(path, flock=flock):
        assert (tmp_path / "lock.pid").read_text() == f"{os.getpid()}\n"
        with pytest.raises(LockHeld, match=f"process {os.getpid()}"), held(path, wait=0.1, flock=flock):
            pass
    assert not (tmp_path / "lock.pid").exists()


def test_52_the_file_of_a_dead_process_is_no_lock(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    (tmp_path / "lock.pid").write_text(f"{child}\n")

    def flock(_: int, __: int) -> None:
        raise OSError(errno.ENOLCK, "")

    with held(tmp_path / "lock", wait=0.5, flock=flock):
        assert (tmp_path / "lock.pid").read_text() == f"{os.getpid()}\n"


def test_52_a_lock_that_never_answers_is_not_waited_for(tmp_path: Path) -> None:
    started = time.monotonic()
    with held(tmp_path / "lock", wait=0.2, flock=lambda _, __: time.sleep(5)):
        assert time.monotonic() - started < 2


def test_a_link_in_the_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)), held(tmp_path / "lock"):
        pass
    assert not (tmp_path / "victim").exists()

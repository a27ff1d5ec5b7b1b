"""Cases 24 and 52: one wizard writes at a time, and a dead one blocks nobody."""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path

import pytest

from wizard.apply import lock
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
    os.close(tell)
    assert os.read(ready, 1) == b"x"
    os.close(ready)
    return child


def test_case_24_a_second_wizard_names_the_first_and_is_free_after_its_death(tmp_path: Path) -> None:
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
def test_case_52_without_locks_a_file_takes_their_place(tmp_path: Path, code: int) -> None:
    path = tmp_path / "lock"

    def flock(_: int, __: int) -> None:
        raise OSError(code, os.strerror(code))

    with held(path, flock=flock):
        assert (tmp_path / "lock.pid").read_text() == f"{os.getpid()}\n"
        with pytest.raises(LockHeld, match=f"process {os.getpid()}"), held(path, wait=0.1, flock=flock):
            pass
    assert not (tmp_path / "lock.pid").exists()


def test_case_52_the_file_of_a_dead_process_is_no_lock(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    (tmp_path / "lock.pid").write_text(f"{child}\n")

    def flock(_: int, __: int) -> None:
        raise OSError(errno.ENOLCK, "")

    with held(tmp_path / "lock", wait=0.5, flock=flock):
        assert (tmp_path / "lock.pid").read_text() == f"{os.getpid()}\n"


def test_case_52_a_lock_that_never_answers_is_not_waited_for(tmp_path: Path) -> None:
    started = time.monotonic()
    with held(tmp_path / "lock", wait=0.2, flock=lambda _, __: time.sleep(5)):
        assert time.monotonic() - started < 2


def _no_locks(_: int, __: int) -> None:
    raise OSError(errno.ENOLCK, "")


def test_case_24_a_wizard_waits_at_most_ten_seconds() -> None:
    assert lock.WAIT_SECONDS <= 10


@pytest.mark.parametrize("moment", ["write", "unlink"])
def test_case_52_a_holder_killed_while_it_makes_the_file_blocks_nobody(
    tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = os.fork()
    if child == 0:
        if moment == "write":
            monkeypatch.setattr("wizard.apply.lock.os.write", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        with held(tmp_path / "lock", flock=_no_locks):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    with held(tmp_path / "lock", wait=0.5, flock=_no_locks):
        pass
    left = {path.name for path in tmp_path.iterdir()} - {"lock"}
    assert left <= {f"lock.pid.{child}"}


def test_case_52_many_wizards_after_a_dead_one_write_one_after_the_other(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    (tmp_path / "lock.pid").write_text(f"{child}\n")
    children = []
    for _ in range(6):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                with held(tmp_path / "lock", wait=30, flock=_no_locks):
                    descriptor = os.open(tmp_path / "busy", os.O_CREAT | os.O_EXCL)
                    time.sleep(0.02)
                    os.close(descriptor)
                    (tmp_path / "busy").unlink()
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitpid(each, 0)[1] for each in children] == [0] * 6


def test_a_link_in_the_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)), held(tmp_path / "lock"):
        pass
    assert not (tmp_path / "victim").exists()

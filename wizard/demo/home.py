"""The demo's throw-away home folder: made for one run, and gone after it, even when the run was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

PREFIX: Final = "claude-litellm-wizard-demo-"
_PLACES: Final = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - a folder of ours is made there, 0700


class NoPlaceError(Exception):
    """There is no folder for temporary files in which programs may run. The text says what to do."""


class ThrowAwayHome:
    """A folder of the demo's own. A lock on it says that the demo lives; the next start removes what has none."""

    def __init__(self, files: Mapping[str, tuple[int, bytes]], env: Mapping[str, str]) -> None:
        """Make it below the folder for temporary files and put these files (mode and content) into its home.

        Raises NoPlaceError.
        """
        self.root, self._lock = _made(env)
        self.home = self.root / "home"
        try:
            self.home.mkdir(mode=0o700)
            for name, (mode, content) in files.items():
                path = self.home / name
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                path.touch(mode=mode)
                path.write_bytes(content)
            self._before = dict(self._contents())
        except BaseException:
            self.remove()
            raise

    def written(self) -> tuple[str, ...]:
        """Return the files below the home folder that are new or have changed, as people write them."""
        now = dict(self._contents())
        return tuple(f"~/{name}" for name in sorted(now) if self._before.get(name) != now[name])

    def text(self, name: str) -> str:
        """Return what one of those files holds."""
        return (self.home / name.removeprefix("~/")).read_text(encoding="utf-8", errors="replace")

    def remove(self) -> None:
        """Remove it with all that is in it."""
        if self._lock < 0:
            return
        _remove(self.root)
        os.close(self._lock)
        self._lock = -1

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        for folder, _, names in os.walk(self.home):
            for name in names:
                path = Path(folder) / name
                with contextlib.suppress(OSError):
                    yield str(path.relative_to(self.home)), path.read_bytes()


def sweep(folder: Path) -> None:
    """Remove the folders of demos that were killed: ours, and locked by nobody."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        found = [
            Path(each.path) for each in entries if each.name.startswith(PREFIX) and each.is_dir(follow_symlinks=False)
        ]
        for path in found:
            _sweep(path)


def _sweep(path: Path) -> None:
    with contextlib.suppress(OSError):
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            about = os.fstat(lock)
            if about.st_uid == os.geteuid() and stat.S_IMODE(about.st_mode) == 0o700:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(path)
        finally:
            os.close(lock)


def _made(env: Mapping[str, str]) -> tuple[Path, int]:
    for place in dict.fromkeys((env.get("TMPDIR", ""), *_PLACES)):
        if not place.startswith("/") or not _runs_programs(place):
            continue
        for _ in range(3):
            with contextlib.suppress(OSError):
                return _locked(Path(place) / f"{PREFIX}{os.urandom(6).hex()}")
    raise NoPlaceError("No folder for temporary files takes programs that may run. Set TMPDIR to one of yours.")


def _locked(path: Path) -> tuple[Path, int]:
    """Make a folder and lock it. Raises OSError, also when another demo's sweep was quicker."""
    path.mkdir(mode=0o700)
    path.chmod(0o700)  # whatever the umask
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(lock), path.stat()):
            raise FileNotFoundError(str(path))
    except BaseException:
        os.close(lock)
        raise
    return path.resolve(), lock


def _runs_programs(place: str) -> bool:
    """Say whether programs in a folder may run: the key helper is tried where it lies."""
    try:
        return not os.statvfs(place).f_flag & getattr(os, "ST_NOEXEC", 0)
    except OSError:
        return False


def _remove(path: Path) -> None:
    import shutil

    shutil.rmtree(path, ignore_errors=True)

"""Folders of our own for things that exist for a moment: nobody else may look in, and nothing of them stays."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from wizard.machine.model import Machine
from wizard.pattern import pattern

_NAME: Final = pattern(r"[a-z]+-(?P<pid>[1-9][0-9]*)-[0-9a-f]{8}")


@contextlib.contextmanager
def private_folder(machine: Machine, purpose: str) -> Iterator[Path]:
    """Make an empty 0700 folder below the wizard's state folder, and remove it with all that was put into it.

    Not in `/tmp`, which may be noexec. Parents made on the way go again too, when nothing else moved in. Raises
    OSError.
    """
    made = _make_missing(machine.state_dir)
    folder = machine.state_dir / f"{purpose}-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for each in made:
            with contextlib.suppress(OSError):
                each.rmdir()


def _make_missing(folder: Path) -> list[Path]:
    """Make a folder and its missing parents, each 0700, and return them innermost first."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700)
    return missing


def sweep_private_folders(state_dir: Path) -> None:
    """Remove the private folders of processes that were killed; one that a running process made stays."""
    for folder in state_dir.iterdir() if state_dir.is_dir() else ():
        found = _NAME.fullmatch(folder.name)
        if found and folder.is_dir() and not folder.is_symlink() and not is_running(int(found["pid"])):
            shutil.rmtree(folder, ignore_errors=True)


def is_running(pid: int) -> bool:
    """Say whether there is a process of this number; one that nobody may ask about counts as running."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True

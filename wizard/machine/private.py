"""Folders of our own for things that exist for a moment: nobody else may look in, and nothing of them stays."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from wizard.machine.model import Machine


@contextlib.contextmanager
def private_folder(machine: Machine, purpose: str) -> Iterator[Path]:
    """Make an empty 0700 folder below the wizard's state folder, and remove it with all that was put into it.

    Not in `/tmp`, which may be noexec. Parents made on the way go again too, when nothing else moved in. Raises
    OSError.
    """
    made = _make_missing(machine.state_dir)
    folder = machine.state_dir / f"{purpose}-{secrets.token_hex(4)}"
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

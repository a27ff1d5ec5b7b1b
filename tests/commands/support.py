"""What the tests of the commands share."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


def secrets_file(home: Path, key: str) -> None:
    """Put a key where the env-file backend looks first."""
    (home / ".secrets").mkdir(mode=0o700, exist_ok=True)
    file = home / ".secrets/litellm.env"
    file.touch(mode=0o600)
    file.write_text(f"LITELLM_API_KEY={key}\n")


def everything(home: Path) -> dict[Path, bytes]:
    """Return every file below a folder with its content."""
    return {each: each.read_bytes() for each in home.rglob("*") if each.is_file()}


def without_state(home: Path) -> dict[Path, bytes]:
    """Return every file below a home with its content, but for the wizard's own records."""
    state = home / ".local/state/claude-litellm-wizard"
    return {path: content for path, content in everything(home).items() if state not in path.parents}

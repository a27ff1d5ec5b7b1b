"""A user's computer for tests that don't look at a real one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from wizard.machine.model import Machine


def machine_at(home: Path, **changes: Any) -> Machine:
    """Return a Linux machine with nothing on it but a home folder; `changes` are fields of Machine."""
    fields: dict[str, Any] = {
        "home": home,
        "env": {"HOME": str(home), "PATH": "/usr/bin:/bin"},
        "platform": "linux",
        "wsl": False,
        "uid": os.geteuid(),
        "login_shell": "bash",
        "shells": (),
        "claude_dir": home / ".claude",
        "claude": None,
        "programs": {},
    }
    return Machine(**{**fields, **changes})

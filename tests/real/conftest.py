"""What the tests with real programs share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.real.litellm_proxy import Proxy


@pytest.fixture
def person(home: Path, litellm: Proxy) -> Path:
    """A home folder with Debian's start-up files and a secrets file; returns it."""
    for each in (".bashrc", ".profile"):
        shutil.copy(Path("/etc/skel") / each, home)
    (home / ".secrets").mkdir(mode=0o700)
    key = home / ".secrets/litellm.env"
    key.touch(mode=0o600)
    key.write_text(f"LITELLM_API_KEY={litellm.master_key}\n")
    return home

"""A dry run, seen from the kernel: nothing of the user's is opened for writing, and what it shows is what comes."""

from __future__ import annotations

import difflib
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.commands.support import ROOT, Run, secrets_file
from tests.programs import require
from tests.real.litellm_proxy import Proxy

CHANGING: Final = (
    *("open", "openat", "creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "unlink", "unlinkat"),
    *(
        "rmdir",
        "link",
        "linkat",
        "symlink",
        "symlinkat",
        "truncate",
        "chmod",
        "fchmodat",
        "chown",
        "lchown",
        "fchownat",
    ),
    *("mknod", "mknodat", "setxattr", "lsetxattr", "removexattr", "utimensat"),
)
OWN: Final = ".local/state/claude-litellm-wizard"
"""Where the helper is tried; nothing of the user's is there."""


def changing_calls(trace: str, home: Path) -> list[str]:
    """Return the calls that would change something below a home folder, but for the wizard's own folder."""
    found = []
    for line in trace.splitlines():
        call = re.search(r"\b([a-z0-9]+)\(", line)
        if call is None or str(home) not in line or "= -1 E" in line:
            continue
        if call[1] in ("open", "openat") and not re.search(r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND)", line):
            continue
        if not re.search(rf"{re.escape(str(home))}/(\.local(/state)?\"|{re.escape(OWN)})", line):
            found.append(line)
    return found


def apply_argv(url: str, *more: str) -> list[str]:
    return ["apply", "--server", url, "--key", "env-file", "--shell", "bash", *more]


def test_case_28_a_dry_run_opens_nothing_of_yours_for_writing(home: Path, tmp_path: Path, litellm: Proxy) -> None:
    (strace,) = require("strace")
    secrets_file(home, litellm.master_key)
    (home / ".bashrc").write_text("alias ll='ls -l'\n")
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}

    def traced(*words: str) -> list[str]:
        trace = tmp_path / f"trace-{len(words)}"
        argv: list[str | Path] = [strace, "-f", "-qq", "-s", "4096", "-e", f"trace={','.join(CHANGING)}", "-o", trace]
        done = subprocess.run(
            [*argv, sys.executable, "-m", "wizard", *words], env=env, cwd=home, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return changing_calls(trace.read_text(), home)

    assert traced(*apply_argv(litellm.url, "--dry-run")) == []
    assert traced(*apply_argv(litellm.url, "--yes")), "the control: the real run is seen"


def test_case_28_what_the_dry_run_shows_is_what_is_written(wizard: Run, home: Path, litellm: Proxy) -> None:
    secrets_file(home, litellm.master_key)
    (home / ".bashrc").write_text("alias ll='ls -l'\n")
    shown = wizard(*apply_argv(litellm.url, "--dry-run")).stdout
    files = [".bashrc", ".claude/settings.json", ".config/claude/setup-litellm.sh", "bin/refresh-litellm-key.sh"]
    before = {name: read(home / name) for name in files}
    assert wizard(*apply_argv(litellm.url, "--yes")).returncode == 0
    for name in files:
        changed = [line for line in difflib.unified_diff(before[name], read(home / name)) if line[0] in "+-"][2:]
        assert changed, name
        section = shown.partition(f"+++ ~/{name}")[2].partition("\n--- ")[0].splitlines()
        told = [line.strip() for line in section]
        assert [line for line in changed if line.strip() not in told] == [], name


def read(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []

"""The first run as a script does it: answers in a pipe, a real LiteLLM, and in the end an answer of Claude Code."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import Final

from tests.plain.support import converse
from tests.programs import CLAUDE, require
from tests.real.litellm_proxy import Proxy
from tests.real.sandbox import Sandbox

ROOT: Final = Path(__file__).parents[2]
_BUSY: Final = 240.0
"""Seconds that a busy machine may take."""


def test_from_the_first_question_to_an_answer_of_claude_code(sandbox: Sandbox, person: Path, litellm: Proxy) -> None:
    claude, bash = require(CLAUDE, "bash")
    sandbox.bring_in(litellm.port)
    said = {
        "Server URL": litellm.url,
        "Key backend": "env-file",
        "Send one tiny real message": "yes",
        "Write ": "yes",
        "Let Claude Code answer": "yes",
    }
    env = {"HOME": str(person), "PATH": f"{claude.parent}:/usr/bin:/bin", "LANG": "C.UTF-8", "SHELL": str(bash)}
    argv = sandbox.argv([sys.executable, "-m", "wizard", "--plain"])
    done = converse(argv, said, env={**env, "PYTHONPATH": str(ROOT)}, cwd=person)
    assert done.returncode == 0, done.stdout
    assert litellm.master_key not in done.stdout and "\x1b" not in done.stdout
    for told in ("The key works.", "message", litellm.answer, "It works.", "To undo: claude-litellm-wizard undo"):
        assert told in done.stdout, done.stdout
    assert "failed:" not in done.stdout
    assert stat.S_IMODE((person / "bin/refresh-litellm-key.sh").stat().st_mode) == 0o700
    assert not (person / ".local/state/claude-litellm-wizard/unfinished.toml").exists()
    again = sandbox.run(
        [bash, "-l", "-i", "-c", f"CLAUDE_CODE_MAX_RETRIES=0 '{claude}' -p 'say hi' </dev/null"],
        env={"HOME": str(person), "PATH": "/usr/bin:/bin", "TERM": "xterm"},
        cwd=person,
        limit=_BUSY,
    )
    assert (again.returncode, again.stdout.strip()) == (0, litellm.answer)

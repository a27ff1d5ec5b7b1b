"""A home folder that the wizard has set up, for the doctor to look at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.machines import machine_at
from wizard.answers import Answers, Gateway, Key, Write
from wizard.machine.leftovers import find_leftovers
from wizard.machine.model import Machine
from wizard.machine.settings_layers import settings_layers
from wizard.render.claude import settings_edits
from wizard.render.json_edit import edit
from wizard.verdict import Verdict

URL = "https://llm.corp.example:4000"
ANSWERS = Answers(
    gateway=Gateway(url=URL),
    key=Key("env-file").with_options("env-file", {"file": "~/.secrets/litellm.env", "variable": "LITELLM_API_KEY"}),
    write=Write(shells=("bash",)),
)


def write(path: Path, content: object) -> Path:
    """Write a file, JSON for what is no text, and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def written(home: Path, answers: Answers = ANSWERS) -> None:
    """Put settings.json there as the wizard writes it."""
    write(home / "bin/refresh-litellm-key.sh", "#!/bin/sh\n# written by claude-litellm-wizard\necho sk-good\n").chmod(
        0o700
    )
    edits = settings_edits(answers, machine_at(home), home / "bin/refresh-litellm-key.sh", 1_800_000)
    (home / ".claude").mkdir(exist_ok=True)
    (home / ".claude/settings.json").write_bytes(edit(None, edits))


def looked_at(home: Path, *, cwd: str = "work", env: Mapping[str, str] | None = None, **changes: Any) -> Machine:
    """Return the machine as a survey of this home folder sees it; system files are those below `home`/root."""
    variables = {"HOME": str(home), "PATH": "/usr/bin:/bin", **(env or {})}
    layers = settings_layers(home / ".claude", home / cwd, "linux", home / "root")
    leftovers = find_leftovers(variables, home, layers, root=home / "root")
    return machine_at(home, env=variables, layers=layers, leftovers=leftovers, **changes)


def told(verdicts: Any) -> list[tuple[str, str]]:
    """Return status and verdict of each, in order."""
    return [(each.status, each.verdict) for each in verdicts]


def only(verdicts: Any, verdict: str) -> Verdict:
    """Return the one verdict of this kind."""
    (found,) = [each for each in verdicts if each.verdict == verdict]
    assert isinstance(found, Verdict)
    return found

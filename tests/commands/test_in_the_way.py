"""What stands in the way of a write on the command line: refused with file, line and flags, and done on those."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.commands.support import Run, everything, secrets_file
from wizard.marks import BLOCK_END, SET_ASIDE

SERVER = ("--server", "https://llm.invalid:4000", "--key", "env-file", "--shell", "bash")
APPLY = ("apply", *SERVER, "--skip-checks", "--yes")


@pytest.fixture
def person(wizard: Run, home: Path) -> Path:
    """A home folder where the wizard has written once."""
    secrets_file(home, "sk-canary-1234567890")
    (home / ".bashrc").write_text("alias ll='ls -l'\nexport ANTHROPIC_MODEL=claude-x\n")
    (home / ".profile").write_text(". ~/.bashrc\n")
    assert "written" in wizard(*APPLY, "--json").stdout
    return home


def flags(refused: subprocess.CompletedProcess[str]) -> list[list[str]]:
    """Return the flags that a refusal names, as one can type them."""
    lines = (line.strip() for line in refused.stderr.splitlines())
    return [
        shlex.split(line.partition(": ")[0]) for line in lines if line.startswith(("--keep", "--merge", "--replace "))
    ]


def test_case_42_an_edited_file_is_refused_with_flags_that_work(wizard: Run, person: Path) -> None:
    helper = person / "bin/refresh-litellm-key.sh"
    ours = helper.read_text()
    helper.write_text(ours + "# mine\n")
    checked = wizard("check", "--only", "files", "--json")
    told = next(each for each in json.loads(checked.stdout)["checks"] if each["id"] == "files.edited")
    assert told["status"] == "warn" and "--keep" in told["fix"] and "+# mine" in told["facts"]["diff"]
    before = everything(person)
    refused = wizard(*APPLY)
    assert refused.returncode == 3 and "Nothing was written." in refused.stderr
    assert "~/bin/refresh-litellm-key.sh: It changed since this wizard wrote it." in refused.stderr
    assert everything(person) == before
    keep, replace = flags(refused)
    assert (keep, replace) == (["--keep", str(helper)], ["--replace", str(helper)])

    wizard(*APPLY, *keep)
    assert helper.read_text() == ours + "# mine\n"
    assert wizard(*APPLY).returncode != 3, "what was kept is asked about no more"
    wizard(*APPLY, *replace)
    assert helper.read_text() == ours, "until it is named to be replaced"


def test_case_41_broken_markers_are_refused_with_their_line_and_a_flag_that_mends_them(
    wizard: Run, person: Path
) -> None:
    rc = person / ".bashrc"
    rc.write_text(rc.read_text().replace(BLOCK_END, "echo mine"))
    refused = wizard(*APPLY, "--replace-existing")
    assert refused.returncode == 3
    assert "~/.bashrc:3: It begins our block, and no line after ends it." in refused.stderr
    merge, keep = flags(refused)
    theirs = rc.read_text()
    wizard(*APPLY, *keep)
    assert rc.read_text() == theirs
    wizard(*APPLY, *merge)
    assert "echo mine\n" in rc.read_text() and rc.read_text().count(BLOCK_END) == 1
    assert wizard("undo", "--yes").returncode == 0
    assert rc.read_text() == theirs


def test_case_31_old_lines_go_only_when_they_are_named(wizard: Run, person: Path) -> None:
    rc = person / ".bashrc"
    theirs = rc.read_text()
    told = wizard(*APPLY)
    assert rc.read_text() == theirs
    assert "--migrate '~/.bashrc:2': " in told.stderr
    unknown = wizard(*APPLY, "--migrate", "~/.bashrc:99")
    assert unknown.returncode == 2 and "~/.bashrc:2" in unknown.stderr
    assert rc.read_text() == theirs
    wizard(*APPLY, "--migrate", f"{person}/.bashrc:2")
    assert rc.read_text() == theirs.replace("export ANTHROPIC_MODEL", f"{SET_ASIDE}export ANTHROPIC_MODEL")
    assert wizard("undo", "--yes").returncode == 0
    assert rc.read_text() == theirs
    wizard(*APPLY, "--migrate")
    assert SET_ASIDE in rc.read_text()


def test_a_file_has_one_way(wizard: Run, person: Path) -> None:
    done = wizard(*APPLY, "--keep", "~/.bashrc", "--merge", str(person / ".bashrc"))
    assert done.returncode == 2 and "Choose one." in done.stderr

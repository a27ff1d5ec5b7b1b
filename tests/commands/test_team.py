"""`--answers` and `show --share` as scripts use them: what could do harm waits for a yes; nothing happens before."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.support import ROOT, Run, everything, secrets_file
from tests.real.litellm_proxy import free_port

GOOD = """version = 1
[gateway]
url = "{url}"
[key]
backend = "env-file"
[key.env-file]
file = "~/.secrets/litellm.env"
variable = "LITELLM_API_KEY"
[models]
opus = "m"
"""
HARMFUL = """version = 1
[gateway]
url = "https://llm.corp.example"
[key]
backend = "command"
[key.command]
preset = "custom"
command = "touch {home}/pwned; echo sk-1234567890abcdef"
[write]
helper = "~/.profile"
"""


def team_file(home: Path, text: str, **more: str) -> Path:
    path = home / "team.toml"
    path.write_text(text.format(home=home, **more) if "{" in text else text)
    return path


@pytest.mark.parametrize("words", [("apply",), ("apply", "--dry-run"), ("check",), ("check", "--only", "key")])
def test_a_harmful_file_is_listed_and_nothing_is_run_or_written(
    wizard: Run, home: Path, words: tuple[str, ...]
) -> None:
    file = team_file(home, HARMFUL)
    before = everything(home)
    done = wizard(*words, "--answers", file)
    assert done.returncode == 2 and "needs a yes of yours" in done.stderr
    for name in ("key.command.command = touch", "write.helper = ~/.profile"):
        assert name in done.stderr
    assert everything(home) == before and not (home / "pwned").exists()


def test_yes_stands_for_every_yes_to_a_local_file(wizard: Run, home: Path) -> None:
    """The control: what the file names really runs then."""
    file = team_file(home, HARMFUL)
    done = wizard("check", "--only", "key", "--answers", file, "--yes")
    assert done.returncode in (0, 1) and (home / "pwned").exists()


def test_naming_each_on_the_command_line_is_a_yes_too(wizard: Run, home: Path) -> None:
    file = team_file(home, HARMFUL.replace("touch {home}/pwned; ", ""))
    words = ["--set", "key.command.command=echo sk-1234567890abcdef", "--set", "write.helper=~/bin/mine.sh"]
    done = wizard("apply", "--answers", file, "--dry-run", "--skip-checks", *words)
    assert done.returncode == 0, done.stderr
    assert "~/bin/mine.sh: new" in done.stderr and "~/.profile: new, mode 0700" not in done.stderr


def test_a_no_on_the_terminal_ends_it(home: Path) -> None:
    file = team_file(home, HARMFUL)
    before = everything(home)
    main, side = pty.openpty()
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    argv = [sys.executable, "-m", "wizard", "apply", "--answers", str(file)]
    with subprocess.Popen(argv, env=env, cwd=home, stdin=side, stdout=side, stderr=side) as child:
        os.close(side)
        text = b""
        for answer in (b"y\n", b"n\n"):
            text += _until(main, b"Is that right? [y/N] ")
            os.write(main, answer)
        text += _rest(main)
        assert child.wait(60) == 3, text
    assert b"key.command.command = touch" in text and b"write.helper was not confirmed. Nothing was changed." in text
    assert everything(home) == before


def _until(terminal: int, text: bytes) -> bytes:
    seen = b""
    while not seen.endswith(text):
        seen += os.read(terminal, 1024)
    return seen


def _rest(terminal: int) -> bytes:
    seen = b""
    try:
        while chunk := os.read(terminal, 4096):
            seen += chunk
    except OSError:
        pass
    os.close(terminal)
    return seen


def test_a_key_goes_to_no_server_that_only_a_file_names(wizard: Run, home: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    secrets_file(home, "sk-canary-1234567890")
    file = team_file(home, GOOD, url=url)
    done = wizard("check", "--only", "key", "--answers", file, "--json")
    found = {each["id"]: each["status"] for each in json.loads(done.stdout)["checks"]}
    assert found["key.accepted"] == "skip" and "canary" not in done.stdout + done.stderr


def test_unknown_names_are_told_and_left_out(wizard: Run, home: Path) -> None:
    file = team_file(home, GOOD + "[extra]\nx = 1\n", url="https://llm.corp.example")
    done = wizard("apply", "--answers", file, "--dry-run", "--skip-checks", "--json")
    assert done.returncode == 0 and "does not know it: extra" in done.stderr


@pytest.mark.parametrize("url", ["http://127.0.0.1/team.toml", "https://127.0.0.1:1/team.toml"])
@pytest.mark.parametrize("words", [("apply", "--yes"), ("check",), ("--plain",)], ids=" ".join)
def test_a_url_that_gives_no_file_is_told(wizard: Run, home: Path, words: tuple[str, ...], url: str) -> None:
    if words == ("--plain",):
        env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
        argv = [sys.executable, "-m", "wizard", "--plain", "--answers", url]
        done = subprocess.run(argv, env=env, input="quit\n", capture_output=True, text=True, timeout=60, check=False)
    else:
        done = wizard(*words, "--answers", url)
    assert done.returncode == 2 and "take a file" in done.stderr and "Traceback" not in done.stderr


def test_lines_begin_with_a_team_file_too(home: Path) -> None:
    file = team_file(home, HARMFUL)
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "wizard", "--answers", str(file)]
    said = "no\nyes\nquit\n"
    done = subprocess.run(argv, env=env, cwd=home, input=said, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 130, done.stderr
    assert "key.command.command = touch" in done.stdout and "Server URL [https://llm.corp.example]" in done.stdout
    assert not (home / "pwned").exists()


@pytest.mark.parametrize("words", [("--plain", "apply"), ("--answers", "x", "show"), ("--demo", "--answers", "x")])
def test_flags_of_the_screens_go_with_no_command(wizard: Run, words: tuple[str, ...]) -> None:
    done = wizard(*words)
    assert done.returncode == 2 and "--answers" in done.stderr


def test_what_is_shared_comes_back_as_the_same_plan(wizard: Run, home: Path, tmp_path: Path) -> None:
    secrets_file(home, "sk-canary-1234567890")
    url = "https://llm.corp.example"
    set_up = wizard("apply", "--answers", team_file(home, GOOD, url=url), "--shell", "bash", "--skip-checks", "--yes")
    assert set_up.returncode in (0, 1), set_up.stderr
    shown = wizard("show", "--share")
    assert shown.returncode == 0 and str(home) not in shown.stdout and "canary" not in shown.stdout
    other = tmp_path / "other"
    other.mkdir()
    (other / "team.toml").write_text(shown.stdout)
    words = ("apply", "--dry-run", "--skip-checks", "--shell", "bash", "--json", "--answers")
    there = wizard(*words, other / "team.toml", HOME=str(other))
    here = json.loads(wizard("show", "--json").stdout)["files"]
    planned = json.loads(there.stdout)["changes"]
    assert [each["role"] for each in planned] == [each["role"] for each in here]
    assert [each["path"].replace(str(other), "~") for each in planned] == [
        each["path"].replace(str(home), "~") for each in here
    ]
    told = json.loads(wizard("show", "--share", "--json").stdout)
    assert told["left_out"] == ["write.shells"] and told["answers"]["gateway"]["url"] == url


def test_there_is_nothing_to_share_before_a_set_up(wizard: Run) -> None:
    done = wizard("show", "--share")
    assert done.returncode == 2 and "Nothing is set up yet" in done.stderr

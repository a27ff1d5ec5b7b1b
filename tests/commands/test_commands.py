"""The command line as scripts use it: exit codes, what goes to stdout, and what is never done without a yes."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands.support import ROOT, Run, everything, secrets_file
from tests.real.litellm_proxy import Proxy, free_port


@pytest.mark.parametrize("env", [{}, {"TERM": "xterm"}])
def test_case_87_without_a_terminal_the_screens_are_refused_before_textual(
    wizard: Run, home: Path, env: dict[str, str]
) -> None:
    done = wizard(**env)
    assert done.returncode == 2
    assert "apply" in done.stderr and done.stdout == ""
    assert everything(home) == {}


def test_the_version_is_told(wizard: Run) -> None:
    done = wizard("--version")
    assert (done.returncode, done.stdout) == (0, "claude-litellm-wizard 0.1.0\n")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["frobnicate"], 2, "invalid choice"),
        (["apply", "--serv", "https://x"], 2, "unrecognized"),
        (["apply", "--yes"], 2, "gateway.url"),
        (["apply", "--yes", "--server", "llm.example", "--key", "env-file"], 2, "https://"),
        (["apply", "--yes", "--server", "http://llm.example", "--key", "env-file"], 2, "allow_http"),
        (["apply", "--yes", "--server", "https://llm.example", "--key", "kerberos"], 2, "env-file"),
        (["apply", "--yes", "--set", "nonsense"], 2, "section.key=value"),
        (["apply", "--answers", "no-such-file"], 2, "no-such-file"),
        (["check"], 2, "Nothing is set up yet"),
        (["check", "--server", "https://"], 2, "--server"),
        (["check", "--server", "https://llm.example", "--only", "key"], 2, "without a key"),
        (["show"], 2, "Nothing is set up yet"),
        (["undo"], 3, "nothing to undo"),
    ],
)
def test_case_87_bad_use_gets_a_sentence_and_changes_nothing(
    wizard: Run, home: Path, words: list[str], code: int, says: str
) -> None:
    done = wizard(*words)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert everything(home) == {}


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"version = 9", b"[gateway", b"key = 3\nversion = 1"])
def test_case_85_a_damaged_answers_file_is_named(wizard: Run, home: Path, content: bytes) -> None:
    (home / "team.toml").write_bytes(content)
    done = wizard("apply", "--answers", "team.toml", "--yes")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and done.stderr.strip()


def applied(wizard: Run, url: str, *more: str) -> subprocess.CompletedProcess[str]:
    return wizard("apply", "--server", url, "--key", "env-file", "--shell", "bash", *more)


def test_a_dead_gateway_stops_before_anything_is_written_or_sent(wizard: Run, home: Path) -> None:
    secrets_file(home, "sk-canary-1234567890")
    before = everything(home)
    done = applied(wizard, f"http://127.0.0.1:{free_port()}", "--yes", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1 and not told["ok"] and not told["written"]
    found = {each["id"]: each for each in told["checks"]}
    assert found["gateway.connect"]["verdict"] == "refused" and found["gateway.connect"]["fix"]
    assert found["key.accepted"]["status"] == "skip"
    assert everything(home) == before
    assert "canary" not in done.stdout + done.stderr


def test_case_87_nobody_to_ask_is_no_yes(wizard: Run, home: Path, litellm: Proxy) -> None:
    secrets_file(home, litellm.master_key)
    before = everything(home)
    done = applied(wizard, litellm.url)
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert everything(home) == before


def test_case_28_a_dry_run_shows_the_diffs_and_writes_nothing(wizard: Run, home: Path, litellm: Proxy) -> None:
    secrets_file(home, litellm.master_key)
    before = everything(home)
    done = applied(wizard, litellm.url, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "+++ ~/.claude/settings.json" in done.stdout
    assert everything(home) == before
    assert litellm.master_key not in done.stdout + done.stderr


def test_from_apply_to_undo(wizard: Run, home: Path, litellm: Proxy) -> None:
    secrets_file(home, litellm.master_key)
    (home / ".bashrc").write_text("alias ll='ls -l'")
    before = everything(home)
    done = applied(wizard, litellm.url, "--yes", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {each["id"] for each in told["checks"]} >= {"gateway.routes", "key.accepted", "proof.bash", "proof.helper"}
    assert {each["status"] for each in told["checks"] if each["id"] == "proof.answer"} == {"skip"}
    assert stat.S_IMODE((home / "bin/refresh-litellm-key.sh").stat().st_mode) == 0o700

    shown = wizard("show", "--json")
    files = json.loads(shown.stdout)["files"]
    assert shown.returncode == 0 and {each["state"] for each in files} == {"unchanged"}

    checked = wizard("check", "--json")
    verdicts = json.loads(checked.stdout)
    assert {each["id"]: each["status"] for each in verdicts["checks"]}["files.written"] == "pass"

    (home / "bin/refresh-litellm-key.sh").write_text("#!/bin/sh\n")
    drifted = json.loads(wizard("check", "--only", "files", "--json").stdout)
    assert {each["id"]: each["status"] for each in drifted["checks"]}["files.written"] == "warn"
    (home / "bin/refresh-litellm-key.sh").unlink()
    again = applied(wizard, litellm.url, "--yes")
    assert again.returncode == 0, again.stderr

    for _ in range(2):
        assert wizard("undo").returncode == 0
    state = home / ".local/state/claude-litellm-wizard"
    left = {path: content for path, content in everything(home).items() if state not in path.parents}
    assert left == before
    everywhere = "".join(each.stdout + each.stderr for each in (done, shown, checked, again))
    assert litellm.master_key not in everywhere


def test_a_file_of_yours_in_the_way_needs_its_own_yes(wizard: Run, home: Path, litellm: Proxy) -> None:
    secrets_file(home, litellm.master_key)
    (home / "bin").mkdir()
    (home / "bin/refresh-litellm-key.sh").write_text("#!/bin/sh\necho mine\n")
    before = everything(home)
    refused = applied(wizard, litellm.url, "--yes")
    assert refused.returncode == 3
    assert "--replace-existing" in refused.stderr
    assert everything(home) == before
    assert applied(wizard, litellm.url, "--yes", "--replace-existing").returncode == 0


def test_skipped_checks_are_said(wizard: Run, home: Path) -> None:
    secrets_file(home, "sk-canary-1234567890")
    done = applied(wizard, f"http://127.0.0.1:{free_port()}", "--yes", "--skip-checks", "--json")
    told = json.loads(done.stdout)
    assert told["written"], done.stderr
    assert "not checked" in done.stderr
    assert not [each for each in told["checks"] if each["id"].startswith(("gateway.", "key."))]


def test_case_70_a_server_is_checked_without_a_key(wizard: Run, litellm: Proxy) -> None:
    done = wizard("check", "--server", litellm.url, "--json")
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 0 and told["ok"]
    assert {each["id"].split(".")[0] for each in told["checks"]} == {"gateway"}


def test_plain_rows_carry_a_word_and_the_fix(wizard: Run) -> None:
    done = wizard("check", "--server", f"http://127.0.0.1:{free_port()}", LANG="C", PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    rows = done.stdout.splitlines()
    assert any(row.startswith("x FAIL  connect ") and row.endswith("[refused]") for row in rows)
    assert any(row.strip().startswith("Fix: ") for row in rows)
    assert rows[0] == "Gateway" and "1 failed" in rows[-1]
    assert "\x1b" not in done.stdout


def test_case_48_a_killed_write_is_settled_before_the_next_one(wizard: Run, home: Path, litellm: Proxy) -> None:
    secrets_file(home, litellm.master_key)
    before = everything(home)
    killer = (
        "import os, signal, sys; real = os.replace; count = [0]\n"
        "def replace(*a, **k):\n"
        "    count[0] += 1\n"
        "    if count[0] == 4: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return real(*a, **k)\n"
        "os.replace = os.rename = replace; import wizard.cli; wizard.cli.main(sys.argv[1:])"
    )
    words = ["apply", "--server", litellm.url, "--key", "env-file", "--shell", "bash", "--yes", "--skip-checks"]
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", killer, *words], env=env, cwd=home, capture_output=True, timeout=60)
    state = home / ".local/state/claude-litellm-wizard"
    assert killed.returncode == -9
    assert (state / "journal.json").exists()
    done = applied(wizard, litellm.url, "--yes")
    assert done.returncode == 0, done.stderr
    assert "An earlier write was interrupted" in done.stderr
    assert not (state / "journal.json").exists()
    assert wizard("undo").returncode == 0
    assert {path: content for path, content in everything(home).items() if state not in path.parents} == before


def test_case_26_another_users_home_is_refused(wizard: Run, home: Path) -> None:
    done = wizard("apply", "--yes", SUDO_UID="1000") if os.geteuid() == 0 else wizard("apply", "--yes", HOME="/")
    assert done.returncode == 3
    assert everything(home) == {}

"""`store` and `private` as people and scripts run them: the key comes from a prompt or a pipe, never from arguments."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.commands.support import ROOT, everything
from tests.keys.real_keychain import RealKeychain, real_keychain
from tests.programs import require
from tests.terminals import type_at

KEY: Final = "sk-canary-command-0123456789"


def command(home: Path, *words: str, said: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    clean = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), **env}
    argv = [sys.executable, "-m", "wizard", *words]
    return subprocess.run(
        argv, env=clean, cwd=home, input=said, capture_output=True, text=True, timeout=60, check=False
    )


def holding(home: Path, text: str = KEY) -> set[str]:
    return {str(path.relative_to(home)) for path, content in everything(home).items() if text.encode() in content}


def test_a_key_from_a_pipe_is_stored_and_undone(home: Path) -> None:
    done = command(home, "store", "--key", "env-file", "--yes", said=f"{KEY}\n")
    assert (done.returncode, done.stdout) == (0, "~/.secrets/litellm.env holds the key now (mode 0600).\n")
    assert "To undo: claude-litellm-wizard undo" in done.stderr and "sk-…6789 (28 characters)" in done.stderr
    assert KEY not in done.stdout + done.stderr
    assert holding(home) == {".secrets/litellm.env"}
    shown = command(home, "undo", "--dry-run")
    assert "LITELLM_API_KEY=****" in shown.stdout and KEY not in shown.stdout + shown.stderr
    assert command(home, "undo").returncode == 0 and not holding(home)


def test_json_says_what_was_written_and_no_key(home: Path) -> None:
    done = command(home, "store", "--key", "env-file", "--yes", "--json", said=KEY)
    table = json.loads(done.stdout)
    assert table["written"] and table["receipt"]["files"][0]["role"] == "secrets" and KEY not in done.stdout
    again = json.loads(command(home, "store", "--key", "env-file", "--yes", "--json", said=KEY).stdout)
    assert not again["written"]


def test_where_it_goes_can_be_said(home: Path) -> None:
    given = ("--set", "key.env-file.file=~/a b.env", "--set", "key.env-file.variable=MINE")
    assert command(home, "store", "--key", "env-file", *given, "--yes", said=KEY).returncode == 0
    assert (home / "a b.env").read_text() == f"MINE={KEY}\n"


@pytest.mark.parametrize(
    ("words", "said", "code", "part"),
    [
        (("--yes",), KEY, 2, "Say where: --key keychain or --key env-file"),
        (("--key", "env-file"), KEY, 2, "Nobody is there to say yes. Add --yes"),
        (("--key", "env-file", "--yes"), "", 2, "There is no key yet"),
        (("--key", "env-file", "--yes"), "two canary words", 2, "position 4"),
        (("--key", "env-file", "--yes", "--set", "gateway.url=x"), KEY, 2, "answers of key.env-file only"),
        (("--key", "env-file", "--yes", "--set", "key.env-file.variable=a b"), KEY, 2, "Use letters"),
        (("--key", "env-file", "--yes", "--set", "key.env-file.file=~/"), KEY, 3, "Nothing was stored"),
        (("--key", "keychain", "--yes"), KEY, 3, "There is no keychain to ask here"),
        (("--key", "vault", "--yes"), KEY, 2, "invalid choice"),
    ],
)
def test_what_can_not_be_is_refused(home: Path, words: tuple[str, ...], said: str, code: int, part: str) -> None:
    done = command(home, "store", *words, said=said, XDG_RUNTIME_DIR="/no/such/folder")
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert part in done.stderr and "canary" not in done.stderr
    assert not holding(home)


def test_bytes_that_are_no_text_are_refused(home: Path) -> None:
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    words = ["store", "--key", "env-file", "--yes"]
    done = subprocess.run([sys.executable, "-m", "wizard", *words], env=env, input=b"sk-\xff\xfe", capture_output=True)
    assert done.returncode == 2 and b"position 4" in done.stderr and not everything(home)


def test_an_end_at_the_prompt_stores_nothing(home: Path) -> None:
    code, seen = at_terminal(home, "store", "--key", "env-file", answers=[("it is not shown", "\x04")])
    assert code == 2 and "There is no key yet" in seen and not everything(home)


def test_a_dry_run_stores_nothing(home: Path) -> None:
    done = command(home, "store", "--key", "env-file", "--dry-run", said=KEY)
    assert done.returncode == 0 and "Nothing was changed." in done.stderr and not everything(home)


def test_the_answers_say_where(home: Path) -> None:
    answers = home / ".config/claude-litellm-wizard/answers/default.toml"
    answers.parent.mkdir(parents=True)
    key = '[key]\nbackend = "env-file"\n[key.env-file]\nfile = "~/mine.env"\nvariable = "K"\n'
    answers.write_text(f'version = 1\n[gateway]\nurl = "https://llm.corp.example"\n{key}')
    assert command(home, "store", "--yes", said=KEY).returncode == 0
    assert (home / "mine.env").read_text() == f"K={KEY}\n"


# ── at a terminal ────────────────────────────────────────────────────────────────────────────────────────────────────


def at_terminal(home: Path, *words: str, answers: list[tuple[str, str]]) -> tuple[int, str]:
    """Run the command on a terminal of its own; type each answer once its question stands there."""
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    return type_at([sys.executable, "-m", "wizard", *words], answers, env=env, cwd=home)


def test_the_prompt_hides_the_key_and_asks_for_a_yes(home: Path) -> None:
    answers = [("it is not shown", f"{KEY}\n"), ("[y/N]", "y\n")]
    code, seen = at_terminal(home, "store", "--key", "env-file", answers=answers)
    assert code == 0 and "Write the key into ~/.secrets/litellm.env?" in seen
    assert KEY not in seen and holding(home) == {".secrets/litellm.env"}


def test_a_key_that_the_terminal_cuts_is_refused(home: Path) -> None:
    answers = [("it is not shown", f"{KEY * 200}\n")]
    code, seen = at_terminal(home, "store", "--key", "env-file", answers=answers)
    assert code == 2 and "through a pipe" in seen and "canary" not in seen and not everything(home)
    longest = KEY * 146
    answers = [("it is not shown", f"{longest}\n"), ("[y/N]", "y\n")]
    code, seen = at_terminal(home, "store", "--key", "env-file", answers=answers)
    assert code == 0 and "canary" not in seen and longest in (home / ".secrets/litellm.env").read_text()


def test_a_no_stores_nothing(home: Path) -> None:
    answers = [("it is not shown", f"{KEY}\n"), ("[y/N]", "\n")]
    code, seen = at_terminal(home, "store", "--key", "env-file", answers=answers)
    assert code == 3 and "Nothing was changed." in seen and not holding(home)


# ── the keychain ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def keychain() -> Iterator[RealKeychain]:
    with real_keychain() as chain:
        yield chain


def test_a_key_goes_into_a_real_keychain_and_out_again(home: Path, keychain: RealKeychain) -> None:
    env: dict[str, Any] = keychain.env
    given = ("--key", "keychain", "--set", "key.keychain.account=llm.corp.example", "--yes")
    done = command(home, "store", *given, said=KEY, **env)
    assert done.returncode == 0, done.stderr
    assert keychain.get("claude-litellm-wizard", "llm.corp.example") == KEY and not holding(home)
    assert "llm.corp.example" in command(home, "undo", "--list", **env).stdout
    assert "the key goes" in command(home, "undo", "--dry-run", **env).stdout
    assert command(home, "undo", **env).returncode == 0
    assert keychain.get("claude-litellm-wizard", "llm.corp.example") is None


def test_no_key_is_in_any_argument_or_environment(home: Path, keychain: RealKeychain) -> None:
    (strace,) = require("strace")
    trace = home.with_name(f"{home.name}.trace")
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), **keychain.env}
    argv = [strace, "-f", "-v", "-e", "trace=execve", "-s", "100000", "-o", str(trace), sys.executable, "-m", "wizard"]
    words = ["store", "--key", "keychain", "--yes"]
    done = subprocess.run([*map(str, argv), *words], env=env, input=KEY.encode(), capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    seen = trace.read_text()
    assert "keychain_child" in seen and KEY not in seen


# ── private ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_files_are_made_private_and_given_back(home: Path) -> None:
    path = home / "keys.env"
    path.write_text("A=1\n")
    path.chmod(0o644)
    dry = command(home, "private", "keys.env", "--dry-run")
    assert dry.returncode == 0 and "gets mode 0600 (now 0644)" in dry.stderr and mode(path) == 0o644
    assert command(home, "private", "keys.env").returncode == 2, "nobody says yes"
    assert command(home, "private", "keys.env", "--yes").stdout == "Only you can read ~/keys.env now (mode 0600).\n"
    assert mode(path) == 0o600
    assert command(home, "private", "keys.env").returncode == 0, "nothing to ask"
    assert command(home, "undo").returncode == 0 and mode(path) == 0o644
    assert command(home, "private", "none.env", "--yes").returncode == 3


def test_private_finds_what_the_answers_name(home: Path) -> None:
    answers = home / ".config/claude-litellm-wizard/answers/default.toml"
    answers.parent.mkdir(parents=True)
    key = '[key]\nbackend = "jwt"\n[key.jwt]\nsecret_file = "~/signing"\n'
    answers.write_text(f'version = 1\n[gateway]\nurl = "https://llm.corp.example"\n{key}')
    (home / "signing").write_text("secret")
    (home / "signing").chmod(0o640)
    code, seen = at_terminal(home, "private", answers=[("[y/N]", "yes\n")])
    assert code == 0 and "Make ~/signing private?" in seen and mode(home / "signing") == 0o600
    assert "Nobody else can read what your answers name: ~/signing" in command(home, "private").stderr

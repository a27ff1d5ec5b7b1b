"""The command without a capable terminal: plain lines where somebody can answer, a refusal where nobody can."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.commands.support import ROOT, everything
from tests.plain.support import converse
from tests.real.litellm_proxy import free_port

_LOADED: Final = (
    "import sys, wizard.cli as cli; code = cli.main(sys.argv[1:]); "
    "print(sorted({each.partition('.')[0] for each in sys.modules} & {'textual', 'rich'}), file=sys.stderr); "
    "sys.exit(code)"
)


def start(
    home: Path, *words: str, said: str | None = "", term: str = "xterm", python: Sequence[str] = ("-m", "wizard")
) -> subprocess.CompletedProcess[str]:
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), "TERM": term}
    argv = [sys.executable, *python, *words]
    return subprocess.run(argv, env=env, cwd=home, input=said, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("words", [(), ("--plain",)], ids=["no flag", "--plain"])
def test_case_87_piped_answers_are_taken_and_their_end_changes_nothing(home: Path, words: tuple[str, ...]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = start(home, *words, said=f"{url}\n\n\n")
    assert done.returncode == 2, done.stderr
    assert "Where is your LiteLLM server?" in done.stdout and f"Server URL: {url}\n" in done.stdout
    assert "✗ failed: connect" in done.stdout and done.stdout.rstrip().endswith("Nothing was changed.")
    assert everything(home) == {} or set(everything(home)) <= {unfinished(home)}


def unfinished(home: Path) -> Path:
    return home / ".local/state/claude-litellm-wizard/unfinished.toml"


@pytest.mark.parametrize("words", [(), ("--plain",)], ids=["no flag", "--plain"])
def test_case_87_nobody_there_is_refused_with_what_to_do(home: Path, words: tuple[str, ...]) -> None:
    done = start(home, *words)
    assert done.returncode == 2 and done.stdout == ""
    assert "Nobody answers here either" in done.stderr and "claude-litellm-wizard apply" in done.stderr
    assert everything(home) == {}


def test_a_closed_input_is_refused(home: Path) -> None:
    script = "import os, sys; os.close(0); os.execv(sys.executable, [sys.executable, '-m', 'wizard', *sys.argv[1:]])"
    done = start(home, "--plain", python=("-c", script))
    assert done.returncode == 2 and "Traceback" not in done.stderr and "apply" in done.stderr


def test_plain_lines_never_load_the_screens(home: Path) -> None:
    done = start(home, said="https://\nquit\n", python=("-c", _LOADED))
    assert done.returncode == 130 and done.stderr.rstrip().endswith("[]")


@pytest.mark.parametrize(("term", "words"), [("dumb", ()), ("", ()), ("xterm-256color", ("--plain",))])
def test_case_87_a_terminal_without_abilities_gets_plain_lines(home: Path, term: str, words: tuple[str, ...]) -> None:
    """In a real terminal: it shows what is typed, and ^C ends with the words of leaving."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(home)
        env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), "TERM": term}
        os.execve(sys.executable, [sys.executable, "-m", "wizard", *words], env)
    text = ""
    sent = False
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            break
        if not chunk:
            break
        text += chunk.decode("utf-8", "replace")
        if not sent and text.endswith("Server URL: "):
            os.write(terminal, b"\x03")
            sent = True
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 130, text
    assert "\x1b" not in text and text.rstrip().endswith("Nothing was changed.")


def test_a_pipe_that_stays_open_gets_the_first_question(home: Path) -> None:
    """As through ssh without a terminal: the question comes before any answer does."""
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "wizard"]
    with subprocess.Popen(argv, env=env, cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None and child.stdout is not None
        seen = b""
        while not seen.endswith(b"Server URL: "):
            piece = child.stdout.read(1)
            assert piece, seen
            seen += piece
        child.stdin.write(b"quit\n")
        child.stdin.close()
        assert b"Nothing was changed." in child.stdout.read()
        assert child.wait(60) == 130


def test_the_demo_is_taken_in_lines(home: Path) -> None:
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "wizard", "--demo", "--plain"]
    done = converse(argv, {"Write ": "yes"}, env=env, cwd=home)
    assert "Where is your LiteLLM server?" in done.stdout and "The key works." in done.stdout, done.stdout
    assert "These are the files you would have got:" in done.stdout and "not tried" in done.stdout
    assert done.returncode == 0 and everything(home) == {}


def test_a_killed_run_goes_on_where_it_was_and_confirms_its_server_anew(home: Path) -> None:
    """SIGKILL in the middle of the questions; the next start offers to go on, and starting over forgets."""
    url = f"http://127.0.0.1:{free_port()}"
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "wizard", "--plain"]
    with subprocess.Popen(argv, env=env, cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin and child.stdout
        child.stdin.write(f"{url}\n\n\nanyway\n".encode())
        child.stdin.flush()
        seen = b""
        while b"Key backend" not in seen:
            piece = child.stdout.read(1)
            assert piece, seen
            seen += piece
        child.kill()
    assert unfinished(home).stat().st_mode & 0o777 == 0o600
    again = start(home, "--plain", said="go on\nquit\n")
    assert "You stopped at Key today at" in again.stdout and url in again.stdout
    assert f"your credential may be sent to {url}" in again.stdout and "Health." in again.stdout
    assert "Server URL" not in again.stdout and again.returncode == 130
    over = start(home, "--plain", said="start over\nquit\n")
    assert "Server URL: quit" in over.stdout and everything(home) == {}
    assert "You stopped" not in start(home, "--plain", said="quit\n").stdout

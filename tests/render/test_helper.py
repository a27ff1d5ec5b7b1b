"""The frame of the key helper: what it demands of a key, of its session and of its environment."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.keys.helpers import GATEWAY, SHELLS, Ran, machine_with, options_of, run_helper, write_helper
from tests.programs import require
from wizard.answers import Answers, Gateway, Key, Write
from wizard.keys.backend import backend
from wizard.render.helper import KEY_LIMIT, render_helper

BARE = {"PATH": "/usr/bin:/bin"}


def frame(home: Path, body: str, url: str = GATEWAY, helper: str = "") -> str:
    key = Key().with_options("env-file", options_of("env-file"))
    answers = Answers(gateway=Gateway(url=url, allow_http=True), key=key, write=Write(helper=helper))
    return render_helper(backend("env-file"), body, answers, machine_with(home))


def prints(text: str) -> str:
    return f"read_key() {{ printf {text}; }}"


def run(home: Path, body: str, env: Mapping[str, str] = BARE, shell: str = "dash", url: str = GATEWAY) -> Ran:
    require(shell)
    return run_helper(frame(home, body, url), home, env, shell=SHELLS[shell])


def test_the_same_input_gives_the_same_bytes(home: Path) -> None:
    assert frame(home, prints("sk-1")) == frame(home, prints("sk-1"))


def test_the_header_says_what_it_is_how_to_test_it_and_how_to_remove_it(home: Path) -> None:
    head = frame(home, prints("sk-1")).splitlines()
    assert head[0] == "#!/bin/sh"
    assert "claude-litellm-wizard" in head[1]
    assert "# Test it:   ~/bin/refresh-litellm-key.sh >/dev/null && echo works" in head
    assert "# Remove it: claude-litellm-wizard undo" in head
    assert next(line for line in head if not line.startswith("#")).startswith("{ set +x")


def test_case_12_a_path_can_not_break_out_of_the_header(home: Path) -> None:
    with pytest.raises(ValueError, match="U\\+000A"):
        frame(home, prints("sk-1"), helper="~/bin/a\ntouch pwned")


@pytest.mark.parametrize("shell", SHELLS)
def test_case_32_it_prints_the_key_and_a_newline(home: Path, shell: str) -> None:
    assert run(home, prints("sk-good-1234"), shell=shell).key == "sk-good-1234"
    assert run(home, prints("'sk-good\\n\\n'"), shell=shell).key == "sk-good"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("key", ["a b", "a\\nb", "a\\tb", " a", "a\\r", "\\303\\251", "a\\033[0m", "a\\177"])
def test_case_19_it_refuses_what_is_no_key(home: Path, shell: str, key: str) -> None:
    refusal = run(home, prints(f"'{key}'"), shell=shell).refusal
    assert refusal == "The key holds a blank, a line break or another odd character. Store it anew, alone on one line."


@pytest.mark.parametrize("shell", SHELLS)
def test_case_19_it_refuses_nothing_and_too_much(home: Path, shell: str) -> None:
    assert run(home, "read_key() { :; }", shell=shell).refusal == "The key is empty. Store it anew."
    longest = prints(f"'%0{KEY_LIMIT}d' 0")
    assert len(run(home, longest, shell=shell).key) == KEY_LIMIT
    assert "too long" in run(home, prints(f"'%0{KEY_LIMIT + 1}d' 0"), shell=shell).refusal


@pytest.mark.parametrize("shell", SHELLS)
def test_case_32_a_failing_body_gives_its_reason_and_nothing_else(home: Path, shell: str) -> None:
    body = "read_key() { printf sk-half; fail 'The source is gone. Bring it back.'; }"
    assert run(home, body, shell=shell).refusal == "The source is gone. Bring it back."


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("variable", ["ANTHROPIC_BASE_URL", "ANTHROPIC_BEDROCK_BASE_URL"])
@pytest.mark.parametrize(
    "url",
    [
        "https://old.corp.example",
        f"{GATEWAY}1",
        f"{GATEWAY}@evil.example",
        f"{GATEWAY}?x",
        "http://llm.corp.example:4000",
    ],
)
def test_case_16_86_a_session_of_another_server_gets_one_sentence_and_no_key(
    home: Path, shell: str, variable: str, url: str
) -> None:
    refusal = run(home, prints("sk-1"), {**BARE, variable: url}, shell).refusal
    shown = "another server" if "@" in url else url
    assert refusal == f"Your gateway is {GATEWAY} now; this session still uses {shown}. Restart Claude Code."


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("url", ["", GATEWAY, f"{GATEWAY}/", f"{GATEWAY}/bedrock"])
def test_a_session_of_this_server_gets_the_key(home: Path, shell: str, url: str) -> None:
    env = {**BARE, "ANTHROPIC_BASE_URL": url, "ANTHROPIC_BEDROCK_BASE_URL": url}
    assert run(home, prints("sk-1"), env, shell).key == "sk-1"
    assert run(home, prints("sk-1"), env, shell, url=f"{GATEWAY}/behind/a/path").key == "sk-1"


def test_case_17_control_characters_of_another_url_never_reach_the_terminal(home: Path) -> None:
    refusal = run(home, prints("sk-1"), {**BARE, "ANTHROPIC_BASE_URL": "https://x\x1b]0;title\x07"}).refusal
    assert "another server" in refusal and "\x1b" not in refusal


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("option", ["-x", "-e", "-a", "-xv"])
def test_case_82_options_of_the_calling_shell_leak_nothing_and_change_nothing(
    home: Path, shell: str, option: str
) -> None:
    require(shell)
    (home / "kept").write_text("sk-canary-9")
    text = frame(home, f'read_key() {{ value=$(cat {home}/kept); printf %s "$value"; }}')
    path = write_helper(text, home)
    done = subprocess.run([*SHELLS[shell], option, path], env=BARE, capture_output=True, timeout=10, check=False)
    assert done.stdout == b"sk-canary-9\n"
    assert b"sk-canary-9" not in done.stderr


def test_case_82_tracing_would_leak_without_the_first_line(home: Path) -> None:
    """The control of the test above."""
    text = frame(home, prints("sk-canary-9")).replace("set +x +a +e", "set +a +e")
    done = subprocess.run(["dash", "-x", write_helper(text, home)], env=BARE, capture_output=True, check=False)
    assert b"sk-canary-9" in done.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_case_82_an_exported_name_does_not_hand_secrets_to_children(home: Path, shell: str) -> None:
    names = ("answer", "body", "inner", "key", "line", "plain", "rest", "secret", "token", "value")
    body = (
        "read_key() {\n"
        + "".join(f"  {name}=sk-canary-{name}\n" for name in names)
        + f"  env >{home}/seen\n  printf %s sk-1\n}}"
    )
    assert run(home, body, {**BARE, **dict.fromkeys(names, "exported")}, shell).key == "sk-1"
    assert "canary" not in (home / "seen").read_text()


@pytest.mark.parametrize("shell", SHELLS)
def test_case_82_it_needs_no_home_no_path_and_no_input(home: Path, shell: str) -> None:
    body = "read_key() { date >/dev/null || fail none; if read -r line; then fail 'read something'; fi; printf sk-1; }"
    program = str(require(shell)[0])
    path = write_helper(frame(home, body), home)
    done = subprocess.run(
        [program, *SHELLS[shell][1:], path], env={}, input=b"typed\n", capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"sk-1\n", b"")


def test_files_made_on_the_way_are_private(home: Path) -> None:
    assert run(home, f"read_key() {{ : >{home}/made; printf sk-1; }}").key == "sk-1"
    assert (home / "made").stat().st_mode & 0o777 == 0o600


def test_it_works_where_the_working_folder_is_gone(home: Path) -> None:
    gone = home / "gone"
    gone.mkdir()
    path = write_helper(frame(home, prints("sk-1")), home)
    command = f"cd {gone} && rmdir {gone} && exec dash {path}"
    done = subprocess.run(["/bin/sh", "-c", command], env=BARE, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"sk-1\n")

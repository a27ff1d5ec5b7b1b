"""Hostile answers and hostile home folders: refused, or written down as mere text that no shell ever runs."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tests.apply.support import furnish, in_memory, machine_of
from tests.keys.helpers import private_file
from tests.programs import require
from wizard.answers import Answers, assign, from_table
from wizard.apply.plan import make_plan
from wizard.apply.transaction import carry_out
from wizard.fields import AnswersError
from wizard.machine.model import Machine

KEY: Final = "sk-injection-0123456789"

TEXTS: Final = {
    "command substitution": "$(touch pwned)",
    "backtick": "`touch pwned`",
    "semicolon": "; touch pwned; ",
    "quote": "'; touch pwned; '",
    "double quote": '"; touch pwned; "',
    "backslash and quote": "\\'; touch pwned; echo \\'",
    "no blank": "$(>pwned)`>pwned`;>pwned;'>pwned",
    "pipe and and": "x| touch pwned && touch pwned",
}
BREAKS: Final = ("x\ntouch pwned\n", "x\rtouch pwned\r", "x\r\ntouch pwned", "touch pwned\x00")

BASES: Final[Mapping[str, dict[str, Any]]] = {
    "env-file": {"file": "~/keys.env", "variable": "K"},
    "vault": {"address": "http://127.0.0.1:9", "mount": "secret", "path": "litellm/key", "field": "api_key"},
    "jwt": {"algorithm": "HS256", "secret_file": "~/signing"},
}

PLACES: Final[Mapping[str, str]] = {
    "gateway.url": "https://llm.corp.example/{}",
    "gateway.ca_file": "~/{}.pem",
    "gateway.proxy": "http://proxy.corp.example/{}",
    "gateway.no_proxy": "{}",
    "gateway.aws_region": "{}",
    "models.opus": "{}",
    "write.helper": "~/bin/{}/key.sh",
    "write.setup_script": "~/.config/claude/{}.sh",
    "key.env-file.file": "~/{}.env",
    "key.env-file.variable": "{}",
    "key.vault.address": "https://vault.corp.example/{}",
    "key.vault.mount": "{}",
    "key.vault.path": "team/{}",
    "key.vault.field": "{}",
    "key.vault.namespace": "{}",
    "key.vault.ca_file": "~/{}.pem",
    "key.jwt.secret_file": "~/{}.secret",
    "key.jwt.kid": "{}",
    "key.jwt.claims.user": "{}",
}

STARTS: Final = (
    ("bash", "-i", "-c", ":"),
    ("bash", "-l", "-i", "-c", ":"),
    ("zsh", "-l", "-i", "-c", ":"),
    ("dash", "-c", ". ./.bashrc"),
    ("busybox", "sh", "-c", ". ./.bashrc"),
    ("fish", "-i", "-c", ":"),
)


def table_of(backend: str) -> dict[str, Any]:
    """Return answers with everything that can be answered well."""
    return {
        "gateway": {"url": "https://llm.corp.example:4000", "route": "bedrock"},
        "key": {"backend": backend, backend: dict(BASES[backend])},
        "write": {"shells": ["bash", "zsh", "fish"]},
    }


def hostile_answers(backend: str, text: str) -> tuple[Answers, list[str]]:
    """Return answers with a text in every place that takes it, and the names of these places."""
    table, taken = table_of(backend), []
    for place, form in PLACES.items():
        if place.startswith("key.") and not place.startswith(f"key.{backend}."):
            continue
        tried = assign(table, f"{place}={form.format(text)}")
        try:
            from_table(tried)
        except AnswersError as refused:
            assert [each.field for each in refused.problems if place.startswith(each.field)], (place, refused)
            continue
        table = tried
        taken.append(place)
    return from_table(table), taken


@pytest.fixture
def place() -> Iterator[Path]:
    with in_memory() as folder:
        furnish(folder)
        yield folder


def put_sources(answers: Answers, machine: Machine) -> None:
    """Put a key or a signing secret where the answers say it is."""
    for name, content in (("file", f"{answers.key.options.get('variable')}={KEY}\n"), ("secret_file", "s" * 64)):
        if where := answers.key.options.get(name):
            private_file(machine.expand(str(where)), content)


def start_everything(machine: Machine) -> list[str]:
    """Start each shell and the key helper as Claude Code does; return what the helper printed each time."""
    env = {"HOME": str(machine.home), "PATH": "/usr/bin:/bin", "TERM": "dumb", "LC_ALL": "C.UTF-8"}

    def run(*argv: str) -> subprocess.CompletedProcess[bytes]:
        (program,) = require(argv[0])
        return subprocess.run(
            [program, *argv[1:]], env=env, cwd=machine.home, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=30, check=False, start_new_session=True,
        )  # fmt: skip

    for argv in STARTS:
        run(*argv)
    stored = json.loads(machine.settings_file.read_bytes())["apiKeyHelper"]
    shells = (("dash",), ("bash", "--posix"), ("busybox", "sh"))
    return [run(*argv, "-c", stored).stdout.decode().strip() for argv in shells]


def pwned(home: Path) -> list[Path]:
    return [path for path in (*home.rglob("pwned"), Path("/pwned"), Path("pwned")) if os.path.lexists(path)]


@pytest.mark.parametrize("backend", BASES)
@pytest.mark.parametrize("text", TEXTS)
def test_case_12_a_hostile_answer_is_refused_or_inert(place: Path, text: str, backend: str) -> None:
    require("curl", "jq", "python3")
    answers, taken = hostile_answers(backend, TEXTS[text])
    assert len(taken) > 5 and ("models.opus" in taken) == (" " not in TEXTS[text]), taken
    machine = machine_of(place)
    put_sources(answers, machine)
    carry_out(make_plan(answers, machine), machine)
    printed = start_everything(machine)
    assert pwned(place) == []
    assert len(set(printed)) == 1 or backend == "jwt"
    assert printed[0] == {"env-file": KEY, "vault": ""}.get(backend, printed[0])
    assert backend != "jwt" or all(each.count(".") == 2 for each in printed)


@pytest.mark.parametrize("backend", BASES)
@pytest.mark.parametrize("text", BREAKS, ids=repr)
def test_case_12_a_line_break_is_refused_everywhere(text: str, backend: str) -> None:
    assert hostile_answers(backend, text)[1] == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("command substitution", 'export V="{}"\n'),
        ("backtick", "export V={}\n"),
        ("semicolon", "export V={}\n"),
        ("quote", "export V='{}'\n"),
    ],
)
def test_case_12_the_control_that_quotes_badly(place: Path, text: str, line: str) -> None:
    answers, _ = hostile_answers("env-file", "plain")
    machine = machine_of(place)
    put_sources(answers, machine)
    carry_out(make_plan(answers, machine), machine)
    start_everything(machine)
    assert pwned(place) == []
    with (place / ".zshrc").open("a") as rc:
        rc.write(line.format(TEXTS[text]))
    start_everything(machine)
    assert pwned(place)


@pytest.mark.parametrize(
    "name", ["with blank", "it's", 'a"b', "ключ é 日", "-n", "$(touch pwned)", "a\\b", "a;touch pwned"]
)
def test_case_13_the_helper_is_found_in_any_home(place: Path, name: str) -> None:
    home = place / name
    home.mkdir()
    furnish(home)
    machine = machine_of(home)
    answers = from_table(table_of("env-file"))
    put_sources(answers, machine)
    carry_out(make_plan(answers, machine), machine)
    assert start_everything(machine) == [KEY] * 3
    assert pwned(place) == []
    helper = home / "bin/refresh-litellm-key.sh"
    assert stat.S_IMODE(helper.stat().st_mode) == 0o700

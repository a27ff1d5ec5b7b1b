"""Secrets files: read as data, alike by the wizard and by the helper."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.keys.helpers import SHELLS, Ran, helper_text, machine_with, options_of, private_file, run_helper
from tests.programs import require
from wizard.fields import read_table
from wizard.keys.backend import backend
from wizard.keys.env_file import BACKEND, MalformedError, names, read_variable
from wizard.keys.parts import is_key
from wizard.verdict import Verdict

BARE = {"PATH": "/usr/bin:/bin"}

READ: Final[Mapping[str, str | None]] = {
    "K=sk-1": "sk-1",
    "K=sk-1\n": "sk-1",
    "K=sk-1\r\n": "sk-1",
    "export K=sk-1": "sk-1",
    "  export\tK = sk-1  ": "sk-1",
    "K='sk-1'": "sk-1",
    'K="sk-1"': "sk-1",
    "K='sk-1' # mine": "sk-1",
    "K=sk-1 # mine": "sk-1",
    "K=sk#1": "sk#1",
    "K=sk-1\t#mine": "sk-1",
    "K=# nothing": "",
    "K=": "",
    "K=''": "",
    "K=a\nK=b": "b",
    "#K=a": None,
    "K2=a\nxK=b\nk=c": None,
    "": None,
    "K": None,
    "export K": None,
    "\ufeffK=sk-1": "sk-1",
    "K=$HOME": "$HOME",
    'K="$(touch pwned)"': "$(touch pwned)",
    "K='a\\'": "a\\",
    'K="a\\"': "a\\",
    "set -e; K=a": None,
    "J='\nK=sk-1\n'": "sk-1",
}
MALFORMED: Final = ("K='sk-1", 'K="sk-1', "K='sk-1'x", "K='sk\"1", "K='a'b'")


@pytest.mark.parametrize("content", READ)
def test_case_83_the_wizard_reads_lines_as_text(content: str) -> None:
    raw = read_variable(content.encode(), "K")
    assert (raw if raw is None else raw.decode()) == READ[content]


@pytest.mark.parametrize("content", MALFORMED)
def test_quotes_that_do_not_match_are_malformed(content: str) -> None:
    with pytest.raises(MalformedError):
        read_variable(content.encode(), "K")


def test_names_are_listed_without_values() -> None:
    assert names(b"export A=1\n# B=2\nC='x'\nA=3\nnot a line") == ("A", "C")


def by_helper(home: Path, content: bytes, shell: str = "dash", variable: str = "K") -> Ran:
    private_file(home / "keys.env", content)
    text = helper_text("env-file", options_of("env-file", file="~/keys.env", variable=variable), machine_with(home))
    return run_helper(text, home, BARE, shell=SHELLS[shell])


def agree(home: Path, content: bytes, shell: str) -> None:
    """Fail unless wizard and helper read the same from a file, or refuse it for the same reason."""
    ran = by_helper(home, content, shell)
    try:
        value = read_variable(content, "K")
    except MalformedError:
        assert "quotes around K don't match" in ran.refusal
        return
    if value is None:
        assert "does not set K" in ran.refusal
    elif not value:
        assert "to nothing" in ran.refusal
    elif is_key(value.decode("latin-1")):
        assert ran.key.encode() == value
    else:
        assert "odd character" in ran.refusal


@pytest.mark.parametrize("shell", SHELLS)
def test_case_83_the_helper_reads_the_same(home: Path, shell: str) -> None:
    require(shell)
    for content in (*READ, *MALFORMED):
        agree(home, content.encode(), shell)
    assert not (home / "pwned").exists()


_PIECES: Final = [
    *(b"K", b"=", b"'", b'"', b" ", b"\t", b"#", b"export", b"export ", b"\n", b"\r\n", b"\r", b"\\", b"$", b"`", b"*"),
    *(
        b"sk-1",
        b"K=",
        b"K='",
        b"\xef\xbb\xbf",
        b"\xc3\xa9",
        b"\xff",
        b"J=1\n",
        b"-n",
        b"%s",
        b"\x0b",
        b"?[a]",
        b"\nK=sk-2",
    ),
]


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.sampled_from(_PIECES), max_size=14))
def test_case_83_the_helper_reads_any_file_as_the_wizard_does(home: Path, shell: str, pieces: list[bytes]) -> None:
    require(shell)
    agree(home, b"".join(pieces), shell)


def test_a_thousand_hostile_keys_arrive_exactly(home: Path) -> None:
    chance = random.Random(11)
    graphic = [chr(code) for code in range(0x21, 0x7F)]
    keys = ["".join(chance.choices(graphic, k=chance.randint(1, 60))) for _ in range(1000)]
    keys = [key for key in keys if "'" not in key]
    lines = "".join(f"K{number}='{key}'\n" for number, key in enumerate(keys))
    assert [read_variable(lines.encode(), f"K{number}") for number in range(len(keys))] == [k.encode() for k in keys]
    for number in range(0, len(keys), 50):
        assert by_helper(home, lines.encode(), variable=f"K{number}").key == keys[number]


@pytest.mark.parametrize("name", ["it's mine.env", "$(touch pwned)", "-n", "a;b", "é 日", "\\'; touch pwned; echo \\'"])
def test_case_12_a_hostile_file_name_is_only_a_name(home: Path, name: str) -> None:
    private_file(home / name, b"K=sk-1\n")
    text = helper_text("env-file", options_of("env-file", file=f"~/{name}", variable="K"), machine_with(home))
    assert run_helper(text, home, BARE).key == "sk-1"
    assert not (home / "pwned").exists()


@pytest.mark.parametrize("variable", ["K;x", "1K", "K-1", "$(id)", "É", "a b"])
def test_case_12_a_variable_has_to_be_a_name(variable: str) -> None:
    _, problems = read_table(BACKEND.fields, {"file": "~/x", "variable": variable}, "key.env-file")
    assert [each.field for each in problems] == ["key.env-file.variable"]
    assert "Use letters" in problems[0].text


def test_the_defaults_are_the_usual_places() -> None:
    assert options_of("env-file") == {
        "file": "~/.secrets/litellm.env",
        "variable": "LITELLM_API_KEY",
        "encryption": "none",
    }


def test_the_helper_says_what_is_missing(home: Path) -> None:
    text = helper_text("env-file", options_of("env-file", file="~/none.env", variable="K"), machine_with(home))
    assert run_helper(text, home, BARE).refusal == "~/none.env does not exist. Create it with a line K=..."
    (home / "none.env").mkdir()
    assert "does not exist" in run_helper(text, home, BARE).refusal


async def examined(home: Path, **options: object) -> dict[str, Verdict]:
    seen: list[Verdict] = []
    answers = options_of("env-file", file="~/keys.env", variable="K", **options)
    await backend("env-file").examine(answers, machine_with(home), seen.append)
    assert [each.id for each in seen] == [check for check, _ in BACKEND.examinations(answers)]
    return {each.id: each for each in seen}


@pytest.mark.parametrize(
    ("content", "mode", "file", "variable"),
    [
        (b"K=sk-12345", 0o600, "file-good", "variable-good"),
        (b"K=sk-12345", 0o400, "file-good", "variable-good"),
        (b"K=sk-12345", 0o644, "file-wide", "variable-good"),
        (b"K=sk-12345", 0o620, "file-wide", "variable-good"),
        (b"J=1", 0o600, "file-good", "variable-missing"),
        (b"K=", 0o600, "file-good", "variable-empty"),
        (b"K='a", 0o600, "file-good", "variable-malformed"),
        (b"K=sk 1", 0o600, "file-good", "variable-not-a-key"),
        (b"K=sk\xff1", 0o600, "file-good", "variable-not-a-key"),
    ],
)
async def test_the_source_is_examined(home: Path, content: bytes, mode: int, file: str, variable: str) -> None:
    private_file(home / "keys.env", content, mode)
    found = await examined(home)
    assert [each.verdict for each in found.values()] == [file, variable]
    assert "sk-12345" not in repr(found)
    for each in found.values():
        assert (each.status == "pass") == (not each.fix)


async def test_case_83_a_wide_mode_is_told_with_its_fix(home: Path) -> None:
    private_file(home / "keys.env", b"K=sk-1", 0o644)
    found = (await examined(home))["key.source.file"]
    assert (found.status, found.fix) == ("warn", "Run: chmod 600 ~/keys.env")
    assert found.facts["mode"] == "0644"


async def test_a_missing_file_leaves_the_variable_untried(home: Path) -> None:
    found = await examined(home)
    assert [each.verdict for each in found.values()] == ["file-missing", "not-tried"]
    (home / "keys.env").mkdir()
    assert (await examined(home))["key.source.file"].verdict == "file-unreadable"

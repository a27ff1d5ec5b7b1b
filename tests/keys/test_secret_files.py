"""A key is put into the text of a secrets file and read back the same; every other byte stays."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.keys.helpers import helper_text, machine_with, options_of, private_file, run_helper
from wizard.keys.env_file import BOM, MalformedError, read_variable
from wizard.keys.pasted import LONGEST, NoKey, read_pasted
from wizard.keys.secret_files import CantHold, last_line, put_variable, take_back
from wizard.secret import Secret

NEW: Final = Secret("sk-new")

CASES: Final = {
    b"": b"K=sk-new\n",
    b"J=1\n": b"J=1\nK=sk-new\n",
    b"J=1": b"J=1\nK=sk-new\n",
    b"J=1\r\nL=2\r\n": b"J=1\r\nL=2\r\nK=sk-new\r\n",
    b"\xef\xbb\xbf": b"\xef\xbb\xbfK=sk-new\n",
    b"\xef\xbb\xbfK=old\n": b"\xef\xbb\xbfK=sk-new\n",
    b"K=old": b"K=sk-new",
    b"export K=old\n": b"export K=sk-new\n",
    b"  export\tK = 'old' # mine\r\nJ=2\r\n": b"  export\tK = sk-new # mine\r\nJ=2\r\n",
    b'K="old"\t#mine\n': b"K=sk-new\t#mine\n",
    b"K=old # mine\n": b"K=sk-new # mine\n",
    b"K=\n": b"K=sk-new\n",
    b"K='old\nJ=1\n": b"K=sk-new\nJ=1\n",
    b"K=a\nJ=1\nK=b\n": b"K=a\nJ=1\nK=sk-new\n",
    b"#K=a\nK2=b\n": b"#K=a\nK2=b\nK=sk-new\n",
}


@pytest.mark.parametrize("before", CASES)
def test_one_line_changes(before: bytes) -> None:
    assert put_variable(before, "K", NEW) == CASES[before]
    assert put_variable(CASES[before], "K", NEW) == CASES[before]


def test_a_new_file_holds_one_line() -> None:
    assert put_variable(None, "LITELLM_API_KEY", NEW) == b"LITELLM_API_KEY=sk-new\n"


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("sk-1+/=@:.,%_", b"K=sk-1+/=@:.,%_\n"),
        ("a$b", b"K='a$b'\n"),
        ("a'b", b'K="a\'b"\n'),
        ("#a", b"K='#a'\n"),
        ("a'\"b", b"K=a'\"b\n"),
    ],
)
def test_a_key_is_quoted_where_a_shell_would_change_it(key: str, line: bytes) -> None:
    assert put_variable(None, "K", Secret(key)) == line
    assert read_variable(line, "K") == key.encode()


def test_what_no_line_can_hold_is_refused_without_repeating_it() -> None:
    with pytest.raises(CantHold) as refused:
        put_variable(None, "K", Secret("'a\"b-canary"))
    assert "canary" not in str(refused.value)
    with pytest.raises(CantHold, match="no text file"):
        put_variable(b"\0\1", "K", NEW)


_KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)
_PIECES: Final = [
    b"K",
    b"=",
    b"'",
    b'"',
    b" ",
    b"\t",
    b"#",
    b"export ",
    b"\n",
    b"\r\n",
    b"\xef\xbb\xbf",
    b"\xff",
    b"J=1\n",
]


@settings(max_examples=300)
@given(pieces=st.lists(st.sampled_from([*_PIECES, b"K=old\n"]), max_size=12), key=_KEYS)
def test_it_is_read_back_from_any_file_and_taken_out_again(pieces: list[bytes], key: str) -> None:
    before = b"".join(pieces)
    try:
        after = put_variable(before, "K", Secret(key))
    except CantHold:
        assert "'" in key and '"' in key
        return
    assert read_variable(after, "K") == key.encode()
    assert others(after) == others(before)
    back = take_back(after, before, "K")
    if last_line(before, "K") is not None:
        assert back == before
    else:
        assert others(back or b"") == others(before)


def others(text: bytes) -> list[bytes]:
    """Return the lines that set no K, without their endings and the mark at the very beginning."""
    at = last_line(text, "K")
    text = text.removeprefix(BOM)
    return [line.rstrip(b"\r") for place, line in enumerate(text.split(b"\n")) if place != at and line.rstrip(b"\r")]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=_KEYS)
def test_helper_and_shell_read_it_the_same(home: Path, key: str) -> None:
    try:
        text = put_variable(b"# keys\n", "K", Secret(key))
    except CantHold:
        return
    private_file(home / "keys.env", text)
    helper = helper_text("env-file", options_of("env-file", file="~/keys.env", variable="K"), machine_with(home))
    assert run_helper(helper, home, {"PATH": "/usr/bin:/bin"}).key == key
    if not ("'" in key and '"' in key):
        done = subprocess.run(
            ["sh", "-c", '. ./keys.env; printf %s "$K"'], cwd=home, capture_output=True, text=True, check=False
        )
        changes = any(each in key for each in "$`\\") and "'" in key  # what no shell reads as we do
        assert done.stdout == key or changes


def test_taking_back_keeps_what_others_wrote() -> None:
    assert take_back(b"K=sk-new\nJ=2\n", b"K=old\n", "K") == b"K=old\nJ=2\n"
    assert take_back(b"K=sk-new\nJ=2\n", None, "K") == b"J=2\n"
    assert take_back(b"K=sk-new\n", None, "K") is None
    assert take_back(b"K=sk-new\n", b"", "K") == b""
    assert take_back(None, b"K=old\n", "K") is None


def test_what_is_read_is_never_malformed() -> None:
    with pytest.raises(MalformedError):
        read_variable(b"K='a", "K")
    assert read_variable(put_variable(b"K='a", "K", NEW), "K") == b"sk-new"


# ── what was pasted ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("pasted", ["sk-1", "sk-1\n", "sk-1\r\n", "  sk-1\t\n\n"])
def test_blanks_around_a_pasted_key_do_not_count(pasted: str) -> None:
    assert read_pasted(pasted) == Secret("sk-1")


@pytest.mark.parametrize(
    ("pasted", "part"),
    [
        ("", "no key yet"),
        (" \n", "no key yet"),
        ("sk-canary 1", "position 10"),
        ("sk-canary\nsk-2", "position 10"),
        ("sk-canaryé", "position 10"),
        ("'sk-canary'", "quotes"),
        ("canary" * LONGEST, "too long"),
    ],
)
def test_what_is_no_key_is_refused_without_repeating_it(pasted: str, part: str) -> None:
    with pytest.raises(NoKey, match=part) as refused:
        read_pasted(pasted)
    assert "canary" not in str(refused.value)

"""Claims of signed tokens: the registered ones, free ones of any JSON type, and variables filled in at each run."""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.keys.helpers import SHELLS, Ran, helper_text, machine_with, options_of, private_file, run_helper
from tests.machines import machine_at
from tests.programs import require
from wizard.fields import read_table, unsafe
from wizard.keys.jwt_claims import VALUE_LIMIT
from wizard.keys.jwt_signers import choose_signer
from wizard.keys.signed_jwt import BACKEND

BARE: Final = {"PATH": "/usr/bin:/bin"}
SECRET: Final = "a-shared-secret-of-32-bytes-0123"


def helper(home: Path, program: str = "python3", **given: object) -> str:
    """Return a helper with these answers that signs with HS256."""
    private_file(home / "signing", SECRET)
    return helper_text("jwt", options_of("jwt", secret_file="~/signing", **given), machine_with(home, program))


def claims_of(token: str) -> dict[str, Any]:
    """Return a token's claims, verified by PyJWT, without those of the time."""
    claims: dict[str, Any] = jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_aud": False})
    return {name: value for name, value in claims.items() if name not in ("iat", "exp")}


def ran(text: str, home: Path, shell: str = "dash", **env: str) -> Ran:
    return run_helper(text, home, {**BARE, **env}, shell=SHELLS[shell])


@pytest.mark.parametrize("program", ["python3", "jwt"])
def test_the_registered_claims_arrive(home: Path, program: str) -> None:
    given: dict[str, Any] = {"iss": "https://me.example", "sub": "$USER", "aud": ["litellm"], "nbf": True, "jti": True}
    text = helper(home, program, claims={"team": "x"}, **given)
    tokens = [ran(text, home, USER="ada").key for _ in range(2)]
    first, second = map(claims_of, tokens)
    issued = jwt.decode(tokens[0], options={"verify_signature": False})["iat"]
    assert first.pop("nbf") == issued <= time.time()
    ids = [first.pop("jti"), second.pop("jti")]
    assert ids[0] != ids[1] and all(len(each) == 32 and int(each, 16) for each in ids)
    assert first == {"iss": "https://me.example", "sub": "ada", "aud": "litellm", "team": "x"}


def test_several_audiences_are_a_list_and_nothing_is_there_unasked(home: Path) -> None:
    assert claims_of(ran(helper(home, aud="a,b"), home).key) == {"aud": ["a", "b"]}
    assert claims_of(ran(helper(home), home).key) == {}


HOSTILE: Final = (
    'it\'s "quoted"',
    "$(touch pwned)",
    "`touch pwned`",
    "back\\slash \\n \\u0041 \\",
    '";touch pwned;"',
    "${USER} $USER $$",
    "日本 é \U0001f600",
    "%s %d -e -n",
    " leading and trailing ",
    "*?[a-z]~",
    '\\"' * 40,
    "=,{}[]:",
)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("program", ["python3", "jwt"])
def test_hostile_values_of_variables_arrive_exactly(home: Path, program: str, shell: str) -> None:
    claims = {f"c{place}": f"<$V{place}>${{V{place}}}" for place in range(len(HOSTILE))}
    env = {f"V{place}": value for place, value in enumerate(HOSTILE)}
    found = claims_of(ran(helper(home, program, claims=claims), home, shell, **env).key)
    assert found == {f"c{place}": f"<{value}>{value}" for place, value in enumerate(HOSTILE)}
    assert not (home / "pwned").exists() and not Path("/pwned").exists()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("program", ["python3", "jwt"])
def test_hostile_claims_arrive_exactly(home: Path, program: str, shell: str) -> None:
    """Wherever they stand: in each claim, as a name, in lists and in tables."""
    written = [value.replace("$", "$$") for value in HOSTILE]
    claims = {**dict(zip(HOSTILE, written, strict=True)), "list": written, "table": {"x": {HOSTILE[0]: written}}}
    kept = list(HOSTILE)
    wanted = {**dict(zip(HOSTILE, HOSTILE, strict=True)), "list": kept, "table": {"x": {HOSTILE[0]: kept}}}
    for value, plain in zip(written, HOSTILE, strict=True):
        text = helper(home, program, iss=value, sub=value, aud=[value, "b"], claims=claims)
        found = claims_of(ran(text, home, shell).key)
        assert found == {"iss": plain, "sub": plain, "aud": [plain, "b"], **wanted}
        if shell != "dash":
            break
    assert not (home / "pwned").exists() and not Path("/pwned").exists()


_SAFE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(lambda text: not unsafe(text))


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=9, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(_SAFE, min_size=40, max_size=40))
def test_any_text_arrives_from_the_answers_and_from_a_variable(home: Path, values: list[str], shell: str) -> None:
    """A thousand texts, forty to a token: as they are with each dollar sign doubled, and as a variable's value."""
    claims = {f"c{place}": f"{value.replace('$', '$$')}|$V{place}" for place, value in enumerate(values)}
    env = {f"V{place}": value for place, value in enumerate(values)}
    found = claims_of(ran(helper(home, claims=claims), home, shell, **env).key)
    assert found == {f"c{place}": f"{value}|{value}" for place, value in enumerate(values)}


@pytest.mark.parametrize("value", ["$", "a$", "$1", "$ x", "$(id)", "${", "${a-b}", "${}", "$-", "costs 5$ or $5"])
def test_other_dollar_signs_stand_for_themselves(home: Path, value: str) -> None:
    assert claims_of(ran(helper(home, claims={"x": value}), home).key) == {"x": value}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("value", "part"),
    [
        (None, "A claim of the token uses TEAM, which is not set. Export it before you start Claude Code."),
        ("", "TEAM, which is not set"),
        ("a\nb", "control character"),
        ("a\tb", "control character"),
        ("a\x1b[31m", "control character"),
        ("a\x7f", "control character"),
        ("a" * (VALUE_LIMIT + 1), "too long"),
        ("caf\udce9", "not UTF-8"),
    ],
)
def test_a_variable_that_can_not_be_used_is_said(home: Path, shell: str, value: str | None, part: str) -> None:
    env = {} if value is None else {"TEAM": value}
    refusal = ran(helper(home, claims={"team": "${TEAM}x"}), home, shell, **env).refusal
    assert part in refusal and "TEAM" in refusal and ". " in refusal


def test_the_longest_value_is_escaped_in_time(home: Path) -> None:
    value = '"\\' * (VALUE_LIMIT // 2)
    assert claims_of(ran(helper(home, claims={"x": "$TEAM"}), home, TEAM=value).key) == {"x": value}


def test_the_user_is_known_without_a_variable(home: Path) -> None:
    text = helper(home, sub="$USER")
    assert claims_of(ran(text, home).key) == {"sub": getpass.getuser()}
    assert claims_of(ran(text, home, USER="").key) == {"sub": getpass.getuser()}


@pytest.mark.parametrize("field", ["iss", "sub", "aud", "claims"])
@pytest.mark.parametrize("text", ["$user", "${now}", "x$claims", "$_"])
def test_names_that_the_helper_uses_itself_are_refused(field: str, text: str) -> None:
    given: dict[str, object] = {"secret_file": "x", field: {"a": [{"b": text}]} if field == "claims" else text}
    _, problems = read_table(BACKEND.fields, given, "key.jwt")
    assert [each.field for each in problems] == [f"key.jwt.{field}"] and "$$" in problems[0].text


@pytest.mark.parametrize(
    ("given", "twice"),
    [
        ({"iss": "a", "claims": {"iss": "b"}}, "iss"),
        ({"nbf": True, "claims": {"nbf": 5}}, "nbf"),
        ({"jti": True, "claims": {"jti": "x"}}, "jti"),
        ({"aud": ["a"], "claims": {"aud": "x"}}, "aud"),
    ],
)
def test_a_claim_given_twice_is_a_problem(given: Mapping[str, Any], twice: str) -> None:
    values, problems = read_table(BACKEND.fields, {"secret_file": "x", **given}, "key.jwt")
    assert not problems
    (problem,) = BACKEND.validate(values, "key.jwt")
    assert problem.field == "key.jwt.claims" and problem.text.startswith(twice)


def test_claims_that_have_a_field_may_stand_among_the_others(home: Path) -> None:
    """As in answers from before they had fields of their own."""
    claims = {"iss": "a", "aud": ["b"], "nbf": 5, "jti": "x", "sub": "s"}
    assert claims_of(ran(helper(home, claims=claims), home).key) == claims


def test_the_variables_of_claims_are_told_as_needs_of_the_shell(home: Path) -> None:
    options = options_of("jwt", secret_file="x", sub="$USER", iss="$TEAM", claims={"a": ["$TEAM", {"b": "${UNIT}"}]})
    assert BACKEND.shell_needs(options, machine_at(home)) == ("TEAM", "UNIT")


def test_jwt_cli_signs_only_numbers_that_it_keeps(home: Path) -> None:
    """It rounds long fractions and whole numbers of more than 64 bits; Python takes them all."""
    kept = {"a": [0.5, 1.25e-7, 1e20, -3.0, 123456789.12345], "b": {"c": 2**64 - 1, "d": -(2**63)}}
    assert claims_of(ran(helper(home, "jwt", claims=kept), home).key) == kept
    machine = machine_with(home, "jwt", "python3")
    assert choose_signer("HS256", machine_with(home, "jwt"), kept)[0] == "jwt"
    for number in (0.1 + 0.2, 1e-30, 2**64, -(2**63) - 1):
        with pytest.raises(Exception, match="Nothing on this machine can sign"):
            choose_signer("HS256", machine_with(home, "jwt"), {"x": [{"y": number}]})
        assert choose_signer("HS256", machine, {"x": number})[0] == "python3"
        assert claims_of(ran(helper(home, claims={"x": number}), home).key) == {"x": number}


def test_the_payload_is_json_of_the_usual_kind(home: Path) -> None:
    token = ran(helper(home, sub="$USER", claims={"on": True, "no": [], "t": {}}), home, USER="ada").key
    payload = jwt.utils.base64url_decode(token.split(".")[1]).decode()
    assert payload.startswith('{"sub":"ada","on":true,"no":[],"t":{},"iat":')
    assert list(json.loads(payload)) == ["sub", "on", "no", "t", "iat", "exp"]


def test_no_iconv_is_no_hindrance(home: Path) -> None:
    require("dash")
    text = helper(home, sub="$TEAM").replace("command -v iconv", "false")
    assert claims_of(ran(text, home, TEAM="é").key) == {"sub": "é"}

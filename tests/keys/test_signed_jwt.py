"""Signed tokens: every algorithm by every program of the table, verified by an independent library."""

from __future__ import annotations

import json
import subprocess
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import joserfc.jwt
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.errors import SecurityWarning
from joserfc.jwk import import_key

from tests.keys.helpers import (
    SHELLS,
    helper_text,
    machine_with,
    options_of,
    private_file,
    private_key,
    run_helper,
    write_helper,
)
from tests.machines import machine_at
from tests.programs import require
from wizard.fields import read_table
from wizard.keys.backend import NoProgramError, backend
from wizard.keys.jwt_signers import SIGNERS, choose_signer
from wizard.keys.signed_jwt import BACKEND
from wizard.verdict import Verdict

BARE: Final = {"PATH": "/usr/bin:/bin"}
SECRET: Final = "a-shared-secret-of-64-bytes-" + "0123456789ab" * 3
CLAIMS: Final[Mapping[str, Any]] = {
    "user": "ada",
    "team": 'it\'s $(touch pwned) $1 ${a-b}  "quoted" \\ é 日本',
    "aud": ["litellm", "other"],
    "admin": False,
    "level": 3,
    "ratio": 0.5,
    "nested": {"a": {"b": [1, "x"]}},
}
TABLE: Final = [(algorithm, program) for algorithm, programs in SIGNERS.items() for program in programs]

_KEYS: dict[str, str] = {}
_KINDS: Final[Mapping[str, Any]] = {"HS": "oct", "RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


def signing_key(algorithm: str) -> str:
    """Return the secret or private key used for an algorithm throughout these tests."""
    if algorithm.startswith("HS"):
        return SECRET
    kind = "RSA" if algorithm.startswith(("RS", "PS")) else algorithm
    return _KEYS.setdefault(kind, private_key(algorithm))


def verified(token: str, algorithm: str, key: str = "") -> dict[str, Any]:
    """Return the claims of a token, verified by PyJWT and by Authlib's joserfc."""
    key = key or signing_key(algorithm)
    known: Any = key
    if not algorithm.startswith("HS"):
        known = load_pem_private_key(key.encode(), None).public_key()
    claims: dict[str, Any] = jwt.decode(token, known, algorithms=[algorithm], options={"verify_aud": False})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # RFC 9864 has another name for EdDSA than gateways know
        again = joserfc.jwt.decode(token, import_key(key, _KINDS[algorithm[:2]]), algorithms=[algorithm])
    assert again.claims == claims
    return claims


def asked(algorithm: str, *, file: str = "", variable: str = "", **more: object) -> dict[str, Any]:
    """Return the options of a set-up with the secret in a file or a variable."""
    kind = "secret" if algorithm.startswith("HS") else "private_key"
    source = {f"{kind}_file": file} if file else {f"{kind}_env": variable}
    return options_of("jwt", algorithm=algorithm, **source, **more)


@pytest.mark.parametrize(
    ("algorithm", "program", "place", "shell"),
    [
        (algorithm, program, place, shell)
        for algorithm, program in TABLE
        for place in ("file", "environment")
        for shell in SHELLS
        if (place, shell) == ("file", "dash") or algorithm in ("HS256", "RS256", "PS256", "ES256", "EdDSA")
    ],
)
def test_case_83_every_token_is_verified_by_another_library(
    home: Path, algorithm: str, program: str, place: str, shell: str
) -> None:
    require(shell)
    key = signing_key(algorithm)
    private_file(home / "signing", key)
    source = {"file": "~/signing"} if place == "file" else {"variable": "SIGNING_KEY"}
    options = asked(algorithm, **source, claims=CLAIMS, lifetime_seconds=900, kid="key 7'")
    env = {**BARE, "SIGNING_KEY": key} if place == "environment" else BARE
    started = int(time.time())
    token = run_helper(helper_text("jwt", options, machine_with(home, program)), home, env, shell=SHELLS[shell]).key
    claims = verified(token, algorithm)
    issued, expires = claims.pop("iat"), claims.pop("exp")
    assert claims == CLAIMS
    assert started <= issued <= time.time()
    assert expires - issued == 900
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["typ"], header["kid"]) == (algorithm, "JWT", "key 7'")
    assert not (home / "pwned").exists()


def test_a_wrong_key_is_noticed(home: Path) -> None:
    """The control of the tests above: PyJWT refuses a token of another secret."""
    private_file(home / "signing", "another-secret-" * 5)
    token = run_helper(
        helper_text("jwt", asked("HS256", file="~/signing"), machine_with(home, "python3")), home, BARE
    ).key
    with pytest.raises(jwt.InvalidSignatureError):
        verified(token, "HS256")


@pytest.mark.parametrize("program", SIGNERS["HS256"])
@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n", "\r\r\n"])
@pytest.mark.parametrize(
    "secret", [SECRET, 'it\'s \\n "x" $(touch pwned) %s -- é' * 2, "-leading" * 6, "@at" * 20, "b64:" * 9]
)
def test_programs_agree_on_what_the_secret_is(home: Path, program: str, ending: str, secret: str) -> None:
    private_file(home / "signing", secret + ending)
    machine = machine_with(home, program)
    token = run_helper(helper_text("jwt", asked("HS256", file="~/signing"), machine), home, BARE).key
    assert verified(token, "HS256", secret)
    env = {**BARE, "SIGNING_KEY": secret + ending}
    token = run_helper(helper_text("jwt", asked("HS256", variable="SIGNING_KEY"), machine), home, env).key
    assert verified(token, "HS256", secret)


def test_python_takes_a_secret_of_any_bytes(home: Path) -> None:
    secret = bytes(range(256))
    private_file(home / "signing", secret)
    token = run_helper(
        helper_text("jwt", asked("HS512", file="~/signing"), machine_with(home, "python3")), home, BARE
    ).key
    assert jwt.decode(token, secret, algorithms=["HS512"])


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_key_in_one_line_with_escaped_line_breaks_works_from_a_variable(home: Path, algorithm: str) -> None:
    env = {**BARE, "SIGNING_KEY": signing_key(algorithm).strip().replace("\n", "\\n")}
    options = asked(algorithm, variable="SIGNING_KEY")
    assert verified(run_helper(helper_text("jwt", options, machine_with(home, "openssl")), home, env).key, algorithm)


@pytest.mark.parametrize("algorithm", ["ES256", "ES384"])
def test_short_numbers_in_a_signature_are_padded(home: Path, algorithm: str) -> None:
    """One signature in 128 has a number with a leading zero byte, which DER leaves out."""
    private_file(home / "signing", signing_key(algorithm))
    text = helper_text("jwt", asked(algorithm, file="~/signing"), machine_with(home, "openssl"))
    zeros = "00" * (int(algorithm[2:]) // 8 - 1) + "05"
    double = home / "openssl"
    double.write_text(
        "#!/bin/sh\n"
        'case $1 in asn1parse) printf "    2:d=1  hl=2 l=   1 prim: INTEGER           :05\\n" ;'
        ' printf "    5:d=1  hl=2 l=   1 prim: INTEGER           :05\\n" ;; *) exec /usr/bin/openssl "$@" ;; esac\n'
    )
    double.chmod(0o755)
    token = run_helper(text.replace(str(require("openssl")[0]), str(double)), home, BARE).key
    signature = jwt.utils.base64url_decode(token.rpartition(".")[2])
    assert signature.hex() == zeros + zeros


_JSON = st.recursive(
    st.none().map(lambda _: True)
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(claims=st.dictionaries(st.text(min_size=1), _JSON, max_size=4))
def test_any_claims_arrive_exactly(home: Path, claims: dict[str, Any]) -> None:
    private_file(home / "signing", SECRET)
    value, problems = read_table(BACKEND.fields, {"secret_file": "~/signing", "claims": claims}, "key.jwt")
    if problems:
        text = problems[0].text
        assert "U+" in text or set(claims) & {"iat", "exp"}
        return
    token = run_helper(helper_text("jwt", value, machine_with(home, "python3")), home, BARE).key
    payload = json.loads(jwt.utils.base64url_decode(token.split(".")[1]))
    assert {name: claim for name, claim in payload.items() if name not in ("iat", "exp")} == claims


@pytest.mark.parametrize(
    "claims", [{"iat": 1}, {"exp": 1}, {"x": float("nan")}, {"x": float("inf")}, {"": 1}, {"x": None}]
)
def test_claims_that_can_not_be_are_refused(claims: dict[str, Any]) -> None:
    _, problems = read_table(BACKEND.fields, {"secret_file": "x", "claims": claims}, "key.jwt")
    assert [each.field for each in problems] == ["key.jwt.claims"]


def test_dates_of_toml_are_refused_as_claims() -> None:
    import tomllib

    claims = tomllib.loads("since = 2026-11-23")
    _, problems = read_table(BACKEND.fields, {"secret_file": "x", "claims": claims}, "key.jwt")
    assert "can't be written as JSON" in problems[0].text


@pytest.mark.parametrize(
    ("given", "field", "part"),
    [
        ({}, "key.jwt.secret_file", "HS256 needs it"),
        ({"secret_file": "a", "secret_env": "B"}, "key.jwt.secret_env", "Keep one"),
        ({"algorithm": "RS256", "secret_file": "a"}, "key.jwt.private_key_file", "RS256 needs it"),
        (
            {"algorithm": "ES384", "private_key_file": "a", "private_key_env": "B"},
            "key.jwt.private_key_env",
            "Keep one",
        ),
    ],
)
def test_exactly_one_place_of_the_secret_is_needed(given: dict[str, Any], field: str, part: str) -> None:
    values, problems = read_table(BACKEND.fields, given, "key.jwt")
    assert not problems
    (problem,) = BACKEND.validate(values, "key.jwt")
    assert problem.field == field and part in problem.text


@pytest.mark.parametrize("variable", ["token", "file", "1A", "A B", "A;B", "$(id)"])
def test_names_the_helper_can_not_read_are_refused(variable: str) -> None:
    _, problems = read_table(BACKEND.fields, {"secret_env": variable}, "key.jwt")
    assert [each.field for each in problems] == ["key.jwt.secret_env"]


def test_no_program_is_said_with_what_to_install(home: Path) -> None:
    for algorithm, missing in (("HS256", "python3"), ("RS256", "openssl"), ("ES384", "openssl")):
        with pytest.raises(NoProgramError, match=f"Install {missing}"):
            helper_text("jwt", asked(algorithm, file="~/x"), machine_at(home))


def test_openssl_never_signs_hs_and_python_never_rs(home: Path) -> None:
    with pytest.raises(NoProgramError):
        choose_signer("HS256", machine_with(home, "openssl"))
    with pytest.raises(NoProgramError):
        choose_signer("RS256", machine_with(home, "python3"))


@pytest.mark.parametrize("place", ["/usr/bin/jwt", "/usr/local/bin/jwt", "/home/ada/go/bin/jwt"])
def test_a_jwt_program_of_unknown_make_is_not_used(home: Path, place: str) -> None:
    with pytest.raises(NoProgramError):
        choose_signer("HS256", machine_at(home, programs={"jwt": Path(place)}))
    assert choose_signer("HS256", machine_at(home, programs={"jwt": home / ".cargo/bin/jwt"}))[0] == "jwt"


def test_a_moved_program_is_found_again_on_path(home: Path) -> None:
    private_file(home / "signing", SECRET)
    machine = machine_at(home, programs={"python3": home / "gone/python3"})
    text = helper_text("jwt", asked("HS256", file="~/signing"), machine)
    assert verified(run_helper(text, home, BARE).key, "HS256")
    empty = home / "empty"
    empty.mkdir()
    nowhere = text.replace("/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", str(empty))
    refusal = run_helper(nowhere, home, {"PATH": str(empty)}, shell=(str(require("dash")[0]),)).refusal
    assert "python3" in refusal and "Install it again" in refusal


@pytest.mark.parametrize(
    ("algorithm", "program"), [("HS256", "python3"), ("HS256", "jwt"), ("RS256", "openssl"), ("ES256", "openssl")]
)
def test_case_83_a_missing_or_empty_secret_is_said(home: Path, algorithm: str, program: str) -> None:
    machine = machine_with(home, program)
    text = helper_text("jwt", asked(algorithm, file="~/signing"), machine)
    assert "does not exist" in run_helper(text, home, BARE).refusal
    private_file(home / "signing", "\n")
    assert "~/signing" in run_helper(text, home, BARE).refusal
    text = helper_text("jwt", asked(algorithm, variable="SIGNING_KEY"), machine)
    for env in (BARE, {**BARE, "SIGNING_KEY": ""}):
        expected = "SIGNING_KEY is not set. Export it before you start Claude Code."
        assert run_helper(text, home, env).refusal == expected


@pytest.mark.parametrize(
    ("algorithm", "program"),
    [(name, program) for name in ("RS256", "PS256", "ES256", "EdDSA") for program in ("openssl", "jwt")],
)
@pytest.mark.parametrize("place", ["file", "environment"])
def test_a_key_that_can_not_be_used_is_said(home: Path, algorithm: str, program: str, place: str) -> None:
    made = load_pem_private_key(signing_key(algorithm).encode(), None)
    locked = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pass")).decode()
    another = signing_key("ES384" if algorithm != "ES384" else "RS256")
    temporary = home / "tmp"
    temporary.mkdir()
    for content in ("no key at all\n", locked, another):
        private_file(home / "signing", content)
        source = {"file": "~/signing"} if place == "file" else {"variable": "SIGNING_KEY"}
        text = helper_text("jwt", asked(algorithm, **source), machine_with(home, program))
        refusal = run_helper(text, home, {**BARE, "SIGNING_KEY": content, "TMPDIR": str(temporary)}).refusal
        assert f"{program} can't sign" in refusal and algorithm.upper() in refusal.upper()
    assert not list(temporary.iterdir())


@pytest.mark.parametrize(
    ("algorithm", "program"), [("EdDSA", "openssl"), ("EdDSA", "jwt"), ("RS256", "jwt"), ("PS512", "jwt")]
)
@pytest.mark.parametrize("shell", SHELLS)
def test_what_a_program_needs_in_a_file_is_no_secret_and_goes_again(
    home: Path, algorithm: str, program: str, shell: str
) -> None:
    """strace shows every file opened for writing; none of them gets a line of the private key."""
    strace, interpreter = require("strace", shell)
    key = private_file(home / "signing", signing_key(algorithm))
    text = helper_text("jwt", asked(algorithm, file="~/signing"), machine_with(home, program, "timeout"))
    helper = write_helper(text, home)
    temporary = home / "tmp"
    temporary.mkdir()
    argv: list[str | Path] = [
        strace,
        "-f",
        "-y",
        "-s",
        "100000",
        "-e",
        "trace=write,openat,symlink,symlinkat",
        "-o",
        home / "trace",
    ]
    env = {**BARE, "TMPDIR": str(temporary)}
    subprocess.run([*argv, interpreter, *SHELLS[shell][1:], helper], env=env, check=True, capture_output=True)
    assert not list(temporary.iterdir())
    lines = [line for line in (home / "trace").read_text().splitlines() if str(temporary) in line]
    assert lines and all(", 0600) = " in line for line in lines if "O_CREAT" in line and "O_EXCL" in line)
    secret = key.read_text().splitlines()[1]
    assert secret in (home / "trace").read_text(), "the control: the key is written to pipes"
    assert not [line for line in lines if secret in line]


@pytest.mark.parametrize(
    ("algorithm", "program", "watch"),
    [
        ("HS256", "python3", "timeout"),
        ("HS256", "python3", "sh"),
        ("HS256", "jwt", "timeout"),
        ("PS256", "openssl", "timeout"),
        ("ES256", "openssl", "sh"),
        ("EdDSA", "openssl", "timeout"),
        ("EdDSA", "jwt", "sh"),
    ],
)
def test_a_program_that_hangs_is_ended(home: Path, algorithm: str, program: str, watch: str) -> None:
    private_file(home / "signing", signing_key(algorithm))
    double = private_file(home / ".cargo/bin" / program, "#!/bin/sh\nexec sleep 60\n", 0o700)
    watches = {"timeout": require("timeout")[0]} if watch == "timeout" else {}
    machine = machine_at(home, programs={program: double, **watches})
    refusal = run_helper(helper_text("jwt", asked(algorithm, file="~/signing"), machine), home, BARE).refusal
    assert refusal.startswith(f"The program {program}, which signs the key, did not end in time. Run it by hand ")


@pytest.mark.parametrize(("algorithm", "program"), [("HS256", "python3"), ("RS256", "openssl"), ("ES256", "openssl")])
def test_a_program_that_is_slow_has_its_time(home: Path, algorithm: str, program: str) -> None:
    private_file(home / "signing", signing_key(algorithm))
    real = machine_with(home, program).programs[program]
    double = private_file(home / "slow" / program, f'#!/bin/sh\nsleep 0.5\nexec {real} "$@"\n', 0o700)
    for more in ({}, {"timeout": require("timeout")[0]}):
        machine = machine_at(home, programs={program: double, **more})
        token = run_helper(helper_text("jwt", asked(algorithm, file="~/signing"), machine), home, BARE).key
        assert verified(token, algorithm)


def test_a_key_of_a_longer_curve_is_refused_by_the_helper(home: Path) -> None:
    private_file(home / "signing", signing_key("ES384"))
    text = helper_text("jwt", asked("ES256", file="~/signing"), machine_with(home, "openssl"))
    assert "fits ES256" in run_helper(text, home, BARE).refusal


async def examined(home: Path, options: Mapping[str, Any], *programs: str, **env: str) -> list[Verdict]:
    seen: list[Verdict] = []
    machine = machine_with(home, *programs, env={**BARE, "HOME": str(home), **env})
    await backend("jwt").examine(options, machine, seen.append)
    assert [each.id for each in seen] == [check for check, _ in BACKEND.examinations(options)]
    assert SECRET not in repr(seen) and "PRIVATE" not in repr(seen)
    return seen


@pytest.mark.parametrize(
    ("algorithm", "content", "mode", "verdict"),
    [
        ("HS256", SECRET, 0o600, "file-good"),
        ("HS256", SECRET, 0o640, "file-wide"),
        ("HS256", "short\n", 0o600, "signing-secret-short"),
        ("HS256", "\r\n", 0o600, "signing-secret-empty"),
        ("RS256", "RS256", 0o600, "file-good"),
        ("RS512", "RS256", 0o644, "file-wide"),
        ("RS256", "ES256", 0o600, "signing-key-wrong"),
        ("ES256", "ES256", 0o600, "file-good"),
        ("ES384", "ES384", 0o600, "file-good"),
        ("ES384", "ES256", 0o600, "signing-key-wrong"),
        ("ES256", "RS256", 0o600, "signing-key-wrong"),
        ("ES256", "nonsense", 0o600, "signing-key-unreadable"),
        ("PS256", "RS256", 0o600, "file-good"),
        ("PS512", "EdDSA", 0o600, "signing-key-wrong"),
        ("EdDSA", "EdDSA", 0o600, "file-good"),
        ("EdDSA", "RS256", 0o600, "signing-key-wrong"),
    ],
)
async def test_case_83_the_secret_is_examined(
    home: Path, algorithm: str, content: str, mode: int, verdict: str
) -> None:
    text = signing_key(content) if content in SIGNERS else content
    private_file(home / "signing", text, mode)
    source, signer = await examined(home, asked(algorithm, file="~/signing"), "python3", "openssl")
    assert source.verdict == verdict
    assert (signer.verdict, signer.facts["algorithm"]) == ("signer-good", algorithm)


async def test_a_secret_in_the_environment_is_examined(home: Path) -> None:
    options = asked("HS256", variable="SIGNING_KEY")
    source, _ = await examined(home, options, "python3")
    assert (source.verdict, source.status) == ("environment-missing", "fail")
    source, _ = await examined(home, options, "python3", SIGNING_KEY=SECRET)
    assert source.verdict == "environment-good"
    source, _ = await examined(home, options, "python3", SIGNING_KEY="x")
    assert source.verdict == "signing-secret-short"
    key = signing_key("ES256").strip().replace("\n", "\\n")
    source, _ = await examined(home, asked("ES256", variable="SIGNING_KEY"), "openssl", SIGNING_KEY=key)
    assert source.verdict == "environment-good"


async def test_a_missing_file_and_a_missing_program_are_both_said(home: Path) -> None:
    source, signer = await examined(home, asked("RS256", file="~/none"))
    assert (source.verdict, signer.verdict) == ("file-missing", "signer-missing")
    assert signer.fix == "Install openssl."


def test_what_others_ask_the_backend(home: Path) -> None:
    options = asked("HS256", variable="SIGNING_KEY", lifetime_seconds=900)
    machine = machine_at(home, env={"USER": "ada", "JWT_SECRET": SECRET})
    assert BACKEND.life_seconds(options) == 900
    assert BACKEND.shell_needs(options, machine) == ("SIGNING_KEY",)
    assert BACKEND.shell_needs(asked("HS256", file="~/x"), machine) == ()
    assert BACKEND.origin(options) == ""
    assert BACKEND.prefill(machine) == {
        "secret_from": "environment",
        "secret_env": "JWT_SECRET",
        "claims": {"user": "ada"},
    }


def test_the_notes_say_what_litellm_takes() -> None:
    symmetric = " ".join(BACKEND.notes(asked("HS256", file="x")))
    assert "takes only RS, PS, ES and EdDSA" in symmetric and "enterprise licence" in symmetric
    assert "HS256 fits gateways with a custom auth" in symmetric
    assert "403" in " ".join(BACKEND.notes(asked("RS256", file="x")))

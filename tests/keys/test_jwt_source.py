"""Signing secrets and private keys that another key backend keeps: the same token as from a file."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tests.keys.helpers import SHELLS, helper_text, machine_with, options_of, private_file, run_helper, write_helper
from tests.keys.test_signed_jwt import SECRET, signing_key, verified
from tests.keys.vault_double import VaultDouble, write_client_double
from tests.machines import machine_at
from tests.programs import require
from tests.real.vault_server import VaultServer
from wizard.answers import dumps, from_table, loads
from wizard.fields import read_table
from wizard.keys.backend import NoProgramError
from wizard.keys.signed_jwt import BACKEND
from wizard.origins import origins, without_old_leave
from wizard.verdict import Verdict

PATH: Final = {"vault_mount": "secret", "vault_path": "signing", "vault_field": "key"}
EACH: Final = [("HS256", "python3"), ("HS256", "jwt"), ("RS256", "openssl"), ("PS256", "jwt"), ("EdDSA", "openssl")]


def asked(algorithm: str, place: str, **given: object) -> dict[str, Any]:
    return options_of("jwt", algorithm=algorithm, secret_from=place, claims={"user": "ada"}, **given)


@pytest.mark.parametrize(("reader", "shell"), [("jq", "dash"), *(("python3", shell) for shell in SHELLS)])
@pytest.mark.parametrize(("algorithm", "program"), EACH)
def test_a_signing_key_in_a_real_vault(
    home: Path, vault_server: VaultServer, algorithm: str, program: str, reader: str, shell: str
) -> None:
    vault_server.put("secret/signing", key=signing_key(algorithm))
    options = asked(algorithm, "vault", vault_address=vault_server.url, **PATH)
    text = helper_text("jwt", options, machine_with(home, "curl", reader, program))
    env = {"PATH": "/usr/bin:/bin", "VAULT_TOKEN": vault_server.root_token}
    token = run_helper(text, home, env, shell=SHELLS[shell]).key
    assert verified(token, algorithm)["user"] == "ada"


@pytest.mark.parametrize(("algorithm", "program"), EACH)
def test_a_signing_key_that_the_vault_program_prints(home: Path, algorithm: str, program: str) -> None:
    from dataclasses import replace

    write_client_double(home / "opt/vault", Path("/dev/null"), key=signing_key(algorithm).strip())
    machine = machine_with(home, program)
    machine = replace(machine, programs={**machine.programs, "vault": home / "opt/vault"})
    options = asked(algorithm, "vault", vault_address="http://127.0.0.1:1", **PATH)
    token = run_helper(helper_text("jwt", options, machine), home, {"VAULT_TOKEN": "hvs.x"}).key
    assert verified(token, algorithm)["user"] == "ada"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("algorithm", "program"), EACH)
def test_a_signing_key_that_a_command_prints(home: Path, algorithm: str, program: str, shell: str) -> None:
    private_file(home / "kept", signing_key(algorithm))
    options = asked(algorithm, "command", command_preset="custom", command_command="cat ~/kept")
    text = helper_text("jwt", options, machine_with(home, "timeout", program))
    env = {"PATH": "/usr/bin:/bin", "HOME": str(home)}
    assert verified(run_helper(text, home, env, shell=SHELLS[shell]).key, algorithm)["user"] == "ada"


@pytest.mark.parametrize("algorithm", ["HS256", "ES256"])
def test_what_keeps_the_key_says_why_it_can_not_be_had(home: Path, algorithm: str) -> None:
    program = "python3" if algorithm == "HS256" else "openssl"
    machine = machine_with(home, "timeout", "curl", "jq", program)
    failing = asked(algorithm, "command", command_preset="custom", command_command="echo no; exit 3")
    env = {"PATH": "/usr/bin:/bin"}
    refusal = run_helper(helper_text("jwt", failing, machine), home, env).refusal
    assert refusal == "Your command failed (exit 3). Run it by hand to see why."
    silent = asked(algorithm, "command", command_preset="custom", command_command="true")
    assert "is empty" in run_helper(helper_text("jwt", silent, machine), home, env).refusal
    gone = asked(algorithm, "vault", vault_address="http://127.0.0.1:1", **PATH)
    env["VAULT_TOKEN"] = "hvs.x"
    assert "nothing answers there" in run_helper(helper_text("jwt", gone, machine), home, env).refusal


def test_the_helper_of_two_backends_is_clean_and_shows_no_secret(home: Path) -> None:
    """Under strace with all arguments and environments; the control is the secret's way through `leaks` itself."""
    from tests.keys.stages import Case
    from tests.keys.test_hygiene import leaks
    from tests.keys.tracing import watched

    with VaultDouble(token="hvs.canary-0123456789", secrets={"secret/signing": {"key": SECRET}}) as double:
        options = asked("HS256", "vault", vault_address=double.url, **PATH)
        text = helper_text("jwt", options, machine_with(home, "curl", "jq", "python3"))
        private_file(home / ".vault-token", "hvs.canary-0123456789")
        seen = watched(Case(text, {}, (SECRET,)), home, "dash", "-v")
    assert verified(seen.key, "HS256")
    assert seen.started.count("execve(") > 3 and not leaks(seen.started, (SECRET, "hvs.canary-0123456789", seen.key))
    assert leaks(seen.started + SECRET, (SECRET,))
    assert seen.wide() == [] and seen.strangers((double.url,)) == set()


@pytest.mark.parametrize(("algorithm", "program"), EACH)
@pytest.mark.parametrize("other", ["vault", "command"])
def test_shellcheck_finds_nothing_in_the_helper_of_two_backends(
    home: Path, algorithm: str, program: str, other: str
) -> None:
    (shellcheck,) = require("shellcheck")
    given: dict[str, object] = {"vault_address": "http://127.0.0.1:1", **PATH}
    if other == "command":
        given = {"command_preset": "custom", "command_command": "cat ~/kept"}
    machine = machine_with(home, "curl", "jq", "timeout", program)
    path = write_helper(helper_text("jwt", asked(algorithm, other, **given), machine), home)
    checked = subprocess.run([shellcheck, "--norc", path], capture_output=True, text=True, check=False)
    assert checked.stdout == ""


async def examined(home: Path, options: Mapping[str, Any], *programs: str, **env: str) -> dict[str, Verdict]:
    seen: list[Verdict] = []
    machine = machine_with(home, *programs, env={"HOME": str(home), **env})
    await BACKEND.examine(options, machine, seen.append)
    assert [each.id for each in seen] == [check for check, _ in BACKEND.examinations(options)]
    assert SECRET not in repr(seen) and "PRIVATE" not in repr(seen)
    return {each.id.rpartition(".")[2]: each for each in seen}


@pytest.mark.parametrize(("algorithm", "verdict"), [("HS256", "secret-found"), ("ES256", "signing-secret-kept")])
async def test_the_other_backend_looks_at_its_source(
    home: Path, vault_server: VaultServer, algorithm: str, verdict: str
) -> None:
    vault_server.put("secret/signing", key=signing_key(algorithm))
    options = asked(algorithm, "vault", vault_address=vault_server.url, **PATH)
    program = "python3" if algorithm == "HS256" else "openssl"
    found = await examined(home, options, program, VAULT_TOKEN=vault_server.root_token)
    assert [each.status for each in found.values()][::3] == ["pass", "pass"]
    assert (found["secret"].verdict, found["signer"].verdict) == (verdict, "signer-good")
    assert (await examined(home, options, program, VAULT_TOKEN="hvs.wrong"))["token"].status == "fail"


def test_the_vault_of_the_signing_key_has_to_be_confirmed() -> None:
    table = {
        "gateway": {"url": "https://llm.corp.example"},
        "key": {
            "backend": "jwt",
            "jwt": {"secret_from": "vault", "vault_address": "https://vault.corp.example:8200", "vault_path": "x"},
        },
    }
    answers = from_table(table)
    assert origins(answers) == {answers.gateway.address.origin, "https://vault.corp.example:8200"}
    assert loads(dumps(answers)) == answers
    assert BACKEND.shell_needs(answers.key.options, machine_at(Path("/nowhere"))) == ("VAULT_TOKEN",)


def test_leave_for_http_stays_with_its_server() -> None:
    def table(address: str) -> dict[str, Any]:
        return {"key": {"jwt": {"vault_address": address, "vault_allow_http": True}}}

    after = without_old_leave(table("http://a.example:8200"), table("http://b.example:8200"), ())
    assert after["key"]["jwt"] == {"vault_address": "http://b.example:8200"}


@pytest.mark.parametrize(
    ("given", "field", "part"),
    [
        ({"secret_from": "vault"}, "key.jwt.vault_address", "missing"),
        (
            {"secret_from": "vault", "vault_address": "https://v.example", "vault_path": "a//b"},
            "key.jwt.vault_path",
            "empty",
        ),
        (
            {"secret_from": "vault", "vault_address": "http://v.example", "vault_path": "a"},
            "key.jwt.vault_address",
            "key.jwt.vault_allow_http",
        ),
        ({"secret_from": "command", "command_preset": "custom"}, "key.jwt.command_command", "missing"),
        ({"secret_from": "environment"}, "key.jwt.secret_env", "HS256 needs it"),
        ({"secret_from": "file", "secret_env": "A"}, "key.jwt.secret_file", "HS256 needs it"),
        ({"secret_from": "nowhere"}, "key.jwt.secret_from", "Choose one of"),
    ],
)
def test_the_other_backends_fields_are_checked_under_their_names_here(
    given: dict[str, Any], field: str, part: str
) -> None:
    values, problems = read_table(BACKEND.fields, given, "key.jwt")
    problems = problems or BACKEND.validate(values, "key.jwt")
    assert field in [each.field for each in problems]
    assert part in next(each.text for each in problems if each.field == field)


def test_old_answers_keep_working_and_hold_nothing_new_but_where_the_secret_is() -> None:
    values, problems = read_table(BACKEND.fields, {"secret_env": "JWT_SECRET"}, "key.jwt")
    assert not problems and not BACKEND.validate(values, "key.jwt")
    assert values["secret_from"] == "environment"
    assert not [name for name in values if name.startswith(("vault_", "command_", "keychain_"))]
    values, _ = read_table(BACKEND.fields, {"algorithm": "ES256", "private_key_file": "x"}, "key.jwt")
    assert values["secret_from"] == "file"


def test_what_the_other_backend_needs_is_said(home: Path) -> None:
    options = asked("HS256", "vault", vault_address="https://v.example", vault_path="x")
    with pytest.raises(NoProgramError, match="Vault"):
        helper_text("jwt", options, machine_with(home, "python3"))


@pytest.mark.parametrize(
    ("backend", "place", "address"),
    [
        ("vault", "file", "key.vault.address"),
        ("jwt", "vault", "key.jwt.vault_address"),
        ("jwt", "file", ""),
        ("env-file", "vault", ""),
    ],
)
def test_a_moved_vault_is_that_of_the_signing_key_where_it_signs(backend: str, place: str, address: str) -> None:
    from wizard.answers import Answers, Key
    from wizard.commands.move import _vault_address

    answers = Answers(key=Key(backend, tables={"jwt": {"secret_from": place}}))
    assert _vault_address(answers, backend) == address

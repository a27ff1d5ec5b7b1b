"""Shells that stand behind /bin/sh on fewer machines: ksh93, mksh, and zsh under the name sh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from tests.keys.helpers import OTHER_SHELLS, helper_text, machine_with, options_of, private_file, run_helper
from tests.keys.stages import Case, patient
from tests.keys.test_hygiene import CASES, KEY, SECRET, TOKEN, leaks
from tests.keys.tracing import watched
from tests.keys.vault_double import LONG_LIVED, VaultDouble
from tests.programs import require

KINDS: Final = (
    "env-file",
    "command-custom",
    "command-1password",
    "command-aws-jq",
    "jwt-HS256-python3-file",
    "jwt-RS256-openssl-file",
    "jwt-RS256-openssl-environment",
    "jwt-ES256-openssl-file",
    "jwt-EdDSA-openssl-file",
    "vault-vault-file",
    "vault-vault-environment",
    "vault-jq-environment",
    "vault-python3-file",
    "vault-approle-jq",
    "vault-approle-python3",
    "vault-token-helper",
)
BY_PIPE: Final = ("jwt-RS256-openssl-environment", "jwt-EdDSA-openssl-file")
"""These give openssl the name of a pipe to read the key from; the pipes of ksh93 are sockets, which have none."""

every_shell = pytest.mark.parametrize("shell", OTHER_SHELLS)


@pytest.fixture(scope="module")
def vault() -> Iterator[VaultDouble]:
    logins = {"auth/approle/login": {"role_id": "r", "secret_id": SECRET}, "auth/jwt/login": {"jwt": SECRET}}
    secrets = {"secret/litellm/claude-code": {"api_key": KEY}}
    with VaultDouble(token=TOKEN, secrets=secrets, logins=logins) as double:
        double.lookup = (200, {"data": {**LONG_LIVED, "ttl": 60}})
        yield double


def argv(shell: str) -> tuple[str, ...]:
    return (str(require(shell)[0]), *OTHER_SHELLS[shell][1:])


def with_timeout(case: Case) -> Case:
    """Give a helper the program that limits others, which every machine with such a shell has."""
    (timeout,) = require("timeout")
    return replace(case, text=case.text.replace("timeout_path=''", f"timeout_path='{timeout}'"))


@every_shell
@pytest.mark.parametrize("name", KINDS)
def test_it_prints_the_key_and_no_secret_is_in_any_argument(
    home: Path, vault: VaultDouble, name: str, shell: str
) -> None:
    case = with_timeout(CASES[name](home, vault))
    if shell == "ksh93" and name in BY_PIPE:
        assert "openssl can't sign" in run_helper(case.text, home, case.env, shell=argv(shell)).refusal
        return
    key = run_helper(case.text, home, case.env, shell=argv(shell)).key
    assert key == KEY or name.startswith("jwt")
    seen = watched(patient(case), home, shell)
    assert not leaks(seen.started, (*case.secrets, seen.key)), [
        line for line in seen.started.splitlines() if leaks(line, (*case.secrets, seen.key))
    ]
    wide = [each for each in seen.wide() if '"/dev/null"' not in each]  # which zsh opens before anything else
    assert wide == [] and seen.strangers(case.servers) == set()


@every_shell
def test_it_fails_in_one_sentence(home: Path, vault: VaultDouble, shell: str) -> None:
    for options, part in (
        ({"path": "no/such"}, "has no secret at"),
        ({"path": "litellm/claude-code", "field": "none"}, "has no field none"),
        ({"path": "litellm/claude-code", "mount": "nope"}, "no mount"),
    ):
        text = helper_text("vault", options_of("vault", address=vault.url, **options), machine_with(home, "curl", "jq"))
        assert part in run_helper(text, home, {"VAULT_TOKEN": TOKEN}, shell=argv(shell)).refusal
    private_file(home / "keys.env", "K='two words'\n")
    text = helper_text("env-file", options_of("env-file", file="~/keys.env", variable="K"), machine_with(home))
    assert run_helper(text, home, {}, shell=argv(shell)).refusal


@every_shell
@pytest.mark.parametrize("token", ['a"b', "a\\b", '\\"\\', "%s%d%%", "-n", "\\n\\0101"])
def test_a_token_with_odd_signs_arrives_exactly(home: Path, shell: str, token: str) -> None:
    secrets = {"secret/a": {"api_key": "sk-%s-\\n-\\\\-%%-end"}}
    with VaultDouble(token=token, secrets=secrets) as double:
        for reader in ("jq", "python3"):
            text = helper_text(
                "vault", options_of("vault", address=double.url, path="a"), machine_with(home, "curl", reader)
            )
            assert run_helper(text, home, {"VAULT_TOKEN": token}, shell=argv(shell)).key == "sk-%s-\\n-\\\\-%%-end"

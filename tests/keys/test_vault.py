"""Vault's answers: what is prefilled, what is refused, and what follows from them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.keys.helpers import helper_text, options_of, private_file, run_helper
from tests.machines import machine_at
from wizard.fields import read_table
from wizard.keys.backend import NoProgramError
from wizard.keys.vault import BACKEND, resolve
from wizard.keys.vault_faults import proxy_for
from wizard.net.address import parse_address

PATH = {"mount": "secret", "path": "litellm/claude-code", "field": "api_key"}
HTTPS = "https://vault.corp.example:8200"


def test_case_77_what_the_vault_program_uses_is_prefilled(home: Path) -> None:
    env = {
        "VAULT_ADDR": HTTPS,
        "VAULT_NAMESPACE": "team-a",
        "VAULT_CACERT": "/etc/ca.pem",
        "VAULT_TOKEN": "hvs.canary",
        "VAULT_CLIENT_CERT": "/etc/me.pem",
        "VAULT_CLIENT_KEY": "/etc/me.key",
    }
    known = BACKEND.prefill(machine_at(home, env=env))
    places = {"address": HTTPS, "namespace": "team-a", "ca_file": "/etc/ca.pem"}
    assert known == {**places, "client_cert": "/etc/me.pem", "client_key": "/etc/me.key", "sign_in": "token"}
    for name in ("VAULT_TOKEN", "BAO_TOKEN"):
        assert BACKEND.prefill(machine_at(home, env={name: "hvs.canary"})) == {"sign_in": "token"}


def test_case_77_openbao_variables_come_first_even_empty(home: Path) -> None:
    env = {
        "BAO_ADDR": "https://bao:8200",
        "VAULT_ADDR": HTTPS,
        "BAO_NAMESPACE": "",
        "VAULT_NAMESPACE": "team-a",
        "BAO_CLIENT_CERT": "/etc/bao.pem",
        "VAULT_CLIENT_CERT": "/etc/vault.pem",
        "BAO_CLIENT_KEY": "",
    }
    known = BACKEND.prefill(machine_at(home, env=env))
    assert known == {"address": "https://bao:8200", "client_cert": "/etc/bao.pem"}


@pytest.mark.parametrize("address", ["vault:8200", "ftp://vault", "https://user:pw@vault", "https://vault\n", ""])
def test_a_bad_variable_is_not_prefilled(home: Path, address: str) -> None:
    assert BACKEND.prefill(machine_at(home, env={"VAULT_ADDR": address})) in ({}, {"address": address.strip()})


@pytest.mark.parametrize("field", ["mount", "path", "namespace"])
@pytest.mark.parametrize(
    "value", ["../../sys/x", "a//b", "a/./b", "a/..", "..", "a?b", "a#b", "a%2fb", "a\nb", "a\x00b", "/"]
)
def test_case_78_paths_that_would_read_something_else_are_refused(field: str, value: str) -> None:
    _, problems = read_table(BACKEND.fields, {"address": HTTPS, **PATH, field: value}, "key.vault")
    assert [each.field for each in problems] == [f"key.vault.{field}"]


def test_case_78_a_mount_is_never_an_option(home: Path) -> None:
    bao = private_file(home / "bao", "#!/bin/sh\nshift $(($# - 2))\nprintf '%s' \"$1$2\"\n", 0o700)
    private_file(home / ".vault-token", "s.x")
    options = options_of("vault", address=HTTPS, **{**PATH, "mount": "-address=http:"})
    text = helper_text("vault", options, machine_at(home, programs={"bao": bao}))
    assert run_helper(text, home, {"HOME": str(home)}).key == f"---address=http:/{PATH['path']}"


@pytest.mark.parametrize("value", ["a/b", "/a/b/", "sp ace/é", "a+b*", "it's", "$(id)", "-x", "a\\b"])
def test_case_78_other_paths_are_taken_as_they_are(value: str, home: Path) -> None:
    options = options_of("vault", address=HTTPS, **{**PATH, "path": value})
    assert resolve(options, machine_at(home)).path == value.strip("/")


def test_http_needs_loopback_or_a_yes() -> None:
    for address in ("https://vault", "http://127.0.0.1:8200", "http://localhost:8200", "http://[::1]:8200"):
        assert options_of("vault", address=address, **PATH)
    values, _ = read_table(BACKEND.fields, {"address": "http://vault:8200", **PATH}, "key.vault")
    (problem,) = BACKEND.validate(values, "key.vault")
    assert problem.field == "key.vault.address" and "key.vault.allow_http = true" in problem.text
    assert options_of("vault", address="http://vault:8200", allow_http=True, **PATH)


def test_what_others_ask_the_backend(home: Path) -> None:
    options = options_of("vault", address=f"{HTTPS}/behind/", **PATH)
    machine = machine_at(home, env={})
    assert BACKEND.origin(options) == HTTPS
    assert BACKEND.life_seconds(options) is None
    assert BACKEND.shell_needs(options, machine) == ("VAULT_TOKEN",)
    assert BACKEND.shell_needs(options, machine_at(home, env={"BAO_TOKEN": "x"})) == ("BAO_TOKEN",)
    (home / ".vault-token").write_text("hvs.x\n")
    assert BACKEND.shell_needs(options, machine) == ()


@pytest.mark.parametrize(
    ("programs", "missing"), [((), "vault, or curl and jq"), (("jq",), "vault, or curl and jq"), (("curl",), "jq")]
)
def test_case_81_no_program_is_said_with_what_to_install(home: Path, programs: tuple[str, ...], missing: str) -> None:
    machine = machine_at(home, programs={name: Path("/usr/bin") / name for name in programs})
    with pytest.raises(NoProgramError, match=f"Install {missing}."):
        helper_text("vault", options_of("vault", address=HTTPS, **PATH), machine)


@pytest.mark.parametrize(
    ("address", "env", "proxy"),
    [
        (HTTPS, {}, ""),
        (HTTPS, {"HTTPS_PROXY": "http://p:3128"}, "http://p:3128"),
        (HTTPS, {"https_proxy": "http://q:1", "HTTPS_PROXY": "http://p:3128"}, "http://q:1"),
        (HTTPS, {"HTTP_PROXY": "http://p:3128", "ALL_PROXY": "http://p:3128"}, ""),
        (HTTPS, {"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "corp.example"}, ""),
        (HTTPS, {"HTTPS_PROXY": "http://p:3128", "no_proxy": ".corp.example"}, ""),
        (HTTPS, {"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "other, *"}, ""),
        (HTTPS, {"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "p.example"}, "http://p:3128"),
        ("https://10.1.2.3", {"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "10.0.0.0/8"}, ""),
        ("https://127.0.0.1", {"HTTPS_PROXY": "http://p:3128"}, ""),
        ("http://vault", {"HTTPS_PROXY": "http://p:3128", "HTTP_PROXY": "http://p:3128"}, ""),
    ],
)
def test_a_proxy_serves_https_beyond_this_machine(address: str, env: dict[str, str], proxy: str) -> None:
    assert proxy_for(parse_address(address, allow_http=True), env) == proxy


@pytest.mark.parametrize(
    "module", ["wizard.keys.backend", "wizard.keys.vault", "wizard.keys.vault_examine", "wizard.render.helper"]
)
def test_nothing_heavy_is_imported_with_a_backend(module: str) -> None:
    code = f"import sys, {module}; from wizard.keys.backend import backends; backends(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    loaded: set[Any] = set(done.stdout.split())
    assert not loaded & {"hvac", "requests", "httpx", "cryptography", "keyring", "textual"}

"""A key helper costs next to nothing beside the bare command it wraps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from tests.bench.helper_cost import COLUMNS, Wrapped
from tests.keys.helpers import helper_text, machine_with, options_of, private_file, private_key, write_helper
from tests.keys.real_keychain import RealKeychain, real_keychain
from tests.keys.vault_double import write_client_double
from tests.programs import OPENBAO, require
from tests.real.openbao_server import OpenBao
from wizard.machine.model import Machine

KEY: Final = "sk-cost-canary-0123456789"
PATH: Final = "litellm/claude-code"


@pytest.fixture(scope="module")
def vault(openbao: OpenBao) -> OpenBao:
    """The server with the secret, and a token with a life, of which the helper asks each time."""
    openbao.put(PATH, api_key=KEY)
    return openbao


@pytest.fixture(scope="module")
def keychain() -> Iterator[RealKeychain]:
    with real_keychain() as chain:
        chain.put("litellm", "ada", KEY)
        yield chain


def wrapped(home: Path, backend: str, options: Mapping[str, Any], machine: Machine, bare: str, **env: str) -> Wrapped:
    """Write the helper, and the bare command as a line of sh."""
    helper = write_helper(helper_text(backend, options_of(backend, **options), machine), home)
    every = {"HOME": str(home), "PATH": "/usr/bin:/bin", **env}
    return Wrapped(backend, helper, ("/bin/sh", "-c", bare), every)


def checked(one: Wrapped, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    one = replace(one, name=name)
    one.check()
    cost = one.best()
    with capsys.disabled():
        print(f"\n{COLUMNS}\n{cost}", end="")
    assert cost.is_within, f"{cost}"


@pytest.mark.bench
@pytest.mark.parametrize("reader", ["jq", "python3"])
def test_curl(home: Path, vault: OpenBao, reader: str, capsys: pytest.CaptureFixture[str]) -> None:
    token = vault.token(ttl="2h")
    private_file(home / "header", f"X-Vault-Token: {token}\n")
    machine = machine_with(home, "curl", reader)
    read = {
        "jq": "jq -r .data.data.api_key",
        "python3": f"{machine.programs.get('python3')} -IS -c "
        '\'import json, sys; print(json.load(sys.stdin)["data"]["data"]["api_key"])\'',
    }
    bare = f"curl -sS -H @{home}/header {vault.url}/v1/secret/data/{PATH} | {read[reader]}"
    one = wrapped(home, "vault", {"address": vault.url, "path": PATH}, machine, bare, VAULT_TOKEN=token)
    checked(one, f"vault, curl+{reader}", capsys)


@pytest.mark.bench
def test_vault_program(home: Path, vault: OpenBao, capsys: pytest.CaptureFixture[str]) -> None:
    (bao,) = require(OPENBAO)
    private_file(home / ".vault-token", vault.token(ttl="2h"))
    machine = machine_with(home, "curl", "jq", "timeout")
    machine = replace(machine, programs={**machine.programs, "bao": bao})
    bare = f"exec {bao} kv get -field=api_key secret/{PATH}"
    options = {"address": vault.url, "path": PATH}
    checked(wrapped(home, "vault", options, machine, bare, VAULT_ADDR=vault.url), "vault, bao", capsys)


@pytest.mark.bench
def test_openssl(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    private_file(home / "key.pem", private_key("RS256"))
    machine = machine_with(home, "openssl")
    options = {"algorithm": "RS256", "private_key_file": "~/key.pem", "claims": {"user": "ada"}}
    bare = r"""
url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
now=$(date +%s)
message=$(printf '{"alg":"RS256","typ":"JWT"}' | url).$(printf '{"exp":%s}' "$((now + 3600))" | url)
printf '%s.%s\n' "$message" "$(printf '%s' "$message" | openssl dgst -sha256 -binary -sign "$HOME/key.pem" | url)"
"""
    one = replace(wrapped(home, "jwt", options, machine, bare), prints_the_same=False)
    checked(one, "jwt, openssl", capsys)


@pytest.mark.bench
def test_python(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    private_file(home / "secret", "a secret of more than thirty-two bytes, for sure")
    machine = machine_with(home, "python3")
    options = {"algorithm": "HS256", "secret_file": "~/secret", "claims": {"user": "ada"}}
    (home / "sign.py").write_text(
        "import base64, hmac, json, pathlib, time\n"
        "def url(raw): return base64.urlsafe_b64encode(raw).rstrip(b'=')\n"
        f"secret = pathlib.Path('{home}/secret').read_bytes()\n"
        'head = url(b\'{"alg":"HS256","typ":"JWT"}\') + b\'.\'\n'
        "message = head + url(json.dumps({'exp': int(time.time()) + 3600}).encode())\n"
        "print((message + b'.' + url(hmac.new(secret, message, 'sha256').digest())).decode())\n"
    )
    bare = f"exec {machine.programs['python3']} -IS {home}/sign.py"
    one = replace(wrapped(home, "jwt", options, machine, bare), prints_the_same=False)
    checked(one, "jwt, python3", capsys)


@pytest.mark.bench
def test_env_file(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    private_file(home / "keys.env", f"K={KEY}\n")
    options = {"file": "~/keys.env", "variable": "K"}
    bare = f"exec sed -n s/^K=//p {home}/keys.env"
    checked(wrapped(home, "env-file", options, machine_with(home), bare), "env-file", capsys)


@pytest.mark.bench
def test_preset(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a preset adds; its program is a double that takes no time of its own."""
    write_client_double(home / "opt/op", Path("/dev/null"), key=KEY)
    machine = machine_with(home, "timeout")
    machine = replace(machine, programs={**machine.programs, "op": home / "opt/op"})
    options = {"preset": "1password", "reference": "op://Private/LiteLLM/key"}
    bare = f"exec {home}/opt/op read op://Private/LiteLLM/key"
    checked(wrapped(home, "command", options, machine, bare), "command, 1Password", capsys)


@pytest.mark.bench
def test_secret_tool(home: Path, keychain: RealKeychain, capsys: pytest.CaptureFixture[str]) -> None:
    machine = machine_with(home, "secret-tool", "timeout")
    options = {"service": "litellm", "account": "ada"}
    bare = "exec secret-tool lookup service litellm username ada"
    checked(wrapped(home, "keychain", options, machine, bare, **keychain.env), "keychain, secret-tool", capsys)


@pytest.mark.bench
def test_the_measure_tells_a_helper_that_waits(home: Path) -> None:
    """The control: 30 ms in a helper are seen, however often it is measured."""
    private_file(home / "keys.env", f"K={KEY}\n")
    options = {"file": "~/keys.env", "variable": "K"}
    bare = f"exec sed -n s/^K=//p {home}/keys.env"
    one = wrapped(home, "env-file", options, machine_with(home), bare)
    one.helper.write_text(one.helper.read_text().replace("set -u\n", "set -u\nsleep 0.03\n"))
    one.check()
    assert not one.best(2).is_within

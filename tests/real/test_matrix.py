"""2 routes x 3 key backends x 3 shells: `apply`, then a fresh interactive login shell runs the real Claude Code.

Real: LiteLLM 1.106.2, Claude Code 2.1.330, bash, zsh and fish, RustyVault as the Vault-API server, and the commands
as a user runs them. A double: the Bedrock service behind LiteLLM (`fake_bedrock`), which nobody can run at home.
Everything runs in a network namespace where nothing but the gateway and Vault can be reached.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import pytest

from tests.programs import CLAUDE, require
from tests.real.litellm_proxy import Proxy, SigningKeys
from tests.real.sandbox import Sandbox
from tests.real.vault_server import VaultServer

SHELLS: Final = ("bash", "zsh", "fish")
ROUTES: Final = ("anthropic", "bedrock")
BACKENDS: Final = ("vault", "jwt", "env-file")
ROOT: Final = Path(__file__).parents[2]
SECRET_PATH: Final = "litellm/claude-code"


@dataclass(frozen=True, slots=True)
class SetUp:
    """A home folder that `apply` has set up, and how to spoil and restore the secret of its backend."""

    home: Path
    sandbox: Sandbox
    claude: Path
    url: str
    route: str
    helper: Path
    answer: str
    spoil: Callable[[], None] = field(repr=False)
    restore: Callable[[], None] = field(repr=False)
    applied: subprocess.CompletedProcess[str] = field(repr=False)

    @property
    def settings(self) -> Path:
        return self.home / ".claude/settings.json"

    def env(self, **more: str) -> dict[str, str]:
        folders = f"{self.claude.parent}:/usr/local/bin:/usr/bin:/bin"
        return {"HOME": str(self.home), "PATH": folders, "TERM": "xterm", "LANG": "C.UTF-8", **more}

    def login_shell(self, shell: str, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a fresh interactive login shell with a clean environment."""
        (program,) = require(shell)
        return self.sandbox.run([program, "-l", "-i", "-c", command], env=self.env(), cwd=self.home, limit=120)

    def ask_claude(self, shell: str | None) -> tuple[int, str]:
        """Have Claude Code answer once, from a fresh login shell or (None) without any; return status and result."""
        quiet = {"CLAUDE_CODE_MAX_RETRIES": "0", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
        words = [str(self.claude), "-p", "say hi", "--output-format", "json"]
        if shell is None:
            done = self.sandbox.run(words, env=self.env(**quiet), cwd=self.home, limit=120)
        else:
            command = " ".join(["env", *(f"{name}={value}" for name, value in quiet.items())])
            done = self.login_shell(shell, f"{command} '{words[0]}' -p 'say hi' --output-format json </dev/null")
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        result = str(json.loads(lines[-1]).get("result")) if lines else done.stdout + done.stderr
        return done.returncode, result


@pytest.fixture(scope="module", params=[(route, name) for route in ROUTES for name in BACKENDS], ids="-".join)
def set_up(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox
) -> Iterator[SetUp]:
    """A set-up of one route and backend, for all three shells, made by `apply`."""
    route, backend = request.param
    require(*SHELLS)
    (claude,) = require(CLAUDE)
    home = tmp_path_factory.mktemp(f"{route}-{backend}")
    for each in (".bashrc", ".profile"):
        shutil.copy(Path("/etc/skel") / each, home)
    proxy, key, spoil, restore = _backend(backend, home, sandbox, request)
    sandbox.bring_in(proxy.port)
    answers = home / "answers.toml"
    answers.write_text(
        f'version = 1\n[gateway]\nurl = "{proxy.url}"\nroute = "{route}"\n[key]\nbackend = "{backend}"\n{key}\n'
        '[write]\nshells = ["bash", "zsh", "fish"]\n'
    )
    words = [sys.executable, "-m", "wizard", "apply", "--answers", str(answers), "--yes", "--json"]
    env = {"HOME": str(home), "PATH": f"{claude.parent}:/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    applied = sandbox.run(words, env=env, cwd=home, limit=120)
    assert applied.returncode == 0, applied.stdout[-3000:] + applied.stderr[-3000:]
    answer = "pong-from-bedrock" if route == "bedrock" else proxy.answer
    helper = next((home / "bin").iterdir())
    yield SetUp(home, sandbox, claude, proxy.url, route, helper, answer, spoil, restore, applied)


Backend = tuple[Proxy, str, Callable[[], None], Callable[[], None]]


def _backend(
    name: Literal["vault", "jwt", "env-file"], home: Path, sandbox: Sandbox, request: pytest.FixtureRequest
) -> Backend:
    """Return the gateway for a backend, its part of the answers, and how to spoil and restore its secret."""
    if name == "vault":
        return _vault(home, sandbox, request.getfixturevalue("litellm"), request.getfixturevalue("vault_server"))
    if name == "jwt":
        keys: SigningKeys = request.getfixturevalue("signing_keys")
        secret = _private(home / ".secrets/litellm-jwt", keys.hs256)
        part = f'[key.jwt]\nalgorithm = "HS256"\nsecret_file = "{secret}"\nlifetime_seconds = 3600\n'
        part += '[key.jwt.claims]\nuser = "ada"\nteam = "engineering"\n'
        proxy: Proxy = request.getfixturevalue("litellm_with_custom_auth")
        other = "another-secret-of-32-bytes-or-more"
        return proxy, part, lambda: _replace(secret, other), lambda: _replace(secret, keys.hs256)
    proxy = request.getfixturevalue("litellm")
    good = f"LITELLM_API_KEY={proxy.master_key}\n"
    file = _private(home / ".secrets/litellm.env", good)
    part = f'[key.env-file]\nfile = "{file}"\nvariable = "LITELLM_API_KEY"\n'
    return proxy, part, lambda: _replace(file, "LITELLM_API_KEY=sk-wrong-0000000000\n"), lambda: _replace(file, good)


def _vault(home: Path, sandbox: Sandbox, proxy: Proxy, vault: VaultServer) -> Backend:
    sandbox.bring_in(int(vault.url.rpartition(":")[2]))
    path = f"{SECRET_PATH}-{home.name}"
    _private(home / ".vault-token", vault.root_token)
    vault.put(f"secret/{path}", api_key=proxy.master_key)
    part = f'[key.vault]\naddress = "{vault.url}"\nmount = "secret"\npath = "{path}"\nfield = "api_key"\n'
    return (
        proxy,
        part,
        lambda: vault.put(f"secret/{path}", api_key="sk-wrong-0000000000"),
        lambda: vault.put(f"secret/{path}", api_key=proxy.master_key),
    )


def _private(path: Path, text: str) -> Path:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def _replace(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.mark.parametrize("shell", SHELLS)
def test_case_88_claude_answers_from_a_fresh_login_shell(set_up: SetUp, shell: str) -> None:
    status, result = set_up.ask_claude(shell)
    assert (status, result) == (0, set_up.answer)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_exported_values_arrive(set_up: SetUp, shell: str) -> None:
    expected = {
        "anthropic": {"ANTHROPIC_BASE_URL": set_up.url},
        "bedrock": {
            "ANTHROPIC_BEDROCK_BASE_URL": f"{set_up.url}/bedrock",
            "CLAUDE_CODE_USE_BEDROCK": "1",
            "CLAUDE_CODE_SKIP_BEDROCK_AUTH": "1",
        },
    }[set_up.route]
    seen = dict(line.split("=", 1) for line in set_up.login_shell(shell, "env").stdout.splitlines() if "=" in line)
    assert {name: seen.get(name) for name in expected} == expected
    assert seen["CLAUDE_CODE_API_KEY_HELPER_TTL_MS"] == "1800000"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_profile_alone_is_enough(set_up: SetUp, shell: str) -> None:
    """With our settings `env` taken out and the helper left, the exports lead to the gateway."""
    kept = set_up.settings.read_bytes()
    set_up.settings.write_text(json.dumps({"apiKeyHelper": json.loads(kept)["apiKeyHelper"]}))
    try:
        assert set_up.ask_claude(shell) == (0, set_up.answer)
        if shell == SHELLS[0]:
            status, result = set_up.ask_claude(None)
            assert status != 0 and set_up.answer not in result, "it answered without profile and settings"
    finally:
        set_up.settings.write_bytes(kept)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_changed_secret_ends_it(set_up: SetUp, shell: str) -> None:
    set_up.spoil()
    try:
        status, result = set_up.ask_claude(shell)
    finally:
        set_up.restore()
    assert status != 0
    assert set_up.answer not in result


def test_case_88_without_a_shell_the_settings_are_enough(set_up: SetUp) -> None:
    """As an IDE or a desktop starts it."""
    assert set_up.ask_claude(None) == (0, set_up.answer)


def test_case_16_86_a_session_that_holds_the_old_url_gets_only_the_sentence(set_up: SetUp) -> None:
    name = "ANTHROPIC_BASE_URL" if set_up.route == "anthropic" else "ANTHROPIC_BEDROCK_BASE_URL"
    env = set_up.env(**{name: "https://old.corp.example:4000/bedrock"})
    done = set_up.sandbox.run(["/bin/sh", "-c", f"'{set_up.helper}'"], env=env, cwd=set_up.home)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert set_up.url in done.stderr and "https://old.corp.example:4000" in done.stderr


def test_case_08_a_second_apply_writes_nothing(set_up: SetUp) -> None:
    written = json.loads(set_up.applied.stdout)
    assert written["ok"] and written["written"]
    before = {each: each.stat() for each in set_up.home.rglob("*") if each.is_file() and "settings" in each.name}
    words = [sys.executable, "-m", "wizard", "apply", "--yes", "--json"]
    env = {**set_up.env(), "PYTHONPATH": str(ROOT)}
    again = set_up.sandbox.run(words, env=env, cwd=set_up.home, limit=120)
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    assert not told["written"]
    assert {each["state"] for each in told["changes"]} == {"unchanged"}
    assert {each: (each.stat().st_ino, each.stat().st_mtime_ns) for each in before} == {
        each: (was.st_ino, was.st_mtime_ns) for each, was in before.items()
    }

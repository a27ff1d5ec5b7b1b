"""Vault asked for real: by the wizard and by every kind of helper, which have to find the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from tests.faults.certificates import Authority
from tests.keys.helpers import LIMIT, SHELLS, Ran, helper_text, machine_with, options_of, private_file, run_helper
from tests.keys.vault_double import HEALTHY, LONG_LIVED, Reply, VaultDouble, write_client_double
from tests.real.litellm_proxy import free_port
from tests.real.vault_server import VaultServer
from wizard.keys.backend import backend
from wizard.verdict import Verdict

READERS: Final = ("jq", "python3")
KEY: Final = "sk-vault-canary-0123456789"
"""Every secret here; it may show up in what a helper prints, and nowhere else."""


def answers(url: str, path: str = "litellm/claude-code", **more: object) -> dict[str, Any]:
    return options_of("vault", address=url, **{"mount": "secret", "path": path, "field": "api_key", **more})


def by_curl(
    home: Path, options: Mapping[str, Any], token: str, reader: str = "jq", shell: str = "dash", **env: str
) -> Ran:
    text = helper_text("vault", options, machine_with(home, "curl", reader))
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "VAULT_TOKEN": token, **env}
    ran = run_helper(text, home, environment, shell=SHELLS[shell])
    assert KEY not in ran.err and (not token or token not in ran.err)
    return ran


async def examined(home: Path, options: Mapping[str, Any], token: str = "", **env: str) -> dict[str, Verdict]:
    seen: list[Verdict] = []
    environment = {"HOME": str(home), **({"VAULT_TOKEN": token} if token else {}), **env}
    await backend("vault").examine(options, machine_with(home, "curl", env=environment), seen.append)
    assert [each.id for each in seen] == [check for check, _ in backend("vault").examinations(options)]
    shown = repr([each.as_json() for each in seen])
    assert KEY not in shown and (not token or token not in shown)
    for each in seen:
        assert each.status == "skip" or (each.status == "pass") == (not each.fix)
    return {each.id.rpartition(".")[2]: each for each in seen}


@pytest.fixture
def double() -> Iterator[VaultDouble]:
    """A double with a good secret in KV version 2."""
    with VaultDouble(secrets={"secret/litellm/claude-code": {"api_key": KEY, "other": "x"}}) as made:
        yield made


class TestRealServer:
    """rusty_vault: KV version 1 on a server that knows no `sys/internal/ui/mounts`."""

    @pytest.mark.parametrize("shell", SHELLS)
    @pytest.mark.parametrize("reader", READERS)
    async def test_case_32_75_wizard_and_helper_read_the_same(
        self, home: Path, vault_server: VaultServer, reader: str, shell: str
    ) -> None:
        vault_server.put("secret/litellm/claude-code", api_key=KEY)
        options = answers(vault_server.url)
        token = vault_server.token("2h")
        assert by_curl(home, options, token, reader, shell).key == KEY
        found = await examined(home, options, token)
        assert [each.verdict for each in found.values()] == ["vault-active", "token-good", "secret-found"]
        assert found["secret"].facts["characters"] == len(KEY)
        assert found["token"].facts["ttl_seconds"] in range(3601, 7201)

    @pytest.mark.parametrize("path", ["sp ace/é", "it's/$(id)", "a+b/c", 'q"uote/b\\s', "data/litellm/typed"])
    async def test_case_75_78_odd_paths_are_literal(self, home: Path, vault_server: VaultServer, path: str) -> None:
        from urllib.parse import quote

        vault_server.put(f"secret/{quote(path.removeprefix('data/'))}", api_key=KEY)
        options = answers(vault_server.url, path)
        for reader in READERS:
            assert by_curl(home, options, vault_server.root_token, reader).key == KEY
        assert (await examined(home, options, vault_server.root_token))["secret"].verdict == "secret-found"

    async def test_case_75_a_mount_with_slashes(self, home: Path, vault_server: VaultServer) -> None:
        vault_server.mount("team/kv")
        vault_server.put("team/kv/a", api_key=KEY)
        for mount, path in (("team/kv", "a"), ("team", "kv/a")):
            options = answers(vault_server.url, path, mount=mount)
            assert by_curl(home, options, vault_server.root_token).key == KEY
            assert (await examined(home, options, vault_server.root_token))["secret"].status == "pass"

    async def test_case_32_74_a_token_that_ended(self, home: Path, vault_server: VaultServer) -> None:
        vault_server.put("secret/litellm/claude-code", api_key=KEY)
        token = vault_server.token("1s")
        await asyncio.to_thread(vault_server.wait_until_refused, token, "secret/litellm/claude-code")
        assert "the token has ended" in by_curl(home, answers(vault_server.url), token).refusal
        found = await examined(home, answers(vault_server.url), token)
        assert (found["token"].verdict, found["secret"].status) == ("token-refused", "fail")
        assert found["token"].fix == f"Run vault login -address={vault_server.url}."

    async def test_case_74_a_root_and_a_short_lived_token(self, home: Path, vault_server: VaultServer) -> None:
        vault_server.put("secret/litellm/claude-code", api_key=KEY)
        found = await examined(home, answers(vault_server.url), vault_server.root_token)
        assert found["token"].verdict == "token-root"
        found = await examined(home, answers(vault_server.url), vault_server.token("30m"))
        assert (found["token"].verdict, found["token"].status) == ("token-short", "warn")

    async def test_case_32_73_a_sealed_server(self, home: Path, vault_server: VaultServer) -> None:
        vault_server.seal()
        try:
            found = await examined(home, answers(vault_server.url), vault_server.root_token)
            ran = by_curl(home, answers(vault_server.url), vault_server.root_token)
        finally:
            vault_server.unseal()
        assert [each.verdict for each in found.values()] == ["vault-sealed", "not-tried", "not-tried"]
        assert ran.refusal == f"Vault at {vault_server.url} is sealed. Ask whoever runs it to unseal it."

    @pytest.mark.parametrize(
        ("fields", "verdict", "part"),
        [
            ({"other": "x"}, "secret-no-field", "has no field api_key"),
            ({"api_key": ""}, "secret-empty", "is empty"),
            ({"api_key": 5}, "secret-not-text", "is not text"),
            ({"api_key": ["x"]}, "secret-not-text", "is not text"),
            ({"api_key": "two\nlines"}, "secret-not-a-key", "line break"),
            ({"api_key": " blank"}, "secret-not-a-key", "blank"),
        ],
    )
    async def test_case_76_a_field_that_is_no_key(
        self, home: Path, vault_server: VaultServer, fields: dict[str, object], verdict: str, part: str
    ) -> None:
        vault_server.put("secret/odd", **fields)
        options = answers(vault_server.url, "odd")
        for reader in READERS:
            assert part in by_curl(home, options, vault_server.root_token, reader).refusal
        assert (await examined(home, options, vault_server.root_token))["secret"].verdict == verdict

    async def test_case_76_a_missing_secret(self, home: Path, vault_server: VaultServer) -> None:
        options = answers(vault_server.url, "no/such")
        assert "no secret at secret/no/such" in by_curl(home, options, vault_server.root_token).refusal
        assert (await examined(home, options, vault_server.root_token))["secret"].verdict == "secret-missing"


class TestTokens:
    """Where the token comes from, and what it may hold."""

    async def test_case_74_the_file_serves_when_no_variable_is_set(self, home: Path, double: VaultDouble) -> None:
        token = private_file(home / ".vault-token", f"{double.token}\n")
        assert by_curl(home, answers(double.url), "").key == KEY
        assert (await examined(home, answers(double.url)))["token"].facts["origin"] == "~/.vault-token"
        token.write_text(double.token)  # no line break at its end
        assert by_curl(home, answers(double.url), "").key == KEY
        token.chmod(0o644)
        found = (await examined(home, answers(double.url)))["token"]
        assert (found.verdict, found.fix) == ("token-file-wide", "Run: chmod 600 ~/.vault-token")

    async def test_case_77_a_variable_wins_over_the_file(self, home: Path, double: VaultDouble) -> None:
        private_file(home / ".vault-token", "hvs.old")
        assert by_curl(home, answers(double.url), "hvs.old", BAO_TOKEN=double.token).key == KEY
        found = await examined(home, answers(double.url), "hvs.old", BAO_TOKEN=double.token)
        assert found["token"].facts["origin"] == "BAO_TOKEN"

    async def test_the_home_of_set_up_serves_when_there_is_none(self, home: Path, double: VaultDouble) -> None:
        private_file(home / ".vault-token", double.token)
        text = helper_text("vault", answers(double.url), machine_with(home, "curl", "jq"))
        assert run_helper(text, home, {}, shell=("/bin/dash",)).key == KEY

    async def test_case_74_no_token_at_all(self, home: Path, double: VaultDouble) -> None:
        refusal = by_curl(home, answers(double.url), "").refusal
        assert refusal.endswith(f"Run: vault login -address={double.url}")
        found = await examined(home, answers(double.url))
        assert (found["token"].verdict, found["secret"].verdict) == ("token-missing", "not-tried")
        assert "sys/health" in double.asked and len(double.asked) == 1

    @pytest.mark.parametrize("token", ["hvs.a b", "hvs.a\nurl = http://127.0.0.1:9/x", "hvs.é", "hvs.\tb", "hvs.a\r"])
    async def test_case_74_82_a_malformed_token_is_never_sent(
        self, home: Path, double: VaultDouble, token: str
    ) -> None:
        assert "control character" in by_curl(home, answers(double.url), token).refusal
        assert (await examined(home, answers(double.url), token))["token"].verdict == "token-malformed"
        assert double.asked == ["sys/health"]

    @pytest.mark.parametrize("token", ['a"b', "a\\b", '\\"\\', '"', "\\", "s.%(x)s$(id)`id`'"])
    async def test_case_82_a_token_with_quotes_arrives_exactly(
        self, home: Path, double: VaultDouble, token: str
    ) -> None:
        double.token = token
        for shell in SHELLS:
            ran = run_helper(
                helper_text("vault", answers(double.url), machine_with(home, "curl", "jq")),
                home,
                {"PATH": "/usr/bin:/bin", "VAULT_TOKEN": token},
                shell=SHELLS[shell],
            )
            assert ran.key == KEY
        found: list[Verdict] = []
        machine = machine_with(home, env={"VAULT_TOKEN": token})
        await backend("vault").examine(answers(double.url), machine, found.append)
        assert found[2].verdict == "secret-found"

    async def test_a_token_that_may_not_look_at_itself(self, home: Path, double: VaultDouble) -> None:
        double.lookup = (403, {"errors": ["permission denied"]})
        found = await examined(home, answers(double.url), double.token)
        assert [each.verdict for each in found.values()] == ["vault-active", "token-unseen", "secret-found"]

    @pytest.mark.parametrize(
        ("data", "verdict"),
        [
            ({**LONG_LIVED, "ttl": 0}, "token-good"),
            ({**LONG_LIVED, "ttl": 1800}, "token-short-renewed"),
            ({**LONG_LIVED, "ttl": 1800, "renewable": False}, "token-short"),
            ({**LONG_LIVED, "policies": ["root"]}, "token-root"),
            ({**LONG_LIVED, "ttl": "soon"}, "token-unseen"),
            ({}, "token-unseen"),
            ([], "token-unseen"),
            (None, "token-unseen"),
        ],
    )
    async def test_case_74_what_vault_says_of_a_token(
        self, home: Path, double: VaultDouble, data: object, verdict: str
    ) -> None:
        double.lookup = (200, {"data": data})
        assert (await examined(home, answers(double.url), double.token))["token"].verdict == verdict


class TestVersions:
    """KV version 2, mounts and namespaces, as a double shows them."""

    @pytest.mark.parametrize("reader", READERS)
    @pytest.mark.parametrize("version", ["1", "2"])
    @pytest.mark.parametrize(
        ("real", "mount", "path"),
        [
            ("secret/", "secret", "litellm/claude-code"),
            ("secret/", "/secret/", "/litellm/claude-code/"),
            ("secret/", "secret", "data/litellm/claude-code"),
            ("team/kv/", "team/kv", "a"),
            ("team/kv/", "team", "kv/a"),
            ("kv/", "kv", "sp ace/é'+\"x"),
        ],
    )
    async def test_case_75_all_read_the_same(
        self, home: Path, reader: str, version: str, real: str, mount: str, path: str
    ) -> None:
        options = answers("http://127.0.0.1:1", path, mount=mount)
        full = f"{mount.strip('/')}/{path.strip('/').removeprefix('data/')}"
        with VaultDouble(mounts={real: version}, secrets={full: {"api_key": KEY}}) as double:
            options = {**options, "address": double.url}
            assert by_curl(home, options, double.token, reader).key == KEY
            helper_asked = [each for each in double.asked if not each.startswith("auth/token/")]
            found = (await examined(home, options, double.token))["secret"]
            assert (found.verdict, found.facts["version"]) == ("secret-found", int(version))
            assert (double.asked[-2], double.asked[-1]) == (helper_asked[0], helper_asked[-1])
            assert len(helper_asked) == (2 if version == "2" and real.strip("/") == mount.strip("/") else 3)

    @pytest.mark.parametrize("reader", READERS)
    async def test_case_77_a_namespace_goes_with_every_request_but_the_health(self, home: Path, reader: str) -> None:
        secrets = {"secret/litellm/claude-code": {"api_key": KEY}}
        with VaultDouble(namespace="team/a b", secrets=secrets) as double:
            options = answers(double.url, namespace="team/a b/")
            assert by_curl(home, options, double.token, reader).key == KEY
            found = await examined(home, options, double.token)
            assert found["secret"].verdict == "secret-found"
            named = {each.path: each.headers.get("x-vault-namespace") for each in double.requests}
            assert named.pop("sys/health") is None
            assert set(named.values()) == {"team/a b"}

    @pytest.mark.parametrize("reader", READERS)
    @pytest.mark.parametrize(
        ("fields", "verdict", "part"),
        [
            ({"__deleted__": True}, "secret-deleted", "was deleted. Undelete it"),
            ({"__destroyed__": True}, "secret-destroyed", "was destroyed"),
            ({"other": "x", "third": "y"}, "secret-no-field", "has no field api_key"),
            ({"api_key": True}, "secret-not-text", "is not text"),
        ],
    )
    async def test_case_32_76_what_is_wrong_is_told_apart(
        self, home: Path, reader: str, fields: dict[str, object], verdict: str, part: str
    ) -> None:
        with VaultDouble(secrets={"secret/litellm/claude-code": fields}) as double:
            assert part in by_curl(home, answers(double.url), double.token, reader).refusal
            found = (await examined(home, answers(double.url), double.token))["secret"]
        assert found.verdict == verdict
        if verdict == "secret-no-field":
            assert "It has: other, third." in found.cause

    async def test_case_32_76_an_unknown_mount_and_a_forbidden_path(self, home: Path, double: VaultDouble) -> None:
        options = answers(double.url, mount="nope")
        assert "no mount" in by_curl(home, options, double.token).refusal
        assert (await examined(home, options, double.token))["secret"].verdict == "secret-mount"
        denied: Reply = (403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]})
        double.overrides = {"secret/data/litellm/claude-code": denied}
        assert "policy does not allow it" in by_curl(home, answers(double.url), double.token).refusal
        found = (await examined(home, answers(double.url), double.token))["secret"]
        assert found.verdict == "secret-denied" and "secret/data/litellm/claude-code" in found.fix


class TestOddServers:
    """Answers that are not Vault's, and servers that are not there."""

    @pytest.mark.parametrize(
        ("health", "verdict"),
        [
            ((200, HEALTHY), "vault-active"),
            ((429, {**HEALTHY, "standby": True}), "vault-standby"),
            ((473, {**HEALTHY, "standby": True, "performance_standby": True}), "vault-standby"),
            ((472, {**HEALTHY, "replication_dr_mode": "secondary"}), "vault-secondary"),
            ((501, {**HEALTHY, "initialized": False, "sealed": True}), "vault-uninitialised"),
            ((503, {**HEALTHY, "sealed": True}), "vault-sealed"),
            ((503, b"<html>Service Unavailable</html>"), "vault-not-vault"),
            ((200, b"<html>Sign in</html>"), "vault-not-vault"),
            ((302, b""), "vault-redirect"),
            ((200, []), "vault-not-vault"),
            ((200, None), "vault-not-vault"),
            ((200, {"sealed": "no"}), "vault-not-vault"),
            ((200, b"{" * 5000), "vault-not-vault"),
            ((200, b"[" * 200_000), "vault-not-vault"),
            ((200, b" " * 400_000), "vault-not-vault"),
        ],
    )
    async def test_case_73_the_state_of_the_server(
        self, home: Path, double: VaultDouble, health: Reply, verdict: str
    ) -> None:
        double.health = health
        found = await examined(home, answers(double.url), double.token)
        assert found["server"].verdict == verdict
        if found["server"].status == "fail":
            assert [each.verdict for each in found.values()][1:] == ["not-tried", "not-tried"]
            assert not [each for each in double.requests if "x-vault-token" in each.headers]

    @pytest.mark.parametrize(
        "body", [b"<html>", [], None, {"data": []}, {"data": None}, {"data": {"data": "x"}}, {}, b""]
    )
    @pytest.mark.parametrize(
        "path", ["secret/data/litellm/claude-code", "sys/internal/ui/mounts/secret/litellm/claude-code"]
    )
    async def test_case_79_an_odd_answer_is_neither_a_crash_nor_a_key(
        self, home: Path, double: VaultDouble, path: str, body: object
    ) -> None:
        double.overrides = {path: (200, body)}
        for reader in READERS:
            assert by_curl(home, answers(double.url), double.token, reader).refusal
        assert (await examined(home, answers(double.url), double.token))["secret"].verdict == "secret-odd-answer"

    @pytest.mark.parametrize(
        "path", ["secret/data/litellm/claude-code", "sys/internal/ui/mounts/secret/litellm/claude-code"]
    )
    async def test_case_15_a_redirect_is_never_followed(self, home: Path, double: VaultDouble, path: str) -> None:
        double.overrides = {path: (307, b"")}
        assert "redirects" in by_curl(home, answers(double.url), double.token).refusal
        assert (await examined(home, answers(double.url), double.token))["secret"].status == "fail"

    async def test_case_80_82_netrc_and_curlrc_change_nothing(self, home: Path, double: VaultDouble) -> None:
        private_file(home / ".netrc", "machine 127.0.0.1 login ada password netrc-canary\n")
        (home / ".curlrc").write_text(f'verbose\noutput = "{home}/leak"\nnetrc\n')
        assert by_curl(home, answers(double.url), double.token).key == KEY
        assert (await examined(home, answers(double.url), double.token, NETRC=str(home / ".netrc")))["secret"].verdict
        assert not [each for each in double.requests if "authorization" in each.headers]
        assert not (home / "leak").exists()

    async def test_case_32_nobody_there(self, home: Path) -> None:
        url = f"http://127.0.0.1:{free_port()}"
        assert "nothing answers there" in by_curl(home, answers(url), "hvs.x-canary").refusal
        found = await examined(home, answers(url), "hvs.x-canary")
        assert found["server"].verdict == "vault-refused"

    async def test_case_67_an_unknown_name(self, home: Path) -> None:
        url = "https://no-such-host.invalid:8200"
        assert "its name is not known" in by_curl(home, answers(url), "hvs.x-canary").refusal
        assert (await examined(home, answers(url), "hvs.x-canary"))["server"].verdict == "vault-unknown-name"

    async def test_case_32_a_server_that_hangs(self, home: Path, double: VaultDouble) -> None:
        double.delay = 30
        started = time.monotonic()
        assert "did not answer in time" in by_curl(home, answers(double.url), double.token).refusal
        assert time.monotonic() - started < LIMIT
        started = time.monotonic()
        assert (await examined(home, answers(double.url), double.token))["server"].verdict == "vault-timeout"
        assert time.monotonic() - started < LIMIT


class TestTls:
    """An authority of one's own."""

    async def test_only_the_named_authority_is_trusted(self, home: Path) -> None:
        authority = Authority(home)
        server = authority.issue("127.0.0.1")
        secrets = {"secret/litellm/claude-code": {"api_key": KEY}}
        with VaultDouble(secrets=secrets, certificate=(server.certificate, server.key)) as double:
            trusting = answers(double.url, ca_file=str(authority.certificate))
            assert by_curl(home, trusting, double.token).key == KEY
            assert (await examined(home, trusting, double.token))["secret"].verdict == "secret-found"
            double.requests.clear()
            assert "is not trusted" in by_curl(home, answers(double.url), double.token).refusal
            assert (await examined(home, answers(double.url), double.token))["server"].verdict == "vault-tls"
            assert not double.requests
            missing = answers(double.url, ca_file="~/none.pem")
            assert "is not trusted" in by_curl(home, missing, double.token).refusal
            assert (await examined(home, missing, double.token))["server"].verdict == "vault-ca-file"


class TestClientProgram:
    """The vault program, here a double that records what it is given."""

    def run(
        self, home: Path, options: Mapping[str, Any], env: Mapping[str, str], shell: str = "dash", **said: Any
    ) -> Ran:
        program = home / "opt/vault"
        write_client_double(program, home / "record", **said)
        machine = machine_with(home, "curl", "jq")
        machine = replace(machine, programs={**machine.programs, "vault": program})
        return run_helper(helper_text("vault", options, machine), home, env, shell=SHELLS[shell])

    def recorded(self, home: Path) -> tuple[list[str], dict[str, str]]:
        lines = (home / "record").read_text().splitlines()
        pairs = (line.partition("=") for line in lines if not line.startswith("arg "))
        return [line[4:] for line in lines if line.startswith("arg ")], {name: value for name, _, value in pairs}

    @pytest.mark.parametrize("shell", SHELLS)
    def test_case_75_77_it_gets_what_was_set_up_and_nothing_else(self, home: Path, shell: str) -> None:
        options = answers("https://vault.corp.example:8200", namespace="team-a", ca_file="~/ca.pem")
        strays = dict.fromkeys(
            (
                *("VAULT_ADDR", "BAO_ADDR", "VAULT_AGENT_ADDR", "VAULT_FORMAT", "VAULT_WRAP_TTL", "VAULT_SKIP_VERIFY"),
                *("BAO_NAMESPACE", "VAULT_CAPATH", "BAO_SKIP_VERIFY", "BAO_CACERT", "VAULT_HTTP_PROXY"),
            ),
            "stray",
        )
        env = {"PATH": "/usr/bin:/bin", "VAULT_TOKEN": "hvs.t0ken", **strays}
        assert self.run(home, options, env, shell, key=KEY).key == KEY
        arguments, seen = self.recorded(home)
        assert arguments == ["kv", "get", "-field=api_key", "--", "secret/litellm/claude-code"]
        assert {name: value for name, value in seen.items() if name.startswith(("VAULT_", "BAO_"))} == {
            "VAULT_ADDR": "https://vault.corp.example:8200",
            "VAULT_NAMESPACE": "team-a",
            "VAULT_CACERT": str(home / "ca.pem"),
            "VAULT_TOKEN": "hvs.t0ken",
            "VAULT_CLIENT_TIMEOUT": "4",
            "VAULT_MAX_RETRIES": "0",
            "VAULT_DISABLE_REDIRECTS": "true",
        }
        assert "stray" not in seen.values()

    @pytest.mark.parametrize("shell", SHELLS)
    def test_case_82_a_token_from_the_file_stays_out_of_its_environment(self, home: Path, shell: str) -> None:
        private_file(home / ".vault-token", "hvs.fr0m-file")
        env = {"PATH": "/usr/bin:/bin", "token": "exported"}
        assert self.run(home, answers("http://127.0.0.1:8200"), env, shell, key=KEY).key == KEY
        _, seen = self.recorded(home)
        assert "hvs.fr0m-file" not in "".join(seen.values())
        assert (seen["HOME"], seen["VAULT_CONFIG_PATH"]) == (str(home), "/dev/null")
        assert seen["NO_PROXY"] == "*"

    @pytest.mark.parametrize("shell", SHELLS)
    @pytest.mark.parametrize(
        ("error", "code", "part"),
        [
            ("Error making API request.\n\nCode: 403. Errors:\n\n* permission denied", 2, "refuses to read"),
            ("* preflight capability check returned 403, please ensure", 2, "shows no mount"),
            ("No value found at secret/data/x", 2, "has no secret at"),
            ("No data found at secret/data/x", 2, "was deleted or destroyed"),
            ('Field "api_key" not present in secret', 1, "has no field api_key"),
            ("Error making API request.\n\nCode: 503. Errors:\n\n* Vault is sealed", 2, "is sealed"),
            ("tls: failed to verify certificate: x509: unknown authority", 2, "is not trusted"),
            ("dial tcp 127.0.0.1:1: connect: connection refused", 2, "nothing answers there"),
            ("context deadline exceeded", 2, "did not answer in time"),
            ("something new\nin two lines", 2, "Run it by hand: vault kv get secret/litellm/claude-code"),
            ("", 7, "(exit 7)"),
        ],
    )
    def test_case_76_its_errors_become_one_sentence(
        self, home: Path, shell: str, error: str, code: int, part: str
    ) -> None:
        env = {"PATH": "/usr/bin:/bin", "VAULT_TOKEN": "hvs.t0ken"}
        assert part in self.run(home, answers("http://127.0.0.1:8200"), env, shell, error=error, code=code).refusal

    def test_its_warnings_don_t_spoil_the_key(self, home: Path) -> None:
        env = {"PATH": "/usr/bin:/bin", "VAULT_TOKEN": "hvs.t0ken"}
        said = {"key": KEY, "error": "WARNING! a newer version is out"}
        assert self.run(home, answers("http://127.0.0.1:8200"), env, **said).key == KEY

    def test_case_81_curl_steps_in_when_it_is_gone(self, home: Path, double: VaultDouble) -> None:
        machine = machine_with(home, "curl", "jq")
        machine = replace(machine, programs={**machine.programs, "vault": home / "gone/vault"})
        text = helper_text("vault", answers(double.url), machine)
        env = {"PATH": "/usr/bin:/bin", "VAULT_TOKEN": double.token}
        assert run_helper(text, home, env).key == KEY
        write_client_double(home / "bin/vault", home / "record", key="sk-by-path")
        assert run_helper(text, home, {**env, "PATH": f"{home}/bin:/usr/bin:/bin"}).key == "sk-by-path"

    def test_case_81_nothing_left_is_said(self, home: Path) -> None:
        machine = replace(machine_with(home), programs={"vault": home / "gone/vault"})
        text = helper_text("vault", answers("http://127.0.0.1:8200"), machine)
        refusal = run_helper(text, home, {"PATH": "/usr/bin:/bin", "VAULT_TOKEN": "x"}).refusal
        assert (
            refusal
            == "The program that reads from Vault is gone. Install vault, or curl and jq, and run the wizard again."
        )

"""Every way to sign in to Vault, by the wizard and by the helper: AppRole and userpass on a real server (rusty_vault),
JWT, Kubernetes, client certificates and renewal on a double, token helpers as the real programs they are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from tests.faults.certificates import Authority
from tests.keys.helpers import LIMIT, SHELLS, Ran, helper_text, machine_with, options_of, private_file, run_helper
from tests.keys.test_vault_live import KEY, READERS, answers, examined
from tests.keys.vault_double import LONG_LIVED, VaultDouble, write_client_double
from tests.machines import machine_at
from tests.programs import require
from tests.real.vault_server import VaultServer
from wizard.fields import read_table
from wizard.keys.backend import NoProgramError
from wizard.keys.vault import BACKEND, resolve
from wizard.keys.vault_login import SERVICE_ACCOUNT

JWT: Final = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.signature-canary_-0"
SECRET_ID: Final = "secret-id-canary-0123456789"
HTTPS: Final = "https://vault.corp.example:8200"


def helped(home: Path, options: dict[str, Any], reader: str = "jq", shell: str = "dash", **env: str) -> Ran:
    """Run the helper with no token in sight but those in `env`."""
    text = helper_text("vault", options, machine_with(home, "curl", reader, "timeout"))
    ran = run_helper(text, home, {"PATH": "/usr/bin:/bin", "HOME": str(home), **env}, shell=SHELLS[shell])
    for secret in (KEY, JWT, SECRET_ID, "hvs."):
        assert secret not in ran.err
    return ran


@pytest.fixture
def double() -> Iterator[VaultDouble]:
    """A double that knows a JWT and an AppRole besides its token."""
    logins = {
        "auth/jwt/login": {"role": "dev", "jwt": JWT},
        "auth/team/k8s é/login": {"role": 'de"v\\', "jwt": JWT},
        "auth/kubernetes/login": {"role": "dev", "jwt": JWT},
        "auth/corp-jwt/login": {"jwt": JWT},
        "auth/approle/login": {"role_id": "role-1", "secret_id": SECRET_ID},
    }
    secrets = {"secret/litellm/claude-code": {"api_key": KEY}}
    with VaultDouble(secrets=secrets, logins=logins) as made:
        yield made


class TestAppRole:
    """A role id in the answers, a secret id in a file of one's own."""

    @pytest.mark.parametrize("shell", SHELLS)
    @pytest.mark.parametrize("reader", READERS)
    async def test_a_real_server_takes_it(self, home: Path, vault_server: VaultServer, reader: str, shell: str) -> None:
        vault_server.put("secret/litellm/claude-code", api_key=KEY)
        role_id, secret_id = vault_server.app_role("team/roles")
        private_file(home / "secret-id", f"{secret_id}\n")
        how = {"sign_in": "approle", "auth_mount": "team/roles", "role_id": role_id, "secret_id_file": "~/secret-id"}
        options = answers(vault_server.url, **how)
        assert helped(home, options, reader, shell).key == KEY
        found = await examined(home, options)
        assert [each.verdict for each in found.values()] == ["vault-active", "token-good", "secret-found"]
        assert "From AppRole at auth/team/roles: lives " in found["token"].cause
        assert secret_id not in repr(found)

    async def test_a_real_server_refuses_a_wrong_one(self, home: Path, vault_server: VaultServer) -> None:
        role_id, _ = vault_server.app_role()
        private_file(home / "secret-id", SECRET_ID)
        options = answers(vault_server.url, sign_in="approle", role_id=role_id, secret_id_file="~/secret-id")
        assert "refuses to sign in by AppRole at auth/approle. Check the role id" in helped(home, options).refusal
        found = (await examined(home, options))["token"]
        assert (found.verdict, found.fix) == ("login-refused", resolve(options, machine_at(home)).sign_in.remedy)
        options = {**options, "auth_mount": "nowhere"}
        assert "at auth/nowhere. Check the role id and the sign-in mount" in helped(home, options).refusal
        assert (await examined(home, options))["token"].verdict == "login-refused", "Vault does not say which"

    @pytest.mark.parametrize("content", [None, "", "\n", "two words", "tab\t1", "ctrl\x01"])
    async def test_a_file_that_holds_none_is_never_sent(
        self, home: Path, double: VaultDouble, content: str | None
    ) -> None:
        if content is not None:
            private_file(home / "secret-id", content)
        options = answers(double.url, sign_in="approle", role_id="role-1", secret_id_file="~/secret-id")
        assert "secret-id" in helped(home, options).refusal
        assert (await examined(home, options))["token"].verdict == "login-file"
        assert double.asked == ["sys/health"]

    async def test_case_74_a_file_that_others_read_is_told(self, home: Path, double: VaultDouble) -> None:
        private_file(home / "secret-id", SECRET_ID, 0o644)
        options = answers(double.url, sign_in="approle", role_id="role-1", secret_id_file="~/secret-id")
        found = (await examined(home, options))["token"]
        assert (found.verdict, found.fix) == ("token-file-wide", "Run: chmod 600 ~/secret-id")


class TestTokenFiles:
    """JWT and Kubernetes: a token of another system, in a file."""

    @pytest.mark.parametrize("reader", READERS)
    @pytest.mark.parametrize(
        "how",
        [
            {"sign_in": "jwt", "role": "dev"},
            {"sign_in": "jwt", "auth_mount": "/auth/corp-jwt/"},
            {"sign_in": "kubernetes", "role": "dev"},
            {"sign_in": "kubernetes", "role": 'de"v\\', "auth_mount": "team/k8s é"},
        ],
    )
    async def test_it_arrives_exactly_and_the_token_is_given_back(
        self, home: Path, double: VaultDouble, reader: str, how: dict[str, str]
    ) -> None:
        private_file(home / "jwt", f"{JWT}\nmore\n")
        options = answers(double.url, jwt_file="~/jwt", **how)
        assert helped(home, options, reader).key == KEY
        assert double.asked[-1] == "auth/token/revoke-self"
        assert (await examined(home, options))["secret"].verdict == "secret-found"
        assert double.asked.count("auth/token/revoke-self") == 2
        assert not double.given

    async def test_it_is_given_back_after_a_failed_read_too(self, home: Path, double: VaultDouble) -> None:
        private_file(home / "jwt", JWT)
        options = answers(double.url, "no/such", sign_in="jwt", role="dev", jwt_file="~/jwt")
        assert "no secret at secret/no/such" in helped(home, options).refusal
        assert (await examined(home, options))["secret"].verdict == "secret-missing"
        assert double.asked.count("auth/token/revoke-self") == 2
        assert not double.given

    async def test_a_namespace_goes_along(self, home: Path, double: VaultDouble) -> None:
        double.namespace = "team-a"
        private_file(home / "jwt", JWT)
        options = answers(double.url, sign_in="jwt", role="dev", jwt_file="~/jwt", namespace="team-a")
        assert helped(home, options).key == KEY
        assert (await examined(home, options))["secret"].verdict == "secret-found"

    @pytest.mark.parametrize(
        ("reply", "verdict", "part"),
        [
            ((400, {"errors": ["token is expired"]}), "login-refused", "refuses to sign in"),
            ((403, {"errors": ["permission denied"]}), "login-refused", "refuses to sign in"),
            ((404, {"errors": ["no handler for route"]}), "login-no-mount", "no sign-in method at auth/jwt"),
            ((500, {"errors": ["lookup failed"]}), "login-odd-answer", "status 500"),
            ((200, {"auth": None}), "login-odd-answer", "gave no token"),
            ((200, {"auth": {"client_token": "a b"}}), "login-odd-answer", "gave no token"),
            ((200, {"auth": {"client_token": 5}}), "login-odd-answer", "gave no token"),
            ((200, b"<html>portal</html>"), "login-odd-answer", "gave no token"),
            ((200, {"auth": {"client_token": "", "mfa_requirement": {"id": "1"}}}), "login-second-factor", "factor"),
        ],
    )
    @pytest.mark.parametrize("reader", READERS)
    async def test_a_sign_in_that_fails_has_its_sentence(
        self, home: Path, double: VaultDouble, reply: Any, verdict: str, part: str, reader: str
    ) -> None:
        double.overrides = {"auth/jwt/login": reply}
        private_file(home / "jwt", JWT)
        options = answers(double.url, sign_in="jwt", role="dev", jwt_file="~/jwt")
        assert part in helped(home, options, reader).refusal
        found = await examined(home, options)
        assert (found["token"].verdict, found["secret"].status) == (verdict, "skip")

    def test_a_pod_has_a_file_of_its_own(self, home: Path) -> None:
        options = answers(HTTPS, sign_in="kubernetes", role="dev")
        assert resolve(options, machine_at(home)).sign_in.file == SERVICE_ACCOUNT

    async def test_a_slow_sign_in_ends_in_time(self, home: Path, double: VaultDouble) -> None:
        private_file(home / "jwt", JWT)
        options = answers(double.url, sign_in="jwt", role="dev", jwt_file="~/jwt")
        double.slow = {"auth/token/revoke-self": 30.0}
        started = time.monotonic()
        assert (await asyncio.to_thread(helped, home, options)).key == KEY, "giving back is not waited for"
        double.slow = {"auth/jwt/login": 30.0}
        assert "did not answer in time" in (await asyncio.to_thread(helped, home, options)).refusal
        assert time.monotonic() - started < LIMIT


class TestAsking:
    """Sign-ins that ask for something: the user's own program does that, and is named to the letter."""

    async def test_a_real_user_s_token_serves_from_the_file(self, home: Path, vault_server: VaultServer) -> None:
        vault_server.put("secret/litellm/claude-code", api_key=KEY)
        vault_server.user("ada", "password-canary", "people")
        made = vault_server.request("POST", "auth/people/login/ada", {"password": "password-canary"})
        options = answers(vault_server.url, sign_in="userpass", auth_mount="people", username="ada")
        command = f"vault login -address={vault_server.url} -method=userpass -path=people username=ada"
        assert helped(home, options).refusal.endswith(f"Run: {command}")
        assert (await examined(home, options))["token"].fix == f"Run {command}."
        private_file(home / ".vault-token", made["auth"]["client_token"])  # as vault login does
        assert helped(home, options).key == KEY
        assert (await examined(home, options))["secret"].verdict == "secret-found"

    @pytest.mark.parametrize(
        ("how", "program", "command"),
        [
            ({}, "vault", ""),
            ({"sign_in": "ldap"}, "vault", " -method=ldap"),
            ({"sign_in": "ldap", "auth_mount": "ldap", "username": "ada l"}, "vault", " -method=ldap 'username=ada l'"),
            ({"sign_in": "oidc", "role": "dev"}, "bao", " -method=oidc role=dev"),
            ({"sign_in": "oidc", "auth_mount": "sso", "namespace": "a b"}, "bao", " -method=oidc -path=sso"),
        ],
    )
    def test_the_command_is_exact(self, home: Path, how: dict[str, str], program: str, command: str) -> None:
        machine = machine_at(home, programs={program: Path("/opt") / program})
        namespace = " '-namespace=a b'" if "namespace" in how else ""
        place = resolve(answers(HTTPS, **how), machine)
        assert place.login == f"{program} login -address={HTTPS}{namespace}{command}"
        if how.get("sign_in"):
            assert "vault login" in " ".join(BACKEND.notes(answers(HTTPS, **how)))

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"sign_in": "approle", "secret_id_file": "~/x"}, "role_id"),
            ({"sign_in": "approle", "role_id": "x"}, "secret_id_file"),
            ({"sign_in": "jwt"}, "jwt_file"),
            ({"sign_in": "kubernetes"}, "role"),
            ({"sign_in": "token", "client_key": "~/k"}, "client_cert"),
            ({"sign_in": "ldap", "auth_mount": "a/../b"}, "auth_mount"),
            ({"sign_in": "github"}, "sign_in"),
        ],
    )
    def test_what_is_missing_is_said(self, given: dict[str, str], field: str) -> None:
        values, problems = read_table(BACKEND.fields, {"address": HTTPS, "path": "a/b", **given}, "key.vault")
        problems = problems or BACKEND.validate(values, "key.vault")
        assert [each.field for each in problems] == [f"key.vault.{field}"]

    def test_a_helper_that_signs_in_needs_curl_and_no_variable(self, home: Path) -> None:
        options = answers(HTTPS, sign_in="approle", role_id="x", secret_id_file="~/x")
        assert BACKEND.shell_needs(options, machine_at(home, env={})) == ()
        with pytest.raises(NoProgramError, match=r"Install curl and jq\."):
            helper_text("vault", options, machine_at(home, programs={"vault": Path("/opt/vault")}))


class TestTokenHelper:
    """The program that ~/.vault names as `token_helper`."""

    def install(self, home: Path, body: str, config: str = 'token_helper = "{}"\n') -> None:
        program = private_file(home / "opt/my helper", f"#!/bin/sh\n{body}\n", 0o700)
        (home / ".vault").write_text(config.format(program))

    @pytest.mark.parametrize(
        "config", ['token_helper = "{}"\n', '# mine\n  token_helper="{}" # x\n', '{{"token_helper": "{}"}}']
    )
    async def test_it_gives_the_token(self, home: Path, double: VaultDouble, config: str) -> None:
        self.install(home, f'[ "$*" = get ] && printf %s {double.token}', config)
        private_file(home / ".vault-token", "hvs.old")
        for reader in READERS:
            assert helped(home, answers(double.url), reader).key == KEY
        found = await examined(home, answers(double.url))
        assert found["token"].facts["origin"] == "~/opt/my helper"
        assert BACKEND.shell_needs(answers(double.url), machine_at(home, env={})) == ()
        assert helped(home, answers(double.url), VAULT_TOKEN="hvs.wins").code == 1, "a variable wins"

    @pytest.mark.parametrize("config", ["", '# token_helper = "{}"\n', 'token_helper = "\n', "token_helper = {}\n"])
    def test_other_settings_name_none(self, home: Path, config: str) -> None:
        self.install(home, "exit 1", config)
        assert resolve(answers(HTTPS), machine_at(home)).sign_in.token_helper == ""

    @pytest.mark.parametrize(
        ("body", "verdict"),
        [("exit 3", "token-helper"), (":", "token-helper"), ("echo 'hvs.a b'", "token-malformed")],
    )
    async def test_one_that_gives_none_is_told(self, home: Path, double: VaultDouble, body: str, verdict: str) -> None:
        self.install(home, body)
        assert helped(home, answers(double.url)).refusal.endswith(f"Run: vault login -address={double.url}")
        assert (await examined(home, answers(double.url)))["token"].verdict == verdict

    async def test_the_vault_program_asks_it_itself(self, home: Path) -> None:
        self.install(home, "echo never-asked-by-us >&2; exit 1")
        write_client_double(home / "opt/vault", home / "record", key=KEY)
        machine = machine_at(home, programs={"vault": home / "opt/vault", "timeout": Path("/usr/bin/timeout")})
        assert run_helper(helper_text("vault", answers(HTTPS), machine), home, {"HOME": str(home)}).key == KEY
        assert f"VAULT_CONFIG_PATH={home}/.vault\n" in (home / "record").read_text()

    async def test_programs_that_hang_are_ended(self, home: Path, double: VaultDouble) -> None:
        """A token helper, and a vault program that ignores its own time limit; each also without `timeout`."""
        require("curl", "jq", "timeout")
        self.install(home, "exec sleep 60")
        stubborn = private_file(home / "opt/vault", "#!/bin/sh\ntrap '' TERM\nexec sleep 60\n", 0o700)
        (home / "plain").mkdir()

        def by_helper(*programs: str) -> float:
            folder = home / f"asks{len(programs)}"
            folder.mkdir()
            started = time.monotonic()
            text = helper_text("vault", answers(double.url), machine_with(home, "curl", "jq", *programs))
            assert "There is no Vault token" in run_helper(text, folder, {"HOME": str(home)}).refusal
            return time.monotonic() - started

        def by_vault(*programs: str) -> float:
            folder = home / f"vault{len(programs)}"
            folder.mkdir()
            machine = machine_with(home / "plain", *programs)
            machine = replace(machine, programs={**machine.programs, "vault": stubborn})
            started = time.monotonic()
            ran = run_helper(helper_text("vault", answers(double.url), machine), folder, {"VAULT_TOKEN": "hvs.x"})
            assert "did not answer in time" in ran.refusal or "could not read" in ran.refusal
            return time.monotonic() - started

        waits = [asyncio.to_thread(by_helper), asyncio.to_thread(by_helper, "timeout")]
        waits += [asyncio.to_thread(by_vault), asyncio.to_thread(by_vault, "timeout")]
        seconds, found = await asyncio.gather(asyncio.gather(*waits), examined(home, answers(double.url)))
        assert max(seconds) < LIMIT
        assert found["token"].verdict == "token-helper" and "does not end" in found["token"].cause


class TestRenewal:
    """A renewable token in its second half is renewed; nothing about that may spoil or hold up the read."""

    def lives(self, double: VaultDouble, **data: object) -> None:
        double.lookup = (200, {"data": {**LONG_LIVED, **data}})

    @pytest.mark.parametrize("reader", READERS)
    @pytest.mark.parametrize(
        ("data", "renewed"),
        [
            ({"ttl": 1799, "creation_ttl": 3600}, True),
            ({"ttl": 1800, "creation_ttl": 3600}, False),
            ({"ttl": 1, "creation_ttl": 3600, "renewable": False}, False),
            ({"ttl": 0, "creation_ttl": 0}, False),
            ({"ttl": 0, "creation_ttl": 3600}, False),
            ({"ttl": "soon", "creation_ttl": 3600}, False),
            ({"ttl": 1, "creation_ttl": None}, False),
        ],
    )
    def test_only_in_its_second_half(
        self, home: Path, double: VaultDouble, reader: str, data: dict[str, object], renewed: bool
    ) -> None:
        self.lives(double, **data)
        assert helped(home, answers(double.url), reader, VAULT_TOKEN=double.token).key == KEY
        asked = [each for each in double.requests if each.path == "auth/token/renew-self"]
        assert [each.method for each in asked] == (["POST"] if renewed else [])

    @pytest.mark.parametrize("programs", [("curl", "timeout"), ("curl", "jq", "timeout")])
    @pytest.mark.parametrize(
        ("data", "renewed"),
        [
            ({"ttl": 1799, "creation_ttl": 3600}, True),
            ({"ttl": 1800, "creation_ttl": 3600}, False),
            ({"ttl": 1, "creation_ttl": 3600, "renewable": False}, False),
            ({"ttl": 0, "creation_ttl": 0}, False),
            ({"ttl": "1", "creation_ttl": 3600}, False),
            ({"ttl": 1, "creation_ttl": None}, False),
            ({"ttl": 10**40, "creation_ttl": 10**41}, False),
            ({"ttl": 1, "creation_ttl": 3600, "meta": {"ttl": 5000}}, True),
        ],
    )
    @pytest.mark.parametrize("shell", SHELLS)
    def test_beside_the_vault_program_too(
        self,
        home: Path,
        double: VaultDouble,
        data: dict[str, object],
        renewed: bool,
        shell: str,
        programs: tuple[str, ...],
    ) -> None:
        self.lives(double, **data)
        private_file(home / ".vault-token", double.token)
        write_client_double(home / "opt/vault", home / "record", key=KEY)
        machine = machine_with(home, *programs)
        machine = replace(machine, programs={**machine.programs, "vault": home / "opt/vault"})
        text = helper_text("vault", answers(double.url), machine)
        assert run_helper(text, home, {"HOME": str(home)}, shell=SHELLS[shell]).key == KEY
        assert ("auth/token/renew-self" in double.asked) == renewed
        assert double.token not in (home / "record").read_text()

    @pytest.mark.parametrize("path", ["auth/token/lookup-self", "auth/token/renew-self"])
    def test_it_never_holds_up_or_spoils(self, home: Path, double: VaultDouble, path: str) -> None:
        self.lives(double, ttl=10, creation_ttl=3600)
        double.overrides = {path: (500, b"\x00<html>")}
        assert helped(home, answers(double.url), VAULT_TOKEN=double.token).key == KEY
        double.overrides, double.slow = {}, {path: 30.0}
        started = time.monotonic()
        assert helped(home, answers(double.url), VAULT_TOKEN=double.token).key == KEY
        assert time.monotonic() - started < 5, "one second, and what a busy machine adds"


class TestClientCertificate:
    """A server that wants one."""

    async def test_case_77_wizard_and_helper_show_it(self, home: Path) -> None:
        authority = Authority(home)
        server, mine = authority.issue("127.0.0.1"), authority.issue("me.example", file="mine")
        for name, file in (("my:cert.pem", mine.certificate), ("my key.pem", mine.key)):
            private_file(home / name, Path(file).read_bytes())
        secrets = {"secret/litellm/claude-code": {"api_key": KEY}}
        ours = {"certificate": (server.certificate, server.key), "client_authority": authority.certificate}
        with VaultDouble(secrets=secrets, **ours) as double:  # type: ignore[arg-type]
            bare = answers(double.url, ca_file=str(authority.certificate))
            options = {**bare, "client_cert": "~/my:cert.pem", "client_key": "~/my key.pem"}
            for reader in READERS:
                assert helped(home, options, reader, VAULT_TOKEN=double.token).key == KEY
            assert (await examined(home, options, double.token))["secret"].verdict == "secret-found"
            assert helped(home, bare, VAULT_TOKEN=double.token).code == 1
            assert (await examined(home, bare, double.token))["server"].verdict in ("vault-client-cert", "vault-cut")
            for odd in ({"client_key": "~/my:cert.pem"}, {"client_cert": "~/none.pem"}):
                ran = helped(home, {**options, **odd}, VAULT_TOKEN=double.token)
                assert "client certificate for" in ran.refusal
                found = await examined(home, {**options, **odd}, double.token)
                assert found["server"].verdict == "vault-client-file"

    def test_case_77_the_vault_program_gets_it(self, home: Path) -> None:
        write_client_double(home / "opt/vault", home / "record", key=KEY)
        machine = machine_at(home, programs={"vault": home / "opt/vault"})
        options = options_of("vault", address=HTTPS, path="a/b", client_cert="~/c.pem")
        env = {"HOME": str(home), "VAULT_TOKEN": "hvs.x", "VAULT_CLIENT_CERT": "stray"}
        assert run_helper(helper_text("vault", options, machine), home, env).key == KEY
        record = (home / "record").read_text()
        assert f"VAULT_CLIENT_CERT={home}/c.pem\n" in record and f"VAULT_CLIENT_KEY={home}/c.pem\n" in record

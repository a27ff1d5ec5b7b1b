"""A real OpenBao (server and `bao` program) read by the wizard and every kind of helper, which find the same value."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import urllib.error
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.faults.certificates import Authority
from tests.keys.helpers import SHELLS, Ran, helper_text, machine_with, private_file, run_helper
from tests.keys.test_vault_live import KEY, answers, examined
from tests.programs import OPENBAO, require
from tests.real.openbao_server import OpenBao, kubernetes_double
from wizard.keys.vault import resolve
from wizard.keys.vault_browse import Browser, Spot
from wizard.machine.model import Machine

WAYS: Final = {"bao": ("bao", "timeout"), "curl+jq": ("curl", "jq"), "curl+python3": ("curl", "python3")}
every_way = pytest.mark.parametrize("way", WAYS)


def bao_machine(home: Path, *programs: str, env: Mapping[str, str] | None = None) -> Machine:
    """Return a machine with these programs, `bao` among them being the real one."""
    machine = machine_with(home, *(each for each in programs if each != "bao"), env=env)
    if "bao" not in programs:
        return machine
    return replace(machine, programs={**machine.programs, "bao": require(OPENBAO)[0]})


def helped(home: Path, options: Mapping[str, Any], way: str, shell: str = "dash", **env: str) -> Ran:
    """Run the helper of this way; nothing secret is in what it says on stderr."""
    text = helper_text("vault", options, bao_machine(home, *WAYS[way]))
    ran = run_helper(text, home, {"PATH": "/usr/bin:/bin", "HOME": str(home), **env}, shell=SHELLS[shell])
    for secret in (KEY, *(value for name, value in env.items() if name.endswith("TOKEN"))):
        assert secret not in ran.err
    return ran


@dataclass(frozen=True, slots=True)
class Spread:
    """One secret and how it is asked for."""

    mount: str
    path: str
    version: int
    namespace: str = ""
    typed_mount: str = ""
    typed_path: str = ""

    def options(self, server: OpenBao) -> dict[str, Any]:
        typed = {"mount": self.typed_mount or self.mount, "namespace": self.namespace}
        return answers(server.url, self.typed_path or self.path, **typed)

    @property
    def key(self) -> str:
        return f"{KEY}-{self.mount}-{self.version}-{self.namespace}".replace("/", "_").replace(" ", "_")


SPREADS: Final = {
    "v2": Spread("secret", "litellm/claude-code", 2),
    "v2, data/ typed": Spread("secret", "litellm/typed", 2, typed_path="data/litellm/typed"),
    "v1": Spread("kv1", "litellm/claude-code", 1),
    "v1 with data/ in its way": Spread("kv1", "data/odd", 1, typed_mount="kv1/data", typed_path="odd"),
    "v2 slashed": Spread("dept/a/kv", "x", 2),
    "v2 slashed, mount typed short": Spread("dept/a/kv", "y/z", 2, typed_mount="dept", typed_path="a/kv/y/z"),
    "v1 slashed": Spread("dept/b/kv", "x", 1),
    "v1 slashed, mount typed short": Spread("dept/b/kv", "y/z", 1, typed_mount="dept/b", typed_path="kv/y/z"),
    "v2 in a namespace": Spread("secret", "litellm/claude-code", 2, "team"),
    "v1 in a nested namespace": Spread("old/kv", "litellm/é x", 1, "team/inner"),
    "odd signs": Spread("secret", "sp ace/it's \"+é&=;!*()$(id)", 2),
}


@pytest.fixture(scope="module")
def spread(openbao: OpenBao) -> OpenBao:
    """The server with every secret of SPREADS."""
    openbao.namespace("team")
    openbao.namespace("team/inner")
    mounted = {("secret", "")}
    for each in SPREADS.values():
        if (each.mount, each.namespace) not in mounted:
            openbao.mount(each.mount, each.version, namespace=each.namespace)
            mounted.add((each.mount, each.namespace))
        openbao.put(each.path, mount=each.mount, version=each.version, namespace=each.namespace, api_key=each.key)
    return openbao


class TestSameValue:
    """Wizard, `bao` helper and curl helpers read the same."""

    @every_way
    @pytest.mark.parametrize("name", SPREADS)
    async def test_case_75_all_read_the_same(self, home: Path, spread: OpenBao, name: str, way: str) -> None:
        one = SPREADS[name]
        options = one.options(spread)
        token = spread.root_token
        assert helped(home, options, way, VAULT_TOKEN=token).key == one.key
        found = (await examined(home, options, token))["secret"]
        assert (found.verdict, found.facts["version"]) == ("secret-found", one.version)
        assert found.facts["characters"] == len(one.key)

    @every_way
    @pytest.mark.parametrize("shell", SHELLS)
    def test_case_81_in_every_shell(self, home: Path, spread: OpenBao, shell: str, way: str) -> None:
        private_file(home / ".vault-token", spread.root_token)
        for name in ("v2", "v1 slashed, mount typed short"):
            assert helped(home, SPREADS[name].options(spread), way, shell).key == SPREADS[name].key

    async def test_a_namespaced_token_reads_its_own(self, home: Path, spread: OpenBao) -> None:
        spread.policy("reader", ("secret/data/*", "read"), namespace="team")
        token = spread.token("reader", namespace="team")
        one = SPREADS["v2 in a namespace"]
        for way in WAYS:
            assert helped(home, one.options(spread), way, VAULT_TOKEN=token).key == one.key
        found = await examined(home, one.options(spread), token)
        assert [each.verdict for each in found.values()] == ["vault-active", "token-good", "secret-found"]
        outside = await examined(home, SPREADS["v2"].options(spread), token)
        assert outside["secret"].verdict in ("secret-mount", "secret-denied"), "it is good in its namespace only"

    async def test_over_tls_with_an_authority_of_ones_own(self, home: Path, tmp_path: Path) -> None:
        authority = Authority(home)
        mine = authority.issue("127.0.0.1")
        with OpenBao(tmp_path / "tls", certificate=(Path(mine.certificate), Path(mine.key))) as server:
            server.put("litellm/claude-code", api_key=KEY)
            trusting = answers(server.url, ca_file=str(authority.certificate))
            for way in WAYS:
                assert helped(home, trusting, way, VAULT_TOKEN=server.root_token).key == KEY
                refusal = helped(home, answers(server.url), way, VAULT_TOKEN=server.root_token).refusal
                assert "is not trusted. Give its authority" in refusal
            assert (await examined(home, trusting, server.root_token))["secret"].verdict == "secret-found"
            assert (await examined(home, answers(server.url), server.root_token))["server"].verdict == "vault-tls"


@pytest.fixture(scope="module")
def spoilt(openbao: OpenBao) -> OpenBao:
    for name in ("deleted", "destroyed", "other", "ended", "dying"):
        openbao.put(f"wrong/{name}", other="x")
    openbao.request("DELETE", "secret/data/wrong/deleted")
    openbao.request("POST", "secret/destroy/wrong/destroyed", {"versions": [1]})
    openbao.put("wrong/table", api_key={"a": 1})
    openbao.put("wrong/number", api_key=5)
    openbao.put("wrong/lines", api_key="a\nb")
    openbao.put("wrong/empty", api_key="")
    openbao.policy("elsewhere", ("secret/data/other/*", "read"))
    return openbao


class TestWrong:
    """What is wrong has a sentence of its own, the same by every way."""

    @every_way
    @pytest.mark.parametrize(
        ("path", "verdict", "part"),
        [
            ("deleted", "secret-deleted", "was deleted"),
            ("destroyed", "secret-destroyed", "destroyed. Write the key anew in Vault."),
            ("no/such", "secret-missing", "has no secret at secret/wrong/no/such"),
            ("other", "secret-no-field", "has no field api_key"),
            ("lines", "secret-not-a-key", "line break"),
            ("empty", "secret-empty", "is empty"),
        ],
    )
    async def test_case_76_each_is_told_apart(
        self, home: Path, spoilt: OpenBao, path: str, verdict: str, part: str, way: str
    ) -> None:
        options = answers(spoilt.url, f"wrong/{path}")
        assert part in helped(home, options, way, VAULT_TOKEN=spoilt.root_token).refusal
        assert (await examined(home, options, spoilt.root_token))["secret"].verdict == verdict

    @pytest.mark.parametrize("way", ["curl+jq", "curl+python3"])
    @pytest.mark.parametrize("path", ["table", "number"])
    async def test_case_76_what_is_no_text(self, home: Path, spoilt: OpenBao, path: str, way: str) -> None:
        options = answers(spoilt.url, f"wrong/{path}")
        assert "is not text" in helped(home, options, way, VAULT_TOKEN=spoilt.root_token).refusal
        assert (await examined(home, options, spoilt.root_token))["secret"].verdict == "secret-not-text"

    @every_way
    async def test_case_76_forbidden(self, home: Path, spoilt: OpenBao, way: str) -> None:
        token = spoilt.token("elsewhere")
        options = answers(spoilt.url, "wrong/other")
        refusal = helped(home, options, way, VAULT_TOKEN=token).refusal
        assert "refuses to read" in refusal or "shows no mount" in refusal
        assert f"bao login -address={spoilt.url}" in refusal or f"vault login -address={spoilt.url}" in refusal
        found = (await examined(home, options, token))["secret"]
        assert found.verdict == "secret-denied" and "secret/data/wrong/other" in found.fix

    @every_way
    async def test_case_76_no_mount(self, home: Path, spoilt: OpenBao, way: str) -> None:
        options = answers(spoilt.url, mount="nope")
        assert "no mount" in helped(home, options, way, VAULT_TOKEN=spoilt.token("default")).refusal
        found = (await examined(home, options, spoilt.token("default")))["secret"]
        assert found.verdict in ("secret-mount", "secret-no-mount")

    @every_way
    async def test_case_74_a_token_that_is_gone(self, home: Path, spoilt: OpenBao, way: str) -> None:
        spoilt.put("litellm/claude-code", api_key=KEY)
        token = spoilt.token("root")
        options = answers(spoilt.url)
        assert helped(home, options, way, VAULT_TOKEN=token).key == KEY
        spoilt.request("POST", "auth/token/revoke-self", token=token)
        program = "bao" if way == "bao" else "vault"
        refusal = helped(home, options, way, VAULT_TOKEN=token).refusal
        assert refusal.endswith(f"Run: {program} login -address={spoilt.url}")
        found = (await examined(home, options, token))["token"]
        assert (found.verdict, found.fix) == ("token-refused", f"Run vault login -address={spoilt.url}.")

    @every_way
    def test_case_74_no_token_at_all(self, home: Path, spoilt: OpenBao, way: str) -> None:
        refusal = helped(home, answers(spoilt.url), way).refusal
        assert refusal.startswith("There is no Vault token") and f"login -address={spoilt.url}" in refusal

    @every_way
    async def test_a_version_that_will_be_deleted_is_read_until_then(
        self, home: Path, spoilt: OpenBao, way: str
    ) -> None:
        spoilt.request("POST", "secret/metadata/dying", {"delete_version_after": "1h"})
        spoilt.put("dying", api_key=KEY)
        options = answers(spoilt.url, "dying")
        assert helped(home, options, way, VAULT_TOKEN=spoilt.root_token).key == KEY
        found = (await examined(home, options, spoilt.root_token))["secret"]
        assert found.verdict == "secret-found"
        assert found.facts["lease_seconds"] in range(3000, 3601)


class TestStates:
    """Sealed, uninitialised, on standby."""

    @every_way
    async def test_case_73_sealed(self, home: Path, openbao: OpenBao, way: str) -> None:
        openbao.put("litellm/claude-code", api_key=KEY)
        openbao.seal()
        try:
            ran = helped(home, answers(openbao.url), way, VAULT_TOKEN=openbao.root_token)
            found = await examined(home, answers(openbao.url), openbao.root_token)
        finally:
            openbao.unseal()
        assert ran.refusal == f"Vault at {openbao.url} is sealed. Ask whoever runs it to unseal it."
        assert [each.verdict for each in found.values()] == ["vault-sealed", "not-tried", "not-tried"]
        assert helped(home, answers(openbao.url), way, VAULT_TOKEN=openbao.root_token).key == KEY

    async def test_case_73_uninitialised_and_standby(self, home: Path, tmp_path: Path) -> None:
        leader = OpenBao(tmp_path / "one", ha=True)
        with leader, OpenBao(tmp_path / "two", ha=True, initialised=False) as other:
            found = await examined(home, answers(other.url), "s.none")
            assert [each.verdict for each in found.values()] == ["vault-uninitialised", "not-tried", "not-tried"]
            for way in WAYS:
                assert helped(home, answers(other.url), way, VAULT_TOKEN="s.none").refusal
            leader.put("litellm/claude-code", api_key=KEY)
            other.join(leader)
            found = await examined(home, answers(other.url), leader.root_token)
            assert [each.verdict for each in found.values()] == ["vault-standby", "token-root", "secret-found"]
            for way in WAYS:
                assert helped(home, answers(other.url), way, VAULT_TOKEN=leader.root_token).key == KEY


class TestTokens:
    """The life of a token, and its renewal by the helper."""

    @pytest.fixture
    def server(self, openbao: OpenBao) -> OpenBao:
        openbao.put("litellm/claude-code", api_key=KEY)
        return openbao

    async def test_case_74_what_is_told_of_it(self, home: Path, server: OpenBao) -> None:
        server.policy("reader", ("secret/data/*", "read"))

        async def token(**how: Any) -> Any:
            made = server.token("reader", **how)
            return (await examined(home, answers(server.url), made))["token"]

        good = await token(ttl="2h", renewable=True)
        assert good.verdict == "token-good" and good.facts["creation_ttl_seconds"] == 7200
        assert "default, reader" in good.cause and "(renewable)" in good.cause
        assert (await token(ttl="10m", renewable=False)).verdict == "token-short"
        assert (await token(ttl="10m")).verdict == "token-short-renewed"
        assert (await token(period="24h", ttl="24h")).verdict == "token-good"
        found = await examined(home, answers(server.url), server.root_token)
        assert found["token"].verdict == "token-root"
        unseen = server.token("reader", no_default_policy=True)
        found = await examined(home, answers(server.url), unseen)
        assert [each.verdict for each in found.values()][1:] == ["token-unseen", "secret-found"]

    @pytest.mark.parametrize("way", ["bao+curl", "curl+jq", "curl+python3"])
    @pytest.mark.parametrize("used_up", [True, False])
    def test_case_74_a_renewable_token_is_renewed_in_its_second_half(
        self, home: Path, server: OpenBao, way: str, used_up: bool
    ) -> None:
        """Renewed for less than it was made for, a token is in its second half at once, and keeps that life."""
        token = server.token(ttl="1h")
        if used_up:
            server.request("POST", "auth/token/renew-self", {"increment": "20m"}, token=token)
        before = server.request("GET", "auth/token/lookup-self", token=token)["data"]
        programs = ("bao", "curl") if way == "bao+curl" else WAYS[way]
        private_file(home / ".vault-token", token)
        text = helper_text("vault", answers(server.url), bao_machine(home, *programs))
        assert run_helper(text, home, {"HOME": str(home)}).key == KEY
        after = server.request("GET", "auth/token/lookup-self", token=token)["data"]
        assert (after.get("last_renewal") != before.get("last_renewal")) == used_up


@pytest.fixture(scope="module")
def signing(openbao: OpenBao) -> OpenBao:
    openbao.put("litellm/claude-code", api_key=KEY)
    openbao.policy("signed-in", ("secret/data/litellm/*", "read"))
    return openbao


def typed(argv: list[str], password: str, env: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Run a program on a terminal of its own, where it asks for a password."""
    ours, its = os.openpty()
    try:
        os.write(ours, f"{password}\n".encode())
        return subprocess.run(argv, stdin=its, env=env, capture_output=True, timeout=60, check=False)
    finally:
        os.close(its)
        os.close(ours)


class TestSignIn:
    """Every way to sign in that this server has, for real."""

    async def works(self, home: Path, options: dict[str, Any]) -> None:
        for way in ("curl+jq", "curl+python3"):
            assert helped(home, options, way).key == KEY
        found = await examined(home, options)
        assert [each.verdict for each in found.values()] == ["vault-active", "token-good", "secret-found"]

    def tokens(self, server: OpenBao) -> int:
        return len(server.request("LIST", "auth/token/accessors")["data"]["keys"])

    async def test_approle(self, home: Path, signing: OpenBao) -> None:
        mount = signing.sign_in_method("approle", "team/roles")
        signing.request("POST", f"auth/{mount}/role/claude", {"token_policies": "signed-in", "token_ttl": "20m"})
        role_id = signing.request("GET", f"auth/{mount}/role/claude/role-id")["data"]["role_id"]
        secret_id = signing.request("POST", f"auth/{mount}/role/claude/secret-id", {})["data"]["secret_id"]
        private_file(home / "secret-id", f"{secret_id}\n")
        how = {"sign_in": "approle", "auth_mount": mount, "role_id": role_id, "secret_id_file": "~/secret-id"}
        before = self.tokens(signing)
        await self.works(home, answers(signing.url, **how))
        assert self.tokens(signing) == before, "the token of a sign-in is given back"
        private_file(home / "secret-id", "wrong-secret-id")
        refusal = helped(home, answers(signing.url, **how), "curl+jq").refusal
        assert f"refuses to sign in by AppRole at auth/{mount}. Check the role id" in refusal
        assert (await examined(home, answers(signing.url, **how)))["token"].verdict == "login-refused"

    async def test_jwt_from_a_token_file(self, home: Path, signing: OpenBao) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        mount = signing.sign_in_method("jwt", jwt_validation_pubkeys=[public], default_role="claude")
        role = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"], "token_policies": "signed-in"}
        signing.request("POST", f"auth/{mount}/role/claude", role)
        signed = jwt.encode(
            {"sub": "ada", "aud": "vault", "iat": 1700000000, "nbf": 1700000000, "exp": 4102444800}, key, "RS256"
        )
        private_file(home / "jwt", signed)
        for role_given in ({}, {"role": "claude"}):
            await self.works(home, answers(signing.url, sign_in="jwt", jwt_file="~/jwt", **role_given))
        private_file(
            home / "jwt",
            jwt.encode(
                {"sub": "ada", "aud": "else", "iat": 1700000000, "nbf": 1700000000, "exp": 4102444800}, key, "RS256"
            ),
        )
        ran = helped(home, answers(signing.url, sign_in="jwt", jwt_file="~/jwt"), "curl+python3")
        assert "refuses to sign in by JWT" in ran.refusal

    async def test_kubernetes_from_a_token_file(self, home: Path, signing: OpenBao) -> None:
        """The method is OpenBao's own; what reviews the tokens is a double of Kubernetes' API."""
        about = {
            "kubernetes.io/serviceaccount/namespace": "tools",
            "kubernetes.io/serviceaccount/service-account.name": "claude",
        }
        uid = {"kubernetes.io/serviceaccount/service-account.uid": "u-1", "iss": "kubernetes/serviceaccount"}
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        token = jwt.encode({**about, **uid, "sub": "system:serviceaccount:tools:claude"}, key, "RS256")
        with kubernetes_double(token) as url:
            mount = signing.sign_in_method(
                "kubernetes",
                kubernetes_host=url,
                kubernetes_ca_cert=Path(Authority(home).certificate).read_text(),
                disable_local_ca_jwt=True,
                disable_iss_validation=True,
            )
            role = {"bound_service_account_names": "claude", "bound_service_account_namespaces": "tools"}
            signing.request("POST", f"auth/{mount}/role/claude", {**role, "token_policies": "signed-in"})
            private_file(home / "sa", token)
            await self.works(home, answers(signing.url, sign_in="kubernetes", jwt_file="~/sa", role="claude"))

    @pytest.mark.parametrize("namespace", ["", "signing"])
    async def test_userpass_by_the_users_own_login(self, home: Path, signing: OpenBao, namespace: str) -> None:
        """The command that the wizard shows is run; what it keeps serves helper and wizard."""
        if namespace:
            signing.namespace(namespace)
            signing.mount("secret", namespace=namespace)
            signing.put("litellm/claude-code", namespace=namespace, api_key=KEY)
            signing.policy("signed-in", ("secret/data/litellm/*", "read"), namespace=namespace)
        signing.sign_in_method("userpass", "people", namespace=namespace)
        user = {"password": "corr3ct", "token_policies": "signed-in"}
        signing.request("POST", "auth/people/users/ada", user, namespace=namespace)
        how = {"sign_in": "userpass", "username": "ada", "auth_mount": "people", "namespace": namespace}
        options = answers(signing.url, **how)
        machine = bao_machine(home, "bao")
        argv = shlex.split(resolve(options, machine).login)
        assert argv[0] == "bao"
        env = {"HOME": str(home), "PATH": f"{machine.programs['bao'].parent}:/usr/bin:/bin"}
        done = await asyncio.to_thread(typed, argv, "corr3ct", env)
        assert done.returncode == 0, done.stderr
        assert (home / ".vault-token").stat().st_mode & 0o777 == 0o600
        for way in WAYS:
            assert helped(home, options, way).key == KEY
        assert (await examined(home, options))["secret"].verdict == "secret-found"


class TestBrowse:
    """Mounts and paths that the token may list, fields by name."""

    @pytest.fixture
    def looker(self, home: Path, spread: OpenBao) -> Iterator[Browser]:
        machine = machine_with(home, env={"HOME": str(home), "VAULT_TOKEN": spread.root_token})
        yield Browser(answers(spread.url), machine)

    async def test_from_the_mounts_to_the_fields(self, looker: Browser) -> None:
        mounts = await looker.look(Spot())
        names = {each.text: each.leads_to for each in mounts.names}
        assert {"secret/", "kv1/", "dept/a/kv/", "dept/b/kv/"} <= set(names) and "sys/" not in names
        for mount, version in (("dept/a/kv/", 2), ("dept/b/kv/", 1)):
            spot = names[mount]
            assert spot is not None and spot.version == version
            below = {each.text: each.leads_to for each in (await looker.look(spot)).names}
            assert {"x", "y/"} <= set(below)
            secret = below["x"]
            assert secret is not None
            assert [(each.text, each.kind) for each in (await looker.look(secret)).names] == [("api_key", "field")]

    async def test_a_token_sees_what_its_policy_lists(self, home: Path, spread: OpenBao) -> None:
        spread.policy("lister", ("secret/metadata/litellm/*", "list"), ("secret/data/litellm/*", "read"))
        machine = machine_with(home, env={"HOME": str(home), "VAULT_TOKEN": spread.token("lister")})
        looker = Browser(answers(spread.url), machine)
        mounts = await looker.look(Spot())
        assert [each.text for each in mounts.names] == ["secret/"]
        top = await looker.look(Spot("secret", 2))
        assert "does not let this token list secret" in top.trouble
        below = await looker.look(Spot("secret", 2, "litellm/"))
        assert "claude-code" in [each.text for each in below.names]


def test_the_control_a_wrong_key_would_be_seen(spread: OpenBao) -> None:
    values = {each.key for each in SPREADS.values()}
    assert len(values) >= 6, "the secrets of different mounts differ, so that reading the wrong one fails"
    with pytest.raises(urllib.error.HTTPError):
        spread.request("GET", "secret/data/litellm/claude-code", token="s.wrong")

"""The demo's key store answers as a real OpenBao does, so that the demo can't drift from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.demo.asking import ask, part, read_parts
from tests.machines import machine_at
from tests.real.openbao_server import OpenBao
from wizard.demo.gateway import key_of
from wizard.demo.http import Server, Servers
from wizard.demo.key_store import FIELD, PATH, TOKEN, KeyStore, Mood
from wizard.keys.backend import backend
from wizard.keys.vault_browse import Browser, Spot
from wizard.verdict import Verdict

FOREIGN: Final = "hvs.not-a-token-of-anybody"

QUESTIONS: Final = (
    "sys/health?standbyok=true&perfstandbyok=true",
    "sys/seal-status",
    "auth/token/lookup-self",
    "sys/internal/ui/mounts",
    f"sys/internal/ui/mounts/secret/{PATH}",
    "sys/internal/ui/mounts/nowhere/at/all",
    f"secret/data/{PATH}",
    "secret/data/litellm/nothing-here",
    f"secret/{PATH}",
    "nowhere/data/at/all",
    "secret/metadata/litellm/?list=true",
    "secret/metadata/nothing/?list=true",
)
READ: Final = {
    "sys/health": ("initialized", "sealed", "standby", "version", "replication_dr_mode"),
    "sys/seal-status": ("sealed", "initialized"),
    "auth/token/lookup-self": ("ttl", "renewable", "policies"),
    "sys/internal/ui/mounts": ("secret",),
    f"sys/internal/ui/mounts/secret/{PATH}": ("path", "type", "options"),
    f"secret/data/{PATH}": ("data", "metadata"),
    "secret/metadata/litellm/": ("keys",),
}
"""What the wizard and its helper read of an answer of 200."""


class Both:
    """The demo's key store and a real one with the same in it."""

    def __init__(self, bao: OpenBao) -> None:
        self.bao = bao
        bao.put(PATH, api_key=key_of("good"), owner="platform-team")
        bao.put("litellm/keys/expired", api_key="x")
        bao.policy("litellm", ("secret/data/litellm/*", "read"), ("secret/metadata/*", "list"))
        self.token = bao.token("litellm", ttl="8h")

    def ask(self, path: str, mood: Mood = "well", *, token: bool = True, method: str = "GET") -> tuple[Any, Any]:
        """Return what the demo and the real one say."""
        server = Server(KeyStore(mood).answer)
        servers = Servers(server)
        servers.start()
        try:
            ours = self._one(f"http://127.0.0.1:{server.port}", path, TOKEN if token else FOREIGN, method)
        finally:
            servers.stop()
        return ours, self._one(self.bao.url, path, self.token if token else FOREIGN, method)

    @staticmethod
    def _one(url: str, path: str, token: str, method: str) -> Any:
        return ask(url, method, f"/v1/{path}", {"X-Vault-Token": token})


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with OpenBao(tmp_path_factory.mktemp("bao")) as bao:
        yield Both(bao)


def compared(answer: Any) -> dict[str, Any]:
    parts = read_parts(answer, whole=True)
    return parts if answer[0] != 200 else {**parts, "body": None}


@pytest.mark.parametrize("path", QUESTIONS)
def test_the_same_answers(path: str, both: Both) -> None:
    ours, theirs = both.ask(path)
    assert compared(ours) == compared(theirs)
    if ours[0] == 200:
        names = READ[path.partition("?")[0]]
        inner = () if path.startswith("sys/health") or path == "sys/seal-status" else ("data",)
        said, meant = part(ours, *inner), part(theirs, *inner)
        assert {name: type(said[name]) for name in names} == {name: type(meant[name]) for name in names}


@pytest.mark.parametrize("path", ["auth/token/lookup-self", f"secret/data/{PATH}", "sys/internal/ui/mounts"])
def test_a_token_that_it_does_not_know(path: str, both: Both) -> None:
    ours, theirs = both.ask(path, token=False)
    assert compared(ours) == compared(theirs)


def test_a_secret_that_may_not_be_read(both: Both) -> None:
    both.bao.put("private", api_key="x")
    ours = both.ask(f"secret/data/{PATH}", "denied")[0]
    theirs = both.ask("secret/data/private")[1]
    assert compared(ours) == compared(theirs)


def test_a_deleted_secret(both: Both) -> None:
    both.bao.put("litellm/gone", api_key="x")
    both.bao.request("DELETE", "secret/data/litellm/gone")
    ours = both.ask(f"secret/data/{PATH}", "deleted")[0]
    theirs = both.ask("secret/data/litellm/gone")[1]
    assert ours[0] == theirs[0] == 404
    said, meant = (part(each, "data") for each in (ours, theirs))
    assert said["data"] is meant["data"] is None
    assert bool(said["metadata"]["deletion_time"]) is bool(meant["metadata"]["deletion_time"]) is True
    assert said["metadata"]["destroyed"] is meant["metadata"]["destroyed"] is False


@pytest.mark.parametrize("path", ["sys/health?standbyok=true&perfstandbyok=true", f"secret/data/{PATH}"])
def test_sealed(path: str, both: Both) -> None:
    both.bao.seal()
    try:
        ours, theirs = both.ask(path, "sealed")
    finally:
        both.bao.unseal()
    assert {**compared(ours), "body": None} == {**compared(theirs), "body": None}
    if path.startswith("sys/health"):
        for name in ("initialized", "sealed", "standby"):
            assert part(ours, name) == part(theirs, name), name
    else:
        assert part(ours, "errors") == part(theirs, "errors")


async def test_the_wizard_sees_no_difference(both: Both, home: Path) -> None:
    server = Server(KeyStore().answer)
    servers = Servers(server)
    servers.start()
    seen = []
    try:
        for url, token in ((f"http://127.0.0.1:{server.port}", TOKEN), (both.bao.url, both.token)):
            (home / ".vault-token").write_text(token)
            (home / ".vault-token").chmod(0o600)
            machine = machine_at(home)
            options = {"address": url, "mount": "secret", "path": PATH, "field": FIELD, "sign_in": "token"}
            verdicts: list[Verdict] = []
            await backend("vault").examine(options, machine, verdicts.append)
            browser = Browser(options, machine)
            below = await browser.look(Spot("secret", 2, "litellm/"))
            seen.append(
                ([(each.id, each.verdict) for each in verdicts], "claude-code" in {each.text for each in below.names})
            )
    finally:
        servers.stop()
    assert seen[0] == seen[1]
    assert {verdict for _, verdict in seen[0][0]} == {"vault-active", "token-good", "secret-found"}

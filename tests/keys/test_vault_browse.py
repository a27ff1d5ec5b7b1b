"""Looking around in Vault: on a real server (rusty_vault), and on a double for KV version 2 and for refusals."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.keys.helpers import machine_with, options_of, private_file
from tests.keys.test_vault_live import KEY
from tests.keys.vault_double import Reply, Request, VaultDouble
from tests.real.vault_server import VaultServer
from wizard.keys.vault_browse import Browser, Sight, Spot

LIMIT = 8 + 4


def browser(home: Path, url: str, token: str = "", **more: Any) -> Browser:
    options = options_of("vault", **{"address": url, "path": "not/yet", **more})
    return Browser(options, machine_with(home, env={"VAULT_TOKEN": token} if token else {}))


def names(sight: Sight) -> list[str]:
    assert not sight.trouble, sight
    return [each.text for each in sight.names]


def trouble(sight: Sight) -> str:
    assert not sight.names and sight.trouble.count(". ") >= 1
    assert KEY not in sight.trouble and "hvs." not in sight.trouble
    return sight.trouble


@pytest.fixture
def double() -> Iterator[VaultDouble]:
    secrets = {
        f"{mount}{path}": {"api_key": KEY, "other": "x"}
        for mount in ("secret/", "team/kv/")
        for path in ("litellm/claude-code", "litellm/é x", "top")
    }
    with VaultDouble(mounts={"secret/": "2", "team/kv/": "1"}, secrets=secrets) as made:
        yield made


async def test_a_real_server_is_walked_to_its_fields(home: Path, vault_server: VaultServer) -> None:
    vault_server.mount("browsed/kv")
    vault_server.put("browsed/kv/a/b", api_key=KEY, other="x")
    vault_server.put("browsed/kv/c", api_key=KEY)
    looker = browser(home, vault_server.url, vault_server.root_token)
    mounts = await looker.look(Spot())
    assert {"browsed/kv/", "secret/"} <= set(names(mounts)) and "sys/" not in names(mounts)
    spot = next(each.leads_to for each in mounts.names if each.text == "browsed/kv/")
    assert spot is not None
    below = await looker.look(spot)
    assert names(below) == ["a/", "c"]
    assert [each.kind for each in below.names] == ["folder", "secret"]
    folder = below.names[0].leads_to
    assert folder == Spot("browsed/kv", 1, "a/")
    secret = (await looker.look(folder)).names[0].leads_to
    assert secret == Spot("browsed/kv", 1, "a/b") and secret.is_secret
    fields = await looker.look(secret)
    assert names(fields) == ["api_key", "other"] and fields.names[0].leads_to is None
    assert KEY not in repr(fields)
    assert "Nothing is below" in trouble(await looker.look(Spot("browsed/kv", 1, "zz/")))


@pytest.mark.parametrize(("mount", "version"), [("secret", 2), ("team/kv", 1)])
async def test_both_versions_look_alike(home: Path, double: VaultDouble, mount: str, version: int) -> None:
    looker = browser(home, double.url, double.token)
    spots = {each.text: each.leads_to for each in (await looker.look(Spot())).names}
    assert list(spots) == ["secret/", "team/kv/"], "and no cubbyhole"
    assert spots[f"{mount}/"] == Spot(mount, version)
    assert names(await looker.look(Spot(mount, version))) == ["litellm/", "top"]
    assert names(await looker.look(Spot(mount, version, "litellm/"))) == ["claude-code", "é x"]
    assert names(await looker.look(Spot(mount, version, "litellm/é x"))) == ["api_key", "other"]


async def test_what_goes_wrong_has_sentences(home: Path, double: VaultDouble) -> None:
    looker = browser(home, double.url, double.token)
    denied = (403, {"errors": ["permission denied"]})
    double.overrides = {
        "sys/internal/ui/mounts": denied,
        "secret/metadata/": denied,
        "secret/metadata/odd/": (500, {"errors": ["boom \x1b[2J"]}),
        "secret/metadata/list/": (200, {"data": {"keys": "x"}}),
        "secret/data/top": denied,
    }
    assert "does not let this token list its mounts" in trouble(await looker.look(Spot()))
    assert "ask for list on secret/metadata/" in trouble(await looker.look(Spot("secret", 2)))
    assert "status 500: boom" in trouble(await looker.look(Spot("secret", 2, "odd/")))
    assert "status 200" in trouble(await looker.look(Spot("secret", 2, "list/")))
    assert "Ask for a policy with read on secret/data/top" in trouble(await looker.look(Spot("secret", 2, "top")))
    assert "There is no secret at" in trouble(await looker.look(Spot("secret", 2, "gone")))
    double.secrets = {"secret/top": {"__deleted__": True}, "secret/worse": {"__destroyed__": True}}
    double.overrides = {"sys/internal/ui/mounts": (200, {"data": {"secret": {}}})}
    assert "was deleted" in trouble(await looker.look(Spot("secret", 2, "top")))
    assert "was destroyed" in trouble(await looker.look(Spot("secret", 2, "worse")))
    assert "shows this token no KV mount" in trouble(await looker.look(Spot()))
    assert "There is no Vault token" in trouble(await browser(home, double.url).look(Spot()))
    assert "Nothing accepts connections" in trouble(await browser(home, "http://127.0.0.1:9", "hvs.x").look(Spot()))


async def test_a_proxy_that_lets_only_get_through(home: Path, double: VaultDouble) -> None:
    answer = double.answer

    def only_get(asked: Request) -> Reply:
        if asked.method == "LIST":
            return 405, b"<html>"
        listed = asked.target.endswith("?list=true")
        return answer(replace(asked, method="LIST") if listed else asked)

    double.filter = only_get
    assert names(await browser(home, double.url, double.token).look(Spot("secret", 2))) == ["litellm/", "top"]


async def test_names_that_no_answer_can_hold_are_left_out(home: Path, double: VaultDouble) -> None:
    odd = ["\x1b[31mred", "bi\u202edi", "", "/", 5, None, "[bold]good[/]", "nul\x00"]
    double.overrides = {"secret/metadata/": (200, {"data": {"keys": odd}})}
    assert names(await browser(home, double.url, double.token).look(Spot("secret", 2))) == ["[bold]good[/]"]


async def test_a_slow_server_is_told_in_time_and_can_be_left(home: Path, double: VaultDouble) -> None:
    double.slow = {"sys/internal/ui/mounts": 30.0}
    looker = browser(home, double.url, double.token)
    started = time.monotonic()
    left = asyncio.create_task(looker.look(Spot()))
    told = asyncio.create_task(looker.look(Spot()))
    await asyncio.sleep(0)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    assert time.monotonic() - started < 4, "leaving waits for nothing"
    assert "did not answer within 8 seconds" in trouble(await told)
    assert time.monotonic() - started < LIMIT


async def test_one_sign_in_serves_and_is_given_back(home: Path, double: VaultDouble) -> None:
    double.logins = {"auth/approle/login": {"role_id": "r", "secret_id": "s-canary"}}
    private_file(home / "s", "s-canary")
    looker = browser(home, double.url, sign_in="approle", role_id="r", secret_id_file="~/s")
    assert names(await looker.look(Spot())) and names(await looker.look(Spot("secret", 2)))
    assert double.asked.count("auth/approle/login") == 1 and double.given
    looker.close()
    deadline = time.monotonic() + 10
    while double.given:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("spot", "above"),
    [
        (Spot(), None),
        (Spot("kv", 2), Spot()),
        (Spot("kv", 2, "a/"), Spot("kv", 2)),
        (Spot("kv", 2, "a/b"), Spot("kv", 2, "a/")),
        (Spot("kv", 2, "a/b/"), Spot("kv", 2, "a/")),
    ],
)
def test_what_is_above(spot: Spot, above: Spot | None) -> None:
    assert spot.above == above

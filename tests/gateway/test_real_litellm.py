"""The checks and calls against real LiteLLM proxies (no database; with and without prisma; behind nginx)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.machines import machine_at
from tests.real.litellm_proxy import ANTHROPIC_MODELS, BEDROCK_MODELS, OtherProxies, Proxy
from tests.real.nginx import Nginx
from wizard.answers import Gateway, Route
from wizard.gateway.calls import key_info, list_models, send_message
from wizard.gateway.health import check_gateway
from wizard.secret import Secret
from wizard.verdict import Verdict, worst


async def check(url: str, home: Path, route: Route = "anthropic", ca_file: str = "") -> dict[str, Verdict]:
    gateway = Gateway(url=url, route=route, ca_file=ca_file)
    verdicts = await check_gateway(gateway, machine_at(home), lambda _: None)
    return {each.id: each for each in verdicts}


@pytest.mark.parametrize("route", ["anthropic", "bedrock"])
async def test_case_62_it_passes(route: Route, litellm: Proxy, home: Path) -> None:
    found = await check(litellm.url, home, route)
    assert worst(tuple(found.values())) == "pass", found
    assert found["gateway.ready"].verdict == "database-unused"
    assert found["gateway.identity"].verdict == "litellm"
    assert found["gateway.routes"].facts["served"] == "anthropic, bedrock, vertex"


async def test_it_passes_below_a_path(litellm_below_a_path: Proxy, home: Path) -> None:
    for url in (litellm_below_a_path.url, litellm_below_a_path.url.removesuffix("/llm")):
        for tail in ("", "/", "/v1"):
            found = await check(url + tail, home)
            assert worst(tuple(found.values())) == "pass", found
            assert found["gateway.routes"].facts["served"] == "anthropic, bedrock, vertex"


OF_1_106 = {"anthropic", "bedrock", "vertex"}


@pytest.mark.parametrize("where", ["plain", "below_a_path", "tls"])
@pytest.mark.parametrize("route", ["anthropic", "bedrock"])
async def test_it_passes_behind_nginx(where: str, route: Route, nginx: Nginx, home: Path) -> None:
    found = await check(getattr(nginx, where), home, route, ca_file=str(nginx.ca_file))
    assert worst(tuple(found.values())) == "pass", found
    assert set(str(found["gateway.routes"].facts["served"]).split(", ")) == OF_1_106
    assert found["gateway.tls"].verdict == ("tls-ok" if where == "tls" else "tls-unused")


async def test_nginx_in_the_wrong_places(nginx: Nginx, home: Path) -> None:
    above = nginx.below_a_path.removesuffix("/llm")
    for url in (above, f"{nginx.below_a_path}/bedrock", f"{nginx.below_a_path}/v1/messages"):
        alive = (await check(url, home))["gateway.alive"]
        assert (alive.verdict, alive.facts["right_url"]) == ("wrong-path", nginx.below_a_path), url
    tls_port = nginx.tls.replace("https://", "http://")
    assert (await check(tls_port, home))["gateway.alive"].verdict == "http-on-tls"
    assert (await check(nginx.tls, home))["gateway.tls"].verdict == "tls-untrusted"


@pytest.mark.parametrize("route", ["anthropic", "bedrock"])
async def test_it_passes_when_it_shows_nothing(route: Route, other_litellms: OtherProxies, home: Path) -> None:
    found = await check(other_litellms.bare.url, home, route)
    assert worst(tuple(found.values())) == "pass", found
    assert found["gateway.identity"].verdict == "litellm-sign-in"
    assert found["gateway.identity"].facts["sign_in"] == f"{other_litellms.bare.url}/claude_code_gateway"


@pytest.mark.parametrize("route", ["anthropic", "bedrock"])
async def test_an_older_one_passes(route: Route, other_litellms: OtherProxies, home: Path) -> None:
    found = await check(other_litellms.older.url, home, route)
    assert worst(tuple(found.values())) == "pass", found
    assert found["gateway.identity"].cause == "LiteLLM 1.83.0"


async def test_a_path_that_it_does_not_have(litellm: Proxy, home: Path) -> None:
    assert (await check(f"{litellm.url}/nothing", home))["gateway.alive"].verdict == "wrong-path"


async def test_case_63_https_to_its_http_port(litellm: Proxy, home: Path) -> None:
    found = await check(litellm.url.replace("http://", "https://"), home)
    assert found["gateway.tls"].verdict == "https-on-plain"


async def test_case_70_a_check_costs_nothing(litellm: Proxy, home: Path) -> None:
    before = len(litellm.log.read_text())
    await check(litellm.url, home)
    log = litellm.log.read_text()[before:]
    assert '"GET /health/liveliness HTTP/1.1" 200' in log
    assert "GET /health HTTP" not in log and "POST" not in log and "openapi" not in log


async def test_the_right_key(litellm: Proxy, home: Path) -> None:
    gateway = Gateway(url=litellm.url)
    to = (machine_at(home), Secret(litellm.master_key), frozenset({gateway.address.origin}))
    accepted, models = await list_models(gateway, *to)
    assert accepted.verdict == "key-accepted"
    assert set(models) == {*ANTHROPIC_MODELS, *BEDROCK_MODELS}
    assert (await key_info(gateway, *to))[0].verdict == "owner-unknown"
    answered = await send_message(gateway, *to, ANTHROPIC_MODELS[0])
    assert (answered.verdict, answered.facts["litellm_version"]) == ("message-answered", "1.106.2")
    assert (await send_message(gateway, *to, "nope")).verdict == "model-unknown"
    bedrock = replace(gateway, route="bedrock")
    assert (await send_message(bedrock, *to, BEDROCK_MODELS[0])).verdict == "message-answered"
    assert (await send_message(bedrock, *to, "nope")).verdict == "model-unknown"
    assert (await send_message(bedrock, *to, ANTHROPIC_MODELS[0])).verdict == "model-not-bedrock"


async def test_case_69_a_wrong_key(litellm: Proxy, home: Path) -> None:
    gateway = Gateway(url=litellm.url)
    to = (machine_at(home), Secret("sk-wrong-1234567890"), frozenset({gateway.address.origin}))
    accepted, models = await list_models(gateway, *to)
    assert (accepted.verdict, models) == ("key-unknown-no-database", ())
    assert (await send_message(gateway, *to, ANTHROPIC_MODELS[0])).verdict == "key-unknown-no-database"

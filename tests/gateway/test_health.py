"""The health check of gateways that work, and what it never does."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.faults import servers
from tests.faults.servers import Talk, litellm, says, serving
from tests.machines import machine_at
from wizard.answers import Gateway
from wizard.gateway.health import check_gateway
from wizard.verdict import Verdict, worst


async def check(url: str, home: Path, **gateway: object) -> dict[str, Verdict]:
    answers = replace(Gateway(url=url), **gateway)  # type: ignore[arg-type]
    verdicts = await check_gateway(answers, machine_at(home), lambda _: None)
    return {each.id: each for each in verdicts}


GOOD: dict[str, dict[str, Any]] = {
    "with prisma": {},
    "without prisma": {"bedrock": (500, "Internal Server Error"), "vertex": (500, "Internal Server Error")},
    "with a database": {"ready": (200, '{"status":"healthy","db":"connected"}')},
    "1.83 and older": {"ready": (200, '{"status":"healthy","db":"Not connected","litellm_version":"1.83.0"}')},
    "open to everybody": {"bedrock": (400, '{"detail":{"error":"\'model\' keyword not found"}}')},
    "without its configuration": {"identity": (404, servers.NOT_FOUND)},
    "with its configuration behind a firewall": {"identity": (403, "<h1>blocked</h1>")},
}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("base", ["", "/llm"])
async def test_a_good_gateway_passes(name: str, base: str, home: Path) -> None:
    async with serving(litellm(base, **GOOD[name])) as server:
        for route in ("anthropic", "bedrock"):
            found = await check(f"http://127.0.0.1:{server.port}{base}", home, route=route)
            assert worst(tuple(found.values())) == "pass", found
            assert found["gateway.routes"].facts["served"] == "anthropic, bedrock, vertex"


async def test_the_version_is_shown_where_it_is_told(home: Path) -> None:
    async with serving(litellm(**GOOD["1.83 and older"])) as server:
        found = await check(f"http://127.0.0.1:{server.port}", home)
    assert found["gateway.identity"].cause == "LiteLLM 1.83.0"


async def test_case_70_only_get_and_never_health_itself_and_never_a_credential(home: Path) -> None:
    async with serving(litellm()) as server:
        await check(f"http://127.0.0.1:{server.port}", home)
    assert len(server.received) == 7
    for line, head in zip(server.lines, server.received, strict=True):
        assert line.startswith("GET ") or line in ("HEAD /bedrock/inference-profiles", "HEAD /vertex_ai/v1/projects")
        assert line != "GET /health"
        assert not any(
            name in head.lower() for name in (b"\nauthorization:", b"x-api-key", b"x-litellm", b"cookie", b"sk-")
        )
        assert b"accept-encoding: identity" in head.lower()


async def test_case_80_the_environment_holds_no_key_that_could_be_sent(home: Path) -> None:
    env = dict.fromkeys(("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "LITELLM_API_KEY"), "sk-canary-123456")
    (home / ".netrc").write_text("machine 127.0.0.1 login ada password sk-canary-123456\n")
    (home / ".netrc").chmod(0o600)
    async with serving(litellm()) as server:
        gateway = Gateway(url=f"http://127.0.0.1:{server.port}")
        await check_gateway(gateway, machine_at(home, env={"HOME": str(home), **env}), lambda _: None)
    assert b"canary" not in b"".join(server.received)


async def test_case_15_a_redirect_is_not_followed(home: Path) -> None:
    async with serving(litellm()) as sink:
        target = f"http://127.0.0.1:{sink.port}/health/liveliness"
        async with serving(says(302, Location=target)) as server:
            found = await check(f"http://127.0.0.1:{server.port}", home)
    assert found["gateway.alive"].facts["target"] == target
    assert not sink.received


@pytest.mark.parametrize(
    ("route", "other", "verdict"),
    [
        ("anthropic", {"anthropic": (404, servers.NOT_FOUND)}, "route-missing"),
        ("bedrock", {"bedrock": (404, servers.NOT_FOUND)}, "route-missing"),
        ("bedrock", {"anthropic": (404, servers.NOT_FOUND)}, "routes"),
        ("anthropic", {"bedrock": (404, "<h1>404</h1>")}, "routes"),
        ("anthropic", {"anthropic": (403, "<h1>blocked</h1>")}, "route-unknown"),
    ],
)
async def test_routes(route: str, other: dict[str, Any], verdict: str, home: Path) -> None:
    async with serving(litellm(**other)) as server:
        routes = (await check(f"http://127.0.0.1:{server.port}", home, route=route))["gateway.routes"]
    assert routes.verdict == verdict
    if verdict == "route-missing":
        assert routes.fix == f"Choose the {str(routes.facts['served']).split(',')[0]} route, which it has."


@pytest.mark.parametrize(
    ("answer", "verdict", "cause"),
    [
        ((503, '{"status":"healthy","db":"disconnected"}'), "not-ready", "its database is disconnected"),
        ((503, '{"detail":"Service Unhealthy (no redis)"}'), "not-ready", "Service Unhealthy (no redis)"),
        ((200, '{"status":"healthy","db":"stalled"}'), "database-down", "its database is stalled"),
        ((200, "<h1>hello</h1>"), "not-litellm", "a web page"),
        ((404, servers.NOT_FOUND), "hidden", "404"),
        ((403, "<h1>blocked</h1>"), "hidden", "403"),
        ((503, "<h1>busy</h1>"), "upstream-down", "503"),
        ((503, '{"status":"shutting_down"}'), "not-ready", "shutting down"),
        ((503, '{"detail":{"status":"unhealthy","db":"disconnected"}}'), "not-ready", "its database is disconnected"),
        ((200, '{"status":"unhealthy","db":"connected"}'), "not-ready", "unhealthy"),
        ((200, '{"a":1}'), "not-litellm", "JSON of another kind"),
    ],
)
async def test_readiness(answer: tuple[int, str], verdict: str, cause: str, home: Path) -> None:
    async with serving(litellm(ready=answer)) as server:
        ready = (await check(f"http://127.0.0.1:{server.port}", home))["gateway.ready"]
    assert ready.verdict == verdict, ready
    assert cause in ready.cause


async def test_something_else_under_the_configuration_is_not_litellm(home: Path) -> None:
    async with serving(litellm(identity=(200, '{"a":1}'))) as server:
        found = await check(f"http://127.0.0.1:{server.port}", home)
    assert found["gateway.identity"].verdict == "not-litellm"


def dated(seconds: float) -> servers.Handler:
    async def handle(talk: Talk) -> None:
        await talk.request()
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
        await talk.answer(200, servers.ALIVE, Date=date)

    return handle


@pytest.mark.parametrize(("seconds", "verdict"), [(0, "ok"), (200, "ok"), (-400, "clock-skew"), (86400, "clock-skew")])
async def test_case_71_clocks(seconds: float, verdict: str, home: Path) -> None:
    async with serving(dated(seconds)) as server:
        found = await check(f"http://127.0.0.1:{server.port}", home)
    assert found["gateway.alive"].verdict == verdict


async def test_a_date_that_is_none_is_no_matter(home: Path) -> None:
    async with serving(says(200, servers.ALIVE, Date="yesterday")) as server:
        assert (await check(f"http://127.0.0.1:{server.port}", home))["gateway.alive"].verdict == "ok"


async def test_case_64_a_slow_gateway_works_and_is_called_slow(home: Path) -> None:
    good = litellm()

    async def slow(talk: Talk) -> None:
        await asyncio.sleep(2.1)
        await good(talk)

    async with serving(slow) as server:
        found = await check(f"http://127.0.0.1:{server.port}", home)
    assert found["gateway.alive"].verdict == "ok-slow"
    assert worst(tuple(found.values())) == "warn"


async def test_case_64_everything_slow_ends_in_time(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wizard.net.limits.CHECK", 0.5)
    async with serving(servers.hangs) as server:
        found = await check(f"http://127.0.0.1:{server.port}", home)
    assert found["gateway.alive"].verdict == "too-slow"
    assert found["gateway.routes"].verdict == "not-tried"


@pytest.mark.parametrize("where", ["connect", "tls", "answer"])
async def test_case_72_cancelling_answers_at_once(where: str, home: Path) -> None:
    scheme = "https" if where == "tls" else "http"
    async with serving(servers.hangs) as server:
        with servers.blackhole() as hole:
            port = hole if where == "connect" else server.port
            task = asyncio.create_task(check(f"{scheme}://127.0.0.1:{port}", home))
            await asyncio.sleep(0.3)
            started = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - started < 0.2


async def test_rows_are_reported_as_they_are_known(home: Path) -> None:
    async def late(talk: Talk) -> None:
        head = await talk.request()
        if b"readiness" in head:
            await asyncio.sleep(0.5)
        await litellm()(servers.heard(talk, head))

    seen: list[str] = []
    async with serving(late) as server:
        gateway = Gateway(url=f"http://127.0.0.1:{server.port}")
        await check_gateway(gateway, machine_at(home), lambda verdict: seen.append(verdict.id))
    assert seen.index("gateway.routes") < seen.index("gateway.ready")


async def test_case_65_endless_answers_do_not_fill_memory(home: Path) -> None:
    async with serving(servers.endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 262144)) as server:
        url = f"http://127.0.0.1:{server.port}"
        await check(url, home)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(3):
            assert (await check(url, home))["gateway.alive"].verdict == "too-big"
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30 * 1024


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, wizard.gateway.health, wizard.gateway.calls;"
        "print([m for m in ('textual','httpx','h11','certifi','cryptography','requests','hvac') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_its_own_sign_in_for_claude_code_is_told(home: Path) -> None:
    offer = '{"issuer":"x","device_authorization_endpoint":"https://h/claude_code_gateway/oauth/device_authorization"}'
    async with serving(litellm(sign_in=(200, offer))) as server:
        identity = (await check(f"http://127.0.0.1:{server.port}", home))["gateway.identity"]
    assert (identity.verdict, identity.status) == ("litellm-sign-in", "pass")
    assert identity.facts["sign_in"] == f"http://127.0.0.1:{server.port}/claude_code_gateway"


@pytest.mark.parametrize("sign_in", [(404, '{"error":"not_found"}'), (200, "<title>App</title>"), (200, "[]")])
async def test_no_sign_in_is_made_up(sign_in: tuple[int, str], home: Path) -> None:
    async with serving(litellm(sign_in=sign_in)) as server:
        assert (await check(f"http://127.0.0.1:{server.port}", home))["gateway.identity"].verdict == "litellm"


async def test_the_right_path_is_named(home: Path) -> None:
    async with serving(litellm("/litellm")) as server:
        root = f"http://127.0.0.1:{server.port}"
        for path in ("", "/v2", "/litellm/v1/messages", "/litellm/ui"):
            alive = (await check(root + path, home))["gateway.alive"]
            assert (alive.verdict, alive.facts["right_url"]) == ("wrong-path", f"{root}/litellm"), path
        assert (await check(f"{root}/litellm", home))["gateway.alive"].verdict == "ok"
    assert all(line.startswith(("GET /", "HEAD /")) and not line.endswith(" /health") for line in server.lines)

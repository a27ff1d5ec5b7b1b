"""The health check: what can be said of a gateway without a key and at no cost.

`GET /health` is never asked: it calls every model behind the gateway and bills each call (LiteLLM's own docstring says
to use /health/liveliness). Nor is /openapi.json, which would tell the version: the first one after a start keeps the
gateway from answering anybody for five seconds (1.106.2).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final, get_args

from wizard.answers import Gateway, Route
from wizard.gateway.answer import clock_skew, database, is_page, unexpected, version
from wizard.gateway.catalogue import CATALOGUE
from wizard.gateway.elsewhere import IDENTITY, is_configuration, look_around
from wizard.gateway.trusting import explain
from wizard.gateway.way import way_to
from wizard.keys.backend import Report
from wizard.machine.model import Machine
from wizard.net import limits
from wizard.net.address import AddressError
from wizard.net.fault import Fault
from wizard.net.http import Response, Server, find, reach, request, secure
from wizard.net.tcp import Stream
from wizard.net.tls import Peer
from wizard.verdict import Verdict, judge

ROWS: Final = (
    ("gateway.name", "name"),
    ("gateway.connect", "connect"),
    ("gateway.tls", "TLS"),
    ("gateway.alive", "alive"),
    ("gateway.ready", "ready"),
    ("gateway.identity", "LiteLLM"),
    ("gateway.routes", "routes"),
)
"""Id and label of every check, in the order of the rows."""

ALIVE: Final = "/health/liveliness"
READY: Final = "/health/readiness"
SIGN_IN: Final = "/claude_code_gateway"
"""Below it LiteLLM speaks the sign-in protocol that Claude Code's /login knows, if its administrator has set
`enable_claude_code_gateway` (1.106.2; otherwise and in older releases the answer is 404)."""

SIGN_IN_FACTS: Final = f"{SIGN_IN}/.well-known/oauth-authorization-server"
ROUTES: Final = {
    "anthropic": "/v1/messages",
    "bedrock": "/bedrock/inference-profiles",
    "vertex": "/vertex_ai/v1/projects",
}
"""A path of each route that answers without a key and at no cost. LiteLLM says 405 to GET on the first (1.74.9, 1.83.0,
1.106.2) and 401, 400 or, without prisma, 500 on the others; to HEAD it says 405 on all of them, which costs it least
and leaves no traceback in its log. 404 means that there is no such route. The one wanted is asked with GET, which every
proxy in front lets through."""

_ALIVE_BODY: Final = "I'm alive!"
_HIDDEN: Final = (401, 403, 404, 405)
"""What a proxy in front says for a path that it does not let through."""

_RETRIED: Final = (502, 503, 504)
_RETRIES: Final = 2
_PAUSE: Final = 0.25
_IMPATIENT: Final = 4.0
"""Seconds after which nothing is tried again: three slow tries would use up the whole check."""

_EXPIRES_SOON: Final = 14

Answer = Response | Fault
Asked = asyncio.Task[tuple[Answer, float]]


async def check_gateway(gateway: Gateway, machine: Machine, report: Report) -> tuple[Verdict, ...]:
    """Check a gateway without a key and at no cost, and return a verdict for every one of `ROWS`, in their order.

    Each verdict is also reported as soon as it is known. Whatever the server does, this raises nothing and takes at
    most 15 s; cancelling it answers at once.
    """
    check = _Check(gateway, machine, report)
    try:
        async with asyncio.timeout(limits.CHECK):
            await check.run()
    except TimeoutError:
        check.out_of_time()
    return tuple(check.done[id_] for id_, _ in ROWS)


class _Stop(Exception):  # noqa: N818 - ends the check, is no error
    """No later row can be known; carries why."""


class _Check:
    """One run over the rows."""

    def __init__(self, gateway: Gateway, machine: Machine, report: Report) -> None:
        self.gateway = gateway
        self.machine = machine
        self.report = report
        self.done: dict[str, Verdict] = {}
        self.facts: dict[str, object] = {"url": gateway.url}

    async def run(self) -> None:
        """Fill every row."""
        try:
            server = await self.prepared()
            server = await self.name(server)
            await self.questions(server, await self.transport(server))
        except _Stop as stop:
            self.skip_the_rest(str(stop))

    def say(self, row: str, verdict: str, ms: float | None = None, **facts: object) -> None:
        made = judge(CATALOGUE, row, verdict, ms=ms, **{**self.facts, **facts})
        self.done[row] = made
        self.report(made)

    def fail(self, row: str, fault: Fault, ms: float | None = None) -> None:
        self.say(row, fault.verdict, ms, **fault.facts)

    def skip_the_rest(self, reason: str) -> None:
        for row, _ in ROWS:
            if row not in self.done:
                self.say(row, "not-tried", reason=reason)

    def out_of_time(self) -> None:
        """Say so in the first row that has no verdict."""
        late = next((row for row, _ in ROWS if row not in self.done), None)
        if late:
            self.facts = {"host": self.gateway.url, "port": 0, **self.facts}
            self.say(late, "too-slow", limits.CHECK * 1000, seconds=limits.CHECK)
            self.skip_the_rest(f"the check took more than {limits.CHECK:g} seconds.")

    async def prepared(self) -> Server:
        try:
            address = self.gateway.address
        except AddressError as error:
            self.say("gateway.name", "address-invalid", advice=str(error))
            raise _Stop("the server URL comes first.") from None
        self.facts = {"url": address.url, "host": address.host, "port": address.port}
        try:
            return await way_to(self.gateway, self.machine)
        except Fault as fault:
            self.fail("gateway.connect" if fault.verdict.startswith("proxy") else "gateway.tls", fault)
            raise _Stop(f"{fault.facts.get('where', 'the client certificate')} has to be put right first.") from None

    async def name(self, server: Server) -> Server:
        if server.proxy:
            self.say("gateway.name", "name-by-proxy", where=server.proxy.where, proxy=server.proxy.shown)
            return server
        started = time.monotonic()
        try:
            server = await find(server)
        except Fault as fault:
            self.fail("gateway.name", fault, _ms(started))
            raise _Stop("the name has to be found first.") from None
        addresses = ", ".join(server.addresses[:3])
        self.say("gateway.name", "name-ok", _ms(started), addresses=addresses)
        return server

    async def transport(self, server: Server) -> Stream:
        """Connect, and agree on TLS where it is used; the first question goes over this connection."""
        started = time.monotonic()
        try:
            stream = await reach(server)
        except Fault as fault:
            self.fail("gateway.connect", fault, _ms(started))
            raise _Stop("a connection comes first.") from None
        try:
            self.connected(server, stream, _ms(started))
            return await self.tls(server, stream)
        except BaseException:
            stream.close()
            raise

    def connected(self, server: Server, stream: Stream, ms: float) -> None:
        self.facts["address"] = stream.address
        if server.proxy:
            where, proxy = server.proxy.where, server.proxy.shown
            self.say("gateway.connect", "connected-by-proxy", ms, where=where, proxy=proxy)
        else:
            peer = f"[{stream.address}]" if ":" in stream.address else stream.address
            self.say("gateway.connect", "connected", ms, peer=f"{peer}:{server.address.port}")

    async def tls(self, server: Server, stream: Stream) -> Stream:
        if server.address.scheme == "http":
            self.say("gateway.tls", "tls-unused")
            return stream
        started = time.monotonic()
        try:
            protected, peer = await secure(server, stream)
        except Fault as fault:
            took = _ms(started)
            self.fail("gateway.tls", await explain(self.gateway, self.machine, server, fault), took)
            raise _Stop("TLS has to work first.") from None
        verdict, facts = _tls_verdict(peer), _tls_facts(peer)
        if server.unused and verdict == "tls-ok":
            verdict, facts = "tls-file-unused", {**facts, **server.unused[0].facts}
        self.say("gateway.tls", verdict, _ms(started), **facts)
        return protected

    async def questions(self, server: Server, stream: Stream) -> None:
        """Ask everything at once; the sign of life decides whether the other answers mean anything."""
        asked = {ALIVE: asyncio.create_task(_ask(server, ALIVE, stream))}
        asked |= {path: asyncio.create_task(_ask(server, path)) for path in (READY, IDENTITY)}
        for route, path in ROUTES.items():
            method = "GET" if route == self.gateway.route else "HEAD"
            asked[path] = asyncio.create_task(_ask(server, path, method=method))
        sign_in = asyncio.create_task(_ask(server, SIGN_IN_FACTS))
        try:
            await self.alive(server, asked[ALIVE], asked[IDENTITY])
            await asyncio.gather(
                self.ready(server, asked[READY]),
                self.identity(server, asked[IDENTITY], asked[READY], sign_in),
                self.routes(server, {name: asked[path] for name, path in ROUTES.items()}),
            )
        finally:
            for task in (*asked.values(), sign_in):
                task.cancel()
            stream.close()
            await asyncio.gather(*asked.values(), sign_in, return_exceptions=True)

    async def alive(self, server: Server, asked: Asked, identity: Asked) -> None:
        answer, ms = await asked
        if isinstance(answer, Fault):
            answer = await explain(self.gateway, self.machine, server, answer)
        elif answer.status in _HIDDEN and _is_litellm((await identity)[0]):
            self.say("gateway.alive", "hidden", ms, status=answer.status, path=ALIVE)
            return
        elif answer.status != 200 or answer.json() != _ALIVE_BODY:
            answer = await look_around(server, unexpected(server, answer))
            if answer.verdict == "tls-client-cert":
                answer = await explain(self.gateway, self.machine, server, answer)
        if isinstance(answer, Fault):
            self.fail("gateway.alive", answer, ms)
            raise _Stop("a sign of life comes first.")
        skew = clock_skew(answer.headers)
        if abs(skew) > limits.CLOCK_SKEW:
            self.say("gateway.alive", "clock-skew", ms, minutes=round(abs(skew) / 60), skew_seconds=round(skew))
        elif ms > limits.SLOW * 1000:
            self.say("gateway.alive", "ok-slow", ms, seconds=ms / 1000)
        else:
            self.say("gateway.alive", "ok", ms)

    async def ready(self, server: Server, asked: Asked) -> None:
        answer, ms = await asked
        if isinstance(answer, Fault):
            self.fail("gateway.ready", answer, ms)
        elif answer.status in _HIDDEN:
            self.say("gateway.ready", "hidden", ms, status=answer.status, path=READY)
        elif answer.status != 200:
            self.fail("gateway.ready", unexpected(server, answer), ms)
        else:
            self.fail("gateway.ready", database(answer), ms)

    async def identity(self, server: Server, asked: Asked, ready: Asked, sign_in: Asked) -> None:
        answer, ms = await asked
        if isinstance(answer, Fault):
            self.fail("gateway.identity", answer, ms)
        elif answer.status in _HIDDEN:
            self.say("gateway.identity", "litellm-likely", ms)
        elif not is_configuration(answer):
            self.fail("gateway.identity", unexpected(server, answer), ms)
        else:
            found = version((await ready)[0])
            verdict = "litellm-sign-in" if _offers_sign_in((await sign_in)[0]) else "litellm"
            there = f"{server.address.url}{SIGN_IN}" if verdict == "litellm-sign-in" else None
            self.say("gateway.identity", verdict, ms, version=f" {found}" if found else "", sign_in=there)

    async def routes(self, server: Server, asked: Mapping[str, Asked]) -> None:
        answers = {name: (await task)[0] for name, task in asked.items()}
        ms = max([task.result()[1] for task in asked.values()])
        wanted = self.gateway.route
        answer = answers[wanted]
        served = [name for name, each in answers.items() if _is_served(name, each, told=name == wanted)]
        facts = {"route": wanted, "path": ROUTES[wanted], "served": ", ".join(served)}
        if isinstance(answer, Fault):
            self.say("gateway.routes", answer.verdict, ms, **{**answer.facts, **facts})
        elif wanted in served:
            self.say("gateway.routes", "routes", ms, **facts)
        elif answer.status == 404:
            other = next((name for name in served if name in get_args(Route)), None)
            advice = f"Choose the {other} route, which it has." if other else "Check the path of the URL."
            self.say("gateway.routes", "route-missing", ms, advice=advice, **facts)
        elif answer.status in _HIDDEN:
            self.say("gateway.routes", "route-unknown", ms, status=answer.status, **facts)
        else:
            fault = unexpected(server, answer)
            self.say("gateway.routes", fault.verdict, ms, **{**fault.facts, **facts})


async def _ask(server: Server, path: str, stream: Stream | None = None, method: str = "GET") -> tuple[Answer, float]:
    """Ask; a cut connection and 502, 503, 504 are tried again. Returns how long the last try took."""
    first = time.monotonic()
    for left in reversed(range(_RETRIES + 1)):
        started = time.monotonic()
        try:
            answer: Answer = await request(server, method, path, over=stream)
        except Fault as fault:
            answer = fault
        again = answer.verdict == "reset" if isinstance(answer, Fault) else answer.status in _RETRIED
        if not again or not left or time.monotonic() - first > _IMPATIENT:
            break
        stream = None
        await asyncio.sleep(_PAUSE)
    return answer, _ms(started)


def _ms(started: float) -> float:
    return (time.monotonic() - started) * 1000


def _tls_verdict(peer: Peer) -> str:
    soon = peer.days_left is not None and peer.days_left < _EXPIRES_SOON
    return "tls-expires-soon" if soon else "tls-ok"


def _tls_facts(peer: Peer) -> dict[str, object]:
    ends = peer.not_after.isoformat() if peer.not_after else None
    facts = {"issuer": peer.issuer, "names": list(peer.names), "not_after": ends, "days_left": peer.days_left}
    return {**facts, "time_left": peer.time_left, "tls_version": peer.version}


def _is_served(route: str, answer: Answer, *, told: bool) -> bool:
    """Whether LiteLLM itself answered: a refusal of the method, of a missing key, or its crash over that.

    `told` is whether the answer has a body, in which a server in front would speak otherwise: LiteLLM refuses in JSON
    and crashes in plain text, and over a missing key only.
    """
    if not isinstance(answer, Response) or answer.status not in (400, 401, 405, 422, 500):
        return False
    if not told:
        return True
    if answer.status == 500:
        return route != "anthropic" and not is_page(answer)
    said = answer.json()
    return isinstance(said, Mapping) and bool({"error", "detail"} & said.keys())


def _is_litellm(answer: Answer) -> bool:
    return isinstance(answer, Response) and is_configuration(answer)


def _offers_sign_in(answer: Answer) -> bool:
    told = answer.json() if isinstance(answer, Response) and answer.status == 200 else None
    return isinstance(told, Mapping) and isinstance(told.get("device_authorization_endpoint"), str)

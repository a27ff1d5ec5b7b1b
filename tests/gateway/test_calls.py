"""The calls made with a key: where it goes, and what the gateway's words mean."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest

from tests.faults import servers
from tests.faults.servers import Handler, Talk, as_json, says, serving
from tests.machines import machine_at
from wizard.answers import Gateway
from wizard.gateway.calls import OriginNotConfirmed, accepts, key_info, list_models, send_message
from wizard.secret import Secret
from wizard.verdict import Verdict

CANARY = "sk-canary-7f3a9c1e5b"
KEY = Secret(CANARY)


class Asked:
    """The arguments of every call, for a server on loopback."""

    def __init__(self, port: int, home: Path, **gateway: object) -> None:
        self.gateway = replace(Gateway(url=f"http://127.0.0.1:{port}"), **gateway)  # type: ignore[arg-type]
        self.machine = machine_at(home)
        self.confirmed = frozenset({self.gateway.address.origin})

    async def models(self, key: Secret = KEY) -> tuple[Verdict, tuple[str, ...]]:
        return await list_models(self.gateway, self.machine, key, self.confirmed)

    async def message(self, model: str = "corp-sonnet") -> Verdict:
        return await send_message(self.gateway, self.machine, KEY, self.confirmed, model)


def error(message: str, kind: str = "auth_error") -> str:
    return as_json({"error": {"message": message, "type": kind, "param": None, "code": "401"}})


RATE = (
    "Rate limit exceeded for api_key: 624275d3241f9c8a5fdfd6352c68c30335c5eed25cf542c480284885b6d658f3."
    " Limit type: requests. Current limit: 20, Remaining: 0. Limit resets at: 2026-11-23 15:07:11 UTC"
)
JWT = (
    "LiteLLM Virtual Key expected. Received=eyJh****, expected to start with 'sk-'."
    " This key has the structure of a JWT, but JWT auth is not enabled on this proxy"
)

REFUSALS: dict[str, tuple[int, str, str]] = {
    "no key": (401, error("Authentication Error, No api key passed in."), "key-missing"),
    "no Bearer": (401, error("Malformed API Key passed in. Ensure Key has `Bearer ` prefix."), "key-malformed"),
    "not sk-": (
        401,
        error("LiteLLM Virtual Key expected. Received=nosk****, expected to start with 'sk-'."),
        "key-malformed",
    ),
    "JWT auth off": (401, error(JWT), "key-jwt-off"),
    "JWT without licence": (403, error("JWT Auth is an enterprise only feature. You must be a"), "key-jwt-licence"),
    "JWT expired": (401, error("Token Expired", "expired_key"), "key-expired"),
    "unknown": (
        401,
        error(f"Invalid proxy server token passed. Key = {CANARY}", "token_not_found_in_db"),
        "key-unknown",
    ),
    "expired": (401, error("Authentication Error - Expired Key. Key Expiry time", "expired_key"), "key-expired"),
    "blocked": (401, error("Key is blocked."), "key-blocked"),
    "over budget": (422, error("Budget has been exceeded! Current cost", "budget_exceeded"), "budget"),
    "over budget, older": (429, error("Budget has been exceeded!", "budget_exceeded"), "budget"),
    "no database": (400, error("No connected db.", "no_db_connection"), "key-unknown-no-database"),
    "rate limited": (429, error("Rate limit exceeded", "rate_limit"), "key-limited"),
    "no uses at all": (429, error("Limit type: tokens. Current limit: 0, Remaining: 0."), "key-limit-zero"),
    "user over budget": (422, error("ExceededBudget: User=u over budget. Spend=1, Budget=1e-7"), "budget"),
    "team blocked": (401, error("Authentication Error, Team=t-1 is blocked. Update"), "key-group-blocked"),
    "another route": (403, as_json({"detail": "Virtual key is not allowed to call this route."}), "key-route-denied"),
    "database down": (
        503,
        error("Service Unavailable, the authentication database", "no_db_connection"),
        "key-database-down",
    ),
    "another 401": (401, error(f"custom auth says no to {CANARY}"), "key-refused"),
    "detail": (401, as_json({"detail": "who are you"}), "key-refused"),
    "firewall": (403, "<h1>blocked</h1>", "key-forbidden"),
    "broken": (500, "Internal Server Error", "upstream-down"),
    "nothing there": (404, "<h1>404</h1>", "wrong-path"),
    "web page": (200, "<title>Sign in</title>", "not-litellm"),
    "no list": (200, as_json({"data": {}}), "not-litellm"),
    "null": (200, "null", "not-litellm"),
    "error list": (401, as_json({"error": [1, 2]}), "key-refused"),
    "redirect": (302, "", "redirect-with-key"),
    "hostile": (401, error("\x1b[31mred\x07 \u202e [bold]" + "x" * 5000), "key-refused"),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_case_69_what_the_gateway_says_of_a_key(name: str, home: Path) -> None:
    status, body, verdict = REFUSALS[name]
    async with serving(says(status, body)) as server:
        found, models = await Asked(server.port, home).models()
    assert found.verdict == verdict, found
    assert found.id == "key.accepted" and not models
    assert found.fix
    assert CANARY not in str(found.as_json())
    assert found.cause.isprintable() and len(found.cause) < 400


def token(**claims: object) -> Secret:
    parts = ({"alg": "HS256"}, claims)
    coded = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in parts]
    return Secret(".".join([*coded, "c2lnbmF0dXJl"]))


HOUR = 3600
BIT = 30
"""Seconds, so that a slow moment does not turn an hour into 59 minutes."""
EXPIRED = error("Token Expired", "expired_key")
EARLY = error("Validation fails: The token is not yet valid (nbf)")
NO_REASON = error("custom auth says no")
OURS, THEIRS, NEW = (
    "Set the clock of this machine;",
    "Set the clock of the machine that makes the token.",
    "Get a new one",
)

TOKENS: list[tuple[dict[str, object], int, str, str, str, str]] = [
    # the token's moments and the gateway's clock, in seconds from this machine's now
    ({"exp": -HOUR - BIT}, 0, EXPIRED, "expired", "ended 60 minutes ago.", NEW),
    ({"exp": -HOUR - BIT}, 0, NO_REASON, "expired", "ended 60 minutes ago.", NEW),
    (
        {"exp": HOUR - BIT},
        3 * HOUR + BIT,
        EXPIRED,
        "expired",
        "2 hours ago; this machine's clock is 3 hours behind.",
        OURS,
    ),
    ({"exp": -3 * HOUR - BIT}, -HOUR, EXPIRED, "expired", "hours ago; this machine's clock is 60 minutes ahead.", NEW),
    ({"exp": HOUR, "nbf": HOUR // 2 + BIT}, 0, EARLY, "early", "not valid for another 30 minutes.", THEIRS),
    ({"exp": HOUR, "nbf": BIT}, -HOUR - 1, EARLY, "early", "; this machine's clock is 60 minutes ahead.", OURS),
    ({"exp": HOUR, "iat": BIT}, -HOUR - 1, NO_REASON, "early", "60 minutes; this machine's", OURS),
    ({}, 0, EARLY, "early", "not valid yet.", THEIRS),
    ({"exp": HOUR}, 0, error("Validation fails: Signature verification failed"), "signature", "signed", "which one"),
    ({"exp": HOUR}, 0, error("No matching public key found. kid=x"), "signature", "signed", "which one"),
    ({"exp": HOUR}, 0, error("The specified alg value is not allowed"), "algorithm", "HS256", "RS256"),
    ({"exp": HOUR}, 0, error('Validation fails: Token is missing the "aud" claim'), "claims", "aud", "issuer"),
    ({"exp": HOUR}, 0, error("Validation fails: Audience doesn't match"), "claims", "Audience", "issuer"),
]
PLAIN: list[tuple[dict[str, object], str, str]] = [
    ({"exp": HOUR}, NO_REASON, "key-refused"),
    ({"exp": "soon", "nbf": [1], "iat": None}, NO_REASON, "key-refused"),
    ({"exp": 1e300}, NO_REASON, "key-refused"),
    ({"exp": HOUR}, error("", "token_not_found_in_db"), "key-unknown"),
    ({"exp": HOUR}, EXPIRED, "key-expired"),
]


def from_now(claims: dict[str, object]) -> dict[str, object]:
    return {name: time.time() + each if isinstance(each, int) else each for name, each in claims.items()}


@pytest.mark.parametrize(("claims", "ahead", "body", "verdict", "cause", "fix"), TOKENS)
async def test_case_71_83_the_clock_of_the_gateway_judges_a_token(
    claims: dict[str, object], ahead: int, body: str, verdict: str, cause: str, fix: str, home: Path
) -> None:
    date = formatdate(time.time() + ahead, usegmt=True)
    async with serving(says(401, body, Date=date)) as server:
        found, _ = await Asked(server.port, home).models(token(**from_now(claims)))
    assert (found.verdict, cause in found.cause, fix in found.fix) == (f"key-jwt-{verdict}", True, True), found


@pytest.mark.parametrize(("claims", "body", "verdict"), PLAIN)
async def test_a_token_whose_time_is_no_reason(claims: dict[str, object], body: str, verdict: str, home: Path) -> None:
    async with serving(says(401, body)) as server:
        found, _ = await Asked(server.port, home).models(token(**from_now(claims)))
    assert found.verdict == verdict


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 99 Foo 9999 99:99:99 GMT", "\xff"])
async def test_an_unreadable_clock_is_ours(date: str, home: Path) -> None:
    async with serving(says(401, EXPIRED, Date=date)) as server:
        found, _ = await Asked(server.port, home).models(token(exp=time.time() - 600))
    assert (found.verdict, found.facts["clocks"]) == ("key-jwt-expired", "")


@pytest.mark.parametrize(
    ("headers", "message", "seconds", "cause"),
    [
        ({"Retry-After": "30"}, "slow down", 30, "limits it right now (for 30 seconds)."),
        ({"Retry-After": "-3"}, "slow down", None, "limits it right now."),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, "slow down", None, "limits it right now."),
        ({"Date": "Mon, 23 Nov 2026 15:06:11 GMT"}, RATE, 60, "limits it to 20 requests a minute right now (for 60 s"),
        ({"Date": "Mon, 23 Nov 2026 16:06:11 GMT"}, RATE, None, "limits it to 20 requests a minute right now."),
        ({}, RATE.replace("type: requests", "type: new"), None, "limits it to 20 uses right now"),
    ],
)
async def test_a_limit_says_which_and_for_how_long(
    headers: dict[str, str], message: str, seconds: int | None, cause: str, home: Path
) -> None:
    async with serving(says(429, error(message, "rate_limit_error"), **headers)) as server:
        found, _ = await Asked(server.port, home).models()
    assert (found.verdict, found.status) == ("key-limited", "warn")
    assert cause in found.cause, found.cause
    assert "Date" not in headers or found.facts["wait_seconds"] == seconds


MODELS = (200, as_json({"data": [{"id": "m"}]}))
MISSING = (400, as_json({"error": {"message": "Missing required parameter: 'messages'."}}))
NOT_THIS_ROUTE = (403, as_json({"detail": "Virtual key is not allowed to call this route."}))
OVER = (422, error("Budget has been exceeded! Team=t Current cost: 2.5, Max budget: 2", "budget_exceeded"))


@pytest.mark.parametrize(
    ("route", "listed", "asked", "verdict"),
    [
        ("anthropic", MODELS, MISSING, "key-accepted"),
        ("anthropic", MODELS, OVER, "budget"),
        ("anthropic", MODELS, (429, error("slow down")), "key-limited"),
        ("anthropic", MODELS, NOT_THIS_ROUTE, "key-route-denied"),
        ("bedrock", MODELS, NOT_THIS_ROUTE, "key-accepted"),
        ("bedrock", MODELS, OVER, "budget"),
        ("anthropic", NOT_THIS_ROUTE, MISSING, "key-accepted-unlisted"),
        ("anthropic", NOT_THIS_ROUTE, NOT_THIS_ROUTE, "key-route-denied"),
        ("anthropic", MODELS, (404, "{}"), "key-accepted"),
        ("anthropic", MODELS, (500, "oops"), "key-accepted"),
        ("anthropic", MODELS, (302, ""), "key-accepted"),
        ("anthropic", NOT_THIS_ROUTE, (500, "oops"), "key-route-denied"),
        ("anthropic", (401, error("Key is blocked.")), MISSING, "key-blocked"),
    ],
)
async def test_a_key_that_lists_models_may_be_refused_all_the_same(
    route: str, listed: tuple[int, str], asked: tuple[int, str], verdict: str, home: Path
) -> None:
    async def handle(talk: Talk) -> None:
        head = await talk.request()
        await talk.answer(*(listed if head.startswith(b"GET /v1/models ") else asked))

    async with serving(handle) as server:
        to = Asked(server.port, home, route=route)
        found, models = await accepts(to.gateway, to.machine, KEY, to.confirmed)
    assert (found.id, found.verdict, found.fix != "") == ("key.accepted", verdict, verdict != "key-accepted")
    assert bool(models) == (listed is MODELS)
    if verdict == "budget":
        assert found.cause.endswith("has used up the budget of its team ($2.50 of $2.00).")


MODEL_REFUSALS: dict[str, tuple[int, str, str]] = {
    "not allowed": (
        403,
        error("The requested model 'corp-sonnet' is not available for this API key", "key_model_access_denied"),
        "model-denied",
    ),
    "team not allowed": (403, error("Team not allowed", "team_model_access_denied"), "model-denied"),
    "unknown": (400, error("anthropic_messages: Invalid model name passed in model=x", ""), "model-unknown"),
    "upstream broken": (503, error("litellm.ServiceUnavailableError: BedrockException"), "message-failed"),
    "bad request": (400, error("max_tokens: too small", "invalid_request_error"), "request-refused"),
    "no message": (200, as_json({"hello": 1}), "message-odd"),
}


@pytest.mark.parametrize("name", MODEL_REFUSALS)
async def test_case_69_what_the_gateway_says_of_a_message(name: str, home: Path) -> None:
    status, body, verdict = MODEL_REFUSALS[name]
    async with serving(says(status, body)) as server:
        found = await Asked(server.port, home).message()
    assert (found.id, found.verdict) == ("key.message", verdict), found
    assert CANARY not in str(found.as_json())


async def test_a_model_behind_another_provider_on_the_bedrock_route(home: Path) -> None:
    async with serving(says(500, error("Provider anthropic not found", ""))) as server:
        found = await Asked(server.port, home, route="bedrock").message()
    assert found.verdict == "model-not-bedrock"


async def test_models_are_listed_once_and_odd_ones_left_out(home: Path) -> None:
    ids = ["a", "b", "a", "", "with blank", "\x1b[31m", "x" * 999, 7, None]
    body = as_json({"data": [{"id": each} for each in ids] + ["odd", None], "object": "list"})
    async with serving(says(200, body)) as server:
        found, models = await Asked(server.port, home).models()
    assert models == ("a", "b")
    assert (found.verdict, found.cause) == ("key-accepted", "accepted · 2 models")


async def test_ten_thousand_models_are_not_too_big(home: Path) -> None:
    entry = {
        "object": "model",
        "created": 1677610602,
        "owned_by": "openai",
        "mode": "chat",
        "max_input_tokens": 1000000,
    }
    body = as_json({"data": [{"id": f"corp/model-number-{n}", **entry} for n in range(10_000)]})
    async with serving(says(200, body)) as server:
        _, models = await Asked(server.port, home).models()
    assert len(models) == 10_000


async def test_a_key_without_models(home: Path) -> None:
    async with serving(says(200, '{"data":[]}')) as server:
        found, _ = await Asked(server.port, home).models()
    assert (found.status, found.verdict) == ("warn", "key-accepted-no-models")


async def test_a_key_goes_out_as_bearer_and_nowhere_else(home: Path) -> None:
    async with serving(says(200, '{"data":[]}')) as server:
        await Asked(server.port, home).models()
    (head,) = server.received
    assert head.count(CANARY.encode()) == 1
    assert f"authorization: bearer {CANARY}" in head.decode().lower()


@pytest.mark.parametrize(
    "confirmed", [frozenset(), frozenset({"http://127.0.0.1"}), frozenset({"https://127.0.0.1:1"})]
)
async def test_case_16_no_connection_before_the_origin_is_confirmed(confirmed: frozenset[str], home: Path) -> None:
    connections: list[Talk] = []

    async def handle(talk: Talk) -> None:
        connections.append(talk)

    async with serving(handle) as server:
        asked = Asked(server.port, home)
        to = (asked.gateway, asked.machine, KEY, confirmed)
        for call in (list_models(*to), key_info(*to), send_message(*to, "m")):
            with pytest.raises(OriginNotConfirmed) as refused:
                await call
            assert CANARY not in repr(refused.value)
    assert not connections


async def test_case_15_a_redirect_never_takes_the_key_along(home: Path) -> None:
    async with serving(says(200, '{"data":[]}')) as sink:
        for status in (301, 302, 307, 308):
            location = f"http://127.0.0.1:{sink.port}/v1/models"
            async with serving(says(status, Location=location)) as server:
                found, _ = await Asked(server.port, home).models()
                message = await Asked(server.port, home).message()
            assert found.verdict == message.verdict == "redirect-with-key"
        assert not sink.received


@pytest.mark.parametrize(
    "bad", ["", " ", "sk-a b", "sk-abc\n", "sk-abc\r\nX: y", "sk-’", "sk-\x00", "sk-é", "x" * 65536], ids=repr
)
async def test_case_19_a_key_that_can_not_be_sent_is_not(bad: str, home: Path) -> None:
    async with serving(says(200, '{"data":[]}')) as server:
        found, models = await Asked(server.port, home).models(Secret(bad))
    assert found.verdict == "key-unsendable" and not models
    assert not server.received


@pytest.mark.parametrize(
    ("handler", "verdict"),
    [(servers.hangs, "no-answer"), (servers.closes, "empty-reply"), (servers.resets, "reset")],
    ids=["hangs", "closes", "resets"],
)
async def test_a_gateway_that_goes_away(handler: Handler, verdict: str, home: Path) -> None:
    async with serving(handler) as server:
        found, _ = await Asked(server.port, home).models()
    assert found.verdict == verdict
    assert CANARY not in str(found.as_json())


# Whose key it is

INFO = {
    "key_alias": "ada-laptop",
    "team_id": "t-1",
    "team_alias": "engineering",
    "user_id": "ada",
    "spend": 1.5,
    "max_budget": 20,
    "expires": "2099-01-02T03:04:05.000Z",
}


async def owner(handler: Handler, home: Path) -> tuple[Verdict, object]:
    async with serving(handler) as server:
        asked = Asked(server.port, home)
        return await key_info(asked.gateway, asked.machine, KEY, asked.confirmed)


async def test_whose_key_it_is(home: Path) -> None:
    async with serving(says(200, as_json({"key": "x", "info": INFO}))) as server:
        asked = Asked(server.port, home)
        found, info = await key_info(asked.gateway, asked.machine, KEY, asked.confirmed)
    assert found.cause == "ada-laptop · team engineering · $1.50 of $20.00 spent · expires on 2099-01-02 03:04 UTC"
    assert info and info.expires_in and info.expires_in > 70 * 365 * 86400
    assert server.lines == ["GET /key/info"], "the key stands in no URL, which proxies log"


@pytest.mark.parametrize(
    "info",
    [{}, dict.fromkeys(INFO), {name: [] for name in INFO}, dict.fromkeys(INFO, "\x1b[0m?"), {"spend": True}],
    ids=str,
)
async def test_odd_key_info_is_no_matter(info: dict[str, object], home: Path) -> None:
    found, known = await owner(says(200, as_json({"info": info})), home)
    assert found.verdict == "owner" and known
    assert found.cause.isprintable()


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (500, "Internal Server Error", "owner-unknown"),
        (500, error("Database not connected"), "owner-unknown"),
        (400, error("No connected db.", "no_db_connection"), "owner-unknown"),
        (401, error("Only proxy admin"), "owner-hidden"),
        (403, error("not allowed"), "owner-hidden"),
        (404, servers.NOT_FOUND, "owner-hidden"),
        (200, "[]", "owner-unknown"),
        (200, '{"info":[]}', "owner-unknown"),
    ],
)
async def test_a_gateway_that_does_not_tell(status: int, body: str, verdict: str, home: Path) -> None:
    found, info = await owner(says(status, body), home)
    assert (found.status, found.verdict, info) == ("skip", verdict, None)


# One message


@pytest.mark.parametrize(
    ("route", "model", "line"),
    [
        ("anthropic", "corp-sonnet", "POST /v1/messages"),
        ("bedrock", "us.anthropic.claude-x-v1:0", "POST /bedrock/model/us.anthropic.claude-x-v1:0/invoke"),
        ("bedrock", "a/../b?c#d %\r\n", "POST /bedrock/model/a%2F..%2Fb%3Fc%23d%20%25%0D%0A/invoke"),
    ],
)
async def test_case_70_one_tiny_message(route: str, model: str, line: str, home: Path) -> None:
    bodies: list[bytes] = []

    async def handle(talk: Talk) -> None:
        head = await talk.request()
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        bodies.append(await talk.reader.readexactly(length))
        await talk.answer(200, '{"content":[{"type":"text","text":"ready"}]}', X_Litellm_Version="1.106.2")

    async with serving(handle) as server:
        found = await Asked(server.port, home, route=route).message(model)
    assert server.lines == [line]
    assert found.verdict == "message-answered", found
    assert found.facts["litellm_version"] == "1.106.2"
    sent = json.loads(bodies[0])
    assert sent["max_tokens"] <= 16
    assert ("anthropic_version" in sent) == (route == "bedrock")
    assert ("model" in sent) == (route == "anthropic")

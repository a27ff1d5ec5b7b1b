"""The demo's gateway answers as the real LiteLLM does, so that the demo can't drift from it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.demo.asking import ask, part, read_parts
from tests.machines import machine_at
from tests.real.litellm_database import Managed
from tests.real.test_key_states import blocked, ended, spent, until_it_works, used_up
from wizard.answers import Gateway as GatewayAnswers
from wizard.demo.gateway import ANSWER, KEYS, UNKNOWN_KEY, Gateway, KeyState, Mood, key_of
from wizard.demo.http import Server, Servers
from wizard.gateway.calls import accepts
from wizard.gateway.health import check_gateway
from wizard.secret import Secret

MODEL: Final = "claude-haiku-5-5"
BEDROCK: Final = "us.anthropic.claude-opus-5-5"
MESSAGE: Final = {"max_tokens": 16, "messages": [{"role": "user", "content": "hello"}]}

KEYLESS: Final = (
    ("GET", "/health/liveliness"),
    ("GET", "/health/liveness"),
    ("GET", "/health/readiness"),
    ("GET", "/.well-known/litellm-ui-config"),
    ("GET", "/claude_code_gateway/.well-known/oauth-authorization-server"),
    ("GET", "/"),
    ("HEAD", "/"),
    ("GET", "/v1/messages"),
    ("HEAD", "/v1/messages"),
    ("GET", "/bedrock/inference-profiles"),
    ("HEAD", "/bedrock/inference-profiles"),
    ("GET", "/vertex_ai/v1/projects"),
    ("HEAD", "/vertex_ai/v1/projects"),
    ("GET", "/v1/models"),
    ("HEAD", "/v1/models"),
    ("GET", "/models"),
    ("GET", "/key/info"),
    ("POST", "/v1/messages"),
    ("POST", f"/bedrock/model/{BEDROCK}/invoke"),
    ("GET", "/no-such-path"),
)
WITH_KEY: Final[tuple[tuple[str, str, object], ...]] = (
    ("GET", "/v1/models", None),
    ("GET", "/models", None),
    ("GET", "/key/info", None),
    ("POST", "/v1/messages", {}),
    ("POST", "/v1/messages", {"model": MODEL, **MESSAGE}),
    ("POST", "/v1/messages", {"model": "no-such-model", **MESSAGE}),
    ("POST", "/v1/messages/count_tokens", {"model": MODEL, **MESSAGE}),
    ("POST", f"/bedrock/model/{BEDROCK}/invoke", MESSAGE),
    ("POST", "/bedrock/model/no-such-model/invoke", MESSAGE),
    ("POST", f"/bedrock/model/{MODEL}/invoke", MESSAGE),
    ("GET", "/bedrock/inference-profiles", None),
)
"""What a good key is asked with; the other states only with what the wizard asks."""

ASKED: Final = WITH_KEY[:1] + WITH_KEY[2:5]
PARTLY: Final = ("/.well-known/litellm-ui-config", "/v1/models", "/models", "/key/info")
"""Their 200 holds more than anybody reads here."""

STATES: Final[Mapping[str, Callable[[Managed], str]]] = {
    "expired": ended,
    "over-budget": lambda made: spent(made, made.key(max_budget=0.0000001)),
    "blocked": blocked,
    "team-blocked": lambda made: made.key(team_id=made.team(blocked=True)),
    "no-models": lambda made: made.key(models=["no-default-models"]),
    "read-only": lambda made: made.key(key_type="read_only"),
    "unknown": lambda made: "sk-never-made-1234567890",
    "malformed": lambda made: "nosk-1234567890abcdef",
}
DEMO: Final = {
    **{str(state): key for key, state in KEYS.items()},
    "unknown": UNKNOWN_KEY,
    "malformed": "nosk-1234567890abcdef",
}


@pytest.fixture
def demo() -> Iterator[str]:
    with serving("well") as url:
        yield url


@contextlib.contextmanager
def serving(mood: Mood) -> Iterator[str]:
    server = Server(Gateway(mood).answer)
    servers = Servers(server)
    servers.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        servers.stop()


@pytest.mark.parametrize(("method", "path"), KEYLESS)
def test_without_a_key(method: str, path: str, demo: str, litellm_with_database: Managed) -> None:
    body: object = {} if method == "POST" else None
    ours, theirs = (ask(url, method, path, body=body) for url in (demo, litellm_with_database.proxy.url))
    whole = path not in PARTLY or theirs[0] != 200
    assert read_parts(ours, whole=whole) | {"body": None} == read_parts(theirs, whole=whole) | {"body": None}
    if whole:
        assert read_parts(ours, whole=True) == read_parts(theirs, whole=True)
    else:
        assert_part_of(read_parts(ours, whole=False)["body"], read_parts(theirs, whole=False)["body"])


def assert_part_of(ours: Mapping[str, object], theirs: Mapping[str, object]) -> None:
    assert {name: theirs.get(name) for name in ours} == dict(ours)


def same(state: str, method: str, path: str, body: object, demo: str, real: str, key: str) -> None:
    ours = ask(demo, method, path, {"Authorization": f"Bearer {DEMO[state]}"}, body)
    theirs = ask(real, method, path, {"Authorization": f"Bearer {key}"}, body)
    whole = theirs[0] != 200
    said, meant = read_parts(ours, whole=whole), read_parts(theirs, whole=whole)
    what = f"{state}: {method} {path}"
    if whole:
        meant["body"] = without_doubles(meant["body"])
        assert said == meant, what
        return
    assert said | {"body": None} == meant | {"body": None}, what
    assert_part_of(said["body"], meant["body"])


def without_doubles(body: object) -> object:
    """LiteLLM repeats the message in a field that nobody reads."""
    if isinstance(body, dict):
        return {name: without_doubles(each) for name, each in body.items() if name != "provider_specific_fields"}
    return body


@pytest.mark.parametrize(("method", "path", "body"), WITH_KEY)
def test_with_a_good_key(method: str, path: str, body: object, demo: str, litellm_with_database: Managed) -> None:
    key = litellm_with_database.key(max_budget=50.0, team_id=litellm_with_database.team())
    same("good", method, path, body, demo, litellm_with_database.proxy.url, key)


@pytest.mark.parametrize("state", STATES)
def test_in_each_state(state: str, demo: str, litellm_with_database: Managed) -> None:
    key = STATES[state](litellm_with_database)
    for method, path, body in ASKED:
        same(state, method, path, body, demo, litellm_with_database.proxy.url, key)


def test_a_used_up_limit(demo: str, litellm_with_database: Managed) -> None:
    """The real one's limit ends with its minute: it is used up anew until the question falls into the same."""
    real, ours = litellm_with_database.proxy.url, {"Authorization": f"Bearer {key_of('limited')}"}
    for _ in range(20):
        key = {"Authorization": f"Bearer {used_up(litellm_with_database, rpm_limit=1)}"}
        theirs = ask(real, "POST", "/v1/messages", key, {})
        if theirs[0] == 429:
            break
    assert read_parts(ask(demo, "POST", "/v1/messages", ours, {}), whole=True) == read_parts(theirs, whole=True)
    assert ask(demo, "GET", "/v1/models", ours)[0] == ask(real, "GET", "/v1/models", key)[0] == 200


def test_what_is_read_of_lists_and_keys(demo: str, litellm_with_database: Managed) -> None:
    made = litellm_with_database
    real = {"Authorization": f"Bearer {made.key(max_budget=50.0, key_alias=None, team_id=made.team())}"}
    ours = {"Authorization": f"Bearer {key_of('good')}"}
    both = ((demo, ours), (made.proxy.url, real))
    models = [part(ask(url, "GET", "/v1/models", who), "data")[0] for url, who in both]
    assert_part_of({**models[0], "id": MODEL}, {**models[1], "id": MODEL})
    infos = [part(ask(url, "GET", "/key/info", who), "info") for url, who in both]
    assert infos[0].keys() <= infos[1].keys()
    for name in ("spend", "max_budget", "team_id", "models", "status"):
        assert type(infos[0][name]) is type(infos[1][name]), name
    for url, who in both:
        answer = ask(url, "POST", "/v1/messages", who, {"model": MODEL, **MESSAGE})
        assert part(answer, "content")[0].keys() == {"type", "text"}
    assert part(ask(demo, "POST", "/v1/messages", ours, {"model": MODEL, **MESSAGE}), "content")[0]["text"] == ANSWER


def test_with_its_database_down(litellm_with_database: Managed) -> None:
    real = litellm_with_database.proxy.url
    with serving("database-down") as url:
        with litellm_with_database.database.down():
            until_noticed(real)
            for path in ("/health/readiness", "/health/liveliness"):
                ours, theirs = (read_parts(ask(each, "GET", path), whole=True) for each in (url, real))
                assert ours == theirs
        until_it_works(litellm_with_database)


def until_noticed(url: str) -> None:
    """LiteLLM remembers for 15 seconds that its database was there."""
    deadline = time.monotonic() + 120
    while ask(url, "GET", "/health/readiness")[0] == 200:
        assert time.monotonic() < deadline, "LiteLLM does not notice"
        time.sleep(0.2)


@pytest.mark.parametrize("route", ["anthropic", "bedrock"])
async def test_the_wizard_sees_no_difference(route: str, demo: str, litellm_with_database: Managed, home: Path) -> None:
    machine = machine_at(home)
    verdicts = []
    good = await asyncio.to_thread(litellm_with_database.key)
    for url, key in ((demo, key_of("good")), (litellm_with_database.proxy.url, good)):
        gateway = GatewayAnswers(url=url, route="bedrock" if route == "bedrock" else "anthropic")
        health = await check_gateway(gateway, machine, lambda _: None)
        accepted, models = await accepts(gateway, machine, Secret(key), frozenset({url}))
        assert {MODEL, BEDROCK} <= set(models)
        verdicts.append([(each.id, each.verdict.removesuffix("-slow")) for each in (*health, accepted)])
    assert verdicts[0] == verdicts[1]


def test_every_state_is_compared() -> None:
    assert set(KEYS.values()) | {"unknown", "malformed"} == {*STATES, "good", "limited"}
    states: set[KeyState] = set(KEYS.values())
    assert all(KEYS[key_of(state)] == state for state in states)

"""Every state a key can be in, made in a real LiteLLM, as the key test and `check --json --only key` see it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tests.machines import machine_at
from tests.real.litellm_database import Managed
from tests.real.litellm_proxy import Proxy, SigningKeys
from wizard.answers import Answers, from_table
from wizard.origins import origins
from wizard.trial import Trial, send_one_message, try_key
from wizard.verdict import Verdict

ROOT: Final = Path(__file__).parents[2]
NEXT_TO_NOTHING: Final = 0.0000001
OTHER_MODEL: Final = "claude-haiku-5-5"


def answers(home: Path, url: str, key: str) -> Answers:
    file = home / "key.env"
    file.touch(mode=0o600)
    file.write_text(f"LITELLM_API_KEY={key}\n")
    return from_table({"gateway": {"url": url}, "key": {"backend": "env-file", "env-file": {"file": str(file)}}})


async def tried(home: Path, url: str, key: str) -> tuple[Trial, dict[str, Verdict]]:
    chosen = answers(home, url, key)
    trial = await try_key(chosen, machine_at(home), origins(chosen), lambda _: None)
    shown = json.dumps([each.as_json() for each in trial.verdicts])
    assert not key or key not in shown
    assert hashlib.sha256(key.encode()).hexdigest() not in shown
    assert all(each.fix for each in trial.verdicts if each.status in ("warn", "fail")), shown
    assert all(each.cause.isprintable() and len(each.cause) < 400 for each in trial.verdicts)
    return trial, {each.id: each for each in trial.verdicts}


async def accepted(home: Path, url: str, key: str) -> Verdict:
    return (await tried(home, url, key))[1]["key.accepted"]


def check(home: Path, url: str, key: str) -> dict[str, Any]:
    """The same key through the command."""
    answers(home, url, key)
    saved = home / ".config/claude-litellm-wizard/answers/default.toml"
    saved.parent.mkdir(parents=True, exist_ok=True)
    saved.write_text(
        f'format = 1\n[gateway]\nurl = "{url}"\n[key]\nbackend = "env-file"\n'
        f'[key.env-file]\nfile = "{home / "key.env"}"\nvariable = "LITELLM_API_KEY"\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "wizard", "check", "--json", "--only", "key"],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)},
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout, done.stderr
    assert key not in done.stdout + done.stderr
    told = json.loads(done.stdout)
    found: dict[str, Any] = {each["id"]: each for each in told["checks"]}
    assert done.returncode == (1 if any(each["status"] == "fail" for each in told["checks"]) else 0)
    return found


def gone(litellm: Managed) -> str:
    key = litellm.key()
    litellm.call("POST", "/key/delete", {"keys": [key]})
    return key


def ended(litellm: Managed) -> str:
    key = litellm.key(duration="1s")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            litellm.call("GET", "/v1/models", key=key)
        except AssertionError:
            return key
        time.sleep(0.1)
    raise AssertionError("the key does not end")


def blocked(litellm: Managed) -> str:
    key = litellm.key()
    litellm.call("POST", "/key/block", {"key": key})
    return key


def spent(litellm: Managed, key: str) -> str:
    """Use a key until its budget is gone: LiteLLM books what a message cost a moment after it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            litellm.spend(key)
        except AssertionError as error:
            assert "budget" in str(error).lower(), error
            return key
        time.sleep(0.1)
    raise AssertionError("the budget does not end")


def user_spent(litellm: Managed) -> str:
    user = {"max_budget": NEXT_TO_NOTHING, "auto_create_key": False}
    made = litellm.call("POST", "/user/new", user)["user_id"]
    return spent(litellm, litellm.key(user_id=made))


def used_up(litellm: Managed, **limit: int) -> str:
    key = litellm.key(**limit)
    litellm.spend(key)
    return key


def jwt_like(**claims: object) -> str:
    parts = ({"alg": "RS256"}, {"user": "ada", **claims})
    coded = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in parts]
    return ".".join([*coded, "c2lnbmF0dXJl"])


Made = Callable[[Managed], str]

STATES: Mapping[str, tuple[Made, str, str]] = {
    "good": (lambda _: _.key(key_alias=f"good-{time.time()}"), "key-accepted", ""),
    "ends in a month": (lambda _: _.key(duration="30d"), "key-accepted", ""),
    "for LLM calls only": (lambda _: _.key(key_type="llm_api"), "key-accepted", ""),
    "unknown": (lambda _: "sk-never-made-1234567890", "key-unknown", "does not know"),
    "deleted": (gone, "key-unknown", "does not know"),
    "malformed": (lambda _: "nosk-1234567890abcdef", "key-malformed", "start with sk-"),
    "a JWT, JWT auth off": (lambda _: jwt_like(exp=4102444800), "key-jwt-off", "does not accept JWTs"),
    "expired": (ended, "key-expired", " UTC."),
    "blocked": (blocked, "key-blocked", "is blocked"),
    "team blocked": (lambda _: _.key(team_id=_.team(blocked=True)), "key-group-blocked", "The team of the key"),
    "over budget": (lambda _: spent(_, _.key(max_budget=NEXT_TO_NOTHING)), "budget", "up its budget ($0."),
    "team over budget": (
        lambda _: spent(_, _.key(team_id=_.team(max_budget=NEXT_TO_NOTHING))),
        "budget",
        "the budget of its team",
    ),
    "user over budget": (user_spent, "budget", "the budget of its user"),
    "request limit used up": (lambda _: used_up(_, rpm_limit=1), "key-limited", "1 request a minute"),
    "no requests at a time": (lambda _: _.key(max_parallel_requests=0), "key-limit-zero", "no requests at a time"),
    "no models": (lambda _: _.key(models=["no-default-models"]), "key-accepted-no-models", "no model"),
    "for management": (lambda _: _.key(key_type="management"), "key-route-denied", "may not send messages"),
    "for looking": (lambda _: _.key(key_type="read_only"), "key-route-denied", "may not send messages"),
    "for messages only": (
        lambda _: _.key(allowed_routes=["/v1/messages"]),
        "key-accepted-unlisted",
        "does not let it list models",
    ),
}


@pytest.mark.parametrize("state", STATES)
async def test_case_69_each_state_has_its_verdict(state: str, litellm_with_database: Managed, home: Path) -> None:
    make, verdict, part = STATES[state]
    key = await asyncio.to_thread(make, litellm_with_database)
    url = litellm_with_database.proxy.url
    found = await accepted(home, url, key)
    assert (found.verdict, part in found.cause) == (verdict, True), found
    told = (await asyncio.to_thread(check, home, url, key))["key.accepted"]
    assert (told["verdict"], told["fix"]) == (verdict, found.fix)


async def test_a_limit_says_for_how_long(litellm_with_database: Managed, home: Path) -> None:
    key = await asyncio.to_thread(used_up, litellm_with_database, rpm_limit=1)
    found = await accepted(home, litellm_with_database.proxy.url, key)
    seconds = found.facts["wait_seconds"]
    assert isinstance(seconds, int) and 0 < seconds <= 61


async def test_case_19_an_empty_key_never_leaves(litellm_with_database: Managed, home: Path) -> None:
    before = litellm_with_database.proxy.log.read_text()
    trial, found = await tried(home, litellm_with_database.proxy.url, "")
    assert {each.verdict for each in trial.verdicts if each.status == "fail"} == {"variable-empty"}
    assert found["key.accepted"].status == "skip"
    assert "POST /v1/messages" not in litellm_with_database.proxy.log.read_text()[len(before) :]


async def test_whose_key_it_is(litellm_with_database: Managed, home: Path) -> None:
    made = litellm_with_database
    alias, team = f"laptop-{time.time()}", f"team-{time.time()}"
    team_id = await asyncio.to_thread(lambda: made.team(team_alias=team))
    key = await asyncio.to_thread(lambda: made.key(key_alias=alias, team_id=team_id, max_budget=20, duration="30d"))
    trial, found = await tried(home, made.proxy.url, key)
    owner = found["key.owner"]
    assert (owner.verdict, owner.facts["alias"], owner.facts["budget"]) == ("owner", alias, 20.0)
    assert "$0.00 of $20.00 spent" in owner.cause and "expires on" in owner.cause
    assert trial.life_seconds is not None and 29 * 86400 < trial.life_seconds <= 30 * 86400
    soon = await asyncio.to_thread(lambda: made.key(duration="2h"))
    _, found = await tried(home, made.proxy.url, soon)
    assert (found["key.owner"].verdict, found["key.owner"].status) == ("owner-expires-soon", "warn")


@pytest.mark.parametrize("by", ["key", "team"])
async def test_a_model_that_the_key_may_not_use(by: str, litellm_with_database: Managed, home: Path) -> None:
    made = litellm_with_database
    narrow = {"models": [OTHER_MODEL]}
    key = await asyncio.to_thread(lambda: made.key(**narrow) if by == "key" else made.key(team_id=made.team(**narrow)))
    chosen = answers(home, made.proxy.url, key)
    trial, found = await tried(home, made.proxy.url, key)
    assert (found["key.accepted"].verdict, trial.models) == ("key-accepted", (OTHER_MODEL,))
    machine, to = machine_at(home), origins(chosen)
    denied = await send_one_message(chosen, machine, to, "claude-opus-5-5")
    assert (denied.verdict, "claude-opus-5-5" in denied.cause) == ("model-denied", True)
    assert (await send_one_message(chosen, machine, to, OTHER_MODEL)).verdict == "message-answered"
    assert (await send_one_message(chosen, machine, to, "nope")).verdict in ("model-denied", "model-unknown")


async def test_case_70_the_check_costs_nothing(litellm_with_database: Managed, home: Path) -> None:
    made = litellm_with_database
    key = await asyncio.to_thread(made.key)
    for _ in range(3):
        assert (await accepted(home, made.proxy.url, key)).verdict == "key-accepted"
    token = hashlib.sha256(key.encode()).hexdigest()
    assert made.database.run(f"SELECT spend FROM \"LiteLLM_VerificationToken\" WHERE token = '{token}'") == "0\n"


@pytest.mark.parametrize(
    ("claims", "verdict", "part"),
    [
        ({"exp": -4000}, "key-jwt-expired", "ended 66 minutes ago"),
        ({"exp": 9000, "nbf": 4000}, "key-jwt-early", "not valid for another 66 minutes"),
        ({"exp": 9000, "iat": 4000}, "key-jwt-early", "not valid for another 66 minutes"),
        ({"exp": 9000, "user": None}, "key-jwt-claims", "user"),
    ],
)
async def test_the_time_of_a_signed_token(
    claims: Mapping[str, Any],
    verdict: str,
    part: str,
    litellm_with_custom_auth: Proxy,
    signing_keys: SigningKeys,
    home: Path,
) -> None:
    now = int(time.time())
    moments = {name: now + value for name, value in claims.items() if isinstance(value, int)}
    user = {} if "user" in claims else {"user": "ada"}
    token = signing_keys.token("RS256", {**user, **moments})
    found = await accepted(home, litellm_with_custom_auth.url, token)
    assert (found.verdict, part.replace("66", "") in found.cause.replace("66", "")) == (verdict, True), found


async def test_a_signed_token_that_nobody_knows(
    litellm_with_custom_auth: Proxy, signing_keys: SigningKeys, home: Path
) -> None:
    good = signing_keys.token("RS256", {"user": "ada", "exp": int(time.time()) + 900})
    url = litellm_with_custom_auth.url
    assert (await accepted(home, url, good)).status in ("pass", "warn")
    forged = ".".join([*good.split(".")[:2], good.split(".")[2][:-8] + "AAAAAAAA"])
    assert (await accepted(home, url, forged)).verdict == "key-jwt-signature"


async def test_without_a_database(litellm: Proxy, home: Path) -> None:
    for wrong in ("sk-wrong-1234567890", jwt_like(exp=4102444800), "nosk-1234567890abcdef"):
        assert (await accepted(home, litellm.url, wrong)).verdict == "key-unknown-no-database"
    assert (await accepted(home, litellm.url, litellm.master_key)).verdict == "key-accepted"


async def test_with_prisma_and_jwt_auth_but_without_database_and_licence(
    litellm_with_jwt_auth: Proxy, home: Path
) -> None:
    url = litellm_with_jwt_auth.url
    assert (await accepted(home, url, jwt_like(exp=4102444800))).verdict == "key-jwt-licence"
    assert (await accepted(home, url, jwt_like(exp=1))).verdict == "key-jwt-licence", "the licence comes first"
    assert (await accepted(home, url, "sk-wrong-1234567890")).verdict == "key-unknown-no-database"
    assert (await accepted(home, url, litellm_with_jwt_auth.master_key)).verdict == "key-accepted"


async def test_a_database_that_went_down(litellm_with_database: Managed, home: Path) -> None:
    made = litellm_with_database
    known = await asyncio.to_thread(made.key)
    assert (await accepted(home, made.proxy.url, known)).verdict == "key-accepted"
    with made.database.down():
        found = await accepted(home, made.proxy.url, "sk-not-seen-before-123456")
        assert found.verdict == "key-database-down", found
        assert (await accepted(home, made.proxy.url, known)).verdict == "key-accepted", "LiteLLM remembers it"
    await asyncio.to_thread(until_it_works, made)


def until_it_works(made: Managed) -> None:
    """Wait until LiteLLM has its database back; other tests need it."""
    deadline = time.monotonic() + 60
    while True:
        try:
            made.key()
        except AssertionError:
            assert time.monotonic() < deadline, "LiteLLM does not recover"
            time.sleep(0.2)
        else:
            return

"""The key test with a signed token: what it holds is shown, and how the gateway's clock differs from ours."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any, Final

import pytest

from tests.faults.servers import as_json, says, serving
from tests.keys.helpers import machine_with, private_file
from tests.real.litellm_proxy import Proxy, SigningKeys
from wizard.answers import Answers, from_table
from wizard.doctor.masking import Mask
from wizard.doctor.report import collect
from wizard.gateway.token_claims import claims_of, preview
from wizard.origins import origins
from wizard.secret import Secret
from wizard.trial import Trial, try_key
from wizard.verdict import Verdict

SECRET: Final = "a-shared-secret-of-32-bytes-0123"


def signed(home: Path, url: str, secret: str = SECRET, **more: Any) -> Answers:
    file = private_file(home / "signing", secret)
    given = {"secret_file": str(file), "kid": "laptop", "sub": "$USER", "claims": {"user": "ada", "level": 3}, **more}
    return from_table({"gateway": {"url": url, "allow_http": True}, "key": {"backend": "jwt", "jwt": given}})


async def tried(home: Path, answers: Answers, **env: str) -> tuple[Trial, dict[str, Verdict]]:
    machine = machine_with(home, "python3", env={"HOME": str(home), "PATH": "/usr/bin:/bin", **env})
    trial = await try_key(answers, machine, origins(answers), lambda _: None)
    return trial, {each.id: each for each in trial.verdicts}


async def test_a_real_gateway_shows_the_token_and_the_clock(
    litellm_with_custom_auth: Proxy, signing_keys: SigningKeys, home: Path
) -> None:
    answers = signed(home, litellm_with_custom_auth.url, signing_keys.hs256, lifetime_seconds=900)
    trial, found = await tried(home, answers, USER="lovelace")
    assert found["key.accepted"].status == "pass", trial.verdicts
    shape = found["key.shape"]
    assert (shape.status, shape.verdict) == ("pass", "shape-jwt")
    assert shape.cause.startswith("A JWT: HS256, kid laptop; sub lovelace, user ada, level 3; made at ")
    assert shape.facts["header"] == {"alg": "HS256", "typ": "JWT", "kid": "laptop"}
    claims: Any = shape.facts["claims"]
    assert (claims["sub"], claims["exp"] - claims["iat"]) == ("lovelace", 900)
    life = found["key.life"]
    assert life.verdict == "life-known" and life.cause.startswith("A key lives 15 minutes; ")
    told: Any = life.facts["clock_difference_seconds"]
    assert "; the gateway's clock " in life.cause and abs(told) < 60
    assert trial.life_seconds == 900


@pytest.mark.parametrize(
    ("ahead", "verdict", "part"),
    [
        (30, "life-known", "is 30 seconds ahead"),
        (-50, "life-known", "is 50 seconds behind"),
        (630, "life-clock", "is 10 minutes ahead"),
        (-7230, "life-clock", "is 2 hours behind"),
    ],
)
async def test_the_clocks_difference_is_shown(home: Path, ahead: int, verdict: str, part: str) -> None:
    date = formatdate(time.time() + ahead, usegmt=True)
    async with serving(says(200, as_json({"data": [{"id": "m"}]}), Date=date)) as server:
        _, found = await tried(home, signed(home, f"http://127.0.0.1:{server.port}"))
    life = found["key.life"]
    told: Any = life.facts["clock_difference_seconds"]
    assert abs(told - ahead) <= 5
    assert life.verdict == verdict and (life.status == "warn") == (verdict == "life-clock")
    assert part in life.cause or abs(ahead) < 60  # there a slow machine is a second or two off


async def test_without_a_date_or_with_another_kind_of_key_no_clock_is_shown(home: Path) -> None:
    async with serving(says(200, as_json({"data": [{"id": "m"}]}), Date="yesterday")) as server:
        _, found = await tried(home, signed(home, f"http://127.0.0.1:{server.port}"))
    assert "clock" not in found["key.life"].cause


async def test_a_variable_that_is_not_set_fails_the_helper_with_the_fix(home: Path) -> None:
    _, found = await tried(home, signed(home, "http://127.0.0.1:1", iss="$TEAM"))
    assert found["key.helper"].status == "fail" and "TEAM, which is not set" in found["key.helper"].cause
    _, found = await tried(home, signed(home, "http://127.0.0.1:1", iss="$TEAM"), TEAM="x")
    assert found["key.bare"].verdict == "bare-shell-only" and "TEAM" in found["key.bare"].cause


async def test_a_ticket_holds_the_claims_names_only(home: Path) -> None:
    answers = signed(home, "http://127.0.0.1:1", iss="Grace-Hopper")
    trial, found = await tried(home, answers, USER="lovelace")
    assert "Grace-Hopper" in found["key.shape"].cause
    told = await collect(answers, machine_with(home), trial.verdicts)
    assert "Grace-Hopper" not in json.dumps(told) and "lovelace" not in json.dumps(told)
    (shape,) = (each for each in told["checks"] if each["id"] == "key.shape")
    assert shape["facts"]["claims"] == ["exp", "iat", "iss", "level", "sub", "user"]
    assert Mask.of(machine_with(home), answers)


def token(**claims: object) -> Secret:
    import jwt

    return Secret(jwt.encode(dict(claims), SECRET, algorithm="HS256"))


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "\x1b[31mred\u202e", "x": ["\x07"]},
        {"a" * 5000: "b" * 5000},
        {"key": "sk-1234567890abcdef", "nested": {"k": ["sk-1234567890abcdef"]}},
        {"iat": 1e300, "exp": "never"},
        {"iat": -5},
        {"deep": json.loads("[" * 50 + "]" * 50)},
        {},
    ],
)
def test_what_a_token_holds_is_shown_inert(claims: dict[str, object]) -> None:
    found = claims_of(token(**claims))
    assert found is not None
    for shown in (preview(found), json.dumps([found.header, found.claims])):
        assert shown.isprintable() and "sk-1234567890abcdef" not in shown
        assert "\\u001b" not in shown and "\\u202e" not in shown
    assert len(preview(found)) < 260

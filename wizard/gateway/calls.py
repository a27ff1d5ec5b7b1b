"""The calls made with a key. Each refuses to run for an origin that the user has not confirmed."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from wizard.answers import Gateway
from wizard.gateway.answer import clock_skew, describe
from wizard.gateway.catalogue import CATALOGUE
from wizard.gateway.refusal import OF_THE_KEY, refusal
from wizard.gateway.way import way_to
from wizard.machine.model import Machine
from wizard.net import limits
from wizard.net.fault import Fault
from wizard.net.http import Response, request
from wizard.pattern import pattern
from wizard.record import dataclass
from wizard.secret import Secret, redact
from wizard.verdict import Verdict, judge

_SENDABLE: Final = pattern(r"[\x21-\x7e]{1,16384}")
_MODEL_ID: Final = pattern(r"[\x21-\x7e]{1,200}")
_MODEL_LIST: Final = 8 * 1024 * 1024
"""Bytes of a list of models: some 40,000 of them. Only a gateway the user confirmed is asked for it."""

_MESSAGE: Final = {"max_tokens": 16, "messages": [{"role": "user", "content": "Answer with the word ready."}]}
_MESSAGE_LIMIT: Final = 60.0
_SOON: Final = 86400
"""Seconds that a stored key has left when its end is worth a word."""


class OriginNotConfirmed(Exception):  # noqa: N818 - reads as the sentence it is
    """A key was about to be sent to an origin that the user never confirmed. Nothing was sent."""

    def __init__(self, origin: str) -> None:
        super().__init__(f"{origin} has not been confirmed")
        self.origin = origin


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """Whose key it is, as far as the gateway tells; amounts in US dollars."""

    alias: str = ""
    user: str = ""
    team: str = ""
    spend: float | None = None
    budget: float | None = None
    expires: datetime | None = None

    @property
    def expires_in(self) -> int | None:
        """Seconds until the key expires, None when it does not or nobody knows."""
        return None if self.expires is None else int((self.expires - datetime.now(UTC)).total_seconds())


async def accepts(
    gateway: Gateway, machine: Machine, key: Secret, confirmed: frozenset[str]
) -> tuple[Verdict, tuple[str, ...]]:
    """Ask what a key may do, at no cost: the verdict `key.accepted` and the names of its models.

    LiteLLM 1.106.2 lists models for a key whose team or user is over budget, that is rate-limited or that may not send
    messages; so it is asked for a message without any text as well, which it refuses before a model is called.
    Raises OriginNotConfirmed before any connection.
    """
    listed, models = await list_models(gateway, machine, key, confirmed)
    if listed.status == "fail" and listed.verdict != "key-route-denied":
        return listed, models
    call = _Call("key.accepted", gateway, machine, key, confirmed)
    answer = await call.send("POST", "/v1/messages", body=b"{}")
    if isinstance(answer, Verdict):
        return listed, models
    if answer.status == 400:
        return (call.verdict("key-accepted-unlisted") if listed.status == "fail" else listed), models
    fault = refusal(answer, key)
    if fault.verdict not in OF_THE_KEY or (fault.verdict == "key-route-denied" and gateway.route != "anthropic"):
        return listed, models
    return call.fault(fault), models


async def list_models(
    gateway: Gateway, machine: Machine, key: Secret, confirmed: frozenset[str]
) -> tuple[Verdict, tuple[str, ...]]:
    """Ask which models the key may use (`GET /v1/models`, no cost): the verdict `key.accepted` and the model names.

    Raises OriginNotConfirmed before any connection.
    """
    call = _Call("key.accepted", gateway, machine, key, confirmed)
    answer = await call.send("GET", "/v1/models", most=_MODEL_LIST)
    if isinstance(answer, Verdict):
        return answer, ()
    listed = answer.json()
    data = listed.get("data") if isinstance(listed, Mapping) else None
    if answer.status != 200 or not isinstance(data, list):
        return call.refused(answer), ()
    ids = [each.get("id") for each in data if isinstance(each, Mapping)]
    models = tuple(dict.fromkeys(each for each in ids if isinstance(each, str) and _MODEL_ID.fullmatch(each)))
    skew = clock_skew(answer.headers)
    verdict = "key-accepted" if models else "key-accepted-no-models"
    return call.verdict(verdict, count=len(models), clock_difference_seconds=round(skew) if skew else None), models


async def key_info(
    gateway: Gateway, machine: Machine, key: Secret, confirmed: frozenset[str]
) -> tuple[Verdict, KeyInfo | None]:
    """Ask whose key it is (`GET /key/info`, no cost): the verdict `key.owner`, skipped where the gateway can't tell.

    A gateway without a database answers 500 to it. Raises OriginNotConfirmed before any connection.
    """
    call = _Call("key.owner", gateway, machine, key, confirmed)
    answer = await call.send("GET", "/key/info")
    if isinstance(answer, Verdict):
        return answer, None
    table = answer.json()
    told = table.get("info") if isinstance(table, Mapping) else None
    if answer.status == 200 and isinstance(told, Mapping):
        info = _key_info(told)
        facts = {"alias": info.alias, "user": info.user, "team": info.team, "spend": info.spend, "budget": info.budget}
        expires = info.expires.isoformat() if info.expires else None
        return call.verdict(_owner_verdict(info), owner=_owner(info), expires=expires, **facts), info
    if answer.status in (401, 403, 404):
        return call.verdict("owner-hidden"), None
    return call.verdict("owner-unknown"), None


async def send_message(
    gateway: Gateway, machine: Machine, key: Secret, confirmed: frozenset[str], model: str
) -> Verdict:
    """Send one tiny message on the chosen route: the verdict `key.message`. It may cost money; the caller has asked.

    Raises OriginNotConfirmed before any connection.
    """
    call = _Call("key.message", gateway, machine, key, confirmed, model=redact(model))
    if gateway.route == "bedrock":
        path = f"/bedrock/model/{quote(model, safe=':')}/invoke"
        message: dict[str, object] = {"anthropic_version": "bedrock-2023-05-31", **_MESSAGE}
    else:
        path = "/v1/messages"
        message = {"model": model, **_MESSAGE}
    answer = await call.send("POST", path, body=json.dumps(message).encode(), patience=_MESSAGE_LIMIT)
    if isinstance(answer, Verdict):
        return answer
    if answer.status != 200:
        return call.fault(_no_message(gateway, refusal(answer, key)))
    reply = answer.json()
    if not isinstance(reply, Mapping) or not isinstance(reply.get("content"), list):
        return call.verdict("message-odd", seen=describe(answer))
    version = redact(answer.headers.get("x-litellm-version", ""), limit=20)
    return call.verdict("message-answered", seconds=answer.ms / 1000, litellm_version=version or None)


def _no_message(gateway: Gateway, fault: Fault) -> Fault:
    """A gateway that fails on a message has been alive all along: what fails is the model behind it."""
    if fault.verdict != "upstream-down":
        return fault
    other_provider = re.match(r"Provider \w+ not found", str(fault.facts.get("message")))
    return Fault(
        "model-not-bedrock" if gateway.route == "bedrock" and other_provider else "message-failed", **fault.facts
    )


class _Call:
    """One request with the key, and the verdicts of its check."""

    def __init__(
        self, check: str, gateway: Gateway, machine: Machine, key: Secret, confirmed: frozenset[str], **facts: object
    ) -> None:
        address = gateway.address
        if address.origin not in confirmed:
            raise OriginNotConfirmed(address.origin)
        self.check = check
        self.gateway = gateway
        self.machine = machine
        self.key = key
        self.started = time.monotonic()
        where = {"url": address.url, "host": address.host, "port": address.port}
        self.facts: Mapping[str, object] = {**where, "hint": key.hint(), **facts}

    def verdict(self, verdict: str, **facts: object) -> Verdict:
        ms = (time.monotonic() - self.started) * 1000
        return judge(CATALOGUE, self.check, verdict, ms=ms, **{**self.facts, **facts})

    def fault(self, fault: Fault) -> Verdict:
        nameless = {"model": "asked for"} if fault.verdict.startswith("model-") and "model" not in self.facts else {}
        return self.verdict(fault.verdict, **{**nameless, **fault.facts})

    def refused(self, answer: Response) -> Verdict:
        return self.fault(refusal(answer, self.key))

    async def send(
        self, method: str, path: str, *, body: bytes = b"", most: int = limits.BODY, patience: float = limits.FIRST_BYTE
    ) -> Response | Verdict:
        """Return the answer, or the verdict when there is none."""
        if not _SENDABLE.fullmatch(self.key.reveal()):
            return self.verdict("key-unsendable")
        headers = [("Authorization", f"Bearer {self.key.reveal()}")]
        if body:
            headers.append(("Content-Type", "application/json"))
            headers.append(("anthropic-version", "2023-06-01"))
        try:
            server = await way_to(self.gateway, self.machine)
            return await request(server, method, path, headers=headers, body=body, most=most, patience=patience)
        except Fault as fault:
            return self.fault(fault)


def _key_info(told: Mapping[object, object]) -> KeyInfo:
    return KeyInfo(
        alias=_text(told.get("key_alias")),
        user=_text(told.get("user_id")),
        team=_text(told.get("team_alias")) or _text(told.get("team_id")),
        spend=_amount(told.get("spend")),
        budget=_amount(told.get("max_budget")),
        expires=_moment(told.get("expires")),
    )


def _text(value: object) -> str:
    return redact(value, limit=60) if isinstance(value, str) else ""


def _amount(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _owner_verdict(info: KeyInfo) -> str:
    if info.expires_in is not None and info.expires_in < _SOON:
        return "owner-expires-soon"
    return "owner-budget-low" if info.budget and (info.spend or 0) >= 0.9 * info.budget else "owner"


def _owner(info: KeyInfo) -> str:
    parts = [info.alias or info.user or "a key without a name"]
    if info.team:
        parts.append(f"team {info.team}")
    if info.budget is not None:
        parts.append(f"${info.spend or 0:.2f} of ${info.budget:.2f} spent")
    if info.expires is not None:
        parts.append(f"expires on {info.expires:%Y-%m-%d %H:%M} UTC")
    return " · ".join(parts)

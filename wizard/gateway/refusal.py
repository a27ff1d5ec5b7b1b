"""Why a gateway refused a request that carried a key, read from LiteLLM's answer.

The words are those of LiteLLM 1.74.9, 1.83.0 and 1.106.2, with and without a database and with and without prisma.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from wizard.gateway.answer import describe, is_json, retry_after
from wizard.gateway.token_claims import Claims, claims_of
from wizard.net import limits
from wizard.net.fault import Fault
from wizard.net.http import Response
from wizard.pattern import pattern
from wizard.secret import Secret, redact

_BY_TYPE: Final[Mapping[str, str]] = {
    "token_not_found_in_db": "key-unknown",
    "expired_key": "key-expired",
    "budget_exceeded": "budget",
    "no_db_connection": "key-unknown-no-database",
}
"""LiteLLM's `error.type`; the same in 1.74.9, 1.83.0 and 1.106.2."""

_BY_MESSAGE: Final[tuple[tuple[str, str], ...]] = (
    ("no api key passed in", "key-missing"),
    ("jwt auth is not enabled", "key-jwt-off"),
    ("jwt auth is an enterprise", "key-jwt-licence"),
    ("malformed api key", "key-malformed"),
    ("expected to start with 'sk-'", "key-malformed"),
    ("key is blocked", "key-blocked"),
    ("not allowed to call this route", "key-route-denied"),
    ("not yet valid", "key-jwt-early"),
    ("signature verification failed", "key-jwt-signature"),
    ("no matching public key", "key-jwt-signature"),
    ("alg value is not allowed", "key-jwt-algorithm"),
    ("expired", "key-expired"),
    ("budget has been exceeded", "budget"),
    ("over budget", "budget"),
    ("invalid model name", "model-unknown"),
    ("is not available for this api key", "model-denied"),
)
"""What LiteLLM's `error.message` holds, in lower case; the first that fits."""

_GROUP_BLOCKED: Final = pattern(r"\b(team|project)=\S* is blocked", re.IGNORECASE)
_CLAIM: Final = pattern(r"audience|issuer|missing the \"?\w+\"? claim", re.IGNORECASE)
_SPENT: Final = pattern(r"(?:current cost: |spend=)\$?([\d.e+-]+), (?:max )?budget[=:] ?\$?([\d.e+-]+)", re.IGNORECASE)
_LIMIT: Final = pattern(r"limit type: (\w+)\. current limit: (\d{1,12})\b", re.IGNORECASE)
_RESETS: Final = pattern(r"limit resets at: (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", re.IGNORECASE)
_ENDED: Final = pattern(r"key expiry time (\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)", re.IGNORECASE)
_HASH: Final = pattern(r"\b[0-9a-f]{64}\b")

_LIMITS: Final[Mapping[str, str]] = {
    "requests": "requests a minute",
    "tokens": "tokens a minute",
    "max_parallel_requests": "requests at a time",
}

OF_THE_KEY: Final = frozenset(
    {"budget", "key-limited", "key-limit-zero", "key-blocked", "key-group-blocked", "key-route-denied", "key-expired"}
)
"""What can be wrong with a key that may list its models all the same."""


def refusal(answer: Response, key: Secret) -> Fault:
    """Name the reason of an answer other than the one asked for."""
    kind, message = _error(answer)
    facts = {"status": answer.status, "message": _sentence(message, key), "error_type": redact(kind, key, limit=60)}
    verdict = _verdict(answer, kind, message)
    claims = claims_of(key)
    fault = _of_token(verdict, claims, answer) if claims else None
    return (fault or Fault(verdict, **_more(verdict, answer, message, claims))).adding(**facts)


def _more(verdict: str, answer: Response, message: str, claims: Claims | None) -> Mapping[str, object]:
    """Return the facts that the texts of one verdict need."""
    if verdict == "budget":
        return _budget(message)
    if verdict in ("key-limited", "key-limit-zero"):
        return _limit(answer, message)
    if verdict == "key-expired":
        ended = _ENDED.search(message)
        return {"when": f"expired on {ended[1]} at {ended[2]} UTC" if ended else "has expired"}
    if verdict == "key-group-blocked":
        blocked = _GROUP_BLOCKED.search(message)
        return {"group": blocked[1].lower() if blocked else "team"}
    if verdict == "key-jwt-algorithm":
        return {"algorithm": redact(claims.algorithm, limit=20) if claims and claims.algorithm else "its algorithm"}
    if verdict == "wrong-path":
        return {"advice": "Check the path of the URL, and run the health check."}
    return {"seen": describe(answer)} if verdict == "not-litellm" else {}


def _verdict(answer: Response, kind: str, message: str) -> str:
    said = f"{kind} {message}".lower()
    if answer.status == 429:
        never = (limit := _LIMIT.search(message)) is not None and int(limit[2]) == 0
        return "budget" if "budget" in said else "key-limit-zero" if never else "key-limited"
    if kind.endswith("_model_access_denied"):
        return "model-denied"
    if kind == "no_db_connection" and answer.status >= 500:
        return "key-database-down"
    return _BY_TYPE.get(kind) or _by_message(answer.status, message) or _by_status(answer)


def _by_message(status: int, message: str) -> str | None:
    if not 400 <= status < 500:
        return None
    if _GROUP_BLOCKED.search(message):
        return "key-group-blocked"
    return next((verdict for words, verdict in _BY_MESSAGE if words in message.lower()), None)


def _by_status(answer: Response) -> str:
    status = answer.status
    if status in (401, 403):
        return "key-refused" if is_json(answer) else "key-forbidden"
    if status == 404 and not is_json(answer):
        return "wrong-path"
    if 300 <= status < 400:
        return "redirect-with-key"
    if status >= 500:
        return "upstream-down"
    return "not-litellm" if status == 200 else "request-refused"


def _budget(message: str) -> dict[str, object]:
    """Say whose budget it is, and how much of it was spent, in US dollars."""
    owner = re.search(r"\b(key|team|user|organization|end.?user|tag)=", message, re.IGNORECASE)
    whose = {"organization": "its organisation", "team": "its team", "user": "its user", "tag": "one of its tags"}
    who = whose.get(owner[1].lower(), "") if owner else ""
    spent = _SPENT.search(message)
    amounts = f" (${_dollars(spent[1])} of ${_dollars(spent[2])})" if spent else ""
    return {"whose": f"the budget of {who}" if who else "its budget", "amounts": amounts}


def _dollars(amount: str) -> str:
    try:
        return f"{float(amount):,.2f}"
    except ValueError:
        return "?"


def _limit(answer: Response, message: str) -> dict[str, object]:
    found = _LIMIT.search(message)
    name, most = (_LIMITS.get(found[1].lower(), "uses"), int(found[2])) if found else ("uses", 0)
    counted = f"{most} {name.replace('requests', 'request').replace('tokens', 'token') if most == 1 else name}"
    seconds = _wait(answer, message)
    return {
        "limit": name,
        "which": f" to {counted}" if found else "",
        "wait": f" (for {seconds} seconds)" if seconds else "",
        "wait_seconds": seconds,
    }


def _wait(answer: Response, message: str) -> int | None:
    """Return the seconds until the limit ends: from `Retry-After`, else from LiteLLM's words and its own clock."""
    after = retry_after(answer)
    if after is not None:
        return after
    resets = _RESETS.search(message)
    if not resets:
        return None
    try:
        moment = datetime.fromisoformat(resets[1]).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
    left = round(moment - clock_of(answer))
    return left if 0 < left < 86400 * 31 else None


def _of_token(verdict: str, claims: Claims, answer: Response) -> Fault | None:
    """Name what is wrong with a JWT in particular; where it is its time, compare the gateway's clock with ours."""
    there, here = clock_of(answer), time.time()
    starts = max((each for each in (claims.starts, claims.issued) if each is not None), default=None)
    refused = verdict == "key-refused"
    skewed = abs(there - here) > limits.TOKEN_SKEW
    clocks = {"clock_difference_seconds": round(there - here), "clocks": _clocks(there - here) if skewed else ""}
    if claims.ends is not None and claims.ends <= there and (refused or verdict == "key-expired"):
        remedy = _CLOCK_REMEDY if skewed and claims.ends > here else _NEWER
        return Fault("key-jwt-expired", ago=_span(there - claims.ends), remedy=remedy, **clocks)
    if verdict == "key-jwt-early" or (refused and starts is not None and starts > there):
        ahead = f"for another {_span(starts - there)}" if starts is not None and starts > there else "yet"
        return Fault("key-jwt-early", ahead=ahead, remedy=_CLOCK_REMEDY if skewed else _OTHER_CLOCK, **clocks)
    if refused and _CLAIM.search(_error(answer)[1]):
        return Fault("key-jwt-claims")
    return None


_NEWER: Final = "Get a new one from where it came from."
_OTHER_CLOCK: Final = "Set the clock of the machine that makes the token."
_CLOCK_REMEDY: Final = (
    "Set the clock of this machine; if it is right, tell whoever runs the gateway that theirs is not."
)


def _clocks(difference: float) -> str:
    return f"; this machine's clock is {_span(abs(difference))} {'behind' if difference > 0 else 'ahead'}"


def _span(seconds: float) -> str:
    for size, word in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {word}"
    return f"{max(round(seconds), 0)} seconds"


def clock_of(answer: Response) -> float:
    """Return the time of an answer by the server's own clock, in seconds since 1970; ours where it shows none."""
    try:
        return parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError, OSError):
        return time.time()


def _error(answer: Response) -> tuple[str, str]:
    """Return LiteLLM's `type` and `message`, empty where the answer has none."""
    body = answer.json()
    error = body.get("error", body.get("detail", body)) if isinstance(body, Mapping) else None
    if isinstance(error, str):
        return "", error
    if not isinstance(error, Mapping):
        return "", ""
    kind, message = error.get("type"), error.get("message", error.get("error"))
    return (kind if isinstance(kind, str) else ""), (message if isinstance(message, str) else "")


def _sentence(message: str, key: Secret) -> str:
    text = redact(_HASH.sub("…", message[:5000]), key) or "it gives no reason"
    return text if text.endswith((".", "!", "?", "…")) else text + "."

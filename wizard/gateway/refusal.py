"""Why a gateway refused a request that carried a key, read from LiteLLM's answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wizard.gateway.answer import describe, is_json, retry_after
from wizard.net.fault import Fault
from wizard.net.http import Response
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
    ("expired", "key-expired"),
    ("budget has been exceeded", "budget"),
    ("invalid model name", "model-unknown"),
    ("is not available for this api key", "model-denied"),
)
"""What LiteLLM's `error.message` holds, in lower case; the first that fits."""


def refusal(answer: Response, key: Secret) -> Fault:
    """Name the reason of an answer other than the one asked for."""
    status = answer.status
    kind, message = _error(answer)
    facts = {"status": status, "message": _sentence(message, key), "error_type": redact(kind, key, limit=60)}
    if status == 429:
        wait = retry_after(answer)
        if "budget" in f"{kind} {message}".lower():
            return Fault("budget", **facts)
        return Fault("key-limited", wait="" if wait is None else f" (for {wait} seconds)", **facts)
    if kind.endswith("_model_access_denied"):
        return Fault("model-denied", **{"model": "asked for", **facts})
    if verdict := _BY_TYPE.get(kind) or _by_message(status, message):
        return Fault(verdict, **facts)
    return _by_status(answer, facts)


def _by_message(status: int, message: str) -> str | None:
    if not 400 <= status < 500:
        return None
    return next((verdict for words, verdict in _BY_MESSAGE if words in message.lower()), None)


def _by_status(answer: Response, facts: Mapping[str, object]) -> Fault:
    status = answer.status
    if status in (401, 403):
        return Fault("key-refused" if is_json(answer) else "key-forbidden", **facts)
    if status == 404 and not is_json(answer):
        advice = "Check the path of the URL, and run the health check."
        return Fault("wrong-path", **{**facts, "advice": advice})
    if 300 <= status < 400:
        return Fault("redirect-with-key", **facts)
    if status >= 500:
        return Fault("upstream-down", **facts)
    if status == 200:
        return Fault("not-litellm", **{**facts, "seen": describe(answer)})
    return Fault("request-refused", **facts)


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
    text = redact(message, key) or "it gives no reason"
    return text if text.endswith((".", "!", "?", "…")) else text + "."

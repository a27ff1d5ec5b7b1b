"""The demo's gateway: what LiteLLM 1.106.2 with a database answers, in its words.

Held against the real one by tests/demo/test_gateway_contract.py.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, Literal, get_args

from wizard.demo.http import Reply, Request, in_json
from wizard.pattern import pattern

KeyState = Literal["good", "expired", "over-budget", "blocked", "team-blocked", "limited", "no-models", "read-only"]
"""How a key that the gateway knows can be. Any other key is unknown to it."""

Mood = Literal["well", "database-down", "no-anthropic", "not-litellm", "sign-in", "bad-gateway", "broken-model"]
"""What is wrong with the gateway itself."""

MODELS: Final = (
    "claude-opus-5-5",
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
    "us.anthropic.claude-opus-5-5",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    "gemini-3-pro",
    "gpt-5.2",
)
ANSWER: Final = "Ready. This is the demo's gateway; no model was asked."
SIGN_IN_PAGE: Final = "https://login.corp.example/signin"

_VERSION: Final = "1.106.2"

Words = tuple[int, str, str, str | None]
"""How a request is refused: status, message, type and param."""

_NO_KEY: Final[Words] = (401, "Authentication Error, No api key passed in.", "auth_error", "None")
_BEDROCK: Final = pattern(r"/bedrock/model/([^/]+)/(invoke|invoke-with-response-stream|converse|converse-stream)")
_ENDED: Final = "2026-10-01 09:00:00+00:00"


def key_of(state: KeyState) -> str:
    """Return the key that is in this state."""
    return f"sk-demo-{state}-{hashlib.sha256(state.encode()).hexdigest()[:16]}"


KEYS: Final[Mapping[str, KeyState]] = {key_of(state): state for state in get_args(KeyState)}
UNKNOWN_KEY: Final = "sk-demo-unknown-0123456789abcdef"


class Gateway:
    """Answers every request as LiteLLM does, in one mood. It lives below `root`, which is mostly empty."""

    def __init__(self, mood: Mood = "well", *, root: str = "") -> None:
        self._mood = mood
        self._root = root

    def answer(self, asked: Request) -> Reply:
        """Answer one request."""
        if not asked.path.startswith(self._root):
            return _NOT_FOUND
        asked = asked._replace(path=asked.path.removeprefix(self._root) or "/")
        odd = _ODD.get(self._mood)
        if odd is not None:
            return odd(asked)
        if self._mood == "no-anthropic" and asked.path.startswith("/v1/messages"):
            return _NOT_FOUND
        if self._mood == "database-down" and asked.path == "/health/readiness":
            return in_json(503, {"status": "healthy", "db": "disconnected"})
        return _OPEN.get((asked.method, asked.path)) or self._with_key(asked)

    def _with_key(self, asked: Request) -> Reply:
        allowed = _allowed(asked.path)
        if not allowed:
            return _NOT_FOUND
        if asked.method not in allowed:
            return in_json(405, {"detail": "Method Not Allowed"}, allow=", ".join(allowed))
        state = _judged(asked.headers, asked.path)
        if not isinstance(state, str):
            return state
        if asked.path in ("/v1/models", "/models"):
            return _models(state)
        if asked.path == "/key/info":
            return _info(state)
        if asked.path == "/v1/messages":
            return _message(asked, state, broken=self._mood == "broken-model")
        if asked.path == "/v1/messages/count_tokens":
            return in_json(200, {"input_tokens": 8, "litellm_count_source": "local_estimate"})
        if found := _BEDROCK.fullmatch(asked.path):
            return _invoked(found[1], broken=self._mood == "broken-model")
        name = asked.path.removeprefix("/bedrock/")
        text = "'model' keyword not found and unable to extract model from endpoint. Expected format: "
        return in_json(400, {"detail": {"error": f"{text}/model/{{modelId}}/{{action}}. Got: {name}"}})


_NOT_FOUND: Final = in_json(404, {"detail": "Not Found"})
_CONFIGURATION: Final = {
    "server_root_path": "",
    "proxy_base_url": None,
    "auto_redirect_to_sso": False,
    "admin_ui_disabled": False,
    "sso_configured": False,
}
_DOCS: Final = b"<!DOCTYPE html><html><head><title>LiteLLM API - Swagger UI</title></head><body></body></html>"
_OPEN: Final[Mapping[tuple[str, str], Reply]] = {
    ("GET", "/health/liveliness"): in_json(200, "I'm alive!"),
    ("GET", "/health/liveness"): in_json(200, "I'm alive!"),
    ("GET", "/health/readiness"): in_json(200, {"status": "healthy", "db": "connected"}),
    ("GET", "/.well-known/litellm-ui-config"): in_json(200, _CONFIGURATION),
    ("GET", "/claude_code_gateway/.well-known/oauth-authorization-server"): in_json(404, {"error": "not_found"}),
    ("GET", "/"): Reply(200, _DOCS, "text/html; charset=utf-8"),
    ("HEAD", "/"): Reply(200, _DOCS, "text/html; charset=utf-8"),
}
"""What is answered without a key."""

_PASS_THROUGH: Final = ("GET", "PUT", "PATCH", "DELETE", "POST")


def _allowed(path: str) -> tuple[str, ...]:
    if path in ("/v1/messages", "/v1/messages/count_tokens"):
        return ("POST",)
    if path in ("/v1/models", "/models", "/key/info"):
        return ("GET",)
    return _PASS_THROUGH if path.startswith(("/bedrock/", "/vertex_ai/")) else ()


def _judged(headers: Mapping[str, str], path: str) -> KeyState | Reply:
    """Return the state of the key a request carries, or the refusal."""
    given = headers.get("authorization", "").removeprefix("Bearer").strip() or headers.get("x-api-key", "")
    if not given:
        return _refused(*_NO_KEY)
    if not given.startswith("sk-"):
        hint = f"{given[:4]}****{given[-4:]}"
        text = f"LiteLLM Virtual Key expected. Received={hint}, expected to start with 'sk-'."
        return _refused(401, text, "auth_error", "None")
    state = KEYS.get(given)
    if state is None:
        digest = hashlib.sha256(given.encode()).hexdigest()
        text = f"Invalid proxy server token passed. Received API Key = sk-...{given[-4:]}, Key Hash (Token) ={digest}."
        where = "Unable to find token in cache or `LiteLLM_VerificationTokenTable`"
        return _refused(401, f"Authentication Error, {text} {where}", "token_not_found_in_db", "key")
    return _refusal(state, path, given) or state


def _refusal(state: KeyState, path: str, key: str) -> Reply | None:
    """Return how LiteLLM refuses a key it knows, None where it serves it."""
    sends = path.startswith(("/v1/messages", "/bedrock/"))
    hint = f"sk-...{key[-4:]}"
    if state == "expired":
        now = datetime.now(UTC)
        text = f"Authentication Error - Expired Key. Key Expiry time {_ENDED} and current time {now}"
        return _refused(401, text, "expired_key", hint)
    if state == "blocked":
        text = "Authentication Error, Key is blocked. Update via `/key/unblock` if you're an admin."
        return _refused(401, text, "auth_error", "None")
    if state == "team-blocked":
        text = "Authentication Error, Team=7d0c is blocked. Update via `/team/unblock` if you're an admin."
        return _refused(401, text, "auth_error", "None")
    if state == "over-budget" and path != "/key/info":
        text = f"Budget has been exceeded! Key=key ({hint}) Current cost: 50.02, Max budget: 50.0"
        return _refused(422, text, "budget_exceeded", None)
    if state == "limited" and sends:
        return _limited(key)
    if state == "read-only" and sends:
        only = f"Only allowed to call routes: ['info_routes']. Tried to call route: {path}"
        return in_json(403, {"detail": f"Virtual key is not allowed to call this route. {only}"})
    return None


def _limited(key: str) -> Reply:
    digest = hashlib.sha256(key.encode()).hexdigest()
    resets = datetime.fromtimestamp(time.time() + 42, UTC)
    text = f"Rate limit exceeded for api_key: {digest}. Limit type: requests. Current limit: 1, Remaining: 0."
    message = f"{text} Limit resets at: {resets:%Y-%m-%d %H:%M:%S} UTC"
    error = {"type": "rate_limit_error", "message": message}
    return in_json(429, {"type": "error", "error": error}, x_litellm_version=_VERSION)


def _refused(status: int, message: str, kind: str, param: str | None) -> Reply:
    return in_json(status, {"error": {"message": message, "type": kind, "param": param, "code": str(status)}})


def _models(state: KeyState) -> Reply:
    names = () if state == "no-models" else MODELS
    about = {"object": "model", "created": 1677610602, "owned_by": "openai", "mode": "chat"}
    return in_json(200, {"data": [{"id": name, **about} for name in names], "object": "list"})


def _info(state: KeyState) -> Reply:
    key = key_of(state)
    info = {
        "key_name": f"sk-...{key[-4:]}",
        "key_alias": f"demo-{state}",
        "spend": 50.02 if state == "over-budget" else 12.4,
        "max_budget": 50.0,
        "expires": None,
        "models": ["no-default-models"] if state == "no-models" else [],
        "user_id": None,
        "team_id": "engineering",
        "status": "active",
    }
    return in_json(200, {"key": hashlib.sha256(key.encode()).hexdigest(), "info": info})


def _message(asked: Request, state: KeyState, *, broken: bool) -> Reply:
    sent = asked.json()
    model = str(sent.get("model", ""))
    if "messages" not in sent:
        return _invalid("Missing required parameter: 'messages'.")
    if state == "no-models":
        text = f"The requested model '{model}' is not available for this API key, or the model name is invalid."
        hint = "Check the models available to you and try again."
        return _refused(403, f"{text} {hint}", "key_model_access_denied", "model")
    if model not in MODELS:
        text = f"Invalid model name passed in model={model}. Call `/v1/models` to view available models for your key."
        return _invalid(text, x_litellm_version=_VERSION)
    return _broken() if broken else _said(model)


def _invalid(text: str, **headers: str) -> Reply:
    error = {"type": "invalid_request_error", "message": f"anthropic_messages: {text}"}
    return in_json(400, {"type": "error", "error": error}, **headers)


def _invoked(model: str, *, broken: bool) -> Reply:
    if model not in MODELS:
        text = f"Invalid model name passed in model={model}. Call `/v1/models` to view available models for your key."
        return _refused(400, f"allm_passthrough_route: {text}", "invalid_request_error", None)
    if not model.startswith("us."):
        return _refused(500, "Provider anthropic not found", "internal_server_error", None)
    return _broken() if broken else _said(model)


def _broken() -> Reply:
    text = "litellm.InternalServerError: AnthropicException - Overloaded"
    return _refused(500, text, "internal_server_error", None)


def _said(model: str) -> Reply:
    return in_json(
        200,
        {
            "content": [{"text": ANSWER, "type": "text"}],
            "id": "msg_demo",
            "model": model,
            "role": "assistant",
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "type": "message",
            "usage": {"input_tokens": 12, "output_tokens": 14},
        },
        x_litellm_version=_VERSION,
    )


def _nginx(asked: Request) -> Reply:
    if asked.path == "/":
        return Reply(200, b"<html><head><title>Welcome to nginx!</title></head></html>", "text/html")
    return Reply(404, b"<html><head><title>404 Not Found</title></head></html>", "text/html", {"server": "nginx"})


_ODD: Final[Mapping[str, Callable[[Request], Reply]]] = {
    "not-litellm": _nginx,
    "sign-in": lambda _: Reply(302, kind="text/html", headers={"location": SIGN_IN_PAGE}),
    "bad-gateway": lambda _: Reply(502, b"<h1>502 Bad Gateway</h1>", "text/html", {"server": "nginx"}),
}
"""What does not come from LiteLLM at all."""

"""What a company puts into LiteLLM (`general_settings.custom_auth`) to accept tokens of its own: HS256, RS256, ES256.

Runs inside LiteLLM's environment, copied beside its configuration with the keys; the project never imports it.
LiteLLM's own JWT auth takes no HS256 and wants an enterprise licence.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jwt
from litellm.proxy._types import ProxyException, UserAPIKeyAuth  # type: ignore[import-not-found,unused-ignore]

_KEYS = {name: (Path(__file__).parent / f"{name}.verify").read_text() for name in ("HS256", "RS256", "ES256")}


async def user_api_key_auth(request: Any, api_key: str) -> Any:
    """Accept a token that one of the keys signed and that has not expired, with a user in it."""
    try:
        algorithm = jwt.get_unverified_header(api_key)["alg"]
        claims = jwt.decode(api_key, _KEYS[algorithm], algorithms=[algorithm], options={"require": ["exp", "user"]})
    except jwt.ExpiredSignatureError:
        raise _refused("Token Expired") from None
    except (jwt.InvalidTokenError, KeyError) as error:
        raise _refused(f"Validation fails: {error}") from None
    return UserAPIKeyAuth(api_key=api_key, user_id=claims["user"], team_id=claims.get("team"))


def _refused(text: str) -> Exception:
    error: Exception = ProxyException(message=text, type="auth_error", param="key", code=401)
    return error

"""What a signed token (a JWT) says of itself. Nothing here checks a signature: that is the gateway's part."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from wizard.secret import Secret


@dataclass(frozen=True, slots=True)
class Claims:
    """The header's algorithm and the moments in a token, as seconds since 1970; None for what it does not hold."""

    algorithm: str
    issued: float | None
    starts: float | None
    ends: float | None


def claims_of(key: Secret) -> Claims | None:
    """Read a key as a JWT (RFC 7519), unverified; None for any other key."""
    parts = key.reveal().split(".")
    if len(parts) != 3:
        return None
    header, claims = _decoded(parts[0]), _decoded(parts[1])
    if header is None or claims is None:
        return None
    algorithm = header.get("alg")
    return Claims(
        algorithm=algorithm if isinstance(algorithm, str) else "",
        issued=_moment(claims.get("iat")),
        starts=_moment(claims.get("nbf")),
        ends=_moment(claims.get("exp")),
    )


def _decoded(part: str) -> dict[str, object] | None:
    try:
        table = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return table if isinstance(table, dict) else None


def _moment(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and -1e12 < value < 1e12 else None  # type: ignore[operator, arg-type]

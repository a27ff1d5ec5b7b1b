"""What a signed token (a JWT) says of itself. Nothing here checks a signature: that is the gateway's part."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from wizard.net.foreign_json import read_json
from wizard.record import dataclass, field
from wizard.secret import Secret, redact

_TIMES: Final = ("iat", "nbf", "exp")


@dataclass(frozen=True, slots=True)
class Claims:
    """The header's algorithm and the moments in a token, as seconds since 1970; None for what it does not hold."""

    algorithm: str
    issued: float | None
    starts: float | None
    ends: float | None
    header: Mapping[str, object] = field(default_factory=dict, repr=False)
    claims: Mapping[str, object] = field(default_factory=dict, repr=False)
    """All that the token holds, fit to show."""


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
        header=_fit(header),
        claims=_fit(claims),
    )


def preview(token: Claims) -> str:
    """Return header and claims in one line for a person: `RS256, kid k1; sub ada, level 3; made at 12:00:00 UTC`."""
    header = ", ".join([token.algorithm or "no alg", *_pairs({**token.header, "alg": None, "typ": None})])
    claims = ", ".join(_pairs({**token.claims, **dict.fromkeys(_TIMES)})) or "no claims"
    return f"{redact(header, limit=60)}; {redact(claims, limit=160)}{_made(token.issued)}"


def _made(moment: float | None) -> str:
    if moment is None or not 0 <= moment < 253402300800:  # the year 10000
        return ""
    return f"; made at {datetime.fromtimestamp(moment, UTC):%H:%M:%S} UTC"


def _pairs(table: Mapping[str, object]) -> list[str]:
    return [
        f"{name} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in table.items()
        if value is not None
    ]


def _fit(value: Mapping[str, object]) -> dict[str, object]:
    return {redact(name, limit=60): _fit_value(each) for name, each in value.items()}


def _fit_value(value: object) -> object:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return _fit(value)
    return [_fit_value(each) for each in value] if isinstance(value, list) else value


def _decoded(part: str) -> dict[str, object] | None:
    try:
        table = read_json(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError):
        return None
    return table if isinstance(table, dict) else None


def _moment(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and -1e12 < value < 1e12 else None  # type: ignore[operator, arg-type]

"""How long a key lives, and how one says a time span."""

from __future__ import annotations

from wizard.gateway.token_claims import claims_of
from wizard.secret import Secret


def token_life(key: Secret) -> int | None:
    """Return how long a JWT lives from `iat` to `exp`, in seconds, unverified; None for any other key."""
    claims = claims_of(key)
    if claims is None or claims.issued is None or claims.ends is None:
        return None
    return int(claims.ends - claims.issued)


def duration(seconds: int) -> str:
    """Return a time span as people say it: `30 minutes`, `2 hours`, `212 days`."""
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size or seconds == size:
            count = seconds // size
            return f"{count} {word}" + ("s" if count != 1 else "")
    return f"{seconds} second" + ("s" if seconds != 1 else "")

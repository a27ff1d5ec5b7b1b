"""How long a key lives, how often Claude Code asks for a new one because of that, and how one says a time span."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from wizard.answers import Answers
from wizard.gateway.token_claims import claims_of
from wizard.net import limits
from wizard.record import dataclass
from wizard.render.refresh import refresh_seconds
from wizard.secret import Secret
from wizard.verdict import Kind, Verdict, judge

CHECK: Final = "key.life"

_SHORT: Final = 120
"""Seconds of life below which the helper runs more often than once a minute."""

_ANY_CLOCK: Final = 5
"""Seconds of difference that say nothing of a clock: Date has whole ones, and a busy gateway sends an older one."""

CATALOGUE: Final[Mapping[str, Kind]] = {
    "life-known": Kind("pass", "{what} lives {life}; the helper runs every {refresh}{clock}.", defaults={"clock": ""}),
    "life-unknown": Kind("pass", "No end known; the helper runs every {refresh}."),
    "life-short": Kind(
        "warn",
        "{what} lives only {life}; the helper runs every {refresh}.",
        "Ask for a longer life, or expect the helper to run often.",
    ),
    "life-clock": Kind(
        "warn",
        "{what} lives {life}{clock}, so the gateway may take it for expired or not yet valid.",
        "Set the clock of this machine; if it is right, tell whoever runs the gateway that theirs is not.",
    ),
    "refresh-too-long": Kind(
        "warn",
        "{what} lives {life}, but you chose to refresh every {refresh}.",
        "Choose at most half of that life, or leave the field empty.",
    ),
}


@dataclass(frozen=True, slots=True)
class Life:
    """What a key hangs on, and how many seconds that lives when it is new."""

    what: str
    seconds: int


def lives_of(key: Secret, of_backend: int | None, of_gateway: int | None, source: Iterable[Verdict]) -> Iterator[Life]:
    """Yield every life that is known: of the key itself, and of what is needed to read it again.

    `source` are the verdicts on the key's source, which carry a secret's lease and the life of a Vault token: the
    helper has to run in time to renew that.
    """
    for seconds in (of_backend, token_life(key), of_gateway):
        if seconds is not None and seconds > 0:
            yield Life("A key", seconds)
    for verdict in source:
        for fact, what in (("lease_seconds", "The secret in Vault"), ("creation_ttl_seconds", "Your Vault token")):
            told = verdict.facts.get(fact)
            if isinstance(told, int) and told > 0:
                yield Life(what, told)


def shortest(lives: Iterable[Life]) -> Life | None:
    """Return the life that ends first, None when none is known."""
    return min(lives, key=lambda each: each.seconds, default=None)


def judge_life(answers: Answers, life: Life | None, clock: int | None) -> Verdict:
    """Say how long a key lives and how often the helper runs.

    `clock` is by how much the gateway's differs; None where that says nothing, as of a key that is no token.
    """
    every = refresh_seconds(answers, life.seconds if life else None)
    if life is None:
        return judge(CATALOGUE, CHECK, "life-unknown", refresh=duration(every), refresh_seconds=every)
    verdict = "life-known" if life.seconds >= _SHORT else "life-short"
    if every * 2 > life.seconds and answers.key.refresh_seconds is not None:
        verdict = "refresh-too-long"
    facts: dict[str, Any] = {"what": life.what, "life_seconds": life.seconds, "refresh_seconds": every}
    if clock is not None:
        facts |= {"clock_difference_seconds": clock, "clock": f"; the gateway's clock {_clock(clock)}"}
        if verdict == "life-known" and abs(clock) > limits.TOKEN_SKEW:
            verdict = "life-clock"
    return judge(CATALOGUE, CHECK, verdict, life=duration(life.seconds), refresh=duration(every), **facts)


def token_life(key: Secret) -> int | None:
    """Return how long a JWT lives from `iat` to `exp`, in seconds, unverified; None for any other key."""
    claims = claims_of(key)
    if claims is None or claims.issued is None or claims.ends is None:
        return None
    return int(claims.ends - claims.issued)


def _clock(difference: int) -> str:
    """Say how the gateway's clock differs from ours."""
    if abs(difference) <= _ANY_CLOCK:
        return "agrees"
    return f"is {duration(abs(difference))} {'ahead' if difference > 0 else 'behind'}"


def duration(seconds: int) -> str:
    """Return a time span as people say it: `30 minutes`, `2 hours`, `212 days`."""
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size or seconds == size:
            count = seconds // size
            return f"{count} {word}" + ("s" if count != 1 else "")
    return f"{seconds} second" + ("s" if seconds != 1 else "")

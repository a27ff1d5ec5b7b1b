"""How often Claude Code runs the key helper again."""

from __future__ import annotations

from typing import Final

from wizard.answers import Answers

_LADDER: Final = (1800, 900, 600, 300, 120, 60, 30, 15, 5, 1)


def refresh_seconds(answers: Answers, life_seconds: int | None) -> int:
    """Return the refresh interval in seconds: as answered, else derived from how long a key lives.

    The derived one is at most half the life, because the first request after the interval still carries the old key,
    and at most half an hour. `life_seconds` None means that nobody knows the life.
    """
    if answers.key.refresh_seconds is not None:
        return answers.key.refresh_seconds
    if life_seconds is None:
        return _LADDER[0]
    return next((step for step in _LADDER if 2 * step <= life_seconds), _LADDER[-1])

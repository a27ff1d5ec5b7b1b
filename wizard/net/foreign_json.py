"""JSON from outside, read without going deep.

Python's reader stops deep nesting with a RecursionError (3.11), but what is cleaned up at that depth fails too, and
says so on stderr in the middle of the screens. So the depth is looked at first.
"""

from __future__ import annotations

import json
from typing import Final

DEPTH: Final = 100
"""Levels of nesting; no answer that concerns us has ten."""

_BRACKETS: Final = b"[]{}"
_REST: Final = bytes(each for each in range(256) if each not in _BRACKETS)


def read_json(body: bytes) -> object:
    """Return what UTF-8 text says as JSON; None when it is none, or deeper than any answer."""
    try:
        return None if _is_deep(body) else json.loads(body.decode())
    except (ValueError, RecursionError):
        return None


def _is_deep(body: bytes) -> bool:
    """Say whether brackets nest too deeply: innermost pairs are taken away, level by level.

    Brackets in texts count as well, so that a hundred of them without their partners are too many.
    """
    brackets = body.translate(None, delete=_REST)
    for _ in range(DEPTH):
        fewer = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(fewer) == len(brackets):
            break
        brackets = fewer
    return len(brackets) > DEPTH

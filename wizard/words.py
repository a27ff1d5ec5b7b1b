"""Small words that several screens need."""

from __future__ import annotations


def count(number: int, word: str) -> str:
    """Return a number with its noun."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"

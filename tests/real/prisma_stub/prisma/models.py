"""Prisma's generated row types, which LiteLLM names in annotations only."""

from __future__ import annotations

from typing import Any

from . import Row


def __getattr__(name: str) -> Any:
    if name.startswith("LiteLLM"):
        return Row
    raise AttributeError(name)

"""Prisma's generated argument types, which LiteLLM names in annotations only."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return dict[str, Any]

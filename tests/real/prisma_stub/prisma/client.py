"""Where LiteLLM looks for the type of a transaction."""

from __future__ import annotations

from . import Prisma
from . import Transaction as TransactionManager

__all__ = ["Prisma", "TransactionManager"]

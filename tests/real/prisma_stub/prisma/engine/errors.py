"""The exceptions of Prisma's engine, never raised here."""

from __future__ import annotations

from ..errors import PrismaError


class EngineError(PrismaError):
    """The root of them all."""


class BinaryNotFoundError(EngineError):
    """No engine."""


class MismatchedVersionsError(EngineError):
    """Another engine."""


class AlreadyConnectedError(EngineError):
    """Connected twice."""


class NotConnectedError(EngineError):
    """Not connected."""


class EngineConnectionError(EngineError):
    """The engine does not answer."""


class EngineRequestError(EngineError):
    """The engine refuses."""


class UnprocessableEntityError(EngineRequestError):
    """The engine does not understand."""

"""The exceptions that LiteLLM looks for; Prisma's own names and order."""

from __future__ import annotations


class PrismaError(Exception):
    """The root of them all."""


class ClientNotConnectedError(PrismaError):
    """A query before `connect`."""


class HTTPClientClosedError(PrismaError):
    """Never raised here."""


class DataError(PrismaError):
    """A query that the database refuses."""

    code = ""


class UniqueViolationError(DataError):
    """Such a row is there already."""


class ForeignKeyViolationError(DataError):
    """A row that it refers to is missing."""


class MissingRequiredValueError(DataError):
    """A column without its value."""


class RawQueryError(DataError):
    """SQL that the database refuses."""


class TableNotFoundError(DataError):
    """Never raised here."""


class RecordNotFoundError(DataError):
    """Never raised here."""

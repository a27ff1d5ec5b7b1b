"""What is printed after a mistake in the program: where it happened, and no value of any variable."""

from __future__ import annotations

import traceback
from typing import Final

from wizard.secret import redact

_SPEAKS_OF_CODE: Final = (
    AttributeError,
    ImportError,
    IndexError,
    NameError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ZeroDivisionError,
)
"""Errors whose text names parts of the program. That of any other may quote what was being worked on: a key."""


def report_crash(error: BaseException | None) -> str:
    """Return the report of a crash: the kind of error, its text where that can't hold a secret, and its places."""
    if error is None:
        return "The wizard made a mistake and had to stop. Report it with what you did last."
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    text = _text(error)
    head = f"{type(error).__name__}: {text}" if text else type(error).__name__
    lines = ["The wizard made a mistake and had to stop. Report it with the lines below; they hold no secret.", head]
    return "\n".join([*lines, *places])


def _text(error: BaseException) -> str:
    if isinstance(error, _SPEAKS_OF_CODE):
        return redact(str(error))
    return redact(error.strerror or "") if isinstance(error, OSError) else ""

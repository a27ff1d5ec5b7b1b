"""What is printed after a mistake in the program: where it happened, and no value of any variable."""

from __future__ import annotations

import traceback

from textual.worker import WorkerFailed

from wizard.secret import redact


def report_crash(error: BaseException | None) -> str:
    """Return the report of a crash: the kind of error, its redacted text, and the lines it came through."""
    if isinstance(error, WorkerFailed):
        error = error.error
    if error is None:
        return "The wizard made a mistake and had to stop. Report it with what you did last."
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    text = redact(str(error))
    head = f"{type(error).__name__}: {text}" if text else type(error).__name__
    lines = ["The wizard made a mistake and had to stop. Report it with the lines below; they hold no secret.", head]
    return "\n".join([*lines, *places])

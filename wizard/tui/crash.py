"""What is printed after a mistake in the program, wherever in the screens it was made."""

from __future__ import annotations

from textual.worker import WorkerFailed

from wizard import crash


def report_crash(error: BaseException | None) -> str:
    """Return the report of a crash; of one in a worker, that of what went wrong there."""
    return crash.report_crash(error.error if isinstance(error, WorkerFailed) else error)

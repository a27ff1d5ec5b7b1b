"""Why nothing was written, or why what was written has been taken back."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final


class PlanError(Exception):
    """Nothing can be planned; `path` names the file and the text says what to do about it (exit code 3)."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(f"{path}: {text}")
        self.path = path
        self.text = text

    @property
    def told(self) -> str:
        """The text with its file; the keychain is none."""
        return self.text if self.path == "keychain" else f"{self.path}: {self.text}"


class Unwritable(Exception):  # noqa: N818 - reads as the finding it is
    """A file that writing to would be wrong; the text says why and what to do."""

    def __init__(self, path: Path, text: str) -> None:
        super().__init__(f"{path}: {text}")
        self.path = path
        self.text = text


class Refused(Exception):  # noqa: N818 - reads as the finding it is
    """Nothing was written, because it would go against the user or somebody else's change (exit code 3).

    `paths` are the files it is about, empty when it is about none in particular.
    """

    def __init__(self, text: str, paths: Iterable[Path] = ()) -> None:
        super().__init__(text)
        self.paths = tuple(paths)


class WriteFailed(Exception):  # noqa: N818 - reads as the finding it is
    """The system refused a write (exit code 4); `path` and `reason` say which and why.

    `rolled_back` is False when taking back failed as well: then the next start does it.
    """

    def __init__(self, path: str, reason: str, *, rolled_back: bool) -> None:
        after = (
            "Everything is as it was before."
            if rolled_back
            else "Taking it back failed too; the set-up on disk works, and the next start takes it back."
        )
        super().__init__(f"{path}: {reason} {after}")
        self.path = path
        self.reason = reason
        self.rolled_back = rolled_back


_REASONS: Final = {
    errno.ENOSPC: "There is no space left on the disk. Free some and try again.",
    errno.EDQUOT: "Your disk quota is used up. Free some space and try again.",
    errno.EROFS: "The file system is read-only. Choose another place, or make it writable.",
    errno.EACCES: "Permission was denied. Check the folder's owner and mode.",
    errno.EPERM: "The system does not permit it. Check the file's owner and attributes.",
    errno.EIO: "The disk reported an input/output error. Check the disk.",
}


def reason_of(error: OSError) -> str:
    """Return cause and fix of a failed system call, as two sentences."""
    code = error.errno or 0
    return _REASONS.get(code, f"{os.strerror(code) if code else 'The write failed'}. Mend that and try again.")

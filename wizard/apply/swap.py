"""Replaces or removes a file that other programs write too, and gives way to the one that was faster.

Between our last look at a file and our rename another program may write it. So ours changes places with what is there,
and what came out is looked at: when it is not what we had read, it goes back, and the caller looks again. A program
that opens the file for writing in that moment waits for us, and then writes into its own file, not into a removed one.

What came out stands beside the file under a name of its own until it has been looked at. Whoever finds one after a
crash knows that it is complete: see `wizard.apply.sweep`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from wizard.apply.change import digest
from wizard.apply.exchange import NOT_OFFERED, OpenForWriting, Watch, watched
from wizard.apply.files import Changed, Found, MustWriteInPlace, Writer, temporary_name

PATIENCE_SECONDS: Final = 1.0
"""How long a program may keep open what it wrote over ours before what it has written so far counts."""

_PAUSE: Final = 0.002


class Overtaken(Exception):  # noqa: N818 - reads as the finding it is
    """Two writes of others met ours: one stands in the file again, the other in `kept`; `ours` is what it was based on.

    `theirs` is the one that stands there, as in Changed. `kept` is removed once the other has been brought in.
    """

    def __init__(self, kept: Path, ours: bytes | None, theirs: bytes | None = None) -> None:
        super().__init__(str(kept))
        self.kept = kept
        self.ours = ours
        self.theirs = theirs


def displaced_name(real: Path, token: str) -> Path:
    """Return the name under which what came out of a file's place waits to be looked at."""
    return temporary_name(real.parent, f"{token}-{digest(os.fsencode(real.name))[:8]}").with_suffix(".old")


def swap(writer: Writer, found: Found, content: bytes, mode: int, *, wait: bool = True) -> None:
    """Put a new file in the place of the one found, with its owner and attributes, in one step that lasts.

    Raises Changed when another program wrote it since, or (with `wait`) is about to: then its write stands. Raises
    Overtaken, MustWriteInPlace, after which the file is as it was, and OSError.
    """
    writer.make_folders(found.missing)
    folder = found.real.parent
    temporary = temporary_name(folder, writer.token)
    try:
        writer.fill(temporary, found, content, mode)
        if found.status is None:
            _put_new(writer, temporary, found)
        else:
            with _watch(found, wait=wait) as watch:
                writer.refuse_changed(found)
                _replace(writer, temporary, found, content, watch)
    except BaseException:
        with contextlib.suppress(OSError):
            writer.system.unlink(temporary)
        raise
    writer.sync_folder(folder)


def take_away(writer: Writer, found: Found, *, wait: bool = True) -> None:
    """Remove a file, or the target of a link to it. Raises Changed, Overtaken, OSError."""
    folder = found.real.parent
    displaced = displaced_name(found.real, writer.token)
    with _watch(found, wait=wait) as watch:
        writer.refuse_changed(found)
        writer.system.rename(found.real, displaced)
        if not _is_as_found(displaced, found, watch):
            try:
                _rename_new(writer, displaced, found.real)
            except FileExistsError:
                raise Overtaken(_set_aside(writer, displaced), None) from None
            raise Changed(found.path)
        writer.system.unlink(displaced)
    writer.sync_folder(folder)


@contextlib.contextmanager
def _watch(found: Found, *, wait: bool) -> Iterator[Watch]:
    with contextlib.ExitStack() as stack:
        try:
            watch = stack.enter_context(watched(found.real))
        except OpenForWriting:
            if wait:
                raise Changed(found.path) from None
            watch = Watch(None)
        except FileNotFoundError:
            raise Changed(found.path) from None
        yield watch


def _replace(writer: Writer, temporary: Path, found: Found, content: bytes, watch: Watch) -> None:
    displaced = displaced_name(found.real, writer.token)
    writer.system.rename(temporary, displaced)  # from here on it is complete
    try:
        writer.system.exchange(displaced, found.real)
    except OSError as error:
        with contextlib.suppress(OSError):
            writer.system.rename(displaced, temporary)
        if error.errno == errno.EBUSY:
            raise MustWriteInPlace from None
        if error.errno == errno.ENOENT:
            raise Changed(found.path) from None
        if error.errno not in NOT_OFFERED:
            raise
        _replace_without_exchange(writer, temporary, found)
        return
    if _is_as_found(displaced, found, watch):
        writer.sync_folder(found.real.parent)
        if _is_as_found(displaced, found, watch):  # a slow program has had its chance too
            writer.system.unlink(displaced)
            return
    theirs = displaced.read_bytes()
    writer.system.exchange(displaced, found.real)
    if _is_still(displaced, content):
        writer.system.unlink(displaced)
        raise Changed(found.path, theirs)
    raise Overtaken(_set_aside(writer, displaced), content, theirs)


def _replace_without_exchange(writer: Writer, temporary: Path, found: Found) -> None:
    """Rename over the file, and give back what a program wrote into the old one meanwhile."""
    displaced = displaced_name(found.real, writer.token)
    try:
        writer.system.link(found.real, displaced)
    except OSError:
        writer.replace_by(temporary, found.real)
        return
    try:
        writer.replace_by(temporary, found.real)
    except OSError:
        with contextlib.suppress(OSError):
            writer.system.unlink(displaced)
        raise
    writer.sync_folder(found.real.parent)
    if _is_as_found(displaced, found, Watch(None)):
        writer.system.unlink(displaced)
        return
    writer.system.rename(displaced, found.real)
    raise Changed(found.path)


def _put_new(writer: Writer, temporary: Path, found: Found) -> None:
    writer.refuse_changed(found)
    try:
        _rename_new(writer, temporary, found.real)
    except FileExistsError:
        raise Changed(found.path) from None


def _rename_new(writer: Writer, old: Path, new: Path) -> None:
    try:
        writer.system.rename_new(old, new)
    except OSError as error:
        if error.errno not in NOT_OFFERED:
            raise
        writer.system.rename(old, new)


def _is_as_found(displaced: Path, found: Found, watch: Watch) -> bool:
    """Say whether what came out is what we had read, and nobody waits to write it."""
    if found.status is None:
        return False
    now, then = displaced.lstat(), found.status
    same = (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_mode, now.st_uid, now.st_gid) == (
        *(then.st_dev, then.st_ino, then.st_size, then.st_mtime_ns, then.st_mode, then.st_uid, then.st_gid),
    )
    return same and displaced.read_bytes() == found.content and not watch.broken


def _is_still(path: Path, content: bytes) -> bool:
    """Say whether nobody wrote into our file while it stood there; a program that is writing it is waited for."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with watched(path):
                return path.read_bytes() == content
        except OpenForWriting:
            if time.monotonic() >= deadline:
                return path.read_bytes() == content
            time.sleep(_PAUSE)


def _set_aside(writer: Writer, displaced: Path) -> Path:
    kept = displaced.with_name(f"{displaced.stem}-{secrets.token_hex(4)}.old")
    writer.system.rename(displaced, kept)
    return kept


def set_aside(real: Path, token: str) -> tuple[Path, ...]:
    """Return what a run left beside a file: complete files, ours or others'."""
    start = displaced_name(real, token).stem
    try:
        beside = sorted(real.parent.iterdir())
    except FileNotFoundError:
        return ()
    return tuple(path for path in beside if path.name.startswith(start) and path.suffix == ".old")

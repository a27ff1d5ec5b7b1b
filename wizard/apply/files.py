"""The one place that writes to the user's disk: replaces a file in one step, or leaves it exactly as it was.

Renaming a new file over the old one is the rule. Writing in place, which a crash can cut short, is the exception for
files that can't be replaced (two names, a mount point, a folder we can't write to); whoever calls has a backup then.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from wizard.apply import exchange
from wizard.apply.errors import Unwritable
from wizard.record import dataclass, field

TEMPORARY_PREFIX: Final = ".claude-litellm-wizard-"
LARGEST: Final = 64 * 1024 * 1024
"""Bytes; a start-up or settings file that is larger is something else."""

_LINKS_FOLLOWED: Final = 40
_ACL: Final = "system.posix_acl_access"
_NO_XATTRS: Final = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENODATA, errno.ENOSYS)


class System:
    """The calls that change a disk, in one place, so that a test can stop the world before or after each of them."""

    open = staticmethod(os.open)
    close = staticmethod(os.close)
    write = staticmethod(os.write)
    ftruncate = staticmethod(os.ftruncate)
    fsync = staticmethod(os.fsync)
    fchmod = staticmethod(os.fchmod)
    fchown = staticmethod(os.fchown)
    chmod = staticmethod(os.chmod)
    rename = staticmethod(os.rename)
    rename_new = staticmethod(exchange.rename_new)
    exchange = staticmethod(exchange.exchange)
    link = staticmethod(os.link)
    unlink = staticmethod(os.unlink)
    mkdir = staticmethod(os.mkdir)
    rmdir = staticmethod(os.rmdir)
    if sys.platform == "linux":
        setxattr = staticmethod(os.setxattr)
        removexattr = staticmethod(os.removexattr)


class Changed(Exception):  # noqa: N818 - reads as the finding it is
    """Somebody changed the file between our look and our write; nothing was written.

    `theirs` is what they wrote, when ours stood in its place for an instant: whoever read the file then has ours.
    """

    def __init__(self, path: Path, theirs: bytes | None = None) -> None:
        super().__init__(str(path))
        self.theirs = theirs


class MustWriteInPlace(PermissionError):  # noqa: N818 - reads as the finding it is
    """The file can't be replaced by another one, as it turned out; nothing was written."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, os.strerror(errno.EACCES))


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it was when we looked: `real` is where its bytes live, with every link followed.

    `missing` are the folders that have to be made for it, outermost first.
    """

    path: Path
    real: Path
    content: bytes | None = field(repr=False)
    status: os.stat_result | None = field(repr=False)
    missing: tuple[Path, ...] = ()

    @property
    def mode(self) -> int | None:
        """The permission bits, None when there is no file."""
        return None if self.status is None else stat.S_IMODE(self.status.st_mode)


def look(path: Path) -> Found:
    """Read a file, following links the way the system does. Raises Unwritable for what is no regular file, OSError."""
    real, missing = _follow(path)
    for _ in range(100):
        found = _read(path, real, missing)
        if found is not None:
            return found
    raise Unwritable(path, "It changes faster than it can be read. End the program that writes it, then try again.")


def _follow(path: Path) -> tuple[Path, tuple[Path, ...]]:
    """Return where a path really leads, and the folders missing on the way. A link into a missing folder is refused."""
    place = path
    for count in range(_LINKS_FOLLOWED):
        folder, missing = _folder(place.parent, path)
        if missing and count:
            raise Unwritable(path, f"It is a link into {place.parent}, which does not exist. Mend or remove the link.")
        place = folder / place.name
        if not place.is_symlink():
            return place, missing
        place = folder / os.readlink(place)  # noqa: PTH115 - keeps `..` parts for the system to resolve
    raise Unwritable(path, "It is a link that leads back to itself. Mend or remove the link.")


def _folder(folder: Path, path: Path) -> tuple[Path, tuple[Path, ...]]:
    """Return a folder's real place and which of its levels do not exist yet, outermost first."""
    missing: list[str] = []
    while True:
        try:
            real = Path(os.path.realpath(folder, strict=True))
            break
        except FileNotFoundError:
            if folder.is_symlink():
                raise Unwritable(path, f"{folder} is a link that leads nowhere. Mend or remove the link.") from None
            missing.append(folder.name)
            folder = folder.parent
        except NotADirectoryError:
            folder = folder.parent
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise Unwritable(path, f"{folder} is a link that leads back to itself. Mend or remove the link.") from None
    if not real.is_dir():
        raise Unwritable(path, f"{real} is no folder. Choose another place.")
    levels = [real.joinpath(*reversed(missing[place:])) for place in range(len(missing))]
    return real.joinpath(*reversed(missing)), tuple(reversed(levels))


def _read(path: Path, real: Path, missing: tuple[Path, ...]) -> Found | None:
    """Read once; None when the file changed meanwhile."""
    try:
        before = real.lstat()
    except FileNotFoundError:
        return Found(path, real, None, None, missing)
    if not stat.S_ISREG(before.st_mode):
        raise Unwritable(path, f"It is {_kind(before.st_mode)} and no file. Move it away, or choose another place.")
    if before.st_size > LARGEST:
        raise Unwritable(path, "It is far larger than such a file can be. Look at what filled it.")
    try:
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except PermissionError:
        raise Unwritable(path, "It can't be read. Check its owner and mode.") from None
    with open(descriptor, "rb") as file:  # noqa: PTH123 - it is a descriptor
        content = file.read()
        after = os.fstat(descriptor)
    return Found(path, real, content, after, missing) if _same(before, after) else None


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _same(one: os.stat_result | None, other: os.stat_result | None) -> bool:
    return _signature(one) == _signature(other)


def _signature(status: os.stat_result | None) -> tuple[int, ...]:
    if status is None:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


# ── may we, and how ──────────────────────────────────────────────────────────────────────────────────────────────────


def obstacle(found: Found) -> str:
    """Return why writing to a file would be wrong or can't work, with what to do; empty when it is fine."""
    place = found.real if found.status else _existing_folder(found)
    if os.statvfs(place).f_flag & os.ST_RDONLY:
        return "It is on a read-only file system. Choose another place, or add the lines yourself."
    if found.status is None:
        return "" if _may_write(place, os.W_OK | os.X_OK) else f"You may not write to {place}. Choose another place."
    if found.status.st_uid != os.geteuid() != 0:
        return f"It belongs to {_user_name(found.status.st_uid)}. Take it over with chown, or choose another place."
    if not found.status.st_mode & stat.S_IWUSR:
        return f"It is read-only (mode {found.mode:04o}). Make it writable with chmod u+w if it may be changed."
    if attribute := _attribute(found.real):
        return f"It has the attribute {attribute}. Remove that with chattr (or chflags) if the file may be changed."
    if why_in_place(found) and not _may_write(found.real, os.W_OK):
        return "You may not write to it. Check its owner and mode."
    return ""


def why_in_place(found: Found) -> str:
    """Return why a file can't be replaced by a new one and is written in place instead; empty when it can."""
    if found.status is None:
        return ""
    if found.status.st_nlink > 1:
        return f"It has {found.status.st_nlink} names (hard links), so it is written in place, which keeps them all."
    if _is_mount_point(found.real):
        return "It is a mount point, so it is written in place."
    folder = found.real.parent
    if not _may_write(folder, os.W_OK | os.X_OK) or _attribute(folder):
        return "Its folder takes no new files, so it is written in place."
    return ""


def check_space(writes: Iterable[tuple[Found, int]]) -> None:
    """Make sure that files of these sizes (bytes) fit beside the old ones. Raises Unwritable with the figures."""
    needed: dict[int, tuple[Found, Path, int, int]] = {}
    for found, size in writes:
        place = _existing_folder(found)
        device = place.stat().st_dev
        _, _, bytes_so_far, files_so_far = needed.get(device, (found, place, 0, 0))
        blocks = (size // 4096 + 2) * 4096 * (1 + len(found.missing))
        needed[device] = (found, place, bytes_so_far + blocks, files_so_far + 1 + len(found.missing))
    for found, place, size, files in needed.values():
        disk = os.statvfs(place)
        free = disk.f_bavail * disk.f_frsize
        if free < size:
            text = f"Its disk has {free // 1024} KiB free, and the change needs {size // 1024} KiB. Free some space."
            raise Unwritable(found.path, text)
        if disk.f_files and disk.f_favail < files:
            text = f"Its disk has room for {disk.f_favail} more files, and the change needs {files}. Remove some."
            raise Unwritable(found.path, text)


def _existing_folder(found: Found) -> Path:
    return found.missing[0].parent if found.missing else found.real.parent


def _may_write(path: Path, how: int) -> bool:
    return os.access(path, how, effective_ids=os.access in os.supports_effective_ids)


def _user_name(uid: int) -> str:
    import pwd

    try:
        return f"the user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"the user with the number {uid}"


def _attribute(path: Path) -> str:
    """Return the attribute that keeps even its owner from changing a file: `immutable`, `append-only` or nothing."""
    flags = getattr(path.lstat(), "st_flags", None)
    if flags is not None:
        return "immutable" if flags & stat.UF_IMMUTABLE else "append-only" if flags & stat.UF_APPEND else ""
    flags = _linux_flags(path)
    return "immutable (i)" if flags & 0x10 else "append-only (a)" if flags & 0x20 else ""


def _linux_flags(path: Path) -> int:
    """Return the flags that lsattr shows; 0 where the file system has none (FS_IOC_GETFLAGS, linux/fs.h)."""
    import fcntl
    import struct

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        request = 0x80006601 | struct.calcsize("l") << 16
        return int(struct.unpack("l", fcntl.ioctl(descriptor, request, bytes(struct.calcsize("l"))))[0])
    except OSError:
        return 0
    finally:
        os.close(descriptor)


def _is_mount_point(path: Path) -> bool:
    try:
        lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return False
    wanted = os.fsencode(path)
    return any(_unescaped(line.split(b" ")[4]) == wanted for line in lines)


def _unescaped(field_text: bytes) -> bytes:
    for code, character in ((b"\\040", b" "), (b"\\011", b"\t"), (b"\\012", b"\n"), (b"\\134", b"\\")):
        field_text = field_text.replace(code, character)
    return field_text


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes files. `token` makes its temporary names its own, so that those of a killed run can be found again."""

    system: System = field(default_factory=System, repr=False)
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    def replace(self, found: Found, content: bytes, mode: int) -> None:
        """Put a new file in the place of the one found, with its owner and attributes, in one step that lasts.

        For files that only wizards write, one at a time: `wizard.apply.swap` is for those of others. Raises Changed and
        MustWriteInPlace, after which the file is as it was, and OSError, after which it is as it was or complete.
        """
        self.make_folders(found.missing)
        temporary = temporary_name(found.real.parent, self.token)
        try:
            self.fill(temporary, found, content, mode)
            self.refuse_changed(found)
            self.replace_by(temporary, found.real)
        except BaseException:
            with contextlib.suppress(OSError):
                self.system.unlink(temporary)
            raise
        self.sync_folder(found.real.parent)

    def overwrite(self, found: Found, content: bytes, mode: int) -> None:
        """Write into the file that is there; a crash in between leaves a mix. Raises Changed, OSError."""
        self.refuse_changed(found)
        descriptor = self.system.open(found.real, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with self._closing(descriptor):
            self._write(descriptor, content)
            self.system.ftruncate(descriptor, len(content))
            if found.mode != mode:
                self.system.fchmod(descriptor, mode)
            self.system.fsync(descriptor)

    def change_mode(self, found: Found, mode: int) -> None:
        """Give the file that is there another mode. Raises Changed, OSError."""
        self.refuse_changed(found)
        descriptor = self.system.open(found.real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with self._closing(descriptor):
            if found.status is None or os.fstat(descriptor).st_ino != found.status.st_ino:
                raise Changed(found.path)
            self.system.fchmod(descriptor, mode)
            self.system.fsync(descriptor)

    def remove(self, found: Found) -> None:
        """Remove a file that only wizards write. Raises Changed, OSError."""
        self.refuse_changed(found)
        self.system.unlink(found.real)
        self.sync_folder(found.real.parent)

    def make_folders(self, missing: Iterable[Path]) -> None:
        """Make folders level by level, each private from its first moment whatever the umask is."""
        for folder in missing:
            try:
                self.system.mkdir(folder, 0o700)
            except FileExistsError:
                continue
            self.system.chmod(folder, 0o700)
            self.sync_folder(folder.parent)

    def discard(self, path: Path) -> None:
        """Remove a file that has served its purpose. Raises OSError."""
        self.system.unlink(path)

    def remove_folder(self, folder: Path) -> None:
        """Remove a folder if it is empty."""
        with contextlib.suppress(OSError):
            self.system.rmdir(folder)

    def fill(self, temporary: Path, found: Found, content: bytes, mode: int) -> None:
        """Write a new file that is complete on the disk, with the owner and attributes of the one found.

        Raises MustWriteInPlace, OSError.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = self.system.open(temporary, flags, 0o600)
        except PermissionError:
            if found.status is None:
                raise
            raise MustWriteInPlace from None
        with self._closing(descriptor):
            if found.status is not None:
                self._take_over(descriptor, found.real, found.status)
            self.system.fchmod(descriptor, mode)
            self._write(descriptor, content)
            if os.fstat(descriptor).st_size != len(content):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            self.system.fsync(descriptor)

    def _write(self, descriptor: int, content: bytes) -> None:
        rest = memoryview(content)
        while rest:
            written = self.system.write(descriptor, rest)
            if not written:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            rest = rest[written:]

    def _take_over(self, descriptor: int, real: Path, status: os.stat_result) -> None:
        """Give the new file the old one's owner and attributes. Raises MustWriteInPlace where that is not permitted."""
        now = os.fstat(descriptor)
        try:
            if (now.st_uid, now.st_gid) != (status.st_uid, status.st_gid):
                self.system.fchown(descriptor, status.st_uid, status.st_gid)
            if sys.platform == "linux":
                self._copy_attributes(descriptor, real)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EACCES):
                raise
            raise MustWriteInPlace from None

    def _copy_attributes(self, descriptor: int, real: Path) -> None:
        wanted = dict(_attributes(real))
        present = dict(_attributes(descriptor))
        if _ACL in present and _ACL not in wanted:  # the folder's default list
            self.system.removexattr(descriptor, _ACL)
        for name, value in wanted.items():
            if present.get(name) != value:
                self.system.setxattr(descriptor, name, value)

    def replace_by(self, temporary: Path, real: Path) -> None:
        """Rename a file over another. Raises MustWriteInPlace, OSError."""
        try:
            self.system.rename(temporary, real)
        except OSError as error:
            if error.errno == errno.EBUSY:
                raise MustWriteInPlace from None
            raise

    def refuse_changed(self, found: Found) -> None:
        """Raise Changed when the file is no longer the one found."""
        try:
            now: os.stat_result | None = found.real.lstat()
        except FileNotFoundError:
            now = None
        if not _same(found.status, now):
            raise Changed(found.path)

    @contextlib.contextmanager
    def _closing(self, descriptor: int) -> Iterator[None]:
        try:
            yield
        except BaseException:
            with contextlib.suppress(OSError):
                self.system.close(descriptor)
            raise
        self.system.close(descriptor)

    def sync_folder(self, folder: Path) -> None:
        """Make what happened to the names in a folder last. Raises OSError."""
        descriptor = self.system.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        with self._closing(descriptor):
            try:
                self.system.fsync(descriptor)
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems sync no folders
                    raise


def temporary_name(folder: Path, token: str) -> Path:
    """Return the name under which a writer with this token prepares files in a folder."""
    return folder / f"{TEMPORARY_PREFIX}{token}.tmp"


def _attributes(file: Path | int) -> Iterator[tuple[str, bytes]]:
    """Yield a file's extended attributes, where the system has them."""
    if sys.platform != "linux":
        return
    try:
        names = os.listxattr(file)
    except OSError as error:
        if error.errno in _NO_XATTRS:
            return
        raise
    for name in names:
        try:
            yield name, os.getxattr(file, name)
        except OSError as error:
            if error.errno not in _NO_XATTRS:
                raise

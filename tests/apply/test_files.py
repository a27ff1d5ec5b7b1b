"""One file at a time: what is kept, what is refused and why."""

from __future__ import annotations

import errno
import os
import stat
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.apply.support import Watched, temporaries
from tests.programs import require
from wizard.apply.errors import Unwritable
from wizard.apply.files import Changed, System, Writer, check_space, look, obstacle, why_in_place

ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="Not run, missing root rights")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="Not run, missing Linux")


def as_user(act: Callable[[], str]) -> str:
    """Run something as uid 1000, since root may do anything, and return the text it gives."""
    if not ROOT:
        return act()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        text = "it raised"
        try:
            os.setgroups([])
            os.setgid(1000)
            os.setuid(1000)
            text = act()
        except BaseException as error:
            text = repr(error)
        finally:
            os.write(writing, text.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    return text


@pytest.fixture
def users(tmp_path: Path) -> Iterator[Path]:
    """A folder of uid 1000, which it can reach."""
    folder = Path("/tmp") / f"wizard-users-{os.getpid()}-{tmp_path.name[-20:]}"
    folder.mkdir()
    if ROOT:
        os.chown(folder, 1000, 1000)
    yield folder
    subprocess.run(["rm", "-rf", folder], check=True)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o277])
def test_case_25_modes_are_exact_under_every_umask(tmp_path: Path, umask: int) -> None:
    seen: list[tuple[str, int]] = []

    class Recording(System):
        def open(self, path: Any, flags: int, mode: int = 0o777) -> int:  # type: ignore[override]
            descriptor = os.open(path, flags, mode)
            if flags & os.O_CREAT:
                seen.append((Path(path).name, stat.S_IMODE(os.fstat(descriptor).st_mode)))
            return descriptor

    path = tmp_path / "one/two/three/file"
    before = os.umask(umask)
    try:
        Writer(Recording()).replace(look(path), b"text", 0o700)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for folder in ("one", "one/two", "one/two/three"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700
    assert all(mode & 0o077 == 0 for _, mode in seen), "readable by others from the first moment"


def test_case_05_links_are_followed_and_kept(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    target = tmp_path / "dotfiles/zshrc"
    target.write_bytes(b"old")
    target.chmod(0o640)
    (tmp_path / "chain").symlink_to("dotfiles/zshrc")
    link = tmp_path / ".zshrc"
    link.symlink_to(tmp_path / "chain")
    found = look(link)
    assert (found.real, found.content, found.mode) == (target, b"old", 0o640)
    Writer().replace(found, b"new", 0o640)
    assert target.read_bytes() == b"new"
    assert (link.readlink(), (tmp_path / "chain").readlink()) == (tmp_path / "chain", Path("dotfiles/zshrc"))


def test_case_33_a_dangling_link_gets_its_target_when_the_folder_is_there(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("target")
    Writer().replace(look(link), b"x", 0o600)
    assert (tmp_path / "target").read_bytes() == b"x"
    assert link.is_symlink()
    lost = tmp_path / "lost"
    lost.symlink_to("nowhere/target")
    with pytest.raises(Unwritable, match="does not exist"):
        look(lost)
    (tmp_path / "folder").symlink_to("nowhere")
    with pytest.raises(Unwritable, match="leads nowhere"):
        look(tmp_path / "folder/file")


def test_case_34_odd_files_are_refused_without_waiting(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    for name, says in (("a", "leads back to itself"), ("fifo", "a pipe"), ("folder", "a folder")):
        with pytest.raises(Unwritable, match=says):
            look(tmp_path / name)
    with pytest.raises(Unwritable, match="a device"):
        look(Path("/dev/null"))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unwritable, match="no folder"):
        look(tmp_path / "file/below")


@needs_root
@linux_only
def test_case_06_owner_mode_list_and_attributes_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    os.chown(path, 1234, 4321)
    entries = [(1, 6, 0xFFFFFFFF), (2, 4, 1000), (4, 4, 0xFFFFFFFF), (0x10, 4, 0xFFFFFFFF), (0x20, 0, 0xFFFFFFFF)]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *each) for each in entries)
    os.setxattr(path, "user.note", b"mine")
    os.setxattr(path, "security.wizard", b"label")
    os.setxattr(path, "system.posix_acl_access", acl)
    before = path.stat()
    attributes = {name: os.getxattr(path, name) for name in os.listxattr(path)}
    found = look(path)
    assert found.mode is not None
    Writer().replace(found, b"new", found.mode)
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert {name: os.getxattr(path, name) for name in os.listxattr(path)} == attributes
    assert after.st_ino != before.st_ino


@linux_only
def test_case_25_the_default_list_of_a_folder_opens_nothing(tmp_path: Path) -> None:
    entries = [(1, 7, 0xFFFFFFFF), (2, 7, 1000), (4, 7, 0xFFFFFFFF), (0x10, 7, 0xFFFFFFFF), (0x20, 7, 0xFFFFFFFF)]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *each) for each in entries)
    os.setxattr(tmp_path, "system.posix_acl_default", acl)
    Writer().replace(look(tmp_path / "new"), b"x", 0o600)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600  # the mask: nobody else gets in
    os.removexattr(tmp_path, "system.posix_acl_default")
    plain = tmp_path / "plain"
    plain.write_bytes(b"x")
    plain.chmod(0o640)
    os.setxattr(tmp_path, "system.posix_acl_default", acl)
    Writer().replace(look(plain), b"y", 0o640)
    assert os.listxattr(plain) == []


@needs_root
def test_case_27_a_file_of_another_user_is_refused(users: Path) -> None:
    path = users / "rc"
    path.write_bytes(b"x")
    assert "It belongs to the user root." in as_user(lambda: obstacle(look(path)))


def test_case_38_a_read_only_file_is_not_overridden(users: Path) -> None:
    path = users / "rc"
    path.write_bytes(b"x")
    if ROOT:
        os.chown(path, 1000, 1000)
    path.chmod(0o400)
    assert "read-only (mode 0400)" in as_user(lambda: obstacle(look(path)))
    assert "read-only (mode 0400)" in obstacle(look(path))


def test_case_37_a_folder_that_takes_no_files_means_writing_in_place(users: Path) -> None:
    path = users / "rc"
    path.write_bytes(b"a longer text")
    if ROOT:
        os.chown(path, 1000, 1000)
    path.chmod(0o640)
    users.chmod(0o555)

    def write() -> str:
        found = look(path)
        Writer().overwrite(found, b"new", 0o640)
        return f"{why_in_place(found)} {obstacle(found)}"

    assert as_user(write) == "Its folder takes no new files, so it is written in place. "
    assert path.read_bytes() == b"new"
    assert "You may not write to" in as_user(lambda: obstacle(look(users / "new")))


@needs_root
@linux_only
def test_case_39_attributes_are_named(tmp_path: Path) -> None:
    (chattr,) = require("chattr")
    path = tmp_path / "rc"
    path.write_bytes(b"x")
    for letter, word in (("i", "immutable"), ("a", "append-only")):
        subprocess.run([chattr, f"+{letter}", path], check=True)
        try:
            assert word in obstacle(look(path))
        finally:
            subprocess.run([chattr, f"-{letter}", path], check=True)
    assert obstacle(look(path)) == ""


def test_case_35_a_file_with_two_names_keeps_both(tmp_path: Path) -> None:
    path = tmp_path / "rc"
    path.write_bytes(b"a longer text")
    os.link(path, tmp_path / "other")
    found = look(path)
    assert "2 names" in why_in_place(found)
    Writer().overwrite(found, b"new", 0o600)
    assert (tmp_path / "other").read_bytes() == path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@needs_root
@linux_only
def test_case_36_a_mount_point_is_written_in_place(tmp_path: Path) -> None:
    path, source = tmp_path / "rc here", tmp_path / "source"
    path.write_bytes(b"")
    source.write_bytes(b"x")
    subprocess.run([*require("mount"), "--bind", source, path], check=True)
    try:
        assert "mount point" in why_in_place(look(path))
        Writer().overwrite(look(path), b"new", 0o644)
        assert source.read_bytes() == b"new"
    finally:
        subprocess.run(["umount", path], check=True)


@needs_root
@linux_only
@pytest.mark.parametrize(("options", "says"), [("size=64k", "KiB free"), ("size=1m,nr_inodes=3", "more files")])
def test_case_03_a_full_disk_is_noticed_before_any_write(tmp_path: Path, options: str, says: str) -> None:
    subprocess.run([*require("mount"), "-t", "tmpfs", "-o", options, "none", tmp_path], check=True)
    try:
        (tmp_path / "filler").write_bytes(b"x" * 49152)
        with pytest.raises(Unwritable, match=says):
            check_space([(look(tmp_path / "a"), 9000), (look(tmp_path / "b"), 9000)])
        assert sorted(tmp_path.iterdir()) == [tmp_path / "filler"]
    finally:
        subprocess.run(["umount", tmp_path], check=True)


@needs_root
@linux_only
def test_case_38_a_read_only_file_system_is_named(tmp_path: Path) -> None:
    subprocess.run([*require("mount"), "-t", "tmpfs", "-o", "ro", "none", tmp_path], check=True)
    try:
        assert "read-only file system" in obstacle(look(tmp_path / "new/er"))
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_case_04_short_writes_are_continued(tmp_path: Path) -> None:
    class Short(System):
        def write(self, descriptor: int, data: Any) -> int:
            return os.write(descriptor, bytes(data)[: max(1, len(data) // 2)])

    path = tmp_path / "file"
    Writer(Short()).replace(look(path), b"0123456789" * 100, 0o600)
    assert path.read_bytes() == b"0123456789" * 100


def test_case_04_a_write_that_says_more_than_it_does_is_never_published(tmp_path: Path) -> None:
    class Lying(System):
        def write(self, descriptor: int, data: Any) -> int:
            os.write(descriptor, bytes(data)[:3])
            return len(data)

    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        Writer(Lying()).replace(look(path), b"0123456789", 0o600)
    assert path.read_bytes() == b"old"
    assert temporaries(tmp_path) == []


def test_case_23_a_file_that_changed_since_the_look_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    found, missing = look(path), look(tmp_path / "new")
    path.write_bytes(b"theirs")
    (tmp_path / "new").write_bytes(b"theirs")
    for each in (found, missing):
        with pytest.raises(Changed):
            Writer().replace(each, b"ours", 0o600)
        assert each.path.read_bytes() == b"theirs"
    with pytest.raises(Changed):
        Writer().overwrite(found, b"ours", 0o600)
    with pytest.raises(Changed):
        Writer().remove(found)
    assert temporaries(tmp_path) == []


def test_case_40_a_link_planted_at_the_temporary_name_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    writer = Writer(token="known")
    (tmp_path / ".claude-litellm-wizard-known.tmp").symlink_to(victim)
    with pytest.raises(FileExistsError):
        writer.replace(look(tmp_path / "file"), b"x", 0o600)
    assert victim.read_bytes() == b"precious"
    assert Writer().token != Writer().token


def test_case_01_every_rename_is_made_to_last(tmp_path: Path) -> None:
    """The file is synced after its last write and before the rename, the folder after it."""
    calls: list[str] = []
    path = tmp_path / "file"
    path.write_bytes(b"old")
    watched = Watched(lambda _, name, moment: calls.append(name) if moment == "before" else None)
    Writer(watched).replace(look(path), b"new", 0o600)
    assert calls.index("fchmod") < calls.index("write") < calls.index("fsync") < calls.index("rename")
    assert calls[calls.index("rename") :] == ["rename", "open", "fsync", "close"]

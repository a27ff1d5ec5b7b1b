"""A disk that loses power: what was not synced is there, gone or garbage afterwards, each thing for itself.

In the manner of SQLite's crash tests (src/test6.c). The model listens to the calls of a run that is really made, and
can then write down every disk that a power loss at this moment may leave behind:

- what was written to a file is safe once the file was synced; before that each write is kept, dropped or garbled;
- what happened to the names in a folder is safe once the folder was synced; before that any first part of it is kept,
  in each folder independently of the others;
- a file's mode is safe with its content.
"""

from __future__ import annotations

import os
import random
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from wizard.apply.files import System

FOLDER: Final = -1
Entries = dict[str, int]
"""The names in a folder: the number of a file's node, or FOLDER."""

Disk = tuple[tuple[str, int, bytes | None], ...]
"""A disk as it is found afterwards: path, mode, content (None: a folder)."""

_RANDOM: Final = 4


@dataclass
class _Node:
    content: bytes
    mode: int
    pending: list[tuple[str, int, bytes]] = field(default_factory=list)
    mode_now: int = 0

    def after(self, choose: Callable[[], str]) -> tuple[int, bytes]:
        content = self.content
        for kind, place, data in self.pending:
            fate = choose()
            if fate == "drop":
                continue
            if kind == "cut":
                content = content[:place].ljust(place, b"\0")
                continue
            written = data if fate == "keep" else bytes(byte ^ 0x5A for byte in data)
            content = content.ljust(place, b"\0")
            content = content[:place] + written + content[place + len(data) :]
        return (self.mode_now if self.pending and choose() == "keep" else self.mode), content


class PoweredDisk(System):
    """Makes the calls and remembers what of them would survive. `crash` is called after each."""

    def __init__(self, root: Path, crash: Callable[[PoweredDisk], None], *, syncs: bool = True) -> None:
        self._root = root
        self._crash = crash
        self._syncs = syncs
        self._nodes: list[_Node] = []
        self._folders: dict[str, Entries] = {}
        self._pending: dict[str, list[Callable[[Entries], None]]] = {}
        self._open: dict[int, tuple[str, int, int]] = {}
        self._now: dict[str, Entries] = {}
        self._modes: dict[str, int] = {}
        for folder, _, names in os.walk(root):
            self._modes[folder] = stat.S_IMODE(Path(folder).stat().st_mode)
            entries = self._folders[folder] = {}
            for name in names:
                entries[name] = self._node((Path(folder) / name).read_bytes(), Path(folder, name).stat().st_mode)
        for folder in list(self._folders):
            if folder != str(root):
                self._folders[str(Path(folder).parent)][Path(folder).name] = FOLDER
        self._now = {folder: dict(entries) for folder, entries in self._folders.items()}

    def _node(self, content: bytes, mode: int) -> int:
        self._nodes.append(_Node(content, stat.S_IMODE(mode), mode_now=stat.S_IMODE(mode)))
        return len(self._nodes) - 1

    def _happens(self, path: Path, change: Callable[[Entries], None]) -> None:
        folder = str(path.parent)
        change(self._now.setdefault(folder, {}))
        self._pending.setdefault(folder, []).append(change)

    # ── the calls ────────────────────────────────────────────────────────────────────────────────────────────────────

    def __getattribute__(self, name: str) -> Any:
        listen = getattr(type(self), f"_{name}_", None)
        if listen is None:
            return super().__getattribute__(name)
        really = getattr(System, name)

        def call(*arguments: Any) -> Any:
            result = really(*arguments)
            listen(self, result, *arguments)
            self._crash(self)
            return result

        return call

    def _open_(self, descriptor: int, path: Path, flags: int, mode: int = 0o777) -> None:
        folder, name = str(Path(path).parent), Path(path).name
        if flags & os.O_DIRECTORY:
            self._open[descriptor] = (str(path), FOLDER, 0)
            return
        node = self._now.get(folder, {}).get(name)
        if node is None:
            node = self._node(b"", mode)
            self._happens(Path(path), lambda entries, node=node: entries.update({name: node}))  # type: ignore[misc]
        if flags & os.O_TRUNC:
            self._nodes[node].pending.append(("cut", 0, b""))
        self._open[descriptor] = (str(path), node, 0)

    def _close_(self, _: None, descriptor: int) -> None:
        self._open.pop(descriptor, None)

    def _write_(self, length: int, descriptor: int, data: bytes) -> None:
        path, node, place = self._open[descriptor]
        self._nodes[node].pending.append(("write", place, bytes(data[:length])))
        self._open[descriptor] = (path, node, place + length)

    def _ftruncate_(self, _: None, descriptor: int, length: int) -> None:
        self._nodes[self._open[descriptor][1]].pending.append(("cut", length, b""))

    def _fchmod_(self, _: None, descriptor: int, mode: int) -> None:
        self._nodes[self._open[descriptor][1]].mode_now = mode

    def _fsync_(self, _: None, descriptor: int) -> None:
        if not self._syncs:
            return
        path, node, _place = self._open[descriptor]
        if node == FOLDER:
            for change in self._pending.pop(path, []):
                change(self._folders.setdefault(path, {}))
            return
        file = self._nodes[node]
        file.mode, file.content = file.after(lambda: "keep") if file.pending else (file.mode_now, file.content)
        file.mode = file.mode_now
        file.pending.clear()

    def _rename_(self, _: None, old: Path, new: Path) -> None:
        assert old.parent == new.parent
        self._happens(new, lambda entries: entries.update({new.name: entries.pop(old.name)}))

    _rename_new_ = _rename_

    def _exchange_(self, _: None, one: Path, other: Path) -> None:
        assert one.parent == other.parent
        self._happens(
            one,
            lambda entries: entries.update({one.name: entries[other.name], other.name: entries[one.name]}),
        )

    def _unlink_(self, _: None, path: Path) -> None:
        self._happens(path, lambda entries: entries.__delitem__(path.name))

    def _mkdir_(self, _: None, path: Path, mode: int) -> None:
        self._folders.setdefault(str(path), {})
        self._modes[str(path)] = mode
        self._happens(path, lambda entries: entries.update({path.name: FOLDER}))

    def _rmdir_(self, _: None, path: Path) -> None:
        self._happens(path, lambda entries: entries.__delitem__(path.name))

    # ── afterwards ───────────────────────────────────────────────────────────────────────────────────────────────────

    def disks(self, seed: int) -> Iterator[Disk]:
        """Yield disks that a power loss now may leave: all kept, all dropped, all garbled, and some by chance."""
        for names in ("keep", "drop"):
            for data in ("keep", "drop", "garble"):
                yield self._disk(lambda count, names=names: count if names == "keep" else 0, lambda data=data: data)  # type: ignore[misc]
        for turn in range(_RANDOM):
            chance = random.Random(seed * _RANDOM + turn)
            yield self._disk(lambda count, c=chance: c.randint(0, count), lambda c=chance: c.choice(_FATES))  # type: ignore[misc]

    def _disk(self, kept: Callable[[int], int], fate: Callable[[], str]) -> Disk:
        folders = {folder: dict(entries) for folder, entries in self._folders.items()}
        for folder, changes in self._pending.items():
            for change in changes[: kept(len(changes))]:
                change(folders.setdefault(folder, {}))
        files = {number: node.after(fate) for number, node in enumerate(self._nodes)}
        found: list[tuple[str, int, bytes | None]] = []
        self._walk(str(self._root), folders, files, found)
        return tuple(sorted(found))

    def _walk(
        self,
        folder: str,
        folders: dict[str, Entries],
        files: dict[int, tuple[int, bytes]],
        found: list[tuple[str, int, bytes | None]],
    ) -> None:
        for name, node in folders.get(folder, {}).items():
            path = os.path.join(folder, name)
            if node == FOLDER:
                found.append((path, self._modes.get(path, 0o700), None))
                self._walk(path, folders, files, found)
            else:
                found.append((path, *files[node]))


_FATES: Final = ("keep", "drop", "garble")


def lay_down(disk: Disk, root: Path) -> None:
    """Make a folder be what a power loss left."""
    shutil.rmtree(root)
    root.mkdir(mode=0o700)
    for name, mode, content in disk:
        path = Path(name)
        if content is None:
            path.mkdir()
        else:
            path.write_bytes(content)
        path.chmod(mode)

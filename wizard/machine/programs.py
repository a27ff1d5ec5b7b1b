"""Programs on PATH, by paths that will still be right from another folder, tomorrow, and for a GUI start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from wizard.machine.files import is_program

ALWAYS_WANTED: Final = ("curl", "jq", "openssl", "python3", "sh")
"""Programs looked for whatever the key backends name."""


class SearchPath:
    """The folders of PATH. Relative ones are left out: what they name depends on the folder one stands in.

    Two kinds come last: Python virtual environments, since the one that a tool runner makes for the wizard is gone
    tomorrow, and shims (pyenv, asdf, mise), which run something else in every folder.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        named = dict.fromkeys(
            part.rstrip("/") or "/" for part in env.get("PATH", "").split(":") if part.startswith("/")
        )
        folders = [Path(part) for part in named if "\0" not in part]
        self._folders = sorted(folders, key=_is_fleeting)

    def find(self, name: str) -> Path | None:
        """Return the program of this name, None when there is none that this user may run."""
        return next((folder / name for folder in self._folders if is_program(folder / name)), None)

    def find_every(self, name: str) -> list[Path]:
        """Return each program of this name, the one that runs first."""
        return [folder / name for folder in self._folders if is_program(folder / name)]

    def find_all(self, names: Iterable[str]) -> dict[str, Path]:
        """Return the programs that exist, by name."""
        return {name: path for name in sorted(set(names)) if (path := self.find(name)) is not None}


def _is_fleeting(folder: Path) -> bool:
    try:
        return folder.name == "shims" or (folder.parent / "pyvenv.cfg").exists()
    except OSError:
        return False


class Programs(Mapping[str, Path]):
    """The programs on PATH by name, each looked for when it is first asked for.

    What they are all called only the key backends know, so going through all of them imports all of those.
    """

    def __init__(self, path: SearchPath) -> None:
        self._path = path
        self._found: dict[str, Path | None] = {}

    def __getitem__(self, name: str) -> Path:
        if name not in self._found:
            self._found[name] = self._path.find(name)
        if (place := self._found[name]) is None:
            raise KeyError(name)
        return place

    def __iter__(self) -> Iterator[str]:
        return (name for name in wanted_programs() if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def wanted_programs() -> list[str]:
    """Return the names of all programs that a key helper may want to run."""
    from wizard.keys.backend import backends

    return sorted({*ALWAYS_WANTED, *(name for each in backends() for name in each.programs)})

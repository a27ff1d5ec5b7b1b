"""Programs on PATH, by paths that will still be right from another folder, tomorrow, and for a GUI start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from wizard.machine.files import is_program


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

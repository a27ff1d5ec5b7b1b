"""The files with secrets that a key backend's answers name, and which of them others on this machine can read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from wizard.fields import Value
from wizard.keys.backend import backend
from wizard.keys.parts import text
from wizard.machine.model import Machine
from wizard.verdict import Verdict

_PUBLIC: Final = ("ca_file", "client_cert")


def secret_files(name: str, options: Mapping[str, Value], machine: Machine) -> tuple[Path, ...]:
    """Return the files with a secret that a backend's answers name."""
    return tuple(dict.fromkeys(_named(name, options, machine)))


def wide_files(name: str, options: Mapping[str, Value], machine: Machine) -> tuple[Path, ...]:
    """Return those of them that others on this machine can read or write."""
    return tuple(path for path in secret_files(name, options, machine) if is_wide(path))


def wide_file(verdicts: Iterable[Verdict], machine: Machine) -> Path | None:
    """Return the first file of which a check found that others can read it."""
    wide = (each for each in verdicts if each.verdict in ("file-wide", "token-file-wide"))
    return next((machine.expand(str(each.facts["file"])) for each in wide), None)


def is_wide(path: Path) -> bool:
    """Say whether a file is there and not only its owner's."""
    try:
        return path.is_file() and bool(path.stat().st_mode & 0o077)
    except OSError:
        return False


def _named(name: str, options: Mapping[str, Value], machine: Machine) -> Iterator[Path]:
    for field in backend(name).fields:
        shown = field.shown_when is None or field.shown_when(options)
        if field.kind == "path" and shown and not field.name.endswith(_PUBLIC) and (given := text(options, field.name)):
            yield machine.expand(given)
    if name == "vault" and text(options, "sign_in") in ("", "token"):
        yield machine.home / ".vault-token"

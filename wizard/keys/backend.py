"""The protocol every key backend implements, and the registry of backends.

To add a backend, write one file with a class that satisfies `Backend` and name it in `_MODULES`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final, Protocol

from wizard.fields import Field, Problem, Value
from wizard.machine.model import Machine
from wizard.verdict import Verdict

Options = Mapping[str, Value]
"""A backend's answers, validated by its fields."""

Report = Callable[[Verdict], None]
"""Called with each verdict as soon as it is known."""


class NoProgramError(Exception):
    """No program of this machine can do what the helper must; the text names what to install."""


class Backend(Protocol):
    """A source of API keys. Instances hold no state; every method is a function of its arguments."""

    @property
    def name(self) -> str:
        """The name in `key.backend` and `[key.<name>]`."""

    @property
    def title(self) -> str:
        """The name people know it by."""

    @property
    def use_when(self) -> str:
        """One line that ends "use this when …"."""

    @property
    def helper_name(self) -> str:
        """The default file name of the key helper."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """The questions, in the order they are asked."""

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs whose place on PATH the helper body wants to know."""

    def prefill(self, machine: Machine) -> dict[str, Value]:
        """Return what this machine already tells: environment variables and well-known files, never a secret."""

    def validate(self, options: Options, prefix: str) -> tuple[Problem, ...]:
        """Return what the fields can't see one by one; `prefix` is `key.<name>`."""

    def notes(self, options: Options) -> tuple[str, ...]:
        """Return what the user must know before choosing this, as sentences."""

    def origin(self, options: Options) -> str:
        """Return the origin that a credential of this backend is sent to; empty when it stays on this machine."""

    def life_seconds(self, options: Options) -> int | None:
        """Return how long a key of this backend lives, in seconds; None when only the server knows."""

    def shell_needs(self, options: Options, machine: Machine) -> tuple[str, ...]:
        """Return the environment variables that the helper can't work without; an IDE has none of them."""

    def helper_body(self, options: Options, machine: Machine) -> str:
        """Return POSIX sh that defines `read_key`, which prints the key. Raises NoProgramError.

        The frame (`wizard.render.helper`) runs it under `set -u` and `umask 077` after the origin guard, checks
        what it printed and prints that. `fail "sentence with the fix"` is there to be called: it ends
        the helper with exit 1.
        """

    async def examine(self, options: Options, machine: Machine, report: Report) -> None:
        """Look at the source itself, step by step, and report a Verdict each (`key.vault.token`, …)."""

    def examinations(self, options: Options) -> tuple[tuple[str, str], ...]:
        """Return id and label of the rows that `examine` will report, in order."""


_MODULES: Final = {
    "vault": "wizard.keys.vault",
    "jwt": "wizard.keys.signed_jwt",
    "env-file": "wizard.keys.env_file",
    "keychain": "wizard.keys.keychain",
    "command": "wizard.keys.command",
}

BACKEND_NAMES: Final = tuple(_MODULES)


@cache
def backend(name: str) -> Backend:
    """Return the backend of this name. Raises KeyError for an unknown one."""
    found: Backend = importlib.import_module(_MODULES[name]).BACKEND
    return found


def backends() -> tuple[Backend, ...]:
    """Return every backend, in the order they are offered."""
    return tuple(backend(name) for name in BACKEND_NAMES)

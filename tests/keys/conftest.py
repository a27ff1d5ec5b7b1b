"""Servers and keys that every kind of helper shares in a run, and a stage for one of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.keys.stages import Shared, Stage


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    with contextlib.ExitStack() as ends:
        yield Shared(tmp_path_factory.mktemp("shared"), ends)


@pytest.fixture
def stage(home: Path, shared: Shared) -> Iterator[Stage]:
    with contextlib.ExitStack() as ends:
        yield Stage(home, ends, shared)

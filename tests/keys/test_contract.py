"""What a key helper promises, held for every kind of it: the key or one sentence with the fix, and within ten seconds.

A busy machine is no failure: where time is not the subject, a helper may wait longer for its program than it would.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jwt
import pytest

from tests.keys.helpers import LIMIT, Ran
from tests.keys.kinds import KINDS
from tests.keys.stages import CREDENTIAL, KEY, STATES, Case, Shared, Stage, patient, run
from wizard.keys.backend import BACKEND_NAMES
from wizard.keys.presets import BY_NAME

CORE: Final = [(name, state) for name, kind in KINDS.items() for state in kind.told if state in STATES[:-1]]
HANGING: Final = [name for name, kind in KINDS.items() if "hang" in kind.told]


@dataclass(frozen=True, slots=True)
class Timed:
    """How a helper ended, and after how long."""

    ran: Ran
    seconds: float


def judge(name: str, state: str, ran: Ran) -> None:
    told = KINDS[name].told[state]
    if told:
        assert re.search(told, ran.refusal), ran.refusal
        assert not any(secret in ran.err for secret in (KEY, CREDENTIAL))
    elif name == "jwt":
        assert jwt.decode(ran.key, options={"verify_signature": False})["exp"] > time.time()
    else:
        assert ran.key == KEY


@pytest.mark.parametrize(("name", "state"), CORE)
def test_it_gives_the_key_or_one_sentence(stage: Stage, name: str, state: str) -> None:
    judge(name, state, run(patient(KINDS[name].build(stage, state)), stage.home))


@pytest.fixture(scope="module")
def hanging(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Callable[[], Timed]]]:
    """Every kind's helper while what it waits for hangs, all at once: each takes its eight seconds."""
    found: dict[str, Callable[[], Timed]] = {}
    with contextlib.ExitStack() as ends:
        for name in HANGING:
            home = tmp_path_factory.mktemp(f"hanging-{name}")
            found[name] = _started(KINDS[name].build(Stage(home, ends, shared), "hang"), home)
        yield found


def _started(case: Case, home: Path) -> Callable[[], Timed]:
    """Run a helper in a thread, and return what waits for its end."""
    ended: list[Timed] = []

    def go() -> None:
        began = time.monotonic()
        ran = run(case, home)
        ended.append(Timed(ran, time.monotonic() - began))

    thread = threading.Thread(target=go)
    thread.start()

    def wait() -> Timed:
        thread.join(150)
        assert ended, "the helper never ended"
        return ended[0]

    return wait


@pytest.mark.parametrize("name", HANGING)
def test_it_ends_within_ten_seconds_when_its_program_hangs(hanging: dict[str, Callable[[], Timed]], name: str) -> None:
    timed = hanging[name]()
    judge(name, "hang", timed.ran)
    assert timed.seconds < LIMIT


def test_every_backend_and_preset_is_here() -> None:
    without = set(BACKEND_NAMES) - {"vault", "command"}
    more = {"custom", "vault-bao", "vault-curl", "env-file-age", "env-file-sops"}
    assert {*without, *BY_NAME, *more} == set(KINDS)
    for name, kind in KINDS.items():
        assert set(kind.told) >= set(STATES) - ({"slow"} if name == "env-file" else set()), name

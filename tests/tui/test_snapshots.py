"""Every screen in every state looks as it did when somebody last looked at it."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.tui.journeys import Journey, journeys
from tests.tui.snapshots import FOLDER, names, take

STALE = "Stale. Look at the diff of tests/tui/snapshots after: python -m tests.tui.snapshots"


@pytest.mark.parametrize("journey", journeys(), ids=lambda each: each.name)
async def test_the_screens_look_as_they_did(journey: Journey) -> None:
    for name, text in (await take(journey)).items():
        kept = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        assert text.splitlines() == kept, f"{name}: {STALE}"


def test_every_snapshot_is_made_once_and_none_is_left_over() -> None:
    made = Counter(name for journey in journeys() for name in names(journey))
    assert [name for name, times in made.items() if times > 1] == []
    assert {each.stem for each in FOLDER.glob("*.txt")} == set(made)
    assert 60 <= len(made) <= 100

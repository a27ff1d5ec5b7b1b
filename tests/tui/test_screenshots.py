"""The committed pictures are what the screens look like now."""

from __future__ import annotations

import pytest

from tests.tui.screenshots import FOLDER, Shot, shots, take


@pytest.mark.parametrize("shot", shots(), ids=lambda shot: shot.name)
async def test_the_committed_picture_is_current(shot: Shot) -> None:
    committed = (FOLDER / f"{shot.name}.svg").read_text(encoding="utf-8")
    assert await take(shot) == committed, "Stale. Look at what changed, then run: python -m tests.tui.screenshots"


def test_there_is_no_other_picture() -> None:
    assert {each.stem for each in FOLDER.glob("*.svg")} == {each.name for each in shots()}

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.answers import Answers, Key
from wizard.render.refresh import refresh_seconds


def test_what_was_answered_is_used_whatever_the_key_lives() -> None:
    assert refresh_seconds(Answers(key=Key(refresh_seconds=7)), 3600) == 7


@pytest.mark.parametrize(
    ("life", "seconds"),
    [
        (None, 1800),
        (86400, 1800),
        (3600, 1800),
        (3599, 900),
        (900, 300),
        (600, 300),
        (300, 120),
        (60, 30),
        (9, 1),
        (1, 1),
        (0, 1),
        (-5, 1),
    ],
)
def test_the_derived_interval_is_a_round_one_within_half_the_life(life: int | None, seconds: int) -> None:
    assert refresh_seconds(Answers(), life) == seconds


@given(st.integers(min_value=2, max_value=10**7))
def test_no_derived_interval_is_longer_than_half_the_life_or_half_an_hour(life: int) -> None:
    assert refresh_seconds(Answers(), life) <= min(life / 2, 1800)

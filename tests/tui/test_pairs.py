"""Tables of answers in one input: what is shown there is what is read back, whatever is in it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wizard.tui.widgets.pairs import read_pairs, write_pairs

_JSON = st.recursive(
    st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.text(min_size=1), _JSON, max_size=4))
def test_any_table_comes_back_as_it_was(table: dict[str, Any]) -> None:
    assert read_pairs(write_pairs(table)) == table


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("user=$USER, team=x y", {"user": "$USER", "team": "x y"}),
        (" a = 1 ,b= true ", {"a": 1, "b": True}),
        ('a={"b": [1, "x, y"]}, c=2', {"a": {"b": [1, "x, y"]}, "c": 2}),
        ('a="1", b="x, y"', {"a": "1", "b": "x, y"}),
        ('a="x" y', {"a": '"x" y'}),
        ("", {}),
    ],
)
def test_what_people_type_is_read(text: str, table: dict[str, Any]) -> None:
    assert read_pairs(text) == table


@pytest.mark.parametrize("text", ["a", "a=1, b", "=1", ",", '"a"', '""=1'])
def test_what_is_no_table_is_given_back_so_that_nothing_is_lost(text: str) -> None:
    assert read_pairs(text) == text

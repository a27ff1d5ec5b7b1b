"""Answers as one line of text: what is shown there is what is read back, whatever is in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wizard.fields import Field, Problem
from wizard.tui.widgets.form import as_text
from wizard.typed import as_line, read_list, read_pairs, write_pairs

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


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ('{ user = "$USER", level = 3 }', {"user": "$USER", "level": 3}),
        ('{"user": "$USER", "tags": ["a", "b"]}', {"user": "$USER", "tags": ["a", "b"]}),
        ("{}", {}),
    ],
)
def test_a_table_may_be_written_as_in_the_answers_file_or_as_json(text: str, table: dict[str, Any]) -> None:
    assert read_pairs(text) == table


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(min_size=1)))
def test_any_list_comes_back_as_it_was(values: list[str]) -> None:
    assert read_list(as_line(values)) == values


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("a,b", ["a", "b"]),
        (" a , ,b, ", ["a", "b"]),
        ('"a, b", c', ["a, b", "c"]),
        ('" a" ,"b"', [" a", "b"]),
        ('say "x", y', ['say "x"', "y"]),
        ('"open, c', ['"open', "c"]),
        ('"a"b, c', ['"a"b', "c"]),
        ("", []),
    ],
)
def test_lists_are_read_as_people_type_them(text: str, items: list[str]) -> None:
    assert read_list(text) == items


KINDS = {
    "text": st.text(min_size=1),
    "path": st.text(min_size=1),
    "list": st.lists(st.text(min_size=1), min_size=1).map(lambda values: tuple(dict.fromkeys(values))),
    "table": st.dictionaries(st.text(min_size=1), _JSON, max_size=4),
    "integer": st.integers(0, 10**11),
    "flag": st.booleans(),
}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(KINDS)).flatmap(lambda kind: st.tuples(st.just(kind), KINDS[kind])))
def test_what_a_form_shows_is_read_back_as_it_was(case: tuple[Any, Any]) -> None:
    """Going through a screen changes no answer, whatever it holds."""
    kind, value = case
    field = Field("x", "X", "", kind)
    kept = field.read(value)
    if isinstance(kept, Problem):
        assert "U+" in kept.text
    elif kept != "":
        shown = str(kept).lower() if kind == "flag" else as_text(kept)
        assert field.read(shown) == kept


def test_blanks_around_a_value_belong_to_it_unless_the_field_can_not_take_them() -> None:
    plain, url = Field("x", "X", ""), Field("x", "X", "", "url")
    name = Field("x", "X", "", check=lambda value: "Use no blanks." if " " in str(value) else "")
    assert [each.read(" a ") for each in (plain, url, name)] == [" a ", "a", "a"]
    assert plain.read("  ") == "" and isinstance(replace(plain, required=True).read("  "), Problem)
    assert isinstance(name.read(" a b "), Problem)

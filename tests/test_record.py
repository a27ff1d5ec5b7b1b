"""Our data classes are the standard ones in all that the program and its tests use."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import pickle
import pkgutil
import re
from collections.abc import Mapping
from typing import Any

import pytest

import wizard
from wizard import record
from wizard.pattern import pattern

ORDINARY = {"a": 1, "b": "two", "c": {"three": 3}, "d": (4,)}
STYLES: tuple[Mapping[str, bool], ...] = (
    {"frozen": True, "slots": True},
    {"frozen": True, "slots": True, "eq": False, "repr": False},
    {"slots": True},
    {},
    {"frozen": True},
)


def made(library: Any, style: Mapping[str, bool]) -> Any:
    @library.dataclass(**style)
    class Thing:
        """A thing."""

        a: int
        b: str = library.field(repr=False)
        c: Mapping[str, int] = library.field(default_factory=dict, compare=False)
        d: tuple[int, ...] = ()

        @property
        def double(self) -> int:
            return self.a * 2

    return Thing


def outcome(run: Any) -> object:
    try:
        return run()
    except (TypeError, AttributeError):  # the standard library takes the one for the other, depending on its version
        return "refused"


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "deal",
    [
        lambda made: re.sub(r"0x\w+", "", repr(made(1, "two"))),
        lambda made: made(1, "two") == made(1, "two", {"x": 1}),
        lambda made: made(1, "two") == made(2, "two"),
        lambda made: made(1, "two") == (1, "two"),
        lambda made: len(
            {made(1, "two"), made(1, "two", {"x": 1})}
        ),  # both alive: else one may get the other's address
        lambda made: made.__hash__ is object.__hash__ or hash(made(1, [])),  # the first hashes the address
        lambda made: made(1, b="two").c is not made(1, b="two").c,
        lambda made: made(1),
        lambda made: made(1, "two", {}, (), 5),
        lambda made: made(1, "two", e=5),
        lambda made: made(1, "two", a=5),
        lambda made: made(1, "two").double,
        lambda made: setattr(made(1, "two"), "a", 2),
        lambda made: setattr(made(1, "two"), "other", 2),
        lambda made: delattr(made(1, "two"), "a"),
        lambda made: dataclasses.asdict(made(**ORDINARY)),
        lambda made: [(each.name, each.repr, each.compare) for each in dataclasses.fields(made)],
        lambda made: dataclasses.replace(made(**ORDINARY), a=9).a,
        lambda made: copy.copy(made(**ORDINARY)).c,
        lambda made: copy.deepcopy(made(**ORDINARY)).c,
        lambda made: made.__match_args__,
        lambda made: made.__doc__,
        lambda made: (made.__name__, made.__qualname__, made.__module__),
        lambda made: hasattr(made(1, "two"), "__dict__"),
        lambda made: dataclasses.is_dataclass(made),
    ],
)
def test_a_record_does_what_a_standard_data_class_does(style: Mapping[str, bool], deal: Any) -> None:
    ours, standard = made(record, style), made(dataclasses, style)
    assert outcome(lambda: deal(ours)) == outcome(lambda: deal(standard))


def test_what_a_class_says_itself_stays() -> None:
    @record.dataclass(frozen=True, slots=True)
    class Own:
        a: int

        def __repr__(self) -> str:
            return "mine"

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 7

    assert (repr(Own(1)), Own(1) == 3, hash(Own(1))) == ("mine", True, 7)


def test_a_field_of_a_base_class_comes_first_and_keeps_its_default() -> None:
    @record.dataclass(frozen=True, slots=True)
    class Base:
        a: int
        b: int = 2

    @record.dataclass(frozen=True, slots=True)
    class Derived(Base):
        c: int = 3

    assert repr(Derived(1)).endswith("Derived(a=1, b=2, c=3)")
    assert not hasattr(Derived(1), "__dict__")


def test_replace_changes_what_it_is_told() -> None:
    thing = made(record, {"frozen": True, "slots": True})(**ORDINARY)
    changed = record.replace(thing, a=9)
    assert (changed.a, changed.b, changed.c, changed.d) == (9, "two", {"three": 3}, (4,))
    with pytest.raises(TypeError):
        record.replace(thing, e=1)


def test_a_record_of_a_module_can_be_pickled() -> None:
    from wizard.fields import Problem

    assert pickle.loads(pickle.dumps(Problem("a", 1, "b"))) == Problem("a", 1, "b")


def test_every_pattern_of_the_program_compiles() -> None:
    """They are compiled at their first use, which a rare one may see years from now."""
    lazy: Any = pattern
    found = 0
    for each in pkgutil.walk_packages(wizard.__path__, "wizard."):
        if each.name != "wizard.__main__":
            for value in vars(importlib.import_module(each.name)).values():
                if isinstance(value, lazy):
                    assert isinstance(value.flags, int)
                    found += 1
    assert found > 50


def test_a_wrong_pattern_is_found_at_its_first_use() -> None:
    with pytest.raises(re.error):
        pattern("(").search("a")


def test_a_pattern_does_what_a_compiled_one_does() -> None:
    ours, compiled = pattern(r"(?P<n>b)c?", re.IGNORECASE), re.compile(r"(?P<n>b)c?", re.IGNORECASE)
    assert ours.sub("-", "aBc b") == compiled.sub("-", "aBc b")
    assert [each["n"] for each in ours.finditer("aBc b")] == [each["n"] for each in compiled.finditer("aBc b")]
    assert (ours.pattern, ours.groupindex, ours.flags) == (compiled.pattern, compiled.groupindex, compiled.flags)

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.render.json_edit import JsonProblem, Path, edit

HELPER: Path = ("apiKeyHelper",)
URL: Path = ("env", "ANTHROPIC_BASE_URL")
TTL: Path = ("env", "CLAUDE_CODE_API_KEY_HELPER_TTL_MS")
EDITS: dict[Path, str] = {HELPER: "'/home/ada/bin/key.sh'", URL: "https://llm.corp.example", TTL: "1800000"}


def _loaded(text: bytes) -> Any:
    return json.loads(text.decode("utf-8-sig"))


def _applied(value: dict[str, Any], edits: dict[Path, str], removals: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Do to a value what `edit` does to a text."""
    result = json.loads(json.dumps(value))
    for path in removals:
        if path in edits:
            continue
        if len(path) == 1:
            result.pop(path[0], None)
            continue
        table = result.get(path[0], {})
        held = path[1] in table
        table.pop(path[1], None)
        if held and not table and not any(each[0] == path[0] for each in edits):
            del result[path[0]]
    for path, text in edits.items():
        place = result
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = text
    return dict(result)


def test_a_new_file_and_an_empty_one() -> None:
    expected = (
        b"{\n"
        b'  "apiKeyHelper": "\'/home/ada/bin/key.sh\'",\n'
        b'  "env": {\n'
        b'    "ANTHROPIC_BASE_URL": "https://llm.corp.example",\n'
        b'    "CLAUDE_CODE_API_KEY_HELPER_TTL_MS": "1800000"\n'
        b"  }\n"
        b"}\n"
    )

    assert edit(None, EDITS) == edit(b"", EDITS) == edit(b" \r\n\t", EDITS) == expected
    assert edit(b"\xef\xbb\xbf", EDITS) == b"\xef\xbb\xbf" + expected
    assert edit(b"", {}) == b""
    assert edit(None, {}) == b"{}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"a":1}', b'{"a":1,"env":{"X":"1"}}'),
        (b'{"a": 1}\n', b'{"a": 1, "env": {"X": "1"}}\n'),
        (b'{ "a" : 1, "b" : 2 }', b'{ "a" : 1, "b" : 2, "env" : {"X" : "1"} }'),
        (b"{}", b'{\n  "env": {\n    "X": "1"\n  }\n}'),
        (b"{ }", b'{\n  "env": {\n    "X": "1"\n  }\n}'),
        (b'{\n    "a": 1.10\n}', b'{\n    "a": 1.10,\n    "env": {\n        "X": "1"\n    }\n}'),
        (b'{\n\t"a": []\n}\n\n', b'{\n\t"a": [],\n\t"env": {\n\t\t"X": "1"\n\t}\n}\n\n'),
        (b'{\r\n  "a": 1\r\n}\r\n', b'{\r\n  "a": 1,\r\n  "env": {\r\n    "X": "1"\r\n  }\r\n}\r\n'),
        (b'{\n"a": 1\n}', b'{\n"a": 1,\n"env": {\n"X": "1"\n}\n}'),
        (b'  {\n    "a": 1\n  }', b'  {\n    "a": 1,\n    "env": {\n      "X": "1"\n    }\n  }'),
        (b'{\n\n  "a": 1,\n\n\n  "b": 2}', b'{\n\n  "a": 1,\n\n\n  "b": 2,\n  "env": {\n    "X": "1"\n  }}'),
        (b'{\n  "env": {}\n}', b'{\n  "env": {\n    "X": "1"\n  }\n}'),
        (b'{\n  "env": {"A": "b"}\n}', b'{\n  "env": {"A": "b", "X": "1"}\n}'),
        (b'{\n  "env": {"A": "b"},\n  "z": 0\n}', b'{\n  "env": {"A": "b", "X": "1"},\n  "z": 0\n}'),
        (b'{"env": {"X": 1}}', b'{"env": {"X": "1"}}'),
        (b'{"env": {"X": {"deep": [1]}, "Y": "2"}}', b'{"env": {"X": "1", "Y": "2"}}'),
        (b'{"env": {"X": "\\u0031"}}', b'{"env": {"X": "\\u0031"}}'),
        (b'{"\\u0065nv": {"A": "b"}}', b'{"\\u0065nv": {"A": "b", "X": "1"}}'),
        ('{"ключ": "значение"}'.encode(), '{"ключ": "значение", "env": {"X": "1"}}'.encode()),
    ],
)
def test_case_20_new_keys_look_as_if_the_owner_had_written_them(before: bytes, after: bytes) -> None:
    assert edit(before, {("env", "X"): "1"}) == after
    assert edit(after, {("env", "X"): "1"}) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"env": {"X": "1"}, "a": 1}', b'{"a": 1}'),
        (b'{"env": {"X": "1", "Y": "2"}}', b'{"env": {"Y": "2"}}'),
        (b'{"env": {"Y": "2", "X": "1"}}', b'{"env": {"Y": "2"}}'),
        (b'{"env": {"Y": "2",\n "X": "1" ,\n "Z": "3"}}', b'{"env": {"Y": "2" ,\n "Z": "3"}}'),
        (b'{"env": {"X": "1", "apiKeyHelper": "n", "W": "1"}}', b'{"env": {"apiKeyHelper": "n"}}'),
        (b'{\n  "apiKeyHelper": "x",\n  "env": {\n    "W": "1",\n    "X": "1"\n  }\n}\n', b"{}\n"),
        (b'{"env": {}}', b'{"env": {}}'),
        (b'{"a": {"X": "1"}}', b'{"a": {"X": "1"}}'),
        (b"{ }", b"{ }"),
    ],
)
def test_case_20_removed_keys_leave_no_trace(before: bytes, after: bytes) -> None:
    assert edit(before, {}, [HELPER, ("env", "X"), ("env", "W"), ("env", "absent")]) == after


def test_the_last_keys_may_be_taken_out_and_others_put_in_at_once() -> None:
    before = b'{\n  "env": {\n    "OLD": "1",\n    "OLDER": "0"\n  }\n}'

    assert edit(before, {("env", "NEW"): "2"}, [("env", "OLD"), ("env", "OLDER")]) == (
        b'{\n  "env": {\n    "NEW": "2"\n  }\n}'
    )


def test_a_key_both_set_and_removed_is_set() -> None:
    assert edit(b'{"env":{"X":"0"}}', {("env", "X"): "1"}, [("env", "X")]) == b'{"env":{"X":"1"}}'


def test_a_value_changed_as_a_whole_and_in_part_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="env"):
        edit(b"{}", {("env",): "x", ("env", "X"): "1"})


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        (b'{"a": 1,}', 1, 8, "comma stands before the closing }"),
        (b'{\n  "a": 1,\n}', 2, 9, "comma stands before"),
        (b'{"a": [1,]}', 1, 9, "comma stands before the closing ]"),
        (b'{"env": {"A": "b",}}', 1, 18, "comma stands before"),
        (b'{\n  // why\n  "a": 1\n}', 2, 3, "no comments"),
        (b'{"a": 1 /* why */}', 1, 9, "no comments"),
        (b'{"a": # why\n1}', 1, 7, "no comments"),
        (b'{"a": 1, "a": 2}', 1, 10, "a second time (first in line 1)"),
        (b'{"env": {"A": "b", "\\u0041": "c"}}', 1, 20, "a second time"),
        (b'{"env": {},\n"env": {}}', 2, 1, 'key "env" stands here a second time (first in line 1)'),
        (b"[]", 1, 1, "one object"),
        (b'"x"', 1, 1, "one object"),
        (b"null", 1, 1, "one object"),
        (b'{"env": null}', 1, 9, '"env" must be an object'),
        (b'{"env": ["A"]}', 1, 9, '"env" must be an object'),
        (b'{"env": "A"}', 1, 9, '"env" must be an object'),
        (b'{"a": 1', 1, 8, "ends too early"),
        (b'{"a": ', 1, 7, "ends too early"),
        (b"{", 1, 2, "ends too early"),
        (b'{"a": [[{"b": ', 1, 15, "ends too early"),
        (b'{"a": "b', 1, 7, "no closing quote"),
        (b'{"a": "b\nc"}', 1, 7, "no closing quote"),
        (b'{"a": "b\tc"}', 1, 9, "control character"),
        (b'{"a": "\\x"}', 1, 8, "backslash"),
        (b'{"a": "\\u00g0"}', 1, 8, "backslash"),
        (b"{'a': 1}", 1, 2, "single quotes"),
        (b"{a: 1}", 1, 2, "key in double quotes"),
        (b'{"a" 1}', 1, 6, 'colon is missing after "a"'),
        (b'{"a": 1 "b": 2}', 1, 9, "comma or the closing }"),
        (b'{"a": [1 2]}', 1, 10, "comma or the closing ]"),
        (b'{"a": [1}', 1, 9, "comma or the closing ]"),
        (b'{"a": NaN}', 1, 7, "no JSON value"),
        (b'{"a": 01}', 1, 7, "no JSON value"),
        (b'{"a": 1.}', 1, 7, "no JSON value"),
        (b'{"a": +1}', 1, 7, "no JSON value"),
        (b'{"a": truex}', 1, 7, "no JSON value"),
        (b'{"a": True}', 1, 7, "no JSON value"),
        (b'{"a":\xc2\xa01}', 1, 6, "no JSON value"),
        (b'{"a": 1} x', 1, 10, "follows the closing"),
        (b'{"a": 1}{', 1, 9, "follows the closing"),
        (b'{"a": "\xff"}', 1, 8, "not UTF-8"),
        (b'{\n"a": "\xc3"}', 2, 7, "not UTF-8"),
        (b"\xff\xfe{\0}\0", 1, 1, "not UTF-8"),
        (b'\xef\xbb\xbf{"a": 1,}', 1, 8, "comma stands before"),
        (b" " * (16 * 1024 * 1024 + 1), 1, 1, "larger than any settings file"),
    ],
)
def test_case_21_what_claude_code_could_not_read_is_refused_with_its_place(
    text: bytes, line: int, column: int, says: str
) -> None:
    with pytest.raises(JsonProblem) as caught:
        edit(text, EDITS)

    assert (caught.value.line, caught.value.column) == (line, column)
    assert says in caught.value.text
    assert str(caught.value) == f"line {line}, column {column}: {caught.value.text}"


def test_duplicates_where_nothing_is_edited_are_the_owners_business() -> None:
    assert edit(b'{"a": {"x": 1, "x": 2}}', {HELPER: "k"}) == b'{"a": {"x": 1, "x": 2}, "apiKeyHelper": "k"}'


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_no_nesting_is_too_deep(opening: bytes) -> None:
    depth = 200_000
    closing = b"]" if opening == b"[" else b"}"
    text = b'{"deep": ' + opening * depth + b"1" + closing * depth + b"}"

    assert edit(text, {HELPER: "k"}) == text[:-1] + b', "apiKeyHelper": "k"}'
    with pytest.raises(JsonProblem, match=r"ends too early|closing"):
        edit(text[:-2], {HELPER: "k"})


def test_a_huge_file_takes_no_more_than_a_moment() -> None:
    text = json.dumps({f"k{i}": {"n": i, "t": "text " * 20, "l": [1, 2, 3]} for i in range(20_000)}, indent=2).encode()
    started = time.perf_counter()

    edited = edit(text, EDITS)

    assert time.perf_counter() - started < 10
    assert edited.startswith(text[:-2])
    assert edit(edited, {}, list(EDITS)) == text


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)
names = st.sampled_from(["A", "B", "ANTHROPIC_BASE_URL", "ключ", 'q"\\\n'])
tables = st.dictionaries(names | st.text(max_size=5), values, max_size=6)
paths = st.one_of(
    st.just(HELPER),
    st.tuples(st.just("env"), names),
    names.filter(lambda name: name != "env").map(lambda name: (name,)),
)
texts = st.text(st.characters(exclude_categories=["Cs"]))


@st.composite
def documents(draw: st.DrawFn) -> tuple[dict[str, Any], bytes]:
    """A JSON object and one of the ways to write it."""
    value = draw(tables)
    value.pop("env", None)
    if draw(st.booleans()):
        value["env"] = draw(tables)
    value = dict(draw(st.permutations(list(value.items()))))
    indent = draw(st.sampled_from([None, 0, 1, 2, 4, "\t"]))
    separators = draw(st.sampled_from([None, (",", ":"), (" , ", " : ")])) if indent is None else None
    text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=draw(st.booleans()))
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    before, after = draw(st.sampled_from([("", ""), ("", "\n"), ("\ufeff", "\r\n"), (" \n", "\n\n")]))
    return value, (before + text + after).encode("utf-8", "surrogatepass")


def _utf8(document: tuple[dict[str, Any], bytes]) -> bool:
    try:
        document[1].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@given(documents().filter(_utf8), st.dictionaries(paths, texts, max_size=5), st.lists(paths, max_size=4))
def test_case_20_any_edit_of_any_object_is_what_it_should_be(
    document: tuple[dict[str, Any], bytes], edits: dict[Path, str], removals: list[Path]
) -> None:
    value, text = document

    edited = edit(text, edits, removals)

    expected = _applied(value, edits, tuple(removals))
    assert _loaded(edited) == expected
    kept = [name for name in value if name in expected]
    assert list(_loaded(edited))[: len(kept)] == kept
    assert edit(edited, edits, removals) == edited


@given(documents().filter(_utf8), st.lists(texts, min_size=1, max_size=5))
def test_case_20_only_what_was_added_is_new_and_taking_it_out_restores_every_byte(
    document: tuple[dict[str, Any], bytes], added: list[str]
) -> None:
    value, text = document
    edits: dict[Path, str] = {("env", f"NEW_{i}"): each for i, each in enumerate(added)}
    edits["apiKeyHelperNew",] = "x"

    edited = edit(text, edits)

    pieces = _common(text, edited)
    assert pieces == text, "a byte of the owner's is missing"
    if value and value.get("env", {1: 1}):
        assert edit(edited, {}, list(edits)) == text


def _common(text: bytes, edited: bytes) -> bytes:
    """Return as much of a text as stands in the edited one, in order."""
    rest = iter(edited)
    return bytes(byte for byte in text if byte in rest)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\ \n/ab1.e-tru', max_size=40).map(str.encode))
def test_case_21_any_bytes_are_edited_or_refused_as_json_would_refuse_them(text: bytes) -> None:
    try:
        edited = edit(text, {HELPER: "k"})
    except JsonProblem as problem:
        assert problem.line >= 1
        assert problem.column >= 1
        return

    value = _loaded(text) if text.removeprefix(b"\xef\xbb\xbf").strip() else {}
    assert _loaded(edited) == {**value, "apiKeyHelper": "k"}

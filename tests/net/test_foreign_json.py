"""JSON from outside is read, and never to a depth at which Python gives up."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.net.foreign_json import DEPTH, read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_case_65_what_is_not_deep_is_read(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value


def test_case_65_a_long_list_is_read_quickly() -> None:
    models = {"data": [{"id": f"model-{each}", "aliases": [], "info": {}} for each in range(10_000)]}
    body = json.dumps(models).encode()
    started = time.perf_counter()
    assert read_json(body) == models
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 40_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":[' * 5_000 + b"]}" * 5_000,
        b"[" * (2 * DEPTH + 1) + b"]" * (2 * DEPTH + 1),
    ],
    ids=len,
)
def test_case_65_what_is_deep_is_none(body: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    assert read_json(body) is None
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("body", [b"", b"\xff", b"{", b"nonsense", b'"cut'])
def test_what_is_no_json_is_none(body: bytes) -> None:
    assert read_json(body) is None

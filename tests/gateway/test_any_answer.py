"""Whatever a server answers has a verdict with texts fit to show, and nothing raises."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wizard.gateway.answer import unexpected
from wizard.gateway.catalogue import CATALOGUE
from wizard.gateway.refusal import refusal
from wizard.net.address import parse_address
from wizard.net.http import Response, Server
from wizard.net.proxy import Proxy
from wizard.secret import Secret
from wizard.verdict import judge

KEY = Secret("sk-canary-7f3a9c1e5b")
FACTS: dict[str, Any] = {"url": "https://h", "host": "h", "port": 1, "hint": KEY.hint(), "model": "m"}
SERVERS = st.builds(
    Server,
    st.sampled_from([parse_address("http://127.0.0.1:1/llm"), parse_address("https://[::1]:1")]),
    st.none(),
    st.sampled_from([None, Proxy("http", "p", 1, "HTTPS_PROXY")]),
)
TEXT = st.text() | st.sampled_from(["\ud800", "\u202e", "\x9b31m", "\xad"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["error", "message", "type", "detail"]) | st.text(), inner)
    ),
    max_leaves=8,
)
BODIES = st.binary() | JSON.map(lambda value: json.dumps(value).encode()) | st.just(KEY.reveal().encode())
HEADERS = st.dictionaries(st.sampled_from(["location", "content-type", "retry-after", "date"]), st.text())
ANSWERS = st.builds(Response, st.integers(200, 599), HEADERS, BODIES, st.just(1.0))


@given(SERVERS, ANSWERS)
def test_case_62_without_a_key(server: Server, answer: Response) -> None:
    fault = unexpected(server, answer)
    verdict = judge(CATALOGUE, "gateway.alive", fault.verdict, **{**FACTS, **fault.facts})
    assert verdict.status == "fail"
    assert verdict.cause.isprintable()


@given(ANSWERS)
def test_case_62_with_a_key(answer: Response) -> None:
    fault = refusal(answer, KEY)
    verdict = judge(CATALOGUE, "key.accepted", fault.verdict, **{**FACTS, **fault.facts})
    assert verdict.status in ("fail", "warn")
    assert verdict.cause.isprintable()
    assert KEY.reveal() not in str(verdict.as_json())

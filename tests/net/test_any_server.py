"""Whatever bytes a server sends, and whatever is typed as its address: a verdict, and no exception."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faults.behaviours import GOOD
from tests.faults.servers import Talk, serving
from tests.machines import machine_at
from wizard.answers import Gateway
from wizard.gateway.health import ROWS, check_gateway
from wizard.net import limits
from wizard.net.address import AddressError, parse_address
from wizard.net.fault import Fault
from wizard.net.http import Server, request
from wizard.verdict import Verdict

LINES = st.sampled_from(
    [b"HTTP/1.1 200 OK", b"HTTP/1.0 404 no", b"HTTP/1.1 100 go on", b"HTTP/1.1 302 there", b"HTTP/2 200", b"SSH-2.0-x"]
)
NAMES = st.sampled_from(
    [b"Content-Length", b"Transfer-Encoding", b"Content-Encoding", b"Location", b"Date", b"Server", b"Retry-After"]
)
VALUES = st.sampled_from([b"12", b"-1", b"chunked", b"gzip", b"http://[::1", b"/login", b"\xff", b"1" * 30])
HEADERS = st.lists(st.tuples(NAMES, VALUES | st.binary(max_size=20)), max_size=4)
BODIES = st.sampled_from([b'"I\'m alive!"', b"c\r\n", b"0\r\n\r\n", b"[" * 9000, b"<title>"]) | st.binary(max_size=200)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """Bytes that are an HTTP answer, nearly one, or nothing of the kind."""
    if draw(st.integers(0, 4)) == 0:
        return draw(st.binary(max_size=300))
    headers = b"".join(name + b": " + value + b"\r\n" for name, value in draw(HEADERS))
    whole = draw(LINES) + b"\r\n" + headers + b"\r\n" + draw(BODIES)
    cut = draw(st.none() | st.integers(0, len(whole)))
    return whole[:cut]


def check_a_server_that_sends(data: bytes) -> tuple[Verdict, ...]:
    """Check a server that says this to everybody and closes."""

    async def once() -> tuple[Verdict, ...]:
        async def handle(talk: Talk) -> None:
            await talk.request()
            await talk.send(data)

        async with serving(handle) as server:
            gateway = Gateway(url=f"http://127.0.0.1:{server.port}")
            return await check_gateway(gateway, machine_at(Path("/nonexistent"), env={}), lambda _: None)

    return asyncio.run(once())


@given(answers())
@settings(max_examples=60)
def test_any_bytes_have_a_verdict(data: bytes) -> None:
    verdicts = check_a_server_that_sends(data)
    assert [each.id for each in verdicts] == [id_ for id_, _ in ROWS]
    assert any(each.status == "fail" for each in verdicts), "no server that says the same to everything is a good one"
    for each in verdicts:
        assert each.cause.isprintable() and len(each.cause) < 400
        json.dumps(each.as_json()).encode()


def test_the_very_answer_of_a_gateway_is_told_apart() -> None:
    alive = next(each for each in check_a_server_that_sends(GOOD) if each.id == "gateway.alive")
    assert alive.verdict == "ok"


class _Said:
    """A stream that has said it all; `chunk` bytes at a time."""

    address = "127.0.0.1"

    def __init__(self, data: bytes, chunk: int) -> None:
        self._data, self._chunk, self._at, self.head = data, chunk, 0, b""

    async def read(self) -> bytes:
        data = self._data[self._at : self._at + self._chunk]
        self._at += self._chunk
        self.head = (self.head + data)[:128]
        return data

    async def write(self, data: bytes) -> None:
        """Take it."""

    def close(self) -> None:
        """Nothing to close."""


@given(answers(), st.integers(1, 700))
@settings(max_examples=60)
def test_any_answer_in_any_pieces(data: bytes, chunk: int) -> None:
    server = Server(parse_address("http://127.0.0.1:1"), None)
    whole, pieces = (_outcome(server, _Said(data, size)) for size in (len(data) + 1, chunk))
    assert whole == pieces


def _outcome(server: Server, stream: _Said) -> object:
    try:
        answer = asyncio.run(request(server, "GET", "/x", over=stream))
    except Fault as fault:
        return fault.verdict
    return answer.status, answer.body


def test_case_65_an_answer_takes_no_more_memory_than_its_limit() -> None:
    data = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (8 * 1024 * 1024)
    server = Server(parse_address("http://127.0.0.1:1"), None)
    stream = _Said(data, 16 * 1024)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        assert _outcome(server, stream) == "too-big"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 8 * limits.BODY


@given(st.text(max_size=60) | st.from_regex(r"https?://[a-z0-9.\[\]:@/%\\-]{0,40}", fullmatch=True))
def test_any_address_is_read_or_refused_in_words(text: str) -> None:
    try:
        address = parse_address(text, allow_http=True)
    except AddressError as error:
        assert str(error).endswith(".") and str(error).isprintable()
        return
    again = parse_address(address.url, allow_http=True)
    assert again == address


@given(st.text(max_size=40))
@settings(max_examples=40)
def test_any_url_in_the_answers_has_a_verdict(text: str) -> None:
    """Names are not looked up here: whatever is no address ends before that, and the rest is left out."""
    try:
        parse_address(text)
    except AddressError:
        checking = check_gateway(Gateway(url=text), machine_at(Path("/nonexistent"), env={}), lambda _: None)
        assert asyncio.run(checking)[0].verdict == "address-invalid"

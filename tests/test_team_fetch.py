"""A team file over the network: from a real https server, well-behaved and not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.certificates import Authority
from tests.faults.servers import Handler, Running, Talk, endless, says, serving
from tests.machines import machine_at
from wizard.answers import Gateway
from wizard.machine.model import Machine
from wizard.team import MOST, TeamError, load

CONTENT = b"version = 1\n[gateway]\nurl = 'https://llm.corp.example'\n"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def machine(home: Path, authority: Authority) -> Machine:
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "NODE_EXTRA_CA_CERTS": str(authority.certificate)}
    return machine_at(home, env=env)


@contextmanager
def server(handler: Handler, authority: Authority, *, tls: bool = True) -> Iterator[Running]:
    """Run a server in a thread: what fetches brings an event loop of its own."""
    ready, ended = threading.Event(), threading.Event()
    found: list[Running] = []

    async def run() -> None:
        context = authority.issue("127.0.0.1").context() if tls else None
        async with serving(handler, context) as running:
            found.append(running)
            ready.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield found[0]
    finally:
        ended.set()
        thread.join(30)


def test_it_is_fetched_and_nothing_but_the_request_is_sent(machine: Machine, authority: Authority) -> None:
    with server(says(200, CONTENT), authority) as running:
        team = load(f"https://127.0.0.1:{running.port}/team.toml", machine)
    assert team.is_fetched and team.table["gateway"] == {"url": "https://llm.corp.example"}
    assert running.lines == ["GET /team.toml"]
    assert not any(name in running.received[0].lower() for name in (b"authorization", b"cookie", b"api-key"))


def test_the_users_authority_counts(machine: Machine, authority: Authority, home: Path) -> None:
    stranger = machine_at(home)
    with server(says(200, CONTENT), authority) as running:
        url = f"https://127.0.0.1:{running.port}/team.toml"
        with pytest.raises(TeamError, match="not trust"):
            load(url, stranger)
        assert load(url, stranger, Gateway(ca_file=str(authority.certificate))).is_fetched


def test_a_redirect_within_the_server_is_followed(machine: Machine, authority: Authority) -> None:
    async def moved(talk: Talk) -> None:
        request = await talk.request()
        if b"GET /old" in request:
            await talk.answer(302, b"", Location="/new/team.toml")
        else:
            await talk.answer(200, CONTENT)

    with server(moved, authority) as running:
        assert load(f"https://127.0.0.1:{running.port}/old", machine).is_fetched
    assert running.lines == ["GET /old", "GET /new/team.toml"]


@pytest.mark.parametrize(
    ("target", "says_what"),
    [
        ("https://evil.example/team.toml", "another server, https://evil.example"),
        ("http://127.0.0.1/team.toml", "http can be changed"),
        ("//127.0.0.1:1/team.toml", "another server"),
        ("file:///etc/passwd", "http"),
    ],
)
def test_a_redirect_elsewhere_is_refused(machine: Machine, authority: Authority, target: str, says_what: str) -> None:
    with server(says(301, b"", Location=target), authority) as running, pytest.raises(TeamError, match=says_what):
        load(f"https://127.0.0.1:{running.port}/team.toml", machine)
    assert len(running.lines) == 1


def test_redirects_come_to_an_end(machine: Machine, authority: Authority) -> None:
    with server(says(302, b"", Location="/again"), authority) as running, pytest.raises(TeamError, match="without end"):
        load(f"https://127.0.0.1:{running.port}/team.toml", machine)
    assert len(running.lines) == 4


@pytest.mark.parametrize("status", [204, 401, 404, 500])
def test_any_other_status_is_told(machine: Machine, authority: Authority, status: int) -> None:
    with server(says(status, b""), authority) as running, pytest.raises(TeamError, match=str(status)):
        load(f"https://127.0.0.1:{running.port}/team.toml", machine)


def test_a_body_without_end_is_given_up(machine: Machine, authority: Authority) -> None:
    flood = endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"400\r\n" + b"#" * 1024 + b"\r\n")
    with server(flood, authority) as running, pytest.raises(TeamError, match="can't be fetched"):
        load(f"https://127.0.0.1:{running.port}/team.toml", machine)


def test_one_byte_too_many_is_too_much(machine: Machine, authority: Authority) -> None:
    with server(says(200, b"#" * (MOST + 1)), authority) as running, pytest.raises(TeamError, match="can't be fetched"):
        load(f"https://127.0.0.1:{running.port}/team.toml", machine)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/team.toml",
        "ftp://127.0.0.1/team.toml",
        "https://user:pa55word@127.0.0.1/team.toml",
        "https://127.0.0.1/team.toml?token=pa55word",
        "https://",
        "https://127.0.0.1:99999/x",
        "https://a.example/\u202e",
    ],
)
def test_other_addresses_are_refused_before_anything_is_sent(machine: Machine, url: str) -> None:
    with pytest.raises(TeamError) as refused:
        load(url, machine)
    assert "pa55word" not in str(refused.value) and "\u202e" not in str(refused.value)


def test_a_closed_port_is_told(machine: Machine) -> None:
    from tests.faults.servers import closed_port

    with closed_port() as port, pytest.raises(TeamError, match="can't be fetched"):
        load(f"https://127.0.0.1:{port}/team.toml", machine)

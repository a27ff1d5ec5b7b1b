"""Names: found, unknown, or nobody to ask; never a reason to wait."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from wizard.net import limits
from wizard.net.fault import Fault
from wizard.net.name import resolve


@pytest.fixture
def dead(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A resolver that hangs, as with a dead name server."""
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(30) or [])
    yield
    over.set()


def test_an_address_is_not_looked_up(dead: None) -> None:
    assert asyncio.run(resolve("10.2.3.4")) == ("10.2.3.4",)
    assert asyncio.run(resolve("::1")) == ("::1",)


async def test_localhost_has_addresses() -> None:
    assert set(await resolve("localhost")) <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "dns-unknown"),
        (socket.gaierror(socket.EAI_NODATA, "No address associated with hostname"), "dns-unknown"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), "dns-down"),
        (socket.gaierror(socket.EAI_FAIL, "Non-recoverable failure"), "dns-down"),
        (UnicodeError("label too long"), "dns-unknown"),
        (OSError(24, "Too many open files"), "dns-down"),
    ],
)
async def test_case_67_failures(error: Exception, verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with pytest.raises(Fault) as fault:
        await resolve("llm.corp.example")
    assert fault.value.verdict == verdict


def test_case_67_a_dead_name_server_holds_nothing_up(dead: None) -> None:
    started = time.monotonic()
    with pytest.raises(Fault, match="dns-down"):
        asyncio.run(resolve("llm.corp.example"))
    assert limits.NAME <= time.monotonic() - started < limits.NAME + 2


def test_case_67_cancelling_ends_the_program_at_once(dead: None) -> None:
    async def ask_and_leave() -> None:
        task = asyncio.create_task(resolve("llm.corp.example"))
        await asyncio.sleep(0.1)
        task.cancel()

    started = time.monotonic()
    asyncio.run(ask_and_leave())
    assert time.monotonic() - started < 1.5

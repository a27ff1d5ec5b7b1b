"""The whole check of a good gateway costs little more than its slowest question."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.whole_check import QUESTIONS, Figures, compare
from tests.faults.behaviours import after
from tests.faults.certificates import Authority
from tests.faults.servers import Handler, litellm, serving
from tests.real.nginx import Nginx
from wizard.answers import Gateway

ROUNDS = 5
MOST_ROUNDS = 45
LIMIT = 2.0


@pytest.mark.bench
def test_a_real_gateway_with_tls(nginx: Nginx, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """LiteLLM behind nginx, which answers one question after the other."""
    judge("LiteLLM behind nginx", Gateway(url=nginx.tls, ca_file=str(nginx.ca_file)), home, capsys)


@pytest.mark.bench
def test_a_gateway_that_thinks(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every answer takes 100 ms, as over a network."""
    authority = Authority(tmp_path)
    with in_thread(after(0.1, litellm()), authority.issue("127.0.0.1").context()) as port:
        url = f"https://127.0.0.1:{port}"
        judge("A gateway 100 ms away", Gateway(url=url, ca_file=str(authority.certificate)), home, capsys)


def judge(name: str, gateway: Gateway, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Medians of rounds taken turn by turn; where the machine was too noisy to tell, more of them."""
    figures = compare(gateway, home, ROUNDS, Figures())
    while figures.ratio > LIMIT and len(figures.check) < MOST_ROUNDS:
        compare(gateway, home, ROUNDS, figures)
    with capsys.disabled():
        print(f"\n{name}: {str(figures)[0].lower()}{str(figures)[1:]}")
    assert figures.ratio <= LIMIT


@contextlib.contextmanager
def in_thread(handler: Handler, tls: ssl.SSLContext) -> Iterator[int]:
    """Run a server in a thread of its own, so that the check's loop does not wait for it."""
    ready: queue.Queue[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = queue.Queue()

    async def serve() -> None:
        done = asyncio.Event()
        async with serving(handler, tls) as server:
            ready.put((server.port, asyncio.get_running_loop(), done))
            await done.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    port, loop, done = ready.get(timeout=20)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(20)


def test_the_ratio_tells_one_after_the_other_from_all_at_once() -> None:
    alone = {each: [0.01] * 3 for each in QUESTIONS}
    assert Figures([0.012] * 3, alone).ratio == pytest.approx(1.2)
    assert Figures([0.07] * 3, alone).ratio == pytest.approx(7)

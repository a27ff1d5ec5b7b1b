"""A place without a network, where the real Claude Code may run: a network namespace with nothing but loopback.

Servers run outside as everywhere else in the suite. `Sandbox.bring_in(port)` makes one of them answer on the same
loopback port inside: a listening socket is made inside and handed out (SCM_RIGHTS), and a thread of the test process
carries the bytes of each connection to the real port. So a program inside reaches the servers a test names and nothing
else, whatever it tries, and the same servers stay within reach of the tests themselves.

The namespace belongs to a helper process (`namespace_holder` under `unshare -rn`) that lives as long as the run;
programs enter it with `nsenter`. Neither needs root where user namespaces are allowed; where they aren't, the tests
that need it are listed as not run.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.programs import missing, require

_HOLDER: Final = Path(__file__).with_name("namespace_holder.py")


@dataclass(slots=True)
class Sandbox:
    """A running namespace: what enters it sees only the ports that were brought in."""

    holder: subprocess.Popen[bytes]
    control: socket.socket
    nsenter: Path
    relay: _Relay
    _ports: set[int] = field(default_factory=set)

    def argv(self, command: Sequence[str | Path]) -> list[str]:
        """Return the command that runs `command` inside."""
        enter = [str(self.nsenter), "-t", str(self.holder.pid), "-U", "-n", "--preserve-credentials", "--"]
        return enter + [str(word) for word in command]

    def run(
        self, command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, limit: float = 60, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside with exactly this environment and no terminal, and return how it ended.

        `limit` is in seconds; `text` is its standard input.
        """
        pipe = subprocess.PIPE
        argv = self.argv(command)
        with subprocess.Popen(
            argv, env=dict(env), cwd=cwd, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        ) as process:
            try:
                out, err = process.communicate(text, timeout=limit)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        return subprocess.CompletedProcess(argv, process.returncode, out, err)

    def bring_in(self, port: int) -> None:
        """Make the server on this loopback port answer on the same port inside."""
        if port in self._ports:
            return
        self.control.sendall(struct.pack("!H", port))
        verdict, handles, _, _ = socket.recv_fds(self.control, 200, 1)
        if not handles:
            raise OSError(f"port {port} is taken inside: {verdict.decode()}")
        self.relay.serve(socket.socket(fileno=handles[0]), port)
        self._ports.add(port)


class _Relay:
    """Carries connections from sockets of the namespace to the same ports outside, in a thread of its own."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="sandbox-relay")
        self._thread.start()

    def serve(self, listener: socket.socket, port: int) -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _carry(reader, writer, port)

        listener.setblocking(False)
        starting = asyncio.run_coroutine_threadsafe(asyncio.start_server(connected, sock=listener), self._loop)
        self._servers.append(starting.result(10))

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    try:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        writer.transport.abort()  # what a client of a dead server sees
        return
    await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()


@contextlib.contextmanager
def open_sandbox(unshare: Path, nsenter: Path) -> Iterator[Sandbox]:
    """Open a namespace and close it again with everything in it. Raises OSError where that is not allowed."""
    ours, theirs = socket.socketpair()
    argv = [str(unshare), "-rn", sys.executable, "-I", str(_HOLDER), str(theirs.fileno())]
    holder = subprocess.Popen(argv, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    theirs.close()
    try:
        ours.settimeout(20)
        if ours.recv(1) != b"+":
            _, error = holder.communicate(timeout=10)
            raise OSError(error.decode("utf-8", "replace").strip() or "the namespace did not come up")
        relay = _Relay()
        try:
            yield Sandbox(holder, ours, nsenter, relay)
        finally:
            relay.close()
    finally:
        ours.close()  # the holder ends with its control socket
        holder.wait(10)
        if holder.stderr:
            holder.stderr.close()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A network namespace with nothing but loopback, shared by the run."""
    unshare, nsenter = require("unshare", "nsenter")
    opening = open_sandbox(unshare, nsenter)
    try:
        opened = opening.__enter__()
    except OSError as error:
        missing("network namespaces (unshare -rn)", str(error))
    try:
        yield opened
    finally:
        opening.__exit__(None, None, None)

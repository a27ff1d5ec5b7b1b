"""A TCP connection: every address of the host tried, bytes read and written under a limit."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Sequence
from typing import Final, Protocol

from wizard.net import limits
from wizard.net.fault import Fault

_STAGGER: Final = 0.25
"""Seconds after which the next address is tried beside the one that has not answered yet (RFC 8305)."""

_CHUNK: Final = 16 * 1024
_HEAD: Final = 128
_UNREACHABLE: Final = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EACCES, errno.EPERM}
_RESET: Final = {errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE}


class Stream(Protocol):
    """A connection that carries bytes: plain, or in TLS."""

    @property
    def address(self) -> str:
        """The IP address at the other end."""

    @property
    def head(self) -> bytes:
        """The first bytes that the other side sent."""

    async def read(self) -> bytes:
        """Return what has come, or nothing once the other side has closed. Raises Fault `reset`."""

    async def write(self, data: bytes) -> None:
        """Send everything. Raises Fault `reset`."""

    def close(self) -> None:
        """Drop the connection."""


class TcpStream:
    """A connected socket."""

    def __init__(self, connected: socket.socket, address: str) -> None:
        self._socket = connected
        self.address = address
        self.head = b""

    async def read(self) -> bytes:
        """Return what has come, or nothing once the other side has closed. Raises Fault `reset`."""
        await asyncio.sleep(0)  # sock_recv never waits while bytes are there: a flood would outrun every time limit
        try:
            data = await asyncio.get_running_loop().sock_recv(self._socket, _CHUNK)
        except OSError as error:
            raise _broken(error) from None
        if len(self.head) < _HEAD:
            self.head = (self.head + data)[:_HEAD]
        return data

    async def write(self, data: bytes) -> None:
        """Send everything. Raises Fault `reset`."""
        try:
            await asyncio.get_running_loop().sock_sendall(self._socket, data)
        except OSError as error:
            raise _broken(error) from None

    def close(self) -> None:
        """Drop the connection."""
        self._socket.close()


def _broken(error: OSError) -> Fault:
    if error.errno in _RESET:
        return Fault("reset")
    if error.errno == errno.ETIMEDOUT:
        return Fault("no-answer", seconds=0)
    return Fault("reset", reason=error.strerror or "")


_SERVICES: Final = (
    ((b"220", b"+OK", b"* OK"), "a mail or FTP server"),
    ((b"-ERR", b"-DENIED", b"-NOAUTH"), "a Redis server"),
    (b"RFB ", "a VNC server"),
    (b"AMQP", "a message broker"),
    (b"PRI * HTTP/2", "an HTTP/2 server"),
    (b"HTTP/", "a server that speaks another version of HTTP"),
)
"""How the first bytes of common services start."""


def service_of(head: bytes) -> str:
    """Say what answers on a port, from the first bytes it sent."""
    if head.startswith(b"SSH-"):
        return "an SSH server"
    if head[:1] in (b"\x15", b"\x16"):
        return "a TLS server"
    if b"mysql_native" in head or b"caching_sha2" in head or b"MariaDB" in head:
        return "a MySQL server"
    if head.startswith(b"\x00\x00") and head[3:4] == b"\x04":
        return "an HTTP/2 server"
    return next((name for start, name in _SERVICES if head.startswith(start)), "a server that does not speak HTTP")


async def connect(host: str, port: int, addresses: Sequence[str]) -> TcpStream:
    """Connect to the first of a host's addresses that accepts; a new one joins the race every quarter of a second.

    Raises Fault: `refused`, `connect-timeout` or `unreachable`, with what was tried.
    """
    faults: dict[str, Fault] = {}
    pending: set[asyncio.Task[TcpStream | Fault]] = set()
    waiting = list(addresses)
    try:
        async with asyncio.timeout(limits.CONNECT):
            while waiting or pending:
                if waiting:
                    pending.add(asyncio.create_task(_try(waiting.pop(0), port, faults)))
                done, pending = await asyncio.wait(
                    pending, timeout=_STAGGER if waiting else None, return_when=asyncio.FIRST_COMPLETED
                )
                connected = [each for task in done if isinstance(each := task.result(), TcpStream)]
                for spare in connected[1:]:
                    spare.close()
                if connected:
                    return connected[0]
    except TimeoutError:
        faults.setdefault("connect-timeout", Fault("connect-timeout", seconds=limits.CONNECT))
    finally:
        await _abandon(pending)
    verdict = next(each for each in ("refused", "connect-timeout", "unreachable", "reset") if each in faults)
    raise faults[verdict].adding(host=host, port=port, tried=", ".join(addresses))


async def _try(address: str, port: int, faults: dict[str, Fault]) -> TcpStream | Fault:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        connecting = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        return faults.setdefault("unreachable", Fault("unreachable", reason=error.strerror or ""))
    connecting.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connecting, (address, port))
    except OSError as error:
        connecting.close()
        fault = _no_connection(error)
        return faults.setdefault(fault.verdict, fault)
    except BaseException:
        connecting.close()
        raise
    connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return TcpStream(connecting, address)


def _no_connection(error: OSError) -> Fault:
    if error.errno == errno.ECONNREFUSED:
        return Fault("refused")
    if error.errno == errno.ETIMEDOUT:
        return Fault("connect-timeout", seconds=limits.CONNECT)
    if error.errno in _RESET:
        return Fault("reset")
    return Fault("unreachable", reason=error.strerror or "")


async def _abandon(tasks: set[asyncio.Task[TcpStream | Fault]]) -> None:
    for task in tasks:
        task.cancel()
    for late in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(late, TcpStream):
            late.close()

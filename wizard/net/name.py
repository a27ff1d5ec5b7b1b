"""A host's name turned into addresses, without ever holding up the program."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from wizard.machine.background import in_daemon_thread
from wizard.net import limits
from wizard.net.fault import Fault


async def resolve(host: str) -> tuple[str, ...]:
    """Return a host's IP addresses in the order to try them.

    Asks as the system does, in a daemon thread with a limit of its own: with a dead name server `getaddrinfo` takes ten
    seconds and more, and in the event loop's executor it would hold up quitting just as long.
    Raises Fault: `dns-unknown` (no such name) or `dns-down` (no name server answers).
    """
    if _is_ip(host):
        return (host,)

    def look_up() -> tuple[str, ...]:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(each[4][0]) for each in found))

    try:
        async with asyncio.timeout(limits.NAME):
            addresses = await in_daemon_thread(look_up)
    except TimeoutError:
        raise Fault("dns-down", host=host, reason=f"no answer within {limits.NAME:g} s") from None
    except socket.gaierror as error:
        raise _fault(host, error) from None
    except UnicodeError:
        raise Fault("dns-unknown", host=host, reason="not a name") from None
    except OSError as error:
        raise Fault("dns-down", host=host, reason=error.strerror or "") from None
    if not addresses:
        raise Fault("dns-unknown", host=host, reason="no address")
    return addresses


def _fault(host: str, error: socket.gaierror) -> Fault:
    down = error.errno in (socket.EAI_AGAIN, socket.EAI_FAIL, socket.EAI_SYSTEM)
    return Fault("dns-down" if down else "dns-unknown", host=host, reason=error.strerror or "")


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

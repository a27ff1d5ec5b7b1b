"""The helper process of `sandbox`: run under `unshare -rn`, it keeps the namespace and hands out sockets made inside.

Uses nothing but the standard library, since it runs as `python -I`.
"""

from __future__ import annotations

import array
import fcntl
import os
import socket
import struct
import sys
from typing import Final

_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 0x1


def hold(control: socket.socket) -> None:
    """Be the helper process: bring loopback up, then make a listening socket for each port asked for."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
    control.sendall(b"+")
    while request := control.recv(2):
        try:
            listener = socket.create_server(("127.0.0.1", struct.unpack("!H", request)[0]), backlog=64)
        except OSError as error:
            control.sendall(str(error).encode())
            continue
        with listener:
            handles = array.array("i", [listener.fileno()])
            control.sendmsg([b"+"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handles)])


if __name__ == "__main__":
    hold(socket.socket(fileno=int(sys.argv[1])))
    os._exit(0)

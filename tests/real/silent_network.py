"""Runs a program where nothing answers: run it as `unshare -rnm python -I silent_network.py FOLDER PROGRAM …`.

In the new namespaces the only name server, on 127.0.0.1, takes every question and says nothing, and a connection to
127.0.0.1:4000 is neither accepted nor refused. Ends with 97 and a reason where the machine does not allow that.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Final

NOT_ALLOWED: Final = 97
PORT: Final = 4000
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 0x1


def silence(folder: Path) -> list[socket.socket]:
    """Make the silent name server and the silent port, and return their sockets. Raises OSError."""
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    fcntl.ioctl(names, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
    resolv = folder / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\n")
    mount = subprocess.run(["mount", "--bind", resolv, "/etc/resolv.conf"], capture_output=True, text=True, check=False)
    if mount.returncode:
        raise OSError(mount.stderr.strip())
    names.bind(("127.0.0.1", 53))
    listening = socket.socket()
    listening.bind(("127.0.0.1", PORT))
    listening.listen(0)
    kept = [names, listening]
    for _ in range(4):  # its queue is full, so that the kernel drops what comes
        filler = socket.socket()
        filler.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            filler.connect(listening.getsockname())
        kept.append(filler)
    return kept


def main() -> None:
    """Go silent and become the program."""
    try:
        kept = silence(Path(sys.argv[1]))
    except OSError as error:
        print(error, file=sys.stderr)
        os._exit(NOT_ALLOWED)
    for each in kept:
        os.set_inheritable(each.fileno(), True)
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()

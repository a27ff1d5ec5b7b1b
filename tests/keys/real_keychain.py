"""A real keychain on a session bus of its own: gnome-keyring-daemon with a throw-away password, unlocked."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.programs import require

_CONFIG: Final = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={bus}</listen>
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
"""
_PATIENCE: Final = 60.0


@dataclass(frozen=True, slots=True)
class RealKeychain:
    """The bus (its socket is `folder/bus`) and, where there is one, the keychain on it."""

    folder: Path
    keeper: subprocess.Popen[bytes] | None = field(repr=False)

    @property
    def env(self) -> dict[str, str]:
        """What a desktop's shell knows of the bus."""
        return {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.folder / 'bus'}", "PATH": "/usr/bin:/bin"}

    def put(self, service: str, account: str, value: str) -> None:
        """Store a password under the attributes that the library keyring uses."""
        words = ("store", "--label=test", "--", "service", service, "username", account)
        self._secret_tool(*words, said=value.encode())

    def get(self, service: str, account: str) -> str | None:
        """Return a password as secret-tool prints it; None when there is none."""
        done = self._secret_tool("lookup", "--", "service", service, "username", account)
        return done.stdout.decode() if done.returncode == 0 else None

    def count(self, service: str, account: str) -> int:
        """Return how many items stand under one name."""
        done = self._secret_tool("search", "--all", "service", service, "username", account)
        return done.stdout.decode().count("secret = ")

    def remove(self, service: str, account: str) -> None:
        """Remove what stands under a name."""
        self._secret_tool("clear", "--", "service", service, "username", account)

    def lock(self) -> None:
        """Lock the keychain, as it is before somebody signs in."""
        self._secret_tool("lock")

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let the keychain answer nothing for a while."""
        assert self.keeper
        self.keeper.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.keeper.send_signal(signal.SIGCONT)

    def _secret_tool(self, *words: str, said: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        (program,) = require("secret-tool")
        env = {**self.env, "LC_ALL": "C.UTF-8", "HOME": str(self.folder)}
        return subprocess.run([program, *words], env=env, input=said, capture_output=True, timeout=60, check=False)


@contextlib.contextmanager
def real_keychain(*, served: bool = True) -> Iterator[RealKeychain]:
    """Start a bus and an unlocked keychain on it; with `served=False` the bus alone."""
    dbus, keyring, _ = require("dbus-daemon", "gnome-keyring-daemon", "secret-tool")
    folder = Path(tempfile.mkdtemp(prefix="wizard-bus-"))  # pytest's folders are too deep for a socket
    try:
        (folder / "bus.conf").write_text(_CONFIG.format(bus=folder / "bus"))
        words: list[str | Path] = [dbus, f"--config-file={folder / 'bus.conf'}", "--nofork", "--nopidfile"]
        with _running(words, folder) as bus:
            _wait(lambda: (folder / "bus").is_socket(), bus)
            if not served:
                yield RealKeychain(folder, None)
                return
            keeping: list[str | Path] = [keyring, "--foreground", "--unlock", "--components=secrets"]
            with _running(keeping, folder, said=b"a throw-away password") as keeper:
                chain = RealKeychain(folder, keeper)
                _wait(lambda: _is_served(chain), keeper)
                yield chain
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _running(words: list[str | Path], folder: Path, said: bytes = b"") -> Iterator[subprocess.Popen[bytes]]:
    bus = {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder / 'bus'}"} if said else {}
    env = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "PATH": os.environ["PATH"], **bus}
    process = subprocess.Popen(
        words, env=env, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert process.stdin
    process.stdin.write(said)
    process.stdin.close()
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _is_served(chain: RealKeychain) -> bool:
    """Say whether the keychain is there and open: it can keep something."""
    chain.put("test", "ready", "yes")
    return chain.get("test", "ready") == "yes"


def _wait(ready: object, process: subprocess.Popen[bytes]) -> None:
    assert callable(ready)
    deadline = time.monotonic() + _PATIENCE
    while not ready():
        assert process.poll() is None, f"it ended with {process.returncode}"
        assert time.monotonic() < deadline, "it is not ready in time"
        time.sleep(0.02)

"""Key helpers of every kind, written as the wizard writes them and run as other programs run them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.machines import machine_at
from tests.programs import JWT_CLI, require
from wizard.answers import Answers, Gateway, Key
from wizard.fields import Value, read_table
from wizard.keys.backend import backend
from wizard.machine.model import Machine
from wizard.render.helper import render_helper

GATEWAY: Final = "https://llm.corp.example:4000"
SHELLS: Final = {"dash": ("dash",), "bash": ("bash", "--posix"), "busybox": ("busybox", "sh")}
OTHER_SHELLS: Final = {"ksh93": ("ksh93",), "mksh": ("mksh",), "zsh": ("zsh", "--emulate", "sh")}
"""What stands behind /bin/sh on fewer machines."""

LIMIT: Final = 10.0
"""Seconds a helper may take, whatever happens."""


def machine_with(home: Path, *programs: str, env: Mapping[str, str] | None = None) -> Machine:
    """Return a machine with these real programs; `jwt` is the crate jwt-cli, found where cargo puts it."""
    found = {}
    for name in programs:
        if name == "jwt":
            (real,) = require(JWT_CLI)
            place = home / ".cargo/bin/jwt"
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists():
                place.symlink_to(real)
            found[name] = place
        else:
            found[name] = Path(sys.executable) if name == "python3" else require(name)[0]
    return machine_at(home, programs=found, env=env or {"HOME": str(home), "PATH": "/usr/bin:/bin"})


def options_of(name: str, **given: object) -> dict[str, Value]:
    """Return a backend's answers as the answers file would be read; fails on any problem."""
    source = backend(name)
    values, problems = read_table(source.fields, given, f"key.{name}")
    problems = problems or source.validate(values, f"key.{name}")
    assert not problems, [str(each) for each in problems]
    return values


def helper_text(name: str, options: Mapping[str, Value], machine: Machine, url: str = GATEWAY) -> str:
    """Return the helper's text for a backend and its answers."""
    answers = Answers(gateway=Gateway(url=url), key=Key().with_options(name, options))
    source = backend(name)
    return render_helper(source, source.helper_body(options, machine), answers, machine)


@dataclass(frozen=True, slots=True)
class Ran:
    """How a helper ended."""

    code: int
    out: str = field(repr=False)
    err: str

    @property
    def key(self) -> str:
        """The key printed; fails unless the helper ended well, printed one line, and said nothing else."""
        assert (self.code, self.err) == (0, ""), self
        assert self.out.endswith("\n") and self.out.count("\n") == 1
        return self.out[:-1]

    @property
    def refusal(self) -> str:
        """The reason given; fails unless the helper failed properly: exit 1, no output, one line on stderr."""
        assert self.code == 1 and not self.out, self
        assert self.err.endswith("\n") and self.err.count("\n") == 1, self.err
        return self.err[:-1]


def run_helper(text: str, folder: Path, env: Mapping[str, str], *, shell: tuple[str, ...] = ("dash",)) -> Ran:
    """Run a helper by a shell, with just this environment."""
    argv: list[str | Path] = [*require(shell[0]), *shell[1:], write_helper(text, folder)]
    done = subprocess.run(argv, env=dict(env), cwd=folder, capture_output=True, timeout=LIMIT, check=False)
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def write_helper(text: str, folder: Path) -> Path:
    """Write a helper, executable."""
    path = folder / "helper.sh"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o700)
    return path


def private_key(algorithm: str) -> str:
    """Return a new private key that fits an algorithm, as PEM."""
    if algorithm.startswith(("RS", "PS")):
        made: Any = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    elif algorithm == "EdDSA":
        made = ed25519.Ed25519PrivateKey.generate()
    else:
        made = ec.generate_private_key(ec.SECP256R1() if algorithm == "ES256" else ec.SECP384R1())
    text: str = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return text


def private_file(path: Path, content: str | bytes, mode: int = 0o600) -> Path:
    """Write a file with a secret."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path

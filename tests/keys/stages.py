"""Every kind of key helper, set up with its real program as far as one can be had: what the contract is held to.

A kind is built in a state: `good`, `wrong` (asked for what is not there), `gone` (the sign-in or the key is),
`slow` and `hang`; some kinds have states of their own besides. `told` says what the user reads then, "" for the key.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from tests.keys.helpers import Ran, helper_text, machine_with, options_of, write_helper
from tests.keys.real_keychain import RealKeychain, real_keychain
from tests.keys.secret_servers import amazon, amazon_action, amazon_user, cloud, late, openbao, post, silent
from tests.programs import require
from wizard.machine.model import Machine

KEY: Final = "sk-canary-key-0123456789"
CREDENTIAL: Final = "canary-credential-0123456789"
TOKEN: Final = "canary-token-0123456789"
STATES: Final = ("good", "wrong", "gone", "slow", "hang")
DELAY: Final = 1.0
NOBODY: Final = "http://127.0.0.1:9"

ENDED: Final = r"has no session for you, or it has ended\. Run: "
NO_KEY: Final = r"its key is locked, or not on this machine\. Run: "
HUNG: Final = r"did not end within 8 seconds\."
UNREACHED: Final = r"can't be reached\."
UNTOLD: Final = "is not told enough to look"

_LIMIT: Final = re.compile(r"-k 1 \d+ ")


@dataclass(frozen=True, slots=True)
class Case:
    """A helper with the environment it needs, the secrets it handles and the servers it may speak to."""

    text: str
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(KEY,), repr=False)
    servers: tuple[str, ...] = ()


class Shared:
    """What is slow to start and serves every case: Amazon, OpenBao, the clouds' double, a GnuPG key, a keychain."""

    def __init__(self, folder: Path, ends: contextlib.ExitStack) -> None:
        self._folder = folder
        self._ends = ends
        self._made: dict[str, Any] = {}

    def amazon(self) -> str:
        """Return the URL of Amazon's double, which holds the key as secret and as parameter."""
        return str(self._once("amazon", self._start_amazon))

    def strict_amazon(self) -> tuple[str, str, str]:
        """Return the URL of one that asks who it is, and the access key of a user who may do nothing."""
        made: tuple[str, str, str] = self._once("strict amazon", self._start_strict_amazon)
        return made

    def openbao(self) -> str:
        """Return the URL of an OpenBao that holds the key."""
        return str(self._once("openbao", self._start_openbao))

    def cloud(self) -> str:
        """Return the URL of the double of Doppler, Google and Kubernetes."""
        return str(self._once("cloud", lambda: self._ends.enter_context(cloud(KEY))))

    def keychain(self) -> RealKeychain:
        """Return an unlocked keychain that holds the key."""
        chain: RealKeychain = self._once("keychain", lambda: self._ends.enter_context(real_keychain()))
        chain.put("claude-litellm-wizard", "litellm", KEY)
        return chain

    def gnupg(self) -> Path:
        """Return a GnuPG home with a key that needs no passphrase, for `wizard@example.com`."""
        made: Path = self._once("gnupg", self._make_gnupg)
        return made

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def _start_amazon(self) -> str:
        url = self._ends.enter_context(amazon(self._folder / "amazon"))
        for name, value in (("litellm", KEY), ("fields", f'{{"api_key": "{KEY}"}}'), ("deleted", KEY)):
            amazon_action(url, "secretsmanager.CreateSecret", Name=name, SecretString=value)
        amazon_action(url, "secretsmanager.CreateSecret", Name="binary", SecretBinary="AAEC")
        amazon_action(url, "secretsmanager.DeleteSecret", SecretId="deleted")
        amazon_action(url, "AmazonSSM.PutParameter", Name="/litellm/key", Type="SecureString", Value=KEY)
        return url

    def _start_strict_amazon(self) -> tuple[str, str, str]:
        url = self._ends.enter_context(amazon(self._folder / "strict", INITIAL_NO_AUTH_ACTION_COUNT="3"))
        amazon_action(url, "secretsmanager.CreateSecret", Name="litellm", SecretString=KEY)
        return url, *amazon_user(url, "nobody")

    def _start_openbao(self) -> str:
        url = self._ends.enter_context(openbao(self._folder / "openbao", TOKEN))
        post(f"{url}/v1/secret/data/litellm", {"data": {"api_key": KEY}}, X_Vault_Token=TOKEN)
        return url

    def _make_gnupg(self) -> Path:
        require("gpg", "gpgconf")
        home = self._folder / "gnupg"
        home.mkdir(mode=0o700)
        self._ends.callback(end_agents, home)
        words = ("--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "wizard@example.com")
        gpg(home, *words, "default", "default", "never")
        return home


@dataclass(frozen=True, slots=True)
class Stage:
    """Where one case is set up: a home folder, and what has to end after it."""

    home: Path
    ends: contextlib.ExitStack
    shared: Shared

    def write(self, name: str, content: str, mode: int = 0o600) -> Path:
        """Write a file in the home folder."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(content)
        path.chmod(mode)
        return path

    def at(self, url: str, state: str) -> str:
        """Return where a server is reached in a state: at once, late, in silence, or nowhere."""
        if state == "hang":
            return self.ends.enter_context(silent())
        if state == "unreachable":
            return NOBODY
        return self.ends.enter_context(late(url, DELAY)) if state == "slow" else url

    def pipe(self, name: str, content: str, state: str) -> Path:
        """Put a file in the home folder: at once, by a pipe that gives it late, or by one that never does."""
        path = self.write(name, content)
        if state in ("slow", "hang"):
            path.unlink()
            os.mkfifo(path, 0o600)
        if state == "slow":
            self.ends.enter_context(_dripping(path, content))
        return path

    def shadow(self, state: str, *programs: str) -> str:
        """Return a PATH on which programs are slow or hang before they do their work, by a wrapper around each."""
        if state not in ("slow", "hang"):
            return "/usr/bin:/bin"
        before = f"sleep {DELAY}" if state == "slow" else "exec sleep 60"
        for program, real in zip(programs, require(*programs), strict=True):
            self.write(f"first/{program}", f'#!/bin/sh\n{before}\nexec {real} "$@"\n', 0o700)
        return f"{self.home / 'first'}:/usr/bin:/bin"

    def machine(self, *names: str, **placed: Path) -> Machine:
        """Return a machine with these programs, and others at a place of their own."""
        machine = machine_with(self.home, "timeout", *names)
        return replace(machine, programs={**machine.programs, **placed})

    def preset(self, preset: str, program: str, real: Path, /, *more: str, **given: Any) -> str:
        """Return the text of a preset's helper."""
        options = options_of("command", preset=preset, **given)
        return helper_text("command", options, self.machine(*more, **{program: real}))


@contextlib.contextmanager
def _dripping(path: Path, content: str) -> Iterator[None]:
    """Give a pipe's content to each who opens it, late."""
    done = threading.Event()

    def give() -> None:
        while not done.is_set():
            with contextlib.suppress(OSError), path.open("w") as pipe:
                time.sleep(DELAY)
                pipe.write(content)
            time.sleep(0.1)  # so that the one who reads sees its end

    thread = threading.Thread(target=give, daemon=True)
    thread.start()
    yield
    done.set()
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    thread.join(10)


def gpg(home: Path, *words: str, said: str = "") -> None:
    """Run GnuPG with a home of its own."""
    (program,) = require("gpg")
    env = {"GNUPGHOME": str(home), "HOME": str(home), "PATH": "/usr/bin:/bin"}
    subprocess.run([program, *words], env=env, input=said, text=True, capture_output=True, timeout=120, check=True)


def end_agents(home: Path) -> None:
    """End what GnuPG left running for a home of its own."""
    (gpgconf,) = require("gpgconf")
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    subprocess.run([gpgconf, "--homedir", home, "--kill", "all"], env=env, capture_output=True, timeout=60, check=False)


def run(case: Case, home: Path, *, limit: float = 120) -> Ran:
    """Run a helper as Claude Code does, with nothing in its environment but HOME, PATH and what the case needs."""
    path = write_helper(case.text, home)
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", **case.env}
    done = subprocess.run([path], env=env, cwd="/", capture_output=True, timeout=limit, check=False)
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def patient(case: Case) -> Case:
    """Return a case whose helper waits a minute for its program."""
    return replace(case, text=_LIMIT.sub("-k 1 60 ", case.text))


Builder = Callable[[Stage, str], Case]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of helper: what README calls it and its proof, how it is set up, and what is told in each state."""

    title: str
    proof: str
    build: Builder
    told: Mapping[str, str]

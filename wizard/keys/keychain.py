"""Keys that the desktop's keychain holds: the Secret Service on Linux (GNOME, KDE), the Keychain on macOS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wizard.fields import Field, Problem, Value
from wizard.keys.backend import NoProgramError, Options, Report
from wizard.keys.catalogue import found
from wizard.keys.parts import is_key, text
from wizard.machine.model import Machine
from wizard.record import dataclass
from wizard.verdict import Verdict

if TYPE_CHECKING:
    from wizard.machine.process import Finished

KEYCHAIN: Final = "key.source.keychain"
ENTRY: Final = "key.source.entry"

EXAMINE_LIMIT: Final = 20.0
"""Seconds for a look at the keychain: it may ask for its password, and somebody is there to give it."""

_LOOK_LIMIT: Final = 5.0
_BUS: Final = "DBUS_SESSION_BUS_ADDRESS"
_INSTALL: Final = {"secret-tool": "secret-tool (Debian: libsecret-tools, Fedora: libsecret)", "security": "security"}


@dataclass(frozen=True, slots=True)
class Keychain:
    """A key in the keychain of this machine, found by a service and an account."""

    name: str = "keychain"
    title: str = "Keychain"
    use_when: str = "Use this when your desktop's keychain keeps the key."
    helper_name: str = "get-litellm-key.sh"
    programs: tuple[str, ...] = ("secret-tool", "security", "timeout")
    fields: tuple[Field, ...] = (
        Field(
            "service",
            "Service",
            "The service under which the key stands in the keychain.",
            default="claude-litellm-wizard",
            required=True,
            example="claude-litellm-wizard",
        ),
        Field(
            "account",
            "Account",
            "The account it stands under; with several gateways give each its own, like the gateway's host.",
            default="litellm",
            required=True,
            example="llm.corp.example",
        ),
    )

    def prefill(self, machine: Machine) -> dict[str, Value]:
        """Return nothing: only asking the keychain would tell, and that may ask for its password."""
        return {}

    def validate(self, options: Options, prefix: str) -> tuple[Problem, ...]:
        """Return nothing: the fields say it all."""
        return ()

    def notes(self, options: Options) -> tuple[str, ...]:
        """Return what the user must know before choosing this."""
        return (
            "The helper reads it while the keychain is unlocked, as it is once you signed in to your desktop. A server"
            " or a container usually has none.",
        )

    def origin(self, options: Options) -> str:
        """Return nothing: no credential leaves this machine."""
        return ""

    def life_seconds(self, options: Options) -> int | None:
        """Return None: only the gateway knows."""
        return None

    def shell_needs(self, options: Options, machine: Machine) -> tuple[str, ...]:
        """Return the variable with the session bus, where the bus is not at its usual place."""
        return (_BUS,) if machine.env.get(_BUS) and _usual_bus(machine) is None else ()

    def helper_body(self, options: Options, machine: Machine) -> str:
        """Return sh that asks the keychain. Raises NoProgramError."""
        from wizard.keys.keychain_helper import reading_script

        name = reader_name(machine)
        if name not in machine.programs:
            raise NoProgramError(f"Nothing on this machine can read a keychain. Install {_INSTALL[name]}.")
        return reading_script(name, machine, text(options, "service"), text(options, "account"))

    def examinations(self, options: Options) -> tuple[tuple[str, str], ...]:
        """Return id and label of the rows of `examine`."""
        return ((KEYCHAIN, "keychain"), (ENTRY, "entry"))

    async def examine(self, options: Options, machine: Machine, report: Report) -> None:
        """Look for a keychain, and for the key in it."""
        reached, entry = await _examined(text(options, "service"), text(options, "account"), machine)
        report(reached)
        report(entry or found(ENTRY, "not-tried", reason="the keychain has to answer first."))


def reader_name(machine: Machine) -> str:
    """Return the program that reads the keychain of such a machine."""
    return "security" if machine.platform == "darwin" else "secret-tool"


def session_env(machine: Machine) -> dict[str, str]:
    """Return the environment with the session bus named, also where only a desktop's shell would name it."""
    usual = _usual_bus(machine)
    known = machine.env.get(_BUS) or (f"unix:path={usual}" if usual else "")
    return {**machine.env, **({_BUS: known} if known else {})}


def why_none(machine: Machine) -> str:
    """Return why this machine has no keychain, as far as that can be told without asking it; empty when it may."""
    name = reader_name(machine)
    if name not in machine.programs:
        return f"the program {_INSTALL[name]} is missing"
    if machine.platform == "linux" and _BUS not in session_env(machine):
        return "there is no session bus, as on a server or in a container"
    return ""


def _usual_bus(machine: Machine) -> Path | None:
    """Return where systemd puts the session bus, if it is there."""
    folders = (machine.env.get("XDG_RUNTIME_DIR", ""), f"/run/user/{machine.uid}")
    places = (Path(folder) / "bus" for folder in folders if folder.startswith("/"))
    return next((place for place in places if place.is_socket()), None)


async def _examined(service: str, account: str, machine: Machine) -> tuple[Verdict, Verdict | None]:
    """Return the verdict on the keychain, and the one on the entry when the keychain answers."""
    if reason := why_none(machine):
        return found(KEYCHAIN, "keychain-none", reason=reason), None
    name = reader_name(machine)
    words = _LOOKUPS[name](service, account)
    done = await _asked(machine, (name, *words), EXAMINE_LIMIT)
    if done.timed_out:
        return found(KEYCHAIN, "keychain-slow", seconds=round(EXAMINE_LIMIT)), None
    if done.code == 0:
        return found(KEYCHAIN, "keychain-good", program=name), _entry(done.out, service, account)
    if await _is_locked(done, name, service, account, machine):
        return found(KEYCHAIN, "keychain-locked"), None
    said = done.err.decode("utf-8", "replace")
    if name == "secret-tool" and said.strip():
        return found(KEYCHAIN, "keychain-none", reason=_reason(said)), None
    return found(KEYCHAIN, "keychain-good", program=name), found(ENTRY, "entry-missing", **_place(service, account))


async def _asked(machine: Machine, words: tuple[str, ...], limit: float) -> Finished:
    from wizard.machine.process import run

    env = {**session_env(machine), "LC_ALL": "C.UTF-8"}
    return await run((machine.programs[words[0]], *words[1:]), env=env, cwd=Path("/"), limit=limit)


async def _is_locked(done: Finished, name: str, service: str, account: str, machine: Machine) -> bool:
    """Say whether a look-up failed at the lock; secret-tool fails the same way when there is no such entry."""
    if name == "security":
        return done.code in SECURITY_LOCKED
    if done.err.strip() and b"locked" not in done.err:
        return False
    words = ("search", "--", "service", service, "username", account)
    looked = await _asked(machine, (name, *words), _LOOK_LIMIT)
    return b"locked" in looked.err


def _entry(raw: bytes, service: str, account: str) -> Verdict:
    value = raw.decode("latin-1").rstrip("\r\n")
    if not value:
        return found(ENTRY, "entry-empty", **_place(service, account))
    if not is_key(value):
        return found(ENTRY, "entry-not-a-key", **_place(service, account))
    return found(ENTRY, "entry-good", characters=len(value), **_place(service, account))


def _place(service: str, account: str) -> dict[str, str]:
    return {"service": service, "account": account}


def _reason(said: str) -> str:
    """Return in our words why secret-tool has no keychain to ask."""
    if re.search(r"D-Bus|Could not connect|Connection refused", said):
        return "its session bus does not answer"
    if "org.freedesktop.secrets" in said:
        return "no program on the session bus serves one, as on a server or in a container"
    from wizard.secret import redact

    return f"secret-tool says: {redact(said).removeprefix('secret-tool: ').rstrip('.')}"


def _secret_tool(service: str, account: str) -> tuple[str, ...]:
    return ("lookup", "--", "service", service, "username", account)


def _security(service: str, account: str) -> tuple[str, ...]:
    return ("find-generic-password", "-s", service, "-a", account, "-w")


_LOOKUPS: Final = {"secret-tool": _secret_tool, "security": _security}
"""The attributes are those that the library keyring stores a password under."""

SECURITY_LOCKED: Final[tuple[int, ...]] = (36, 51, 128)
"""security's exit codes for a locked keychain nobody unlocks: no interaction allowed, not authorised, cancelled."""

SECURITY_MISSING: Final = 44


def shown_place(options: Mapping[str, Value]) -> str:
    """Return where in the keychain a key stands, for a person."""
    return f"service {text(options, 'service')}, account {text(options, 'account')}"


BACKEND: Final = Keychain()

"""Puts a key into the keychain and takes it out again, by the library keyring in a process of its own.

A keychain may ask for its password and wait for as long as nobody gives it. The process that asks is then ended, so
that nothing is stored later that the wizard called not stored. The key goes to it through a pipe.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from wizard.keys.kept import KeptKey
from wizard.keys.keychain import session_env, why_none
from wizard.machine.model import Machine
from wizard.secret import Secret, redact

LIMIT: Final = 60.0
"""Seconds the keychain may take: somebody may have to type its password."""

_NO_KEYCHAIN: Final = "Choose the secrets file (env-file, mode 0600), Vault or another program."

Holds = Literal["nothing", "same", "other"]
Taken = Literal["restored", "removed", "gone", "changed"]


class KeychainError(Exception):
    """The keychain did not do it; the text says why and what to do.

    `is_sure` is False where it may have done it all the same, because it was given up waiting for.
    """

    def __init__(self, text: str, *, is_sure: bool = True) -> None:
        super().__init__(text)
        self.is_sure = is_sure


def kept_key(service: str, account: str, key: Secret, aside: str) -> KeptKey:
    """Describe a key that is about to be put into the keychain."""
    salt = secrets.token_hex(16)
    return KeptKey(service, account, fingerprint(key.reveal(), salt), salt, aside)


def fingerprint(value: str, salt: str) -> str:
    """Return what tells a key from another; slow to guess back, since a key may be short."""
    return hashlib.scrypt(value.encode(), salt=bytes.fromhex(salt), n=2**14, r=8, p=1, dklen=32).hex()


def holds(service: str, account: str, key: Secret, machine: Machine) -> Holds:
    """Say what the keychain holds there now, compared with a key. Raises KeychainError."""
    answer = _asked(machine, {"do": "compare", "service": service, "account": account}, key)
    return "same" if answer == "same" else "other" if answer == "other" else "nothing"


def put(kept: KeptKey, key: Secret, machine: Machine) -> None:
    """Put a key there; what stood there before goes under another account. Raises KeychainError."""
    _asked(machine, {"do": "put", "service": kept.service, "account": kept.account, "aside": kept.aside}, key)


def take_back(kept: KeptKey, machine: Machine) -> Taken:
    """Give back what stood there before, as long as our key still stands there. Raises KeychainError."""
    names = ("service", "account", "fingerprint", "salt", "aside")
    answer = _asked(machine, {"do": "take back", **{name: getattr(kept, name) for name in names}})
    known: tuple[Taken, ...] = ("restored", "removed", "gone")
    return next((each for each in known if each == answer), "changed")


def _asked(machine: Machine, order: Mapping[str, str], key: Secret | None = None) -> str:
    if reason := why_none(machine):
        raise KeychainError(f"There is no keychain to ask here: {reason}. {_NO_KEYCHAIN}")
    folder = Path(__file__).parents[2]
    env = {**session_env(machine), "PYTHONPATH": str(folder)}
    message = json.dumps({**order, "platform": machine.platform, **({"key": key.reveal()} if key else {})})
    argv = (sys.executable, "-P", "-m", "wizard.keys.keychain_child")
    try:
        done = subprocess.run(
            argv, env=env, cwd="/", input=message.encode(), capture_output=True, timeout=LIMIT, check=False
        )
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        text = f"The keychain did not answer within {LIMIT:.0f} seconds; it may wait for its password."
        raise KeychainError(f"{text} Unlock it, then try again.", is_sure=False) from None
    except (OSError, ValueError):
        raise KeychainError(
            "The keychain can't be asked: its library does not start. Install the wizard anew."
        ) from None
    if "answer" in answer:
        return str(answer["answer"])
    raise KeychainError(_explained(str(answer["error"]), redact(str(answer["said"]), *((key,) if key else ()))))


def _explained(error: str, said: str) -> str:
    if error == "locked":
        return "The keychain is locked. Sign in to your desktop, or unlock it, then try again."
    if error == "none":
        return f"There is no keychain to ask here: {said.rstrip('.')}. {_NO_KEYCHAIN}"
    return f"The keychain refuses: {said.rstrip('.') or 'it gives no reason'}. Look at it with its own program."

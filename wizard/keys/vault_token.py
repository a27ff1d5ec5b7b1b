"""The token for Vault: the one that is there, or one of a sign-in, which is given back when it has served."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

from wizard.keys.parts import is_key, read_secret_file
from wizard.keys.vault import TOKEN_VARIABLES, Place
from wizard.keys.vault_client import Client
from wizard.machine.model import Machine
from wizard.machine.process import run
from wizard.net.fault import Fault
from wizard.record import dataclass, field
from wizard.secret import Secret

_HELPER_LIMIT: Final = 3.0
"""Seconds the user's token helper may take."""


@dataclass(frozen=True, slots=True)
class Token:
    """The user's token and where it came from: a variable's name, a file or program as people write it, a sign-in.

    `mode` is that of the file it, or what one signs in with, was read from.
    """

    value: Secret = field(repr=False)
    origin: str
    mode: int | None = None
    file: str = ""


class NoTokenError(Exception):
    """There is no token to be had; carries the verdict's name and its facts."""

    def __init__(self, verdict: str, **facts: object) -> None:
        super().__init__(verdict)
        self.verdict = verdict
        self.facts = facts


@contextlib.contextmanager
def a_token(place: Place, machine: Machine) -> Iterator[Token]:
    """Yield the token the helper would use; one of a sign-in is revoked afterwards. Blocks.

    Raises NoTokenError, and Fault when Vault can't be asked to sign in.
    """
    token = obtain_token(place, machine)
    try:
        yield token
    finally:
        give_back(token, place, machine)


def obtain_token(place: Place, machine: Machine) -> Token:
    """Return the token the helper would use, after a sign-in where it does that. Blocks; raises as `a_token`."""
    if place.sign_in.is_unattended:
        return _sign_in(place, machine)
    token = _present_token(place, machine)
    if token is None:
        raise NoTokenError("token-missing", file=_kept_in(place), login=place.login)
    if not is_key(token.value.reveal()):
        raise NoTokenError("token-malformed", origin=token.origin, login=place.login)
    return token


def give_back(token: Token, place: Place, machine: Machine) -> None:
    """Revoke the token of a sign-in of ours; one of the user's own stays. Blocks; a failure is of no account."""
    if place.sign_in.is_unattended:
        with contextlib.suppress(Fault):
            Client(place, machine, token.value).post("auth/token/revoke-self", {})


def _kept_in(place: Place) -> str:
    return place.sign_in.token_helper or "~/.vault-token"


def _present_token(place: Place, machine: Machine) -> Token | None:
    for name in TOKEN_VARIABLES:
        if value := machine.env.get(name):
            return Token(Secret(value), name)
    if place.sign_in.token_helper:
        return _asked_for(place, machine)
    return _of_file(machine)


def _of_file(machine: Machine) -> Token | None:
    path = machine.home / ".vault-token"
    try:
        if not path.is_file():
            return None
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n", 1)
        mode = path.stat().st_mode & 0o777
    except OSError:
        return None
    shown = machine.short(path)
    value = lines[0].strip(" \t")
    return Token(Secret(value), shown, mode, shown) if value else None


def _asked_for(place: Place, machine: Machine) -> Token:
    program = place.sign_in.token_helper
    shown = machine.short(program)
    try:
        done = asyncio.run(run([program, "get"], env=machine.env, cwd=Path("/"), limit=_HELPER_LIMIT))
    except OSError:
        raise NoTokenError("token-helper", program=shown, reason="it can't be started", login=place.login) from None
    if done.timed_out:
        raise NoTokenError("token-helper", program=shown, reason="it does not end", login=place.login)
    value = done.out.decode("utf-8", "replace").rstrip("\n")
    if done.code or not value:
        reason = f"it ends with exit {done.code}" if done.code else "it prints nothing"
        raise NoTokenError("token-helper", program=shown, reason=reason, login=place.login)
    return Token(Secret(value), shown)


def _sign_in(place: Place, machine: Machine) -> Token:
    sign_in = place.sign_in
    credential, mode = _credential(place, machine)
    answer = Client(place, machine).post(f"auth/{quote(sign_in.mount, safe='/')}/login", sign_in.body(credential))
    value = answer.part("auth").get("client_token")
    facts: dict[str, object] = {"method": sign_in.title, "reason": answer.reason, "remedy": sign_in.remedy}
    if isinstance(value, str) and is_key(value) and answer.status == 200:
        warned = mode if sign_in.method == "approle" else None  # a pod's own token is there for all of the pod
        return Token(Secret(value), sign_in.title, warned, machine.short(sign_in.file))
    if answer.part("auth", "mfa_requirement"):
        raise NoTokenError("login-second-factor", **facts)
    raise NoTokenError(_REFUSALS.get(answer.status, "login-odd-answer"), status=answer.status, **facts)


_REFUSALS: Final = {400: "login-refused", 401: "login-refused", 403: "login-refused", 404: "login-no-mount"}


def _credential(place: Place, machine: Machine) -> tuple[str, int]:
    path = Path(place.sign_in.file)
    shown = machine.short(path)
    try:
        content = read_secret_file(path)
        mode = path.stat().st_mode & 0o777
    except OSError as error:
        reason = error.strerror.lower() if error.strerror else "it does not exist" if not path.exists() else str(error)
        raise NoTokenError("login-file", file=shown, reason=reason) from None
    value = content.decode("utf-8", "replace").split("\n", 1)[0].strip(" \t")
    if not is_key(value):
        reason = "it holds a blank or another odd character" if value else "its first line is empty"
        raise NoTokenError("login-file", file=shown, reason=reason)
    return value, mode

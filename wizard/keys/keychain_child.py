"""The process that asks the keychain: one order on stdin, one answer on stdout, both JSON.

Run as `python -m wizard.keys.keychain_child` by `wizard.keys.keychain_access`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Final, Protocol

from wizard.keys.keychain_access import fingerprint
from wizard.machine.memory import keep_private

_ITEMS: Final = 20
"""Items under one name that are taken out before giving up; there is one, or two where two programs stored it."""


class Ring(Protocol):
    """What of a backend of the library keyring is used here."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return a password; None when there is none."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store a password."""

    def delete_password(self, service: str, username: str) -> None:
        """Remove a password."""


def main() -> int:
    """Carry out the order; what goes wrong is an answer, too."""
    keep_private()
    order = json.load(sys.stdin)
    try:
        answer = {"answer": carried_out(order, _ring(order["platform"]))}
    except Exception as error:  # every keychain and every bus has exceptions of its own
        answer = {"error": _kind(error), "said": str(error)}
    json.dump(answer, sys.stdout)
    return 0


def carried_out(order: Mapping[str, str], ring: Ring) -> str:
    """Do what is asked of a keychain and return what it came to."""
    service, account = order["service"], order["account"]
    now = ring.get_password(service, account)
    if order["do"] == "compare":
        return "nothing" if now is None else "same" if now == order["key"] else "other"
    if order["do"] == "put":
        if order["aside"] and now is not None:
            ring.set_password(service, order["aside"], now)
        _clear(ring, service, account)
        ring.set_password(service, account, order["key"])
        return "done"
    return _taken_back(order, ring, now)


def _clear(ring: Ring, service: str, account: str) -> None:
    """Take out what stands there.

    Beside an item that another program stored, keyring 25 puts a second one, and which of the two a look-up finds is
    left to chance (gnome-keyring 42, when both were stored within one second).
    """
    for _ in range(_ITEMS):
        if ring.get_password(service, account) is None:
            return
        ring.delete_password(service, account)


def _taken_back(order: Mapping[str, str], ring: Ring, now: str | None) -> str:
    service, account, aside = order["service"], order["account"], order["aside"]
    if now is not None and fingerprint(now, order["salt"]) != order["fingerprint"]:
        return "changed"
    before = ring.get_password(service, aside) if aside else None
    if before is None and now is None:
        return "gone"
    if before is None:
        ring.delete_password(service, account)
        return "removed"
    ring.set_password(service, account, before)
    ring.delete_password(service, aside)
    return "restored"


def _ring(platform: str) -> Ring:
    """Return the keychain that the key helper reads, whatever keyring's own configuration prefers."""
    if platform == "darwin":
        from keyring.backends import macOS

        return macOS.Keyring()  # type: ignore[no-untyped-call]
    from keyring.backends import SecretService

    return SecretService.Keyring()  # type: ignore[no-untyped-call]


def _kind(error: Exception) -> str:
    from keyring.errors import InitError, KeyringLocked

    if isinstance(error, KeyringLocked):
        return "locked"
    return "none" if isinstance(error, InitError | OSError) else "failed"


if __name__ == "__main__":
    raise SystemExit(main())

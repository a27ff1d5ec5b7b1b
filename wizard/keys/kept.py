"""What the wizard remembers of a key that it put into the keychain: everything but the key."""

from __future__ import annotations

from wizard.record import dataclass


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A key that the wizard put into the keychain.

    `fingerprint` and `salt` tell it from another one without holding it; `aside` is the account under which the
    keychain keeps what stood there before, empty when nothing did.
    """

    service: str
    account: str
    fingerprint: str
    salt: str
    aside: str = ""

    @property
    def place(self) -> str:
        """Where it stands, for a person."""
        return f"service {self.service}, account {self.account}"

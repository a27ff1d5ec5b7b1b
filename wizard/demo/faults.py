"""What the demo can be told to get wrong, each with the place where it shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from wizard.demo.gateway import UNKNOWN_KEY, key_of
from wizard.demo.gateway import Mood as GatewayMood
from wizard.demo.http import Manner
from wizard.demo.key_store import Mood as StoreMood

Certificate = Literal["good", "expired", "other-host", "none"]


class DemoFault(NamedTuple):
    """One thing that is wrong. `row` and `verdict` are the ids of the check that finds it."""

    name: str
    text: str
    row: str
    verdict: str
    gateway: GatewayMood = "well"
    manner: Manner = "prompt"
    certificate: Certificate = "good"
    trusted: bool = True
    root: str = ""
    ahead: int = 0
    key: str = key_of("good")
    store: StoreMood = "well"
    store_manner: Manner = "prompt"

    @property
    def in_store(self) -> bool:
        """Whether it is in the key store."""
        return (self.store, self.store_manner) != ("well", "prompt")


_TLS: Final = "gateway.tls"
_ALIVE: Final = "gateway.alive"
_VAULT: Final = "key.source.server"
_SECRET: Final = "key.source.secret"  # noqa: S105 - the id of a check
_KEY: Final = "key.accepted"
_Fault = DemoFault

FAULTS: Final = (
    _Fault("expired-certificate", "the certificate has expired", _TLS, "tls-expired", certificate="expired"),
    _Fault("untrusted-authority", "nobody knows who signed the certificate", _TLS, "tls-untrusted", trusted=False),
    _Fault(
        "wrong-host-certificate", "the certificate is another host's", _TLS, "tls-hostname", certificate="other-host"
    ),
    _Fault("plain-http", "the port speaks no TLS", _TLS, "https-on-plain", certificate="none"),
    _Fault("server-down", "nothing listens there", "gateway.connect", "refused", manner="absent"),
    _Fault("cut", "connections are cut", _ALIVE, "reset", manner="cuts"),
    _Fault("hangs", "the server says nothing", _ALIVE, "no-answer", manner="hangs"),
    _Fault("slow", "every answer takes two seconds", _ALIVE, "ok-slow", manner="slow"),
    _Fault("clock-skew", "its clock is ten minutes ahead", _ALIVE, "clock-skew", ahead=600),
    _Fault("not-litellm", "another web server answers", _ALIVE, "not-litellm", gateway="not-litellm"),
    _Fault("login-page", "a sign-in page is in the way", _ALIVE, "redirect-login", gateway="sign-in"),
    _Fault("bad-gateway", "a proxy in front finds no LiteLLM", _ALIVE, "upstream-down", gateway="bad-gateway"),
    _Fault("wrong-path", "LiteLLM lives below a path", _ALIVE, "wrong-path", root="/litellm"),
    _Fault("database-down", "its database is down", "gateway.ready", "not-ready", gateway="database-down"),
    _Fault("no-route", "it lacks the anthropic route", "gateway.routes", "route-missing", gateway="no-anthropic"),
    _Fault("vault-down", "nothing listens where Vault should", _VAULT, "vault-refused", store_manner="absent"),
    _Fault("vault-sealed", "Vault is sealed", _VAULT, "vault-sealed", store="sealed"),
    _Fault(
        "vault-token-expired", "the token for Vault has ended", "key.source.token", "token-refused", store="token-ended"
    ),
    _Fault("vault-denied", "the token may not read the secret", _SECRET, "secret-denied", store="denied"),
    _Fault("secret-missing", "no secret is at that path", _SECRET, "secret-missing", store="no-secret"),
    _Fault("secret-deleted", "the secret has been deleted", _SECRET, "secret-deleted", store="deleted"),
    _Fault("wrong-field", "the secret has no such field", _SECRET, "secret-no-field", store="no-field"),
    _Fault("quoted-key", "the key was stored with quotes", "key.shape", "shape-quoted", store="quoted"),
    _Fault("expired-key", "the key has expired", _KEY, "key-expired", key=key_of("expired")),
    _Fault("over-budget", "the key's budget is used up", _KEY, "budget", key=key_of("over-budget")),
    _Fault("blocked-key", "the key is blocked", _KEY, "key-blocked", key=key_of("blocked")),
    _Fault("blocked-team", "the key's team is blocked", _KEY, "key-group-blocked", key=key_of("team-blocked")),
    _Fault("unknown-key", "the gateway does not know the key", _KEY, "key-unknown", key=UNKNOWN_KEY),
    _Fault("rate-limited", "the key has used up its requests", _KEY, "key-limited", key=key_of("limited")),
    _Fault("read-only-key", "the key may not send messages", _KEY, "key-route-denied", key=key_of("read-only")),
    _Fault("no-models", "the key may use no model", _KEY, "key-accepted-no-models", key=key_of("no-models")),
    _Fault("model-down", "the model behind it fails", "key.message", "message-failed", gateway="broken-model"),
)
"""In the order of the tour."""

NO_FAULT: Final = DemoFault("", "everything is well", "", "")
BY_NAME: Final[Mapping[str, DemoFault]] = {each.name: each for each in FAULTS}


def told() -> str:
    """Return the list that `--demo help` prints."""
    width = max(len(each.name) for each in FAULTS)
    return "\n".join(f"  {each.name:{width}}  {each.text}" for each in FAULTS)

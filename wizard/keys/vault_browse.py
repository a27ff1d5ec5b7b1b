"""Looks around in Vault, so that nobody types a path from memory: mounts, folders, secrets, and fields by name only.

A secret's values pass through memory while its fields are named, and are neither kept nor shown.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal
from urllib.parse import quote

from wizard.fields import unsafe
from wizard.keys.backend import Options
from wizard.keys.catalogue import found
from wizard.keys.vault import resolve
from wizard.keys.vault_client import Answer, Client
from wizard.keys.vault_examine import judge_secret
from wizard.keys.vault_faults import LIMIT
from wizard.keys.vault_token import NoTokenError, Token, give_back, obtain_token
from wizard.machine.background import in_daemon_thread
from wizard.machine.model import Machine
from wizard.net.fault import Fault
from wizard.record import dataclass, replace
from wizard.verdict import Verdict
from wizard.words import count

SHOWN: Final = 5000
"""Names shown of one folder."""

_CHECK: Final = "key.source.server"
_NOUNS: Final = {"mount": "mount", "folder": "name", "secret": "name"}
_KV: Final = frozenset({"kv", "generic"})


@dataclass(frozen=True, slots=True)
class Spot:
    """Where one looks: everywhere (`mount` empty), in a folder (`path` empty or ending in /), or at a secret."""

    mount: str = ""
    version: int = 1
    path: str = ""

    @property
    def is_secret(self) -> bool:
        """Whether this is a secret, which has fields."""
        return bool(self.path) and not self.path.endswith("/")

    @property
    def shown(self) -> str:
        """The path as people write it."""
        return f"{self.mount}/{self.path}" if self.mount else ""

    @property
    def above(self) -> Spot | None:
        """The folder this is in; None where there is nothing above."""
        if not self.mount:
            return None
        if not self.path:
            return Spot()
        folder, slash, _ = self.path.rstrip("/").rpartition("/")
        return replace(self, path=folder + slash)


@dataclass(frozen=True, slots=True)
class Name:
    """One row: what it is called, what it is, and where it leads; a field leads nowhere."""

    text: str
    kind: Literal["mount", "folder", "secret", "field"]
    leads_to: Spot | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What is at a spot; or, with no names, the sentences that say why."""

    names: tuple[Name, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Picked:
    """What was picked, by the names of the questions it answers."""

    mount: str
    path: str
    field: str


def what_is_sent(origin: str) -> str:
    """Return what looking around means, as the end of a sentence: it is confirmed before the first look."""
    return f"asks {origin} for names only. Your token goes there."


def said(sight: Sight) -> str:
    """Return what there is to say of a sight with names."""
    kind = sight.names[0].kind
    if kind == "field":
        return "Pick the field that holds the key. Only names are shown."
    return f"{count(len(sight.names), _NOUNS[kind])}. Pick where the key is."


class Browser:
    """Looks around with one token. The caller has made sure that the user confirmed the origin it is sent to."""

    def __init__(self, options: Options, machine: Machine) -> None:
        """Raise AddressError for an address that can't be used."""
        self._place = resolve(options, machine)
        self._machine = machine
        self._token: Token | None = None

    async def look(self, spot: Spot) -> Sight:
        """Return what is there, within 8 seconds; every fault is told in the sight."""
        address = self._place.address
        try:
            async with asyncio.timeout(LIMIT):
                return await in_daemon_thread(lambda: self._look(spot))
        except TimeoutError:
            verdict = found(_CHECK, "vault-timeout", address=address.url, seconds=round(LIMIT))
        except Fault as fault:
            verdict = found(_CHECK, fault.verdict, address=address.url, host=address.host, **fault.facts)
        except NoTokenError as error:
            verdict = found(_CHECK, error.verdict, **error.facts)
        return Sight(trouble=_told(verdict))

    def close(self) -> None:
        """Give the token of a sign-in back; nobody waits for that."""
        token, self._token = self._token, None
        if token is not None and self._place.sign_in.is_unattended:
            threading.Thread(target=give_back, args=(token, self._place, self._machine), daemon=True).start()

    def _look(self, spot: Spot) -> Sight:
        if self._token is None:
            self._token = obtain_token(self._place, self._machine)
        if not spot.mount:
            return self._mounts()
        return self._fields(spot) if spot.is_secret else self._folder(spot)

    def _client(self) -> Client:
        return Client(self._place, self._machine, self._token.value if self._token else None)

    def _mounts(self) -> Sight:
        answer = self._client().get("sys/internal/ui/mounts")
        mounts = answer.part("data", "secret")
        if answer.status == 404:  # a server that does not know this question; its own list needs more rights
            answer = self._client().get("sys/mounts")
            mounts = answer.part("data") or answer.body
        if answer.status != 200:
            return Sight(trouble=_refusal(answer, "its mounts", "Type the mount; whoever runs Vault knows it."))
        names = tuple(_kv_mounts(mounts))
        trouble = "Vault shows this token no KV mount. Check the namespace, or ask for a policy that reads the secret."
        return Sight(names, "" if names else trouble)

    def _folder(self, spot: Spot) -> Sight:
        inner = "metadata/" if spot.version == 2 else ""
        api = f"{spot.mount}/{inner}{spot.path}"
        answer = self._client().list(quote(api, safe="/"))
        keys = answer.part("data").get("keys")
        if answer.status == 404 or (answer.status == 200 and keys == []):
            return Sight(trouble=f"Nothing is below {spot.shown}. Write the key there first, or look elsewhere.")
        if answer.status != 200 or not isinstance(keys, list):
            return Sight(trouble=_refusal(answer, spot.shown, f"Type the path, or ask for list on {api}."))
        return Sight(tuple(_below(spot, keys)))

    def _fields(self, spot: Spot) -> Sight:
        inner = "data/" if spot.version == 2 else ""
        api = f"{spot.mount}/{inner}{spot.path}"
        answer = self._client().get(quote(api, safe="/"))
        fields = answer.part("data", "data") if spot.version == 2 else answer.part("data")
        if answer.status == 200 and fields:
            return Sight(tuple(Name(each, "field") for each in _clean(fields)))
        place = replace(self._place, mount=spot.mount, path=spot.path)
        return Sight(trouble=_told(judge_secret(answer, spot.version, api, place)))


def _told(verdict: Verdict) -> str:
    return f"{verdict.cause} {verdict.fix}"


def _refusal(answer: Answer, what: str, fix: str) -> str:
    if answer.status in (401, 403):
        return f"Vault does not let this token list {what}, or it has ended. {fix}"
    return f"Asked for {what}, Vault answered with status {answer.status}: {answer.reason}. {fix}"


def _kv_mounts(mounts: Mapping[str, Any]) -> Iterator[Name]:
    for name in _clean(mounts):
        about = mounts[name]
        if isinstance(about, Mapping) and about.get("type") in _KV:
            options = about.get("options")
            version = options.get("version") if isinstance(options, Mapping) else None
            yield Name(name, "mount", Spot(name.rstrip("/"), 2 if str(version) == "2" else 1))


def _below(spot: Spot, keys: Iterable[object]) -> Iterator[Name]:
    for name in _clean(keys):
        yield Name(name, "folder" if name.endswith("/") else "secret", replace(spot, path=spot.path + name))


def _clean(names: Iterable[object]) -> list[str]:
    """Return the names that an answer can hold, sorted: others could not be chosen anyway."""
    return sorted(each for each in names if isinstance(each, str) and each.strip("/") and not unsafe(each))[:SHOWN]

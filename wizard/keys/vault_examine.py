"""The live test behind `wizard.keys.vault`: server, token and secret, as the key helper will find them."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from wizard.keys.backend import Report
from wizard.keys.catalogue import found
from wizard.keys.parts import is_key
from wizard.keys.vault import Place
from wizard.keys.vault_client import Answer, Client
from wizard.keys.vault_faults import LIMIT
from wizard.keys.vault_token import NoTokenError, Token, give_back, obtain_token
from wizard.machine.background import in_daemon_thread
from wizard.machine.model import Machine
from wizard.net.fault import Fault
from wizard.secret import redact
from wizard.verdict import Verdict

_SHORT_LIFE: Final = 3600
_LAST_LIMIT: Final = 2.0

_SERVER: Final = "key.source.server"
_TOKEN: Final = "key.source.token"  # noqa: S105 - the id of a check
_SECRET: Final = "key.source.secret"  # noqa: S105


async def examine(place: Place, machine: Machine, report: Report) -> None:
    """Report on server, token and secret, each as soon as it is known; what can't be tried is said to be skipped."""
    steps = _Examination(place, machine)
    try:
        await _report_on(steps, place, report)
    finally:
        await steps.end()


async def _report_on(steps: _Examination, place: Place, report: Report) -> None:
    server = await _timed(steps.server, _SERVER, place)
    report(server)
    if server.status == "fail":
        report(found(_TOKEN, "not-tried", reason="Vault has to answer first."))
        report(found(_SECRET, "not-tried", reason="Vault has to answer first."))
        return
    token = await _timed(steps.token, _TOKEN, place)
    if token.status == "fail" and token.verdict not in _SECRET_DECIDES:
        report(token)
        report(found(_SECRET, "not-tried", reason="it takes a good token."))
        return
    secret = await _timed(steps.secret, _SECRET, place)
    if token.verdict in _SECRET_DECIDES and secret.status == "pass":
        token = found(_TOKEN, "token-unseen", **token.facts).timed(token.ms or 0)
    report(token)
    report(secret)


_SECRET_DECIDES: Final = frozenset({"token-refused", "token-odd-answer"})
"""A token that may not look at itself can still be good for the secret."""


async def _timed(step: Callable[[], Verdict], check: str, place: Place) -> Verdict:
    started = time.monotonic()
    try:
        async with asyncio.timeout(LIMIT):
            verdict = await in_daemon_thread(step)
    except TimeoutError:
        verdict = found(check, "vault-timeout", address=place.address.url, seconds=round(LIMIT))
    except Fault as fault:
        verdict = found(check, fault.verdict, address=place.address.url, host=place.address.host, **fault.facts)
    return verdict.timed((time.monotonic() - started) * 1000)


class _Examination:
    """The three steps, each blocking; they raise Fault when Vault can't be asked at all."""

    def __init__(self, place: Place, machine: Machine) -> None:
        self.place = place
        self.machine = machine
        self.held: Token | None = None

    def server(self) -> Verdict:
        """Judge the state of the server. No token is sent."""
        client = Client(self.place, self.machine)
        answer = client.get("sys/health?standbyok=true&perfstandbyok=true", everywhere=True)
        if answer.status == 404:
            answer = client.get("sys/seal-status", everywhere=True)  # rusty_vault 0.2.1 knows no sys/health
        return _judge_server(answer, self.place)

    def token(self) -> Verdict:
        """Sign in where the helper does, and judge the token by what Vault says of it."""
        try:
            self.held = obtain_token(self.place, self.machine)
        except NoTokenError as error:
            return found(_TOKEN, error.verdict, **error.facts)
        answer = Client(self.place, self.machine, self.held.value).get("auth/token/lookup-self")
        return _judge_token(answer, self.held, self.place, renews="curl" in self.machine.programs)

    def secret(self) -> Verdict:
        """Read the secret as the helper will, and judge what the field holds. The value is not kept."""
        client = Client(self.place, self.machine, self.held.value if self.held else None)
        place = kv_place(client, self.place)
        if isinstance(place, Verdict):
            return place
        version, path = place
        return judge_secret(client.get(quote(path, safe="/")), version, path, self.place)

    async def end(self) -> None:
        """Give the token of a sign-in back; nothing waits for it longer than two seconds."""
        held = self.held
        if held is None or not self.place.sign_in.is_unattended:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_LIMIT):
                await in_daemon_thread(lambda: give_back(held, self.place, self.machine))


def kv_place(client: Client, place: Place) -> tuple[int, str] | Verdict:
    """Return KV version and API path of the secret, found out as the vault program does it."""
    answer = client.get(f"sys/internal/ui/mounts/{quote(place.full_path, safe='/')}")
    if answer.status == 404:
        return 1, place.full_path  # a server too old for this question has KV version 1 only
    if answer.status == 403:
        facts = {"mount": place.mount, "path": place.full_path}
        return found(_SECRET, "secret-mount", **facts)
    mount = answer.part("data").get("path")
    if answer.status != 200 or not isinstance(mount, str):
        return _odd(answer, place)
    mount = mount.rstrip("/")
    if not place.full_path.startswith(f"{mount}/"):
        return _odd(answer, place)
    if str(answer.part("data", "options").get("version") or "1") != "2":
        return 1, place.full_path
    return 2, f"{mount}/data/{place.full_path.removeprefix(f'{mount}/')}"


def _odd(answer: Answer, place: Place) -> Verdict:
    facts = {"path": place.full_path, "status": answer.status, "reason": answer.reason}
    return found(_SECRET, "secret-odd-answer", **facts)


def _judge_server(answer: Answer, place: Place) -> Verdict:
    body = answer.body
    facts: dict[str, object] = {"address": place.address.url, "status": answer.status}
    sealed, version = body.get("sealed"), body.get("version")
    facts["version"] = redact(version, limit=40) if isinstance(version, str) and version else "not told"
    if 300 <= answer.status < 400:
        return found(_SERVER, "vault-redirect", **facts)
    if answer.status == 400 and place.address.scheme == "http" and "https" in answer.start.lower():
        return found(_SERVER, "vault-speaks-tls", **facts)
    if not isinstance(sealed, bool):
        return found(_SERVER, "vault-not-vault", **facts)
    if body.get("initialized") is False:
        return found(_SERVER, "vault-uninitialised", **facts)
    if sealed:
        return found(_SERVER, "vault-sealed", **facts)
    if body.get("replication_dr_mode") == "secondary":
        return found(_SERVER, "vault-secondary", **facts)
    return found(_SERVER, "vault-standby" if body.get("standby") is True else "vault-active", **facts)


def _judge_token(answer: Answer, token: Token, place: Place, *, renews: bool) -> Verdict:
    """Judge a token by what Vault says of it; `renews` says that the helper has what it takes to renew one."""
    data = answer.part("data")
    ttl, policies = data.get("ttl"), data.get("policies")
    facts: dict[str, object] = {"origin": token.origin, "login": place.login}
    if answer.status in (400, 401, 403):
        return found(_TOKEN, "token-refused", **facts)
    if answer.status != 200 or not isinstance(ttl, int) or isinstance(ttl, bool):
        return found(_TOKEN, "token-odd-answer", status=answer.status, reason=answer.reason, **facts)
    named = [each for each in policies if isinstance(each, str)] if isinstance(policies, list) else []
    renewable = data.get("renewable") is True
    whole = data.get("creation_ttl")
    if isinstance(whole, int) and whole > 0 and not place.sign_in.is_unattended:
        facts["creation_ttl_seconds"] = whole
    facts |= {"ttl_seconds": ttl, "renewable": renewable, "policies": redact(", ".join(named)) or "none"}
    facts["life"] = f"lives {_span(ttl)} more{' (renewable)' if renewable else ''}" if ttl else "has no end"
    if 0 < ttl < _SHORT_LIFE and not place.sign_in.is_unattended:
        verdict = "token-short-renewed" if renewable and renews else "token-short"
        return found(_TOKEN, verdict, left=_span(ttl), **facts)
    if "root" in named:
        return found(_TOKEN, "token-root", **facts)
    if token.mode is not None and token.mode & 0o077:
        return found(_TOKEN, "token-file-wide", file=token.file, mode=f"{token.mode:04o}", **facts)
    return found(_TOKEN, "token-good", **facts)


def _span(seconds: int) -> str:
    for size, word in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {word}"
    return f"{seconds} seconds"


def judge_secret(answer: Answer, version: int, api_path: str, place: Place) -> Verdict:
    """Judge what Vault answered to the read of a secret by KV version and API path."""
    facts: dict[str, object] = {"path": place.full_path, "field": place.field, "version": version}
    if answer.status == 403:
        return found(_SECRET, "secret-denied", policy_path=api_path, **facts)
    metadata = answer.part("data", "metadata") if version == 2 else {}
    if metadata.get("destroyed") is True:
        return found(_SECRET, "secret-destroyed", **facts)
    if metadata.get("deletion_time") and answer.status == 404:  # else it stands for a deletion to come
        return found(_SECRET, "secret-deleted", **facts)
    if answer.status == 404 and "no handler for route" in answer.reason:
        return found(_SECRET, "secret-no-mount", mount=place.mount, **facts)
    if answer.status == 404:
        return found(_SECRET, "secret-missing", **facts)
    fields = answer.part("data", "data") if version == 2 else answer.part("data")
    if answer.status != 200 or not fields:
        return _odd(answer, place)
    if lease := _lease(answer, version, fields):
        facts["lease_seconds"] = lease
    return _judge_field(fields, place.field, facts)


def _lease(answer: Answer, version: int, fields: Mapping[str, Any]) -> int | None:
    """Return how long Vault says that the secret lives, in seconds; None where it says nothing of its own.

    KV version 1 tells a lease with every secret, which means something only when a `ttl` was written into it. In
    version 2 `delete_version_after` sets the hour at which a version goes.
    """
    if version == 1:
        lease = answer.body.get("lease_duration")
        told = isinstance(lease, int) and not isinstance(lease, bool) and lease > 0
        return lease if told and ("ttl" in fields or "lease" in fields) else None
    metadata = answer.part("data", "metadata")
    made, goes = _instant(metadata.get("created_time")), _instant(metadata.get("deletion_time"))
    return int(goes - made) if made and goes and goes > made else None


def _instant(value: object) -> float | None:
    """Return a time of Vault's in seconds; its nanoseconds are more than Python 3.11 may read."""
    from datetime import datetime

    try:
        return datetime.fromisoformat(re.sub(r"\.\d+", "", str(value))).timestamp()
    except ValueError:
        return None


def _judge_field(fields: Mapping[str, Any], name: str, facts: Mapping[str, object]) -> Verdict:
    if name not in fields:
        return found(_SECRET, "secret-no-field", fields=redact(", ".join(sorted(map(str, fields)))), **facts)
    value = fields[name]
    if not isinstance(value, str):
        kinds = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a table"}
        return found(_SECRET, "secret-not-text", kind=kinds.get(type(value), "nothing"), **facts)
    if not value:
        return found(_SECRET, "secret-empty", **facts)
    if not is_key(value):
        return found(_SECRET, "secret-not-a-key", **facts)
    return found(_SECRET, "secret-found", characters=len(value), **facts)

"""The wizard's own way to a secret in Vault: the live test behind `wizard.keys.vault`.

hvac is used below its Client, whose answers can't be trusted as they are (2.4.0): it follows redirects with the token,
calls a sign-in page "authenticated", ignores VAULT_NAMESPACE and sends ~/.netrc. Here every answer's type is checked.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from wizard.keys.backend import Report
from wizard.keys.catalogue import found
from wizard.keys.parts import is_key
from wizard.keys.vault import TOKEN_VARIABLES, Place
from wizard.keys.vault_faults import LIMIT, fault_of, proxy_variable
from wizard.machine.background import in_daemon_thread
from wizard.machine.model import Machine
from wizard.net.fault import Fault
from wizard.net.trust import Named, Trust
from wizard.secret import Secret, redact
from wizard.verdict import Verdict

if TYPE_CHECKING:
    import requests
    from hvac.adapters import RawAdapter

T = TypeVar("T")

_CONNECT_LIMIT: Final = 3.0
_READ_LIMIT: Final = 5.0
_BODY_CAP: Final = 256 * 1024
_SHORT_LIFE: Final = 3600

_SERVER: Final = "key.source.server"
_TOKEN: Final = "key.source.token"  # noqa: S105 - the id of a check
_SECRET: Final = "key.source.secret"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Answer:
    """What Vault answered: the status, and the JSON object of the body (empty when it was none)."""

    status: int
    body: Mapping[str, Any] = field(repr=False)
    start: str = field(default="", repr=False)
    """The first characters of a body that is no JSON object."""

    def part(self, *names: str) -> Mapping[str, Any]:
        """Return an object inside the body, empty when there is none."""
        inner: object = self.body
        for name in names:
            inner = inner.get(name) if isinstance(inner, Mapping) else None
        return inner if isinstance(inner, Mapping) else {}

    @property
    def reason(self) -> str:
        """What Vault says is wrong, fit to show."""
        errors = self.body.get("errors")
        said = errors if isinstance(errors, list) else [self.body.get("error", "")]
        return redact("; ".join(each for each in said if isinstance(each, str))) or "it gives no reason"


@dataclass(frozen=True, slots=True)
class Token:
    """The user's token and where it came from: a variable's name, or the file as people write it."""

    value: Secret = field(repr=False)
    origin: str
    mode: int | None = None


def find_token(machine: Machine) -> Token | None:
    """Return the token the helper would use: from the environment, else from ~/.vault-token. Raises OSError."""
    for name in TOKEN_VARIABLES:
        if value := machine.env.get(name):
            return Token(Secret(value), name)
    path = machine.home / ".vault-token"
    if not path.is_file():
        return None
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n", 1)
    value = lines[0].strip(" \t")
    return Token(Secret(value), machine.short(path), path.stat().st_mode & 0o777) if value else None


async def examine(place: Place, machine: Machine, report: Report) -> None:
    """Report on server, token and secret, each as soon as it is known; what can't be tried is said to be skipped."""
    steps = _Examination(place, machine)
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

    def server(self) -> Verdict:
        """Judge the state of the server. No token is sent."""
        client = Client(self.place, self.machine)
        answer = client.get("sys/health?standbyok=true&perfstandbyok=true", everywhere=True)
        if answer.status == 404:
            answer = client.get("sys/seal-status", everywhere=True)  # rusty_vault 0.2.1 knows no sys/health
        return _judge_server(answer, self.place)

    def token(self) -> Verdict:
        """Judge the token by what Vault says of it."""
        login = self.place.login
        try:
            token = find_token(self.machine)
        except OSError:
            token = None
        if token is None:
            return found(_TOKEN, "token-missing", file="~/.vault-token", login=login)
        if not is_key(token.value.reveal()):
            return found(_TOKEN, "token-malformed", origin=token.origin, login=login)
        answer = Client(self.place, self.machine, token.value).get("auth/token/lookup-self")
        return _judge_token(answer, token, self.place)

    def secret(self) -> Verdict:
        """Read the secret as the helper will, and judge what the field holds. The value is not kept."""
        token = find_token(self.machine)
        client = Client(self.place, self.machine, token.value if token else None)
        place = _kv_place(client, self.place)
        if isinstance(place, Verdict):
            return place
        version, path = place
        return _judge_secret(client.get(quote(path, safe="/")), version, path, self.place)


def _kv_place(client: Client, place: Place) -> tuple[int, str] | Verdict:
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


def _judge_token(answer: Answer, token: Token, place: Place) -> Verdict:
    data = answer.part("data")
    ttl, policies = data.get("ttl"), data.get("policies")
    facts: dict[str, object] = {"origin": token.origin, "login": place.login}
    if answer.status in (400, 401, 403):
        return found(_TOKEN, "token-refused", **facts)
    if answer.status != 200 or not isinstance(ttl, int) or isinstance(ttl, bool):
        return found(_TOKEN, "token-odd-answer", status=answer.status, reason=answer.reason, **facts)
    facts |= {"ttl_seconds": ttl, "renewable": data.get("renewable") is True}
    facts["life"] = f"lives {_span(ttl)} more" if ttl else "has no end"
    if 0 < ttl < _SHORT_LIFE:
        return found(_TOKEN, "token-short", left=_span(ttl), **facts)
    if isinstance(policies, list) and "root" in policies:
        return found(_TOKEN, "token-root", **facts)
    if token.mode is not None and token.mode & 0o077:
        return found(_TOKEN, "token-file-wide", file=token.origin, mode=f"{token.mode:04o}", **facts)
    return found(_TOKEN, "token-good", **facts)


def _span(seconds: int) -> str:
    for size, word in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {word}"
    return f"{seconds} seconds"


def _judge_secret(answer: Answer, version: int, api_path: str, place: Place) -> Verdict:
    facts: dict[str, object] = {"path": place.full_path, "field": place.field, "version": version}
    if answer.status == 403:
        return found(_SECRET, "secret-denied", policy_path=api_path, **facts)
    metadata = answer.part("data", "metadata") if version == 2 else {}
    if metadata.get("destroyed") is True:
        return found(_SECRET, "secret-destroyed", **facts)
    if metadata.get("deletion_time"):
        return found(_SECRET, "secret-deleted", **facts)
    if answer.status == 404 and "no handler for route" in answer.reason:
        return found(_SECRET, "secret-no-mount", mount=place.mount, **facts)
    if answer.status == 404:
        return found(_SECRET, "secret-missing", **facts)
    fields = answer.part("data", "data") if version == 2 else answer.part("data")
    if answer.status != 200 or not fields:
        return _odd(answer, place)
    return _judge_field(fields, place.field, facts)


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


class Client:
    """GET requests to one Vault: bounded, never redirected, trusting what the helper will trust.

    A token given here is sent to that address only; the caller has made sure that the user confirmed it. Blocks.
    """

    def __init__(self, place: Place, machine: Machine, token: Secret | None = None) -> None:
        self._place = place
        self._token = token
        self._proxy = proxy_variable(place.address, machine.env)
        self._session = _session(place, self._proxy[1])

    def get(self, path: str, *, everywhere: bool = False) -> Answer:
        """Ask for an API path, already quoted; `everywhere` for paths outside namespaces. Raises Fault."""
        import requests
        import urllib3

        adapter = self._adapter(None if everywhere else self._place.namespace or None)
        started = time.monotonic()
        try:
            with adapter.get(f"v1/{path}", stream=True) as response:
                content = _content(response, started)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise fault_of(error, self._proxy) from None
        finally:
            self._session.close()  # a kept one, once dropped by the server, would spoil the next answer
        body = _json_object(content)
        return Answer(response.status_code, body, "" if body else content[:400].decode("utf-8", "replace"))

    def _adapter(self, namespace: str | None) -> RawAdapter:
        from hvac.adapters import RawAdapter

        return RawAdapter(
            base_uri=self._place.address.url,
            token=self._token.reveal() if self._token else None,
            timeout=(_CONNECT_LIMIT, _READ_LIMIT),
            allow_redirects=False,
            session=self._session,
            namespace=namespace,
            ignore_exceptions=True,
        )


def _content(response: requests.Response, started: float) -> bytes:
    """Return the body as it came: never decompressed, and nothing of one that is too long or encoded."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        return b""
    kept = bytearray()
    for chunk in response.raw.stream(16384, decode_content=False):
        kept += chunk
        if time.monotonic() - started > LIMIT:
            raise Fault("vault-timeout", seconds=round(LIMIT))
        if len(kept) > _BODY_CAP:
            return b""
    return bytes(kept)


def _json_object(content: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _session(place: Place, proxy: str) -> requests.Session:
    import requests
    from requests.adapters import HTTPAdapter

    context = _trust(place)

    class Trusting(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - requests' own signature
            super().init_poolmanager(*args, ssl_context=context, **options)

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:  # noqa: ANN401
            return super().proxy_manager_for(proxy, ssl_context=context, **options)

    class Staying(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> None:
            """Return None: requests would read all of a redirect's body, however long, to prepare what follows."""

    session = Staying()
    session.trust_env = False  # no ~/.netrc, no surprise from variables
    session.verify = place.ca_file or True
    session.headers["Accept-Encoding"] = "identity"
    if proxy:
        session.proxies = {"https": proxy}
    session.mount("https://", Trusting())
    return session


def _trust(place: Place) -> ssl.SSLContext | None:
    if place.address.scheme != "https":
        return None
    if not place.ca_file:
        return Trust().context()
    from pathlib import Path

    try:
        named = Named(Path(place.ca_file), "key.vault.ca_file")
        return Trust(bundled=False, system=False, extra=named).context()
    except Fault as fault:
        reason = fault.facts.get("reason", "it does not exist")
        raise Fault("vault-ca-file", file=place.ca_file, reason=reason) from None

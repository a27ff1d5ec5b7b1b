"""The wizard's own way to Vault: one bounded request at a time, whatever answers there.

hvac is used below its Client, whose answers can't be trusted as they are (2.4.0): it follows redirects with the token,
calls a sign-in page "authenticated", ignores VAULT_NAMESPACE and sends ~/.netrc. Here every answer's type is checked.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wizard.keys.vault import Place
from wizard.keys.vault_faults import LIMIT, fault_of, proxy_variable
from wizard.machine.model import Machine
from wizard.net.fault import Fault
from wizard.net.foreign_json import read_json
from wizard.net.trust import Named, Trust
from wizard.record import dataclass, field
from wizard.secret import Secret, redact

if TYPE_CHECKING:
    import requests
    from hvac.adapters import RawAdapter

_CONNECT_LIMIT: Final = 3.0
_READ_LIMIT: Final = 5.0
_BODY_CAP: Final = 256 * 1024


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


class Client:
    """Requests to one Vault: bounded, never redirected, trusting what the helper will trust.

    A token given here is sent to that address only; the caller has made sure that the user confirmed it. Blocks.
    """

    def __init__(self, place: Place, machine: Machine, token: Secret | None = None) -> None:
        self._place = place
        self._token = token
        self._proxy = proxy_variable(place.address, machine.env)
        self._session = _session(place, self._proxy[1])

    def get(self, path: str, *, everywhere: bool = False) -> Answer:
        """Ask for an API path, already quoted; `everywhere` for paths outside namespaces. Raises Fault."""
        return self._ask("get", path, None, None if everywhere else self._place.namespace or None)

    def list(self, path: str) -> Answer:
        """Ask for the names below an API path, already quoted. Raises Fault.

        Some proxies let only GET through; the query keeps hvac from taking the slash away, which RustyVault needs.
        """
        asked = f"{path.rstrip('/')}/?list=true"
        answer = self._ask("list", asked, None, self._place.namespace or None)
        return self.get(asked) if answer.status in (405, 501) else answer

    def post(self, path: str, body: Mapping[str, str]) -> Answer:
        """Send an object to an API path, already quoted. Raises Fault."""
        return self._ask("post", path, body, self._place.namespace or None)

    def _ask(self, method: str, path: str, body: Mapping[str, str] | None, namespace: str | None) -> Answer:
        import requests
        import urllib3

        adapter = self._adapter(namespace)
        started = time.monotonic()
        sent = {} if body is None else {"json": dict(body)}
        try:
            with adapter.request(method, f"v1/{path}", stream=True, **sent) as response:
                content = _content(response, started)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise fault_of(error, self._proxy) from None
        finally:
            self._session.close()  # a kept one, once dropped by the server, would spoil the next answer
        found = _json_object(content)
        return Answer(response.status_code, found, "" if found else content[:400].decode("utf-8", "replace"))

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
    body = read_json(content)
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
    certificate, key = (Path(each) if each else None for each in (place.client_cert, place.client_key))
    extra = Named(Path(place.ca_file), "key.vault.ca_file") if place.ca_file else None
    trust = Trust(bundled=not extra, system=not extra, extra=extra, client_cert=certificate, client_key=key)
    try:
        return trust.context()
    except Fault as fault:
        reason = fault.facts.get("reason", "it does not exist")
        if fault.verdict == "tls-client-cert-unusable":
            raise Fault("vault-client-file", file=fault.facts.get("file", place.client_cert), reason=reason) from None
        raise Fault("vault-ca-file", file=place.ca_file, reason=reason) from None

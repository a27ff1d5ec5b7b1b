"""What an HTTP answer is, when it is not the one LiteLLM gives."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urljoin, urlsplit

from wizard.net.address import Address
from wizard.net.fault import Fault
from wizard.net.http import Response, Server
from wizard.pattern import pattern
from wizard.secret import redact

_MARKUP: Final = 64 * 1024
"""How much of a page is searched for its title."""

_TITLE: Final = pattern(r"<title[^<>]{0,200}>([^<]{0,400})", re.IGNORECASE)
_PASSWORD: Final = pattern(r"type\s?=\s?[\"']?password", re.IGNORECASE)
_SIGN_IN: Final = pattern(r"log-?in|sign-?in|sso|oauth|openid|saml|auth|\.html?\b|portal", re.IGNORECASE)
_REFUSED: Final = (401, 403, 407, 451)
_MEANING: Final = {
    421: ", it is not responsible for that name",
    426: ", it wants another protocol",
    431: ", it finds the request too long",
}


def unexpected(server: Server, response: Response) -> Fault:
    """Name an answer to a key-less question that LiteLLM would have answered otherwise."""
    status = response.status
    if status in (301, 302, 303, 307, 308):
        return _redirect(server.address, response)
    if status == 400 and server.address.scheme == "http" and _TLS_PORT.search(response.text[:4000]):
        return Fault("http-on-tls", status=status)
    if status in _NO_CERTIFICATE and server.address.scheme == "https" and _MUTUAL.search(response.text[:4000]):
        return Fault("tls-client-cert", status=status)
    if server.proxy and server.forwards and status in (403, 502, 503, 504) and not is_json(response):
        return Fault("proxy-refuses", where=server.proxy.where, proxy=server.proxy.shown, status=status)
    return _by_status(server, response)


_NO_CERTIFICATE: Final = (400, 403, 495, 496)
_MUTUAL: Final = pattern(
    r"no required ssl certificate was sent|the ssl certificate error|client certificate (?:is )?required", re.IGNORECASE
)
"""How nginx and IIS ask for a client certificate: after a handshake that went well."""

_TLS_PORT: Final = pattern(r"https|ssl-enabled|\btls\b", re.IGNORECASE)


def _by_status(server: Server, response: Response) -> Fault:
    status, software = response.status, _software(response)
    if status == 511:
        return Fault("redirect-login", status=status, target="the network itself asks for it", **software)
    if status in _REFUSED:
        scheme = response.headers.get("www-authenticate", "").split(" ")[0]
        return Fault("forbidden", status=status, asks=redact(scheme, limit=20) or None, **software)
    if status == 404:
        return Fault("wrong-path", status=status, advice=path_advice(server.address), **software)
    if status == 429:
        return Fault("limited", status=status, retry_after=retry_after(response), **software)
    if status == 503 and (state := not_ready(response)):
        return Fault("not-ready", status=status, state=state, **software)
    if status >= 500:
        return Fault("upstream-down", status=status, **software)
    return Fault("not-litellm", status=status, seen=describe(response), **software)


def path_advice(address: Address) -> str:
    """Say what to do about a path at which no LiteLLM answers."""
    if address.path:
        return "Check the path: it ends before /v1 and /bedrock, and is often empty."
    return f"Check host and port; a gateway that lives below a path needs it, as in {address.url}/litellm."


def retry_after(response: Response) -> int | None:
    """Return the seconds after which the server wants to be asked again, None when it names none."""
    said = response.headers.get("retry-after", "").strip()
    return int(said) if re.fullmatch(r"[0-9]{1,6}", said) else None


def not_ready(response: Response) -> str:
    """Return what a LiteLLM that answers 503 says of itself, empty when that is not LiteLLM's answer.

    1.106.2 says `{"status":"healthy","db":"disconnected"}`, `{"status":"shutting_down"}` and `{"detail":…}`.
    """
    state = response.json()
    return readiness(state) if isinstance(state, Mapping) and {"status", "db", "detail"} & state.keys() else ""


_HEALTHY: Final = ("healthy", "connected", "ok")


def database(response: Response) -> Fault:
    """Name what a 200 from /health/readiness says, well or not.

    LiteLLM says "Not connected" when it has no database at all, and "disconnected" or "stalled" of a broken one.
    """
    state = response.json()
    if not isinstance(state, Mapping) or not {"status", "db"} & state.keys():
        return Fault("not-litellm", status=response.status, seen=describe(response))
    if str(state.get("status", "ok")).lower() not in _HEALTHY:
        return Fault("not-ready", status=response.status, state=readiness(state))
    told = state.get("db")
    if told is None or told == "Not connected":
        return Fault("database-unused", state=readiness(state))
    if not isinstance(told, str):
        return Fault("not-litellm", status=response.status, seen=describe(response))
    return Fault("database-connected" if told == "connected" else "database-down", state=readiness(state))


def readiness(state: Mapping[object, object]) -> str:
    """Put the answer of /health/readiness into words."""
    detail = state.get("detail")
    inner = detail if isinstance(detail, Mapping) else state
    database = inner.get("db")
    if isinstance(database, str) and database != "connected":
        return f"its database is {redact(database.lower(), limit=60)}"
    reason = inner.get("error") or detail or inner.get("status")
    return redact(str(reason or "it does not say why")[:400].replace("_", " "), limit=100)


def _software(response: Response) -> dict[str, object]:
    """Return what the server calls itself, which tells whoever runs it where the answer came from."""
    name = redact(response.headers.get("server", ""), limit=40)
    return {"software": name} if name else {}


def is_json(response: Response) -> bool:
    """Whether the body is JSON, of any kind."""
    return response.json() is not None


def describe(response: Response) -> str:
    """Say in a few words what an answer is, its own words made harmless."""
    if response.status != 200:
        return f"HTTP {response.status}{_MEANING.get(response.status, '')}"
    if not response.body.strip():
        return "an empty answer"
    if is_json(response):
        return "JSON of another kind"
    page = response.text[:_MARKUP]
    if found := _TITLE.search(page):
        title = redact(html.unescape(found[1]), limit=60)
        kind = "a sign-in page" if _PASSWORD.search(page) or _SIGN_IN.search(title) else "a web page"
        return f'{kind} called "{title}"' if title else kind
    if _PASSWORD.search(page):
        return "a sign-in page"
    looks_like_html = page.lstrip()[:1] == "<" or "html" in response.headers.get("content-type", "")
    return "a web page" if looks_like_html else "something that is not JSON"


def is_page(response: Response) -> bool:
    """Whether the answer is for a person and not for a program."""
    return response.text[:_MARKUP].lstrip()[:1] == "<"


def version(answer: Response | Fault) -> str:
    """Return the version that /health/readiness tells (1.83.0 and older do), empty when it does not."""
    state = answer.json() if isinstance(answer, Response) else None
    told = state.get("litellm_version") if isinstance(state, Mapping) else None
    return redact(told, limit=20) if isinstance(told, str) else ""


def clock_skew(headers: Mapping[str, str]) -> float:
    """Return by how many seconds the server's clock is ahead of ours; 0 when it does not tell."""
    try:
        there = parsedate_to_datetime(headers["date"][:64])
        return (there.replace(tzinfo=there.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (KeyError, ValueError, TypeError, OverflowError, IndexError):
        return 0.0


def _redirect(asked: Address, response: Response) -> Fault:
    location = response.headers.get("location", "").strip()[:2000]
    status = response.status
    try:
        parts = urlsplit(urljoin(asked.url + "/", location))
        host, scheme, port = (parts.hostname or "").lower(), parts.scheme, parts.port
    except ValueError:
        return Fault("redirect-other", status=status, target="an unreadable address", advice=_ELSEWHERE)
    if not location:
        return Fault("redirect-other", status=status, target="nowhere", advice=_ELSEWHERE)
    target = redact(f"{scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}", limit=100)
    elsewhere = "" if host == asked.host else host
    if _SIGN_IN.search(f"{elsewhere}{parts.path}"):
        return Fault("redirect-login", status=status, target=target)
    if asked.scheme == "http" and scheme == "https" and host == asked.host:
        secure = redact(Address("https", host, port or 443, asked.path).url, limit=100)
        return Fault("redirect-https", status=status, target=secure)
    downgrade = asked.scheme == "https" and scheme == "http"
    return Fault("redirect-other", status=status, target=target, advice=_DOWNGRADE if downgrade else _ELSEWHERE)


_ELSEWHERE: Final = "Check the URL; if that is the gateway, use its address instead."
_DOWNGRADE: Final = "Do not use that http address, the key would travel unencrypted: tell whoever runs the gateway."

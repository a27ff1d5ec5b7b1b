"""What an HTTP answer is, when it is not the one LiteLLM gives."""

from __future__ import annotations

import html
import re
from typing import Final
from urllib.parse import urljoin, urlsplit

from wizard.net.address import Address
from wizard.net.fault import Fault
from wizard.net.http import Response, Server
from wizard.secret import redact

_TITLE: Final = re.compile(r"<title[^>]*>([^<]{0,400})", re.IGNORECASE)
_SIGN_IN: Final = re.compile(r"log-?in|sign-?in|sso|oauth|openid|saml|auth|\.html?\b|portal", re.IGNORECASE)


def unexpected(server: Server, response: Response) -> Fault:
    """Name an answer to a key-less question that LiteLLM would have answered otherwise."""
    status = response.status
    if status in (301, 302, 303, 307, 308):
        return _redirect(server.address, response)
    if status == 400 and server.address.scheme == "http" and "https" in response.text[:1000].lower():
        return Fault("http-on-tls")
    if server.proxy and server.forwards and status in (403, 502, 503, 504) and not is_json(response):
        return Fault("proxy-refuses", where=server.proxy.where, proxy=server.proxy.shown, status=status)
    if status in (401, 403, 407):
        return Fault("forbidden", status=status)
    if status == 404:
        return Fault("wrong-path", status=status)
    if status == 429:
        return Fault("limited", status=status)
    if status >= 500:
        return Fault("upstream-down", status=status)
    return Fault("not-litellm", status=status, seen=describe(response))


def is_json(response: Response) -> bool:
    """Whether the body is JSON, of any kind."""
    return response.json() is not None


def describe(response: Response) -> str:
    """Say in a few words what an answer is, its own words made harmless."""
    if response.status != 200:
        return f"HTTP {response.status}"
    if not response.body.strip():
        return "an empty answer"
    if is_json(response):
        return "JSON of another kind"
    if found := _TITLE.search(response.text):
        title = redact(html.unescape(found[1]), limit=60)
        return f'a web page called "{title}"' if title else "a web page"
    looks_like_html = response.text.lstrip()[:1] == "<" or "html" in response.headers.get("content-type", "")
    return "a web page" if looks_like_html else "something that is not JSON"


def _redirect(asked: Address, response: Response) -> Fault:
    location = response.headers.get("location", "")
    try:
        parts = urlsplit(urljoin(asked.url + "/", location))
        host, scheme = (parts.hostname or "").lower(), parts.scheme
    except ValueError:
        return Fault("redirect-other", status=response.status, target="an unreadable address")
    target = redact(f"{scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}", limit=100)
    if not location:
        return Fault("redirect-other", status=response.status, target="nowhere")
    elsewhere = "" if host == asked.host else host
    if _SIGN_IN.search(f"{elsewhere}{parts.path}"):
        verdict = "redirect-login"
    elif asked.scheme == "http" and scheme == "https" and host == asked.host:
        verdict = "redirect-https"
        target = redact(f"https://{parts.netloc.rpartition('@')[2]}{asked.path}", limit=100)
    else:
        verdict = "redirect-other"
    return Fault(verdict, status=response.status, target=target)

"""What goes wrong on the way to Vault, and which proxy stands on it: exceptions of requests become verdicts."""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Final

from wizard.net.address import Address
from wizard.net.fault import Fault
from wizard.net.tcp import service_of
from wizard.net.tls import classify

LIMIT: Final = 8.0
"""Seconds one request may take in all."""


def proxy_for(address: Address, env: Mapping[str, str]) -> str:
    """Return the proxy that curl and the vault program use for an address, empty for none.

    Only an https address goes through one, so that the proxy never sees the token; loopback never does.
    """
    return proxy_variable(address, env)[1]


def proxy_variable(address: Address, env: Mapping[str, str]) -> tuple[str, str]:
    """Return the variable that names the proxy for an address, and its value; both empty for none."""
    if address.scheme != "https" or address.is_loopback:
        return "", ""
    hidden = env.get("no_proxy") or env.get("NO_PROXY") or ""
    if any(_covers(pattern, address.host) for pattern in hidden.replace(",", " ").lower().split()):
        return "", ""
    return next(((name, env[name]) for name in ("https_proxy", "HTTPS_PROXY") if env.get(name)), ("", ""))


def _covers(pattern: str, host: str) -> bool:
    if pattern == "*" or host == pattern.lstrip(".") or host.endswith("." + pattern.lstrip(".")):
        return True
    try:
        return "/" in pattern and ipaddress.ip_address(host) in ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return False


def fault_of(error: Exception, proxy: tuple[str, str] = ("", "")) -> Fault:
    """Name what went wrong on the way, from the exceptions that requests wraps; `proxy` is its variable and value."""
    import requests

    chain = list(_causes(error))
    if _of_proxy(error, proxy[0]):
        return Fault("vault-proxy", variable=proxy[0] or "HTTPS_PROXY", reason=_proxy_reason(error))
    for each in chain:
        if isinstance(each, ssl.SSLError):
            return _tls_fault(each)
        if isinstance(each, socket.gaierror):
            return Fault("vault-unknown-name")
        if isinstance(each, ConnectionRefusedError):
            return Fault("vault-refused")
        if isinstance(each, ConnectionResetError | BrokenPipeError | http.client.IncompleteRead):
            return Fault("vault-cut")  # RemoteDisconnected is one too
        if isinstance(each, http.client.BadStatusLine):
            return Fault("vault-not-http", service=service_of(str(each).encode("latin-1", "replace")))
        if isinstance(each, http.client.HTTPException):
            return Fault("vault-not-http", service="something that breaks the rules of HTTP")
    if isinstance(error, requests.Timeout) or any(isinstance(each, TimeoutError) for each in chain):
        return Fault("vault-timeout", seconds=round(LIMIT))
    return Fault("vault-unreachable", reason=re.sub(r"(?<!^)([A-Z])", r" \1", type(error).__name__).lower())


def _tls_fault(error: ssl.SSLError) -> Fault:
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return Fault("vault-cut")
    fault = classify(error, b"")
    reason = str(fault.facts.get("reason") or "") or "it can't be verified"
    return Fault(_TLS.get(fault.verdict, "vault-tls-failed"), reason=reason)


_TLS: Final[Mapping[str, str]] = {
    "tls-untrusted": "vault-tls",
    "tls-expired": "vault-tls-expired",
    "tls-not-yet": "vault-tls-not-yet",
    "tls-hostname": "vault-tls-hostname",
    "tls-client-cert": "vault-client-cert",
    "https-on-plain": "vault-plain-http",
}


def _of_proxy(error: Exception, variable: str) -> bool:
    """Say whether the proxy is the one to name: what is not TLS's fault happens before the tunnel stands."""
    import requests

    wrong = requests.exceptions.ProxyError | requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema
    if not variable:
        return isinstance(error, requests.exceptions.ProxyError)
    early = (http.client.HTTPException, ConnectionError, socket.gaierror)
    return isinstance(error, wrong) or any(isinstance(each, early) for each in _causes(error))


def _proxy_reason(error: Exception) -> str:
    told = re.search(r"Tunnel connection failed: (\d{3})", str(error))
    if told and told[1] == "407":
        return "it wants a user name and a password (HTTP 407)"
    if told:
        return f"it answers HTTP {told[1]}"
    refused = any(isinstance(each, ConnectionRefusedError) for each in _causes(error))
    return "nothing listens there" if refused else "it can't be reached, or is no http proxy"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    for _ in range(16):
        if seen is None:
            return
        yield seen
        inner = seen.args[0] if seen.args else None  # urllib3 wraps some without saying what caused them
        seen = seen.__cause__ or seen.__context__ or (inner if isinstance(inner, BaseException) else None)

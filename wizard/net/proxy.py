"""The HTTP proxy between here and a server, chosen as Claude Code chooses it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from wizard.net.address import Address
from wizard.net.fault import Fault
from wizard.secret import Secret, redact

_VARIABLES: Final = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")
"""All four serve any gateway: HTTPS_PROXY also an http:// one (Claude Code 2.1.197 and 2.1.330)."""

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and `where` the user set it: a variable's name or `gateway.proxy`."""

    scheme: str
    host: str
    port: int
    where: str
    credentials: Secret | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """Host and port, without the password."""
        return f"{self.host}:{self.port}"


def choose_proxy(
    address: Address, env: Mapping[str, str], *, proxy: str = "", no_proxy: str = "", newest: bool = True
) -> Proxy | None:
    """Return the proxy that Claude Code would use for an address, None for a direct connection.

    `proxy` and `no_proxy` from the answers win over the environment. It applies to loopback as well. `newest` is for
    Claude Code 2.1.330 and later, which also honours ALL_PROXY and networks (10.0.0.0/8) in NO_PROXY; 2.1.197 did not.
    Raises Fault `proxy-invalid`.
    """
    url, where = _chosen(env, proxy, newest)
    if not url or _bypasses(address, no_proxy or env.get("no_proxy") or env.get("NO_PROXY") or "", newest):
        return None
    return _read(url, where)


def _chosen(env: Mapping[str, str], proxy: str, newest: bool) -> tuple[str, str]:
    if proxy:
        return proxy, "gateway.proxy"
    names = (*_VARIABLES, "all_proxy", "ALL_PROXY") if newest else _VARIABLES
    return next(((env[name], name) for name in names if env.get(name)), ("", ""))


def _read(url: str, where: str) -> Proxy:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Fault("proxy-invalid", where=where, reason="can't be read") from None
    scheme = parts.scheme.lower()
    if scheme.startswith("socks"):
        raise Fault("proxy-invalid", where=where, reason=f"is a {scheme} proxy, which Claude Code does not use")
    if scheme not in _PORTS or not parts.hostname or not parts.hostname.isascii():
        raise Fault("proxy-invalid", where=where, reason="is not a URL like http://proxy.corp.example:3128")
    credentials = None
    if parts.username is not None:
        credentials = Secret(f"{unquote(parts.username)}:{unquote(parts.password or '')}")
    return Proxy(scheme, redact(parts.hostname), port or _PORTS[scheme], where, credentials)


def _bypasses(address: Address, no_proxy: str, newest: bool) -> bool:
    for pattern in no_proxy.replace(",", " ").lower().split():
        if pattern in ("*", address.host, f"{address.host}:{address.port}"):
            return True
        if pattern.startswith(".") and (address.host == pattern[1:] or address.host.endswith(pattern)):
            return True
        if newest and "/" in pattern and _in_network(address.host, pattern):
            return True
    return False


def _in_network(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False

"""The HTTP proxy between here and a server, chosen as Claude Code chooses it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from wizard.net.address import Address
from wizard.net.fault import Fault
from wizard.pattern import pattern
from wizard.record import dataclass, field
from wizard.secret import Secret, redact

_VARIABLES: Final = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")
"""The first that is not empty serves any gateway: HTTPS_PROXY also an http:// one (Claude Code 2.1.197, 2.1.330)."""

_ALL: Final = ("all_proxy", "ALL_PROXY")
"""Known to 2.1.330 and not to 2.1.197."""

_OF_OTHER_KIND: Final = pattern(r"(?!https?://)[a-z0-9+.-]+://", re.IGNORECASE)
"""A proxy of another kind, SOCKS above all: ALL_PROXY is passed over when it names one."""

_PORTS: Final = {"http": 80, "https": 443}
_BARE: Final = pattern(r"[A-Za-z0-9.-]+:\d{1,5}")
_BARE_NAME: Final = pattern(r"[A-Za-z][A-Za-z0-9.-]*:\d{1,5}")
"""A host and port without a scheme are taken for http; before 2.1.330 a name only, no IP address."""


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

    `proxy` and `no_proxy` from the answers win over the environment, since settings.json gets them in both spellings.
    It applies to loopback as well. `newest` is for Claude Code 2.1.330 and later; 2.1.197 knows no ALL_PROXY and fewer
    forms in NO_PROXY. Raises Fault `proxy-invalid`.
    """
    chosen = (proxy, "gateway.proxy") if proxy else _chosen(env, newest)
    if chosen is None:
        return None
    url, where = chosen
    hosts = no_proxy or env.get("no_proxy") or env.get("NO_PROXY") or ""
    direct = _bypasses(address, hosts, newest)
    if direct and where in _ALL:
        return None
    parts = _split(url.strip(), where, newest)
    return None if direct else _proxy(parts, where, newest)


def proxy_depends_on_version(address: Address, env: Mapping[str, str], *, proxy: str = "", no_proxy: str = "") -> bool:
    """Whether Claude Code 2.1.197 would take another way than 2.1.330."""

    def way(newest: bool) -> Proxy | str | None:
        try:
            return choose_proxy(address, env, proxy=proxy, no_proxy=no_proxy, newest=newest)
        except Fault as fault:
            return fault.verdict

    return way(True) != way(False)


def _chosen(env: Mapping[str, str], newest: bool) -> tuple[str, str] | None:
    found = next(((env[name], name) for name in _VARIABLES if env.get(name)), None)
    if found is not None or not newest:
        return found
    found = next(((env[name], name) for name in _ALL if env.get(name)), None)
    return None if found is None or _OF_OTHER_KIND.match(found[0].strip()) else found


def _split(url: str, where: str, newest: bool) -> SplitResult:
    """Read a proxy's URL. With one that is none Claude Code does not start, whatever NO_PROXY says."""
    if (_BARE if newest else _BARE_NAME).fullmatch(url):
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        raise Fault("proxy-invalid", where=where, reason="can't be read") from None
    if not parts.scheme or not parts.hostname or not parts.hostname.isascii() or not port_is_one:
        raise Fault("proxy-invalid", where=where, reason="is not a URL like http://proxy.corp.example:3128")
    return parts


def _proxy(parts: SplitResult, where: str, newest: bool) -> Proxy:
    scheme = parts.scheme.lower()
    if scheme not in _PORTS:
        raise Fault("proxy-invalid", where=where, reason=f"is a {redact(scheme)} proxy, which Claude Code does not use")
    credentials = None
    if parts.username is not None:
        if parts.password is None and not newest:
            raise Fault("proxy-invalid", where=where, reason="names a user without a password")
        credentials = Secret(f"{unquote(parts.username)}:{unquote(parts.password or '')}")
    return Proxy(scheme, redact(parts.hostname or ""), parts.port or _PORTS[scheme], where, credentials)


def _bypasses(address: Address, no_proxy: str, newest: bool) -> bool:
    """Match as seen with both versions: a name also stands for what is below it, with or without a leading dot."""
    patterns = no_proxy.replace(",", " ").split() if newest else [each.strip() for each in no_proxy.split(",")]
    host = address.host.rstrip(".")
    for each in patterns:
        if each == "*":
            return True
        name, colon, port = each.lower().rpartition(":")
        if not colon or not port.isdecimal() or (":" in name.strip("[]") and not name.startswith("[")):
            name = each.lower()
        elif port != str(address.port):
            continue
        if newest:
            name = name.removeprefix("*").rstrip(".") if name.startswith("*.") else name.rstrip(".")
        name = name.removeprefix(".").strip("[]")
        if name and (host == name or host.endswith(f".{name}")):
            return True
        if newest and _in_network(host, name):
            return True
    return False


def _in_network(host: str, network: str) -> bool:
    try:
        own = ipaddress.ip_address(host)
        mapped = ipaddress.ip_address(network.removeprefix("::ffff:")) if "/" not in network else None
        return own == mapped if mapped else own in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False

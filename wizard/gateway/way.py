"""The way to a gateway as Claude Code would take it: its authorities, its client certificate, its proxy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from wizard.answers import Gateway
from wizard.machine.model import Machine
from wizard.net.http import Server, prepare
from wizard.net.proxy import choose_proxy
from wizard.net.tls import Trust

_PROXY_RULES_OF: Final = (2, 1, 330)
"""The Claude Code version seen to honour ALL_PROXY and networks in NO_PROXY; 2.1.197 did not."""


async def way_to(gateway: Gateway, machine: Machine) -> Server:
    """Get ready for requests to a gateway. Raises AddressError, and Fault for a bad proxy, CA or certificate file."""
    address = gateway.address
    proxy = choose_proxy(
        address, machine.env, proxy=gateway.proxy, no_proxy=gateway.no_proxy, newest=_has_newest_proxy_rules(machine)
    )
    return await prepare(address, trust_of(gateway, machine), proxy)


def trust_of(gateway: Gateway, machine: Machine) -> Trust:
    """Return whom Claude Code will trust: what the answers say goes into its settings and wins over the environment.

    REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE mean nothing to it.
    """
    env = machine.env
    stores = env.get("CLAUDE_CODE_CERT_STORE", "bundled,system").lower().replace(" ", "").split(",")
    files = [(Path(env["SSL_CERT_FILE"]), "SSL_CERT_FILE")] if env.get("SSL_CERT_FILE") else []
    if gateway.ca_file:
        files.append((machine.expand(gateway.ca_file), "gateway.ca_file"))
    elif env.get("NODE_EXTRA_CA_CERTS"):
        files.append((Path(env["NODE_EXTRA_CA_CERTS"]), "NODE_EXTRA_CA_CERTS"))
    folders = [(Path(each), "SSL_CERT_DIR") for each in env.get("SSL_CERT_DIR", "").split(":") if each]
    certificate, key = _client_certificate(gateway, machine, env)
    return Trust(
        bundled="bundled" in stores,
        system="system" in stores,
        files=tuple(files),
        folders=tuple(folders),
        client_cert=certificate,
        client_key=key,
        passphrase=env.get("CLAUDE_CODE_CLIENT_KEY_PASSPHRASE", ""),
    )


def _client_certificate(gateway: Gateway, machine: Machine, env: Mapping[str, str]) -> tuple[Path | None, Path | None]:
    if gateway.client_cert:
        return machine.expand(gateway.client_cert), machine.expand(gateway.client_key or gateway.client_cert)
    certificate = env.get("CLAUDE_CODE_CLIENT_CERT")
    key = env.get("CLAUDE_CODE_CLIENT_KEY")
    return (Path(certificate), Path(key)) if certificate and key else (None, None)


def _has_newest_proxy_rules(machine: Machine) -> bool:
    version = machine.claude.version if machine.claude else None
    if version is None:
        return True
    numbers = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    return numbers >= _PROXY_RULES_OF

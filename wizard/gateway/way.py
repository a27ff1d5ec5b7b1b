"""The way to a gateway as Claude Code would take it: its authorities, its client certificate, its proxy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from wizard.answers import Gateway
from wizard.machine.claude_code import OUR_VARIABLES, version_numbers
from wizard.machine.leftovers import runs_our_helper
from wizard.machine.model import Machine
from wizard.machine.survey import with_claude_version
from wizard.net.fault import Fault
from wizard.net.http import Server, prepare
from wizard.net.proxy import choose_proxy, proxy_depends_on_version
from wizard.net.trust import Named, Trust
from wizard.record import replace

_NEWEST_RULES_OF: Final = (2, 1, 330)
"""The Claude Code version whose rules for proxies and authorities were seen to differ from those of 2.1.197."""

_STORES: Final = frozenset({"bundled", "system"})
_SYSTEM_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")


async def way_to(gateway: Gateway, machine: Machine) -> Server:
    """Get ready for requests to a gateway. Raises AddressError, and Fault for a bad proxy, CA or certificate file.

    Claude Code is asked for its version (half a second) only where the answer depends on it. Where it tells none, the
    newest proxy rules count, and for trust those of the older version, which trusts less.
    """
    address = gateway.address
    machine = replace(machine, env=claude_environment(machine))
    named = {"proxy": gateway.proxy, "no_proxy": gateway.no_proxy}
    system_is_named = any(name in machine.env for name in _SYSTEM_VARIABLES)
    if system_is_named or proxy_depends_on_version(address, machine.env, **named):
        machine = await _knowing_the_version(machine)
    proxy = choose_proxy(address, machine.env, **named, newest=_is_newest(machine, unknown=True))
    trust = trust_of(gateway, machine, newest=_is_newest(machine, unknown=False))
    try:
        return await prepare(address, trust, proxy)
    except Fault as fault:
        machine = await _knowing_the_version(machine)
        if fault.verdict != "tls-ca-unusable" or not _is_newest(machine, unknown=False):
            raise
    return await prepare(address, replace(trust, newest=True), proxy)


def claude_environment(machine: Machine) -> Mapping[str, str]:
    """Return the variables as they reach Claude Code: its settings beat the shell (2.1.197, 2.1.330).

    What an earlier run of ours wrote there is left out, since the next write may take it back.
    """
    env = dict(machine.env)
    for layer in reversed(machine.layers):
        if layer.name not in ("user", "managed") or layer.problem:
            continue
        ours = OUR_VARIABLES if layer.name == "user" and runs_our_helper(layer) else frozenset()
        env |= {name: layer.env[name] for name in layer.env.keys() - ours - set(_SYSTEM_VARIABLES)}
    return env


def _is_newest(machine: Machine, *, unknown: bool) -> bool:
    version = version_numbers(machine.claude.version) if machine.claude else None
    return unknown if version is None else version >= _NEWEST_RULES_OF


async def _knowing_the_version(machine: Machine) -> Machine:
    if machine.claude is None or machine.claude.version is not None:
        return machine
    return await with_claude_version(machine)


def trust_of(gateway: Gateway, machine: Machine, *, newest: bool = True) -> Trust:
    """Return whom Claude Code will trust: what the answers say goes into its settings and wins over the environment.

    SSL_CERT_FILE and SSL_CERT_DIR count only in the environment it is started with. REQUESTS_CA_BUNDLE and
    CURL_CA_BUNDLE mean nothing to it. `newest` is for 2.1.330 and later.
    """
    env = machine.env
    stores = _STORES & {each.strip() for each in env.get("CLAUDE_CODE_CERT_STORE", "").lower().split(",")} or _STORES
    file, folders = (env.get(name) for name in _SYSTEM_VARIABLES)
    if file == "" and folders is None and not newest:
        folders = ""  # set to nothing, it still takes the system's place
    certificate, key = _client_certificate(gateway, machine, env)
    return Trust(
        bundled="bundled" in stores,
        system="system" in stores,
        extra=_extra(gateway, machine),
        system_file=Named(Path(file), "SSL_CERT_FILE") if file else None,
        system_folders=None if folders is None else _folders(folders),
        newest=newest,
        client_cert=certificate,
        client_key=key,
        passphrase=env.get("CLAUDE_CODE_CLIENT_KEY_PASSPHRASE", ""),
    )


def _extra(gateway: Gateway, machine: Machine) -> Named | None:
    if gateway.ca_file:
        return Named(machine.expand(gateway.ca_file), "gateway.ca_file")
    extra = machine.env.get("NODE_EXTRA_CA_CERTS")
    return Named(Path(extra), "NODE_EXTRA_CA_CERTS") if extra else None


def _folders(value: str) -> tuple[Named, ...]:
    return tuple(Named(Path(each), "SSL_CERT_DIR") for each in value.split(":") if each)


def _client_certificate(gateway: Gateway, machine: Machine, env: Mapping[str, str]) -> tuple[Path | None, Path | None]:
    if gateway.client_cert:
        return machine.expand(gateway.client_cert), machine.expand(gateway.client_key or gateway.client_cert)
    certificate = env.get("CLAUDE_CODE_CLIENT_CERT")
    key = env.get("CLAUDE_CODE_CLIENT_KEY")
    return (Path(certificate), Path(key)) if certificate and key else (None, None)

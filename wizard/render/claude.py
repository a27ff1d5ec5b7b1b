"""What Claude Code needs to be told: one list of variables, for settings.json and (in part) for shells."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from wizard.answers import Answers
from wizard.machine.claude_code import (
    BASE_URLS,
    CREDENTIALS,
    OF_OTHER_PROGRAMS_TOO,
    PINS,
    ROUTE_SWITCHES,
)
from wizard.machine.model import Machine
from wizard.net.address import parse_address
from wizard.quoting import sh_quote

HELPER_KEY: Final = ("apiKeyHelper",)


def settings_edits(answers: Answers, machine: Machine, helper_path: Path, ttl_ms: int) -> Mapping[tuple[str, ...], str]:
    """Return what stands in settings.json after the write, by the place of each key.

    Claude Code hands `apiKeyHelper` to `/bin/sh -c`, so the path is absolute and always quoted. Raises ValueError for a
    path with control characters.
    """
    edits: dict[tuple[str, ...], str] = {HELPER_KEY: sh_quote(str(helper_path))}
    for name, value in environment(answers, machine, ttl_ms).items():
        edits[("env", name)] = value
    return edits


def environment(answers: Answers, machine: Machine, ttl_ms: int) -> dict[str, str]:
    """Return every variable that settings.json gets: what Claude Code needs, then what stale values it must not see.

    `ttl_ms` is the refresh interval of the key helper in milliseconds. Raises AddressError for an unusable URL.
    """
    return _needed(answers, machine, ttl_ms) | (_cancelled(answers) if answers.write.cancel_stale else {})


def exports(answers: Answers, machine: Machine, ttl_ms: int) -> dict[str, str]:
    """Return the variables that shells get: no credential, not even an empty one, nothing that other programs obey."""
    needed = _needed(answers, machine, ttl_ms)
    return {name: value for name, value in needed.items() if name not in OF_OTHER_PROGRAMS_TOO}


def _needed(answers: Answers, machine: Machine, ttl_ms: int) -> dict[str, str]:
    gateway = answers.gateway
    url = gateway.address.url
    needed: dict[str, str] = {}
    if gateway.route == "bedrock":
        needed["CLAUDE_CODE_USE_BEDROCK"] = "1"
        needed["CLAUDE_CODE_SKIP_BEDROCK_AUTH"] = "1"
        needed["ANTHROPIC_BEDROCK_BASE_URL"] = f"{url}/bedrock"
        needed["AWS_REGION"] = gateway.aws_region
    else:
        needed["ANTHROPIC_BASE_URL"] = url
    needed["CLAUDE_CODE_API_KEY_HELPER_TTL_MS"] = str(ttl_ms)
    needed |= {name: getattr(answers.models, tier) for tier, name in PINS.items()}
    needed["API_TIMEOUT_MS"] = "" if gateway.timeout_ms is None else str(gateway.timeout_ms)
    # Claude Code expands no ~ in these (2.1.197, 2.1.330).
    needed["NODE_EXTRA_CA_CERTS"] = _absolute(gateway.ca_file, machine)
    needed["CLAUDE_CODE_CLIENT_CERT"] = _absolute(gateway.client_cert, machine)
    # Without a key it takes no certificate, also where the same file holds both.
    needed["CLAUDE_CODE_CLIENT_KEY"] = _absolute(gateway.client_key or gateway.client_cert, machine)
    # Of the two spellings the lower case one wins, so that one left in a shell would beat ours.
    proxy = parse_address(gateway.proxy, allow_http=True).url if gateway.proxy else ""
    needed |= {"HTTPS_PROXY": proxy, "https_proxy": proxy, "NO_PROXY": gateway.no_proxy, "no_proxy": gateway.no_proxy}
    return {name: value for name, value in needed.items() if value}


def _absolute(path: str, machine: Machine) -> str:
    return str(machine.expand(path)) if path else ""


def _cancelled(answers: Answers) -> dict[str, str]:
    """Return what makes Claude Code blind to stale values of the shell it is started from."""
    route = answers.gateway.route
    cancelled = dict.fromkeys(CREDENTIALS, "")
    cancelled |= {name: "0" for name in ROUTE_SWITCHES if (route, name) != ("bedrock", "CLAUDE_CODE_USE_BEDROCK")}
    cancelled |= {name: "" for other, name in BASE_URLS.items() if other != route}
    if route == "bedrock":
        cancelled["AWS_BEARER_TOKEN_BEDROCK"] = ""
    return cancelled

"""What is known of Claude Code itself: its variables, and the models each version asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from wizard.answers import Route

Tier = Literal["opus", "sonnet", "haiku", "default"]

ROUTE_SWITCHES: Final = (
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_MANTLE",
    "CLAUDE_CODE_USE_ANTHROPIC_AWS",
    "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
    "CLAUDE_CODE_USE_GATEWAY",
)
"""Variables that send Claude Code another way than `ANTHROPIC_BASE_URL`; "0" is off (2.1.197, 2.1.330)."""

CREDENTIALS: Final = ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY")
"""Variables that win over the key helper or ride along with it; "" is as if unset (2.1.197, 2.1.330)."""

BASE_URLS: Final[Mapping[Route, str]] = MappingProxyType(
    {"anthropic": "ANTHROPIC_BASE_URL", "bedrock": "ANTHROPIC_BEDROCK_BASE_URL"}
)

PINS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "opus": "ANTHROPIC_DEFAULT_OPUS_MODEL",
        "sonnet": "ANTHROPIC_DEFAULT_SONNET_MODEL",
        "haiku": "ANTHROPIC_DEFAULT_HAIKU_MODEL",
    }
)
"""The variable that replaces each tier's model; opus and sonnet replace the default with it (2.1.197, 2.1.330)."""

OF_OTHER_PROGRAMS_TOO: Final = ("NODE_EXTRA_CA_CERTS", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")
"""Variables that not only Claude Code obeys; they never go into a shell."""

OUR_VARIABLES: Final = frozenset(
    {
        *CREDENTIALS,
        *ROUTE_SWITCHES,
        *BASE_URLS.values(),
        *PINS.values(),
        *OF_OTHER_PROGRAMS_TOO,
        "API_TIMEOUT_MS",
        "AWS_BEARER_TOKEN_BEDROCK",
        "AWS_REGION",
        "CLAUDE_CODE_API_KEY_HELPER_TTL_MS",
        "CLAUDE_CODE_CLIENT_CERT",
        "CLAUDE_CODE_CLIENT_KEY",
        "CLAUDE_CODE_SKIP_BEDROCK_AUTH",
    }
)
"""Every variable that the wizard may write into settings.json."""

DEAD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "CLAUDE_CODE_API_KEY_HELPER": "apiKeyHelper in settings.json",
        "CLAUDE_CODE_REQUEST_TIMEOUT_MS": "API_TIMEOUT_MS",
        "CLAUDE_CODE_DEBUG": "claude --debug",
    }
)
"""Variables of old recipes that occur in no Claude Code, and what replaces each."""

_WANTED: Final[tuple[tuple[tuple[int, ...], Mapping[Route, tuple[str, str, str, str]]], ...]] = (
    (
        (2, 1, 197),
        {
            "anthropic": ("claude-opus-4-8", "claude-sonnet-5", "claude-haiku-4-5-20251001", "claude-opus-4-8"),
            "bedrock": (
                "claude-opus-4-6-v1",
                "claude-sonnet-4-5-20250929-v1:0",
                "claude-haiku-4-5-20251001-v1:0",
                "claude-sonnet-4-5-20250929-v1:0",
            ),
        },
    ),
    (
        (2, 1, 330),
        {
            "anthropic": ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-5-5"),
            "bedrock": (
                "claude-opus-5-5",
                "claude-sonnet-4-5-20250929-v1:0",
                "claude-haiku-4-5-20251001-v1:0",
                "claude-opus-5-5",
            ),
        },
    ),
)
"""Opus, sonnet, haiku and the default, as each version asked for them on a clean machine; oldest first."""

OLDEST: Final = "2.1.197"
NEWEST: Final = "2.1.330"
"""The versions that the wizard was tried with."""

_OFF: Final = frozenset({"", "0", "false", "no", "off"})


def is_off(value: str) -> bool:
    """Say whether a switch of this value is off."""
    return value.lower() in _OFF


def wanted_models(version: str | None, route: Route, region: str) -> Mapping[Tier, str]:
    """Return the model ids that Claude Code asks for when nothing is pinned, by tier.

    A version that was not looked at answers as the nearest known one that is not newer; None (not installed, or it
    would not say) as the newest. `region` is the AWS region of the bedrock route, "" when none is set.
    """
    opus, sonnet, haiku, default = _known(version)[route]
    prefix = f"{region_prefix(region)}.anthropic." if route == "bedrock" else ""
    return MappingProxyType(
        {"opus": prefix + opus, "sonnet": prefix + sonnet, "haiku": prefix + haiku, "default": prefix + default}
    )


def region_prefix(region: str) -> str:
    """Return the prefix of Bedrock inference profiles that Claude Code derives from `AWS_REGION`, "" for none."""
    if region.startswith("us-gov-"):
        return "us-gov"
    if not region or region.startswith("us-"):
        return "us"
    if region.startswith("eu-"):
        return "eu"
    if region.startswith("ap-"):
        return "apac"
    return "global"


def _known(version: str | None) -> Mapping[Route, tuple[str, str, str, str]]:
    numbers = version_numbers(version)
    if numbers is None:
        return _WANTED[-1][1]
    older = [models for known, models in _WANTED if known <= numbers]
    return older[-1] if older else _WANTED[0][1]


def version_numbers(version: str | None) -> tuple[int, ...] | None:
    """Return "2.1.330" as numbers that compare; None for what is no version."""
    found = re.match(r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})", version or "")
    return tuple(int(part) for part in found.groups()) if found else None

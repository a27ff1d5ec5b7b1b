from __future__ import annotations

import pytest

from wizard.answers import Route
from wizard.machine.claude_code import region_prefix, version_numbers, wanted_models


@pytest.mark.parametrize(
    ("version", "route", "region", "default", "haiku"),
    [
        ("2.1.330", "anthropic", "", "claude-opus-5-5", "claude-haiku-5-5"),
        ("2.1.197", "anthropic", "", "claude-opus-4-8", "claude-haiku-4-5-20251001"),
        ("2.1.329", "anthropic", "", "claude-opus-4-8", "claude-haiku-4-5-20251001"),
        ("3.0.0", "anthropic", "", "claude-opus-5-5", "claude-haiku-5-5"),
        ("2.0.14", "anthropic", "", "claude-opus-4-8", "claude-haiku-4-5-20251001"),
        (None, "anthropic", "", "claude-opus-5-5", "claude-haiku-5-5"),
        ("odd", "anthropic", "", "claude-opus-5-5", "claude-haiku-5-5"),
        ("2.1.330", "anthropic", "eu-west-1", "claude-opus-5-5", "claude-haiku-5-5"),
        (
            "2.1.330",
            "bedrock",
            "",
            "us.anthropic.claude-opus-5-5",
            "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        ),
        (
            "2.1.197",
            "bedrock",
            "eu-west-1",
            "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
        ),
    ],
)
def test_what_claude_code_asks_for_when_nothing_is_pinned(
    version: str | None, route: Route, region: str, default: str, haiku: str
) -> None:
    wanted = wanted_models(version, route, region)

    assert (wanted["default"], wanted["haiku"]) == (default, haiku)
    assert set(wanted) == {"opus", "sonnet", "haiku", "default"}


@pytest.mark.parametrize(
    ("region", "prefix"),
    [
        ("", "us"),
        ("us-east-1", "us"),
        ("us-gov-west-1", "us-gov"),
        ("eu-west-1", "eu"),
        ("ap-northeast-1", "apac"),
        ("ca-central-1", "global"),
        ("sa-east-1", "global"),
    ],
)
def test_the_prefix_follows_the_region(region: str, prefix: str) -> None:
    assert region_prefix(region) == prefix


def test_versions_compare_as_numbers() -> None:
    assert version_numbers("2.1.1000") > version_numbers("2.1.330")  # type: ignore[operator]
    assert version_numbers("2.1.330 (Claude Code)") == (2, 1, 330)
    assert version_numbers("") is version_numbers(None) is None

"""What earlier set-ups left: each kind, told with its place, what it does now, and the fix."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.doctor.support import ANSWERS, URL, looked_at, only, told, write, written
from wizard.answers import Write
from wizard.doctor.leftovers import leftover_verdicts, profile_verdicts
from wizard.machine.claude_code import DEAD, ROUTE_SWITCHES
from wizard.machine.model import Shell

SECRET = "canary-1234567890"
ACTING = ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", *ROUTE_SWITCHES)
SCRIPT = "# LiteLLM\ncurl -s https://x.example/health || exit 1\n"


def test_nothing_left_is_said(tmp_path: Path) -> None:
    written(tmp_path)
    machine = looked_at(tmp_path)

    assert told(leftover_verdicts(ANSWERS, machine)) == [("pass", "ok")]
    assert told(profile_verdicts(ANSWERS, machine)) == [("pass", "ok")]


@pytest.mark.parametrize("name", ACTING)
@pytest.mark.parametrize("where", ["~/.bashrc:2", "This shell's environment", "~/.claude/settings.json env"])
def test_what_acts_on_claude_code_fails_until_the_settings_stop_it(tmp_path: Path, name: str, where: str) -> None:
    env = {name: SECRET} if "environment" in where else {}
    if "bashrc" in where:
        write(tmp_path / ".bashrc", f"\nexport {name}={SECRET}\n")
    if "settings" in where:
        write(tmp_path / ".claude/settings.json", {"env": {name: SECRET}})

    (verdict,) = leftover_verdicts(ANSWERS, looked_at(tmp_path, env=env))
    assert (verdict.status, verdict.verdict) == ("fail", "leftover-acts")
    assert verdict.cause.startswith(f"{where} has {name}=") and "apply" in verdict.fix
    if name.startswith("ANTHROPIC"):
        assert "canary" not in repr(verdict)

    if "settings" not in where:
        written(tmp_path)
        (verdict,) = leftover_verdicts(ANSWERS, looked_at(tmp_path, env=env))
        assert (verdict.status, verdict.verdict) == ("warn", "leftover-overruled")
        assert "~/.claude/settings.json overrules it" in verdict.cause


@pytest.mark.parametrize("name", DEAD)
def test_a_variable_that_no_claude_code_reads_is_called_that(tmp_path: Path, name: str) -> None:
    write(tmp_path / ".zshrc", f"export {name}=1\n")

    (verdict,) = leftover_verdicts(ANSWERS, looked_at(tmp_path))

    assert (verdict.status, verdict.verdict) == ("warn", "leftover-dead")
    assert verdict.cause.startswith("~/.zshrc:1 ") and DEAD[name] in verdict.fix


@pytest.mark.parametrize(
    ("script", "fix"),
    [("~/old/set-up.sh", "--migrate ~/.profile:3"), (Write().setup_script, "--replace-existing")],
)
def test_a_sourced_script_that_can_end_the_shell_is_named_with_its_line(tmp_path: Path, script: str, fix: str) -> None:
    write(tmp_path / script[2:], SCRIPT)
    write(tmp_path / ".profile", f"alias x=y\n\n. {script}\n")

    verdict = only(leftover_verdicts(ANSWERS, looked_at(tmp_path)), "old-script")

    assert verdict.status == "warn"
    assert verdict.cause.startswith(f"~/.profile:3 sources {script}, ") and "ends the shell" in verdict.cause
    assert fix in verdict.fix


@pytest.mark.parametrize("name", ["ANTHROPIC_MODEL", "ANTHROPIC_CUSTOM_HEADERS", "ANTHROPIC_LOG"])
def test_what_the_wizard_does_not_touch_is_a_warning(tmp_path: Path, name: str) -> None:
    written(tmp_path)
    write(tmp_path / ".bashrc", f"export {name}='x: y'\n")

    (verdict,) = leftover_verdicts(ANSWERS, looked_at(tmp_path))

    assert (verdict.status, verdict.verdict, verdict.fix) == ("warn", "leftover", "Remove that line.")


def test_a_settings_folder_that_is_no_absolute_path(tmp_path: Path) -> None:
    (verdict,) = leftover_verdicts(ANSWERS, looked_at(tmp_path, env={"CLAUDE_CONFIG_DIR": "rel"}))

    assert verdict.verdict == "leftover" and "absolute path" in verdict.fix


# ── the server that the profile names, against the settings ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("export ANTHROPIC_BASE_URL=https://old.example", "profile-differs"),
        (f"export ANTHROPIC_BASE_URL={URL}/", "ok"),
        ("set -gx ANTHROPIC_BASE_URL https://old.example", "profile-differs"),
        ("export ANTHROPIC_BEDROCK_BASE_URL=https://old.example", "ok"),
    ],
)
def test_a_profile_that_names_another_server_than_the_settings(tmp_path: Path, line: str, verdict: str) -> None:
    written(tmp_path)
    write(tmp_path / ".bashrc", f"{line}\n")

    (found,) = profile_verdicts(ANSWERS, looked_at(tmp_path))

    assert found.verdict == verdict
    if verdict != "ok":
        assert found.cause.startswith("~/.bashrc:1 exports ANTHROPIC_BASE_URL as https://old.example, ")
        assert f"~/.claude/settings.json says {URL}" in found.cause and found.fix == "Correct or remove that line."


def test_a_profile_decides_where_no_settings_do(tmp_path: Path) -> None:
    machine = looked_at(tmp_path, env={"ANTHROPIC_BASE_URL": "https://u:canary@old.example/?k=canary"})

    (found,) = profile_verdicts(ANSWERS, machine)

    assert (found.status, found.verdict, found.facts["found"]) == ("fail", "profile-decides", "https://old.example")
    assert "canary" not in repr(found)


def test_our_own_script_and_fish_file_are_compared_too(tmp_path: Path) -> None:
    written(tmp_path)
    fish = write(
        tmp_path / ".config/fish/conf.d/x.fish", "# claude-litellm-wizard\nset -gx ANTHROPIC_BASE_URL 'https://a'\n"
    )
    write(tmp_path / Write().setup_script[2:], "# claude-litellm-wizard\nexport ANTHROPIC_BASE_URL='https://b'\n")
    machine = looked_at(tmp_path, shells=(Shell("fish", Path("/usr/bin/fish"), (fish,)),))

    found = list(profile_verdicts(ANSWERS, machine))

    assert [each.facts["found"] for each in found] == ["https://b", "https://a"]
    assert {each.fix for each in found} == {"Run claude-litellm-wizard apply, which brings both in line."}


def test_a_project_does_not_count_against_the_profile(tmp_path: Path) -> None:
    written(tmp_path)
    write(tmp_path / "work/.claude/settings.json", {"env": {"ANTHROPIC_BASE_URL": "https://other.example"}})
    write(tmp_path / ".bashrc", f"export ANTHROPIC_BASE_URL={URL}\n")

    assert told(profile_verdicts(ANSWERS, looked_at(tmp_path))) == [("pass", "ok")]


def test_the_bedrock_route_has_its_own_variable(tmp_path: Path) -> None:
    bedrock = replace(ANSWERS, gateway=replace(ANSWERS.gateway, route="bedrock"))
    written(tmp_path, bedrock)
    write(tmp_path / ".bashrc", "export ANTHROPIC_BEDROCK_BASE_URL=https://old.example/bedrock\n")

    (found,) = profile_verdicts(bedrock, looked_at(tmp_path))

    assert found.facts["wanted"] == f"{URL}/bedrock"

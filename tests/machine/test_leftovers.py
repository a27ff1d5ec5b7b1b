from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.machines import machine_at
from wizard.answers import Answers, Gateway, Key, Models, Write
from wizard.machine.leftover_advice import leftovers_for
from wizard.machine.leftovers import find_leftovers
from wizard.machine.model import Leftover, Machine
from wizard.machine.settings_layers import settings_layers
from wizard.render.claude import environment, exports
from wizard.render.shell import fish_file, rc_block, setup_script

SECRET = "sk-canary-1234567890abcdef"
ANSWERS = Answers(
    gateway=Gateway(url="https://llm.corp.example:4000"),
    key=Key(backend="vault"),
    models=Models(opus="corp-opus"),
    write=Write(shells=("bash", "fish"), helper="~/bin/get-key.sh"),
)
SEEDS_SCRIPT = """\
#!/bin/bash
# LiteLLM for Claude Code; on failure exit
export ANTHROPIC_BEDROCK_BASE_URL="https://llm.corp.example/bedrock"
export CLAUDE_CODE_API_KEY_HELPER=~/bin/get-litellm-key.sh
curl -s https://llm.corp.example/health > /dev/null || {
  echo "Error: LiteLLM server is not reachable"
  exit 1
}
"""


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _found(home: Path, **env: str) -> list[Leftover]:
    layers = settings_layers(home / ".claude", home / "work", "linux", home / "root")
    return list(find_leftovers(env, home, layers, root=home / "root"))


def _machine(home: Path, **env: str) -> Machine:
    return machine_at(home, leftovers=tuple(_found(home, **env)))


def _pairs(found: list[Leftover]) -> list[tuple[str, str, str]]:
    return [(each.where, each.name, each.value) for each in found]


def test_an_untouched_machine_has_none(tmp_path: Path) -> None:
    _write(tmp_path / ".bashrc", "export EDITOR=vi\nalias ll='ls -l'\n")

    assert _found(tmp_path, PATH="/bin", AWS_REGION="us-east-1", CLAUDE_CONFIG_DIR="/x") == []


@pytest.mark.parametrize(
    "name",
    [
        ".bashrc",
        ".bash_profile",
        ".bash_login",
        ".profile",
        ".zshenv",
        ".zprofile",
        ".zshrc",
        ".zlogin",
        ".config/fish/config.fish",
        ".config/fish/conf.d/old.fish",
        ".config/environment.d/claude.conf",
        "root/etc/environment",
    ],
)
def test_case_58_every_start_up_file_is_read_and_its_lines_are_named(tmp_path: Path, name: str) -> None:
    _write(tmp_path / name, "# ANTHROPIC_BASE_URL=commented\n\nANTHROPIC_BASE_URL=https://old.example\n")

    assert _pairs(_found(tmp_path)) == [(f"~/{name}:3", "ANTHROPIC_BASE_URL", "https://old.example")]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("export ANTHROPIC_MODEL=corp", "corp"),
        ('export A=1 ANTHROPIC_MODEL="corp x" B=2', "corp x"),
        ("ANTHROPIC_MODEL='corp'; export ANTHROPIC_MODEL", "corp"),
        ("  typeset -x ANTHROPIC_MODEL=corp", "corp"),
        ("readonly ANTHROPIC_MODEL=corp", "corp"),
        ("if true; then export ANTHROPIC_MODEL=corp; fi", "corp"),
        ("alias c='ANTHROPIC_MODEL=corp claude'", "corp"),
        ("set -gx ANTHROPIC_MODEL corp", "corp"),
        ("set --global --export ANTHROPIC_MODEL 'corp x'", "corp x"),
        ("set -Ux ANTHROPIC_MODEL corp", "corp"),
        ("setenv ANTHROPIC_MODEL corp", "corp"),
        ("SETUVAR --export ANTHROPIC_MODEL:corp", "corp"),
        ("export ANTHROPIC_MODEL=$(cat ~/model)", "$(cat"),
    ],
)
def test_case_58_every_way_to_set_a_variable_is_seen(tmp_path: Path, line: str, value: str) -> None:
    _write(tmp_path / ".bashrc", f"{line}\n")

    assert _pairs(_found(tmp_path)) == [("~/.bashrc:1", "ANTHROPIC_MODEL", value)]


@pytest.mark.parametrize(
    "line",
    [
        "# export ANTHROPIC_MODEL=corp",
        "unset ANTHROPIC_MODEL",
        'echo "$ANTHROPIC_MODEL"',
        "export MY_ANTHROPIC_MODEL=corp",
        "export ANTHROPIC_MODEL=",
        'export ANTHROPIC_API_KEY=""',
        "export CLAUDE_CODE_USE_BEDROCK=0",
        "export CLAUDE_CODE_USE_VERTEX=false",
        "export CLAUDE_CODE_USE_POWERSHELL_TOOL=1",
        "[ x$ANTHROPIC_MODEL = x ]",
    ],
)
def test_what_sets_nothing_is_passed_over(tmp_path: Path, line: str) -> None:
    _write(tmp_path / ".bashrc", f"{line}\n")

    assert _found(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ANTHROPIC_AUTH_TOKEN", SECRET),
        ("ANTHROPIC_API_KEY", SECRET),
        ("AWS_BEARER_TOKEN_BEDROCK", SECRET),
        ("ANTHROPIC_CUSTOM_HEADERS", f"x-litellm-api-key: Bearer {SECRET}"),
        ("ANTHROPIC_FOUNDRY_API_KEY", f"$(echo {SECRET})"),
        ("ANTHROPIC_BASE_URL", f"https://x.example/?k={SECRET}"),
    ],
)
def test_case_09_no_credential_is_shown_wherever_it_stands(tmp_path: Path, name: str, value: str) -> None:
    _write(tmp_path / ".bashrc", f"export {name}='{value}'\n")
    _write(tmp_path / ".claude/settings.json", json.dumps({"env": {name: value + "1"}}))

    found = _found(tmp_path, **{name: value + "2"})

    assert [each.where for each in found] == ["~/.bashrc:1", "environment", "~/.claude/settings.json env"]
    assert "canary" not in repr(found)


def test_the_environment_is_not_told_twice_what_a_file_says(tmp_path: Path) -> None:
    _write(tmp_path / ".zshrc", "export ANTHROPIC_BASE_URL=https://a.example\n")

    assert len(_found(tmp_path, ANTHROPIC_BASE_URL="https://a.example")) == 1
    assert len(_found(tmp_path, ANTHROPIC_BASE_URL="https://b.example")) == 2


def test_files_that_start_up_files_source_are_read_too(tmp_path: Path) -> None:
    _write(tmp_path / ".bashrc", "[ -f ~/.exports ] && . ~/.exports\n")
    _write(tmp_path / ".exports", "\nexport ANTHROPIC_AUTH_TOKEN=abc\n")

    assert [each.where for each in _found(tmp_path)] == ["~/.exports:2"]


def test_case_31_an_old_recipes_script_is_found_explained_and_replaced(tmp_path: Path) -> None:
    _write(tmp_path / ".config/claude/setup-litellm.sh", SEEDS_SCRIPT)
    _write(tmp_path / ".bashrc", "alias x=y\nsource ~/.config/claude/setup-litellm.sh\n")
    _write(tmp_path / ".zshrc", "source ~/.config/claude/setup-litellm.sh\n")

    found = leftovers_for(ANSWERS, _machine(tmp_path))

    assert [(each.where, each.name) for each in found] == [
        ("~/.bashrc:2", "setup-litellm.sh"),
        ("~/.zshrc:1", "setup-litellm.sh"),
        ("~/.config/claude/setup-litellm.sh:3", "ANTHROPIC_BEDROCK_BASE_URL"),
        ("~/.config/claude/setup-litellm.sh:4", "CLAUDE_CODE_API_KEY_HELPER"),
    ]
    assert "ends the shell" in found[0].effect
    assert {each.remedy for each in found} == {"On your yes the wizard's own script takes its place."}

    elsewhere = replace(ANSWERS, write=replace(ANSWERS.write, setup_script="~/mine.sh"))
    assert leftovers_for(elsewhere, _machine(tmp_path))[0].remedy == "Remove the line that sources it."


@pytest.mark.parametrize(
    "script",
    ["export ANTHROPIC_MODEL=x\n# curl x || exit 1\n", "curl x || exit 1\n", "exit\nANTHROPIC_MODEL=x\ncurl x\n"],
)
def test_a_script_that_does_no_harm_is_not_called_harmful(tmp_path: Path, script: str) -> None:
    _write(tmp_path / ".bashrc", ". ~/s.sh\n")
    _write(tmp_path / "s.sh", script)

    assert "s.sh" not in [each.name for each in _found(tmp_path)]


def test_what_the_wizard_wrote_is_no_leftover(tmp_path: Path) -> None:
    machine = machine_at(tmp_path)
    _write(tmp_path / ".config/claude/setup-litellm.sh", setup_script(ANSWERS, machine, 1000))
    _write(tmp_path / ".bashrc", "alias x=y\n" + rc_block(ANSWERS, machine))
    _write(tmp_path / ".config/fish/conf.d/claude-litellm-wizard.fish", fish_file(ANSWERS, machine, 1000))
    _write(tmp_path / ".claude/settings.json", json.dumps({"env": environment(ANSWERS, machine, 1000)}))

    assert _found(tmp_path, **exports(ANSWERS, machine, 1000)) == []
    assert [each.where for each in _found(tmp_path, ANTHROPIC_BASE_URL="https://old.example")] == ["environment"]


@pytest.mark.parametrize("where", [".config/elsewhere/set up.sh", "it's.sh"])
def test_our_script_is_found_through_our_block_wherever_it_is(tmp_path: Path, where: str) -> None:
    machine = machine_at(tmp_path)
    answers = replace(ANSWERS, write=replace(ANSWERS.write, setup_script=f"~/{where}"))
    _write(tmp_path / where, setup_script(answers, machine, 1000))
    _write(tmp_path / ".bashrc", rc_block(answers, machine) + "export ANTHROPIC_MODEL=x\n")

    found = _found(tmp_path, **exports(answers, machine, 1000))

    assert [(each.where, each.name) for each in found] == [("~/.bashrc:6", "ANTHROPIC_MODEL")]


def test_settings_that_run_our_helper_hold_our_values_without_any_shell(tmp_path: Path) -> None:
    helper = tmp_path / "my bin/key.sh"
    _write(helper, "#!/bin/sh\n# The key helper of Claude Code, written by claude-litellm-wizard.\n")
    settings = {
        "apiKeyHelper": f"'{helper}'",
        "env": {"ANTHROPIC_BASE_URL": "https://a.example", "ANTHROPIC_MODEL": "x"},
    }
    _write(tmp_path / ".claude/settings.json", json.dumps(settings))

    assert [each.name for each in _found(tmp_path)] == ["ANTHROPIC_MODEL"]
    helper.write_text("#!/bin/sh\n")
    assert [each.name for each in _found(tmp_path)] == ["apiKeyHelper", "ANTHROPIC_BASE_URL", "ANTHROPIC_MODEL"]


@pytest.mark.parametrize("value", ["", "relative", "~/.claude"])
def test_a_settings_folder_that_is_no_absolute_path_is_told(tmp_path: Path, value: str) -> None:
    (found,) = _found(tmp_path, CLAUDE_CONFIG_DIR=value)

    assert (found.name, found.value, found.remedy) == (
        "CLAUDE_CONFIG_DIR",
        value,
        "Set it to an absolute path, or unset it.",
    )


BEDROCK = replace(ANSWERS, gateway=replace(ANSWERS.gateway, route="bedrock"))
KEPT = replace(ANSWERS, write=replace(ANSWERS.write, cancel_stale=False))
BY_HAND = replace(ANSWERS, write=replace(ANSWERS.write, settings=False))


@pytest.mark.parametrize(
    ("answers", "name", "remedy"),
    [
        (ANSWERS, "ANTHROPIC_AUTH_TOKEN", "settings.json sets it to nothing for Claude Code."),
        (KEPT, "ANTHROPIC_AUTH_TOKEN", "It stays, as you chose. Remove it."),
        (BY_HAND, "ANTHROPIC_AUTH_TOKEN", "Remove it: without a line in settings.json it wins."),
        (ANSWERS, "CLAUDE_CODE_USE_BEDROCK", "settings.json switches it off for Claude Code."),
        (BEDROCK, "CLAUDE_CODE_USE_BEDROCK", None),
        (BEDROCK, "CLAUDE_CODE_USE_VERTEX", "settings.json switches it off for Claude Code."),
        (ANSWERS, "AWS_BEARER_TOKEN_BEDROCK", None),
        (BEDROCK, "AWS_BEARER_TOKEN_BEDROCK", "settings.json sets it to nothing for Claude Code."),
        (KEPT, "ANTHROPIC_BASE_URL", "settings.json says what you chose, and that wins."),
        (KEPT, "ANTHROPIC_BEDROCK_BASE_URL", "It stays, as you chose. Remove it."),
        (ANSWERS, "ANTHROPIC_DEFAULT_OPUS_MODEL", "settings.json says what you chose, and that wins."),
        (ANSWERS, "ANTHROPIC_DEFAULT_HAIKU_MODEL", "It stays."),
        (ANSWERS, "ANTHROPIC_MODEL", "It stays. Remove it to use the pinned models."),
        (ANSWERS, "ANTHROPIC_LOG", "It stays."),
        (ANSWERS, "CLAUDE_CODE_DEBUG", "Remove the line. Use claude --debug in its place."),
        (ANSWERS, "CLAUDE_CODE_REQUEST_TIMEOUT_MS", "Remove the line. Use API_TIMEOUT_MS in its place."),
    ],
)
def test_the_remedy_is_what_the_write_really_does(
    tmp_path: Path, answers: Answers, name: str, remedy: str | None
) -> None:
    found = leftovers_for(answers, _machine(tmp_path, **{name: "1"}))

    assert [each.remedy for each in found] == ([] if remedy is None else [remedy])
    if remedy and remedy.startswith("settings.json"):
        assert name in environment(answers, machine_at(tmp_path), 1000)
    if remedy and remedy.startswith("It stays") and answers.write.settings:
        assert name not in environment(answers, machine_at(tmp_path), 1000)


def test_a_value_in_the_settings_is_replaced_by_the_write(tmp_path: Path) -> None:
    _write(tmp_path / ".claude/settings.json", '{"env": {"ANTHROPIC_API_KEY": "abc"}}')

    (found,) = leftovers_for(ANSWERS, _machine(tmp_path))

    assert (found.where, found.remedy) == ("~/.claude/settings.json env", "The write replaces it.")

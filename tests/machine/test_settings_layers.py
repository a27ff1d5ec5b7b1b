from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from wizard.machine.model import SettingsLayer
from wizard.machine.settings_layers import settings_layers

OURS = {"env": {"ANTHROPIC_BASE_URL": "https://other.example"}}


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())


def _layers(tmp_path: Path, cwd: str = "work") -> tuple[SettingsLayer, ...]:
    return settings_layers(tmp_path / ".claude", tmp_path / cwd, "linux", tmp_path / "root")


def test_no_files_no_layers(tmp_path: Path) -> None:
    assert _layers(tmp_path) == ()


def test_layers_come_in_the_order_in_which_claude_code_lets_them_win(tmp_path: Path) -> None:
    managed = tmp_path / "root/etc/claude-code"
    for path in (
        managed / "managed-settings.json",
        managed / "managed-settings.d/10-a.json",
        managed / "managed-settings.d/20-b.json",
        managed / "managed-settings.d/.hidden.json",
        tmp_path / "work/.claude/settings.json",
        tmp_path / "work/.claude/settings.local.json",
        tmp_path / ".claude/settings.json",
    ):
        _write(path, OURS)

    found = [(layer.name, layer.path.name, layer.wins) for layer in _layers(tmp_path)]

    assert found == [
        ("managed", "20-b.json", True),
        ("managed", "10-a.json", True),
        ("managed", "managed-settings.json", True),
        ("local", "settings.local.json", True),
        ("project", "settings.json", True),
        ("user", "settings.json", False),
    ]


def test_on_a_mac_managed_settings_stand_elsewhere(tmp_path: Path) -> None:
    _write(tmp_path / "root/Library/Application Support/ClaudeCode/managed-settings.json", OURS)

    (layer,) = settings_layers(tmp_path / ".claude", tmp_path, "darwin", tmp_path / "root")

    assert (layer.name, layer.wins) == ("managed", True)


@pytest.mark.parametrize(
    ("content", "wins"),
    [
        ({"permissions": {}}, False),
        ({"env": {"EDITOR": "vi"}}, False),
        ({"env": {"AWS_REGION": "us-east-1"}}, True),
        ({"apiKeyHelper": "echo key"}, True),
    ],
)
def test_a_stronger_layer_wins_only_with_a_key_of_ours(tmp_path: Path, content: object, wins: bool) -> None:
    _write(tmp_path / "work/.claude/settings.json", content)

    assert [layer.wins for layer in _layers(tmp_path)] == [wins]


def test_in_the_home_folder_the_users_file_is_no_project_but_its_local_file_counts(tmp_path: Path) -> None:
    _write(tmp_path / ".claude/settings.json", OURS)
    _write(tmp_path / ".claude/settings.local.json", OURS)

    assert [layer.name for layer in _layers(tmp_path, ".")] == ["local", "user"]
    assert [layer.name for layer in _layers(tmp_path)] == ["user"]


@pytest.mark.parametrize("git", ["folder", "file", ""])
def test_the_local_file_of_the_top_of_a_work_tree_counts_first(tmp_path: Path, git: str) -> None:
    _write(tmp_path / "work/.claude/settings.local.json", OURS)
    _write(tmp_path / "work/a/.claude/settings.local.json", OURS)
    _write(tmp_path / "work/.claude/settings.json", OURS)
    if git == "folder":
        (tmp_path / "work/.git").mkdir()
    elif git:
        (tmp_path / "work/.git").write_text("gitdir: /elsewhere")

    found = [(layer.name, layer.path.parents[1].name) for layer in _layers(tmp_path, "work/a")]

    assert found == [("local", "work"), ("local", "a")] if git else found == [("local", "a")]


def test_values_are_what_claude_codes_environment_would_hold(tmp_path: Path) -> None:
    _write(
        tmp_path / ".claude/settings.json",
        b'\xef\xbb\xbf{"env": {"A": "x", "B": 1.10, "C": true, "D": null}, "apiKeyHelper": "h"}',
    )

    (layer,) = _layers(tmp_path)

    assert layer.env == {"A": "x", "B": "1.10", "C": "true", "D": "null"}
    assert (layer.helper, layer.problem) == ("h", "")
    assert "x" not in repr(layer).split("path=")[1].split("wins=")[1]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", ""),
        (b" \n", ""),
        (b"\xef\xbb\xbf", ""),
        (b'{"env": {}}', ""),
        (b'{"a": "\xff"}', ""),
        (b'{"a": 1,}', "line 1, column"),
        (b'{\n  // note\n  "a": 1}', "line 2, column 3"),
        (b'{"env": {"A": "x"}', "line 1, column"),
        (b"[]", "no JSON object"),
        (b'{"env": null}', "env is of the wrong type"),
        (b'{"env": [], "apiKeyHelper": "h"}', "env is of the wrong type"),
        (b'{"apiKeyHelper": ["h"], "env": {"A": "x"}}', "apiKeyHelper is of the wrong type"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_file_that_claude_code_ignores_sets_nothing_and_says_why(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    _write(tmp_path / ".claude/settings.json", content)

    (layer,) = _layers(tmp_path)

    assert problem in layer.problem
    assert bool(problem) == bool(layer.problem)
    assert (layer.env, layer.helper) == ({}, None)


def test_what_is_no_file_is_no_layer(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    os.mkfifo(tmp_path / ".claude/settings.json")
    (tmp_path / "work/.claude/settings.json").mkdir(parents=True)

    assert _layers(tmp_path) == ()

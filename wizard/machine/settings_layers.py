"""Claude Code's settings files, and which of them beats the user's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

from wizard.machine.claude_code import OUR_VARIABLES
from wizard.machine.files import read_small
from wizard.machine.model import SettingsLayer

LayerName = Literal["managed", "user", "project", "local"]

_MANAGED: Final = {"linux": "etc/claude-code", "darwin": "Library/Application Support/ClaudeCode"}


def settings_layers(
    claude_dir: Path, cwd: Path, platform: Literal["linux", "darwin"], root: Path = Path("/")
) -> tuple[SettingsLayer, ...]:
    """Return the settings files that exist, the strongest first.

    Managed settings beat all, then those of the project in `cwd` (local before shared), then the user's (2.1.197,
    2.1.330). Inside a git work tree the local file of its top folder counts before that of `cwd` (2.1.330; 2.1.197
    looks in `cwd` alone). A layer `wins` when it is stronger than the user's and sets a key that the wizard writes.
    `root` is where the managed settings are looked for.
    """
    project = cwd / ".claude"
    places: list[tuple[LayerName, Path]] = [("managed", path) for path in _managed_files(root / _MANAGED[platform])]
    places += [("local", folder / ".claude/settings.local.json") for folder in _local_folders(cwd)]
    if not _same(project, claude_dir):
        places.append(("project", project / "settings.json"))
    places.append(("user", claude_dir / "settings.json"))
    return tuple(layer for name, path in places if (layer := _layer(name, path)) is not None)


def _local_folders(cwd: Path) -> Iterator[Path]:
    top = next((each for each in (cwd, *cwd.parents) if _exists(each / ".git")), cwd)
    yield top
    if top != cwd:
        yield cwd


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _managed_files(folder: Path) -> Iterator[Path]:
    """Yield the managed files, the strongest first: of the drop-ins the last by name wins, hidden ones don't count."""
    try:
        drop_ins = sorted((folder / "managed-settings.d").glob("[!.]*.json"), reverse=True)
    except OSError:
        drop_ins = []
    yield from drop_ins
    yield folder / "managed-settings.json"


def _same(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other)
    except (OSError, ValueError):
        return False


def _layer(name: LayerName, path: Path) -> SettingsLayer | None:
    content = read_small(path)
    if content is None:
        return None
    table, problem = _read(content)
    helper = table.get("apiKeyHelper")
    env = table.get("env")
    values = {key: _text(value) for key, value in env.items()} if isinstance(env, dict) else {}
    ours = isinstance(helper, str) or not OUR_VARIABLES.isdisjoint(values)
    return SettingsLayer(
        name=name,
        path=path,
        wins=ours and name != "user",
        helper=helper if isinstance(helper, str) else None,
        env=values,
        problem=problem,
    )


def _read(content: bytes) -> tuple[dict[str, Any], str]:
    """Return what Claude Code reads, and why it would ignore the file: one key of a wrong type spoils it all."""
    text = content.decode("utf-8-sig", "replace")
    if not text.strip():
        return {}, ""
    try:
        table = json.loads(text, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        return {}, f"It is not JSON (line {error.lineno}, column {error.colno}), so Claude Code ignores it. Mend it."
    except (ValueError, RecursionError):
        return {}, "It is not JSON that can be read here. Mend it."
    if not isinstance(table, dict):
        return {}, "It is no JSON object, so Claude Code ignores it. Put its keys in { }."
    for name, kind in (("env", dict), ("apiKeyHelper", str)):
        if name in table and not isinstance(table[name], kind):
            return {}, f"Its {name} is of the wrong type, so Claude Code ignores the whole file. Mend or remove it."
    return table, ""


def _text(value: object) -> str:
    """Return a variable's value as Claude Code's environment holds it: it takes numbers too."""
    return value if isinstance(value, str) else json.dumps(value)

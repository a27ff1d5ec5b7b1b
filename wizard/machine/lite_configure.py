"""What LiteLLM's own command line leaves in Claude Code's settings: `lite configure claude`, `lite up`.

Read in litellm 1.106.2, `proxy/client/cli/commands/claude_settings.py`: a receipt holds the fingerprint of every key
that was written; the file that guards the default settings has a name of its own, any other one that of its path.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from wizard.machine.files import read_small
from wizard.machine.model import Leftover, SettingsLayer
from wizard.secret import redact

RECEIPT: Final = "lite configure"
RUNNING: Final = "lite up"
_BACKUPS: Final = ("claude_settings_backup.json", "autorouter/claude_settings_backup.json")

_KEYS: Final = {
    "model": "lite configure wrote it: every session starts with this model, whatever is pinned.",
    "statusLine": "lite configure wrote it: it runs LiteLLM's script for the status line.",
    "env.ENABLE_TOOL_SEARCH": "lite configure wrote it: Claude Code looks its tools up by search.",
    "env.CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "lite configure wrote it: Claude Code asks it for models.",
}


def lite_leftovers(layers: Sequence[SettingsLayer], home: Path) -> Iterator[Leftover]:
    """Yield what LiteLLM's command line wrote and still stands, its receipt, and a run of it that is under way."""
    for layer in layers:
        if layer.name == "user":
            yield from _of(layer.path, home)


def _of(settings: Path, home: Path) -> Iterator[Leftover]:
    folder = home / ".litellm"
    is_default = _resolved(settings) == _resolved(home / ".claude/settings.json")
    if is_default:
        for name in _BACKUPS:
            if read_small(folder / name) is not None:
                effect = "It is put back over your settings when that command ends."
                yield Leftover(_short(folder / name, home), RUNNING, "a copy of the settings", effect, "")
    state = "claude_configure_state"
    digest = hashlib.sha256(str(_resolved(settings)).encode()).hexdigest()
    receipt = folder / (f"{state}.json" if is_default else f"{state}/{digest}.json")
    written = _table(receipt).get("written")
    if not isinstance(written, dict):
        return
    table = _table(settings)
    standing = [name for name, fingerprint in written.items() if fingerprint == _fingerprint(table, str(name))]
    effect = f"LiteLLM's own command wrote {len(standing)} settings. It may hold a copy of the key before."
    yield Leftover(_short(receipt, home), RECEIPT, "a receipt", effect, "")
    place = _short(settings, home)
    for name in standing:
        if name in _KEYS:
            section, _, key = name.rpartition(".")
            where = f"{place} {section}".rstrip()
            yield Leftover(where, key, redact(json.dumps(_value(table, name)), limit=80), _KEYS[name], "")


def _value(table: Mapping[str, Any], name: str) -> object:
    section, _, key = name.rpartition(".")
    inner = table.get(section) if section else table
    return inner.get(key) if isinstance(inner, dict) else None


def _fingerprint(table: Mapping[str, Any], name: str) -> str:
    value = _value(table, name)
    owned = {"present": value is not None, "value": value}
    return hashlib.sha256(json.dumps(owned, sort_keys=True).encode()).hexdigest()


def _table(path: Path) -> Mapping[str, Any]:
    try:
        table = json.loads((read_small(path) or b"").decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path


def _short(path: Path, home: Path) -> str:
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)

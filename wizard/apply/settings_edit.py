"""Our keys in Claude Code's settings.json: which are set, which go, and which hold somebody else's value."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from wizard.apply.change import digest
from wizard.quoting import sh_quote
from wizard.render.claude import HELPER_KEY
from wizard.render.json_edit import edit
from wizard.secret import names_a_secret, redact

Key = tuple[str, ...]
Parts = Mapping[str, str]

ABSENT: Final = digest(None)
"""The fingerprint of a key that we took out."""

_NOTHING: Final = object()
_BARE_PATH: Final = re.compile(r"'?[~/][\w./\- ]*'?")


@dataclass(frozen=True, slots=True)
class SettingsEdit:
    """Sets our keys and takes out those we wrote earlier and no longer want; every other byte stays.

    `ours` are the fingerprints of what we may have written there earlier, by key.
    """

    edits: Mapping[Key, str]
    ours: Mapping[str, Collection[str]] = field(default_factory=dict)

    def __call__(self, found: bytes | None) -> bytes:
        """Return the file's new text. Raises JsonProblem."""
        return edit(found, self.edits, self.removals(found))

    def removals(self, found: bytes | None) -> tuple[Key, ...]:
        """Return the keys that go: written by us, not wanted any more, and still as we wrote them."""
        table = read(found)
        wanted = {name_of(key) for key in self.edits}
        return tuple(
            key_of(name)
            for name in self.ours
            if name not in wanted and self._wrote(name, value_at(table, key_of(name)))
        )

    def foreign(self, found: bytes | None) -> tuple[Key, ...]:
        """Return the keys whose present value is neither what we want nor what we wrote."""
        table = read(found)
        result = []
        for key, wanted in self.edits.items():
            value = value_at(table, key)
            if value is not None and value != wanted and not self._wrote(name_of(key), value):
                result.append(key)
        return tuple(result)

    def _wrote(self, name: str, value: object) -> bool:
        return value is not None and part_digest(value) in self.ours.get(name, ())

    def question(self, found: bytes | None) -> str:
        """Name the values of somebody else that would be replaced; empty when there are none."""
        table = read(found)
        changed: list[str] = []
        others: list[str] = []
        for key in self.foreign(found):
            shown = f"{name_of(key)} = {shown_value(key, value_at(table, key))}"
            (changed if set(self.ours.get(name_of(key), ())) - {ABSENT} else others).append(shown)
        sentences = []
        if others:
            sentences.append(f"It holds {_listed(others)}, which this wizard did not write and would replace.")
        if changed:
            sentences.append(f"{_listed(changed)} changed since this wizard wrote it and would be replaced.")
        return " ".join(sentences)

    def parts(self, found: bytes | None) -> dict[str, str]:
        """Return the fingerprints of what stands in our keys after the edit."""
        written = {name_of(key): part_digest(value) for key, value in self.edits.items()}
        return written | {name_of(key): ABSENT for key in self.removals(found)}


def name_of(key: Key) -> str:
    """Return a key as people write it: `env.ANTHROPIC_BASE_URL`."""
    return ".".join(key)


def key_of(name: str) -> Key:
    """Return the key that `name_of` named."""
    return tuple(name.split(".", 1))


def read(text: bytes | None) -> Mapping[str, Any]:
    """Return settings as a table; what Claude Code would ignore reads as empty, since `edit` is what refuses it."""
    try:
        table = json.loads((text or b"").decode("utf-8-sig") or "{}")
    except (ValueError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}


def value_at(table: Mapping[str, Any], key: Key) -> object:
    """Return the value of a key, None when it is not there."""
    value: object = table
    for name in key:
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value


def part_digest(value: object) -> str:
    """Return the fingerprint of one value."""
    return ABSENT if value is None else digest(json.dumps(value, sort_keys=True).encode())


def shown_value(key: Key, value: object) -> str:
    """Return a value as a person may see it."""
    text = value if isinstance(value, str) else json.dumps(value)
    if key == HELPER_KEY:
        return text if _BARE_PATH.fullmatch(text) else "a command of its own"
    if names_a_secret(key[-1]) and not key[-1].endswith("_TTL_MS"):
        return "****"
    return redact(re.sub(r"(?<=://)[^/@]*@", "****@", text), limit=80)


def names_helper(text: bytes | None, path: str) -> bool:
    """Say whether settings run this helper, the way we write it; what can't be read might."""
    helper = read(text).get("apiKeyHelper")
    if text and not read(text):
        return path.encode() in text
    return isinstance(helper, str) and (helper == sh_quote(path) or path in helper)


def with_helper(text: bytes, path: str) -> bytes:
    """Return settings that run another helper and are the same else. Raises JsonProblem."""
    return edit(text, {HELPER_KEY: sh_quote(path)})


def restored(found: bytes | None, before: bytes | None, written: Parts) -> tuple[bytes | None, tuple[str, ...]]:
    """Give back our keys one by one in a file that somebody edited since.

    Returns the new text and the names of the keys that stay, because they are no longer what we wrote. Raises
    JsonProblem.
    """
    now, old = read(found), read(before)
    edits: dict[Key, str] = {}
    removals: list[Key] = []
    kept: list[str] = []
    for name, fingerprint in written.items():
        key = key_of(name)
        value, wanted = value_at(now, key), value_at(old, key)
        if value == wanted:
            continue
        if part_digest(value) != fingerprint or not isinstance(wanted, str | None):
            kept.append(name)
        elif wanted is None:
            removals.append(key)
        else:
            edits[key] = wanted
    if found is None and not edits:
        return None, tuple(kept)
    return edit(found, edits, removals), tuple(kept)


def merged(now: bytes | None, base: bytes | None, theirs: bytes) -> bytes | None:
    """Bring what others changed from `base` to `theirs` into what stands there now; the text is laid out anew.

    Without a base only what is missing is added. What can't be read changes nothing.
    """
    ours, other = read(now), read(theirs)
    table = _with_changes(ours, read(base), other, only_missing=base is None)
    return now if table == ours else (json.dumps(table, ensure_ascii=False, indent=2) + "\n").encode()


def _with_changes(
    now: Mapping[str, Any], base: Mapping[str, Any], theirs: Mapping[str, Any], *, only_missing: bool
) -> dict[str, Any]:
    result = dict(now)
    for name in {**base, **theirs}:
        then, value = base.get(name, _NOTHING), theirs.get(name, _NOTHING)
        if value == then:
            continue
        if isinstance(value, Mapping) and isinstance(now.get(name), Mapping):
            before = then if isinstance(then, Mapping) else {}
            result[name] = _with_changes(now[name], before, value, only_missing=only_missing)
        elif value is _NOTHING:
            result.pop(name, None)
        elif name not in now or not only_missing:
            result[name] = value
    return result


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"

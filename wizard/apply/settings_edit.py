"""Our keys in Claude Code's settings.json: which are set, which go, and which hold somebody else's value."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from wizard.apply.change import REPLACE_ONLY, Way, digest
from wizard.machine.claude_code import OF_OTHER_PROGRAMS_TOO, PINS
from wizard.pattern import pattern
from wizard.quoting import sh_quote
from wizard.record import dataclass, field, replace
from wizard.render.claude import HELPER_KEY
from wizard.render.json_edit import edit
from wizard.secret import names_a_secret, redact

Key = tuple[str, ...]
Parts = Mapping[str, str]

ABSENT: Final = digest(None)
"""The fingerprint of a key that we took out."""

_NOTHING: Final = object()

KEEPABLE: Final = frozenset(
    {
        *PINS.values(),
        *OF_OTHER_PROGRAMS_TOO,
        *("API_TIMEOUT_MS", "AWS_REGION", "CLAUDE_CODE_API_KEY_HELPER_TTL_MS"),
        *("CLAUDE_CODE_CLIENT_CERT", "CLAUDE_CODE_CLIENT_KEY"),
    }
)
"""Variables whose present value may stay: none of them decides which server gets which credential."""

_WAYS: Final[Mapping[Way, str]] = {
    "keep": "Your values stay, until the answer changes.",
    "merge": "Yours stay, save those that decide who gets which credential.",
    "replace": "Your answers take their place; the file goes into the backup.",
}
_BARE_PATH: Final = pattern(r"'?[~/][\w./\- ]*'?")


@dataclass(frozen=True, slots=True)
class SettingsEdit:
    """Sets our keys and takes out those we wrote earlier and no longer want; every other byte stays.

    `ours` are the fingerprints of what we may have left there earlier, by key, and `rendered` what we wrote for it last
    (another value than that was the user's and kept). `drop` are fingerprints of values of the user's that go on their
    word, `way` is what they chose for those in our way, which then were `seen`.
    """

    edits: Mapping[Key, str]
    ours: Mapping[str, Collection[str]] = field(default_factory=dict)
    rendered: Mapping[str, str] = field(default_factory=dict)
    drop: Mapping[Key, str] = field(default_factory=dict)
    way: Way | None = None
    seen: Mapping[Key, str] = field(default_factory=dict)

    def __call__(self, found: bytes | None) -> bytes:
        """Return the file's new text. Raises JsonProblem."""
        stays = self.stays(found)
        edits = {key: value for key, value in self.edits.items() if key not in stays}
        return edit(found, edits, self.removals(found))

    def removals(self, found: bytes | None) -> tuple[Key, ...]:
        """Return the keys that go: written by us, not wanted any more and still as we wrote them; and those to drop."""
        table = read(found)
        wanted = {name_of(key) for key in self.edits}
        ours = [
            key_of(name)
            for name in self.ours
            if name not in wanted and self._wrote(name, value_at(table, key_of(name)))
        ]
        dropped = [
            key
            for key, fingerprint in self.drop.items()
            if key not in self.edits and key not in ours and part_digest(value_at(table, key)) == fingerprint
        ]
        return (*ours, *dropped)

    def choosing(self, way: Way | None, found: bytes | None) -> SettingsEdit:
        """Return the edit with what the user chose on seeing the file."""
        table = read(found)
        seen = {key: part_digest(value_at(table, key)) for key in self.foreign(found)}
        return replace(self, way=way if way in self.ways(found) else None, seen=seen)

    def stays(self, found: bytes | None) -> tuple[Key, ...]:
        """Return the keys whose present value is the user's and stays: chosen now, or earlier for the same answer."""
        table = read(found)
        kept = [key for key in self.foreign(found) if self.way in ("keep", "merge") and key[-1] in KEEPABLE]
        return tuple(kept) + tuple(
            key for key, wanted in self.edits.items() if self._kept_before(name_of(key), value_at(table, key), wanted)
        )

    def ways(self, found: bytes | None) -> Mapping[Way, str]:
        """Return what may be chosen for the values in our way."""
        foreign = self.foreign(found)
        may_stay = [key for key in foreign if key[-1] in KEEPABLE]
        if not may_stay:
            return REPLACE_ONLY
        way: Way = "keep" if len(may_stay) == len(foreign) else "merge"
        return {way: _WAYS[way], "replace": _WAYS["replace"]}

    def _kept_before(self, name: str, value: object, wanted: str | None) -> bool:
        if value is None or name not in self.rendered or part_digest(value) not in self.ours.get(name, ()):
            return False
        last = digest(self.rendered[name].encode())
        return last != part_digest(value) and (wanted is None or last == part_digest(wanted))

    def foreign(self, found: bytes | None) -> tuple[Key, ...]:
        """Return the keys whose present value is neither what we want nor what we wrote."""
        table = read(found)
        result = []
        for key, wanted in self.edits.items():
            value = value_at(table, key)
            if value is None or value == wanted or self._kept_before(name_of(key), value, wanted):
                continue
            if not self._wrote(name_of(key), value):
                result.append(key)
        return tuple(result)

    def _wrote(self, name: str, value: object) -> bool:
        if value is None or self._was_kept(name, value):
            return False
        return part_digest(value) in self.ours.get(name, ())

    def _was_kept(self, name: str, value: object) -> bool:
        """Whether a value is one of the user's that was kept, be the answer the same or not."""
        return self._kept_before(name, value, None)

    def question(self, found: bytes | None) -> str:
        """Name the values of somebody else that would be replaced; empty when there are none."""
        table = read(found)
        changed: list[str] = []
        others: list[str] = []
        stays = self.stays(found)
        for key in self.foreign(found):
            told = self.way == "merge" and self.seen.get(key) == part_digest(value_at(table, key))
            if key in stays or told:
                continue
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
        table, stays = read(found), self.stays(found)
        written = {
            name_of(key): part_digest(value_at(table, key) if key in stays else value)
            for key, value in self.edits.items()
        }
        return written | {name_of(key): ABSENT for key in self.removals(found)}

    def texts(self) -> dict[str, str]:
        """Return what we render for each key, as the ledger keeps it."""
        return {name_of(key): json.dumps(value) for key, value in self.edits.items()}


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


def merged(now: bytes | None, base: bytes | None, theirs: bytes, *, gently: bool = False) -> bytes | None:
    """Bring what others changed from `base` to `theirs` into what stands there now; the text is laid out anew.

    Gently, or without a base, nothing is changed that is no longer as in the base. What can't be read changes nothing.
    """
    tables = [read(text) for text in (now, base, theirs)]
    unreadable = any(text and text.strip() and not table for text, table in zip((now, base), tables, strict=False))
    if unreadable or not tables[2]:
        return now
    table = _with_changes(tables[0], tables[1], tables[2], gently=gently or base is None)
    return now if table == tables[0] else (json.dumps(table, ensure_ascii=False, indent=2) + "\n").encode()


def _with_changes(
    now: Mapping[str, Any], base: Mapping[str, Any], theirs: Mapping[str, Any], *, gently: bool
) -> dict[str, Any]:
    result = dict(now)
    for name in dict.fromkeys((*base, *theirs)):
        then, value = base.get(name, _NOTHING), theirs.get(name, _NOTHING)
        if value == then:
            continue
        if isinstance(value, Mapping) and isinstance(now.get(name), Mapping):
            before = then if isinstance(then, Mapping) else {}
            result[name] = _with_changes(now[name], before, value, gently=gently)
        elif gently and now.get(name, _NOTHING) != then:
            continue
        elif value is _NOTHING:
            result.pop(name, None)
        else:
            result[name] = value
    return result


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"

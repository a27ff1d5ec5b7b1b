"""A team's answers from a file or an https URL: what of them is taken, and what needs a yes of the user's first.

Whoever writes such a file must not be able to run a command, write a file or name a server unseen. What comes over the
network is trusted less: there every server and everything that decides which secret is read is confirmed as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from wizard.answers import (
    GATEWAY_FIELDS,
    KEY_FIELDS,
    MODEL_FIELDS,
    VERSION,
    WRITE_FIELDS,
    Answers,
    Gateway,
    partial_answers,
    to_table,
)
from wizard.fields import Field, Problem, Value
from wizard.flow import Draft
from wizard.keys.backend import BACKEND_NAMES, backend
from wizard.machine.model import Machine
from wizard.net.address import AddressError, parse_address
from wizard.origins import without_old_leave
from wizard.record import dataclass, field, replace
from wizard.secret import masked_url, redact
from wizard.typed import as_line

MOST: Final = 64 * 1024
"""Bytes of a team file."""

PERSONAL: Final = frozenset({"write.shells", "key.vault.username", "key.jwt.vault_username"})
"""Answers that belong to one person; from the network they are not taken."""

_SECTIONS: Final[Mapping[str, tuple[Field, ...]]] = {
    "gateway": GATEWAY_FIELDS,
    "models": MODEL_FIELDS,
    "write": WRITE_FIELDS,
}
_CLAIMS: Final = frozenset({"iss", "sub", "aud", "claims", "kid"})
_TELL_NO_SECRET: Final = _CLAIMS | {"namespace", "vault_namespace", "auth_mount", "vault_auth_mount"}
"""Texts of a key backend that do not decide which secret is read; claims are judged by the variables they name."""


class TeamError(Exception):
    """A team file that can't be used; the text says what is and what to do."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One answer of a team file that needs the user's yes: its name, what it says, and what a yes means.

    `origin` is the server that a yes confirms, "" where it names none.
    """

    name: str
    shown: str
    why: str
    origin: str = ""

    @property
    def line(self) -> str:
        """Name and value as `--set` takes them."""
        return f"{self.name} = {self.shown}"


@dataclass(frozen=True, slots=True)
class Team:
    """What a team file says: `table` as in the answers file, with nothing in it that is not taken."""

    where: str
    is_fetched: bool
    table: Mapping[str, Any] = field(default_factory=dict)
    asks: tuple[Ask, ...] = ()
    warnings: tuple[str, ...] = ()

    def open_asks(self, known: Mapping[str, Any], given: Collection[str] = ()) -> tuple[Ask, ...]:
        """Return what still needs a yes: not what is answered so already (`known`), nor what was typed (`given`)."""
        return tuple(
            each for each in self.asks if each.name not in given and _at(known, each.name) != _at(self.table, each.name)
        )

    def without(self, names: Collection[str]) -> Team:
        """Return the same without some answers: those that got a no."""
        table: Mapping[str, Any] = self.table
        for name in names:
            table = _removed(table, name.split("."))
        return replace(self, table=table, asks=tuple(each for each in self.asks if each.name not in names))


def load(where: str, machine: Machine, way: Gateway | None = None) -> Team:
    """Read a team file: a path, or an https URL, reached the way the user's gateway is. Raises TeamError."""
    if "://" not in where:
        return read(_from_disk(where), where, is_fetched=False)
    from wizard.team_fetch import fetch

    return read(fetch(where, machine, way or Gateway()), where, is_fetched=True)


def _from_disk(where: str) -> bytes:
    try:
        with Path(where).expanduser().open("rb") as file:
            return file.read(MOST + 1)
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it can't be found"
        raise TeamError(f"{where}: {reason}. Give a file with answers.") from None


def read(content: bytes, where: str, *, is_fetched: bool) -> Team:
    """Read the content of a team file. Raises TeamError."""
    table = _parsed(content, where)
    taken, left_out = _taken(table, where, is_fetched=is_fetched)
    chosen = str(taken.get("key", {}).get("backend", ""))
    asks = tuple(_asks(taken, chosen, is_fetched=is_fetched))
    return Team(where, is_fetched, taken, asks, tuple(left_out))


def _parsed(content: bytes, where: str) -> Mapping[str, Any]:
    import tomllib

    if len(content) > MOST:
        raise TeamError(f"{where} is larger than {MOST // 1024} KiB. A file with answers is not; check the place.")
    try:
        table = tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise TeamError(f"{where} is not TOML: it is not UTF-8 text. Give a file with answers.") from None
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        reason = redact(str(error)) if isinstance(error, tomllib.TOMLDecodeError) else "it is nested too deep"
        raise TeamError(f"{where} is not TOML: {reason}. Mend that line.") from None
    if not table:
        raise TeamError(f"{where} is empty. Give a file with answers.")
    version = table.get("version", VERSION)
    if version != VERSION or isinstance(version, bool):
        raise TeamError(f"{where} has another version than {VERSION}, which this wizard reads. Update the wizard.")
    return table


def _taken(table: Mapping[str, Any], where: str, *, is_fetched: bool) -> tuple[dict[str, Any], list[str]]:
    """Return the answers that are taken, each judged by its field, and a sentence for what is left out."""
    unknown = [name for name in table if name not in (*_SECTIONS, "key", "version")]
    personal: list[str] = []
    problems: list[Problem] = []
    taken: dict[str, Any] = {"version": VERSION}
    key = table.get("key", {})
    chosen = key.get("backend") if isinstance(key, Mapping) else None
    sections = [(name, name, declared, table.get(name, {})) for name, declared in _SECTIONS.items()]
    sections.append(("key", "key", KEY_FIELDS, {n: v for n, v in _as_table(key).items() if n not in BACKEND_NAMES}))
    if chosen in BACKEND_NAMES:
        sections.append((f"key.{chosen}", str(chosen), backend(str(chosen)).fields, _as_table(key).get(chosen, {})))
    for prefix, name, declared, raw in sections:
        values, bad, rest = _judged(prefix, declared, raw)
        problems += bad
        unknown += rest
        if is_fetched:
            gone = [each for each in values if f"{prefix}.{each}" in PERSONAL]
            personal += [f"{prefix}.{each}" for each in gone]
            values = {each: value for each, value in values.items() if each not in gone}
        target = taken.setdefault("key", {}) if prefix.startswith("key.") else taken
        if values:
            target[name] = {**_as_table(target.get(name, {})), **values}
    if problems:
        raise TeamError("\n".join([f"{where} can't be used:", *map(str, problems)]))
    left_out = (*_left_out(unknown, "this wizard does not know it"), *_left_out(personal, "it belongs to one person"))
    return taken, list(left_out)


def _left_out(names: Collection[str], why: str) -> Iterator[str]:
    if names:
        yield f"Left out, since {why}: {redact(', '.join(names))}."


def _as_table(raw: object) -> Mapping[str, Any]:
    return raw if isinstance(raw, Mapping) else {}


def _judged(prefix: str, declared: tuple[Field, ...], raw: object) -> tuple[dict[str, Any], list[Problem], list[str]]:
    if not isinstance(raw, Mapping):
        return {}, [Problem(prefix, raw, f"It must be a table. Write [{prefix}].")], []
    by_name = {each.name: each for each in declared}
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, given in raw.items():
        if name not in by_name or given == "":
            continue
        value = by_name[name].read(given, prefix)
        if isinstance(value, Problem):
            problems.append(value)
        else:
            values[name] = list(value) if isinstance(value, tuple) else value
    return values, problems, [f"{prefix}.{name}" for name in raw if name not in by_name]


def _asks(table: Mapping[str, Any], chosen: str, *, is_fetched: bool) -> Iterator[Ask]:
    """Yield what needs a yes, in the order of the file's sections."""
    fields: list[tuple[str, Field]] = [(f"gateway.{each.name}", each) for each in GATEWAY_FIELDS]
    if chosen:
        fields += [(f"key.{chosen}.{each.name}", each) for each in backend(chosen).fields]
    fields += [(f"write.{each.name}", each) for each in WRITE_FIELDS]
    for name, declared in fields:
        value = _at(table, name)
        if value in (None, declared.default):
            continue
        origin = _origin(value) if declared.kind == "url" and is_fetched and declared.name != "proxy" else ""
        why = f"Your credential may be sent to {origin}." if origin else _why(name, declared, value, is_fetched)
        if why:
            yield Ask(name, "true" if value is True else masked_url(as_line(value)), why, origin)
    yield from _preset(table, chosen)


def _preset(table: Mapping[str, Any], chosen: str) -> Iterator[Ask]:
    """Yield the question for the program that a backend runs although the file leaves it to the default."""
    for name in ("key.command.preset", "key.jwt.command_preset"):
        runs = chosen == "command" if name.startswith("key.command") else _at(table, "key.jwt.secret_from") == "command"
        declared = {f"key.{chosen}.{each.name}": each for each in backend(chosen).fields} if chosen else {}
        if runs and name in declared and _at(table, name) in (None, declared[name].default):
            yield Ask(name, as_line(declared[name].default), _RUNS)


_RUNS: Final = "This program of yours runs whenever Claude Code needs a key."
_WHY: Final[Mapping[str, str]] = {
    "command": "This command runs as you whenever Claude Code needs a key.",
    "preset": _RUNS,
    "allow_http": "Your credential may travel unencrypted.",
    "ca_file": "Whoever holds this authority's key can pose as the server.",
    "client_cert": "This certificate is shown to the server.",
    "client_key": "This key is used to prove who you are.",
    "proxy": "Every request goes through this proxy.",
    "no_proxy": "These hosts are reached without your proxy.",
}


def _why(name: str, declared: Field, value: Value, is_fetched: bool) -> str:
    """Return what a yes to an answer means; empty when it needs none."""
    last = declared.name
    if last.endswith("preset") and value == "custom":
        return ""  # its command is asked about by itself
    for ending, text in _WHY.items():
        if last == ending or last.endswith(f"_{ending}"):
            return text if value is not False else ""
    if name.startswith("write."):
        return "A file is written there." if declared.kind == "path" else ""
    if declared.kind == "path":
        return "This file of yours is read whenever Claude Code needs a key."
    if last in _CLAIMS and name.startswith("key.jwt."):
        return _variables(value)
    decides = declared.kind in ("text", "url", "list", "table") and last not in _TELL_NO_SECRET
    return "It decides which secret is read." if is_fetched and name.startswith("key.") and decides else ""


def _variables(value: Value) -> str:
    """Return what a claim gives away: variables of the user's environment, beside who they are."""
    from wizard.keys.jwt_claims import variables_of

    found = [each for each in variables_of(value) if each not in ("USER", "LOGNAME")]
    return f"The value of {', '.join(found)} in your environment is sent to the server." if found else ""


def _origin(value: object) -> str:
    try:
        return parse_address(str(value), allow_http=True).origin
    except AddressError:
        return str(value)


def merged(before: Mapping[str, Any], team: Team) -> dict[str, Any]:
    """Return a table of answers with a team's over it; leave to use http goes when its server is another now."""
    after = _over(before, team.table)
    given = {name for name in _names(team.table) if name.endswith("allow_http")}
    return without_old_leave(before, after, given)


def with_personal(table: Mapping[str, Any], saved: Mapping[str, Any]) -> dict[str, Any]:
    """Return a team's table with the personal answers that it leaves open as they were saved."""
    result = dict(table)
    for name in sorted(PERSONAL):
        parts = name.split(".")
        if _at(table, name) is None and _at(saved, name) is not None and _at(table, ".".join(parts[:-1])) is not None:
            result = _placed(result, parts, _at(saved, name))
    return result


def prefilled(base: Answers, team: Team) -> Answers:
    """Return answers with a team's over them, also where something is still missing: the steps ask for that."""
    return replace(partial_answers(merged(to_table(base), team)), unknown=base.unknown)


def begin(draft: Draft, team: Team, refused: Collection[str]) -> Draft:
    """Return the draft that a run with a team file begins with; a yes to a server's name has confirmed it."""
    accepted = team.without(refused)
    confirmed = (each.origin for each in accepted.asks)
    return draft.answered(prefilled(draft.answers, accepted)).confirming(*confirmed)


def _over(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(before)
    for name, value in after.items():
        old = result.get(name)
        tables = isinstance(old, Mapping) and isinstance(value, Mapping) and name != "claims"
        result[name] = _over(_as_table(old), value) if tables else value
    return result


def _names(table: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _names(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _at(table: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - a value of TOML
    value: Any = table
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _placed(table: Mapping[str, Any], parts: list[str], value: object) -> dict[str, Any]:
    head, *rest = parts
    return {**table, head: _placed(_as_table(table.get(head, {})), rest, value) if rest else value}


def _removed(table: Mapping[str, Any], parts: list[str]) -> dict[str, Any]:
    head, *rest = parts
    if not rest:
        return {name: value for name, value in table.items() if name != head}
    return {**table, head: _removed(_as_table(table.get(head, {})), rest)} if head in table else dict(table)

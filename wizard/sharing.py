"""The other direction of a team file: a working set-up's answers without anything personal in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from wizard.answers import Answers, to_table
from wizard.machine.model import Machine
from wizard.record import replace
from wizard.secret import redact
from wizard.team import PERSONAL

_SHORTEST: Final = 3
"""Letters of a user name that is looked for inside longer texts."""

_OF_A_PERSON: Final = frozenset({"sub", "user", "username", "user_id", "email", "name", "preferred_username", "upn"})


def share(answers: Answers, machine: Machine) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a table of answers fit for colleagues, and the names of what was left out as personal.

    Home paths begin with `~`. Left out are user names, literal claims about a person, other people's homes, e-mail
    addresses, whatever is shaped like a secret, and the answers of backends that are not in use.
    """
    key = replace(answers.key, tables={answers.key.backend: answers.key.options} if answers.key.backend else {})
    table = to_table(replace(answers, key=key, unknown={}))
    left_out: list[str] = []
    shared = _shared(table, "", machine, left_out)
    return shared, tuple(left_out)


def as_toml(table: Mapping[str, Any], left_out: tuple[str, ...]) -> str:
    """Return the text of the team file."""
    import tomli_w

    head = [
        "# A team's answers for claude-litellm-wizard. Give it to colleagues, as a file or at an https URL:",
        "#   claude-litellm-wizard --answers team.toml",
        "# It holds no secret. Read it once before you pass it on: whether a name in it is personal, only you know.",
    ]
    if left_out:
        head.append(f"# Left out as personal: {', '.join(left_out)}")
    return "\n".join([*head, "", tomli_w.dumps(dict(table))])


def _shared(table: Mapping[str, Any], prefix: str, machine: Machine, left_out: list[str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in table.items():
        place = f"{prefix}{name}"
        if isinstance(value, Mapping):
            if inner := _shared(value, f"{place}.", machine, left_out):
                result[name] = inner
            continue
        kept = _at_home(value, machine)
        if place in PERSONAL or _is_claim_about_somebody(place, value) or _is_personal(kept, machine):
            left_out.append(place)
        else:
            result[name] = kept
    return result


def _at_home(value: object, machine: Machine) -> object:
    """Return a value with the home folder written as `~`."""
    if isinstance(value, list):
        return [_at_home(each, machine) for each in value]
    return machine.short(value) if isinstance(value, str) else value


def _is_claim_about_somebody(place: str, value: object) -> bool:
    """Say whether a claim names a person; one that names a variable, like `$USER`, names whoever runs it."""
    is_claim = place == "key.jwt.sub" or place.startswith("key.jwt.claims.")
    named = place.rpartition(".")[2].lower() in _OF_A_PERSON
    return is_claim and named and not (isinstance(value, str) and "$" in value)


def _is_personal(value: object, machine: Machine) -> bool:
    if isinstance(value, list | tuple):
        return any(_is_personal(each, machine) for each in value)
    if not isinstance(value, str):
        return False
    if "****" in redact(value, limit=len(value) + 1) or re.search(r"[^\s/@]+@[^\s/@]+\.[A-Za-z]", value):
        return True
    if re.search(r"/(?:home|Users)/[^/]", value):
        return True
    return any(re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", value, re.I) for name in _names(machine))


def _names(machine: Machine) -> Iterator[str]:
    """Yield the names of this user that are long enough to tell."""
    found = {machine.env.get("USER", ""), machine.env.get("LOGNAME", ""), machine.home.name}
    common = {"root", "home", "user", "admin"}
    yield from sorted(name for name in found if len(name) >= _SHORTEST and name.lower() not in common)

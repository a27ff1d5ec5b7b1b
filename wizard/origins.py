"""The origins that a set-up sends credentials to, and the leave to use http, which belongs to one origin."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from wizard.answers import Answers
from wizard.keys.backend import backend
from wizard.net.address import AddressError, parse_address

_LEAVES: Final = (
    (("gateway", "url"), ("gateway", "allow_http")),
    (("key", "vault", "address"), ("key", "vault", "allow_http")),
    (("key", "jwt", "vault_address"), ("key", "jwt", "vault_allow_http")),
)
"""Each address of the answers, and the leave to reach it over http."""


def origins(answers: Answers) -> frozenset[str]:
    """Return the gateway's origin and the key backend's own, as far as the answers name them."""
    found = set()
    with contextlib.suppress(AddressError):
        found.add(answers.gateway.address.origin)
    if answers.key.backend:
        found.add(backend(answers.key.backend).origin(answers.key.options))
    return frozenset(found - {""})


def typed_origins(assignments: Iterable[str]) -> frozenset[str]:
    """Return the origins that `section.key=value` assignments of a command line name: typing one confirms it."""
    texts = [each.partition("=")[2] for each in assignments if each.startswith(("gateway.url=", "key."))]
    return frozenset(filter(None, map(_origin, texts)))


def without_old_leave(before: Mapping[str, Any], after: dict[str, Any], given: Collection[str]) -> dict[str, Any]:
    """Return a table of answers in which leave to use http is gone where the server it was given for is another now.

    `given` are the dotted names answered in this run: leave given now is for the server named now.
    """
    for address, leave in _LEAVES:
        old = _origin(_at(before, address))
        if old and old != _origin(_at(after, address)) and ".".join(leave) not in given:
            after = _without(after, leave)
    return after


def _origin(text: object) -> str:
    try:
        return parse_address(text, allow_http=True).origin if isinstance(text, str) else ""
    except AddressError:
        return ""


def _at(table: Mapping[str, Any], place: tuple[str, ...]) -> object:
    value: object = table
    for name in place:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _without(table: Mapping[str, Any], place: tuple[str, ...]) -> dict[str, Any]:
    name, *rest = place
    if name not in table or (rest and not isinstance(table[name], Mapping)):
        return dict(table)
    if rest:
        return {**table, name: _without(table[name], tuple(rest))}
    return {key: value for key, value in table.items() if key != name}

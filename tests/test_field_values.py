"""What each field takes: every value free of controls and bidi controls, but for the reasons written down here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Final

import pytest

from tests.hostile import REFUSED, any_values
from wizard import answers as declared
from wizard.answers import dumps, from_table, loads
from wizard.fields import Field, Problem
from wizard.keys.backend import BACKEND_NAMES, backend

VALUES: Final = any_values(2400)


def _has_blank(value: str) -> bool:
    return " " in value


def _no_vault_path(value: str) -> bool:
    """It would make something else of the request."""
    parts = value.strip("/").split("/")
    return any(part in ("", ".", "..") for part in parts) or bool(set(value) & set("?#%"))


def _no_name(value: str) -> bool:
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value) is None


def _no_helper_variable(value: str) -> bool:
    return _no_name(value) or value.islower()


def _names_helper_variable(value: str) -> bool:
    """The helper uses such names itself; $$ writes a dollar sign."""
    rest = value.replace("$$", "")
    return any(name.islower() or name == "_" for name in re.findall(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)", rest))


REFUSALS: Final[Mapping[str, Callable[[str], bool]]] = {
    "key.jwt.iss": _names_helper_variable,
    "key.jwt.sub": _names_helper_variable,
    "models.opus": _has_blank,
    "models.sonnet": _has_blank,
    "models.haiku": _has_blank,
    "key.env-file.variable": _no_name,
    "key.jwt.secret_env": _no_helper_variable,
    "key.jwt.private_key_env": _no_helper_variable,
    "key.vault.mount": _no_vault_path,
    "key.vault.path": _no_vault_path,
    "key.vault.namespace": _no_vault_path,
    "key.vault.auth_mount": _no_vault_path,
    "key.command.reference": lambda value: re.fullmatch(r"op://[^/]+(/[^/]+){2,3}", value) is None,
    "key.command.version": lambda value: value.startswith("-"),
}
"""What a field refuses; every other one takes every value as it is."""


def every_field(*kinds: str) -> list[tuple[str, Field]]:
    """Return the dotted name of every declared field of these kinds, and the field."""
    groups = (("gateway", declared.GATEWAY_FIELDS), ("models", declared.MODEL_FIELDS), ("write", declared.WRITE_FIELDS))
    backends = ((f"key.{name}", backend(name).fields) for name in BACKEND_NAMES)
    return [
        (f"{group}.{each.name}", each)
        for group, fields in chain(groups, backends)
        for each in fields
        if each.kind in kinds
    ]


def rule_of(name: str) -> Callable[[str], bool]:
    """Return what a field refuses; a field of a backend inside another's has the inner one's rule."""
    inner = re.sub(rf"^key\.jwt\.({'|'.join(BACKEND_NAMES)})_", r"key.\1.", name)
    return REFUSALS.get(name) or REFUSALS.get(inner) or (lambda _: False)


@pytest.mark.parametrize(("name", "field"), [pytest.param(*each, id=each[0]) for each in every_field("text", "path")])
def test_a_field_takes_every_value_as_it_is(name: str, field: Field) -> None:
    refuses = rule_of(name)
    for value in VALUES:
        plain = value.strip()
        wanted = value if not refuses(value) else None if refuses(plain) else plain
        taken = field.read(value)
        assert taken == wanted or (wanted is None and isinstance(taken, Problem)), value


@pytest.mark.parametrize("character", REFUSED, ids=ascii)
def test_no_field_takes_controls_or_bidi_controls(character: str) -> None:
    for name, field in every_field("text", "path", "url", "list", "table"):
        for value in (f"a{character}b", f"https://llm.corp.example/a{character}b"):
            given: object = {"list": [value], "table": {"x": [{"y": value}]}}.get(field.kind, value)
            assert isinstance(field.read(given), Problem), name
        assert field.kind != "table" or isinstance(field.read({character: 1}), Problem)


def test_the_answers_file_keeps_every_value() -> None:
    for value in VALUES:
        text = value.replace("$", "$$")
        jwt = {"secret_file": value, "kid": value, "aud": [text], "claims": {value: [text, {value: text}]}}
        table = {
            "gateway": {"url": "https://llm.corp.example", "ca_file": value, "client_cert": value, "client_key": value},
            "key": {"backend": "jwt", "jwt": jwt, "env-file": {"file": value}},
            "write": {"helper": value},
        }
        answers = from_table(table)
        assert (answers.gateway.ca_file, answers.key.options["kid"], answers.write.helper) == (value,) * 3
        assert loads(dumps(answers)) == answers

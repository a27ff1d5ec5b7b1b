"""Every field says what it is, gives an example, and says where its value is found and what becomes of it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests import readme_fields
from tests.tui.fixture import a_machine, later_draft
from wizard.answers import Answers, Gateway, Models
from wizard.field_help import FieldHelp, help_of
from wizard.fields import Field
from wizard.machine.claude_code import BASE_URLS
from wizard.render.claude import environment

EVERY = [
    pytest.param(field, prefix, id=f"{prefix}.{field.name}")
    for prefix, (_, fields) in readme_fields.tables().items()
    for field in fields
]
VARIABLE = re.compile(r"\b[A-Z][A-Z_]{5,}\b")


@pytest.mark.parametrize(("field", "prefix"), EVERY)
def test_a_field_says_all_four(field: Field, prefix: str) -> None:
    told = help_of(field, prefix)
    for each in (told.what, told.found, told.becomes):
        assert len(each) > 10 and each.endswith(".") and "!" not in each, each
    assert told.example, "a newcomer learns most from an example"
    assert len(told.found) <= 160 and len(told.becomes) <= 160, "the side pane is 31 columns wide"


@pytest.mark.parametrize(("field", "prefix"), EVERY)
def test_an_example_is_an_answer_that_is_taken(field: Field, prefix: str) -> None:
    told = help_of(field, prefix)
    if field.kind in ("flag", "choice", "list", "table", "integer"):
        return  # these examples are told as words
    assert isinstance(field.read(told.example), str), field.read(told.example)


def test_the_variables_it_names_are_those_that_are_written() -> None:
    gateway = Gateway(
        "https://llm.corp.example",
        ca_file="~/ca.pem",
        client_cert="~/me.pem",
        client_key="~/me.key",
        proxy="http://proxy.corp.example:3128",
        no_proxy="localhost",
        timeout_ms=1000,
        aws_region="us-east-1",
    )
    answers = replace(later_draft().answers, gateway=gateway, models=Models("a", "b", "c"))
    written = _written(answers) | _written(replace(answers, gateway=replace(gateway, route="bedrock")))
    for prefix, (_, fields) in readme_fields.tables().items():
        for field in fields:
            named = set(VARIABLE.findall(help_of(field, prefix).becomes))
            assert named <= written, f"{prefix}.{field.name}: {named - written}"
    assert set(BASE_URLS.values()) <= written


def _written(answers: Answers) -> set[str]:
    return {name for name, value in environment(answers, a_machine(), 1000).items() if value}


def test_a_jwt_is_explained_by_the_backend_that_keeps_its_secret() -> None:
    (vault,) = (fields for prefix, (_, fields) in readme_fields.tables().items() if prefix == "key.vault")
    (jwt,) = (fields for prefix, (_, fields) in readme_fields.tables().items() if prefix == "key.jwt")
    path = next(each for each in vault if each.name == "path")
    lent = next(each for each in jwt if each.name == "vault_path")
    assert help_of(lent, "key.jwt").found == help_of(path, "key.vault").found


def test_a_new_field_has_words_until_somebody_writes_better_ones() -> None:
    told = help_of(Field("new", "New", "Something.", default=3), "key.new")
    assert told == FieldHelp("Something.", "3", told.found, told.becomes, "3") and told.found and told.becomes

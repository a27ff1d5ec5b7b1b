"""The answers file: the contract for scripts and for later versions."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.answers import Answers, assign, dumps, from_table, known_names, loads, to_table
from wizard.fields import AnswersError
from wizard.secret import names_a_secret

FULL = """
version = 1
future = "kept"

[gateway]
url = "https://llm.corp.example:4000/v1/"
route = "bedrock"
timeout_ms = 600000
aws_region = "us-east-1"
new_field = 7

[key]
backend = "vault"
refresh_seconds = 1800

[key.vault]
address = "https://vault.corp.example:8200"
mount = "secret"
path = "litellm/claude-code"
field = "api_key"
later = "kept too"

[key.jwt]
algorithm = "HS256"
secret_file = "~/.secrets/litellm-jwt"
lifetime_seconds = 3600
[key.jwt.claims]
user = "ada"
team = "engineering"

[key.env-file]
file = "~/.secrets/litellm.env"
variable = "LITELLM_API_KEY"

[models]
opus = "corp-opus"

[write]
shells = ["bash", "zsh"]
"""


def minimal(**gateway: Any) -> dict[str, Any]:
    return {"gateway": {"url": "https://llm.example", **gateway}, "key": {"backend": "env-file"}}


def problems(table: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(AnswersError) as caught:
        from_table(table)
    fields = [each.field for each in caught.value.problems]
    assert len(fields) == len(set(fields)), "one problem per field"
    return {each.field: each.text for each in caught.value.problems}


def test_case_85_the_documented_file_is_read_and_written_back_with_what_it_does_not_know() -> None:
    answers = loads(FULL)
    assert answers.gateway.address.url == "https://llm.corp.example:4000"
    assert answers.key.options["path"] == "litellm/claude-code"
    assert answers.key.tables["jwt"]["claims"] == {"user": "ada", "team": "engineering"}
    assert answers.write.shells == ("bash", "zsh")
    again = tomllib.loads(dumps(answers))
    assert again["future"] == "kept"
    assert again["gateway"]["new_field"] == 7
    assert again["key"]["vault"]["later"] == "kept too"
    assert loads(dumps(answers)) == answers


def test_defaults_fill_what_is_left_out() -> None:
    answers = from_table(minimal())
    assert answers.gateway.route == "anthropic"
    file = {"file": "~/.secrets/litellm.env", "variable": "LITELLM_API_KEY", "encryption": "none"}
    assert answers.key.options == file
    assert answers.write.settings and answers.write.cancel_stale
    assert answers.helper_path == "~/bin/refresh-litellm-key.sh"


def test_no_shells_is_an_answer_of_its_own() -> None:
    answers = from_table({**minimal(), "write": {"shells": []}})
    assert tomllib.loads(dumps(answers))["write"]["shells"] == []


@pytest.mark.parametrize(
    ("section", "name", "value", "says"),
    [
        ("gateway", "url", "llm.example", "https://"),
        ("gateway", "url", "https://u:p@llm.example", "@"),
        ("gateway", "url", 5, "text"),
        ("gateway", "route", "vertex", "anthropic, bedrock"),
        ("gateway", "timeout_ms", "soon", "whole number"),
        ("gateway", "timeout_ms", 1, "between"),
        ("gateway", "timeout_ms", True, "whole number"),
        ("gateway", "allow_http", "maybe", "true or false"),
        ("gateway", "ca_file", "a\nb", "U+000A"),
        ("key", "backend", "keychain-of-mine", "vault"),
        ("write", "shells", ["tcsh"], "bash, zsh, fish"),
        ("write", "shells", "bash;rm", "bash, zsh, fish"),
        ("write", "helper", "~/bin/\u202ehs", "U+202E"),
        ("models", "opus", "two words", "blank"),
    ],
)
def test_case_85_a_bad_value_names_its_field_and_the_fix(section: str, name: str, value: object, says: str) -> None:
    table = minimal()
    table[section] = {**table.get(section, {}), name: value}
    found = problems(table)
    assert list(found) == [f"{section}.{name}"]
    assert says in found[f"{section}.{name}"]


def test_every_bad_field_is_named_at_once() -> None:
    table = {"gateway": {"route": "x"}, "key": {"backend": "vault", "vault": {"path": "../x"}}, "models": 3}
    assert {"gateway.url", "gateway.route", "key.vault.address", "key.vault.path", "models"} <= set(problems(table))


def test_http_needs_an_explicit_yes() -> None:
    assert "allow_http" in problems(minimal(url="http://llm.example"))["gateway.url"]
    assert from_table(minimal(url="http://llm.example", allow_http=True)).gateway.address.scheme == "http"
    assert from_table(minimal(url="http://127.0.0.1:4000")).gateway.address.is_loopback


def test_a_client_certificate_needs_its_key() -> None:
    assert "together" in problems(minimal(client_cert="~/c.pem"))["gateway.client_key"]


@pytest.mark.parametrize("text", ["", "  \n", "version = 2", "version = 'x'", "gateway = ", "\x00"])
def test_case_85_a_damaged_or_newer_file_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(AnswersError) as caught:
        loads(text)
    assert caught.value.problems[0].text.endswith(".")


def test_set_reads_text_as_each_field_means_it() -> None:
    table: dict[str, Any] = minimal()
    for each in (
        "gateway.timeout_ms=600000",
        "gateway.allow_http=true",
        "write.shells=bash,fish",
        "key.jwt.claims.user=ada=b",
    ):
        table = assign(table, each)
    answers = from_table(table)
    assert answers.gateway.timeout_ms == 600000
    assert answers.gateway.allow_http is True
    assert answers.write.shells == ("bash", "fish")
    assert answers.key.tables["jwt"]["claims"] == {"user": "ada=b"}


@pytest.mark.parametrize("text", ["gateway.url", "url=x", "=x", "gateway..url=x", ".=", "key.backend.x=1"])
def test_a_malformed_set_is_refused(text: str) -> None:
    with pytest.raises(AnswersError):
        assign(minimal(), text)


def test_case_85_no_field_holds_a_secret() -> None:
    """A name like a credential's is allowed only where the value is a place or a name, never the credential."""
    suspects = [each for each in known_names() if names_a_secret(each.rsplit(".", 1)[-1])]
    assert all(
        each.endswith(("_file", "_env", "_from", "client_key", "keychain_service", "keychain_account"))
        for each in suspects
    ), suspects


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
NAMES = st.sampled_from(["gateway", "key", "models", "write", "version", "vault", "jwt", "url", "backend", "claims"])


@pytest.mark.parametrize("url", ["https://ada:canary@llm.example", "https://llm.example/?key=canary"])
def test_a_refused_url_shows_no_credential(url: str) -> None:
    with pytest.raises(AnswersError) as caught:
        from_table(minimal(url=url))
    assert "canary" not in str(caught.value)
    assert "https://****@" in str(caught.value) or "/?****" in str(caught.value)


@given(st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=4) | VALUES, max_size=5))
def test_case_85_any_table_is_read_or_refused_with_problems(table: dict[str, Any]) -> None:
    try:
        answers = from_table(table)
    except AnswersError as error:
        assert error.problems
    else:
        assert from_table(to_table(answers)).key == answers.key


def test_fresh_answers_are_empty() -> None:
    assert Answers().gateway.url == ""


@pytest.mark.parametrize(
    "table",
    [
        {"algorithm": "HS256", "secret_file": "~/.secrets/jwt"},
        {"algorithm": "RS256", "private_key_env": "JWT_KEY", "kid": "laptop"},
    ],
)
def test_case_08_what_other_answers_imply_is_written_the_same_the_second_time(table: dict[str, Any]) -> None:
    answers = from_table({**minimal(), "key": {"backend": "jwt", "jwt": table}})
    assert answers.key.options["secret_from"] in ("file", "environment"), "it was not given"
    assert dumps(loads(dumps(answers))) == dumps(answers)

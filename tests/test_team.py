"""A team file, also a hostile one: nothing in it runs a command, writes a file or names a server unseen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.machines import machine_at
from wizard.answers import (
    GATEWAY_FIELDS,
    KEY_FIELDS,
    MODEL_FIELDS,
    WRITE_FIELDS,
    Answers,
    Gateway,
    Key,
    Write,
    known_names,
    to_table,
)
from wizard.fields import Field
from wizard.flow import Draft
from wizard.keys.backend import backend
from wizard.team import MOST, PERSONAL, Team, TeamError, _asks, begin, load, merged, prefilled, read, with_personal

GOOD = b"""
version = 1
[gateway]
url = "https://llm.corp.example:4000"
[key]
backend = "vault"
[key.vault]
address = "https://vault.corp.example:8200"
path = "litellm/claude-code"
[models]
opus = "claude-opus-5-5"
"""


def team(text: str | bytes, *, is_fetched: bool = False) -> Team:
    content = text if isinstance(text, bytes) else text.encode()
    return read(
        b"version = 1\n" + content if b"version" not in content else content, "team.toml", is_fetched=is_fetched
    )


def asked(text: str | bytes, *, is_fetched: bool = False) -> list[str]:
    return [each.name for each in team(text, is_fetched=is_fetched).asks]


def key(backend: str, lines: str) -> str:
    return f'[key]\nbackend = "{backend}"\n[key.{backend}]\n{lines}\n'


def test_an_ordinary_local_file_asks_nothing() -> None:
    assert asked(GOOD) == []


def test_from_the_network_every_server_and_what_decides_which_secret_is_read_is_asked_about() -> None:
    found = team(GOOD, is_fetched=True).asks
    assert [(each.name, each.origin) for each in found] == [
        ("gateway.url", "https://llm.corp.example:4000"),
        ("key.vault.address", "https://vault.corp.example:8200"),
        ("key.vault.path", ""),
    ]
    assert "https://llm.corp.example:4000" in found[0].why


@pytest.mark.parametrize("is_fetched", [False, True], ids=["file", "URL"])
@pytest.mark.parametrize(
    ("text", "name"),
    [
        (key("command", 'preset = "custom"\ncommand = "touch /tmp/pwned"'), "key.command.command"),
        (key("command", 'preset = "pass"\nentry = "x"'), "key.command.preset"),
        (key("command", 'reference = "op://a/b/c"'), "key.command.preset"),
        (
            key("jwt", 'secret_from = "command"\ncommand_preset = "custom"\ncommand_command = "id"'),
            "key.jwt.command_command",
        ),
        (key("jwt", 'secret_from = "command"\ncommand_reference = "op://a/b/c"'), "key.jwt.command_preset"),
        (key("jwt", 'secret_from = "file"\nprivate_key_file = "~/.ssh/id_ed25519"'), "key.jwt.private_key_file"),
        (key("jwt", 'secret_file = "~/.netrc"'), "key.jwt.secret_file"),
        (key("jwt", 'claims = { team = "$AWS_SECRET_ACCESS_KEY" }'), "key.jwt.claims"),
        (key("jwt", 'sub = "${GITHUB_TOKEN}"'), "key.jwt.sub"),
        (key("jwt", 'vault_ca_file = "~/ca.pem"'), "key.jwt.vault_ca_file"),
        (key("vault", "allow_http = true"), "key.vault.allow_http"),
        (key("vault", 'jwt_file = "~/.kube/token"'), "key.vault.jwt_file"),
        (key("vault", 'client_key = "~/.ssh/id_rsa"'), "key.vault.client_key"),
        (key("env-file", 'file = "~/.aws/credentials"'), "key.env-file.file"),
        ("[gateway]\nallow_http = true", "gateway.allow_http"),
        ('[gateway]\nca_file = "~/evil.pem"', "gateway.ca_file"),
        ('[gateway]\nclient_cert = "~/me.pem"\nclient_key = "~/me.key"', "gateway.client_cert"),
        ('[gateway]\nproxy = "http://evil.example:3128"', "gateway.proxy"),
        ('[gateway]\nno_proxy = "*"', "gateway.no_proxy"),
        ('[write]\nhelper = "~/.ssh/authorized_keys"', "write.helper"),
        ('[write]\nsetup_script = "~/.bashrc"', "write.setup_script"),
    ],
)
def test_what_could_do_harm_is_asked_about_wherever_the_file_comes_from(text: str, name: str, is_fetched: bool) -> None:
    found = {each.name: each for each in team(text, is_fetched=is_fetched).asks}
    assert name in found and found[name].why and found[name].shown


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (key("env-file", 'variable = "AWS_SECRET_ACCESS_KEY"'), "key.env-file.variable"),
        (key("keychain", 'service = "Chrome Safe Storage"'), "key.keychain.service"),
        (key("vault", 'path = "prod/database"'), "key.vault.path"),
        (key("command", 'preset = "pass"\nentry = "bank"'), "key.command.entry"),
        (key("jwt", 'secret_from = "environment"\nsecret_env = "AWS_SECRET_ACCESS_KEY"'), "key.jwt.secret_env"),
        (key("jwt", 'vault_address = "https://evil.example"'), "key.jwt.vault_address"),
    ],
)
def test_from_the_network_another_secret_of_the_users_is_asked_about(text: str, name: str) -> None:
    assert name in asked(text, is_fetched=True)


@pytest.mark.parametrize(
    "text",
    [
        "[write]\nsettings = true",
        '[write]\nsetup_script = "~/.config/claude/setup-litellm.sh"',
        "[gateway]\nallow_http = false",
        key("env-file", 'file = "~/.secrets/litellm.env"'),
        key("jwt", 'sub = "$USER"\nclaims = { team = "eng" }'),
    ],
)
def test_what_is_so_by_default_or_harmless_is_not(text: str) -> None:
    assert asked(text) == []


HARMLESS = {"aws_region", "shells", "opus", "sonnet", "haiku", "kid", "iss", "sub", "aud", "claims", "namespace"} | {
    "vault_namespace",
    "auth_mount",
    "vault_auth_mount",
    *(name.rpartition(".")[2] for name in PERSONAL),
}
"""Texts that neither lead anywhere nor decide which secret is read; claims are asked about by what they name."""


def test_every_text_of_every_backend_is_asked_about_when_it_comes_from_the_network() -> None:
    """What is added later is asked about too."""
    seen = 0
    for name in known_names():
        field = _field(name)
        if field.name in HARMLESS or (field.kind in ("choice", "integer", "flag") and field.name != "allow_http"):
            continue
        value: Any = {"flag": True, "url": "https://evil.example"}.get(field.kind, "x")
        *section, last = name.split(".")
        inner = {last: value}
        table = {section[0]: inner} if len(section) == 1 else {"key": {"backend": section[1], section[1]: inner}}
        chosen = section[1] if len(section) > 1 else ""
        assert any(each.name == name for each in _asks(table, chosen, is_fetched=True)), f"{name} is taken unseen"
        seen += 1
    assert seen > 40


def _field(name: str) -> Field:
    *section, last = name.split(".")
    declared = {"gateway": GATEWAY_FIELDS, "write": WRITE_FIELDS, "models": MODEL_FIELDS, "key": KEY_FIELDS}
    fields = declared[section[0]] if len(section) == 1 else backend(section[1]).fields
    return next(each for each in fields if each.name == last)


def test_what_was_answered_so_before_or_is_typed_needs_no_second_yes() -> None:
    fetched = team(GOOD, is_fetched=True)
    saved = {"gateway": {"url": "https://llm.corp.example:4000"}}
    assert [each.name for each in fetched.open_asks(saved, {"key.vault.path"})] == ["key.vault.address"]


def test_the_tables_of_backends_that_are_not_chosen_are_not_taken() -> None:
    text = GOOD + b'[key.command]\npreset = "custom"\ncommand = "touch /tmp/pwned"\n'
    assert "command" not in str(team(text).table)
    assert "touch" not in str(to_table(prefilled(Answers(), team(text))))


def test_unknown_names_are_left_out_and_told() -> None:
    found = team(b"version = 1\ncolour = 'red'\n[gateway]\nurl = 'https://a.example'\nnew = 1\n[other]\nx = 1\n")
    assert found.table == {"version": 1, "gateway": {"url": "https://a.example"}}
    (told,) = found.warnings
    assert all(name in told for name in ("colour", "gateway.new", "other"))


def test_personal_answers_are_not_taken_from_the_network() -> None:
    text = key("vault", 'username = "ada"') + '[write]\nshells = ["fish"]\n'
    fetched = team(text, is_fetched=True)
    assert "ada" not in str(fetched.table) and "fish" not in str(fetched.table)
    assert "key.vault.username" in fetched.warnings[0]
    assert "ada" in str(team(text).table)
    assert set(known_names()) >= PERSONAL


def test_personal_answers_stay_as_they_were() -> None:
    saved = {"key": {"backend": "vault", "vault": {"username": "ada"}}, "write": {"shells": ["zsh"]}}
    table = with_personal(team(GOOD + b"[write]\nsettings = true").table, saved)
    assert table["key"]["vault"]["username"] == "ada" and table["write"]["shells"] == ["zsh"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[gateway", "not TOML"),
        (b"version = 9", "another version"),
        (b"version = true", "another version"),
        (b"gateway = 3", "[gateway]"),
        (b"[key]\nbackend = 'nobody'", "key.backend"),
        (b"[gateway]\nurl = 'https://a.example/\\u202e'", "gateway.url"),
        (b'[gateway]\nurl = "https://a.example\\u202e"', "U+202E"),
        (b'[gateway]\nca_file = "a\\nb"', "U+000A"),
        (b"[gateway]\nurl = 'https://user:pw@a.example'", "gateway.url"),
        (b"[write]\nshells = ['tcsh']", "write.shells"),
        (b"x = " + b"[" * 20_000, "not TOML"),
        (b"#" * (MOST + 1), "larger than"),
    ],
)
def test_what_can_not_be_used_is_refused_with_a_sentence(content: bytes, says: str) -> None:
    with pytest.raises(TeamError) as refused:
        read(content, "team.toml", is_fetched=True)
    assert says in str(refused.value) and "pw" not in str(refused.value)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        read(content, "team.toml", is_fetched=True)
    except TeamError as error:
        assert str(error).isprintable() or "\n" in str(error)


def test_a_no_leaves_the_answer_out_and_a_yes_confirms_the_server() -> None:
    draft = Draft(Answers(), machine_at(Path("/home/ada")))
    fetched = team(GOOD, is_fetched=True)
    begun = begin(draft, fetched, ["key.vault.address"])
    assert begun.answers.gateway.url == "https://llm.corp.example:4000"
    assert begun.confirmed == {"https://llm.corp.example:4000"}
    assert "address" not in begun.answers.key.options and begun.answers.key.options["path"] == "litellm/claude-code"
    assert begin(draft, team(GOOD), ()).confirmed == frozenset(), "a local file confirms nothing by itself"


def test_it_goes_over_what_was_saved_and_leave_to_use_http_goes_with_its_server() -> None:
    before = Answers(
        Gateway(url="http://old.example", allow_http=True, timeout_ms=9000),
        Key("vault").with_options("vault", {"address": "https://v.example", "path": "x", "username": "ada"}),
        write=Write(shells=("zsh",)),
    )
    after = prefilled(before, team(GOOD))
    assert after.gateway == Gateway(url="https://llm.corp.example:4000", timeout_ms=9000)
    assert after.key.options["username"] == "ada" and after.write.shells == ("zsh",)
    assert "allow_http" not in merged(to_table(before), team(GOOD))["gateway"]


def test_claims_are_replaced_and_not_mixed() -> None:
    before = Answers(key=Key("jwt").with_options("jwt", {"claims": {"user": "ada"}}))
    after = prefilled(before, team(key("jwt", 'claims = { team = "eng" }')))
    assert after.key.options["claims"] == {"team": "eng"}


def test_a_path_is_read_and_what_is_missing_is_told(home: Path) -> None:
    file = home / "team.toml"
    file.write_bytes(GOOD)
    machine = machine_at(home)
    assert load(str(file), machine).table["gateway"] == {"url": "https://llm.corp.example:4000"}
    assert load("~/team.toml", machine) == read(GOOD, "~/team.toml", is_fetched=False)
    for place in ("/nowhere/team.toml", str(home)):
        with pytest.raises(TeamError, match="Give a file"):
            load(place, machine)

"""A working set-up's answers for colleagues: nothing personal in them, and the same plan at theirs."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.machines import machine_at
from wizard.answers import Answers, Gateway, Key, Models, Write
from wizard.apply.plan import make_plan
from wizard.fields import Value
from wizard.machine.model import Machine, Shell
from wizard.record import replace
from wizard.sharing import as_toml, share
from wizard.team import prefilled, read

VAULT: dict[str, Value] = {
    "address": "https://vault.example",
    "mount": "secret",
    "path": "litellm/key",
    "field": "api_key",
}


def a_machine(home: Path, user: str) -> Machine:
    home.mkdir(parents=True, exist_ok=True)
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "USER": user, "LOGNAME": user}
    shells = (Shell("bash", Path("/bin/bash"), (home / ".bashrc",)),)
    programs = {name: Path("/usr/bin") / name for name in ("curl", "jq", "openssl", "python3", "sh")}
    return machine_at(home, env=env, shells=shells, programs=programs)


@pytest.fixture
def ada(tmp_path: Path) -> Machine:
    return a_machine(tmp_path / "ada", "ada")


def shared(answers: Answers, machine: Machine) -> str:
    return as_toml(*share(answers, machine))


def everything(machine: Machine) -> Answers:
    home = machine.home
    return Answers(
        Gateway(
            url="https://llm.example", ca_file=f"{home}/ca.pem", proxy="http://proxy.example:3128", timeout_ms=9000
        ),
        Key("vault", refresh_seconds=900).with_options(
            "vault", {**VAULT, "sign_in": "userpass", "username": "ada", "ca_file": f"{home}/vault-ca.pem"}
        ),
        Models("opus-x", "sonnet-x", "haiku-x"),
        Write(("bash",), helper=f"{home}/tools/key.sh"),
        {"note": "mine"},
    )


def test_home_paths_begin_with_a_tilde_and_user_names_stay_out(ada: Machine) -> None:
    text = shared(everything(ada), ada)
    table = tomllib.loads(text)
    assert str(ada.home) not in text and "mine" not in text and "username" not in str(table)
    assert table["gateway"]["ca_file"] == "~/ca.pem" and table["write"]["helper"] == "~/tools/key.sh"
    assert "shells" not in table.get("write", {})
    assert "# Left out as personal: write.shells, key.vault.username" in text


def test_answers_of_backends_not_in_use_stay_out(ada: Machine) -> None:
    answers = everything(ada)
    with_more = answers.key.with_options("env-file", {"file": "~/secret-place.env", "variable": "K"})
    back = replace(with_more, backend="vault")
    assert "secret-place" not in shared(replace(answers, key=back), ada)


@pytest.mark.parametrize(
    ("claims", "kept"),
    [
        ({"user": "$USER", "team": "eng"}, {"user": "$USER", "team": "eng"}),
        ({"user": "somebody", "team": "eng"}, {"team": "eng"}),
        ({"email": "a.lovelace@corp.example", "level": 3}, {"level": 3}),
        ({"mail": "a.lovelace@corp.example"}, {}),
        ({"owner": "Ada's laptop", "x": True}, {"x": True}),
        ({"deep": {"sub": "u-123", "team": "eng"}}, {"deep": {"team": "eng"}}),
    ],
)
def test_claims_about_a_person_stay_out(ada: Machine, claims: dict[str, Any], kept: dict[str, Any]) -> None:
    options: dict[str, Value] = {
        "algorithm": "HS256",
        "secret_from": "file",
        "secret_file": "~/s",
        "sub": "ada",
        "claims": claims,
    }
    answers = Answers(Gateway(url="https://llm.example"), Key("jwt").with_options("jwt", options))
    table = tomllib.loads(shared(answers, ada))
    assert table["key"]["jwt"].get("claims", {}) == kept
    assert "sub" not in table["key"]["jwt"]


@pytest.mark.parametrize(
    "path",
    ["users/ada/litellm", "team/ADA", "/home/bob/x", "/Users/bob/x", "a/sk-1234567890abcdef", "x/a@corp.example"],
)
def test_what_names_somebody_or_looks_like_a_key_stays_out(ada: Machine, path: str) -> None:
    answers = Answers(Gateway(url="https://llm.example"), Key("vault").with_options("vault", {**VAULT, "path": path}))
    text = shared(answers, ada)
    assert path not in text and "key.vault.path" in text.splitlines()[3]


def test_words_that_only_hold_the_name_are_no_person(ada: Machine) -> None:
    answers = Answers(Gateway(url="https://adapters.example"), Key("vault").with_options("vault", VAULT))
    assert "adapters.example" in shared(answers, ada)


@pytest.mark.parametrize("user", ["root", "x", ""])
def test_a_name_that_tells_nobody_keeps_nothing_out(tmp_path: Path, user: str) -> None:
    machine = a_machine(tmp_path / "root", user)
    options = {**VAULT, "path": "root/x/litellm"}
    text = shared(Answers(Gateway(url="https://llm.example"), Key("vault").with_options("vault", options)), machine)
    assert "root/x/litellm" in text


def test_shared_answers_make_the_same_plan_in_another_home(ada: Machine, tmp_path: Path) -> None:
    """All but what is personal: here nothing but the user's name for Vault, which the colleague types."""
    mine = everything(ada)
    team = read(shared(mine, ada).encode(), "team.toml", is_fetched=False)
    bob = a_machine(tmp_path / "bob", "bob")
    theirs = prefilled(Answers(write=Write(shells=("bash",))), team)
    options = {name: {"username": "ada", **theirs.key.options}[name] for name in mine.key.options}
    theirs = replace(theirs, key=theirs.key.with_options("vault", options))
    assert _plan(replace(mine, unknown={}), ada) == _plan(theirs, bob)


def _plan(answers: Answers, machine: Machine) -> list[tuple[str, int, str]]:
    home = str(machine.home)
    return [
        (machine.short(each.path), each.mode, (each.after or b"").decode().replace(home, "~"))
        for each in make_plan(answers, machine).changes
    ]

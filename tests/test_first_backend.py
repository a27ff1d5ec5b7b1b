"""Which key backend is offered first: the one that this machine tells about."""

from __future__ import annotations

from pathlib import Path

from tests.tui.fixture import a_machine
from wizard.answering import first_backend
from wizard.answers import Answers, Key
from wizard.flow import Draft
from wizard.keys.backend import backends

PASS = {"pass": Path("/usr/bin/pass")}


def offered(home: Path, key: Key | None = None, programs: dict[str, Path] | None = None, **env: str) -> str:
    machine = a_machine(home, env={"HOME": str(home), **env}, programs=programs or {})
    return first_backend(Draft(Answers(key=key or Key()), machine), backends())


def test_a_users_name_and_a_program_are_no_sign_of_a_signed_token(tmp_path: Path) -> None:
    assert offered(tmp_path, USER="ada") == "vault"
    assert offered(tmp_path, programs=PASS, USER="ada") == "command"
    assert offered(tmp_path, JWT_SECRET="a-secret", USER="ada") == "jwt"


def test_a_file_in_the_usual_place_comes_before_a_program(tmp_path: Path) -> None:
    (tmp_path / ".secrets").mkdir()
    (tmp_path / ".secrets/litellm.env").write_text("LITELLM_API_KEY=sk-1\n")
    assert offered(tmp_path, programs=PASS, USER="ada") == "env-file"
    assert offered(tmp_path, VAULT_ADDR="https://vault.corp.example") == "vault"


def test_what_was_answered_before_comes_first(tmp_path: Path) -> None:
    assert offered(tmp_path, Key("keychain"), PASS) == "keychain"

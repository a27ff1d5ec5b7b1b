"""What each step begins with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.machines import machine_at
from wizard.answering import first_backend, first_options
from wizard.answers import Answers, Key
from wizard.flow import Draft
from wizard.keys.backend import backend, backends


def begins_with(home: Path, answers: Answers | None = None, **changes: Any) -> str:
    return first_backend(Draft(answers or Answers(), machine_at(home, **changes)), backends())


@pytest.fixture
def secrets(home: Path) -> Path:
    (home / ".secrets").mkdir()
    (home / ".secrets/litellm.env").touch()
    return home


def test_with_nothing_known_the_first_backend_is_offered(home: Path) -> None:
    assert begins_with(home) == backends()[0].name


def test_the_machine_points_to_a_backend(home: Path, secrets: Path) -> None:
    assert begins_with(secrets) == "env-file"
    assert begins_with(secrets, env={"VAULT_ADDR": "https://v.example"}) == "vault"
    assert begins_with(secrets, env={"JWT_SECRET": "x"}) == "jwt"


def test_who_the_user_is_and_what_is_known_of_another_backend_points_nowhere(secrets: Path) -> None:
    """A token could carry the user's name, and be signed with a secret that pass keeps: that makes it no likelier."""
    programs = {"pass": Path("/usr/bin/pass")}
    assert backend("command").prefill(machine_at(secrets, programs=programs)), "the control"
    assert begins_with(secrets, env={"USER": "ada"}, programs=programs) == "env-file"


def test_what_was_answered_before_wins(secrets: Path) -> None:
    answers = Answers(key=Key("jwt").with_options("jwt", {"secret_file": "~/s"}))
    assert begins_with(secrets, answers) == "jwt"
    draft = Draft(answers, machine_at(secrets, env={"USER": "ada"}))
    assert first_options(draft, backend("jwt"))["secret_file"] == "~/s"

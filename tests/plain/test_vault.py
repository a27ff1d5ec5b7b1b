"""Looking around in Vault in lines: on real servers, and on a double for refusals and for what must not happen."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pytest

from tests.keys.helpers import private_file
from tests.keys.vault_double import VaultDouble
from tests.plain.support import Said, talk
from tests.real.openbao_server import OpenBao
from tests.real.vault_server import VaultServer
from tests.tui.fixture import URL, Fake, first_draft
from wizard.flow import Draft
from wizard.keys.vault_browse import Browser
from wizard.machine.model import Machine
from wizard.services import Services

VALUE: Final = "sk-value-canary-0123456789"
TO_MOUNT: Final = (URL, "", "", "vault", "")
"""Server, route, no more; Vault, its address as found."""
AFTER: Final = ("", "", "no")
"""Sign-in, no more; no message."""


@pytest.fixture
def double() -> Iterator[VaultDouble]:
    secrets = {
        f"{mount}litellm/{name}": {"api_key": VALUE, "old_key": VALUE}
        for mount in ("secret/", "team/kv/")
        for name in ("claude-code", "other", "stop")
    }
    with VaultDouble(mounts={"secret/": "2", "team/kv/": "1"}, secrets=secrets) as made:
        yield made


def draft_at(url: str, home: Path, token: str = "", **more: str) -> Draft:
    env = {"HOME": str(home), "VAULT_ADDR": url, **({"VAULT_TOKEN": token} if token else {}), **more}
    return first_draft(env=env, home=home, claude_dir=home / ".claude")


def answers_of(fake: Fake) -> Mapping[str, Any]:
    """Return the key's answers as the plan had them."""
    options: Mapping[str, Any] = fake.asked("make_plan")[-1].key.options
    return options


def look(draft: Draft, *lines: str, fake: Fake | None = None, **how: Any) -> Said:
    """Answer until the mount is asked for, then by these lines; no value and no token is ever said."""
    said = talk(draft, *TO_MOUNT, *lines, fake=fake, **how)
    assert VALUE not in said.text and "hvs." not in said.text and "s-canary" not in said.text
    return said


@dataclass
class Watching(Fake):
    """Counts the browsers that are made and those that are closed."""

    made: list[Browser] = field(default_factory=list)
    closed: list[Browser] = field(default_factory=list)

    def services(self) -> Services:
        watching = self

        class Watched(Browser):
            def close(self) -> None:
                watching.closed.append(self)
                super().close()

        def browser(options: Mapping[str, Any], machine: Machine) -> Browser:
            watching.made.append(Watched(options, machine))
            return watching.made[-1]

        return replace(super().services(), vault_browser=browser)


@pytest.mark.parametrize(("number", "mount"), [("1", "secret"), ("2", "team/kv")], ids=["KV 2", "KV 1"])
def test_what_is_picked_answers_the_questions(double: VaultDouble, home: Path, number: str, mount: str) -> None:
    fake = Watching()
    lines = ["browse", "yes", number, "litellm", "1", "2", *AFTER]
    said = look(draft_at(double.url, home, double.token), *lines, "", "", "", "quit", fake=fake)
    assert {name: answers_of(fake)[name] for name in ("mount", "path", "field")} == {
        "mount": mount, "path": "litellm/claude-code", "field": "old_key"
    }  # fmt: skip
    assert f"Picked {mount}/litellm/claude-code, field old_key." in said.text and said.code == 130
    assert "Path: " not in said.text and "Field [" not in said.text, "the pick has answered them"
    assert f"{mount}/litellm/: 3 names. Pick where the key is." in said.text
    assert "Only names are shown." in said.text and fake.made == fake.closed and len(fake.made) == 1


def test_a_real_vault_is_walked_down_and_up_again(home: Path, vault_server: VaultServer) -> None:
    vault_server.mount("lines/kv")
    vault_server.put("lines/kv/a/b", api_key=VALUE, other="x")
    vault_server.put("lines/kv/c", api_key=VALUE)
    fake = Fake()
    lines = ["browse", "yes", "lines/kv", "a", "back", "2", "back", "a/", "b", "api_key", *AFTER, "", "", "", "quit"]
    said = look(draft_at(vault_server.url, home, vault_server.root_token), *lines, fake=fake)
    assert said.text.count("lines/kv/: 2 names. Pick where the key is.\n1. a/\n2. c\n") == 3, said.text
    assert (answers_of(fake)["mount"], answers_of(fake)["path"]) == ("lines/kv", "a/b")


def test_a_real_openbao_shows_its_second_version(home: Path, openbao: OpenBao) -> None:
    openbao.put("lines/key", api_key=VALUE, owner="x")
    fake = Fake()
    lines = ["browse", "yes", "secret", "lines", "key", "", *AFTER, "", "", "", "quit"]
    look(draft_at(openbao.url, home, openbao.root_token), *lines, fake=fake)
    assert (answers_of(fake)["path"], answers_of(fake)["field"]) == ("lines/key", "api_key")


def test_it_is_offered_where_it_answers_and_nowhere_else(double: VaultDouble, home: Path) -> None:
    draft = draft_at(double.url, home, double.token)
    said = look(draft, "?", "", "some/path", "browse", "yes", "1", "1", "2", "", "back", "quit")
    assert "Type browse at Mount, Path or Field" in said.text and "browse looks for it in Vault." in said.text
    assert "Picked secret/litellm/other, field api_key." in said.text
    assert said.text.rstrip().count("Field [api_key]: quit") == 1, "back leads to the pick"
    other = look(draft, "", "p", "", "browse", "quit")
    assert "Choose one of: token" in other.text and "browse" not in talk(draft, URL, "", "", "jwt", "?", "quit").text


def test_nothing_is_sent_before_the_yes_and_it_is_asked_once(double: VaultDouble, home: Path) -> None:
    draft = draft_at(double.url, home, double.token)
    said = look(draft, "browse", "no", "quit")
    assert f"This asks {double.url} for names only. Your token goes there. Is that right?" in said.text
    assert not double.requests and said.text.count("Mount [secret]: ") == 2
    fake = Fake()
    again = look(draft, "browse", "", "stop", "browse", "1", "1", "1", "", *AFTER, fake=fake)
    assert again.text.count("Your token goes there.") == 1 and "Your credential goes to" not in again.text
    assert double.requests and double.url in fake.asked("try_key")[0]


def test_a_word_that_is_a_name_has_its_number_or_a_backslash(double: VaultDouble, home: Path) -> None:
    draft = draft_at(double.url, home, double.token)
    assert "Picked secret/litellm/stop" in look(draft, "browse", "", "1", "1", "3", "1", "quit").text
    fake = Fake()
    look(draft, "\\browse", "p", "", "", "", "", "no", "", "", "", "quit", fake=fake)
    assert answers_of(fake)["mount"] == "browse"


def test_trouble_is_told_and_can_be_tried_again_or_left(double: VaultDouble, home: Path) -> None:
    draft = draft_at(double.url, home, double.token)
    double.overrides = {"sys/internal/ui/mounts": (403, {"errors": ["permission denied"]})}
    said = look(draft, "browse", "", "again", "?", "", "quit")
    assert said.text.count("✗ Vault does not let this token list its mounts") == 2
    assert "more asks for what else leads to Vault" in said.text and "Back to the questions." in said.text
    double.overrides = {"secret/metadata/litellm/": (403, {"errors": ["permission denied"]})}
    said = look(draft, "browse", "", "1", "1", "back", "back", "back", "quit")
    assert "ask for list on secret/metadata/litellm/" in said.text and said.text.count("2 mounts.") == 2
    gone = look(draft_at("http://127.0.0.1:9", home, "hvs.x"), "browse", "", "stop", "quit")
    assert "Nothing accepts connections" in gone.text
    assert "There is no Vault token" in look(draft_at(double.url, home), "browse", "", "stop", "quit").text


def test_more_asks_how_to_sign_in_and_the_token_is_given_back(double: VaultDouble, home: Path) -> None:
    double.logins = {"auth/approle/login": {"role_id": "r", "secret_id": "s-canary"}}
    private_file(home / "s", "s-canary")
    fake = Watching()
    way = ["more", "approle", "", "r", "~/s", "", "", "", "", ""]
    lines = ["browse", "", *way, "1", "1", "1", "1", "", "", "~/s", "no", "quit"]
    said = look(draft_at(double.url, home), *lines, fake=fake)
    assert "Picked secret/litellm/claude-code, field api_key." in said.text, said.text
    assert "Sign-in (token, userpass, ldap, oidc, approle, jwt, kubernetes) [approle]" in said.text
    assert len(fake.made) == 2 and fake.made == fake.closed
    deadline = time.monotonic() + 10
    while double.given:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("lines", [("quit",), (), ("1", "quit"), ("1", "1", "1", "quit"), ("stop", "quit"), ("back",)])
@pytest.mark.parametrize("then", [None, KeyboardInterrupt])
def test_the_browser_is_closed_however_it_is_left(
    double: VaultDouble, home: Path, lines: tuple[str, ...], then: type[BaseException] | None
) -> None:
    fake = Watching()
    look(draft_at(double.url, home, double.token), "browse", "", *lines, fake=fake, then=then)
    assert len(fake.made) == 1 and fake.made == fake.closed


def test_many_names_are_shown_by_a_word_and_keep_their_numbers(double: VaultDouble, home: Path) -> None:
    double.secrets = {f"secret/team-{number:03}": {"api_key": VALUE} for number in range(90)}
    lines = ["browse", "", "1", "list 07", "list none", "91", "9" * 5000, "nothing", "80", "", "quit"]
    said = look(draft_at(double.url, home, double.token), *lines)
    assert "40. team-039\nand 50 more; list WORD" in said.text and "41. team-040" not in said.text
    assert "8. team-007\n71. team-070\n" in said.text and "None." in said.text
    assert said.text.count("Nothing here has that number or name.") == 3
    assert "Picked secret/team-079, field api_key." in said.text


def test_http_is_asked_about_before_anything_is_sent(home: Path) -> None:
    """Once the address was typed again as it was, its leave is what is missing."""
    draft = draft_at("http://vault.corp.example", home, "hvs.x")
    said = look(draft, "browse", "", "", "yes", "no", "quit")
    assert "Allow http (yes, no)" in said.text and "This asks http://vault.corp.example for names" in said.text


def test_http_is_allowed_at_the_end_too_without_starting_over(home: Path) -> None:
    fake = Fake()
    lines = ["", "some/path", "", "", "", "", "", "yes", "yes", "no", "", "", "", "quit"]
    said = look(draft_at("http://vault.corp.example", home), *lines, fake=fake)
    assert said.text.count("Allow http (yes, no)") == 1 and answers_of(fake)["allow_http"] is True


def test_a_name_that_the_form_can_not_take_is_asked_for(double: VaultDouble, home: Path) -> None:
    double.secrets = {"secret/odd?name": {"api_key": VALUE}}
    said = look(draft_at(double.url, home, double.token), "browse", "", "1", "1", "", "typed/path", "quit")
    assert "✗ path: It holds ?" in said.text and "Path: typed/path" in said.text

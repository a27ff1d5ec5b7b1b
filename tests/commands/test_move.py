"""`move`: what follows the server, what stays, what is asked, and where no key may go.

Both gateways are real LiteLLM proxies, behind recorders that keep every byte sent to them; doubles stand in only for
gateways that lack something.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.commands.support import Run, everything, secrets_file, without_state
from tests.faults.certificates import Authority
from tests.faults.servers import NOT_FOUND, Handler, Talk, litellm, serving
from tests.real.litellm_proxy import Proxy, free_port
from tests.real.recorder import Recorder, recording
from tests.real.vault_server import VaultServer

SETTINGS = ".claude/settings.json"
HELPER = "bin/refresh-litellm-key.sh"
_GENERATION = re.compile(r"\.sh\.[0-9a-f]{8}$")


@pytest.fixture
def old(litellm: Proxy) -> Iterator[Recorder]:
    """A recorder before a real LiteLLM: the server before the move."""
    with recording(litellm.port) as recorder:
        yield recorder


@pytest.fixture
def new(litellm: Proxy) -> Iterator[Recorder]:
    """A recorder before a real LiteLLM: the server after it."""
    with recording(litellm.port) as recorder:
        yield recorder


@pytest.fixture
def person(home: Path, litellm: Proxy) -> Path:
    """A home with start-up files of bash and zsh, and a key."""
    secrets_file(home, litellm.master_key)
    (home / ".bashrc").write_text("alias ll='ls -l'")
    (home / ".zshrc").write_text("setopt nounset\n")
    (home / ".zshrc").chmod(0o640)
    return home


def set_up(wizard: Run, url: str, *more: str) -> None:
    words = ["--key", "env-file", "--shell", "bash", "--shell", "zsh", "--yes", *more]
    done = wizard("apply", "--server", url, *words)
    assert done.returncode == 0, done.stderr


def env_of(home: Path) -> dict[str, str]:
    table: dict[str, Any] = json.loads((home / SETTINGS).read_text())
    found: dict[str, str] = table["env"]
    return found


def identity(path: Path) -> tuple[int, int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_mode


def kept(home: Path) -> dict[Path, bytes]:
    """Return what a person has, without the helper that the last write left beside the plain one until the next."""
    return {path: content for path, content in without_state(home).items() if not _GENERATION.search(path.name)}


def run_helper(home: Path, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {"HOME": str(home), "PATH": "/usr/bin:/bin", **env}
    return subprocess.run(["/bin/sh", "-c", str(home / HELPER)], env=clean, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("alive", [True, False], ids=["old-alive", "old-dead"])
def test_case_86_the_server_moves_and_only_what_names_it_changes(
    wizard: Run, person: Path, litellm: Proxy, new: Recorder, alive: bool
) -> None:
    with ExitStack() as stack:
        old = stack.enter_context(recording(litellm.port))
        set_up(wizard, old.url)
        if not alive:
            stack.close()
        before = kept(person)
        profile = {each: identity(person / each) for each in (".bashrc", ".zshrc")}
        asked = len(old.requests)
        moved = wizard("move", new.url, "--yes", "--json")
        assert moved.returncode == 0, moved.stderr
        told = json.loads(moved.stdout)
        assert told["ok"] and told["written"]
        assert told["moved"] == [{"name": "gateway.url", "from": old.url, "to": new.url}]
        changed = {Path(each["path"]).name for each in told["changes"] if each["state"] != "unchanged"}
        assert changed == {"refresh-litellm-key.sh", "settings.json", "setup-litellm.sh", "default.toml"}
        assert {each: identity(person / each) for each in profile} == profile, "the profile was touched"
        assert env_of(person)["ANTHROPIC_BASE_URL"] == new.url
        assert len(old.requests) == asked, "the move asked the old server something"
        assert {each["id"]: each["status"] for each in told["checks"]}["proof.helper"] == "pass"
        undone = wizard("undo")
        assert undone.returncode == 0, undone.stderr
        assert kept(person) == before
        assert {each: identity(person / each) for each in profile} == profile
        assert wizard("undo").returncode == 0
        assert set(without_state(person)) == {person / each for each in (".bashrc", ".zshrc", ".secrets/litellm.env")}
        assert litellm.master_key not in moved.stdout + moved.stderr + undone.stdout


def test_case_86_a_session_from_before_gets_a_sentence_and_no_key(wizard: Run, person: Path, litellm: Proxy) -> None:
    new = f"http://127.0.0.1:{free_port()}"
    set_up(wizard, litellm.url)
    assert run_helper(person, ANTHROPIC_BASE_URL=litellm.url).stdout == f"{litellm.master_key}\n"
    assert wizard("move", new, "--yes", "--skip-checks").returncode in (0, 1)
    told = run_helper(person, ANTHROPIC_BASE_URL=litellm.url)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.count("\n") == 1 and new in told.stderr and litellm.url in told.stderr
    assert "now" in told.stderr and "Restart Claude Code." in told.stderr
    assert run_helper(person, ANTHROPIC_BASE_URL=new).stdout == f"{litellm.master_key}\n"


def test_lite_is_asked_for_a_token_of_the_new_server(wizard: Run, person: Path, litellm: Proxy) -> None:
    old, new = f"http://127.0.0.1:{free_port()}", litellm.url
    lite = person / "opt/lite"
    lite.parent.mkdir()
    lite.write_text(f'#!/bin/sh\n[ "$1" = --base-url={new} ] && echo {litellm.master_key}\n')
    lite.chmod(0o700)
    lite_there = {"PATH": f"{lite.parent}:/usr/bin:/bin"}
    words = ["--key", "command", "--set", "key.command.preset=litellm", "--set", f"key.command.server={old}"]
    wizard("apply", "--server", old, *words, "--shell", "bash", "--yes", "--skip-checks", **lite_there)
    moved = wizard("move", new, "--yes", "--json", **lite_there)
    assert moved.returncode == 0, moved.stderr
    assert {each["name"] for each in json.loads(moved.stdout)["moved"]} == {"gateway.url", "key.command.server"}
    helper = subprocess.run([person / "bin/get-litellm-key.sh"], env={}, capture_output=True, text=True, timeout=60)
    assert helper.stdout == f"{litellm.master_key}\n"


def test_case_16_no_key_goes_to_a_server_nobody_confirmed(
    wizard: Run, person: Path, old: Recorder, new: Recorder
) -> None:
    """Another host from a file, and nobody there to say yes; typing it in `move` is the yes."""
    set_up(wizard, old.url)
    before, sent = everything(person), old.credentials
    (person / "team.toml").write_text(
        f'version = 1\n[gateway]\nurl = "{new.url}"\n[key]\nbackend = "env-file"\n[key.env-file]\n'
        'file = "~/.secrets/litellm.env"\nvariable = "LITELLM_API_KEY"\n[write]\nshells = ["bash", "zsh"]\n'
    )
    refused = wizard("apply", "--answers", "team.toml")
    (person / "team.toml").unlink()
    assert refused.returncode == 2 and new.url in refused.stderr
    assert new.credentials == 0 and everything(person) == before
    assert wizard("move", new.url, "--yes").returncode == 0
    assert new.credentials > 0, "the control: this is what a key looks like here"
    assert old.credentials == sent


def test_case_16_the_new_key_never_meets_the_old_server(
    wizard: Run, person: Path, litellm: Proxy, litellm_below_a_path: Proxy, old: Recorder
) -> None:
    """The source of the key changes together with the server, in one transaction."""
    file = person / ".secrets/litellm.env"
    file.write_text(f"LITELLM_API_KEY={litellm.master_key}\nNEW_KEY={litellm_below_a_path.master_key}\n")
    set_up(wizard, old.url)
    with recording(litellm_below_a_path.port) as new:
        words = ("--set", "key.env-file.variable=NEW_KEY", "--yes", "--json")
        moved = wizard("move", f"{new.url}/llm", *words)
        assert moved.returncode == 0, moved.stderr
        assert {each["name"] for each in json.loads(moved.stdout)["moved"]} == {
            "gateway.url",
            "key.env-file.variable",
        }
        assert litellm_below_a_path.master_key.encode() in new.sent, "the control"
        assert litellm.master_key.encode() not in new.sent
        assert litellm_below_a_path.master_key.encode() not in old.sent
        assert run_helper(person, ANTHROPIC_BASE_URL=old.url).stdout == ""
        assert len(json.loads(wizard("undo", "--list", "--json").stdout)) == 2, "one transaction each"


def test_a_dead_new_server_changes_nothing_and_says_what_still_stands(
    wizard: Run, person: Path, litellm: Proxy
) -> None:
    set_up(wizard, litellm.url)
    before = everything(person)
    done = wizard("move", f"http://127.0.0.1:{free_port()}", "--yes")
    assert done.returncode == 1
    assert f"Claude Code still uses {litellm.url}." in done.stderr
    assert everything(person) == before


def test_case_08_a_move_to_where_it_is_does_nothing_and_says_so(wizard: Run, person: Path, old: Recorder) -> None:
    set_up(wizard, old.url)
    files = {each: identity(each) for each in everything(person)}
    asked = len(old.requests)
    for url in (old.url, f"{old.url}/", f"{old.url}/v1"):
        done = wizard("move", url, "--yes", "--json")
        assert done.returncode == 0, done.stderr
        assert f"Nothing moves: Claude Code uses {old.url} already" in done.stderr
        told = json.loads(done.stdout)
        assert not told["written"] and told["moved"] == [] and told["checks"] == []
    assert {each: identity(each) for each in files} == files
    assert len(old.requests) == asked


def test_case_08_a_second_move_writes_nothing(wizard: Run, person: Path, old: Recorder, new: Recorder) -> None:
    set_up(wizard, old.url)
    assert wizard("move", new.url, "--yes").returncode == 0
    files = {each: identity(each) for each in everything(person)}
    again = wizard("move", new.url, "--yes")
    assert again.returncode == 0 and "Nothing moves" in again.stderr
    assert {each: identity(each) for each in files} == files


def test_only_the_path_changes(wizard: Run, home: Path, litellm_below_a_path: Proxy) -> None:
    secrets_file(home, litellm_below_a_path.master_key)
    base = litellm_below_a_path.url.removesuffix("/llm")
    set_up(wizard, base)
    done = wizard("move", litellm_below_a_path.url, "--yes")
    assert done.returncode == 0, done.stderr
    assert env_of(home)["ANTHROPIC_BASE_URL"] == litellm_below_a_path.url
    key = f"{litellm_below_a_path.master_key}\n"
    assert run_helper(home, ANTHROPIC_BASE_URL=base).stdout == key, "the same origin: sessions from before go on"


def test_from_http_to_https_and_back(wizard: Run, person: Path, litellm: Proxy, old: Recorder, tmp_path: Path) -> None:
    set_up(wizard, old.url)
    authority = Authority(tmp_path)
    with recording(litellm.port, authority.issue("127.0.0.1").context()) as new:
        unknown = wizard("move", new.url, "--yes")
        assert unknown.returncode == 1 and new.credentials == 0, "no key before TLS is right"
        done = wizard("move", new.url, "--set", f"gateway.ca_file={authority.certificate}", "--yes")
        assert done.returncode == 0, done.stderr
        env = env_of(person)
        assert (env["ANTHROPIC_BASE_URL"], env["NODE_EXTRA_CA_CERTS"]) == (new.url, str(authority.certificate))
        back = wizard("move", old.url, "--yes")
    assert back.returncode == 0, back.stderr
    assert env_of(person)["ANTHROPIC_BASE_URL"] == old.url


def test_leave_to_use_http_does_not_move_along(wizard: Run, person: Path) -> None:
    """It was given for one server."""
    offline = ("--yes", "--skip-checks")
    wizard("apply", "--server", "http://llm.example", "--key", "env-file", "--set", "gateway.allow_http=true", *offline)
    answers = person / ".config/claude-litellm-wizard/answers/default.toml"
    assert "allow_http = true" in answers.read_text()
    before = everything(person)
    refused = wizard("move", "http://other.example", *offline)
    assert refused.returncode == 2 and "unencrypted" in refused.stderr and everything(person) == before
    wizard("move", "http://llm.example/sub", *offline)
    assert "allow_http = true" in answers.read_text(), "the same server"
    wizard("move", "https://other.example", *offline)
    assert "allow_http" not in answers.read_text()
    wizard("move", "http://third.example", "--set", "gateway.allow_http=true", *offline)
    assert env_of(person)["ANTHROPIC_BASE_URL"] == "http://third.example"


def test_the_vault_moves_instead(wizard: Run, person: Path, litellm: Proxy, vault_server: VaultServer) -> None:
    port = int(vault_server.url.rpartition(":")[2])
    vault_server.put("secret/move", api_key=litellm.master_key)
    (person / ".vault-token").touch(mode=0o600)
    (person / ".vault-token").write_text(vault_server.root_token)
    with recording(port) as here, recording(port) as there:
        words = ["--key", "vault", "--set", f"key.vault.address={here.url}", "--set", "key.vault.path=move"]
        assert wizard("apply", "--server", litellm.url, *words, "--shell", "bash", "--yes").returncode == 0
        asked = len(here.requests)
        done = wizard("move", "--vault", there.url, "--yes", "--json")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["moved"] == [{"name": "key.vault.address", "from": here.url, "to": there.url}]
        changed = {Path(each["path"]).name for each in told["changes"] if each["state"] != "unchanged"}
        assert changed == {"get-litellm-key.sh", "default.toml"}
        assert there.credentials > 0 and len(here.requests) == asked
    other = wizard("move", "--vault", "https://vault.example", "--key", "env-file", "--yes")
    assert other.returncode == 2 and "--vault is of no use" in other.stderr


def test_the_backend_changes_with_the_server(
    wizard: Run, person: Path, litellm: Proxy, vault_server: VaultServer, new: Recorder
) -> None:
    vault_server.put("secret/both", api_key=litellm.master_key)
    (person / ".vault-token").touch(mode=0o600)
    (person / ".vault-token").write_text(vault_server.root_token)
    set_up(wizard, litellm.url)
    before = kept(person)
    words = ["--set", f"key.vault.address={vault_server.url}", "--set", "key.vault.path=both"]
    done = wizard("move", new.url, "--key", "vault", *words, "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert (person / "bin/get-litellm-key.sh").exists()
    assert env_of(person)["ANTHROPIC_BASE_URL"] == new.url
    assert wizard("undo").returncode == 0
    assert kept(person) == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "Nothing is said about where to"),
        (["llm.example"], "https://llm.example"),
        (["https://llm.example/\x1b[31m"], "U+001B"),
        (["ftp://llm.example"], "https://"),
        (["--set", "gateway.url"], "section.key=value"),
    ],
)
def test_bad_use_gets_a_sentence_and_changes_nothing(wizard: Run, person: Path, words: list[str], says: str) -> None:
    wizard("apply", "--server", "https://llm.example", "--key", "env-file", "--yes", "--skip-checks")
    before = everything(person)
    done = wizard("move", *words, "--yes")
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr and everything(person) == before


def test_without_saved_answers_there_is_nothing_to_move(wizard: Run, home: Path) -> None:
    done = wizard("move", "https://llm.example", "--yes")
    assert done.returncode == 2 and "Nothing is set up yet" in done.stderr
    assert everything(home) == {}


def test_nobody_to_ask_and_a_dry_run_write_nothing(wizard: Run, person: Path, old: Recorder, new: Recorder) -> None:
    set_up(wizard, old.url)
    before = everything(person)
    alone = wizard("move", new.url)
    assert alone.returncode == 2 and "--yes" in alone.stderr
    dry = wizard("move", new.url, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert (
        f"gateway.url: {old.url} -> {new.url}" in dry.stderr
        and f'+    "ANTHROPIC_BASE_URL": "{new.url}",' in dry.stdout
    )
    assert "~/.bashrc" not in dry.stdout + dry.stderr
    assert everything(person) == before


def test_what_was_edited_by_hand_is_replaced_only_on_its_own_yes(
    wizard: Run, person: Path, litellm: Proxy, new: Recorder
) -> None:
    set_up(wizard, litellm.url)
    settings = person / SETTINGS
    settings.write_text(settings.read_text().replace(litellm.url, "https://by-hand.example"))
    before = everything(person)
    refused = wizard("move", new.url, "--yes")
    assert refused.returncode == 3 and "by-hand.example" in refused.stderr and everything(person) == before
    assert wizard("move", new.url, "--yes", "--replace-existing").returncode == 0
    assert wizard("undo").returncode == 0
    assert settings.read_bytes() == before[settings]


def test_a_move_by_hand_is_finished(wizard: Run, person: Path, litellm: Proxy, new: Recorder) -> None:
    """Somebody put the new URL into settings.json: the helper still belongs to the old one, and nothing conflicts."""
    set_up(wizard, litellm.url)
    settings = person / SETTINGS
    settings.write_text(settings.read_text().replace(litellm.url, new.url))
    assert run_helper(person, ANTHROPIC_BASE_URL=new.url).returncode == 1
    assert wizard("move", new.url, "--yes").returncode == 0
    assert run_helper(person, ANTHROPIC_BASE_URL=new.url).stdout == f"{litellm.master_key}\n"


def test_drift_without_a_move_is_mended(wizard: Run, person: Path, litellm: Proxy) -> None:
    set_up(wizard, litellm.url)
    (person / HELPER).unlink()
    done = wizard("move", litellm.url, "--yes")
    assert done.returncode == 0, done.stderr
    assert "Nothing moves" not in done.stderr and os.access(person / HELPER, os.X_OK)


def test_a_move_while_switched_off_says_that_it_switches_on(
    wizard: Run, person: Path, litellm: Proxy, new: Recorder
) -> None:
    set_up(wizard, litellm.url)
    assert wizard("off", "--yes").returncode == 0
    done = wizard("move", new.url, "--yes")
    assert done.returncode == 0, done.stderr
    assert "It is switched off" in done.stderr and env_of(person)["ANTHROPIC_BASE_URL"] == new.url


def a_gateway(models: tuple[str, ...], **other: Any) -> Handler:
    """A double that lists these models to any key."""
    keyless = litellm(**other)

    async def handle(talk: Talk) -> None:
        head = await talk.reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"GET /v1/models"):
            talk.reader = asyncio.StreamReader()
            talk.reader.feed_data(head)
            await keyless(talk)
            return
        talk.received.append(head)
        await talk.answer(200, json.dumps({"data": [{"id": each} for each in models], "object": "list"}))

    return handle


async def test_pins_that_the_new_server_lacks_are_not_written_unsaid(wizard: Run, person: Path, litellm: Proxy) -> None:
    await asyncio.to_thread(set_up, wizard, litellm.url, "--set", "models.opus=claude-opus-4-8")
    before = everything(person)

    async def move(*words: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(wizard, "move", f"http://127.0.0.1:{server.port}", "--yes", *words)

    async with serving(a_gateway(("corp-large", "corp-small"))) as server:
        refused = await move()
        assert refused.returncode == 1 and everything(person) == before
        assert "does not list claude-opus-4-8 (opus)" in refused.stderr + refused.stdout
        assert "corp-large, corp-small" in refused.stderr and "--set models.opus=" in refused.stderr
        dropped = await move("--dry-run", "--set", "models.opus=")
        assert dropped.returncode == 0 and '-    "ANTHROPIC_DEFAULT_OPUS_MODEL": "claude-opus-4-8"' in dropped.stdout
        named = await move("--set", "models.opus=claude-opus-4-8")
        assert named.returncode == 0 and "pinned all the same" in named.stderr
    assert env_of(person)["ANTHROPIC_DEFAULT_OPUS_MODEL"] == "claude-opus-4-8"


async def test_another_route_on_the_new_server_is_named(wizard: Run, person: Path, litellm: Proxy) -> None:
    await asyncio.to_thread(set_up, wizard, litellm.url)
    before = everything(person)
    async with serving(a_gateway(("m",), anthropic=(404, NOT_FOUND))) as server:
        url = f"http://127.0.0.1:{server.port}"
        refused = await asyncio.to_thread(wizard, "move", url, "--yes")
        assert refused.returncode == 1 and "add --route bedrock" in refused.stderr and everything(person) == before
        done = await asyncio.to_thread(wizard, "move", url, "--route", "bedrock", "--yes")
    assert done.returncode == 0, done.stderr
    env = env_of(person)
    assert env["ANTHROPIC_BEDROCK_BASE_URL"] == f"{url}/bedrock" and env["CLAUDE_CODE_USE_BEDROCK"] == "1"

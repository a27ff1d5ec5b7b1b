"""Keys in the desktop's keychain, read from a real one; macOS's `security` by a double."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.keys.helpers import LIMIT, SHELLS, helper_text, machine_with, options_of, run_helper, write_helper
from tests.keys.real_keychain import RealKeychain, real_keychain
from tests.keys.test_signed_jwt import signing_key, verified
from tests.machines import machine_at
from tests.programs import require
from wizard.keys import keychain as module
from wizard.keys.backend import NoProgramError
from wizard.keys.keychain import BACKEND
from wizard.machine.model import Machine
from wizard.verdict import Verdict

SERVICE = "claude-litellm-wizard"
KEY = "sk-keychain-0123456789abcdef"
BARE = {"PATH": "/usr/bin:/bin"}


@pytest.fixture(scope="module")
def keychain() -> Iterator[RealKeychain]:
    with real_keychain() as chain:
        yield chain


@pytest.fixture
def own_keychain() -> Iterator[RealKeychain]:
    """One that a test may lock or freeze."""
    with real_keychain() as chain:
        yield chain


def machine_on(home: Path, chain: RealKeychain | None) -> Machine:
    env = {"HOME": str(home), **(chain.env if chain else BARE)}
    return machine_with(home, "secret-tool", "timeout", env=env)


def text_for(home: Path, chain: RealKeychain | None, **given: Any) -> str:
    return helper_text("keychain", options_of("keychain", **given), machine_on(home, chain))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("account", ["litellm", "llm.corp.example", "--help", "-x", "é 日", "a'b\"c`$(touch pwned)`\\"])
def test_the_helper_prints_the_key(home: Path, keychain: RealKeychain, shell: str, account: str) -> None:
    require(shell)
    keychain.put(SERVICE, account, f"{KEY}-{len(account)}")
    text = text_for(home, keychain, account=account)
    assert run_helper(text, home, keychain.env, shell=SHELLS[shell]).key == f"{KEY}-{len(account)}"
    assert not (home / "pwned").exists()


def test_it_works_without_timeout(home: Path, keychain: RealKeychain) -> None:
    keychain.put(SERVICE, "litellm", KEY)
    machine = machine_on(home, keychain)
    machine = replace(machine, programs={"secret-tool": machine.programs["secret-tool"]})
    text = helper_text("keychain", options_of("keychain"), machine)
    assert run_helper(text, home, keychain.env).key == KEY


def test_an_ide_without_the_bus_in_its_environment_finds_it(home: Path, keychain: RealKeychain) -> None:
    keychain.put(SERVICE, "litellm", KEY)
    env = {**BARE, "XDG_RUNTIME_DIR": str(keychain.folder)}
    assert run_helper(text_for(home, keychain), home, env).key == KEY
    assert BACKEND.shell_needs({}, machine_on(home, keychain)) == ("DBUS_SESSION_BUS_ADDRESS",)
    on_systemd = machine_at(home, env={**keychain.env, "XDG_RUNTIME_DIR": str(keychain.folder)})
    assert BACKEND.shell_needs({}, on_systemd) == ()


def test_a_wrong_account_is_told_with_the_command_that_stores_one(home: Path, keychain: RealKeychain) -> None:
    said = run_helper(text_for(home, keychain, account="nobody"), home, keychain.env).refusal
    assert said == (
        f"The keychain holds nothing for service {SERVICE}, account nobody."
        " Run: claude-litellm-wizard store --key keychain"
    )


def test_a_locked_keychain_has_a_sentence_of_its_own(home: Path, own_keychain: RealKeychain) -> None:
    own_keychain.put(SERVICE, "litellm", KEY)
    own_keychain.lock()
    assert "The keychain is locked" in run_helper(text_for(home, own_keychain), home, own_keychain.env).refusal
    assert "holds nothing" in run_helper(text_for(home, own_keychain, account="x"), home, own_keychain.env).refusal


@pytest.mark.parametrize("with_timeout", [True, False])
def test_one_that_hangs_is_given_up_in_time(home: Path, own_keychain: RealKeychain, with_timeout: bool) -> None:
    machine = machine_on(home, own_keychain)
    if not with_timeout:
        machine = replace(machine, programs={"secret-tool": machine.programs["secret-tool"]})
    text = helper_text("keychain", options_of("keychain"), machine)
    with own_keychain.frozen():
        started = time.monotonic()
        assert "in time" in run_helper(text, home, own_keychain.env).refusal
        assert time.monotonic() - started < LIMIT


def test_a_machine_without_a_keychain_is_told_what_else_to_choose(home: Path, tmp_path: Path) -> None:
    text = text_for(home, None)
    said = run_helper(text, home, {**BARE, "XDG_RUNTIME_DIR": str(tmp_path)}).refusal
    assert "choose another key backend" in said
    dead = {**BARE, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/none"}
    assert "No keychain answers" in run_helper(text, home, dead).refusal
    with real_keychain(served=False) as bus:
        assert "No keychain answers" in run_helper(text, home, bus.env).refusal


def test_without_its_program_there_is_no_helper(home: Path) -> None:
    with pytest.raises(NoProgramError, match="libsecret"):
        helper_text("keychain", options_of("keychain"), machine_at(home))
    with pytest.raises(NoProgramError, match="security"):
        helper_text("keychain", options_of("keychain"), machine_at(home, platform="darwin"))


@pytest.mark.parametrize(
    ("algorithm", "program"), [("HS256", "python3"), ("RS256", "openssl"), ("ES256", "openssl"), ("EdDSA", "jwt")]
)
def test_what_signs_a_token_can_be_in_the_keychain(
    home: Path, keychain: RealKeychain, algorithm: str, program: str
) -> None:
    keychain.put("signing", algorithm, signing_key(algorithm))
    machine = machine_with(home, "secret-tool", "timeout", program, env={"HOME": str(home), **keychain.env})
    given = {"keychain_service": "signing", "keychain_account": algorithm, "claims": {"user": "ada"}}
    options = options_of("jwt", algorithm=algorithm, secret_from="keychain", **given)
    text = helper_text("jwt", options, machine)
    token = run_helper(text, home, {**keychain.env, "HOME": str(home)}).key
    assert verified(token, algorithm)["user"] == "ada"
    missing = helper_text("jwt", {**options, "keychain_account": "nobody"}, machine)
    assert "holds nothing" in run_helper(missing, home, {**keychain.env, "HOME": str(home)}).refusal


# ── examined ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def examined(machine: Machine, **given: Any) -> dict[str, Verdict]:
    seen: list[Verdict] = []
    options = options_of("keychain", **given)
    await BACKEND.examine(options, machine, seen.append)
    assert [each.id for each in seen] == [check for check, _ in BACKEND.examinations(options)]
    assert KEY not in repr(seen)
    for each in seen:
        assert each.status == "skip" or (each.status == "pass") == (not each.fix)
    return {each.id.rpartition(".")[2]: each for each in seen}


def verdicts(found: dict[str, Verdict]) -> list[str]:
    return [each.verdict for each in found.values()]


async def test_it_is_examined(home: Path, keychain: RealKeychain) -> None:
    keychain.put(SERVICE, "é", KEY)
    keychain.put(SERVICE, "odd", "two words")
    machine = machine_on(home, keychain)
    found = await examined(machine, account="é")
    assert verdicts(found) == ["keychain-good", "entry-good"]
    assert found["entry"].facts["characters"] == len(KEY)
    assert verdicts(await examined(machine, account="odd")) == ["keychain-good", "entry-not-a-key"]
    assert verdicts(await examined(machine, account="nobody")) == ["keychain-good", "entry-missing"]
    unnamed = machine_with(home, "secret-tool", env={**BARE, "XDG_RUNTIME_DIR": str(keychain.folder)})
    assert verdicts(await examined(unnamed, account="é")) == ["keychain-good", "entry-good"]


async def test_a_locked_or_silent_one_is_examined(
    home: Path, own_keychain: RealKeychain, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_keychain.put(SERVICE, "litellm", KEY)
    machine = machine_on(home, own_keychain)
    monkeypatch.setattr(module, "EXAMINE_LIMIT", 1.0)
    with own_keychain.frozen():
        assert verdicts(await examined(machine)) == ["keychain-slow", "not-tried"]
    own_keychain.lock()
    monkeypatch.undo()
    assert verdicts(await examined(machine)) == ["keychain-locked", "not-tried"]


async def test_a_machine_without_one_is_examined(home: Path, tmp_path: Path) -> None:
    without_program = await examined(machine_at(home))
    assert verdicts(without_program) == ["keychain-none", "not-tried"]
    assert "libsecret" in without_program["keychain"].cause and "env-file" in without_program["keychain"].fix
    headless = machine_with(home, "secret-tool", env={**BARE, "XDG_RUNTIME_DIR": str(tmp_path)})
    assert "no session bus" in (await examined(replace(headless, uid=4_000_000)))["keychain"].cause
    dead = machine_with(home, "secret-tool", env={**BARE, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/no"})
    assert "does not answer" in (await examined(dead))["keychain"].cause
    with real_keychain(served=False) as bus:
        assert "no program on the session bus" in (await examined(machine_on(home, bus)))["keychain"].cause


# ── macOS, by a double ───────────────────────────────────────────────────────────────────────────────────────────────


def mac(home: Path, script: str) -> Machine:
    place = home / "opt/security"
    place.parent.mkdir(exist_ok=True)
    place.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$*\" >'{home}/asked'\n{script}\n")
    place.chmod(0o700)
    return machine_at(home, platform="darwin", programs={"security": place})


@pytest.mark.parametrize(
    ("script", "part", "verdict"),
    [
        ("exit 44", "holds nothing for service", "entry-missing"),
        ("exit 36", "The keychain is locked", "keychain-locked"),
        ("exit 51", "The keychain is locked", "keychain-locked"),
        ("exit 128", "The keychain is locked", "keychain-locked"),
    ],
)
async def test_macos_by_a_double_says_why(home: Path, script: str, part: str, verdict: str) -> None:
    machine = mac(home, script)
    assert part in run_helper(helper_text("keychain", options_of("keychain"), machine), home, BARE).refusal
    assert verdict in verdicts(await examined(machine))


async def test_macos_by_a_double_prints_the_key(home: Path) -> None:
    machine = mac(home, f"echo {KEY}")
    text = helper_text("keychain", options_of("keychain", service="-s", account="a b"), machine)
    assert run_helper(text, home, BARE).key == KEY
    assert (home / "asked").read_text() == "find-generic-password -s -s -a a b -w\n"
    assert verdicts(await examined(machine)) == ["keychain-good", "entry-good"]


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_shellcheck_finds_nothing(home: Path, platform: str) -> None:
    (shellcheck,) = require("shellcheck")
    machine = mac(home, "") if platform == "darwin" else machine_on(home, None)
    path = write_helper(helper_text("keychain", options_of("keychain"), machine), home)
    words: list[str | Path] = [shellcheck, "--severity=style", "--norc", path]
    assert subprocess.run(words, capture_output=True, text=True, check=False).stdout == ""

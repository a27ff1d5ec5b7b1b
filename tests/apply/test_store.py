"""A pasted key is stored by a write of its own: shown, confirmed, whole or not at all, and taken back by undo."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.apply.support import apply, failing, furnish, machine_of, picture, temporaries
from tests.keys.helpers import machine_with
from tests.keys.real_keychain import RealKeychain, real_keychain
from wizard.apply.change import digest
from wizard.apply.confirmed import Confirmed
from wizard.apply.errors import PlanError, Refused, WriteFailed
from wizard.apply.files import System
from wizard.apply.plan import make_plan
from wizard.apply.private_mode import plan_private
from wizard.apply.store import plan_store
from wizard.apply.suspend import is_off, plan_off
from wizard.apply.transaction import carry_out
from wizard.apply.undo import list_receipts, look_all_the_way_back, look_back, undo_all, undo_last
from wizard.keys import keychain_access
from wizard.machine.model import Machine
from wizard.secret import Secret

KEY: Final = "sk-canary-stored-0123456789"
FILE: Final = {"file": "~/.secrets/litellm.env", "variable": "LITELLM_API_KEY"}


def plan(machine: Machine, key: str = KEY, system: System | None = None, **given: str) -> Confirmed:
    return plan_store("env-file", {**FILE, **given}, Secret(key), machine, system)


def secrets(home: Path, content: bytes, mode: int = 0o600) -> Path:
    (home / ".secrets").mkdir(mode=0o700, exist_ok=True)
    path = home / ".secrets/litellm.env"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def holding(folder: Path, text: str) -> set[str]:
    """Return the files below a folder that hold a text."""
    files = (each for each in folder.rglob("*") if each.is_file())
    return {str(each.relative_to(folder)) for each in files if text.encode() in each.read_bytes()}


def test_a_new_file_is_private_from_its_first_moment_and_goes_again(home: Path) -> None:
    machine = machine_of(home)
    confirmed = plan(machine)
    assert not (home / ".secrets").exists() and not machine.state_dir.exists(), "planning writes nothing"
    assert "new, with mode 0600" in confirmed.lines[0] and "sk-…6789" in confirmed.lines[1]
    receipt = confirmed.write()
    assert (home / ".secrets/litellm.env").read_text() == f"LITELLM_API_KEY={KEY}\n"
    assert (mode_of(home / ".secrets/litellm.env"), mode_of(home / ".secrets")) == (0o600, 0o700)
    assert receipt.number == 1 and holding(home, KEY) == {".secrets/litellm.env"}
    assert KEY not in repr(confirmed) + repr(receipt) and KEY not in " ".join(confirmed.lines)
    assert undo_last(machine).removed == (home / ".secrets/litellm.env",)
    assert not (home / ".secrets").exists() and not holding(home, KEY)


def test_other_lines_and_the_old_key_come_back(home: Path) -> None:
    before = b"# mine\r\nexport LITELLM_API_KEY='sk-old-0123456789' # work\r\nOTHER=1\r\n"
    path = secrets(home, before, 0o644)
    machine = machine_of(home)
    confirmed = plan(machine)
    assert "now 0644" in confirmed.lines[0] and "instead of another value" in confirmed.lines[1]
    confirmed.write()
    assert path.read_bytes() == f"# mine\r\nexport LITELLM_API_KEY={KEY} # work\r\nOTHER=1\r\n".encode()
    assert mode_of(path) == 0o600 and holding(home, KEY) == {".secrets/litellm.env"}
    undo_last(machine)
    assert (path.read_bytes(), mode_of(path)) == (before, 0o644)


def test_the_same_key_again_is_nothing_to_do(home: Path) -> None:
    machine = machine_of(home)
    plan(machine).write()
    again = plan(machine)
    assert again.is_noop and "already" in again.lines[0]
    assert again.write().number == 0 and len(list_receipts(machine)) == 1


def test_what_others_wrote_since_stays_when_it_is_taken_back(home: Path) -> None:
    machine = machine_of(home)
    plan(machine).write()
    path = home / ".secrets/litellm.env"
    path.write_text(f"LITELLM_API_KEY={KEY}\nOTHER=mine\n")
    undo_last(machine)
    assert path.read_text() == "OTHER=mine\n"
    plan(machine).write()
    path.write_text("LITELLM_API_KEY=sk-theirs\n")
    assert undo_last(machine).kept == ((path, "the whole file"),)
    assert path.read_text() == "LITELLM_API_KEY=sk-theirs\n"


def test_an_edit_between_plan_and_yes_is_kept(home: Path) -> None:
    path = secrets(home, b"OTHER=1\n")
    confirmed = plan(machine_of(home))
    path.write_bytes(b"OTHER=2\nMORE=3\n")
    path.chmod(0o644)
    confirmed.write()
    assert path.read_text() == f"OTHER=2\nMORE=3\nLITELLM_API_KEY={KEY}\n" and mode_of(path) == 0o600


def test_no_diff_and_no_record_shows_a_value(home: Path) -> None:
    secrets(home, b"NAME=hunter2-canary\nLITELLM_API_KEY=plain-canary\nplain-canary-2\n")
    machine = machine_of(home)
    plan(machine, "x-canary-new").write()
    shown = "".join(each.diff(machine.short(each.path)) for each in look_back(machine).changes)
    assert "LITELLM_API_KEY=****" in shown and "canary" not in shown
    records = [*machine.state_dir.glob("receipts/*"), machine.state_dir / "ledger.json"]
    assert not [each for each in records if "canary" in each.read_text()]


@pytest.mark.parametrize("before", [None, b"OTHER=1\nLITELLM_API_KEY=old\n"])
def test_a_disk_that_fails_leaves_the_file_as_it_was(home: Path, before: bytes | None) -> None:
    if before is not None:
        secrets(home, before, 0o640)
    furnish(home)
    machine = machine_of(home)
    machine.state_dir.mkdir(parents=True, mode=0o700)
    whole = picture(home)
    for number in range(1, 200):
        try:
            plan(machine, system=failing(number, errno.EIO)).write()
        except WriteFailed as error:
            assert error.rolled_back
            assert picture(home) == whole, number
        except Refused as refused:
            raise AssertionError(number) from refused
        else:
            break
        assert not temporaries(home) and not holding(home, KEY), number
    assert number > 20 and holding(home, KEY) == {".secrets/litellm.env"}


def test_a_file_that_needs_a_copy_of_the_key_is_refused(home: Path) -> None:
    path = secrets(home, b"OTHER=1\n")
    os.link(path, home / "second-name")
    with pytest.raises(PlanError, match="hard links"):
        plan(machine_of(home))
    assert path.read_bytes() == b"OTHER=1\n"


def test_a_file_that_turns_out_not_to_be_replaceable_is_refused_and_no_copy_is_made(home: Path) -> None:
    class Busy(System):
        @staticmethod
        def exchange(*_: object) -> None:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    path = secrets(home, b"OTHER=1\n")
    with pytest.raises(Refused, match="can't be replaced"):
        plan(machine_of(home), system=Busy()).write()
    assert path.read_bytes() == b"OTHER=1\n" and not holding(home, KEY) and not temporaries(home)


def test_a_link_is_followed_and_stays(home: Path) -> None:
    (home / "vault").mkdir()
    (home / "vault/keys").write_bytes(b"OTHER=1\n")
    (home / ".secrets").mkdir(mode=0o700)
    (home / ".secrets/litellm.env").symlink_to(home / "vault/keys")
    machine = machine_of(home)
    plan(machine).write()
    assert (home / ".secrets/litellm.env").is_symlink() and mode_of(home / "vault/keys") == 0o600
    undo_last(machine)
    assert (home / "vault/keys").read_bytes() == b"OTHER=1\n"


@pytest.mark.parametrize("kind", ["folder", "fifo", "read-only", "binary"])
def test_what_is_no_secrets_file_is_refused(home: Path, kind: str) -> None:
    path = secrets(home, b"\0\1" if kind == "binary" else b"A=1\n", 0o400)
    if kind in ("folder", "fifo"):
        path.unlink()
        path.mkdir() if kind == "folder" else os.mkfifo(path)
    with pytest.raises(PlanError):
        plan(machine_of(home))


def test_storing_leaves_a_suspended_set_up_suspended(home: Path) -> None:
    furnish(home)
    machine = machine_of(home)
    apply(machine)
    settings = (home / ".claude/settings.json").read_bytes()
    carry_out(plan_off(machine), machine)
    plan(machine).write()
    assert is_off(machine_of(home))
    from tests.apply.support import answers_for
    from wizard.apply.suspend import as_before_off

    shells = ("bash", "zsh", "fish")
    carry_out(as_before_off(make_plan(answers_for(shells=shells), machine), machine), machine)
    assert (home / ".claude/settings.json").read_bytes() == settings


def test_the_newest_write_is_taken_back_first_also_within_one_second(home: Path) -> None:
    """A run and a key stored within the same second: their order is that of their numbers, not of their times."""
    furnish(home)
    machine = machine_of(home)
    for _ in range(3):
        apply(machine)
        plan(machine).write()
        assert next(each.paths[0].name for each in list_receipts(machine)) == "litellm.env"
        undo_last(machine)
        assert not (home / ".secrets/litellm.env").exists() and (home / "bin/refresh-litellm-key.sh").exists()
        undo_last(machine)
        assert not (home / "bin/refresh-litellm-key.sh").exists()


def test_all_the_way_back_takes_the_key_out_too(home: Path) -> None:
    furnish(home)
    path = secrets(home, b"OTHER=1\nLITELLM_API_KEY=sk-old\n", 0o644)
    before = picture(home)
    machine = machine_of(home)
    plan(machine, "sk-first").write()
    apply(machine)
    plan(machine, "sk-second").write()
    assert path.read_bytes() == b"OTHER=1\nLITELLM_API_KEY=sk-second\n"
    undo_all(machine)
    assert picture(home) == before and not machine.state_dir.exists()


# ── made private ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_made_private_in_place_and_nothing_of_it_is_copied(home: Path) -> None:
    path = secrets(home, f"A={KEY}\n".encode(), 0o644)
    os.link(path, home / "second-name")
    node = path.stat().st_ino
    machine = machine_of(home)
    confirmed = plan_private(path, machine)
    assert confirmed.lines == ("~/.secrets/litellm.env gets mode 0600 (now 0644): only you can read it then.",)
    confirmed.write()
    assert (mode_of(path), path.stat().st_ino) == (0o600, node)
    assert holding(home, KEY) == {".secrets/litellm.env", "second-name"}
    assert plan_private(path, machine).is_noop
    path.write_text("A=2\n")
    undo_last(machine)
    assert (mode_of(path), path.read_text()) == (0o644, "A=2\n")


def test_a_link_made_private_is_still_a_link(home: Path) -> None:
    (home / "real").write_text("A=1\n")
    (home / "real").chmod(0o755)
    (home / "link").symlink_to("real")
    confirmed = plan_private(home / "link", machine_of(home))
    assert "(~/real)" in confirmed.lines[0]
    confirmed.write()
    assert (home / "link").is_symlink() and mode_of(home / "real") == 0o700


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo", "loop"])
def test_only_a_regular_file_is_made_private(home: Path, kind: str) -> None:
    path = home / "it"
    if kind == "folder":
        path.mkdir(mode=0o755)
    elif kind == "fifo":
        os.mkfifo(path, 0o644)
    elif kind == "loop":
        path.symlink_to(path)
    with pytest.raises(PlanError):
        plan_private(path, machine_of(home))


def test_somebody_elses_file_is_left_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = secrets(home, b"A=1\n", 0o644)
    machine = machine_of(home)
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    with pytest.raises(PlanError, match="belongs to"):
        plan_private(path, machine)
    with pytest.raises(PlanError, match="belongs to"):
        plan(machine)
    assert mode_of(path) == 0o644


@pytest.mark.parametrize("edited", [False, True])
def test_private_then_stored_then_all_the_way_back(home: Path, edited: bool) -> None:
    path = secrets(home, b"LITELLM_API_KEY=sk-old\n", 0o644)
    machine = machine_of(home)
    plan_private(path, machine).write()
    if edited:
        path.write_bytes(b"LITELLM_API_KEY=sk-other\n")
    plan(machine).write()
    assert look_all_the_way_back(machine).number
    undo_all(machine)
    if edited:  # nobody kept what stood there first, so nothing is guessed
        assert path.read_text() == f"LITELLM_API_KEY={KEY}\n"
    else:
        assert (path.read_bytes(), mode_of(path)) == (b"LITELLM_API_KEY=sk-old\n", 0o644)


# ── in the keychain ──────────────────────────────────────────────────────────────────────────────────────────────────

PLACE: Final = {"service": "claude-litellm-wizard", "account": "litellm"}
SPOT: Final = ("claude-litellm-wizard", "litellm")


@pytest.fixture
def keychain() -> Iterator[RealKeychain]:
    with real_keychain() as chain:
        yield chain


def on(home: Path, chain: RealKeychain) -> Machine:
    return machine_with(home, "secret-tool", env={"HOME": str(home), **chain.env})


def test_a_key_is_stored_in_a_real_keychain_and_taken_out_again(home: Path, keychain: RealKeychain) -> None:
    machine = on(home, keychain)
    confirmed = plan_store("keychain", PLACE, Secret(KEY), machine)
    assert keychain.get(*SPOT) is None, "planning stores nothing"
    receipt = confirmed.write()
    assert keychain.get(*SPOT) == KEY
    assert not holding(home, KEY) and KEY not in repr(confirmed) + repr(receipt) + " ".join(confirmed.lines)
    assert digest(KEY.encode()) not in (machine.state_dir / "receipts/000001.json").read_text()
    assert receipt.as_json()["keychain"] == PLACE and "the keychain" in receipt.line(machine)
    again = plan_store("keychain", PLACE, Secret(KEY), machine)
    assert again.is_noop and again.write().number == 0
    assert look_back(machine).key_lines == (
        "The keychain (service claude-litellm-wizard, account litellm): the key goes.",
    )
    assert "out of the keychain" in undo_last(machine).lines(machine)[0]
    assert keychain.get(*SPOT) is None and not list_receipts(machine)


def test_the_keychain_keeps_what_it_held_until_it_is_given_back(home: Path, keychain: RealKeychain) -> None:
    keychain.put(*SPOT, "sk-before")
    machine = on(home, keychain)
    for key in ("sk-one-0123456789", "sk-two-0123456789"):
        confirmed = plan_store("keychain", PLACE, Secret(key), machine)
        assert "another account" in confirmed.lines[1]
        confirmed.write()
    undo_last(machine)
    assert keychain.get(*SPOT) == "sk-one-0123456789"
    undo_last(machine)
    assert keychain.get(*SPOT) == "sk-before"


def test_no_second_item_stands_beside_what_another_program_stored(home: Path, keychain: RealKeychain) -> None:
    keychain.put(*SPOT, "sk-before")
    machine = on(home, keychain)
    assert keychain.count(*SPOT) == 1
    plan_store("keychain", PLACE, Secret(KEY), machine).write()
    assert (keychain.count(*SPOT), keychain.get(*SPOT)) == (1, KEY)
    undo_last(machine)
    assert (keychain.count(*SPOT), keychain.get(*SPOT)) == (1, "sk-before")


def test_what_it_held_is_given_back_when_ours_is_gone(home: Path, keychain: RealKeychain) -> None:
    keychain.put(*SPOT, "sk-before")
    machine = on(home, keychain)
    plan_store("keychain", PLACE, Secret(KEY), machine).write()
    keychain.remove(*SPOT)  # or the process that stores was killed between taking out and putting in
    undo_last(machine)
    assert keychain.get(*SPOT) == "sk-before"


def test_another_key_put_there_since_stays(home: Path, keychain: RealKeychain) -> None:
    machine = on(home, keychain)
    plan_store("keychain", PLACE, Secret(KEY), machine).write()
    keychain.remove(*SPOT)
    keychain.put(*SPOT, "sk-theirs")
    assert "another key by now" in undo_last(machine).lines(machine)[0]
    assert keychain.get(*SPOT) == "sk-theirs" and not list_receipts(machine)


def test_order_and_all_the_way_back_with_files_between(home: Path, keychain: RealKeychain) -> None:
    machine = on(home, keychain)
    keychain.put(*SPOT, "sk-before")
    plan_store("keychain", PLACE, Secret("sk-one-0123456789"), machine).write()
    plan(machine).write()
    plan_store("keychain", PLACE, Secret("sk-two-0123456789"), machine).write()
    assert [bool(each.key) for each in list_receipts(machine)] == [True, False, True]
    undo_last(machine)
    assert keychain.get(*SPOT) == "sk-one-0123456789" and (home / ".secrets/litellm.env").exists()
    undone = undo_all(machine)
    assert keychain.get(*SPOT) == "sk-before" and not (home / ".secrets").exists()
    assert len(undone.keychain) == 1 and not machine.state_dir.exists()


def test_a_locked_or_dead_keychain_changes_nothing(
    home: Path, keychain: RealKeychain, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = on(home, keychain)
    ready = plan_store("keychain", PLACE, Secret(KEY), machine)
    keychain.lock()
    with pytest.raises(PlanError, match="keychain"):
        plan_store("keychain", PLACE, Secret(KEY), machine)
    with pytest.raises(Refused, match="keychain"):
        ready.write()
    assert not list_receipts(machine) and not holding(home, KEY)
    monkeypatch.setattr(keychain_access, "LIMIT", 3.0)
    with keychain.frozen(), pytest.raises(PlanError, match="did not answer within 3 seconds"):
        plan_store("keychain", PLACE, Secret(KEY), machine)


def test_a_keychain_that_fails_at_the_last_moment_leaves_no_receipt(
    home: Path, keychain: RealKeychain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise keychain_access.KeychainError("The keychain refuses: no.")

    machine = on(home, keychain)
    confirmed = plan_store("keychain", PLACE, Secret(KEY), machine)
    monkeypatch.setattr(keychain_access, "put", refuse)
    with pytest.raises(Refused, match="refuses"):
        confirmed.write()
    assert not list_receipts(machine)


def test_what_was_stored_can_be_undone_only_with_the_keychain(home: Path, keychain: RealKeychain) -> None:
    machine = on(home, keychain)
    plan_store("keychain", PLACE, Secret(KEY), machine).write()
    gone = machine_with(home, "secret-tool", env={"HOME": str(home), "DBUS_SESSION_BUS_ADDRESS": "unix:path=/no/bus"})
    with pytest.raises(Refused, match="stays until then"):
        undo_last(gone)
    assert list_receipts(gone)
    undone = undo_all(gone)
    assert "stays." in undone.keychain[0] and not gone.state_dir.exists()
    assert keychain.get(*SPOT) == KEY


def test_a_machine_without_a_keychain_is_told_what_else_to_choose(home: Path) -> None:
    with pytest.raises(PlanError, match="env-file"):
        plan_store("keychain", PLACE, Secret(KEY), machine_with(home))

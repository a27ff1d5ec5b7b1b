"""Carrying a plan out, with other hands on the same files."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.apply.support import (
    BASHRC,
    NEW,
    OLD,
    Home,
    Watched,
    answers_for,
    failing,
    furnish,
    in_memory,
    machine_of,
    picture,
    temporaries,
)
from wizard.apply import lock
from wizard.apply.change import Change
from wizard.apply.errors import PlanError
from wizard.apply.plan import make_plan
from wizard.apply.transaction import Refused, Stage, WriteFailed, carry_out, held_back, recover
from wizard.apply.undo import list_receipts, undo_last
from wizard.machine.model import Machine


@pytest.fixture
def machine() -> Iterator[Machine]:
    with in_memory() as folder:
        furnish(folder)
        yield machine_of(folder)


def apply(machine: Machine, url: str = OLD, **options: Any) -> None:
    carry_out(make_plan(answers_for(url), machine), machine, **options)


def theirs(path: Path, name: str = "theirs") -> None:
    """Add a key the way Claude Code does: a new file renamed over the old one."""
    table = json.loads(path.read_text())
    table[name] = True
    beside = path.with_name("theirs.tmp")
    beside.write_text(json.dumps(table, indent=2))
    beside.chmod(stat.S_IMODE(path.stat().st_mode))
    beside.rename(path)


# ── order, result, modes ─────────────────────────────────────────────────────────────────────────────────────────────


def test_case_16_86_a_move_is_written_make_before_break(machine: Machine) -> None:
    apply(machine)
    stages: list[Stage] = []
    apply(machine, NEW, progress=stages.append)
    names = [stage.path.name for stage in stages]
    assert [name if len(name) < 30 else name[:-9] + ".GENERATION" for name in names] == [
        "refresh-litellm-key.sh.GENERATION",
        "settings.json",
        "setup-litellm.sh",
        "refresh-litellm-key.sh",
        "settings.json",
        "default.toml",
    ]
    assert all(stage.text for stage in stages)
    assert list(Home(machine.home, NEW, NEW).complaints()) == []


def test_without_a_new_helper_text_there_is_no_generation(machine: Machine) -> None:
    apply(machine)
    stages: list[Stage] = []
    apply(machine, f"{OLD}/team", progress=stages.append)
    assert [stage.path.name for stage in stages] == ["settings.json", "setup-litellm.sh", "default.toml"]


def test_a_first_helper_gets_its_plain_name_at_once(machine: Machine) -> None:
    apply(machine)
    assert [path.name for path in (machine.home / "bin").iterdir()] == ["refresh-litellm-key.sh"]


def test_case_48_a_generation_goes_at_the_next_write_and_never_while_settings_name_it(machine: Machine) -> None:
    apply(machine)
    apply(machine, NEW)
    (generation,) = (path for path in (machine.home / "bin").iterdir() if path.suffix != ".sh")
    assert generation.read_bytes() == (machine.home / "bin/refresh-litellm-key.sh").read_bytes()
    project = machine.home / "project/.claude/settings.json"
    project.parent.mkdir(parents=True)
    project.write_text(json.dumps({"apiKeyHelper": f"'{generation}'"}))
    layered = machine_of(machine.home)
    layered = type(layered)(**{**_fields(layered), "layers": (*layered.layers, _layer(project))})
    apply(layered, f"{NEW}/team")
    assert generation.exists()
    project.unlink()
    apply(machine, f"{NEW}/other")
    assert not generation.exists()


def _fields(machine: Machine) -> dict[str, Any]:
    return {name: getattr(machine, name) for name in machine.__dataclass_fields__}


def _layer(path: Path) -> Any:
    from wizard.machine.model import SettingsLayer

    return SettingsLayer("project", path, wins=True, helper=None, env={})


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o277])
def test_case_25_modes_of_everything_written(machine: Machine, umask: int) -> None:
    before = os.umask(umask)
    try:
        apply(machine)
    finally:
        os.umask(before)
    found = {name: mode for name, (mode, _) in picture(machine.home, without="-").items()}
    assert found["bin/refresh-litellm-key.sh"] == 0o700
    assert found[".config/claude/setup-litellm.sh"] == 0o600
    assert found[".claude/settings.json"] == 0o640
    assert found[".bashrc"] == 0o644
    assert found[".config/claude-litellm-wizard/answers/default.toml"] == 0o600
    for name in ("bin", ".config", ".config/claude", ".local", ".local/state"):
        assert found[name] == 0o700
    state = {name: mode for name, mode in found.items() if "state/claude-litellm-wizard" in name}
    assert {mode for name, mode in state.items() if (machine.home / name).is_dir()} == {0o700}
    assert {mode for name, mode in state.items() if (machine.home / name).is_file()} == {0o600}


def test_case_05_linked_settings_and_start_up_files_stay_links(machine: Machine) -> None:
    dotfiles = machine.home / "dotfiles"
    dotfiles.mkdir()
    for path in (machine.home / ".zshrc", machine.settings_file):
        path.rename(dotfiles / path.name)
        path.symlink_to(dotfiles / path.name)
    before = picture(machine.home)
    apply(machine)
    assert (machine.home / ".zshrc").is_symlink()
    assert machine.settings_file.is_symlink()
    assert b"claude-litellm-wizard" in (dotfiles / ".zshrc").read_bytes()
    assert list(Home(machine.home, None, OLD).complaints()) == []
    undo_last(machine)
    assert picture(machine.home) == before


def test_two_start_up_files_that_are_one_get_one_block(machine: Machine) -> None:
    (machine.home / ".zshrc").unlink()
    (machine.home / ".zshrc").symlink_to(".bashrc")
    before = picture(machine.home)
    apply(machine)
    assert (machine.home / ".bashrc").read_bytes().count(b"# >>> claude-litellm-wizard >>>") == 1
    undo_last(machine)
    assert picture(machine.home) == before


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.binary(max_size=300))
def test_case_10_any_start_up_file_survives_an_apply_and_an_undo(machine: Machine, text: bytes) -> None:
    rc = machine.home / ".bashrc"
    rc.write_bytes(text)
    apply(machine, replace="all")
    assert rc.read_bytes().startswith(text)
    undo_last(machine)
    assert rc.read_bytes() == text


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=st.dictionaries(st.text(max_size=8), _JSON, max_size=5),
    environment=st.none() | st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3),
    indent=st.sampled_from([None, 1, 2, 4, "\t"]),
    ascii_only=st.booleans(),
    ends=st.sampled_from(["", "\n", "\r\n", "  "]),
    bom=st.booleans(),
)
def test_case_10_any_settings_survive_an_apply_and_an_undo(
    machine: Machine, table: dict[str, Any], environment: Any, indent: Any, ascii_only: bool, ends: str, bom: bool
) -> None:
    table.pop("env", None)
    if environment is not None:
        table["env"] = environment
    text = (json.dumps(table, indent=indent, ensure_ascii=ascii_only) + ends).encode("utf-8", "surrogatepass")
    text = b"\xef\xbb\xbf" * bom + text
    machine.settings_file.write_bytes(text)
    apply(machine)
    now = json.loads(machine.settings_file.read_bytes().decode("utf-8-sig"))
    ours = {"apiKeyHelper", "env"}
    assert {name: value for name, value in now.items() if name not in ours} == {
        name: value for name, value in table.items() if name not in ours
    }
    assert (environment or {}).items() <= now["env"].items()
    undo_last(machine)
    assert machine.settings_file.read_bytes() == text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.binary(min_size=1, max_size=60) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_case_21_settings_of_any_bytes_are_edited_or_refused_and_never_replaced(machine: Machine, text: bytes) -> None:
    machine.settings_file.write_bytes(text)
    try:
        apply(machine)
    except (PlanError, Refused):
        assert machine.settings_file.read_bytes() == text
        return
    undo_last(machine)
    assert machine.settings_file.read_bytes() == text


@pytest.mark.skipif(os.geteuid() != 0, reason="Not run, missing root rights")
@pytest.mark.skipif(sys.platform != "linux", reason="Not run, missing Linux")
def test_case_36_a_mounted_start_up_file_is_written_in_place_and_undone(machine: Machine) -> None:
    from tests.programs import require

    source = machine.home / "mounted"
    source.write_bytes(b"mine\n")
    rc = machine.home / ".zshrc"
    subprocess.run([*require("mount"), "--bind", source, rc], check=True)
    try:
        apply(machine)
        assert source.read_bytes().startswith(b"mine\n# >>>")
        undo_last(machine)
        assert source.read_bytes() == b"mine\n"
    finally:
        subprocess.run(["umount", rc], check=True)


# ── conflicts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_conflict_without_a_yes_writes_nothing(machine: Machine) -> None:
    helper = machine.home / "bin/refresh-litellm-key.sh"
    helper.parent.mkdir()
    helper.write_text("mine")
    before = picture(machine.home, without="-")
    with pytest.raises(Refused, match="did not write") as caught:
        apply(machine)
    assert caught.value.paths == (helper,)
    assert picture(machine.home, without="-") == before
    apply(machine, replace=[helper])
    assert helper.read_text() != "mine"
    undo_last(machine)
    assert helper.read_text() == "mine"


def test_a_yes_is_for_the_value_that_was_shown(machine: Machine) -> None:
    machine.settings_file.write_text('{"env": {"ANTHROPIC_BASE_URL": "https://one.example"}}')
    plan = make_plan(answers_for(), machine)
    machine.settings_file.write_text('{"env": {"ANTHROPIC_BASE_URL": "https://two.example"}}')
    with pytest.raises(Refused, match=r"two\.example"):
        carry_out(plan, machine, replace=[machine.settings_file])
    assert "two.example" in machine.settings_file.read_text()


def test_blockers_are_obeyed(machine: Machine) -> None:
    plan = make_plan(answers_for(), machine)
    with pytest.raises(Refused, match="no way"):
        carry_out(type(plan)(plan.changes, blockers=("no way",)), machine)


# ── other hands ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_case_42_edits_between_plan_and_write_are_merged(machine: Machine) -> None:
    plan = make_plan(answers_for(), machine)
    theirs(machine.settings_file)
    rc = machine.home / ".zshrc"
    rc.write_bytes(rc.read_bytes() + b"added meanwhile\n")
    carry_out(plan, machine)
    table = json.loads(machine.settings_file.read_text())
    assert table["theirs"] is True
    assert table["env"]["ANTHROPIC_BASE_URL"] == OLD
    assert rc.read_bytes().startswith(b"setopt autocd\nadded meanwhile\n# >>>")


@pytest.mark.parametrize("name", ["bin/refresh-litellm-key.sh", ".config/claude/setup-litellm.sh"])
def test_case_42_a_file_wholly_ours_that_changed_since_the_plan_is_refused(machine: Machine, name: str) -> None:
    apply(machine)
    plan = make_plan(answers_for(NEW), machine)
    (machine.home / name).write_text("theirs")
    before = picture(machine.home)
    with pytest.raises(Refused, match="changed since the plan") as caught:
        carry_out(plan, machine)
    assert caught.value.paths == (machine.home / name,)
    assert picture(machine.home) == before


def test_case_23_a_foreign_update_at_any_moment_of_a_move_is_kept_and_survives_undo(machine: Machine) -> None:
    """Another program replaces settings.json right before each call, that of the switch included."""
    apply(machine)
    kept = number = 0
    while True:
        number += 1
        moved = False

        def hook(count: int, name: str, moment: str, number: int = number) -> None:
            nonlocal moved
            if (count, moment) == (number, "before"):
                theirs(machine.settings_file, f"theirs{number}")
                moved = True

        system = Watched(hook)
        apply(machine, NEW if number % 2 else OLD, system=system)
        if system.count < number:
            break
        if moved:
            kept += 1
            assert json.loads(machine.settings_file.read_text())[f"theirs{number}"] is True, f"call {number}"
            undo_last(machine)
            assert json.loads(machine.settings_file.read_text())[f"theirs{number}"] is True, f"undo after call {number}"
            apply(machine, NEW if number % 2 else OLD)
        now = NEW if number % 2 else OLD
        assert json.loads(machine.settings_file.read_text())["env"]["ANTHROPIC_BASE_URL"] == now
    print(f"{kept} foreign updates, each kept")
    assert kept > 80


def test_a_helper_that_somebody_edits_while_we_write_is_theirs(machine: Machine) -> None:
    apply(machine)
    helper = machine.home / "bin/refresh-litellm-key.sh"
    before = picture(machine.home)

    def meddle(stage: Stage) -> None:
        if stage.path.name == "setup-litellm.sh":
            helper.write_text("theirs\n")

    with pytest.raises(Refused, match="Another program changed it"):
        apply(machine, NEW, progress=meddle)
    assert helper.read_text() == "theirs\n"
    after = picture(machine.home)
    assert {name for name in before if before[name] != after.get(name)} == {"bin/refresh-litellm-key.sh"}


def test_case_22_a_torn_read_is_waited_for(machine: Machine) -> None:
    plan = make_plan(answers_for(), machine)
    whole = machine.settings_file.read_bytes()
    for torn in (b"", whole[:20]):
        machine.settings_file.write_bytes(torn)
        timer = threading.Timer(0.1, machine.settings_file.write_bytes, [whole])
        timer.start()
        carry_out(plan, machine)
        timer.join()
        assert list(Home(machine.home, None, OLD).complaints()) == []
        undo_last(machine)
        plan = make_plan(answers_for(), machine)


@pytest.mark.parametrize("torn", [b"", b'{"model": '])
def test_case_22_what_stays_torn_is_refused_and_left_alone(machine: Machine, torn: bytes) -> None:
    plan = make_plan(answers_for(), machine)
    machine.settings_file.write_bytes(torn)
    started = time.monotonic()
    with pytest.raises(Refused):
        carry_out(plan, machine)
    assert 0.9 < time.monotonic() - started < 5
    assert machine.settings_file.read_bytes() == torn


def test_case_24_two_wizards(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "WAIT_SECONDS", 0.3)
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:

        def wait(_: Stage) -> None:
            os.write(tell, b"x")
            time.sleep(60)

        with contextlib.suppress(BaseException):
            apply(machine, progress=wait)
        os._exit(0)
    os.close(tell)
    assert os.read(ready, 1) == b"x"
    try:
        with pytest.raises(Refused, match=f"process {child}"):
            apply(machine)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)
    apply(machine)
    assert list(Home(machine.home, None, OLD).complaints()) == []


# ── failures and signals ─────────────────────────────────────────────────────────────────────────────────────────────


def test_case_02_a_failed_write_names_file_and_reason_and_leaves_all_as_before(machine: Machine) -> None:
    before = picture(machine.home)
    seen: list[str] = []
    watched = Watched(lambda _, name, moment: seen.append(name) if moment == "before" else None)
    watched.fail_at = 10_000
    plan = make_plan(answers_for(), machine)
    carry_out(plan, machine, system=watched)
    undo_last(machine)
    at = len(seen) * 2 // 3
    with pytest.raises(WriteFailed, match="Everything is as it was before") as caught:
        carry_out(make_plan(answers_for(), machine), machine, system=failing(at, errno.ENOSPC))
    assert caught.value.path.startswith("~/")
    assert caught.value.reason == "There is no space left on the disk. Free some and try again."
    assert picture(machine.home) == before
    assert temporaries(machine.home) == []
    assert list_receipts(machine) == ()


def test_a_progress_callback_that_raises_leaves_all_as_before(machine: Machine) -> None:
    before = picture(machine.home)

    def burst(stage: Stage) -> None:
        if stage.path.name == ".bashrc":
            raise KeyError("screen is gone")

    with pytest.raises(KeyError):
        apply(machine, progress=burst)
    assert picture(machine.home) == before
    apply(machine)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_case_49_signals_wait_until_the_write_is_done(machine: Machine, number: signal.Signals) -> None:
    child = os.fork()
    if child == 0:
        signal.signal(number, signal.SIG_DFL)
        with contextlib.suppress(BaseException):
            apply(machine, progress=lambda _: os.kill(os.getpid(), number))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == number
    assert make_plan(answers_for(), machine).is_empty
    assert recover(machine) == ()
    assert temporaries(machine.home) == []


def test_case_49_a_stop_from_the_keyboard_waits_too(machine: Machine) -> None:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.setpgid(0, 0)
        with contextlib.suppress(BaseException):
            apply(machine, progress=lambda _: os.kill(os.getpid(), signal.SIGTSTP))
        os._exit(0)
    _, status = os.waitpid(child, os.WUNTRACED)
    if os.WIFSTOPPED(status):  # an orphaned process group is not stopped by the keyboard
        assert make_plan(answers_for(), machine).is_empty
        os.kill(child, signal.SIGCONT)
        _, status = os.waitpid(child, 0)
    assert os.WEXITSTATUS(status) == 0
    assert make_plan(answers_for(), machine).is_empty
    assert recover(machine) == ()


def test_case_49_held_back_signals_reach_the_former_handler_once_it_is_over() -> None:
    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: came.append(number))
    try:
        with held_back() as waiting:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)
            assert (came, waiting) == ([], [signal.SIGTERM])
        time.sleep(0.01)
        assert came == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_signals_are_nobodys_business_in_a_thread() -> None:
    outcome: list[object] = []

    def work() -> None:
        with held_back() as waiting:
            outcome.append(waiting)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert outcome == [[]]


def test_case_48_what_a_killed_run_left_is_swept_and_only_that(machine: Machine) -> None:
    apply(machine)
    state = machine.state_dir
    (state / ".claude-litellm-wizard-0123456789abcdef.tmp").write_text("half")
    (state / "backups/000099").mkdir()
    (state / "backups/000099/00-x").write_text("orphan")
    (machine.home / ".claude-litellm-wizard-mine.tmp").write_text("not in a folder of ours, not in a journal")
    apply(machine, NEW)
    assert temporaries(state) == []
    assert not (state / "backups/000099").exists()
    assert (machine.home / ".claude-litellm-wizard-mine.tmp").exists()


def test_case_51_backups_are_private_and_the_newest_five_are_kept(machine: Machine) -> None:
    for number in range(8):
        apply(machine, f"{OLD}/{number}")
    receipts = list_receipts(machine)
    assert [each.number for each in receipts] == [8, 7, 6, 5, 4]
    backups = machine.state_dir / "backups"
    folders = sorted(path.name for path in backups.iterdir() if path.name.isdigit())  # besides what undo --all needs
    assert folders == ["000004", "000005", "000006", "000007", "000008"]
    for path in (machine.state_dir / "backups").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_case_09_a_secret_of_the_users_is_in_its_file_and_in_its_backup_only(machine: Machine) -> None:
    (machine.home / ".zshrc").write_text("export MY_TOKEN=Zqcanary\n")
    apply(machine)
    apply(machine, NEW)
    undo_last(machine)
    holders = {
        str(path.relative_to(machine.home))
        for path in machine.home.rglob("*")
        if path.is_file() and b"Zqcanary" in path.read_bytes()
    }
    assert {name for name in holders if "/backups/" not in name} == {".zshrc"}


def test_case_35_a_file_with_two_names_keeps_both(machine: Machine) -> None:
    os.link(machine.home / ".bashrc", machine.home / "other-name")
    plan = make_plan(answers_for(), machine)
    (change,) = (each for each in plan.changes if each.path.name == ".bashrc")
    assert any("2 names" in note for note in change.notes)
    carry_out(plan, machine)
    assert (machine.home / "other-name").samefile(machine.home / ".bashrc")
    assert (machine.home / "other-name").read_bytes().startswith(BASHRC + b"\n# >>>")
    undo_last(machine)
    assert (machine.home / "other-name").read_bytes() == BASHRC


def test_case_03_a_disk_without_room_is_refused_before_any_write(machine: Machine) -> None:
    from tests.programs import require

    if os.geteuid() != 0:
        pytest.skip("Not run, missing root rights")
    folder = machine.home / ".config"
    folder.mkdir()
    subprocess.run([*require("mount"), "-t", "tmpfs", "-o", "size=16k", "none", folder], check=True)
    try:
        before = picture(machine.home)
        with pytest.raises(Refused, match="KiB free, and the change needs"):
            apply(machine)
        assert picture(machine.home) == before
    finally:
        subprocess.run(["umount", folder], check=True)


def test_changes_made_by_hand_are_carried_out_too(machine: Machine) -> None:
    """The transaction knows nothing of LiteLLM: a plan is a plan."""
    path = machine.home / "deep/er/file"
    change = Change(path, "setup-script", None, b"x\n", None, 0o600, lambda _: b"x\n")
    plan = make_plan(answers_for(), machine)
    receipt = carry_out(type(plan)((change,)), machine)
    assert receipt.paths == (path,)
    undo_last(machine)
    assert not (machine.home / "deep").exists()

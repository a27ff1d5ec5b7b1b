"""What stands around a write: metadata, other folders, files that were fine before, and a stopped process."""

from __future__ import annotations

import os
import signal
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.apply.support import NEW, Watched, answers_for, furnish, in_memory, machine_of, picture, temporaries
from tests.programs import require
from wizard.apply.files import Writer, look
from wizard.apply.plan import make_plan
from wizard.apply.transaction import Stage, carry_out, recover
from wizard.apply.undo import undo_last
from wizard.machine.model import Machine

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="Not run, missing Linux")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="Not run, missing root rights")


@pytest.fixture
def machine() -> Iterator[Machine]:
    with in_memory() as folder:
        furnish(folder)
        yield machine_of(folder)


def access_list() -> bytes:
    """An access list that lets user 1000 read."""
    everybody = 0xFFFFFFFF
    entries = [(1, 6, everybody), (2, 4, 1000), (4, 4, everybody), (0x10, 4, everybody), (0x20, 0, everybody)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *each) for each in entries)


def labels(path: Path) -> tuple[int, int, int, dict[str, bytes]]:
    found = path.stat()
    attributes = {name: os.getxattr(path, name) for name in os.listxattr(path)}
    return stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, attributes


@needs_root
@linux_only
def test_case_06_labels_survive_an_apply_a_move_and_an_undo(tmp_path: Path) -> None:
    furnish(tmp_path)
    machine = machine_of(tmp_path)
    files = [tmp_path / ".bashrc", machine.settings_file]
    for path in files:
        path.chmod(0o640)
        os.chown(path, -1, 4321)
        os.setxattr(path, "user.note", b"mine")
        os.setxattr(path, "security.selinux", b"system_u:object_r:user_home_t:s0\0")
        os.setxattr(path, "system.posix_acl_access", access_list())
    before = {path: (path.read_bytes(), labels(path)) for path in files}
    for url in (None, NEW):
        carry_out(make_plan(answers_for(url) if url else answers_for(), machine), machine)
        assert {path: labels(path) for path in files} == {path: found for path, (_, found) in before.items()}
        assert machine.settings_file.read_bytes() != before[machine.settings_file][0]
    undo_last(machine)
    undo_last(machine)
    assert {path: (path.read_bytes(), labels(path)) for path in files} == before


def test_case_40_temporary_files_stand_beside_their_target_under_a_name_nobody_guesses(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    opened: list[tuple[Path, int]] = []

    class Recording(Watched):
        def open(self, path: Any, flags: int, mode: int = 0o777) -> int:  # type: ignore[override]
            if flags & os.O_CREAT:
                opened.append((Path(path), flags))
            return os.open(path, flags, mode)

    for name in ("one", "two"):
        Writer(Recording(lambda *_: None)).replace(look(machine.home / name), b"x", 0o600)
    assert len({path.name for path, _ in opened}) == len(opened) == 2
    assert {path.parent for path, _ in opened} == {machine.home}
    assert all(flags & os.O_EXCL and flags & os.O_NOFOLLOW for _, flags in opened)
    carry_out(make_plan(answers_for(), machine), machine)
    assert list(tmp_path.iterdir()) == []


WHOLE: Final = (
    b"",
    b"alias ll='ls -l'",
    b"if true; then\n  :\nfi",
    b"f() {\n  echo 'a\nb'\n}\n",
    b"cat <<EOF >/dev/null\nnot ours\nEOF",
    b"export A=1 \\\n  B=2 \\\n",
    b"# a comment without an end",
    b"case x in\n  x) : ;;\nesac\n#\\",
)


@pytest.mark.parametrize("number", range(len(WHOLE)))
def test_case_46_what_a_shell_could_read_it_can_read_afterwards(machine: Machine, number: int) -> None:
    shells = {".bashrc": "bash", ".zshrc": "zsh"}

    def readable(name: str) -> bool:
        argv: list[str | Path] = [require(shells[name])[0], "-n", machine.home / name]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False)
        return (done.returncode, done.stderr) == (0, b"")

    for name in shells:
        (machine.home / name).write_bytes(WHOLE[number])
        assert readable(name)
    carry_out(make_plan(answers_for(), machine), machine)
    for name in shells:
        assert (machine.home / name).read_bytes() != WHOLE[number] and readable(name)
    undo_last(machine)
    assert [(machine.home / name).read_bytes() for name in shells] == [WHOLE[number]] * 2


def test_case_49_a_write_that_is_stopped_in_the_middle_goes_on(machine: Machine) -> None:
    """Ctrl-Z at every stage, and the shell's `fg` afterwards."""
    before = picture(machine.home)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)  # a group of its own, with a parent in the session: only such a group can be stopped

        def stop(stage: Stage) -> None:
            os.write(writer, b".")
            os.kill(os.getpid(), signal.SIGTSTP)

        try:
            carry_out(make_plan(answers_for(), machine), machine, progress=stop)
        except BaseException:
            os._exit(1)
        os._exit(0)
    os.close(writer)
    stops = 0
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            break
        stops += 1
        os.kill(child, signal.SIGCONT)
    stages = os.read(reader, 1000)
    os.close(reader)
    assert os.waitstatus_to_exitcode(status) == 0
    assert stops >= 1 and len(stages) >= stops
    assert make_plan(answers_for(), machine).is_empty and recover(machine) == ()
    assert temporaries(machine.home) == []
    undo_last(machine)
    assert picture(machine.home) == before


FISH_PLACES: Final = {"XDG_CONFIG_HOME": ({"XDG_CONFIG_HOME": "{}/xdg"}, "xdg"), "no folder": ({}, ".config")}


@pytest.mark.parametrize("place", FISH_PLACES)
def test_case_55_fish_gets_one_file_in_conf_d_and_reads_it(place: str) -> None:
    (fish,) = require("fish")
    variables, folder = FISH_PLACES[place]
    with in_memory() as home:
        env = {name: value.format(home) for name, value in variables.items()}
        machine = machine_of(home, **env)
        carry_out(make_plan(answers_for(shells=("fish",)), machine), machine)
        fishes = [path.relative_to(home) for path in (home / folder / "fish").rglob("*") if path.is_file()]
        assert fishes == [Path(folder, "fish/conf.d/claude-litellm-wizard.fish")]
        assert not (home / ".bashrc").exists() and not (home / ".zshrc").exists()
        for mode in ([], ["-i"], ["-l", "-i"]):
            done = subprocess.run(
                [fish, *mode, "-c", "echo $ANTHROPIC_BASE_URL"],
                env={"HOME": str(home), "PATH": "/usr/bin:/bin", "TERM": "dumb", **env},
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False,
                start_new_session=True,
            )  # fmt: skip
            assert done.stdout.strip() == "https://old.corp.example:4000"
        undo_last(machine)
        assert not (home / folder / "fish/conf.d/claude-litellm-wizard.fish").exists()


def test_case_57_the_plan_says_who_does_not_see_the_lines(machine: Machine) -> None:
    rc = machine.home / ".bashrc"
    notes = {each.path: each.notes for each in make_plan(answers_for(), machine).changes}
    assert not any("ssh" in note for note in notes[rc])
    rc.write_bytes(b"case $- in\n    *i*) ;;\n      *) return;;\nesac\n" + rc.read_bytes())
    notes = {each.path: each.notes for each in make_plan(answers_for(), machine).changes}
    assert [note for note in notes[rc] if "ssh" in note] == [
        "Scripts and ssh commands stop reading it before its end, so they don't get these values."
        " Claude Code doesn't need them: it reads its settings."
    ]


def test_case_44_the_plan_says_that_our_lines_end_otherwise(machine: Machine) -> None:
    rc = machine.home / ".zshrc"
    rc.write_bytes(b"setopt autocd\r\nalias a=b\r\n")
    notes = {each.path: each.notes for each in make_plan(answers_for(), machine).changes}
    assert any("CRLF" in note for note in notes[rc])

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from tests.machines import machine_at
from tests.programs import require
from wizard.machine.model import ClaudeCode
from wizard.machine.survey import survey, with_claude_version, wrong_user


def _program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    for name in ("bash", "fish", "curl", "claude"):
        _program(folder / name)
    return folder


def test_a_plain_machine(tmp_path: Path, bin_folder: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    machine = survey(
        {"HOME": str(home), "PATH": f"{bin_folder}:relative::{tmp_path}/none", "SHELL": "/usr/bin/fish"},
        cwd=home,
        root=tmp_path / "root",
        programs=("curl", "vault"),
    )

    assert (machine.home, machine.claude_dir, machine.uid) == (home, home / ".claude", os.geteuid())
    assert (machine.login_shell, machine.wsl) == ("fish", False)
    assert [shell.name for shell in machine.shells] == ["bash", "fish"]
    assert machine.programs == {"curl": bin_folder / "curl"}
    assert machine.claude == ClaudeCode(bin_folder / "claude", None)
    assert (machine.layers, machine.leftovers) == ((), ())


@pytest.mark.parametrize("place", [".local/bin/claude", ".claude/local/claude"])
def test_claude_is_found_where_its_installers_put_it(tmp_path: Path, place: str) -> None:
    program = _program(tmp_path / place)

    machine = survey({"HOME": str(tmp_path), "PATH": "/none"}, cwd=tmp_path, root=tmp_path, programs=())

    assert machine.claude == ClaudeCode(program, None)


def test_the_settings_folder_follows_claude_config_dir_as_claude_code_does(tmp_path: Path) -> None:
    for named, folder in (
        ("/srv/claude/", Path("/srv/claude")),
        ("", tmp_path / ".claude"),
        ("~/x", tmp_path / ".claude"),
    ):
        machine = survey({"HOME": str(tmp_path), "CLAUDE_CONFIG_DIR": named}, cwd=tmp_path, root=tmp_path, programs=())
        assert machine.claude_dir == folder


def test_wsl_tells_itself_by_its_kernel(tmp_path: Path) -> None:
    _program(tmp_path / "proc/version", "Linux version 5.15.90.1-microsoft-standard-WSL2 (gcc) #1 SMP")

    assert survey({"HOME": str(tmp_path)}, cwd=tmp_path, root=tmp_path, programs=()).wsl


def test_programs_that_will_be_gone_or_differ_tomorrow_come_last(tmp_path: Path) -> None:
    venv, shims, solid = tmp_path / "venv/bin", tmp_path / "pyenv/shims", tmp_path / "usr/bin"
    for folder in (venv, shims, solid):
        _program(folder / "python3")
    _program(venv / "jwt")
    (tmp_path / "venv/pyvenv.cfg").touch()

    path = f"{venv}:{shims}:{solid}"
    machine = survey({"HOME": str(tmp_path), "PATH": path}, cwd=tmp_path, root=tmp_path, programs=("python3", "jwt"))

    assert machine.programs == {"python3": solid / "python3", "jwt": venv / "jwt"}


def test_what_is_no_program_is_not_found(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    (folder / "curl").mkdir(parents=True)
    (folder / "jq").write_text("not executable")
    (folder / "vault").symlink_to("vault")

    machine = survey(
        {"HOME": str(tmp_path), "PATH": str(folder)}, cwd=tmp_path, root=tmp_path, programs=("curl", "jq", "vault")
    )

    assert machine.programs == {}


def test_by_default_the_programs_of_every_backend_are_looked_for(bin_folder: Path, tmp_path: Path) -> None:
    _program(bin_folder / "vault")

    machine = survey({"HOME": str(tmp_path), "PATH": str(bin_folder)}, cwd=tmp_path, root=tmp_path)

    assert set(machine.programs) == {"curl", "vault"}


def test_case_34_odd_files_never_stop_the_look(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".config/fish/conf.d").mkdir(parents=True)
    (home / ".claude").mkdir()
    os.mkfifo(home / ".bashrc")
    (home / ".profile").symlink_to(".profile")
    (home / ".zshrc").mkdir()
    (home / ".zshenv").write_bytes(b"\xff\xfe\x00ANTHROPIC_MODEL=\xff\n" * 1000)
    (home / ".bash_profile").write_bytes(b"source \x00\nsource ~/.profile\n. '\n" + b"x" * (2 << 20))
    (home / ".bash_login").write_text("ANTHROPIC_MODEL=x\n")
    (home / ".bash_login").chmod(0)
    (home / ".config/fish/config.fish").symlink_to("/proc/self/mem")
    (home / ".claude/settings.json").symlink_to("/dev/zero")

    machine = survey(
        {"HOME": str(home), "PATH": "/bin\0:/usr/bin", "ZDOTDIR": "/x\0y", "ANTHROPIC_MODEL": "\udcff"},
        root=tmp_path,
        programs=("sh",),
    )

    assert machine.layers == ()


@pytest.mark.parametrize("home", ["", "relative", None])
def test_without_a_home_in_the_environment_the_account_tells_it(home: str | None) -> None:
    machine = survey({} if home is None else {"HOME": home}, programs=())

    assert machine.home.is_absolute()


def test_a_look_takes_less_than_100_ms(tmp_path: Path, bin_folder: Path) -> None:
    for name in (".bashrc", ".zshrc", ".profile"):
        (tmp_path / name).write_text("export A=1\nalias b='c'\n[ -z x ] || . ~/.big\n" * 100)
    (tmp_path / ".big").write_text("# a line of some plugin manager\nfunction f() { echo x; }\n" * 5000)
    env = {"HOME": str(tmp_path), "PATH": f"{bin_folder}:/usr/local/bin:/usr/bin:/bin"}
    survey(env, cwd=tmp_path)

    times = []
    for _ in range(7):
        started = time.perf_counter()
        survey(env, cwd=tmp_path)
        times.append(time.perf_counter() - started)

    assert min(times) < 0.1  # 12 to 25 ms here; a machine under load takes a few times that


async def test_claude_tells_its_version(tmp_path: Path) -> None:
    machine = machine_at(
        tmp_path, claude=ClaudeCode(_program(tmp_path / "claude", "#!/bin/sh\necho '2.1.330 (Claude Code)'\n"), None)
    )

    found = (await with_claude_version(machine)).claude

    assert found is not None
    assert found.version == "2.1.330"


@pytest.mark.parametrize(
    "text", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\necho hello\n", "#!/bin/sh\necho 2.1.330; exit 3\n", "#!/none\n"]
)
async def test_a_claude_that_will_not_say_has_no_version(tmp_path: Path, text: str) -> None:
    machine = machine_at(tmp_path, claude=ClaudeCode(_program(tmp_path / "claude", text), None))

    found = (await with_claude_version(machine)).claude

    assert found is not None
    assert found.version is None


async def test_no_claude_no_version(tmp_path: Path) -> None:
    assert (await with_claude_version(machine_at(tmp_path))).claude is None


async def test_the_real_claude_tells_its_version(tmp_path: Path) -> None:
    (program,) = require("claude-2.1.330")

    found = (await with_claude_version(machine_at(tmp_path, claude=ClaudeCode(program, None)))).claude

    assert found is not None
    assert found.version == "2.1.330"


@pytest.mark.parametrize(
    ("uid", "env", "says"),
    [
        (0, {"SUDO_UID": "1000", "SUDO_USER": "ada"}, "Run it again as ada, without sudo."),
        (0, {"SUDO_UID": "1000"}, "Run it again as user 1000, without sudo."),
        (0, {"SUDO_UID": "0"}, ""),
        (1000, {"SUDO_UID": "1000"}, "belongs to somebody else"),
    ],
)
def test_case_26_the_wrong_user_is_told_what_to_do(tmp_path: Path, uid: int, env: dict[str, str], says: str) -> None:
    if os.geteuid() == 0 or uid:
        reason = wrong_user(machine_at(tmp_path, uid=uid, env=env))
        assert says in reason
        assert bool(says) == bool(reason)


def test_case_26_ones_own_home_is_fine_and_a_missing_one_is_not(tmp_path: Path) -> None:
    assert tmp_path.stat().st_uid == os.geteuid()
    assert stat.S_ISDIR(tmp_path.stat().st_mode)
    assert wrong_user(machine_at(tmp_path)) == ""
    assert "Set HOME" in wrong_user(machine_at(tmp_path / "missing"))

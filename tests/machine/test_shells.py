from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.programs import require
from wizard.machine.shells import bash_files, fish_folder, has_guard, other_shell, reaches, shells, sourced, zsh_folder

SKEL_PROFILE = """\
if [ -n "$BASH_VERSION" ]; then
    # include .bashrc if it exists
    if [ -f "$HOME/.bashrc" ]; then
\t. "$HOME/.bashrc"
    fi
fi
"""


def _home(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def _seen(argv: list[str], home: Path, **extra: str) -> str:
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "TERM": "dumb", **extra}
    done = subprocess.run(
        argv, env=env, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False,
        start_new_session=True,
    )  # fmt: skip
    return done.stdout


BASH_HOMES = [
    ({".bashrc": "", ".profile": SKEL_PROFILE}, [".bashrc"]),
    ({".bashrc": "", ".profile": ""}, [".bashrc", ".profile"]),
    ({".bashrc": ""}, [".bashrc", ".profile"]),
    ({}, [".bashrc", ".profile"]),
    ({".bash_profile": "[[ -f ~/.bashrc ]] && . ~/.bashrc\n", ".profile": ""}, [".bashrc"]),
    ({".bash_profile": "export A=1\n", ".profile": SKEL_PROFILE}, [".bashrc", ".bash_profile"]),
    ({".bash_profile": "source ~/.profile\n", ".profile": SKEL_PROFILE}, [".bashrc"]),
    ({".bash_login": "# . ~/.bashrc\n", ".profile": SKEL_PROFILE}, [".bashrc", ".bash_login"]),
    ({".profile": "case $- in *i*) . ~/.bashrc;; esac\n"}, [".bashrc"]),
    ({".profile": "test -r ~/.bashrc && source '~/.bashrc'\n"}, [".bashrc", ".profile"]),
    ({".profile": '. "${XDG_CONFIG_HOME:-$HOME/.config}/sh/rc"\n', ".config/sh/rc": ". ~/.bashrc"}, [".bashrc"]),
]


@pytest.mark.parametrize(("files", "chosen"), BASH_HOMES)
def test_case_56_bash_gets_the_fewest_files_that_reach_window_and_login_alike(
    tmp_path: Path, files: dict[str, str], chosen: list[str]
) -> None:
    home = _home(tmp_path, files)

    assert [path.name for path in bash_files(home, "linux")] == chosen


@pytest.mark.parametrize("files", [files for files, _ in BASH_HOMES])
@pytest.mark.parametrize("mode", [["-i"], ["-l", "-i"]])
def test_case_56_a_real_bash_reads_what_was_chosen_and_loses_nothing(
    tmp_path: Path, files: dict[str, str], mode: list[str]
) -> None:
    (bash,) = require("bash")
    home = _home(tmp_path, {name: text + f"\nexport SAW='{name}'\n" for name, text in files.items()})
    before = _seen([str(bash), *mode, "-c", 'printf %s "${SAW-}"'], home)

    for path in bash_files(home, "linux"):
        with path.open("a") as file:
            file.write("\nexport OURS=here\n")

    assert _seen([str(bash), *mode, "-c", 'printf %s "${OURS-}"'], home) == "here"
    assert _seen([str(bash), *mode, "-c", 'printf %s "${SAW-}"'], home) == before


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        ({}, [".profile"]),
        ({".bash_profile": "export A=1\n"}, [".bash_profile"]),
        ({".bash_profile": "export A=1\n", ".bashrc": ""}, [".bashrc", ".bash_profile"]),
        ({".bash_profile": ". ~/.bashrc\n", ".bashrc": ""}, [".bashrc"]),
    ],
)
def test_case_56_on_a_mac_a_bashrc_is_not_created(tmp_path: Path, files: dict[str, str], chosen: list[str]) -> None:
    assert [path.name for path in bash_files(_home(tmp_path, files), "darwin")] == chosen


GUARDS = [
    ("# If not running interactively, don't do anything\ncase $- in\n    *i*) ;;\n      *) return;;\nesac\n", True),
    ('[ -z "$PS1" ] && return\n', True),
    ("[[ $- != *i* ]] && return\n", True),
    ('if [[ -z "${PS1}" ]]; then\n  return\nfi\n', True),
    ("PS1='$ '\nf() {\n  return 1\n}\n", False),
    ("# case $- in *i*) return\n", False),
    ('if [ -n "$PS1" ]; then\n  PS1=x\nfi\n', False),
    ("", False),
]


@pytest.mark.parametrize(("text", "guarded"), GUARDS)
def test_case_57_a_bashrc_that_scripts_and_ssh_commands_leave_early_is_known(
    tmp_path: Path, text: str, guarded: bool
) -> None:
    """Real bash agrees: as sshd starts it, and as a script asks for it, what stands below is not read."""
    (bash,) = require("bash")
    home = _home(tmp_path, {".bashrc": f"{text}export OURS=here\n"})

    assert has_guard(text.encode()) is guarded
    asked = 'printf %s "${OURS-}"'
    assert _seen([str(bash), "-c", f". ~/.bashrc; {asked}"], home) == ("" if guarded else "here")
    assert _seen([str(bash), "-i", "-c", asked], home) == "here"


def test_files_that_source_each_other_end(tmp_path: Path) -> None:
    home = _home(tmp_path, {".profile": ". ~/.other\n", ".other": ". ~/.profile\n"})

    assert not reaches(home / ".profile", home / ".bashrc", home)


@pytest.mark.parametrize(
    ("line", "paths"),
    [
        (". ~/a", ["/h/a"]),
        ('source "$HOME/a b"', ["/h/a b"]),
        ("if [ -f /x ]; then . /x; fi", ["/x"]),
        ("[ -s ~/a ] && \\. ~/a", ["/h/a"]),
        ('. "${HOME}/a"', ["/h/a"]),
        (". ${HOME}/a; . /b", ["/h/a", "/b"]),
        ("{ . /b; }", ["/b"]),
        (r""". "${HOME-}/"'it'\''s "x".sh'""", ['/h/it\'s "x".sh']),
        (r". ~/a\ b", ["/h/a b"]),
        (". $UNKNOWN/a", []),
        ("# . ~/a", []),
        ("echo . ~/a", []),
        (". $(brew --prefix)/a", []),
        (". relative", []),
        ("./a", []),
        ("resource ~/a", []),
        (". '$HOME/a'", []),
        ('. "~/a"', []),
        (". ~/*.sh", []),
    ],
)
def test_sourced_files_are_told_without_running_anything(line: str, paths: list[str]) -> None:
    assert [str(path) for path in sourced(line, Path("/h"))] == paths


ZSH_HOMES: list[tuple[dict[str, str], dict[str, str], str]] = [
    ({}, {}, ""),
    ({"ZDOTDIR": "@/z"}, {"z/.zshrc": ""}, "z"),
    ({"ZDOTDIR": ""}, {}, ""),
    ({"ZDOTDIR": "@/missing"}, {}, "missing"),
    ({}, {".zshenv": "ZDOTDIR=~/z\n", "z/.zshrc": ""}, "z"),
    ({}, {".zshenv": 'export ZDOTDIR="$HOME/.config/zsh"\n'}, ".config/zsh"),
    ({}, {".zshenv": "export ZDOTDIR=${XDG_CONFIG_HOME:-$HOME/.config}/zsh\n"}, ".config/zsh"),
    ({}, {".zshenv": "# ZDOTDIR=/x\nZDOTDIR=$HOME/a\nZDOTDIR=$HOME/b\n"}, "b"),
    ({}, {".zshenv": "typeset -gx ZDOTDIR=~/z\n"}, "z"),
    ({}, {".zshenv": ': "${ZDOTDIR:=$HOME/.config/zsh}"\nexport ZDOTDIR\n'}, ".config/zsh"),
    ({"ZDOTDIR": "@/z"}, {".zshenv": "ZDOTDIR=~/not-read\n", "z/.zshrc": ""}, "z"),
]


@pytest.mark.parametrize(("env", "files", "folder"), ZSH_HOMES)
def test_case_54_zshs_folder(tmp_path: Path, env: dict[str, str], files: dict[str, str], folder: str) -> None:
    home = _home(tmp_path, files)
    env = {name: value.replace("@", str(home)) for name, value in env.items()}

    assert zsh_folder(env, home) == home / folder


@pytest.mark.parametrize(("env", "files", "folder"), [each for each in ZSH_HOMES if each[0] != {"ZDOTDIR": ""}])
def test_case_54_a_real_zsh_reads_the_file_chosen(
    tmp_path: Path, env: dict[str, str], files: dict[str, str], folder: str
) -> None:
    (zsh,) = require("zsh")
    home = _home(tmp_path, files)
    env = {name: value.replace("@", str(home)) for name, value in env.items()}
    rc = zsh_folder(env, home) / ".zshrc"
    rc.parent.mkdir(parents=True, exist_ok=True)
    rc.write_text("export OURS=here\n")

    assert _seen([str(zsh), "-l", "-i", "-c", "print -rn -- $OURS"], home, **env) == "here"


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ({}, "/h/.config/fish"),
        ({"XDG_CONFIG_HOME": "/x"}, "/x/fish"),
        ({"XDG_CONFIG_HOME": ""}, "/h/.config/fish"),
        ({"XDG_CONFIG_HOME": "relative"}, "/h/.config/fish"),
    ],
)
def test_case_55_fishs_folder(env: dict[str, str], folder: str) -> None:
    assert fish_folder(env, Path("/h")) == Path(folder)


def test_only_installed_shells_are_offered(tmp_path: Path) -> None:
    found = shells({}, tmp_path, "linux", {"zsh": Path("/bin/zsh")}.get)

    assert [(shell.name, shell.rc_files) for shell in found] == [("zsh", (tmp_path / ".zshrc",))]


def test_case_34_odd_start_up_files_are_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".bash_profile")
    (tmp_path / ".bash_login").symlink_to(".bash_login")
    (tmp_path / ".profile").mkdir()
    (tmp_path / ".zshenv").write_bytes(b"ZDOTDIR=\xff\x00\n")

    assert [path.name for path in bash_files(tmp_path, "linux")] == [".bashrc", ".profile"]
    assert zsh_folder({}, tmp_path) == tmp_path


ASKED_HOMES: list[tuple[dict[str, str], list[str]]] = [
    ({".zshenv": "[[ -d ~/z ]] && export ZDOTDIR=~/z\n", "z/.zshrc": ""}, ["z"]),
    ({".zshenv": ". ~/env.zsh\n", "env.zsh": "ZDOTDIR=$HOME/z\n", "z/.zshrc": ""}, ["z"]),
    ({".zshenv": "ZDOTDIR=$(printf %s ~/z)\n", "z/.zshrc": ""}, ["z"]),
    ({".zshenv": "if false; then\nZDOTDIR=~/z\nfi\n", ".zshrc": ""}, [""]),
    ({".zshenv": "echo ZDOTDIR; echo more\n", ".zshrc": ""}, [""]),
    ({".zprofile": "ZDOTDIR=~/z\n", ".zshrc": "", "z/.zshrc": ""}, ["", "z"]),
    ({".zshenv": "ZDOTDIR=~/z; exit 3\n", ".zshrc": ""}, ["z"]),
]


@pytest.mark.parametrize(("files", "folders"), ASKED_HOMES)
def test_case_54_zsh_itself_says_where_its_files_are(tmp_path: Path, files: dict[str, str], folders: list[str]) -> None:
    (zsh,) = require("zsh")
    home = _home(tmp_path, files)
    (found,) = shells({"PATH": "/usr/bin:/bin"}, home, "linux", {"zsh": zsh}.get)

    assert list(found.rc_files) == [home / each / ".zshrc" for each in folders]
    if "exit" in "".join(files.values()):
        return
    for rc in found.rc_files:
        rc.parent.mkdir(exist_ok=True)
        with rc.open("a") as file:
            file.write("export OURS=here\n")
    for mode in (["-i"], ["-l", "-i"]):
        assert _seen([str(zsh), *mode, "-c", "print -rn -- $OURS"], home).endswith("here")


def test_case_54_a_zshenv_that_hangs_costs_two_seconds_and_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (zsh,) = require("zsh")
    monkeypatch.setattr("wizard.machine.shells._ZSH_LIMIT", 0.3)
    home = _home(tmp_path, {".zshenv": "ZDOTDIR=~/z\nsleep 60\n"})
    started = time.monotonic()
    (found,) = shells({"PATH": "/usr/bin:/bin"}, home, "linux", {"zsh": zsh}.get)

    assert found.rc_files == (home / "z/.zshrc",), "what the file says stands"
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("shell", "name"),
    [
        ("/usr/bin/nu", "nu"),
        ("/bin/tcsh", "tcsh"),
        ("/opt/odd shell", "odd shell"),
        ("/bin/bash", ""),
        ("/usr/bin/fish", ""),
        ("", ""),
        ("/x/\x1b[2J", ""),
    ],
)
def test_case_61_a_shell_that_is_none_of_ours_is_named(shell: str, name: str) -> None:
    assert other_shell({"SHELL": shell}) == name
    assert other_shell({}) == ""

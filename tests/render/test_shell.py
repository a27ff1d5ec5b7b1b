from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.machines import machine_at
from tests.programs import require
from wizard.answers import Answers, Gateway, Key, Models, Write
from wizard.machine.model import Machine
from wizard.marks import BLOCK_BEGIN, BLOCK_END, is_ours
from wizard.render.claude import exports
from wizard.render.shell import fish_file, rc_block, setup_script

ANSWERS = Answers(
    gateway=Gateway(
        url="https://llm.corp.example:4000",
        route="bedrock",
        aws_region="eu-west-1",
        timeout_ms=60000,
        ca_file="~/ca.pem",
        proxy="http://proxy.corp.example:3128",
        no_proxy="localhost",
        client_cert="~/me.pem",
        client_key="~/me.key",
    ),
    key=Key(backend="vault"),
    models=Models(opus="it's $(touch PWNED) `id` \\ \"x\" =ls \\'; touch PWNED; echo \\'"),
    write=Write(helper="~/bin/get-key.sh"),
)
SH_STARTS = [
    ["dash"],
    ["dash", "-eu"],
    ["busybox", "sh"],
    ["busybox", "sh", "-eu"],
    ["bash"],
    ["bash", "-eu"],
    ["bash", "--posix", "-eu"],
    ["bash", "-i"],
    ["bash", "-l", "-i"],
    ["zsh"],
    ["zsh", "-eu"],
    ["zsh", "-i"],
    ["zsh", "-l", "-i"],
]
ZSH_OPTIONS = [
    "aliasfuncdef",
    "autocd",
    "bashrematch",
    "bsdecho",
    "cshjunkieloops",
    "cshjunkiequotes",
    "cshnullcmd",
    "cshnullglob",
    "errexit",
    "errreturn",
    "extendedglob",
    "globassign",
    "globsubst",
    "ignorebraces",
    "kshglob",
    "ksharrays",
    "magicequalsubst",
    "noequals",
    "noclobber",
    "noglob",
    "nomatch",
    "nounset",
    "posixbuiltins",
    "rcquotes",
    "shglob",
    "shnullcmd",
    "shwordsplit",
    "warncreateglobal",
]
ENVIRONMENT_NAMES = sorted(
    {*exports(ANSWERS, machine_at(Path("/")), 1), "NODE_EXTRA_CA_CERTS", "HTTPS_PROXY", "NO_PROXY"}
)


@pytest.fixture(params=["plain", 'it\'s a "home" $HOME `x` ключ'])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    home = tmp_path / request.param
    (home / "bin").mkdir(parents=True)
    helper = home / "bin/get-key.sh"
    helper.write_text("#!/bin/sh\n")
    helper.chmod(0o700)
    return machine_at(home)


def _wanted(machine: Machine) -> dict[str, str]:
    return exports(ANSWERS, machine, 1000)


def _installed(machine: Machine, answers: Answers = ANSWERS) -> Path:
    script = machine.expand(answers.write.setup_script)
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(setup_script(answers, machine, 1000))
    (machine.home / "block").write_text(rc_block(answers, machine))
    (machine.home / "ours.fish").write_text(fish_file(answers, machine, 1000))
    return script


def _run(argv: list[str], machine: Machine, code: str, **extra: str) -> subprocess.CompletedProcess[str]:
    (program,) = require(argv[0])
    env = {"HOME": str(machine.home), "PATH": "/usr/bin:/bin", "TERM": "dumb", **extra}
    if argv[0] == "fish":
        env["LC_ALL"] = "C.UTF-8"  # in the C locale fish 3.6 finds no file at all below a home that is not ASCII
    return subprocess.run(
        [program, *argv[1:], "-c", code], env=env, cwd=machine.home, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=30, check=False, start_new_session=True,
    )  # fmt: skip


def _variables(output: str) -> dict[str, str]:
    pairs = (entry.partition("=") for entry in output.split("\0") if "=" in entry)
    return {name: value for name, _, value in pairs if name in ENVIRONMENT_NAMES}


def _asked(source: str = '. "$HOME/block"') -> str:
    """Source a file and print the environment, provided that it left `$?` at 0."""
    return f'{source}; left=$?; [ "$left" = 0 ] && env -0'


def _intact(machine: Machine) -> bool:
    return not list(machine.home.glob("**/PWNED"))


@pytest.mark.parametrize("argv", SH_STARTS, ids=" ".join)
def test_case_11_30_every_sh_exports_exactly_what_is_wanted_and_leaves_0(machine: Machine, argv: list[str]) -> None:
    _installed(machine)

    done = _run(argv, machine, _asked())

    assert _variables(done.stdout) == _wanted(machine)
    assert _intact(machine)
    if "-i" not in argv:
        assert done.stderr == ""


@pytest.mark.parametrize("option", ZSH_OPTIONS)
def test_case_59_zsh_with_any_option_set_or_unset(machine: Machine, option: str) -> None:
    _installed(machine)

    for switch in ("setopt", "unsetopt"):
        done = _run(["zsh", "-f"], machine, f"{switch} {option}; {_asked()}")
        assert (_variables(done.stdout), done.stderr) == (_wanted(machine), ""), switch


@pytest.mark.parametrize("mode", ["sh", "csh", "ksh"])
def test_case_59_zsh_emulating_another_shell(machine: Machine, mode: str) -> None:
    _installed(machine)

    done = _run(["zsh", "-f"], machine, f"emulate {mode}; {_asked()}")

    assert (_variables(done.stdout), done.stderr) == (_wanted(machine), "")


@pytest.mark.parametrize("argv", [["fish"], ["fish", "-i"], ["fish", "-l", "-i"]], ids=" ".join)
def test_case_11_30_fish_exports_exactly_what_is_wanted(machine: Machine, argv: list[str]) -> None:
    _installed(machine)

    done = _run(argv, machine, 'source "$HOME/ours.fish"; and env -0')

    assert _variables(done.stdout) == _wanted(machine)
    assert _intact(machine)


def test_case_60_fish_is_not_misled_by_a_universal_variable(machine: Machine) -> None:
    _installed(machine)

    done = _run(["fish"], machine, 'set -Ux ANTHROPIC_BEDROCK_BASE_URL old; source "$HOME/ours.fish"; and env -0')

    assert _variables(done.stdout) == _wanted(machine)


@pytest.mark.parametrize(
    ("spoil", "extra"),
    [
        ("helper gone", {}),
        ("helper not executable", {}),
        ("script gone", {}),
        ("", {"CLAUDE_CONFIG_DIR": "/elsewhere"}),
        ("", {"CLAUDE_CONFIG_DIR": ""}),
        ("", {"HOME": "/elsewhere"}),
    ],
)
@pytest.mark.parametrize(
    "argv", [["dash", "-eu"], ["bash", "-eu"], ["zsh", "-eu"], ["busybox", "sh", "-eu"], ["fish"]], ids=" ".join
)
def test_case_30_nothing_is_exported_for_another_set_up_or_half_of_one(
    machine: Machine, argv: list[str], spoil: str, extra: dict[str, str]
) -> None:
    script = _installed(machine)
    helper = machine.home / "bin/get-key.sh"
    match spoil:
        case "helper gone":
            helper.unlink()
        case "helper not executable":
            helper.chmod(0o600)
        case "script gone":
            script.unlink()
            (machine.home / "ours.fish").write_text("")

    name = "ours.fish" if argv[0] == "fish" else "block"
    code = f"source ./{name}; and env -0" if argv[0] == "fish" else _asked(f". ./{name}")
    done = _run(argv, machine, code, **extra)

    assert "PATH=" in done.stdout, done.stderr  # the status was 0
    assert _variables(done.stdout) == {}
    assert done.stderr == ""


@pytest.mark.parametrize("argv", [["dash", "-eu"], ["zsh", "-eu"], ["fish"]], ids=" ".join)
def test_the_configured_folder_may_be_named_with_a_slash_at_its_end(machine: Machine, argv: list[str]) -> None:
    _installed(machine)
    code = 'source "$HOME/ours.fish"; and env -0' if argv[0] == "fish" else _asked()

    done = _run(argv, machine, code, CLAUDE_CONFIG_DIR=f"{machine.home}/.claude/")

    assert _variables(done.stdout) == _wanted(machine)


@pytest.mark.parametrize("argv", [["dash", "-eu"], ["zsh", "-eu"], ["fish"]], ids=" ".join)
def test_a_region_of_the_users_own_is_kept(machine: Machine, argv: list[str]) -> None:
    _installed(machine)
    code = 'source "$HOME/ours.fish"; and env -0' if argv[0] == "fish" else _asked()

    done = _run(argv, machine, code, AWS_REGION="ap-south-1")

    assert _variables(done.stdout) == {**_wanted(machine), "AWS_REGION": "ap-south-1"}


@pytest.mark.parametrize("argv", [["dash", "-u"], ["bash", "-u"], ["zsh", "-u"], ["busybox", "sh", "-u"]], ids=" ".join)
def test_without_a_home_nothing_happens(machine: Machine, argv: list[str]) -> None:
    _installed(machine)

    done = _run(argv, machine, f"unset HOME; {_asked('. ./block')}")

    assert ("PATH=" in done.stdout, _variables(done.stdout), done.stderr) == (True, {}, "")


def test_case_30_an_interactive_shell_starts_with_status_0(machine: Machine) -> None:
    _installed(machine)
    helper = machine.home / "bin/get-key.sh"
    helper.unlink()
    for name in (".bashrc", ".zshrc"):
        (machine.home / name).write_text(rc_block(ANSWERS, machine))

    for argv in (["bash", "-i"], ["zsh", "-i"]):
        assert _run(argv, machine, 'printf "<%s>" "$?"').stdout == "<0>"


def test_case_30_the_text_runs_nothing_ends_nothing_and_holds_no_variable_of_other_programs(machine: Machine) -> None:
    texts = (setup_script(ANSWERS, machine, 1), rc_block(ANSWERS, machine), fish_file(ANSWERS, machine, 1))
    plain = replace(ANSWERS, models=Models())

    for text in texts:
        assert text.endswith("\n")
        assert "\r" not in text
        assert not [name for name in ("NODE_EXTRA_CA", "PROXY", "AUTH_TOKEN", "API_KEY=") if name in text]
    for text in (setup_script(plain, machine_at(Path("/home/ada")), 1), rc_block(plain, machine_at(Path("/home/ada")))):
        code = [line for line in text.splitlines() if not line.startswith("#")]
        assert not [
            line for line in code if any(word in line for word in ("exit", "return", "$(", "`", "curl", "echo"))
        ]


def test_case_50_86_the_block_is_marked_and_does_not_change_when_the_server_moves() -> None:
    machine = machine_at(Path("/home/ada"))
    moved = replace(ANSWERS, gateway=Gateway(url="https://new.example"), models=Models())

    block = rc_block(ANSWERS, machine)

    assert block == rc_block(moved, machine)
    assert block == (
        f"{BLOCK_BEGIN}\n"
        'if [ -r "${HOME-}/.config/claude/setup-litellm.sh" ]; then\n'
        '  . "${HOME-}/.config/claude/setup-litellm.sh"\n'
        "fi\n"
        f"{BLOCK_END}\n"
    )


def test_our_own_files_are_recognised() -> None:
    machine = machine_at(Path("/home/ada"))

    assert is_ours(setup_script(ANSWERS, machine, 1))
    assert is_ours(fish_file(ANSWERS, machine, 1).encode())
    assert not is_ours("export ANTHROPIC_BASE_URL=x\n")


def test_paths_outside_the_home_folder_are_absolute(tmp_path: Path) -> None:
    machine = machine_at(tmp_path, claude_dir=Path("/srv/it's claude"))
    answers = replace(ANSWERS, write=Write(helper="/opt/key helper", setup_script="/opt/set up.sh"))

    script = setup_script(answers, machine, 1)

    assert "if [ -x '/opt/key helper' ]; then" in script
    assert "    '/srv/it'\\''s claude' | '/srv/it'\\''s claude'/)" in script
    assert "  . '/opt/set up.sh'\n" in rc_block(answers, machine)


@pytest.mark.parametrize("path", ["~/a\nb", "~/a\x1bb", "/x\u202ey"])
def test_case_12_a_path_with_control_characters_is_refused(path: str) -> None:
    answers = replace(ANSWERS, write=Write(helper=path, setup_script=path))
    machine = machine_at(Path("/home/ada"))

    with pytest.raises(ValueError, match=r"U\+"):
        setup_script(answers, machine, 1)
    with pytest.raises(ValueError, match=r"U\+"):
        rc_block(answers, machine)


def test_shellcheck_has_nothing_to_say(tmp_path: Path) -> None:
    (shellcheck,) = require("shellcheck")
    machine = machine_at(Path("/home/ada"))
    answers = replace(ANSWERS, models=Models(opus="corp-opus"))
    for name, text in (("setup", setup_script(answers, machine, 1)), ("block", rc_block(answers, machine))):
        (tmp_path / name).write_text(text)
        done = subprocess.run(
            [shellcheck, "-s", "sh", "-e", "SC1090,SC1091", tmp_path / name],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == ""

"""What shells read: the setup script with the exports, the managed block that sources it, and the file for fish."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from wizard.answers import Answers
from wizard.machine.model import Machine
from wizard.marks import BLOCK_BEGIN, BLOCK_END, SIGNATURE
from wizard.pattern import pattern
from wizard.quoting import csh_quote, fish_quote, nu_quote, sh_quote
from wizard.render.claude import exports

_PLAIN: Final = pattern(r"[A-Za-z0-9._+@%/-]+")
_POSIX: Final = frozenset({"sh", "ash", "dash", "ksh", "ksh93", "mksh", "oksh", "yash"})
_WHY: Final = "# Without the key helper a base URL would send a claude.ai login to the gateway, hence the conditions."


def setup_script(answers: Answers, machine: Machine, ttl_ms: int) -> str:
    """Return the setup script: exports and two guards, nothing that can fail, wait or end the shell that sources it.

    It is right for sh, bash, zsh, dash and busybox, under `set -eu` too, and leaves `$?` at 0. Raises ValueError for a
    path with control characters, AddressError for an unusable URL.
    """
    helper = _sh_path(machine.expand(answers.helper_path), machine)
    folder = _sh_path(machine.claude_dir, machine)
    lines = [
        f"# Written by {SIGNATURE}. It is rewritten as a whole; change your answers instead.",
        _WHY,
        f"if [ -x {helper} ]; then",
        '  case "${CLAUDE_CONFIG_DIR-${HOME-}/.claude}" in',
        f"    {folder} | {folder}/)",
        *(f"      {_sh_export(name, value)}" for name, value in exports(answers, machine, ttl_ms).items()),
        "      ;;",
        "  esac",
        "fi",
    ]
    return "\n".join(lines) + "\n"


def rc_block(answers: Answers, machine: Machine) -> str:
    """Return the managed block of a start-up file of bash or zsh. A server move does not change it."""
    script = _sh_path(machine.expand(answers.write.setup_script), machine)
    return f"{BLOCK_BEGIN}\nif [ -r {script} ]; then\n  . {script}\nfi\n{BLOCK_END}\n"


def fish_file(answers: Answers, machine: Machine, ttl_ms: int) -> str:
    """Return our file in fish's conf.d: the same exports under the same guards as the setup script's."""
    helper = _fish_path(machine.expand(answers.helper_path), machine)
    folder = _fish_path(machine.claude_dir, machine)
    lines = [
        f"# Written by {SIGNATURE}. It is rewritten as a whole; change your answers instead.",
        _WHY,
        f"if test -x {helper}",
        "    set -l claude_dir $HOME/.claude",
        "    set -q CLAUDE_CONFIG_DIR; and set claude_dir $CLAUDE_CONFIG_DIR",
        f'    if contains -- "$claude_dir" {folder} {folder}/',
        *(f"        {_fish_export(name, value)}" for name, value in exports(answers, machine, ttl_ms).items()),
        "    end",
        "end",
    ]
    return "\n".join(lines) + "\n"


def lines_to_paste(shell: str, answers: Answers, machine: Machine, ttl_ms: int) -> str:
    """Return the exports for a shell that the wizard does not write for, to be pasted into its start-up file.

    They are under the same guard as ours: without the helper they do nothing. A shell that is not known gets plain
    names and values, in no language. Raises as `setup_script` does.
    """
    helper = str(machine.expand(answers.helper_path))
    wanted = exports(answers, machine, ttl_ms).items()
    if shell in ("csh", "tcsh"):
        return "\n".join(f"if ( -x {csh_quote(helper)} ) setenv {name} {csh_quote(value)}" for name, value in wanted)
    if shell == "nu":
        lines = (f"  $env.{name} = {nu_quote(value)}" for name, value in wanted)
        return "\n".join([f"if ({nu_quote(helper)} | path exists) {{", *lines, "}"])
    if shell in _POSIX:
        lines = (f"  {_sh_export(name, value)}" for name, value in wanted)
        return "\n".join([f"if [ -x {_sh_path(Path(helper), machine)} ]; then", *lines, "fi"])
    return "\n".join(f"{name}={value}" for name, value in wanted)


def _sh_export(name: str, value: str) -> str:
    export = f"export {name}={sh_quote(value)}"
    return f'if [ -z "${{{name}-}}" ]; then {export}; fi' if name == "AWS_REGION" else export


def _fish_export(name: str, value: str) -> str:
    export = f"set -gx {name} {fish_quote(value)}"
    return f'if test -z "$AWS_REGION"; {export}; end' if name == "AWS_REGION" else export


def _sh_path(path: Path, machine: Machine) -> str:
    rest = _below_home(path, machine)
    if rest is None:
        return sh_quote(str(path))
    return f'"${{HOME-}}/{rest}"' if _PLAIN.fullmatch(rest) else f'"${{HOME-}}/"{sh_quote(rest)}'


def _fish_path(path: Path, machine: Machine) -> str:
    rest = _below_home(path, machine)
    if rest is None:
        return fish_quote(str(path))
    return f'"$HOME/{rest}"' if _PLAIN.fullmatch(rest) else f'"$HOME/"{fish_quote(rest)}'


def _below_home(path: Path, machine: Machine) -> str | None:
    """Return the path's part below the home folder, so that dotfiles can be shared between machines."""
    if path == machine.home or not path.is_relative_to(machine.home):
        return None
    return str(path.relative_to(machine.home))

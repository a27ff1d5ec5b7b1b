"""Secrets files that are encrypted with age or sops: opened by that program, into memory only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from wizard.fields import Field, Value
from wizard.keys.backend import NoProgramError, Options
from wizard.keys.catalogue import found
from wizard.keys.parts import SH_PROGRAM, sh_limited, text
from wizard.keys.seal import PROGRAMS, seal_named, seal_of
from wizard.machine.model import Machine
from wizard.quoting import sh_quote
from wizard.verdict import Verdict

OPENED: Final = "key.source.opened"

_NONE: Final = "none"
_LIMIT: Final = 8.0
_HINT: Final = {"age": "Check the identity file", "sops": "Check that your key for it is on this machine"}


def _inferred(options: Options) -> Value | None:
    return seal_named(text(options, "file")) or None


def _is_sealed(options: Mapping[str, Value]) -> bool:
    return bool(program_of(options))


FIELDS: Final = (
    Field(
        "encryption",
        "Encryption",
        "The program that the file is encrypted with, if it is. The helper opens it each time, into memory only.",
        "choice",
        default=_NONE,
        choices=(_NONE, *PROGRAMS),
        infer=_inferred,
    ),
    Field(
        "identity",
        "Identity file",
        "The file with your age identity, without a passphrase. Leave it empty where sops finds your key by itself.",
        "path",
        example="~/.config/sops/age/keys.txt",
        shown_when=_is_sealed,
    ),
)


def program_of(options: Mapping[str, Value]) -> str:
    """Return the program that opens the file; empty for a plain one."""
    given = text(options, "encryption")
    return given if given in PROGRAMS else ""


def opening(options: Options, machine: Machine) -> tuple[list[str], tuple[str, ...]]:
    """Return assignments and pieces of sh that define `open_file`, which prints the text. Raises NoProgramError."""
    name = program_of(options)
    if name not in machine.programs:
        raise NoProgramError(f"The file is encrypted with {name}, and nothing here can open it. Install {name}.")
    identity = _identity(options, machine)
    values = {
        "opener_path": str(machine.programs[name]),
        "timeout_path": str(machine.programs.get("timeout", "")),
        **({"identity": str(identity)} if identity else {}),
    }
    lines = [f"{each}={sh_quote(value)}" for each, value in values.items()]
    lines += [f"HOME=${{HOME:-{sh_quote(str(machine.home))}}}", "export HOME"]
    if identity and name == "sops":
        lines += ["SOPS_AGE_KEY_FILE=$identity", "export SOPS_AGE_KEY_FILE"]
    piece = _OPEN.replace("@name", name).replace("@words", _words(name, bool(identity))).replace("@hint", _HINT[name])
    check = _CHECK_IDENTITY if identity else "  :"
    return lines, (SH_PROGRAM, sh_limited("limited", round(_LIMIT)), piece.replace("@check", check))


def _words(name: str, with_identity: bool) -> str:
    if name == "sops":
        return "--decrypt --output-type dotenv"
    return '--decrypt --identity "$identity"' if with_identity else "--decrypt"


def _identity(options: Options, machine: Machine) -> Path | None:
    given = text(options, "identity")
    return machine.expand(given) if given else None


_CHECK_IDENTITY: Final = (
    '  [ -r "$identity" ] || fail "Your identity file for $shown can\'t be read. Check it in the wizard."'
)

_OPEN: Final = r"""
open_file() {
  opener=$(program "$opener_path" @name) || fail 'The program @name is gone. Install it, then run the wizard again.'
@check
  limited "$opener" @words "$file" 2>/dev/null && return
  case $? in
    124 | 137 | 143) fail "@name did not open $shown within 8 seconds. Run it by hand to see what it waits for." ;;
  esac
  fail "@name can't open $shown. @hint; @name --decrypt says why."
}
"""


async def opened(options: Options, machine: Machine, content: bytes) -> tuple[Verdict, bytes | None]:
    """Open a file as the helper does; return the verdict, and what is in it when it opens."""
    name, file = program_of(options), machine.expand(text(options, "file"))
    shown = machine.short(file)
    if seal_of(content) != name:
        return found(OPENED, "file-not-sealed", file=shown, program=name), None
    if name not in machine.programs:
        return found(OPENED, "program-missing", program=name, title=f"The encrypted file {shown}"), None
    return await _asked(options, machine, file)


async def _asked(options: Options, machine: Machine, file: Path) -> tuple[Verdict, bytes | None]:
    from wizard.machine.process import run
    from wizard.secret import redact

    name, identity = program_of(options), _identity(options, machine)
    words: tuple[str | Path, ...] = (
        ("--decrypt", "--output-type", "dotenv", file)
        if name == "sops"
        else ("--decrypt", *(("--identity", identity) if identity else ()), file)
    )
    env = {**machine.env, **({"SOPS_AGE_KEY_FILE": str(identity)} if identity and name == "sops" else {})}
    done = await run((machine.programs[name], *words), env=env, cwd=Path("/"), limit=_LIMIT)
    facts = {"program": name, "file": machine.short(file)}
    if done.timed_out:
        return found(OPENED, "file-not-opened", reason=f"it did not end within {_LIMIT:.0f} seconds", **facts), None
    if done.code != 0:
        said = [line for line in done.err.decode("utf-8", "replace").splitlines() if line.strip()]
        reason = redact(said[0].removeprefix("age: error: ") if said else "it gives no reason").rstrip(".")
        return found(OPENED, "file-not-opened", reason=reason, **facts), None
    return found(OPENED, "file-opened", **facts), done.out

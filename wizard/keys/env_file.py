"""Keys from a file of `NAME=value` lines, which is read as data and never run as code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from wizard.fields import Field, Problem, Value
from wizard.keys import encrypted_file
from wizard.keys.backend import Options, Report
from wizard.keys.catalogue import found
from wizard.keys.parts import SH_SHOWN, is_key, look_at_file, script, text, variable_name
from wizard.keys.seal import PROGRAMS, seal_of
from wizard.machine.background import in_daemon_thread
from wizard.machine.model import Machine
from wizard.pattern import pattern
from wizard.quoting import sh_quote
from wizard.record import dataclass
from wizard.verdict import Verdict

_FILE: Final = "key.source.file"
_VARIABLE: Final = "key.source.variable"
_BLANKS: Final = b" \t"
BOM: Final = b"\xef\xbb\xbf"
LINE: Final = pattern(rb"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(.*)", re.DOTALL)


class MalformedError(ValueError):
    """A value whose quotes don't match."""


def read_variable(content: bytes, variable: str) -> bytes | None:
    """Return what a file of `NAME=value` lines gives to a variable; None when it has no line for it.

    Lines may start with `export`, end in CRLF and hold comments; the last line for the name counts. In quotes all is
    literal up to the same quote, and only a comment may follow; without quotes the value ends before ` #`. Nothing
    is replaced or run. The key helper reads the same in sh. Raises MalformedError.
    """
    value: bytes | None = None
    for line in content.removeprefix(BOM).split(b"\n"):
        match = LINE.fullmatch(line.removesuffix(b"\r"))
        if match and match[1] == variable.encode():
            value = value_of(match[2])
    return value


def names(content: bytes) -> tuple[str, ...]:
    """Return the names a file of `NAME=value` lines sets, in order."""
    matches = (LINE.fullmatch(line) for line in content.removeprefix(BOM).split(b"\n"))
    return tuple(dict.fromkeys(match[1].decode() for match in matches if match))


def value_of(raw: bytes) -> bytes:
    """Return the value in what stands behind the = sign. Raises MalformedError."""
    quote = raw[:1]
    if quote in (b'"', b"'"):
        inner, closed, rest = raw[1:].partition(quote)
        rest = rest.lstrip(_BLANKS)
        if not closed or (rest and not rest.startswith(b"#")):
            raise MalformedError
        return inner
    if quote == b"#":
        return b""
    return re.split(rb"[ \t]#", raw, maxsplit=1)[0].rstrip(_BLANKS)


_READ_LINES: Final = r"""
shorten() {
  rest=$1
  value=${rest%"${rest##*[![:blank:]]}"}
}

read_value() {
  case $1 in
    \"* | \'*)
      inner=${1#?}
      quote=${1%"$inner"}
      case $inner in *"$quote"*) ;; *) malformed=yes; return ;; esac
      value=${inner%%"$quote"*}
      rest=${inner#*"$quote"}
      rest=${rest#"${rest%%[![:blank:]]*}"}
      case $rest in '' | '#'*) ;; *) malformed=yes ;; esac
      ;;
    '#'*) value= ;;
    *) shorten "${1%%[[:blank:]]#*}" ;;
  esac
}

read_line() {
  name=${1#"${1%%[![:blank:]]*}"}
  case $name in
    export[[:blank:]]*)
      rest=${name#export}
      rest=${rest#"${rest%%[![:blank:]]*}"}
      case $rest in '='*) ;; *) name=$rest ;; esac
      ;;
  esac
  case $name in "$variable"*=*) ;; *) return ;; esac
  rest=${name#"$variable"}
  rest=${rest#"${rest%%[![:blank:]]*}"}
  case $rest in '='*) ;; *) return ;; esac
  rest=${rest#=}
  found=yes
  read_value "${rest#"${rest%%[![:blank:]]*}"}"
}

# Reads NAME=value lines as text; nothing in the file is ever run.
read_lines() {
  cr=$(printf '\r')
  bom=$(printf '\357\273\277')
  found='' value='' malformed='' first=yes
  while IFS= read -r line || [ -n "$line" ]; do
    [ -z "$first" ] || line=${line#"$bom"}
    first=''
    read_line "${line%"$cr"}"
  done
  [ -z "$malformed" ] || fail "In $shown the quotes around $variable don't match. Use one pair of quotes, or none."
  [ -n "$found" ] || fail "$shown does not set $variable. Add a line $variable=..."
  [ -n "$value" ] || fail "$shown sets $variable to nothing. Put the key after the = sign."
  printf '%s\n' "$value"
}

check_file() {
  [ -f "$file" ] || fail "$shown does not exist. Create it with a line $variable=..."
  [ -r "$file" ] || fail "$shown can't be read. Make it yours: chmod 600 $shown"
}
"""

_FROM_PLAIN: Final = r"""
read_key() {
  check_file
  read_lines <"$file"
}
"""

_FROM_SEALED: Final = r"""
read_key() {
  check_file
  inside=$(open_file) || exit 1
  printf '%s\n' "$inside" | read_lines
}
"""


@dataclass(frozen=True, slots=True)
class EnvFile:
    """A file that holds the key as `LITELLM_API_KEY=…`."""

    name: str = "env-file"
    title: str = "Secrets file"
    use_when: str = "Use this when you were handed a key and keep it in a file."
    helper_name: str = "refresh-litellm-key.sh"
    programs: tuple[str, ...] = (*PROGRAMS, "timeout")
    fields: tuple[Field, ...] = (
        Field(
            "file",
            "File",
            "The file with your keys, one NAME=value to a line. Only its text is read; nothing in it is run.",
            "path",
            default="~/.secrets/litellm.env",
            required=True,
            example="~/.secrets/litellm.env",
        ),
        Field(
            "variable",
            "Variable",
            "The name in that file whose value is the key.",
            default="LITELLM_API_KEY",
            required=True,
            example="LITELLM_API_KEY",
            check=variable_name,
        ),
        *encrypted_file.FIELDS,
    )

    def prefill(self, machine: Machine) -> dict[str, Value]:
        """Return the usual file when it is there, so that this backend is offered first."""
        usual = self.fields[0].default
        return {"file": str(usual)} if machine.expand(str(usual)).is_file() else {}

    def validate(self, options: Options, prefix: str) -> tuple[Problem, ...]:
        """Return nothing: the fields say it all."""
        return ()

    def notes(self, options: Options) -> tuple[str, ...]:
        """Return what the user must know before choosing this."""
        if name := encrypted_file.program_of(options):
            return (f"The helper opens the file with {name}, which can't ask for a passphrase then.",)
        return ("The key lies unencrypted in the file, so give it mode 0600.",)

    def origin(self, options: Options) -> str:
        """Return nothing: no credential leaves this machine."""
        return ""

    def life_seconds(self, options: Options) -> int | None:
        """Return None: only the gateway knows."""
        return None

    def shell_needs(self, options: Options, machine: Machine) -> tuple[str, ...]:
        """Return the variables that lead sops to its key, where they are set; nothing else needs any."""
        if encrypted_file.program_of(options) != "sops":
            return ()
        return tuple(name for name in ("SOPS_AGE_KEY_FILE", "SOPS_AGE_KEY", "GNUPGHOME") if machine.env.get(name))

    def helper_body(self, options: Options, machine: Machine) -> str:
        """Return sh that reads the file as text. Raises NoProgramError."""
        file = machine.expand(text(options, "file"))
        assignments = [
            f"file={sh_quote(str(file))}",
            f"{SH_SHOWN}{sh_quote(machine.short(file))}",
            f"variable={sh_quote(text(options, 'variable'))}",
        ]
        if not encrypted_file.program_of(options):
            return script(assignments, _READ_LINES, _FROM_PLAIN)
        lines, pieces = encrypted_file.opening(options, machine)
        return script([*assignments, *lines], _READ_LINES, *pieces, _FROM_SEALED)

    def examinations(self, options: Options) -> tuple[tuple[str, str], ...]:
        """Return id and label of the rows of `examine`."""
        sealed = ((encrypted_file.OPENED, "decryption"),) if encrypted_file.program_of(options) else ()
        return ((_FILE, "file"), *sealed, (_VARIABLE, "variable"))

    async def examine(self, options: Options, machine: Machine, report: Report) -> None:
        """Look at the file, open it where it is encrypted, and look for the variable in it."""
        path = machine.expand(text(options, "file"))
        looked, content = await in_daemon_thread(lambda: look_at_file(_FILE, path, machine))
        sealed = encrypted_file.program_of(options)
        if content is not None and not sealed and (seal := seal_of(content)):
            looked, content = found(_FILE, "file-sealed", file=machine.short(path), program=seal), None
        report(_not_wide(looked, sealed, path, machine))
        if sealed and content is None:
            report(found(encrypted_file.OPENED, "not-tried", reason="the file has to be readable first."))
        elif sealed and content is not None:
            verdict, content = await encrypted_file.opened(options, machine, content)
            report(verdict)
        if content is None:
            report(found(_VARIABLE, "not-tried", reason="the file has to be readable first."))
        else:
            report(_examine_variable(content, text(options, "variable"), machine.short(path)))


def _not_wide(looked: Verdict, sealed: str, path: Path, machine: Machine) -> Verdict:
    """Return the verdict on the file; one that is encrypted may be read by others, as in a repository."""
    wide = sealed and looked.verdict == "file-wide"
    return found(_FILE, "file-encrypted", file=machine.short(path), program=sealed) if wide else looked


def _examine_variable(content: bytes, variable: str, file: str) -> Verdict:
    facts = {"file": file, "variable": variable}
    try:
        raw = read_variable(content, variable)
    except MalformedError:
        return found(_VARIABLE, "variable-malformed", **facts)
    if raw is None:
        known = ", ".join(names(content)[:8]) or "nothing"
        return found(_VARIABLE, "variable-missing", names=known, **facts)
    value = raw.decode("latin-1")
    if not value:
        return found(_VARIABLE, "variable-empty", **facts)
    if not is_key(value):
        return found(_VARIABLE, "variable-not-a-key", **facts)
    return found(_VARIABLE, "variable-good", characters=len(value), **facts)


BACKEND: Final = EnvFile()

"""The sh of the helper that gets the key from another program, and tells in one sentence why it can't."""

from __future__ import annotations

from typing import Final

from wizard.keys.backend import NoProgramError, Options
from wizard.keys.parts import SH_LIMITED, SH_PROGRAM, script, text
from wizard.keys.presets import READERS, Preset, preset_of
from wizard.machine.model import Machine
from wizard.quoting import sh_quote


def helper_body(options: Options, machine: Machine) -> str:
    """Return sh that runs the program. Raises NoProgramError."""
    preset = preset_of(options)
    values = {"timeout_path": str(machine.programs.get("timeout", ""))}
    if preset is None:
        values |= {"title": "Your command", "command": text(options, "command")}
        pieces = [SH_LIMITED, _explain(None), _RUN, _READ_CUSTOM]
    else:
        reader = _reader(preset, options, machine)
        values |= _values(preset, options, machine, reader)
        pieces = [SH_PROGRAM, SH_LIMITED, _explain(preset), _RUN, *_READERS_SH.get(reader, ())]
        pieces.append(_read(preset, options, machine, reader))
    used = "".join(pieces)
    lines = [f"{_comment(name, value)}{name}={sh_quote(value)}" for name, value in values.items() if f"${name}" in used]
    return script([*lines, f"HOME=${{HOME:-{sh_quote(str(machine.home))}}}", "export HOME"], *pieces)


def _comment(name: str, value: str) -> str:
    """Return the comment that tells shellcheck why a value is not expanded here."""
    if name == "command":
        return "# shellcheck disable=SC2016 # a shell of its own expands it\n"
    return "# shellcheck disable=SC2016 # it is only shown\n" if name == "login" and "$" in value else ""


def _read(preset: Preset, options: Options, machine: Machine, reader: str) -> str:
    """Return sh that defines `read_key`: run the program, and judge what it printed."""
    words = [sh_quote(each) for each in _arguments(preset, options, machine)]
    if preset.at_gateway:
        words.insert(0, '"--base-url=$server"')
    folder = " | ".join(f"*{sh_quote(piece)}*" for piece in preset.folder)
    steps = (
        _AT_GATEWAY if preset.at_gateway else "",
        _SAY.replace("@words", " ".join(words)),
        _EMPTY.replace("@empty", f" | {sh_quote(preset.empty)}" if preset.empty else ""),
        _FOLDER.replace("@folder", folder) if folder else "",
        _then(preset, reader),
    )
    return "\n".join(["read_key() {", *(each.strip("\n") for each in steps if each), "}"])


def _arguments(preset: Preset, options: Options, machine: Machine) -> tuple[str, ...]:
    if "file" not in preset.fields:
        return preset.arguments(options)
    return preset.arguments({**options, "file": str(machine.expand(text(options, "file")))})


def _reader(preset: Preset, options: Options, machine: Machine) -> str:
    """Return the program that takes a field out of a JSON object; empty when none is wanted."""
    if "json_field" not in preset.fields or not text(options, "json_field"):
        return ""
    chosen = next((name for name in READERS if name in machine.programs), None)
    if chosen is None:
        raise NoProgramError("Nothing on this machine can read a JSON object. Install jq.")
    return chosen


def _values(preset: Preset, options: Options, machine: Machine, reader: str) -> dict[str, str]:
    from wizard.net.address import parse_address

    place = machine.programs.get(preset.program)
    if place is None:
        raise NoProgramError(f"{preset.title} needs its program {preset.program}. Install {preset.program}.")
    return {
        "tool_path": str(place),
        "tool": preset.program,
        "title": f"The program {preset.program}",
        "store": preset.title,
        "what": " in ".join(filter(None, (text(options, name) for name in (preset.what, "file")))),
        "login": preset.login,
        "server": (server := text(options, "server")),
        "server_origin": parse_address(server, allow_http=True).origin if server else "",
        "reader_path": str(machine.programs[reader]) if reader else "",
        "field": text(options, "json_field"),
    }


def _then(preset: Preset, reader: str) -> str:
    if reader:
        return "  field_of_object"
    return _FIRST_LINE if preset.first_line else _ALL


def _explain(preset: Preset | None) -> str:
    """Return sh that turns what the program said on stderr, and its status, into one sentence."""
    cases = [
        f'    {" | ".join(f"*{sh_quote(piece)}*" for piece in pieces)}) fail "{sentence}" ;;'
        for pieces, sentence in (_sentences(preset) if preset else ())
        if pieces
    ]
    return _EXPLAIN.replace("@cases", "\n".join(["  case $heard in", *cases, "  esac"]) if cases else "  :")


def _sentences(preset: Preset) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Return pieces of what a program says, and what is told then; the first that fits is."""
    ended = "can't decrypt $what: its key is locked, or not on this machine. Run:" if preset.decrypts else _SIGNED_OUT
    login = "$tool --base-url $server login" if preset.at_gateway else "$login"
    return (
        (preset.untold, "$store is not told enough to look. Fill in more in the wizard, or set up $tool."),
        (preset.denied, "$store refuses to show $what to you. Ask for read access to it."),
        (preset.missing, "$store has no $what. Check the name in the wizard."),
        (preset.signed_out, f"$store {ended} {login}"),
        (preset.unreachable, "$store can't be reached. Check the network, the VPN and the proxy."),
    )


_SIGNED_OUT: Final = "has no session for you, or it has ended. Run:"

_EXPLAIN: Final = r"""
# Tells in one sentence why a program failed, by what it said on its stderr; its last line is "exit" and its status.
explain() {
  heard='' code=1
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in
      'exit '*) code=${line#exit } ;;
      *) [ "${#heard}" -gt 8000 ] || heard="$heard $line" ;;
    esac
  done
  case $code in
    0) return ;;
    124 | 137 | 143) fail "$title did not end within 8 seconds. Run it by hand to see what it waits for." ;;
    126 | 127) fail "$title names a program that can't be run here. Install it, then run the wizard again." ;;
  esac
@cases
  fail "$title failed (exit $code). Run it by hand to see why."
}
"""

_RUN: Final = r"""
# Runs a program with a time limit: its stdout is ours, its stderr is only read for the reason.
run() {
  {
    {
      limited "$@"
      printf '\nexit %s\n' "$?" >&2
    } 2>&1 >&3 3>&- | explain 3>&-
  } 3>&1
}
"""

_SAY: Final = r"""
  program=$(program "$tool_path" "$tool") || fail "The program $tool is gone. Install it, then run the wizard again."
  said=$(run "$program" @words) || exit 1
"""

_ALL: Final = r"""
  printf '%s\n' "$said"
"""

_FIRST_LINE: Final = r"""
  newline='
'
  printf '%s\n' "${said%%"$newline"*}"
"""

_EMPTY: Final = r"""
  case $said in
    ''@empty) fail "$what is missing in $store, or holds no text. Check the name in the wizard." ;;
  esac
"""

_FOLDER: Final = r"""
  case $said in
    @folder) fail "$what is a folder in $store. Name one entry in it in the wizard." ;;
  esac
"""

_AT_GATEWAY: Final = r"""
  # A token is for the server that gave it out: for the gateway, or for nobody.
  [ -n "$server" ] || server=$origin server_origin=$origin
  [ "$server_origin" = "$origin" ] ||
    fail "$tool is to ask for a token of $server, which is not your gateway. Change it in the wizard."
"""

_READ_CUSTOM: Final = r"""
read_key() {
  run /bin/sh -c "$command"
}
"""

_BARE: Final = r"""
# Runs a program without the variables that only the program before it needs, which may be credentials.
bare() { env -i "PATH=$PATH" "HOME=$HOME" "$@"; }
"""

_JQ: Final = r"""
field_of_object() {
  reader=$(program "$reader_path" jq) || fail 'The program jq is gone. Install it.'
  # shellcheck disable=SC2016 # that $field is jq's
  printf '%s\n' "$said" | bare "$reader" -er --arg field "$field" '.[$field] | strings' 2>/dev/null ||
    fail "$what has no text in a JSON field $field. Check the field in the wizard."
}
"""

_PYTHON: Final = r"""
field_of_object() {
  reader=$(program "$reader_path" python3) || fail 'The program python3 is gone. Install it, or jq.'
  printf '%s\n' "$said" | bare "$reader" -IS -c '
import json, sys

value = json.load(sys.stdin)[sys.argv[1]]
sys.stdout.write(value if isinstance(value, str) else 1 / 0)
' "$field" 2>/dev/null || fail "$what has no text in a JSON field $field. Check the field in the wizard."
}
"""

_READERS_SH: Final = {"jq": (_BARE, _JQ), "python3": (_BARE, _PYTHON)}

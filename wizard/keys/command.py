"""Keys that another program keeps: password managers, cloud secret stores, or any command that prints the key.

Each known program is a preset with fields of its own (`wizard.keys.presets`); the quoting is ours. The helper runs the
program without a terminal, for at most 8 seconds, and turns what it says on stderr into one sentence with the fix.
"""

from __future__ import annotations

import re
from typing import Final

from wizard.fields import Field, Problem, Value
from wizard.keys.backend import NoProgramError, Options, Report
from wizard.keys.catalogue import found
from wizard.keys.parts import SH_LIMITED, SH_PROGRAM, script, text
from wizard.keys.presets import BY_NAME, CUSTOM, PRESETS, Preset
from wizard.machine.model import Machine
from wizard.quoting import sh_quote
from wizard.record import dataclass
from wizard.verdict import Verdict

_PROGRAM: Final = "key.source.program"
_SIGN_IN: Final = "key.source.sign-in"
_READERS: Final = ("jq", "python3")


def _version(value: Value) -> str:
    if str(value).startswith("-"):
        return "It starts with a hyphen, which gcloud would take for an option. Use a number, or latest."
    return ""


def _reference(value: Value) -> str:
    if re.fullmatch(r"op://[^/]+(/[^/]+){2,3}", str(value)):
        return ""
    return "It is not a secret reference. Copy it in 1Password with “Copy Secret Reference”, like op://Private/LiteLLM/key."


def _field(
    name: str,
    label: str,
    help: str,  # noqa: A002 - Field's own name for it
    example: str = "",
    *,
    required: bool = False,
    **more: object,
) -> Field:
    users = frozenset(each.name for each in PRESETS if name in each.fields)
    return Field(
        name,
        label,
        help,
        required=required,
        example=example,
        shown_when=lambda values: values.get("preset") in users,
        **more,  # type: ignore[arg-type]
    )


_FIELDS: Final = (
    Field(
        "preset",
        "Program",
        "The program that keeps the key on this machine. custom takes a command line of your own.",
        "choice",
        default=PRESETS[0].name,
        required=True,
        choices=(*BY_NAME, CUSTOM),
    ),
    _field(
        "reference",
        "Secret reference",
        "Which value: in 1Password open the item and choose “Copy Secret Reference” at the field.",
        "op://Private/LiteLLM/key",
        required=True,
        check=_reference,
    ),
    _field("item", "Name", "The name or id by which that program knows the secret.", "litellm-api-key", required=True),
    _field(
        "entry",
        "Entry",
        "The entry's path in the password store; its first line is the key.",
        "work/litellm",
        required=True,
    ),
    _field("parameter", "Parameter", "The parameter's name.", "/litellm/api-key", required=True),
    _field("server", "Server URL", "The server you ran lite login for. Empty: the one of lite config."),
    _field("vault_name", "Key vault", "The name of the key vault that holds the secret.", "corp-vault", required=True),
    _field("file", "File", "The encrypted file.", "~/.secrets/litellm.enc.yaml", required=True, kind="path"),
    _field(
        "place",
        "Place in it",
        "Where in the file the key is: names with dots between them.",
        "litellm.api_key",
        required=True,
    ),
    _field(
        "data_field",
        "Field of data",
        "Which entry of the secret's data holds the key.",
        "api-key",
        required=True,
    ),
    _field(
        "json_field",
        "JSON field",
        "Only when the secret is a JSON object: the field with the key.",
        "api_key",
    ),
    _field("version", "Version", "The secret's version.", "latest", check=_version),
    _field("project", "Project", "The project of the secret. Empty: the program's own default.", "corp-ai"),
    _field("config", "Config", "The Doppler config. Empty: the one set up for your home folder.", "dev"),
    _field("environment", "Environment", "The environment's slug.", "dev"),
    _field("folder", "Folder", "The folder of the secret.", "/"),
    _field("namespace", "Namespace", "The secret's namespace. Empty: the context's own.", "ai"),
    _field("context", "Context", "The kubeconfig context. Empty: the current one.", "corp"),
    _field("region", "Region", "The AWS region. Empty: the profile's own.", "eu-central-1"),
    _field("profile", "Profile", "The AWS profile. Empty: the default one.", "corp"),
    _field("account", "Account", "The account to use, when you have several.", "corp.example"),
    Field(
        "command",
        "Command",
        "One line of sh that prints the key and nothing else. It runs without a terminal, in /, for at most 8 seconds.",
        required=True,
        example="secret-tool lookup service litellm",
        shown_when=lambda values: values.get("preset") == CUSTOM,
    ),
)

_PREFILLED: Final = {
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "profile": ("AWS_PROFILE",),
    "account": ("OP_ACCOUNT",),
    "config": ("DOPPLER_CONFIG",),
}


@dataclass(frozen=True, slots=True)
class Command:
    """A key that another program prints."""

    name: str = "command"
    title: str = "Another program"
    use_when: str = "Use this when a password manager or a cloud keeps the key."
    helper_name: str = "get-litellm-key.sh"
    programs: tuple[str, ...] = (*dict.fromkeys(each.program for each in PRESETS), "timeout", *_READERS)
    fields: tuple[Field, ...] = _FIELDS

    def prefill(self, machine: Machine) -> dict[str, Value]:
        """Return the first preset whose program is here and serves nothing but secrets, and what variables say."""
        hinted = next((each.name for each in PRESETS if each.tells and each.program in machine.programs), "")
        if not hinted:
            return {}
        given: dict[str, Value] = {"preset": hinted}
        for name in BY_NAME[hinted].fields:
            value = next((machine.env[each] for each in _PREFILLED.get(name, ()) if machine.env.get(each)), "")
            if value:
                given[name] = value
        return given

    def validate(self, options: Options, prefix: str) -> tuple[Problem, ...]:
        """Return nothing: the fields say it all."""
        return ()

    def notes(self, options: Options) -> tuple[str, ...]:
        """Return what the user must know before choosing this."""
        preset = _preset(options)
        if preset is None:
            return ("Every start of Claude Code runs this command as you. Put no secret into it: the helper holds it.",)
        notes = [f"The helper runs {preset.program} as you; it can't ask for a password. Sign in first: {preset.login}"]
        if preset.name == "litellm":
            notes.append("lite takes about six seconds to start, and Claude Code waits for it each time.")
        return tuple(notes)

    def origin(self, options: Options) -> str:
        """Return nothing: the program sends its own credential where it is set up to."""
        return ""

    def life_seconds(self, options: Options) -> int | None:
        """Return None: only the gateway knows."""
        return None

    def shell_needs(self, options: Options, machine: Machine) -> tuple[str, ...]:
        """Return the variables of this program that are set here."""
        preset = _preset(options)
        return tuple(name for name in preset.variables if machine.env.get(name)) if preset else ()

    def helper_body(self, options: Options, machine: Machine) -> str:
        """Return sh that runs the program. Raises NoProgramError."""
        preset = _preset(options)
        values = {"timeout_path": str(machine.programs.get("timeout", ""))}
        if preset is None:
            values |= {"title": "Your command", "command": text(options, "command")}
            pieces = [SH_LIMITED, _explain(None), _RUN, _READ_CUSTOM]
        else:
            reader = _reader(preset, options, machine)
            values |= _values(preset, options, machine, reader)
            words = " ".join(sh_quote(each) for each in _arguments(preset, options, machine))
            read = _READ.replace("@words", words).replace("@then", _then(preset, reader))
            pieces = [SH_PROGRAM, SH_LIMITED, _explain(preset), _RUN, *_READERS_SH.get(reader, ()), read]
        used = "".join(pieces)
        lines = [
            f"{_COMMENTS.get(name, '')}{name}={sh_quote(value)}" for name, value in values.items() if f"${name}" in used
        ]
        return script([*lines, f"HOME=${{HOME:-{sh_quote(str(machine.home))}}}", "export HOME"], *pieces)

    def examinations(self, options: Options) -> tuple[tuple[str, str], ...]:
        """Return id and label of the rows of `examine`."""
        return ((_PROGRAM, "program"),) if _preset(options) else ()

    async def examine(self, options: Options, machine: Machine, report: Report) -> None:
        """Say whether the program is here; whether it prints the key is for the helper's own run to tell."""
        preset = _preset(options)
        if preset is not None:
            report(_program_verdict(preset, machine))


def _preset(options: Options) -> Preset | None:
    return BY_NAME.get(text(options, "preset"))


def _program_verdict(preset: Preset, machine: Machine) -> Verdict:
    place = machine.programs.get(preset.program)
    if place is None:
        return found(_PROGRAM, "program-missing", program=preset.program, title=preset.title)
    return found(_PROGRAM, "program-good", program=preset.program, place=machine.short(place))


def _arguments(preset: Preset, options: Options, machine: Machine) -> tuple[str, ...]:
    if "file" not in preset.fields:
        return preset.arguments(options)
    return preset.arguments({**options, "file": str(machine.expand(text(options, "file")))})


def _reader(preset: Preset, options: Options, machine: Machine) -> str:
    """Return the program that takes a field out of a JSON object; empty when none is wanted."""
    if "json_field" not in preset.fields or not text(options, "json_field"):
        return ""
    chosen = next((name for name in _READERS if name in machine.programs), None)
    if chosen is None:
        raise NoProgramError("Nothing on this machine can read a JSON object. Install jq.")
    return chosen


def _values(preset: Preset, options: Options, machine: Machine, reader: str) -> dict[str, str]:
    place = machine.programs.get(preset.program)
    if place is None:
        raise NoProgramError(f"{preset.title} needs its program {preset.program}. Install {preset.program}.")
    return {
        "tool_path": str(place),
        "tool": preset.program,
        "title": f"The program {preset.program}",
        "store": preset.title,
        "what": text(options, preset.what),
        "login": preset.login,
        "reader_path": str(machine.programs[reader]) if reader else "",
        "field": text(options, "json_field"),
    }


def _then(preset: Preset, reader: str) -> str:
    if reader:
        return "field_of_object"
    return _FIRST_LINE if preset.first_line else """printf '%s\\n' "$said\""""


def _explain(preset: Preset | None) -> str:
    """Return sh that turns what the program said on stderr, and its status, into one sentence."""
    classes = (
        (
            (preset.denied, "$store refuses to show $what to you. Ask for read access to it."),
            (preset.missing, "$store has no $what. Check the name in the wizard."),
            (preset.signed_out, "$store: you are not signed in, or the session has ended. Run: $login"),
            (preset.unreachable, "$store can't be reached. Check the network, the VPN and the proxy."),
        )
        if preset
        else ()
    )
    cases = [
        f'    {" | ".join(f"*{sh_quote(piece)}*" for piece in pieces)}) fail "{sentence}" ;;'
        for pieces, sentence in classes
        if pieces
    ]
    return _EXPLAIN.replace("@cases", "\n".join(["  case $heard in", *cases, "  esac"]) if cases else "  :")


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

_READ: Final = r"""
read_key() {
  program=$(program "$tool_path" "$tool") || fail "The program $tool is gone. Install it, then run the wizard again."
  said=$(run "$program" @words) || exit 1
  @then
}
"""

_FIRST_LINE: Final = r"""newline='
'
  printf '%s\n' "${said%%"$newline"*}"
"""

_READ_CUSTOM: Final = r"""
read_key() {
  run /bin/sh -c "$command"
}
"""

_JQ: Final = r"""
field_of_object() {
  reader=$(program "$reader_path" jq) || fail 'The program jq is gone. Install it.'
  # shellcheck disable=SC2016 # that $field is jq's
  printf '%s\n' "$said" | "$reader" -er --arg field "$field" '.[$field] | strings' 2>/dev/null ||
    fail "$what has no text in a JSON field $field. Check the field in the wizard."
}
"""

_PYTHON: Final = r"""
field_of_object() {
  reader=$(program "$reader_path" python3) || fail 'The program python3 is gone. Install it, or jq.'
  printf '%s\n' "$said" | "$reader" -IS -c '
import json, sys

value = json.load(sys.stdin)[sys.argv[1]]
sys.stdout.write(value if isinstance(value, str) else 1 / 0)
' "$field" 2>/dev/null || fail "$what has no text in a JSON field $field. Check the field in the wizard."
}
"""

_COMMENTS: Final = {"command": "# shellcheck disable=SC2016 # a shell of its own expands it\n"}
_READERS_SH: Final = {"jq": (_JQ,), "python3": (_PYTHON,)}

BACKEND: Final = Command()

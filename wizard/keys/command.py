"""Keys that another program keeps: password managers, cloud secret stores, or any command that prints the key.

Each known program is a preset with fields of its own (`wizard.keys.presets`); the quoting is ours. The helper runs the
program without a terminal, for at most 8 seconds, and turns what it says on stderr into one sentence with the fix.
"""

from __future__ import annotations

import re
from typing import Final

from wizard.fields import Field, Problem, Value
from wizard.keys.backend import Options, Report
from wizard.keys.catalogue import found
from wizard.keys.presets import BY_NAME, CUSTOM, PRESETS, READERS, Preset, preset_of
from wizard.machine.model import Machine
from wizard.record import dataclass
from wizard.verdict import Verdict

_PROGRAM: Final = "key.source.program"


def _version(value: Value) -> str:
    if str(value).startswith("-"):
        return "It starts with a hyphen, which gcloud would take for an option. Use a number, or latest."
    return ""


def _server(value: Value) -> str:
    from wizard.net.address import AddressError, parse_address

    try:
        parse_address(str(value), allow_http=True)  # the gateway's own rule for http holds
    except AddressError as error:
        return str(error)
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
    _field(
        "server",
        "Server URL",
        "The gateway's address as you gave it to lite login. Empty: its scheme, host and port.",
        "https://llm.corp.example/litellm",
        kind="url",
        check=_server,
    ),
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
    programs: tuple[str, ...] = (*dict.fromkeys(each.program for each in PRESETS), "timeout", *READERS)
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
        preset = preset_of(options)
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
        preset = preset_of(options)
        return tuple(name for name in preset.variables if machine.env.get(name)) if preset else ()

    def helper_body(self, options: Options, machine: Machine) -> str:
        """Return sh that runs the program. Raises NoProgramError."""
        from wizard.keys.command_helper import helper_body

        return helper_body(options, machine)

    def examinations(self, options: Options) -> tuple[tuple[str, str], ...]:
        """Return id and label of the rows of `examine`."""
        return ((_PROGRAM, "program"),) if preset_of(options) else ()

    async def examine(self, options: Options, machine: Machine, report: Report) -> None:
        """Say whether the program is here; whether it prints the key is for the helper's own run to tell."""
        preset = preset_of(options)
        if preset is not None:
            report(_program_verdict(preset, machine))


def _program_verdict(preset: Preset, machine: Machine) -> Verdict:
    place = machine.programs.get(preset.program)
    if place is None:
        return found(_PROGRAM, "program-missing", program=preset.program, title=preset.title)
    return found(_PROGRAM, "program-good", program=preset.program, place=machine.short(place))


BACKEND: Final = Command()

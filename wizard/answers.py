"""What the user chose, as frozen data and as a TOML file. No field holds a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from wizard.fields import AnswersError, Field, Problem, Value, read_table
from wizard.keys.backend import BACKEND_NAMES, backend
from wizard.net.address import Address, AddressError, parse_address
from wizard.record import dataclass, field, names, replace

VERSION: Final = 1
Route = Literal["anthropic", "bedrock"]

_SHELLS: Final = ("bash", "zsh", "fish")


def _model_id(value: Value) -> str:
    return "It holds a blank. Copy the name as the gateway lists it." if " " in str(value) else ""


def _address_problem(value: Value) -> str:
    try:
        parse_address(str(value), allow_http=True)
    except AddressError as error:
        return str(error)
    return ""


GATEWAY_FIELDS: Final = (
    Field(
        "url",
        "Server URL",
        "Where your LiteLLM server answers: scheme, host and port, without /v1.",
        "url",
        required=True,
        example="https://llm.corp.example:4000",
        check=_address_problem,
    ),
    Field(
        "route",
        "Route",
        "How Claude Code talks to the server. anthropic works with every deployment, Bedrock ones"
        " included; bedrock is LiteLLM's Bedrock pass-through and needs its Bedrock model names.",
        "choice",
        default="anthropic",
        choices=("anthropic", "bedrock"),
    ),
    Field(
        "allow_http",
        "Allow http",
        "Lets the key travel unencrypted to this server.",
        "flag",
        default=False,
    ),
    Field(
        "ca_file",
        "CA file",
        "A PEM file with the authority that signed the server's certificate, when this machine"
        " does not know it. Written as NODE_EXTRA_CA_CERTS.",
        "path",
        example="~/corp-ca.pem",
    ),
    Field("client_cert", "Client certificate", "A PEM file, for servers that want one.", "path"),
    Field("client_key", "Client key", "The PEM file with the client certificate's key.", "path"),
    Field(
        "proxy",
        "HTTP proxy",
        "The proxy that leads to the server, written as HTTPS_PROXY.",
        "url",
        example="http://proxy.corp.example:3128",
        check=_address_problem,
    ),
    Field(
        "no_proxy",
        "No proxy for",
        "Hosts that are reached without the proxy, written as NO_PROXY.",
        "text",
        example="localhost,.corp.example",
    ),
    Field(
        "timeout_ms",
        "Request timeout",
        "How long Claude Code waits for an answer, in milliseconds, written as"
        " API_TIMEOUT_MS. Its own default is 600000.",
        "integer",
        minimum=1000,
        maximum=2147483647,
    ),
    Field(
        "aws_region",
        "AWS region",
        "Decides the prefix of Bedrock model names: us., eu., apac. Used by the bedrock route only.",
        "text",
        example="us-east-1",
    ),
)

MODEL_FIELDS: Final = (
    Field(
        "opus",
        "Opus",
        "The gateway's model for Claude Code's strongest tier.",
        example="claude-opus-5-5",
        check=_model_id,
    ),
    Field(
        "sonnet",
        "Sonnet",
        "The gateway's model for the everyday tier.",
        example="claude-sonnet-5-5",
        check=_model_id,
    ),
    Field(
        "haiku",
        "Haiku",
        "The gateway's model for small background work.",
        example="claude-haiku-5-5",
        check=_model_id,
    ),
)

WRITE_FIELDS: Final = (
    Field(
        "shells",
        "Shells",
        "The shells whose start-up files get the variables.",
        "list",
        choices=_SHELLS,
    ),
    Field(
        "settings",
        "Claude Code settings",
        "false leaves settings.json alone: its lines are shown to paste.",
        "flag",
        default=True,
    ),
    Field(
        "cancel_stale",
        "Cancel stale credentials",
        "Sets ANTHROPIC_AUTH_TOKEN, ANTHROPIC_API_KEY and the other"
        " routes' switches to nothing in settings.json, since old ones win over the helper. Programs that Claude Code"
        " starts see them empty too.",
        "flag",
        default=True,
    ),
    Field(
        "helper",
        "Key helper",
        "The executable that prints the key.",
        "path",
        example="~/bin/get-litellm-key.sh",
    ),
    Field(
        "setup_script",
        "Setup script",
        "The file with the exports that the shells read.",
        "path",
        default="~/.config/claude/setup-litellm.sh",
    ),
)

KEY_FIELDS: Final = (
    Field(
        "backend",
        "Key backend",
        "Where the API key comes from.",
        "choice",
        required=True,
        choices=BACKEND_NAMES,
    ),
    Field(
        "refresh_seconds",
        "Refresh every",
        "How often Claude Code runs the helper again, in seconds. Left empty, it"
        " is half the key's life and at most 30 minutes.",
        "integer",
        minimum=1,
        maximum=604800,
    ),
)


@dataclass(frozen=True, slots=True)
class Gateway:
    """The LiteLLM proxy and the way to it."""

    url: str = ""
    route: Route = "anthropic"
    allow_http: bool = False
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    proxy: str = ""
    no_proxy: str = ""
    timeout_ms: int | None = None
    aws_region: str = ""

    @property
    def address(self) -> Address:
        """The URL, read. Raises AddressError."""
        return parse_address(self.url, allow_http=self.allow_http)


@dataclass(frozen=True, slots=True)
class Key:
    """The key backend chosen, and the answers of every backend ever filled in."""

    backend: str = ""
    refresh_seconds: int | None = None
    tables: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)

    @property
    def options(self) -> Mapping[str, Value]:
        """The chosen backend's answers."""
        return self.tables.get(self.backend, {})

    def with_options(self, name: str, options: Mapping[str, Value]) -> Key:
        """Return the same with another backend chosen or other answers for it."""
        return replace(self, backend=name, tables={**self.tables, name: dict(options)})


@dataclass(frozen=True, slots=True)
class Models:
    """The gateway's model for each of Claude Code's tiers; empty means not pinned."""

    opus: str = ""
    sonnet: str = ""
    haiku: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """What is written, and where."""

    shells: tuple[str, ...] = ()
    settings: bool = True
    cancel_stale: bool = True
    helper: str = ""
    setup_script: str = "~/.config/claude/setup-litellm.sh"


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything the user chose. `unknown` keeps what a later version of the wizard wrote into the file."""

    gateway: Gateway = field(default_factory=Gateway)
    key: Key = field(default_factory=Key)
    models: Models = field(default_factory=Models)
    write: Write = field(default_factory=Write)
    unknown: Mapping[str, object] = field(default_factory=dict, repr=False)

    @property
    def helper_path(self) -> str:
        """The key helper's path as answered, or the chosen backend's default below ~/bin."""
        return self.write.helper or f"~/bin/{backend(self.key.backend).helper_name}"


_SECTIONS: Final[Mapping[str, tuple[type, tuple[Field, ...]]]] = {
    "gateway": (Gateway, GATEWAY_FIELDS),
    "models": (Models, MODEL_FIELDS),
    "write": (Write, WRITE_FIELDS),
}


def loads(text: str) -> Answers:
    """Read answers from TOML. Raises AnswersError with one Problem per field."""
    import tomllib

    if not text.strip():
        raise AnswersError(Problem("answers", "", "The file is empty. Restore it or delete it."))
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise AnswersError(Problem("answers", "", f"It is not TOML: {error}. Mend that line.")) from None
    return from_table(table)


def from_table(table: Mapping[str, Any]) -> Answers:
    """Build answers from a table as in the TOML file. Raises AnswersError with one Problem per field."""
    problems: list[Problem] = []
    version = table.get("version", VERSION)
    if version != VERSION or isinstance(version, bool):
        text = f"This wizard reads version {VERSION}. Update the wizard, or delete the file and answer anew."
        raise AnswersError(Problem("version", version, text))
    sections: dict[str, Any] = {}
    for name, (kind, declared) in _SECTIONS.items():
        values, found = _section(declared, table.get(name, {}), name)
        problems += found
        sections[name] = kind(**values)
    key, found = _key(table.get("key", {}))
    problems += found
    problems += _across(sections["gateway"], {each.field for each in problems})
    if problems:
        raise AnswersError(*problems)
    return Answers(key=key, unknown=_unknown(table), **sections)


def _section(declared: tuple[Field, ...], raw: object, prefix: str) -> tuple[dict[str, Value], tuple[Problem, ...]]:
    if not isinstance(raw, Mapping):
        return {}, (Problem(prefix, raw, f"It must be a table. Write [{prefix}]."),)
    return read_table(declared, raw, prefix)


def _key(raw: object) -> tuple[Key, tuple[Problem, ...]]:
    chosen, found = _section(KEY_FIELDS, raw, "key")
    problems = list(found)
    tables: dict[str, Mapping[str, Value]] = {}
    table = raw if isinstance(raw, Mapping) else {}
    for name in BACKEND_NAMES:
        if name not in table and name != chosen.get("backend"):
            continue
        prefix = f"key.{name}"
        options, found = _section(backend(name).fields, table.get(name, {}), prefix)
        if name == chosen.get("backend"):
            problems += found or backend(name).validate(options, prefix)
        tables[name] = options
    return Key(tables=tables, **chosen), tuple(problems)  # type: ignore[arg-type]


def _across(gateway: Gateway, known_bad: set[str]) -> tuple[Problem, ...]:
    problems = []
    if "gateway.url" not in known_bad and gateway.url:
        try:
            _ = gateway.address
        except AddressError as error:
            text = f"{error} In the answers file that is gateway.allow_http = true."
            problems.append(Problem("gateway.url", gateway.url, text))
    if bool(gateway.client_cert) != bool(gateway.client_key):
        missing = "client_key" if gateway.client_cert else "client_cert"
        problems.append(Problem(f"gateway.{missing}", "", "A client certificate and its key go together. Give both."))
    return tuple(problems)


def _unknown(table: Mapping[str, Any]) -> dict[str, object]:
    """Return what no field declares, in the shape of the file."""
    kept: dict[str, object] = {}
    for name, value in table.items():
        if name == "version":
            continue
        if name in _SECTIONS and isinstance(value, Mapping):
            rest: dict[str, object] = _undeclared(_SECTIONS[name][1], value)
        elif name == "key" and isinstance(value, Mapping):
            rest = _undeclared(KEY_FIELDS, {k: v for k, v in value.items() if k not in BACKEND_NAMES})
            for each in BACKEND_NAMES:
                if isinstance(value.get(each), Mapping) and (inner := _undeclared(backend(each).fields, value[each])):
                    rest[each] = inner
        else:
            kept[name] = value
            continue
        if rest:
            kept[name] = rest
    return kept


def _undeclared(declared: tuple[Field, ...], table: Mapping[str, Any]) -> dict[str, object]:
    names = {each.name for each in declared}
    return {name: value for name, value in table.items() if name not in names}


def partial_answers(table: Mapping[str, Any]) -> Answers:
    """Return answers from a table, also where something is still missing; what is wrong in it is left out."""
    key = table.get("key", {})
    key = key if isinstance(key, Mapping) else {}
    tables = {name: _good(backend(name).fields, key[name]) for name in BACKEND_NAMES if name in key}
    sections = {name: kind(**_good(declared, table.get(name, {}))) for name, (kind, declared) in _SECTIONS.items()}
    return Answers(key=Key(tables=tables, **_good(KEY_FIELDS, key)), **sections)  # type: ignore[arg-type]


def _good(declared: tuple[Field, ...], raw: object) -> dict[str, Value]:
    given = raw if isinstance(raw, Mapping) else {}
    read = {each.name: each.read(given[each.name]) for each in declared if given.get(each.name) not in (None, "")}
    return {name: value for name, value in read.items() if not isinstance(value, Problem)}


def to_table(answers: Answers) -> dict[str, Any]:
    """Return answers as the table of the TOML file: what was answered, without defaults, and what was unknown."""
    table: dict[str, Any] = {"version": VERSION}
    for name, (kind, _) in _SECTIONS.items():
        part, default = getattr(answers, name), kind()
        values = {each: getattr(part, each) for each in names(part)}
        table[name] = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in values.items()
            if value != getattr(default, key) or key in ("url", "route", "shells")
        }
    key: dict[str, Any] = {"backend": answers.key.backend}
    if answers.key.refresh_seconds is not None:
        key["refresh_seconds"] = answers.key.refresh_seconds
    for name, options in answers.key.tables.items():
        key[name] = {each: list(value) if isinstance(value, tuple) else value for each, value in options.items()}
    table["key"] = key
    merged = _merged(table, answers.unknown)
    return {name: value for name, value in merged.items() if value != {}}


def _merged(table: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(table)
    for name, value in extra.items():
        old = result.get(name)
        result[name] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def dumps(answers: Answers) -> str:
    """Write answers as TOML, with a line on top that says whose file it is."""
    import tomli_w

    head = "# The answers of claude-litellm-wizard. It rewrites this file; comments are not kept, unknown keys are.\n"
    return head + tomli_w.dumps(to_table(answers))


def assign(table: Mapping[str, Any], assignment: str) -> dict[str, Any]:
    """Return a table with one `section.key=value` applied, as `--set` gives it. Raises AnswersError.

    The value is text; each field reads it as its own kind (`true`, `1800`, `bash,zsh`).
    """
    name, equals, value = assignment.partition("=")
    parts = name.strip().split(".")
    if not equals or len(parts) < 2 or not all(parts):
        raise AnswersError(Problem("--set", assignment, "Write it as section.key=value, like gateway.route=bedrock."))
    return _assigned(table, parts, value, name)


def _assigned(table: Mapping[str, Any], parts: list[str], value: str, name: str) -> dict[str, Any]:
    head, *rest = parts
    if not rest:
        return {**table, head: value}
    inner = table.get(head, {})
    if not isinstance(inner, Mapping):
        raise AnswersError(Problem(name, value, f"{head} is not a table."))
    return {**table, head: _assigned(inner, rest, value, name)}


def known_names() -> tuple[str, ...]:
    """Return every dotted name that `--set` and the answers file take."""
    names = [f"{section}.{each.name}" for section, (_, declared) in _SECTIONS.items() for each in declared]
    names += [f"key.{each.name}" for each in KEY_FIELDS]
    names += [f"key.{name}.{each.name}" for name in BACKEND_NAMES for each in backend(name).fields]
    return tuple(names)

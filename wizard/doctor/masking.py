"""Takes secrets and persons out of a report. Hides too much rather than too little."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from wizard.answers import Answers
from wizard.machine.claude_code import DEAD, ROUTE_SWITCHES
from wizard.machine.claude_state import login_file, state_file
from wizard.machine.files import read_text
from wizard.machine.leftovers import startup_assignments
from wizard.machine.model import Machine
from wizard.pattern import pattern
from wizard.record import dataclass, field
from wizard.secret import Secret, bare_url, names_a_secret, redact

_CONCERNED: Final = pattern(
    r"ANTHROPIC_.*|CLAUDE_.*|CLAUDECODE|LITELLM_.*|AWS_.*|VAULT_.*|BAO_.*|(HTTPS?|ALL|NO)_PROXY|NODE_.*|SSL_CERT_.*"
    r"|(REQUESTS|CURL)_CA_BUNDLE|API_TIMEOUT_MS|XDG_(CONFIG|STATE)_HOME|ZDOTDIR|LANG|LC_.*|SHELL|TERM.*|COLORTERM"
    r"|NO_COLOR|TEXTUAL.*",
    re.IGNORECASE,
)
_PLAIN: Final = frozenset(
    {
        *ROUTE_SWITCHES,
        "ANTHROPIC_MODEL",
        "ANTHROPIC_DEFAULT_OPUS_MODEL",
        "ANTHROPIC_DEFAULT_SONNET_MODEL",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL",
        "API_TIMEOUT_MS",
        "AWS_REGION",
        "CLAUDE_CODE_API_KEY_HELPER_TTL_MS",
        "CLAUDE_CODE_CERT_STORE",
        "CLAUDE_CODE_MAX_RETRIES",
        "CLAUDE_CODE_SKIP_BEDROCK_AUTH",
        "CLAUDE_CONFIG_DIR",
        "COLORTERM",
        "CURL_CA_BUNDLE",
        "LANG",
        "NODE_EXTRA_CA_CERTS",
        "NODE_TLS_REJECT_UNAUTHORIZED",
        "NO_PROXY",
        "REQUESTS_CA_BUNDLE",
        "SHELL",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TERM",
        "TERM_PROGRAM",
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
        "ZDOTDIR",
    }
)
"""Variables whose values are worth reading and hold no secret; of all others only the length is told."""

_URLS: Final = pattern(r"[A-Z0-9_]*(URL|PROXY|ADDR|ADDRESS)\Z", re.IGNORECASE)
_CREDENTIAL_IN_URL: Final = pattern(r"(?<=://)[^/\s@]*@")
_QUERY: Final = pattern(r"(://[^\s?#]*)[?#]\S*")
_EMAIL: Final = pattern(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
_OTHER_HOME: Final = pattern(r"/(home|Users)/[^/\s\"',:;)]+")
_QUOTED: Final = pattern(r'"([^"\\\s]{8,})"')
_NAMELESS: Final = frozenset({"root", "home", "user", "users"})
_SHORTEST: Final = 4
_LONGEST_TEXT: Final = 600


@dataclass(frozen=True, slots=True)
class Mask:
    """What must not be seen of one machine: secrets it holds, its home folder, and the names of its user."""

    home: str
    secrets: tuple[Secret, ...] = field(repr=False)
    people: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, machine: Machine, answers: Answers | None) -> Mask:
        """Gather the secrets that this machine is seen to hold; no source of keys is asked."""
        found = {text for text in _secrets(machine, answers) if len(text) >= _SHORTEST}
        return cls(str(machine.home), tuple(map(Secret, sorted(found))), tuple(_people(machine)))

    @staticmethod
    def concerned(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Yield the variables that bear on Claude Code, the wizard or the way to a server."""
        for name in sorted(env):
            if _CONCERNED.fullmatch(name):
                yield name, env[name]

    @staticmethod
    def variable(name: str, value: str) -> str:
        """Return what a ticket may say of a variable's value."""
        if not value:
            return "empty"
        upper = name.upper()
        if upper in _PLAIN:
            return value
        if upper in DEAD or not _URLS.fullmatch(name) or "://" not in value:
            return f"set ({len(value)} characters)"
        hidden = " (with a password, hidden)" if "@" in value else ""
        return bare_url(value) + hidden

    def clean(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value, and the same kind back
        """Return a JSON value with every text in it made fit to show; names of keys stay."""
        if isinstance(value, Mapping):
            return {str(name): self.clean(each) for name, each in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.clean(each) for each in value]
        if value is None or isinstance(value, (bool, int, float)):
            return value
        return self.text(str(value))

    def text(self, text: str) -> str:
        """Return a text without what must not be seen."""
        text = redact(text, *self.secrets, limit=_LONGEST_TEXT)
        text = _CREDENTIAL_IN_URL.sub("****@", text)
        text = _QUERY.sub(r"\1", text)
        text = _EMAIL.sub("EMAIL", text)
        if len(self.home) > 1:
            text = re.sub(rf"{re.escape(self.home)}(?![\w.-])", "~", text)
        text = _OTHER_HOME.sub(r"/\1/USER", text)
        for name in self.people:
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", "USER", text)
        return text


def _people(machine: Machine) -> Iterator[str]:
    names = {machine.env.get(name, "") for name in ("USER", "LOGNAME", "SUDO_USER", "USERNAME")}
    names.add(machine.home.name)
    try:
        account = pwd.getpwuid(os.getuid())
        names |= {account.pw_name, account.pw_gecos.partition(",")[0]}
    except KeyError:
        pass
    yield from sorted(
        (each for each in names if len(each) > 1 and each.lower() not in _NAMELESS), key=len, reverse=True
    )


def _secrets(machine: Machine, answers: Answers | None) -> Iterator[str]:
    """Yield every text on this machine that is, or may be, a credential."""
    for env in (machine.env, *(layer.env for layer in machine.layers)):
        for name, value in env.items():
            yield from _of_variable(name, value)
    for path in (machine.home / ".vault-token", machine.home / ".bao-token"):
        yield read_text(path).strip()
    for path in (login_file(machine), state_file(machine)):
        text = read_text(path)
        if path == login_file(machine):
            yield from _QUOTED.findall(text)
        else:
            yield from re.findall(r'"primaryApiKey"\s*:\s*"([^"]+)"', text)
    for name, value in startup_assignments(machine.env, machine.home):
        yield from _of_variable(name, value)
    if answers is not None:
        yield from _of_variable("HTTPS_PROXY", answers.gateway.proxy)
        for option in answers.key.options.values():
            if isinstance(option, str) and option.startswith(("/", "~")):
                yield from _in_key_file(read_text(machine.expand(option)))


def _of_variable(name: str, value: str) -> Iterator[str]:
    if not value or name.upper() in _PLAIN or name in DEAD:
        return
    if names_a_secret(name) or name == "ANTHROPIC_CUSTOM_HEADERS":
        yield value
        yield from (word for word in re.split(r"[\s:,]+", value) if len(word) >= 8)
    if "://" in value and "@" in value:
        try:
            parts = urlsplit(value)
        except ValueError:
            return
        for part in (parts.password, parts.username):
            if part:
                yield part
                yield unquote(part)


def _in_key_file(text: str) -> Iterator[str]:
    if len(text) > 20_000:
        return
    yield text.strip()
    for line in text.splitlines():
        yield line.strip()
        value = line.partition("=")[2].strip().strip("\"'")
        if "://" not in value or "@" in value:  # the server's own URL may stand beside the key
            yield value

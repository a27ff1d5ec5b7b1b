"""What else on this machine speaks to Claude Code: variables, start-up files and settings of earlier set-ups."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from wizard.answers import Answers
from wizard.machine.claude_code import DEAD, OUR_VARIABLES, ROUTE_SWITCHES, is_off
from wizard.machine.files import read_small
from wizard.machine.leftover_advice import effect, remedy
from wizard.machine.lite_configure import lite_leftovers
from wizard.machine.model import Leftover, SettingsLayer
from wizard.machine.shells import BASH_LOGIN_FILES, fish_folder, sourced, zsh_folder
from wizard.marks import BLOCK_BEGIN, BLOCK_END, SET_ASIDE, is_ours
from wizard.pattern import pattern
from wizard.record import dataclass, field, replace
from wizard.secret import Secret, bare_url, names_a_secret, redact

_ZSH_FILES: Final = (".zshenv", ".zprofile", ".zshrc", ".zlogin")
VARIABLE_NAMES: Final = "|".join((r"ANTHROPIC_[A-Z0-9_]+", *ROUTE_SWITCHES, *DEAD, "AWS_BEARER_TOKEN_BEDROCK"))
"""A pattern of the variables that speak to Claude Code."""

_VALUE: Final = r"""(?P<{0}>"[^"]*"|'[^']*'|[^\s;&|"']*)"""
_ASSIGNED: Final = pattern(
    rf"(?<![\w$./-])(?P<name>{VARIABLE_NAMES})={_VALUE.format('value')}"
    rf"|\bset(?:env)?\s+(?:-\S+\s+)*(?P<set_name>{VARIABLE_NAMES})\s+{_VALUE.format('set_value')}"
    rf"|^SETUVAR\s+(?:--export\s+)?(?P<uvar_name>{VARIABLE_NAMES}):(?P<uvar_value>.*)"
)
_OUR_BLOCK: Final = pattern(f"^{re.escape(BLOCK_BEGIN)}.*?^{re.escape(BLOCK_END)}", re.DOTALL | re.MULTILINE)
_SPEAKS_OF_CLAUDE: Final = pattern(r"ANTHROPIC_|CLAUDE_CODE_|[Ll]ite-?[Ll][Ll][Mm]")
SCRIPT_EFFECT: Final = "It asks the server at every start, and ends the shell when there is no good answer."
"""What a leftover does that is a script and no variable."""

_SCRIPT_REMEDY: Final = "Remove the line that sources it."
_BARE_PATH: Final = pattern(r"'?[~/][\w./\- ]*'?")


@dataclass(frozen=True, slots=True)
class _Found:
    where: str
    name: str
    value: str = field(repr=False)


def find_leftovers(
    env: Mapping[str, str], home: Path, layers: Sequence[SettingsLayer] = (), *, root: Path = Path("/")
) -> tuple[Leftover, ...]:
    """Return what speaks to Claude Code beside us, start-up files first, then the environment, then settings.

    What our own files set is left out, also where the environment or the settings say the same. Credentials are masked.
    The remedies are those of default answers; `leftover_advice.leftovers_for` knows the user's.
    """
    scan = _Scan(home)
    for path in _startup_files(env, home, root):
        scan.read(path)
    known = scan.own | {(each.name, each.value) for each in scan.found}
    found = [*scan.found, *_in_environment(env, known), *_in_settings(layers, home, scan.own)]
    of_lite = (replace(each, remedy=remedy(each, Answers())) for each in lite_leftovers(layers, home))
    return (*scan.scripts, *(_leftover(each) for each in found if _matters(each)), *of_lite)


def startup_assignments(env: Mapping[str, str], home: Path, *, root: Path = Path("/")) -> tuple[tuple[str, str], ...]:
    """Return name and value, credentials included, of what start-up files and what they source set of Claude Code's."""
    scan = _Scan(home)
    for path in _startup_files(env, home, root):
        scan.read(path)
    return tuple((each.name, each.value) for each in scan.found)


def _in_environment(env: Mapping[str, str], known: set[tuple[str, str]]) -> Iterator[_Found]:
    for name, value in env.items():
        nowhere = name == "CLAUDE_CONFIG_DIR" and not value.startswith("/")
        if nowhere or (re.fullmatch(VARIABLE_NAMES, name) and (name, value) not in known):
            yield _Found("environment", name, value)


def _in_settings(layers: Sequence[SettingsLayer], home: Path, own: set[tuple[str, str]]) -> Iterator[_Found]:
    for layer in layers:
        if layer.name != "user":
            continue
        written_by_us = runs_our_helper(layer)
        if layer.helper and not written_by_us:
            yield _Found(_short(layer.path, home), "apiKeyHelper", layer.helper)
        for name, value in layer.env.items():
            ours = (name, value) in own or (written_by_us and name in OUR_VARIABLES)
            if re.fullmatch(VARIABLE_NAMES, name) and not ours:
                yield _Found(f"{_short(layer.path, home)} env", name, value)


def runs_our_helper(layer: SettingsLayer) -> bool:
    """Say whether a settings file names a key helper of ours, so that our variables in it are ours too."""
    try:
        (path,) = shlex.split(layer.helper or "")
    except ValueError:
        return False
    return is_ours(read_small(Path(path)) or b"")


class _Scan:
    """Reads start-up files and what they source, each once."""

    def __init__(self, home: Path) -> None:
        self.found: list[_Found] = []
        self.own: set[tuple[str, str]] = set()
        self.scripts: list[Leftover] = []
        self._home = home
        self._seen: set[Path] = set()
        self._harmful: set[Path] = set()

    def read(self, path: Path) -> None:
        """Look at a start-up file and at the files it sources."""
        text = self._text(path)
        if text is None:
            return
        if is_ours(text):
            self._remember_own(text)
            return
        self._note(path, text)
        lines = _without_our_block(text).split("\n")
        for number, line in enumerate(lines, 1):
            for inner in sourced(line, self._home):
                self._read_sourced(inner, f"{_short(path, self._home)}:{number}")
        for block in _OUR_BLOCK.findall(text):
            for inner in sourced(block, self._home):
                self._remember_own(self._text(inner) or "")

    def _read_sourced(self, path: Path, where: str) -> None:
        text = self._text(path)
        if text is not None and is_ours(text):
            self._remember_own(text)
        elif text is not None:
            self._note(path, text)
            if _SPEAKS_OF_CLAUDE.search(text) and _may_end_the_shell(text):
                self._harmful.add(path)
        if path in self._harmful:
            self.scripts.append(Leftover(where, path.name, _short(path, self._home), SCRIPT_EFFECT, _SCRIPT_REMEDY))

    def _note(self, path: Path, text: str) -> None:
        self.found += [
            _Found(f"{_short(path, self._home)}:{number}", name, value)
            for number, name, value in assignments(_without_our_block(text))
        ]

    def _remember_own(self, text: str) -> None:
        self.own |= {(name, value) for _, name, value in assignments(text)}

    def _text(self, path: Path) -> str | None:
        if path in self._seen:
            return None
        self._seen.add(path)
        content = read_small(path)
        return None if content is None else content.decode("utf-8", "backslashreplace")


def _startup_files(env: Mapping[str, str], home: Path, root: Path) -> Iterator[Path]:
    yield home / ".bashrc"
    yield from (home / name for name in BASH_LOGIN_FILES)
    for folder in dict.fromkeys((home, zsh_folder(env, home))):
        yield from (folder / name for name in _ZSH_FILES)
    fish = fish_folder(env, home)
    yield fish / "config.fish"
    yield from _inside(fish / "conf.d", "*.fish")
    yield fish / "fish_variables"
    yield from _inside(home / ".config/environment.d", "*.conf")
    yield root / "etc/environment"


def _inside(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def _without_our_block(text: str) -> str:
    return _OUR_BLOCK.sub(lambda found: "\n" * found[0].count("\n"), text)


def assignments(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield line number, name and value of every assignment of a variable that concerns Claude Code."""
    if not any(word in text for word in ("ANTHROPIC_", "CLAUDE_CODE_", "AWS_BEARER_TOKEN_BEDROCK")):
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith(("#", SET_ASIDE)):
            continue
        for found in _ASSIGNED.finditer(line):
            name = found["name"] or found["set_name"] or found["uvar_name"]
            value = found["value"] or found["set_value"] or found["uvar_value"] or ""
            yield number, name, value.strip("\"'")


def _matters(found: _Found) -> bool:
    if found.name in ROUTE_SWITCHES:
        return not is_off(found.value)
    return found.value != "" or found.name == "CLAUDE_CONFIG_DIR"


def _may_end_the_shell(text: str) -> bool:
    """Whether a sourced script calls the network and exits on what it hears, as old recipes have it."""
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    call = re.search(r"\b(?:curl|wget)\b", code)
    return call is not None and re.search(r"\bexit\b", code[call.start() :]) is not None


def _leftover(found: _Found) -> Leftover:
    shown = Leftover(found.where, found.name, _masked(found.name, found.value), effect(found.name), "")
    return replace(shown, remedy=remedy(shown, Answers()))


def _masked(name: str, value: str) -> str:
    if name == "apiKeyHelper":
        return redact(value) if _BARE_PATH.fullmatch(value) else "a command of its own"
    if name == "ANTHROPIC_CUSTOM_HEADERS":
        return redact(value.partition(":")[0]) + ": ****"
    if not names_a_secret(name) or name in DEAD:
        return bare_url(value) if "://" in value else redact(value)
    return redact(value) if value.startswith(("$", "`")) else redact(Secret(value).hint())


def _short(path: Path, home: Path) -> str:
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)

"""What the wizard knows of the user's computer: plain frozen data, read once by `survey`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from wizard.marks import UNFINISHED
from wizard.record import dataclass, field

ShellName = Literal["bash", "zsh", "fish"]


@dataclass(frozen=True, slots=True)
class Shell:
    """A shell we can set up.

    `rc_files` is where our part goes so that both a terminal window and a fresh login shell see it: one file, for bash
    sometimes two (`.bashrc`, and a login file that doesn't source it); for fish a file of our own in conf.d.
    """

    name: ShellName
    program: Path | None
    rc_files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class ClaudeCode:
    """The installed Claude Code; `version` like "2.1.330", None when it would not say."""

    program: Path
    version: str | None


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something on this machine that speaks to Claude Code beside us.

    `where` is `~/.bashrc:12`, `~/.claude/settings.json env` or `environment`; `value` is masked when the name says it
    is a credential. `effect` says what it does today, `remedy` what will be done about it.
    """

    where: str
    name: str
    value: str
    effect: str
    remedy: str


@dataclass(frozen=True, slots=True)
class SettingsLayer:
    """One of Claude Code's settings files that exists; `wins` when it beats the user's own file for our keys.

    `env` holds every variable it sets, credentials included; `problem` is a sentence when Claude Code can't read it.
    """

    name: Literal["managed", "user", "project", "local"]
    path: Path
    wins: bool
    helper: str | None = field(repr=False)
    env: Mapping[str, str] = field(repr=False)
    problem: str = ""


def shell_name(program: str) -> ShellName | None:
    """Return which of our shells a path like /usr/bin/zsh names."""
    name = Path(program).name
    return next((each for each in get_args(ShellName) if each == name), None)


@dataclass(frozen=True, slots=True)
class Machine:
    """The user's computer as it was when the wizard looked."""

    home: Path
    env: Mapping[str, str] = field(repr=False)
    platform: Literal["linux", "darwin"]
    wsl: bool
    uid: int
    login_shell: ShellName | None
    shells: tuple[Shell, ...]
    claude_dir: Path
    claude: ClaudeCode | None
    programs: Mapping[str, Path]
    layers: tuple[SettingsLayer, ...] = ()
    leftovers: tuple[Leftover, ...] = ()

    @property
    def settings_file(self) -> Path:
        """Claude Code's settings file of the user."""
        return self.claude_dir / "settings.json"

    @property
    def state_dir(self) -> Path:
        """Our own 0700 folder for lock, journal, backups and receipts."""
        base = self.env.get("XDG_STATE_HOME", "")
        root = Path(base) if base.startswith("/") else self.home / ".local/state"
        return root / "claude-litellm-wizard"

    @property
    def journal_file(self) -> Path:
        """Says what a write is about while it lasts; there afterwards only when the write was killed."""
        return self.state_dir / "journal.json"

    @property
    def unfinished_file(self) -> Path:
        """Holds the answers of a run that was left early."""
        return self.state_dir / UNFINISHED

    @property
    def answers_file(self) -> Path:
        """The saved answers."""
        base = self.env.get("XDG_CONFIG_HOME", "")
        root = Path(base) if base.startswith("/") else self.home / ".config"
        return root / "claude-litellm-wizard/answers/default.toml"

    def expand(self, path: str) -> Path:
        """Return a path from the answers as an absolute one; `~` is this user's home."""
        if path == "~" or path.startswith("~/"):
            return self.home / path[2:]
        return self.home / path

    def short(self, path: Path | str) -> str:
        """Return a path as people write it: `~/…` below the home folder."""
        text = str(path)
        home = str(self.home)
        return "~" + text[len(home) :] if text == home or text.startswith(home + "/") else text

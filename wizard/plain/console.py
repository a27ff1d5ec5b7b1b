"""Lines out, lines in: no colour, no cursor movement, no spinner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol, TextIO

from wizard.record import dataclass
from wizard.secret import redact
from wizard.verdict import ASCII_GLYPHS, GLYPHS, Status, Verdict

WORDS: Final[dict[Status, str]] = {"pass": "ok", "warn": "warning", "fail": "failed", "skip": "not tried"}

HOW: Final = (
    "Enter takes what stands in brackets. ? explains a question, - empties an answer, back goes back, quit leaves."
    " A backslash before one of these words makes it an answer."
)

_YES: Final = ("y", "yes", "true")
_NO: Final = ("n", "no", "false")
_COMMANDS: Final = ("?", "-", "back", "quit")


class Back(Exception):  # noqa: N818 - a way to go, and no error
    """The user wants the question or the step before."""


class Quit(Exception):  # noqa: N818
    """The user wants to leave."""


class Offered(Exception):  # noqa: N818
    """The user takes what a question offers instead of answering it."""


class InputEnded(Exception):  # noqa: N818
    """No more lines come."""


class Lines(Protocol):
    """Where answers come from."""

    def readline(self) -> str:
        """Return the next line with its end; an empty text when no more come."""


@dataclass(frozen=True, slots=True)
class Console:
    """Where questions go to and answers come from. `echo` repeats answers that no terminal shows."""

    lines: Lines
    out: TextIO
    echo: bool

    @property
    def has_unicode(self) -> bool:
        """Whether ✓ can be shown."""
        return "utf" in (self.out.encoding or "").lower()

    def say(self, text: str = "") -> None:
        """Print a line."""
        print(text if self.has_unicode else _ascii(text), file=self.out, flush=True)

    def heading(self, text: str) -> None:
        """Print the question of a step."""
        self.say(f"\n{text}")

    def row(self, verdict: Verdict, label: str = "") -> None:
        """Print a verdict, and what to do where there is something to do."""
        glyph = (GLYPHS if self.has_unicode else ASCII_GLYPHS)[verdict.status]
        cause = verdict.cause.removeprefix("Not tried: ")
        if cause != verdict.cause:
            cause = cause[:1].upper() + cause[1:]
        self.say(f"{glyph} {WORDS[verdict.status]}: {label or verdict.id.rpartition('.')[2]}: {cause}")
        if verdict.fix and verdict.status != "pass":
            self.say(f"    {verdict.fix}")

    def ask(self, question: str, default: str = "", explanation: str = "", offer: str = "") -> str:
        """Return an answer; `-` gives an empty one, and the word `offer` raises Offered.

        Raises Back, Quit, InputEnded.
        """
        shown = f"{question} [{default}]: " if default else f"{question}: "
        words = (*_COMMANDS, offer) if offer else _COMMANDS
        while True:
            typed = self._line(shown)
            match typed.strip():
                case "":
                    return default
                case "?":
                    self.say(explanation or HOW)
                case "-":
                    return ""
                case "back":
                    raise Back
                case "quit":
                    raise Quit
                case word if offer and word == offer:
                    raise Offered
                case word:
                    return word[1:] if word.startswith("\\") and word[1:] in words else typed

    def ask_unseen(self, question: str, explanation: str) -> str:
        """Return an answer that is shown nowhere: typed without echo, or the next line of a pipe.

        Raises NotHidden, Back, Quit, InputEnded.
        """
        while True:
            match (typed := self._unseen(f"{question}: ")).strip():
                case "?":
                    self.say(explanation)
                case "back":
                    raise Back
                case "quit":
                    raise Quit
                case "-":
                    return ""
                case _:
                    return typed

    def choose(self, question: str, choices: Sequence[str], default: str, explanation: str = "") -> str:
        """Return one of the choices, named or counted from 1."""
        while True:
            said = self.ask(f"{question} ({', '.join(choices)})", default, explanation).strip().lower()
            if said in choices:
                return said
            if said.isdecimal() and 1 <= int(said) <= len(choices):
                return choices[int(said) - 1]
            self.wrong(f"Choose one of: {', '.join(choices)}.")

    def confirm(self, question: str, *, default: bool = False, explanation: str = "", offer: str = "") -> bool:
        """Return the answer to a yes-or-no question."""
        while True:
            said = self.ask(f"{question} (yes, no)", "yes" if default else "no", explanation, offer).strip().lower()
            if said in (*_YES, *_NO):
                return said in _YES
            self.wrong("Answer yes or no.")

    def listing(self, lines: Sequence[str], most: int, rest: str, indent: str = "") -> None:
        """Print at most so many of the lines, how many more there are with `rest` behind it, or that there are none."""
        for line in lines[:most]:
            self.say(f"{indent}{line}")
        if len(lines) > most:
            self.say(f"{indent}and {len(lines) - most} more; {rest}")
        if not lines:
            self.say(f"{indent}None.")

    def wrong(self, text: str) -> None:
        """Say what is wrong with an answer."""
        self.say(f"{GLYPHS['fail']} {text}")

    def until(self, question: Callable[[], str], check: Callable[[str], str]) -> str:
        """Ask until the check has nothing to say, and return the answer."""
        while True:
            answer = question()
            if not (text := check(answer)):
                return answer
            self.wrong(text)

    def _unseen(self, prompt: str) -> str:
        if self.echo:  # no terminal
            return self._line(prompt, unseen=True)
        from wizard.keys.pasted import ask_unseen

        try:
            return ask_unseen(prompt if self.has_unicode else _ascii(prompt), self.out)
        except EOFError:
            self.say()
            raise InputEnded from None

    def _line(self, prompt: str, *, unseen: bool = False) -> str:
        self.out.write(prompt if self.has_unicode else _ascii(prompt))
        self.out.flush()
        try:
            line = self.lines.readline()
        except UnicodeDecodeError:
            self.say()
            self.wrong("That is not UTF-8 text.")
            return self._line(prompt, unseen=unseen)
        if not line:
            self.say()
            raise InputEnded
        text = line.rstrip("\r\n")
        if self.echo:
            self.say("" if unseen else redact(text, limit=400))
        return text


def _ascii(text: str) -> str:
    for glyph, plain in ((GLYPHS[each], ASCII_GLYPHS[each]) for each in GLYPHS):
        text = text.replace(glyph, plain)
    return text.replace("…", "...").replace("→", "->").replace("·", "-").replace("−", "-").replace("●", "*")

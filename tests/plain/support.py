"""A conversation in lines with the wizard, without a terminal."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.terminals import type_at
from tests.tui.fixture import Fake
from wizard.flow import Draft
from wizard.plain.console import Console
from wizard.plain.run import run_plain

_OWN: Final = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
"""Makes its terminal the controlling one, which a hidden answer is read from."""


@dataclass(frozen=True)
class Said:
    """What came of a conversation: the exit code, all that was printed, and how many questions were answered."""

    code: int
    text: str
    asked: int


class Answers:
    """Lines that are read one by one; `then` is raised where they end, else the input ends."""

    def __init__(self, lines: Iterable[str], then: type[BaseException] | None = None) -> None:
        self.rest: Iterator[str] = iter(lines)
        self.then = then
        self.asked = 0

    def readline(self) -> str:
        line = next(self.rest, None)
        if line is None and self.then is not None:
            raise self.then
        self.asked += line is not None
        return "" if line is None else f"{line}\n"


def talk(
    draft: Draft,
    *lines: str,
    fake: Fake | None = None,
    then: type[BaseException] | None = None,
    encoding: str = "utf-8",
    trouble: str = "",
    echo: bool = True,
) -> Said:
    """Give these answers, one a line, and return what came of it."""
    answers = Answers(lines, then)
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    code = run_plain(draft, (fake or Fake()).services(), Console(answers, out, echo=echo), trouble=trouble)
    out.seek(0)
    return Said(code, out.read(), answers.asked)


def converse(
    argv: Sequence[str], said: Mapping[str, str], *, env: Mapping[str, str], cwd: Path
) -> subprocess.CompletedProcess[str]:
    """Answer each question of a program in lines: what belongs to how it begins, else Enter."""
    with subprocess.Popen(argv, env=dict(env), cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as talk:
        assert talk.stdin and talk.stdout
        heard = b""
        while part := os.read(talk.stdout.fileno(), 65536):
            heard += part
            question = heard.rpartition(b"\n")[2].decode("utf-8", "replace")
            if question[:1].isalpha() and question.endswith(": "):  # no line of a diff, no row of a check
                answer = next((text for begin, text in said.items() if question.startswith(begin)), "")
                talk.stdin.write(f"{answer}\n".encode())
                talk.stdin.flush()
    return subprocess.CompletedProcess(argv, talk.returncode, heard.decode())


def type_in(
    argv: Sequence[str], said: Iterable[tuple[str, str]], *, env: Mapping[str, str], cwd: Path
) -> tuple[int, str]:
    """Answer the questions of a program on a terminal that it owns; return exit code and all that was shown."""
    lines = [(question, f"{answer}\n") for question, answer in said]
    return type_at([sys.executable, "-c", _OWN, *argv], lines, env=env, cwd=cwd)

"""How findings look: in a pipe, in a terminal of 80 and 100 columns, with and without colours."""

from __future__ import annotations

import io
import os
import pty
import re
import struct
import subprocess
import sys
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ
from typing import Final

import pytest

from tests.readme import faults, groups
from tests.real.litellm_proxy import free_port
from wizard.commands.rows import Look, row, summary
from wizard.verdict import Verdict

ROOT: Final = Path(__file__).parents[2]
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
LONG: Final = Verdict(
    "gateway.tls",
    "fail",
    "tls-untrusted",
    "The certificate of llm.corp.example is signed by Corp Root CA, which this machine does not trust.",
    "Give that authority's PEM file as CA file; if it is a well-known one, the server sends an incomplete chain.",
)


def test_in_a_pipe_each_text_stays_on_its_line() -> None:
    assert list(row(LONG, Look.of(io.TextIOWrapper(io.BytesIO(), encoding="utf-8")))) == [
        f"✗ FAIL  tls             {LONG.cause} [tls-untrusted]",
        f"                        Fix: {LONG.fix}",
    ]


@pytest.mark.parametrize("width", [80, 100])
def test_in_a_terminal_lines_wrap_below_their_text(width: int) -> None:
    lines = list(row(LONG, Look(width, colour=True)))
    plain = [_COLOUR.sub("", line) for line in lines]

    assert lines != plain
    assert max(map(len, plain)) <= width
    assert all(line.startswith(" " * 24) for line in plain[1:])
    assert sum("Fix:" in line for line in plain) == 1
    said = " ".join(part.strip() for part in plain).removeprefix("✗ FAIL  tls             ")
    assert said == f"{LONG.cause} [tls-untrusted] Fix: {LONG.fix}"


@pytest.mark.parametrize(
    ("status", "word"), [("pass", "+ PASS"), ("warn", "! WARN"), ("fail", "x FAIL"), ("skip", "o SKIP")]
)
def test_each_status_has_a_glyph_and_a_word(status: str, word: str) -> None:
    verdict = Verdict("files.x", status, "some", "It is.", "Do this.")  # type: ignore[arg-type]

    lines = list(row(verdict, Look(unicode=False)))

    assert lines[0].startswith(f"{word}  x ")
    assert len(lines) == (2 if status in ("warn", "fail") else 1)


def test_case_87_every_fault_there_is_fits_80_columns() -> None:
    for group in groups().values():
        for name, kind in faults(group).items():
            for line in row(Verdict("gateway.x", kind.status, name, kind.cause, kind.fix), Look(80)):
                assert len(line) <= 80


def test_the_summary_counts() -> None:
    verdicts = [LONG, LONG, Verdict("a.b", "pass", "ok", "Fine.")]

    assert summary(verdicts, 1.26, Look()) == "2 failed, 1 fine, in 1.3 s."


def in_terminal(home: Path, columns: int, *words: str, **env: str) -> tuple[int, str]:
    main, side = pty.openpty()
    ioctl(side, TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    clean = {
        "HOME": str(home),
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TERM": "xterm",
        "PYTHONPATH": str(ROOT),
        **env,
    }
    argv = [sys.executable, "-m", "wizard", "check", *words]
    with subprocess.Popen(argv, env=clean, cwd=home, stdin=side, stdout=side, stderr=side) as process:
        os.close(side)
        seen = b""
        while True:
            try:
                chunk = os.read(main, 65536)
            except OSError:
                break
            if not chunk:
                break
            seen += chunk
    os.close(main)
    return process.returncode, seen.decode().replace("\r\n", "\n")


def test_case_87_colours_are_for_terminals_that_want_them(home: Path) -> None:
    server = ("--server", f"http://127.0.0.1:{free_port()}")

    code, shown = in_terminal(home, 80, *server)
    assert code == 1 and "\x1b[31m✗ FAIL\x1b[0m  connect" in shown
    plain = _COLOUR.sub("", shown)
    assert "\x1b" not in plain and max(map(len, plain.splitlines())) <= 80
    for without in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in in_terminal(home, 80, *server, **without)[1]


def test_a_window_of_any_width_is_used_up_to_100_columns(home: Path) -> None:
    for columns, widest in ((20, 40), (200, 100)):
        _, shown = in_terminal(home, columns, "--server", f"http://127.0.0.1:{free_port()}", NO_COLOR="1")
        assert max(map(len, shown.splitlines())) <= widest


@pytest.mark.parametrize(("words", "areas"), [(["files"], {"files"}), (["files", "gateway"], {"gateway", "files"})])
def test_areas_may_be_chosen_and_more_than_one(home: Path, words: list[str], areas: set[str]) -> None:
    from tests.doctor.support import ANSWERS, write
    from wizard.answers import dumps

    write(
        home / ".config/claude-litellm-wizard/answers/default.toml",
        dumps(ANSWERS).replace("https://llm.corp.example:4000", f"http://127.0.0.1:{free_port()}"),
    )
    only = [part for word in words for part in ("--only", word)]

    code, shown = in_terminal(home, 100, *only, NO_COLOR="1")

    headings = [line for line in shown.splitlines() if line in ("Gateway", "Key", "Files", "Proof")]
    assert {each.lower() for each in headings} == areas
    assert headings == sorted(headings, key=["Gateway", "Key", "Files", "Proof"].index)
    assert code == 1

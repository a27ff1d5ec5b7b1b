"""Every value arrives in every shell exactly, and what can't is refused."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile import HOSTILE, REFUSED, hostile_values
from tests.programs import require
from wizard.fields import unsafe
from wizard.quoting import fish_quote, sh_quote

SHELLS: Final = {
    "bash": ("bash", "--norc", "--noprofile"),
    "bash-i": ("bash", "--norc", "-i"),
    "bash-posix": ("bash", "--posix"),
    "bash-history": ("bash", "-H"),
    "zsh": ("zsh", "-f"),
    "zsh-i": ("zsh", "-f", "-i"),
    "zsh-rcquotes": ("zsh", "-f", "-o", "rcquotes"),
    "zsh-globs": ("zsh", "-f", "-o", "extendedglob", "-o", "magicequalsubst", "-o", "globsubst"),
    "zsh-cshjunkiequotes": ("zsh", "-f", "-o", "cshjunkiequotes"),
    "zsh-ksh": ("zsh", "--emulate", "ksh", "-f"),
    "dash": ("dash",),
    "busybox": ("busybox", "sh"),
    "ksh93": ("ksh93",),
    "mksh": ("mksh",),
    "fish": ("fish", "--no-config"),
}
"""With `-i` a shell gets its lines one by one on stdin, as at a prompt; else as a script."""

LOCALES: Final = ("C.UTF-8", "C")


VALUES: Final = hostile_values(2200)


def test_case_11_the_values_are_many_and_all_allowed() -> None:
    assert len(set(VALUES)) >= 2000
    assert not [value for value in VALUES if unsafe(value)]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", SHELLS)
def test_case_11_values_arrive_in_the_environment_exactly(name: str, locale: str, tmp_path: Path) -> None:
    argv = [str(require(SHELLS[name][0])[0]), *SHELLS[name][1:]]
    line = (
        (lambda n, v: f"set -gx V{n} {fish_quote(v)}")
        if name == "fish"
        else (lambda n, v: f"export V{n}={sh_quote(v)}")
    )
    seen = read_back(argv, VALUES, line, tmp_path, locale)
    assert [pair for pair in zip(VALUES, seen, strict=True) if pair[0] != pair[1]] == []
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("quote", "name"),
    [(lambda v: f'"{v}"', "dash"), (lambda v: f'"{v}"', "bash-i"), (shlex.quote, "zsh"), (sh_quote, "fish")],
)
def test_case_11_the_wrong_quoter_is_noticed(quote: Callable[[str], str], name: str, tmp_path: Path) -> None:
    """The control: values quoted for another shell, or not at all, don't arrive."""
    argv = [str(require(SHELLS[name][0])[0]), *SHELLS[name][1:]]
    start = "set -gx V{0} {1}" if name == "fish" else "export V{0}={1}"
    values = [value for value in HOSTILE if set(value) & set("\\$=!")]
    assert read_back(argv, values, lambda n, v: start.format(n, quote(v)), tmp_path) != values


def read_back(
    argv: list[str], values: list[str], line: Callable[[int, str], str], folder: Path, locale: str = "C.UTF-8"
) -> list[str | None]:
    """Export each value in one run of a shell and return what a child process sees."""
    script = folder / "script"
    lines = [*(line(number, value) for number, value in enumerate(values)), f"/usr/bin/env -0 >{folder}/seen", "exit"]
    script.write_text("\n".join(lines) + "\n")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": locale, "TERM": "dumb"}
    prompt = "-i" in argv
    with script.open() as typed:
        subprocess.run(
            argv if prompt else [*argv, script], env=environment, cwd=folder,
            stdin=typed if prompt else subprocess.DEVNULL,
            capture_output=True, timeout=60, check=False, start_new_session=True,
        )  # fmt: skip
    told = (folder / "seen").read_text("utf-8", "surrogateescape") if (folder / "seen").exists() else ""
    pairs = (entry.partition("=") for entry in told.split("\0"))
    seen = {name: value for name, _, value in pairs}
    return [seen.get(f"V{number}") for number in range(len(values))]


@pytest.mark.parametrize("quote", [sh_quote, fish_quote])
@pytest.mark.parametrize("character", REFUSED)
def test_case_11_line_breaks_controls_and_bidi_are_refused_without_repeating_the_value(
    quote: Callable[[str], str], character: str
) -> None:
    with pytest.raises(ValueError, match=r"U\+") as refused:
        quote(f"sk-canary{character}rest")
    assert "canary" not in str(refused.value)


@given(st.text())
def test_case_11_a_value_is_quoted_exactly_when_it_is_safe(value: str) -> None:
    for quote in (sh_quote, fish_quote):
        if unsafe(value):
            with pytest.raises(ValueError, match=r"U\+"):
                quote(value)
        else:
            assert quote(value).startswith("'") and quote(value).endswith("'")

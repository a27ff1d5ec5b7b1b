"""The texts: every verdict that the code can give has one, in the house's words."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

import wizard
from wizard.gateway.catalogue import CATALOGUE

CODE = Path(wizard.__file__).parent
SOURCES = "\n".join(
    path.read_text()
    for folder in ("net", "gateway")
    for path in (CODE / folder).glob("*.py")
    if path.name != "catalogue.py"
)


def test_every_fault_has_a_text() -> None:
    named = set(re.findall(r'Fault\(\s*"([a-z-]+)"', SOURCES)) | set(re.findall(r'verdict = "([a-z-]+)"', SOURCES))
    named |= set(re.findall(r'\.(?:say|verdict)\((?:"gateway\.\w+", )?"([a-z-]+)"', SOURCES))
    assert len(named) > 50
    assert named <= CATALOGUE.keys()


def test_every_text_is_used() -> None:
    assert [each for each in CATALOGUE if f'"{each}"' not in SOURCES] == []


@pytest.mark.parametrize("verdict", CATALOGUE)
def test_the_words(verdict: str) -> None:
    kind = CATALOGUE[verdict]
    assert (kind.status in ("fail", "warn")) == bool(kind.fix)
    for text in (kind.cause, kind.fix):
        assert not re.search(r"!|please|successfully", text, re.IGNORECASE)
        assert all(name is None or name.isidentifier() for _, name, _, _ in string.Formatter().parse(text))
    if kind.status in ("fail", "warn"):
        assert kind.cause.endswith((".", "{message}")) and kind.fix.endswith((".", "}"))


def test_case_63_nobody_is_told_to_switch_verification_off() -> None:
    assert not re.search(r"verif|insecure|REJECT_UNAUTHORIZED", str(dict(CATALOGUE)))

"""The README says what the wizard says."""

from __future__ import annotations

import re
from collections import Counter

from tests.readme import BEGIN, README, faults, groups, made_anew, section
from wizard.commands.flags import _COMMANDS
from wizard.demo.faults import BY_NAME, FAULTS


def test_the_troubleshooting_section_is_current() -> None:
    text = README.read_text(encoding="utf-8")
    assert made_anew(text) == text, "Stale: a verdict's text has changed. Run: python -m tests.readme"


def test_every_fault_stands_there_once_and_without_braces() -> None:
    made = section()
    ids = re.findall(r"^\| `([a-z0-9-]+)`", made, re.MULTILINE)

    assert len(ids) > 150
    assert [each for each, times in Counter(ids).items() if times > 1] == []
    assert set(ids) == {name for group in groups().values() for name in faults(group)}
    assert not re.search(r"[{}]", made)
    for line in made.splitlines():
        if line.startswith("| `"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 4, line


def test_a_stale_section_is_noticed() -> None:
    text = README.read_text(encoding="utf-8")
    assert made_anew(text.replace("No host is called", "No such host:", 1)) == text
    assert BEGIN in text


def test_its_first_command_is_the_demo_and_counts_the_faults_right() -> None:
    text = README.read_text(encoding="utf-8")
    first, second, *_ = re.findall(r"```sh\n(.*?)\n```", text, re.DOTALL)
    assert first.endswith(" && .venv/bin/claude-litellm-wizard --demo")
    assert second == ".venv/bin/claude-litellm-wizard"
    assert f"the {len(FAULTS)} faults" in text
    named = re.findall(r"`--demo\s+([a-z-]+)`", text)
    assert named and set(named) <= {*BY_NAME, "help"}


def test_every_picture_is_there() -> None:
    shown = re.findall(r"\]\((screenshots/[^)]+)\)", README.read_text(encoding="utf-8"))
    assert shown[0] == "screenshots/tour.svg"
    assert [each for each in shown if not (README.parent / each).is_file()] == []


def test_the_pictures_of_failures_are_shown() -> None:
    shown = re.findall(r"screenshots/(failed-[a-z-]+)\.svg", README.read_text(encoding="utf-8"))
    kept = {each.stem for each in (README.parent / "screenshots").glob("failed-*.svg")}
    assert len(kept) >= 3 and set(shown) == kept


def test_every_command_stands_there() -> None:
    text = README.read_text(encoding="utf-8")
    listed = re.findall(r"^claude-litellm-wizard ([a-z]+) ", text, re.MULTILINE)
    assert set(listed) == set(_COMMANDS)

"""All checks together: order, areas, and that one which breaks hides no other."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import Any, Final

import pytest

import wizard.doctor
from tests.doctor.support import ANSWERS, looked_at, only, written
from wizard import doctor, prove, trial
from wizard.doctor.catalogue import CATALOGUE
from wizard.gateway import health
from wizard.machine.model import ClaudeCode, Machine
from wizard.verdict import Verdict

FOLDER = Path(wizard.doctor.__file__).parent


FILES: Final[tuple[doctor.Area, ...]] = ("files",)
KEY: Final[tuple[doctor.Area, ...]] = ("key",)


async def files(machine: Machine) -> tuple[Verdict, ...]:
    return await doctor.check(ANSWERS, machine, (), FILES, lambda _: None)


async def test_every_matter_of_the_files_is_told_in_order(tmp_path: Path) -> None:
    written(tmp_path)

    found = [each.id for each in await files(looked_at(tmp_path))]

    assert found == [
        f"files.{name}" for name in ("claude", "first-run", "login", "settings", "written", "profile", "leftover")
    ]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("claude_verdicts", "files.claude"),
        ("first_run_verdict", "files.first-run"),
        ("login_verdict", "files.login"),
        ("settings_verdicts", "files.settings"),
        ("make_plan", "files.written"),
        ("profile_verdicts", "files.profile"),
        ("leftover_verdicts", "files.leftover"),
        ("wrong_user", "files.user"),
        ("with_claude_version", "files.claude"),
    ],
)
async def test_a_check_that_breaks_is_a_row_and_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, row: str
) -> None:
    written(tmp_path)
    machine = looked_at(tmp_path, claude=ClaudeCode(tmp_path / "none", None))
    before = await files(machine)

    def broken(*_: Any, **__: Any) -> Any:
        raise ExceptionGroup("two", [RuntimeError("sk-canary-1234567890 at\x1b[31m home"), OSError()])

    monkeypatch.setattr(f"wizard.doctor.{name}", broken)
    after = await files(machine)

    verdict = only(after, "check-broke")
    assert (verdict.id, verdict.status) == (row, "fail")
    assert "RuntimeError" in verdict.cause and verdict.fix and verdict.facts["place"]
    assert "canary" not in repr(verdict) and "\x1b" not in repr(verdict)
    rest = {(each.id, each.verdict) for each in after if each.id != row}
    assert rest == {(each.id, each.verdict) for each in before if each.id != row}


@pytest.mark.parametrize(
    ("module", "name", "row"),
    [(health, "check_gateway", "gateway.check"), (trial, "try_key", "key.check"), (prove, "prove", "proof.check")],
)
async def test_an_area_that_breaks_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, row: str
) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise KeyError("x")

    monkeypatch.setattr(module, name, broken)
    written(tmp_path)
    reported: list[Verdict] = []

    found = await doctor.check(ANSWERS, looked_at(tmp_path), (), doctor.AREAS, reported.append)

    assert only(found, "check-broke").id == row
    assert {each.id.partition(".")[0] for each in found} == set(doctor.AREAS)
    assert tuple(reported) == found


async def test_no_key_leaves_when_the_gateways_check_broke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[frozenset[str]] = []

    async def broken(*_: Any) -> Any:
        raise RuntimeError

    async def noting(_: Any, __: Any, confirmed: frozenset[str], ___: Any) -> trial.Trial:
        asked.append(confirmed)
        return trial.Trial(())

    monkeypatch.setattr(health, "check_gateway", broken)
    monkeypatch.setattr(trial, "try_key", noting)

    await doctor.check(ANSWERS, looked_at(tmp_path), {ANSWERS.gateway.address.origin}, KEY, lambda _: None)

    assert asked == [frozenset()]


async def test_files_that_are_not_as_the_answers_say_are_drift(tmp_path: Path) -> None:
    written(tmp_path)

    drifted = only(await files(looked_at(tmp_path)), "drifted")

    assert (
        drifted.status == "warn" and "--dry-run" in drifted.fix and "~/.config/claude/setup-litellm.sh" in drifted.cause
    )


async def test_what_stands_in_the_way_of_a_plan_is_named(tmp_path: Path) -> None:
    (tmp_path / ".claude/settings.json").mkdir(parents=True)

    found = only(await files(looked_at(tmp_path)), "unplannable")

    assert found.status == "fail" and "~/.claude/settings.json" in found.cause


async def test_another_users_home_is_said(tmp_path: Path) -> None:
    found = only(await files(looked_at(tmp_path, uid=12345)), "wrong-user")

    assert found.cause.endswith("belongs to somebody else.") and found.fix.startswith("Run this as that user")


SOURCES = "\n".join(path.read_text() for path in FOLDER.glob("*.py") if path.name != "catalogue.py")
SOURCES += (FOLDER.parent / "commands/check.py").read_text()


@pytest.mark.parametrize("verdict", CATALOGUE)
def test_the_words(verdict: str) -> None:
    kind = CATALOGUE[verdict]
    built = verdict.partition("-")[2] == "wins"
    assert built or f'"{verdict}"' in SOURCES, "no check says this"
    assert (kind.status in ("fail", "warn")) == bool(kind.fix)
    for text in (kind.cause, kind.fix):
        assert not re.search(r"!|please|successfully", text, re.IGNORECASE)
        assert all(name is None or name.isidentifier() for _, name, _, _ in string.Formatter().parse(text))
    assert kind.cause.endswith((".", "}")) or kind.status == "pass"

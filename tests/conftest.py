"""What every test gets: no trace of the developer's machine, and an honest list of what could not run."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

import hypothesis
import pytest

from tests.programs import NOT_RUN, REQUIRE_ALL

pytest_plugins = [
    "tests.real.litellm_proxy",
    "tests.real.litellm_database",
    "tests.real.nginx",
    "tests.real.openbao_server",
    "tests.real.sandbox",
    "tests.real.vault_server",
]

_DEVELOPERS: Final = re.compile(
    r"(ANTHROPIC|API_TIMEOUT|AWS|BAO|BASH|CLAUDE|CLICOLOR|FISH|GIT|LITELLM|NODE|TEXTUAL|VAULT|XDG)_?.*"
    r"|(.*_)?PROXY|LC_.*|(NO|FORCE)_COLOR|COLUMNS|LINES|COLORTERM|DEBUG|ENV|SHELL|SSL_CERT_.*|TERM_.*|TMUX.*|ZDOTDIR"
    r"|SSH_.*|DISPLAY|WAYLAND_DISPLAY|USER|LOGNAME|AI_AGENT|JWT_.*|VIRTUAL_ENV|.*CA_(BUNDLE|CERTS).*",
    re.IGNORECASE,
)
_OURS: Final = {
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "TERM": "xterm-256color",
    "TEXTUAL_ANIMATIONS": "none",
    "SHELL": "/bin/sh",
}


def pytest_configure() -> None:
    """Cut the developer's machine out before anything is imported: Textual reads its variables at import."""
    for name in [each for each in os.environ if _DEVELOPERS.fullmatch(each)]:
        del os.environ[name]
    os.environ.update(_OURS)
    os.umask(0o022)
    # A busy machine is no failure, and what passed here passes elsewhere: WIZARD_FUZZ=1 draws new examples each time.
    derandomize = "WIZARD_FUZZ" not in os.environ
    hypothesis.settings.register_profile("suite", deadline=None, derandomize=derandomize)
    hypothesis.settings.load_profile("suite")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A throw-away home folder, which HOME points to."""
    folder = tmp_path_factory.mktemp("home")
    folder.chmod(0o700)
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _steady_cursor(request: pytest.FixtureRequest) -> Iterator[None]:
    """A cursor that does not blink, so that a picture of a screen does not depend on the moment."""
    if "tui" not in request.node.path.parts and "screens" not in request.node.path.name:
        yield
        return
    from textual.widgets import Input

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Input.cursor_blink, "_default", False)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under WIZARD_REQUIRE_ALL=1 turn every skipped test into a failure that says what was missing."""
    report = yield
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{_reason(report)}\n(WIZARD_REQUIRE_ALL=1 lets no test be left out.)"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List each test that could not run, with the program it lacks."""
    skipped = terminalreporter.stats.get("skipped", [])
    lines = sorted({(_reason(each).removeprefix(NOT_RUN), each.nodeid) for each in skipped if NOT_RUN in _reason(each)})
    if not lines:
        return
    terminalreporter.section("Not run, and what was missing", sep="=")
    last = ""
    for reason, test in lines:
        if reason != last:
            terminalreporter.write_line(reason)
        last = reason
        terminalreporter.write_line(f"    {test}")


def _reason(report: pytest.TestReport) -> str:
    longrepr = report.longrepr
    text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    return text.removeprefix("Skipped: ")

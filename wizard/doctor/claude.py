"""Claude Code on this machine: there, which version, past its first run, and which logins it keeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from wizard.answers import Answers
from wizard.doctor.catalogue import finding
from wizard.machine.claude_code import BASE_URLS, CREDENTIALS, OLDEST, PINS, is_off, version_numbers, wanted_models
from wizard.machine.claude_state import ClaudeState, claude_state
from wizard.machine.files import is_program
from wizard.machine.model import Machine
from wizard.machine.programs import SearchPath
from wizard.machine.rulings import HELPER, rulings
from wizard.machine.survey import CLAUDE_PLACES
from wizard.secret import bare_url
from wizard.verdict import Verdict

_NAME_A_HELPER: Final = "Run claude-litellm-wizard apply, which names one; or run claude auth logout."
_BEDROCK: Final = "CLAUDE_CODE_USE_BEDROCK"


def claude_verdicts(answers: Answers, machine: Machine) -> Iterator[Verdict]:
    """Yield what is known of the installed Claude Code; `machine` knows its version."""
    claude = machine.claude
    if claude is None:
        yield finding("files.claude", "claude-missing")
        return
    program = machine.short(claude.program)
    numbers = version_numbers(claude.version)
    if claude.version is None or numbers is None:
        yield finding("files.claude", "claude-version-unknown", program=program)
    else:
        old = numbers < (version_numbers(OLDEST) or ())
        models = wanted_models(claude.version, answers.gateway.route, answers.gateway.aws_region)
        pinned = any(getattr(answers.models, tier) for tier in PINS)
        wants = "" if pinned else f", which asks for {models['default']} since no model is pinned"
        facts = {"version": claude.version, "program": program, "default_model": models["default"], "pinned": pinned}
        kind = "claude-old" if old else "claude-known"
        yield finding("files.claude", kind, oldest=OLDEST, wants=wants, **facts)
    others = _several(claude.program, machine)
    if others:
        yield finding("files.claude", "claude-several", programs=", ".join([program, *others]))


def _several(first: Path, machine: Machine) -> list[str]:
    seen = {first.resolve()}
    found = []
    for path in [*SearchPath(machine.env).find_every("claude"), *(machine.home / place for place in CLAUDE_PLACES)]:
        if is_program(path) and path.resolve() not in seen:
            seen.add(path.resolve())
            found.append(machine.short(path))
    return found


def first_run_verdict(machine: Machine, folder: Path, *, off: bool = False) -> Verdict:
    """Return whether a start in `folder` goes straight to the prompt, shows its first screens, or gets stuck.

    `off` is for a set-up that is suspended: Claude Code then asks for a login of its own, as it should.
    """
    state = claude_state(machine)
    if state.problem:
        backups = machine.short(machine.claude_dir / "backups")
        path = machine.short(state.path)
        return finding("files.first-run", "claude-state-bad", path=path, problem=state.problem, backups=backups)
    if not state.onboarded:
        kind = "first-run-ahead" if off or _can_sign_in(machine) else "first-run-blocked"
        return finding("files.first-run", kind)
    text = "Claude Code is past its first-run screens" + (
        " and trusts this folder." if _trusts(state, folder) else "; it asks once whether you trust this folder."
    )
    return finding("files.first-run", "ok", text=text, trusted=_trusts(state, folder))


def _trusts(state: ClaudeState, folder: Path) -> bool:
    return not state.trusted.isdisjoint(str(each) for each in (folder, *folder.parents))


def _can_sign_in(machine: Machine) -> bool:
    """Whether Claude Code has what lets it pass the login screen; an API key alone does not (2.1.197, 2.1.330)."""
    return bool(_value(HELPER, machine) or _value(CREDENTIALS[0], machine) or not is_off(_value(_BEDROCK, machine)))


def login_verdict(machine: Machine, *, off: bool = False) -> Verdict:
    """Return whether a login of Anthropic's own could reach the server.

    Any key helper keeps it back, one that fails too; so does ANTHROPIC_AUTH_TOKEN, which is sent in its place, and the
    bedrock route (2.1.197, 2.1.330). `off` is for a set-up that is suspended.
    """
    check = "files.login"
    where = " and ".join(claude_state(machine).logins)
    if not where:
        return finding(check, "ok", text="No login of Anthropic's is kept here.")
    url = _value(BASE_URLS["anthropic"], machine)
    keepers = {
        "the key helper": _value(HELPER, machine),
        "the bedrock route": "" if is_off(_value(_BEDROCK, machine)) else "1",
        CREDENTIALS[0]: _value(CREDENTIALS[0], machine),
    }
    keeper = next((name for name, value in keepers.items() if value), "")
    if not keeper and url:
        fix = "Open a new terminal: this one still holds the server's URL." if off else _NAME_A_HELPER
        return finding(check, "login-sent", where=where, origin=bare_url(url), fix=fix)
    return finding(check, "login-unsent", where=where, keeper=keeper or "no server named anywhere")


def _value(name: str, machine: Machine) -> str:
    """Return what Claude Code finds for a key: settings first, then the environment."""
    ruling = rulings(machine.layers).get(name)
    return ruling.value if ruling else machine.env.get(name, "")

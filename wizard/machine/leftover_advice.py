"""What a leftover does to Claude Code today, and what becomes of it (2.1.197, 2.1.330)."""

from __future__ import annotations

from typing import Final

from wizard.answers import Answers
from wizard.machine.claude_code import BASE_URLS, CREDENTIALS, DEAD, OUR_VARIABLES, PINS, ROUTE_SWITCHES
from wizard.machine.lite_configure import RECEIPT, RUNNING
from wizard.machine.model import Leftover, Machine
from wizard.record import replace

_BEARER: Final = "AWS_BEARER_TOKEN_BEDROCK"
_STAYS: Final = "It stays."
_EFFECTS: Final = {
    CREDENTIALS[0]: "Claude Code sends it to the server in place of the helper's key.",
    CREDENTIALS[1]: "Claude Code asks whether to use it, and sends it along to the server.",
    _BEARER: "On the bedrock route Claude Code sends it to the server in place of the helper's key.",
    "ANTHROPIC_MODEL": "Every session starts with this model, whatever is pinned.",
    "ANTHROPIC_LOG": "With debug, Claude Code prints its requests between its answers.",
    "ANTHROPIC_CUSTOM_HEADERS": "Claude Code sends these headers with every message.",
    "apiKeyHelper": "Claude Code gets its key from this command.",
    "CLAUDE_CONFIG_DIR": "It is no absolute path, so where Claude Code finds its settings depends on the folder.",
    **dict.fromkeys(DEAD, "Claude Code has no such variable, so it does nothing."),
    **dict.fromkeys(ROUTE_SWITCHES, "It sends Claude Code to another provider."),
    **dict.fromkeys(BASE_URLS.values(), "It names the server that Claude Code talks to."),
    **dict.fromkeys(PINS.values(), "It names the model of a tier."),
}
_REMEDIES: Final = {
    "ANTHROPIC_MODEL": "It stays. Remove it to use the pinned models.",
    "ANTHROPIC_CUSTOM_HEADERS": "It stays. Remove it if it was made for another server.",
    RECEIPT: "It stays. lite unconfigure claude leaves alone what the wizard writes.",
    RUNNING: "Run lite down (or lite autoroute stop) first, then look again.",
    "model": "It stays. Take it out to start with the pinned models.",
    "CLAUDE_CONFIG_DIR": "Set it to an absolute path, or unset it.",
    **{name: f"Remove the line. Use {instead} in its place." for name, instead in DEAD.items()},
}


def effect(name: str) -> str:
    """Return what a variable does to Claude Code."""
    return _EFFECTS.get(name, "Claude Code reads it.")


def leftovers_for(answers: Answers, machine: Machine) -> tuple[Leftover, ...]:
    """Return the leftovers of this machine that matter under these answers, each with what the write does about it."""
    script = machine.short(machine.expand(answers.write.setup_script))
    return tuple(
        _in_script(each, answers, script) or replace(each, remedy=remedy(each, answers))
        for each in machine.leftovers
        if _concerns(each.name, answers)
    )


def remedy(leftover: Leftover, answers: Answers) -> str:
    """Return what becomes of a variable when these answers are written."""
    name = leftover.name
    if name == "apiKeyHelper":
        return "On your yes the write replaces it." if answers.write.settings else "It stays, and decides the key."
    if name not in OUR_VARIABLES:
        return _REMEDIES.get(name, _STAYS)
    if not answers.write.settings:
        return "Remove it: without a line in settings.json it wins."
    if not _is_set(name, answers):
        return _STAYS if answers.write.cancel_stale or name in PINS.values() else "It stays, as you chose. Remove it."
    if leftover.where.endswith(" env"):
        return "The write replaces it."
    if name in CREDENTIALS or name == _BEARER:
        return "settings.json sets it to nothing for Claude Code."
    if name in ROUTE_SWITCHES:
        return "settings.json switches it off for Claude Code."
    return "settings.json says what you chose, and that wins."


def _in_script(leftover: Leftover, answers: Answers, script: str) -> Leftover | None:
    """Return what is said of the setup script that ours replaces, and of the lines in it."""
    if script not in (leftover.value, leftover.where.rpartition(":")[0]):
        return leftover if leftover.name.endswith(".sh") else None
    written = {"bash", "zsh"} & set(answers.write.shells)
    text = "On your yes the wizard's own script takes its place." if written else "Remove the line that sources it."
    return replace(leftover, remedy=text)


def _concerns(name: str, answers: Answers) -> bool:
    """Whether a variable does anything on the chosen route that was not chosen."""
    if answers.gateway.route == "bedrock":
        return name != "CLAUDE_CODE_USE_BEDROCK"
    return name != _BEARER


def _is_set(name: str, answers: Answers) -> bool:
    """Whether settings.json gets this variable, be it as nothing."""
    if name in PINS.values():
        return any(getattr(answers.models, tier) for tier, each in PINS.items() if each == name)
    return answers.write.cancel_stale or name == BASE_URLS[answers.gateway.route]

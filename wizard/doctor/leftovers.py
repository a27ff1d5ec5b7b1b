"""What earlier set-ups left behind, and whether the profile names the server that the settings name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from wizard.answers import Answers
from wizard.doctor.catalogue import finding
from wizard.machine.claude_code import BASE_URLS, CREDENTIALS, DEAD, OUR_VARIABLES, ROUTE_SWITCHES
from wizard.machine.files import read_text
from wizard.machine.leftover_advice import leftovers_for
from wizard.machine.leftovers import SCRIPT_EFFECT, assignments
from wizard.machine.lite_configure import RECEIPT, RUNNING
from wizard.machine.model import Leftover, Machine
from wizard.machine.rulings import Ruling, rulings
from wizard.render.claude import exports
from wizard.secret import bare_url
from wizard.verdict import Verdict

_GRAVE: Final = frozenset({*CREDENTIALS, *ROUTE_SWITCHES, "AWS_BEARER_TOKEN_BEDROCK"})
_SAYS_WHAT_TO_DO: Final = frozenset({"CLAUDE_CONFIG_DIR", RECEIPT, RUNNING})
_APPLY: Final = "Run claude-litellm-wizard apply"


def profile_verdicts(answers: Answers, machine: Machine) -> Iterator[Verdict]:
    """Yield each place outside the settings that names another server than they do. Raises AddressError."""
    name = BASE_URLS[answers.gateway.route]
    wanted = exports(answers, machine, 0)[name]
    ruling = rulings(layer for layer in machine.layers if layer.name in ("managed", "user")).get(name)
    found = list(_servers(name, answers, machine))
    complaints = [
        verdict
        for where, url, ours in found
        if (verdict := _about_server(where, url, name, wanted, ruling, ours, machine))
    ]
    yield from complaints
    if not complaints:
        text = "Profile and settings name the same server." if found else "No start-up file names a server."
        yield finding("files.profile", "ok", text=text, places=[where for where, _, _ in found])


def _servers(name: str, answers: Answers, machine: Machine) -> Iterator[tuple[str, str, bool]]:
    """Yield place, URL and whether the place is ours, of each server that the profile or the environment names."""
    for each in machine.leftovers:
        if each.name == name and not _in_settings(each):
            yield each.where, each.value, False
    ours = [machine.expand(answers.write.setup_script)]
    ours += [path for shell in machine.shells if shell.name == "fish" for path in shell.rc_files]
    for path in ours:
        for number, variable, value in assignments(read_text(path)):
            if variable == name and value:
                yield f"{machine.short(path)}:{number}", bare_url(value), True


def _about_server(
    where: str, url: str, name: str, wanted: str, ruling: Ruling | None, ours: bool, machine: Machine
) -> Verdict | None:
    found = url.rstrip("/")
    facts = {"where": _place(where), "name": name, "found": found}
    if ruling is None:
        return None if found == wanted else finding("files.profile", "profile-decides", **facts)
    said = bare_url(ruling.value).rstrip("/")
    if found == said:
        return None
    if ours or found == wanted:
        fix = f"{_APPLY}, which brings both in line."
    elif where == "environment":
        fix = "Open a new shell; if it is still there, look for what exports it."
    else:
        fix = "Correct or remove that line."
    path = machine.short(ruling.layer.path)
    return finding("files.profile", "profile-differs", **facts, path=path, wanted=said, fix=fix)


def leftover_verdicts(answers: Answers, machine: Machine) -> Iterator[Verdict]:
    """Yield each leftover with what it does now; the server's URL in the profile is `profile_verdicts`' matter."""
    decided = rulings(machine.layers)
    server = BASE_URLS[answers.gateway.route]
    left = [each for each in leftovers_for(answers, machine) if each.name != server or _in_settings(each)]
    for each in left:
        yield _about(each, answers, machine, decided)
    if not left:
        yield finding("files.leftover", "ok", text="Nothing of an earlier set-up is left.")


def _about(left: Leftover, answers: Answers, machine: Machine, decided: Mapping[str, Ruling]) -> Verdict:
    check = "files.leftover"
    where = _place(left.where)
    facts = {"where": where, "name": left.name, "value": left.value}
    if left.effect == SCRIPT_EFFECT:
        ours = left.value == machine.short(machine.expand(answers.write.setup_script))
        fix = (
            f"{_APPLY} --replace-existing, which puts its own script there." if ours else f"{_APPLY} --migrate {where}."
        )
        return finding(check, "old-script", where=where, script=left.value, fix=fix)
    if left.name in DEAD:
        fix = f"Remove it; {DEAD[left.name]} does what it was meant for."
        return finding(check, "leftover-dead", **facts, fix=fix)
    if left.name in _SAYS_WHAT_TO_DO or left.where.endswith("settings.json"):
        return finding(check, "leftover", **facts, effect=left.effect, fix=left.remedy)
    ruling = decided.get(left.name)
    if ruling is not None and not _in_settings(left):
        path = machine.short(ruling.layer.path)
        return finding(
            check,
            "leftover-overruled",
            **facts,
            path=path,
            fix=f"{_removal(left)} when nothing else needs it.",
        )
    grave = left.name in _GRAVE and (ruling is None or ruling.layer.name == "user")
    cancels = answers.write.settings and answers.write.cancel_stale and left.name in OUR_VARIABLES
    fix = f"{_APPLY}, which cancels it for Claude Code; or remove it." if cancels else f"{_removal(left)}."
    return finding(check, "leftover-acts" if grave else "leftover", **facts, effect=left.effect, fix=fix)


def _removal(left: Leftover) -> str:
    if left.where == "environment":
        return "Remove it where it is exported"
    return "Remove it from that file" if _in_settings(left) else "Remove that line"


def _in_settings(left: Leftover) -> bool:
    return left.where.endswith(" env")


def _place(where: str) -> str:
    return "This shell's environment" if where == "environment" else where

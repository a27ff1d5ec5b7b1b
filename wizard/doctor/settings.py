"""Which settings file decides what, and whether that is what was chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from wizard.answers import Answers
from wizard.doctor.catalogue import finding
from wizard.machine.claude_code import BASE_URLS, CREDENTIALS, OUR_VARIABLES, PINS, ROUTE_SWITCHES, is_off
from wizard.machine.model import Machine, SettingsLayer
from wizard.machine.rulings import HELPER, Ruling, rulings
from wizard.render.claude import HELPER_KEY, settings_edits
from wizard.render.refresh import refresh_seconds
from wizard.secret import bare_url
from wizard.verdict import Verdict

CHECK: Final = "files.settings"

_TTL: Final = "CLAUDE_CODE_API_KEY_HELPER_TTL_MS"
_GRAVE: Final = frozenset({HELPER, *BASE_URLS.values(), *CREDENTIALS, *ROUTE_SWITCHES, "AWS_BEARER_TOKEN_BEDROCK"})
"""Keys that change where Claude Code goes or what it shows there; other differences only warn."""

_WATCHED: Final = frozenset({HELPER, *OUR_VARIABLES, "ANTHROPIC_MODEL", "ANTHROPIC_CUSTOM_HEADERS"})


def settings_verdicts(answers: Answers, machine: Machine, *, off: bool = False) -> Iterator[Verdict]:
    """Yield what is to say of each settings file, and at last what decides.

    `off` is for a set-up that is suspended, which names no server. Raises AddressError for an unusable URL.
    """
    decided = rulings(machine.layers)
    wanted = wanted_values(answers, machine)
    complaints = [verdict for layer in machine.layers for verdict in _about(layer, decided, wanted, machine)]
    yield from complaints
    missing = [name for name in (HELPER, BASE_URLS[answers.gateway.route]) if name not in decided]
    if missing and answers.write.settings and not off:
        yield finding(CHECK, "settings-missing", names=" or ".join(missing))
    elif not complaints:
        yield finding(CHECK, "ok", text=_who_decides(decided, machine), decides=_table(decided, machine))


def wanted_values(answers: Answers, machine: Machine) -> Mapping[str, str]:
    """Return what these answers want settled, by key. Raises AddressError for an unusable URL."""
    ttl = refresh_seconds(answers, None) * 1000
    edits = settings_edits(answers, machine, machine.expand(answers.helper_path), ttl)
    return {HELPER if key == HELPER_KEY else key[-1]: value for key, value in edits.items()}


def _about(
    layer: SettingsLayer, decided: Mapping[str, Ruling], wanted: Mapping[str, str], machine: Machine
) -> Iterator[Verdict]:
    path = machine.short(layer.path)
    if layer.problem:
        kind = "managed-bad" if layer.name == "managed" else "layer-bad"
        yield finding(CHECK, kind, path=path, problem=layer.problem, layer=layer.name)
        return
    if layer.name == "user":
        return  # what the wizard writes there is compared file by file, and leftovers in it are told one by one
    ruled = [each for each in decided.values() if each.layer is layer and each.name in _WATCHED]
    otherwise = [each for each in ruled if not _same(each, wanted)]
    grave = [each for each in otherwise if each.name in _GRAVE]
    rest = [each for each in otherwise if each.name not in _GRAVE]
    for kind, found in ((f"{'managed' if layer.name == 'managed' else 'project'}-wins", grave), ("layer-adds", rest)):
        if found:
            names = [each.name for each in found]
            meaning = ", ".join(dict.fromkeys(_meaning(each) for each in found))
            facts = {"layer": layer.name, "keys": names}
            yield finding(CHECK, kind, path=path, names=_listed(names), meaning=f"Claude Code {meaning}.", **facts)


def _same(ruling: Ruling, wanted: Mapping[str, str]) -> bool:
    if ruling.name in ROUTE_SWITCHES:
        return is_off(ruling.value) == is_off(wanted.get(ruling.name, ""))
    if ruling.name == _TTL:
        return any(layer.env.get(_TTL) == ruling.value for layer in ruling.beaten)
    if ruling.name in BASE_URLS.values():
        return ruling.value.rstrip("/") == wanted.get(ruling.name, "")
    return ruling.value == wanted.get(ruling.name, "")


def _meaning(ruling: Ruling) -> str:
    """Return what a foreign value does, without showing one that may be a secret."""
    name, value = ruling.name, ruling.value
    if name == HELPER:
        return "runs another key helper" if value else "runs no key helper"
    if name in BASE_URLS.values():
        return f"talks to {bare_url(value)}" if value else "talks to Anthropic"
    if name in ROUTE_SWITCHES:
        return "takes another route"
    if name == CREDENTIALS[1]:
        return "sends another key along"
    if name in CREDENTIALS or name == "AWS_BEARER_TOKEN_BEDROCK":
        return "sends another credential in place of the helper's key"
    if name in PINS.values() or name == "ANTHROPIC_MODEL":
        return "asks for other models"
    if name in ("HTTPS_PROXY", "NO_PROXY"):
        return "takes another way through the network"
    if name in ("NODE_EXTRA_CA_CERTS", "CLAUDE_CODE_CLIENT_CERT", "CLAUDE_CODE_CLIENT_KEY"):
        return "uses other certificates"
    if name == "ANTHROPIC_CUSTOM_HEADERS":
        return "sends headers of its own choice"
    return "takes that value"


def _who_decides(decided: Mapping[str, Ruling], machine: Machine) -> str:
    by_path: dict[str, list[str]] = {}
    for each in decided.values():
        if each.name in _WATCHED:
            by_path.setdefault(machine.short(each.layer.path), []).append(each.name)
    if not by_path:
        return "No settings file says anything of the server or the key."
    (first, names), *others = by_path.items()
    if not others:
        return f"{first} decides alone: {_counted(names)}."
    return "As chosen, decided by " + ", ".join(f"{path} ({_counted(names)})" for path, names in by_path.items()) + "."


def _counted(names: Sequence[str]) -> str:
    variables = len([name for name in names if name != HELPER])
    parts = ["the key helper"] if HELPER in names else []
    if variables:
        parts.append("1 variable" if variables == 1 else f"{variables} variables")
    return " and ".join(parts)


def _table(decided: Mapping[str, Ruling], machine: Machine) -> Mapping[str, str]:
    return {name: machine.short(each.layer.path) for name, each in sorted(decided.items()) if name in _WATCHED}


def _listed(names: Sequence[str], most: int = 4) -> str:
    if len(names) <= most:
        return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"{', '.join(names[:most])} and {len(names) - most} more"

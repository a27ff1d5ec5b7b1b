"""What each step begins with, and what its answers make of the draft: one truth for the screens and the plain lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from wizard.answers import MODEL_FIELDS, Gateway, Models
from wizard.flow import Draft, may_send_key
from wizard.net.address import AddressError
from wizard.record import replace

if TYPE_CHECKING:
    from wizard.fields import Problem, Value
    from wizard.keys.backend import Backend, Options
    from wizard.machine.model import Machine
    from wizard.services import Services
    from wizard.verdict import Verdict

TIERS: Final = tuple(each.name for each in MODEL_FIELDS)
STORABLE: Final = ("env-file", "keychain")
"""The key backends that a pasted key can be stored for."""

LABELS: Final[Mapping[str, str]] = {each.name: each.label for each in MODEL_FIELDS}

Shown = Mapping[str, str]
"""A certificate or a file as the health check puts it among a verdict's facts."""

_CHEAP: Final = ("haiku", "mini", "flash", "small")


def client_pair_problems(values: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Return the Problem of a client certificate that is given without its key, or the other way round."""
    from wizard.fields import Problem

    if bool(values.get("client_cert")) == bool(values.get("client_key")):
        return ()
    name = "client_key" if values.get("client_cert") else "client_cert"
    return (Problem(f"gateway.{name}", "", "A client certificate and its key go together. Give both."),)


def with_gateway(draft: Draft, gateway: Gateway) -> Draft:
    """Return the draft with the gateway answered, its origin confirmed: going on from Server says yes to it."""
    return draft.answered(replace(draft.answers, gateway=gateway)).confirming(gateway.address.origin)


def with_way(draft: Draft, **answers: str) -> Draft:
    """Return the draft with another way to the same gateway: a CA file, a client certificate."""
    gateway = replace(draft.answers.gateway, **answers)  # type: ignore[arg-type]
    return draft.answered(replace(draft.answers, gateway=gateway))


def facts_of(verdicts: Iterable[Verdict], name: str) -> tuple[Shown, ...]:
    """Return the list that a failed check left under this name, empty when none did."""
    for each in verdicts:
        found = each.facts.get(name)
        if each.status == "fail" and isinstance(found, list):
            return tuple(found)
    return ()


def first_backend(draft: Draft, backends: Sequence[Backend]) -> str:
    """Return the key backend to begin with: the one answered before, else the one this machine knows most about."""
    if name := draft.answers.key.backend:
        return name
    others = tuple(f"{each.name}_" for each in backends)
    return next((each.name for each in backends if _is_told(each, draft.machine, others)), backends[0].name)


def _is_told(backend: Backend, machine: Machine, others: tuple[str, ...]) -> bool:
    """Say whether the machine tells that its user has such a key.

    A user's name, which can stand in a token, tells nothing; nor does what a token's secret could be taken from, since
    the backend it belongs to (`others` are their prefixes) is asked itself.
    """
    return any(name != "claims" and not name.startswith(others) for name in backend.prefill(machine))


def first_options(draft: Draft, backend: Backend) -> dict[str, Value]:
    """Return the answers a backend's questions begin with: what this machine tells, and over it what was answered."""
    return {**backend.prefill(draft.machine), **draft.answers.key.tables.get(backend.name, {})}


def key_origin(backend: Backend, options: Options) -> str:
    """Return where a backend's credential goes; empty while its address is missing or can't be read."""
    try:
        return backend.origin(options)
    except AddressError:
        return ""


def store_place(backend: str, options: Options) -> str:
    """Return in a sentence where a pasted key would be stored."""
    if backend == "keychain":
        return f"It goes into the keychain: service {options.get('service')}, account {options.get('account')}."
    return f"It goes into {options.get('file')}, as {options.get('variable')}."


def with_key(draft: Draft, backend: Backend, options: Options, refresh_seconds: int | None) -> Draft:
    """Return the draft with the key answered, and where its credential goes confirmed: going on says yes to it."""
    key = replace(draft.answers.key.with_options(backend.name, options), refresh_seconds=refresh_seconds)
    return draft.answered(replace(draft.answers, key=key)).confirming(key_origin(backend, options))


def message_model(draft: Draft) -> str:
    """Return the model for the one real message: a small one where the gateway has one."""
    models = draft.trial_now.models if draft.trial_now else ()
    claude = [each for each in models if "claude" in each.lower()] or list(models)
    cheap = [each for each in claude if any(word in each.lower() for word in _CHEAP)]
    return next(iter(cheap or claude), "")


def may_send_message(draft: Draft) -> bool:
    """Say whether the one real message can be sent: the gateway took the key, and has a model for it."""
    verdicts = draft.trial_now.verdicts if draft.trial_now else ()
    accepted = any(each.id == "key.accepted" and each.status in ("pass", "warn") for each in verdicts)
    return accepted and bool(message_model(draft)) and may_send_key(draft)


def wanted_models(machine: Machine, gateway: Gateway, services: Services) -> dict[str, str]:
    """Return what Claude Code asks for without pins, by tier."""
    version = machine.claude.version if machine.claude else None
    asked = services.wanted_models(version, gateway.route, gateway.aws_region)
    return {"opus": asked["opus"], "sonnet": asked["sonnet"], "haiku": asked["haiku"]}


def first_pins(draft: Draft, wanted: Mapping[str, str]) -> dict[str, str]:
    """Return the pins answered before; at first, what Claude Code would ask for, where the gateway has it."""
    answered = draft.answers.models
    if answered != Models() or draft.saved is not None:
        return {tier: getattr(answered, tier) for tier in TIERS}
    models = draft.trial_now.models if draft.trial_now else ()
    return {tier: _suggestion(tier, wanted[tier], models) for tier in TIERS}


def _suggestion(tier: str, wanted: str, models: tuple[str, ...]) -> str:
    if wanted in models:
        return wanted
    alike = [each for each in models if tier in each.lower()]
    return alike[0] if len(alike) == 1 else ""


def matching(models: tuple[str, ...], text: str) -> tuple[str, ...]:
    """Return the models that hold every word of a text."""
    words = text.lower().split()
    return tuple(each for each in models if all(word in each.lower() for word in words)) if words else models

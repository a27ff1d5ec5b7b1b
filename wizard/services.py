"""What a face asks of the core: one frozen set of callables, so that the demo, tests and pictures bring their own."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from wizard.record import dataclass

if TYPE_CHECKING:
    from wizard.answers import Answers, Gateway, Route
    from wizard.apply.confirmed import Confirmed
    from wizard.apply.plan import Choices, Plan
    from wizard.apply.transaction import Receipt, Stage
    from wizard.apply.undo import Undone
    from wizard.keys.backend import Backend, Options, Report
    from wizard.keys.vault_browse import Browser
    from wizard.machine.claude_code import Tier
    from wizard.machine.model import Machine
    from wizard.secret import Secret
    from wizard.trial import Trial
    from wizard.verdict import Verdict

Rows = tuple[tuple[str, str], ...]
"""Id and label of the checks that will be reported, in order."""


class MakePlan(Protocol):
    """`wizard.apply.plan.make_plan`."""

    def __call__(
        self, answers: Answers, machine: Machine, *, life_seconds: int | None = None, choices: Choices
    ) -> Plan:
        """Return the plan. It reads files: called in a thread."""


class CarryOut(Protocol):
    """`wizard.apply.transaction.carry_out`."""

    def __call__(
        self,
        plan: Plan,
        machine: Machine,
        *,
        replace: Collection[Path] | Literal["all"],
        progress: Callable[[Stage], None],
    ) -> Receipt:
        """Write. It is called in a thread, and so is `progress` by it."""


class Prove(Protocol):
    """`wizard.prove.prove`."""

    def __call__(
        self, answers: Answers, machine: Machine, report: Report, *, ask_claude: bool
    ) -> Coroutine[Any, Any, tuple[Verdict, ...]]:
        """Prove what is on disk."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)  # made before the first frame, compared nowhere
class Services:
    """The ports of a face; each has the signature of the core's function of that name."""

    warm: Callable[[], None]
    """Imports what the core needs later; called once, in a daemon thread, after the first frame."""
    survey: Callable[[Machine], Machine]
    """Looks at the whole machine after the first glance; called once, in a daemon thread."""
    with_claude_version: Callable[[Machine], Coroutine[Any, Any, Machine]]
    health_rows: Callable[[], Rows]
    check_gateway: Callable[[Gateway, Machine, Report], Coroutine[Any, Any, tuple[Verdict, ...]]]
    backends: Callable[[], tuple[Backend, ...]]
    plan_store: Callable[[str, Options, Secret, Machine], Confirmed]
    """Returns the write that stores a pasted key; may ask the keychain: called in a thread."""
    plan_private: Callable[[Path, Machine], Confirmed]
    """Returns the write that lets only its owner read a file; looks at it: called in a thread."""
    vault_browser: Callable[[Options, Machine], Browser]
    """Makes what looks around in Vault; the user has confirmed the origin before it is asked anything."""
    trial_rows: Callable[[Answers], Rows]
    try_key: Callable[[Answers, Machine, Collection[str], Report], Coroutine[Any, Any, Trial]]
    send_one_message: Callable[[Answers, Machine, Collection[str], str], Coroutine[Any, Any, Verdict]]
    wanted_models: Callable[[str | None, Route, str], Mapping[Tier, str]]
    make_plan: MakePlan
    carry_out: CarryOut
    suspended: Callable[[Machine], str]
    """Says in one sentence that the set-up is switched off, "" when it is not; reads files: called in a thread."""
    undo: Callable[[Machine, int], Undone]
    """Takes back the write with this number; called in a thread."""
    proof_rows: Callable[[Answers, Machine], Rows]
    prove: Prove
    occasion: str = ""
    """What the run is about, where its answers do not tell: the demo. It has nothing to lose."""
    greeting: str = ""
    """What the first question says instead of its own lead."""
    what_next: str = ""
    """What is to be done after the write, instead of going to work."""


_LATE = (
    "hvac",
    "wizard.gateway.health",
    "wizard.trial",
    "wizard.apply.transaction",
    "wizard.prove",
)


def _warm() -> None:
    from wizard.keys.backend import backends

    for name in _LATE:
        importlib.import_module(name)
    backends()


def _survey(machine: Machine) -> Machine:
    from wizard.machine.programs import wanted_programs
    from wizard.machine.survey import survey

    return survey(machine.env, programs=wanted_programs())  # all at once: no folder of PATH may hold the screens up


async def _with_claude_version(machine: Machine) -> Machine:
    from wizard.machine.survey import with_claude_version

    return await with_claude_version(machine)


def _health_rows() -> Rows:
    from wizard.gateway.health import ROWS

    return ROWS


async def _check_gateway(gateway: Gateway, machine: Machine, report: Report) -> tuple[Verdict, ...]:
    from wizard.gateway.health import check_gateway

    return await check_gateway(gateway, machine, report)


def _backends() -> tuple[Backend, ...]:
    from wizard.keys.backend import backends

    return backends()


def _plan_store(backend: str, options: Options, key: Secret, machine: Machine) -> Confirmed:
    from wizard.apply.store import plan_store

    return plan_store(backend, options, key, machine)


def _plan_private(path: Path, machine: Machine) -> Confirmed:
    from wizard.apply.private_mode import plan_private

    return plan_private(path, machine)


def _vault_browser(options: Options, machine: Machine) -> Browser:
    from wizard.keys.vault_browse import Browser

    return Browser(options, machine)


def _trial_rows(answers: Answers) -> Rows:
    from wizard.trial import rows

    return rows(answers)


async def _try_key(answers: Answers, machine: Machine, confirmed: Collection[str], report: Report) -> Trial:
    from wizard.trial import try_key

    return await try_key(answers, machine, confirmed, report)


async def _send_one_message(answers: Answers, machine: Machine, confirmed: Collection[str], model: str) -> Verdict:
    from wizard.trial import send_one_message

    return await send_one_message(answers, machine, confirmed, model)


def _wanted_models(version: str | None, route: Route, region: str) -> Mapping[Tier, str]:
    from wizard.machine.claude_code import wanted_models

    return wanted_models(version, route, region)


def _make_plan(answers: Answers, machine: Machine, *, life_seconds: int | None = None, choices: Choices) -> Plan:
    from wizard.apply.plan import make_plan

    return make_plan(answers, machine, life_seconds=life_seconds, choices=choices)


def _carry_out(
    plan: Plan,
    machine: Machine,
    *,
    replace: Collection[Path] | Literal["all"],
    progress: Callable[[Stage], None],
) -> Receipt:
    from wizard.apply.transaction import carry_out

    return carry_out(plan, machine, replace=replace, progress=progress)


def _suspended(machine: Machine) -> str:
    from wizard.apply.suspend import SENTENCE, is_off

    return SENTENCE if is_off(machine) else ""


def _undo(machine: Machine, number: int) -> Undone:
    from wizard.apply.undo import undo_last

    return undo_last(machine, number=number)


def _proof_rows(answers: Answers, machine: Machine) -> Rows:
    from wizard.prove import rows

    return rows(answers, machine)


async def _prove(answers: Answers, machine: Machine, report: Report, *, ask_claude: bool) -> tuple[Verdict, ...]:
    from wizard.prove import prove

    return await prove(answers, machine, report, ask_claude=ask_claude)


REAL = Services(
    warm=_warm,
    survey=_survey,
    with_claude_version=_with_claude_version,
    health_rows=_health_rows,
    check_gateway=_check_gateway,
    backends=_backends,
    plan_store=_plan_store,
    plan_private=_plan_private,
    vault_browser=_vault_browser,
    trial_rows=_trial_rows,
    try_key=_try_key,
    send_one_message=_send_one_message,
    wanted_models=_wanted_models,
    make_plan=_make_plan,
    carry_out=_carry_out,
    suspended=_suspended,
    undo=_undo,
    proof_rows=_proof_rows,
    prove=_prove,
)
"""The real core, imported when it is first needed."""

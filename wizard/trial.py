"""The key test: the very helper to be installed, run as Claude Code runs it, and the gateway's word on its key."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from wizard.answers import Answers
from wizard.gateway import calls
from wizard.gateway.token_claims import claims_of, preview
from wizard.helper_run import CATALOGUE as HELPER_CATALOGUE
from wizard.helper_run import SLOW_HELPER, HelperRun, run_helper
from wizard.keys.backend import Backend, NoProgramError, Report, backend
from wizard.lifetime import CATALOGUE as LIFE_CATALOGUE
from wizard.lifetime import CHECK as LIFE_CHECK
from wizard.lifetime import Life, judge_life, lives_of, shortest
from wizard.machine.model import Machine
from wizard.record import dataclass, replace
from wizard.secret import Secret
from wizard.verdict import Kind, Verdict, judge

RUNS: Final = 3
"""Runs of the helper that tell how long one waits for it: two are the test itself."""

BARE_PATH: Final = "/usr/bin:/bin"

CATALOGUE: Final[Mapping[str, Kind]] = {
    **HELPER_CATALOGUE,
    "bare-ok": Kind("pass", "It works without your shell, as in an IDE."),
    "bare-shell-only": Kind(
        "warn",
        "It works only with your shell's {variables}: {reason}",
        "An IDE or a desktop start has none of that. {remedy}",
    ),
    "bare-failed": Kind(
        "warn",
        "Without your shell's environment it fails: {reason}",
        "Start Claude Code from a terminal, or keep what the helper needs in a file.",
    ),
    "shape-ok": Kind("pass", "One line, {hint}."),
    "shape-jwt": Kind("pass", "A JWT: {preview}."),
    "wait-known": Kind("pass", "A start waits {wait}; a refresh doesn't."),
    **LIFE_CATALOGUE,
    "not-tried": Kind("skip", "Not tried: {reason}", "{fix}"),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """What the key test found: verdicts, the models the key may use, and how long a fresh key lives, if known.

    `clock` is by how many seconds the gateway's differs from ours; None where that says nothing of the key.
    """

    verdicts: tuple[Verdict, ...]
    models: tuple[str, ...] = ()
    life: Life | None = None
    clock: int | None = None

    @property
    def life_seconds(self) -> int | None:
        """How long a fresh key lives, in seconds; None when nothing tells."""
        return self.life.seconds if self.life else None

    def refreshed_as(self, answers: Answers) -> Trial:
        """Return the same findings, judged for another refresh interval: nothing has to be run again for that."""
        judged = [
            judge_life(answers, self.life, self.clock) if each.id == LIFE_CHECK and each.status != "skip" else each
            for each in self.verdicts
        ]
        return replace(self, verdicts=tuple(judged))


def rows(answers: Answers) -> tuple[tuple[str, str], ...]:
    """Return id and label of the verdicts that `try_key` reports, in order."""
    source = backend(answers.key.backend)
    return (
        *source.examinations(answers.key.options),
        ("key.helper", "helper"),
        ("key.bare", "helper alone"),
        ("key.wait", "waiting"),
        ("key.shape", "shape"),
        ("key.accepted", "accepted"),
        ("key.owner", "whose key"),
        (LIFE_CHECK, "lifetime"),
    )


async def try_key(answers: Answers, machine: Machine, confirmed: Collection[str], report: Report) -> Trial:
    """Test the key: its source, three runs of the helper, the gateway's word. Reports each verdict as it is known.

    `confirmed` are the origins a credential may be sent to; what would need another one is "not tried". The key is held
    in memory while this runs and nowhere else.
    """
    trial = _Trial(answers, machine, frozenset(confirmed), report)
    await trial.run()
    return Trial(tuple(trial.verdicts), trial.models, trial.life, trial.clock)


async def send_one_message(answers: Answers, machine: Machine, confirmed: Collection[str], model: str) -> Verdict:
    """Send one tiny message with a fresh key. It may cost money: the caller has asked."""
    source = backend(answers.key.backend)
    reason = _unconfirmed(source, answers, confirmed)
    if reason:
        return _skipped("key.message", reason)
    try:
        ran = await run_helper(answers, machine, machine.env)
    except NoProgramError as error:
        return _not_startable("key.message", error)
    if ran.key is None:
        return judge(CATALOGUE, "key.message", ran.problem, **ran.facts)
    return await calls.send_message(answers.gateway, machine, ran.key, frozenset(confirmed), model)


class _Trial:
    """One key test under way."""

    def __init__(self, answers: Answers, machine: Machine, confirmed: frozenset[str], report: Report) -> None:
        self.answers = answers
        self.machine = machine
        self.confirmed = confirmed
        self.report = report
        self.source = backend(answers.key.backend)
        self.verdicts: list[Verdict] = []
        self.models: tuple[str, ...] = ()
        self.waits: list[float] = []
        self.life: Life | None = None
        self.clock: int | None = None

    async def run(self) -> None:
        if reason := _unconfirmed(self.source, self.answers, self.confirmed, gateway=False):
            self.skip_rest(reason, "Confirm that address first.")
            return
        await self.source.examine(self.answers.key.options, self.machine, self.say)
        if any(each.status == "fail" for each in self.verdicts):
            self.skip_rest("the source of the key has to answer first.")
            return
        key = await self.helper()
        if key is None:
            self.skip_rest("there is no key to try.")
            return
        expires = await self.gateway(key)
        self.say(self.lifetime(key, expires))

    def say(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)
        self.report(verdict)

    def skip_rest(self, reason: str, fix: str = "") -> None:
        known = {each.id for each in self.verdicts}
        for check, _ in rows(self.answers):
            if check not in known:
                self.say(_skipped(check, reason, fix))

    async def helper(self) -> Secret | None:
        try:
            ran = await run_helper(self.answers, self.machine, self.machine.env)
        except NoProgramError as error:
            self.say(_not_startable("key.helper", error))
            return None
        self.say(_helper_verdict(ran))
        if ran.key is None and ran.problem.startswith("helper"):
            return None
        self.waits.append(ran.seconds)
        self.say(await self.bare())
        self.say(await self.wait())
        self.say(_shape_verdict(ran))
        return ran.key

    async def bare(self) -> Verdict:
        alone = {"HOME": str(self.machine.home), "PATH": BARE_PATH}
        ran = await run_helper(self.answers, self.machine, alone)
        if ran.key is not None or ran.problem.startswith("shape"):
            self.waits.append(ran.seconds)
            return judge(CATALOGUE, "key.bare", "bare-ok", ms=ran.seconds * 1000, seconds=_seconds(ran.seconds))
        reason = str(ran.facts.get("reason") or "it did not end in time.")
        needs = self.source.shell_needs(self.answers.key.options, self.machine)
        if not needs:
            return judge(CATALOGUE, "key.bare", "bare-failed", ms=ran.seconds * 1000, reason=reason)
        names = " and ".join(needs)
        remedy = f"Start it from a terminal, or keep what {names} holds in a file."
        facts = {"variables": names, "reason": reason, "remedy": remedy}
        return judge(CATALOGUE, "key.bare", "bare-shell-only", ms=ran.seconds * 1000, **facts)

    async def wait(self) -> Verdict:
        """Say what Claude Code's sessions will feel of the helper, by three runs of it."""
        while len(self.waits) < RUNS:
            ran = await run_helper(self.answers, self.machine, self.machine.env)
            if ran.key is None and ran.problem.startswith("helper"):
                return judge(CATALOGUE, "key.wait", ran.problem, ms=ran.seconds * 1000, **ran.facts)
            self.waits.append(ran.seconds)
        middle = sorted(self.waits)[RUNS // 2]
        facts = {"wait": _seconds(middle), "runs_ms": [round(each * 1000) for each in self.waits]}
        return judge(CATALOGUE, "key.wait", "wait-known", ms=middle * 1000, **facts)

    async def gateway(self, key: Secret) -> int | None:
        """Ask the gateway about the key; return the seconds it still lives, if the gateway says so."""
        if reason := _unconfirmed(self.source, self.answers, self.confirmed):
            for check in ("key.accepted", "key.owner"):
                self.say(_skipped(check, reason))
            return None
        to = (self.answers.gateway, self.machine, key, self.confirmed)
        accepted, self.models = await calls.accepts(*to)
        self.say(accepted)
        told = accepted.facts.get("clock_difference_seconds")
        self.clock = told if isinstance(told, int) else None
        if accepted.status == "fail":
            self.say(_skipped("key.owner", "the gateway has to accept the key first."))
            return None
        owner, info = await calls.key_info(*to)
        self.say(owner)
        return info.expires_in if info else None

    def lifetime(self, key: Secret, expires: int | None) -> Verdict:
        of_backend = self.source.life_seconds(self.answers.key.options)
        self.life = shortest(lives_of(key, of_backend, expires, self.verdicts))
        if claims_of(key) is None:
            self.clock = None
        return judge_life(self.answers, self.life, self.clock)


def _helper_verdict(ran: HelperRun) -> Verdict:
    ms = ran.seconds * 1000
    if ran.problem.startswith("helper"):
        return judge(CATALOGUE, "key.helper", ran.problem, ms=ms, **ran.facts)
    name = "helper-slow" if ran.seconds > SLOW_HELPER else "ok"
    return judge(CATALOGUE, "key.helper", name, ms=ms, seconds=_seconds(ran.seconds))


def _shape_verdict(ran: HelperRun) -> Verdict:
    if ran.key is None:
        return judge(CATALOGUE, "key.shape", ran.problem, **ran.facts)
    if token := claims_of(ran.key):
        facts: dict[str, Any] = {"hint": ran.key.hint(), "header": token.header, "claims": token.claims}
        return judge(CATALOGUE, "key.shape", "shape-jwt", preview=preview(token), **facts)
    return judge(CATALOGUE, "key.shape", "shape-ok", hint=ran.key.hint())


def _not_startable(check: str, error: NoProgramError) -> Verdict:
    return judge(CATALOGUE, check, "no-program", reason=str(error), fix="Install it, then run the test again.")


def _skipped(check: str, reason: str, fix: str = "") -> Verdict:
    return judge(CATALOGUE, check, "not-tried", reason=reason, fix=fix)


def _unconfirmed(source: Backend, answers: Answers, confirmed: Collection[str], *, gateway: bool = True) -> str:
    """Return why a credential may not be sent, empty when it may: an origin nobody confirmed, or a failed check."""
    own = source.origin(answers.key.options)
    if own and own not in confirmed:
        return f"you have not confirmed that credentials may go to {own}."
    if gateway and answers.gateway.address.origin not in confirmed:
        return f"no key goes to {answers.gateway.address.origin} before its health check passed and you confirmed it."
    return ""


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"

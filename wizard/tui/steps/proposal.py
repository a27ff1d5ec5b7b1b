"""What the review shows: a row for each file and each other matter, and what it all comes to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from textual.content import Content

from wizard.apply.plan import Change, Plan
from wizard.flow import Draft, Step
from wizard.machine.model import Leftover
from wizard.tui.widgets.diff_view import Row, counts, diff_rows
from wizard.tui.words import count
from wizard.verdict import Verdict

_TAG_WIDTH = 12
_MODE_WIDTH = 6
_COUNT_WIDTH = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: a file (`change`), or a matter that is told in text; `rows` are what is shown below the list."""

    title: str
    tag: str
    look: str = ""
    mode: str = ""
    counts: str = ""
    rows: tuple[Row, ...] = ()
    change: Change | None = None

    def line(self, width: int) -> Content:
        """Return the row for a list of this width."""
        room = max(16, width - 2 - _TAG_WIDTH - _MODE_WIDTH - _COUNT_WIDTH)
        title = Content(_shortened(self.title, room)).truncate(room, pad=True)
        return Content.assemble(
            title,
            "  ",
            (f"{self.tag:<{_TAG_WIDTH}}", self.look),
            (f"{self.mode:>{_MODE_WIDTH}}", "$text-muted"),
            (f"{self.counts:>{_COUNT_WIDTH}}", "$text-muted"),
        )

    def retagged(self, draft: Draft) -> Entry:
        """Return the entry with its tag as the present ticks make it."""
        if self.change is None:
            return self
        tag, look = _tag(self.change, draft)
        return replace(self, tag=tag, look=look)


def entries(plan: Plan | None, draft: Draft) -> tuple[Entry, ...]:
    """Return the rows of a plan: what stops it, what was overridden, the files, and what else is on this machine."""
    found = [*_warnings(draft)]
    if plan is None:
        return tuple(found)
    found = [*_sentences("stops the write", "$error", plan.blockers), *found]
    found += [_file(each, draft) for each in plan.changes]
    if plan.leftovers:
        found.append(_leftovers(plan.leftovers))
    if plan.notes:
        found.append(Entry("Good to know", "note", rows=_paragraphs(plan.notes)))
    return tuple(found)


def _sentences(tag: str, look: str, texts: Sequence[str]) -> Iterator[Entry]:
    for text in texts:
        yield Entry(text, f"✗ {tag}", look, rows=_paragraphs([text]))


def _warnings(draft: Draft) -> Iterator[Entry]:
    if Step.HEALTH in draft.overridden:
        text = "You go on although the server failed these checks. No key was sent there: nothing shows that it works."
        yield Entry("Server not healthy", "! overridden", "$warning", rows=_overridden(text, draft.health_now or ()))
    if Step.TEST in draft.overridden:
        text = "You go on although the key did not work."
        verdicts = draft.trial_now.verdicts if draft.trial_now else ()
        yield Entry("Key does not work", "! overridden", "$warning", rows=_overridden(text, verdicts))


def _overridden(text: str, verdicts: Sequence[Verdict]) -> tuple[Row, ...]:
    bad = [each for each in verdicts if each.status == "fail"]
    return _paragraphs([text, *(f"✗ {each.cause} {each.fix}" for each in bad)])


def _file(change: Change, draft: Draft) -> Entry:
    title = draft.machine.short(change.path)
    tag, look = _tag(change, draft)
    diff = change.diff(title)
    come, go = counts(diff)
    parts = [f"+{come}" if come else "", f"−{go}" if go else ""]
    numbers = " ".join(each for each in parts if each)
    return Entry(title, tag, look, f"{change.mode:04o}", numbers, _file_rows(change, diff), change)


def _tag(change: Change, draft: Draft) -> tuple[str, str]:
    if not change.conflict or change.is_noop:
        return change.state, "$text-muted" if change.is_noop else ""
    if str(change.path) in draft.replacements:
        return "✓ replaced", "$primary"
    return "! yours", "$warning"


def _file_rows(change: Change, diff: str) -> tuple[Row, ...]:
    parts: list[Content] = []
    if change.conflict:
        parts.append(Content.assemble(("! ", "$warning"), change.conflict))
    if change.before_mode is not None and change.before_mode != change.mode:
        parts.append(Content(f"Mode {change.before_mode:04o} becomes {change.mode:04o}."))
    parts += [Content(each).stylize("$text-muted") for each in change.notes]
    if change.is_noop:
        parts.append(Content("It is already as it will be.").stylize("$text-muted"))
    return (*((each, 0) for each in parts), *diff_rows(diff))


def _leftovers(leftovers: Sequence[Leftover]) -> Entry:
    rows: list[Row] = []
    for each in leftovers:
        rows.append((Content.assemble((f"{each.where}  ", "bold"), f"{each.name}={each.value}"), 2))
        rows.append((Content(f"  {each.effect}"), 2))
        rows.append((Content.assemble(("  → ", "$primary"), each.remedy), 4))
    number = len(leftovers)
    title = "1 old setting here" if number == 1 else f"{number} old settings here"
    return Entry(title, "! found", "$warning", rows=tuple(rows))


def _paragraphs(texts: Sequence[str]) -> tuple[Row, ...]:
    return tuple((Content(each), 0) for each in texts)


def _shortened(path: str, room: int) -> str:
    """Return a path with its middle left out when it is too long: both ends tell more than the middle."""
    if len(path) <= room:
        return path
    tail = path[-(room * 2 // 3) :]
    return path[: room - len(tail) - 1] + "…" + tail


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan as it is shown, or the problem that kept it from being made."""

    plan: Plan | None = None
    problem: str = ""
    entries: tuple[Entry, ...] = ()

    def retagged(self, draft: Draft) -> Proposal:
        """Return the same with the tags as the present ticks make them."""
        return replace(self, entries=tuple(each.retagged(draft) for each in self.entries))

    def may_write(self, draft: Draft) -> bool:
        """Say whether nothing stands in the way of writing."""
        return self.plan is not None and not self.plan.blockers and not self._untouched(draft)

    def _untouched(self, draft: Draft) -> int:
        """Return how many conflicts have no tick yet."""
        conflicts = self.plan.conflicts if self.plan else ()
        return sum(str(each.path) not in draft.replacements for each in conflicts)

    def summary(self, draft: Draft) -> tuple[str, str]:
        """Return what it comes to in one line, and how that looks."""
        if self.plan is None or self.plan.blockers:
            return f"✗ Nothing can be written. {self.plan.blockers[0] if self.plan else self.problem}", "-bad"
        if self.plan.is_empty:
            return "✓ Every file is already as you want it. w proves that it works.", "-good"
        if waiting := self._untouched(draft):
            stand = "file of yours stands" if waiting == 1 else "files of yours stand"
            return f"! {waiting} {stand} in the way. Space lets it be replaced, e chooses another place.", "-mixed"
        return f"{_totals(self.plan)}. Nothing is written before you press w.", ""

    @property
    def promise(self) -> str:
        """What the button says."""
        if self.plan is None or self.plan.is_empty:
            return "Prove it"
        return f"Write {count(len(self.plan.pending), 'file')}"


def propose(plan: Plan | None, problem: str, draft: Draft) -> Proposal:
    """Lay a plan out; it compares whole files, so it is called in a thread."""
    return Proposal(plan, problem, entries(plan, draft))


def _totals(plan: Plan) -> str:
    states = [each.state for each in plan.pending]
    parts = [f"{states.count(state)} {state}" for state in ("new", "changed", "removed") if state in states]
    return f"{count(len(states), 'file')}: {', '.join(parts)}"

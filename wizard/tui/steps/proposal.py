"""What the review shows: a row for each file and each other matter, and what it all comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from textual.content import Content

from wizard.apply.change import Change, Migration, Plan, Way
from wizard.flow import Draft
from wizard.machine.model import Leftover
from wizard.record import dataclass, replace
from wizard.review import choose, may_write, other_leftovers, overridden, shown, toggle, totals, waiting, way_of
from wizard.tui.widgets.diff_view import Row, counts, diff_rows
from wizard.verdict import Verdict
from wizard.words import count

_TAG_WIDTH = 12
_MODE_WIDTH = 6
_COUNT_WIDTH = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: a file (`change`), something old (`migration`) or a matter told in text; `rows` stand below the list."""

    title: str
    tag: str
    look: str = ""
    mode: str = ""
    counts: str = ""
    rows: tuple[Row, ...] = ()
    change: Change | None = None
    migration: Migration | None = None

    @property
    def is_open_to_choice(self) -> bool:
        """Whether the user can choose what becomes of it."""
        change = self.change
        return self.migration is not None or bool(change and (change.conflict or change.way))

    def next_choice(self, draft: Draft) -> Draft:
        """Return the draft with the next choice for this row; after the last comes none again."""
        if self.migration is not None:
            return toggle(draft, self.migration)
        if self.change is None:
            return draft
        order: list[Way | None] = [None, *self.change.ways]
        now = draft.ways.get(str(self.change.path))
        following = order[(order.index(now) + 1) % len(order)] if now in order else None
        return choose(draft, self.change, following)

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
    changing = shown(plan)
    resting = [each for each in plan.changes if each not in changing]
    found += [_file(each, draft) for each in changing]
    found += [_migration(each, draft) for each in plan.migrations]
    if others := other_leftovers(plan):
        found.append(_leftovers(others))
    if plan.notes:
        found.append(Entry("Good to know", "note", rows=_paragraphs(plan.notes)))
    if resting:
        found.append(_resting(resting, draft))
    return tuple(found)


def _resting(changes: Sequence[Change], draft: Draft) -> Entry:
    """Return one row for all files that stay: what changes is what there is to look at."""
    title = "1 file stays as it is" if len(changes) == 1 else f"{len(changes)} files stay as they are"
    return Entry(
        title, "unchanged", "$text-muted", rows=_paragraphs([draft.machine.short(each.path) for each in changes])
    )


def _sentences(tag: str, look: str, texts: Sequence[str]) -> Iterator[Entry]:
    for text in texts:
        yield Entry(text, f"✗ {tag}", look, rows=_paragraphs([text]))


def _warnings(draft: Draft) -> Iterator[Entry]:
    for title, text, verdicts in overridden(draft):
        yield Entry(title, "! overridden", "$warning", rows=_overridden(text, verdicts))


def _overridden(text: str, verdicts: Sequence[Verdict]) -> tuple[Row, ...]:
    return _paragraphs([text, *(f"✗ {each.cause} {each.fix}" for each in verdicts)])


def _file(change: Change, draft: Draft) -> Entry:
    title = draft.machine.short(change.path)
    tag, look = _tag(change, draft)
    diff = change.diff(title)
    come, go = counts(diff)
    parts = [f"+{come}" if come else "", f"−{go}" if go else ""]
    numbers = " ".join(each for each in parts if each)
    return Entry(title, tag, look, f"{change.mode:04o}", numbers, _file_rows(change, diff, draft), change)


def _tag(change: Change, draft: Draft) -> tuple[str, str]:
    if change.way in ("keep", "merge"):
        return _CHOSEN[change.way], "$primary"
    if not change.is_conflict:
        return change.state, "$text-muted" if change.is_noop else ""
    if way_of(change, draft) == "replace":
        return _CHOSEN["replace"], "$primary"
    return ("! edited" if change.drift else "! yours"), "$warning"


_CHOSEN: Final[Mapping[Way, str]] = {"keep": "✓ kept", "merge": "✓ merged", "replace": "✓ replaced"}


def _ways(change: Change, draft: Draft) -> Iterator[Content]:
    chosen = change.way or way_of(change, draft)
    for way, text in change.ways.items():
        mark = ("● ", "$primary") if way == chosen else ("○ ", "$text-muted")
        yield Content.assemble("  ", mark, (f"{way:<9}", "bold"), text)


def _file_rows(change: Change, diff: str, draft: Draft) -> tuple[Row, ...]:
    parts: list[Content] = []
    rows: list[Row] = []
    if change.conflict:
        parts.append(Content.assemble(("! ", "$warning"), change.conflict))
    if change.conflict or change.way:
        parts += _ways(change, draft)
    if change.drift and (since := change.drift.diff("")):
        rows.append((Content("As the wizard wrote it, and as it is now").stylize("bold"), 0))
        rows += diff_rows(since)
        if diff:
            rows.append((Content("As it is now, and as it will be").stylize("bold"), 0))
    if change.before_mode is not None and change.before_mode != change.mode:
        parts.append(Content(f"Mode {change.before_mode:04o} becomes {change.mode:04o}."))
    parts += [Content(each).stylize("$text-muted") for each in change.notes]
    if change.is_noop and not change.is_conflict:
        parts.append(Content("It is already as it will be.").stylize("$text-muted"))
    return (*((each, 0) for each in parts), *rows, *diff_rows(diff))


def _migration(migration: Migration, draft: Draft) -> Entry:
    chosen = migration.name in draft.migrations
    names = ", ".join(dict.fromkeys(each.name for each in migration.leftovers if each.name not in migration.name))
    rows: list[Row] = []
    for each in migration.leftovers:
        rows.append((Content.assemble((each.name, "bold"), f"={each.value}"), 2))
        rows.append((Content(f"  Today: {each.effect}"), 4))
        rows.append((Content(f"  Left alone: {each.remedy}"), 4))
    mark = ("● ", "$primary") if chosen else ("○ ", "$text-muted")
    rows.append((Content.assemble("  ", mark, ("Take it out of force. ", "bold"), migration.text), 4))
    tag, look = ("✓ goes", "$primary") if chosen else ("○ old", "$warning")
    return Entry(f"{names} {migration.name}".lstrip(), tag, look, rows=tuple(rows), migration=migration)


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
        return may_write(self.plan, draft)

    def summary(self, draft: Draft) -> tuple[str, str]:
        """Return what it comes to in one line, and how that looks."""
        if self.plan is None or self.plan.blockers:
            return f"✗ Nothing can be written. {self.plan.blockers[0] if self.plan else self.problem}", "-bad"
        if number := len(waiting(self.plan, draft)):
            stand = "file of yours waits" if number == 1 else "files of yours wait"
            return f"! {number} {stand} for your word. Space chooses what becomes of it.", "-mixed"
        if self.plan.is_empty:
            return "✓ Every file is already as you want it. w proves that it works.", "-good"
        return f"{totals(self.plan)}. Nothing is written before you press w.", ""

    @property
    def promise(self) -> str:
        """What the button says."""
        if self.plan is None or self.plan.is_empty:
            return "Prove it"
        return f"Write {count(len(self.plan.pending), 'file')}"


def propose(plan: Plan | None, problem: str, draft: Draft) -> Proposal:
    """Lay a plan out; it compares whole files, so it is called in a thread."""
    return Proposal(plan, problem, entries(plan, draft))

"""Declared fields as questions, one at a time, each judged as it is answered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from wizard.fields import Field, Problem, Value, read_table
from wizard.plain.console import Back, Console, Offered
from wizard.record import dataclass
from wizard.typed import as_line

_YES_NO: Final = {"true": "yes", "false": "no"}
_FLAGS: Final = {"yes": "true", "y": "true", "no": "false", "n": "false"}


@dataclass(frozen=True, slots=True)
class Offer:
    """A word that does something at a question, instead of answering it.

    `hint` says so ahead of the questions, `text` in their explanations. `do` returns the names of the questions it
    answered, and `at` names those that have it; () stands for every one.
    """

    word: str
    hint: str
    text: str
    do: Callable[[Form], Collection[str]]
    at: tuple[str, ...] = ()


NO_OFFER: Final = Offer("", "", "", lambda _: ())


class Form:
    """The questions of some fields: those that decide come one by one, the rest behind one question for more."""

    def __init__(
        self,
        console: Console,
        fields: Sequence[Field],
        prefix: str,
        given: Mapping[str, object],
        offer: Offer = NO_OFFER,
    ) -> None:
        self.console = console
        self.fields = tuple(fields)
        self.prefix = prefix
        self.offer = offer
        self.given: dict[str, object] = {name: value for name, value in given.items() if value not in (None, "", {})}

    def ask(self) -> dict[str, Value]:
        """Ask, and return the values. Raises Back when the first question is left that way."""
        self._walk([each for each in self.fields if each.required or each.kind == "choice"])
        rest = [each for each in self.fields if not (each.required or each.kind == "choice") and self._matters(each)]
        if rest and self._wants_more(rest):
            self._walk(rest)
        return self.read()[0]

    def ask_all(self) -> dict[str, Value]:
        """Ask for every field, and return the values."""
        self._walk(self.fields)
        return self.read()[0]

    def ask_only(self, names: Collection[str]) -> None:
        """Ask for the fields of these names."""
        self._walk([each for each in self.fields if each.name in names])

    def fill(self, values: Mapping[str, object]) -> tuple[str, ...]:
        """Answer questions by what was found elsewhere, and return their names; say what a field can't take."""
        taken = []
        for name, found in values.items():
            value = self._field(name).read(found)
            if isinstance(value, Problem):
                self.console.wrong(f"{name}: {value.text}")
            else:
                self.given[name] = value
                taken.append(name)
        return tuple(taken)

    def settle(self, check: Callable[[], Sequence[Problem]]) -> dict[str, Value]:
        """Ask again for what is wrong until the check finds nothing, and return the values."""
        before: tuple[Problem, ...] = ()
        while problems := tuple(check()):
            self._mend(problems, leave=problems == before)
            before = problems
        return self.read()[0]

    def _mend(self, problems: Sequence[Problem], *, leave: bool) -> None:
        """Say what is wrong, and ask for these fields again."""
        for problem in problems:
            self.console.wrong(f"{problem.field.rpartition('.')[2]}: {problem.text}")
        names = {each.field.rpartition(".")[2] for each in problems}
        if leave:  # an address that stays as it is is mended by that
            names |= {f"{each.removesuffix('address')}allow_http" for each in names if each.endswith("address")}
        self.ask_only(names)

    def read(self) -> tuple[dict[str, Value], tuple[Problem, ...]]:
        """Read every value by its field; what does not matter is not answered."""
        given = {each.name: self.given[each.name] for each in self.fields if each.name in self.given}
        shown = {name: value for name, value in given.items() if self._matters(self._field(name))}
        return read_table(self.fields, shown, self.prefix)

    def _field(self, name: str) -> Field:
        return next(each for each in self.fields if each.name == name)

    def _matters(self, field: Field) -> bool:
        values, _ = read_table(self.fields, self.given, "")
        return field.shown_when is None or field.shown_when(values)

    def _wants_more(self, rest: Sequence[Field]) -> bool:
        labels = ", ".join(each.label for each in rest)
        is_set = [each for each in rest if each.name in self.given]
        self.console.say(f"There is more to say, if you were told so: {labels}.")
        for each in is_set:
            self.console.say(f"  {each.label} is {_shown(each, self.given[each.name])}")
        explanation = "\n".join(f"{each.label}: {each.help}" for each in rest)
        offer = self._offer_at("")
        while True:
            try:
                return self.console.confirm(
                    "Answer these too?", explanation=f"{explanation}\n{offer.text}".rstrip(), offer=offer.word
                )
            except Offered:
                offer.do(self)

    def _offer_at(self, name: str) -> Offer:
        """Return what a question offers beside an answer; the one for more has no name."""
        return self.offer if not self.offer.at or name in self.offer.at else NO_OFFER

    def _walk(self, fields: Sequence[Field]) -> None:
        """Ask for each field that matters; `back` leads to the one asked before."""
        asked: list[int] = []
        place = 0
        while place < len(fields):
            if not self._matters(fields[place]):
                place += 1
                continue
            try:
                answered = self._ask_one(fields[place])
            except Back:
                if not asked:
                    raise
                place = asked.pop()
                continue
            asked.append(place)
            place += 1
            while place < len(fields) and fields[place].name in answered:
                asked.append(place)
                place += 1

    def _ask_one(self, field: Field) -> Collection[str]:
        """Ask for a field, and return the names of all that an offer answered instead."""
        help_text = f"{field.help} For example {field.example}." if field.example else field.help
        offer = self._offer_at(field.name)
        help_text = f"{help_text} {offer.text}".rstrip()
        hint = f" ({', '.join(field.choices)})" if field.kind in ("choice", "list") and field.choices else ""
        hint = " (yes, no)" if field.kind == "flag" else hint
        while True:
            default = self.given.get(field.name, _implied(self.fields, self.given, field))
            try:
                said = self.console.ask(f"{field.label}{hint}", _shown(field, default), help_text, offer.word)
            except Offered:
                if field.name in (answered := offer.do(self)):
                    return answered
                continue
            if not said:
                self.given.pop(field.name, None)
                if not field.required:
                    return ()
                self.console.wrong("It is missing. Fill it in.")
                continue
            text = _FLAGS.get(said.strip().lower(), said) if field.kind == "flag" else said
            value = field.read(text)
            if not isinstance(value, Problem):
                self.given[field.name] = value
                return ()
            self.console.wrong(value.text)


def _implied(fields: Sequence[Field], given: Mapping[str, object], field: Field) -> object:
    values, _ = read_table(tuple(fields), given, "")
    return values.get(field.name, field.default)


def _shown(field: Field, value: object) -> str:
    line = as_line(value)
    return _YES_NO.get(line.lower(), line) if field.kind == "flag" else line

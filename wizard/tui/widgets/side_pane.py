"""What the thing in focus is: beside the content on a wide terminal, in two lines below it on a narrow one."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from wizard.fields import Field
from wizard.record import dataclass
from wizard.tui.widgets.still import Still


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Explanation:
    """A heading, what it is, and further lines such as an example. `narrow` says whether small terminals show it.

    `field` is the declared field that is explained, if it is one, and `prefix` the table it stands in.
    """

    title: str
    text: str
    example: str = ""
    narrow: bool = True
    field: Field | None = None
    prefix: str = ""

    def details(self) -> Content:
        """Return what is to be said beyond heading and text: example, where to find it, what becomes of it."""
        parts = [("Like", self.example)]
        if self.field is not None:
            from wizard.field_help import help_of  # only who looks closer reads it

            told = help_of(self.field, self.prefix)
            parts = [("Like", told.example), ("Where to find it", told.found), ("What it becomes", told.becomes)]
            parts.append(("Left empty", told.default))
        shown = (Content.assemble((f"{head}\n", "$text-muted"), text) for head, text in parts if text)
        return Content("\n\n").join(shown)


def explain(field: Field, prefix: str) -> Explanation:
    """Return what a declared field says about itself."""
    return Explanation(field.label, field.help, field=field, prefix=prefix)


def explained(widget: Widget) -> Explanation | None:
    """Return what the field that a widget is part of says about itself, none for what is no declared field."""
    found = (getattr(each, "explanation", None) for each in widget.ancestors_with_self)
    return next((each for each in found if isinstance(each, Explanation)), None)


class SidePane(Still):
    """Shows one Explanation; a narrow terminal shows its text alone."""

    def __init__(self) -> None:
        super().__init__()
        self.explanation: Explanation | None = None

    def tell(self, explanation: Explanation) -> None:
        """Show another one."""
        if explanation == self.explanation:
            return
        self.explanation = explanation
        self.set_class(not explanation.narrow, "-quiet")
        self.refresh()

    def render(self) -> Content:
        """Return the explanation, an empty line between its parts."""
        shown = self.explanation
        if shown is None:
            return Content("")
        text = Content(shown.text)
        if self.screen.has_class("-narrow"):
            return _in_two_lines(text, self.size.width)
        parts = (Content.styled(shown.title, "bold $primary"), text, shown.details())
        return Content("\n\n").join(part for part in parts if part)


def _in_two_lines(text: Content, width: int) -> Content:
    """Return as much of a text as fits, and say where the rest is."""
    lines = text.wrap(width)
    if len(lines) <= 2:
        return text
    more = " … F1 says more"
    return Content.assemble(lines[0], "\n", lines[1].truncate(width - len(more)), (more, "$text-muted"))

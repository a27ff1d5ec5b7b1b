"""What the thing in focus is: beside the content on a wide terminal, in two lines below it on a narrow one."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from wizard.fields import Field
from wizard.record import dataclass


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Explanation:
    """A heading, what it is, and further lines such as an example. `narrow` says whether small terminals show it."""

    title: str
    text: str
    example: str = ""
    more: str = ""
    narrow: bool = True


def explain(field: Field) -> Explanation:
    """Return what a declared field says about itself."""
    default = "" if field.default in (None, "", False) else f"Left empty: {_shown(field.default)}."
    return Explanation(field.label, field.help, field.example, default)


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


class SidePane(Widget):
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
            return text
        example = Content.assemble(("Like  ", "$text-muted"), shown.example) if shown.example else Content("")
        parts = (Content.styled(shown.title, "bold $primary"), text, example, Content.styled(shown.more, "$text-muted"))
        return Content("\n\n").join(part for part in parts if part)

"""The styles of all but the first screen as it is first seen: parsing them is a thirtieth of a first frame."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from textual.app import App

LATER: Final = Path(__file__).absolute().with_name("later.tcss")


def read_later_styles(app: App[Any]) -> None:
    """Read them, once."""
    if not app.stylesheet.has_source(str(LATER)):
        app.stylesheet.read(LATER)
        app.stylesheet.parse()

"""`--demo [FAULT]`: the tour, with nothing installed and nothing touched."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from wizard.commands.shared import INTERRUPTED, OK, PROGRAM, USAGE, Stop

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from wizard.demo.faults import DemoFault
    from wizard.demo.tour import Tour
    from wizard.plain.console import Console

_HELP: Final = "help"


def run(arguments: argparse.Namespace) -> int:
    """Show the screens on the demo's own machine, or list what the demo can get wrong."""
    from wizard.commands.screens import console_here, why_no_screens

    name: str = arguments.demo
    if name == _HELP:
        print(_told())
        return OK
    fault = _fault(name)
    plain = arguments.plain or why_no_screens(os.environ, sys.stdin, sys.stdout)
    console = console_here(f"Run {PROGRAM} --demo in a terminal.") if plain else None
    from wizard.demo.farewell import farewell
    from wizard.demo.home import NoPlaceError
    from wizard.demo.tour import Tour

    try:
        tour = Tour(fault)
    except NoPlaceError as error:
        raise Stop(USAGE, str(error)) from None
    with tour:
        code = _take(tour, console, lambda _: farewell(tour))
    return OK if code == INTERRUPTED else code


def _take(tour: Tour, console: Console | None, last_words: Callable[[object], str]) -> int:
    """Take the tour on screens, or in lines."""
    if console is not None:
        from wizard.plain.run import run_plain

        return run_plain(tour.draft(), tour.services(), console, last_words=last_words)
    from wizard.tui.app import run_screens

    return run_screens(tour.draft(), tour.services(), last_words=last_words)


def _fault(name: str) -> DemoFault:
    """Return the fault of this name. Raises Stop."""
    from wizard.demo.faults import BY_NAME, NO_FAULT

    if not name:
        return NO_FAULT
    if name not in BY_NAME:
        raise Stop(USAGE, f"The demo knows no fault called {name}.\n{_told()}")
    return BY_NAME[name]


def _told() -> str:
    from wizard.demo.faults import told

    return f"{PROGRAM} --demo, and with one of these to see how it is diagnosed:\n{told()}"

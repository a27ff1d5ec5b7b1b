"""The command line: parses, hands over to a command or to the screens, and turns the end into an exit code."""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a text with an arrow must not end the command on an ASCII terminal
    words = sys.argv[1:] if argv is None else argv
    arguments = _for_the_screens(words) or _for_a_command(words)
    from wizard.commands.shared import CHECK_FAILED, INTERRUPTED, Stop

    try:
        return int(importlib.import_module(f"wizard.commands.{arguments.command}").run(arguments))
    except Stop as stop:
        print(stop, file=sys.stderr)
        return stop.code
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CHECK_FAILED
    except Exception as error:
        from wizard.crash import report_crash

        print(report_crash(error), file=sys.stderr)
        return CHECK_FAILED
    finally:
        gc.enable()


def _for_a_command(words: Sequence[str]) -> argparse.Namespace:
    """Return the arguments, and make this process one that no key can be read out of."""
    from wizard.commands.flags import parser
    from wizard.machine.memory import keep_private

    made = parser(words[0])
    arguments = made.parse_args(words)
    if arguments.demo is not None:
        if arguments.command != "screens":
            made.error("--demo goes without a command")
        if arguments.team is not None:
            made.error("--demo brings its own answers; leave --answers out")
        arguments.command = "demo"
    if arguments.command != "screens" and arguments.demo is None and (arguments.plain or arguments.team is not None):
        made.error("--plain and --answers stand alone here; apply and check take --answers after their name")
    keep_private()
    return arguments


def _for_the_screens(words: Sequence[str]) -> SimpleNamespace | None:
    """Return the arguments that stand for none or for the demo alone, None for others.

    Imports go without collections, which are a tenth of a first frame; the screens' App turns them on again once its
    first frame stands.
    """
    if words and (words[0] != "--demo" or len(words) > 2 or "".join(words[1:]).startswith("-")):
        return None
    gc.disable()
    if words:
        return SimpleNamespace(command="demo", demo="".join(words[1:]), plain=False)
    return SimpleNamespace(command="screens", plain=False, team=None)

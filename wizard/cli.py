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
    arguments = _for_a_command(words) if words else _for_the_screens()
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

    arguments = parser(words[0]).parse_args(words)
    keep_private()
    return arguments


def _for_the_screens() -> SimpleNamespace:
    """Return the arguments that stand for none, and import without collections, which are a tenth of a first frame.

    The screens' App turns collections on again once its first frame stands.
    """
    gc.disable()
    return SimpleNamespace(command="screens")

"""The command line: parses, hands over to a command or to the screens, and turns the end into an exit code."""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from wizard import __version__

if TYPE_CHECKING:
    import argparse

_EPILOG: Final = """\
exit codes: 0 fine, 1 a check failed, 2 usage or no terminal, 3 refused to write, 4 write failed and rolled back,
130 interrupted. Results go to stdout, everything else to stderr."""


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
    from wizard.machine.memory import keep_private

    arguments = _parser().parse_args(words)
    keep_private()
    return arguments


def _for_the_screens() -> SimpleNamespace:
    """Return the arguments that stand for none, and import without collections, which are a tenth of a first frame.

    The screens' App turns collections on again once its first frame stands.
    """
    gc.disable()
    return SimpleNamespace(command="screens")


def _parser() -> argparse.ArgumentParser:
    import argparse

    parser = argparse.ArgumentParser(
        prog="claude-litellm-wizard",
        description="Set up Claude Code to work through your LiteLLM proxy, and prove that it does.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.set_defaults(command="screens")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    check = _command(commands, "check", "check the gateway, the key, the files and the shells; change nothing")
    check.add_argument("--server", metavar="URL", help="check this gateway instead, without a key")
    check.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="check with another way to the gateway, like gateway.ca_file=~/corp-ca.pem",
    )
    check.add_argument(
        "--only",
        metavar="AREA",
        action="append",
        choices=("gateway", "key", "files", "proof"),
        help="check this area only: gateway, key, files or proof; may be given again",
    )
    check.add_argument("--report", action="store_true", help="print a text without secrets to paste into a ticket")

    apply = _command(commands, "apply", "check, then write what the answers say; asks before it writes")
    apply.add_argument("--answers", metavar="FILE", type=Path, help="read the answers from this TOML file")
    apply.add_argument("--server", metavar="URL", help="the gateway's URL (gateway.url)")
    apply.add_argument(
        "--shell", metavar="SHELL", action="append", help="a shell to set up; may be given again (write.shells)"
    )
    _writing(apply)

    move = _command(commands, "move", "the server moved: check the new one, keep the rest, write it")
    move.add_argument("url", metavar="URL", nargs="?", help="the new URL of the gateway")
    move.add_argument("--vault", metavar="URL", help="the new address of Vault (key.vault.address)")
    _writing(move)

    _command(commands, "show", "print the answers and the files they govern")
    undo = _command(commands, "undo", "give back what was there before the last write")
    which = undo.add_mutually_exclusive_group()
    which.add_argument("--list", action="store_true", help="list what can be undone")
    which.add_argument("--all", action="store_true", help="give back what was there before the very first write")
    undo.add_argument("--dry-run", action="store_true", help="show what would change and change nothing")
    undo.add_argument("--yes", action="store_true", help="ask nothing")

    off = _command(commands, "off", "suspend the set-up: back to Claude Code's own login, answers kept")
    off.add_argument("--dry-run", action="store_true", help="show what would go and write nothing")
    off.add_argument("--yes", action="store_true", help="ask nothing")

    resume = _command(commands, "on", "resume after off: check, then write what the answers say")
    _how_to_write(resume)
    return parser


def _writing(command: argparse.ArgumentParser) -> None:
    """Add what `apply` and `move` both take."""
    command.add_argument("--route", choices=("anthropic", "bedrock"), help="the route (gateway.route)")
    command.add_argument(
        "--key", metavar="BACKEND", help="the key backend (key.backend): vault, jwt, env-file or command"
    )
    command.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], help="any answer, like gateway.timeout_ms=600000"
    )
    _how_to_write(command)


def _how_to_write(command: argparse.ArgumentParser) -> None:
    """Add what every command that writes the answers takes."""
    from wizard.commands import in_the_way

    command.add_argument("--dry-run", action="store_true", help="show the plan and write nothing")
    command.add_argument("--yes", action="store_true", help="ask nothing: write, and trust the origins in the answers")
    in_the_way.add_flags(command)
    command.add_argument("--skip-checks", action="store_true", help="write without checking the gateway and the key")
    command.add_argument("--prove", action="store_true", help="have Claude Code answer once; this may cost money")


def _command(
    commands: Any,  # noqa: ANN401 - argparse keeps the type of its subparsers to itself
    name: str,
    text: str,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(command=name)
    return parser

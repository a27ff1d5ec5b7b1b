"""The commands and the flags that each takes."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from wizard import __version__

ALL: Final = "all"
"""What `--migrate` alone stands for."""

_EPILOG: Final = """\
exit codes: 0 fine, 1 a check failed, 2 usage or no terminal, 3 refused to write, 4 write failed and rolled back,
130 interrupted. Results go to stdout, everything else to stderr."""


def parser(word: str) -> argparse.ArgumentParser:
    """Return the parser for a first word: of that command only, since making each one takes a while, or of them all."""
    made = argparse.ArgumentParser(
        prog="claude-litellm-wizard",
        description="Set up Claude Code to work through your LiteLLM proxy, and prove that it does.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    made.add_argument(
        "--demo",
        metavar="FAULT",
        nargs="?",
        const="",
        help="take the tour on servers and a home folder of its own; --demo help lists the faults it can show",
    )
    made.add_argument(
        "--answers", dest="team", metavar="FILE", help="begin with a team's answers from this TOML file or https URL"
    )
    made.add_argument("--plain", action="store_true", help="ask line by line instead of on screens")
    made.set_defaults(command="screens")
    commands = made.add_subparsers(title="commands", metavar="COMMAND")
    for name, (text, fill) in _COMMANDS.items():
        if word not in _COMMANDS or word == name:
            fill(_command(commands, name, text))
    return made


def _check(command: argparse.ArgumentParser) -> None:
    _answers(command)
    command.add_argument("--yes", action="store_true", help="trust what a local file of --answers names")
    command.add_argument("--server", metavar="URL", help="check this gateway instead, without a key")
    command.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="check with another way to the gateway, like gateway.ca_file=~/corp-ca.pem",
    )
    command.add_argument(
        "--only",
        metavar="AREA",
        action="append",
        choices=("gateway", "key", "files", "proof"),
        help="check this area only: gateway, key, files or proof; may be given again",
    )
    command.add_argument("--report", action="store_true", help="print a text without secrets to paste into a ticket")


def _apply(command: argparse.ArgumentParser) -> None:
    _answers(command)
    command.add_argument("--server", metavar="URL", help="the gateway's URL (gateway.url)")
    command.add_argument(
        "--shell", metavar="SHELL", action="append", help="a shell to set up; may be given again (write.shells)"
    )
    _writing(command)


def _answers(command: argparse.ArgumentParser) -> None:
    """Add where a team's answers come from."""
    command.add_argument("--answers", metavar="FILE", help="take the answers from this TOML file or https URL")


def _move(command: argparse.ArgumentParser) -> None:
    command.add_argument("url", metavar="URL", nargs="?", help="the new URL of the gateway")
    command.add_argument("--vault", metavar="URL", help="the new address of Vault (key.vault.address)")
    _writing(command)


def _show(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--share", action="store_true", help="print the answers for colleagues: no secret, nothing personal"
    )


def _undo(command: argparse.ArgumentParser) -> None:
    which = command.add_mutually_exclusive_group()
    which.add_argument("--list", action="store_true", help="list what can be undone")
    which.add_argument("--all", action="store_true", help="give back what was there before the very first write")
    command.add_argument("--dry-run", action="store_true", help="show what would change and change nothing")
    command.add_argument("--yes", action="store_true", help="ask nothing")


def _store(command: argparse.ArgumentParser) -> None:
    command.add_argument("--key", choices=("keychain", "env-file"), help="where (default: where the answers say)")
    command.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="where exactly, like key.keychain.account=me or key.env-file.file=~/litellm.env",
    )
    _asking(command)


def _private(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", metavar="FILE", type=Path, nargs="*", help="a file (default: those of the answers)")
    _asking(command)


def _asking(command: argparse.ArgumentParser) -> None:
    command.add_argument("--dry-run", action="store_true", help="show what would change and change nothing")
    command.add_argument("--yes", action="store_true", help="ask nothing")


def _off(command: argparse.ArgumentParser) -> None:
    command.add_argument("--dry-run", action="store_true", help="show what would go and write nothing")
    command.add_argument("--yes", action="store_true", help="ask nothing")


def _writing(command: argparse.ArgumentParser) -> None:
    """Add what `apply` and `move` both take."""
    command.add_argument("--route", choices=("anthropic", "bedrock"), help="the route (gateway.route)")
    command.add_argument(
        "--key", metavar="BACKEND", help="the key backend (key.backend): vault, jwt, env-file, keychain or command"
    )
    command.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], help="any answer, like gateway.timeout_ms=600000"
    )
    _how_to_write(command)


def _how_to_write(command: argparse.ArgumentParser) -> None:
    """Add what every command that writes the answers takes."""
    command.add_argument("--dry-run", action="store_true", help="show the plan and write nothing")
    command.add_argument("--yes", action="store_true", help="ask nothing: write, and trust the origins in the answers")
    _in_the_way(command)
    command.add_argument("--skip-checks", action="store_true", help="write without checking the gateway and the key")
    command.add_argument("--prove", action="store_true", help="have Claude Code answer once; this may cost money")


def _in_the_way(command: argparse.ArgumentParser) -> None:
    """Add what says what shall become of the user's own in the way."""
    command.add_argument("--replace-existing", action="store_true", help="replace files and values of yours in the way")
    texts = {
        "keep": "keep a file that you edited as it is",
        "merge": "keep your lines in a file that you edited, with ours around them",
        "replace": "replace this file of yours in the way",
    }
    for name, text in texts.items():
        command.add_argument(
            f"--{name}", metavar="PATH", action="append", default=[], help=f"{text}; may be given again"
        )
    command.add_argument(
        "--migrate",
        metavar="ITEM",
        action="append",
        nargs="?",
        const=ALL,
        default=[],
        help="take old settings out of force: all that are found, or one, like ~/.bashrc:12; may be given again",
    )


def _command(
    commands: Any,  # noqa: ANN401 - argparse keeps the type of its subparsers to itself
    name: str,
    text: str,
) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False
    )
    made.add_argument("--json", action="store_true", help="print one JSON object")
    made.set_defaults(command=name)
    return made


_COMMANDS: Final[Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]]] = {
    "check": ("check the gateway, the key, the files and the shells; change nothing", _check),
    "apply": ("check, then write what the answers say; asks before it writes", _apply),
    "move": ("the server moved: check the new one, keep the rest, write it", _move),
    "show": ("print the answers and the files they govern", _show),
    "store": ("put a key from a hidden prompt or stdin into the keychain or a secrets file", _store),
    "private": ("let only you read the files with secrets (chmod 600)", _private),
    "undo": ("give back what was there before the last write", _undo),
    "off": ("suspend the set-up: back to Claude Code's own login, answers kept", _off),
    "on": ("resume after off: check, then write what the answers say", _how_to_write),
}
"""Each command with what it does and the flags it takes."""

"""`move`: the server moved, or the Vault. Checks the new one, keeps the rest, and writes it as `apply` does."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Final

from wizard.answers import Answers, to_table
from wizard.apply.plan import Plan
from wizard.apply.suspend import SENTENCE, is_off
from wizard.commands.apply import Pipeline, assigned, assignments, named_tiers
from wizard.commands.shared import (
    OK,
    PROGRAM,
    USAGE,
    Stop,
    answers_from,
    machine_to_write_on,
    needed_answers,
    read_table,
)
from wizard.fields import Problem, unsafe
from wizard.net.address import AddressError, parse_address
from wizard.origins import typed_origins

_RESTART: Final = (
    "Claude Code sessions that run now go over to the new server with their next question. Restart one that does not,"
    " and IDEs."
)
"""Seen with 2.1.197 and 2.1.330, which read settings.json anew when it changes and then run the helper anew."""


def run(arguments: argparse.Namespace) -> int:
    """Move the set-up to another server, or its key to another Vault."""
    machine = machine_to_write_on()
    before = needed_answers(machine)
    given = _given(arguments, before)
    after = answers_from(assigned(read_table(machine.answers_file), given))
    move = _Move(arguments, machine, after, typed=typed_origins(given), named_tiers=named_tiers(given))
    return move.run_from(before)


def _given(arguments: argparse.Namespace, before: Answers) -> list[str]:
    """Return what the command line says as assignments. Raises Stop when it says nothing, or what can't be."""
    arguments.server = _url(arguments.url, before) if arguments.url else None
    given = [*_lite_follows(arguments.server, before), *assignments(arguments)]
    if arguments.vault:
        address = _vault_address(before, arguments.key or before.key.backend)
        if not address:
            text = f"--vault is of no use: your key comes from {arguments.key or before.key.backend}."
            raise Stop(USAGE, f"{text} Leave it out, or add --key vault.")
        given.append(f"{address}={arguments.vault}")
    if not given:
        raise Stop(USAGE, f"Nothing is said about where to. Write {PROGRAM} move URL, or --vault URL for the Vault.")
    return given


def _lite_follows(server: str | None, before: Answers) -> list[str]:
    """Return the assignment that has `lite` asked for the new server's token, where the old one was named."""
    if not server or not before.key.tables.get("command", {}).get("server"):
        return []
    return [f"key.command.server={server}"]


def _vault_address(before: Answers, backend: str) -> str:
    """Return the answer that names the Vault in use: the key's own, or the one with a token's signing key."""
    signed_by_vault = before.key.tables.get("jwt", {}).get("secret_from") == "vault"
    return {"vault": "key.vault.address", "jwt": "key.jwt.vault_address" if signed_by_vault else ""}.get(backend, "")


def _url(text: str, before: Answers) -> str:
    """Return the new URL as Claude Code will use it; as it was written before when it is the same."""
    try:
        address = parse_address(text, allow_http=True)
    except AddressError as error:
        raise Stop(USAGE, str(Problem("URL", text, unsafe(text) or str(error)))) from None
    return before.gateway.url if address == before.gateway.address else address.url


class _Move(Pipeline):
    """The pipeline, with what is to be said of a move."""

    restart = _RESTART
    changes: tuple[tuple[str, str, str], ...] = ()

    def run_from(self, before: Answers) -> int:
        """Move from the answers before; where nothing moves and nothing drifted, say so and check nothing."""
        self.changes = tuple(differences(before, self.answers))
        if is_off(self.machine):
            self.talk.say(f"{SENTENCE} Writing brings it back.")
        url = before.gateway.address.url
        if self.changes:
            for name, old, new in self.changes:
                self.talk.say(f"{name}: {old or 'not set'} -> {new or 'not set'}")
            self.talk.say("Everything else stays as it is.\n")
            self.still = "" if is_off(self.machine) else f" Claude Code still uses {url}."
        elif (plan := self.plan()).is_empty:
            self.talk.say(f"Nothing moves: Claude Code uses {url} already, and every file is as the answers say.")
            return self.finish(OK, written=False, plan=plan)
        return self.run()

    def check(self) -> bool:
        """Check, and name the flag where all that is wrong is the route."""
        passed = super().check()
        for each in self.verdicts:
            other = _other_route(each.facts) if each.verdict == "route-missing" else ""
            if other:
                self.talk.say(f"The new server has another route. If that is right, add --route {other}.")
        return passed

    def prove(self, plan: Plan) -> int:
        """Prove; sessions that run only need a restart when the server moved."""
        if not any(name == "gateway.url" for name, _, _ in self.changes):
            self.restart = Pipeline.restart
        return super().prove(plan)

    def more_json(self) -> dict[str, object]:
        """Return what moved."""
        return {"moved": [{"name": name, "from": old, "to": new} for name, old, new in self.changes]}


def _other_route(facts: Mapping[str, object]) -> str:
    served = str(facts.get("served", "")).split(", ")
    return next((each for each in served if each and each != facts.get("route")), "")


def differences(before: Answers, after: Answers) -> Iterator[tuple[str, str, str]]:
    """Yield what differs between two answers: the name that `--set` takes, the old value and the new one."""
    old, new = dict(_flat(to_table(before))), dict(_flat(to_table(after)))
    for name in {**old, **new}:
        if old.get(name) != new.get(name):
            yield name, old.get(name, ""), new.get(name, "")


def _flat(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)

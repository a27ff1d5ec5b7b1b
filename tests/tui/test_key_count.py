"""A person whose machine and team say all there is to know gets from start to proven in eight key presses."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.tui.fixture import ANSWERED, URL, VAULT, Fake, a_machine
from tests.tui.walking import Walk, walking
from wizard.answers import to_table
from wizard.commands.screens import first_draft
from wizard.flow import Draft
from wizard.team import begin, load

MOST: Final = 8

_TEAM: Final = f"""\
version = 1

[gateway]
url = "{URL}"

[key]
backend = "vault"

[key.vault]
mount = "secret"
path = "{VAULT["path"]}"
field = "api_key"
"""


class Counted:
    """Presses keys, and counts them; there is no other way in."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.keys: list[str] = []

    async def press(self, key: str) -> None:
        self.keys.append(key)
        await self.walk.press(key)


def _by_team_file(folder: Path) -> Draft:
    """Return what a first run with a team's file begins with, where VAULT_ADDR is set."""
    file = folder / "team.toml"
    file.write_text(_TEAM)
    machine = a_machine()
    assert "VAULT_ADDR" in machine.env
    team = load(str(file), machine)
    assert not team.open_asks({}), "nothing in it needs a yes of its own"
    return begin(first_draft(machine, None), team, ())


async def test_from_start_to_proven_in_eight_key_presses_and_no_typing(tmp_path: Path) -> None:
    draft = _by_team_file(tmp_path)
    assert draft.saved is None and not to_table(draft.answers)["key"]["vault"].get("address")
    async with walking(draft) as walk:
        hand = Counted(walk)
        for step in ("Server", "Health", "Key"):
            assert walk.step == step
            await hand.press("enter")
        assert walk.step == "Test" and "It may cost a fraction of a cent." in walk.text()
        await hand.press("y")
        await hand.press("enter")
        assert walk.step == "Models"
        await hand.press("enter")
        assert walk.step == "Review"
        await hand.press("w")
        assert walk.step == "Done" and "It may cost a fraction of a cent." in walk.text()
        await hand.press("y")
        assert "It works" in walk.text() and ANSWERED in walk.session.outcome.proofs
        assert walk.fake.asked("send_one_message") and walk.fake.asked("prove") == [False, True]
    assert len(hand.keys) <= MOST and set(hand.keys) == {"enter", "y", "w"}
    assert walk.session.draft.answers.key.options["address"] == "https://vault.corp.example:8200"


async def test_a_known_machine_needs_no_more(tmp_path: Path) -> None:
    """Both questions left out, it is as many: a no is a key press, too."""
    async with walking(_by_team_file(tmp_path), Fake()) as walk:
        hand = Counted(walk)
        for key in ("enter", "enter", "enter", "n", "enter", "enter", "w", "n"):
            await hand.press(key)
        assert walk.step == "Done" and "Everything is in place" in walk.text() and len(hand.keys) == MOST

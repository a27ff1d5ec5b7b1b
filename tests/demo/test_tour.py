"""The demo takes the whole tour, shows each fault where it belongs, and claims no proof that it did not make."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from tests.demo.touring import in_one_line, not_well, on_screens, toured
from tests.programs import require
from wizard.demo.farewell import farewell
from wizard.demo.faults import BY_NAME, FAULTS, NO_FAULT, DemoFault
from wizard.demo.tour import Tour

IN_PATIENCE = {"hangs"}
"""What takes the wizard's own time limit to find."""


@pytest.fixture(autouse=True)
def _programs() -> None:
    require("bash")


def require_for(fault: DemoFault) -> None:
    """Require curl where the fault shows in the key that the helper reads from the key store."""
    if fault.in_store and fault.row == "key.shape":
        require("curl")


async def test_all_is_well() -> None:
    require("curl")
    with Tour() as tour:
        seen = await toured(tour, write=True)
        assert not_well(seen.checks.values()) == []
        proofs = {each.id: each.status for each in seen.proofs}
        assert proofs == {
            "proof.bash": "pass",
            "proof.helper": "pass",
            "proof.settings": "skip",
            "proof.answer": "skip",
        }
        assert all("the demo runs no Claude Code" in each.cause for each in seen.proofs if each.status == "skip")
        words = farewell(tour)
    assert "~/bin/get-litellm-key.sh  (0700" in words and '"apiKeyHelper"' in words
    assert "sk-demo" not in words and "hvs." not in words


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_each_fault_has_its_diagnosis(fault: DemoFault) -> None:
    require_for(fault)
    with Tour(fault) as tour:
        found = (await toured(tour)).checks
    assert found[fault.row].verdict == fault.verdict, found
    assert found[fault.row].status in ("fail", "warn") and found[fault.row].fix
    before = [each for each in list(found.values())[: list(found).index(fault.row)] if each.status != "skip"]
    assert not_well(before) == [], "nothing fails before it"


def test_the_users_own_stores_of_keys_are_out_of_reach(tmp_path: Path) -> None:
    """Wherever their programs are: a key pasted in the demo must not end in the user's keychain."""
    from wizard.keys.keychain import why_none

    for name in ("secret-tool", "security", "vault", "bao", "op", "pass", "curl"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    with pytest.MonkeyPatch.context() as patch, Tour() as tour:
        patch.setattr("wizard.demo.tour._PATH", f"{tmp_path}:/usr/bin:/bin")
        machine = tour.services().survey(tour.draft().machine)
        assert machine.programs["curl"] == tmp_path / "curl"
        assert not {"secret-tool", "security", "vault", "bao", "op", "pass"} & set(machine.programs)
        assert "is missing" in why_none(machine)


async def test_the_bedrock_route() -> None:
    with Tour() as tour:
        seen = await toured(tour, write=True, route="bedrock", model="us.anthropic.claude-opus-5-5")
        settings = tour.place.text("~/.claude/settings.json")
    assert not_well(seen.checks.values()) == []
    assert [each.status for each in seen.proofs] == ["pass", "pass", "skip", "skip"]
    assert f'"ANTHROPIC_BEDROCK_BASE_URL": "{tour.url}/bedrock"' in settings


def test_it_can_be_left_the_moment_it_starts() -> None:
    for _ in range(20):
        with Tour() as tour:
            tour.servers.start()
            tour.servers.start()
    with Tour():
        pass


async def test_leaving_does_not_wait_for_a_server_that_hangs() -> None:
    with Tour(BY_NAME["hangs"]) as tour:
        tour.servers.start()
        context = ssl.create_default_context(cafile=tour.place.home / "certs/demo-ca.pem")
        reader, writer = await asyncio.open_connection("127.0.0.1", tour.gateway.port, ssl=context)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await writer.drain()
    assert await reader.read() == b"", "cut, and nothing was answered"
    writer.close()


def test_there_are_enough_and_each_differs() -> None:
    assert len(FAULTS) >= 15 and len(BY_NAME) == len(FAULTS)
    assert len({each._replace(name="", text="", row="", verdict="") for each in (*FAULTS, NO_FAULT)}) == len(FAULTS) + 1


async def test_without_curl_the_key_comes_from_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wizard.demo.tour._can_read_vault", lambda: False)
    with Tour() as tour:
        assert tour.draft().answers.key.backend == "env-file"
        seen = await toured(tour, write=True)
    assert not_well(seen.checks.values()) == []
    assert [each.status for each in seen.proofs] == ["pass", "pass", "skip", "skip"]


@pytest.mark.parametrize("fault", [each for each in FAULTS if each.in_store], ids=lambda each: each.name)
def test_a_fault_of_the_key_store_is_met_without_curl_too(fault: DemoFault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wizard.demo.tour._can_read_vault", lambda: False)
    with Tour(fault) as tour:
        assert tour.draft().answers.key.backend == "vault"


async def test_the_tour_by_keys() -> None:
    require("curl")
    async with on_screens() as (walk, tour):
        assert walk.step == "Server" and tour.url in walk.text() and "demo" in walk.text()
        await walk.press("enter")
        assert walk.step == "Health" and "Demo Root CA" in walk.text()
        await walk.press("enter")
        assert walk.step == "Key" and tour.vault in walk.text()
        await walk.press("enter")
        assert walk.step == "Test" and "demo-good" in walk.text()
        await walk.press("y")
        assert "answered" in walk.text()
        await walk.press("enter")
        assert walk.step == "Models" and "claude-opus-5-5" in walk.text()
        await walk.press("enter")
        assert walk.step == "Review"
        await walk.press("w")
        assert walk.step == "Done", walk.text()
        assert "The demo runs no Claude Code" in walk.text(), walk.text()
        assert "It works" not in walk.text(), "that is for a real Claude Code to say"
        assert {"~/bin/get-litellm-key.sh", "~/.bashrc"} <= set(tour.place.written())
        await walk.press("enter")
    assert walk.app.return_value == 0


async def test_the_write_is_taken_back_on_the_last_screen() -> None:
    async with on_screens() as (walk, tour):
        await walk.press(*["enter"] * 3, "n", "enter", "enter", "w")
        assert "6 files written." in walk.text()
        await walk.press("u", "y")
        assert walk.session.outcome.written == "undone", walk.text()
        kept = [each for each in tour.place.written() if not each.startswith("~/.local/state/")]
        assert kept == []


STEPS = {"gateway": ("Health", 1), "key": ("Test", 3)}


@pytest.mark.parametrize("fault", [each for each in FAULTS if each.name not in IN_PATIENCE], ids=lambda each: each.name)
async def test_each_fault_shows_on_its_screen(fault: DemoFault) -> None:
    require_for(fault)
    step, enters = STEPS[fault.row.partition(".")[0]]
    async with on_screens(fault) as (walk, _):
        await walk.press(*["enter"] * enters)
        if fault.row == "key.message":
            await walk.press("y")
        assert walk.step == step, walk.text()
        draft = walk.session.draft
        trial = draft.trial_now.verdicts if draft.trial_now else ()
        known = (*(draft.health_now or ()), *trial, *((draft.message_now,) if draft.message_now else ()))
        verdict = next(each for each in known if each.id == fault.row)
        assert verdict.verdict == fault.verdict
        assert " ".join(verdict.cause.split()[:3]) in in_one_line(walk.text())


async def test_the_keys_of_every_state_are_there_to_look_around_for() -> None:
    require("curl")
    from wizard.keys.vault_browse import Spot

    with Tour() as tour:
        draft, services = tour.draft(), tour.services()
        machine = services.survey(draft.machine)
        browser = services.vault_browser(draft.answers.key.options, machine)
        mounts = await browser.look(Spot())
        assert [each.text for each in mounts.names] == ["secret/"]
        below = await browser.look(Spot("secret", 2, "litellm/"))
        assert [each.text for each in below.names] == ["claude-code", "keys/"]
        keys = await browser.look(Spot("secret", 2, "litellm/keys/"))
        assert {"expired", "over-budget", "blocked", "unknown"} <= {each.text for each in keys.names}
        fields = await browser.look(Spot("secret", 2, "litellm/keys/expired"))
        assert [each.text for each in fields.names] == ["api_key"]

"""Choosing whom to trust: the key is there only where it helps, and what is chosen is answered and checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.faults import servers
from tests.faults.certificates import Authority
from tests.faults.servers import serving
from tests.tui.fixture import AUTHORITY, CLIENT, EXPIRED, HEALTHY, SENT, SHA256, UNTRUSTED, Fake, a_machine, later_draft
from tests.tui.walking import LARGE, SMALL, Walk, walking
from wizard.answers import Gateway
from wizard.services import REAL
from wizard.tui.app import WizardApp
from wizard.tui.session import Session
from wizard.verdict import Verdict


def failing(verdict: str, **facts: Any) -> tuple[Verdict, ...]:
    return (*HEALTHY[:2], Verdict("gateway.tls", "fail", verdict, "It fails.", "Mend it.", facts))


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x36"])
async def test_who_signed_it_is_shown_and_the_file_is_used(size: tuple[int, int]) -> None:
    async with walking(later_draft(), Fake(health=UNTRUSTED), size) as walk:
        await walk.press("enter")
        assert "t Trust" in walk.footer()
        assert "c Identity" not in walk.footer()
        assert "^Q Quit" in walk.footer(), "every key is in sight"
        assert "gateway.ca_file=~/certs/corp-ca.pem" in walk.text() and SHA256[-20:] in walk.text()
        await walk.press("t")
        assert walk.step == "AuthorityPicker"
        text = walk.text()
        assert "Enter Use this file" in text
        for part in (SENT["subject"], SENT["issuer"], SENT["not_after"], AUTHORITY["file"], AUTHORITY["not_after"]):
            assert part in text
        for certificate in (SENT, AUTHORITY):
            for half in (certificate["sha256"][:47], certificate["sha256"][48:]):
                assert half in text
        walk.fake.health = HEALTHY
        await walk.press("enter")
        assert walk.step == "Health"
        assert walk.session.draft.answers.gateway.ca_file == "~/certs/corp-ca.pem"
        assert walk.fake.asked("check_gateway")[-1].ca_file == "~/certs/corp-ca.pem", "checked with exactly that"
        assert "It answers" in walk.text()
        assert "t Trust" not in walk.footer()


async def test_everything_is_in_sight_with_more_files_than_fit() -> None:
    files = [{**AUTHORITY, "file": f"/usr/local/share/ca-certificates/corp-{each}.crt"} for each in range(9)]
    long = "Corp Issuing CA of the whole company, its daughters and sons"
    chain = [{**SENT, "issuer": long, "subject": long[::-1]}, {**SENT, "subject": long, "issuer": f"Root {long}"}]
    async with walking(later_draft(), Fake(health=failing("tls-untrusted", chain=chain, authorities=files))) as walk:
        await walk.press("enter", "t", *["down"] * 8)
        text = walk.text()
        assert "corp-8.crt" in text and SHA256[48:] in text and "Enter Use this file" in text
        await walk.press("enter")
        assert walk.session.draft.answers.gateway.ca_file.endswith("corp-8.crt")


async def test_going_back_changes_nothing() -> None:
    async with walking(later_draft(), Fake(health=UNTRUSTED)) as walk:
        await walk.press("enter", "t", "escape")
        assert walk.step == "Health"
        assert walk.session.draft.answers.gateway.ca_file == ""
        assert len(walk.fake.asked("check_gateway")) == 1


async def test_without_a_file_it_says_where_to_get_one() -> None:
    health = failing("tls-untrusted", chain=[SENT], authorities=[])
    async with walking(later_draft(), Fake(health=health)) as walk:
        await walk.press("enter", "t")
        assert "No file here makes it verify" in walk.text()
        assert "Use this file" not in walk.footer()
        await walk.press("enter")
        assert walk.step == "AuthorityPicker", "there is nothing to use"


async def test_a_mac_is_told_of_its_keychain() -> None:
    health = failing("tls-untrusted", chain=[SENT, SENT], authorities=[])
    draft = replace(later_draft(), machine=a_machine(platform="darwin"))
    async with walking(draft, Fake(health=health)) as walk:
        await walk.press("enter", "t")
        assert "find-certificate -a -p" in walk.text()


async def test_a_client_certificate_is_chosen_with_its_key() -> None:
    other = {**CLIENT, "file": "~/certs/bob.pem", "key": "~/certs/bob.key"}
    health = failing("tls-client-cert", client_certificates=[CLIENT, other])
    async with walking(later_draft(), Fake(health=health)) as walk:
        await walk.press("enter")
        assert "c Identity" in walk.footer() and "t Trust" not in walk.footer()
        await walk.press("c", "down")
        assert walk.step == "ClientCertificatePicker"
        assert "~/certs/bob.key" in walk.text() and SHA256[50:] in walk.text()
        await walk.press("enter")
        gateway = walk.session.draft.answers.gateway
        assert (gateway.client_cert, gateway.client_key) == ("~/certs/bob.pem", "~/certs/bob.key")


@pytest.mark.parametrize("health", [HEALTHY, EXPIRED], ids=["healthy", "expired"])
async def test_the_keys_are_not_there_where_they_do_not_help(health: tuple[Verdict, ...]) -> None:
    async with walking(later_draft(), Fake(health=health)) as walk:
        await walk.press("enter")
        assert "t Trust" not in walk.footer() and "c Identity" not in walk.footer()
        await walk.press("t", "c")
        assert walk.step == "Health"


async def test_with_the_real_check_from_untrusted_to_healthy(home: Path, tmp_path: Path) -> None:
    root = Authority(tmp_path)
    (home / "certs").mkdir()
    (home / "certs/corp-ca.pem").write_bytes(root.certificate.read_bytes())
    services = replace(Fake().services(), check_gateway=REAL.check_gateway)
    async with serving(servers.litellm(), root.issue("127.0.0.1").context()) as server:
        gateway = Gateway(url=f"https://127.0.0.1:{server.port}")
        draft = later_draft()
        draft = replace(draft, answers=replace(draft.answers, gateway=gateway), machine=a_machine(home, env={}))
        app = WizardApp(Session(draft, services))
        async with app.run_test(size=SMALL) as pilot:
            walk = Walk(app, pilot, Fake())
            await walk.settle()
            await walk.press("enter")
            assert "t Trust" in walk.footer(), walk.text()
            await walk.press("t", "enter")
            assert "It answers" in walk.text()
    assert app.session.draft.answers.gateway.ca_file == "~/certs/corp-ca.pem"

"""An untrusted gateway: who signed it, which file on this machine makes it verify, and that nothing was sent to it."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from tests.faults import servers
from tests.faults.certificates import Authority
from tests.faults.servers import Talk, serving
from tests.machines import machine_at
from wizard.answers import Gateway
from wizard.gateway.health import check_gateway
from wizard.verdict import Verdict, worst

LOCAL = "127.0.0.1"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def tls_of(url: str, home: Path, env: dict[str, str] | None = None, *, ca_file: str = "") -> Verdict:
    gateway = Gateway(url=url, ca_file=ca_file)
    found = await check_gateway(gateway, machine_at(home, env=env or {}), lambda _: None)
    return next(each for each in found if each.id == "gateway.tls")


def listed(verdict: Verdict, fact: str) -> list[dict[str, str]]:
    """A fact that is a list of tables."""
    return cast("list[dict[str, str]]", verdict.facts[fact])


def put(home: Path, name: str, *contents: bytes) -> Path:
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(contents))
    return path


async def test_the_file_that_makes_it_verify_is_named_and_works(root: Authority, home: Path, tmp_path: Path) -> None:
    put(home, "certs/corp-ca.pem", root.certificate.read_bytes())
    put(home, "certs/other.pem", Authority(tmp_path, "Other CA").certificate.read_bytes())
    same_name = Authority(tmp_path)  # the same name with another key signs nothing here
    put(home, ".config/corp/old-ca.crt", same_name.certificate.read_bytes())
    async with serving(servers.litellm(), root.issue(LOCAL).context()) as server:
        url = f"https://{LOCAL}:{server.port}"
        tls = await tls_of(url, home)
        assert tls.verdict == "tls-untrusted"
        (authority,) = listed(tls, "authorities")
        assert (authority["file"], authority["subject"]) == ("~/certs/corp-ca.pem", "Corp Root CA")
        assert authority["sha256"] in tls.fix
        assert "--set gateway.ca_file=~/certs/corp-ca.pem" in tls.fix
        (sent,) = listed(tls, "chain")
        assert (sent["subject"], sent["issuer"]) == (LOCAL, "Corp Root CA")
        assert not server.received
        again = await tls_of(url, home, ca_file=authority["file"])
    assert again.verdict == "tls-ok"


async def test_case_63_no_byte_goes_to_a_server_nobody_vouches_for(root: Authority, home: Path) -> None:
    heard: list[bytes] = []

    async def listens(talk: Talk) -> None:
        heard.append(await talk.reader.read())

    put(home, "certs/corp-ca.pem", root.certificate.read_bytes())
    async with serving(listens, root.issue(LOCAL).context()) as server:
        await tls_of(f"https://{LOCAL}:{server.port}", home)
        assert heard, "the control: there were handshakes that the server saw end well"
        assert b"".join(heard) == b""


async def test_a_file_that_only_other_programs_read_is_said_to_be_one(root: Authority, home: Path) -> None:
    pem = put(home, "elsewhere/bundle.pem", root.certificate.read_bytes())
    async with serving(servers.litellm(), root.issue(LOCAL).context()) as server:
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            tls = await tls_of(f"https://{LOCAL}:{server.port}", home, {name: str(pem)})
            assert tls.verdict == "tls-untrusted"
            assert f"{name} names it, which Claude Code does not read" in tls.fix
            assert "--set gateway.ca_file=~/elsewhere/bundle.pem" in tls.fix


async def test_without_a_file_the_advice_is_to_ask_for_one(root: Authority, home: Path) -> None:
    async with serving(servers.litellm(), root.issue(LOCAL).context()) as server:
        tls = await tls_of(f"https://{LOCAL}:{server.port}", home)
    assert tls.facts["authorities"] == []
    assert "gateway.ca_file" in tls.fix


@pytest.mark.parametrize("known", ["on this machine", "by its organization"])
async def test_case_63_an_incomplete_chain_is_told_from_an_unknown_authority(
    known: str, home: Path, tmp_path: Path
) -> None:
    organization = "DigiCert Inc" if known == "by its organization" else ""
    root = Authority(tmp_path, "Corp Root")
    between = Authority(tmp_path, "Corp Issuing CA", parent=root, organization=organization)
    if not organization:
        put(home, "certs/issuing.pem", between.certificate.read_bytes())
    async with serving(servers.litellm(), between.issue(LOCAL).context()) as server:
        url = f"https://{LOCAL}:{server.port}"
        tls = await tls_of(url, home)
        assert tls.verdict == "tls-incomplete"
        assert "Corp Issuing CA" in tls.cause
        assert tls.facts["authorities"] == [], "an intermediate alone is trusted by nobody"
        both = put(home, "certs/both.pem", between.certificate.read_bytes(), root.certificate.read_bytes())
        assert "both.pem" in (await tls_of(url, home)).fix
        assert (await tls_of(url, home, ca_file=str(both))).verdict == "tls-ok"
    async with serving(servers.litellm(), between.issue(LOCAL, chain=[between]).context()) as server:
        url = f"https://{LOCAL}:{server.port}"
        assert (await tls_of(url, home)).verdict == "tls-untrusted", "complete, and the root is unknown"
        assert (await tls_of(url, home, ca_file=str(root.certificate))).verdict == "tls-ok"


async def test_client_certificates_are_offered_and_never_shown_unasked(root: Authority, home: Path) -> None:
    mine = root.issue("ada", file="client")
    put(home, "certs/ada.pem", mine.certificate.read_bytes())
    put(home, "certs/ada.key", mine.key.read_bytes())
    put(home, "certs/lonely.pem", root.issue("eve", file="lonely").certificate.read_bytes())
    context = root.issue(LOCAL).context()
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(root.certificate)
    shown: list[object] = []

    async def wants_one(talk: Talk) -> None:
        shown.append(talk.writer.get_extra_info("peercert"))
        if shown[-1]:
            await servers.litellm()(talk)

    async with serving(wants_one, context) as server:
        gateway = Gateway(url=f"https://{LOCAL}:{server.port}", ca_file=str(root.certificate))
        found = await check_gateway(gateway, machine_at(home), lambda _: None)
        alive = next(each for each in found if each.status == "fail")
        assert alive.verdict == "tls-client-cert"
        (pair,) = listed(alive, "client_certificates")
        assert (pair["file"], pair["key"]) == ("~/certs/ada.pem", "~/certs/ada.key")
        assert "~/certs/ada.pem" in alive.fix
        assert not any(shown)
        chosen = replace(gateway, client_cert=pair["file"], client_key=pair["key"])
        found = await check_gateway(chosen, machine_at(home), lambda _: None)
    assert worst(found) == "pass"


async def test_a_store_left_out_is_named(root: Authority, home: Path) -> None:
    async with serving(servers.litellm(), root.issue(LOCAL).context()) as server:
        env = {"SSL_CERT_FILE": str(root.certificate), "CLAUDE_CODE_CERT_STORE": "bundled"}
        tls = await tls_of(f"https://{LOCAL}:{server.port}", home, env)
    assert tls.verdict == "tls-untrusted"
    assert "CLAUDE_CODE_CERT_STORE" in tls.fix

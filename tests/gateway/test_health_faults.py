"""Every fault on the way to a gateway has its name, within its time."""

from __future__ import annotations

import ssl
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import servers
from tests.faults.behaviours import TITLE
from tests.faults.certificates import Authority
from tests.faults.servers import Handler, Running, Talk, says, sends, serving
from tests.faults.tls_behaviours import LOCAL, greets, wants_certificate
from tests.machines import machine_at
from tests.programs import require
from wizard.answers import Gateway
from wizard.gateway.health import ROWS, check_gateway
from wizard.verdict import Verdict, worst


async def check(url: str, home: Path, env: dict[str, str] | None = None, **gateway: object) -> dict[str, Verdict]:
    reported: list[Verdict] = []
    machine = machine_at(home, env=env or {})
    answers = replace(Gateway(url=url, allow_http=True), **gateway)  # type: ignore[arg-type]
    verdicts = await check_gateway(answers, machine, reported.append)
    assert [each.id for each in verdicts] == [id_ for id_, _ in ROWS]
    assert sorted(verdicts, key=str) == sorted(reported, key=str)
    for each in verdicts:
        assert (each.status in ("fail", "warn")) == bool(each.fix), each
        assert each.cause.isprintable() and len(each.cause) < 400
        assert "{" not in each.cause + each.fix
    return {each.id: each for each in verdicts}


async def test_case_15_redirect_to_https_names_the_url(home: Path) -> None:
    async with serving(says(301, Location="https://127.0.0.1/llm/health/liveliness")) as server:
        alive = (await check(f"http://127.0.0.1:{server.port}/llm", home))["gateway.alive"]
    assert alive.verdict == "redirect-https"
    assert alive.facts["target"] == "https://127.0.0.1/llm"


async def test_case_15_a_redirect_target_never_shows_its_query(home: Path) -> None:
    async with serving(says(302, Location="https://u:pw@idp.example/login?token=canary")) as server:
        alive = (await check(f"http://127.0.0.1:{server.port}", home))["gateway.alive"]
    assert alive.verdict == "redirect-login"
    assert "canary" not in str(alive) and "pw" not in str(alive)


async def test_case_17_a_page_title_is_shown_inert(home: Path) -> None:
    async with serving(says(200, TITLE, kind="text/html")) as server:
        alive = (await check(f"http://127.0.0.1:{server.port}", home))["gateway.alive"]
    assert 'a web page called "Welcome to [bold]Corp[/] Wi-Fi"' in alive.cause


async def test_nothing_listens(home: Path) -> None:
    with servers.closed_port() as port:
        found = await check(f"http://127.0.0.1:{port}", home)
    assert found["gateway.connect"].verdict == "refused"
    assert {each.status for each in list(found.values())[2:]} == {"skip"}


async def test_nobody_accepts(home: Path) -> None:
    with servers.blackhole() as port:
        started = time.monotonic()
        found = await check(f"http://127.0.0.1:{port}", home)
    assert found["gateway.connect"].verdict == "connect-timeout"
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("url", ["", "llm.corp.example", "ftp://llm.corp.example"])
async def test_a_url_that_is_none(url: str, home: Path) -> None:
    assert (await check(url, home))["gateway.name"].verdict == "address-invalid"


@pytest.mark.parametrize("bad", [says(503, "busy"), servers.resets], ids=["503", "reset"])
async def test_case_69_a_flaky_gateway_gets_two_more_chances(bad: Handler, home: Path) -> None:
    async with serving(servers.first(2, bad, servers.litellm())) as server:
        found = await check(f"http://127.0.0.1:{server.port}", home)
    assert worst(tuple(found.values())) == "pass"
    assert server.lines.count("GET /health/liveliness") == 3


@pytest.mark.parametrize("bad", [says(500, "oops"), says(404, "no"), says(429, "slow")], ids=["500", "404", "429"])
async def test_case_69_other_answers_are_not_asked_for_again(bad: Handler, home: Path) -> None:
    async with serving(bad) as server:
        await check(f"http://127.0.0.1:{server.port}", home)
    assert server.lines.count("GET /health/liveliness") == 1


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def test_case_63_what_the_certificate_says(authority: Authority, home: Path) -> None:
    tls = authority.issue("llm.corp.example", "llm2.corp.example", ends=-2, starts=-20).context()
    async with serving(servers.litellm(), tls) as server:
        facts = (await check(f"https://127.0.0.1:{server.port}", home))["gateway.tls"].facts
    assert facts["issuer"] == "Corp Root CA"
    assert facts["names"] == "llm.corp.example, llm2.corp.example"
    assert str(facts["not_after"]) < str(facts["not_before"]) or len(str(facts["not_after"])) == 10
    assert not server.received, "the look at the certificate sends no request"


async def test_case_63_authorities_of_the_environment(authority: Authority, home: Path) -> None:
    require("openssl")
    async with serving(servers.litellm(), authority.issue(LOCAL).context()) as server:
        url = f"https://127.0.0.1:{server.port}"
        for name in ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR"):
            pem = authority.certificate if name != "SSL_CERT_DIR" else hashed(authority)
            assert (await check(url, home, {name: str(pem)}))["gateway.tls"].verdict == "tls-ok", name
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            found = await check(url, home, {name: str(authority.certificate)})
            assert found["gateway.tls"].verdict == "tls-untrusted", name


def hashed(authority: Authority) -> Path:
    """A folder as OpenSSL wants it, with the authority under its hash."""
    folder = authority.folder / "hashed"
    folder.mkdir(exist_ok=True)
    import subprocess

    argv = ["openssl", "x509", "-hash", "-noout", "-in", str(authority.certificate)]
    name = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    (folder / f"{name}.0").write_bytes(authority.certificate.read_bytes())
    return folder


@pytest.mark.parametrize("name", ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR"])
async def test_case_63_an_authority_file_that_is_not_there(name: str, authority: Authority, home: Path) -> None:
    async with serving(servers.litellm(), authority.issue(LOCAL).context()) as server:
        url = f"https://127.0.0.1:{server.port}"
        tls = (await check(url, home, {name: "/nonexistent/ca.pem"}))["gateway.tls"]
        assert tls.verdict == "tls-ca-missing"
        assert name in tls.cause and "/nonexistent/ca.pem" in tls.cause and name in tls.fix
        if name == "NODE_EXTRA_CA_CERTS":  # a server that is trusted without it works: Claude Code passes it over
            also = {name: "/nonexistent/ca.pem", "SSL_CERT_FILE": str(authority.certificate)}
            tls = (await check(url, home, also))["gateway.tls"]
            assert (tls.status, tls.verdict) == ("warn", "tls-file-unused")


async def test_an_authority_file_that_is_none(authority: Authority, home: Path) -> None:
    (home / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    async with serving(servers.litellm(), authority.issue(LOCAL).context()) as server:
        found = await check(f"https://127.0.0.1:{server.port}", home, ca_file="~/ca.pem")
    assert found["gateway.tls"].verdict == "tls-ca-unusable"


async def test_case_63_a_client_certificate(authority: Authority, home: Path) -> None:
    mine = authority.issue("ada", file="client")
    for newest in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        async with serving(servers.litellm(), wants_certificate(newest)(authority)) as server:
            found = await check(
                f"https://127.0.0.1:{server.port}",
                home,
                ca_file=str(authority.certificate),
                client_cert=str(mine.certificate),
                client_key=str(mine.key),
            )
        assert worst(tuple(found.values())) == "pass"


async def test_a_client_certificate_that_cannot_be_used(authority: Authority, home: Path) -> None:
    mine, other = authority.issue("ada", file="client"), authority.issue("bob", file="other")
    cert, ca = str(mine.certificate), str(authority.certificate)
    wrong = await check("https://127.0.0.1:1", home, client_cert=cert, client_key=str(other.key))
    assert wrong["gateway.tls"].verdict == "tls-client-cert-unusable", "no request of Claude Code's gets out then"
    async with serving(servers.litellm(), wants_certificate(ssl.TLSVersion.TLSv1_3)(authority)) as server:
        url = f"https://127.0.0.1:{server.port}"
        missing = await check(url, home, client_cert=cert, client_key="/nonexistent.key", ca_file=ca)
    assert missing["gateway.alive"].verdict == "tls-client-cert-unusable"
    async with serving(servers.litellm(), authority.issue(LOCAL).context()) as server:
        url = f"https://127.0.0.1:{server.port}"
        unused = await check(url, home, client_cert=cert, client_key="/nonexistent.key", ca_file=ca)
    assert unused["gateway.tls"].verdict == "tls-file-unused", "a server that wants none works without it"


# Proxies


def proxied(name: str, server: Running) -> dict[str, str]:
    return {name: f"http://ada:canary@127.0.0.1:{server.port}"}


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_case_68_every_proxy_variable_serves_every_gateway(
    name: str, tls: bool, authority: Authority, home: Path
) -> None:
    context = authority.issue(LOCAL).context() if tls else None
    async with serving(servers.litellm(), context) as gateway, serving(servers.connect_proxy()) as proxy:
        url = f"{'https' if tls else 'http'}://127.0.0.1:{gateway.port}"
        found = await check(url, home, proxied(name, proxy), ca_file=str(authority.certificate))
    assert worst(tuple(found.values())) == "pass", found
    assert found["gateway.name"].status == "skip"
    assert proxy.received and all(b"Proxy-Authorization: Basic" in each for each in proxy.received)
    assert not any(b"Proxy-Authorization" in each for each in gateway.received) or not tls


@pytest.mark.parametrize(
    ("handler", "verdict", "row"),
    [
        (servers.connect_proxy(407), "proxy-auth", "connect"),
        (servers.connect_proxy(403), "proxy-refuses", "connect"),
        (servers.connect_proxy(502), "proxy-refuses", "connect"),
        (servers.connect_proxy(hang=True), "proxy-dead", "connect"),
        (servers.closes, "proxy-dead", "connect"),
        (sends(b"SSH-2.0-x\r\n", first=True), "proxy-dead", "connect"),
    ],
    ids=["407", "403", "502", "hangs", "closes", "ssh"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_case_68_a_proxy_that_does_not_help(
    handler: Handler, verdict: str, row: str, scheme: str, home: Path
) -> None:
    async with serving(handler) as proxy:
        found = await check(f"{scheme}://127.0.0.1:9", home, proxied("HTTPS_PROXY", proxy))
    bad = next(each for each in found.values() if each.status == "fail")
    assert bad.verdict == verdict or (scheme == "http" and bad.verdict == "not-http"), bad
    if bad.verdict != "not-http":
        assert "HTTPS_PROXY" in bad.cause
    assert "canary" not in str(found)


@pytest.mark.parametrize("then", [servers.hangs, servers.closes], ids=["hangs", "closes"])
async def test_case_68_a_proxy_that_opens_the_way_to_nowhere(then: Handler, home: Path) -> None:
    async def handle(talk: Talk) -> None:
        await talk.request()
        await talk.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if then is servers.hangs:
            await then(talk)

    async with serving(handle) as proxy:
        tls = (await check("https://127.0.0.1:9", home, proxied("HTTPS_PROXY", proxy)))["gateway.tls"]
    assert tls.verdict == "proxy-dead"
    assert "HTTPS_PROXY" in tls.cause


async def test_case_68_a_server_that_refuses_through_a_proxy_is_not_the_proxy(home: Path) -> None:
    async with serving(greets(b"\x15\x03\x03\x00\x02\x02\x46")) as server, serving(servers.connect_proxy()) as proxy:
        found = await check(f"https://127.0.0.1:{server.port}", home, proxied("HTTPS_PROXY", proxy))
    assert found["gateway.tls"].verdict == "tls-version"


async def test_case_68_a_dead_proxy_is_named(home: Path) -> None:
    with servers.closed_port() as port:
        env = {"https_proxy": f"http://ada:canary@127.0.0.1:{port}"}
        connect = (await check("http://127.0.0.1:9", home, env))["gateway.connect"]
    assert connect.verdict == "proxy-dead"
    assert f"127.0.0.1:{port} (https_proxy)" in connect.cause
    assert "canary" not in str(connect)


@pytest.mark.parametrize(
    "url", ["socks5://127.0.0.1:1", "proxy.corp.example:http", "http://", "http://[::1", "nonsense"]
)
async def test_case_68_a_proxy_that_is_none(url: str, home: Path) -> None:
    connect = (await check("http://127.0.0.1:9", home, {"HTTPS_PROXY": url}))["gateway.connect"]
    assert connect.verdict == "proxy-invalid"
    assert "HTTPS_PROXY" in connect.cause

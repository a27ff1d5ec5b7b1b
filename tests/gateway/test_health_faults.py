"""Every fault on the way to a gateway has its name, within its time."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.faults import servers
from tests.faults.certificates import Authority
from tests.faults.servers import Handler, Running, Talk, says, sends, serving
from tests.machines import machine_at
from wizard.answers import Gateway
from wizard.gateway.health import ROWS, check_gateway
from wizard.verdict import Verdict, worst

TITLE = "<html><head><title>Welcome to [bold]Corp[/] \x1b[31mWi-Fi</title></head></html>"
OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@dataclass(frozen=True)
class Case:
    """A behaviour, the row that shows it, its verdict (`a|b`: the kernel decides), and the seconds it may take."""

    name: str
    handler: Handler
    verdict: str
    row: str = "gateway.alive"
    seconds: float = 4.0


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


async def timed_1xx(talk: Talk) -> None:
    await talk.request()
    while True:
        await talk.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await asyncio.sleep(0.2)


PLAIN = [
    # nothing comes
    Case("hangs", servers.hangs, "no-answer", seconds=6),
    Case("closes", servers.closes, "empty-reply", seconds=4),
    Case("closes at once", servers.closes_at_once, "empty-reply|reset", seconds=4),
    Case("resets", servers.resets, "reset", seconds=4),
    Case("cut body", sends(OK_HEAD + b"Content-Length: 50\r\n\r\n{"), "cut-body"),
    Case("cut chunk", sends(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"), "cut-body"),
    Case("reset in body", servers.resets_in_body, "reset", seconds=4),
    # too slow
    Case("drips headers", servers.endless(b"HTTP/1.1 200 OK\r\nX-A: ", b"a", 0.3), "too-slow", seconds=9),
    Case("drips body", servers.endless(OK_HEAD + b"Content-Length: 9999\r\n\r\n", b" ", 0.3), "too-slow", seconds=9),
    Case("endless 1xx", timed_1xx, "too-slow", seconds=9),
    # too much
    Case("endless body", servers.endless(OK_HEAD + b"\r\n", b"x" * 65536), "too-big"),
    Case("endless headers", servers.endless(b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"b" * 4096 + b"\r\n"), "too-big"),
    Case("5 MB header", sends(b"HTTP/1.1 200 OK\r\nX-A: " + b"c" * 5_000_000), "too-big"),
    Case("huge JSON", says(200, '["' + "d" * 1_000_000 + '"]'), "too-big"),
    Case("gzip bomb", says(200, gzip.compress(b"0" * 5_000_000), Content_Encoding="gzip"), "encoded"),
    Case("brotli", says(200, b"\x0b\x02\x80", Content_Encoding="br"), "encoded"),
    # not HTTP
    Case("SSH", sends(b"SSH-2.0-OpenSSH_9.2\r\n", first=True), "not-http"),
    Case("SMTP", sends(b"220 mail.example ESMTP\r\n", first=True), "not-http"),
    Case("HTTP/2", sends(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18), "not-http"),
    Case("HTTP/0.9", sends(b"<html>hello</html>"), "not-http"),
    Case("garbage", sends(b"\x00\xff\xfe\r\n\r\n"), "not-http"),
    Case("TLS alert", sends(b"\x15\x03\x01\x00\x02\x02\x46"), "http-on-tls"),
    Case("nginx on its TLS port", says(400, "The plain HTTP request was sent to HTTPS port"), "http-on-tls"),
    Case("Go on its TLS port", says(400, "Client sent an HTTP request to an HTTPS server."), "http-on-tls"),
    Case("broken header", sends(b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"), "malformed"),
    Case("bad length", sends(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"), "malformed"),
    Case("switches protocols", sends(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"), "malformed"),
    # something else answers
    Case("portal", says(200, TITLE, kind="text/html"), "not-litellm"),
    Case("cookies", says(200, TITLE, kind="text/html", Set_Cookie="a=b; Domain=.com; Path=/"), "not-litellm"),
    Case("no content", sends(b"HTTP/1.1 204 No Content\r\n\r\n"), "not-litellm"),
    Case("empty", says(200, ""), "not-litellm"),
    Case("list", says(200, "[]"), "not-litellm"),
    Case("null", says(200, "null"), "not-litellm"),
    Case("another string", says(200, '"I am fine"'), "not-litellm"),
    Case("bad JSON", says(200, '{"a":'), "not-litellm"),
    Case("bad UTF-8", says(200, b'"\xff\xfe"'), "not-litellm"),
    Case("deep JSON", says(200, "[" * 100_000), "not-litellm"),
    Case("big integer", says(200, "1" * 100_000), "not-litellm"),
    Case("always alive", says(200, servers.ALIVE), "not-litellm", "gateway.ready"),
    # redirects
    Case("to another host", says(302, Location="https://evil.example/x?token=1"), "redirect-other"),
    Case("nowhere", says(301), "redirect-other"),
    Case("unreadable", says(301, Location="http://[::1"), "redirect-other"),
    Case("to a sign-in", says(302, Location="https://sso.corp.example/auth"), "redirect-login"),
    Case("to a page", says(307, Location="/login.html"), "redirect-login"),
    # states
    Case("401", says(401, "who?", WWW_Authenticate="Basic"), "forbidden"),
    Case("403", says(403, "<h1>blocked</h1>", kind="text/html"), "forbidden"),
    Case("404", says(404, servers.NOT_FOUND), "wrong-path"),
    Case("404 page", says(404, "<h1>404</h1>", kind="text/html"), "wrong-path"),
    Case("500", says(500, "oops"), "upstream-down"),
    Case("502", says(502, "<h1>Bad Gateway</h1>", kind="text/html"), "upstream-down"),
    Case("503", says(503, "busy"), "upstream-down"),
    Case("418", says(418, "teapot"), "not-litellm"),
    Case("429", says(429, "slow down"), "limited"),
]


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: case.name)
async def test_over_http(case: Case, home: Path) -> None:
    async with serving(case.handler) as server:
        started = time.monotonic()
        found = await check(f"http://127.0.0.1:{server.port}", home)
        assert found[case.row].verdict in case.verdict.split("|"), found[case.row]
        assert time.monotonic() - started < case.seconds
        assert worst(tuple(found.values())) == "fail"


async def test_redirect_to_https_names_the_url(home: Path) -> None:
    async with serving(says(301, Location="https://127.0.0.1/llm/health/liveliness")) as server:
        alive = (await check(f"http://127.0.0.1:{server.port}/llm", home))["gateway.alive"]
    assert alive.verdict == "redirect-https"
    assert alive.facts["target"] == "https://127.0.0.1/llm"


async def test_a_redirect_target_never_shows_its_query(home: Path) -> None:
    async with serving(says(302, Location="https://u:pw@idp.example/login?token=canary")) as server:
        alive = (await check(f"http://127.0.0.1:{server.port}", home))["gateway.alive"]
    assert alive.verdict == "redirect-login"
    assert "canary" not in str(alive) and "pw" not in str(alive)


async def test_a_page_title_is_shown_inert(home: Path) -> None:
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
async def test_a_flaky_gateway_gets_two_more_chances(bad: Handler, home: Path) -> None:
    async with serving(servers.first(2, bad, servers.litellm())) as server:
        found = await check(f"http://127.0.0.1:{server.port}", home)
    assert worst(tuple(found.values())) == "pass"
    assert server.lines.count("GET /health/liveliness") == 3


@pytest.mark.parametrize("bad", [says(500, "oops"), says(404, "no"), says(429, "slow")], ids=["500", "404", "429"])
async def test_other_answers_are_not_asked_for_again(bad: Handler, home: Path) -> None:
    async with serving(bad) as server:
        await check(f"http://127.0.0.1:{server.port}", home)
    assert server.lines.count("GET /health/liveliness") == 1


# TLS

LOCAL = "127.0.0.1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def old_protocol(authority: Authority) -> ssl.SSLContext:
    made = authority.issue(LOCAL).context()
    made.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.minimum_version = ssl.TLSVersion.TLSv1
        made.maximum_version = ssl.TLSVersion.TLSv1_1
    return made


def wants_certificate(authority: Authority, newest: ssl.TLSVersion) -> ssl.SSLContext:
    made = authority.issue(LOCAL).context()
    made.maximum_version = newest
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(authority.certificate)
    return made


TLS: dict[str, tuple[Callable[[Authority], ssl.SSLContext], str, str]] = {
    "expired": (lambda ca: ca.issue(LOCAL, starts=-20, ends=-2).context(), "gateway.tls", "tls-expired"),
    "expired long ago": (lambda ca: ca.issue(LOCAL, starts=-900, ends=-800).context(), "gateway.tls", "tls-expired"),
    "not yet": (lambda ca: ca.issue(LOCAL, starts=2, ends=9).context(), "gateway.tls", "tls-not-yet"),
    "not for years": (lambda ca: ca.issue(LOCAL, starts=900, ends=901).context(), "gateway.tls", "tls-not-yet"),
    "another host": (lambda ca: ca.issue("llm.corp.example").context(), "gateway.tls", "tls-hostname"),
    "another address": (lambda ca: ca.issue("127.0.0.2").context(), "gateway.tls", "tls-hostname"),
    "self-signed": (lambda ca: ca.issue(LOCAL, self_signed=True).context(), "gateway.tls", "tls-untrusted"),
    "unknown authority": (
        lambda ca: Authority(ca.folder, "Other CA").issue(LOCAL).context(),
        "gateway.tls",
        "tls-untrusted",
    ),
    "old protocol": (old_protocol, "gateway.tls", "tls-version"),
    "client certificate, TLS 1.2": (
        lambda ca: wants_certificate(ca, ssl.TLSVersion.TLSv1_2),
        "gateway.tls",
        "tls-client-cert",
    ),
    "client certificate, TLS 1.3": (
        lambda ca: wants_certificate(ca, ssl.TLSVersion.TLSv1_3),
        "gateway.alive",
        "tls-client-cert",
    ),
    "expires soon": (lambda ca: ca.issue(LOCAL, ends=5).context(), "gateway.tls", "tls-expires-soon"),
    "good": (lambda ca: ca.issue(LOCAL, ends=90).context(), "gateway.tls", "tls-ok"),
}


@pytest.mark.parametrize("name", TLS)
async def test_over_tls(name: str, authority: Authority, home: Path) -> None:
    context, row, verdict = TLS[name]
    async with serving(servers.litellm(), context(authority)) as server:
        started = time.monotonic()
        found = await check(f"https://127.0.0.1:{server.port}", home, ca_file=str(authority.certificate))
        assert found[row].verdict == verdict, found[row]
        assert time.monotonic() - started < 4
        assert "off" not in found[row].fix.split(), "never advise to switch verification off"


async def test_what_the_certificate_says(authority: Authority, home: Path) -> None:
    tls = authority.issue("llm.corp.example", "llm2.corp.example", ends=-2, starts=-20).context()
    async with serving(servers.litellm(), tls) as server:
        facts = (await check(f"https://127.0.0.1:{server.port}", home))["gateway.tls"].facts
    assert facts["issuer"] == "Corp Root CA"
    assert facts["names"] == "llm.corp.example, llm2.corp.example"
    assert str(facts["not_after"]) < str(facts["not_before"]) or len(str(facts["not_after"])) == 10
    assert not server.received, "the look at the certificate sends no request"


async def test_authorities_of_the_environment(authority: Authority, home: Path) -> None:
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
async def test_an_authority_file_that_is_not_there(name: str, home: Path) -> None:
    tls = (await check("https://127.0.0.1:1", home, {name: "/nonexistent/ca.pem"}))["gateway.tls"]
    assert tls.verdict == "tls-ca-missing"
    assert name in tls.cause and "/nonexistent/ca.pem" in tls.cause


async def test_an_authority_file_that_is_none(home: Path) -> None:
    (home / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    found = await check("https://127.0.0.1:1", home, ca_file="~/ca.pem")
    assert found["gateway.tls"].verdict == "tls-ca-unusable"


async def test_a_client_certificate(authority: Authority, home: Path) -> None:
    mine = authority.issue("ada", file="client")
    for newest in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        async with serving(servers.litellm(), wants_certificate(authority, newest)) as server:
            found = await check(
                f"https://127.0.0.1:{server.port}",
                home,
                ca_file=str(authority.certificate),
                client_cert=str(mine.certificate),
                client_key=str(mine.key),
            )
        assert worst(tuple(found.values())) == "pass"


async def test_a_client_certificate_without_its_key(authority: Authority, home: Path) -> None:
    mine, other = authority.issue("ada", file="client"), authority.issue("bob", file="other")
    for key in (str(other.key), "/nonexistent.key"):
        cert = str(mine.certificate)
        found = await check("https://127.0.0.1:1", home, client_cert=cert, client_key=key)
        assert found["gateway.tls"].verdict == "tls-client-cert-unusable"


CONFUSED = {
    "plain http": (servers.litellm(), "https-on-plain"),
    "answers anything with 400": (sends(b"HTTP/1.1 400 Bad Request\r\n\r\n", first=True), "https-on-plain"),
    "SSH": (sends(b"SSH-2.0-OpenSSH_9.2\r\n", first=True), "not-http"),
    "mail": (sends(b"220 mail.example ESMTP ready\r\n", first=True), "not-http"),
    "closes": (servers.closes_at_once, "tls-version|reset"),
    "hangs": (servers.hangs, "no-answer"),
}


@pytest.mark.parametrize("name", CONFUSED)
async def test_https_to_a_port_without_tls(name: str, home: Path) -> None:
    handler, verdict = CONFUSED[name]
    async with serving(handler) as server:
        started = time.monotonic()
        tls = (await check(f"https://127.0.0.1:{server.port}", home))["gateway.tls"]
        assert tls.verdict in verdict.split("|"), tls
        assert time.monotonic() - started < 7.5


async def test_http_to_a_port_with_tls(authority: Authority, home: Path) -> None:
    async with serving(servers.litellm(), authority.issue(LOCAL).context()) as server:
        alive = (await check(f"http://127.0.0.1:{server.port}", home))["gateway.alive"]
    assert alive.verdict == "http-on-tls"


# Proxies


def proxied(name: str, server: Running) -> dict[str, str]:
    return {name: f"http://ada:canary@127.0.0.1:{server.port}"}


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_every_proxy_variable_serves_every_gateway(
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
async def test_a_proxy_that_does_not_help(handler: Handler, verdict: str, row: str, scheme: str, home: Path) -> None:
    async with serving(handler) as proxy:
        found = await check(f"{scheme}://127.0.0.1:9", home, proxied("HTTPS_PROXY", proxy))
    bad = next(each for each in found.values() if each.status == "fail")
    assert bad.verdict == verdict or (scheme == "http" and bad.verdict == "not-http"), bad
    if bad.verdict != "not-http":
        assert "HTTPS_PROXY" in bad.cause
    assert "canary" not in str(found)


async def test_a_dead_proxy_is_named(home: Path) -> None:
    with servers.closed_port() as port:
        env = {"https_proxy": f"http://ada:canary@127.0.0.1:{port}"}
        connect = (await check("http://127.0.0.1:9", home, env))["gateway.connect"]
    assert connect.verdict == "proxy-dead"
    assert f"127.0.0.1:{port} (https_proxy)" in connect.cause
    assert "canary" not in str(connect)


@pytest.mark.parametrize(
    "url", ["socks5://127.0.0.1:1", "proxy.corp.example:3128", "http://", "http://[::1", "nonsense"]
)
async def test_a_proxy_that_is_none(url: str, home: Path) -> None:
    connect = (await check("http://127.0.0.1:9", home, {"HTTPS_PROXY": url}))["gateway.connect"]
    assert connect.verdict == "proxy-invalid"
    assert "HTTPS_PROXY" in connect.cause

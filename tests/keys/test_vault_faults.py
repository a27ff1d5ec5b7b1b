"""Servers at the Vault address that misbehave: the wizard and the helper name the fault and keep their limits.

The fakes stand on loopback; each case is run by the wizard's own test and by the helper at the same time.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from tests.faults import servers
from tests.faults.certificates import Authority
from tests.faults.servers import Handler, Talk, says, sends, serving
from tests.keys.helpers import helper_text, machine_with, options_of, write_helper
from tests.keys.vault_double import HEALTHY, LONG_LIVED
from tests.programs import require
from wizard.keys.backend import backend
from wizard.verdict import Verdict

TOKEN: Final = "hvs.sweep-canary-0a1b2c3d"
KEY: Final = "sk-sweep-canary-0123456789"
MEGABYTES: Final = 30
WIZARD_LIMIT: Final = 8 + 4
"""Seconds for the one request that goes wrong: 8, and what a busy machine adds."""
HELPER_LIMIT: Final = 10.0

TITLE: Final = "<html><head><title>Welcome to [bold]Corp[/] \x1b[31mWi-Fi</title></head></html>"
OK_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PORTAL: Final = says(200, TITLE, kind="text/html", Set_Cookie="a=b; Path=/")
LOCAL: Final = "127.0.0.1"


@dataclass(frozen=True)
class Case:
    """A behaviour, the verdict of its row (`a|b`: the kernel decides), and a part of the helper's sentence."""

    name: str
    handler: Handler
    verdict: str
    helper: str = ""
    row: str = "server"
    tls: Callable[[Authority], ssl.SSLContext] | None = None
    https: bool = False
    trusted: bool = True


def state(status: int, **changes: object) -> Handler:
    return says(status, json.dumps({**HEALTHY, **changes}))


def vault(at: str = "", status: int = 200, body: bytes | str = b"", **headers: str) -> Handler:
    """A good Vault that goes wrong at one place: token, mounts or data."""
    good = {
        "token": {"data": LONG_LIVED},
        "mounts": {"data": {"path": "secret/", "options": {"version": "2"}}},
        "data": {"data": {"data": {"api_key": KEY}, "metadata": {"version": 1}}, "warnings": ["\x1b[2J[/x]" + TITLE]},
    }

    async def handle(talk: Talk) -> None:
        head = (await talk.request()).decode("latin-1")
        path = head.split(" ")[1]
        place = next((name for name, part in _PLACES.items() if part in path), "")
        if not place:
            await talk.answer(200, json.dumps(HEALTHY))
        elif place == at:
            await talk.answer(status, body, **headers)
        else:
            await talk.answer(200, json.dumps(good[place]))

    return handle


_PLACES: Final = {"token": "lookup-self", "mounts": "internal/ui/mounts", "data": "/secret/data/"}


def errors(*texts: str) -> str:
    return json.dumps({"errors": list(texts)})


def wants_certificate(authority: Authority) -> ssl.SSLContext:
    made = authority.issue(LOCAL).context()
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(authority.certificate)
    return made


def shown(**how: Any) -> Callable[[Authority], ssl.SSLContext]:
    names = how.pop("names", (LOCAL,))
    return lambda authority: authority.issue(*names, **how).context()


async def endless_1xx(talk: Talk) -> None:
    await talk.request()
    while True:
        await talk.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await asyncio.sleep(0.2)


async def plain_http(talk: Talk) -> None:
    await talk.reader.read(5)
    await talk.answer(400, "<h1>Bad Request</h1>", kind="text/html")


async def nuls(talk: Talk) -> None:
    await talk.request()
    await talk.send(OK_HEAD + b"\r\n" + b'{"data"\x00:' + b"\x00" * 1000)


HOSTILE = "\x1b]0;x\x07[/x]\u202e"
BAD_PLACE = "what answers there is not Vault"
NOT_VAULT = BAD_PLACE
CUT = "cuts the connection"

QUICK = [
    # what sys/health says; the helper asks for the secret at once and gets no answer that fits
    Case("standby", state(429, standby=True), "vault-standby", "status 429"),
    Case("performance standby", state(473, standby=True, performance_standby=True), "vault-standby", "status 473"),
    Case("secondary", state(472, replication_dr_mode="secondary"), "vault-secondary", "status 472"),
    Case("secondary that says 200", state(200, replication_dr_mode="secondary"), "vault-secondary", BAD_PLACE),
    Case("not initialised", state(501, initialized=False, sealed=True), "vault-uninitialised", "status 501"),
    Case("not initialised, 200", state(200, initialized=False), "vault-uninitialised", BAD_PLACE),
    Case("sealed", state(503, sealed=True), "vault-sealed", "is sealed"),
    Case("sealed, 200", state(200, sealed=True), "vault-sealed", BAD_PLACE),
    # something else answers
    Case("portal", PORTAL, "vault-not-vault", BAD_PLACE),
    Case("balancer's 503", says(503, "<html>Service Unavailable</html>", kind="text/html"),
         "vault-not-vault", "status 503"),
    Case("balancer's sealed page", says(503, "<h1>Vault is sealed</h1>", kind="text/html"),
         "vault-not-vault", "status 503"),
    Case("balancer's 502", says(502, TITLE, kind="text/html"), "vault-not-vault", "status 502"),
    Case("firewall's 403", says(403, TITLE, kind="text/html"), "vault-not-vault", "no mount"),
    Case("404 page", says(404, TITLE, kind="text/html"), "vault-not-vault", ""),
    Case("list", says(200, "[]"), "vault-not-vault", BAD_PLACE),
    Case("null", says(200, "null"), "vault-not-vault", BAD_PLACE),
    Case("empty", says(200, ""), "vault-not-vault", BAD_PLACE),
    Case("no content", sends(b"HTTP/1.1 204 No Content\r\n\r\n"), "vault-not-vault", "status 204"),
    Case("bad JSON", says(200, '{"sealed":'), "vault-not-vault", BAD_PLACE),
    Case("bad UTF-8", says(200, b'{"sealed":"\xff\xfe"}'), "vault-not-vault", BAD_PLACE),
    Case("sealed is text", says(200, '{"sealed":"no"}'), "vault-not-vault", BAD_PLACE),
    Case("deep JSON", says(200, "[" * 100_000), "vault-not-vault", BAD_PLACE),
    Case("deep objects", says(200, '{"a":' * 40_000), "vault-not-vault", BAD_PLACE),
    Case("big integer", says(200, '{"sealed":' + "1" * 100_000 + "}"), "vault-not-vault", BAD_PLACE),
    Case("NUL bytes", nuls, "vault-not-vault", BAD_PLACE),
    # too much
    Case("huge JSON", says(200, '["' + "d" * 1_000_000 + '"]'), "vault-not-vault", "far more"),
    Case("endless body", servers.endless(OK_HEAD + b"\r\n", b"x" * 65536), "vault-not-vault", "far more"),
    Case("endless NULs", servers.endless(OK_HEAD + b"\r\n", b"\x00" * 65536), "vault-not-vault", "far more"),
    Case("gzip bomb", says(200, gzip.compress(b"0" * 60_000_000, 1), Content_Encoding="gzip"), "vault-not-vault", ""),
    Case("brotli", says(200, b"\x0b\x02\x80", Content_Encoding="br"), "vault-not-vault", BAD_PLACE),
    Case("endless headers", servers.endless(b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"b" * 4096 + b"\r\n"),
         "vault-not-http", ""),
    Case("5 MB header", sends(b"HTTP/1.1 200 OK\r\nX-A: " + b"c" * 5_000_000), "vault-not-http|vault-cut", ""),
    # not HTTP
    Case("SSH", sends(b"SSH-2.0-OpenSSH_9.2\r\n", first=True), "vault-not-http", "not speak http"),
    Case("SMTP", sends(b"220 mail.example ESMTP\r\n", first=True), "vault-not-http", "not speak http"),
    Case("HTTP/2", sends(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18), "vault-not-http", "not speak http"),
    Case("HTTP/0.9", sends(b"<html>hello</html>"), "vault-not-http", "not speak http"),
    Case("garbage", sends(b"\x00\xff\xfe\r\n\r\n"), "vault-not-http", "not speak http"),
    Case("Go on its TLS port", says(400, "Client sent an HTTP request to an HTTPS server."),
         "vault-speaks-tls", "status 400"),
    Case("nginx on its TLS port", says(400, "plain HTTP request was sent to HTTPS port"),
         "vault-speaks-tls", "status 400"),
    # cut
    Case("closes", servers.closes, "vault-cut", CUT),
    Case("closes at once", servers.closes_at_once, "vault-cut", CUT),
    Case("resets", servers.resets, "vault-cut", CUT),
    Case("resets in the body", servers.resets_in_body, "vault-cut", ""),
    Case("cut body", sends(OK_HEAD + b"Content-Length: 50\r\n\r\n{"), "vault-cut", ""),
    Case("cut chunk", sends(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"), "vault-cut", ""),
    Case("bad chunk", sends(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{"), "vault-cut|vault-not-http", ""),
    # TLS
    Case("untrusted", vault(), "vault-tls", "not trusted", tls=shown(), trusted=False),
    Case("self-signed", vault(), "vault-tls", "not trusted", tls=shown(self_signed=True)),
    Case("expired", vault(), "vault-tls-expired", "not trusted", tls=shown(starts=-30, ends=-1)),
    Case("expired long ago", vault(), "vault-tls-expired", "not trusted", tls=shown(starts=-900, ends=-800)),
    Case("not yet valid", vault(), "vault-tls-not-yet", "not trusted", tls=shown(starts=2, ends=9)),
    Case("another name", vault(), "vault-tls-hostname", "not trusted", tls=shown(names=("vault.other.example",))),
    Case("another address", vault(), "vault-tls-hostname", "not trusted", tls=shown(names=("10.9.8.7",))),
    Case("client certificate", vault(), "vault-client-cert|vault-cut", "", tls=wants_certificate),
    Case("https on plain http", plain_http, "vault-plain-http", "TLS with it fails", https=True),
    Case("https on ssh", sends(b"SSH-2.0-x\r\n", first=True), "vault-plain-http|vault-tls-failed", "", https=True),
    Case("https, closes", servers.closes_at_once, "vault-cut", "", https=True),
    # the token's turn; the helper never asks about it
    Case("token refused", vault("token", 403, errors("permission denied")), "token-unseen", "=", row="token"),
    Case("token: HTML 502", vault("token", 502, TITLE, kind="text/html"), "token-unseen", "=", row="token"),
    Case("token: list", vault("token", 200, "[]"), "token-unseen", "=", row="token"),
    # the secret's turn
    Case("no mount", vault("mounts", 403, errors("preflight capability check returned 403")),
         "secret-mount", "no mount", "secret"),
    Case("mounts: portal", vault("mounts", 200, TITLE, kind="text/html"), "secret-odd-answer", BAD_PLACE, "secret"),
    Case("mounts: sealed now", vault("mounts", 503, errors("Vault is sealed")),
         "secret-odd-answer", "is sealed", "secret"),
    Case("mounts: another mount", vault("mounts", 200, '{"data":{"path":"kv/"}}'),
         "secret-odd-answer", BAD_PLACE, "secret"),
    Case("data: 403", vault("data", 403, errors("permission denied")), "secret-denied", "refuses to read", "secret"),
    Case("data: 403 page", vault("data", 403, TITLE, kind="text/html"), "secret-denied", "refuses to read", "secret"),
    Case("data: no route", vault("data", 404, errors('no handler for route "x"')),
         "secret-no-mount", "no secret", "secret"),
    Case("data: 404", vault("data", 404, errors()), "secret-missing", "no secret", "secret"),
    Case("data: 404 page", vault("data", 404, TITLE, kind="text/html"), "secret-missing", "no secret", "secret"),
    Case("data: 500", vault("data", 500, errors("\x1b[31mboom\u202e [/x] " + TOKEN)),
         "secret-odd-answer", "status 500", "secret"),
    Case("data: 429", vault("data", 429, errors("rate limit quota exceeded")),
         "secret-odd-answer", "status 429", "secret"),
    Case("data: portal", vault("data", 200, TITLE, kind="text/html"), "secret-odd-answer", NOT_VAULT, "secret"),
    Case("data: null", vault("data", 200, "null"), "secret-odd-answer", NOT_VAULT, "secret"),
    Case("data: list", vault("data", 200, '{"data":{"data":[]}}'), "secret-odd-answer", NOT_VAULT, "secret"),
    Case("data: control characters", vault("data", 200, '{"data":{"data":{"api_key":"sk-\\u001b[2Jx"}}}'),
         "secret-not-a-key", "odd character", "secret"),
    Case("data: too long", vault("data", 200, json.dumps({"data": {"data": {"api_key": "k" * 300_000}}})),
         "secret-odd-answer", "far more", "secret"),
    Case("data: hostile names", vault("data", 200, json.dumps({"data": {"data": {HOSTILE * 50: "x"}}})),
         "secret-no-field", "no field", "secret"),
    Case("good, with hostile warnings", vault(), "secret-found", "=", "secret"),
]  # fmt: skip

SLOW = [
    Case("hangs", servers.hangs, "vault-timeout", "in time"),
    Case("hangs before TLS", servers.hangs, "vault-timeout", "in time", https=True),
    Case("drips headers", servers.endless(b"HTTP/1.1 200 OK\r\nX-A: ", b"a", 0.3), "vault-timeout", "in time"),
    Case("drips body", servers.endless(OK_HEAD + b"Content-Length: 9999\r\n\r\n", b" ", 0.3),
         "vault-timeout", "in time"),
    Case("drips chunks", servers.endless(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.3),
         "vault-timeout", "in time"),
    Case("endless 1xx", endless_1xx, "vault-not-vault", "in time"),
]  # fmt: skip


@dataclass(frozen=True)
class Helped:
    """How the helper ended: exit, output, and the most memory of any of its programs, in kilobytes."""

    code: int
    out: bytes = field(repr=False)
    err: str
    seconds: float
    kilobytes: int


def run_helper(home: Path, options: Mapping[str, Any], **env: str) -> Helped:
    folder = home / f"helper-{time.monotonic_ns()}"
    folder.mkdir()
    helper = write_helper(helper_text("vault", options, machine_with(home, "curl", "jq")), folder)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "VAULT_TOKEN": TOKEN, **env}
    started = time.monotonic()
    out, err = (folder / "out").open("w+b"), (folder / "err").open("w+b")
    with out, err:
        process = subprocess.Popen(["dash", helper], env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        out.seek(0)
        err.seek(0)
        return Helped(process.returncode, out.read(), err.read().decode("utf-8", "replace"), seconds, used.ru_maxrss)


async def examine(home: Path, options: Mapping[str, Any], **env: str) -> dict[str, Verdict]:
    seen: list[Verdict] = []
    machine = machine_with(home, env={"HOME": str(home), "VAULT_TOKEN": TOKEN, **env})
    await backend("vault").examine(options, machine, seen.append)
    for each in seen:
        assert (each.status in ("warn", "fail")) == bool(each.fix), each
        assert each.cause.isprintable() and each.fix.isprintable() and len(each.cause) < 400, each
        assert "<class" not in each.cause and "{" not in each.cause + each.fix
    text = repr([each.as_json() for each in seen])
    assert TOKEN not in text and KEY not in text
    return {each.id.rpartition(".")[2]: each for each in seen}


def judge_helper(ran: Helped, part: str) -> None:
    assert TOKEN not in ran.err and KEY not in ran.err
    assert ran.seconds < HELPER_LIMIT
    if part == "=":
        assert (ran.code, ran.out, ran.err) == (0, f"{KEY}\n".encode(), "")
        return
    assert (ran.code, ran.out) == (1, b""), ran
    assert ran.err.endswith("\n") and ran.err.count("\n") == 1 and ran.err[:-1].isprintable(), ran.err
    assert part in ran.err, ran.err
    assert len(ran.err) < 400


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    """Fail when more than 30 MB are taken meanwhile (Linux: the peak is counted anew from here)."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _kilobytes("VmRSS")
    yield
    assert _kilobytes("VmHWM") - before < MEGABYTES * 1024


def _kilobytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(each.split()[1]) for each in lines if each.startswith(f"{name}:"))


async def run_case(case: Case, home: Path, authority: Authority) -> None:
    context = case.tls(authority) if case.tls else None
    async with serving(case.handler, context) as server:
        scheme = "https" if context or case.https else "http"
        more = {"ca_file": str(authority.certificate)} if scheme == "https" and case.trusted else {}
        url = f"{scheme}://{LOCAL}:{server.port}"
        options = options_of("vault", address=url, mount="secret", path="litellm/claude-code", **more)
        started = time.monotonic()
        helper = asyncio.create_task(asyncio.to_thread(run_helper, home, options))
        found = await examine(home, options)
        seconds = time.monotonic() - started
        ran = await helper
    assert found[case.row].verdict in case.verdict.split("|"), (case.name, found[case.row])
    if found["server"].status == "fail":
        assert seconds < WIZARD_LIMIT, case.name
        asked = [each for each in server.received if b"/v1/sys/health" in each or b"/v1/sys/seal-status" in each]
        assert not any(TOKEN.encode() in each for each in asked), "the state of a server needs no token"
    judge_helper(ran, case.helper)


@pytest.fixture
def authority(home: Path) -> Authority:
    return Authority(home)


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    """What the wizard imports for Vault is no part of a server's cost."""
    import hvac.adapters
    import requests

    assert hvac.adapters and requests


@pytest.fixture
def helper_programs() -> None:
    """Known before a helper starts in a thread of its own, while the wizard asks."""
    require("curl", "jq")


by_helper_too = pytest.mark.usefixtures("helper_programs")


@by_helper_too
@pytest.mark.parametrize("case", QUICK, ids=lambda each: each.name)
async def test_case_32_79_a_quick_fault(case: Case, home: Path, authority: Authority) -> None:
    with little_memory():
        await run_case(case, home, authority)


@by_helper_too
async def test_case_32_slow_faults_end_in_time(home: Path, authority: Authority) -> None:
    with little_memory():
        await asyncio.gather(*(run_case(case, home, authority) for case in SLOW))


@by_helper_too
async def test_case_65_the_helper_keeps_little_in_memory(home: Path) -> None:
    async with serving(vault()) as good, serving(servers.endless(OK_HEAD + b"\r\n", b"x" * 65536)) as flood:
        ran = []
        for server in (good, flood):
            url = f"http://{LOCAL}:{server.port}"
            options = options_of("vault", address=url, mount="secret", path="litellm/claude-code")
            ran.append(await asyncio.to_thread(run_helper, home, options))
    assert (ran[0].code, ran[1].code) == (0, 1)
    assert ran[1].kilobytes - ran[0].kilobytes < MEGABYTES * 1024


@by_helper_too
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["health", "token", "mounts", "data"])
async def test_case_15_a_redirect_never_takes_the_token_along(
    status: int, place: str, home: Path, authority: Authority
) -> None:
    """From http and from https: to another origin, to plain http, to a sign-in page."""
    async with serving(vault()) as sink:
        there = f"http://{LOCAL}:{sink.port}/v1/secret/data/litellm/claude-code"
        for tls, target in ((False, there), (True, there), (False, "/ui/login"), (True, f"//{LOCAL}:{sink.port}/sso")):
            moved = says(status, b"", Location=target)
            handler = moved if place == "health" else vault(place, status, b"", Location=target)
            context = authority.issue(LOCAL).context() if tls else None
            async with serving(handler, context) as server:
                url = f"{'https' if tls else 'http'}://{LOCAL}:{server.port}"
                more = {"ca_file": str(authority.certificate)} if tls else {}
                options = options_of("vault", address=url, mount="secret", path="litellm/claude-code", **more)
                found, ran = await asyncio.gather(examine(home, options), asyncio.to_thread(run_helper, home, options))
            if place == "health":
                assert found["server"].verdict == "vault-redirect"
            elif place == "token":
                assert found["token"].verdict == "token-unseen"
            else:
                assert found["secret"].verdict == "secret-odd-answer"
            judge_helper(ran, "=" if place == "token" else "redirects")
        assert not sink.received, "nobody followed"


@by_helper_too
async def test_case_32_an_address_that_never_answers(home: Path) -> None:
    with servers.blackhole() as port:
        options = options_of("vault", address=f"http://{LOCAL}:{port}", mount="secret", path="x")
        found, ran = await asyncio.gather(examine(home, options), asyncio.to_thread(run_helper, home, options))
    assert found["server"].verdict == "vault-timeout"
    judge_helper(ran, "in time")


@by_helper_too
async def test_case_32_nothing_there_and_no_such_name(home: Path) -> None:
    with servers.closed_port() as port:
        options = options_of("vault", address=f"http://{LOCAL}:{port}", mount="secret", path="x")
        found, ran = await asyncio.gather(examine(home, options), asyncio.to_thread(run_helper, home, options))
    assert found["server"].verdict == "vault-refused"
    judge_helper(ran, "nothing answers there")
    options = options_of("vault", address="https://no-such-host.invalid", mount="secret", path="x")
    found, ran = await asyncio.gather(examine(home, options), asyncio.to_thread(run_helper, home, options))
    assert found["server"].verdict == "vault-unknown-name"
    judge_helper(ran, "name is not known")


@by_helper_too
@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (servers.connect_proxy(407), "user name and a password"),
        (servers.connect_proxy(403), "HTTP 403"),
        (servers.connect_proxy(502), "HTTP 502"),
        (servers.closes, "no http proxy"),
        (sends(b"SSH-2.0-x\r\n", first=True), "no http proxy"),
    ],
    ids=["407", "403", "502", "closes", "ssh"],
)
@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY"])
async def test_case_68_a_proxy_that_does_not_help(name: str, handler: Handler, reason: str, home: Path) -> None:
    async with serving(handler) as proxy:
        options = options_of("vault", address="https://vault.corp.example", mount="secret", path="x")
        env = {name: f"http://ada:proxy-canary@{LOCAL}:{proxy.port}"}
        found, ran = await asyncio.gather(
            examine(home, options, **env), asyncio.to_thread(lambda: run_helper(home, options, **env))
        )
    server = found["server"]
    assert (server.verdict, name in server.cause, reason in server.cause) == ("vault-proxy", True, True), server
    assert "proxy-canary" not in repr(server.as_json()) + ran.err
    judge_helper(ran, "")
    assert not any(TOKEN.encode() in each for each in proxy.received)


async def test_case_68_a_dead_proxy_is_named(home: Path) -> None:
    with servers.closed_port() as port:
        options = options_of("vault", address="https://vault.corp.example", mount="secret", path="x")
        found = await examine(home, options, HTTPS_PROXY=f"http://{LOCAL}:{port}")
    assert found["server"].verdict == "vault-proxy" and "nothing listens there" in found["server"].cause


@pytest.mark.parametrize("url", ["socks5://127.0.0.1:1", "http://[::1", "http://"])
async def test_case_68_a_proxy_that_is_none(url: str, home: Path) -> None:
    options = options_of("vault", address="https://vault.corp.example", mount="secret", path="x")
    found = await examine(home, options, HTTPS_PROXY=url)
    assert found["server"].verdict == "vault-proxy", found["server"]

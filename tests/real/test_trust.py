"""TLS and proxies: what the check says of a gateway, and whether the real Claude Code gets through to the same one.

Behind every front is a real LiteLLM. Claude Code runs with the settings that the wizard would write for the answers,
in the environment that the check looked at, in a network namespace that holds nothing else.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.faults.certificates import Authority
from tests.faults.servers import Handler, Talk, closed_port, serving
from tests.machines import machine_at
from tests.programs import CLAUDE, OLD_CLAUDE, require
from tests.real.litellm_proxy import Proxy
from tests.real.sandbox import Sandbox
from wizard.answers import Answers, Gateway
from wizard.gateway.health import check_gateway
from wizard.machine.model import ClaudeCode
from wizard.machine.settings_layers import settings_layers
from wizard.render.claude import environment
from wizard.verdict import Verdict, worst

NAME: Final = "llm.corp.example"
"""A name that only the proxies know."""

AT_ONCE: Final = 3
LIMIT: Final = 120.0
VERSIONS: Final = {"2.1.330": CLAUDE, "2.1.197": OLD_CLAUDE}

EXTRA: Final = "NODE_EXTRA_CA_CERTS"


@dataclass(frozen=True)
class Situation:
    """A front, the environment and the answers (`{name}` stands for a file or a port), and the verdict of the check.

    `settings` are variables that the user's own settings.json has held before.
    `verdict` is that of the first row that isn't right, or "" where all is well.
    """

    name: str
    front: str
    verdict: str = ""
    works: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"
    version: str = "2.1.330"


def works(name: str, front: str, verdict: str = "", **more: Any) -> Situation:
    """A situation in which Claude Code gets its answer; `verdict` is a warning, if there is one."""
    return Situation(name, front, verdict, works=True, **more)


ROOT: Final = {"ca_file": "{root}"}
DEAD: Final = "http://127.0.0.1:{closed}"
PROXY: Final = "http://127.0.0.1:{proxy}"
OLD: Final = "2.1.197"

SITUATIONS: Final = [
    # whom it trusts
    Situation("private CA", "good", "tls-untrusted"),
    works("as NODE_EXTRA_CA_CERTS of the shell", "good", env={EXTRA: "{root}"}),
    works("as CA file of the answers", "good", answers=ROOT),
    works("CA file beats a wrong one of the shell", "good", answers=ROOT, env={EXTRA: "/nonexistent.pem"}),
    works("as SSL_CERT_FILE", "good", env={"SSL_CERT_FILE": "{root}"}),
    works("in SSL_CERT_DIR, without a hashed name", "good", env={"SSL_CERT_DIR": "{folder}"}),
    Situation(
        "SSL_CERT_FILE without the system's store",
        "good",
        "tls-untrusted",
        env={"SSL_CERT_FILE": "{root}", "CLAUDE_CODE_CERT_STORE": "bundled"},
    ),
    Situation("as REQUESTS_CA_BUNDLE", "good", "tls-untrusted", env={"REQUESTS_CA_BUNDLE": "{root}"}),
    Situation("as CURL_CA_BUNDLE", "good", "tls-untrusted", env={"CURL_CA_BUNDLE": "{root}"}),
    works("second in a file", "good", answers={"ca_file": "{second}"}),
    Situation("behind a broken one in a file", "good", "tls-ca-unusable", answers={"ca_file": "{spoilt}"}),
    works("a file that is not there, and not needed", "good", "tls-file-unused",
          env={"SSL_CERT_FILE": "{root}", EXTRA: "/nonexistent.pem"}),
    works("no certificate in a file that is not needed", "good", "tls-file-unused",
          env={"SSL_CERT_FILE": "{root}", EXTRA: "{text}"}),
    Situation("the same before 2.1.330", "good", "tls-ca-unusable", version=OLD,
              env={"SSL_CERT_FILE": "{root}", EXTRA: "{text}"}),
    # what the server shows
    Situation("self-signed", "self-signed", "tls-untrusted"),
    works("self-signed, and trusted itself", "self-signed", answers={"ca_file": "{own}"}),
    Situation("expired", "expired", "tls-expired", answers=ROOT),
    Situation("another name", "other name", "tls-hostname", answers=ROOT),
    works("a name in the common name only", "common name", answers=ROOT, env={"HTTPS_PROXY": PROXY}, host=NAME),
    works("the common name before 2.1.330", "common name", answers=ROOT, version=OLD,
          env={"HTTPS_PROXY": PROXY}, host=NAME),
    Situation("for clients only", "for clients", "tls-failed", answers=ROOT),
    Situation("incomplete chain", "incomplete", "tls-untrusted", answers=ROOT),
    works("incomplete chain, completed by the file", "incomplete", answers={"ca_file": "{both}"}),
    Situation("only the intermediate trusted", "chain", "tls-untrusted", answers={"ca_file": "{between}"}),
    # what it shows of itself
    Situation("client certificate wanted", "mutual", "tls-client-cert", answers=ROOT),
    works("client certificate given", "mutual", answers={**ROOT, "client_cert": "{client}", "client_key": "{key}"}),
    works("certificate and key in one file", "mutual", answers={**ROOT, "client_cert": "{pair}"}),
    Situation("another key", "good", "tls-client-cert-unusable",
              answers={**ROOT, "client_cert": "{client}", "client_key": "{other key}"}),
    works("certificate that is not there, and not wanted", "good", "tls-file-unused",
          answers={**ROOT, "client_cert": "/nonexistent.pem"}),
    # proxies
    works("through a proxy, by a name only it knows", "good", answers=ROOT, env={"HTTPS_PROXY": PROXY}, host=NAME),
    Situation("dead proxy", "good", "proxy-dead", answers=ROOT, env={"HTTPS_PROXY": DEAD}),
    works("dead proxy, and NO_PROXY", "good", answers=ROOT, env={"HTTPS_PROXY": DEAD, "NO_PROXY": "x, 127.0.0.1"}),
    works("NO_PROXY with a network", "good", answers=ROOT, env={"HTTP_PROXY": DEAD, "NO_PROXY": "127.0.0.0/8"}),
    Situation("a network, before 2.1.330", "good", "proxy-dead", answers=ROOT, version=OLD,
              env={"HTTP_PROXY": DEAD, "NO_PROXY": "127.0.0.0/8"}),
    Situation("lower case wins", "good", "proxy-dead", answers=ROOT, env={"https_proxy": DEAD, "HTTPS_PROXY": PROXY}),
    works("the answers win over lower case", "good", answers={**ROOT, "proxy": PROXY}, env={"https_proxy": DEAD}),
    Situation("password wanted", "good", "proxy-auth", answers=ROOT, env={"HTTPS_PROXY": "http://127.0.0.1:{asking}"}),
    works("password given", "good", answers=ROOT, env={"HTTPS_PROXY": "http://ada:p%40w@127.0.0.1:{asking}"}),
    Situation("dead ALL_PROXY", "good", "proxy-dead", answers=ROOT, env={"ALL_PROXY": DEAD}),
    works("ALL_PROXY before 2.1.330", "good", answers=ROOT, env={"ALL_PROXY": DEAD}, version=OLD),
    works("SOCKS in ALL_PROXY", "good", answers=ROOT, env={"ALL_PROXY": "socks5://127.0.0.1:{closed}"}),
    Situation("SOCKS in HTTPS_PROXY", "good", "proxy-invalid", answers=ROOT,
              env={"HTTPS_PROXY": "socks5://127.0.0.1:{closed}"}),
    Situation("no URL, whatever NO_PROXY says", "good", "proxy-invalid", answers=ROOT,
              env={"HTTPS_PROXY": "nonsense", "NO_PROXY": "*"}),
    # what the user's settings held before
    works("CA file of the user's settings", "good", settings={EXTRA: "{root}"}, env={EXTRA: "/nonexistent.pem"}),
    Situation("nothing there over a CA file of the shell", "good", "tls-untrusted", settings={EXTRA: ""},
              env={EXTRA: "{root}"}),
    Situation("dead proxy of the user's settings", "good", "proxy-dead", answers=ROOT, settings={"HTTP_PROXY": DEAD}),
    works("SSL_CERT_FILE does not count there", "good", answers=ROOT, settings={"SSL_CERT_FILE": "/nonexistent.pem"}),
    works("https proxy", "good", answers=ROOT, env={"HTTPS_PROXY": "https://127.0.0.1:{tls proxy}"}, host=NAME),
]  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What the check found, and how Claude Code ended."""

    verdicts: tuple[Verdict, ...]
    answered: bool
    said: str


@dataclass(frozen=True)
class World:
    """The running servers by their ports, and what `{name}` stands for in a situation."""

    folder: Path
    ports: Mapping[str, int]
    names: Mapping[str, str]

    def fill(self, values: Mapping[str, str]) -> dict[str, str]:
        return {name: value.format_map(self.names) for name, value in values.items()}

    def home(self, situation: Situation) -> Path:
        return self.folder / situation.name

    def gateway(self, situation: Situation) -> Gateway:
        url = f"https://{situation.host}:{self.ports[situation.front]}"
        return replace(Gateway(url=url), **self.fill(situation.answers))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def outcomes(litellm: Proxy, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    """Every situation, tried by both."""
    require(CLAUDE, OLD_CLAUDE)
    return asyncio.run(_try_all(litellm, sandbox, tmp_path_factory.mktemp("trust")))


async def _try_all(litellm: Proxy, sandbox: Sandbox, folder: Path) -> dict[str, Outcome]:
    async with _world(litellm, folder) as world:
        for port in world.ports.values():
            await asyncio.to_thread(sandbox.bring_in, port)
        found = {each.name: await _check(each, world) for each in SITUATIONS}
        turn = asyncio.Semaphore(AT_ONCE)
        asked = [_ask(each, world, litellm, sandbox, turn) for each in SITUATIONS]
        told = await asyncio.gather(*asked)
    return {each.name: Outcome(found[each.name], *answer) for each, answer in zip(SITUATIONS, told, strict=True)}


async def _check(situation: Situation, world: World) -> tuple[Verdict, ...]:
    home = world.home(situation)
    (home / ".claude").mkdir(parents=True)
    (home / ".claude/settings.json").write_text(json.dumps({"env": world.fill(situation.settings)}))
    program = ClaudeCode(Path("/unused/claude"), situation.version)
    layers = settings_layers(home / ".claude", home, "linux", root=home)
    env = {"HOME": str(home), **world.fill(situation.env)}
    machine = machine_at(home, env=env, claude=program, layers=layers)
    return await check_gateway(world.gateway(situation), machine, lambda _: None)


async def _ask(
    situation: Situation, world: World, litellm: Proxy, sandbox: Sandbox, turn: asyncio.Semaphore
) -> tuple[bool, str]:
    """Have Claude Code answer once, with the settings that the wizard writes for these answers."""
    home = world.home(situation)
    wanted = environment(Answers(gateway=world.gateway(situation)), machine_at(home), 60_000)
    settings = {"apiKeyHelper": f"echo {litellm.master_key}", "env": {**world.fill(situation.settings), **wanted}}
    (home / ".claude/settings.json").write_text(json.dumps(settings))
    (program,) = require(VERSIONS[situation.version])
    env = {
        "HOME": str(home),
        "PATH": "/usr/bin:/bin",
        "CLAUDE_CODE_MAX_RETRIES": "0",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        **world.fill(situation.env),
    }
    words: list[str | Path] = [program, "-p", "say hi", "--output-format", "json", "--max-turns", "1", "--tools", ""]
    words += ["--strict-mcp-config", "--no-session-persistence"]
    async with turn:
        done = await asyncio.to_thread(partial(sandbox.run, words, env=env, cwd=home, limit=LIMIT))
    try:
        told = json.loads(done.stdout)
    except ValueError:
        return False, done.stdout + done.stderr
    return told["is_error"] is False and litellm.answer in str(told["result"]), str(told["result"])


@contextlib.asynccontextmanager
async def _world(litellm: Proxy, folder: Path) -> AsyncIterator[World]:
    """Make the authorities and start every server."""
    root = Authority(folder, "Corp Root CA")
    other = Authority(folder, "Other CA")
    between = Authority(folder, "Issuing CA", parent=root)
    own = root.issue("127.0.0.1", self_signed=True, file="own")
    client, stranger = root.issue("ada", file="client"), root.issue("eve", file="stranger")
    mutual = root.issue("127.0.0.1", file="mutual").context()
    mutual.verify_mode = ssl.CERT_REQUIRED
    mutual.load_verify_locations(root.certificate)
    good = root.issue("127.0.0.1", NAME, file="good").context()
    front = _front(litellm.port)
    servers: dict[str, tuple[Handler, ssl.SSLContext | None]] = {
        "good": (front, good),
        "common name": (front, root.issue(NAME, common_name_only=True, file="common").context()),
        "for clients": (front, root.issue("127.0.0.1", purpose=ExtendedKeyUsageOID.CLIENT_AUTH, file="eku").context()),
        "self-signed": (front, own.context()),
        "expired": (front, root.issue("127.0.0.1", starts=-20, ends=-2, file="expired").context()),
        "other name": (front, root.issue("llm2.corp.example", file="other-name").context()),
        "incomplete": (front, between.issue("127.0.0.1", file="incomplete").context()),
        "chain": (front, between.issue("127.0.0.1", file="chain", chain=[between]).context()),
        "mutual": (front, mutual),
        "proxy": (_proxy(), None),
        "asking": (_proxy("ada:p@w"), None),
        "tls proxy": (_proxy(), good),
    }
    files = {
        "root": root.certificate,
        "between": between.certificate,
        "own": own.certificate,
        "client": client.certificate,
        "key": client.key,
        "other key": stranger.key,
        "pair": _joined(folder / "pair.pem", client.certificate, client.key),
        "both": _joined(folder / "both.pem", between.certificate, root.certificate),
        "second": _joined(folder / "second.pem", other.certificate, root.certificate),
        "text": folder / "text.pem",
        "spoilt": folder / "spoilt.pem",
        "folder": folder / "authorities",
    }
    files["text"].write_text("no certificate\n")
    broken = b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"
    files["spoilt"].write_bytes(other.certificate.read_bytes() + broken + root.certificate.read_bytes())
    files["folder"].mkdir()
    _joined(files["folder"] / "corp.pem", root.certificate)
    async with contextlib.AsyncExitStack() as stack:
        ports = {
            name: (await stack.enter_async_context(serving(handler, tls))).port
            for name, (handler, tls) in servers.items()
        }
        closed = stack.enter_context(closed_port())
        numbers = {name: str(port) for name, port in ports.items()}
        yield World(folder, ports, {**numbers, "closed": str(closed), **{name: str(at) for name, at in files.items()}})


def _joined(path: Path, *parts: Path) -> Path:
    path.write_bytes(b"".join(each.read_bytes() for each in parts))
    return path


def _front(port: int) -> Handler:
    """Carries bytes to the real LiteLLM."""

    async def handle(talk: Talk) -> None:
        await _carry(talk, port)

    return handle


def _proxy(credentials: str = "") -> Handler:
    """A proxy for CONNECT that knows every name, and asks for a password if it has one."""
    wanted = b"Basic " + base64.b64encode(credentials.encode())

    async def handle(talk: Talk) -> None:
        head = await talk.request()
        if credentials and wanted not in head:
            await talk.send(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
            return
        await talk.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await _carry(talk, int(head.split(b" ")[1].rpartition(b":")[2]))

    return handle


async def _carry(talk: Talk, port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await asyncio.gather(_pump(talk.reader, writer), _pump(reader, talk.writer))
    finally:
        writer.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda each: each.name)
def test_the_check_says_what_claude_code_does(situation: Situation, outcomes: Mapping[str, Outcome]) -> None:
    outcome = outcomes[situation.name]
    assert outcome.answered is situation.works, outcome.said
    odd = [each for each in outcome.verdicts if each.status in ("fail", "warn") and each.verdict != "ok-slow"]
    assert [each.verdict for each in odd[:1]] == ([situation.verdict] if situation.verdict else []), odd
    assert (worst(outcome.verdicts) != "fail") is situation.works
    assert "p%40w" not in str(outcome.verdicts) and "p@w" not in str(outcome.verdicts)


def test_no_situation_is_there_twice() -> None:
    assert len({each.name for each in SITUATIONS}) == len(SITUATIONS) > 20

"""Whatever a server does, the check names it: within its time, in little memory, and without an exception."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.faults.behaviours import PLAIN, TOO_MUCH, Behaviour
from tests.faults.certificates import Authority
from tests.faults.servers import litellm, serving
from tests.faults.tls_behaviours import HANDSHAKES, IN_TLS, LOCAL, InTls
from wizard.gateway.catalogue import CATALOGUE
from wizard.gateway.health import ROWS
from wizard.net import limits

ROOT: Final = Path(__file__).parents[2]
GROUPS: Final[Mapping[str, Sequence[Behaviour]]] = {"http": PLAIN, "https": HANDSHAKES, "in TLS": IN_TLS}
ALL: Final = {f"{group}, {each.name}": each for group, listed in GROUPS.items() for each in listed}

COMMAND: Final = [
    *("hangs", "closes", "resets", "drips headers", "interim answers in a flood", "endless body", "gzip bomb"),
    *("SSH", "HTTP/0.9", "broken header", "portal", "title of controls", "deep JSON", "bad UTF-8", "Ollama"),
    *("to https", "to a sign-in", "with another's password", "401", "a path is missing", "429", "502 page"),
    *("503 of its database", "clock behind", "always alive", "sign of life hidden", "503 twice"),
]
"""Those that also go through the real command."""

MORE_MEMORY: Final = 30 * 1024
ROOM: Final = 4.0
"""Seconds that a busy machine may take on top of the check's own limit."""


@dataclass(frozen=True)
class Sweep:
    """What the checks found, by the name of the behaviour, and the memory that all of them took together, in kB."""

    found: Mapping[str, dict[str, Any]]
    grown: int


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return asyncio.run(_sweep(Authority(tmp_path_factory.mktemp("authority")), ALL, 10))


async def _sweep(authority: Authority, behaviours: Mapping[str, Behaviour], at_once: int) -> Sweep:
    async with contextlib.AsyncExitStack() as stack:
        ca_file = str(authority.certificate)
        good = await stack.enter_async_context(serving(litellm(), authority.issue(LOCAL).context()))
        jobs = []
        for name, each in behaviours.items():
            tls = each.context(authority) if isinstance(each, InTls) else None
            server = await stack.enter_async_context(serving(each.handler, tls))
            scheme = "http" if name.startswith("http,") else "https"
            url = f"{scheme}://127.0.0.1:{server.port}{each.path}"
            jobs.append({"name": name, "url": url, "ca_file": ca_file})
        first = {"url": f"https://127.0.0.1:{good.port}", "ca_file": ca_file}
        work = {"good": first, "at_once": at_once, "checks": jobs}
        out = await _run(sys.executable, "-m", "tests.faults.checker", given=json.dumps(work))
    *lines, last = [json.loads(line) for line in out.splitlines()]
    return Sweep({each["name"]: each for each in lines}, last["grown_kb"])


async def _run(*argv: str, given: str = "") -> str:
    pipe = subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT)
    out, err = await process.communicate(given.encode())
    assert not err, err.decode()
    return out.decode()


def judge(each: Behaviour, rows: Mapping[str, dict[str, Any]]) -> None:
    """Compare what was found with what the table says."""
    assert list(rows) == [id_ for id_, _ in ROWS]
    row = rows[each.row]
    assert row["verdict"] in each.verdict.split("|"), row
    assert each.cause in row["cause"] and each.fix in row["fix"], row
    statuses = {found["status"] for found in rows.values()}
    worst = next(status for status in ("fail", "warn", "pass") if status in statuses)
    assert worst == each.worst or "|" in each.verdict, rows
    for found in rows.values():
        assert (found["status"] in ("fail", "warn")) == bool(found["fix"]), found
        assert found["cause"].isprintable() and len(found["cause"]) < 400 and "{" not in found["cause"] + found["fix"]
        assert "canary" not in str(found)


def test_case_62_there_is_enough_of_it() -> None:
    assert len(ALL) == sum(len(each) for each in GROUPS.values()) > 200
    verdicts = [verdict for each in ALL.values() for verdict in each.verdict.split("|")]
    once = {verdict for verdict in verdicts if verdicts.count(verdict) < 2}
    assert not once & {verdict for verdict, kind in CATALOGUE.items() if kind.status == "fail"} - {"route-missing"}


@pytest.mark.parametrize("name", ALL)
def test_case_62_its_verdict(name: str, sweep: Sweep) -> None:
    result = sweep.found[name]
    assert not result["error"], result["error"]
    assert result["seconds"] < limits.CHECK + ROOM
    judge(ALL[name], {each["id"]: each for each in result["verdicts"]})


def test_case_62_65_memory_stays_bounded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One check after the other, of everything that sends too much; before the limits one took 2.9 GB."""
    greedy = {f"http, {each.name}": each for each in TOO_MUCH}
    grown = asyncio.run(_sweep(Authority(tmp_path), greedy, 1)).grown
    with capsys.disabled():
        print(f"\nChecks of {len(greedy)} servers that send too much took {grown / 1024:.1f} MB more memory.")
    assert grown < MORE_MEMORY


TLS_KINDS: Final = {
    "in TLS, expired": "tls-expired",
    "in TLS, not yet": "tls-not-yet",
    "in TLS, another host": "tls-hostname",
    "in TLS, self-signed": "tls-untrusted",
    "in TLS, old protocol": "tls-version",
    "in TLS, wants ours, 1.3": "tls-client-cert",
    "https, plain http": "https-on-plain",
    "http, TLS handshake": "http-on-tls",
}
SLOW: Final = {
    *("http, drips headers", "http, drips body", "http, drips chunks", "http, drips interim answers", "http, hangs"),
    *("https, hangs", "https, drips its hello", "in TLS, drips behind TLS", "in TLS, hangs behind TLS"),
}
BIG: Final = {
    *("http, endless body", "http, endless blanks", "http, endless headers", "http, endless status line"),
    *("http, endless trailers", "http, interim answers in a flood", "http, 5 MB header", "http, huge JSON"),
    *("http, promises a terabyte", "http, gzip bomb", "http, deep JSON", "http, deep JSON objects"),
    *("http, big integer", "http, many small lists", "in TLS, floods behind TLS"),
}
NOT_OURS: Final = {
    **dict.fromkeys(("http, portal", "http, portal with cookies", "http, sign-in page", "http, list"), "not-litellm"),
    **dict.fromkeys(("http, null", "http, bad JSON", "http, bad UTF-8", "http, empty", "http, Ollama"), "not-litellm"),
    **dict.fromkeys(("http, SSH", "http, HTTP/2", "http, HTTP/0.9", "http, garbage", "http, Redis"), "not-http"),
}


def verdict_of(name: str, sweep: Sweep) -> str:
    """Return the verdict of the row that a behaviour shows itself in."""
    rows = {each["id"]: each for each in sweep.found[name]["verdicts"]}
    return str(rows[ALL[name].row]["verdict"])


def test_case_63_each_kind_of_tls_trouble_has_its_own_verdict(sweep: Sweep) -> None:
    assert {name: verdict_of(name, sweep) for name in TLS_KINDS} == TLS_KINDS
    assert len(set(TLS_KINDS.values())) == len(TLS_KINDS)
    told = json.dumps([each["verdicts"] for each in sweep.found.values()]).lower()
    assert not [
        word for word in ("reject_unauthorized", "--insecure", "skip_verify", "verification off") if word in told
    ]


def test_case_64_what_is_slow_is_given_up_in_time(sweep: Sweep) -> None:
    took = {name: sweep.found[name]["seconds"] for name in SLOW}
    assert max(took.values()) < limits.TOTAL + 0.5 + ROOM, took
    assert {verdict_of(name, sweep) for name in SLOW} <= {"too-slow", "no-answer"}


def test_case_65_what_is_big_is_given_up_at_once(sweep: Sweep) -> None:
    took = {name: sweep.found[name]["seconds"] for name in BIG}
    assert max(took.values()) < 1 + ROOM, took
    assert limits.BODY == 256 * 1024
    assert {verdict_of(name, sweep) for name in BIG} <= {"too-big", "encoded", "not-litellm"}


def test_case_66_what_is_no_gateway_is_called_so(sweep: Sweep) -> None:
    assert {name: verdict_of(name, sweep) for name in NOT_OURS} == NOT_OURS


@pytest.fixture(scope="module")
def commanded(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, dict[str, Any]]:
    return asyncio.run(_commanded())


async def _commanded() -> Mapping[str, dict[str, Any]]:
    turn = asyncio.Semaphore(3)
    named = {each.name: each for each in PLAIN}

    async def one(each: Behaviour) -> dict[str, Any]:
        async with serving(each.handler) as server, turn:
            url = f"http://127.0.0.1:{server.port}{each.path}"
            argv = ("-m", "wizard", "check", "--json", "--only", "gateway", "--server", url)
            found: dict[str, Any] = json.loads(await _run(sys.executable, *argv))
            return found

    found = await asyncio.gather(*(one(named[name]) for name in COMMAND))
    return dict(zip(COMMAND, found, strict=True))


@pytest.mark.parametrize("name", COMMAND)
def test_case_62_through_the_command(name: str, commanded: Mapping[str, dict[str, Any]]) -> None:
    each = ALL[f"http, {name}"]
    judge(each, {row["id"]: row for row in commanded[name]["checks"]})
    assert commanded[name]["ok"] == (each.worst != "fail")

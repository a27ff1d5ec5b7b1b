"""A real LiteLLM with a real PostgreSQL behind it, so that its own checks judge real keys.

Only Prisma's client is a stand-in (`prisma_stub`), since its query engine is a download of its own. The tables are made
by the SQL that LiteLLM ships for them.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from tests.programs import LITELLM, missing, require
from tests.real.fake_bedrock import FakeBedrock
from tests.real.litellm_proxy import Proxy, config_of, free_port, running

PRISMA_STUB: Final = Path(__file__).with_name("prisma_stub")
READY_WITHIN: Final = 60.0
MASTER_KEY: Final = "sk-master-2f8c6b0d4e7a1953"
_NOBODY: Final = 65534


@dataclass(slots=True)
class Postgres:
    """A database server of the test's own, with nothing kept safe for later."""

    port: int
    psql: Path
    start_with: tuple[str, ...] = field(repr=False)
    log: Path
    who: Mapping[str, Any]
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where a client finds it."""
        return f"postgresql://litellm@127.0.0.1:{self.port}/postgres"

    def run(self, sql: str) -> str:
        """Run SQL and return what psql prints; fails on any error."""
        argv = [str(self.psql), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.url]
        done = subprocess.run(argv, input=sql, capture_output=True, text=True, check=False, timeout=READY_WITHIN)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def start(self) -> None:
        """Start it, and wait until it answers."""
        env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.start_with, env=env, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self.who
            )
        deadline = time.monotonic() + READY_WITHIN
        while True:
            try:
                self.run("SELECT 1")
            except AssertionError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    text = self.log.read_text()[-2000:]
                    raise RuntimeError(f"PostgreSQL did not start; its log ends:\n{text}") from None
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End it at once, clients or not."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(READY_WITHIN)

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Have it down for as long as the block lasts."""
        self.stop()
        try:
            yield
        finally:
            self.start()


@dataclass(frozen=True, slots=True)
class Managed:
    """A LiteLLM with a database, and its administrator's calls."""

    proxy: Proxy
    database: Postgres

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None, key: str = MASTER_KEY) -> Any:
        """Make a request, as the administrator unless another key is given, and return the JSON answered."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.proxy.url}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=READY_WITHIN) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()[:500]}") from None

    def key(self, **fields: object) -> str:
        """Make a virtual key by LiteLLM's own API."""
        made: str = self.call("POST", "/key/generate", fields)["key"]
        return made

    def team(self, **fields: object) -> str:
        """Make a team and return its id."""
        made: str = self.call("POST", "/team/new", fields)["team_id"]
        return made

    def spend(self, key: str, model: str = "claude-opus-5-5") -> None:
        """Send a message, which a mock answers and LiteLLM books as if it had cost something."""
        message = {"model": model, "max_tokens": 16, "messages": [{"role": "user", "content": "hello"}]}
        self.call("POST", "/v1/messages", message, key)


@pytest.fixture(scope="session")
def litellm_with_database(tmp_path_factory: pytest.TempPathFactory, fake_bedrock: FakeBedrock) -> Iterator[Managed]:
    """One LiteLLM with a database for the whole run."""
    with managed(tmp_path_factory, fake_bedrock) as made:
        yield made


@pytest.fixture(scope="session")
def litellm_with_jwt_auth(tmp_path_factory: pytest.TempPathFactory, fake_bedrock: FakeBedrock) -> Iterator[Proxy]:
    """A LiteLLM without a database, but with prisma and with JWT auth on, which needs a licence that it has not."""
    master_key = "sk-master-8d3e5f7a9b1c2046"
    config = config_of("pong", fake_bedrock.url, {"master_key": master_key, "enable_jwt_auth": True})
    with running(tmp_path_factory.mktemp("litellm-jwt"), config, PYTHONPATH=str(PRISMA_STUB)) as (url, log):
        yield Proxy(url, "pong", log, master_key)


@contextlib.contextmanager
def managed(folders: pytest.TempPathFactory, fake_bedrock: FakeBedrock) -> Iterator[Managed]:
    """Run a database and a LiteLLM in front of it."""
    (program,) = require(LITELLM)
    folder = folders.mktemp("litellm-database")
    with postgres() as database:
        (shipped,) = program.parent.parent.glob("lib/python3*/site-packages/litellm_proxy_extras/migrations")
        database.run("\n".join(each.read_text() for each in sorted(shipped.glob("*/migration.sql"))))
        checker = folder / "bin/prisma"  # LiteLLM asks whether the tables are as they should be: an empty answer is yes
        checker.parent.mkdir()
        checker.write_text("#!/bin/sh\nexit 0\n")
        checker.chmod(0o755)
        config = config_of("pong", fake_bedrock.url, {"master_key": MASTER_KEY, "disable_prisma_schema_update": True})
        variables = {
            "DATABASE_URL": database.url,
            "DISABLE_SCHEMA_UPDATE": "true",
            "PATH": f"{checker.parent}:{program.parent}:/usr/bin:/bin",
            "PYTHONPATH": str(PRISMA_STUB),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with running(folder, config, **variables) as (url, log):
            yield Managed(Proxy(url, "pong", log, MASTER_KEY), database)


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL of our own; it refuses to run as root, so there it runs as nobody."""
    initdb, server, psql = (_postgres_program(name) for name in ("initdb", "postgres", "psql"))
    env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    port = free_port()
    quick = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=127.0.0.1")
    with tempfile.TemporaryDirectory(prefix="wizard-postgres-", ignore_cleanup_errors=True) as folder:
        data, log = Path(folder) / "data", Path(folder) / "log"
        who: dict[str, Any] = {}
        if os.geteuid() == 0:
            os.chown(folder, _NOBODY, _NOBODY)
            who = {"user": _NOBODY, "group": _NOBODY, "extra_groups": ()}
        make = [str(initdb), "-D", str(data), "-U", "litellm", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"]
        subprocess.run(make, env=env, cwd=folder, check=True, capture_output=True, timeout=READY_WITHIN, **who)
        settings = [part for each in quick for part in ("-c", each)]
        run = (str(server), "-D", str(data), "-p", str(port), "-k", "", *settings)
        made = Postgres(port, psql, run, log, who)
        try:
            made.start()
            yield made
        finally:
            made.stop()


def _postgres_program(name: str) -> Path:
    """Debian keeps the server's programs off PATH."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = places[-1] if places else shutil.which(name)
    if found is None:
        missing(name, "it comes with the Debian package postgresql")
    return Path(found)

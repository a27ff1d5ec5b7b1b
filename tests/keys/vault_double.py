"""Doubles of Vault for what no server here can show: made by hand, not real servers and not the real program.

`VaultDouble` answers as HashiCorp Vault 1.21.4 and OpenBao do where rusty_vault has nothing: `sys/health`,
`sys/internal/ui/mounts`, KV version 2, policies, namespaces. Its bodies were copied from a Vault 1.21.4 built from
source, and compared with OpenBao's `internal/http/sys_health.go` and `logical_system.go`. `write_client_double` makes a
`vault` program that answers in the words of the real one.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

HEALTHY: Final[Mapping[str, Any]] = {
    "initialized": True,
    "sealed": False,
    "standby": False,
    "performance_standby": False,
    "replication_performance_mode": "disabled",
    "replication_dr_mode": "disabled",
    "server_time_utc": 1795427410,
    "version": "1.21.4",
}
LONG_LIVED: Final[Mapping[str, Any]] = {
    "ttl": 86400,
    "creation_ttl": 86400,
    "renewable": True,
    "policies": ["default", "reader"],
}

Reply = tuple[int, object]
"""Status and body: an object is sent as JSON, bytes and text as they are."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the double was asked: path (decoded), headers by lower-case name, method and JSON body."""

    target: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    method: str = "GET"
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class VaultDouble:
    """A server on a free loopback port; a context manager. `secrets` maps paths with their mount to fields."""

    token: str = "hvs.double-0a1b2c"
    mounts: Mapping[str, str] = field(default_factory=lambda: {"secret/": "2"})
    secrets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    health: Reply = (200, HEALTHY)
    lookup: Reply = (200, {"data": LONG_LIVED})
    overrides: Mapping[str, Reply] = field(default_factory=dict)
    namespace: str = ""
    delay: float = 0.0
    slow: Mapping[str, float] = field(default_factory=dict)
    certificate: tuple[Path, Path] | None = None
    client_authority: Path | None = None
    logins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Bodies that a sign-in takes, by path (`auth/jwt/login`); each gives a token of its own."""
    given: list[str] = field(default_factory=list, repr=False)
    """The tokens of sign-ins that have not been revoked."""
    filter: Callable[[Request], Reply] | None = None
    """Answers instead, for what stands between."""
    requests: list[Request] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = field(default=None, repr=False)

    def __enter__(self) -> Self:
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                path = unquote(urlsplit(self.path).path.removeprefix("/v1/"))
                content = self.rfile.read(int(headers.get("content-length", "0")))
                body = json.loads(content) if content else {}
                asked = Request(self.path, path, headers, self.command, body)
                double.requests.append(asked)
                time.sleep(double.slow.get(path, double.delay))
                status, body = (double.filter or double.answer)(asked)
                content = (
                    body
                    if isinstance(body, bytes)
                    else json.dumps(body, separators=(",", ":"), sort_keys=True).encode()
                )
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "http://127.0.0.1:9/elsewhere")
                self.send_header("Content-Type", "text/html" if isinstance(body, bytes) else "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # who asked has left
                    self.wfile.write(content)

            do_POST = do_LIST = do_GET  # noqa: N815 - as http.server calls them

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            if self.client_authority:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(self.client_authority)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it answers."""
        assert self._server is not None
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://127.0.0.1:{self._server.server_address[1]}"

    @property
    def asked(self) -> list[str]:
        """The paths asked for, decoded, in order."""
        return [each.path for each in self.requests]

    def answer(self, asked: Request) -> Reply:
        """Answer one request."""
        if asked.path in self.overrides:
            return self.overrides[asked.path]
        if asked.path == "sys/health":
            return self.health
        denied = (403, {"errors": ["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]})
        if asked.headers.get("x-vault-namespace", "").strip("/") != self.namespace:
            return denied
        if asked.path.startswith("auth/") and asked.path.endswith("/login"):
            return self._login(asked)
        token = asked.headers.get("x-vault-token")
        if token not in (self.token, *self.given):
            return denied
        if asked.path == "auth/token/revoke-self":
            self.given.remove(token)
            return 204, b""
        if asked.path == "auth/token/renew-self":
            return 200, {"auth": {"client_token": token, "lease_duration": 86400, "renewable": True}}
        if asked.path == "sys/internal/ui/mounts":
            kv = {name: {"type": "kv", "options": {"version": number}} for name, number in self.mounts.items()}
            return 200, {"data": {"secret": {**kv, "cubbyhole/": {"type": "cubbyhole"}}, "auth": {}}}
        if asked.method == "LIST":
            return self._list(asked.path)
        if asked.path == "auth/token/lookup-self":
            return self.lookup
        if asked.path.startswith("sys/internal/ui/mounts/"):
            return self._mount(asked.path.removeprefix("sys/internal/ui/mounts/"))
        return self._read(asked.path)

    def _login(self, asked: Request) -> Reply:
        wanted = self.logins.get(asked.path)
        if wanted is None:
            return 403, {"errors": ["permission denied"]}
        if asked.method != "POST" or dict(asked.body) != dict(wanted):
            return 400, {"errors": ["invalid role or secret ID"]}
        self.given.append(f"hvs.signed-in-{len(self.requests)}")
        return 200, {"auth": {"client_token": self.given[-1], "lease_duration": 1200, "renewable": True}}

    def _list(self, path: str) -> Reply:
        for mount, version in self.mounts.items():
            folder = path.rstrip("/") + "/"
            if version == "2":
                if not folder.startswith(f"{mount}metadata/"):
                    continue
                folder = mount + folder.removeprefix(f"{mount}metadata/")
            if folder.startswith(mount):
                below = [each.removeprefix(folder) for each in self.secrets if each.startswith(folder)]
                keys = sorted({name + slash for name, slash, _ in (each.partition("/") for each in below)})
                return (200, {"data": {"keys": keys}}) if keys else (404, {"errors": []})
        return 404, {"errors": [f'no handler for route "{path}". route entry not found.']}

    def _mount(self, path: str) -> Reply:
        for mount, version in self.mounts.items():
            if path.startswith(mount):
                options = {"version": "2"} if version == "2" else None
                return 200, {"data": {"path": mount, "type": "kv", "options": options}}
        text = (
            f'preflight capability check returned 403, please ensure client\'s policies grant access to path "{path}/"'
        )
        return 403, {"errors": [text]}

    def _read(self, path: str) -> Reply:
        for mount, version in self.mounts.items():
            if not path.startswith(mount):
                continue
            if version == "1":
                found = self.secrets.get(path)
                return (404, {"errors": []}) if found is None else (200, {"data": found})
            place = mount + path.removeprefix(mount).removeprefix("data/")
            if not path.startswith(f"{mount}data/") or place not in self.secrets:
                return 404, {"errors": []}
            return self._version_2(self.secrets[place])
        return 404, {"errors": [f'no handler for route "{path}". route entry not found.']}

    def _version_2(self, found: Mapping[str, Any]) -> Reply:
        metadata = {"created_time": "2026-11-23T09:50:10Z", "deletion_time": "", "destroyed": False, "version": 1}
        if found.get("__deleted__"):
            gone = {**metadata, "deletion_time": "2026-11-23T09:50:10.760026626Z"}
            return 404, {"data": {"data": None, "metadata": gone}}
        if found.get("__destroyed__"):
            return 404, {"data": {"data": None, "metadata": {**metadata, "destroyed": True}}}
        return 200, {"data": {"data": found, "metadata": metadata}}


def write_client_double(program: Path, record: Path, *, key: str = "", error: str = "", code: int = 0) -> None:
    """Write a double of the `vault` program: it records arguments and environment, then answers as told.

    `error` goes to its stderr. The texts are those of Vault 1.21.4's `vault kv get -field=…`.
    """
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(
        "#!/bin/sh\n"
        f'{{ printf "arg %s\\n" "$@"; env; }} >{record}\n'
        f"printf '%s' '{error}' >&2\n"
        f"printf '%s' '{key}'\n"
        f"exit {code}\n"
    )
    program.chmod(0o755)

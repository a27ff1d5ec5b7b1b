"""A real Vault-API server on loopback: rusty_vault 0.2.1, which cargo installs by name.

What it does like HashiCorp Vault (compared with a Vault 1.21.4 built from source): KV version 1, init, unseal and seal,
token creation, expiry of tokens, `auth/token/lookup-self`, AppRole and userpass, listing folders, 403 for a bad token,
503 when sealed, 404 for a missing secret. What it does differently: KV version 2 is accepted as an option and ignored;
there is no `sys/health` and no `sys/internal/ui/mounts` (404, as on a Vault before 0.10); a token can't renew or revoke
itself (500); policies are not enforced; errors come as `{"error": "…"}` and a 404 has no body.
`tests/keys/vault_double.py` stands in for those parts.
"""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pytest

from tests.programs import RUSTY_VAULT, require
from tests.real.litellm_proxy import free_port

READY_WITHIN: Final = 20.0

_CONFIG: Final = """\
storage "file" {{
  path = "{folder}/data"
}}
listener "tcp" {{
  address     = "127.0.0.1:{port}"
  tls_disable = "true"
}}
api_addr  = "http://127.0.0.1:{port}"
log_level = "info"
pid_file  = "{folder}/pid"
work_dir  = "{folder}"
"""


@dataclass(slots=True)
class VaultServer:
    """A running, unsealed server in a folder of its own, with KV version 1 mounted at `secret`; a context manager."""

    folder: Path
    url: str = ""
    root_token: str = field(default="", repr=False)
    unseal_key: str = field(default="", repr=False)
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def __enter__(self) -> Self:
        (program,) = require(RUSTY_VAULT)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        (self.folder / "data").mkdir(parents=True)
        config = self.folder / "config.hcl"
        config.write_text(_CONFIG.format(folder=self.folder, port=port))
        with (self.folder / "log").open("wb") as log:
            argv = [str(program), "server", "--config", str(config)]
            env = {"HOME": str(self.folder), "PATH": "/usr/bin:/bin"}
            self.process = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
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
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def put(self, path: str, **fields: object) -> None:
        """Write a secret, `path` with its mount."""
        self.request("POST", path, fields)

    def mount(self, path: str) -> None:
        """Mount another KV engine of version 1."""
        self.request("POST", f"sys/mounts/{path}", {"type": "kv"})

    def token(self, ttl: str) -> str:
        """Return a new token that is not root and lives that long, like `30m`."""
        answer = self.request("POST", "auth/token/create", {"policies": ["default"], "ttl": ttl})
        token: str = answer["auth"]["client_token"]
        return token

    def app_role(self, mount: str = "approle", name: str = "claude-code", **limits: object) -> tuple[str, str]:
        """Enable AppRole at a mount, and return role id and secret id of a new role; `limits` are the role's own."""
        self.sign_in_method(mount, "approle")
        self.request("POST", f"auth/{mount}/role/{name}", {"token_policies": "default", "token_ttl": "20m", **limits})
        role = self.request("GET", f"auth/{mount}/role/{name}/role-id")
        secret = self.request("POST", f"auth/{mount}/role/{name}/secret-id", {})
        return role["data"]["role_id"], secret["data"]["secret_id"]

    def user(self, name: str, password: str, mount: str = "userpass") -> None:
        """Enable userpass at a mount and add a user."""
        self.sign_in_method(mount, "userpass")
        self.request("POST", f"auth/{mount}/users/{name}", {"password": password})

    def sign_in_method(self, mount: str, kind: str) -> None:
        """Enable a sign-in method, unless something is mounted there."""
        if f"{mount}/" not in self.request("GET", "sys/auth"):
            self.request("POST", f"sys/auth/{mount}", {"type": kind})

    def wait_until_refused(self, token: str, path: str) -> None:
        """Return once the server refuses the token for `path`: it ends tokens a moment late."""
        deadline = time.monotonic() + READY_WITHIN
        while self._serves(token, "auth/token/lookup-self") or self._serves(token, path):
            assert time.monotonic() < deadline, f"the token still serves after {READY_WITHIN:.0f} s"
            time.sleep(0.1)

    def _serves(self, token: str, path: str) -> bool:
        asked = urllib.request.Request(f"{self.url}/v1/{path}", headers={"X-Vault-Token": token})
        try:
            with urllib.request.urlopen(asked, timeout=10):
                return True
        except urllib.error.HTTPError as error:
            with error:
                return error.code == 404  # a path without a secret, which a good token may ask for

    def seal(self) -> None:
        """Seal it: every read is answered with 503."""
        self.request("PUT", "sys/seal")

    def unseal(self) -> None:
        """Unseal it again."""
        self.request("PUT", "sys/unseal", {"key": self.unseal_key})

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Make a request as root and return the JSON answered; raises urllib.error.HTTPError."""
        headers = {"X-Vault-Token": self.root_token} if self.root_token else {}
        data = None if body is None else json.dumps(body).encode()
        made = urllib.request.Request(f"{self.url}/v1/{path}", data, headers, method=method)
        with urllib.request.urlopen(made, timeout=10) as response:
            content = response.read()
        answer: dict[str, Any] = json.loads(content) if content else {}
        return answer

    def _initialise(self) -> None:
        self._wait()
        made = self.request("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self.unseal_key = made["keys"][0]
        self.unseal()
        self.root_token = made["root_token"]

    def _wait(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.request("GET", "sys/init")
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"rusty_vault did not start; its log ends:\n{(self.folder / 'log').read_text()[-2000:]}")


@pytest.fixture(scope="session")
def vault_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultServer]:
    """One real server for the whole run; who seals it unseals it again."""
    with VaultServer(tmp_path_factory.mktemp("vault")) as server:
        yield server

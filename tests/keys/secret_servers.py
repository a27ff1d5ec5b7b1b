"""Servers that keep secrets, on loopback: Amazon's as moto plays it, OpenBao's own, and a double of three cloud APIs.

The double answers Doppler's, Google's and Kubernetes' programs, which are real, with the bodies those services send.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import socketserver
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from tests.programs import AWS, OPENBAO, require
from tests.real.litellm_proxy import free_port

_PATIENCE: Final = 120.0
_Server = socketserver.ThreadingTCPServer | ThreadingHTTPServer


@contextlib.contextmanager
def amazon(folder: Path, **settings: str) -> Iterator[str]:
    """Run moto's server and return its URL; `settings` are variables of its own."""
    (aws,) = require(AWS)
    port = free_port()
    words: list[str | Path] = [aws.with_name("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with _running(words, folder, f"http://127.0.0.1:{port}/moto-api/", **settings):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def openbao(folder: Path, token: str) -> Iterator[str]:
    """Run OpenBao in memory, unsealed, with KV version 2 at `secret`, and return its URL."""
    (bao,) = require(OPENBAO)
    url = f"http://127.0.0.1:{free_port()}"
    words = (bao, "server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={token}")
    with _running([*words, f"-dev-listen-address={url.partition('//')[2]}"], folder, f"{url}/v1/sys/health"):
        yield url


@contextlib.contextmanager
def _running(words: Sequence[str | Path], folder: Path, probe: str, **settings: str) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    env = {"HOME": str(folder), "PATH": "/usr/bin:/bin", **settings}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _answers(probe):
            assert process.poll() is None, (folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, f"{words[0]} is not ready in time"
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def amazon_action(url: str, action: str, **body: str) -> None:
    """Have moto do something, like `secretsmanager.CreateSecret`."""
    service = "ssm" if action.startswith("AmazonSSM") else "secretsmanager"
    kind = "application/x-amz-json-1.1"
    post(url, body, Content_Type=kind, X_Amz_Target=action, Authorization=_signed(service))


def amazon_user(url: str, name: str) -> tuple[str, str]:
    """Make a user who may do nothing, and return an access key: its id and its secret."""
    for action in ("CreateUser", "CreateAccessKey"):
        body = urllib.parse.urlencode({"Action": action, "Version": "2010-05-08", "UserName": name}).encode()
        asked = urllib.request.Request(url, body, {"Authorization": _signed("iam")})
        with urllib.request.urlopen(asked, timeout=30) as response:
            said = response.read().decode()
    found = re.search(r"<AccessKeyId>(.*?)</AccessKeyId>.*<SecretAccessKey>(.*?)</SecretAccessKey>", said, re.DOTALL)
    assert found, said
    return found[1], found[2]


def _signed(service: str) -> str:
    scope = f"A/20261130/eu-central-1/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"


def post(url: str, body: object, **headers: str) -> dict[str, Any]:
    """Send JSON and return the JSON answered; `_` in a header name stands for `-`."""
    named = {"Content-Type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
    asked = urllib.request.Request(url, json.dumps(body).encode(), named)
    with urllib.request.urlopen(asked, timeout=30) as response:
        answer: dict[str, Any] = json.loads(response.read() or b"{}")
    return answer


@contextlib.contextmanager
def late(url: str, seconds: float) -> Iterator[str]:
    """Return a URL that leads to another server, each connection so much later."""
    host, port = url.rpartition("//")[2].split(":")

    class Relay(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            time.sleep(seconds)
            with contextlib.suppress(OSError), socket.create_connection((host, int(port))) as server:
                back = threading.Thread(target=_pump, args=(server, self.request), daemon=True)
                back.start()
                _pump(self.request, server)
                back.join()

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay)) as where:
        yield where


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """Return the URL of a server that lets everybody connect and never reads."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def _serving(server: _Server) -> Iterator[str]:
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class _Cloud(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    key = ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        credential = self.headers.get("Authorization") or ""
        if credential.startswith("Basic "):
            credential = base64.b64decode(credential[6:]).decode()
        service: Any = _kubernetes if path.startswith("/api") else _google if ":access" in path else _doppler
        status, body = service(self.path, credential, self.key)
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def cloud(key: str) -> Iterator[str]:
    """Serve a key as Doppler, Google and Kubernetes do, and return the URL.

    Its name is `litellm`; `denied` may not be read and all others are missing. A credential with `ended` is refused,
    and the name `ended` of Kubernetes, whose program sends no credential over http.
    """
    handler = type("Cloud", (_Cloud,), {"key": key})
    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as where:
        yield where


def _kubernetes(path: str, credential: str, key: str) -> tuple[int, object]:
    place, name = path.partition("?")[0], path.partition("?")[0].rpartition("/")[2]
    if name == "ended":
        return _status(401, "Unauthorized", "Unauthorized")
    if place == "/api":
        return 200, {"kind": "APIVersions", "versions": ["v1"]}
    if place == "/apis":
        return 200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": []}
    if place == "/api/v1":
        secrets = {"name": "secrets", "singularName": "secret", "namespaced": True, "kind": "Secret", "verbs": ["get"]}
        return 200, {"kind": "APIResourceList", "groupVersion": "v1", "resources": [secrets]}
    if name == "litellm":
        data = {"api-key": base64.b64encode(key.encode()).decode()}
        return 200, {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": name}, "data": data}
    if name == "denied":
        return _status(403, "Forbidden", 'secrets "denied" is forbidden: User "ada" cannot get resource "secrets"')
    return _status(404, "NotFound", f'secrets "{name}" not found')


def _status(code: int, reason: str, message: str) -> tuple[int, object]:
    told = {"status": "Failure", "message": message, "reason": reason, "code": code}
    return code, {"kind": "Status", "apiVersion": "v1", **told}


def _google(path: str, credential: str, key: str) -> tuple[int, object]:
    if "ended" in credential:
        return _error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
    if "/litellm/" in path:
        return 200, {"name": "litellm", "payload": {"data": base64.b64encode(key.encode()).decode()}}
    if "/denied/" in path:
        return _error(403, "PERMISSION_DENIED", "Permission 'secretmanager.versions.access' denied for resource.")
    return _error(404, "NOT_FOUND", "Secret [projects/1/secrets/x] not found or has no versions.")


def _error(code: int, status: str, message: str) -> tuple[int, object]:
    return code, {"error": {"code": code, "message": message, "status": status}}


def _doppler(path: str, credential: str, key: str) -> tuple[int, object]:
    if "ended" in credential:
        return 401, {"messages": ["Invalid Auth token"], "success": False}
    if "denied" in path:
        return 403, {"messages": ["This token does not have access to requested project 'denied'"], "success": False}
    return 200, {"secrets": {"LITELLM": {"raw": key, "computed": key}}, "success": True}

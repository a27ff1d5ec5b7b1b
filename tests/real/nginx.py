"""A real nginx on loopback, as companies put it in front of a gateway: as it is, below a path, with TLS."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.certificates import Authority
from tests.programs import require
from tests.real.litellm_proxy import Proxy, free_port

_SERVER = """
  server {{
    listen 127.0.0.1:{port}{tls};
    location {path} {{
      proxy_pass http://127.0.0.1:{gateway}/;
      proxy_set_header Host $host;
    }}
  }}
"""
_CONFIG = """{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  scgi_temp_path {folder}/scgi;
  uwsgi_temp_path {folder}/uwsgi;
  ssl_certificate {folder}/server.pem;
  ssl_certificate_key {folder}/server.key;
{servers}
}}
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    """The gateway's URLs behind nginx, and the authority that signed its certificate."""

    plain: str
    below_a_path: str
    tls: str
    ca_file: Path


@pytest.fixture(scope="session")
def nginx(litellm: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """An nginx in front of `litellm`, three times over."""
    folder = tmp_path_factory.mktemp("nginx")
    authority = Authority(folder)
    authority.issue("127.0.0.1")
    plain, below, tls = free_port(), free_port(), free_port()
    servers = "".join(
        _SERVER.format(port=port, path=path, tls=secure, gateway=litellm.port)
        for port, path, secure in ((plain, "/", ""), (below, "/llm/", ""), (tls, "/", " ssl"))
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_CONFIG.format(user=user, folder=folder, servers=servers))
    with _running(folder):
        yield Nginx(
            f"http://127.0.0.1:{plain}",
            f"http://127.0.0.1:{below}/llm",
            f"https://127.0.0.1:{tls}",
            authority.certificate,
        )


@contextlib.contextmanager
def _running(folder: Path) -> Iterator[None]:
    (program,) = require("nginx")
    argv: list[str | Path] = [program, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_it_listens(process, folder)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_it_listens(process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        if (folder / "nginx.pid").exists():  # written once every port is bound
            return
        time.sleep(0.05)
    raise RuntimeError(f"nginx did not start: {(folder / 'error.log').read_text()[-1000:]}")

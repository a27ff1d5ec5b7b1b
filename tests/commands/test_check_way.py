"""`check --set`: the way to a gateway is tried before it is written, and what `check` advises works as it stands."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults import servers
from tests.faults.certificates import Authority
from tests.faults.servers import serving

ROOT = Path(__file__).parents[2]


async def check(home: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    """Run the real command and return its status, its JSON and its stderr."""
    argv = [sys.executable, "-m", "wizard", "check", "--json", *words]
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*argv, env=env, cwd=home, stdout=pipe, stderr=pipe)
    out, err = await process.communicate()
    return process.returncode or 0, json.loads(out or b"{}"), err.decode()


@pytest.mark.parametrize("name", ["corp-ca.pem", "ca of the company's.pem"], ids=["plain", "odd"])
async def test_the_advice_of_an_untrusted_gateway_works_as_it_stands(name: str, home: Path, tmp_path: Path) -> None:
    root = Authority(tmp_path)
    (home / "certs").mkdir()
    (home / "certs" / name).write_bytes(root.certificate.read_bytes())
    async with serving(servers.litellm(), root.issue("127.0.0.1").context()) as server:
        url = f"https://127.0.0.1:{server.port}"
        code, told, _ = await check(home, "--server", url, "--only", "gateway")
        assert (code, told["ok"]) == (1, False)
        tls = next(each for each in told["checks"] if each["id"] == "gateway.tls")
        assert tls["verdict"] == "tls-untrusted"
        advised = re.search(r"--set (.*?)\. The file's: ([0-9A-F:]{95})$", tls["fix"])
        assert advised, tls["fix"]
        assert advised[2] == tls["facts"]["authorities"][0]["sha256"]
        code, told, _ = await check(home, "--server", url, *shlex.split(f"--set {advised[1]}"))
        assert (code, told["ok"]) == (0, True), told


@pytest.mark.parametrize("bad", ["gateway.url=https://evil.example", "key.backend=jwt", "gateway.ca_file", "x=1"])
async def test_nothing_but_the_way_can_be_changed(bad: str, home: Path) -> None:
    code, told, said = await check(home, "--server", "https://127.0.0.1:1", "--set", bad)
    assert (code, told) == (2, {})
    assert "gateway.ca_file" in said

"""A process that checks gateways as `check` does and tells what each check cost, apart from the servers' own process.

Reads `{"good": {…}, "at_once": N, "checks": [{"name", "url", "ca_file"}, …]}` from its input and prints one JSON line
per check, then one with the memory that all of them together took beyond the first, good one.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from tests.machines import machine_at
from wizard.answers import Gateway
from wizard.gateway.health import check_gateway


def memory(field: str) -> int:
    """Return one of the kernel's figures about this process, in kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


async def check(name: str, url: str, ca_file: str) -> dict[str, Any]:
    """Check one gateway; whatever it raises is told, not raised."""
    started = time.monotonic()
    verdicts: list[dict[str, Any]] = []
    error = ""
    try:
        gateway = Gateway(url=url, allow_http=True, ca_file=ca_file)
        found = await check_gateway(gateway, machine_at(Path("/nonexistent"), env={}), lambda _: None)
        verdicts = [each.as_json() for each in found]
    except Exception:
        error = traceback.format_exc()
    return {"name": name, "seconds": time.monotonic() - started, "verdicts": verdicts, "error": error}


async def main() -> None:
    """Check everything, some at once."""
    work = json.load(sys.stdin)
    await check("good", **work["good"])
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts anew
    before = memory("VmRSS")
    turn = asyncio.Semaphore(work["at_once"])

    async def one(job: dict[str, Any]) -> None:
        async with turn:
            print(json.dumps(await check(**job)), flush=True)

    await asyncio.gather(*(one(job) for job in work["checks"]))
    print(json.dumps({"grown_kb": memory("VmHWM") - before}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())

"""The wizard's commands beside those of `lite`, LiteLLM's own program for the job, against the same gateway.

`python -m tests.bench.beside_lite` prints the figures. Everything stays on loopback: the gateway is the demo's, which
is held against the real one, and whatever `lite` would fetch it asks of a closed port.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.bench.own_time import ROOT, environment, fresh_home
from tests.bench.processes import Runner, Took
from tests.programs import LITELLM, require
from wizard.demo.gateway import Gateway, key_of
from wizard.demo.http import Server, Servers

MODEL: Final = "claude-sonnet-5-5"
KEY: Final = key_of("good")
_CLOSED: Final = "http://127.0.0.1:9"
_NOWHERE: Final = {
    "HTTP_PROXY": _CLOSED,
    "HTTPS_PROXY": _CLOSED,
    "NO_PROXY": "127.0.0.1,localhost",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}


@dataclass
class Pair:
    """The same job done by both, and what each took in every round."""

    job: str
    wizard: list[Took] = field(default_factory=list)
    lite: list[Took] = field(default_factory=list)

    @property
    def time(self) -> float:
        """The wizard's median time by the clock in those of lite."""
        return _median(self.wizard, "seconds") / _median(self.lite, "seconds")

    @property
    def memory(self) -> float:
        """The same of the memory held at most."""
        return _median(self.wizard, "peak_kib") / _median(self.lite, "peak_kib")

    def __str__(self) -> str:
        parts = (
            f"{name} {_median(took, 'seconds') * 1000:5.0f} ms {_median(took, 'peak_kib') / 1024:4.0f} MiB"
            for name, took in (("wizard", self.wizard), ("lite", self.lite))
        )
        return f"{self.job:<14}{', '.join(parts)}: {self.time:.2f} of the time, {self.memory:.2f} of the memory"


def _median(took: list[Took], name: str) -> float:
    return float(statistics.median(getattr(each, name) for each in took))


@contextlib.contextmanager
def gateway() -> Iterator[str]:
    """Run the demo's gateway: its URL."""
    server = Server(Gateway().answer)
    servers = Servers(server)
    servers.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        servers.stop()


def compare(folder: Path, rounds: int) -> tuple[Pair, Pair]:
    """Do both jobs with both programs turn by turn: show the help, and set up Claude Code from nothing to the end."""
    lite = require(LITELLM)[0].with_name("lite")
    helped, done = Pair("--help"), Pair("a set-up")
    wizard = [sys.executable, "-m", "wizard"]
    with gateway() as url, Runner() as runner:
        by_wizard = ["apply", "--yes", "--server", url, "--key", "env-file", "--set", f"models.sonnet={MODEL}"]
        by_lite = ["configure", "claude", "--gateway-url", url, "--api-key", KEY, "--model", MODEL]
        for number in range(rounds + 1):
            took = [
                _run(runner, [*wizard, "--help"], folder, {"PYTHONPATH": str(ROOT)}),
                _run(runner, [str(lite), "configure", "--help"], folder, _NOWHERE),
                _run(runner, [*wizard, *by_wizard], folder, {"PYTHONPATH": str(ROOT)}),
                _run(runner, [str(lite), *by_lite], folder, _NOWHERE),
            ]
            if number:  # the first warms up what the system keeps of the programs' files
                for to, each in zip((helped.wizard, helped.lite, done.wizard, done.lite), took, strict=True):
                    to.append(each)
    return helped, done


def _run(runner: Runner, argv: list[str], folder: Path, more: Mapping[str, str]) -> Took:
    home = fresh_home(folder, KEY)
    output = folder / "output"
    took = runner.run(argv, {**environment(home), **more}, home, output)
    assert took.code == 0, f"{argv} ended with {took.code}: {output.read_text()[-3000:]}"
    return took


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        for pair in compare(Path(folder), 5):
            print(pair)


if __name__ == "__main__":
    main()

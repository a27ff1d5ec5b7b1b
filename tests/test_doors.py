"""The doors between the rooms stay shut: who may import whom, what is loaded when, and who may write."""

from __future__ import annotations

import ast
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

import wizard

ROOT: Final = Path(__file__).parents[1]
MODULES: Final = tuple(
    sorted(each.name for each in pkgutil.walk_packages(wizard.__path__, "wizard.") if each.name != "wizard.__main__")
)
SCREENS: Final = "wizard.tui"
COMMANDS: Final = ("wizard.cli", "wizard.commands")
HEAVY: Final = ("cryptography", "h11", "httpx", "hvac", "keyring", "requests", "urllib3")
"""Never loaded before the first frame: each costs more than a tenth of it."""

_IMPORT_EACH: Final = """
import importlib, json, os, sys
for name in sys.argv[1:]:
    if os.fork() == 0:
        importlib.import_module(name)
        print(json.dumps([name, sorted(sys.modules)]), flush=True)
        os._exit(0)
    if os.wait()[1]:
        sys.exit(f"{name} can't be imported")
"""

WRITERS: Final[Mapping[str, str]] = {
    "wizard.apply.files": "what the plan says, for apply.transaction and undo",
    "wizard.apply.journal": "the journal in the wizard's own folder",
    "wizard.apply.swap": "the same where other programs write too",
    "wizard.apply.lock": "the lock in the wizard's own folder",
    "wizard.demo.home": "the demo's throw-away home folder",
    "wizard.machine.private": "a folder below the wizard's own that goes again",
    "wizard.resume": "the answers of a run that was left early, in the wizard's own folder",
    "wizard.helper_run": "the helper to be tried, in such a folder",
}
"""The modules that may write, and what."""

_WRITING_CALLS: Final = frozenset(
    {"chmod", "copyfile", "fchmod", "fchown", "hardlink_to", "link", "makedirs", "mkdir", "mkdtemp", "mkstemp", "move"}
    | {"removedirs", "rename", "replace", "rmdir", "rmtree", "symlink", "symlink_to", "touch", "truncate", "unlink"}
    | {"write", "write_bytes", "write_text"}
)
_OS_ONLY: Final = frozenset({"link", "replace", "rename", "move", "truncate", "write"})
"""Names that strings, dataclasses and files have too: they count on `os` and `shutil` only."""


def below(name: str, *packages: str) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in packages)


CORE: Final = tuple(name for name in MODULES if not below(name, SCREENS, *COMMANDS))


@pytest.fixture(scope="module")
def loaded() -> Mapping[str, frozenset[str]]:
    """What is in sys.modules after each module alone was imported into a fresh interpreter."""
    env = {"PATH": "/usr/bin:/bin"}
    argv = [sys.executable, "-c", _IMPORT_EACH, *MODULES]
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return {name: frozenset(modules) for name, modules in map(json.loads, done.stdout.splitlines())}


def intruders(modules: frozenset[str], *forbidden: str) -> list[str]:
    return sorted(name for name in modules if below(name, *forbidden))


@pytest.mark.parametrize("module", CORE)
def test_the_core_knows_neither_screens_nor_commands(loaded: Mapping[str, frozenset[str]], module: str) -> None:
    assert intruders(loaded[module], "textual", SCREENS, *COMMANDS) == []


@pytest.mark.parametrize("module", MODULES)
def test_nothing_heavy_is_loaded_before_it_is_needed(loaded: Mapping[str, frozenset[str]], module: str) -> None:
    assert intruders(loaded[module], *HEAVY) == []


@pytest.mark.parametrize("module", [name for name in MODULES if below(name, "wizard.keys")])
def test_key_backends_know_nothing_of_rendering(loaded: Mapping[str, frozenset[str]], module: str) -> None:
    assert intruders(loaded[module], "wizard.render", "wizard.apply") == []


@pytest.mark.parametrize("module", [name for name in MODULES if below(name, "wizard.render")])
def test_rendering_loads_nothing_that_could_look_around(loaded: Mapping[str, frozenset[str]], module: str) -> None:
    assert (
        intruders(loaded[module], "asyncio", "socket", "subprocess", "random", "wizard.apply", "wizard.gateway") == []
    )


@pytest.mark.parametrize("module", [name for name in MODULES if not below(name, SCREENS)])
def test_textual_is_loaded_by_the_screens_only(loaded: Mapping[str, frozenset[str]], module: str) -> None:
    assert intruders(loaded[module], "textual", "rich") == []


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--version"], 0), (["--help"], 0), (["apply", "--help"], 0), ([], 2), (["no-such"], 2)]
)
def test_the_command_line_alone_loads_no_textual(arguments: list[str], code: int, home: Path) -> None:
    script = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sorted(each for each in sys.modules if '.' not in each), file=sys.stderr))\n"
        "from wizard.cli import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    env = {"PATH": "/usr/bin:/bin", "HOME": str(home), "TERM": "xterm"}
    argv = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(
        argv, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stderr
    loaded_now = set(done.stderr.splitlines()[-1].split())
    assert "sys" in loaded_now
    assert not loaded_now & {"textual", "rich", *HEAVY}


def _writing_calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        owner = (
            function.value.id if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) else ""
        )
        if name == "open" and _opens_for_writing(node):
            yield f"line {node.lineno}: open"
        elif name in _WRITING_CALLS and (name not in _OS_ONLY or owner in ("os", "shutil")):
            yield f"line {node.lineno}: {name}"


def _opens_for_writing(call: ast.Call) -> bool:
    words = [each.value for each in ast.walk(call) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    flags = {each.attr for each in ast.walk(call) if isinstance(each, ast.Attribute)}
    if "devnull" in flags:
        return False
    return bool(flags & {"O_WRONLY", "O_RDWR", "O_CREAT"}) or any(
        len(word) <= 3 and set(word) & set("wax+") and set(word) <= set("rwaxbt+") for word in words
    )


@pytest.mark.parametrize("module", MODULES)
def test_only_the_writers_write(module: str) -> None:
    path = ROOT / module.replace(".", "/")
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    found = list(_writing_calls(ast.parse(source.read_text())))
    if module in WRITERS:
        assert found, f"{module} writes no more: take it off the list"
    else:
        assert found == []


def _costs_at_import(tree: ast.Module) -> Iterator[str]:
    """What makes every start slower: standard data classes, and patterns compiled before they are used."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "dataclasses":
            yield f"line {node.lineno}: take {', '.join(each.name for each in node.names)} from wizard.record"
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.If):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "re.compile":
                yield f"line {node.lineno}: call wizard.pattern.pattern, not re.compile"


@pytest.mark.parametrize("module", MODULES)
def test_no_module_makes_every_start_slower(module: str) -> None:
    path = ROOT / module.replace(".", "/")
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if module != "wizard.record":
        assert list(_costs_at_import(ast.parse(source.read_text()))) == []


def test_the_scan_for_slow_imports_sees_them() -> None:
    source = "from dataclasses import dataclass\nA: Final = re.compile('a')\ndef f(): return re.compile('b')"
    assert len(list(_costs_at_import(ast.parse(source)))) == 2


def test_the_scan_for_writes_sees_them() -> None:
    source = "open(p, 'w'); p.open('ab'); os.open(p, os.O_WRONLY); p.write_text(''); os.replace(a, b); shutil.rmtree(p)"
    assert len(list(_writing_calls(ast.parse(source)))) == 6
    harmless = "open(p); p.open('rb'); os.open(p, os.O_RDONLY); text.replace('a', 'b'); replace(answers, key=key)"
    assert list(_writing_calls(ast.parse(harmless))) == []


def test_import_contracts_are_kept() -> None:
    lint = str(Path(sys.executable).with_name("lint-imports"))
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [lint, "--no-cache", "--config", "pyproject.toml"]
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr

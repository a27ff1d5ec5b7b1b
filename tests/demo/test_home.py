"""The demo's home folder goes again, whatever happens, and nothing outside it is touched."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.programs import require
from wizard.demo.home import PREFIX, NoPlaceError, ThrowAwayHome, sweep

ROOT: Final = Path(__file__).parents[2]
FILES: Final = {".bashrc": (0o644, b"#\n"), ".secrets/key": (0o600, b"key\n")}
HOLDS_ONE: Final = (
    "import sys; from wizard.demo.home import ThrowAwayHome;"
    "made = ThrowAwayHome({'.bashrc': (0o644, b'#')}, {'TMPDIR': sys.argv[1]});"
    "print(made.root, flush=True); sys.stdin.read()"
)


def demos(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{PREFIX}*"))


def test_it_is_private_and_goes(tmp_path: Path) -> None:
    made = ThrowAwayHome(FILES, {"TMPDIR": str(tmp_path)})
    assert demos(tmp_path) == [made.root]
    assert {made.root.stat().st_mode & 0o777, made.home.stat().st_mode & 0o777} == {0o700}
    assert (made.home / ".secrets/key").stat().st_mode & 0o777 == 0o600
    assert made.written() == ()
    (made.home / ".bashrc").write_text("# changed\n")
    (made.home / "new").write_text("new\n")
    assert made.written() == ("~/.bashrc", "~/new")
    made.remove()
    made.remove()
    assert demos(tmp_path) == []


def test_what_a_killed_one_left_is_swept_and_a_living_one_stays(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", HOLDS_ONE, str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        sweep(tmp_path)
        assert demos(tmp_path) == [left], "it lives"
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert demos(tmp_path) == [left]
        sweep(tmp_path)
        assert demos(tmp_path) == []


def test_the_sweep_takes_nothing_but_demos(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (tmp_path / f"{PREFIX}link").symlink_to(elsewhere)
    (tmp_path / f"{PREFIX}file").touch()
    wide = tmp_path / f"{PREFIX}wide"
    wide.mkdir(mode=0o755)
    sweep(tmp_path)
    assert elsewhere.is_dir() and wide.is_dir() and len(demos(tmp_path)) == 3
    sweep(tmp_path / "nowhere")


def test_a_folder_where_nothing_may_run_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wizard.demo.home._PLACES", (str(tmp_path),))
    monkeypatch.setattr("wizard.demo.home._runs_programs", lambda place: place == str(tmp_path))
    made = ThrowAwayHome(FILES, {"TMPDIR": "/somewhere"})
    assert made.root.parent == tmp_path.resolve()
    made.remove()
    monkeypatch.setattr("wizard.demo.home._runs_programs", lambda place: False)
    with pytest.raises(NoPlaceError, match="Set TMPDIR"):
        ThrowAwayHome(FILES, {})


WRITING: Final = "openat,open,creat,mkdir,mkdirat,unlink,unlinkat,rename,renameat,renameat2,rmdir,chmod,fchmodat"
_CONNECTED: Final = re.compile(r"connect\([^{]*\{sa_family=AF_INET6?, (.*)")


def test_nothing_else_is_written_and_nobody_else_is_asked(home: Path, tmp_path: Path) -> None:
    """A whole tour, seen by strace: servers, helper, shells."""
    (strace,) = require("strace")
    require("bash", "curl")
    (home / ".bashrc").write_text("echo mine\n")
    trace, temporary = tmp_path / "trace", tmp_path / "temporary"
    temporary.mkdir()
    argv = [str(strace), "-f", "-y", "-qq", "-s", "300", "-e", f"trace={WRITING},connect", "-o", str(trace)]
    argv += [sys.executable, "-B", "-m", "tests.demo.touring"]
    env = {
        "HOME": str(home),
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TMPDIR": str(temporary),
        "ANTHROPIC_API_KEY": "sk-of-the-user",
        "HTTPS_PROXY": "http://10.0.0.1:3128",
        "VAULT_TOKEN": "hvs.of-the-user",
    }
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.partition(" ")[2].strip() for line in trace.read_text(errors="replace").splitlines()]
    writes = [line for line in lines if _writes(line)]
    assert any(str(temporary) in line for line in writes), "the trace sees writes"
    assert [line for line in writes if str(temporary) not in line and '"/dev/' not in line] == []
    asked = [found[1] for line in lines if (found := _CONNECTED.match(line))]
    assert asked and all('inet_addr("127.0.0.1")' in each for each in asked), asked
    assert demos(temporary) == []
    assert [each.name for each in home.iterdir()] == [".bashrc"]


def _writes(line: str) -> bool:
    if line.partition("(")[0] not in WRITING.split(",") or " = -1 " in line:
        return False
    if line.startswith(("open(", "openat(")):
        return bool(re.search(r"O_(WRONLY|RDWR|CREAT)", line))
    return True

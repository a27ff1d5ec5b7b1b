"""Case 09: a planted secret appears in no file but its own, no output, no argument list and no picture.

Real: LiteLLM, RustyVault, the generated helpers, strace, the terminal. Nothing stands in.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import html
import os
import pty
import re
import stat
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pytest

from tests.programs import require
from tests.real.litellm_proxy import Proxy, SigningKeys
from tests.real.vault_server import VaultServer
from wizard.answers import Answers, loads
from wizard.apply.files import TEMPORARY_PREFIX
from wizard.commands.screens import first_draft
from wizard.machine.survey import survey
from wizard.services import REAL
from wizard.tui.app import WizardApp
from wizard.tui.session import Session
from wizard.tui.steps.base import StepScreen
from wizard.tui.story import last_words

ROOT: Final = Path(__file__).parents[2]
STATE: Final = ".local/state/claude-litellm-wizard"
PASSWORD: Final = "Zq-canary-password-7731"
FOREIGN: Final = "ghp_ZqCanaryForeign0123456789abcdef"
IN_SETTINGS: Final = "zq-canary-settings-token-5512"
_JWT: Final = re.compile(r"eyJ[A-Za-z0-9_\-]{12,}\.[A-Za-z0-9_\-]{12,}\.[A-Za-z0-9_\-]{12,}")
_ESCAPE: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]P^_].*?(?:\x1b\\|\x07)|[@-Z\\-_])", re.DOTALL)
_TAG: Final = re.compile(r"<[^<>]*>")


def forms(secret: str) -> Iterator[str]:
    """Yield a secret as it stands, and as programs like to write it down."""
    raw = secret.encode()
    yield secret
    yield urllib.parse.quote(secret, safe="")
    yield raw.hex()
    for shift in range(3):  # as a part of a longer text in base64
        yield base64.b64encode(b"\0" * shift + raw).decode()[4 if shift else 0 : -4]


def tells(text: str, secrets: Mapping[str, str]) -> set[str]:
    """Return the names of the secrets that a text tells, also when it draws them piece by piece."""
    plain = html.unescape(_TAG.sub("", _ESCAPE.sub("", text)))
    closed = re.sub(r"\s", "", plain)
    found = {name for name, each in secrets.items() for form in forms(each) if form in text or form in closed}
    return found | ({"a signed token"} if _JWT.search(text) or _JWT.search(plain) else set())


@dataclass
class Scene:
    """A home folder with secrets in it, what may hold which, and everything that was said while the wizard ran."""

    home: Path
    scratch: Path
    url: str
    answers: str
    secrets: dict[str, str]
    places: dict[str, set[str]]
    said: list[str] = field(default_factory=list)
    traced: int = 0

    def run(self, *words: str, code: int = 0, before: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command under strace; what it says and every argument list of it and its children is kept."""
        (strace,) = require("strace")
        self.traced += 1
        log = self.scratch.parent / f"execve-{self.traced}.log"
        python = [
            sys.executable,
            "-c",
            f"{before}\nimport sys; from wizard.cli import main; sys.exit(main(sys.argv[1:]))",
        ]
        argv = [strace, "-f", "-qq", "-s", "100000", "-e", "trace=execve", "-o", log, *python, *words]
        done = subprocess.run(
            list(map(str, argv)),
            env=self.env(),
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.said += [done.stdout, done.stderr, log.read_text(errors="replace")]
        assert done.returncode == code, done.stdout[-2000:] + done.stderr[-2000:]
        return done

    def env(self) -> dict[str, str]:
        paths = {"HOME": str(self.home), "TMPDIR": str(self.scratch), "PYTHONPATH": str(ROOT)}
        return {**paths, "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "SHELL": "/bin/bash"}

    def leaks(self) -> dict[str, set[str]]:
        """Return what was told where it has no business to be; also names a copy that others may read."""
        found = {f"output {place}": told for place, text in enumerate(self.said) if (told := tells(text, self.secrets))}
        for path in (*self.home.rglob("*"), *self.scratch.rglob("*")):
            if not path.is_file():
                continue
            name = str(path.relative_to(self.home)) if path.is_relative_to(self.home) else str(path)
            told = tells(path.read_text(errors="replace"), self.secrets) - self.places.get(name, set())
            if path.name.startswith(TEMPORARY_PREFIX):  # of a killed run: the file's next version, gone at the next
                told -= self.places.get(next((each for each in self.places if _is_next(path, each)), ""), set())
            if name.startswith(f"{STATE}/backups/"):
                told -= self.places[".bashrc"] | self.places[".claude/settings.json"]
                if stat.S_IMODE(path.stat().st_mode) & 0o077:
                    told.add("a backup that others may read")
            if told:
                found[name] = told
        return found


def _is_next(temporary: Path, name: str) -> bool:
    """Say whether a temporary file stands beside this one and is as private."""
    beside = temporary.parent / Path(name).name
    return beside.is_file() and stat.S_IMODE(beside.stat().st_mode) == stat.S_IMODE(temporary.stat().st_mode)


def _private(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)


@pytest.fixture(params=["vault", "jwt", "env-file"])
def scene(request: pytest.FixtureRequest, home: Path, tmp_path: Path, litellm: Proxy) -> Scene:
    (home / ".bashrc").write_text(
        f"# mine\nexport DB_PASSWORD='{PASSWORD}'\nalias pull='curl -u ada:{PASSWORD} https://x'\n"
        f'export GITHUB_TOKEN={FOREIGN}\nexport ANTHROPIC_AUTH_TOKEN="{FOREIGN}"\n'
    )
    _private(home / ".claude/settings.json", f'{{"env": {{"CORP_TOKEN": "{IN_SETTINGS}"}}}}')
    secrets = {"password": PASSWORD, "foreign": FOREIGN, "settings": IN_SETTINGS}
    places = {".bashrc": {"password", "foreign"}, ".claude/settings.json": {"settings"}}
    url = litellm.url
    if request.param == "vault":
        vault: VaultServer = request.getfixturevalue("vault_server")
        vault.put(f"secret/canary-{home.name}", api_key=litellm.master_key)
        _private(home / ".vault-token", vault.root_token)
        secrets |= {"key": litellm.master_key, "vault token": vault.root_token}
        places[".vault-token"] = {"vault token"}
        part = (
            f'[key.vault]\naddress = "{vault.url}"\nmount = "secret"\npath = "canary-{home.name}"\nfield = "api_key"\n'
        )
    elif request.param == "jwt":
        keys: SigningKeys = request.getfixturevalue("signing_keys")
        url = request.getfixturevalue("litellm_with_custom_auth").url
        _private(home / ".secrets/litellm-jwt", keys.hs256)
        secrets["jwt secret"] = keys.hs256
        places[".secrets/litellm-jwt"] = {"jwt secret"}
        part = '[key.jwt]\nalgorithm = "HS256"\nsecret_file = "~/.secrets/litellm-jwt"\nlifetime_seconds = 3600\n'
        part += '[key.jwt.claims]\nuser = "ada"\nteam = "engineering"\n'
    else:
        _private(home / ".secrets/litellm.env", f"LITELLM_API_KEY={litellm.master_key}\n")
        secrets["key"] = litellm.master_key
        places[".secrets/litellm.env"] = {"key"}
        part = '[key.env-file]\nfile = "~/.secrets/litellm.env"\nvariable = "LITELLM_API_KEY"\n'
    answers = (
        f'version = 1\n[gateway]\nurl = "{url}"\n[key]\nbackend = "{request.param}"\n{part}[write]\nshells = ["bash"]\n'
    )
    (home / "team.toml").write_text(answers)
    (scratch := tmp_path / "scratch").mkdir()
    return Scene(home, scratch, url, answers, secrets, places)


KILLED: Final = """
import os, signal
count, real = [0], os.rename
def rename(*a, **k):
    count[0] += 1
    if count[0] == {at}: os.kill(os.getpid(), signal.SIGKILL)
    return real(*a, **k)
os.rename = rename
"""


def test_case_09_no_secret_leaves_its_place_in_a_full_run_a_crash_and_an_undo(scene: Scene) -> None:
    scene.run("apply", "--answers", "team.toml", "--dry-run", "--yes")
    scene.run("apply", "--answers", "team.toml", "--yes", "--skip-checks", code=-9, before=KILLED.format(at=6))
    assert (scene.home / STATE / "journal.json").exists()
    assert scene.leaks() == {}
    scene.run("apply", "--answers", "team.toml", "--yes")
    scene.run("check", "--json", code=1)  # Claude Code is not here
    assert any(re.search(r"execve\(.*-litellm-(?:key|jwt)\.sh", each) for each in scene.said), "no helper was traced"
    scene.run("off", "--yes")
    scene.run("on", "--yes", "--json")
    assert scene.leaks() == {}
    assert not list(scene.home.rglob(f"{TEMPORARY_PREFIX}*"))
    scene.run("undo", "--dry-run")
    scene.run("undo")
    scene.run("undo", "--all", "--yes", "--json")
    assert scene.leaks() == {}
    assert not (scene.home / STATE).exists()


def leak_to_a_file(scene: Scene, secret: str) -> None:
    (scene.home / STATE).mkdir(parents=True)
    (scene.home / STATE / "debug.log").write_text(f"token={secret}")


def leak_in_base64(scene: Scene, secret: str) -> None:
    (scene.scratch / "x").write_bytes(base64.b64encode(f"user:{secret}:more".encode()))


def leak_in_an_argument(scene: Scene, secret: str) -> None:
    code = f"import subprocess; subprocess.run(['true', '-H', open({str(scene.home / 'leak')!r}).read()])"
    scene.places["leak"] = set(scene.secrets)
    (scene.home / "leak").write_text(f"X-Vault-Token: {secret}")
    scene.run("--version", before=code)


def leak_to_the_terminal(scene: Scene, secret: str) -> None:
    half = len(secret) // 2
    scene.said.append(f"\x1b[31m{secret[:half]}\x1b[1;32m\r\n{secret[half:]}")


def leak_into_a_picture(scene: Scene, secret: str) -> None:
    half = len(secret) // 2
    scene.said.append(f"<text x='1'>{secret[:half]}</text>\n<text class='r2'>{secret[half:]}</text>")


def leak_into_a_backup_of_another(scene: Scene, secret: str) -> None:
    _private(scene.home / STATE / "backups/000001/00-x", secret)


@pytest.mark.parametrize("scene", ["vault", "jwt"], indirect=True)
@pytest.mark.parametrize(
    "leak",
    [
        leak_to_a_file,
        leak_in_base64,
        leak_in_an_argument,
        leak_to_the_terminal,
        leak_into_a_picture,
        leak_into_a_backup_of_another,
    ],
    ids=lambda each: each.__name__,
)
def test_case_09_the_search_finds_a_leak(scene: Scene, leak: Callable[[Scene, str], None]) -> None:
    assert scene.leaks() == {}
    name = "jwt secret" if "jwt secret" in scene.secrets else "vault token"
    leak(scene, scene.secrets[name])
    assert name in {each for told in scene.leaks().values() for each in told}


def test_case_09_a_signed_token_is_a_secret_too() -> None:
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode()
    token = f"{head}.{'a' * 20}.{'b' * 43}"
    assert tells(f"Bearer {token}", {}) == {"a signed token"}


async def test_case_09_no_screen_shows_one_from_the_first_step_to_the_undo(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in scene.env().items():
        monkeypatch.setenv(name, value)
    before = (scene.home / ".bashrc").read_bytes()
    answers: Answers = loads(scene.answers)
    draft = first_draft(survey(scene.env(), cwd=scene.home), answers)
    app = WizardApp(Session(replace(draft, saved=None), REAL))
    async with app.run_test(size=(120, 36)) as pilot:
        for key in ("enter", "enter", "enter", "enter", "enter", "w", "u", "y"):
            await pilot.press(key)
            await _settled(app)
            scene.said.append(app.export_screenshot())
            if key == "w":
                assert (scene.home / ".claude/settings.json").read_text().count("apiKeyHelper") == 1, last_words(
                    app.session
                )
        assert app.session.outcome.written == "undone", app.session.outcome
        assert isinstance(app.screen, StepScreen)
    scene.said.append(last_words(app.session))
    assert (scene.home / ".bashrc").read_bytes() == before
    assert scene.leaks() == {}


async def _settled(app: WizardApp) -> None:
    async with asyncio.timeout(90):
        for _ in range(3):
            await asyncio.sleep(0.05)
            await app.workers.wait_for_complete()


CRASHING: Final = """
import sys
from pathlib import Path
import wizard.net.address, wizard.tui.steps.server
held = {}
def crash(*_):
    for each in map(Path, sys.argv[1:]):
        held[each.name] = each.read_text()
        token = each.read_text().strip()
        headers = {"X-Vault-Token": token, "Authorization": f"Bearer {token}"}
    raise RuntimeError(f"the server did not take Authorization: Bearer {token}")
wizard.tui.steps.server.ServerStep.may_go_on = lambda self: True
wizard.tui.steps.server.ServerStep.finish = crash
from wizard.cli import main
sys.exit(main([]))
"""


def test_case_09_18_a_crash_of_the_screens_tells_none_and_restores_the_terminal(scene: Scene) -> None:
    holders = [str(scene.home / name) for name in scene.places if name not in (".bashrc", ".claude/settings.json")]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(scene.home)
        os.execve(sys.executable, [sys.executable, "-c", CRASHING, *holders], {**scene.env(), "TERM": "xterm-256color"})
    said = bytearray()
    typed = False
    with contextlib.suppress(OSError):  # how a terminal says that its last user has gone
        while chunk := os.read(terminal, 65536):
            said += chunk
            if not typed and b"Where is your LiteLLM server?" in said:
                os.write(terminal, b"\r")
                typed = True
    os.close(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    text = said.decode(errors="replace")
    assert code == 1 and "The wizard made a mistake" in text and "in crash" in text, text[-2000:]
    assert text.rindex("\x1b[?1049l") < text.rindex("The wizard made a mistake")
    scene.said.append(text)
    assert scene.leaks() == {}

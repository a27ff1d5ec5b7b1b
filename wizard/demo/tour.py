"""One tour: the servers, the home folder and the machine of the demo, and what the screens ask of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from wizard.answers import Answers, Gateway, Key, Write
from wizard.demo.faults import NO_FAULT, DemoFault
from wizard.demo.gateway import Gateway as DemoGateway
from wizard.demo.gateway import key_of
from wizard.demo.home import ThrowAwayHome, sweep
from wizard.demo.http import Server, Servers
from wizard.demo.key_store import FIELD, MOUNT, PATH, TOKEN, KeyStore
from wizard.flow import Draft
from wizard.machine.model import ClaudeCode, Machine, shell_name
from wizard.machine.survey import glance
from wizard.record import replace
from wizard.services import REAL, Services

if TYPE_CHECKING:
    from wizard.keys.backend import Report
    from wizard.verdict import Verdict

CERTIFICATES: Final = Path(__file__).with_name("certificates")
AUTHORITY: Final = "certs/demo-ca.pem"
CLAUDE_VERSION: Final = "2.1.330"
"""The version of Claude Code that the demo assumes; none is run."""

_PATH: Final = "/usr/local/bin:/opt/homebrew/bin:/run/current-system/sw/bin:/usr/bin:/bin"
_NOT_HERE: Final = ("vault", "bao", "secret-tool", "security")
"""Programs that would lead out of the demo."""

_GREETING: Final = "A demo: its own server, its own Vault, and a home folder that goes again."
_WHAT_NEXT: Final = "Enter shows these files once more, and removes them."
_PROGRAMS: Final = ("curl", "jq", "openssl", "python3", "sh", "timeout")
"""All that the demo's helpers may run: the user's Vault, keychain and password managers stay out of it."""

_NOT_RUN: Final = "the demo runs no Claude Code."
_UNPROVEN: Final = {"proof.settings", "proof.answer"}
_STORED: Final = "~/.secrets/litellm.env"


class Tour:
    """The demo under way; a context manager that leaves nothing behind."""

    def __init__(self, fault: DemoFault = NO_FAULT, env: Mapping[str, str] | None = None) -> None:
        """Take ports and make the home folder. Raises NoPlaceError."""
        self.fault = fault
        certificate = None if fault.certificate == "none" else CERTIFICATES / f"{fault.certificate}.pem"
        answers = DemoGateway(fault.gateway, root=fault.root).answer
        self.gateway = Server(answers, certificate=certificate, manner=fault.manner, ahead=fault.ahead)
        self.store = Server(KeyStore(fault.store, key=fault.key).answer, manner=fault.store_manner)
        self.servers = Servers(self.gateway, self.store)
        self._around = os.environ if env is None else env
        self.place = ThrowAwayHome(_files(fault), self._around)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.servers.stop()
        self.place.remove()

    @property
    def url(self) -> str:
        """Where the demo's gateway is."""
        return f"https://127.0.0.1:{self.gateway.port}"

    @property
    def vault(self) -> str:
        """Where the demo's key store is."""
        return f"http://127.0.0.1:{self.store.port}"

    def draft(self) -> Draft:
        """Return what the tour begins with: everything filled in but the pins."""
        machine = self._at_home(glance(self._env()))
        gateway = Gateway(url=self.url, ca_file=f"~/{AUTHORITY}" if self.fault.trusted else "")
        vault = {"address": self.vault, "mount": MOUNT.strip("/"), "path": PATH, "field": FIELD, "sign_in": "token"}
        file = {"file": _STORED, "variable": "LITELLM_API_KEY"}
        backend = "vault" if self.fault.in_store or _can_read_vault() else "env-file"
        key = Key(backend, tables={"vault": vault, "env-file": file})
        shell = machine.login_shell
        return Draft(Answers(gateway, key, write=Write(shells=(shell,) if shell else ())), machine)

    def services(self) -> Services:
        """Return the real core, looking at the demo's home folder instead of the user's."""
        return replace(
            REAL,
            survey=self._survey,
            with_claude_version=_as_it_is,
            proof_rows=REAL.proof_rows,
            prove=self._prove,
            occasion=f"demo: {self.fault.name}" if self.fault.name else "demo",
            greeting=_GREETING,
            what_next=_WHAT_NEXT,
        )

    def _survey(self, machine: Machine) -> Machine:
        """Start the servers, and look at the home folder; nothing of the user's own settings counts."""
        from wizard.machine.survey import survey

        self.servers.start()
        sweep(self.place.root.parent)
        system = self.place.root / "system"
        return self._at_home(survey(machine.env, cwd=self.place.home, root=system, programs=_PROGRAMS))

    def _at_home(self, machine: Machine) -> Machine:
        """Put the assumed Claude Code there, and leave the user's own Vault program and keychain out."""
        programs = {name: path for name, path in machine.programs.items() if name not in _NOT_HERE}
        claude = ClaudeCode(self.place.home / ".local/bin/claude", CLAUDE_VERSION)
        return replace(machine, claude=claude, programs=programs)

    def _env(self) -> dict[str, str]:
        around = self._around
        kept = {name: around[name] for name in ("LANG", "LC_ALL", "TERM") if around.get(name)}
        shell = around.get("SHELL", "")
        return {
            **kept,
            "HOME": str(self.place.home),
            "PATH": _PATH,
            "SHELL": shell if shell_name(shell) else "/bin/bash",
            "USER": "ada",
            "VAULT_ADDR": self.vault,
        }

    async def _prove(
        self,
        answers: Answers,
        machine: Machine,
        report: Report,
        *,
        ask_claude: bool,  # noqa: ARG002 - it is the core's
    ) -> tuple[Verdict, ...]:
        """Prove with real shells and the real helper; what takes Claude Code is not tried."""
        from wizard.proof.catalogue import not_tried

        def told(verdict: Verdict) -> Verdict:
            return not_tried(verdict.id, _NOT_RUN) if verdict.id in _UNPROVEN else verdict

        without = replace(machine, claude=None)
        found = await REAL.prove(answers, without, lambda verdict: report(told(verdict)), ask_claude=False)
        return tuple(told(each) for each in found)


async def _as_it_is(machine: Machine) -> Machine:
    return machine


def _can_read_vault() -> bool:
    """Say whether the helper will find what it takes to read from the key store: curl, and jq or python3."""
    from wizard.machine.programs import SearchPath

    path = SearchPath({"PATH": _PATH})
    return path.find("curl") is not None and any(path.find(name) for name in ("jq", "python3"))


def _files(fault: DemoFault) -> dict[str, tuple[int, bytes]]:
    """Return what a home folder has before the wizard comes."""
    authority = (CERTIFICATES / "authority.pem").read_bytes()
    return {
        ".bashrc": (0o644, b"# ~/.bashrc\nexport EDITOR=vim\nalias ll='ls -l'\n"),
        ".vault-token": (0o600, TOKEN.encode()),
        ".claude/settings.json": (0o600, b'{\n  "theme": "dark"\n}\n'),
        AUTHORITY: (0o644, authority),
        ".secrets/litellm.env": (0o600, f"LITELLM_API_KEY={fault.key or key_of('good')}\n".encode()),
    }

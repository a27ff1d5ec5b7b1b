"""A gateway, a Vault and a home folder that never change: what the pictures show and the tests of the screens use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from wizard.answers import Answers, Gateway, Key, Models, Write
from wizard.apply.change import Change, Choices, Plan
from wizard.apply.undo import Undone
from wizard.flow import Draft
from wizard.gateway.catalogue import CATALOGUE as GATEWAY
from wizard.gateway.health import ROWS
from wizard.keys.backend import Report, backends
from wizard.keys.catalogue import CATALOGUE as SOURCE
from wizard.lifetime import Life
from wizard.machine.claude_code import wanted_models
from wizard.machine.model import ClaudeCode, Leftover, Machine, Shell
from wizard.proof.catalogue import CATALOGUE as PROOF
from wizard.services import REAL, Rows, Services
from wizard.trial import CATALOGUE as HELPER
from wizard.trial import Trial, rows
from wizard.verdict import Verdict, judge

URL = "https://llm.corp.example:4000"
HOME = Path("/home/ada")
THREE_MONTHS = Life("A key", 90 * 86400)
MODELS = (
    "claude-haiku-5-5",
    "claude-opus-5-5",
    "claude-sonnet-4-5-20250929",
    "claude-sonnet-5-5",
    "gemini-3-pro",
    "gpt-5.2",
    "gpt-5.2-mini",
    "mistral-large-3",
)
LEFTOVER = Leftover(
    "~/.bashrc:12",
    "ANTHROPIC_AUTH_TOKEN",
    "****",
    "It would win over the key helper in every terminal.",
    "It is set to nothing in settings.json; the line itself stays.",
)


def a_machine(home: Path = HOME, **changes: Any) -> Machine:
    """Return Ada's computer: bash and zsh, Claude Code 2.1.330, and VAULT_ADDR in the environment."""
    fields: dict[str, Any] = {
        "home": home,
        "env": {"HOME": str(home), "PATH": "/usr/bin:/bin", "VAULT_ADDR": "https://vault.corp.example:8200"},
        "platform": "linux",
        "wsl": False,
        "uid": 1000,
        "login_shell": "bash",
        "shells": (
            Shell("bash", Path("/usr/bin/bash"), (home / ".bashrc",)),
            Shell("zsh", Path("/usr/bin/zsh"), (home / ".zshrc",)),
        ),
        "claude_dir": home / ".claude",
        "claude": ClaudeCode(home / ".local/bin/claude", "2.1.330"),
        "programs": {"curl": Path("/usr/bin/curl"), "jq": Path("/usr/bin/jq")},
        "leftovers": (LEFTOVER,),
    }
    return Machine(**{**fields, **changes})


def first_draft(**changes: Any) -> Draft:
    """Return the draft of a first run."""
    return Draft(Answers(write=Write(shells=("bash", "zsh"))), a_machine(**changes))


def later_draft(url: str = URL) -> Draft:
    """Return the draft of a second run, everything answered before."""
    answers = Answers(
        Gateway(url=url),
        Key("vault").with_options("vault", VAULT),
        Models("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"),
        Write(shells=("bash", "zsh")),
    )
    return Draft(answers, a_machine(), answers, confirmed=frozenset({url, "https://vault.corp.example:8200"}))


VAULT: Mapping[str, Any] = {
    "address": "https://vault.corp.example:8200",
    "sign_in": "token",
    "mount": "secret",
    "path": "litellm/claude-code",
    "field": "api_key",
    "allow_http": False,
}

HEALTHY = (
    judge(GATEWAY, "gateway.name", "name-ok", ms=3, host="llm.corp.example", addresses="10.2.3.4"),
    judge(GATEWAY, "gateway.connect", "connected", ms=1, peer="10.2.3.4:4000"),
    judge(GATEWAY, "gateway.tls", "tls-ok", ms=9, issuer="Corp Root CA", time_left="212 days"),
    judge(GATEWAY, "gateway.alive", "ok", ms=4),
    judge(GATEWAY, "gateway.ready", "database-connected", ms=5),
    judge(GATEWAY, "gateway.identity", "litellm", ms=5, version=" 1.106.2"),
    judge(GATEWAY, "gateway.routes", "routes", ms=7, served="anthropic, bedrock"),
)

EXPIRED = (
    *HEALTHY[:2],
    judge(GATEWAY, "gateway.tls", "tls-expired", ms=9, host="llm.corp.example", not_after="2026-10-01"),
    *(judge(GATEWAY, check, "not-tried", reason="TLS has to work first.") for check, _ in ROWS[3:]),
)

KEY_WORKS = (
    judge(SOURCE, "key.source.server", "vault-active", ms=12, address="vault.corp.example:8200", version="1.21.4"),
    judge(
        SOURCE,
        "key.source.token",
        "token-good",
        ms=6,
        origin="~/.vault-token",
        life="lives 7 hours more (renewable)",
        policies="default, litellm",
    ),
    judge(
        SOURCE,
        "key.source.secret",
        "secret-found",
        ms=8,
        path="secret/litellm/claude-code",
        field="api_key",
        characters=38,
        version=2,
    ),
    judge(HELPER, "key.helper", "ok", ms=84),
    judge(HELPER, "key.bare", "bare-ok", ms=81),
    judge(HELPER, "key.wait", "wait-known", ms=83, wait="83 ms"),
    judge(HELPER, "key.shape", "shape-ok", hint="sk-…7f3a (38 characters)"),
    judge(GATEWAY, "key.accepted", "key-accepted", ms=21, count=8),
    judge(GATEWAY, "key.owner", "owner", ms=18, owner="ada-laptop · team engineering"),
    judge(HELPER, "key.life", "life-known", what="A key", life="90 days", refresh="30 minutes"),
)

_AFTER_TLS = "TLS has to work first."
SHA256 = "3F:0A:91:C4:5B:77:E2:08:D6:1E:A9:42:BC:50:F7:33:86:2D:CB:19:04:E8:6A:95:D1:7C:20:B3:4E:88:59:F6"
SENT = {
    "subject": "llm.corp.example",
    "issuer": "Corp Root CA",
    "not_before": "2026-09-01",
    "not_after": "2027-09-01",
    "sha256": SHA256.replace("3F:0A", "B8:66"),
}
AUTHORITY = {
    "file": "~/certs/corp-ca.pem",
    "where": "",
    "subject": "Corp Root CA",
    "issuer": "Corp Root CA",
    "not_before": "2020-01-01",
    "not_after": "2040-01-01",
    "sha256": SHA256,
}
CLIENT = {**SENT, "file": "~/certs/ada.pem", "key": "~/certs/ada.key", "subject": "Ada Lovelace"}
UNTRUSTED = (
    *HEALTHY[:2],
    judge(
        GATEWAY,
        "gateway.tls",
        "tls-untrusted",
        ms=9,
        host="llm.corp.example",
        issuer="Corp Root CA",
        chain=[SENT],
        authorities=[AUTHORITY],
        advice="~/certs/corp-ca.pem makes it verify. Ask for the authority's SHA-256, and if it is that of the file use"
        f" --set gateway.ca_file=~/certs/corp-ca.pem. The file's: {SHA256}",
    ),
    *(judge(GATEWAY, check, "not-tried", reason=_AFTER_TLS) for check, _ in ROWS[3:]),
)
SIGN_IN = (
    *HEALTHY[:3],
    judge(
        GATEWAY,
        "gateway.alive",
        "redirect-login",
        ms=14,
        host="llm.corp.example",
        port=4000,
        target="https://login.corp.example/signin",
    ),
    *(judge(GATEWAY, check, "not-tried", reason="the server has to be alive first.") for check, _ in ROWS[4:]),
)
ENDED = "expired on 2026-11-20 at 09:00:00 UTC"
EXPIRED_KEY = (
    *KEY_WORKS[:-3],
    judge(GATEWAY, "key.accepted", "key-expired", ms=19, hint="sk-…7f3a (38 characters)", when=ENDED),
    judge(HELPER, "key.owner", "not-tried", reason="the gateway has to accept the key first.", fix=""),
    judge(HELPER, "key.life", "not-tried", reason="the gateway has to accept the key first.", fix=""),
)

MESSAGE = judge(GATEWAY, "key.message", "message-answered", ms=640, model="claude-haiku-5-5", seconds=0.64)

PROOFS = (
    judge(PROOF, "proof.bash", "shell-ok", ms=61, shell="bash", count=5),
    judge(PROOF, "proof.zsh", "shell-ok", ms=48, shell="zsh", count=5),
    judge(PROOF, "proof.helper", "helper-ok", ms=83),
    judge(PROOF, "proof.settings", "settings-ok", ms=412, url=URL),
)
NOT_ASKED = judge(PROOF, "proof.answer", "not-tried", reason="nobody asked for it.", fix="Run it with --prove.")
ANSWERED = judge(PROOF, "proof.answer", "answer-ok", ms=1840, origin=URL, said="ok")

_HELPER = b"""#!/bin/sh
# Prints the LiteLLM key for Claude Code. Written by claude-litellm-wizard.
set -u
umask 077
origin='https://llm.corp.example:4000'
"""
_BASHRC = b"""# ~/.bashrc
export EDITOR=vim
alias ll='ls -l'
"""
_BLOCK = b"""# >>> claude-litellm-wizard >>>
if [ -r "$HOME/.config/claude/setup-litellm.sh" ]; then
  . "$HOME/.config/claude/setup-litellm.sh"
fi
# <<< claude-litellm-wizard <<<
"""
_SETTINGS = b"""{
  "theme": "dark",
  "env": {
    "EDITOR_TOKEN": "s3cr3t-of-mine"
  }
}
"""
_SETTINGS_AFTER = b"""{
  "theme": "dark",
  "env": {
    "EDITOR_TOKEN": "s3cr3t-of-mine",
    "ANTHROPIC_BASE_URL": "https://llm.corp.example:4000",
    "ANTHROPIC_AUTH_TOKEN": "",
    "ANTHROPIC_API_KEY": "",
    "CLAUDE_CODE_API_KEY_HELPER_TTL_MS": "1800000"
  },
  "apiKeyHelper": "'/home/ada/bin/get-litellm-key.sh'"
}
"""
_SETUP = b"""# Written by claude-litellm-wizard.
export ANTHROPIC_BASE_URL='https://llm.corp.example:4000'
export CLAUDE_CODE_API_KEY_HELPER_TTL_MS='1800000'
"""


def a_change(path: str, role: Any, before: bytes | None, after: bytes | None, mode: int, **more: Any) -> Change:
    """Return a change of a file below Ada's home."""
    before_mode = more.pop("before_mode", None if before is None else mode)
    return Change(HOME / path, role, before, after, before_mode, mode, lambda _: after, **more)


def a_plan(*, conflict: bool = False) -> Plan:
    """Return the plan of a first run; with `conflict`, a helper of the user's own is in the way."""
    before = b"#!/bin/sh\necho my own helper\n" if conflict else None
    sentence = "A file that the wizard did not write is there. It is kept as a backup." if conflict else ""
    return Plan(
        (
            a_change("bin/get-litellm-key.sh", "helper", before, _HELPER, 0o700, conflict=sentence),
            a_change(".claude/settings.json", "settings", _SETTINGS, _SETTINGS_AFTER, 0o600),
            a_change(".config/claude/setup-litellm.sh", "setup-script", None, _SETUP, 0o600),
            a_change(".bashrc", "rc-block", _BASHRC, _BASHRC + _BLOCK, 0o644),
            a_change(".zshrc", "rc-block", None, _BLOCK, 0o644),
        ),
        leftovers=(LEFTOVER,),
    )


@dataclass
class Fake:
    """A core that answers at once with what it was told, and notes what it was asked."""

    health: tuple[Verdict, ...] = HEALTHY
    trial: Trial = field(default_factory=lambda: Trial(KEY_WORKS, MODELS, THREE_MONTHS))
    message: Verdict = MESSAGE
    plan: Plan = field(default_factory=a_plan)
    proofs: tuple[Verdict, ...] = PROOFS
    answer: Verdict = ANSWERED
    write_error: Exception | None = None
    undo_error: Exception | None = None
    off: str = ""
    hold: asyncio.Event | None = None
    planner: Callable[..., Plan] | None = None
    calls: list[tuple[str, Any]] = field(default_factory=list)

    def services(self) -> Services:
        """Return the ports."""
        return Services(
            warm=lambda: None,
            survey=lambda machine: machine,
            with_claude_version=self._same,
            health_rows=lambda: ROWS,
            check_gateway=self._check_gateway,
            backends=backends,
            plan_store=REAL.plan_store,
            plan_private=REAL.plan_private,
            vault_browser=REAL.vault_browser,
            trial_rows=rows,
            try_key=self._try_key,
            send_one_message=self._send,
            wanted_models=wanted_models,
            make_plan=self._make_plan,
            carry_out=self._carry_out,
            suspended=lambda _: self.off,
            undo=self._undo,
            proof_rows=self._proof_rows,
            prove=self._prove,
        )

    def asked(self, name: str) -> list[Any]:
        """Return what a port was called with, call by call."""
        return [arguments for each, arguments in self.calls if each == name]

    async def _same(self, machine: Machine) -> Machine:
        return machine

    async def _report(self, verdicts: Iterable[Verdict], report: Report) -> None:
        for verdict in verdicts:
            if self.hold is not None:
                await self.hold.wait()
            report(verdict)

    async def _check_gateway(self, gateway: Gateway, machine: Machine, report: Report) -> tuple[Verdict, ...]:
        self.calls.append(("check_gateway", gateway))
        await self._report(self.health, report)
        return self.health

    async def _try_key(self, answers: Answers, machine: Machine, confirmed: Collection[str], report: Report) -> Trial:
        self.calls.append(("try_key", frozenset(confirmed)))
        await self._report(self.trial.verdicts, report)
        return self.trial

    async def _send(self, answers: Answers, machine: Machine, confirmed: Collection[str], model: str) -> Verdict:
        self.calls.append(("send_one_message", model))
        return self.message

    def _make_plan(
        self, answers: Answers, machine: Machine, *, life_seconds: int | None = None, choices: Choices
    ) -> Plan:
        if self.planner is not None:
            return self.planner(answers, machine, life_seconds=life_seconds, choices=choices)
        self.calls.append(("make_plan", answers))
        return self.plan

    def _carry_out(
        self, plan: Plan, machine: Machine, *, replace: Collection[Path] | Literal["all"], progress: Any
    ) -> Any:
        self.calls.append(("carry_out", (plan, replace)))
        if self.write_error is not None:
            raise self.write_error
        return None

    def _undo(self, machine: Machine, number: int) -> Undone:
        self.calls.append(("undo", number))
        if self.undo_error is not None:
            raise self.undo_error
        changed = [each.path for each in self.plan.changes if not each.is_new]
        return Undone(1, tuple(changed), tuple(each.path for each in self.plan.changes if each.is_new), ())

    @staticmethod
    def _proof_rows(answers: Answers, machine: Machine) -> Rows:
        return (
            ("proof.bash", "new bash"),
            ("proof.zsh", "new zsh"),
            ("proof.helper", "key helper"),
            ("proof.settings", "settings"),
            ("proof.answer", "answer"),
        )

    async def _prove(
        self, answers: Answers, machine: Machine, report: Report, *, ask_claude: bool
    ) -> tuple[Verdict, ...]:
        self.calls.append(("prove", ask_claude))
        verdicts = (*self.proofs, self.answer if ask_claude else NOT_ASKED)
        await self._report(verdicts, report)
        return verdicts


def answered(draft: Draft, **gateway: Any) -> Draft:
    """Return a draft with the gateway's answers changed."""
    return draft.answered(replace(draft.answers, gateway=replace(draft.answers.gateway, **gateway)))

"""The proofs with Claude Code: its key helper as it runs it, the settings as it read them, and one answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wizard.answers import Answers
from wizard.helper_run import CATALOGUE as HELPER_CATALOGUE
from wizard.helper_run import HELPER_LIMIT, read_run
from wizard.machine.claude_run import AuthStatus, ClaudeAnswer, auth_status, one_answer
from wizard.machine.model import Machine
from wizard.machine.private import private_folder
from wizard.machine.process import run
from wizard.proof.catalogue import CATALOGUE, CHECK_AGAIN, not_startable, not_tried
from wizard.proof.settings import Settings
from wizard.render.claude import exports
from wizard.secret import Secret, redact
from wizard.verdict import Verdict, judge

_HELPER: Final = "proof.helper"
_SETTINGS: Final = "proof.settings"
_ANSWER: Final = "proof.answer"

_INSTALL: Final = f"Install it with npm install -g @anthropic-ai/claude-code, {CHECK_AGAIN}"
_ASK_FOR_IT: Final = "Run claude-litellm-wizard apply --prove; it may cost money."
_PASTE: Final = f"Paste the lines you were shown into it, {CHECK_AGAIN}"

_REMEDIES: Final[Mapping[str, str]] = {
    "oauth_token": "Remove ANTHROPIC_AUTH_TOKEN where it is set",
    "api_key": "Remove ANTHROPIC_API_KEY where it is set",
    "claude.ai": "Run claude auth logout",
}
_BASE_URLS: Final = {"anthropic": "ANTHROPIC_BASE_URL", "bedrock": "ANTHROPIC_BEDROCK_BASE_URL"}
_PROVIDERS: Final = {"anthropic": "firstParty", "bedrock": "bedrock"}


async def helper_verdict(answers: Answers, machine: Machine, settings: Settings) -> tuple[Verdict, Secret | None]:
    """Run the helper that settings.json names as Claude Code does; return the verdict, and the key to hide it later."""
    if problem := _nothing_to_try(_HELPER, answers, machine, settings):
        return problem, None
    command = ["/bin/sh", "-c", settings.helper]
    env = {**machine.env, **settings.env}
    try:
        with private_folder(machine, "proof") as folder:
            ran = read_run(await run(command, env=env, cwd=folder, limit=HELPER_LIMIT, stdin=None))
    except OSError as error:
        return not_startable(_HELPER, "it", error), None
    ms = ran.seconds * 1000
    if ran.key is None:
        return judge(HELPER_CATALOGUE, _HELPER, ran.problem, ms=ms, **ran.facts), None
    return judge(CATALOGUE, _HELPER, "helper-ok", ms=ms), ran.key


async def settings_verdict(answers: Answers, machine: Machine, settings: Settings) -> Verdict:
    """Ask Claude Code which credential and which server it reads from its settings. It contacts nobody for that."""
    if machine.claude is None:
        return not_tried(_SETTINGS, "Claude Code is not installed.", _INSTALL)
    if problem := _nothing_to_try(_SETTINGS, answers, machine, settings):
        return problem
    try:
        with private_folder(machine, "proof") as folder:
            status = await auth_status(machine.claude.program, machine.env, folder)
    except OSError as error:
        return not_startable(_SETTINGS, "claude", error)
    verdict, facts = _judge_status(status, answers, machine)
    return judge(CATALOGUE, _SETTINGS, verdict, ms=status.seconds * 1000, **facts)


async def answer_verdict(answers: Answers, machine: Machine, key: Secret | None) -> Verdict:
    """Have Claude Code answer once through the gateway. `key` is hidden wherever its words would show it."""
    if machine.claude is None:
        return not_tried(_ANSWER, "Claude Code is not installed.", _INSTALL)
    try:
        with private_folder(machine, "proof") as folder:
            answer = await one_answer(machine.claude.program, machine.env, folder)
    except OSError as error:
        return not_startable(_ANSWER, "claude", error)
    secrets = (key,) if key else ()
    facts = {
        "said": redact(answer.text or answer.complaint, *secrets) or "nothing.",
        "status": answer.http_status,
        "origin": answers.gateway.address.origin,
        "model": redact(answer.model),
    }
    return judge(CATALOGUE, _ANSWER, _answer_kind(answer), ms=answer.seconds * 1000, **facts)


def answer_not_asked(machine: Machine, *, works_so_far: bool) -> Verdict:
    """Return the verdict when Claude Code is not to answer, because nobody asked or because it could not."""
    if machine.claude is None:
        return not_tried(_ANSWER, "Claude Code is not installed.", _INSTALL)
    if not works_so_far:
        return not_tried(_ANSWER, "the helper and the settings have to work first.")
    return not_tried(_ANSWER, "nobody asked for it.", _ASK_FOR_IT)


def base_url(answers: Answers, machine: Machine) -> str:
    """Return the URL that Claude Code must use on the chosen route. Raises AddressError."""
    return exports(answers, machine, 0)[_BASE_URLS[answers.gateway.route]]


def _nothing_to_try(check: str, answers: Answers, machine: Machine, settings: Settings) -> Verdict | None:
    """Return the verdict when settings.json gives nothing to try, None when it names a helper."""
    path = machine.short(machine.settings_file)
    if settings.problem:
        return judge(CATALOGUE, check, "settings-bad", path=path, reason=settings.problem)
    if settings.helper:
        return None
    if answers.write.settings:
        return judge(CATALOGUE, check, "helper-unset", path=path)
    return not_tried(check, f"{path} names no key helper yet.", _PASTE)


def _judge_status(status: AuthStatus, answers: Answers, machine: Machine) -> tuple[str, Mapping[str, object]]:
    if status.problem is None:
        return "settings-hangs", {}
    if not status.method:
        return "settings-unreadable", {"said": redact(status.problem) or "nothing."}
    if status.method == "none":
        return "settings-ignored", {"path": machine.short(machine.settings_file)}
    route = answers.gateway.route
    if status.provider != _PROVIDERS[route]:
        return "settings-other-route", {"found": redact(status.provider), "wanted": route}
    if status.source != "apiKeyHelper" or status.method not in ("api_key_helper", "third_party"):
        remedy = _REMEDIES.get(status.method, "Remove the other credential")
        return "settings-other-credential", {"found": redact(status.method), "remedy": remedy}
    url = base_url(answers, machine)
    if status.base_url.rstrip("/") != url:
        found = redact(status.base_url) or "Anthropic"
        return "settings-other-url", {"found": found, "url": url, "variable": _BASE_URLS[route]}
    return "settings-ok", {"url": url}


def _answer_kind(answer: ClaudeAnswer) -> str:
    """Return the verdict that an answer of Claude Code stands for; its texts are those of 2.1.197 and 2.1.330."""
    if answer.ok:
        return "answer-ok"
    if answer.timed_out:
        return "answer-slow"
    if not answer.readable:
        return "answer-unreadable"
    if "apiKeyHelper failed" in answer.complaint or "apiKeyHelper" in answer.text or "Not logged in" in answer.text:
        return "answer-helper"
    text = answer.text.lower()
    match answer.http_status:
        case None:
            return "answer-tls" if "certificate" in text or "ssl" in text else "answer-unreachable"
        case 401:
            return "answer-key-refused"
        case 403:
            return "answer-forbidden"
        case 404:
            return "answer-no-model"
        case 400 if "no connected db" in text:  # LiteLLM without a database says so of every wrong key
            return "answer-key-refused"
        case 400 if "model" in text:
            return "answer-no-model"
        case 429:
            return "answer-limit"
        case 422 if "budget" in text:
            return "answer-limit"
        case status if status >= 500:
            return "answer-server"
        case _:
            return "answer-bad-request"

"""The texts of all proofs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wizard.verdict import Kind, Verdict, judge

CHECK_AGAIN: Final = "then run claude-litellm-wizard check --only proof."

CATALOGUE: Final[Mapping[str, Kind]] = {
    "not-tried": Kind("skip", "Not tried: {reason}", "{fix}"),
    # fresh shells
    "shell-ok": Kind("pass", "A new {shell} has all {count} variables."),
    "shell-hangs": Kind(
        "fail",
        "A new {shell} did not come up within 5 seconds.",
        f"Look in {{files}} for what waits or asks, {CHECK_AGAIN}",
    ),
    "shell-silent": Kind(
        "fail",
        "A new {shell} ended before it came to our question (exit {code}): {said}",
        f"Look in {{files}} for an exit or exec, {CHECK_AGAIN}",
    ),
    "shell-lacks": Kind(
        "fail",
        "A new {shell} has no {names}, although our lines are in {files}.",
        f"Look above our lines for a return, an exec or a text without its end, {CHECK_AGAIN}",
    ),
    "shell-hangs-at": Kind(
        "fail",
        "A new {shell} did not come up within 5 seconds; it waits at {where}.",
        f"Mend that line, {CHECK_AGAIN}",
    ),
    "shell-ended-at": Kind(
        "fail",
        "A new {shell} ended at {where}, before it came to our question (exit {code}): {said}",
        f"Mend that line, {CHECK_AGAIN}",
    ),
    "shell-taken": Kind(
        "fail",
        "A new {shell} has no {names}: {where} takes them away, or ends the reading before our lines.",
        f"Mend that line, {CHECK_AGAIN}",
    ),
    "shell-lacks-lines": Kind(
        "fail", "A new {shell} has no {names}: our lines are not in {files}.", "Run claude-litellm-wizard apply."
    ),
    "shell-lacks-helper": Kind(
        "fail",
        "A new {shell} has no {names}: {helper} is not there or not executable.",
        "Run claude-litellm-wizard apply, which writes it anew.",
    ),
    "shell-other-folder": Kind(
        "fail",
        "A new {shell} has no {names}: it uses {found} as Claude Code's folder, and {folder} was set up.",
        f"Set CLAUDE_CONFIG_DIR above our lines in {{files}}, or nowhere, {CHECK_AGAIN}",
    ),
    "shell-differs": Kind(
        "fail",
        "A new {shell} has {name} = {found}, not {wanted}.",
        f"{{where}} sets it after us: remove that, {CHECK_AGAIN}",
    ),
    # fresh shells while the set-up is off
    "shell-free": Kind("pass", "A new {shell} has none of the gateway's variables."),
    "shell-still": Kind(
        "fail",
        "A new {shell} still has {names}.",
        "{where} sets them: remove that line, so that your own login goes to no other server.",
    ),
    "shell-mute": Kind(
        "warn", "A new {shell} did not say what it has.", "Open one and look for ANTHROPIC_BASE_URL with env."
    ),
    # the installed helper
    "helper-ok": Kind("pass", "It printed a key, run as Claude Code runs it."),
    "helper-unset": Kind("fail", "{path} names no key helper.", "Run claude-litellm-wizard apply."),
    "settings-bad": Kind("fail", "{path} can't be read: {reason}", f"Mend the file, {CHECK_AGAIN}"),
    # what Claude Code read
    "settings-ok": Kind("pass", "Claude Code reads the key helper and {url}."),
    "settings-ignored": Kind(
        "fail",
        "Claude Code sees no credential, so it ignores {path}.",
        f"Run claude doctor, mend what it says of that file, {CHECK_AGAIN}",
    ),
    "settings-other-credential": Kind(
        "fail", "Claude Code would sign in by {found}, not by the key helper.", f"{{remedy}}, {CHECK_AGAIN}"
    ),
    "settings-other-route": Kind(
        "fail",
        "Claude Code would take the {found} route, not {wanted}.",
        f"Look for CLAUDE_CODE_USE_… in another settings file and remove it, {CHECK_AGAIN}",
    ),
    "settings-other-url": Kind(
        "fail",
        "Claude Code would talk to {found}, not to {url}.",
        f"Look for {{variable}} in another settings file and remove it, {CHECK_AGAIN}",
    ),
    "settings-hangs": Kind(
        "fail", "claude auth status did not end within 20 seconds.", f"Run it in a terminal, {CHECK_AGAIN}"
    ),
    "settings-unreadable": Kind(
        "fail", "claude auth status told nothing readable: {said}", f"Update Claude Code, {CHECK_AGAIN}"
    ),
    # one real answer
    "answer-ok": Kind("pass", "Claude Code answered through {origin}: {said}"),
    "answer-slow": Kind(
        "fail", "Claude Code gave no answer within 90 seconds.", "Ask whoever runs the gateway how its models do."
    ),
    "answer-helper": Kind("fail", "Claude Code got no key: {said}", "Run claude-litellm-wizard check --only key."),
    "answer-key-refused": Kind(
        "fail", "The gateway refused the key: {said}", "Run claude-litellm-wizard check --only key."
    ),
    "answer-forbidden": Kind(
        "fail",
        "The gateway knows the key but does not allow this: {said}",
        "Ask whoever runs the gateway to allow it, or choose another model on the Models step.",
    ),
    "answer-no-model": Kind(
        "fail",
        "The gateway lacks the model that Claude Code asked for: {said}",
        "Choose one that it has on the Models step, or with --set models.opus=NAME.",
    ),
    "answer-limit": Kind(
        "fail",
        "The key has reached a limit: {said}",
        "Wait until it is free again, or ask whoever runs the gateway to raise it.",
    ),
    "answer-server": Kind(
        "fail", "The gateway failed ({status}): {said}", "Ask whoever runs the gateway; its log names the call."
    ),
    "answer-bad-request": Kind(
        "fail", "The gateway did not take the request ({status}): {said}", "Ask whoever runs the gateway."
    ),
    "answer-tls": Kind(
        "fail",
        "Claude Code does not trust the gateway's certificate: {said}",
        "Give the CA file on the Server step, or with --set gateway.ca_file=FILE.",
    ),
    "answer-unreachable": Kind(
        "fail", "Claude Code did not reach {origin}: {said}", "Run claude-litellm-wizard check --only gateway."
    ),
    "answer-unreadable": Kind("fail", "claude -p told nothing readable: {said}", "Update Claude Code, then try again."),
}


def not_tried(check: str, reason: str, fix: str = "") -> Verdict:
    """Return the verdict of a proof that could not be made."""
    return judge(CATALOGUE, check, "not-tried", reason=reason, fix=fix)


def not_startable(check: str, program: str, error: OSError) -> Verdict:
    """Return the verdict of a proof whose program the system refused to start."""
    return not_tried(check, f"{program} can't be started ({error.strerror}).", f"Mend that, {CHECK_AGAIN}")

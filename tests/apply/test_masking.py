"""No diff shows a credential of the user's."""

from __future__ import annotations

import string
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.apply.change import Change, Role
from wizard.apply.masking import mask_line, mask_lines

NAMES = ("ANTHROPIC_AUTH_TOKEN", "B_TOKEN", "my_api_key", "DB_PASSWORD", "jwt-secret", "KEY1")
FORMS = (
    "export A=1 {name}={word} C=2",
    "{name}='{quoted}'; export {name}",
    'export X=1 {name}="{quoted}" Y=2',
    "{name}={word}:more",
    "typeset -x {name}+={word}",
    "set -gx {name} {word}",
    "set -Ux {name} '{quoted}' {word}",
    "setenv {name} {word}",
    '  "{name}": "{quoted}",',
    '{{"env": {{"A": "1", "{name}": "{quoted}", "B_TOKEN": "{quoted}"}}}}',
    "{name}: {quoted}",
    "  {name} = {quoted}",
    "curl -H 'Authorization: Bearer {word}' https://x",
    "curl -H 'x-api-key: {word}' https://x",
    '"ANTHROPIC_CUSTOM_HEADERS": "x-litellm-api-key: Bearer {word}"',
    "vault login --token {word}",
    "alias k='kubectl --token={word}'",
    "{name}=$(printf %s {word})",
    "git clone https://me:{word}@host/repo",
    "git clone https://{word}@host/repo",
    "alias pull='curl -su ada:{word} https://x'",
    "curl --proxy-user=ada:{word} https://x",
)
# A recognisable beginning, so that what is found is the secret and not a common word of the line.
words = st.text(string.ascii_letters + string.digits + "-_.~+/%", min_size=3, max_size=30).map(lambda text: f"Zq{text}")
quoted = st.text(string.ascii_letters + string.digits + " -_.,;:=+/#&|()$!", min_size=3, max_size=30).map(
    lambda text: f"Zq{text}"
)


@pytest.mark.parametrize("form", FORMS)
@given(name=st.sampled_from(NAMES), word=words, text=quoted)
def test_case_09_a_masked_line_holds_no_secret(form: str, name: str, word: str, text: str) -> None:
    assert "Zq" not in mask_line(form.format(name=name, word=word, quoted=text))


@pytest.mark.parametrize("form", FORMS)
@given(name=st.sampled_from(NAMES), word=words, text=quoted)
def test_case_09_a_diff_holds_no_secret(form: str, name: str, word: str, text: str) -> None:
    """Case 09 for what Review shows: the user's line as context, as removed and as changed line."""
    line = form.format(name=name, word=word, quoted=text)
    before = f"first\n{line}\nlast\n".encode()
    roles: tuple[Role, ...] = ("settings", "rc-block", "answers")
    for after in (before + b"added\n", b"first\nlast\n", before.replace(b"Zq", b"Zqx")):
        for role in roles:
            assert "Zq" not in Change(Path("x"), role, before, after, 0o600, 0o600, lambda _: b"").diff("~/x")
    replaced = Change(Path("x"), "helper", before, b"#!/bin/sh\n", 0o700, 0o700, lambda _: b"")
    assert "Zq" not in replaced.diff("~/x")


def test_a_value_that_spans_lines_is_hidden_on_each() -> None:
    masked = mask_lines(["A=1", 'export MY_TOKEN="Zqone', "Zqtwo", 'Zqthree" B=2', "C=3"])
    assert masked == ["A=1", "export MY_TOKEN=****", "****", "**** B=2", "C=3"]
    assert mask_lines(['"apiKeys": {', '  "a": "Zq"', "},", '"b": "ok"']) == [
        '"apiKeys": ****',
        "****",
        "****,",
        '"b": "ok"',
    ]
    pem = ["-----BEGIN RSA PRIVATE KEY-----", "Zqabc", "Zqdef", "-----END RSA PRIVATE KEY-----"]
    assert "Zq" not in "".join(mask_lines(pem))


@pytest.mark.parametrize("piece", ["x", "a9", "\\u00e9", "word ", "A: 1,", '"name", ', "-x", "9."])
def test_a_line_of_a_megabyte_is_masked_in_seconds(piece: str) -> None:
    """It takes a fifth of a second; with a search from every character it took hours."""
    line = piece * (1_000_000 // len(piece)) + ' "MY_TOKEN": "Zqsecret"'
    started = time.monotonic()
    assert "Zq" not in mask_line(line)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "line",
    [
        "export PATH=/usr/bin:$PATH",
        '  "ANTHROPIC_AUTH_TOKEN": "",',
        '  "apiKeyHelper": "\'/home/ada/bin/get-litellm-key.sh\'",',
        '  "CLAUDE_CODE_API_KEY_HELPER_TTL_MS": "1800000",',
        '  "CLAUDE_CODE_CLIENT_KEY": "/home/ada/client.pem"',
        'secret_file = "~/.secrets/litellm-jwt"',
        'secret_env = "JWT_SECRET"',
        "export CLAUDE_CODE_MAX_OUTPUT_TOKENS=32000",
        '  "ANTHROPIC_BASE_URL": "https://llm.corp.example:4000",',
        'if [ -n "$TOKEN" ]; then',
        "monkeys are nice",
    ],
)
def test_what_is_no_credential_is_shown(line: str) -> None:
    assert mask_line(line) == line


def test_a_digits_only_password_is_hidden() -> None:
    assert mask_line("DB_PASS=123456") == "DB_PASS=****"


def test_a_foreign_helper_command_is_hidden() -> None:
    assert "Zq" not in mask_line('"apiKeyHelper": "echo Zqhunter2"')


def test_a_diff_has_the_format_of_diff_u_and_no_control_characters() -> None:
    before, after = b"a\nb\x1b[31m\n\xff\n", b"a\nb\x1b[31m\n\xff\nc\n"
    change = Change(Path("x"), "rc-block", before, after, 0o644, 0o644, lambda _: after)
    assert change.diff("~/x") == "--- ~/x (now)\n+++ ~/x (after)\n@@ -1,3 +1,4 @@\n a\n b\\x1b[31m\n \\xff\n+c"

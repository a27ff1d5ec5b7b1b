"""The text for a ticket: useful, and with nothing in it that must not be seen."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from tests.doctor.support import ANSWERS, looked_at, write, written
from tests.real.litellm_proxy import free_port
from wizard.answers import dumps
from wizard.doctor.masking import Mask

ROOT: Final = Path(__file__).parents[2]
PERSON: Final = "adacanary"

URL_LINES: Final = "export ANTHROPIC_BASE_URL='https://canaryuser:canary-url-password@old.example/x?key=canary-query'\n"


@pytest.fixture
def canaries(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A home folder and an environment with a planted secret in every place that a report looks at."""
    home = tmp_path / "home" / PERSON
    home.mkdir(parents=True, mode=0o700)
    answers = replace(ANSWERS, gateway=replace(ANSWERS.gateway, url=f"http://127.0.0.1:{free_port()}"))
    written(home, answers)
    write(home / ".config/claude-litellm-wizard/answers/default.toml", dumps(answers))
    write(home / ".secrets/litellm.env", "LITELLM_API_KEY=canarykeyfile-123456\nOTHER=canaryother-12345\n").chmod(0o600)
    write(home / ".vault-token", "canaryvaulttoken.1234567890")
    write(home / ".claude/.credentials.json", {"claudeAiOauth": {"accessToken": "canaryoauth-1234567890"}})
    write(
        home / ".claude.json",
        {"primaryApiKey": "canaryprimary-1234567890", "oauthAccount": {"email": "ada@canary.example"}},
    )
    rc = (
        "export ANTHROPIC_AUTH_TOKEN=canaryrctoken-123456\nexport ANTHROPIC_CUSTOM_HEADERS='x-k: canaryheader-123456'\n"
    )
    write(home / ".bashrc", rc + URL_LINES)
    write(
        home / "bin/refresh-litellm-key.sh",
        "#!/bin/sh\necho canaryrctoken-123456 canarykeyfile-123456 $HOME >&2; exit 3\n",
    )
    settings = json.loads((home / ".claude/settings.json").read_text())
    settings["env"] |= {"MY_TOKEN": "canarysettings-123456", "ANTHROPIC_FOUNDRY_API_KEY": "canaryfoundry-123456"}
    write(home / ".claude/settings.json", settings)
    env = {
        "HOME": str(home),
        "USER": PERSON,
        "LOGNAME": PERSON,
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "ANTHROPIC_API_KEY": "canaryenvkey-1234567890",
        "CLAUDE_CODE_OAUTH_TOKEN": "canaryenvoauth-1234567890",
        "LITELLM_MASTER": "canarymaster-1234567890",
        "VAULT_TOKEN": "canaryvaultenv-1234567890",
        "VAULT_ADDR": "https://canaryvaultuser:canaryvaultpw@vault.example:8200",
        "HTTPS_PROXY": "http://canaryproxyuser:canaryproxypw%40x@127.0.0.1:9",
        "NODE_EXTRA_CA_CERTS": f"{home}/ca.pem",
        "PYTHONPATH": str(ROOT),
    }
    return home, env


def report(env: dict[str, str], *more: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "wizard", "check", "--report", *more]
    return subprocess.run(
        argv, env=env, cwd=env["HOME"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_no_planted_secret_and_no_person_is_in_a_report(canaries: tuple[Path, dict[str, str]], form: list[str]) -> None:
    home, env = canaries

    done = report(env, *form)

    everything = done.stdout + done.stderr
    assert done.returncode == 1, done.stderr
    assert "canary" not in everything.lower(), [line for line in everything.splitlines() if "canary" in line.lower()]
    assert str(home) not in everything
    for useful in (
        "ANTHROPIC_API_KEY",
        "127.0.0.1:9",
        "with a password, hidden",
        "~/.claude/settings.json",
        "0600",
        "proxy-dead",
        "refresh-litellm-key.sh",
        "leftover",
        "python",
        "~/ca.pem",
    ):
        assert useful in everything, useful


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_no_planted_secret_is_in_a_plain_check(canaries: tuple[Path, dict[str, str]], form: list[str]) -> None:
    home, env = canaries
    write(home / "bin/refresh-litellm-key.sh", "#!/bin/sh\necho 'It says no.' >&2; exit 3\n")
    planted = [*re.findall(r"canary[a-z]+[-.]\d+", " ".join(map(str, env.values())))]
    for file in (".bashrc", ".secrets/litellm.env", ".vault-token", ".claude.json", ".claude/settings.json"):
        planted += re.findall(r"canary[a-z-]*[-.]\d{5,}|canary-[a-z-]+", (home / file).read_text())
    planted += ["canaryproxypw", "canaryvaultpw", "canaryoauth"]

    argv = [sys.executable, "-m", "wizard", "check", *form]
    done = subprocess.run(argv, env=env, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)

    assert len(planted) > 12 and done.returncode == 1
    assert [each for each in planted if each in done.stdout + done.stderr] == []
    assert "leftover" in done.stdout and "It says no." in done.stdout


def test_what_the_mask_takes_out_of_a_text(canaries: tuple[Path, dict[str, str]]) -> None:
    home, env = canaries
    machine = looked_at(home, env=env)
    mask = Mask.of(machine, ANSWERS)
    told = (
        f"{home}/x said canaryrctoken-123456, canaryproxypw@x and canaryproxypw%40x to {PERSON}: "
        "canaryoauth-1234567890 canarykeyfile-123456 canarysettings-123456 ada@canary.example "
        "https://canaryu:canaryp@h.example/p?canary=1 /home/canaryother/f \x1b[31mred"
    )

    assert mask.text(told) == (
        "~/x said ****, **** and **** to USER: **** **** **** EMAIL https://****@h.example/p /home/USER/f red"
    )


def test_a_value_is_shown_only_where_it_is_known_to_be_harmless() -> None:
    shown = {
        name: Mask.variable(name, value)
        for name, value in {
            "ANTHROPIC_MODEL": "corp-opus",
            "CLAUDE_CODE_USE_BEDROCK": "1",
            "ANTHROPIC_AUTH_TOKEN": "abc",
            "ANTHROPIC_API_KEY": "",
            "ANTHROPIC_CUSTOM_HEADERS": "x-key: abc",
            "CLAUDE_SOMETHING_NEW": "abcd",
            "ANTHROPIC_BASE_URL": "https://a.example/llm?k=1",
            "http_proxy": "http://u:p@p.example:3128",
            "HTTPS_PROXY": "p.example:3128",
        }.items()
    }

    assert shown == {
        "ANTHROPIC_MODEL": "corp-opus",
        "CLAUDE_CODE_USE_BEDROCK": "1",
        "ANTHROPIC_AUTH_TOKEN": "set (3 characters)",
        "ANTHROPIC_API_KEY": "empty",
        "ANTHROPIC_CUSTOM_HEADERS": "set (10 characters)",
        "CLAUDE_SOMETHING_NEW": "set (4 characters)",
        "ANTHROPIC_BASE_URL": "https://a.example/llm",
        "http_proxy": "http://p.example:3128 (with a password, hidden)",
        "HTTPS_PROXY": "set (14 characters)",
    }


def test_a_report_without_a_set_up_tells_the_machine(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}

    plain, as_json = report(env), report(env, "--json")

    assert (plain.returncode, as_json.returncode) == (1, 1)
    assert "nothing-set-up" in plain.stdout and "bash" in plain.stdout
    told = json.loads(as_json.stdout)
    assert told["wizard"]["version"] == "0.1.0" and told["checks"][0]["verdict"] == "nothing-set-up"
    assert list(tmp_path.iterdir()) == []


def test_damaged_answers_are_told_in_a_report(tmp_path: Path) -> None:
    write(tmp_path / ".config/claude-litellm-wizard/answers/default.toml", "version = 9")
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}

    done = report(env)

    assert "answers-bad" in done.stdout and done.returncode == 1


def test_odd_files_are_listed_and_never_opened(tmp_path: Path) -> None:
    written(tmp_path)
    os.mkfifo(tmp_path / ".bashrc")
    (tmp_path / ".profile").symlink_to(tmp_path / "none")
    (tmp_path / ".claude/.credentials.json").symlink_to("/dev/zero")
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}

    lines = [line.split() for line in report(env).stdout.splitlines()]

    notes = {words[0]: " ".join(words[3:]) for words in lines if len(words) > 3 and words[0].startswith("~/")}
    assert notes["~/.bashrc"] == "not a regular file" and notes["~/.profile"] == "missing"

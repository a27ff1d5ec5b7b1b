"""Keys that another program prints: what each program is asked, and what its failures become."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from tests.keys.helpers import GATEWAY, LIMIT, SHELLS, Ran, helper_text, machine_with, options_of, run_helper
from tests.machines import machine_at
from tests.programs import require
from wizard.fields import Problem
from wizard.keys.backend import NoProgramError, backend
from wizard.keys.presets import BY_NAME, PRESETS
from wizard.machine.model import Machine
from wizard.verdict import Verdict

KEY: Final = "sk-canary-key-0123456789"

GIVEN: Final[Mapping[str, Mapping[str, object]]] = {
    "1password": {"reference": "op://Private/Lite LLM/key", "account": "corp.example"},
    "bitwarden": {"item": "Lite LLM"},
    "pass": {"entry": "work/lite llm"},
    "gopass": {"entry": "work/litellm"},
    "aws-secrets-manager": {"item": "litellm", "region": "eu-central-1", "profile": "corp"},
    "aws-ssm": {"parameter": "/litellm/key", "region": "eu-central-1"},
    "gcp-secret-manager": {"item": "litellm", "project": "corp-ai"},
    "azure-key-vault": {"vault_name": "corp", "item": "litellm"},
    "doppler": {"item": "LITELLM", "project": "ai", "config": "dev"},
    "infisical": {"item": "LITELLM", "project": "p-1", "environment": "dev", "folder": "/ai"},
    "sops": {"file": "~/keys.enc.yaml", "place": "litellm.0.api_key"},
    "kubernetes": {"item": "litellm", "data_field": 'api "key"', "namespace": "ai", "context": "corp"},
    "litellm": {"server": f"{GATEWAY}/litellm"},
}

ASKED: Final[Mapping[str, list[str]]] = {
    "1password": ["read", "--no-newline", "--account=corp.example", "op://Private/Lite LLM/key"],
    "bitwarden": ["get", "password", "--nointeraction", "--raw", "--", "Lite LLM"],
    "pass": ["show", "--", "work/lite llm"],
    "gopass": ["show", "--password", "--", "work/litellm"],
    "aws-secrets-manager": [
        "secretsmanager",
        "get-secret-value",
        "--secret-id=litellm",
        "--query=SecretString",
        "--output=text",
        "--region=eu-central-1",
        "--profile=corp",
    ],
    "aws-ssm": [
        "ssm",
        "get-parameter",
        "--name=/litellm/key",
        "--with-decryption",
        "--query=Parameter.Value",
        "--output=text",
        "--region=eu-central-1",
    ],
    "gcp-secret-manager": [
        "secrets",
        "versions",
        "access",
        "latest",
        "--secret=litellm",
        "--quiet",
        "--project=corp-ai",
    ],
    "azure-key-vault": [
        "keyvault",
        "secret",
        "show",
        "--vault-name=corp",
        "--name=litellm",
        "--query=value",
        "--output=tsv",
        "--only-show-errors",
    ],
    "doppler": ["secrets", "get", "--plain", "--no-check-version", "--project=ai", "--config=dev", "--", "LITELLM"],
    "infisical": [
        "secrets",
        "get",
        "--plain",
        "--silent",
        "--projectId=p-1",
        "--env=dev",
        "--path=/ai",
        "--",
        "LITELLM",
    ],
    "sops": ["--decrypt", "--extract", '["litellm"][0]["api_key"]', "HOME/keys.enc.yaml"],
    "kubernetes": [
        "get",
        "secret",
        '--output=go-template={{index .data "api \\"key\\"" | base64decode}}',
        "--request-timeout=6s",
        "--namespace=ai",
        "--context=corp",
        "--",
        "litellm",
    ],
    "litellm": [f"--base-url={GATEWAY}/litellm", "auth", "print-token"],
}

every_preset = pytest.mark.parametrize("name", BY_NAME)


class Double:
    """A stand-in for a preset's program: notes its arguments, then does what the test wants of it."""

    def __init__(self, home: Path, name: str) -> None:
        self.home = home
        self.name = name
        self.place = home / "opt" / BY_NAME[name].program
        self.place.parent.mkdir(exist_ok=True)

    def does(self, sh: str) -> Double:
        noted = self.home / "asked.json"
        note = "import json, sys; json.dump(sys.argv[2:], open(sys.argv[1], 'w'))"
        self.place.write_text(f'#!/bin/sh\n{sys.executable} -IS -c "{note}" {noted} "$@"\n{sh}\n')
        self.place.chmod(0o755)
        return self

    @property
    def asked(self) -> list[str]:
        words: list[str] = json.loads((self.home / "asked.json").read_text())
        return [each.replace(str(self.home), "HOME") for each in words]

    def machine(self, *more: str) -> Machine:
        machine = machine_with(self.home, "timeout", *more)
        return replace(machine, programs={**machine.programs, self.place.name: self.place})

    def run(self, *more: str, shell: tuple[str, ...] = ("dash",), **given: object) -> Ran:
        options = options_of("command", preset=self.name, **{**GIVEN[self.name], **given})
        text = helper_text("command", options, self.machine(*more))
        return run_helper(text, self.home, {"HOME": str(self.home)}, shell=shell)


@every_preset
@pytest.mark.parametrize("shell", SHELLS)
def test_the_program_is_asked_exactly_this(home: Path, name: str, shell: str) -> None:
    require(shell)
    double = Double(home, name).does(f"printf '%s\\n' {KEY}")
    assert double.run(shell=SHELLS[shell]).key == KEY
    assert double.asked == ASKED[name]


@every_preset
def test_what_it_says_on_failing_becomes_one_sentence(home: Path, name: str) -> None:
    preset = BY_NAME[name]
    classes = {
        "or not on this machine. Run: " if preset.decrypts else "has no session for you, or it has ended. Run: ": (
            preset.signed_out
        ),
        "Check the name in the wizard.": preset.missing,
        "Ask for read access": preset.denied,
        "can't be reached": preset.unreachable,
        "is not told enough to look": preset.untold,
    }
    for sentence, pieces in classes.items():
        for piece in pieces:
            said = json.dumps(f"Error: x {piece} y").replace("'", "'\\''")
            refusal = Double(home, name).does(f"echo {KEY}; printf '%s\\n' '{said}' >&2; exit 3").run().refusal
            assert sentence in refusal, piece
    refusal = Double(home, name).does(f"echo {KEY}; echo 'something {KEY} else' >&2; exit 3").run().refusal
    assert refusal == f"The program {preset.program} failed (exit 3). Run it by hand to see why."


def test_a_program_that_is_gone(home: Path) -> None:
    double = Double(home, "bitwarden").does("exit 0")
    text = helper_text("command", options_of("command", preset="bitwarden", item="x"), double.machine())
    double.place.unlink()
    refusal = run_helper(text, home, {"HOME": str(home)}).refusal
    assert refusal == "The program bw is gone. Install it, then run the wizard again."


def test_a_program_that_moved_is_found_again(home: Path) -> None:
    double = Double(home, "bitwarden").does(f"echo {KEY}")
    text = helper_text("command", options_of("command", preset="bitwarden", item="x"), double.machine())
    moved = home / "new"
    moved.mkdir()
    double.place.rename(moved / "bw")
    assert run_helper(text, home, {"HOME": str(home), "PATH": f"{moved}:/usr/bin:/bin"}).key == KEY


@pytest.mark.parametrize("watch", ["timeout", "sh"])
def test_a_program_that_hangs_is_ended(home: Path, watch: str) -> None:
    double = Double(home, "pass").does("trap '' HUP; sleep 30")
    machine = double.machine()
    if watch == "sh":
        machine = replace(machine, programs={n: p for n, p in machine.programs.items() if n != "timeout"})
        double.does("exec sleep 30")
    text = helper_text("command", options_of("command", preset="pass", entry="x"), machine)
    refusal = run_helper(text, home, {"HOME": str(home)}).refusal  # fails by itself after LIMIT seconds
    assert refusal == "The program pass did not end within 8 seconds. Run it by hand to see what it waits for."
    assert LIMIT > 9


@pytest.mark.parametrize("watch", ["timeout", "sh"])
def test_both_ways_to_watch_it_give_the_key(home: Path, watch: str) -> None:
    double = Double(home, "gopass").does(f"sleep 0.1; echo {KEY}")
    machine = double.machine()
    if watch == "sh":
        machine = replace(machine, programs={n: p for n, p in machine.programs.items() if n != "timeout"})
    text = helper_text("command", options_of("command", preset="gopass", entry="x"), machine)
    assert run_helper(text, home, {"HOME": str(home)}).key == KEY


def test_pass_gives_its_first_line(home: Path) -> None:
    assert Double(home, "pass").does(f"printf '%s\\nuser: ada\\n' {KEY}").run().key == KEY


@pytest.mark.parametrize("name", [each.name for each in PRESETS if each.folder])
def test_a_folder_is_no_entry(home: Path, name: str) -> None:
    for branch in BY_NAME[name].folder:
        refusal = Double(home, name).does(f"printf '%s\\n' work '{branch}litellm'").run().refusal
        assert "is a folder in" in refusal and "Name one entry" in refusal


@pytest.mark.parametrize("name", [each.name for each in PRESETS if each.empty])
def test_a_secret_without_text_is_no_key(home: Path, name: str) -> None:
    assert "or holds no text" in Double(home, name).does(f"echo '{BY_NAME[name].empty}'").run().refusal


@every_preset
def test_a_program_that_ends_well_and_prints_nothing(home: Path, name: str) -> None:
    refusal = Double(home, name).does("exit 0").run().refusal
    assert f"is missing in {BY_NAME[name].title}, or holds no text. Check the name" in refusal


class TestLite:
    """Whose token LiteLLM's own program prints: only the gateway's."""

    def test_without_a_server_it_is_asked_for_the_gateway(self, home: Path) -> None:
        double = Double(home, "litellm").does(f"echo {KEY}")
        assert double.run(server="").key == KEY
        assert double.asked == [f"--base-url={GATEWAY}", "auth", "print-token"]

    @pytest.mark.parametrize("server", ["https://other.example:4000", f"http{GATEWAY[5:]}", "https://llm.corp.example"])
    def test_another_server_is_refused_before_it_is_asked(self, home: Path, server: str) -> None:
        double = Double(home, "litellm").does(f"echo {KEY}")
        assert f"of {server}, which is not your gateway." in double.run(server=server).refusal
        assert not (home / "asked.json").exists()

    def test_it_names_the_server_to_sign_in_at(self, home: Path) -> None:
        double = Double(home, "litellm").does("echo 'Token expired.' >&2; exit 1")
        assert double.run(server="").refusal.endswith(f"Run: lite --base-url {GATEWAY} login")


@pytest.mark.parametrize("reader", ["jq", "python3"])
def test_the_reader_of_json_sees_none_of_the_programs_credentials(home: Path, reader: str) -> None:
    double = Double(home, "aws-ssm").does(f"""echo '{{"k": "{KEY}"}}'""")
    machine = double.machine(reader)
    spy = home / "opt/spy"
    spy.write_text(f'#!/bin/sh\nenv >{home}/seen\nexec {machine.programs[reader]} "$@"\n')
    spy.chmod(0o755)
    machine = replace(machine, programs={**machine.programs, reader: spy})
    options = options_of("command", preset="aws-ssm", parameter="/k", json_field="k")
    env = {"HOME": str(home), "AWS_SECRET_ACCESS_KEY": "canary-credential", "VAULT_TOKEN": "canary-token"}
    assert run_helper(helper_text("command", options, machine), home, env).key == KEY
    assert "canary" not in (home / "seen").read_text()


@pytest.mark.parametrize("reader", ["jq", "python3"])
@pytest.mark.parametrize("name", ["aws-secrets-manager", "aws-ssm", "gcp-secret-manager", "azure-key-vault"])
def test_a_field_of_a_json_object(home: Path, name: str, reader: str) -> None:
    double = Double(home, name).does(f"""echo '{{"api key": "{KEY}", "n": 7}}'""")
    assert double.run(reader, json_field="api key").key == KEY
    for field in ("n", "other"):
        assert f"has no text in a JSON field {field}." in double.run(reader, json_field=field).refusal
    assert "has no text in a JSON field" in double.does("echo plain").run(reader, json_field="x").refusal


def test_without_a_reader_a_json_field_is_refused_at_set_up(home: Path) -> None:
    double = Double(home, "aws-ssm").does("exit 0")
    with pytest.raises(NoProgramError, match="Install jq"):
        double.run(json_field="x")


def test_without_its_program_a_preset_is_refused_at_set_up(home: Path) -> None:
    with pytest.raises(NoProgramError, match="1Password needs its program op"):
        helper_text("command", options_of("command", preset="1password", **GIVEN["1password"]), machine_with(home))


class TestCustom:
    def run(self, home: Path, command: str) -> Ran:
        options = options_of("command", preset="custom", command=command)
        return run_helper(helper_text("command", options, machine_with(home, "timeout")), home, {"HOME": str(home)})

    def test_a_line_of_sh(self, home: Path) -> None:
        assert self.run(home, f"""printf '%s' "{KEY}x" | sed 's/x$//'""").key == KEY

    def test_the_status_of_a_failing_line(self, home: Path) -> None:
        assert self.run(home, f"echo {KEY}; echo {KEY} >&2; exit 4").refusal == (
            "Your command failed (exit 4). Run it by hand to see why."
        )

    def test_a_program_that_is_not_there(self, home: Path) -> None:
        assert "names a program that can't be run here" in self.run(home, "no-such-program-here").refusal

    def test_more_than_one_line_is_no_key(self, home: Path) -> None:
        assert "alone on one line" in self.run(home, "echo a; echo b").refusal


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"preset": "1password", "reference": "Private/x"}, "not a secret reference"),
        ({"preset": "gcp-secret-manager", "item": "x", "version": "--help"}, "starts with a hyphen"),
        ({"preset": "pass"}, "is missing"),
        ({"preset": "custom"}, "is missing"),
        ({"preset": "litellm", "server": "llm.corp.example"}, "It has no scheme. Write https://"),
        ({"preset": "keepass"}, "Choose one of"),
        ({"preset": "custom", "command": "a\nb"}, "U+000A"),
    ],
)
def test_what_can_t_be_answered(given: dict[str, Any], text: str) -> None:
    from wizard.fields import read_table

    _, problems = read_table(backend("command").fields, given, "key.command")
    assert len(problems) == 1 and isinstance(problems[0], Problem)
    assert text in problems[0].text


def test_the_machine_fills_in_a_password_manager_it_has(home: Path) -> None:
    source = backend("command")
    env = {"HOME": str(home), "OP_ACCOUNT": "corp.example", "AWS_REGION": "eu-central-1"}
    assert source.prefill(machine_at(home, env=env, programs={"aws": Path("/usr/bin/aws")})) == {}
    machine = machine_at(home, env=env, programs={"op": Path("/usr/bin/op"), "aws": Path("/usr/bin/aws")})
    assert source.prefill(machine) == {"preset": "1password", "account": "corp.example"}


async def test_it_says_whether_the_program_is_here(home: Path) -> None:
    source, said = backend("command"), list[Verdict]()
    options = options_of("command", preset="bitwarden", item="x")
    await source.examine(options, machine_at(home, programs={"bw": home / "bw"}), said.append)
    await source.examine(options, machine_at(home), said.append)
    assert [each.verdict for each in said] == ["program-good", "program-missing"]
    assert [each.id for each in said] == [row for row, _ in source.examinations(options)] * 2


def test_every_preset_is_tried_here() -> None:
    assert set(GIVEN) == set(ASKED) == set(BY_NAME)
    assert all(set(GIVEN[each.name]) <= set(each.fields) for each in PRESETS)

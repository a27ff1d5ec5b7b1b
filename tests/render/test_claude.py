from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.machines import machine_at
from wizard.answers import Answers, Gateway, Models, Route, Write
from wizard.machine.claude_code import OUR_VARIABLES, ROUTE_SWITCHES
from wizard.net.address import AddressError
from wizard.render.claude import environment, exports, settings_edits

HOME = Path("/home/ada")
MACHINE = machine_at(HOME)
PLAIN = Answers(gateway=Gateway(url="https://llm.corp.example:4000/v1/"))
FULL = Answers(
    gateway=Gateway(
        url="https://llm.corp.example:4000",
        route="bedrock",
        ca_file="~/corp-ca.pem",
        client_cert="~/me.pem",
        client_key="/etc/keys/me.key",
        proxy="http://proxy.corp.example:3128/",
        no_proxy="localhost,.corp.example",
        timeout_ms=60000,
        aws_region="eu-west-1",
    ),
    models=Models(opus="corp-opus", haiku="corp-haiku"),
)


def _on(answers: Answers, route: Route) -> Answers:
    return replace(answers, gateway=replace(answers.gateway, route=route))


def test_the_anthropic_route_needs_the_url_and_the_refresh_interval_only() -> None:
    kept = replace(PLAIN, write=Write(cancel_stale=False))

    assert environment(kept, MACHINE, 300_000) == {
        "ANTHROPIC_BASE_URL": "https://llm.corp.example:4000",
        "CLAUDE_CODE_API_KEY_HELPER_TTL_MS": "300000",
    }


def test_the_bedrock_route_and_everything_optional() -> None:
    kept = replace(FULL, write=Write(cancel_stale=False))

    assert environment(kept, MACHINE, 1000) == {
        "CLAUDE_CODE_USE_BEDROCK": "1",
        "CLAUDE_CODE_SKIP_BEDROCK_AUTH": "1",
        "ANTHROPIC_BEDROCK_BASE_URL": "https://llm.corp.example:4000/bedrock",
        "AWS_REGION": "eu-west-1",
        "CLAUDE_CODE_API_KEY_HELPER_TTL_MS": "1000",
        "ANTHROPIC_DEFAULT_OPUS_MODEL": "corp-opus",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": "corp-haiku",
        "API_TIMEOUT_MS": "60000",
        "NODE_EXTRA_CA_CERTS": "/home/ada/corp-ca.pem",
        "CLAUDE_CODE_CLIENT_CERT": "/home/ada/me.pem",
        "CLAUDE_CODE_CLIENT_KEY": "/etc/keys/me.key",
        "HTTPS_PROXY": "http://proxy.corp.example:3128",
        "https_proxy": "http://proxy.corp.example:3128",
        "NO_PROXY": "localhost,.corp.example",
        "no_proxy": "localhost,.corp.example",
    }


@pytest.mark.parametrize("route", ["anthropic", "bedrock"])
def test_stale_values_of_every_other_way_are_cancelled(route: Route) -> None:
    found = environment(_on(FULL, route), MACHINE, 1000)

    assert found["ANTHROPIC_AUTH_TOKEN"] == found["ANTHROPIC_API_KEY"] == ""
    off = {name for name in ROUTE_SWITCHES if found[name] == "0"}
    assert off == set(ROUTE_SWITCHES) - ({"CLAUDE_CODE_USE_BEDROCK"} if route == "bedrock" else set())
    assert (found["ANTHROPIC_BASE_URL"] == "") is (route == "bedrock")
    assert (found["ANTHROPIC_BEDROCK_BASE_URL"] == "") is (route == "anthropic")
    assert ("AWS_BEARER_TOKEN_BEDROCK" in found) is (route == "bedrock")


@pytest.mark.parametrize("route", ["anthropic", "bedrock"])
def test_shells_get_no_credential_no_cancel_and_nothing_that_other_programs_obey(route: Route) -> None:
    answers = _on(FULL, route)
    shell = exports(answers, MACHINE, 1000)

    assert "" not in shell.values()
    assert "0" not in shell.values()
    assert not {
        "NODE_EXTRA_CA_CERTS",
        "HTTPS_PROXY",
        "https_proxy",
        "NO_PROXY",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_API_KEY",
    } & set(shell)
    assert shell.items() <= environment(answers, MACHINE, 1000).items()


@pytest.mark.parametrize(
    "answers", [PLAIN, FULL, _on(FULL, "anthropic"), replace(FULL, write=Write(cancel_stale=False))]
)
def test_every_variable_written_is_one_that_can_be_taken_back(answers: Answers) -> None:
    assert set(environment(answers, MACHINE, 1)) <= OUR_VARIABLES


def test_the_settings_hold_the_helper_and_each_variable() -> None:
    helper = HOME / "bin/get-litellm-key.sh"
    edits = settings_edits(FULL, MACHINE, helper, 1000)

    assert edits["apiKeyHelper",] == "'/home/ada/bin/get-litellm-key.sh'"
    variables = {path[1]: value for path, value in edits.items() if path[0] == "env"}
    assert variables == environment(FULL, MACHINE, 1000)
    assert len(edits) == len(variables) + 1


@pytest.mark.parametrize("name", ["plain", "with blank", "it's", 'a"b', "$(touch PWNED)", "-n", "ключ", "a\\b", "`id`"])
def test_case_13_sh_finds_the_helper_by_the_stored_string(tmp_path: Path, name: str) -> None:
    helper = tmp_path / name / "key.sh"
    helper.parent.mkdir()
    helper.write_text("#!/bin/sh\necho found\n")
    helper.chmod(0o700)

    stored = settings_edits(PLAIN, MACHINE, helper, 1000)["apiKeyHelper",]
    ran = subprocess.run(["/bin/sh", "-c", stored], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (ran.stdout, ran.stderr) == ("found\n", "")
    assert {each.name for each in tmp_path.iterdir()} == {name}


def test_a_url_that_can_not_be_used_is_refused() -> None:
    with pytest.raises(AddressError):
        environment(Answers(gateway=Gateway(url="http://llm.corp.example")), MACHINE, 1)

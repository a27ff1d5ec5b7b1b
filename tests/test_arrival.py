"""Thousands of hostile values through every kind of field and every shell: each arrives exactly, and nothing runs."""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import jwt
import pytest

from tests.arrival import END, SHELLS, Ground, differing, environments, file_names
from tests.hostile import any_values
from tests.keys.helpers import helper_text, machine_with, options_of, private_file
from tests.machines import machine_at
from wizard.answers import Answers, Gateway, Key, Models, Write
from wizard.keys.presets import BY_NAME, CUSTOM
from wizard.machine.model import Machine
from wizard.quoting import sh_quote
from wizard.render.claude import HELPER_KEY, settings_edits
from wizard.render.shell import fish_file, rc_block, setup_script

MANY: Final = 2000
VALUES: Final = any_values(2400)[-MANY:]
NAMES: Final = file_names(any_values(2400))[-MANY:]
SECRET: Final = "a-shared-secret-of-64-bytes-" + "0123456789ab" * 3

T = TypeVar("T")

every_shell = pytest.mark.parametrize("shell", SHELLS)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """A home folder for all shells: what they run is made once."""
    return Ground(tmp_path_factory.mktemp("home"))


def test_the_values_are_many_and_hostile() -> None:
    assert len(set(VALUES)) == len(set(NAMES)) == MANY
    text = "".join(VALUES)
    assert all(each in text for each in ("'", '"', "\\", "$(touch", "`", "!", "%", "日", "\u00a0"))
    for end in ("-", "~", " ", "=", "'", "\\"):
        assert any(each.startswith(end) for each in NAMES) and any(each.endswith(end) for each in NAMES)


def share_of(shell: str, things: Sequence[T]) -> Sequence[T]:
    """Return one shell's share of what is of a kind that all of it goes through each shell elsewhere."""
    return things[[*SHELLS].index(shell) :: len(SHELLS)]


def shifted(values: Sequence[str], by: int) -> list[str]:
    """Return the same values in another order, so that each field of a helper has another one."""
    place = by * 37 % len(values)
    return [*values[place:], *values[:place]]


def places(home: Path, names: Sequence[str]) -> list[str]:
    """Return each name as a path below the home folder, written in one of the ways there are; nothing is there yet."""
    ways = (lambda name: f"~/{name}", lambda name: name, lambda name: f"{home}/{name}", lambda name: f"~/{name}/{name}")
    return [ways[number % 4](name) for number, name in enumerate(names)]


def put(machine: Machine, place: str, content: str) -> None:
    private_file(machine.expand(place), content)


@functools.cache
def env_files(ground: Ground) -> tuple[list[str], list[str]]:
    machine = machine_at(ground.home)
    scripts, keys = [], []
    for number, place in enumerate(places(ground.home, NAMES)):
        put(machine, place, f"K={(key := f'sk-{number}')}\n")
        scripts.append(helper_text("env-file", options_of("env-file", file=place, variable="K"), machine))
        keys.append(key)
    return scripts, keys


@every_shell
def test_files_are_found_whatever_they_are_called(ground: Ground, shell: str) -> None:
    scripts, keys = env_files(ground)
    assert differing(keys, ground.run(shell, scripts)) == []
    assert ground.pwned == []


def literal(value: str) -> str:
    """Return a value as it is written in a claim, where $$ is a dollar sign."""
    return value.replace("$", "$$")


@functools.cache
def tokens(ground: Ground) -> tuple[list[str], list[str], list[object]]:
    double = ground.double("python3", "exec cat")
    machine = machine_at(ground.home, programs={"python3": double})
    scripts, secrets, wanted = list[str](), list[str](), list[object]()
    columns = [shifted(VALUES, by) for by in range(6)]
    for number, (place, kid, iss, sub, first, second, name) in enumerate(
        zip(places(ground.home, NAMES), *columns, strict=True)
    ):
        put(machine, place, secret := f"secret-{number}")
        claims = {f"c{name}": [literal(first), {name: literal(second)}]}
        given: dict[str, Any] = {"iss": literal(iss), "sub": literal(sub), "aud": [literal(first), "x"]}
        options = options_of("jwt", secret_file=place, kid=kid, claims=claims, **given)
        scripts.append(helper_text("jwt", options, machine))
        secrets.append(secret)
        payload = {"iss": iss, "sub": sub, "aud": [first, "x"], f"c{name}": [first, {name: second}]}
        wanted.append(({"alg": "HS256", "typ": "JWT", "kid": kid}, payload))
    return scripts, secrets, wanted


@every_shell
def test_claims_key_ids_and_secret_files_arrive(ground: Ground, shell: str) -> None:
    """A double of python3 notes what it is to sign and prints the secret, so that each file's content comes back."""
    scripts, secrets, wanted = tokens(ground)
    assert differing(share_of(shell, secrets), ground.run(shell, share_of(shell, scripts))) == []
    assert differing(share_of(shell, wanted), (signed(words) for words in ground.notes())) == []
    assert ground.pwned == []


def signed(words: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims that a program was given to sign."""
    header, payload = words[-2:]
    claims = json.loads(payload)
    del claims["iat"], claims["exp"]
    return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))), claims


@every_shell
@pytest.mark.parametrize("program", ["python3", "jwt"])
def test_claims_arrive_in_tokens_by_real_programs(ground: Ground, shell: str, program: str) -> None:
    """As text, as a name, in lists and tables, and as the value of a variable; verified by PyJWT."""
    private_file(ground.home / "signing", SECRET)
    machine = machine_with(ground.home, program)
    scripts, wanted = [], []
    for start in range(0, len(VALUES), 40):
        part = VALUES[start : start + 40]
        claims = {f"c{place}": [literal(each), {each: literal(each)}] for place, each in enumerate(part)}
        scripts.append(helper_text("jwt", options_of("jwt", secret_file="~/signing", claims=claims), machine))
        wanted.append({f"c{place}": [each, {each: each}] for place, each in enumerate(part)})
    found = [jwt.decode(token, SECRET, algorithms=["HS256"]) for token in ground.run(shell, scripts)]
    assert differing(wanted, ({n: v for n, v in each.items() if n[0] == "c"} for each in found)) == []
    assert ground.pwned == []


@every_shell
def test_variables_arrive_in_claims_at_each_run(ground: Ground, shell: str) -> None:
    """One helper whose claims name variables, run again and again with other values in them."""
    private_file(ground.home / "signing", SECRET)
    machine = machine_at(ground.home, programs={"python3": ground.double("python3", "exec cat")})
    at_once = [f"V{place}" for place in range(25)]
    options = options_of("jwt", secret_file="~/signing", claims={name: f"<${{{name}}}>" for name in at_once})
    private_file(ground.work / "helper", helper_text("jwt", options, machine))
    runs = [VALUES[start : start + 25] for start in range(0, MANY, 25)]
    exports = ["".join(f"export {n}={sh_quote(v)}\n" for n, v in zip(at_once, each, strict=True)) for each in runs]
    assert set(ground.run(shell, exports, '. "$WORK/$n"; . "$WORK/helper"')) == {SECRET}
    wanted = [{name: f"<{value}>" for name, value in zip(at_once, each, strict=True)} for each in runs]
    assert differing(wanted, (signed(words)[1] for words in ground.notes())) == []
    assert ground.pwned == []


@functools.cache
def presets(ground: Ground) -> tuple[list[str], list[list[str]]]:
    programs = {each.program: ground.double(each.program, "echo sk-key") for each in BY_NAME.values()}
    machine = machine_at(ground.home, programs={**programs, "jq": ground.double("jq", "cat")})
    names = [*(each for each in BY_NAME if each != "litellm"), CUSTOM]  # lite's server can only be the gateway
    scripts, wanted = [], []
    for number, value in enumerate(VALUES):
        name = names[number % len(names)]
        if name == CUSTOM:
            options = options_of("command", preset=name, command=f"{programs['op']} {sh_quote(value)} {{}}")
            wanted.append([value, "{}"])
        else:
            answers = {
                each: VALUES[(number + 61 * place) % len(VALUES)] for place, each in enumerate(BY_NAME[name].fields)
            }
            answers.pop("json_field", None)
            answers |= {"version": f"v{value}"} if "version" in answers else {}
            answers |= {"reference": f"op://a/b/{value.replace('/', '')}"} if "reference" in answers else {}
            options = options_of("command", preset=name, **answers)
            told = {**options, "file": str(machine.expand(str(options.get("file", ""))))}
            wanted.append([*BY_NAME[name].arguments(told)])
        scripts.append(helper_text("command", options, machine))
    return scripts, wanted


@every_shell
def test_the_arguments_of_every_preset_arrive(ground: Ground, shell: str) -> None:
    """Each preset's program is asked what the preset says, with the answers as they are; a file's name among them."""
    scripts, wanted = presets(ground)
    assert set(ground.run(shell, scripts)) == {"sk-key"}
    assert differing(wanted, ground.notes()) == []
    assert ground.pwned == []


@functools.cache
def vault_reads(ground: Ground) -> tuple[list[str], list[list[str]]]:
    noted = ("VAULT_NAMESPACE", "VAULT_CACERT", "VAULT_CLIENT_CERT", "VAULT_CLIENT_KEY", "VAULT_ADDR")
    double = ground.double("bao", "echo sk-key", *noted)
    private_file(ground.home / ".vault-token", "s.token")
    machine = machine_at(ground.home, programs={"bao": double})
    scripts, wanted = [], []
    for number, field in enumerate(VALUES):
        path, mount, space, file = (vault_path(shifted(VALUES, by)[number]) for by in (1, 2, 3, 4))
        given = {"mount": mount, "path": path, "field": field, "namespace": space}
        files = {"ca_file": f"~/{file}", "client_cert": f"~/{file}.c", "client_key": f"~/{file}.k"}
        options = options_of("vault", address="https://vault.corp.example", **given, **files)
        scripts.append(helper_text("vault", options, machine))
        expanded = [str(ground.home / f"{file}{end}") for end in ("", ".c", ".k")]
        words = [f"-field={field}", "--", f"{mount}/{path}", space, *expanded, "https://vault.corp.example"]
        wanted.append(words)
    return scripts, wanted


@every_shell
def test_what_a_vault_program_is_told_arrives(ground: Ground, shell: str) -> None:
    scripts, wanted = vault_reads(ground)
    assert set(ground.run(shell, share_of(shell, scripts))) == {"sk-key"}
    assert differing(share_of(shell, wanted), (words[2:] for words in ground.notes())) == []
    assert ground.pwned == []


@every_shell
@pytest.mark.parametrize("program", ["secret-tool", "security"])
def test_what_a_keychain_is_asked_arrives(ground: Ground, shell: str, program: str) -> None:
    double = ground.double(program, "echo sk-key")
    platform = "darwin" if program == "security" else "linux"
    env = {"HOME": str(ground.home), "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}
    machine = machine_at(ground.home, platform=platform, programs={program: double}, env=env)
    asked = [*zip(share_of(shell, VALUES), share_of(shell, shifted(VALUES, 3)), strict=True)]
    options = [options_of("keychain", service=service, account=account) for service, account in asked]
    scripts = [f"DBUS_SESSION_BUS_ADDRESS=x\n{helper_text('keychain', each, machine)}" for each in options]
    assert set(ground.run(shell, scripts)) == {"sk-key"}
    noted = [(words[-3], words[-1]) if program == "secret-tool" else (words[2], words[4]) for words in ground.notes()]
    assert differing(asked, noted) == []
    assert ground.pwned == []


def vault_path(value: str) -> str:
    """Return a value without what a path in Vault may not hold."""
    return "".join(each for each in value if each not in "?#%/").strip(".") or "x"


def answers_of(number: int, helper: str, script: str, cert: str) -> Answers:
    """Return answers with another hostile value in everything that a shell is told."""
    model = [shifted(VALUES, by)[number].replace(" ", "") or "x" for by in (1, 2, 3)]
    gateway = Gateway(
        "https://llm.corp.example", "bedrock", aws_region=VALUES[number], client_cert=cert, client_key=cert
    )
    write = Write(("bash",), helper=helper, setup_script=script)
    return Answers(gateway, Key("env-file"), Models(*model), write)


def wanted_of(answers: Answers, machine: Machine) -> dict[str, str]:
    cert = str(machine.expand(answers.gateway.client_cert))
    return {
        "AWS_REGION": answers.gateway.aws_region,
        "CLAUDE_CODE_CLIENT_CERT": cert,
        "CLAUDE_CODE_CLIENT_KEY": cert,
        "ANTHROPIC_DEFAULT_OPUS_MODEL": answers.models.opus,
        "ANTHROPIC_DEFAULT_SONNET_MODEL": answers.models.sonnet,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": answers.models.haiku,
    }


@functools.cache
def set_ups(ground: Ground) -> list[tuple[Answers, Machine]]:
    """Return set-ups whose helper, setup script and settings folder have hostile names; the helpers are there."""
    (ground.home / "h").mkdir()
    made = []
    for number, (name, cert) in enumerate(zip(NAMES, places(ground.home, NAMES), strict=True)):
        machine = machine_at(ground.home, claude_dir=ground.home / f"c{name}")
        answers = answers_of(number, f"~/h/{name}", f"~/scripts/{name}", cert)
        (ground.home / "h" / name).touch(0o700)
        (ground.work / f"{number}.folder").write_text(str(machine.claude_dir))
        private_file(machine.expand(answers.write.setup_script), setup_script(answers, machine, 1000))
        made.append((answers, machine))
    return made


SEEN: Final = f'env -0 >>"$NOTED"; {END} >>"$NOTED"'


@every_shell
def test_exports_arrive_in_the_environment(ground: Ground, shell: str) -> None:
    """The managed block finds the setup script, which finds helper and settings folder, and says each value."""
    made = set_ups(ground)
    each = f'IFS= read -r CLAUDE_CONFIG_DIR <"$WORK/$n.folder"; export CLAUDE_CONFIG_DIR; . "$WORK/$n"; {SEEN}'
    assert set(ground.run(shell, [rc_block(*one) for one in made], each)) == {""}
    assert_exported(ground, made)


def test_exports_arrive_in_the_environment_of_fish(ground: Ground) -> None:
    made = set_ups(ground)
    before = "set -gx N $n; set -gx CLAUDE_CONFIG_DIR (cat $WORK/$n.folder); set -e AWS_REGION"
    ground.fish([fish_file(*one, 1000) for one in made], before, SEEN)
    assert_exported(ground, made)


def assert_exported(ground: Ground, made: Sequence[tuple[Answers, Machine]]) -> None:
    wanted = [{"N": str(number), **wanted_of(*one)} for number, one in enumerate(made)]
    seen = environments(ground.noted.read_bytes())
    assert differing(wanted, ({name: each.get(name) for name in wanted[0]} for each in seen)) == []
    assert ground.pwned == []


@every_shell
def test_claude_code_starts_the_helper_whatever_it_is_called(ground: Ground, shell: str) -> None:
    """`apiKeyHelper` is a line of sh. Its program prints the name it was started by."""
    program = private_file(ground.work / "helper", "#!/bin/sh\nprintf '%s' \"$0\"\n", 0o700)
    helpers = [ground.home / "bin" / name for name in NAMES]
    (ground.home / "bin").mkdir(exist_ok=True)
    for each in helpers:
        each.unlink(missing_ok=True)
        each.symlink_to(program)
    answers = Answers(Gateway("https://llm.corp.example"), Key("env-file"))
    machine = machine_at(ground.home)
    lines = [settings_edits(answers, machine, each, 1000)[HELPER_KEY] for each in helpers]
    assert differing(map(str, helpers), ground.run(shell, lines)) == []
    assert ground.pwned == []


@every_shell
@pytest.mark.parametrize(
    ("wrong", "value"), [("'{}'", "'$(touch $C)'"), ('"{}"', "`touch $C`"), ("{}", "x;touch $C"), ("{}", "$(touch $C)")]
)
def test_the_control_that_quotes_badly_is_noticed(home: Path, shell: str, wrong: str, value: str) -> None:
    ground = Ground(home)
    assert ground.run(shell, [f"printf %s {wrong.format(value)}"]) != [value]
    assert ground.pwned == [ground.canary]

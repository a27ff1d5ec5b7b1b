"""What holds for every kind of helper: clean sh, the same in three shells, and no secret where others can see it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from tests.keys.helpers import (
    SHELLS,
    helper_text,
    machine_with,
    options_of,
    private_file,
    private_key,
    run_helper,
    write_helper,
)
from tests.keys.kinds import KINDS
from tests.keys.secret_servers import cloud
from tests.keys.stages import Case, Stage, patient
from tests.keys.test_command import GIVEN
from tests.keys.tracing import Watched, watched
from tests.keys.vault_double import LONG_LIVED, VaultDouble, write_client_double
from tests.programs import require
from wizard.keys.jwt_signers import SIGNERS
from wizard.keys.presets import BY_NAME
from wizard.machine.model import Machine

SECRET: Final = "canary-signing-secret-of-more-than-64-bytes-0123456789abcdefghijklm"
KEY: Final = "sk-canary-key-0123456789"
TOKEN: Final = "hvs.canary-token-0123456789"


@pytest.fixture(scope="module")
def vault() -> Iterator[VaultDouble]:
    logins = {"auth/approle/login": {"role_id": "r", "secret_id": SECRET}, "auth/jwt/login": {"jwt": SECRET}}
    secrets = {"secret/litellm/claude-code": {"api_key": KEY}}
    with VaultDouble(token=TOKEN, secrets=secrets, logins=logins) as double:
        double.lookup = (200, {"data": {**LONG_LIVED, "ttl": 60}})
        yield double


def env_file(home: Path, _: VaultDouble) -> Case:
    private_file(home / "keys.env", f"# keys\nOTHER=1\nexport K='{KEY}'\n")
    text = helper_text("env-file", options_of("env-file", file="~/keys.env", variable="K"), machine_with(home))
    return Case(text, {}, (KEY,))


def signed(algorithm: str, program: str, place: str) -> Callable[[Path, VaultDouble], Case]:
    def build(home: Path, _: VaultDouble) -> Case:
        symmetric = algorithm.startswith("HS")
        key, kind = (SECRET, "secret") if symmetric else (private_key(algorithm), "private_key")
        private_file(home / "signing", key)
        source = {f"{kind}_file": "~/signing"} if place == "file" else {f"{kind}_env": "SIGNING_KEY"}
        claims = {"user": "$USER", "said": "$(id) ` it's"}
        options = options_of(
            "jwt", algorithm=algorithm, kid="k1", jti=True, nbf=True, aud=["a", "b"], claims=claims, **source
        )
        lines = (SECRET,) if symmetric else tuple(key.splitlines()[1:-1])
        env = {} if place == "file" else {"SIGNING_KEY": key}
        return Case(helper_text("jwt", options, machine_with(home, program)), env, lines)

    return build


def vault_by(program: str, place: str) -> Callable[[Path, VaultDouble], Case]:
    def build(home: Path, double: VaultDouble) -> Case:
        address: dict[str, Any] = {"address": double.url, "path": "litellm/claude-code"}
        text = helper_text("vault", options_of("vault", **address), _vault_machine(home, program))
        private_file(home / ".vault-token", TOKEN if place == "file" else "hvs.old")
        return Case(text, {} if place == "file" else {"VAULT_TOKEN": TOKEN}, (KEY, TOKEN), (double.url,))

    return build


def vault_signed_in(method: str, reader: str) -> Callable[[Path, VaultDouble], Case]:
    def build(home: Path, double: VaultDouble) -> Case:
        private_file(home / "credential", f"{SECRET}\n")
        kind = (
            {"role_id": "r", "secret_id_file": "~/credential"} if method == "approle" else {"jwt_file": "~/credential"}
        )
        options = options_of("vault", address=double.url, path="litellm/claude-code", sign_in=method, **kind)
        text = helper_text("vault", options, _vault_machine(home, reader))
        return Case(text, {}, (KEY, SECRET, "hvs.signed-in"), (double.url,))

    return build


def vault_by_token_helper(home: Path, double: VaultDouble) -> Case:
    private_file(home / "credential", TOKEN)
    keeper = private_file(home / "opt/keeper", f"#!/bin/sh\ncat '{home}/credential'\n", 0o700)
    (home / ".vault").write_text(f'token_helper = "{keeper}"\n')
    options = options_of("vault", address=double.url, path="litellm/claude-code")
    return Case(helper_text("vault", options, _vault_machine(home, "jq")), {}, (KEY, TOKEN), (double.url,))


def _vault_machine(home: Path, program: str) -> Machine:
    machine = machine_with(home, "curl", "timeout", "jq" if program == "vault" else program)
    if program != "vault":
        return machine
    write_client_double(home / "opt/vault", Path("/dev/null"), key=KEY)
    return replace(machine, programs={**machine.programs, "vault": home / "opt/vault"})


def command(preset: str, printed: str = KEY, *programs: str, **given: object) -> Callable[[Path, VaultDouble], Case]:
    def build(home: Path, _: VaultDouble) -> Case:
        machine = machine_with(home, "timeout", *programs)
        if preset in BY_NAME:
            tool = home / "opt" / BY_NAME[preset].program
            tool.parent.mkdir(exist_ok=True)
            tool.write_text(f"#!/bin/sh\nprintf '%s\\n' '{printed}'\n")
            tool.chmod(0o700)
            machine = replace(machine, programs={**machine.programs, tool.name: tool})
        private_file(home / "key", f"{printed}\n")
        return Case(helper_text("command", options_of("command", preset=preset, **given), machine), {}, (KEY,))

    return build


CASES: Final[Mapping[str, Callable[[Path, VaultDouble], Case]]] = {
    "env-file": env_file,
    "command-custom": command("custom", command='cat "$HOME/key"'),
    **{f"command-{preset}": command(preset, KEY, **given) for preset, given in GIVEN.items()},
    **{
        f"command-aws-{program}": command("aws-ssm", f'{{"k": "{KEY}"}}', program, parameter="/k", json_field="k")
        for program in ("jq", "python3")
    },
    **{
        f"jwt-{algorithm}-{program}-{place}": signed(algorithm, program, place)
        for algorithm in ("HS256", "RS256", "PS256", "ES256", "EdDSA")  # the other lengths differ in one word
        for program in SIGNERS[algorithm]
        for place in ("file", "environment")
    },
    **{
        f"vault-{program}-{place}": vault_by(program, place)
        for program in ("vault", "jq", "python3")
        for place in ("file", "environment")
    },
    **{
        f"vault-{method}-{reader}": vault_signed_in(method, reader)
        for method, reader in (("approle", "jq"), ("approle", "python3"), ("jwt", "jq"))
    },
    "vault-token-helper": vault_by_token_helper,
}

every_case = pytest.mark.parametrize("name", CASES)


@every_case
def test_shellcheck_and_dash_find_nothing(home: Path, vault: VaultDouble, name: str) -> None:
    (shellcheck, dash) = require("shellcheck", "dash")
    path = write_helper(CASES[name](home, vault).text, home)
    checked = subprocess.run(
        [shellcheck, "--severity=style", "--norc", path], capture_output=True, text=True, check=False
    )
    assert checked.stdout + checked.stderr == ""
    parsed = subprocess.run([dash, "-n", path], capture_output=True, text=True, check=False)
    assert (parsed.returncode, parsed.stderr) == (0, "")


@every_case
@pytest.mark.parametrize("shell", SHELLS)
def test_case_82_it_works_in_a_bare_environment_and_traced(
    home: Path, vault: VaultDouble, name: str, shell: str
) -> None:
    program = str(require(shell)[0])
    case = CASES[name](home, vault)
    argv = (program, *SHELLS[shell][1:])
    key = run_helper(case.text, home, case.env, shell=argv).key
    path = write_helper(case.text, home)
    done = subprocess.run(
        [*argv, "-x", path], env=dict(case.env), capture_output=True, text=True, timeout=10, check=False
    )
    assert (done.returncode, len(done.stdout)) == (0, len(key) + 1)
    assert not [secret for secret in (*case.secrets, done.stdout.strip()) if secret in done.stderr]


@every_case
@pytest.mark.parametrize("shell", SHELLS)
def test_case_82_83_no_secret_is_in_any_argument(home: Path, vault: VaultDouble, name: str, shell: str) -> None:
    case = CASES[name](home, vault)
    seen = watched(patient(case), home, shell)
    assert seen.started.count("execve(") > 1 or name == "env-file"
    assert not leaks(seen.started, (*case.secrets, seen.key))
    assert seen.wide() == [] and seen.strangers(case.servers) == set()
    if "SIGNING_KEY" not in case.env and "VAULT_TOKEN" not in case.env:
        assert not leaks(watched(patient(case), home, shell, "-v").started, (*case.secrets, seen.key))


@pytest.mark.parametrize("name", KINDS)
def test_the_real_programs_keep_to_it(stage: Stage, name: str) -> None:
    """No secret in an argument, no file that others may read, and no server but the one that keeps the key."""
    case = patient(KINDS[name].build(stage, "good"))
    seen = watched(case, stage.home, "dash")
    assert not leaks(seen.started, (*case.secrets, seen.key))
    assert [each for each in seen.wide() if "/.kube/cache/" not in each] == []  # what a cluster offers: no secret
    assert seen.strangers(case.servers) == set()


def control(home: Path, line: str, *options: str) -> Watched:
    """Watch a helper that does something it must not."""
    text = f"#!/bin/sh\numask 077\ncd '{home}' || exit 1\nsecret='{SECRET}'\n{line}\nprintf '%s\\n' {KEY}\n"
    return watched(Case(text, {}, (SECRET,)), home, "dash", *options)


@pytest.mark.parametrize("leak", ['/bin/true "$secret"', 'SEEN="$secret" /bin/true'])
def test_case_82_a_leak_is_seen(home: Path, leak: str) -> None:
    """The control of the tests above: a helper that hands its secret to a program."""
    assert leaks(control(home, leak, "-v").started, (SECRET,))
    assert leaks(control(home, leak).started, (SECRET,)) == leak.startswith("/bin/true")


@pytest.mark.parametrize(
    "leak",
    [
        'umask 022; printf %s "$secret" >left',
        'umask 022; printf %s "$secret" >gone; rm gone',
        'printf %s "$secret" >left; chmod 644 left',
        'printf %s "$secret" >gone; chmod 604 gone; rm gone',
        "python3 -c \"import os; os.umask(0); open('gone', 'w'); os.remove('gone')\"",
        "sh -c 'umask 027; : >left'",
    ],
)
def test_a_file_that_others_may_read_is_seen(home: Path, leak: str) -> None:
    assert control(home, leak).wide()


@pytest.mark.parametrize("line", ['printf %s "$secret" >left', 'printf %s "$secret" >gone; chmod 600 gone; rm gone'])
def test_a_file_of_ones_own_is_no_finding(home: Path, line: str) -> None:
    assert control(home, line).wide() == []


def test_a_server_that_is_not_confirmed_is_seen(home: Path) -> None:
    with cloud(KEY) as known, cloud(KEY) as other:
        seen = control(home, f"curl -s {known} {other} >/dev/null")
        assert seen.strangers((known,)) == {other.rpartition("//")[2]}
        assert seen.strangers((known, other)) == set()
    assert control(home, "curl -s 'http://[::1]:9' || true").strangers(()) == {"::1:9"}


def leaks(trace: str, secrets: tuple[str, ...]) -> bool:
    """Say whether one of the secrets stands in a text; the short last line of a PEM text does not count."""
    return any(len(secret) >= 8 and secret in trace for secret in secrets)


@every_case
def test_case_09_the_text_holds_no_secret_and_is_the_same_each_time(home: Path, vault: VaultDouble, name: str) -> None:
    case = CASES[name](home, vault)
    assert not leaks(case.text, case.secrets)
    again = CASES[name](home, vault).text
    assert again == case.text
    assert not re.search(r"20\d\d-\d\d|\t", case.text)


@pytest.mark.parametrize(
    "value", ["$(touch pwned)", "`touch pwned`", "'; touch pwned; '", "\\'; touch pwned; echo \\'", '"; touch pwned; "']
)
@pytest.mark.parametrize("program", ["vault", "jq", "python3"])
def test_case_12_hostile_answers_are_inert(home: Path, program: str, value: str) -> None:
    secrets = {f"m{value}/p{value}": {f"f{value}": KEY}}
    with VaultDouble(token=TOKEN, mounts={f"m{value}/": "2"}, secrets=secrets) as double:
        given = {"mount": f"m{value}", "path": f"p{value}", "field": f"f{value}", "ca_file": f"~/{value}"}
        options = options_of("vault", address=double.url, **given)
        text = helper_text("vault", options, _vault_machine(home, program))
        for shell in SHELLS:
            assert (
                run_helper(text, home, {"VAULT_TOKEN": TOKEN}, shell=(str(require(shell)[0]), *SHELLS[shell][1:])).key
                == KEY
            )
    assert not (home / "pwned").exists() and not Path("/pwned").exists()

"""Secrets files encrypted with the real age and the real sops: opened by helper and wizard alike, into memory only."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tests.keys.helpers import LIMIT, SHELLS, helper_text, options_of, private_file, run_helper, write_helper
from tests.machines import machine_at
from tests.programs import SOPS, require
from wizard.apply.errors import PlanError
from wizard.apply.store import plan_store
from wizard.fields import read_table
from wizard.keys import encrypted_file as module
from wizard.keys.backend import NoProgramError
from wizard.keys.env_file import BACKEND
from wizard.keys.seal import seal_named, seal_of
from wizard.machine.model import Machine
from wizard.secret import Secret
from wizard.verdict import Verdict

KEY: Final = "sk-encrypted-0123456789abcdef"
PLAIN: Final = f"# keys\nOTHER=1\nexport K='{KEY}'\n".encode()
FORMS: Final = ("dotenv", "yaml", "json")


def machine_of(home: Path, **env: str) -> Machine:
    age, sops, timeout = require("age", SOPS, "timeout")
    programs = {"age": age, "sops": sops, "timeout": timeout}
    return machine_at(home, programs=programs, env={"HOME": str(home), "PATH": "/usr/bin:/bin", **env})


def identity(home: Path, name: str = "identity") -> tuple[Path, str]:
    """Make an age identity; return its file and whom to encrypt for."""
    (keygen,) = require("age-keygen")
    path = home / name
    done = subprocess.run([keygen, "-o", path], capture_output=True, text=True, check=True)
    path.chmod(0o600)
    return path, done.stderr.split()[-1]


def by_age(home: Path, recipient: str, content: bytes = PLAIN, *more: str) -> dict[str, Any]:
    (age,) = require("age")
    subprocess.run([age, *more, "-r", recipient, "-o", home / "keys.env.age"], input=content, check=True)
    return {"file": "~/keys.env.age", "variable": "K", "identity": "~/identity"}


def by_sops(home: Path, recipient: str, form: str = "dotenv") -> dict[str, Any]:
    (sops,) = require(SOPS)
    texts = {"dotenv": f"OTHER=1\nK={KEY}\n", "yaml": f"OTHER: x\nK: {KEY}\n", "json": json.dumps({"K": KEY})}
    name = f"keys.enc.{'env' if form == 'dotenv' else form}"
    plain = private_file(home / f"plain.{form}", texts[form])
    env = {"HOME": str(home), "PATH": os.environ["PATH"]}
    types = ("--input-type", form, "--output-type", form)
    done = subprocess.run(
        [sops, "--encrypt", "--age", recipient, *types, plain], env=env, capture_output=True, check=True
    )
    plain.unlink()
    private_file(home / name, done.stdout)
    return {"file": f"~/{name}", "variable": "K"}


def sealed(home: Path, program: str, form: str = "dotenv") -> dict[str, Any]:
    _, recipient = identity(home)
    if program == "age":
        return by_age(home, recipient)
    return {**by_sops(home, recipient, form), "identity": "~/identity"}


def text_of(home: Path, given: Mapping[str, Any]) -> str:
    return helper_text("env-file", options_of("env-file", **given), machine_of(home))


def bare(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "PATH": "/usr/bin:/bin"}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("program", "form"), [("age", "dotenv"), *(("sops", form) for form in FORMS)])
def test_the_helper_opens_it_into_memory_only(home: Path, program: str, form: str, shell: str) -> None:
    require(shell)
    given = sealed(home, program, form)
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    text = text_of(home, given)
    folder = home.with_name(f"{home.name}-helper")
    folder.mkdir()
    assert run_helper(text, folder, bare(home), shell=SHELLS[shell]).key == KEY
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before
    assert not any(KEY.encode() in content for content in before.values())


def test_an_armoured_file_opens_too(home: Path) -> None:
    _, recipient = identity(home)
    given = by_age(home, recipient, PLAIN, "--armor")
    assert seal_of((home / "keys.env.age").read_bytes()) == "age"
    assert run_helper(text_of(home, given), home, bare(home)).key == KEY


def test_sops_finds_its_key_by_itself(home: Path) -> None:
    path, recipient = identity(home)
    given = by_sops(home, recipient)
    own = home / ".config/sops/age/keys.txt"
    own.parent.mkdir(parents=True)
    path.rename(own)
    assert run_helper(text_of(home, given), home, {"PATH": "/usr/bin:/bin"}).key == KEY, "HOME is known from set-up"


@pytest.mark.parametrize("program", ["age", "sops"])
def test_a_wrong_identity_and_a_missing_one_are_told(home: Path, program: str) -> None:
    given = sealed(home, program)
    text = text_of(home, given)
    (home / "identity").unlink()
    assert "identity file" in run_helper(text, home, bare(home)).refusal
    identity(home)
    said = run_helper(text, home, bare(home)).refusal
    assert f"{program} can't open ~/keys" in said and KEY not in said


@pytest.mark.parametrize("program", ["age", "sops"])
def test_a_missing_file_and_a_missing_variable_are_told(home: Path, program: str) -> None:
    given = sealed(home, program)
    assert "does not set J" in run_helper(text_of(home, {**given, "variable": "J"}), home, bare(home)).refusal
    text = text_of(home, given)
    (home / given["file"][2:]).unlink()
    assert "does not exist" in run_helper(text, home, bare(home)).refusal


@pytest.mark.parametrize("with_timeout", [True, False])
def test_a_program_that_hangs_is_given_up_in_time(home: Path, with_timeout: bool) -> None:
    given = sealed(home, "age")
    (home / "identity").unlink()
    os.mkfifo(home / "identity")  # age waits for somebody to write its identity there
    machine = machine_of(home)
    programs = {name: path for name, path in machine.programs.items() if with_timeout or name != "timeout"}
    machine = machine_at(home, programs=programs)
    text = helper_text("env-file", options_of("env-file", **given), machine)
    started = time.monotonic()
    assert "within 8 seconds" in run_helper(text, home, bare(home)).refusal
    assert time.monotonic() - started < LIMIT


def test_without_the_program_there_is_no_helper(home: Path) -> None:
    with pytest.raises(NoProgramError, match="Install age"):
        helper_text("env-file", options_of("env-file", file="~/x.age", variable="K"), machine_at(home))


@pytest.mark.parametrize(("program", "with_identity"), [("age", True), ("sops", True), ("sops", False)])
def test_shellcheck_finds_nothing(home: Path, program: str, with_identity: bool) -> None:
    (shellcheck,) = require("shellcheck")
    given = {"file": "~/x", "variable": "K", "encryption": program} | ({"identity": "~/i"} if with_identity else {})
    path = write_helper(text_of(home, given), home)
    words: list[str | Path] = [shellcheck, "--severity=style", "--norc", path]
    assert subprocess.run(words, capture_output=True, text=True, check=False).stdout == ""


@pytest.mark.parametrize("program", ["age", "sops"])
def test_no_secret_is_in_an_argument_or_a_new_file(home: Path, program: str) -> None:
    (strace,) = require("strace")
    given = sealed(home, program)
    secret = (home / "identity").read_text().split()[-1]
    path = write_helper(text_of(home, given), home)
    trace = home.with_name(f"{home.name}.trace")
    words: list[str | Path] = [strace, "-f", "-v", "-e", "trace=execve,openat,creat", "-s", "100000", "-o", trace]
    done = subprocess.run([*words, "dash", path], env=bare(home), capture_output=True, timeout=60, check=False)
    assert done.stdout.decode() == f"{KEY}\n"
    seen = trace.read_text()
    assert program in seen and KEY not in seen and secret not in seen
    made = [line for line in seen.splitlines() if "O_CREAT" in line and "/dev/null" not in line]
    assert made == []


# ── the answers ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("file", "program"),
    [
        ("~/keys.env.age", "age"),
        ("~/keys.enc.yaml", "sops"),
        ("~/keys.sops.json", "sops"),
        ("~/.secrets/litellm.env", "none"),
        ("~/.config.enc/litellm.env", "none"),
    ],
)
def test_the_name_tells_the_program(file: str, program: str) -> None:
    assert options_of("env-file", file=file)["encryption"] == program
    assert seal_named(file) == ("" if program == "none" else program)


def test_a_given_answer_is_never_inferred_over() -> None:
    values, problems = read_table(BACKEND.fields, {"file": "~/x.age", "encryption": "none"}, "key.env-file")
    assert not problems and values["encryption"] == "none"


def test_only_real_seals_are_seen(home: Path) -> None:
    _, recipient = identity(home)
    for form in FORMS:
        given = by_sops(home, recipient, form)
        assert seal_of((home / given["file"][2:]).read_bytes()) == "sops", form
    for plain in (PLAIN, b"", b"sops: 1\n", b'{"sops": {}}', b"K=ENC[x]\n", b"# age-encryption.org/v1\n"):
        assert seal_of(plain) == "", plain


@pytest.mark.parametrize("program", ["age", "sops"])
def test_nothing_is_stored_into_it(home: Path, program: str) -> None:
    given = sealed(home, program)
    path = home / given["file"][2:]
    before = path.read_bytes()
    for encryption in ("none", program):
        options = {**given, "encryption": encryption}
        with pytest.raises(PlanError, match=f"encrypted with {program}"):
            plan_store("env-file", options, Secret(KEY), machine_of(home))
    assert path.read_bytes() == before


# ── examined ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def examined(home: Path, given: Mapping[str, Any], machine: Machine | None = None) -> list[Verdict]:
    seen: list[Verdict] = []
    options = options_of("env-file", **given)
    await BACKEND.examine(options, machine or machine_of(home), seen.append)
    assert [each.id for each in seen] == [check for check, _ in BACKEND.examinations(options)]
    assert KEY not in repr(seen) and "AGE-SECRET" not in repr(seen)
    return seen


def names(seen: list[Verdict]) -> list[str]:
    return [each.verdict for each in seen]


@pytest.mark.parametrize("program", ["age", "sops"])
async def test_it_is_examined(home: Path, program: str) -> None:
    given = sealed(home, program)
    path = home / given["file"][2:]
    path.chmod(0o644)
    assert names(await examined(home, given)) == ["file-encrypted", "file-opened", "variable-good"]
    path.chmod(0o600)
    assert names(await examined(home, {**given, "variable": "J"}))[-1] == "variable-missing"
    as_plain = await examined(home, {**given, "encryption": "none"})
    assert names(as_plain) == ["file-sealed", "not-tried"] and program in as_plain[0].fix
    without = await examined(home, given, machine_at(home))
    assert names(without)[1] == "program-missing"
    (home / "identity").unlink()
    identity(home)
    wrong = await examined(home, given)
    assert names(wrong)[1:] == ["file-not-opened", "not-tried"] and wrong[1].status == "fail"
    path.write_bytes(PLAIN)
    assert names(await examined(home, given))[1] == "file-not-sealed"
    path.unlink()
    assert names(await examined(home, given)) == ["file-missing", "not-tried", "not-tried"]


async def test_one_that_hangs_is_examined(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = sealed(home, "age")
    (home / "identity").unlink()
    os.mkfifo(home / "identity")
    monkeypatch.setattr(module, "_LIMIT", 1.0)
    assert "did not end" in (await examined(home, given))[1].cause


def test_an_ide_lacks_what_leads_sops_to_its_key(home: Path) -> None:
    options = options_of("env-file", file="~/x.enc.env")
    assert BACKEND.shell_needs(options, machine_of(home, SOPS_AGE_KEY_FILE="/k")) == ("SOPS_AGE_KEY_FILE",)
    assert BACKEND.shell_needs(options_of("env-file"), machine_of(home, SOPS_AGE_KEY_FILE="/k")) == ()

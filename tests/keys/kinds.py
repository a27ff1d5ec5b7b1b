"""Each kind of key helper there is, with the real program behind it or a double that says what the program says."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.keys.helpers import GATEWAY, helper_text, options_of, private_key
from tests.keys.real_keychain import real_keychain
from tests.keys.stages import (
    CREDENTIAL,
    DELAY,
    ENDED,
    HUNG,
    KEY,
    NO_KEY,
    TOKEN,
    UNREACHED,
    UNTOLD,
    Builder,
    Case,
    Kind,
    Stage,
    end_agents,
    gpg,
)
from tests.programs import AWS, BITWARDEN, DEVELOPER_ENV, DOPPLER, GOPASS, LITELLM, OPENBAO, SOPS, require

BARE: Final = {"PATH": "/usr/bin:/bin"}


def env_file(stage: Stage, state: str) -> Case:
    """A file of variables; a pipe in its place is no file."""
    if state != "gone":
        stage.pipe("keys.env", f"OTHER=1\nexport K='{KEY}'\n", state)
    options = options_of("env-file", file="~/keys.env", variable="NOPE" if state == "wrong" else "K")
    return Case(helper_text("env-file", options, stage.machine()))


def jwt(stage: Stage, state: str) -> Case:
    """A token signed by openssl."""
    (openssl,) = require("openssl")
    key = private_key("RS256")
    if state != "gone":
        stage.write("key.pem", "no key" if state == "wrong" else key)
    first = stage.shadow(state, "openssl").partition(":")[0]
    placed = Path(first) / "openssl" if state in ("slow", "hang") else openssl
    options = options_of("jwt", algorithm="RS256", private_key_file="~/key.pem")
    return Case(helper_text("jwt", options, stage.machine(openssl=placed)), secrets=tuple(key.splitlines()[1:-1]))


def vault_by(client: str) -> Builder:
    """OpenBao, asked by its own client or by curl."""

    def build(stage: Stage, state: str) -> Case:
        url = stage.at(stage.shared.openbao(), state)
        (bao,) = require(OPENBAO)
        machine = stage.machine(bao=bao) if client == "bao" else stage.machine("curl", "jq")
        stage.write(".vault-token", "hvs.ended" if state == "gone" else TOKEN)
        options = options_of("vault", address=url, path="nope" if state == "wrong" else "litellm")
        return Case(helper_text("vault", options, machine), secrets=(KEY, TOKEN), servers=(url,))

    return build


def keychain(stage: Stage, state: str) -> Case:
    """gnome-keyring by secret-tool."""
    chain = stage.shared.keychain()
    if state in ("gone", "slow", "hang"):
        chain = stage.ends.enter_context(real_keychain())
        chain.put("claude-litellm-wizard", "litellm", KEY)
    if state == "gone":
        chain.lock()
    if state in ("slow", "hang"):
        frozen = chain.frozen()
        frozen.__enter__()
        thaw = threading.Timer(DELAY if state == "slow" else 120, frozen.__exit__, (None, None, None))
        thaw.start()
        stage.ends.callback(thaw.cancel)
    options = options_of("keychain", account="nobody" if state == "wrong" else "litellm")
    return Case(helper_text("keychain", options, stage.machine("secret-tool")), chain.env)


def custom(stage: Stage, state: str) -> Case:
    """A line of sh."""
    stage.write("key", f"{KEY}\n")
    lines = {"wrong": 'cat "$HOME/nope"', "gone": "no-such-program", "slow": f'sleep {DELAY}; cat "$HOME/key"'}
    line = lines.get(state, "sleep 60" if state == "hang" else 'cat "$HOME/key"')
    return Case(helper_text("command", options_of("command", preset="custom", command=line), stage.machine()))


def double_of(preset: str, program: str, words: Mapping[str, str], **given: Any) -> Builder:
    """A program that is not to be had: it prints the key, or what the real one says on stderr."""

    def build(stage: Stage, state: str) -> Case:
        does = {"good": f"echo {KEY}", "slow": f"sleep {DELAY}; echo {KEY}", "hang": "exec sleep 60"}
        stage.write("words", words.get(state, ""))
        fails = "cat ~/words >&2; exit 1" if words.get(state) else "exit 0"
        place = stage.write(f"opt/{program}", f"#!/bin/sh\n{does.get(state, fails)}\n", 0o700)
        return Case(stage.preset(preset, program, place, **given))

    return build


def bitwarden(stage: Stage, state: str) -> Case:
    """Bitwarden's own program, signed out; for the rest a double."""
    if state != "gone":
        words = {"wrong": "Not found."}
        return double_of("bitwarden", "bw", words, item="LiteLLM")(stage, state)
    (bw,) = require(BITWARDEN)
    node = shutil.which("node", path=DEVELOPER_ENV.get("PATH")) or "node"
    text = stage.preset("bitwarden", "bw", bw, item="LiteLLM")
    return Case(text, {"PATH": f"{Path(node).parent}:/usr/bin:/bin"})


def pass_(stage: Stage, state: str) -> Case:
    """The password store, with GnuPG."""
    (program,) = require("pass")
    entry = _password_store(stage, state)
    return Case(stage.preset("pass", "pass", program, entry=entry), {"PATH": stage.shadow(state, "gpg")})


def gopass(stage: Stage, state: str) -> Case:
    """The same store, by gopass."""
    (program,) = require(GOPASS)
    entry = _password_store(stage, state)
    if state != "uninitialised":
        stage.write(".config/gopass/config", f"[mounts]\n\tpath = {stage.home}/.password-store\n")
    return Case(stage.preset("gopass", "gopass", program, entry=entry), {"PATH": stage.shadow(state, "gpg", "gpgconf")})


def _password_store(stage: Stage, state: str) -> str:
    """Put a password store in the home folder, and return the entry to ask for."""
    keys = stage.shared.gnupg()
    stage.write(".password-store/.gpg-id", "wizard@example.com\n")
    (stage.home / ".password-store/work").mkdir()
    entry = "--help" if state == "hyphen" else "work/litellm"
    encrypted = stage.home / f".password-store/{entry}.gpg"
    gpg(keys, "--batch", "--quiet", "-e", "-r", "wizard@example.com", "-o", str(encrypted), said=f"{KEY}\nuser: ada\n")
    if state == "uninitialised":
        (stage.home / ".password-store").rename(stage.home / "elsewhere")
    if state == "gone":
        (stage.home / ".gnupg").mkdir(mode=0o700)
        stage.ends.callback(end_agents, stage.home / ".gnupg")
    else:
        (stage.home / ".gnupg").symlink_to(keys)
    return {"wrong": "work/nope", "folder": "work"}.get(state, entry)


def aws(service: str) -> Builder:
    """Amazon's own program against moto."""

    def build(stage: Stage, state: str) -> Case:
        (program,) = require(AWS)
        user = ("AKIA1", CREDENTIAL)
        if state in ("denied", "ended"):
            url, *theirs = stage.shared.strict_amazon()
            user = (theirs[0], theirs[1]) if state == "denied" else user
        else:
            url = stage.at(stage.shared.amazon(), state)
        region = "" if state == "untold" else "region = eu-central-1\n"
        single = (
            "sso_start_url = https://corp.example/start\nsso_region = eu-central-1\nsso_account_id = 123456789012\n"
        )
        config = f"[default]\n{region}endpoint_url = {url}\n[profile ended]\n{region}{single}sso_role_name = r\n"
        stage.write(".aws/config", config)
        stage.write(".aws/credentials", "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n".format(*user))
        more = {"profile": {"gone": "ended", "no-profile": "nope"}.get(state, "")}
        if service == "ssm":
            name = {"wrong": "/nope", "version": "/litellm/key:9"}.get(state, "/litellm/key")
            text = stage.preset("aws-ssm", "aws", program, parameter=name, **more)
        else:
            name = {"wrong": "nope", "binary": "binary", "deleted": "deleted", "field": "fields"}.get(state, "litellm")
            field = "api_key" if state == "field" else ""
            text = stage.preset("aws-secrets-manager", "aws", program, "jq", item=name, json_field=field, **more)
        return Case(text, secrets=(KEY, CREDENTIAL), servers=(url,))

    return build


def google(stage: Stage, state: str) -> Case:
    """Google's own program where the machine has it, and a double elsewhere: no registry brings it."""
    given = {"item": {"wrong": "nope", "denied": "denied"}.get(state, "litellm")}
    program = shutil.which("gcloud", path=DEVELOPER_ENV.get("PATH"))
    if not program:
        said = {
            "wrong": "NOT_FOUND: Secret [projects/1/secrets/nope] not found or has no versions.",
            "gone": "UNAUTHENTICATED: Request had invalid authentication credentials.",
            "denied": "PERMISSION_DENIED: Permission denied for resource.",
            "untold": "Failed to find attribute [project].",
            "signed-out": "You do not currently have an active account selected.",
        }
        return double_of("gcp-secret-manager", "gcloud", said, **given)(stage, state)
    url = stage.at(stage.shared.cloud(), state)
    stage.write("token", "ended" if state == "gone" else CREDENTIAL)
    project = "" if state == "untold" else "project = p\n"
    account = "" if state == "signed-out" else f"[auth]\naccess_token_file = {stage.home}/token\n"
    core = f"[core]\n{project}disable_usage_reporting = true\ncheck_gce_metadata = false\n{account}"
    config = f"{core}[api_endpoint_overrides]\nsecretmanager = {url}/\n[survey]\ndisable_prompts = true\n"
    stage.write(".config/gcloud/configurations/config_default", config)
    stage.write(".config/gcloud/active_config", "default")
    stage.write(".config/gcloud/gce", "False")  # gcloud has looked once whether it runs on Google's machines
    text = stage.preset("gcp-secret-manager", "gcloud", Path(program), **given)
    return Case(text, secrets=(KEY, CREDENTIAL), servers=(url,))


def doppler(stage: Stage, state: str) -> Case:
    """Doppler's own program against a double of its service."""
    (program,) = require(DOPPLER)
    url = stage.at(stage.shared.cloud(), state)
    quiet = "analytics:\n  disable: true\n"  # or it tells its maker that it was used
    token = "dp.st.ended" if state == "gone" else f"dp.st.{CREDENTIAL}"
    if state != "signed-out":
        stage.write(".doppler/.doppler.yaml", f"scoped:\n  /:\n    token: {token}\n    api-host: {url}\n{quiet}")
    given = {"item": "NOPE" if state == "wrong" else "LITELLM", "project": "denied" if state == "denied" else ""}
    return Case(stage.preset("doppler", "doppler", program, **given), secrets=(KEY, CREDENTIAL), servers=(url,))


def sops(stage: Stage, state: str) -> Case:
    """A file encrypted with sops for an age key."""
    program, keygen = require(SOPS, "age-keygen")
    mine, other = (_run(stage, keygen) for _ in range(2))
    public = next(line.rpartition(" ")[2] for line in mine.splitlines() if line.startswith("# public key: "))
    plain = stage.write("plain.yaml", f"litellm:\n  - api_key: {KEY}\n")
    if state != "unencrypted":
        stage.write("keys.enc.yaml", _run(stage, program, "--encrypt", "--age", public, plain))
    else:
        plain.rename(stage.home / "keys.enc.yaml")
    stage.pipe(".config/sops/age/keys.txt", other if state == "gone" else mine, state)
    secret = next(line for line in mine.splitlines() if line.startswith("AGE-SECRET-KEY"))
    file = "~/nope.yaml" if state == "no-file" else "~/keys.enc.yaml"
    place = "litellm.0.nope" if state == "wrong" else "litellm.0.api_key"
    return Case(stage.preset("sops", "sops", program, file=file, place=place), secrets=(KEY, secret))


def sealed_by(name: str) -> Builder:
    """A secrets file encrypted with age or sops, whose identity comes late or never for slow and hanging."""

    def build(stage: Stage, state: str) -> Case:
        keygen, program = require("age-keygen", SOPS if name == "sops" else name)
        mine, other = (_run(stage, keygen) for _ in range(2))
        public = next(line.rpartition(" ")[2] for line in mine.splitlines() if line.startswith("# public key: "))
        plain = stage.write("plain.env", f"OTHER=1\nK={KEY}\n")
        if name == "sops":
            file = stage.write("keys.enc.env", _run(stage, program, "--encrypt", "--age", public, plain))
        else:
            file = stage.home / "keys.env.age"
            _run(stage, program, "--encrypt", "--recipient", public, "--output", file, plain)
        plain.unlink()
        stage.pipe("identity", other if state == "gone" else mine, state)
        variable = "NOPE" if state == "wrong" else "K"
        options = options_of("env-file", file=str(file), variable=variable, identity="~/identity")
        secret = next(line for line in mine.splitlines() if line.startswith("AGE-SECRET-KEY"))
        return Case(helper_text("env-file", options, stage.machine(**{name: program})), secrets=(KEY, secret))

    return build


def _run(stage: Stage, program: Path, *words: str | Path) -> str:
    import subprocess

    env = {"HOME": str(stage.home), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([program, *words], env=env, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def kubernetes(stage: Stage, state: str) -> Case:
    """kubectl against a double of a cluster."""
    (program,) = require("kubectl")
    url = stage.at(stage.shared.cloud(), state)
    if state != "no-cluster":
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {"token": CREDENTIAL}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        stage.write(".kube/config", json.dumps(config))
    given = {
        "item": {"wrong": "nope", "denied": "denied", "gone": "ended"}.get(state, "litellm"),
        "data_field": "nope" if state == "no-field" else "api-key",
        "context": "nope" if state == "untold" else "",
    }
    return Case(stage.preset("kubernetes", "kubectl", program, **given), secrets=(KEY, CREDENTIAL), servers=(url,))


def lite(stage: Stage, state: str) -> Case:
    """LiteLLM's own program with a stored sign-in."""
    (litellm,) = require(LITELLM)
    token = {
        "key": KEY,
        "user_id": "ada",
        "user_role": "cli",
        "timestamp": 1000 if state == "gone" else time.time(),
        "base_url": "https://other.example" if state == "wrong" else GATEWAY,
    }
    if state != "signed-out":
        stage.pipe(".litellm/token.json", json.dumps(token), state)
    return Case(stage.preset("litellm", "lite", litellm.with_name("lite")))


_NO_DOUBLE: Final = "a double; the program comes from no package registry"

KINDS: Final[Mapping[str, Kind]] = {
    "env-file": Kind(
        "env file",
        "sh alone; a file is there or not, so nothing is slow",
        env_file,
        {"good": "", "wrong": r"NOPE", "gone": r"keys\.env", "hang": r"keys\.env"},
    ),
    "jwt": Kind(
        "signed JWT",
        "openssl, with a wrapper around it for slow and hanging; every algorithm and signer on its own",
        jwt,
        {"good": "", "wrong": "key.pem", "gone": "key.pem", "slow": "", "hang": "did not end in time"},
    ),
    "vault-bao": Kind(
        "Vault, by its client",
        "OpenBao 2.7.2, server and `bao`",
        vault_by("bao"),
        {"good": "", "wrong": "nope", "gone": "token", "slow": "", "hang": "in time|seconds"},
    ),
    "vault-curl": Kind(
        "Vault, by curl and jq",
        "OpenBao 2.7.2 as the server",
        vault_by("curl"),
        {"good": "", "wrong": "nope", "gone": "token", "slow": "", "hang": "in time|seconds"},
    ),
    **{
        f"env-file-{name}": Kind(
            f"secrets file encrypted with {name}",
            f"{name}{version}, with an age key" if name == "sops" else "age",
            sealed_by(name),
            {"good": "", "wrong": "does not set NOPE", "gone": "can't open", "slow": "", "hang": "did not open"},
        )
        for name, version in (("age", ""), ("sops", " 3.13.3"))
    },
    "keychain": Kind(
        "keychain",
        "gnome-keyring and secret-tool on a bus of their own",
        keychain,
        {"good": "", "wrong": "holds nothing", "gone": "is locked", "slow": "", "hang": "gave no key in time"},
    ),
    "custom": Kind(
        "your own command",
        "sh",
        custom,
        {"good": "", "wrong": r"failed \(exit 1\)", "gone": "can't be run here", "slow": "", "hang": HUNG},
    ),
    "1password": Kind(
        "1Password `op`",
        _NO_DOUBLE,
        double_of(
            "1password",
            "op",
            {
                "wrong": '[ERROR] 2026/11/30 could not read secret: "LiteLLM" isn\'t an item in the "Private" vault.',
                "gone": "[ERROR] 2026/11/30 You are not currently signed in. Please run `op signin --help`.",
            },
            reference="op://Private/LiteLLM/key",
        ),
        {"good": "", "wrong": "has no op://", "gone": ENDED + "op signin", "slow": "", "hang": HUNG},
    ),
    "bitwarden": Kind(
        "Bitwarden `bw`",
        "bw 2026.9.0 signed out; a double for the rest",
        bitwarden,
        {"good": "", "wrong": "has no LiteLLM", "gone": ENDED, "slow": "", "hang": HUNG},
    ),
    "pass": Kind(
        "pass",
        "pass with GnuPG and a throw-away key; slow and hanging by a wrapper around gpg",
        pass_,
        {
            "good": "",
            "wrong": "has no work/nope",
            "gone": NO_KEY,
            "slow": "",
            "hang": HUNG,
            "folder": "work is a folder in pass",
            "hyphen": "",
        },
    ),
    "gopass": Kind(
        "gopass",
        "gopass 1.16.1 with GnuPG; slow and hanging by a wrapper around gpg",
        gopass,
        {
            "good": "",
            "wrong": "has no work/nope",
            "gone": NO_KEY,
            "slow": "",
            "hang": HUNG,
            "folder": "work is a folder in gopass",
            "hyphen": "",
            "uninitialised": "has no work/litellm",
        },
    ),
    "aws-secrets-manager": Kind(
        "AWS Secrets Manager",
        "aws 1.46.2 against moto 5.2.5",
        aws("secretsmanager"),
        {
            "good": "",
            "wrong": "has no nope",
            "gone": ENDED + "aws sso login",
            "slow": "",
            "hang": HUNG,
            "field": "",
            "binary": "binary is missing in .* or holds no text",
            "deleted": "has no deleted",
            "denied": "refuses to show litellm",
            "ended": ENDED,
            "untold": UNTOLD,
            "no-profile": UNTOLD,
            "unreachable": f"{UNREACHED}|{HUNG}",
        },
    ),
    "aws-ssm": Kind(
        "AWS Systems Manager",
        "aws 1.46.2 against moto 5.2.5",
        aws("ssm"),
        {
            "good": "",
            "wrong": "has no /nope",
            "gone": ENDED + "aws sso login",
            "slow": "",
            "hang": HUNG,
            "version": "has no /litellm/key:9",
        },
    ),
    "gcp-secret-manager": Kind(
        "Google Secret Manager",
        "gcloud 528 where the machine has it, against a double of the service; else a double",
        google,
        {
            "good": "",
            "wrong": "has no nope",
            "gone": ENDED + "gcloud auth login",
            "slow": "",
            "hang": HUNG,
            "denied": "refuses to show denied",
            "untold": UNTOLD,
            "signed-out": ENDED,
        },
    ),
    "azure-key-vault": Kind(
        "Azure Key Vault",
        "a double; its signed-out words come from a run of az 2.91.0",
        double_of(
            "azure-key-vault",
            "az",
            {
                "wrong": "ERROR: (SecretNotFound) A secret with (name/id) litellm was not found in this key vault.",
                "gone": "ERROR: Please run 'az login' to setup account.",
            },
            vault_name="corp",
            item="litellm",
        ),
        {"good": "", "wrong": "has no litellm", "gone": ENDED + "az login", "slow": "", "hang": HUNG},
    ),
    "doppler": Kind(
        "Doppler",
        "doppler of 2023-09-08, the newest that Go's proxy has, against a double of the service",
        doppler,
        {
            "good": "",
            "wrong": "has no NOPE",
            "gone": ENDED + "doppler login",
            "slow": "",
            "hang": HUNG,
            "denied": "refuses to show LITELLM",
            "signed-out": ENDED + "doppler login",
            "unreachable": f"{UNREACHED}|{HUNG}",
        },
    ),
    "infisical": Kind(
        "Infisical",
        _NO_DOUBLE,
        double_of(
            "infisical",
            "infisical",
            {"gone": "You must be logged in to run this command. To login, run [infisical login]"},
            item="LITELLM",
            project="p",
        ),
        {"good": "", "wrong": "LITELLM is missing in", "gone": ENDED + "infisical login", "slow": "", "hang": HUNG},
    ),
    "sops": Kind(
        "sops",
        "sops 3.13.3 with an age key; not with GnuPG or a cloud's key",
        sops,
        {
            "good": "",
            "wrong": r"has no litellm\.0\.nope in ~/keys\.enc\.yaml",
            "gone": NO_KEY,
            "slow": "",
            "hang": HUNG,
            "no-file": r"has no litellm\.0\.api_key in ~/nope\.yaml",
            "unencrypted": "has no ",
        },
    ),
    "kubernetes": Kind(
        "Kubernetes secret",
        "kubectl against a double of a cluster",
        kubernetes,
        {
            "good": "",
            "wrong": "has no nope",
            "gone": ENDED + "kubectl get secrets",
            "slow": "",
            "hang": f"{UNREACHED}|{HUNG}",
            "denied": "refuses to show denied",
            "no-field": "has no litellm",
            "untold": UNTOLD,
            "no-cluster": UNTOLD,
            "unreachable": UNREACHED,
        },
    ),
    "litellm": Kind(
        "LiteLLM's `lite`",
        "lite of LiteLLM 1.106.2 with a stored sign-in",
        lite,
        {
            "good": "",
            "wrong": ENDED + f"lite --base-url {GATEWAY} login",
            "gone": ENDED + f"lite --base-url {GATEWAY} login",
            "slow": "",
            "hang": HUNG,
            "signed-out": ENDED,
        },
    ),
}

NOT_PROVEN: Final = (
    "the macOS Keychain (a double of `security`)",
    "KWallet",
    "HashiCorp's own Vault server and client",
    "1Password, Azure and Infisical signed in",
)

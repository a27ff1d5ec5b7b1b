"""Programs that keep secrets, and how each is asked for one: the ready choices of the command backend."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from wizard.keys.backend import Options
from wizard.keys.parts import text
from wizard.record import dataclass

CUSTOM: Final = "custom"
READERS: Final = ("jq", "python3")
"""Programs that take a field out of a JSON object, the first one found."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A program that prints a secret.

    `arguments` gives what follows the program's name: an answer stands behind `--flag=` or after `--`, so that none is
    taken for an option, whatever it begins with. `what` names the thing looked for, by one of `fields`. `login`
    is the command that signs in. The five lists are pieces of what the program says on stderr when it is not signed in,
    finds nothing, may not, reaches nobody, or isn't told enough; they come from the programs' own sources and runs of
    them. `decrypts`: a key on this machine opens the secret, no sign-in. `empty` is what it prints, if not nothing, and
    ends well, when there is no secret or none of text, and `folder` pieces of what it prints then for a folder.
    `at_gateway`: its secret is for one server, which has to be the gateway.
    """

    name: str
    program: str
    title: str
    fields: tuple[str, ...]
    arguments: Callable[[Options], tuple[str, ...]]
    what: str
    login: str
    signed_out: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    unreachable: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    first_line: bool = False
    tells: bool = False
    decrypts: bool = False
    empty: str = ""
    folder: tuple[str, ...] = ()
    at_gateway: bool = False


def _flags(options: Options, **flags: str) -> tuple[str, ...]:
    """Return `--flag=value` for every answer given."""
    return tuple(
        f"--{flag.replace('_', '-')}={value}" for flag, name in flags.items() if (value := text(options, name))
    )


def _sops_place(dotted: str) -> str:
    """Return the place of a value as sops writes it: `a.0` is `["a"][0]`."""
    parts = (part if part.isdigit() else json.dumps(part, ensure_ascii=False) for part in dotted.split("."))
    return "".join(f"[{part}]" for part in parts)


def _template(options: Options) -> str:
    """Return kubectl's go-template for one key of a secret, decoded."""
    key = json.dumps(text(options, "data_field"), ensure_ascii=False)
    return f"{{{{index .data {key} | base64decode}}}}"


_AWS_SIGNED_OUT: Final = (
    "Unable to locate credentials",
    "ExpiredToken",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "Token has expired",
    "Error loading SSO Token",
    "SSO session",
)
_AWS_VARIABLES: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION")
_AWS_UNREACHABLE: Final = (
    "Could not connect to the endpoint",
    "Connect timeout",
    "Read timeout",
)
_AWS_UNTOLD: Final = ("must specify a region", "config profile", "Partial credentials")

PRESETS: Final[tuple[Preset, ...]] = (
    Preset(
        "1password",
        "op",
        "1Password",
        ("reference", "account"),
        lambda o: ("read", "--no-newline", *_flags(o, account="account"), text(o, "reference")),
        "reference",
        "op signin",
        signed_out=("not currently signed in", "no account found", "session expired", "authorization", "not signed in"),
        missing=("isn't an item", "isn't a vault", "isn't a field", "could not find", "does not have a field"),
        unreachable=("dial tcp", "no such host", "connecting to desktop app"),
        variables=("OP_SERVICE_ACCOUNT_TOKEN", "OP_CONNECT_TOKEN", "OP_CONNECT_HOST"),
        tells=True,
    ),
    Preset(
        "bitwarden",
        "bw",
        "Bitwarden",
        ("item",),
        lambda o: ("get", "password", "--nointeraction", "--raw", "--", text(o, "item")),
        "item",
        "export BW_SESSION=$(bw unlock --raw)",
        signed_out=("Vault is locked", "not logged in", "Session key is invalid", "Master password"),
        missing=("Not found", "More than one result", "No password available"),
        unreachable=("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "request to"),
        variables=("BW_SESSION",),
        tells=True,
    ),
    Preset(
        "pass",
        "pass",
        "pass",
        ("entry",),
        lambda o: ("show", "--", text(o, "entry")),
        "entry",
        "pass show ENTRY",
        signed_out=(
            "decryption failed",
            "No secret key",
            "public key decryption",
            "Inappropriate ioctl",
            "No pinentry",
        ),
        missing=("is not in the password store", "password store is empty"),
        variables=("PASSWORD_STORE_DIR", "GNUPGHOME"),
        first_line=True,
        tells=True,
        decrypts=True,
        folder=("|-- ", "`-- ", "├── ", "└── "),
    ),
    Preset(
        "gopass",
        "gopass",
        "gopass",
        ("entry",),
        lambda o: ("show", "--password", "--", text(o, "entry")),
        "entry",
        "gopass show ENTRY",
        signed_out=("decrypt", "No secret key"),
        missing=("not found", "not in the password store", "not initialized"),
        variables=("PASSWORD_STORE_DIR", "GNUPGHOME", "GOPASS_HOMEDIR"),
        tells=True,
        decrypts=True,
        folder=("├── ", "└── "),
    ),
    Preset(
        "aws-secrets-manager",
        "aws",
        "AWS Secrets Manager",
        ("item", "json_field", "region", "profile"),
        lambda o: (
            "secretsmanager",
            "get-secret-value",
            f"--secret-id={text(o, 'item')}",
            "--query=SecretString",
            "--output=text",
            *_flags(o, region="region", profile="profile"),
        ),
        "item",
        "aws sso login",
        signed_out=_AWS_SIGNED_OUT,
        missing=("ResourceNotFoundException", "marked deleted", "marked for deletion"),
        denied=("AccessDenied", "is not authorized"),
        unreachable=_AWS_UNREACHABLE,
        untold=_AWS_UNTOLD,
        variables=_AWS_VARIABLES,
        empty="None",
    ),
    Preset(
        "aws-ssm",
        "aws",
        "AWS Systems Manager",
        ("parameter", "json_field", "region", "profile"),
        lambda o: (
            "ssm",
            "get-parameter",
            f"--name={text(o, 'parameter')}",
            "--with-decryption",
            "--query=Parameter.Value",
            "--output=text",
            *_flags(o, region="region", profile="profile"),
        ),
        "parameter",
        "aws sso login",
        signed_out=_AWS_SIGNED_OUT,
        missing=("ParameterNotFound", "ParameterVersionNotFound"),
        denied=("AccessDenied", "is not authorized"),
        unreachable=_AWS_UNREACHABLE,
        untold=_AWS_UNTOLD,
        variables=_AWS_VARIABLES,
        empty="None",
    ),
    Preset(
        "gcp-secret-manager",
        "gcloud",
        "Google Secret Manager",
        ("item", "json_field", "version", "project", "account"),
        lambda o: (
            "secrets",
            "versions",
            "access",
            text(o, "version") or "latest",
            f"--secret={text(o, 'item')}",
            "--quiet",
            *_flags(o, project="project", account="account"),
        ),
        "item",
        "gcloud auth login",
        signed_out=(
            "Reauthentication",
            "do not currently have an active account",
            "invalid_grant",
            "UNAUTHENTICATED",
            "invalid authentication credentials",
        ),
        missing=("NOT_FOUND",),
        denied=("PERMISSION_DENIED",),
        unreachable=(
            "Unable to find the server",
            "Max retries exceeded",
            "Failed to establish",
            "There was a problem refreshing",
        ),
        untold=("Failed to find attribute [project]", "must be a valid project"),
        variables=("GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG", "CLOUDSDK_CORE_PROJECT"),
    ),
    Preset(
        "azure-key-vault",
        "az",
        "Azure Key Vault",
        ("vault_name", "item", "json_field"),
        lambda o: (
            "keyvault",
            "secret",
            "show",
            f"--vault-name={text(o, 'vault_name')}",
            f"--name={text(o, 'item')}",
            "--query=value",
            "--output=tsv",
            "--only-show-errors",
        ),
        "item",
        "az login",
        signed_out=("az login", "AADSTS", "refresh token has expired"),
        missing=("SecretNotFound", "was not found in this key vault"),
        denied=("Forbidden", "AccessDenied"),
        unreachable=("Failed to establish a new connection", "Max retries exceeded", "Name or service not known"),
        variables=("AZURE_CONFIG_DIR",),
    ),
    Preset(
        "doppler",
        "doppler",
        "Doppler",
        ("item", "project", "config"),
        lambda o: (
            "secrets",
            "get",
            "--plain",
            "--no-check-version",
            *_flags(o, project="project", config="config"),
            "--",
            text(o, "item"),
        ),
        "item",
        "doppler login",
        signed_out=("you must provide a token", "Invalid Auth token", "Invalid Service token", "Unauthorized"),
        missing=("Could not find requested",),
        denied=("does not have access", "Forbidden"),
        unreachable=("dial tcp", "Client.Timeout", "deadline exceeded", "TLS handshake"),
        untold=("must specify a project", "must specify a config"),
        variables=("DOPPLER_TOKEN",),
        tells=True,
    ),
    Preset(
        "infisical",
        "infisical",
        "Infisical",
        ("item", "project", "environment", "folder"),
        lambda o: (
            "secrets",
            "get",
            "--plain",
            "--silent",
            *_flags(o, projectId="project", env="environment", path="folder"),
            "--",
            text(o, "item"),
        ),
        "item",
        "infisical login",
        signed_out=("infisical login", "not logged in", "login expired", "logged in", "invalid token"),
        missing=("not found",),
        denied=("Forbidden", "PermissionDenied", "403"),
        unreachable=("dial tcp", "no such host"),
        untold=("infisical init", "projectId"),
        variables=("INFISICAL_TOKEN", "INFISICAL_API_URL"),
        tells=True,
        empty="*not found*",
    ),
    Preset(
        "sops",
        "sops",
        "sops",
        ("file", "place"),
        lambda o: ("--decrypt", "--extract", _sops_place(text(o, "place")), text(o, "file")),
        "place",
        "sops --decrypt FILE",
        signed_out=("Failed to get the data key", "no identity matched", "no master key", "could not decrypt"),
        missing=("no such file", "non-existent file", "metadata not found", "error truncating tree"),
        variables=("SOPS_AGE_KEY_FILE", "SOPS_AGE_KEY", "SOPS_AGE_KEY_CMD", "GNUPGHOME"),
        tells=True,
        decrypts=True,
    ),
    Preset(
        "kubernetes",
        "kubectl",
        "Kubernetes secret",
        ("item", "data_field", "namespace", "context"),
        lambda o: (
            "get",
            "secret",
            f"--output=go-template={_template(o)}",
            "--request-timeout=6s",
            *_flags(o, namespace="namespace", context="context"),
            "--",
            text(o, "item"),
        ),
        "item",
        "kubectl get secrets",
        signed_out=("Unauthorized", "provide credentials", "getting credentials", "must be logged in"),
        missing=("NotFound", "not found", "error executing template"),
        denied=("Forbidden", "forbidden"),
        unreachable=(
            "Unable to connect",
            "connection to the server",
            "was refused",
            "i/o timeout",
            "deadline exceeded",
        ),
        untold=("context was not found", "does not exist", "server localhost:8080"),
        variables=("KUBECONFIG",),
    ),
    Preset(
        "litellm",
        "lite",
        "LiteLLM's own sign-in",
        ("server",),
        lambda _: ("auth", "print-token"),
        "server",
        "lite login",
        signed_out=("Not authenticated", "lite login", "expired"),
        unreachable=("Connection", "refused"),
        tells=True,
        at_gateway=True,
    ),
)

BY_NAME: Final = {each.name: each for each in PRESETS}


def preset_of(options: Options) -> Preset | None:
    """Return the preset that these answers choose; None for a command line of the user's own."""
    return BY_NAME.get(text(options, "preset"))

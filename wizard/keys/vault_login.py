"""How one signs in to Vault: the answers about it, and what the user or the helper does with them.

AppRole, JWT and Kubernetes need nobody at the keyboard, so that the helper signs in by itself each time and gives its
token back. Userpass, LDAP and OIDC ask for a password, a second factor or a browser: the user's own `vault login` does
that, and its token serves until it ends.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from wizard.fields import Field, Problem, Value
from wizard.keys.backend import Options
from wizard.keys.parts import text
from wizard.machine.model import Machine
from wizard.pattern import pattern
from wizard.record import dataclass

UNATTENDED: Final = ("approle", "jwt", "kubernetes")
"""The methods that the helper signs in with by itself."""

METHODS: Final = ("token", "userpass", "ldap", "oidc", *UNATTENDED)

TITLES: Final[Mapping[str, str]] = {
    "token": "token",
    "userpass": "user name and password",
    "ldap": "LDAP",
    "oidc": "OIDC",
    "approle": "AppRole",
    "jwt": "JWT",
    "kubernetes": "Kubernetes",
}

SERVICE_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount/token"
"""Where a pod finds the token of its service account (kubernetes.io, "Accessing the Kubernetes API from a Pod")."""

_CONFIG_CAP: Final = 64 * 1024
_TOKEN_HELPER: Final = pattern(r'(?m)^[\s{,]*"?token_helper"?[ \t]*[=:][ \t]*("(?:[^"\\\n]|\\.)+")')


def path_problem(value: Value) -> str:
    """Check mount, path and namespace: they may not make anything else of the request than what it is for."""
    parts = str(value).strip("/").split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "It has an empty, . or .. part. Write it like litellm/claude-code."
    if odd := re.search(r"[?#%]", str(value)):
        return f"It holds {odd.group()}, which means something else in a request. Use the path's plain name."
    return ""


def _with(*methods: str) -> Callable[[Mapping[str, Value]], bool]:
    return lambda values: values.get("sign_in", "token") in methods


FIELDS: Final = (
    Field(
        "sign_in",
        "Sign-in",
        "How you sign in to Vault. With token, userpass, ldap and oidc you run vault login yourself, and the helper"
        " uses the token that it keeps; with approle, jwt and kubernetes the helper signs in by itself.",
        "choice",
        default="token",
        choices=METHODS,
    ),
    Field(
        "auth_mount",
        "Sign-in mount",
        "Where that method is mounted, without auth/ in front of it. Empty: its own name.",
        example="approle",
        check=path_problem,
        shown_when=_with(*METHODS[1:]),
    ),
    Field(
        "username",
        "User name",
        "The name you sign in to Vault with.",
        example="ada",
        shown_when=_with("userpass", "ldap"),
    ),
    Field(
        "role",
        "Role",
        "The role to sign in as. With oidc and jwt it may be empty: the mount can have one by default.",
        example="developer",
        shown_when=_with("oidc", "jwt", "kubernetes"),
    ),
    Field(
        "role_id",
        "Role id",
        "The id of your AppRole. It is no secret: it stands for the user name.",
        required=True,
        example="59d6d1ca-47bb-4e7e-a40b-8be3bc5a0ba8",
        shown_when=_with("approle"),
    ),
    Field(
        "secret_id_file",
        "Secret id file",
        "A file that holds the secret id of your AppRole and nothing else, readable by you only.",
        "path",
        required=True,
        example="~/.secrets/vault-secret-id",
        shown_when=_with("approle"),
    ),
    Field(
        "jwt_file",
        "Token file",
        "A file that holds the JWT you sign in with. With kubernetes it may be empty: a pod has its own.",
        "path",
        example="~/.secrets/vault.jwt",
        shown_when=_with("jwt", "kubernetes"),
    ),
)


@dataclass(frozen=True, slots=True)
class Login:
    """How to sign in, resolved. `file` holds the secret id or the JWT; `token_helper` is the user's own program."""

    method: str = "token"
    mount: str = ""
    username: str = ""
    role: str = ""
    role_id: str = ""
    file: str = ""
    token_helper: str = ""
    config: str = ""
    """The vault program's own settings, where they name the token helper."""

    @property
    def is_unattended(self) -> bool:
        """Whether the helper signs in by itself."""
        return self.method in UNATTENDED

    @property
    def title(self) -> str:
        """The method and its mount, as they are shown."""
        return f"{TITLES[self.method]} at auth/{self.mount}" if self.mount else TITLES[self.method]

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the vault program's `login` wants besides the server."""
        if self.method not in ("userpass", "ldap", "oidc"):
            return ()
        path = (f"-path={self.mount}",) if self.mount != self.method else ()
        who = (f"username={self.username}",) if self.username else (f"role={self.role}",) if self.role else ()
        return (f"-method={self.method}", *path, *who)

    def body(self, credential: str) -> dict[str, str]:
        """Return what Vault wants to be sent, `credential` being what the file holds."""
        if self.method == "approle":
            return {"role_id": self.role_id, "secret_id": credential}
        return {**({"role": self.role} if self.role else {}), "jwt": credential}

    @property
    def remedy(self) -> str:
        """What to look at when Vault refuses the sign-in."""
        if self.method == "approle":
            return "Check the role id and the sign-in mount, and whether the secret id has ended or was used up."
        return "Check the role and the sign-in mount, and whether the token in that file has ended."


BY_TOKEN: Final = Login()
"""By a token that is there."""


def read_login(options: Options, machine: Machine) -> Login:
    """Return how to sign in by these answers. Reads the vault program's own settings for a token helper."""
    method = text(options, "sign_in") or "token"
    given = text(options, "secret_id_file" if method == "approle" else "jwt_file")
    file = given or (SERVICE_ACCOUNT if method == "kubernetes" else "")
    unattended = method in UNATTENDED
    token_helper = "" if unattended else find_token_helper(machine)
    return Login(
        method=method,
        mount=(text(options, "auth_mount").strip("/").removeprefix("auth/") or method) if method != "token" else "",
        username=text(options, "username") if method in ("userpass", "ldap") else "",
        role=text(options, "role") if method in ("oidc", "jwt", "kubernetes") else "",
        role_id=text(options, "role_id") if method == "approle" else "",
        file=str(machine.expand(file)) if unattended and file else "",
        token_helper=token_helper,
        config=str(_config_file(machine)) if token_helper else "",
    )


def login_problems(options: Options, prefix: str) -> tuple[Problem, ...]:
    """Return what is missing for a method, which no field sees by itself."""
    method = text(options, "sign_in")
    wanted = {"jwt": ("jwt_file", "~/.secrets/vault.jwt"), "kubernetes": ("role", "developer")}
    if method not in wanted:
        return ()
    name, example = wanted[method]
    if text(options, name):
        return ()
    return (Problem(f"{prefix}.{name}", "", f"It is missing. Give it, like {example}."),)


def login_command(program: str, address: str, namespace: str, login: Login) -> str:
    """Return the command that gets a new token from this server, quoted where a shell wants it."""
    place = (f"-address={address}", *((f"-namespace={namespace}",) if namespace else ()))
    return shlex.join((program, "login", *place, *login.arguments))


def find_token_helper(machine: Machine) -> str:
    """Return the program that keeps the user's token instead of ~/.vault-token, empty for none.

    It stands as `token_helper` in ~/.vault or where VAULT_CONFIG_PATH says (developer.hashicorp.com, "Token helpers").
    """
    path = _config_file(machine)
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            content = file.read(_CONFIG_CAP).decode("utf-8", "replace")
    except OSError:
        return ""
    found = _TOKEN_HELPER.search(content)
    try:
        program = str(json.loads(found[1])) if found else ""
    except ValueError:
        return ""
    if not program or not program.isprintable():
        return ""
    if not program.startswith("/"):
        program = shutil.which(program, path=machine.env.get("PATH", "")) or program
    return str(Path(program)) if program.startswith("/") else ""


def _config_file(machine: Machine) -> Path:
    named = next((machine.env[name] for name in ("BAO_CONFIG_PATH", "VAULT_CONFIG_PATH") if machine.env.get(name)), "")
    return machine.expand(named or "~/.vault")

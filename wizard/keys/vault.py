"""Keys from HashiCorp Vault or OpenBao: the answers.

`wizard.keys.vault_helper` is the helper's way to the secret, `wizard.keys.vault_examine` the wizard's own, for the key
test; both go by the same `Place`. `wizard.keys.vault_login` is about signing in, `wizard.keys.vault_browse` looks
around.
"""

from __future__ import annotations

from typing import Final

from wizard.fields import Field, Problem, Value
from wizard.keys import vault_login
from wizard.keys.backend import Options, Report
from wizard.keys.parts import text
from wizard.keys.vault_login import Login, login_command, login_problems, path_problem, read_login
from wizard.machine.model import Machine
from wizard.net.address import Address, AddressError, parse_address
from wizard.record import dataclass

TOKEN_VARIABLES: Final = ("BAO_TOKEN", "VAULT_TOKEN")
"""Where a token is looked for before ~/.vault-token, in the order of OpenBao's own program (its api/env.go)."""

CLIENTS: Final = ("vault", "bao")
READERS: Final = ("jq", "python3")


def _address(value: Value) -> str:
    try:
        parse_address(str(value), allow_http=True)
    except AddressError as error:
        return str(error)
    return ""


_FIELDS: Final = (
    Field(
        "address",
        "Vault address",
        "Where your Vault or OpenBao answers. It is what VAULT_ADDR holds on machines that use it already.",
        "url",
        required=True,
        example="https://vault.corp.example:8200",
        check=_address,
    ),
    Field(
        "mount",
        "Mount",
        "The KV secrets engine that holds the key: the first part of the path in Vault's own screens. KV versions 1"
        " and 2 both work; which it is is found out by itself.",
        default="secret",
        required=True,
        example="secret",
        check=path_problem,
    ),
    Field(
        "path",
        "Path",
        "Where the secret is below the mount, without data/ in front of it.",
        required=True,
        example="litellm/claude-code",
        check=path_problem,
    ),
    Field(
        "field",
        "Field",
        "The name in that secret whose value is the key.",
        default="api_key",
        required=True,
        example="api_key",
    ),
    *vault_login.FIELDS,
    Field(
        "namespace",
        "Namespace",
        "Only for servers that have namespaces (Vault Enterprise, HCP, OpenBao): the one with the mount.",
        example="team-a",
        check=path_problem,
    ),
    Field(
        "ca_file",
        "CA file",
        "A PEM file with the authority that signed Vault's certificate, when this machine does not know it.",
        "path",
        example="~/corp-ca.pem",
    ),
    Field(
        "client_cert",
        "Client certificate",
        "A PEM file, for servers that want one.",
        "path",
        example="~/.secrets/vault.pem",
    ),
    Field("client_key", "Client key", "The PEM file with its key, without a passphrase.", "path"),
    Field(
        "allow_http",
        "Allow http",
        "Lets the token and the key travel unencrypted between Vault and this machine.",
        "flag",
        default=False,
    ),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the key is in Vault, resolved: what both the helper and the wizard ask for."""

    address: Address
    mount: str
    path: str
    field: str
    namespace: str = ""
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    sign_in: Login = vault_login.BY_TOKEN
    program: str = "vault"
    """The program to sign in with: vault, or bao where only that is there."""

    @property
    def full_path(self) -> str:
        """Mount and path, as people and the vault program write it."""
        return f"{self.mount}/{self.path}"

    @property
    def is_unproxied(self) -> bool:
        """Whether no proxy may be used: one would see a token that travels over http."""
        return self.address.is_loopback or self.address.scheme != "https"

    @property
    def login(self) -> str:
        """The command that gets a new token from this server."""
        return login_command(self.program, self.address.url, self.namespace, self.sign_in)

    @property
    def again(self) -> str:
        """What to do when a token no longer serves, as a sentence."""
        return self.sign_in.remedy if self.sign_in.is_unattended else f"Run: {self.login}"


def resolve(options: Options, machine: Machine) -> Place:
    """Return where the key is. A typed `data/`, which Vault adds itself for KV version 2, is dropped.

    Raises AddressError for an address that can't be used.
    """

    def path_of(name: str) -> str:
        return str(machine.expand(given)) if (given := text(options, name)) else ""

    client_cert = path_of("client_cert")
    return Place(
        address=_parsed(options),
        mount=text(options, "mount").strip("/"),
        path=text(options, "path").strip("/").removeprefix("data/"),
        field=text(options, "field"),
        namespace=text(options, "namespace").strip("/"),
        ca_file=path_of("ca_file"),
        client_cert=client_cert,
        client_key=path_of("client_key") or client_cert,
        sign_in=read_login(options, machine),
        program=next((name for name in CLIENTS if name in machine.programs), "vault"),
    )


def _parsed(options: Options) -> Address:
    return parse_address(text(options, "address"), allow_http=options.get("allow_http") is True)


_PREFILLED: Final = {
    "address": "ADDR",
    "namespace": "NAMESPACE",
    "ca_file": "CACERT",
    "client_cert": "CLIENT_CERT",
    "client_key": "CLIENT_KEY",
}

_UNATTENDED: Final = "The helper signs in by itself each time, with curl, and gives its token back when it has the key."
_USES_UP: Final = "Each time takes one use of the secret id: have one made without a limit."


def _login_line(options: Options) -> str:
    """Return what to run once, or what is missing to say so."""
    try:
        address = _parsed(options).url
    except AddressError:
        address = "ADDRESS"
    method, mount = text(options, "sign_in"), text(options, "auth_mount").strip("/").removeprefix("auth/")
    login = Login(method, mount or method, text(options, "username"), text(options, "role"))
    line = login_command("vault", address, text(options, "namespace").strip("/"), login)
    return f"run {line} in a terminal; the helper uses the token that it keeps."


@dataclass(frozen=True, slots=True)
class Vault:
    """A key kept in HashiCorp Vault or OpenBao, read with the user's own token."""

    name: str = "vault"
    title: str = "Vault or OpenBao"
    use_when: str = "Use this when your company keeps the key in Vault or OpenBao."
    helper_name: str = "get-litellm-key.sh"
    programs: tuple[str, ...] = (*CLIENTS, "curl", *READERS, "timeout")
    fields: tuple[Field, ...] = _FIELDS

    def prefill(self, machine: Machine) -> dict[str, Value]:
        """Return what the variables of the vault and bao programs say; BAO_* come first, as for bao itself."""
        found: dict[str, Value] = {}
        by_name = {field.name: field for field in self.fields}
        for name, variable in _PREFILLED.items():
            raw = machine.env.get(f"BAO_{variable}", machine.env.get(f"VAULT_{variable}", ""))
            value = by_name[name].read(raw)
            if raw and not isinstance(value, Problem):
                found[name] = value
        if any(machine.env.get(name) for name in TOKEN_VARIABLES):
            found["sign_in"] = "token"
        return found

    def validate(self, options: Options, prefix: str) -> tuple[Problem, ...]:
        """Return a problem for an address over http that nobody allowed."""
        try:
            _parsed(options)
        except AddressError as error:
            hint = " In the answers file that is key.vault.allow_http = true." if error.kind == "http" else ""
            return (Problem(f"{prefix}.address", text(options, "address"), f"{error}{hint}"),)
        if text(options, "client_key") and not text(options, "client_cert"):
            return (Problem(f"{prefix}.client_cert", "", "It is missing. Give the certificate of that key."),)
        return login_problems(options, prefix)

    def notes(self, options: Options) -> tuple[str, ...]:
        """Return what the user must know before choosing this."""
        method = text(options, "sign_in") or "token"
        if method in vault_login.UNATTENDED:
            return (_UNATTENDED, _USES_UP) if method == "approle" else (_UNATTENDED,)
        if method == "token":
            return ("The helper uses the token in VAULT_TOKEN, else the one that vault login keeps in ~/.vault-token.",)
        return (f"{vault_login.TITLES[method]} asks for more than a helper may know: {_login_line(options)}",)

    def origin(self, options: Options) -> str:
        """Return the origin that the Vault token is sent to; confirm it before `examine` or the helper runs."""
        return _parsed(options).origin

    def life_seconds(self, options: Options) -> int | None:
        """Return None: a stored key does not end with the token that reads it."""
        return None

    def shell_needs(self, options: Options, machine: Machine) -> tuple[str, ...]:
        """Return the variable that holds the only token there is."""
        sign_in = read_login(options, machine)
        if sign_in.is_unattended or sign_in.token_helper:
            return ()
        if (machine.home / ".vault-token").is_file():
            return ()
        return tuple(name for name in TOKEN_VARIABLES if machine.env.get(name))[:1] or ("VAULT_TOKEN",)

    def helper_body(self, options: Options, machine: Machine) -> str:
        """Return sh that reads the secret by the vault or bao program, else by curl. Raises NoProgramError."""
        from wizard.keys.vault_helper import helper_body

        return helper_body(resolve(options, machine), machine)

    def examinations(self, options: Options) -> tuple[tuple[str, str], ...]:
        """Return id and label of the rows of `examine`."""
        return (("key.source.server", "Vault"), ("key.source.token", "token"), ("key.source.secret", "secret"))

    async def examine(self, options: Options, machine: Machine, report: Report) -> None:
        """Ask the server for its state, the token for its life, and read the secret.

        The token is sent to the address of the answers: the caller has made sure that the user confirmed its `origin`.
        """
        from wizard.keys.vault_examine import examine

        await examine(resolve(options, machine), machine, report)


BACKEND: Final = Vault()

"""What a declared field is beyond its one sentence: an example, where its value is found, what it becomes on disk.

The side pane, plain lines and the README show these; nothing of it is read before somebody looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wizard.fields import Field
from wizard.record import dataclass


@dataclass(frozen=True, slots=True)
class FieldHelp:
    """All that is said of one field; `default` is what counts when it is left empty, if anything."""

    what: str
    example: str
    found: str
    becomes: str
    default: str = ""


def help_of(field: Field, prefix: str) -> FieldHelp:
    """Return the help of a field; `prefix` is its table in the answers file, like `key.vault`."""
    section, name = _home(field.name, prefix)
    found = _FOUND.get(f"{section}.{name}") or _FOUND.get(section) or _ANYWHERE
    becomes = _BECOMES.get(f"{section}.{name}") or _BECOMES.get(section) or _KEY
    default = "" if field.default in (None, "", False) else _shown(field.default)
    return FieldHelp(field.help, _example(field, f"{section}.{name}"), found, becomes, default)


def is_borrowed(field: Field, prefix: str) -> bool:
    """Say whether a field is another backend's, which signs here what it hands out there."""
    return _home(field.name, prefix)[0] != prefix


def _home(name: str, prefix: str) -> tuple[str, str]:
    """Return the table that explains a field: a JWT's secret can come from the other backends, by their own fields."""
    if name == "refresh_seconds":
        return "key", name  # asked beside every backend's own fields
    source, _, rest = name.partition("_")
    if prefix == "key.jwt" and source in _LENDERS and rest:
        return f"key.{source}", rest
    return prefix, name


def _example(field: Field, name: str) -> str:
    if text := field.example or _EXAMPLES.get(name, ""):
        return text
    if field.kind == "flag":
        return "yes, or no"
    if field.choices:
        return ", ".join(field.choices)
    return _shown(field.default)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


_LENDERS: Final = frozenset({"vault", "command", "keychain"})

_EXAMPLES: Final[Mapping[str, str]] = {
    "gateway.client_cert": "~/.secrets/me.pem",
    "gateway.client_key": "~/.secrets/me.key",
    "gateway.timeout_ms": "600000, which is ten minutes",
    "key.refresh_seconds": "1800, which is half an hour",
    "key.vault.client_key": "~/.secrets/vault.key",
    "key.command.server": "https://llm.corp.example:4000",
    "write.shells": "bash, zsh",
}

_ANYWHERE: Final = "Your platform team knows it."
_KEY: Final = "A line of your answers file, and of the key helper that is made from it."
_ANSWERS: Final = "A line of your answers file, and nothing else."

_SETTINGS: Final = "settings.json and the setup script"

_BECOMES: Final[Mapping[str, str]] = {
    "gateway.url": f"ANTHROPIC_BASE_URL (or ANTHROPIC_BEDROCK_BASE_URL) in {_SETTINGS}; the key helper gives the key to"
    " this server only.",
    "gateway.route": f"anthropic: ANTHROPIC_BASE_URL. bedrock: CLAUDE_CODE_USE_BEDROCK and what belongs to it. In"
    f" {_SETTINGS}.",
    "gateway.allow_http": _ANSWERS,
    "gateway.ca_file": "NODE_EXTRA_CA_CERTS in settings.json.",
    "gateway.client_cert": "CLAUDE_CODE_CLIENT_CERT in settings.json.",
    "gateway.client_key": "CLAUDE_CODE_CLIENT_KEY in settings.json.",
    "gateway.proxy": "HTTPS_PROXY in settings.json.",
    "gateway.no_proxy": "NO_PROXY in settings.json.",
    "gateway.timeout_ms": f"API_TIMEOUT_MS in {_SETTINGS}.",
    "gateway.aws_region": f"AWS_REGION in {_SETTINGS}, on the bedrock route.",
    "key.backend": "It decides how the key helper is made, and what its file is called.",
    "key.refresh_seconds": f"CLAUDE_CODE_API_KEY_HELPER_TTL_MS in {_SETTINGS}.",
    "key.vault.allow_http": _ANSWERS,
    "models.opus": f"ANTHROPIC_DEFAULT_OPUS_MODEL in {_SETTINGS}.",
    "models.sonnet": f"ANTHROPIC_DEFAULT_SONNET_MODEL in {_SETTINGS}.",
    "models.haiku": f"ANTHROPIC_DEFAULT_HAIKU_MODEL in {_SETTINGS}.",
    "write.shells": "A marked block in the start-up file of each: ~/.bashrc, ~/.zshrc, or a file in fish's conf.d.",
    "write.settings": "apiKeyHelper and env in ~/.claude/settings.json.",
    "write.cancel_stale": "Empty values in the env of settings.json.",
    "write.helper": "That file, mode 0700, and apiKeyHelper in settings.json.",
    "write.setup_script": "That file, mode 0600, and the line in your shell's start-up file that reads it.",
    "key.jwt.lifetime_seconds": "The claim exp of each token, and half of it CLAUDE_CODE_API_KEY_HELPER_TTL_MS.",
}

_PEM: Final = "Whoever gave you the certificate gave you this file; ask for PEM, not for PFX or P12."
_AUTHORITY: Final = "Your IT's page on certificates, or the Health screen: t shows who signed, and files that fit."
_VAULT_UI: Final = "Vault's web page"

_FOUND: Final[Mapping[str, str]] = {
    "gateway.url": "In the browser's address bar on LiteLLM's own page, without /ui; or in your team's notes on it.",
    "gateway.route": "Ask whoever runs LiteLLM. When nobody said bedrock, it is anthropic.",
    "gateway.allow_http": "The address tells: it begins with http:// and is not of this machine.",
    "gateway.ca_file": _AUTHORITY,
    "gateway.client_cert": _PEM,
    "gateway.client_key": _PEM,
    "gateway.proxy": "In your shell: echo $HTTPS_PROXY. Else in the system's network settings, or your IT's pages.",
    "gateway.no_proxy": "In your shell: echo $NO_PROXY.",
    "gateway.timeout_ms": "Give it when long answers are cut off; ask what LiteLLM's request_timeout is.",
    "gateway.aws_region": "The aws_region_name of the models, on LiteLLM's page Models + Endpoints; or in your AWS"
    " console, top right.",
    "key.backend": "Your platform team says where keys are kept. One made on LiteLLM's page Virtual Keys can go into a"
    " file.",
    "key.refresh_seconds": "Leave it empty: the Test screen finds how long the key lives. LiteLLM's page Virtual Keys"
    " shows it as Expires.",
    "key.vault": f"Ask whoever runs Vault; or look at the secret on {_VAULT_UI}.",
    "key.vault.address": f"In your shell: echo $VAULT_ADDR. It is also the address of {_VAULT_UI}, without /ui.",
    "key.vault.mount": f"On {_VAULT_UI} under Secrets: the name of the engine that you open first. ^L shows it here.",
    "key.vault.path": f"On {_VAULT_UI} under Secrets: what stands behind the engine's name at the top. ^L shows it"
    " here.",
    "key.vault.field": f"On {_VAULT_UI} at the secret: the column Key. ^L shows it here.",
    "key.vault.sign_in": f"The Method that you choose on {_VAULT_UI} when you sign in.",
    "key.vault.auth_mount": f"On {_VAULT_UI}, sign-in page, More options: Mount path. Most have none of their own.",
    "key.vault.username": f"It is what you type on {_VAULT_UI} to sign in.",
    "key.vault.role": f"On {_VAULT_UI}, sign-in page: Role. Whoever set up the sign-in method named it.",
    "key.vault.role_id": "Whoever made the AppRole has it: vault read auth/approle/role/NAME/role-id.",
    "key.vault.secret_id_file": "Whoever made the AppRole gives you the secret id; put it there, alone on one line.",
    "key.vault.jwt_file": "Your CI or platform writes it; its pages say where.",
    "key.vault.namespace": f"On {_VAULT_UI}, in the corner of the menu; or echo $VAULT_NAMESPACE. Most have none.",
    "key.vault.ca_file": "In your shell: echo $VAULT_CACERT. Else your IT's page on certificates.",
    "key.vault.client_cert": _PEM,
    "key.vault.client_key": _PEM,
    "key.vault.allow_http": "The address tells: it begins with http:// and is not of this machine.",
    "key.jwt": "Whoever runs LiteLLM says what its JWT auth asks for: litellm_jwtauth in its config.",
    "key.jwt.algorithm": "Whoever runs LiteLLM knows what its custom auth or JWT auth accepts.",
    "key.jwt.secret_from": "You decide: where the secret or private key is kept on this machine.",
    "key.jwt.secret_file": "You put it there: the secret that whoever runs LiteLLM gave you, alone on one line.",
    "key.jwt.secret_env": "In your shell: the name in the line with export that your team's notes give.",
    "key.jwt.private_key_file": "You made it, with openssl genpkey or ssh-keygen -m PEM; the public half went to"
    " whoever runs LiteLLM.",
    "key.jwt.private_key_env": "In your shell: the name in the line with export that your team's notes give.",
    "key.jwt.kid": "In the JWKS that LiteLLM reads (JWT_PUBLIC_KEY_URL): the kid of your public key.",
    "key.jwt.lifetime_seconds": "You decide; an hour is usual. LiteLLM refuses a token once it is over.",
    "key.env-file": "You decide. With no file yet, make a key on LiteLLM's page Virtual Keys and put it there.",
    "key.env-file.file": "Where you keep it. With none, make a key on LiteLLM's page Virtual Keys and put it there.",
    "key.env-file.encryption": "The file's name mostly tells: *.age is by age, *.enc.* and *.sops.* by sops.",
    "key.env-file.identity": "age-keygen -o made it; sops looks for yours in ~/.config/sops/age/keys.txt by itself.",
    "key.env-file.variable": "In that file: what stands before the = of the line with your key.",
    "key.keychain": "You decide: it is the name under which the key is stored, and found again.",
    "key.command": "The program's own list of secrets shows it; its help says with which command.",
    "key.command.preset": "The program in which you look the key up by hand.",
    "key.command.reference": "In 1Password: open the item, the arrow at the field, Copy Secret Reference.",
    "key.command.entry": "In your shell: pass, or gopass ls, shows the tree.",
    "key.command.parameter": "In the AWS console: Systems Manager, Parameter Store, the column Name.",
    "key.command.server": "It is your LiteLLM server; lite config shows it.",
    "key.command.vault_name": "In the Azure portal: Key vaults, the column Name.",
    "key.command.file": "In your repository or home folder: the file that sops edits.",
    "key.command.place": "sops FILE shows the file; name the way to the key from the outside in.",
    "key.command.data_field": "In your shell: kubectl describe secret NAME, below Data.",
    "key.command.project": "At the top of the console of that service, beside its name.",
    "key.command.context": "In your shell: kubectl config get-contexts.",
    "key.command.region": "In the AWS console, top right; or aws configure get region.",
    "key.command.profile": "In your shell: aws configure list-profiles.",
    "key.command.account": "In your shell: op account list, or gcloud auth list.",
    "key.command.command": "It is what you type by hand to see the key.",
    "models": "LiteLLM's page Models + Endpoints, or AI Hub, lists them by the name to use; so does the Models screen.",
    "write.shells": "In your shell: echo $SHELL. Every new terminal starts that one.",
    "write.settings": "Leave it at yes, unless something else manages that file.",
    "write.cancel_stale": "Leave it at yes, unless a program that Claude Code starts needs those variables.",
    "write.helper": "You decide; the folder has to be yours.",
    "write.setup_script": "You decide; the folder has to be yours.",
}

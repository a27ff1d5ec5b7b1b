"""The texts of what can be found at the source of a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wizard.verdict import Kind, Verdict, judge

CATALOGUE: Final[Mapping[str, Kind]] = {
    "not-tried": Kind("skip", "Not tried: {reason}"),
    # Vault: the server
    "vault-active": Kind("pass", "Active and unsealed, version {version}."),
    "vault-standby": Kind("pass", "On standby and unsealed, version {version}."),
    "vault-secondary": Kind(
        "fail",
        "{address} is a disaster-recovery secondary, which serves no secrets.",
        "Use the address of the primary cluster.",
    ),
    "vault-sealed": Kind(
        "fail", "{address} is sealed: it can't read its own storage.", "Ask whoever runs Vault to unseal it."
    ),
    "vault-uninitialised": Kind(
        "fail", "{address} has never been initialised.", "Ask whoever runs Vault, or check the address."
    ),
    "vault-refused": Kind(
        "fail",
        "Nothing accepts connections at {address}.",
        "Check the address and that Vault runs.",
    ),
    "vault-unknown-name": Kind(
        "fail", "The name {host} can't be found.", "Check the address; inside a company it often needs the VPN."
    ),
    "vault-timeout": Kind(
        "fail", "{address} did not answer within {seconds} seconds.", "Check the VPN, then run this again."
    ),
    "vault-unreachable": Kind("fail", "{address} can't be reached: {reason}.", "Check the address and the network."),
    "vault-tls": Kind(
        "fail",
        "The certificate of {address} is not trusted: {reason}.",
        "Give your company's authority as CA file, or check the address.",
    ),
    "vault-tls-expired": Kind(
        "fail",
        "The certificate of {address} has expired.",
        "Ask whoever runs Vault to renew it, and check the clock of this machine.",
    ),
    "vault-tls-not-yet": Kind(
        "fail",
        "The certificate of {address} is not valid yet.",
        "Check the clock of this machine; if it is right, tell whoever runs Vault.",
    ),
    "vault-tls-hostname": Kind(
        "fail",
        "The certificate that {address} shows is for another name: {reason}.",
        "Use the name on the certificate, or ask whoever runs Vault for one with this name.",
    ),
    "vault-tls-failed": Kind(
        "fail", "TLS with {address} fails: {reason}.", "Check the port, and tell whoever runs Vault what OpenSSL says."
    ),
    "vault-client-cert": Kind(
        "fail",
        "{address} wants a client certificate, and none was shown or the one shown is not wanted there.",
        "Give the client certificate and its key that Vault wants (key.vault.client_cert, key.vault.client_key).",
    ),
    "vault-client-file": Kind(
        "fail",
        "The client certificate {file} can't be used: {reason}.",
        "Give a PEM file and the key that belongs to it, without a passphrase.",
    ),
    "vault-plain-http": Kind(
        "fail",
        "{address} speaks no TLS.",
        "Check the port; if Vault speaks plain http there, write http:// and allow it.",
    ),
    "vault-speaks-tls": Kind("fail", "{address} speaks TLS.", "Write https:// instead of http://."),
    "vault-not-http": Kind("fail", "At {address} answers {service}.", "Check the address and the port."),
    "vault-cut": Kind(
        "fail",
        "{address} cuts the connection without an answer.",
        "Check the port; a proxy or firewall in between, or a restart of Vault, also looks like this.",
    ),
    "vault-ca-file": Kind(
        "fail", "The CA file {file} can't be used: {reason}.", "Give a PEM file with the certificate of the authority."
    ),
    "vault-proxy": Kind(
        "fail",
        "The proxy in {variable} does not let requests through to {address}: {reason}.",
        "Check that variable, or add the host to NO_PROXY.",
    ),
    "vault-redirect": Kind(
        "fail",
        "{address} redirects elsewhere (status {status}). A token is never sent along.",
        "Use the address that Vault itself answers at; it may be a sign-in page of the network.",
    ),
    "vault-not-vault": Kind(
        "fail",
        "What answers at {address} is not Vault (status {status}).",
        "Check the address and the port; it may be a load balancer or a sign-in page.",
    ),
    # Vault: the token
    "token-good": Kind("pass", "From {origin}: {life}; policies: {policies}."),
    "token-short": Kind(
        "warn", "The token from {origin} lives only {left} more.", "Run {login} before it ends; renew it if you may."
    ),
    "token-short-renewed": Kind(
        "warn",
        "The token from {origin} lives only {left} more.",
        "The helper renews it while Claude Code runs; after a longer break, run {login}.",
    ),
    "token-root": Kind(
        "warn",
        "The token from {origin} is a root token, which may do everything.",
        "Use a token with a policy that reads this one secret.",
    ),
    "token-file-wide": Kind("warn", "Others on this machine can read {file} (mode {mode}).", "Run: chmod 600 {file}"),
    "token-unseen": Kind(
        "warn",
        "The token from {origin} reads the secret, but may not look at itself, so its life is unknown.",
        "Nothing to do; ask for Vault's default policy if you want its life shown.",
    ),
    "token-missing": Kind("fail", "There is no Vault token: neither VAULT_TOKEN nor {file}.", "Run {login}."),
    "token-helper": Kind(
        "fail", "Your token helper {program} gives no token: {reason}.", "Mend that, or run {login}, which fills it."
    ),
    "login-refused": Kind("fail", "Vault refuses the sign-in by {method}: {reason}.", "{remedy}"),
    "login-no-mount": Kind(
        "fail", "Vault has no sign-in by {method}: {reason}.", "Check the sign-in mount, and the namespace."
    ),
    "login-second-factor": Kind(
        "fail",
        "Vault wants a second factor for the sign-in by {method}, which a helper can't give.",
        "Sign in with vault login yourself (key.vault.sign_in = token), or ask for a role without it.",
    ),
    "login-file": Kind(
        "fail", "{file} can't be used to sign in: {reason}.", "Put the secret id or the JWT there, alone on one line."
    ),
    "login-odd-answer": Kind(
        "fail",
        "Vault answered the sign-in by {method} with status {status}: {reason}.",
        "Run the test again; if this stays, ask whoever runs Vault.",
    ),
    "token-malformed": Kind(
        "fail", "The token from {origin} holds a blank or a control character.", "Run {login} to get a new one."
    ),
    "token-odd-answer": Kind(
        "fail",
        "Asked about the token from {origin}, Vault answered with status {status}: {reason}.",
        "Run the test again; if this stays, ask whoever runs Vault or the proxy in front of it.",
    ),
    "token-refused": Kind(
        "fail",
        "Vault refuses the token from {origin}: it has expired, was revoked, or belongs to another namespace.",
        "Run {login}.",
    ),
    # Vault: the secret
    "secret-found": Kind("pass", "{field} at {path}."),
    "secret-mount": Kind(
        "fail",
        "There is no mount at {mount}, or this token may not see it; Vault does not say which.",
        "Check mount and namespace, or ask for a policy that reads {path}.",
    ),
    "secret-no-mount": Kind(
        "fail", "Vault has no mount at {mount} here.", "Check the mount, and the namespace if your server has them."
    ),
    "secret-denied": Kind(
        "fail", "The token's policy does not allow reading {path}.", "Ask for a policy with read on {policy_path}."
    ),
    "secret-missing": Kind("fail", "There is no secret at {path}.", "Check mount and path, or write the key there."),
    "secret-deleted": Kind(
        "fail", "The newest version of {path} was deleted.", "Undelete it in Vault, or write the key anew."
    ),
    "secret-destroyed": Kind("fail", "The newest version of {path} was destroyed.", "Write the key anew in Vault."),
    "secret-no-field": Kind("fail", "{path} has no field {field}. It has: {fields}.", "Choose one of those."),
    "secret-empty": Kind("fail", "The field {field} of {path} is empty.", "Write the key into it."),
    "secret-not-text": Kind(
        "fail", "The field {field} of {path} is not text but {kind}.", "Store the key as text, or choose another field."
    ),
    "secret-not-a-key": Kind(
        "fail",
        "The field {field} of {path} holds a blank, a line break or another odd character.",
        "Store the key alone, without anything else.",
    ),
    "secret-odd-answer": Kind(
        "fail", "Vault answered the read of {path} with status {status}: {reason}.", "Ask whoever runs Vault."
    ),
    # Files with secrets
    "file-good": Kind("pass", "{file} is there and only yours."),
    "file-missing": Kind("fail", "{file} does not exist.", "Create it, or give another file."),
    "file-unreadable": Kind("fail", "{file} can't be read: {reason}.", "Make it a file that you can read."),
    "file-wide": Kind("warn", "Others on this machine can read {file} (mode {mode}).", "Run: chmod 600 {file}"),
    "file-encrypted": Kind("pass", "{file} is there, encrypted with {program}."),
    "file-sealed": Kind(
        "fail", "{file} is encrypted with {program}.", "Choose {program} as its encryption (key.env-file.encryption)."
    ),
    "file-not-sealed": Kind(
        "fail",
        "{file} is not encrypted with {program}.",
        "Encrypt it, or choose what it is encrypted with (key.env-file.encryption).",
    ),
    "file-opened": Kind("pass", "{program} opens {file}."),
    "file-not-opened": Kind(
        "fail",
        "{program} can't open {file}: {reason}.",
        "Check the identity file; run {program} --decrypt {file} to see it yourself.",
    ),
    "variable-good": Kind("pass", "{file} sets {variable} ({characters} characters)."),
    "variable-missing": Kind(
        "fail", "{file} does not set {variable}. It sets: {names}.", "Choose one of those, or add a line for it."
    ),
    "variable-empty": Kind("fail", "{file} sets {variable} to nothing.", "Put the key after the = sign."),
    "variable-malformed": Kind(
        "fail", "In {file} the quotes around {variable} don't match.", "Mend that line: one pair of quotes, or none."
    ),
    "variable-not-a-key": Kind(
        "fail",
        "The value of {variable} in {file} holds a blank or another odd character.",
        "Store the key alone; it is read as text, so that $NAME and $(command) are not replaced.",
    ),
    # The keychain
    "keychain-good": Kind("pass", "The keychain answers ({program})."),
    "keychain-none": Kind(
        "fail",
        "There is no keychain to ask here: {reason}.",
        "Choose the secrets file (env-file, mode 0600), Vault or another program.",
    ),
    "keychain-locked": Kind(
        "fail", "The keychain is locked.", "Sign in to your desktop, or unlock it, then run this again."
    ),
    "keychain-slow": Kind(
        "fail",
        "The keychain did not answer within {seconds} seconds.",
        "It may wait for its password: unlock it, then run this again.",
    ),
    "entry-good": Kind("pass", "It holds a key for {account} ({characters} characters)."),
    "entry-missing": Kind(
        "fail",
        "The keychain holds nothing for service {service}, account {account}.",
        "Store the key: claude-litellm-wizard store --key keychain, or ^K on the Key screen.",
    ),
    "entry-empty": Kind(
        "fail", "What the keychain holds for service {service}, account {account} is empty.", "Store the key anew."
    ),
    "entry-not-a-key": Kind(
        "fail",
        "What the keychain holds for service {service}, account {account} has a blank or another odd character.",
        "Store the key anew, alone, without anything else.",
    ),
    # Another program
    "program-good": Kind("pass", "{place}"),
    "program-missing": Kind(
        "fail", "{title} needs its program {program}, which is not on PATH.", "Install {program}, or choose another."
    ),
    # JWT
    "signer-good": Kind("pass", "{program} signs with {algorithm}."),
    "signer-missing": Kind("fail", "{reason}", "{fix}"),
    "environment-good": Kind("pass", "{variable} is set in this environment."),
    "environment-missing": Kind(
        "fail", "{variable} is not set in this environment.", "Export it before you start Claude Code, or use a file."
    ),
    "signing-secret-kept": Kind("pass", "What signs the token is there."),
    "signing-secret-empty": Kind("fail", "The secret in {where} is empty.", "Put the secret there."),
    "signing-secret-short": Kind(
        "warn",
        "The secret in {where} has {bytes} bytes; {algorithm} wants at least {least} (RFC 7518).",
        "Ask for a longer secret: a short one can be guessed from a single token.",
    ),
    "signing-key-wrong": Kind(
        "fail", "The key in {where} does not fit {algorithm}: {reason}.", "Choose the algorithm that fits the key."
    ),
    "signing-key-unreadable": Kind(
        "fail",
        "{program} can't read the key in {where}: it is not an unencrypted private key in PEM form.",
        "Give the private key itself, without a passphrase.",
    ),
}


def found(check: str, verdict: str, **facts: object) -> Verdict:
    """Build a verdict from this catalogue. Raises KeyError for a fact that its texts name and nobody gave."""
    return judge(CATALOGUE, check, verdict, ms=None, **facts)

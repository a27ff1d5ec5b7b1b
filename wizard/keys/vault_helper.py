"""The key helper's way to a secret in Vault, in POSIX sh: by the vault or bao program, else by curl and jq or python3.

It takes at most 10 seconds: the requests of a read have their limits, and the token is renewed beside the read; where
the helper also signs in, or asks the user's token helper, each part gets less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from wizard.keys import vault_helper_curl as curl_pieces
from wizard.keys.backend import NoProgramError
from wizard.keys.parts import SH_FIND_PROGRAM, script, sh_limited
from wizard.keys.vault import CLIENTS, READERS, Place
from wizard.keys.vault_helper_answers import ANSWERS, LOGIN_ANSWERS
from wizard.keys.vault_login import TITLES
from wizard.machine.model import Machine
from wizard.quoting import sh_quote

if TYPE_CHECKING:
    from wizard.keys.vault_login import Login


def helper_body(place: Place, machine: Machine) -> str:
    """Return sh that defines `read_key`. Raises NoProgramError when this machine has nothing to do it with."""
    sign_in = place.sign_in
    client, reader = _found(machine, CLIENTS), _found(machine, READERS)
    has_curl = "curl" in machine.programs
    by_curl = has_curl and bool(reader)
    if sign_in.is_unattended:
        client = ""
    elif sign_in.token_helper and by_curl:
        client = ""  # curl takes the token on its stdin; the vault program would run the token helper once more
    if not client and not by_curl:
        missing = _missing(place, machine)
        raise NoProgramError(f"Nothing on this machine can read a secret from Vault. Install {missing}.")
    renews_beside = bool(client) and has_curl and not sign_in.token_helper
    pieces = [SH_FIND_PROGRAM, *_sign_in_pieces(sign_in, by_curl), _FAULTS]
    if client:
        config = sh_quote(sign_in.config) if sign_in.token_helper else "/dev/null"
        pieces += [sh_limited(), _CLIENT.replace("@config", config)]
    if by_curl or renews_beside:
        pieces.append(curl_pieces.curl_sh(place))
    if by_curl:
        pieces += [curl_pieces.READ, ANSWERS[reader]]
        pieces.append(curl_pieces.ASK_FIRST if sign_in.is_unattended else curl_pieces.ASK_FIRST_AND_LIFE)
    if sign_in.is_unattended:
        pieces += [curl_pieces.SIGN_IN, LOGIN_ANSWERS[reader]]
    elif by_curl or renews_beside:
        pieces.append(curl_pieces.RENEW)
    if renews_beside:
        pieces.append(curl_pieces.RENEW_BESIDE)
    pieces.append(_read_key(place, client=bool(client), by_curl=by_curl, renews_beside=renews_beside))
    used = "".join(pieces)
    if not client:
        pieces = [piece.replace(_FOR_CLIENT, "") for piece in pieces]
    values = {**_values(place), **_program_values(machine, client, reader)}
    lines = [f"{name}={sh_quote(value)}" for name, value in values.items() if _is_used(name, used)]
    if _is_used("home", used):
        lines.append(f"home=${{HOME:-{sh_quote(str(machine.home))}}}")
    return script(lines, *pieces)


def _found(machine: Machine, names: tuple[str, ...]) -> str:
    return next((name for name in names if name in machine.programs), "")


def _missing(place: Place, machine: Machine) -> str:
    if "curl" in machine.programs:
        return "jq"
    return "curl and jq" if place.sign_in.is_unattended else "vault, or curl and jq"


def _is_used(name: str, sh: str) -> bool:
    return f"${name}" in sh or f"${{{name}" in sh


def _sign_in_pieces(sign_in: Login, by_curl: bool) -> tuple[str, ...]:
    if sign_in.is_unattended:
        return ()
    if not sign_in.token_helper:
        return (_FIND_IT, _CHECK_IT)
    if by_curl:
        return (sh_limited("briefly", 2), _ASK_FOR_IT, _CHECK_IT)
    return (_VARIABLE_ONLY, _CHECK_IT)


def _values(place: Place) -> dict[str, str]:
    sign_in = place.sign_in
    start, end = curl_pieces.login_around(sign_in)
    return {
        "address": place.address.url,
        "secret": place.full_path,
        "plain_path": quote(place.full_path, safe="/"),
        "guess": curl_pieces.guessed_path(place),
        "plain_guess": quote(curl_pieces.guessed_path(place), safe="/"),
        "field": place.field,
        "namespace": place.namespace,
        "ca_file": place.ca_file,
        "client_cert": place.client_cert,
        "client_key": place.client_key,
        "unproxied": "yes" if place.is_unproxied else "",
        **curl_pieces.limits(sign_in),
        "again": place.again,
        "token_helper": sign_in.token_helper,
        "method": TITLES[sign_in.method],
        "login_mount": sign_in.mount,
        "login_path": quote(sign_in.mount, safe="/"),
        "login_file": sign_in.file,
        "login_start": start,
        "login_end": end,
    }


def _program_values(machine: Machine, client: str, reader: str) -> dict[str, str]:
    def path_of(name: str) -> str:
        return str(machine.programs.get(name, ""))

    return {
        "timeout_path": path_of("timeout"),
        "client_path": path_of(client),
        "client_name": client,
        "curl_path": path_of("curl"),
        "reader_path": path_of(reader),
    }


def _read_key(place: Place, *, client: bool, by_curl: bool, renews_beside: bool) -> str:
    if place.sign_in.is_unattended:
        return _READ_SIGNED_IN
    lines = ["read_key() {", "  find_token", "  renewal=''"]
    if by_curl or renews_beside:
        lines.append(_FIND_CURL)
    if client:
        lines.append(_BY_CLIENT.replace("@beside", _BESIDE if renews_beside else ""))
    if by_curl:
        lines.append(_BY_CURL)
    return "\n".join([*lines, _GONE])


_FOR_CLIENT: Final = "  exported=$token\n"

_FIND_IT: Final = r"""
find_token() {
  token=${BAO_TOKEN:-${VAULT_TOKEN-}}
  exported=$token
  unset BAO_TOKEN VAULT_TOKEN
  if [ -z "$token" ] && [ -r "$home/.vault-token" ]; then
    read -r token <"$home/.vault-token" || :
  fi
  [ -n "$token" ] || fail "There is no Vault token: neither VAULT_TOKEN nor ~/.vault-token. $again"
  check_token
}
"""

_ASK_FOR_IT: Final = r"""
# The token is kept by a program of your own, which ~/.vault names.
find_token() {
  token=${BAO_TOKEN:-${VAULT_TOKEN-}}
  exported=$token
  unset BAO_TOKEN VAULT_TOKEN
  if [ -z "$token" ]; then
    token=$(HOME=$home briefly "$token_helper" get 2>/dev/null) || token=''
  fi
  [ -n "$token" ] || fail "There is no Vault token: neither VAULT_TOKEN nor from $token_helper. $again"
  check_token
}
"""

_VARIABLE_ONLY: Final = r"""
# The vault program asks the program of your own that keeps the token, which ~/.vault names.
find_token() {
  token=${BAO_TOKEN:-${VAULT_TOKEN-}}
  exported=$token
  unset BAO_TOKEN VAULT_TOKEN
  check_token
}
"""

_CHECK_IT: Final = r"""
check_token() {
  case $token in
    *[!!-~]*) fail "The Vault token holds a blank or a control character. $again" ;;
  esac
}
"""

_FAULTS: Final = r"""
# The ways a read can go wrong, each with what to do about it.
refused() {
  fail "Vault refuses to read $secret: the token has ended, or its policy does not allow it. $again"
}
no_mount() {
  fail "Vault shows no mount for $secret to this token: it has ended, may not see it, or there is none. $again"
}
no_secret() { fail "Vault has no secret at $secret. Check mount, path and namespace in the wizard."; }
no_field() { fail "The secret $secret has no field $field. Check the field in the wizard."; }
sealed() { fail "Vault at $address is sealed. Ask whoever runs it to unseal it."; }
unreachable() { fail "Vault at $address can't be reached: $1. Check the VPN and the address."; }
untrusted() { fail "The certificate of $address is not trusted. Give its authority as CA file in the wizard."; }
"""

_CLIENT: Final = r"""
# Tells in one sentence what the program said on its stderr; its last line is "exit" and its status.
explain() {
  said='' code=1
  while IFS= read -r line; do
    case $line in
      'exit '*) code=${line#exit } ;;
      *) said="$said $line" ;;
    esac
  done
  case $code in
    0) return 0 ;;
    124 | 137 | 143) unreachable 'it did not answer in time' ;;
  esac
  case $said in
    *'preflight capability check'*) no_mount ;;
    *'missing client token'*) fail "There is no Vault token. $again" ;;
    *'permission denied'* | *'Code: 403'*) refused ;;
    *'not present in '*) no_field ;;
    *'No data found'*) fail "The newest version of $secret was deleted or destroyed. Write the key anew in Vault." ;;
    *'No value found'* | *'Code: 404'*) no_secret ;;
    *'is sealed'*) sealed ;;
    *x509:* | *certificate*) untrusted ;;
    *'HTTP response to HTTPS'*) unreachable 'it speaks http, not https' ;;
    *'deadline exceeded'* | *imeout*) unreachable 'it did not answer in time' ;;
    *'dial tcp'* | *'no such host'* | *'connection refused'*) unreachable 'nothing answers there' ;;
  esac
  fail "The program $client_name could not read $secret (exit $code). Run it by hand: $client_name kv get $secret"
}

# Only what stands in this file decides, whatever the environment says.
set_environment() {
  for name in ADDR AGENT_ADDR CACERT CACERT_BYTES CAPATH CLIENT_CERT CLIENT_KEY FORMAT HEADERS HTTP_PROXY LOG_LEVEL \
    MFA NAMESPACE PROXY_ADDR RATE_LIMIT SKIP_VERIFY SRV_LOOKUP TLS_SERVER_NAME TOKEN_PATH WRAP_TTL; do
    unset "VAULT_$name" "BAO_$name"
  done
  if [ -n "$exported" ]; then
    export VAULT_TOKEN="$exported"
  else
    # The program finds the token itself, so that the token is in no environment.
    export HOME="$home" VAULT_CONFIG_PATH=@config
  fi
  unset BAO_CLIENT_TIMEOUT BAO_MAX_RETRIES BAO_CONFIG_PATH BAO_DISABLE_REDIRECTS
  export VAULT_ADDR="$address" VAULT_CLIENT_TIMEOUT=4 VAULT_MAX_RETRIES=0 VAULT_DISABLE_REDIRECTS=true
  if [ -n "$namespace" ]; then export VAULT_NAMESPACE="$namespace"; fi
  if [ -n "$ca_file" ]; then export VAULT_CACERT="$ca_file"; fi
  if [ -n "$client_cert" ]; then export VAULT_CLIENT_CERT="$client_cert" VAULT_CLIENT_KEY="$client_key"; fi
  if [ -n "$unproxied" ]; then export NO_PROXY='*' no_proxy='*'; fi
}

read_with_client() {
  {
    {
      set_environment
      limited "$client" kv get "-field=$field" -- "$secret"
      printf '\nexit %s\n' "$?" >&2
    } 2>&1 >&3 3>&- | explain 3>&-
  } 3>&1
}
"""

_FIND_CURL: Final = """\
  unset ALL_PROXY all_proxy
  find_program curl "$curl_path"
  curl=$found"""

_FIND_READER: Final = """\
  find_program "$reader_name" "$reader_path"
  reader=$found"""

_BESIDE: Final = """
    if [ -n "$curl" ]; then
      renew_in_time >/dev/null 2>&1 &
      renewal=$!
    fi"""

_BY_CLIENT: Final = """\
  find_program "$client_name" "$client_path"
  client=$found
  if [ -n "$client" ]; then@beside
    read_with_client || exit 1
    [ -z "$renewal" ] || wait "$renewal"
    return 0
  fi"""

_BY_CURL: Final = f"""\
{_FIND_READER}
  if [ -n "$curl" ] && [ -n "$reader" ]; then
    read_with_curl
    return 0
  fi"""

_GONE: Final = """\
  fail "The program that reads from Vault is gone. Install vault, or curl and jq, and run the wizard again."
}
"""

_READ_SIGNED_IN: Final = f"""
read_key() {{
  renewal=''
{_FIND_CURL}
{_FIND_READER}
  if [ -z "$curl" ] || [ -z "$reader" ]; then
    fail "The programs that read from Vault are gone. Install curl and jq, and run the wizard again."
  fi
  sign_in
  value=$(read_with_curl)
  code=$?
  give_back
  [ "$code" = 0 ] || exit 1
  printf '%s\\n' "$value"
}}
"""

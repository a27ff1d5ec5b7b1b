"""The key helper's way to a secret in Vault, in POSIX sh: by the vault or bao program, else by curl and jq or python3.

It takes at most 10 seconds: 4 for each of the two requests of a read, and 1 more to renew the token, which runs beside
the read; where the helper also signs in, or asks the user's token helper, each part gets less.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from wizard.keys.backend import NoProgramError
from wizard.keys.parts import SH_PROGRAM, script, sh_limited
from wizard.keys.vault import CLIENTS, READERS, Place
from wizard.keys.vault_login import TITLES
from wizard.machine.model import Machine
from wizard.quoting import sh_quote

if TYPE_CHECKING:
    from wizard.keys.vault_login import Login

_PLACEHOLDER: Final = "@credential@"


def helper_body(place: Place, machine: Machine) -> str:
    """Return sh that defines `read_key`. Raises NoProgramError when this machine has nothing to do it with."""
    sign_in = place.sign_in
    client, reader = _found(machine, CLIENTS), _found(machine, READERS)
    by_curl = "curl" in machine.programs and bool(reader)
    if sign_in.is_unattended:
        client = ""
    elif sign_in.token_helper and by_curl:
        client = ""  # curl takes the token on its stdin; the vault program would run the token helper once more
    if not client and not by_curl:
        missing = _missing(place, machine)
        raise NoProgramError(f"Nothing on this machine can read a secret from Vault. Install {missing}.")
    pieces = [SH_PROGRAM, *_sign_in_pieces(sign_in, by_curl), _FAULTS]
    if client:
        config = sh_quote(sign_in.config) if sign_in.token_helper else "/dev/null"
        pieces += [sh_limited(), _CLIENT.replace("@config", config)]
    if by_curl:
        pieces += [_READ_SH[reader], _CURL]
        pieces += [_SIGN_IN, _LOGIN_SH[reader]] if sign_in.is_unattended else [_RENEW, _ENDING_SH[reader]]
    pieces.append(_read_key(place, client=bool(client), by_curl=by_curl))
    used = "".join(pieces)
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
    unproxied = place.address.is_loopback or place.address.scheme != "https"
    start, _, end = _login_body(sign_in).rpartition(_PLACEHOLDER)
    seconds = "2.4" if sign_in.is_unattended else "2.5" if sign_in.token_helper else "4"
    return {
        "address": place.address.url,
        "scheme": place.address.scheme,
        "secret": place.full_path,
        "plain_path": quote(place.full_path, safe="/"),
        "field": place.field,
        "namespace": place.namespace,
        "ca_file": place.ca_file,
        "client_cert": place.client_cert,
        "client_key": place.client_key,
        # curl takes what follows a colon for a passphrase
        "cert_path": place.client_cert.replace("\\", "\\\\").replace(":", "\\:"),
        "unproxied": "yes" if unproxied else "",
        "seconds": seconds,
        "again": place.again,
        "token_helper": sign_in.token_helper,
        "method": TITLES[sign_in.method],
        "login_mount": sign_in.mount,
        "login_path": quote(sign_in.mount, safe="/"),
        "login_file": sign_in.file,
        "login_start": start,
        "login_end": end,
    }


def _login_body(sign_in: Login) -> str:
    return json.dumps(sign_in.body(_PLACEHOLDER), ensure_ascii=False)


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


def _read_key(place: Place, *, client: bool, by_curl: bool) -> str:
    if place.sign_in.is_unattended:
        return _READ_SIGNED_IN
    lines = ["read_key() {", "  find_token", "  renewal=''"]
    if by_curl:
        lines.append(_BESIDE)
    lines += [*([_BY_CLIENT] if client else []), *([_BY_CURL] if by_curl else []), _GONE]
    return "\n".join(lines)


_FIND_IT: Final = r"""
find_token() {
  token=${BAO_TOKEN:-${VAULT_TOKEN-}}
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
deleted() { fail "The newest version of $secret was deleted or destroyed. Write the key anew in Vault."; }
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
    *'not present in secret'*) no_field ;;
    *'No data found'*) deleted ;;
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
read_with_client() {
  for name in ADDR AGENT_ADDR CACERT CACERT_BYTES CAPATH CLIENT_CERT CLIENT_KEY FORMAT HEADERS HTTP_PROXY LOG_LEVEL \
    MFA NAMESPACE PROXY_ADDR RATE_LIMIT SKIP_VERIFY SRV_LOOKUP TLS_SERVER_NAME TOKEN_PATH WRAP_TTL; do
    unset "VAULT_$name" "BAO_$name"
  done
  if [ -n "${BAO_TOKEN:-${VAULT_TOKEN-}}" ]; then
    export VAULT_TOKEN="$token"
  else
    # The program finds the token itself, so that the token is in no environment.
    unset VAULT_TOKEN
    export HOME="$home" VAULT_CONFIG_PATH=@config
  fi
  unset BAO_TOKEN BAO_CLIENT_TIMEOUT BAO_MAX_RETRIES BAO_CONFIG_PATH BAO_DISABLE_REDIRECTS
  export VAULT_ADDR="$address" VAULT_CLIENT_TIMEOUT=4 VAULT_MAX_RETRIES=0 VAULT_DISABLE_REDIRECTS=true
  if [ -n "$namespace" ]; then export VAULT_NAMESPACE="$namespace"; fi
  if [ -n "$ca_file" ]; then export VAULT_CACERT="$ca_file"; fi
  if [ -n "$client_cert" ]; then export VAULT_CLIENT_CERT="$client_cert" VAULT_CLIENT_KEY="$client_key"; fi
  if [ -n "$unproxied" ]; then export NO_PROXY='*' no_proxy='*'; fi
  {
    {
      limited "$client" kv get "-field=$field" "$secret"
      printf '\nexit %s\n' "$?" >&2
    } 2>&1 >&3 3>&- | explain 3>&-
  } 3>&1
}
"""

_CURL: Final = r"""
# Escapes a value for a quoted string in curl's config.
escaped() {
  rest=$1
  while :; do
    case $rest in *[\\\"]*) ;; *) break ;; esac
    plain=${rest%%[\\\"]*}
    rest=${rest#"$plain"}
    printf '%s\\%s' "$plain" "${rest%"${rest#?}"}"
    rest=${rest#?}
  done
  printf '%s' "$rest"
}

newline='
'
unset credential
credential=''

# Asks for one path and sets status and body; $2 is another method than GET, $3 the seconds it may take.
# The token reaches curl on its stdin, never as an argument, and so does the credential one signs in with.
fetch() {
  answer=$(
    {
      if [ -n "$token" ]; then
        printf 'header = "X-Vault-Token: %s"\n' "$(escaped "$token")"
      else
        printf 'header = "Content-Type: application/json"\ndata = "%s"\n' "$(escaped "$credential")"
      fi
    } | {
      "$curl" -q -sS -g --proto "=$scheme" --max-time "${3:-$seconds}" --max-filesize 262144 \
        ${ca_file:+--cacert} ${ca_file:+"$ca_file"} ${unproxied:+--noproxy} ${unproxied:+'*'} \
        ${cert_path:+--cert} ${cert_path:+"$cert_path"} ${cert_path:+--key} ${cert_path:+"$client_key"} \
        ${cert_path:+--pass} ${cert_path:+''} ${2:+-X} ${2:+"$2"} \
        ${namespace:+-H} ${namespace:+"X-Vault-Namespace: $namespace"} -H 'X-Vault-Request: true' \
        -K - -w '\n%{http_code}' "$address/v1/$1" 2>/dev/null
      printf '\n%03d' "$?"
    } | head -c 270000 | tr -d '\000'
  )
  # Four and four characters: a longer way to them takes dash half a minute for a long answer.
  ended=$(printf '%s' "$answer" | tail -c 8)
  body=${answer%????????}
  case $ended in
    "$newline"[0-9][0-9][0-9]"$newline"000) ;;
    "$newline"[0-9][0-9][0-9]"$newline"[0-9][0-9][0-9]) curl_failed "${ended#?????}" ;;
    *) unreachable 'it sends far more than Vault would' ;;
  esac
  status=${ended#?}
  status=${status%????}
  case $status in
    503)
      # A load balancer has its own 503, which says nothing of a seal.
      case $body in *'"error'*[Ss]ealed* | *'"sealed":true'* | *'"sealed": true'*) sealed ;; esac
      ;;
    3??) unreachable 'it redirects elsewhere, and a token is never sent along' ;;
  esac
}

curl_failed() {
  case $1 in
    005) unreachable 'the name of the proxy is not known' ;;
    006) unreachable 'its name is not known' ;;
    007) unreachable 'nothing answers there' ;;
    028) unreachable 'it did not answer in time' ;;
    052 | 055 | 056) unreachable 'it cuts the connection' ;;
    001 | 008) unreachable 'it does not speak http' ;;
    063) unreachable 'it sends far more than Vault would' ;;
    035) unreachable 'TLS with it fails' ;;
    058)
      fail "The client certificate for $address can't be used. Give a PEM file and its key, without a passphrase." ;;
    051 | 060 | 077 | 083) untrusted ;;
    *) unreachable "curl ended with ${1#0}" ;;
  esac
}

# Finds out the KV version as the vault program does: "2 secret/data/path" or "1 secret/path".
find_place() {
  fetch "sys/internal/ui/mounts/$plain_path"
  case $status in
    200) place=$(printf '%s' "$body" | place_of_secret) ;;
    404) place="1 $plain_path" ;;
    403) no_mount ;;
    *) place='' ;;
  esac
  [ -n "$place" ] || unreachable "it answered with status $status and nothing that Vault would say"
}

read_with_curl() {
  find_place
  fetch "${place#* }"
  case $status in
    200 | 404) ;;
    403) refused ;;
    *) unreachable "it answered with status $status" ;;
  esac
  value=$(printf '%s' "$body" | value_of_field "${place%% *}")
  case $value in
    =*) printf '%s\n' "${value#=}" ;;
    deleted) deleted ;;
    no-field) no_field ;;
    not-text) fail "The field $field of $secret is not text. Store the key as text." ;;
    *)
      [ "$status" = 200 ] || no_secret
      unreachable 'what answers there is not Vault'
      ;;
  esac
}
"""

_RENEW: Final = r"""
# Runs beside the read. Whatever goes wrong here is of no account: the read itself tells.
renew() {
  fetch auth/token/lookup-self '' 1
  [ "$status" = 200 ] && [ "$(printf '%s' "$body" | is_ending)" = yes ] || return 0
  fetch auth/token/renew-self POST 1
}
"""

_SIGN_IN: Final = r"""
# Signs in with what a file holds; the token of that is given back after the read.
sign_in() {
  token=''
  if [ ! -f "$login_file" ] || [ ! -r "$login_file" ]; then
    fail "The file $login_file can't be read. Put what you sign in with there."
  fi
  read -r credential <"$login_file" || :
  case $credential in
    '' | *[!!-~]*) fail "The file $login_file is empty or holds a blank. Put what you sign in with there, alone." ;;
  esac
  credential="$login_start$(escaped "$credential")$login_end"
  fetch "auth/$login_path/login" '' 3
  case $status in
    200) ;;
    400 | 401 | 403) fail "Vault refuses to sign in by $method at auth/$login_mount. $again" ;;
    404) fail "Vault has no sign-in method at auth/$login_mount. Check the sign-in mount and the namespace." ;;
    *) unreachable "it answered the sign-in with status $status" ;;
  esac
  token=$(printf '%s' "$body" | token_of_login)
  case $token in
    '' | *[!!-~]*) fail "Vault gave no token to $method at auth/$login_mount; it may want a second factor. $again" ;;
  esac
}
"""

_JQ: Final = r"""
reader_name=jq

# shellcheck disable=SC2016 # $mount and the like are jq's own
place_of_secret() {
  "$reader" -r --arg secret "$secret" '
    def escaped: split("/") | map(@uri) | join("/");
    (.data.path | rtrimstr("/")) as $mount
    | if $secret | startswith($mount + "/") | not then empty
      elif (.data.options.version? // "1" | tostring) == "2"
      then "2 " + ($mount + "/data/" + ($secret | ltrimstr($mount + "/")) | escaped)
      else "1 " + ($secret | escaped) end' 2>/dev/null
}

# shellcheck disable=SC2016
value_of_field() {
  "$reader" -r --arg field "$field" --arg version "$1" '
    (if $version == "2" then .data.data else .data end) as $fields
    | if $version == "2" and (.data.metadata | .destroyed == true or (.deletion_time // "") != "") then "deleted"
      elif ($fields | type) != "object" then empty
      elif $fields | has($field) | not then "no-field"
      elif ($fields[$field] | type) != "string" then "not-text"
      else "=" + $fields[$field] end' 2>/dev/null
}
"""

_PYTHON: Final = r"""
reader_name=python3

place_of_secret() {
  "$reader" -IS -c '
import json, sys
from urllib.parse import quote

secret = sys.argv[1]
data = json.load(sys.stdin)["data"]
mount = data["path"].rstrip("/")
version = str((data.get("options") or {}).get("version") or "1")
if secret.startswith(mount + "/"):
    rest = secret[len(mount) + 1 :]
    place = f"{mount}/data/{rest}" if version == "2" else secret
    print("2" if version == "2" else "1", quote(place, safe="/"))
' "$secret" 2>/dev/null
}

value_of_field() {
  "$reader" -IS -c '
import json, sys

field, version = sys.argv[1:]
data = json.load(sys.stdin)["data"]
fields = data["data"] if version == "2" else data
metadata = data.get("metadata") if version == "2" else None
if metadata and (metadata.get("destroyed") is True or metadata.get("deletion_time")):
    print("deleted")
elif isinstance(fields, dict):
    if field not in fields:
        print("no-field")
    elif not isinstance(fields[field], str):
        print("not-text")
    else:
        sys.stdout.buffer.write(b"=" + fields[field].encode("utf-8", "replace"))
' "$field" "$1" 2>/dev/null
}
"""

_READ_SH: Final = {"jq": _JQ, "python3": _PYTHON}

_ENDING_SH: Final = {
    "jq": r"""
# Says yes when less than a third of a renewable token's life is left.
is_ending() {
  "$reader" -r '.data | select(.renewable == true and .ttl > 0 and .ttl * 3 < .creation_ttl) | "yes"' 2>/dev/null
}
""",
    "python3": r"""
# Says yes when less than a third of a renewable token's life is left.
is_ending() {
  "$reader" -IS -c '
import json, sys

data = json.load(sys.stdin)["data"]
if data["renewable"] is True and 0 < data["ttl"] * 3 < data["creation_ttl"]:
    print("yes")
' 2>/dev/null
}
""",
}

_LOGIN_SH: Final = {
    "jq": r"""
token_of_login() {
  "$reader" -r '.auth.client_token | strings' 2>/dev/null
}
""",
    "python3": r"""
token_of_login() {
  "$reader" -IS -c '
import json, sys

token = json.load(sys.stdin)["auth"]["client_token"]
print(token if isinstance(token, str) else "")
' 2>/dev/null
}
""",
}

_FIND_CURL: Final = """\
  unset ALL_PROXY all_proxy
  curl=$(program "$curl_path" curl) || curl=''
  reader=$(program "$reader_path" "$reader_name") || reader=''"""

_BESIDE: Final = f"""{_FIND_CURL}
  if [ -n "$curl" ] && [ -n "$reader" ]; then
    renew >/dev/null 2>&1 &
    renewal=$!
  fi"""

_BY_CLIENT: Final = """\
  client=$(program "$client_path" "$client_name") || client=''
  if [ -n "$client" ]; then
    read_with_client || exit 1
    [ -z "$renewal" ] || wait "$renewal"
    return 0
  fi"""

_BY_CURL: Final = """\
  if [ -n "$curl" ] && [ -n "$reader" ]; then
    read_with_curl
    wait "$renewal"
    return 0
  fi"""

_GONE: Final = """\
  fail "The program that reads from Vault is gone. Install vault, or curl and jq, and run the wizard again."
}
"""

_READ_SIGNED_IN: Final = f"""
read_key() {{
{_FIND_CURL}
  if [ -z "$curl" ] || [ -z "$reader" ]; then
    fail "The programs that read from Vault are gone. Install curl and jq, and run the wizard again."
  fi
  sign_in
  value=$(read_with_curl)
  code=$?
  (fetch auth/token/revoke-self POST 1) >/dev/null 2>&1
  [ "$code" = 0 ] || exit 1
  printf '%s\\n' "$value"
}}
"""

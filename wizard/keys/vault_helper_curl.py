"""The key helper's way to Vault by curl: the pieces of sh.

One start of curl asks all that a read takes, over one connection: which mount it is, the secret where KV version 2
keeps it (nearly always right; where it is not, one more start asks at the right place), and how long the token lives.
One start of jq or python3 (`wizard.keys.vault_helper_answers`) judges all of it in a word.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from wizard.keys.vault import Place
from wizard.keys.vault_login import Login
from wizard.quoting import sh_quote

BODY_CAP: Final = 256 * 1024
_CREDENTIAL: Final = "@credential@"


def guessed_path(place: Place) -> str:
    """Return the API path of the secret if what was typed as mount is one, of KV version 2."""
    return f"{place.mount}/data/{place.path}"


def login_around(sign_in: Login) -> tuple[str, str]:
    """Return what stands before and after the credential in the JSON that signs in."""
    start, _, end = json.dumps(sign_in.body(_CREDENTIAL), ensure_ascii=False).rpartition(_CREDENTIAL)
    return start, end


def limits(sign_in: Login) -> dict[str, str]:
    """Return how long each request may take, so that all of them together take less than 10 seconds."""
    if sign_in.is_unattended:
        return {"first_limit": "1.8", "again_limit": "1.8"}  # besides 2.5 for the sign-in and 1 to give its token back
    if sign_in.token_helper:
        return {"first_limit": "2", "again_limit": "1.5"}  # besides 2 for the token helper
    return {"first_limit": "3", "again_limit": "2"}


def curl_sh(place: Place) -> str:
    """Return sh that makes requests with curl: `section` prints some as curl's config, `fetch` makes them."""
    lines = " \\\n".join(f"    {sh_quote(line)}" for line in _config(place))
    return _CURL.replace("@config", lines)


def _config(place: Place) -> Iterator[str]:
    """Yield what every request has: https or http only, no redirect, no ~/.netrc, no more than Vault would send."""
    yield f"proto = {_quoted('=' + place.address.scheme)}"
    yield "globoff"
    yield f"max-filesize = {BODY_CAP}"
    yield r'write-out = "\nstatus %{http_code}\n"'
    yield 'header = "X-Vault-Request: true"'
    if place.namespace:
        yield f"header = {_quoted('X-Vault-Namespace: ' + place.namespace)}"
    if place.is_unproxied:
        yield 'noproxy = "*"'
    if place.ca_file:
        yield f"cacert = {_quoted(place.ca_file)}"
    if place.client_cert:
        # curl takes what follows a colon for a passphrase
        cert = place.client_cert.replace("\\", "\\\\").replace(":", "\\:")
        yield f"cert = {_quoted(cert)}"
        yield f"key = {_quoted(place.client_key)}"
        yield 'pass = ""'


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_CURL: Final = r"""
# Sets quoted: a value as it stands in a quoted string, of curl's config and of JSON.
set_quoted() {
  quoted='' rest=$1
  while :; do
    case $rest in *[\\\"]*) ;; *) break ;; esac
    plain=${rest%%[\\\"]*}
    rest=${rest#"$plain"}
    quoted=$quoted$plain\\${rest%"${rest#?}"}
    rest=${rest#?}
  done
  quoted=$quoted$rest
}

# Prints curl's config for some paths, each of which may take $1 seconds; quoted is the token, if there is one.
section() {
  [ -z "$token" ] || printf 'header = "X-Vault-Token: %s"\n' "$quoted"
  printf '%s\n' "max-time = $1" \
@config
  shift
  for path in "$@"; do
    printf '%s\n' "url = \"$address/v1/$path\""
  done
}

# Makes the requests that stdin holds, so that no secret is an argument. Each answer is followed by its status, the last
# one by how curl ended.
fetch() {
  printf '000\n'
  "$curl" -q -s --fail-early -K - 2>/dev/null
  printf 'exit %s' "$?"
}
"""

READ: Final = r"""
newline='
'

# Reads the secret and prints the key. Vault says itself which mount it is, and of which KV version.
read_with_curl() {
  set_quoted "$token"
  said=$(ask_first | fetch | judge_first)
  case $said in 000*) said=$(printf '%s' "$said" | judge 2) ;; esac
  case $said in
    ending*)
      said=${said#ending"$newline"}
      renew >/dev/null 2>&1 &
      renewal=$!
      ;;
  esac
  case $said in
    'again '*)
      said=${said#again }
      said=$(section "$again_limit" "${said#* }" | fetch | judge 1 "${said%% *}")
      ;;
  esac
  [ -z "$renewal" ] || wait "$renewal"
  case $said in
    =*) printf '%s\n' "${said#=}" ;;
    *) explain_answer "$said" ;;
  esac
}

explain_answer() {
  case $1 in
    refused) refused ;;
    no-mount) no_mount ;;
    no-secret) no_secret ;;
    no-field) no_field ;;
    not-text) fail "The field $field of $secret is not text. Store the key as text." ;;
    deleted) fail "The newest version of $secret was deleted. Undelete it in Vault, or write the key anew." ;;
    destroyed) fail "The newest version of $secret was destroyed. Write the key anew in Vault." ;;
    sealed) sealed ;;
    redirect) unreachable 'it redirects elsewhere, and a token is never sent along' ;;
    'curl '*) curl_failed "${1#curl }" ;;
    'status '*) unreachable "it answered with $1" ;;
    *) unreachable 'what answers there is not Vault' ;;
  esac
}

curl_failed() {
  case $1 in
    5) unreachable 'the name of the proxy is not known' ;;
    6) unreachable 'its name is not known' ;;
    7) unreachable 'nothing answers there' ;;
    28) unreachable 'it did not answer in time' ;;
    52 | 55 | 56) unreachable 'it cuts the connection' ;;
    1 | 8) unreachable 'it does not speak http' ;;
    '' | 63) unreachable 'it sends far more than Vault would' ;;
    35) unreachable 'TLS with it fails' ;;
    58)
      fail "The client certificate for $address can't be used. Give a PEM file and its key, without a passphrase." ;;
    51 | 60 | 77 | 83) untrusted ;;
    *) unreachable "curl ended with $1" ;;
  esac
}
"""

ASK_FIRST: Final = r"""
ask_first() {
  section "$first_limit" "sys/internal/ui/mounts/$plain_path" "$plain_guess"
}
"""

ASK_FIRST_AND_LIFE: Final = r"""
ask_first() {
  section "$first_limit" "sys/internal/ui/mounts/$plain_path" "$plain_guess"
  printf 'next\n'
  section 1 auth/token/lookup-self
}
"""

RENEW: Final = r"""
# Renews the token, beside what else goes on. Whatever goes wrong here is of no account: the read itself tells.
renew() {
  { section 1 auth/token/renew-self; printf 'request = "POST"\n'; } | fetch
}
"""

RENEW_BESIDE: Final = r"""
# Renews the token when less than half of its life is left. Vault's answer is looked at without another program: its
# numbers stand right after their names; one of any other look renews nothing.
renew_in_time() {
  set_quoted "$token"
  answer=$(section 1 auth/token/lookup-self | fetch)
  case $answer in *'"renewable":true'*) ;; *) return 0 ;; esac
  whole=${answer##*'"creation_ttl":'}
  left=${answer##*'"ttl":'}
  whole=${whole%%[!0-9]*}
  left=${left%%[!0-9]*}
  case ${#whole}${#left} in [1-9][1-9]) ;; *) return 0 ;; esac
  [ "$left" -eq 0 ] || [ "$((left * 2))" -ge "$whole" ] || renew
}
"""

SIGN_IN: Final = r"""
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
  set_quoted "$credential"
  set_quoted "$login_start$quoted$login_end"
  said=$(
    {
      section 2.5 "auth/$login_path/login"
      printf 'header = "Content-Type: application/json"\ndata = "%s"\n' "$quoted"
    } | fetch | token_of_login
  )
  case $said in
    =*) token=${said#=} ;;
    'status 400' | 'status 401' | 'status 403')
      fail "Vault refuses to sign in by $method at auth/$login_mount. $again" ;;
    'status 404')
      fail "Vault has no sign-in method at auth/$login_mount. Check the sign-in mount and the namespace." ;;
    'status '*) unreachable "it answered the sign-in with $said" ;;
    *) explain_answer "$said" ;;
  esac
  case $token in
    '' | *[!!-~]*) fail "Vault gave no token to $method at auth/$login_mount; it may want a second factor. $again" ;;
  esac
}

give_back() {
  set_quoted "$token"
  { section 1 auth/token/revoke-self; printf 'request = "POST"\n'; } | fetch >/dev/null 2>&1
}
"""

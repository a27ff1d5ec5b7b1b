"""The programs that sign tokens without showing the secret to anybody, and the sh that runs each."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

from wizard.keys.backend import NoProgramError, Options
from wizard.keys.jwt_claims import claims_script, fixed_claims
from wizard.keys.jwt_source import source_of, source_script
from wizard.keys.parts import SH_PROGRAM, script, sh_limited, text
from wizard.machine.model import Machine
from wizard.quoting import sh_quote

SIGNERS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("HS256", "HS384", "HS512"), ("python3", "jwt")),
    **dict.fromkeys(("RS256", "RS384", "RS512"), ("openssl", "jwt")),
    **dict.fromkeys(("PS256", "PS384", "PS512"), ("openssl", "jwt")),
    **dict.fromkeys(("ES256", "ES384"), ("openssl", "jwt")),
    "EdDSA": ("jwt", "openssl"),
}
"""The programs that can sign with each algorithm without the secret in their arguments, best first.

openssl is missing for HS: `-hmac` and `-macopt` take the secret as an argument, which all users of this machine see.
Python is missing for the rest: its standard library has no RSA and no curves. jwt comes first for EdDSA because macOS's
openssl (LibreSSL) has no `pkeyutl -rawin`, and last elsewhere because it takes private keys in PKCS #8 form only.
"""

FIRST_CHOICE: Final = {algorithm: "openssl" if "openssl" in names else names[0] for algorithm, names in SIGNERS.items()}
"""What to install where nothing can sign."""


def choose_signer(algorithm: str, machine: Machine, claims: object = None) -> tuple[str, Path]:
    """Return the first program of the table that this machine has and that keeps these claims as they are, and where.

    Raises NoProgramError.
    """
    for name in SIGNERS[algorithm]:
        place = machine.programs.get(name)
        if place is not None and (name != "jwt" or (_is_jwt_cli(place) and all(map(_jwt_cli_keeps, _numbers(claims))))):
            return name, place
    wanted = FIRST_CHOICE[algorithm]
    raise NoProgramError(f"Nothing on this machine can sign with {algorithm}. Install {wanted}.")


def _is_jwt_cli(program: Path) -> bool:
    """Say whether this `jwt` is surely the crate jwt-cli: another program of that name (golang-jwt) can't sign.

    Told by its place: Debian installs golang-jwt's as /usr/bin/jwt, cargo and Homebrew install jwt-cli.
    """
    return any(part in (".cargo", "homebrew", "linuxbrew", "jwt-cli") for part in program.parts)


def _numbers(value: object) -> Iterator[int | float]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _numbers(each)
    if isinstance(value, int | float):
        yield value


def _jwt_cli_keeps(number: float) -> bool:
    """Say whether jwt-cli writes a number as it got it: 6.2.0 reads and writes claims, and rounds long fractions.

    Its reader (serde_json) is exact up to 15 digits and a power of ten of 22, and for whole numbers of 64 bits.
    """
    if isinstance(number, int):
        return -(2**63) <= number < 2**64
    _, digits, exponent = Decimal(repr(number)).as_tuple()
    return len(digits) <= 15 and isinstance(exponent, int) and abs(exponent) <= 22


def signing_script(options: Options, machine: Machine) -> str:
    """Return a helper's body: sh that gets the secret, makes the claims and signs them. Raises NoProgramError."""
    algorithm, kid, source = text(options, "algorithm"), text(options, "kid"), source_of(options)
    signer, place = choose_signer(algorithm, machine, fixed_claims(options))
    values = {
        "algorithm": "EDDSA" if algorithm == "EdDSA" else algorithm,
        "digest": f"sha{algorithm[2:]}",
        "digits": str(int(algorithm[2:]) // 4) if algorithm.startswith("ES") else "",
        "header": _segment({"alg": algorithm, "typ": "JWT", **({"kid": kid} if kid else {})}),
        "kid": kid,
        "lifetime": str(options.get("lifetime_seconds", 3600)),
        "signer_name": signer,
        "signer_path": str(place),
        "timeout_path": str(machine.programs.get("timeout", "")),
    }
    from_file = bool(source.file)
    pieces = _PIECES[signer](algorithm, from_file)
    claims = claims_script(options)
    used = "".join((claims, _LIMITED, _FIND_SIGNER, *pieces))
    own = [
        f"{name}={sh_quote(value)}" for name, value in values.items() if re.search(rf"\$\{{?{name}\b|\+ {name}\b", used)
    ]
    lines, getting = source_script(source, options, machine)
    return script([*own, *lines], SH_PROGRAM, _LIMITED, claims, _FIND_SIGNER, *getting, *pieces)


def _segment(value: Mapping[str, object]) -> str:
    raw = json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


_SECONDS: Final = 4
"""For one run of a signing program. openssl runs in two turns, so that all of it takes less than ten."""

_LIMITED: Final = sh_limited(seconds=_SECONDS)

_FIND_SIGNER: Final = rf"""
# Says why there is no token: its program was ended, or could not make it.
unsigned() {{
  if [ $(($(date +%s) - now)) -ge {_SECONDS} ]; then
    fail "The program $signer_name, which signs the key, did not end in time. Run it by hand to see what it waits for."
  fi
  fail "$1"
}}

find_signer() {{
  signer=$(program "$signer_path" "$signer_name") ||
    fail "The program $signer_name, which signs the key, is gone. Install it again, or run the wizard again."
}}
"""

_FROM_FILE: Final = """
from_source() { cat "$file"; }
"""

_HS_PYTHON: Final = r"""
read_key() {
  find_signer
  check_source
  make_payload
  from_source | limited "$signer" -IS -c '
import base64, hmac, os, sys

digest, header, payload = map(os.fsencode, sys.argv[1:])
secret = sys.stdin.buffer.read().rstrip(b"\r\n")
if not secret:
    sys.exit(1)


def encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


message = header + b"." + encode(payload)
print((message + b"." + encode(hmac.new(secret, message, digest.decode()).digest())).decode())
' "$digest" "$header" "$payload" 2>/dev/null ||
    unsigned "The secret in $shown is empty or can't be read. Put it there, mode 0600."
}
"""

_HS_JWT: Final = r"""
newline='
'

read_key() {
  find_signer
  check_source
  make_payload
  secret=$(from_source)
  cr=$(printf '\r')
  while case $secret in *"$cr" | *"$newline") ;; *) false ;; esac; do secret=${secret%?}; done
  [ -n "$secret" ] || fail "The secret in $shown is empty. Put it there."
  token=$(
    printf '%s' "$secret" |
      limited "$signer" encode --no-iat --alg "$algorithm" ${kid:+--kid="$kid"} --secret @/dev/stdin "$payload" \
        2>/dev/null
  )
  case $token in
    *.*.*) printf '%s\n' "$token" ;;
    *) unsigned "$signer can't sign: it is not jwt-cli, or too old. Install python3 and run the wizard again." ;;
  esac
}
"""

_PEM_SOURCE: Final = r"""
# A key in one line may have \n where its line breaks were.
pem() { printf '%b\n' "$(from_source)"; }
"""

_PEM_FILE: Final = r"""
pem() { cat "$file"; }
"""

_PEM_JWT: Final = r"""
# jwt takes a PEM file by its name only, so it gets a link called key.pem to its own stdin, where the key comes from.
read_key() {
  find_signer
  check_source
  make_payload
  folder=$(mktemp -d) || fail 'No temporary folder can be made. Make room, or check TMPDIR.'
  trap 'rm -rf "$folder"' EXIT
  trap 'exit 1' HUP INT TERM
  ln -s /dev/stdin "$folder/key.pem"
  token=$(
    pem | limited "$signer" encode --no-iat --alg "$algorithm" ${kid:+--kid="$kid"} --secret "@$folder/key.pem" \
      "$payload" 2>/dev/null
  )
  case $token in
    *.*.*) printf '%s\n' "$token" ;;
    *)
      unsigned "jwt can't sign with the key in $shown. \
Give an unencrypted private key that fits $algorithm, in PEM form (PKCS #8: BEGIN PRIVATE KEY)."
      ;;
  esac
}
"""

_BASE64URL: Final = r"""
base64url() {
  limited "$signer" base64 -A 2>/dev/null | tr '+/' '-_' | tr -d '='
}
"""

_SIGN_FROM_FILE: Final = r"""
sign() {
  limited "$signer" dgst "-$digest" -binary -sign "$file" -passin pass:@padding
}
"""

_SIGN_FROM_SOURCE: Final = r"""
# The key reaches openssl through a pipe of its own: not as an argument, and in no file.
sign() {
  exec 4<&0
  pem | limited "$signer" dgst "-$digest" -binary -sign /dev/fd/3 -passin pass:@padding 3<&0 <&4
}
"""

_PADDING: Final = {
    "RS": " \\\n    -sigopt rsa_padding_mode:pkcs1",
    "PS": " \\\n    -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest",
    "ES": "",
}
"""Named for RS, too: without it openssl would sign with a key of a curve."""

_CANT_SIGN: Final = (
    "unsigned \"openssl can't sign with the key in $shown. "
    'Give an unencrypted private key in PEM form that fits @algorithm."'
)

_RS_OPENSSL: Final = rf"""
read_key() {{
  find_signer
  check_source
  make_payload
  encoded=$(printf '%s' "$payload" | base64url)
  [ -n "$encoded" ] || unsigned 'The program openssl does not work. Install it again.'
  message=$header.$encoded
  signature=$(printf '%s' "$message" | sign 2>/dev/null | base64url)
  [ -n "$signature" ] || {_CANT_SIGN}
  printf '%s.%s\n' "$message" "$signature"
}}
"""

_ED_OPENSSL: Final = rf"""
# openssl signs with Ed25519 only what is in a regular file. It holds the header and the claims, which are no secret.
read_key() {{
  find_signer
  check_source
  make_payload
  encoded=$(printf '%s' "$payload" | base64url)
  [ -n "$encoded" ] || unsigned 'The program openssl does not work. Install it again.'
  message=$header.$encoded
  signed=$(mktemp) || fail 'No temporary file can be made. Make room, or check TMPDIR.'
  trap 'rm -f "$signed"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '%s' "$message" >"$signed"
  signature=$(pem | limited "$signer" pkeyutl -sign -rawin -in "$signed" -inkey /dev/stdin -passin pass: 2>/dev/null |
    base64url)
  # 64 bytes: openssl would sign with any other kind of key as well.
  [ "${{#signature}}" -eq 86 ] || {_CANT_SIGN}
  printf '%s.%s\n' "$message" "$signature"
}}
"""

_ES_OPENSSL: Final = rf"""
# Turns hexadecimal digits into escapes for printf %b.
escapes() {{
  rest=$1
  while [ -n "$rest" ]; do
    byte=$((0x${{rest%"${{rest#??}}"}}))
    rest=${{rest#??}}
    raw="$raw\\0$((byte / 64))$((byte / 8 % 8))$((byte % 8))"
  done
}}

# openssl writes two integers in DER; a JWT has them raw, each padded to the length of the curve.
read_key() {{
  find_signer
  check_source
  make_payload
  encoded=$(printf '%s' "$payload" | base64url)
  [ -n "$encoded" ] || unsigned 'The program openssl does not work. Install it again.'
  message=$header.$encoded
  der=$(printf '%s' "$message" | sign 2>/dev/null | limited "$signer" asn1parse -inform DER 2>/dev/null)
  raw='' count=0
  for word in $der; do
    case $word in :*) number=${{word#:}} ;; *) continue ;; esac
    while [ "${{#number}}" -lt "$digits" ]; do number=00$number; done
    [ "${{#number}}" -eq "$digits" ] || {_CANT_SIGN}
    escapes "$number"
    count=$((count + 1))
  done
  [ "$count" -eq 2 ] || {_CANT_SIGN}
  printf '%s.%s\n' "$message" "$(printf '%b' "$raw" | base64url)"
}}
"""


def _by_python(_: str, from_file: bool) -> tuple[str, ...]:
    return (*((_FROM_FILE,) if from_file else ()), _HS_PYTHON)


def _by_jwt(algorithm: str, from_file: bool) -> tuple[str, ...]:
    if algorithm.startswith("HS"):
        return (*((_FROM_FILE,) if from_file else ()), _HS_JWT)
    return (_PEM_FILE if from_file else _PEM_SOURCE, _PEM_JWT)


def _by_openssl(algorithm: str, from_file: bool) -> tuple[str, ...]:
    pem = () if from_file else (_PEM_SOURCE,)
    if algorithm == "EdDSA":
        pieces = (_BASE64URL, _PEM_FILE if from_file else _PEM_SOURCE, _ED_OPENSSL)
    else:
        sign = _SIGN_FROM_FILE if from_file else _SIGN_FROM_SOURCE
        sign = sign.replace("@padding", _PADDING[algorithm[:2]])
        pieces = (_BASE64URL, *pem, sign, _ES_OPENSSL if algorithm.startswith("ES") else _RS_OPENSSL)
    return tuple(each.replace("@algorithm", algorithm) for each in pieces)


_PIECES: Final = {"python3": _by_python, "jwt": _by_jwt, "openssl": _by_openssl}

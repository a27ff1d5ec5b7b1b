"""Keys that the helper makes itself: JSON Web Tokens signed by a program of this machine."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wizard.fields import Field, Problem, Value
from wizard.keys.backend import NoProgramError, Options, Report
from wizard.keys.catalogue import found
from wizard.keys.parts import SH_PROGRAM, SH_SHOWN, look_at_file, script, text, variable_name
from wizard.machine.background import in_daemon_thread
from wizard.machine.model import Machine
from wizard.machine.process import run
from wizard.quoting import sh_quote
from wizard.verdict import Verdict

_SECRET: Final = "key.source.secret"  # noqa: S105 - the id of a check
_SIGNER: Final = "key.source.signer"

_OPENSSL_LIMIT: Final = 5.0
_CLAIMS_SET_BY_HELPER: Final = ("iat", "exp")

SIGNERS: Final[Mapping[str, tuple[str, ...]]] = {
    "HS256": ("python3", "jwt"),
    "HS384": ("python3", "jwt"),
    "HS512": ("python3", "jwt"),
    "RS256": ("openssl",),
    "RS384": ("openssl",),
    "RS512": ("openssl",),
    "ES256": ("openssl",),
    "ES384": ("openssl",),
}
"""The programs that can sign with each algorithm without the secret in their arguments, best first.

openssl is missing for HS: `-hmac` and `-macopt` take the secret as an argument, which all users of this machine see.
Python is missing for RS and ES: its standard library has no RSA and no curves.
"""

_CURVES: Final = {"ES256": ("P-256", "prime256v1"), "ES384": ("P-384", "secp384r1")}


def _is_symmetric(options: Mapping[str, Value]) -> bool:
    return text(options, "algorithm").startswith("HS")


def _is_asymmetric(options: Mapping[str, Value]) -> bool:
    return not _is_symmetric(options)


def _environment_name(value: Value) -> str:
    if str(value).islower():
        return "The helper uses names in lower case itself. Choose one like JWT_SECRET."
    return variable_name(value)


def _claims(value: Value) -> str:
    if not isinstance(value, Mapping):
        return "It must be a table of names and values."
    for name, claim in value.items():
        if name in _CLAIMS_SET_BY_HELPER:
            return f"The helper sets {name} itself. Remove it."
        if not name or not _is_json(claim):
            return f"The claim {name!r} can't be written as JSON. Use text, numbers, true, false, lists and tables."
    return ""


def _is_json(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(name, str) and _is_json(each) for name, each in value.items())
    if isinstance(value, list | tuple):
        return all(_is_json(each) for each in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | int)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the secret or private key is: a file, or an environment variable of the running helper."""

    file: str
    variable: str

    @property
    def shown(self) -> str:
        return self.file or self.variable


def _source(options: Options) -> _Source:
    kind = "secret" if _is_symmetric(options) else "private_key"
    return _Source(text(options, f"{kind}_file"), text(options, f"{kind}_env"))


def choose_signer(algorithm: str, machine: Machine) -> tuple[str, Path]:
    """Return the first program of the table that this machine has, and where. Raises NoProgramError."""
    for name in SIGNERS[algorithm]:
        place = machine.programs.get(name)
        if place is not None and (name != "jwt" or _is_jwt_cli(place)):
            return name, place
    wanted = SIGNERS[algorithm][0]
    raise NoProgramError(f"Nothing on this machine can sign with {algorithm}. Install {wanted}.")


def _is_jwt_cli(program: Path) -> bool:
    """Say whether this `jwt` is surely the crate jwt-cli: another program of that name (golang-jwt) can't sign.

    Told by its place: Debian installs golang-jwt's as /usr/bin/jwt, cargo and Homebrew install jwt-cli.
    """
    return any(part in (".cargo", "homebrew", "linuxbrew", "jwt-cli") for part in program.parts)


_SHARED: Final = r"""
# A token is header.payload.signature; the header never changes, the payload holds the time.
make_payload() {
  now=$(date +%s) || fail 'The program date does not work. Install coreutils.'
  payload="$claims\"iat\":$now,\"exp\":$((now + lifetime))}"
}

find_signer() {
  signer=$(program "$signer_path" "$signer_name") ||
    fail "The program $signer_name, which signs the key, is gone. Install it again, or run the wizard again."
}
"""

_BASE64URL: Final = r"""
base64url() {
  "$signer" base64 -A | tr '+/' '-_' | tr -d '='
}
"""

_HS_PYTHON: Final = r"""
read_key() {
  find_signer
  check_source
  make_payload
  "$signer" -IS -c '
import base64, hmac, os, sys

digest, header, payload, file, variable = sys.argv[1:]
if file:
    with open(file, "rb") as source:
        secret = source.read()
else:
    secret = os.environb[variable.encode()]
secret = secret.rstrip(b"\r\n")
if not secret:
    sys.exit(1)


def encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


message = header.encode() + b"." + encode(payload.encode())
print((message + b"." + encode(hmac.new(secret, message, digest).digest())).decode())
' "$digest" "$header" "$payload" "$file" "$variable" 2>/dev/null ||
    fail "The secret in $shown is empty or can't be read. Put it there, mode 0600."
}
"""

_HS_JWT: Final = r"""
read_key() {
  find_signer
  check_source
  make_payload
  if [ -n "$file" ]; then secret=$(cat "$file"); else secret=$(from_environment); fi
  cr=$(printf '\r')
  while case $secret in *"$cr" | *"$newline") ;; *) false ;; esac; do secret=${secret%?}; done
  [ -n "$secret" ] || fail "The secret in $shown is empty. Put it there."
  token=$(
    printf '%s' "$secret" |
      "$signer" encode --no-iat --alg "$algorithm" ${kid:+--kid} ${kid:+"$kid"} \
        --secret @/dev/stdin "$payload" 2>/dev/null
  )
  case $token in
    *.*.*) printf '%s\n' "$token" ;;
    *) fail "$signer can't sign: it is not jwt-cli, or too old. Install python3 and run the wizard again." ;;
  esac
}
"""

_SIGN_FROM_FILE: Final = r"""
sign() {
  "$signer" dgst "-$digest" -binary -sign "$file" -passin pass:
}
"""

_SIGN_FROM_ENVIRONMENT: Final = r"""
# The key reaches openssl through a pipe of its own: not as an argument, and in no file.
sign() {
  exec 4<&0
  printf '%b\n' "$(from_environment)" | {
    exec 3<&0
    "$signer" dgst "-$digest" -binary -sign /dev/fd/3 -passin pass: <&4
  }
}
"""

_CANT_SIGN: Final = (
    "fail \"openssl can't sign with the key in $shown. "
    'Give an unencrypted private key in PEM form that fits $algorithm."'
)


_RS_OPENSSL: Final = rf"""
read_key() {{
  find_signer
  check_source
  make_payload
  message=$header.$(printf '%s' "$payload" | base64url)
  signature=$(printf '%s' "$message" | sign 2>/dev/null | base64url)
  [ -n "$signature" ] || {_CANT_SIGN}
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
  message=$header.$(printf '%s' "$payload" | base64url)
  der=$(printf '%s' "$message" | sign 2>/dev/null | "$signer" asn1parse -inform DER 2>/dev/null)
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


def _segment(value: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(_json(value).encode()).rstrip(b"=").decode()


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _script(options: Options, machine: Machine) -> str:
    algorithm = text(options, "algorithm")
    signer, place = choose_signer(algorithm, machine)
    source, kid, claims = _source(options), text(options, "kid"), options.get("claims", {})
    file = str(machine.expand(source.file)) if source.file else ""
    values = {
        "algorithm": algorithm,
        "claims": _json(claims)[:-1] + ("," if claims else ""),
        "digest": f"sha{algorithm[2:]}",
        "digits": str(int(algorithm[2:]) // 4),
        "file": file,
        "header": _segment({"alg": algorithm, "typ": "JWT", **({"kid": kid} if kid else {})}),
        "kid": kid,
        "lifetime": str(options.get("lifetime_seconds", 3600)),
        "shown": machine.short(file) if file else source.variable,
        "signer_name": signer,
        "signer_path": str(place),
        "variable": source.variable,
    }
    needs, pieces = _signing(algorithm, signer, source)
    needs |= {"claims", "lifetime", "shown", "signer_name", "signer_path", "file" if file else "variable"}
    assignments = [_assigned(name, value) for name, value in values.items() if name in needs]
    return script(assignments, SH_PROGRAM, _SHARED, _source_check(source), *pieces)


def _signing(algorithm: str, signer: str, source: _Source) -> tuple[set[str], tuple[str, ...]]:
    """Return the variables that signing needs besides the common ones, and its pieces of sh."""
    if signer == "python3":
        return {"digest", "header", "file", "variable"}, (_HS_PYTHON,)
    if signer == "jwt":
        return {"algorithm", "kid", "file"}, ("newline='\n'", _HS_JWT)
    sign = _SIGN_FROM_FILE if source.file else _SIGN_FROM_ENVIRONMENT
    if algorithm.startswith("RS"):
        return {"algorithm", "digest", "header"}, (_BASE64URL, sign, _RS_OPENSSL)
    return {"algorithm", "digest", "header", "digits"}, (_BASE64URL, sign, _ES_OPENSSL)


def _assigned(name: str, value: str) -> str:
    return f"{SH_SHOWN if name == 'shown' else f'{name}='}{sh_quote(value)}"


def _source_check(source: _Source) -> str:
    if source.file:
        return _CHECK_FILE
    return _CHECK_ENVIRONMENT.replace("VARIABLE", source.variable)


_CHECK_FILE: Final = r"""
check_source() {
  [ -f "$file" ] || fail "$shown does not exist. Put the signing secret there, mode 0600."
  [ -r "$file" ] || fail "$shown can't be read. Make it yours: chmod 600 $shown"
}
"""

_CHECK_ENVIRONMENT: Final = r"""
from_environment() { printf '%s' "${VARIABLE-}"; }

check_source() {
  [ -n "$(from_environment)" ] || fail "$variable is not set. Export it before you start Claude Code."
}
"""

_FIELDS: Final = (
    Field(
        "algorithm",
        "Algorithm",
        "How the token is signed. The gateway has to accept it: HS with a shared secret, RS or ES with a private key.",
        "choice",
        default="HS256",
        choices=tuple(SIGNERS),
    ),
    Field(
        "secret_file",
        "Secret file",
        "The file with the secret that you and the gateway share, mode 0600. A line break at its end does not count.",
        "path",
        example="~/.secrets/litellm-jwt",
        shown_when=_is_symmetric,
    ),
    Field(
        "secret_env",
        "Secret variable",
        "Instead of a file: the environment variable that holds the secret when Claude Code runs. An IDE has none.",
        example="JWT_SECRET",
        check=_environment_name,
        shown_when=_is_symmetric,
    ),
    Field(
        "private_key_file",
        "Private key file",
        "The file with your private key in PEM form, mode 0600, without a passphrase.",
        "path",
        example="~/.secrets/litellm-jwt.pem",
        shown_when=_is_asymmetric,
    ),
    Field(
        "private_key_env",
        "Private key variable",
        "Instead of a file: the environment variable that holds the PEM text when Claude Code runs. An IDE has none.",
        example="JWT_PRIVATE_KEY",
        check=_environment_name,
        shown_when=_is_asymmetric,
    ),
    Field(
        "kid",
        "Key id",
        "Written as kid into the token's header; a gateway with several keys finds the right one by it.",
        example="laptop-2026",
    ),
    Field(
        "lifetime_seconds",
        "Lifetime",
        "How long a token is valid, in seconds. Claude Code gets a new one after half of it.",
        "integer",
        default=3600,
        minimum=10,
        maximum=31536000,
    ),
    Field(
        "claims",
        "Claims",
        "What the token says of you: user, team, and what else your gateway asks for, like iss, aud and sub.",
        "table",
        example='{ user = "ada", team = "engineering" }',
        check=_claims,
    ),
)


@dataclass(frozen=True, slots=True)
class SignedJwt:
    """Short-lived tokens, signed anew each time Claude Code asks."""

    name: str = "jwt"
    title: str = "Signed JWT"
    use_when: str = "Use this when your gateway accepts tokens that you sign yourself."
    helper_name: str = "generate-litellm-jwt.sh"
    programs: tuple[str, ...] = ("python3", "openssl", "jwt")
    fields: tuple[Field, ...] = _FIELDS

    def prefill(self, machine: Machine) -> dict[str, Value]:
        """Return the user name as a claim and the name (never the value) of JWT_SECRET when it is set."""
        known: dict[str, Value] = {}
        if machine.env.get("JWT_SECRET"):
            known["secret_env"] = "JWT_SECRET"  # noqa: S105 - the variable's name
        user = machine.env.get("USER", "")
        if re.fullmatch(r"[A-Za-z0-9._@-]{1,64}", user):
            known["claims"] = {"user": user}
        return known

    def validate(self, options: Options, prefix: str) -> tuple[Problem, ...]:
        """Return a problem unless exactly one place of the secret is given, and the one that the algorithm uses."""
        kind = "secret" if _is_symmetric(options) else "private_key"
        algorithm, source = text(options, "algorithm"), _source(options)
        if source.file and source.variable:
            both = f"Both {kind}_file and {kind}_env are given. Keep one."
            return (Problem(f"{prefix}.{kind}_env", source.variable, both),)
        if not source.shown:
            missing = f"{algorithm} needs it. Give {kind}_file, or {kind}_env for an environment variable."
            return (Problem(f"{prefix}.{kind}_file", "", missing),)
        return ()

    def notes(self, options: Options) -> tuple[str, ...]:
        """Return what the user must know of LiteLLM and JWTs (facts from LiteLLM 1.106.2's handle_jwt.py)."""
        licence = "LiteLLM's own JWT auth needs its enterprise licence and takes only RS, PS, ES and EdDSA signatures."
        if _is_symmetric(options):
            return (licence, f"{text(options, 'algorithm')} fits gateways with a custom auth of their own.")
        return (licence, "Without the licence the gateway answers 403, unless it has a custom auth of its own.")

    def origin(self, options: Options) -> str:
        """Return nothing: no credential but the token leaves this machine."""
        return ""

    def life_seconds(self, options: Options) -> int | None:
        """Return the lifetime every token gets."""
        value = options.get("lifetime_seconds", 3600)
        return value if isinstance(value, int) else None

    def shell_needs(self, options: Options, machine: Machine) -> tuple[str, ...]:
        """Return the variable that holds the secret or private key, if it is not in a file."""
        variable = _source(options).variable
        return (variable,) if variable else ()

    def helper_body(self, options: Options, machine: Machine) -> str:
        """Return sh that signs a token. Raises NoProgramError."""
        return _script(options, machine)

    def examinations(self, options: Options) -> tuple[tuple[str, str], ...]:
        """Return id and label of the rows of `examine`."""
        return ((_SECRET, "secret" if _is_symmetric(options) else "private key"), (_SIGNER, "signing program"))

    async def examine(self, options: Options, machine: Machine, report: Report) -> None:
        """Look at the secret or private key, and for a program that signs with it."""
        looked, content = await in_daemon_thread(lambda: _look_at_source(options, machine))
        if content is not None and looked.status != "fail":
            judged = await _judge_content(options, machine, content)
            looked = judged if judged is not None else looked
        report(looked)
        report(_judge_signer(options, machine))


def _look_at_source(options: Options, machine: Machine) -> tuple[Verdict, bytes | None]:
    source = _source(options)
    if source.file:
        return look_at_file(_SECRET, machine.expand(source.file), machine)
    value = machine.env.get(source.variable, "")
    verdict = "environment-good" if value else "environment-missing"
    return found(_SECRET, verdict, variable=source.variable), value.encode("utf-8", "surrogateescape")


async def _judge_content(options: Options, machine: Machine, content: bytes) -> Verdict | None:
    """Return what is wrong with the secret or key itself, None when nothing is."""
    algorithm, where = text(options, "algorithm"), _source(options).shown
    if not _is_symmetric(options):
        return await _judge_private_key(algorithm, where, machine, content)
    size, least = len(content.rstrip(b"\r\n")), int(algorithm[2:]) // 8
    if not size:
        return found(_SECRET, "signing-secret-empty", where=where)
    if size < least:
        facts = {"where": where, "bytes": size, "algorithm": algorithm, "least": least}
        return found(_SECRET, "signing-secret-short", **facts)
    return None


async def _judge_private_key(algorithm: str, where: str, machine: Machine, content: bytes) -> Verdict | None:
    openssl = machine.programs.get("openssl")
    if openssl is None:
        return None
    argv = (openssl, "pkey", "-noout", "-text_pub", "-passin", "pass:")
    pem = content if b"\n" in content.strip() else content.replace(b"\\n", b"\n")
    done = await run(argv, env=machine.env, cwd=Path("/"), limit=_OPENSSL_LIMIT, stdin=pem)
    if done.code != 0:
        return found(_SECRET, "signing-key-unreadable", where=where, program="openssl")
    described = done.out.decode("utf-8", "replace")
    if algorithm.startswith("RS"):
        reason = "" if "Modulus" in described else "it is not an RSA key"
    else:
        curve = _CURVES[algorithm]
        reason = "" if any(name in described for name in curve) else f"it is not a key of the curve {curve[0]}"
    return found(_SECRET, "signing-key-wrong", where=where, algorithm=algorithm, reason=reason) if reason else None


def _judge_signer(options: Options, machine: Machine) -> Verdict:
    algorithm = text(options, "algorithm")
    try:
        name, place = choose_signer(algorithm, machine)
    except NoProgramError:
        reason, fix = f"Nothing on this machine can sign with {algorithm}.", f"Install {SIGNERS[algorithm][0]}."
        return found(_SIGNER, "signer-missing", reason=reason, fix=fix)
    program = f"{name} ({machine.short(place)})"
    return found(_SIGNER, "signer-good", program=program, algorithm=algorithm)


BACKEND: Final = SignedJwt()

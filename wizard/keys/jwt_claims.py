"""The claims of a signed token: what the answers say, and the sh that fills in variables and the time at each run.

A text may hold `$NAME` or `${NAME}`, replaced by that variable when the helper runs, and `$$` for a dollar sign. Any
other dollar sign stands for itself. Names of claims are never replaced.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Final

from wizard.fields import Field, Value
from wizard.keys.backend import Options
from wizard.keys.parts import text, variable_name
from wizard.pattern import pattern
from wizard.quoting import sh_quote
from wizard.record import dataclass

VALUE_LIMIT: Final = 4096
"""Characters a variable in a claim may have; far more than any claim needs."""

_SET_BY_HELPER: Final = ("iat", "exp")
_FALLBACKS: Final = {"USER": "${USER:-$(id -un 2>/dev/null)}"}
"""What stands in for a variable that an IDE or a service may lack."""

_NAME: Final = "[A-Za-z_][A-Za-z0-9_]*"
_REFERENCE: Final = pattern(rf"\$(?:(?P<dollar>\$)|(?P<bare>{_NAME})|\{{(?P<braced>{_NAME})\}})")


@dataclass(frozen=True, slots=True)
class Variable:
    """A place in the claims that a variable of the running helper's environment fills."""

    name: str


Piece = str | Variable


def environment_name(value: Value) -> str:
    """Check the name of a variable that the helper reads; return a sentence with the fix for a bad one."""
    if str(value).islower():
        return "The helper uses names in lower case itself. Choose one like JWT_SECRET."
    return variable_name(value)


def _text_claim(value: Value) -> str:
    """Check the variables that a text, or the texts inside a list or table, name."""
    for name in _names(value):
        if name.islower() or name == "_":
            return f"The helper uses names in lower case itself. Use one like $USER, or $${name} for that very text."
    return ""


def _claims(value: Value) -> str:
    if not isinstance(value, Mapping):
        return "It must be a table of names and values."
    for name, claim in value.items():
        if name in _SET_BY_HELPER:
            return f"The helper sets {name} itself. Remove it."
        if not name or not _is_json(claim):
            return f"The claim {name!r} can't be written as JSON. Use text, numbers, true, false, lists and tables."
    return _text_claim(value)


def _is_json(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(name, str) and _is_json(each) for name, each in value.items())
    if isinstance(value, list | tuple):
        return all(_is_json(each) for each in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | int)


CLAIM_FIELDS: Final = (
    Field(
        "iss",
        "Issuer",
        "The claim iss: who made the token. The gateway may demand its very own name for you.",
        example="https://tokens.corp.example",
        check=_text_claim,
    ),
    Field(
        "sub",
        "Subject",
        "The claim sub: who the token is for. $USER and other variables are filled in each time the helper runs.",
        example="$USER",
        check=_text_claim,
    ),
    Field(
        "aud",
        "Audience",
        "The claim aud: who may accept the token. One is written as text, several as a list.",
        "list",
        example="litellm",
        check=_text_claim,
    ),
    Field(
        "claims",
        "More claims",
        "What else the token says of you, like user and team: text, numbers, true, false, lists, tables. $NAME in a"
        " text is that variable when the helper runs; $$ is a dollar sign.",
        "table",
        example='{ user = "$USER", team = "engineering" }',
        check=_claims,
    ),
    Field(
        "nbf",
        "Not before",
        "Adds the claim nbf: the token is not valid before it was made. A gateway whose clock is behind refuses it.",
        "flag",
        default=False,
    ),
    Field("jti", "Token id", "Adds the claim jti: a new random id in each token.", "flag", default=False),
)


def clash(options: Options) -> str:
    """Return the name of a claim that both has a field of its own and stands among the others; empty when none does."""
    more = options.get("claims", {})
    given = [name for name in ("iss", "sub", "aud", "nbf", "jti") if options.get(name)]
    return next((name for name in given if isinstance(more, Mapping) and name in more), "")


def fixed_claims(options: Options) -> dict[str, object]:
    """Return the claims that don't change from token to token, as the answers have them."""
    claims: dict[str, object] = {name: text(options, name) for name in ("iss", "sub") if text(options, name)}
    audiences = options.get("aud", ())
    if isinstance(audiences, tuple) and audiences:
        claims["aud"] = audiences[0] if len(audiences) == 1 else list(audiences)
    more = options.get("claims", {})
    return {**claims, **more} if isinstance(more, Mapping) else claims


def variables(options: Options) -> tuple[str, ...]:
    """Return the variables that the claims need and nothing else can stand in for."""
    return tuple(name for name in variables_of(fixed_claims(options)) if name not in _FALLBACKS)


def variables_of(claims: object) -> tuple[str, ...]:
    """Return the variables that the texts inside a value name, each once."""
    return tuple(dict.fromkeys(_names(claims)))


def _names(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _names(each)
    if isinstance(value, str):
        yield from (each.name for each in _in_text(value) if isinstance(each, Variable))


def _in_text(value: str) -> Iterator[Piece]:
    place = 0
    for match in _REFERENCE.finditer(value):
        yield value[place : match.start()]
        place = match.end()
        yield "$" if match["dollar"] else Variable(match["bare"] or match["braced"])
    yield value[place:]


def _as_json(value: object) -> Iterator[Piece]:
    """Yield a value as JSON, in pieces; a variable's value is escaped when the helper runs."""
    if isinstance(value, str):
        yield '"'
        yield from (each if isinstance(each, Variable) else json.dumps(each)[1:-1] for each in _in_text(value))
        yield '"'
    elif isinstance(value, Mapping):
        yield "{"
        for place, (name, each) in enumerate(value.items()):
            yield f"{',' if place else ''}{json.dumps(name)}:"
            yield from _as_json(each)
        yield "}"
    elif isinstance(value, list | tuple):
        yield "["
        for place, each in enumerate(value):
            yield "," if place else ""
            yield from _as_json(each)
        yield "]"
    else:
        yield json.dumps(value, allow_nan=False)


def claims_script(options: Options) -> str:
    """Return sh that defines `make_payload`, which sets `payload` to the claims with the time and the variables."""
    claims = fixed_claims(options)
    pieces: list[Piece] = list(_as_json(claims))
    pieces[-1] = "," if claims else ""  # in the place of the last brace: the helper's own claims follow
    lines = list(_filled(pieces))
    own = r"\"iat\":$now,\"exp\":$((now + lifetime))"
    own += r",\"nbf\":$now" if options.get("nbf") is True else ""
    own += r",\"jti\":\"$id\"" if options.get("jti") is True else ""
    body = [
        "now=$(date +%s) || fail 'The program date does not work. Install coreutils.'",
        *(_ID if options.get("jti") is True else ()),
        *lines,
        f'payload="$claims{own}}}"',
    ]
    fill = _FILL if variables_of(claims) else ""
    inner = "\n".join(f"  {line}" for line in body)
    return f"{fill}{_HEAD}make_payload() {{\n{inner}\n}}\n"


def _filled(pieces: list[Piece]) -> Iterator[str]:
    before = ""
    for is_variable, group in groupby(pieces, lambda each: isinstance(each, Variable)):
        if is_variable:
            for each in group:
                assert isinstance(each, Variable)  # noqa: S101 - what the group is made of
                yield f'fill {each.name} "{_FALLBACKS.get(each.name, f"${{{each.name}-}}")}"'
        else:
            value = "".join(map(str, group))
            yield from (_AS_IT_IS,) * ("$" in value or "`" in value)
            yield f"claims={before}{sh_quote(value)}"
        before = '"$claims"'


_AS_IT_IS: Final = "# shellcheck disable=SC2016 # this text stands for itself"

_HEAD: Final = "# A token is header.payload.signature; the header never changes, the payload holds the time.\n"

_ID: Final = (
    "id=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \\n')",
    "[ \"${#id}\" -eq 32 ] || fail 'The program od gives no random number. Install coreutils.'",
)

_FILL: Final = r"""
# Appends the value of a variable to the claims, escaped for JSON.
fill() {
  [ -n "$2" ] || fail "A claim of the token uses $1, which is not set. Export it before you start Claude Code."
  [ "${#2}" -le LIMIT ] || fail "$1 is too long for a claim of the token. Shorten it."
  case $2 in
    *[[:cntrl:]]*) fail "$1, which a claim of the token uses, holds a control character. Set it to plain text." ;;
    *[!\ -~]*)
      if command -v iconv >/dev/null && ! printf '%s' "$2" | iconv -f UTF-8 -t UTF-8 >/dev/null 2>&1; then
        fail "$1, which a claim of the token uses, is not UTF-8. Set it to plain text."
      fi
      ;;
  esac
  case $2 in
    *[\\\"]*) claims=$claims$(printf '%s' "$2" | sed 's/[\\"]/\\&/g') ;;
    *) claims=$claims$2 ;;
  esac
}

""".lstrip("\n").replace("LIMIT", str(VALUE_LIMIT))

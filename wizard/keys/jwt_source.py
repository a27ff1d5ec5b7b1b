"""Where the secret or private key that signs a token comes from: a file, a variable, or another key backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from wizard.fields import Field, Problem, Value
from wizard.keys.backend import BACKEND_NAMES, Backend, Options, Report, backend
from wizard.keys.catalogue import found
from wizard.keys.jwt_claims import environment_name
from wizard.keys.parts import SH_SHOWN, look_at_file, text
from wizard.machine.model import Machine
from wizard.quoting import sh_quote
from wizard.record import dataclass, replace
from wizard.verdict import Verdict

SECRET: Final = "key.source.secret"  # noqa: S105 - the id of a check

OTHERS: Final = tuple(name for name in ("vault", "keychain", "command") if name in BACKEND_NAMES)
"""The key backends that can keep a signing secret; their fields stand beside ours as `vault_address` and so on."""


def is_symmetric(options: Options) -> bool:
    """Say whether the algorithm takes a secret that both sides share."""
    return text(options, "algorithm").startswith("HS")


def _is_asymmetric(options: Options) -> bool:
    return not is_symmetric(options)


def _inferred(options: Options) -> Value | None:
    """Say where the secret is by what else is answered: answers from before this was asked don't say it."""
    has_file, has_variable = bool(_of_kind(options, "file")), bool(_of_kind(options, "env"))
    if has_file and has_variable:
        return None
    return "environment" if has_variable else "file"


def _of_kind(options: Options, place: str) -> str:
    return text(options, f"{_kind(options)}_{place}")


def _kind(options: Options) -> str:
    return "secret" if is_symmetric(options) else "private_key"


def _when(place: str, *conditions: Callable[[Options], bool]) -> Callable[[Options], bool]:
    return lambda values: values.get("secret_from") == place and all(each(values) for each in conditions)


def _nested_fields(name: str) -> Iterator[Field]:
    def shown(field: Field) -> Callable[[Options], bool]:
        inner = field.shown_when
        if inner is None:
            return _when(name)
        return _when(name, lambda values: inner(inner_options(values, name)))

    for field in backend(name).fields:
        yield replace(field, name=f"{name}_{field.name}", shown_when=shown(field))


def inner_options(options: Options, name: str) -> dict[str, Value]:
    """Return the answers of another key backend that stand among ours, by its own names."""
    prefix = f"{name}_"
    known = {field.name for field in backend(name).fields}
    return {
        each.removeprefix(prefix): value
        for each, value in options.items()
        if each.startswith(prefix) and each.removeprefix(prefix) in known
    }


SOURCE_FIELDS: Final = (
    Field(
        "secret_from",
        "Signing key from",
        "Where the helper finds the secret or private key that signs: a file, an environment variable, or another"
        " program or server that keeps it.",
        "choice",
        choices=("file", "environment", *OTHERS),
        infer=_inferred,
    ),
    Field(
        "secret_file",
        "Secret file",
        "The file with the secret that you and the gateway share, mode 0600. A line break at its end does not count.",
        "path",
        example="~/.secrets/litellm-jwt",
        shown_when=_when("file", is_symmetric),
    ),
    Field(
        "secret_env",
        "Secret variable",
        "The environment variable that holds the secret when Claude Code runs. An IDE has none.",
        example="JWT_SECRET",
        check=environment_name,
        shown_when=_when("environment", is_symmetric),
    ),
    Field(
        "private_key_file",
        "Private key file",
        "The file with your private key in PEM form, mode 0600, without a passphrase.",
        "path",
        example="~/.secrets/litellm-jwt.pem",
        shown_when=_when("file", _is_asymmetric),
    ),
    Field(
        "private_key_env",
        "Private key variable",
        "The environment variable that holds the PEM text when Claude Code runs. An IDE has none.",
        example="JWT_PRIVATE_KEY",
        check=environment_name,
        shown_when=_when("environment", _is_asymmetric),
    ),
    *(field for name in OTHERS for field in _nested_fields(name)),
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the secret or private key is; exactly one of the three is given."""

    file: str = ""
    variable: str = ""
    other: str = ""
    """The name of another key backend."""

    @property
    def shown(self) -> str:
        """What people call it."""
        return self.file or self.variable or backend(self.other).title

    def nested(self, options: Options) -> tuple[Backend, dict[str, Value]]:
        """Return the other key backend, and its answers."""
        return backend(self.other), inner_options(options, self.other)


def source_of(options: Options) -> Source:
    """Return where the answers say that the secret is."""
    place = text(options, "secret_from") or _inferred(options)
    if place in OTHERS:
        return Source(other=str(place))
    return Source(variable=_of_kind(options, "env")) if place == "environment" else Source(_of_kind(options, "file"))


def problems_of(options: Options, prefix: str) -> tuple[Problem, ...]:
    """Return what is wrong with the place: none, two at once, or what the other backend says of its answers."""
    kind, place = _kind(options), text(options, "secret_from") or _inferred(options)
    if place is None:
        both = f"Both {kind}_file and {kind}_env are given. Keep one."
        return (Problem(f"{prefix}.{kind}_env", _of_kind(options, "env"), both),)
    if place in OTHERS:
        return tuple(_nested_problems(str(place), options, prefix))
    name = f"{kind}_{'env' if place == 'environment' else 'file'}"
    if text(options, name):
        return ()
    missing = f"{text(options, 'algorithm')} needs it. Give {kind}_file, or another place as secret_from."
    return (Problem(f"{prefix}.{name}", "", missing),)


def _nested_problems(name: str, options: Options, prefix: str) -> Iterator[Problem]:
    for each in backend(name).validate(inner_options(options, name), prefix):
        field = each.field.rpartition(".")[2]
        yield Problem(f"{prefix}.{name}_{field}", each.value, each.text.replace(f"key.{name}.", f"{prefix}.{name}_"))


def source_script(source: Source, options: Options, machine: Machine) -> tuple[list[str], tuple[str, ...]]:
    """Return the assignments and pieces of sh that define `check_source`, and `from_source` where there is no file.

    Raises NoProgramError when this machine can't run the other backend.
    """
    if source.file:
        file = machine.expand(source.file)
        return [f"file={sh_quote(str(file))}", f"{SH_SHOWN}{sh_quote(machine.short(file))}"], (_CHECK_FILE,)
    shown = f"shown={sh_quote(source.shown)}"
    if source.variable:
        return [shown], (_FROM_ENVIRONMENT.replace("VARIABLE", source.variable),)
    other, answers = source.nested(options)
    return [shown], (_FROM_OTHER.replace("@body", other.helper_body(answers, machine)),)


_CHECK_FILE: Final = r"""
check_source() {
  [ -f "$file" ] || fail "$shown does not exist. Put the signing secret there, mode 0600."
  [ -r "$file" ] || fail "$shown can't be read. Make it yours: chmod 600 $shown"
}
"""

_FROM_ENVIRONMENT: Final = r"""
from_source() { printf '%s' "${VARIABLE-}"; }

check_source() {
  [ -n "$(from_source)" ] || fail "$shown is not set. Export it before you start Claude Code."
}
"""

_FROM_OTHER: Final = r"""
# What keeps the signing secret has names of its own, so it runs in a subshell.
# shellcheck disable=SC2030,SC2031
read_source() (
@body

read_key
)

# shellcheck disable=SC2031 # this secret is not the subshell's
from_source() { printf '%s' "$secret"; }

# shellcheck disable=SC2031
check_source() {
  secret=$(read_source) || exit 1
  [ -n "$secret" ] || fail "What signs the token, from $shown, is empty. Store it anew."
}
"""


async def examine_source(source: Source, options: Options, machine: Machine, report: Report) -> None:
    """Let the other backend look at its source. What signs may have lines and blanks, which a key may not."""
    other, answers = source.nested(options)

    def as_signing_secret(verdict: Verdict) -> None:
        odd = verdict.verdict in ("secret-not-a-key", "entry-not-a-key")
        report(found(verdict.id, "signing-secret-kept") if odd else verdict)

    await other.examine(answers, machine, as_signing_secret)


def look_at_source(source: Source, machine: Machine) -> tuple[Verdict, bytes | None]:
    """Judge the file or variable with the secret, and return what it holds; None when it can't be read."""
    if source.file:
        return look_at_file(SECRET, machine.expand(source.file), machine)
    value = machine.env.get(source.variable, "")
    verdict = "environment-good" if value else "environment-missing"
    return found(SECRET, verdict, variable=source.variable), value.encode("utf-8", "surrogateescape")


def shell_needs(source: Source, options: Options, machine: Machine) -> tuple[str, ...]:
    """Return the variables without which the secret can't be had; an IDE has none."""
    if source.other:
        other, answers = source.nested(options)
        return other.shell_needs(answers, machine)
    return (source.variable,) if source.variable else ()


def origin(options: Mapping[str, Value]) -> str:
    """Return where another backend sends its credential; empty when none leaves this machine."""
    source = source_of(options)
    if not source.other:
        return ""
    other, answers = source.nested(options)
    return other.origin(answers)

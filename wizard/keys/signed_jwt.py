"""Keys that the helper makes itself: JSON Web Tokens signed by a program of this machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from wizard.fields import Field, Problem, Value
from wizard.keys import jwt_source
from wizard.keys.backend import NoProgramError, Options, Report, backend
from wizard.keys.catalogue import found
from wizard.keys.jwt_claims import CLAIM_FIELDS, clash, fixed_claims, variables
from wizard.keys.jwt_signers import FIRST_CHOICE, SIGNERS, choose_signer, signing_script
from wizard.keys.jwt_source import OTHERS, SECRET, SOURCE_FIELDS, Source, is_symmetric, source_of
from wizard.keys.parts import text
from wizard.machine.background import in_daemon_thread
from wizard.machine.model import Machine
from wizard.machine.process import run
from wizard.record import dataclass
from wizard.verdict import Verdict

_SIGNER: Final = "key.source.signer"
_OPENSSL_LIMIT: Final = 5.0
_CURVES: Final = {"ES256": ("P-256", "prime256v1"), "ES384": ("P-384", "secp384r1")}

_FIELDS: Final = (
    Field(
        "algorithm",
        "Algorithm",
        "How the token is signed. The gateway has to accept it: HS with a shared secret; RS, PS, ES or EdDSA with a"
        " private key.",
        "choice",
        default="HS256",
        choices=tuple(SIGNERS),
    ),
    *SOURCE_FIELDS,
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
    *CLAIM_FIELDS,
)


@dataclass(frozen=True, slots=True)
class SignedJwt:
    """Short-lived tokens, signed anew each time Claude Code asks."""

    name: str = "jwt"
    title: str = "Signed JWT"
    use_when: str = "Use this when your gateway accepts tokens that you sign yourself."
    helper_name: str = "generate-litellm-jwt.sh"
    programs: tuple[str, ...] = ("python3", "openssl", "jwt", "timeout")
    fields: tuple[Field, ...] = _FIELDS

    def prefill(self, machine: Machine) -> dict[str, Value]:
        """Return the user name as a claim and the name (never the value) of JWT_SECRET when it is set."""
        known: dict[str, Value] = {}
        if machine.env.get("JWT_SECRET"):
            known |= {"secret_from": "environment", "secret_env": "JWT_SECRET"}
        user = machine.env.get("USER", "")
        if re.fullmatch(r"[A-Za-z0-9._@-]{1,64}", user):
            known["claims"] = {"user": user}
        for name in OTHERS:
            known |= {f"{name}_{field}": value for field, value in backend(name).prefill(machine).items()}
        return known

    def validate(self, options: Options, prefix: str) -> tuple[Problem, ...]:
        """Return a problem unless there is one place of the secret that the algorithm uses, and each claim once."""
        problems = jwt_source.problems_of(options, prefix)
        if twice := clash(options):
            said = f"{twice} stands among these, too. Keep one."
            problems = (*problems, Problem(f"{prefix}.claims", twice, said))
        return problems

    def notes(self, options: Options) -> tuple[str, ...]:
        """Return what the user must know of LiteLLM and JWTs (facts from LiteLLM 1.106.2's handle_jwt.py)."""
        licence = "LiteLLM's own JWT auth needs its enterprise licence and takes only RS, PS, ES and EdDSA signatures."
        if is_symmetric(options):
            return (licence, f"{text(options, 'algorithm')} fits gateways with a custom auth of their own.")
        return (licence, "Without the licence the gateway answers 403, unless it has a custom auth of its own.")

    def origin(self, options: Options) -> str:
        """Return where the credential goes that gets the signing secret; empty when it is on this machine."""
        return jwt_source.origin(options)

    def life_seconds(self, options: Options) -> int | None:
        """Return the lifetime every token gets."""
        value = options.get("lifetime_seconds", 3600)
        return value if isinstance(value, int) else None

    def shell_needs(self, options: Options, machine: Machine) -> tuple[str, ...]:
        """Return the variables that the signing secret and the claims come from."""
        secret = jwt_source.shell_needs(source_of(options), options, machine)
        return tuple(dict.fromkeys((*secret, *variables(options))))

    def helper_body(self, options: Options, machine: Machine) -> str:
        """Return sh that signs a token. Raises NoProgramError."""
        return signing_script(options, machine)

    def examinations(self, options: Options) -> tuple[tuple[str, str], ...]:
        """Return id and label of the rows of `examine`."""
        source = source_of(options)
        if source.other:
            other, answers = source.nested(options)
            return (*other.examinations(answers), (_SIGNER, "signer"))
        return ((SECRET, "secret" if is_symmetric(options) else "private key"), (_SIGNER, "signer"))

    async def examine(self, options: Options, machine: Machine, report: Report) -> None:
        """Look at the secret or private key, and for a program that signs with it."""
        source = source_of(options)
        if source.other:
            await jwt_source.examine_source(source, options, machine, report)
        else:
            report(await _judge_source(source, options, machine))
        report(_judge_signer(options, machine))


async def _judge_source(source: Source, options: Options, machine: Machine) -> Verdict:
    looked, content = await in_daemon_thread(lambda: jwt_source.look_at_source(source, machine))
    if content is None or looked.status == "fail":
        return looked
    return await _judge_content(options, machine, content) or looked


async def _judge_content(options: Options, machine: Machine, content: bytes) -> Verdict | None:
    """Return what is wrong with the secret or key itself, None when nothing is."""
    algorithm, where = text(options, "algorithm"), source_of(options).shown
    if not is_symmetric(options):
        return await _judge_private_key(algorithm, where, machine, content)
    size, least = len(content.rstrip(b"\r\n")), int(algorithm[2:]) // 8
    if not size:
        return found(SECRET, "signing-secret-empty", where=where)
    if size < least:
        facts = {"where": where, "bytes": size, "algorithm": algorithm, "least": least}
        return found(SECRET, "signing-secret-short", **facts)
    return None


async def _judge_private_key(algorithm: str, where: str, machine: Machine, content: bytes) -> Verdict | None:
    openssl = machine.programs.get("openssl")
    if openssl is None:
        return None
    argv = (openssl, "pkey", "-noout", "-text_pub", "-passin", "pass:")
    pem = content if b"\n" in content.strip() else content.replace(b"\\n", b"\n")
    done = await run(argv, env=machine.env, cwd=Path("/"), limit=_OPENSSL_LIMIT, stdin=pem)
    if done.code != 0:
        return found(SECRET, "signing-key-unreadable", where=where, program="openssl")
    described = done.out.decode("utf-8", "replace")
    if algorithm.startswith(("RS", "PS")):
        reason = "" if "Modulus" in described else "it is not an RSA key"
    elif algorithm == "EdDSA":
        reason = "" if "ED25519" in described else "it is not an Ed25519 key"
    else:
        curve = _CURVES[algorithm]
        reason = "" if any(name in described for name in curve) else f"it is not a key of the curve {curve[0]}"
    return found(SECRET, "signing-key-wrong", where=where, algorithm=algorithm, reason=reason) if reason else None


def _judge_signer(options: Options, machine: Machine) -> Verdict:
    algorithm = text(options, "algorithm")
    try:
        name, place = choose_signer(algorithm, machine, fixed_claims(options))
    except NoProgramError:
        reason, fix = f"Nothing on this machine can sign with {algorithm}.", f"Install {FIRST_CHOICE[algorithm]}."
        return found(_SIGNER, "signer-missing", reason=reason, fix=fix)
    program = f"{name} ({machine.short(place)})"
    return found(_SIGNER, "signer-good", program=program, algorithm=algorithm)


BACKEND: Final = SignedJwt()

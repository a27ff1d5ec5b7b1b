"""What would make an untrusted gateway trusted: the PEM file on this machine that really makes its chain verify."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from wizard.answers import Gateway
from wizard.gateway.way import claude_environment, trust_of
from wizard.machine.authorities import PemFile, client_certificates, pem_files
from wizard.machine.background import in_daemon_thread
from wizard.machine.model import Machine
from wizard.net.certificate import Certificate
from wizard.net.fault import Fault
from wizard.net.http import Server, reach, secure
from wizard.net.second_look import look_again, sent_chain
from wizard.net.trust import Trust, known_authorities
from wizard.pattern import pattern
from wizard.quoting import sh_quote
from wizard.record import replace

_LIMIT: Final = 4.0
_TRIED: Final = 5
_SHOWN: Final = 10
_READ_BY_CLAUDE: Final = ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE")
_PLAIN: Final = pattern(r"[A-Za-z0-9_./~-]+")


async def explain(gateway: Gateway, machine: Machine, server: Server, fault: Fault) -> Fault:
    """Return the fault after a second look, with the way out where this machine holds one.

    `authorities` among the facts are the PEM files that were tried and that make the gateway's chain verify;
    `client_certificates` those that could be shown to it, which nobody does before the user says so. Raises nothing.
    """
    fault = await look_again(server, fault)
    machine = replace(machine, env=claude_environment(machine))
    try:
        async with asyncio.timeout(_LIMIT):
            if fault.verdict == "tls-untrusted":
                return await _Untrusted(gateway, machine, server, fault).explained()
            if fault.verdict == "tls-client-cert":
                return await _unknown_client(machine, server, fault)
    except (TimeoutError, Fault, OSError, ValueError):
        return fault
    return fault


class _Untrusted:
    """A chain that leads to nobody Claude Code trusts."""

    def __init__(self, gateway: Gateway, machine: Machine, server: Server, fault: Fault) -> None:
        self.gateway = gateway
        self.machine = machine
        self.server = server
        self.fault = fault
        self.chain: tuple[Certificate, ...] = ()
        self.files: tuple[PemFile, ...] = ()
        self.found: list[PemFile] = []

    async def explained(self) -> Fault:
        self.chain = await sent_chain(self.server)
        self.files = await in_daemon_thread(lambda: pem_files(self.machine))
        fitting = sorted(filter(self._fits, self.files), key=lambda each: len(each.certificates))
        for file in fitting[:_TRIED]:
            if await self._verifies(_with_extra(self.gateway, file, self.machine)):
                self.found.append(file)
        facts = {**self.fault.facts, "authorities": [self._as_facts(each) for each in self.found]}
        if self.chain:
            facts["issuer"] = self.chain[-1].issuer
        if unused := next((each for each in self.server.unused if each.verdict.startswith("tls-ca-")), None):
            advice = f"{unused.facts['advice']} {self._use()}".strip()
            return Fault(unused.verdict, **{**facts, **unused.facts, "advice": advice})
        if await in_daemon_thread(self._is_incomplete):
            advice = f"Ask whoever runs the gateway to send the whole chain. {self._use()}".strip()
            return Fault("tls-incomplete", **{**facts, "advice": advice})
        return Fault(self.fault.verdict, **{**facts, "advice": await self._advice()})

    def _fits(self, file: PemFile) -> bool:
        """Say whether a file names what the chain asks for: cheap, and no proof."""
        wanted = {each.issuer_key for each in self.chain}
        sent = {each.der for each in self.chain}
        return any(each.subject_key in wanted or each.der in sent for each in file.certificates)

    async def _verifies(self, trust: Trust) -> bool:
        """Shake hands with the gateway, trusting as Claude Code would with that change."""
        try:
            loaded = await in_daemon_thread(trust.load)
            stream = await reach(self.server)
        except Fault:
            return False
        try:
            await secure(replace(self.server, context=loaded.context), stream)
        except Fault as fault:
            return fault.verdict == "tls-hostname"  # the chain is checked before the name
        finally:
            stream.close()
        return True

    def _is_incomplete(self) -> bool:
        """Say whether an authority between the gateway and one that is trusted was left out, where that can be told.

        It is so when the missing issuer lies here as one that is itself signed, or belongs to a trusted organization.
        """
        if not self.chain or self.chain[-1].signs_itself:
            return False
        last = self.chain[-1]
        known = known_authorities(trust_of(self.gateway, self.machine))
        if any(each.subject_key == last.issuer_key for each in known):
            return False
        here = (each for file in self.files for each in file.certificates)
        if any(each.subject_key == last.issuer_key and not each.signs_itself for each in here):
            return True
        organizations = {each.organization for each in known} - {""}
        return last.issuer_organization in organizations

    async def _advice(self) -> str:
        env = self.machine.env
        everything = replace(trust_of(self.gateway, self.machine), bundled=True, system=True)
        if env.get("CLAUDE_CODE_CERT_STORE") and await self._verifies(everything):
            return "Set CLAUDE_CODE_CERT_STORE to bundled,system: as it is, it leaves the authority out."
        if self.found:
            return self._use()
        named = next((each.where for each in self.files if each.where not in ("", *_READ_BY_CLAUDE)), None)
        ask = "Ask whoever runs the gateway for that authority's PEM file, and give it as CA file"
        return f"{ask}; Claude Code does not read {named}." if named else f"{ask} (gateway.ca_file)."

    def _use(self) -> str:
        """Name the file to use and what to compare first; nothing where there is none."""
        if not self.found:
            return ""
        file = self.found[0]
        path = self.machine.short(file.path)
        start = f"{path} makes it verify"
        if file.where and file.where not in _READ_BY_CLAUDE:
            start += f" ({file.where} names it, which Claude Code does not read)"
        fingerprint = _anchor(file, self.chain).sha256
        setting = f"gateway.ca_file={path}"
        setting = setting if _PLAIN.fullmatch(path) else sh_quote(setting)
        ask = "Ask for the authority's SHA-256, and if it is that of the file use"
        return f"{start}. {ask} --set {setting}. The file's: {fingerprint}"

    def _as_facts(self, file: PemFile) -> dict[str, object]:
        return {"file": self.machine.short(file.path), "where": file.where, **_anchor(file, self.chain).as_facts()}


def _with_extra(gateway: Gateway, file: PemFile, machine: Machine) -> Trust:
    return trust_of(replace(gateway, ca_file=str(file.path)), machine)


def _anchor(file: PemFile, chain: Sequence[Certificate]) -> Certificate:
    """Return the certificate of a file that the chain leads to, the topmost one first."""
    for sent in reversed(chain):
        for each in file.certificates:
            if each.der == sent.der or each.subject_key == sent.issuer_key:
                return each
    return file.certificates[0]


async def _unknown_client(machine: Machine, server: Server, fault: Fault) -> Fault:
    unused = next((each for each in server.unused if each.verdict == "tls-client-cert-unusable"), None)
    pairs = await in_daemon_thread(lambda: client_certificates(pem_files(machine)))
    facts: dict[str, object] = {
        "client_certificates": [
            {
                "file": machine.short(each.certificate_file),
                "key": machine.short(each.key_file),
                **each.certificate.as_facts(),
            }
            for each in pairs[:_SHOWN]
        ]
    }
    if unused:
        return Fault(unused.verdict, **{**fault.facts, **unused.facts, **facts})
    if pairs:
        facts["advice"] = (
            f"Choose the one it knows you by: {_names(machine.short(each.certificate_file) for each in pairs)}."
        )
    return Fault(fault.verdict, **{**fault.facts, **facts})


def _names(names: Iterable[str]) -> str:
    first, *more = names
    return f"{first} or {len(more)} more" if len(more) > 1 else " or ".join((first, *more))

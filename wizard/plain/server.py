"""Where is your LiteLLM server?"""

from __future__ import annotations

from typing import Any, Final

from wizard.answering import client_pair_problems, with_gateway
from wizard.answers import GATEWAY_FIELDS, Gateway
from wizard.net.address import Address, AddressError, parse_address, with_scheme
from wizard.plain.console import Back
from wizard.plain.forms import Form
from wizard.plain.state import Run
from wizard.secret import redact

_FIELDS: Final = {each.name: each for each in GATEWAY_FIELDS}
_MORE: Final = tuple(each for each in GATEWAY_FIELDS if each.name not in ("url", "allow_http"))


def ask(run: Run) -> None:
    """Ask for the gateway and the way to it; going on confirms its origin."""
    run.console.heading("Server. Where is your LiteLLM server?")
    saved = run.draft.saved
    if saved is not None:
        run.console.say(f"Set up before for {saved.gateway.url}. Type where it is now if it moved.")
    address, allowed = _address(run)
    run.console.say(f"Claude Code will use {address.url}")
    values = _more(run)
    run.draft = with_gateway(run.draft, Gateway(url=address.url, allow_http=allowed, **values))


def _address(run: Run) -> tuple[Address, bool]:
    before = run.draft.answers.gateway
    field = _FIELDS["url"]
    while True:
        try:
            said = run.console.ask(field.label, before.url, f"{field.help} For example {field.example}.")
        except Back:
            run.console.say("This is the first question; quit leaves.")
            continue
        if not said.strip():
            run.console.wrong("Type the URL of your LiteLLM server.")
            continue
        if "://" not in said and "****" in redact(said):
            run.console.wrong("That looks like a key. Type the address of the server; the key stays where it is.")
            continue
        try:
            address = parse_address(with_scheme(said.strip()), allow_http=True)
        except AddressError as error:
            run.console.wrong(str(error))
            continue
        if not address.needs_leave:
            return address, False
        known = before.allow_http and before.url == address.url
        if run.console.confirm(f"Your key would travel unencrypted to {address.origin}. Allow that?", default=known):
            return address, True


def _more(run: Run) -> dict[str, Any]:
    gateway = run.draft.answers.gateway
    form = Form(run.console, _MORE, "gateway", {each.name: getattr(gateway, each.name) for each in _MORE})
    form.ask()
    return form.settle(lambda: client_pair_problems(form.read()[0]))

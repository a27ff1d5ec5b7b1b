"""The origins that a set-up sends credentials to."""

from __future__ import annotations

import contextlib

from wizard.answers import Answers
from wizard.keys.backend import backend
from wizard.net.address import AddressError


def origins(answers: Answers) -> frozenset[str]:
    """Return the gateway's origin and the key backend's own, as far as the answers name them."""
    found = set()
    with contextlib.suppress(AddressError):
        found.add(answers.gateway.address.origin)
    if answers.key.backend:
        found.add(backend(answers.key.backend).origin(answers.key.options))
    return frozenset(found - {""})

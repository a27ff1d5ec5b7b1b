"""Secrets, and text that comes from outside."""

from __future__ import annotations

import re
from typing import Final, NoReturn

from wizard.pattern import pattern

_ANSI: Final = pattern(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x1b\\|\x07|$)|[@-_])", re.DOTALL)
_KEY_SHAPED: Final = pattern(
    r"\b(?:sk-[A-Za-z0-9_\-]{8,}|hv[sbr]\.[A-Za-z0-9_\-]{8,}|[sbr]\.[A-Za-z0-9]{24,}|eyJ[A-Za-z0-9_\-.]{8,})"
)
_URL_SECRETS: Final = pattern(r"(?<=://)[^/?#\s]*@|[?#]\S*")
_SECRET_NAME: Final = pattern(r"KEY|TOKEN|SECRET|PASS", re.IGNORECASE)


class Secret:
    """A value that never shows itself: not in a repr, a format string, a pickle or a traceback's locals."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, for the one place that has to send it."""
        return self._value

    def hint(self) -> str:
        """Return what a person may see of it: `sk-…7f3a (38 characters)`; of a short one only the length."""
        value = self._value
        if len(value) < 16:
            return f"… ({len(value)} characters)"
        head = "sk-" if value.startswith("sk-") else ""
        return f"{head}…{value[-4:]} ({len(value)} characters)"

    def __repr__(self) -> str:
        return "****"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "****"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never pickled or copied")


def names_a_secret(name: str) -> bool:
    """Say whether a variable or field of this name usually holds a credential."""
    return _SECRET_NAME.search(name) is not None


def redact(text: str, *secrets: Secret, limit: int = 200) -> str:
    """Make text from outside fit to show: printable, without secrets, at most `limit` characters.

    Controls, escapes, bidi marks and lone surrogates, which no terminal can encode, become blanks.

    Every exception text, response body, header and program output passes through here before a person
    reads it. Known secrets are replaced, and so is whatever is shaped like a key or a token.
    """
    for secret in sorted(secrets, key=lambda each: -len(each.reveal())):
        if len(secret.reveal()) >= 4:
            text = text.replace(secret.reveal(), "****")
    text = _ANSI.sub("", text)
    text = _KEY_SHAPED.sub("****", text)
    text = "".join(each if each.isprintable() else " " for each in text)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def masked_url(text: str) -> str:
    """Return a text as it was typed, with `****` for the user, password, query and fragment of a URL in it."""

    def mask(found: re.Match[str]) -> str:
        return "****@" if found[0].endswith("@") else f"{found[0][0]}****"

    return _URL_SECRETS.sub(mask, text) if "://" in text else text


def bare_url(text: str) -> str:
    """Return a URL from outside fit to show: without a user, a password, a query or a fragment."""
    return redact(_URL_SECRETS.sub("", text))

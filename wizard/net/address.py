"""One reading of a server's URL, used wherever a URL is typed, stored or sent to."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from wizard.pattern import pattern
from wizard.record import dataclass

_HOST: Final = pattern(
    r"(?=.{1,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?)*\.?"
)
_PATH: Final = pattern(r"[A-Za-z0-9._~/\-]*")
_AUTHORITY: Final = pattern(r"(?:\[[^\[\]]*\]|[^:\[\]]*)(?::[0-9]{1,5})?")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


class AddressError(ValueError):
    """A URL that can't be used; the text is one sentence for the user, with the fix.

    `kind` is stable: `http` is the one an explicit yes (`allow_http`) makes good.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Address:
    """A server and the path below which it answers."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def authority(self) -> str:
        """Host and port as a URL writes them; the scheme's own port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port: what a credential belongs to."""
        return f"{self.scheme}://{self.authority}"

    @property
    def url(self) -> str:
        """The URL without a trailing slash, as it is written for Claude Code."""
        return self.origin + self.path

    @property
    def is_loopback(self) -> bool:
        """Whether the server can only be this machine."""
        return _is_loopback(self.host)

    @property
    def needs_leave(self) -> bool:
        """Whether a key would travel to it unencrypted over a network."""
        return self.scheme == "http" and not self.is_loopback

    def __str__(self) -> str:
        return self.url


def with_scheme(text: str) -> str:
    """Return a bare host with the scheme put before it; any other text as it is.

    That is https; a gateway on this very machine is nearly always reached over http.
    """
    if "://" in text:
        return text
    try:
        address = parse_address(f"https://{text}")
    except AddressError:
        return text
    return f"{'http' if address.is_loopback else 'https'}://{text}"


def parse_address(text: str, *, allow_http: bool = False) -> Address:
    """Read a URL the way Claude Code will use it.

    A trailing `/` and `/v1` are dropped: Claude Code adds `/v1` itself, and a base URL that ends in it fails with a
    misleading "issue with the selected model" (2.1.197, 2.1.330). Raises AddressError with the fix.
    """
    text = text.strip(" ")
    _refuse_odd_characters(text)
    if "://" not in text:
        raise AddressError(
            "scheme",
            f"It has no scheme. Write https://{text}."
            if _looks_like_host(text)
            else "It is not a URL. Write one like https://llm.corp.example:4000.",
        )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _unreadable() from None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        raise AddressError("scheme", f"Claude Code can't use {scheme}://. Write https://.")
    if "@" in parts.netloc:
        raise AddressError("userinfo", "It carries a user name or password. Remove everything up to the @.")
    if "?" in text:
        raise AddressError("query", "It has a query. Remove the ? and what follows.")
    if "#" in text:
        raise AddressError("fragment", "It has a fragment. Remove the # and what follows.")
    if not _AUTHORITY.fullmatch(parts.netloc):
        raise _unreadable()
    if port == 0:
        raise AddressError("port", "Its port is not a port. Use one from 1 to 65535.")
    host = _host(parts.hostname or "", bracketed=parts.netloc.startswith("["))
    address = Address(scheme, host, port or _DEFAULT_PORTS[scheme], _path(parts.path))
    if scheme == "http" and not (allow_http or address.is_loopback):
        raise AddressError(
            "http",
            "Over http the key travels unencrypted. Write https://, or allow http for this server.",
        )
    return address


def _unreadable() -> AddressError:
    return AddressError("port", "Its port or host can't be read. Write https://HOST:PORT with a port from 1 to 65535.")


def _refuse_odd_characters(text: str) -> None:
    if not text:
        raise AddressError("empty", "It is empty. Write a URL like https://llm.corp.example:4000.")
    if any(character.isspace() for character in text):
        raise AddressError("whitespace", "It holds a blank. Remove it.")
    if "\\" in text:
        raise AddressError("backslash", "It holds a backslash, which programs read differently. Use / only.")
    if any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in text):
        raise AddressError("control", "It holds a control character. Type it anew.")
    if not text.isascii():
        raise AddressError(
            "non-ascii",
            f"It holds {_first_non_ascii(text)}. Write such a name in its punycode form{_punycode_hint(text)}.",
        )


def _first_non_ascii(text: str) -> str:
    character = next(each for each in text if not each.isascii())
    return f"the character U+{ord(character):04X}" if not character.isprintable() else f"the character {character!r}"


def _punycode_hint(text: str) -> str:
    try:
        host = urlsplit(text if "://" in text else f"https://{text}").hostname or ""
        puny = host.encode("idna").decode("ascii")
    except (UnicodeError, ValueError):
        return ""
    return f": {puny}" if _HOST.fullmatch(puny) and puny != host else ""


def _looks_like_host(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9.\-]+(:[0-9]{1,5})?(/.*)?", text) is not None


def _host(host: str, *, bracketed: bool) -> str:
    if not host:
        raise AddressError("host", "It names no host. Write https://HOST:PORT.")
    if bracketed:
        try:
            if "%" not in host:  # Claude Code's parser refuses a zone, Python's takes it
                return str(ipaddress.IPv6Address(host))
            raise ValueError
        except ValueError:
            raise AddressError(
                "host",
                "What stands in [ ] is not an IPv6 address. Write one like https://[::1]:4000.",
            ) from None
    if not _HOST.fullmatch(host):
        raise AddressError(
            "host",
            "Its host holds something that no host name has. Use letters, digits, dots and hyphens.",
        )
    if not all(_is_label(label) for label in host.lower().split(".")):
        raise AddressError(
            "host", "Its host has a part that starts with xn-- and is no punycode. Copy the name once more."
        )
    last = host.rstrip(".").rsplit(".", 1)[-1]
    if last.isdigit() or re.fullmatch(r"0[xX][0-9A-Fa-f]*", last):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise AddressError(
                "host",
                "Its host looks like an IP address and is none. Write four numbers from 0 to 255.",
            ) from None
    return host.lower()


def _is_label(label: str) -> bool:
    if not label.startswith("xn--"):
        return True
    try:
        name = label[4:].encode().decode("punycode")
    except (ValueError, OverflowError):
        return False
    return name.isprintable() and not name.isascii()


def _path(path: str) -> str:
    if "%" in path:
        raise AddressError("path", "Its path holds a % escape. Write the path in plain characters.")
    if not _PATH.fullmatch(path):
        raise AddressError(
            "path",
            "Its path holds a character that programs read differently. Use letters, digits and - . _ ~ /.",
        )
    path = re.sub(r"/+\Z", "", path)
    path = re.sub(r"/+\Z", "", path.removesuffix("/v1"))
    if "//" in path or any(part in (".", "..") for part in path.split("/")):
        raise AddressError("path", "Its path has an empty, . or .. part. Write the path the server really has.")
    return path


def _is_loopback(host: str) -> bool:
    if host.rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

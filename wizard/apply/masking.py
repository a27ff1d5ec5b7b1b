"""Hides credentials in the user's own lines before a diff shows them. Hides too much rather than too little."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from wizard.pattern import pattern
from wizard.secret import names_a_secret

MASK: Final = "****"

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_.\-]*+"
_RUN_BEGINS: Final = r"(?<![A-Za-z0-9_.\-])[0-9.\-]*+"
"""A name is looked for once in a run of its characters: in a line of five megabytes, from each of them takes hours."""
_ASSIGNMENT: Final = pattern(
    rf"""(?P<option>(?<![\w\-])--?{_NAME})\s+"""
    rf"""|(?P<quote>\\?["']?){_RUN_BEGINS}(?P<name>{_NAME})(?P=quote)(?P<sign>\s*+:(?!//)\s*|[ \t]*\+?=[ \t]*)"""
    rf"""|\b(?:set|setenv)\s+(?:-\S+\s+)*(?P<word>{_NAME})(?:\[[^\]]*\])?\s+"""
)
_SHAPES: Final = pattern(
    r"\b(?:sk-[A-Za-z0-9_\-]{4,}|hv[sbr]\.[A-Za-z0-9_\-]{4,}|gh[pousr]_[A-Za-z0-9]{8,}|github_pat_\w{8,}|glpat-[\w\-]{8,}"
    r"|xox[a-z]-[\w\-]{8,}|A[KS]IA[A-Z0-9]{12,}|eyJ[A-Za-z0-9_\-]{4,}\.[A-Za-z0-9_\-.]+)"
    r"|(?i:\b(?:bearer|basic)[ \t]+)\S+"
)
_USER_INFO: Final = pattern(r"(?<=://)[^\s\"']*@")
_LOGIN: Final = pattern(r"((?<![\w\-])(?:-[A-Za-z]*[uU]|--(?:proxy-)?user)[ \t=]*[\"']?[^\s:\"'/]+:)[^\s\"']+")
"""What curl and its kin take: `-u name:password`."""
_PEM: Final = pattern(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----)(.*?)(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_MORE_NAMES: Final = pattern(r"authorization|custom_headers|credential|cookie|bearer|\bpwd\b|passwd", re.IGNORECASE)
_HARMLESS_NAME: Final = pattern(r"(_TTL_MS|_MS|_SECONDS|_TTL|_TOKENS)\Z|\AapiKeyHelper\Z", re.IGNORECASE)
_PLACE_NAME: Final = pattern(r"(_FILE|_PATH|_DIR|_CERT|_ENV|CLIENT_KEY|apiKeyHelper)\Z", re.IGNORECASE)
_PLACE: Final = pattern(r"[\s\"',;\\]*(?:(?:~|\$HOME|\$\{HOME\})?/[\w./\- ]*|[A-Z][A-Z0-9_]*)[\s\"',;\\]*")
_NUMBER: Final = pattern(r"[\s\"',;]*[0-9]*[\s\"',;]*")
_CLOSERS: Final = {"{": "}", "[": "]", "(": ")"}
_NOTHING: Final = pattern(r"""[\s"',;}\])]*""")


def mask_line(line: str) -> str:
    """Return a line with the values of credential-like names hidden, wherever on the line they are set."""
    return "".join(mask_lines([line]))


def mask_lines(lines: list[str]) -> list[str]:
    """Return as many lines, with every credential hidden; a quoted value may span several of them."""
    text = _PEM.sub(lambda found: found[1] + _mask_each_line(found[2]) + found[3], "\n".join(lines))
    pieces: list[str] = []
    done = 0
    for start, end in _secret_spans(text):
        if end <= done:
            continue
        start = max(start, done)
        pieces += [text[done:start], _mask_each_line(text[start:end])]
        done = end
    text = "".join([*pieces, text[done:]])
    return [_mask_shapes(line) for line in text.split("\n")]


def mask_values(lines: list[str]) -> list[str]:
    """Return the lines of a secrets file with every value hidden, whatever its name is."""
    return [_mask_value(line) for line in mask_lines(lines)]


def _mask_value(line: str) -> str:
    name, equals, value = line.partition("=")
    if not line.strip() or line.lstrip().startswith("#"):
        return line
    return f"{name}={MASK if value.strip() else value}" if equals else MASK


def _mask_shapes(line: str) -> str:
    line = _LOGIN.sub(rf"\g<1>{MASK}", line)
    return _USER_INFO.sub(f"{MASK}@", _SHAPES.sub(MASK, line))


def _mask_each_line(text: str) -> str:
    return "\n".join(MASK if part.strip() else part for part in text.split("\n"))


def _secret_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the values of credential-like names stand."""
    place = 0
    while found := _ASSIGNMENT.search(text, place):
        name = found["name"] or found["word"] or found["option"] or ""
        place = found.end("option") if found["option"] else max(found.end(), place + 1)
        if not (names_a_secret(name) or _MORE_NAMES.search(name)):
            place = found.end("name") if found["name"] else place
            continue
        start = found.end()
        end = _value_end(text, start, to_line_end=found["option"] is None and (found["sign"] or " ") != "=")
        if found["quote"] and text.startswith('"', start):  # as in JSON
            end = _closing(text, start)
        value = text[start:end]
        if _is_harmless(name, value):
            continue
        yield start, end
        place = max(end, place)


def _is_harmless(name: str, value: str) -> bool:
    """Say whether a credential-like name holds no credential: nothing, a place, a number of milliseconds."""
    if _NOTHING.fullmatch(value):
        return True
    if _PLACE_NAME.search(name) and _PLACE.fullmatch(value):
        return True
    return bool(_HARMLESS_NAME.search(name) and _NUMBER.fullmatch(value))


def _value_end(text: str, start: int, *, to_line_end: bool) -> int:
    """Return where a value ends: its quotes closed, and the word (or, where blanks belong to it, the line) over."""
    if text[start : start + 1] in _CLOSERS:
        return _bracket_end(text, start)
    place = start
    while place < len(text):
        character = text[place]
        if character == "\n":
            return place
        if character == "\\":
            place += 2
            continue
        if character in "\"'":
            place = _closing(text, place)
            continue
        if text.startswith("$(", place) or character in "`(":
            to_line_end = True
        if not to_line_end and (character.isspace() or character in ";&|"):
            return place
        place += 1
    return min(place, len(text))


def _bracket_end(text: str, start: int) -> int:
    """Return the place after a list or table and its line; the end of the text when it is never closed."""
    depth = 0
    place = start
    while place < len(text):
        character = text[place]
        if character in "\"'":
            place = _closing(text, place)
            continue
        depth += (character in _CLOSERS) - (character in _CLOSERS.values())
        place += 1
        if depth == 0:
            return place
    return len(text)


def _closing(text: str, start: int) -> int:
    """Return the place after a quoted part; after its line when the quote is never closed."""
    quote = text[start]
    place = start + 1
    while place < len(text):
        if text[place] == "\\" and quote == '"':
            place += 2
            continue
        if text[place] == quote:
            return place + 1
        place += 1
    line_end = text.find("\n", start)
    return len(text) if line_end < 0 else line_end

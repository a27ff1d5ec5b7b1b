"""Puts a key into the text of a secrets file, and takes it out again; every other line stays as it is. Pure, on bytes.

What is put there is read back the same by `wizard.keys.env_file`, by the key helper, and by shells and libraries that
read such files.
"""

from __future__ import annotations

from typing import Final

from wizard.keys.env_file import BOM, LINE, MalformedError, read_variable, value_of
from wizard.pattern import pattern
from wizard.secret import Secret

_PLAIN: Final = pattern(r"[A-Za-z0-9_./:@%+,=-]+")


class CantHold(ValueError):  # noqa: N818 - reads as the finding it is
    """A file that can't take the key; the text says why and what to do."""


def put_variable(content: bytes | None, variable: str, key: Secret) -> bytes:
    """Return a file's text with a variable set to a key: in the line that counts now, else in a new last one.

    Raises CantHold.
    """
    text = content or b""
    if b"\0" in text:
        raise CantHold("It is no text file. Choose another file.")
    ending = b"\r\n" if text.count(b"\r\n") > text.count(b"\n") / 2 else b"\n"
    value = _written(key).encode()
    at = last_line(text, variable)
    lines = text.split(b"\n")
    if at is not None:
        lines[at] = _with_value(lines[at], value)
        made = b"\n".join(lines)
    else:
        gap = b"" if text in (b"", BOM) or text.endswith(b"\n") else ending
        made = text + gap + variable.encode() + b"=" + value + ending
    if _read(made, variable) != key.reveal().encode():
        raise CantHold("A line in it can't be read. Mend it, or choose another file.")
    return made


def take_back(content: bytes | None, before: bytes | None, variable: str) -> bytes | None:
    """Return a file's text with a variable's line as it was before; None when nothing else stands in it."""
    at = last_line(content, variable)
    if content is None or at is None:
        return content
    lines = content.split(b"\n")
    then = last_line(before, variable)
    if before is not None and then is not None:
        lines[at] = before.split(b"\n")[then]
        return b"\n".join(lines)
    del lines[at]
    rest = b"\n".join(lines)
    return rest if before is not None or rest.strip() else None


def last_line(content: bytes | None, variable: str) -> int | None:
    """Return the number (from 0) of the line that sets a variable, the last one when several do."""
    lines = (content or b"").removeprefix(BOM).split(b"\n")
    matches = ((number, LINE.fullmatch(line.removesuffix(b"\r"))) for number, line in enumerate(lines))
    return max((number for number, found in matches if found and found[1] == variable.encode()), default=None)


def value_in(content: bytes | None, variable: str) -> bytes | None:
    """Return what a file sets a variable to; None for nothing that can be read."""
    return _read(content or b"", variable)


def _read(content: bytes, variable: str) -> bytes | None:
    try:
        return read_variable(content, variable)
    except MalformedError:
        return None


def _with_value(line: bytes, value: bytes) -> bytes:
    """Return a line with another value; its beginning, a comment behind the value, and its ending stay."""
    body = line.removesuffix(b"\r")
    start = body.removeprefix(BOM)
    found = LINE.fullmatch(start)
    assert found  # noqa: S101 - the caller found the line by it
    head = body[: len(body) - len(found[2])]
    return head + value + _comment(found[2]) + line[len(body) :]


def _comment(raw: bytes) -> bytes:
    """Return the comment behind a value, with the blanks before it."""
    try:
        value = value_of(raw)
    except MalformedError:
        return b""
    rest = raw[len(value) :] if raw[:1] not in (b'"', b"'") else raw[len(value) + 2 :]
    return rest if rest.lstrip().startswith(b"#") and rest[:1] in (b" ", b"\t") else b""


def _written(key: Secret) -> str:
    """Return a key as the value of a line: bare where no shell would change it, else in quotes. Raises CantHold."""
    value = key.reveal()
    if _PLAIN.fullmatch(value):
        return value
    for quote in "'\"":
        if quote not in value:
            return f"{quote}{value}{quote}"
    if value[0] in "'\"#":
        raise CantHold(
            "The key holds both kinds of quotes, which no line of such a file can. Choose another key backend."
        )
    return value

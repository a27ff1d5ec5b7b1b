"""Tells from a file's text by which program it is encrypted, and from its name by which it will be. Pure."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

from wizard.pattern import pattern

PROGRAMS: Final = ("age", "sops")

_AGE: Final = (b"age-encryption.org/v1\n", b"-----BEGIN AGE ENCRYPTED FILE-----")
_SOPS: Final = pattern(rb'^(sops_version=|sops_mac=|sops:[ \t]*\r?$|[ \t]*"sops"[ \t]*:[ \t]*\{)', re.MULTILINE)


def seal_of(content: bytes | None) -> str:
    """Return the program that encrypted a text; empty for one that is not encrypted."""
    text = (content or b"").lstrip()
    if text.startswith(_AGE):
        return "age"
    return "sops" if b"ENC[" in text and _SOPS.search(text) else ""


def seal_named(file: str) -> str:
    """Return the program that a file's name speaks of, as people name such files; empty for none."""
    suffixes = PurePosixPath(file).suffixes
    if suffixes[-1:] == [".age"]:
        return "age"
    return "sops" if {".enc", ".sops"} & set(suffixes) else ""

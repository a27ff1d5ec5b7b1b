"""README's table of key backends and what each was proven with, made from the kinds that the contract is held to."""

from __future__ import annotations

from typing import Final

from tests.keys.kinds import KINDS, NOT_PROVEN

BEGIN: Final = "<!-- made by python -m tests.readme from tests/keys/kinds.py -->"
END: Final = "<!-- end of the table of proofs -->"


def section() -> str:
    """Return the table between its two marks."""
    rows = (f"| {each.title} | {each.proof} |" for each in KINDS.values())
    lines = ("| key from | proven with |", "|---|---|", *rows)
    return "\n".join([BEGIN, "", *lines, "", f"Not proven: {'; '.join(NOT_PROVEN)}.", "", END])

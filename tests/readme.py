"""The README's troubleshooting section and its tables of questions, made from the texts that the wizard shows.

`python -m tests.readme` makes them anew; a test fails when the committed ones are stale.
"""

from __future__ import annotations

import re
import string
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tests import readme_fields, readme_proofs
from wizard import trial
from wizard.doctor import catalogue as doctor
from wizard.gateway import catalogue as gateway
from wizard.keys import catalogue as keys
from wizard.proof import catalogue as proof
from wizard.verdict import Kind

README: Final = Path(__file__).parents[1] / "README.md"
BEGIN: Final = "<!-- made by python -m tests.readme from the wizard's own texts -->"
END: Final = "<!-- end of what python -m tests.readme makes -->"

_ONLY_PLACEHOLDERS: Final = re.compile(r"(?:\W|\{[^{}]*\})*")
_TOLD: Final = "*told by the check*"


def groups() -> Mapping[str, Mapping[str, Kind]]:
    """Return every verdict there is, by where the fault is."""
    return {
        **gateway.GROUPS,
        "Where the key comes from": keys.CATALOGUE,
        "The key helper": trial.CATALOGUE,
        "Claude Code and your files": doctor.CATALOGUE,
        "The proof": proof.CATALOGUE,
    }


def faults(group: Mapping[str, Kind]) -> dict[str, Kind]:
    """Return the verdicts of a group that call for something to be done."""
    return {name: kind for name, kind in group.items() if kind.status in ("warn", "fail")}


def section() -> str:
    """Return the section between its two marks."""
    return "\n".join([BEGIN, *_lines(), END])


def _lines() -> Iterator[str]:
    for title, group in groups().items():
        found = faults(group)
        yield ""
        yield f"<details><summary><b>{title}</b> ({len(found)})</summary>"
        yield ""
        yield "| verdict | what is | what to do |"
        yield "|---|---|---|"
        for name, kind in found.items():
            mark = "" if kind.status == "fail" else " (warning)"
            yield f"| `{name}`{mark} | {_readable(kind.cause, kind)} | {_readable(kind.fix, kind)} |"
        yield ""
        yield "</details>"
    yield ""


def _readable(text: str, kind: Kind) -> str:
    """Return a text with HOST where the wizard fills in a host, and with what it says when it knows no better."""
    if _ONLY_PLACEHOLDERS.fullmatch(text):
        names = [name for _, name, _, _ in string.Formatter().parse(text) if name]
        usual = [str(kind.defaults[name]) for name in names if name in kind.defaults]
        return _escaped(" ".join(usual)) if usual else _TOLD
    parts = [
        _escaped(literal) + (f"*{name.upper().replace('_', ' ')}*" if name else "")
        for literal, name, _, _ in string.Formatter().parse(text)
    ]
    return "".join(parts)


def _escaped(text: str) -> str:
    return re.sub(r"([|*_<>`])", r"\\\1", text)


def made_anew(readme: str) -> str:
    """Return the README with what is made as it has to be. Raises ValueError when a mark is missing."""
    readme = _replaced(readme, BEGIN, END, section())
    readme = _replaced(readme, readme_fields.BEGIN, readme_fields.END, readme_fields.section())
    return _replaced(readme, readme_proofs.BEGIN, readme_proofs.END, readme_proofs.section())


def _replaced(readme: str, begin: str, end: str, made: str) -> str:
    before, first, rest = readme.partition(begin)
    _, last, after = rest.partition(end)
    if not first or not last:
        raise ValueError(f"The README has lost a mark of what is made: {begin} … {end}")
    return before + made + after


def main() -> int:
    """Write what is made into the README."""
    README.write_text(made_anew(README.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{sum(len(faults(each)) for each in groups().values())} verdicts in {README}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

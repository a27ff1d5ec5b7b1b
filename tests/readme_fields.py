"""The README's tables of every question, made from the same texts as the screens' side pane."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from wizard.answers import GATEWAY_FIELDS, KEY_FIELDS, MODEL_FIELDS, WRITE_FIELDS
from wizard.field_help import help_of, is_borrowed
from wizard.fields import Field
from wizard.keys.backend import backends

BEGIN: Final = "<!-- every question, made by python -m tests.readme -->"
END: Final = "<!-- end of every question -->"


def tables() -> Mapping[str, tuple[str, tuple[Field, ...]]]:
    """Return every field there is: by its table in the answers file, with that table's title."""
    return {
        "gateway": ("The server", GATEWAY_FIELDS),
        "key": ("The key", KEY_FIELDS),
        **{f"key.{each.name}": (f"The key: {each.title}", each.fields) for each in backends()},
        "models": ("The models", MODEL_FIELDS),
        "write": ("What is written", WRITE_FIELDS),
    }


def section() -> str:
    """Return the section between its two marks."""
    return "\n".join([BEGIN, *_lines(), END])


def _lines() -> Iterator[str]:
    for prefix, (title, fields) in tables().items():
        own = [each for each in fields if not is_borrowed(each, prefix)]
        borrowed = sorted({each.name.partition("_")[0] for each in fields if is_borrowed(each, prefix)})
        yield ""
        yield f"<details><summary><b>{title}</b> (<code>[{prefix}]</code>)</summary>"
        yield ""
        yield "| question | what it is | like | where to find it | what it becomes |"
        yield "|---|---|---|---|---|"
        for each in own:
            told = help_of(each, prefix)
            default = f" Left empty: {told.default}." if told.default else ""
            cells = (told.what + default, told.example, told.found, told.becomes)
            yield f"| {each.label} (`{each.name}`) | {' | '.join(_escaped(cell) for cell in cells)} |"
        if borrowed:
            yield ""
            names = ", ".join(f"`[key.{each}]`" for each in borrowed)
            yield f"And the questions of {names}, each with that name first."
        yield ""
        yield "</details>"
    yield ""


def _escaped(text: str) -> str:
    return re.sub(r"([|*_<>`$])", r"\\\1", text)

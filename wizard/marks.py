"""How our own files and lines are recognised on the user's disk."""

from __future__ import annotations

from typing import Final

SIGNATURE: Final = "claude-litellm-wizard"
"""Stands in the first lines of every file that is ours alone."""

UNFINISHED: Final = "unfinished.toml"
"""The file in our state folder that holds the answers of a run that was left early."""

BLOCK_BEGIN: Final = "# >>> claude-litellm-wizard >>>"
BLOCK_END: Final = "# <<< claude-litellm-wizard <<<"
"""The lines around our part of a shell's start-up file."""


SET_ASIDE: Final = ": # Set aside for the gateway: "
"""Stands before a line of the user's that we took out of force; it does nothing, also as the only line of an `if`."""


def is_ours(content: bytes | str) -> bool:
    """Say whether a file's first lines carry our signature; our block on top of the user's own file does not count."""
    head = content[:400] if isinstance(content, str) else content[:400].decode("utf-8", "replace")
    lines = (line for line in head.splitlines()[:3] if line.startswith("#") and SIGNATURE in line)
    return any(line not in (BLOCK_BEGIN, BLOCK_END) for line in lines)

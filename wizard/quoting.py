r"""Quoting of values for the shells that read our files.

`shlex.quote` of the standard library will not do: it leaves `=ls` bare, which zsh expands, and fish reads the `\'`
inside its quotes as an escape, so that a value can break out and run as a command.
"""

from __future__ import annotations

from wizard.fields import unsafe


def sh_quote(text: str) -> str:
    """Return text as one word for sh, bash, dash, busybox and zsh; it is always quoted, even a plain word.

    Raises ValueError for NUL, line breaks, other C0 and C1 controls and bidi controls, which no value needs and which
    some shells change (zsh's `cshjunkiequotes` ends a quote at a line break). The error does not repeat the value.
    """
    return "'" + _safe(text).replace("'", "'\\''") + "'"


def fish_quote(text: str) -> str:
    """Return text as one word for fish; always quoted. Raises ValueError for the same characters as `sh_quote`."""
    return "'" + _safe(text).replace("\\", "\\\\").replace("'", "\\'") + "'"


def csh_quote(text: str) -> str:
    """Return text as one word for csh and tcsh, which look for `!` inside quotes too. Raises as `sh_quote` does."""
    return "'" + _safe(text).replace("'", "'\\''").replace("!", "\\!") + "'"


def nu_quote(text: str) -> str:
    """Return text as one word for Nushell. Raises as `sh_quote` does."""
    return '"' + _safe(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _safe(text: str) -> str:
    if problem := unsafe(text):
        raise ValueError(f"a value can't be quoted. {problem}")
    return text

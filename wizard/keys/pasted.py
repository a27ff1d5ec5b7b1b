"""A key that somebody pastes: read once, held as a Secret, refused with a sentence when it can't be one."""

from __future__ import annotations

from typing import Final, TextIO

from wizard.keys.parts import is_key
from wizard.secret import Secret

LONGEST: Final = 16384
"""Characters; the key helper takes no more."""

_LINE: Final = 4095
"""Bytes: what Linux keeps of a line typed at a terminal that is not read key by key; the rest is dropped unseen."""


class NoKey(ValueError):  # noqa: N818 - reads as the finding it is
    """What was pasted can't be a key; the text says why and what to do, and never repeats it."""


class NotHidden(Exception):  # noqa: N818
    """The terminal would show what is typed, so that nothing was read; the text says what to do."""


def ask_unseen(prompt: str, stream: TextIO) -> str:
    """Return what is typed or pasted at the terminal, which does not show it.

    Raises NotHidden, EOFError where the input ends, and NoKey for what is no text or was cut.
    """
    import getpass
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # after that warning it would be shown
            said = getpass.getpass(prompt, stream=stream)
    except getpass.GetPassWarning:
        raise NotHidden("This terminal can't hide what is typed. Use another one.") from None
    except UnicodeDecodeError:
        raise NoKey("That is not UTF-8 text. Copy the key alone.") from None
    if len(said.encode("utf-8", "replace")) >= _LINE:
        raise NoKey("It is too long for a line of this terminal, which cuts it. Send it to store through a pipe.")
    return said


def read_pasted(pasted: str) -> Secret:
    """Return what was pasted or typed as a key, without the line breaks and blanks around it. Raises NoKey."""
    value = pasted.strip()
    if not value:
        raise NoKey("There is no key yet. Paste it.")
    if len(value) > LONGEST:
        raise NoKey("That is far too long for a key. Copy the key alone.")
    if value[0] in "\"'" and value[-1] == value[0]:
        raise NoKey("It is wrapped in quotes. Paste the key without them.")
    if not is_key(value):
        place = next(place for place, each in enumerate(value, 1) if not "!" <= each <= "~")
        raise NoKey(f"It holds a blank, a line break or another odd character at position {place}. Copy the key alone.")
    return Secret(value)

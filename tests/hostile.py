"""Values that shells, and programs behind them, may take for something else than text."""

from __future__ import annotations

import random
from typing import Final

from wizard.fields import unsafe

HOSTILE: Final = (
    "plain", "", " ", "'", "''", '"', "\\", "\\'", "\\\\", "'\\''", "a'b'c", "=ls", "=", "~", "~root", "*", "?",
    "[a-z]", "{a,b}",
    "!", "!!", "a!b", "#x", "x #y", "$HOME", "${HOME}", "$(touch pwned)", "`touch pwned`", "$((1+1))", "; touch pwned;",
    "&& touch pwned", "| touch pwned", "'; touch pwned; echo '", "\\'; touch pwned; echo \\'",
    '"; touch pwned; echo "',
    "%s%n", "-n", "--help", "-e \\t", "a=b", "<(ls)", ">pwned", "^a", "é", "日本", "🔑", "\u00a0", "(touch pwned)",
    "%(x)s",
    "\\x41", "\\u0041", "\\n", "$'\\n'", "trailing\\", "https://llm.corp.example:4000/a?b=c&d",
)  # fmt: skip

RUNS: Final = (
    '$(touch "$C")',
    "`touch $C`",
    ";touch $C;",
    "'$(touch $C)'",
    '"$(touch $C)"',
    "\\'`touch $C`",
    "|touch $C&",
)
"""Each makes the file that the variable C names, where a shell reads it as more than text."""

ENDS: Final = ("-", "--", "~", "~/", " ", "  ", "\u00a0", "\u3000", "=", "%", "@", ":", "\\", "'", '"', "é", "\ufeff")
"""What a value may begin or end with and lose on its way."""

REFUSED: Final = (
    "\0", "\n", "\r", "\t", "\x1b", "\x7f", "\x85", "\x9b", "\u061c", "\u200e", "\u2028", "\u202e", "\u2066", "\ud800",
)  # fmt: skip
"""Controls, line breaks, bidi controls and half a surrogate pair: what no answer may hold."""


def hostile_values(count: int, *more: str, seed: int = 20261123) -> list[str]:
    """Return the hand-picked values and `count` random ones made of what shells treat specially."""
    chance = random.Random(seed)
    pieces = [*HOSTILE, *more, *"'\"\\$`!#&;|<>(){}[]*?~=^%-, ab0é🔑"]
    made = ("".join(chance.choices(pieces, k=chance.randint(1, 9))) for _ in range(count))
    return [*HOSTILE, *made]


def any_values(count: int) -> list[str]:
    """Return `count` different values: each end at each piece, then random ones of pieces and of all of Unicode."""
    chance = random.Random(20261129)
    found = dict.fromkeys(f"{a}{b}{a}" for a in ENDS for b in ("x", *HOSTILE[3:30], *RUNS))
    found |= dict.fromkeys(hostile_values(count // 2, *RUNS, *ENDS))
    while len(found) < count:
        letters = (
            chr(chance.choice((chance.randrange(0x20, 0x7F), chance.randrange(0xA0, 0x30000)))) for _ in range(12)
        )
        value = "".join(letters)
        if not unsafe(value):
            found[value] = None
    return [each for each in found if each.strip()][:count]

"""Regular expressions that are compiled when they are first used.

Compiling one takes up to a millisecond, and of a module's patterns a run uses few. `pattern` is `re.compile` in all
but this; what is wrong in an expression is found by a test that compiles them all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from re import compile as pattern
else:

    class pattern:  # noqa: N801 - called like re.compile
        """A pattern not compiled yet."""

        def __init__(self, expression: str | bytes, flags: int = 0) -> None:
            self.pattern = expression
            self._flags = flags

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a compiled pattern has
            """Compile, once, and have its methods called without a detour from now on."""
            made = re.compile(self.pattern, self._flags)
            for each in ("search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn", "flags"):
                self.__dict__[each] = getattr(made, each)
            return getattr(made, name)


__all__ = ["pattern"]

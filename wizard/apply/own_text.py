"""A text that we rendered (a whole file, or our lines in one) and what becomes of it when the user edited it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from wizard.apply.change import REPLACE_ONLY, Way, digest
from wizard.apply.merge import merge
from wizard.record import dataclass, field

_KEEP: Final = "Yours stays as it is; the wizard asks about it no more."
_MERGE: Final = "Your lines stay, and what is new in ours joins them."
_REPLACE: Final = "Ours as it was written; yours goes into the backup."


@dataclass(frozen=True, slots=True)
class OwnText:
    """What a text of ours shall be, given what is found there.

    `wanted` is the new text (None: none), `base` the one that we rendered last (None: not known), `known` the
    fingerprints of every text that we may have left and `kept` that of the user's own version that was kept or merged
    earlier. `way` was chosen for the text with the fingerprint `seen`, and counts for no other.
    """

    wanted: bytes | None
    base: bytes | None = None
    known: Collection[str] = ()
    kept: str = ""
    way: Way | None = None
    seen: str = ""
    must_hold: bytes = b""
    edited: str = field(default="It changed since this wizard wrote it. What was changed would be replaced.")
    foreign: str = field(default="This wizard did not write what stands here, and would replace it.")

    def __call__(self, found: bytes | None) -> bytes | None:
        """Return the text that shall stand there."""
        if not self._is_theirs(found):
            return self.wanted
        way = self._way(found)
        if way == "keep":
            return found
        return self._merged(found) if way == "merge" else self.wanted

    def question(self, found: bytes | None) -> str:
        """Return a sentence when something of the user's would be replaced without their word."""
        if not self._is_theirs(found) or self._way(found) in ("keep", "merge"):
            return ""
        return self.edited if self.known else self.foreign

    def ways(self, found: bytes | None) -> Mapping[Way, str]:
        """Return what may be chosen, and what each does."""
        if not self._is_theirs(found) or not self.known or found is None:
            return REPLACE_ONLY
        ways: dict[Way, str] = {}
        if self.must_hold in found:
            ways["keep"] = _KEEP
        merged = self._merged(found)
        if merged not in (found, self.wanted, None):
            ways["merge"] = _MERGE
        return ways | {"replace": _REPLACE}

    def chosen(self, found: bytes | None) -> Way | None:
        """Return the way that is taken for what is found."""
        return self._way(found) if self._is_theirs(found) else None

    def _is_theirs(self, found: bytes | None) -> bool:
        if found is None or found == self.wanted:
            return False
        return digest(found) not in self.known or digest(found) == self.kept

    def _way(self, found: bytes | None) -> Way | None:
        """Return the chosen way; what was kept before stays kept, with what is new merged in, as long as that works."""
        now = digest(found)
        if self.way is not None and now == self.seen:
            return self.way if self.way in self.ways(found) else None
        if now != self.kept or found is None:
            return None
        if self.wanted is None:
            return "keep"
        merged = self._merged(found)
        if merged is None or self.must_hold not in merged:
            return None
        return "keep" if merged == found else "merge"

    def _merged(self, found: bytes | None) -> bytes | None:
        if self.base is None or found is None or self.wanted is None:
            return None
        return merge(self.base, found, self.wanted)

"""What becomes of one start-up file: our block in it, and the lines of the user's that are set aside on their word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wizard.apply import managed_block
from wizard.apply.change import REPLACE_ONLY, Way, digest
from wizard.apply.managed_block import BlockProblem
from wizard.apply.own_text import OwnText
from wizard.apply.set_aside import Place, set_aside
from wizard.record import dataclass

_MEND: Final[Mapping[Way, str]] = {
    "merge": "Our marker lines go, yours stay, a new block comes at the end.",
    "keep": "The file stays as it is; settings.json alone does the work.",
}
_TAKE_OUT: Final[Mapping[Way, str]] = {
    "merge": "Our marker lines go, and every line of yours stays.",
    "keep": "The file stays as it is.",
}
_SWALLOWED: Final[Mapping[Way, str]] = {
    "merge": "Our lines come first in the file, where the shell reads them.",
    "keep": "The file stays as it is; settings.json alone does the work.",
    "replace": "Our lines come at the end all the same.",
}


@dataclass(frozen=True, slots=True)
class StartUpEdit:
    """Makes the new text of a start-up file.

    `block` says what our block shall be (None: this file gets none from us), `wrote` are blocks that we wrote, `aside`
    the lines to set aside. `swallowed` says why lines at the end would not be read. `way` was chosen for the file with
    the fingerprint `seen`.
    """

    block: OwnText | None = None
    wrote: tuple[bytes, ...] = ()
    aside: tuple[Place, ...] = ()
    swallowed: str = ""
    way: Way | None = None
    seen: str = ""

    def __call__(self, found: bytes | None) -> bytes | None:
        """Return the new text. Raises BlockProblem only where nobody could have been asked about it before."""
        text = set_aside(found, self.aside) if found is not None and self.aside else found
        if self.block is None:
            return text
        try:
            now = managed_block.current(found)
        except BlockProblem:
            return self._mended(text, found)
        wanted = self.block(now)
        if wanted is None:
            return text if text is None else managed_block.remove(text)
        if now is not None:
            return text if wanted == now else managed_block.swap(text or b"", wanted)
        way = self._way(found) if self.swallowed else None
        return text if way == "keep" else managed_block.put(text, wanted.decode(), on_top=way == "merge")

    def question(self, found: bytes | None) -> str:
        """Return a sentence when something must not be done without the user's word."""
        if self.block is None:
            return ""
        try:
            now = managed_block.current(found)
        except BlockProblem as error:
            return "" if self._way(found) else f"Line {error.line}: {error.text}"
        if now is None:
            asks = self.swallowed and self.block.wanted is not None and self._way(found) not in ("merge", "keep")
            return self.swallowed if asks else ""
        return self.block.question(now)

    def ways(self, found: bytes | None) -> Mapping[Way, str]:
        """Return what may be chosen, and what each does."""
        if self.block is None:
            return REPLACE_ONLY
        try:
            now = managed_block.current(found)
        except BlockProblem:
            return _TAKE_OUT if self.block.wanted is None else _MEND
        if now is None:
            return _SWALLOWED if self.swallowed else REPLACE_ONLY
        return self.block.ways(now)

    def chosen(self, found: bytes | None) -> Way | None:
        """Return the way that is taken for what is found."""
        if self.block is None:
            return None
        try:
            now = managed_block.current(found)
        except BlockProblem:
            return self._way(found)
        return self.block.chosen(now) if now is not None else self._way(found)

    def is_broken(self, found: bytes | None) -> bool:
        """Whether our markers in it can't be trusted."""
        try:
            managed_block.current(found)
        except BlockProblem:
            return True
        return False

    def _way(self, found: bytes | None) -> Way | None:
        return self.way if self.way in self.ways(found) and digest(found) == self.seen else None

    def _mended(self, text: bytes | None, found: bytes | None) -> bytes | None:
        if self._way(found) != "merge" or self.block is None:
            return text
        mended = managed_block.mend(text, self.wrote)
        return mended if self.block.wanted is None else managed_block.put(mended, self.block.wanted.decode())

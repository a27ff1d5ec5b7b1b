"""The one exception of this layer: what went wrong on the way to a server, already classified."""

from __future__ import annotations

from collections.abc import Mapping


class Fault(Exception):  # noqa: N818 - a finding, not a mistake of ours
    """A connection or an answer that is no good.

    `verdict` is the stable name of what was found ("refused", "tls-expired"); the catalogues hold its texts. `facts`
    fill them and never hold a secret. The exception's own text is the verdict alone, so that a
    traceback shows nothing that a server sent.
    """

    def __init__(self, verdict: str, **facts: object) -> None:
        super().__init__(verdict)
        self.verdict = verdict
        self.facts: Mapping[str, object] = facts

    def adding(self, **facts: object) -> Fault:
        """Return the same fault with more facts; those it has already stay."""
        return Fault(self.verdict, **{**facts, **self.facts})

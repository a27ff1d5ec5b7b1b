"""How long and how much a check may take, in seconds and bytes, so that no server can hold it up or fill memory."""

from __future__ import annotations

from typing import Final

NAME: Final = 3.0
"""For the name servers to answer."""

CONNECT: Final = 3.0
"""For one of the host's addresses to accept a connection."""

HANDSHAKE: Final = 5.0
"""For TLS to be agreed."""

FIRST_BYTE: Final = 5.0
"""For the first byte of an answer."""

TOTAL: Final = 8.0
"""For one request, from the name to the last byte of the answer."""

CHECK: Final = 15.0
"""For a whole check of a server."""

BODY: Final = 256 * 1024
"""Bytes of an answer's body."""

SLOW: Final = 2.0
"""An answer that takes longer than this works, and is worth a word."""

CLOCK_SKEW: Final = 300.0
"""Seconds that two clocks may differ before tokens and certificates suffer."""

TOKEN_SKEW: Final = CLOCK_SKEW / 5
"""Seconds: a token that is valid for minutes suffers from less than a certificate does."""

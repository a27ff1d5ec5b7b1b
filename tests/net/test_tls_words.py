"""How long a certificate lasts, in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from wizard.net.tls import Peer


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0, "0 days"),
        (1, "1 day"),
        (212, "212 days"),
        (729, "729 days"),
        (730, "2 years"),
        (26693, "73 years"),
    ],
)
def test_the_time_left_is_told_as_people_would(days: int, said: str) -> None:
    ends = datetime.now(UTC) + timedelta(days=days, hours=1)
    assert Peer("Corp Root CA", (), ends, "TLSv1.3").time_left == said


def test_a_certificate_without_an_end_says_so() -> None:
    assert Peer("Corp Root CA", (), None, "TLSv1.3").time_left == "an unknown time"

"""Secrets never show themselves, and outside text is made inert."""

from __future__ import annotations

import copy
import pickle
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.secret import Secret, names_a_secret, redact

KEY = "sk-canary-0123456789abcdef7f3a"


@pytest.mark.parametrize("shown", [repr, str, "{}".format, "{!r:>3}".format, "{!s}".format])
def test_a_secret_shows_nothing(shown: object) -> None:
    assert callable(shown)
    assert "canary" not in shown(Secret(KEY))
    assert "canary" not in shown([Secret(KEY)]) if shown in (repr, str) else True


def test_a_secret_is_not_pickled_or_copied() -> None:
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="never"):
            attempt(Secret(KEY))


def test_the_hint_tells_only_the_end() -> None:
    assert Secret(KEY).hint() == "sk-…7f3a (30 characters)"
    assert Secret("short").hint() == "… (5 characters)"


def test_case_17_redact_hides_known_secrets_and_key_shapes() -> None:
    assert redact(f"key {KEY} refused", Secret(KEY)) == "key **** refused"
    assert redact("Received sk-abcdefgh12345678 and hvs.CAESIabcdefghij") == "Received **** and ****"
    assert redact("OpenBao's s.dNzng7h3tjRTo13JUmxUOV6t ended") == "OpenBao's **** ended"


@given(st.text(max_size=600))
def test_case_17_redact_leaves_one_short_inert_line(text: str) -> None:
    shown = redact(text)
    assert len(shown) <= 200
    assert not [each for each in shown if unicodedata.category(each) == "Cc"]
    assert not set(shown) & set("\u202e\u2066\u200f\u2028\ufeff\x1b")


@given(st.text(alphabet="abc-_0123456789", min_size=8, max_size=40), st.text(max_size=80), st.text(max_size=80))
def test_redact_never_shows_the_secret(value: str, before: str, after: str) -> None:
    assert value not in redact(before + value + after, Secret(value))


def test_case_17_redact_drops_escape_sequences() -> None:
    assert redact("a\x1b[31mred\x1b[0m \x1b]8;;http://evil\x07link\x1b]8;;\x07 [/x]") == "ared link [/x]"


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "my_token", "DbPassword", "SECRET"])
def test_names_of_credentials(name: str) -> None:
    assert names_a_secret(name)


def test_other_names_are_no_credentials() -> None:
    assert not names_a_secret("ANTHROPIC_BASE_URL")

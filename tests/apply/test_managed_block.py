"""Cases 10, 41, 43, 44 and 45: our lines in somebody else's file."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wizard.apply.managed_block import BlockProblem, current, put, remove
from wizard.marks import BLOCK_BEGIN, BLOCK_END

BLOCK = f"{BLOCK_BEGIN}\nif [ -r x ]; then\n  . x\nfi\n{BLOCK_END}\n"
OTHER = f"{BLOCK_BEGIN}\nif [ -r y ]; then\n  . y\nfi\n{BLOCK_END}\n"
BEGIN, END = BLOCK_BEGIN.encode(), BLOCK_END.encode()

PIECES = (
    b"\n",
    b"\r\n",
    b"\xff\x00",
    b"\xef\xbb\xbf",
    b"cat <<EOF\n",
    b"EOF\n",
    b"<<-'X'",
    b"x<<3",
    b"# >>> conda >>>\n",
)
texts = st.one_of(st.binary(max_size=400), st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join))


@given(texts)
@example(b"no newline")
@example(b"\r\n" * 40_000)
@example(b"cat <<EOF\nnever ended\n")
def test_case_10_putting_and_removing_is_identity_for_any_bytes(text: bytes) -> None:
    assert remove(put(text, BLOCK)) == text


@given(texts)
def test_case_10_the_users_bytes_stay_where_they_are(text: bytes) -> None:
    result = put(text, BLOCK)
    assert result.startswith(text)
    assert put(result, BLOCK) == result
    assert put(put(text, OTHER), BLOCK) == result


@given(texts.filter(lambda text: b"<<" not in text), texts.filter(bool))
def test_case_10_what_comes_after_the_block_stays_too(before: bytes, after: bytes) -> None:
    text = put(before, BLOCK) + after
    replaced = put(text, OTHER)
    assert replaced.startswith(before)
    assert replaced.endswith(after)
    assert current(replaced) == OTHER.encode()
    assert remove(text).endswith(after)


def test_no_file_becomes_just_the_block() -> None:
    assert put(None, BLOCK) == BLOCK.encode()
    assert current(put(None, BLOCK)) == BLOCK.encode()
    assert current(None) is None
    assert remove(b"x\n") == b"x\n"


def test_case_45_a_missing_last_newline_is_added_and_taken_away_again() -> None:
    text = put(b"alias ll='ls -l'", BLOCK)
    assert text.startswith(b"alias ll='ls -l'\n# >>>")
    assert remove(text) == b"alias ll='ls -l'"
    assert remove(text + b"added later\n") == b"alias ll='ls -l'\nadded later\n"


def test_case_44_lines_that_end_in_crlf_stay_so_and_ours_end_in_lf() -> None:
    text = put(b"a\r\nb\r\n", BLOCK)
    assert text == b"a\r\nb\r\n" + BLOCK.encode()


def test_a_block_that_an_editor_turned_to_crlf_is_found_and_replaced() -> None:
    turned = b"a\r\n" + BLOCK.encode().replace(b"\n", b"\r\n") + b"b\r\n"
    assert put(turned, BLOCK) == b"a\r\n" + BLOCK.encode() + b"b\r\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (b"a\n" + BEGIN + b"\nb\n", 2, "no line after ends it"),
        (b"a\nb\n" + END + b"\n", 3, "no line before begins one"),
        (END + b"\n" + BEGIN + b"\n", 1, "no line before begins one"),
        (BEGIN + b"\n" + BEGIN + b"\n" + END + b"\n", 2, "a second time"),
        ((BLOCK * 2).encode(), 6, "a second block"),
        (b"if x; then\n  " + BEGIN + b"\n  " + END + b"\nfi\n", 2, "indented"),
        (b"cat <<EOF\n" + BLOCK.encode() + b"EOF\n", 2, "here-document"),
        (b"cat <<-'E F'\n" + BLOCK.encode() + b"\tE F\n", 2, "here-document"),
    ],
    ids=["lost-end", "lost-begin", "reversed", "begun-twice", "two-blocks", "indented", "heredoc", "tab-heredoc"],
)
def test_case_41_markers_that_cannot_be_trusted_are_refused_with_their_line(text: bytes, line: int, says: str) -> None:
    acts: tuple[Callable[[], object], ...] = (lambda: put(text, BLOCK), lambda: remove(text), lambda: current(text))
    for act in acts:
        with pytest.raises(BlockProblem, match=says) as caught:
            act()
        assert caught.value.line == line


def test_case_41_a_heredoc_that_would_swallow_half_of_the_block_is_refused() -> None:
    with pytest.raises(BlockProblem):
        put(b"cat <<fi\nnever ended\n", BLOCK)


def test_case_43_blocks_of_others_stay() -> None:
    conda = b"# >>> conda initialize >>>\neval x\n# <<< conda initialize <<<\n"
    assert put(conda * 2, BLOCK) == conda * 2 + BLOCK.encode()


@pytest.mark.parametrize("block", ["x\n", f"{BLOCK_BEGIN}\n", BLOCK.replace("\n", "\r\n"), f"\n{BLOCK}"])
def test_only_a_whole_block_can_be_put(block: str) -> None:
    with pytest.raises(ValueError, match="markers"):
        put(b"", block)

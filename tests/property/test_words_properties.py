"""Words of random text in many scripts, by tokenizers of every kind."""

from __future__ import annotations

from itertools import pairwise

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from seewhy.core.graphemes import units_of
from seewhy.core.text import Token, split_words, words_of
from seewhy.core.word_lookup import find_text
from seewhy.models.decoding import tokens_of
from seewhy.models.special_tokens import special_ids
from tokenizer_kinds import BOXES, KINDS, QWEN, THINKING, tokenizer_of

SCRIPTS = [
    *("Latin", "Cyrillic", "Greek", "Armenian", "Georgian", "Hebrew", "Arabic", "Devanagari"),
    *("Bengali", "Tamil", "Telugu", "Sinhala", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan"),
    *("Ethiopic", "Hangul", "Hiragana", "Katakana", "Han"),
]
ASSIGNED = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x20000))))
LETTERS = {script: regex.findall(rf"\p{{Script={script}}}", ASSIGNED)[:400] for script in SCRIPTS}
JOINING = [
    *("\u0301", "\u200d", "\u200c", "\u200b", "\u00ad", "\u200f", "\ufe0f", "\u20e3"),
    *(" ", "\n", "\r\n", "\u3000"),
]
SEQUENCES = ("👩‍🚀", "🇨🇭🇩🇪", "👍🏽", "1️⃣", "❤️", "e\u0301", "क्षि", "نِ", "각")
MARKS = [
    *("3.14", "1,299.00", "12:30", "[0.12, 0.34]", "e.g.", "a@b.com", "-3.5", "$3"),
    *("。”", "...", "'s", "-"),
]
PIECES = st.one_of(
    *(st.text(st.sampled_from(letters), min_size=1, max_size=4) for letters in LETTERS.values()),
    st.sampled_from((*JOINING, *SEQUENCES, *MARKS, *BOXES, *THINKING)),
)
TEXTS = st.lists(PIECES, max_size=12).map("".join)


def tokens(text: str, kind: str) -> tuple[str, list[Token]]:
    """The decoded text and its tokens."""
    tokenizer = tokenizer_of(kind)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    decoded, spans = tokens_of(ids, tokenizer)
    special = special_ids(tokenizer)
    return decoded, [
        Token(id, decoded[a:b], a, b, 1.0, special=id in special and bool(decoded[a:b].strip()))
        for id, (a, b) in zip(ids, spans, strict=True)
    ]


def expect_words(text: str, given: list[Token]) -> None:
    words = words_of(text, given)
    held = [index for word in words for index in word.tokens]
    assert held == (list(range(len(given))) if text.strip() else [])
    assert all(word.text == text[word.start : word.end] for word in words)
    edges = [0, *(edge for word in words for edge in (word.start, word.end)), len(text)]
    assert edges == sorted(edges)
    # Words and what is between them give the text, and nothing visible is between them.
    assert "".join(text[a:b] for a, b in pairwise(edges)) == text
    gaps = [text[a:b] for a, b in list(pairwise(edges))[::2]]
    assert not words or all(units_of(gap).signs.isspace() for gap in gaps if gap)
    clusters = {0, *(match.end() for match in regex.finditer(r"\X", text))}
    assert {edge for word in words for edge in (word.start, word.end)} <= clusters
    for word in words:
        if word.special:
            assert any(token.special for token in given if token.start >= word.start)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=60)
@given(TEXTS)
def test_every_token_is_in_one_word_and_nothing_is_lost_or_torn(kind, text):
    expect_words(*tokens(text, kind))


@settings(deadline=None, max_examples=150)
@given(TEXTS, st.lists(st.integers(0, 60), max_size=12))
def test_words_hold_for_tokens_that_end_anywhere(text, cuts):
    """Tokens that share characters, hold several words, or no text at all."""
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    spans = [(a, b) for a, b in pairwise(edges) for _ in range(2)]
    spans = [(a, a) if n % 2 == 0 else (a, b) for n, (a, b) in enumerate(spans)]
    expect_words(text, [Token(0, text[a:b], a, b, 1.0) for a, b in spans])


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=30)
@given(TEXTS)
def test_every_word_and_every_token_with_text_is_found_by_its_text(kind, text):
    decoded, given = tokens(text, kind)
    words = words_of(decoded, given)
    visible = (token for token in given if not units_of(token.text).signs.isspace())
    for wanted in (*words, *(token for token in visible if token.text)):
        found, within = find_text(decoded, words, given, wanted.text.strip())
        assert decoded[found.start : found.end].casefold() == found.text.casefold()
        assert found.tokens
        assert within


@settings(deadline=None, max_examples=100)
@given(TEXTS)
def test_split_words_keeps_clusters_whole(text):
    clusters = {0, *(match.end() for match in regex.finditer(r"\X", text))}
    spans = split_words(text)
    assert {edge for span in spans for edge in span} <= clusters
    assert all(a < b for a, b in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))


def test_the_real_tokenizer_is_among_them():
    if not QWEN.is_file():
        pytest.skip(f"{QWEN} is not at hand")
    assert "qwen2.5" in KINDS

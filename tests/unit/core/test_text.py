"""Words and phrases by character offsets."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seewhy.core.text import phrase, split_words, words_of


def words(text):
    return [text[a:b] for a, b in split_words(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\t ", []),
        ("a red car", ["a", "red", "car"]),
        ("the dog's ball, isn't it?", ["the", "dog's", "ball", ",", "isn't", "it", "?"]),
        ("a black-and-white cat", ["a", "black-and-white", "cat"]),
        ("wait... - what?!", ["wait", "...", "-", "what", "?!"]),
        ("l’été à Zürich", ["l’été", "à", "Zürich"]),
        ("красный дом", ["красный", "дом"]),
        ("एक कुत्ता घास पर", ["एक", "कुत्ता", "घास", "पर"]),
        ("สุนัขสีแดง", ["สุนัขสีแดง"]),
        ("cafe\u0301 rouge", ["cafe\u0301", "rouge"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("كَلْب", ["كَلْب"]),
        ("❤\ufe0f a", ["❤\ufe0f", "a"]),
        ("3.5 m", ["3.5", "m"]),
        ("a 🚗!", ["a", "🚗", "!"]),
        ("<script>", ["<", "script", ">"]),
    ],
)
def test_split_words_separates_words_and_marks(text, expected):
    assert words(text) == expected


def test_words_of_joins_subtokens():
    text = "an umbrella"
    result = words_of(text, [(0, 2), (2, 6), (6, 11)])
    assert [(w.text, w.tokens) for w in result] == [("an", (0,)), ("umbrella", (1, 2))]


def test_words_of_gives_space_and_empty_tokens_to_the_word_that_follows():
    text = "a  b \n"
    result = words_of(text, [(0, 1), (1, 3), (3, 3), (3, 4), (4, 6), (6, 6)])
    assert [(w.text, w.tokens) for w in result] == [("a", (0,)), ("b", (1, 2, 3, 4, 5))]


def test_words_of_gives_a_shared_token_to_the_larger_part():
    text = "ab, cde"
    # One token "b, cd" is part of three words and holds most of the last.
    result = words_of(text, [(0, 1), (1, 6), (6, 7)])
    assert [(w.text, w.tokens) for w in result] == [("ab,", (0,)), ("cde", (1, 2))]


def test_words_of_joins_a_word_without_tokens_to_its_neighbour():
    text = "go!"
    result = words_of(text, [(0, 3)])
    assert [(w.text, w.start, w.end, w.tokens) for w in result] == [("go!", 0, 3, (0,))]


def test_words_of_joins_a_first_word_without_tokens_to_the_next():
    result = words_of("$\\undefined$", [(0, 12)])
    assert [(w.text, w.start, w.tokens) for w in result] == [("$\\undefined$", 0, (0,))]


def test_words_of_keeps_a_character_split_over_tokens():
    # Byte-level pieces of one character: the first two add no text, the third completes it.
    result = words_of("🚗", [(0, 0), (0, 0), (0, 1)])
    assert [(w.text, w.tokens) for w in result] == [("🚗", (0, 1, 2))]


def test_words_of_no_text_is_empty():
    assert words_of("", []) == ()


def test_phrase_spans_its_words_and_the_text_between():
    text = "a red car"
    result = words_of(text, [(0, 1), (1, 5), (5, 9)])
    joined = phrase(text, result[1:])
    assert (joined.text, joined.start, joined.end, joined.tokens) == ("red car", 2, 9, (1, 2))


@settings(deadline=None)
@given(st.text(max_size=40), st.lists(st.integers(0, 40), max_size=12))
def test_words_of_gives_each_token_to_exactly_one_word(text, cuts):
    edges = sorted({0, len(text), *(c for c in cuts if c < len(text))})
    spans = list(itertools.pairwise(edges))
    result = words_of(text, spans)
    # A blank answer has no words.
    expected = list(range(len(spans))) if text.strip() else []
    assert [t for word in result for t in word.tokens] == expected
    assert all(word.text == text[word.start : word.end] for word in result)
    assert all(a.end <= b.start for a, b in itertools.pairwise(result))

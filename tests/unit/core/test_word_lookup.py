"""Words and parts of an answer, found by number or by text."""

from __future__ import annotations

import pytest

from seewhy.core.errors import UnknownNameError
from seewhy.core.text import Token, words_of
from seewhy.core.word_lookup import find_text, place_of


def answer(*pieces: str):
    """Text, words and tokens of an answer."""
    text, tokens = "", []
    for number, piece in enumerate(pieces):
        start, text = len(text), text + piece
        tokens.append(Token(number, piece, start, len(text), 1.0, special=piece[:2] == "<|"))
    return text, words_of(text, tokens), tokens


ENGLISH = answer(
    "A", " red", " star", " and", " a", " blue", "bird", ".", " A", " red", " cup", "\n"
)
CHINESE = answer("一辆", "红", "色", "的车", "，红", "色。")


@pytest.mark.parametrize(
    ("given", "wanted", "text", "tokens", "words"),
    [
        (ENGLISH, "star", "star", (2,), [2]),
        (ENGLISH, "STAR", "star", (2,), [2]),
        (ENGLISH, 2, "star", (2,), [2]),
        (ENGLISH, -1, "cup", (10, 11), [9]),
        (ENGLISH, "red star", "red star", (1, 2), [1, 2]),
        (ENGLISH, " red star ", "red star", (1, 2), [1, 2]),
        (ENGLISH, "RED star", "red star", (1, 2), [1, 2]),
        (ENGLISH, "red", "red", (1,), [1]),
        (ENGLISH, "red cup", "red cup", (9, 10), [8, 9]),
        (ENGLISH, "blue", "blue", (5,), [5]),
        (ENGLISH, "bird.", "bird.", (6, 7), [5, 6]),
        (CHINESE, "红色", "红色", (1, 2), [1, 2]),
        (CHINESE, "红色的车", "红色的车", (1, 2, 3), [1, 2, 3]),
        (answer("", "", "한", "국"), "한국", "한국", (0, 1, 2, 3), [0]),
        (answer("a", "", "한", "국"), "한", "한", (1, 2), [0]),
        (answer("<|x|>", "a", "<|y|>"), "<|x|>a<|y|>", "<|x|>a<|y|>", (0, 1, 2), [0, 1, 2]),
    ],
)
def test_find_text_finds_what_begins_and_ends_with_a_token(given, wanted, text, tokens, words):
    found, within = find_text(*given, wanted)
    assert (found.text, found.tokens, list(within)) == (text, tokens, words)
    assert given[0][found.start : found.end] == text


def test_find_text_takes_accents_in_either_form():
    given = answer("un", " cafe\u0301")
    assert find_text(*given, "caf\u00e9")[0].text == "cafe\u0301"


@pytest.mark.parametrize(
    ("given", "wanted", "message"),
    [
        (CHINESE, "车", "its tokens there are '的车'; give '的车'"),
        (CHINESE, "色的", "its tokens there are '色', '的车'; give '色的车'"),
        (ENGLISH, "blueb", "its tokens there are ' blue', 'bird'; give 'bluebird'"),
        (ENGLISH, "stra", "did you mean 'star'"),
        (ENGLISH, "", "Expected a word of the answer, got ''"),
        (ENGLISH, "zebra", "choose one of A, red, star"),
    ],
)
def test_find_text_says_what_is_near(given, wanted, message):
    with pytest.raises(UnknownNameError, match=message):
        find_text(*given, wanted)


def test_find_text_refuses_a_number_that_is_not_there():
    with pytest.raises(IndexError, match="got 99"):
        find_text(*ENGLISH, 99)


def test_place_of_goes_on_from_a_word():
    words = ENGLISH[1]
    assert (place_of(words, "a"), place_of(words, "a", 5)) == (4, 4)
    assert (place_of(words, "red"), place_of(words, "red", 2)) == (1, 8)

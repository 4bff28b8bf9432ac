"""Words that answer a question without naming a thing."""

from __future__ import annotations

import unicodedata

import pytest

from seewhy.core.answer_words import answer_kind

YES_NO = (
    "Yes no NO “No.” yes, nein Oui sí não да нет "
    "はい いいえ 是 没有 不是 네 아니요 नहीं نعم true False none"
)
COUNTS = (
    "0 3 12 1,299.00 3.14 12:30 50% 1/2 two Three twenty-one three. none-such "
    "zwei deux два 三 两个 ٣ ३ ½ Ⅳ both"
)
OTHERS = "cup a star noon nothing-ish onto A b3 v2 x no-one's car-two , . - % “ éé"


@pytest.mark.parametrize("word", YES_NO.split())
def test_yes_and_no_are_known_in_many_languages(word):
    assert answer_kind(word) == "yes-no"


@pytest.mark.parametrize("word", [w for w in COUNTS.split() if w != "none-such"])
def test_counts_are_known_as_digits_and_as_words(word):
    assert answer_kind(word) == "count"


@pytest.mark.parametrize("word", [*OTHERS.split(), "", "none-such"])
def test_other_words_are_none(word):
    assert answer_kind(word) == ""


@pytest.mark.parametrize("word", ["left", "same", "more", "first"])
def test_comparisons_are_choices(word):
    assert answer_kind(word) == "choice"


@pytest.mark.parametrize("word", ["A", "(B)", "c."])
def test_letter_is_a_choice_where_it_is_the_whole_answer(word):
    assert answer_kind(word, is_whole=True) == "choice"
    assert answer_kind(word) == ""


def test_accents_may_be_decomposed():
    assert answer_kind(unicodedata.normalize("NFD", "Não")) == "yes-no"

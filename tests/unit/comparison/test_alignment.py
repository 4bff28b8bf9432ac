"""Which words of several answers stand beside each other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seewhy.comparison.alignment import aligned


def test_one_answer_is_a_row_for_each_word():
    words = ["a", "cup", "a", "cup"]
    assert aligned([words, words, words]) == tuple((n, n, n) for n in range(4))


def test_words_without_a_partner_stand_alone_behind_what_they_replace():
    rows = aligned([["a", "red", "cup", "."], ["a", "blue", "cup", "there", "."]])
    assert rows == ((0, 0), (1, None), (None, 1), (2, 2), (None, 3), (3, 4))


def test_the_third_answer_joins_words_that_the_first_lacks():
    rows = aligned([["a", "cat"], ["a", "dog"], ["a", "dog", "sleeps"]])
    assert rows == ((0, 0, 0), (1, None, None), (None, 1, 1), (None, None, 2))


def test_empty_answers():
    assert aligned([[], ["a"]]) == ((None, 0),)
    assert aligned([[], []]) == ()


ANSWERS = st.lists(st.lists(st.sampled_from("abcd"), max_size=8), min_size=2, max_size=4)


@given(ANSWERS)
def test_every_word_stands_in_one_row_in_order(answers):
    rows = aligned(answers)
    for column, words in enumerate(answers):
        assert [row[column] for row in rows if row[column] is not None] == [*range(len(words))]
    for row in rows:
        texts = {answers[c][at] for c, at in enumerate(row) if at is not None}
        assert len(texts) == 1

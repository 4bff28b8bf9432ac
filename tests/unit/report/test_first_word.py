"""Which word a page opens on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from golden.records import record_of
from golden.verdict_records import diagnosed_record
from seewhy.report.first_word import first_word
from seewhy.report.word_verdicts import worst_word


def opened(pieces, **settings) -> str:
    record = record_of(tuple(pieces), **settings)
    return record.words[first_word(record)].text


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        # The first word with a bright map that says something, although "the" is as bright.
        ([("The", "star"), (" star", "star"), (" shines", "star")], "star"),
        ([(".", "star"), (" a", "star"), (" house", "")], "house"),
        ([("Le", "star"), (" chat", "star"), (" est", "star"), (" noir", "star")], "chat"),
        ([("Ein", "star"), (" Hund", "star"), (" und", ""), (" eine", ""), (" Katze", "")], "Hund"),
        ([("一只", "star"), ("猫", "star"), ("。", "star")], "猫"),
        ([("О", "star"), (" кошке", "star"), ("!", "star")], "кошке"),
        # Nothing else is there: a function word before a mark, a mark alone.
        ([(".", "star"), (" the", "")], "the"),
        ([("!", "star")], "!"),
        # Nothing is bright: the brightest of the words that say something.
        ([("A", ""), (" cup", "")], "cup"),
    ],
)
def test_first_word_says_something(pieces, expected):
    assert opened(pieces) == expected


def test_first_word_is_no_markup_and_not_of_the_thinking_block():
    pieces = [
        ("<think>", "star"), (" tree", "tree"), ("</think>", ""), ("<box>", "star"), (" house", ""),
    ]  # fmt: skip
    assert opened(pieces, special=(0, 2, 3)) == "house"


def test_first_word_of_a_contrast_is_the_contrasted_one():
    record = record_of(contrasts=((13, "lamp"),))
    assert first_word(record) == 13


def test_first_word_of_a_diagnosed_answer_is_the_one_that_the_picture_does_not_support():
    record = diagnosed_record()
    assert first_word(record) == worst_word(record)
    # A contrast that was asked for comes before.
    assert first_word(replace(record, contrasts=((1, "blue"),))) == 1


def test_first_word_of_an_answer_without_words_is_the_first():
    assert first_word(record_of((("", ""),))) == 0

"""What changed between two answers, against a plain search and on long ones."""

from __future__ import annotations

import random
from functools import cache
from types import SimpleNamespace

import pytest

from seewhy.answer_diff import AnswerChange, diff_of, equal_blocks
from seewhy.core.text import Word


def answer(text):
    """As much of an explanation as a diff looks at: one word for each run of letters."""
    words, at = [], 0
    for number, part in enumerate(text.split()):
        at = text.index(part, at)
        words.append(Word(part, at, at + len(part), (number,)))
        at += len(part)
    return SimpleNamespace(answer=text, record=SimpleNamespace(words=words))


def longest(one, other):
    """The length of a longest common sequence, slowly."""

    @cache
    def from_(i, j):
        if i == len(one) or j == len(other):
            return 0
        if one[i] == other[j]:
            return 1 + from_(i + 1, j + 1)
        return max(from_(i + 1, j), from_(i, j + 1))

    return from_(0, 0)


def test_words_are_told_as_same_removed_and_added_in_order():
    before, after = answer("A red  star is here ."), answer("A boat is far from here .")
    assert diff_of(before, after) == (
        AnswerChange("same", "A", (0,), (0,)),
        AnswerChange("removed", "red  star", (1, 2), ()),
        AnswerChange("added", "boat", (), (1,)),
        AnswerChange("same", "is", (3,), (2,)),
        AnswerChange("added", "far from", (), (3, 4)),
        AnswerChange("same", "here .", (4, 5), (5, 6)),
    )
    assert diff_of(before, after)[1].to_json() == {
        "kind": "removed",
        "text": "red  star",
        "before": [1, 2],
        "after": [],
    }


def test_equal_empty_and_wholly_other_answers():
    one = answer("a b c")
    assert [change.kind for change in diff_of(one, one)] == ["same"]
    assert diff_of(answer(""), answer("")) == ()
    assert [change.kind for change in diff_of(one, answer(""))] == ["removed"]
    assert [change.kind for change in diff_of(answer(""), one)] == ["added"]
    assert [change.kind for change in diff_of(one, answer("x y"))] == ["removed", "added"]


@pytest.mark.parametrize("seed", range(30))
def test_as_many_words_as_possible_are_matched_and_every_word_is_told_once(seed):
    rng = random.Random(seed)
    one, other = ([rng.choice("abcd") for _ in range(rng.randrange(14))] for _ in range(2))
    blocks = equal_blocks(one, other)
    assert sum(size for *_, size in blocks) == longest(tuple(one), tuple(other))
    for start, to, size in blocks:
        assert one[start : start + size] == other[to : to + size]
    changes = diff_of(answer(" ".join(one)), answer(" ".join(other)))
    assert [n for change in changes for n in change.before] == list(range(len(one)))
    assert [n for change in changes for n in change.after] == list(range(len(other)))


def test_answers_of_thousands_of_words_are_compared_however_they_repeat():
    rng = random.Random(0)
    cases = {
        "one word": (["the"] * 2000, ["the"] * 1900),
        "two words": tuple([rng.choice(("a", "the")) for _ in range(2000)] for _ in range(2)),
        "others": ([f"a{n}" for n in range(2000)], [f"b{n}" for n in range(2000)]),
        "edited": tuple([f"w{rng.randrange(300)}" for _ in range(2000)] for _ in range(2)),
        "endless": (["so"] * 40_000, ["so", "it"] * 20_000),
    }
    for name, (one, other) in cases.items():
        blocks = equal_blocks(one, other)
        assert all(one[a : a + n] == other[b : b + n] for a, b, n in blocks), name

import random

import pytest

from audit_rows import word_row
from seewhy.audit.worst import Worst, badness, is_unsupported


def test_worst_are_those_that_sorting_all_gives():
    rng = random.Random(2)
    rows = [word_row(f"a{n}", support=rng.randrange(50) / 100, probability=rng.random())
            for n in range(500)]  # fmt: skip
    kept = Worst(7)
    for row in rows:
        kept.add(row)
    assert kept.rows() == tuple(sorted(rows, key=badness)[:7])


def test_worst_of_equal_support_is_the_most_probable():
    kept = Worst(2)
    for id_, probability in (("a", 0.2), ("b", 0.9), ("c", 0.5)):
        kept.add(word_row(id_, probability=probability))
    assert [row.id for row in kept.rows()] == ["b", "c"]


def test_worst_holds_no_more_than_twice_its_size_and_no_reasons():
    kept = Worst(5)
    for n in range(1000):
        kept.add(word_row(f"a{n}", support=1 - n / 1000, because="x" * 1000))
        assert len(kept._kept) < 10
    assert {row.because for row in kept.rows()} == {""}


@pytest.mark.parametrize(("support", "bad"), [(0.499, True), (0.5, False), (1.0, False)])
def test_a_word_is_unsupported_below_a_half(support, bad):
    assert is_unsupported(word_row(support=support)) is bad

from dataclasses import replace

import pytest

from golden.records import record_of
from golden.verdict_records import RED, STAR, TREE, diagnosed_record
from seewhy.core.errors import InputError
from seewhy.report.word_verdicts import last_verdict, verdicts_of, worst_word


def test_worst_word_is_the_one_with_the_smallest_support():
    assert worst_word(diagnosed_record()) == TREE


def test_worst_word_is_the_first_of_equal_ones():
    record = diagnosed_record()
    tree = record.verdicts[TREE]
    verdicts = tuple(tree if i in (STAR, TREE) else v for i, v in enumerate(record.verdicts))
    assert worst_word(replace(record, verdicts=verdicts)) == STAR


def test_worst_word_is_none_where_no_word_has_a_verdict():
    record = diagnosed_record()
    assert worst_word(replace(record, verdicts=(None,) * len(record.words))) is None


def test_last_verdict_leaves_out_words_without_one():
    record = diagnosed_record()
    assert last_verdict(record, [0, RED, 5]) is record.verdicts[RED]
    assert last_verdict(record, [0, 5]) is None


@pytest.mark.parametrize("call", [verdicts_of, worst_word, lambda r: last_verdict(r, [0])])
def test_verdicts_name_their_remedy_where_there_are_none(call):
    with pytest.raises(InputError, match=r"got one without.*diagnose=True.*--diagnose"):
        call(record_of())


def test_worst_word_of_equal_ones_has_a_verdict_of_its_own():
    record = diagnosed_record()
    tree = record.verdicts[TREE]
    shared = replace(tree, because=replace(tree.because, noun=TREE))
    verdicts = tuple(shared if i == STAR else v for i, v in enumerate(record.verdicts))
    assert STAR < TREE
    assert worst_word(replace(record, verdicts=verdicts)) == TREE

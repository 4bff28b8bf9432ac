import json

import pytest

from audit_rows import word_row
from seewhy.audit.causes import CauseCounts
from seewhy.core.errors import SchemaError


def said(id_: str, lemma: str, after: str = "", part: str = "answer", **changed):
    given = {"follows": after, "follows_part": part if after else "", **changed}
    return word_row(id_, lemma, **given)


def seen(id_: str, lemma: str):
    return word_row(id_, lemma, source="picture", support=0.9)


def counted(*answers) -> CauseCounts:
    counts = CauseCounts()
    for words in answers:
        counts.add(words)
    return counts


def pairs(*answers) -> list[tuple[str, str, int, int]]:
    return [(c.follows, c.lemma, c.rate.count, c.rate.total) for c in counted(*answers).causes()]


def test_cause_is_counted_by_the_answers_that_hold_the_followed_word():
    answers = [[seen(f"a{n}", "boat"), said(f"a{n}", "fish", "boat")] for n in range(3)]
    assert pairs(*answers, [seen("b", "boat")], [seen("c", "cup")]) == [("boat", "fish", 3, 4)]


def test_cause_is_counted_once_an_answer():
    twice = [said("a", "fish", "boat", word=n) for n in range(2)]
    others = [[said(f"b{n}", "fish", "boat")] for n in range(2)]
    assert pairs(twice, *others) == [("boat", "fish", 3, 3)]


def test_a_followed_word_without_a_row_counts_where_it_is_followed():
    assert pairs(*[[said(f"a{n}", "fish", "boat")] for n in range(4)]) == [("boat", "fish", 4, 4)]


def test_pairs_in_fewer_than_three_answers_are_left_out():
    assert pairs(*[[said(f"a{n}", "fish", "boat")] for n in range(2)]) == []


def test_causes_are_ranked_by_answers_times_rate():
    """6 of 6 scores 6, 7 of 14 scores 3.5, though it is seen in more answers."""
    always = [[said(f"a{n}", "fish", "boat")] for n in range(6)]
    often = [[said(f"b{n}", "fork", "plate")] for n in range(7)]
    plates = [[seen(f"c{n}", "plate")] for n in range(7)]
    assert pairs(*always, *often, *plates) == [("boat", "fish", 6, 6), ("plate", "fork", 7, 14)]
    assert [c.score for c in counted(*always, *often, *plates).causes()] == [6, 3.5]


def test_a_word_that_shares_its_nouns_verdict_stands_behind_the_noun():
    shared = json.dumps({"noun": 1})
    answers = [
        [
            said(f"a{n}", "blue", "boat", role="colour", because=shared),
            said(f"a{n}", "fish", "boat", word=1, because='{"noun": null}'),
        ]
        for n in range(3)
    ]
    assert pairs(*answers) == [("boat", "fish", 3, 3)]


def test_a_word_whose_noun_is_itself_stands_alone():
    answers = [[said(f"a{n}", "fish", "boat", because='{"noun": 0}')] for n in range(3)]
    assert pairs(*answers) == [("boat", "fish", 3, 3)]


def test_words_from_the_picture_are_no_cause():
    rows = [[said(f"a{n}", "fish", "boat", source="picture")] for n in range(5)]
    assert pairs(*rows) == []


def test_words_of_the_prompt_are_counted_by_the_word_that_is_said():
    answers = [[said(f"a{n}", "yes", "snowboard", "prompt")] for n in range(3)]
    (cause,) = counted(*answers, [seen("b", "yes")], [seen("c", "snowboard")]).causes()
    assert (cause.part, cause.rate.count, cause.rate.total) == ("prompt", 3, 4)


def test_a_word_after_many_different_words_is_a_cause_of_its_own():
    scattered = [[said(f"a{n}", "person", f"w{n}")] for n in range(5)]
    assert pairs(*scattered, [seen("b", "person")]) == [("", "person", 5, 6)]


def test_a_word_that_one_pair_explains_is_no_cause_of_its_own():
    boats = [[said(f"a{n}", "fish", "boat")] for n in range(3)]
    others = [[said(f"b{n}", "fish", f"w{n}")] for n in range(3)]
    assert pairs(*boats, *others) == [("boat", "fish", 3, 3)]


def test_causes_count_the_truth_and_keep_examples():
    truths = [False, False, True, None, False]
    answers = [[said(f"a{n}", "fish", "boat", supported=t)] for n, t in enumerate(truths)]
    (cause,) = counted(*answers).causes()
    assert (cause.known, cause.untrue) == (4, 3)
    assert [row.id for row in cause.examples] == ["a2", "a3", "a4"]


def test_pairs_beyond_the_limit_are_counted_as_left_out():
    counts = CauseCounts(limit=1)
    counts.add([said("a", "fish", "boat")])
    counts.add([said("b", "fork", "plate")])
    assert counts.left_out == 2  # the pair, and the word alone


@pytest.mark.parametrize("because", ["{", "[1]"])
def test_a_damaged_verdict_is_an_error(because):
    with pytest.raises(SchemaError, match="the verdict on word 0 of answer 'a'"):
        counted([said("a", "fish", "boat", because=because)])

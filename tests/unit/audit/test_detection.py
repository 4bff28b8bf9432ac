import random

import pytest

from seewhy.audit.detection import GROUPS, SupportCounts
from seewhy.functional.statistics import Values, bootstrap_weights, estimate


def counts_of(answers) -> SupportCounts:
    counts = SupportCounts()
    for answer in answers:
        counts.add(answer)
    return counts


def drawn_answers(number: int) -> list[list[tuple[float, bool]]]:
    rng = random.Random(number)
    return [
        [
            (round(rng.betavariate(3, 2) if good else rng.betavariate(2, 3), 3), good)
            for good in (rng.random() < 0.8 for _ in range(rng.randrange(5)))
        ]
        for _ in range(number)
    ]


def test_figures_are_those_of_the_words_themselves():
    """Up to as many answers as groups it is the same bootstrap, drawing by drawing."""
    answers = [answer for answer in drawn_answers(200) if answer]
    found = counts_of(answers).detection()
    scores = [1 - support for answer in answers for support, _ in answer]
    labels = [not good for answer in answers for _, good in answer]
    images = [at for at, answer in enumerate(answers) for _ in answer]
    values, weights = Values.of(scores, images, labels), bootstrap_weights(len(answers))
    for kind, ours in (("auroc", found.auroc), ("average-precision", found.average_precision)):
        theirs = estimate(kind, [values], weights)
        assert (ours.value, ours.low, ours.high) == pytest.approx(
            (theirs.value, theirs.low, theirs.high), abs=1e-9
        )
    assert (found.words, found.untrue, found.answers) == (len(scores), sum(labels), len(answers))


def test_false_positive_rate_is_by_hand():
    """All three untrue words are found at a support of 0.3, and with them one true word of four."""
    rows = [
        (0.1, False),
        (0.2, False),
        (0.3, False),
        (0.25, True),
        (0.7, True),
        (0.8, True),
        (1, True),
    ]
    found = counts_of([[row] for row in rows]).detection()
    assert found.false_positive_rate.value == 0.25
    assert found.auroc.value == pytest.approx(11 / 12)


def test_more_answers_than_groups_are_dealt_out():
    found = counts_of(drawn_answers(3 * GROUPS)).detection()
    assert found.auroc.low < found.auroc.value < found.auroc.high
    assert found.auroc.high - found.auroc.low < 0.06


@pytest.mark.parametrize("good", [True, False])
def test_words_of_one_kind_alone_have_no_figures(good):
    assert counts_of([[(0.2, good)], [(0.3, good)]]).detection() is None
    assert counts_of([]).detection() is None

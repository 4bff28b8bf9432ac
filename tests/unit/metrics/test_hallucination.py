"""Scores of words that the picture does not bear out."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from metric_cases import SIZE, box, drawn, planted, truth
from seewhy.metrics import METRICS
from seewhy.metrics._base import Measurement, Undefined
from seewhy.metrics._hallucination import erasable, labelled
from seewhy.images.changes import erase_object
from seewhy.metrics._reruns import session_of
from seewhy.metrics.hallucination import scores
from seewhy.metrics.hallucination_baselines import Predictions, _scores, predictions

TRUTHS = {
    "star": truth("kind", 0, supported=True),
    "is": truth("kind", supported=False),
    "there": truth("kind"),
}


def test_hallucination_labels_words_with_a_truth():
    case = planted(torch.zeros(4, *SIZE), [box(1, 1, 4, 4)], TRUTHS)
    assert labelled(case) == {1: False, 2: True}


def test_hallucination_scores_are_of_raw_maps_and_context():
    maps = torch.zeros(4, *SIZE)
    maps[1, 2, 2], maps[2, 0, 0] = 0.75, 0.25
    context = torch.zeros(4, 8)
    context[1, 0], context[2, 3] = 0.25, 0.75
    case = planted(maps, [box(1, 1, 4, 4)], TRUTHS, context=context)
    seen, unseen = scores(case, 1), scores(case, 2)
    assert (seen["context-share"], unseen["context-share"]) == (0.25, 0.75)
    # The word at place 1 has 5 words before it, four of the prompt's and one of the answer's.
    cell, word = 0.75 / 96, 0.25 / 5
    assert seen["context-share-mean"] == pytest.approx(word / (word + cell))
    assert (seen["negative-map-peak"], unseen["negative-map-peak"]) == (-0.75, -0.25)


def test_hallucination_without_evidence_of_either_kind_is_undefined():
    case = planted(torch.zeros(4, *SIZE), [box(1, 1, 4, 4)], TRUTHS)
    measured = list(METRICS.get("hallucination")().measure(case))
    assert Undefined("context-share-auroc", "score not finite") in measured
    assert Measurement("negative-map-peak-auroc", 0.0, 2, True) in measured


def test_hallucination_measures_a_word_with_and_without_its_object(loaded):
    case = drawn(loaded, roles=("kind",), count=3)
    for name, figure in (
        ("hallucination", "negative-map-peak-counterfactual-auroc"),
        ("hallucination-baselines", "nll-counterfactual-auroc"),
    ):
        measured = [m for m in METRICS.get(name)().measure(case) if m.figure == figure]
        assert [one.label for one in measured if isinstance(one, Measurement)] == [False, True]
        assert len({one.word for one in measured if isinstance(one, Measurement)}) == 1


def test_baselines_tell_erased_objects(loaded):
    """The model is less sure of a thing that is gone: in every one of four scenes."""
    rises = []
    for index in range(4):
        case = drawn(loaded, index=index, roles=("kind",), count=3)
        seen, gone = (
            one.value
            for one in METRICS.get("hallucination-baselines")().measure(case)
            if isinstance(one, Measurement) and one.figure == "nll-counterfactual-auroc"
        )
        rises.append(gone - seen)
    assert min(rises) > 1


def test_baselines_agree_with_rereading(loaded):
    case = drawn(loaded)
    session, image = session_of(case), case.image
    (found,) = predictions(session, [image])
    plain = session.log_probabilities([(image,)])[0]
    torch.testing.assert_close(found.log_probabilities, plain, atol=1e-4, rtol=1e-3)
    assert bool((found.entropies >= 0).all())
    # Of all that attention can rest on, text and template get their share.
    assert bool(((found.attention > 0) & (found.attention < 1)).all())


def test_erasable_has_no_second_object_of_its_kind(loaded):
    case = drawn(loaded, roles=("kind",), count=3)
    chosen = erasable(case)
    assert chosen is not None
    assert chosen[0] in case.selected
    crowded = tuple(
        replace(word, truth=replace(word.truth, tags={"distractor": "yes"})) if word.truth else word
        for word in case.words
    )
    assert erasable(replace(case, words=crowded, memory={})) is None


def test_erase_object_fills_it_with_the_colour_around_it():
    import numpy as np
    from PIL import Image

    pixels = np.full((*SIZE, 3), 40, dtype=np.uint8)
    mask = box(2, 3, 5, 7)
    pixels[mask.numpy()] = (250, 10, 10)
    assert (np.asarray(erase_object(Image.fromarray(pixels), mask)) == 40).all()


def test_baseline_scores_are_high_where_the_picture_adds_nothing():
    own, grey = (
        Predictions(torch.tensor(p), torch.tensor([2.0, 1.0, 0.0]), torch.tensor([0.5, 0.3, 0.1]))
        for p in ([-1.0, -2.0, -9.0], [-3.0, -4.0, -9.0])
    )
    assert _scores(own, grey, [0, 1]) == pytest.approx(
        {
            "nll": 3.0,
            "entropy": 2.0,
            "image-log-probability-gap": -4.0,
            "non-image-attention": 0.6,
        }
    )

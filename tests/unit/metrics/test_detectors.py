"""Published detectors: their layers and positions, and what they say of drawn scenes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from metric_cases import drawn
from seewhy.core.errors import ParameterError, UnsupportedModelError
from seewhy.metrics import METRICS, _detectors, hallucination_detectors
from seewhy.metrics._base import Measurement, Undefined
from seewhy.metrics._detector_base import Reading, at_depth, middle_half
from seewhy.metrics._detectors import DETECTORS, Ads, Inslen, InternalConfidence, Svar, detect
from seewhy.metrics._reruns import session_of
from seewhy.metrics.hallucination_detectors import SCORES
from seewhy.models.passes import count_passes


@pytest.fixture(scope="module")
def case(loaded):
    return drawn(loaded, roles=("kind",), count=3)


def test_detectors_are_those_of_the_figures():
    assert [detector.name for detector in DETECTORS] == list(SCORES)


def test_published_layers_are_kept_for_32_and_moved_for_others():
    assert [at_depth(layer, 32) for layer in (0, 5, 13, 19, 32)] == [0, 5, 13, 19, 32]
    assert [at_depth(layer, 5) for layer in (5, 13, 19, 22, 24, 27, 32)] == [1, 2, 3, 3, 4, 4, 5]
    assert (middle_half(32), middle_half(28)) == (range(8, 24), range(7, 21))


@pytest.mark.parametrize("layers", [1, 2, 3, 5, 28, 32, 80])
def test_detectors_of_attention_have_a_layer_in_every_model(layers):
    reading = Reading(((0,),), torch.tensor([1]), layers, (), None)
    for detector in (Svar(reading), Ads(reading)):
        chosen = list(detector._layers)
        assert chosen
        assert chosen[0] >= 0
        assert chosen[-1] < layers


def test_one_pass_for_all_detectors_and_the_same_scores_alone(case):
    session = session_of(case)
    words = [case.words[index].tokens for index in case.selected]
    with count_passes(session.loaded.model) as passes:
        together = detect(session, session.inputs(), words)
    assert (passes.forward, passes.backward) == (1, 0)
    assert all(bool(values.isfinite().all()) for values in together.values())
    for detector in DETECTORS:
        alone = detect(session, session.inputs(), words[:1], [detector])
        torch.testing.assert_close(alone[detector.name], together[detector.name][:1])


def test_internal_confidence_takes_the_surest_of_a_words_tokens(case):
    session = session_of(case)
    both = detect(session, session.inputs(), [[2, 3], [2], [3]], [InternalConfidence])
    pair, *single = both["negative-internal-confidence"].tolist()
    assert pair == min(single)


def test_scores_rise_where_the_object_is_gone(case):
    """In the mean over scenes: the lens finds an object that is there."""
    names = ("negative-internal-confidence", "negative-glsim")
    metric, found = METRICS.get("hallucination-detectors")(), {name: [] for name in names}
    loaded = session_of(case).loaded
    for index in range(4):
        measured = list(metric.measure(drawn(loaded, index=index, roles=("kind",), count=3)))
        for name in names:
            figure = f"{name}-counterfactual-auroc"
            seen, gone = (
                m.value for m in measured if isinstance(m, Measurement) and m.figure == figure
            )
            found[name].append(gone - seen)
    assert sum(found["negative-internal-confidence"]) > 0


def test_detectors_measure_all_words_with_a_label_and_one_without_its_object(case):
    metric = METRICS.get("hallucination-detectors")()
    measured = list(metric.measure(case))
    one = [m for m in measured if m.figure == "ads-counterfactual-fpr95"]
    assert [m.label for m in one if isinstance(m, Measurement)] == [False, True]
    words = {m.word for m in measured if m.figure == "ads-auroc" and isinstance(m, Measurement)}
    labelled = {n for n, word in enumerate(case.words) if word.truth and word.truth.supported}
    assert words == labelled
    assert not [m for m in measured if isinstance(m, Undefined)]


def test_layers_that_cannot_be_read_are_counted(case, monkeypatch):
    def refuse(*arguments):
        raise UnsupportedModelError("no layers")

    monkeypatch.setattr(hallucination_detectors, "detect", refuse)
    metric = METRICS.get("hallucination-detectors")()
    found = list(metric.measure(case))
    assert found == metric.undefined("the decoder's layers cannot be read")


def test_attention_that_is_not_given_leaves_the_other_scores(case, monkeypatch):
    visit = _detectors.visit_layers

    def without_attention(loaded, inputs, ids, positions, on_states, on_attention, attending):
        visit(loaded, inputs, ids, positions, on_states)

    monkeypatch.setattr(_detectors, "visit_layers", without_attention)
    session = session_of(case)
    found = detect(session, session.inputs(), [[0]])
    undefined = {name for name, values in found.items() if bool(values.isnan())}
    assert undefined == {"negative-svar", "ads"}


def test_inslen_without_text_after_the_picture_is_undefined(case):
    session = session_of(case)
    inputs = session.inputs()
    later = torch.tensor([*inputs.visual_positions[:-1], inputs.length - 1])
    moved = replace(inputs, visual_positions=later)
    assert bool(detect(session, moved, [[0]], [Inslen])[Inslen.name].isnan())


def test_detect_refuses_words_without_tokens(case):
    session = session_of(case)
    for words in ([], [[0], []]):
        with pytest.raises(ParameterError, match="at least one word with tokens, got"):
            detect(session, session.inputs(), words)

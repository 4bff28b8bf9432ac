"""Insertion, deletion and erasure: planted maps whose effect is known."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import pytest
import torch

from metric_cases import drawn
from seewhy.core.errors import AnswerError, ParameterError
from seewhy.core.geometry import Geometry
from seewhy.methods import Evidence
from seewhy.metrics import METRICS, Measurement, Undefined, word_mask
from seewhy.metrics._curves import FRACTIONS
from seewhy.metrics._reruns import SessionSample
from seewhy.models.passes import count_passes


def with_maps(case: SessionSample, of_word) -> SessionSample:
    """The case with planted maps on the pixel grid: `of_word(mask)` for each wanted word."""
    width, height = case.image.size
    maps = torch.zeros(len(case.evidence.trace.tokens), height, width)
    for at in case.selected:
        mask = word_mask(case, at)
        assert mask is not None
        maps[case.words[at].tokens] = of_word(mask)
    tokens = len(maps)
    planted = replace(
        case.attribution,
        maps=(maps,),
        low=torch.zeros(tokens),
        high=torch.ones(tokens),
        grids=(Geometry.of_equal_cells((width, height), height, width).base_grid,),
    )
    return replace(case, attribution=planted)


def oracle(case: SessionSample) -> SessionSample:
    return with_maps(case, lambda mask: mask.float())


def inverse(case: SessionSample) -> SessionSample:
    return with_maps(case, lambda mask: (~mask).float())


def means(metric, case):
    found = defaultdict(list)
    for one in metric.measure(case):
        if isinstance(one, Measurement):
            found[one.figure].append(one.value)
    return {figure: sum(values) / len(values) for figure, values in found.items()}


@pytest.mark.parametrize("fill", ["blur", "mean", "noise"])
def test_deletion_is_lower_and_insertion_higher_for_the_mask_itself(fill, loaded):
    case = drawn(loaded, roles=("kind",), count=3)
    for name, better in (("deletion", -1), ("insertion", 1)):
        metric = METRICS.get(name)(fill=fill)
        good, bad = means(metric, oracle(case)), means(metric, inverse(case))
        for suffix in ("", "-nats", "-probability"):
            assert better * (good[f"{name}{suffix}"] - bad[f"{name}{suffix}"]) > 0.1


def test_curves_begin_and_end_where_all_or_nothing_is_there(loaded):
    case = oracle(drawn(loaded, roles=("kind",), count=2))
    for name, ends in (("deletion", (1, 0)), ("insertion", (0, 1))):
        found = means(METRICS.get(name)(), case)
        assert found[f"{name}-curve@0.0"] == pytest.approx(ends[0], abs=1e-3)
        assert found[f"{name}-curve@1.0"] == pytest.approx(ends[1], abs=1e-3)


def test_curves_cost_no_more_than_twenty_readings_a_word(loaded):
    case = drawn(loaded, count=3)
    with count_passes(loaded.model) as passes:
        list(METRICS.get("deletion")().measure(case))
        list(METRICS.get("insertion")().measure(case))
    # Nine steps for each of both curves, and the two ends for all words together.
    assert passes.forward == 3 * 2 * (len(FRACTIONS) - 2) + 2


def test_deletion_ranks_equal_pixels_alike_for_every_method(loaded):
    case = drawn(loaded)
    one = with_maps(case, lambda mask: torch.full(mask.shape, 0.2))
    other = with_maps(case, lambda mask: torch.full(mask.shape, 0.8))
    deletion = METRICS.get("deletion")()
    assert list(deletion.measure(one)) == list(deletion.measure(other))


def test_context_deletion_is_lower_for_relevant_context(loaded):
    """Relevance by what leaving out each single token costs, against the same turned round."""
    case = drawn(loaded, roles=("kind",), count=3)
    trace, session = case.evidence.trace, case.evidence.session
    assert session is not None
    asked, text = len(trace.prompt_tokens), len(trace.text_tokens)
    context = torch.zeros(len(trace.tokens), text)
    for at in case.selected:
        tokens = case.words[at].tokens
        before = asked + tokens[0]
        alone = session.log_probabilities_without(torch.eye(text, dtype=torch.bool)[:before])
        costs = -alone[:, tokens].sum(1)
        context[tokens[0], :before] = costs - costs.min()
    good = replace(case, attribution=replace(case.attribution, context=context))
    turned = context.max() - context
    bad = replace(case, attribution=replace(case.attribution, context=turned))
    for name, better in (("context-deletion", -1), ("context-insertion", 1)):
        metric = METRICS.get(name)()
        difference = means(metric, good)[f"{name}-nats"] - means(metric, bad)[f"{name}-nats"]
        assert better * difference > 0.5


def test_context_deletion_needs_two_tokens_before_the_word(loaded):
    case = drawn(loaded)
    first = replace(case, selected=(0,))
    trace = case.evidence.trace
    assert len(trace.prompt_tokens) >= 2
    assert any(
        isinstance(one, Measurement) for one in METRICS.get("context-deletion")().measure(first)
    )
    bare = Evidence.from_session(case.evidence.session, trace=replace(trace, prompt_tokens=()))
    found = list(METRICS.get("context-deletion")().measure(replace(first, evidence=bare)))
    assert {one.reason for one in found if isinstance(one, Undefined)} == {
        "fewer than two context tokens"
    }


def test_erasure_removes_words_only_with_their_objects(loaded):
    found, other = defaultdict(list), defaultdict(list)
    for index in range(4):
        case = drawn(loaded, index=index, roles=("kind",), count=3)
        for one in METRICS.get("erasure")().measure(oracle(case)):
            if isinstance(one, Measurement):
                found[one.figure].append(one.value)
        for one in METRICS.get("erasure")().measure(inverse(case)):
            if isinstance(one, Measurement):
                other[one.figure].append(one.value)
    share = {figure: sum(values) / len(values) for figure, values in found.items()}
    assert share["erased-gone"] > 0.7
    assert share["erased-over-random"] > 0.6
    assert sum(other["erased-gone"]) / len(other["erased-gone"]) < share["erased-gone"]
    # The controls are drawn from the sample: they do not depend on the map.
    assert found["random-gone"] == other["random-gone"]
    assert found["centre-gone"] == other["centre-gone"]


def test_erasure_leaves_out_words_that_the_model_does_not_say(loaded):
    case = drawn(loaded)
    word = case.words[case.selected[0]]
    foreign = replace(word, word=replace(word.word, text="zebra"))
    words = tuple(foreign if at == case.selected[0] else w for at, w in enumerate(case.words))
    found = list(METRICS.get("erasure")().measure(replace(case, words=words)))
    assert Undefined("erased-gone", "word not in the model's own answer") in found


def test_erasure_of_an_empty_mask_is_undefined(loaded):
    case = drawn(loaded)
    nothing = torch.zeros_like(case.sample.masks)
    bare = replace(case, sample=replace(case.sample, masks=nothing))
    found = list(METRICS.get("erasure")().measure(bare))
    assert {one.reason for one in found if isinstance(one, Undefined)} == {"empty mask"}
    assert not [one for one in found if isinstance(one, Measurement)]


def test_erasure_takes_silence_for_an_answer_without_words(loaded, monkeypatch):
    import seewhy.metrics.erasure as erasure

    own = erasure.generate_batch
    calls = []

    def silent(model, rows, **options):
        calls.append(len(rows))
        if len(calls) > 1:  # the first is the whole picture
            raise AnswerError("Expected an answer, got none.")
        return own(model, rows, **options)

    monkeypatch.setattr(erasure, "generate_batch", silent)
    case = oracle(drawn(loaded, roles=("kind",), count=1))
    found = {one.figure: one for one in METRICS.get("erasure")().measure(case)}
    assert [getattr(found[f], "value", None) for f in ("erased-gone", "random-gone")] == [1.0, 1.0]
    assert calls == [1, 3, 1, 1, 1]


@pytest.mark.parametrize("name", ["deletion", "insertion", "erasure"])
def test_metric_refuses_an_unknown_fill(name):
    with pytest.raises(ParameterError, match=r"fill as one of mean, blur, noise, got 'black'"):
        METRICS.get(name)(fill="black")


def test_erasure_refuses_parameters_out_of_range():
    with pytest.raises(ParameterError, match=r"share between 0 and 1, got 1.5"):
        METRICS.get("erasure")(share=1.5)
    with pytest.raises(ParameterError, match=r"words of at least 1, got 0"):
        METRICS.get("erasure")(words=0)

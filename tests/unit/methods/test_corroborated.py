"""Two methods' word, put together."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
import torch

from families import shared
from painting import noise
from seewhy.core.errors import ParameterError
from seewhy.functional import power_mean
from seewhy.methods import Evidence, create
from seewhy.models.session import Session

FAMILIES = ("llava", "internvl", "paligemma", "qwen2-vl")


@cache
def reading(family):
    asked = "What is to the left of the red star?"
    session = Session.from_image(shared(family), noise(90, 60), asked, (40, 41, 42, 43))
    return session, session.read(ranking_depth=4)


def evidence_of(family, **options):
    session, trace = reading(family)
    return Evidence.from_session(session, trace=trace, **options)


@pytest.mark.parametrize("family", FAMILIES)
def test_maps_are_the_power_mean_of_the_parts_displays(family):
    evidence = evidence_of(family)
    method = create("corroborated", base="arc(k=4)", exponent=0.5)
    found = method.attribute(evidence)
    says = create("arc(k=4)").attribute(evidence)
    rests = create("attn-lrp").attribute(evidence).display
    assert len(found.maps) == len(says.maps)
    for view, raw, a, d in zip(found.display, found.maps, says.display, rests, strict=True):
        torch.testing.assert_close(view, power_mean(a, d, 0.5))
        torch.testing.assert_close(raw, view * found.high[:, None, None])
    assert bool((says.high > 0).any())
    torch.testing.assert_close(found.high, says.high.where(says.high > 0, 1.0))


def test_context_is_on_the_scale_of_the_maps():
    evidence = evidence_of("llava")
    found = create("corroborated(base=arc(k=4))").attribute(evidence)
    assert bool((found.context.amax(1) <= found.high).all())
    own = len(evidence.trace.prompt_tokens)
    for token in range(len(found.context)):
        assert not bool(found.context[token, own + token :].any())
    # It is the same in both orders, but for the unit.
    swapped = create("corroborated(base=attn-lrp, relevance=arc(k=4))").attribute(evidence)
    torch.testing.assert_close(swapped.display[0], found.display[0])
    top = found.high[:, None]
    torch.testing.assert_close(swapped.context / swapped.high[:, None], found.context / top)


def test_scales_are_those_of_the_base():
    method = create("corroborated(base=intra-modal(scales=(0.5, 1), k=4))")
    assert method.further_scales == (0.5,)
    found = method.attribute(evidence_of("qwen2-vl"))
    assert [round(view.scale, 2) for view in found.scales] == [1.0, 0.52]


def test_it_needs_and_cites_what_its_parts_do():
    method = create("corroborated")
    assert method.all_needs == {"states", "rankings", "scales", "attentions", "gradients"}
    assert {"seewhy2026", "liang2025intramodal", "achtibat2024attnlrp"} <= set(method.all_citations)
    assert method.can_contrast
    assert method.ranking_depth == 50
    assert not create("corroborated(relevance=rise)").can_contrast


def test_its_spec_makes_it_again():
    method = create("corroborated", relevance="gradient-attention", exponent=0.5)
    assert method.spec == "corroborated(relevance=gradient-attention, exponent=0.5)"
    assert create(method.spec) == method
    assert create("corroborated").spec == "corroborated"


def test_words_that_are_not_selected_have_no_map():
    _, trace = reading("llava")
    evidence = evidence_of("llava", selected=(len(trace.prompt_tokens) + 1,))
    found = create("corroborated(base=random)").attribute(evidence)
    assert [bool(one.any()) for one in found.maps[0]] == [False, True, False, False]
    assert [bool(one.any()) for one in found.context] == [False, True, False, False]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"exponent": 0}, r"exponent in \(0, 1\], got 0"),
        ({"exponent": 2}, r"exponent in \(0, 1\], got 2"),
        ({"relevance": 3}, "Expected relevance as a method, got 3"),
        ({"base": None}, "Expected base as a method, got None"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ParameterError, match=message):
        create("corroborated", **parameters)


def test_a_trace_alone_is_refused():
    _, trace = reading("llava")
    with pytest.raises(ParameterError, match="attn-lrp runs the model"):
        create("corroborated(base=arc(k=4))").attribute(Evidence.from_traces({1.0: trace}))


def test_contrast_that_a_part_cannot_make_is_refused():
    evidence = evidence_of("llava")
    rows = evidence.trace.unembedding_rows
    contrasted = evidence.map(lambda trace: replace(trace, foils=torch.zeros_like(rows)))
    with pytest.raises(ParameterError, match="Expected parts that contrast words, got rise"):
        create("corroborated(base=arc(k=4), relevance=rise)").attribute(contrasted)

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate

import pytest
import torch

from random_traces import (
    GRIDS,
    SECOND,
    MadeReadings,
    picture,
    random_evidence,
    random_pair,
    random_trace,
    seen_at,
    with_foils,
)
from seewhy.core.errors import ParameterError, ScaleError
from seewhy.core.geometry import Geometry, filled, flatten, resample
from seewhy.core.trace import Trace
from seewhy.functional import logit_lens
from seewhy.methods import Evidence, create
from seewhy.methods._parameters import base_first
from seewhy.methods._scores import LensMap, context_states, joint_range, same_text
from seewhy.methods._stages import Aggregation, Pipeline, RankGaussian, _NativeMaps


@pytest.mark.parametrize(
    ("scales", "message"),
    [
        ((), "at least one scale"),
        ((0.0,), "positive scales, got 0.0"),
        ((1.0, -2.0), "positive scales, got -2.0"),
        ((float("nan"),), "positive scales, got nan"),
        ((float("inf"),), "positive scales, got inf"),
        ((0.5, 2.0, 0.5), "each scale once, got 0.5"),
        (("big",), "positive scales, got 'big'"),
        ((True,), "positive scales, got True"),
    ],
)
@pytest.mark.parametrize("name", ["msea", "intra-modal"])
def test_scales_out_of_range_are_refused(name: str, scales: tuple, message: str) -> None:
    with pytest.raises(ScaleError, match=message):
        create(name, scales=scales)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"k": 0}, "k as a whole number of at least 1, got 0"),
        ({"k": 2.5}, "k as a whole number"),
        ({"p": 0.0}, "p between 0 and 1"),
        ({"p": 1.0}, "p between 0 and 1"),
        ({"variant": "scale"}, "variant as one of scaled, inverse, threshold"),
        ({"threshold": 1.5}, r"threshold in \[0, 1\]"),
        ({"window": 4}, "window as an odd number of at least 3, got 4"),
        ({"window": 1}, "window as an odd number"),
        ({"weights": "equal"}, "weights as one of uniform, consistency"),
        ({"grid": "fine"}, "grid as one of base, finest"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        create("intra-modal", **parameters)


def test_arc_refuses_a_k_deeper_than_the_rankings() -> None:
    with pytest.raises(ParameterError, match=r"k of at most 8, .* got 9"):
        create("arc", k=9).attribute(random_evidence((1.0,)))


def test_base_first_puts_the_base_scale_first() -> None:
    assert base_first((2, 0.5)) == (1.0, 2.0, 0.5)
    assert base_first((0.5, 1)) == (1.0, 0.5)
    assert base_first(None) is None


#: What may take the place of 1.25.
BELOW = tuple(accumulate([1 / 1.25] + [1.25] * 7, lambda lower, step: lower / step))


def collapsing(scales: dict[float, tuple[int, int]]) -> Evidence:
    """Evidence whose scales are read as sizes; reading is counted."""
    trace = random_trace(grid=(4, 6))
    readings = MadeReadings(
        lambda scale: seen_at(trace, scale, scales[scale]),
        lambda inputs: replace(trace, inputs=inputs),
    )
    return Evidence(readings, trace)


def test_evidence_refuses_scales_that_collapse() -> None:
    evidence = collapsing({0.5: (24, 16), 0.4: (24, 16)})
    evidence.trace_at(0.5)
    with pytest.raises(ScaleError, match=r"got 0\.5 and 0\.4, .* 24 x 16 pixels .* 96 x 64"):
        evidence.trace_at(0.4)


def test_evidence_refuses_a_scale_that_collapses_onto_the_base() -> None:
    with pytest.raises(ScaleError, match=r"got 1 and 1\.1, .* 48 x 32"):
        collapsing({1.1: (48, 32)}).trace_at(1.1)


def test_msea_leaves_out_default_scales_that_collapse_with_a_note() -> None:
    evidence = collapsing({0.75: (36, 24), 1.25: (36, 24), **dict.fromkeys(BELOW, (36, 24))})
    attribution = create("msea").attribute(evidence)
    assert [view.scale for view in attribution.scales] == [1.0, 0.75]
    assert evidence.notes == [
        "Scale 1.25 was left out: it comes out at 36 x 24 pixels, as scale 0.75 does.",
    ]


@pytest.mark.parametrize("largest", [(48, 32), (50, 33), (46, 31)])
def test_msea_takes_a_scale_below_in_place_of_one_that_a_limit_forbids(largest) -> None:
    """1 / 1.25 would be a twin of 0.75, so the next one takes its place, once."""
    sizes = {0.75: (36, 24), 1.25: largest, 1 / 1.25: (38, 26), 1 / 1.25 / 1.25: (31, 20)}
    evidence = collapsing(sizes)
    for _ in range(2):
        attribution = create("msea").attribute(evidence)
        assert [round(view.scale, 2) for view in attribution.scales] == [1.0, 0.75, 0.64]
    (note,) = evidence.notes
    assert note.startswith(f"Scale 1.25 was left out: it comes out at {largest[0]} x {largest[1]}")
    assert note.endswith("Scale 0.64 took its place.")


def test_scales_are_recorded_as_the_model_saw_them() -> None:
    evidence = collapsing({0.75: (40, 24), 1.25: (54, 40)})
    attribution = create("msea").attribute(evidence)
    seen = [1.0, (40 * 24 / (48 * 32)) ** 0.5, (54 * 40 / (48 * 32)) ** 0.5]
    assert [view.scale for view in attribution.scales] == pytest.approx(seen)
    assert evidence.notes == []


def test_given_scales_that_come_out_as_near_twins_are_refused() -> None:
    with pytest.raises(ScaleError, match=r"got 1 and 1\.25, .* 48 x 32 and 50 x 33 .* within 10 %"):
        create("msea", scales=(1, 1.25)).attribute(collapsing({1.25: (50, 33)}))


def test_given_scales_that_are_asked_for_as_near_twins_are_noted() -> None:
    evidence = collapsing({1.05: (50, 34)})
    attribution = create("msea", scales=(1, 1.05)).attribute(evidence)
    assert len(attribution.scales) == 2
    (note,) = evidence.notes
    assert note.startswith("Scales 1 and 1.05 are within 10 % of each other: 48 x 32 and 50 x 34")


def test_msea_refuses_given_scales_of_equal_size() -> None:
    with pytest.raises(ScaleError, match=r"got 0\.5 and 0\.75"):
        create("msea", scales=(0.5, 0.75)).attribute(collapsing({0.5: (24, 16), 0.75: (24, 16)}))


def test_evidence_reads_each_scale_once() -> None:
    trace, read = random_trace(), []

    def again(inputs):
        read.append(inputs.scale)
        return replace(trace, inputs=inputs)

    readings = MadeReadings(lambda s: seen_at(trace, s, (int(100 * s), 1)), again)
    evidence = Evidence(readings, trace)
    for _ in range(3):
        evidence.traces((1.0, 0.5, 2.0))
    assert read == [0.5, 2.0]
    assert evidence.seconds > 0


def both_collapsing(scales: dict[float, tuple[tuple[int, int], ...]]) -> Evidence:
    """Likewise, of two pictures."""
    trace = random_pair().trace
    readings = MadeReadings(
        lambda scale: seen_at(trace, scale, *scales[scale]),
        lambda inputs: replace(trace, inputs=inputs),
    )
    return Evidence(readings, trace)


def test_evidence_reads_a_scale_at_which_one_of_two_pictures_is_new() -> None:
    sizes = random_pair().trace.inputs.model_sizes
    evidence = both_collapsing({1.1: (sizes[0], (32, 48))})
    assert evidence.trace_at(1.1).inputs.model_sizes == (sizes[0], (32, 48))
    assert evidence.notes == []


def test_evidence_names_both_sizes_where_two_pictures_collapse() -> None:
    sizes = random_pair().trace.inputs.model_sizes
    with pytest.raises(ScaleError, match=r"48 x 32 and 24 x 40 pixels .* 96 x 64 and 106 x 84"):
        both_collapsing({1.1: sizes}).trace_at(1.1)


def test_evidence_left_out_for_two_pictures_names_both_sizes() -> None:
    evidence = both_collapsing(dict.fromkeys((0.75, 1.25, *BELOW), ((24, 16), (16, 16))))
    create("msea").attribute(evidence)
    assert evidence.notes == [
        "Scale 1.25 was left out: it comes out at 24 x 16 and 16 x 16 pixels, as scale 0.75 does."
    ]


def test_changed_evidence_keeps_what_was_read_and_changes_what_comes() -> None:
    base, read = random_evidence(), []

    def again(inputs):
        read.append(inputs.scale)
        return base.trace_at(inputs.scale)

    readings = MadeReadings(lambda s: base.trace_at(s).inputs, again)
    evidence = Evidence(readings, base.trace, start=2)
    evidence.trace_at(0.5)
    doubled = evidence.map(
        lambda trace: replace(trace, unembedding_rows=2 * trace.unembedding_rows)
    )
    assert doubled.explained == slice(2, None)
    for scale in (1.0, 0.5, 1.5):
        assert torch.equal(
            doubled.trace_at(scale).unembedding_rows, 2 * base.trace_at(scale).unembedding_rows
        )
        assert torch.equal(
            evidence.trace_at(scale).unembedding_rows, base.trace_at(scale).unembedding_rows
        )
    # 0.5 was at hand; the other is read by each for itself, for their traces differ.
    assert read == [0.5, 1.5, 1.5]


def test_evidence_explains_the_answer_without_a_start() -> None:
    trace = random_trace()
    assert Evidence.from_traces({1.0: trace}).explained == slice(4, None)
    assert Evidence.from_traces({1.0: trace}, start=0).explained == slice(0, None)


@pytest.mark.parametrize(
    ("name", "options", "selected"),
    [
        ("tam", {}, ()),
        ("msea", {}, (0.75, 1.25)),
        ("msea", {"scales": (0.5, 1, 2)}, (0.5, 2.0)),
        ("intra-modal", {"scales": (1,)}, ()),
    ],
)
def test_further_scales_are_those_beside_the_base(name, options, selected) -> None:
    assert create(name, **options).further_scales == selected


def test_evidence_of_a_single_trace_refuses_other_scales() -> None:
    with pytest.raises(ParameterError, match="one of the given scales"):
        Evidence.from_traces({1.0: random_trace()}).trace_at(0.5)


def test_evidence_of_traces_refuses_a_scale_that_is_not_there() -> None:
    with pytest.raises(ParameterError, match=r"given scales \[0\.5, 1\.0\], got 2"):
        random_evidence((1.0, 0.5)).trace_at(2.0)


def test_evidence_of_traces_needs_the_base_scale() -> None:
    with pytest.raises(ScaleError, match=r"base scale 1, got scales \[0\.5\]"):
        Evidence.from_traces({0.5: random_trace(scale=0.5)})


def test_intra_modal_at_one_scale_is_arc_with_the_filter() -> None:
    evidence = random_evidence()
    both = create("intra-modal", scales=(1.0,), k=8).attribute(evidence)
    alone = create("arc", k=8, window=3).attribute(evidence)
    assert torch.equal(both.maps[0], alone.maps[0])
    assert torch.equal(both.context, alone.context)


def test_intra_modal_is_msea_where_all_rankings_agree() -> None:
    evidence = random_evidence()
    for scale in (1.0, 0.5):
        trace = evidence.trace_at(scale)
        trace.rankings[:] = torch.arange(8)
    scales = (1.0, 0.5)
    both = create("intra-modal", scales=scales, k=8, window=None).attribute(evidence)
    alone = create("msea", scales=scales).attribute(evidence)
    torch.testing.assert_close(both.maps[0], alone.maps[0])


def test_arc_is_tam_where_no_rankings_agree() -> None:
    evidence = random_evidence((1.0,))
    trace = evidence.trace
    trace.rankings[:] = torch.arange(trace.rankings.numel()).view_as(trace.rankings)
    arc = create("arc", k=8, window=3).attribute(evidence)
    torch.testing.assert_close(arc.maps[0], create("tam").attribute(evidence).maps[0])
    assert float(arc.context.sum()) == 0


def test_msea_at_one_scale_is_the_logit_lens() -> None:
    evidence = random_evidence((1.0,))
    one, lens = create("msea", scales=(1,)), create("logit-lens")
    assert torch.equal(one.attribute(evidence).maps[0], lens.attribute(evidence).maps[0])


def test_msea_by_consistency_trusts_the_scale_that_would_say_it() -> None:
    evidence = random_evidence((1.0, 0.5))
    for scale, p in ((1.0, 1.0), (0.5, 0.0)):
        trace = evidence.trace_at(scale)
        object.__setattr__(trace, "tokens", tuple(replace(t, probability=p) for t in trace.tokens))
    weighed = create("msea", scales=(1, 0.5), weights="consistency").attribute(evidence)
    lens = create("logit-lens").attribute(evidence)
    torch.testing.assert_close(weighed.maps[0], lens.maps[0])
    assert weighed.scales[1].weights.tolist() == [0.0] * len(evidence.trace.tokens)


def test_any_base_map_stands_under_the_other_stages() -> None:
    @dataclass(frozen=True)
    class Flat:
        name = "flat"

        def __call__(self, trace: Trace, model: object | None) -> torch.Tensor:
            return torch.ones(len(trace.text_tokens), len(trace.inputs.visual_positions))

    evidence = random_evidence((1.0, 0.5))
    method = create("intra-modal", scales=(1, 0.5), k=8, base=Flat())
    # Every token shows the same map, so the first alone keeps its own.
    assert method.parameters["base"] == "flat"
    (maps,) = method.attribute(evidence).maps
    assert float(maps.abs().max()) < 1e-5
    (flat,) = Pipeline(base=Flat(), aggregation=Aggregation((1.0, 0.5)))(evidence).maps
    assert torch.equal(flat, torch.ones_like(maps))


def test_scale_view_tells_whether_the_token_would_still_be_said() -> None:
    evidence = random_evidence((1.0,))
    trace = evidence.trace
    for place, token in enumerate(trace.text_tokens):
        trace.rankings[place, 0] = token.id if place % 2 else 59
    (view,) = create("logit-lens").attribute(evidence).scales
    prompt = len(trace.prompt_tokens)
    assert view.is_top1.tolist() == [bool((prompt + i) % 2) for i in range(len(trace.tokens))]
    assert view.probabilities.tolist() == pytest.approx([t.probability for t in trace.tokens])


def test_same_text_compares_decoded_text_with_its_space() -> None:
    trace = random_trace(prompt=("star",), answer=(" star", "star", "", ""))
    object.__setattr__(trace, "tokens", (*trace.tokens[:3], replace(trace.tokens[3], id=77)))
    expected = torch.eye(5, dtype=torch.bool)
    expected[0, 2] = expected[2, 0] = True
    assert torch.equal(same_text(trace), expected)


def test_context_states_are_those_that_predicted_the_answer() -> None:
    trace = random_trace(prompt=("a", "b"), answer=("c", "d", "e"))
    states = context_states(trace)
    assert torch.equal(states[:2], trace.text_states[:2])
    assert torch.equal(states[2], trace.first_prediction_state)
    assert torch.equal(states[3:], trace.text_states[2:4])


def test_context_states_without_an_opening_state_leave_the_first_token_out() -> None:
    trace = replace(random_trace(prompt=("a", "b"), answer=("c", "d")), first_prediction_state=None)
    assert float(context_states(trace)[2].abs().sum()) == 0


def test_joint_range_is_of_the_image_and_the_text_before() -> None:
    maps = torch.tensor([[2.0, 3.0], [2.0, 3.0]])
    activation = torch.tensor([[5.0, 0.0, 0.0], [1.0, 7.0, 0.0]])
    low, high = joint_range(maps, activation)
    assert low.tolist() == [2.0, 1.0]
    assert high.tolist() == [5.0, 7.0]


def test_joint_range_without_context_is_the_image_alone() -> None:
    low, high = joint_range(torch.tensor([[2.0, 3.0]]), torch.zeros(1, 1))
    assert (low.item(), high.item()) == (2.0, 3.0)


def test_lens_map_counts_the_bias() -> None:
    trace = random_trace()
    biased = replace(trace, biases=torch.full((len(trace.text_tokens),), 3.0))
    raw = trace.unembedding_rows @ trace.visual_states.T
    expected = (raw + 3).relu()
    torch.testing.assert_close(LensMap()(biased), expected)


def as_one_row(evidence: Evidence) -> Evidence:
    """The same states over a single picture whose one row holds the cells of all views."""
    trace = evidence.trace
    cells = sum(view.geometry.visual for view in trace.views)
    inputs = replace(trace.inputs, views=(picture((cells, 1), (1, cells)),))
    return Evidence.from_traces({1.0: replace(trace, inputs=inputs)})


@pytest.mark.parametrize("foiled", [False, True])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("logit-lens", {}),
        ("tam", {"window": None}),
        ("arc", {"k": 8}),
        ("arc", {"k": 8, "variant": "inverse"}),
        ("msea", {"scales": (1,)}),
        ("intra-modal", {"scales": (1,), "k": 8, "window": None}),
    ],
)
def test_several_views_are_one_problem(name: str, options: dict, foiled: bool) -> None:
    """Without a filter, what interferes is weighed over all cells of all views at once."""
    evidence = random_pair((1.0,))
    evidence = evidence.map(with_foils) if foiled else evidence
    method = create(name, **options)
    several, single = method.attribute(evidence), method.attribute(as_one_row(evidence))
    torch.testing.assert_close(flatten(several.maps), single.maps[0].flatten(1))
    torch.testing.assert_close(flatten(several.display), single.display[0].flatten(1))
    for part in ("context", "low", "high"):
        torch.testing.assert_close(getattr(several, part), getattr(single, part))


def test_interference_of_several_views_is_not_that_of_each_alone() -> None:
    """What one picture explains is taken off the other with the same share."""
    pair = random_pair((1.0,))
    alone = create("tam", window=None).attribute(random_evidence((1.0,)))
    both = create("tam", window=None).attribute(pair)
    count = pair.trace.views[0].geometry.visual
    first = replace(
        pair.trace,
        inputs=replace(pair.trace.inputs, views=pair.trace.views[:1]),
        visual_states=pair.trace.visual_states[:count],
    )
    single = create("tam", window=None).attribute(Evidence.from_traces({1.0: first}))
    assert alone.maps[0].shape == single.maps[0].shape == both.maps[0].shape
    assert not torch.allclose(single.maps[0], both.maps[0])


def test_filter_stays_within_a_view() -> None:
    """No window reaches from one picture into the next."""
    pair = random_pair((1.0,))
    raw, filtered = (create("tam", window=w).attribute(pair) for w in (None, 3))
    stage = RankGaussian(3)
    for one, other in zip(filtered.maps, raw.maps, strict=True):
        torch.testing.assert_close(one, stage(other, raw.low, raw.high))
    assert torch.equal(filtered.low, raw.low)


def test_msea_brings_each_view_to_its_own_base_grid() -> None:
    scales = (1.0, 0.5, 1.5)
    pair, prompt = random_pair(), 4
    made = create("msea", scales=scales).attribute(pair)
    for view, grids in enumerate((GRIDS, SECOND)):
        base = pair.trace.views[view].geometry.base_grid
        assert base.shape == grids[1.0]
        brought = [
            resample(
                pair.trace_at(s).to_grid(LensMap()(pair.trace_at(s)))[view][prompt:],
                pair.trace_at(s).views[view].geometry.base_grid,
                base,
            )
            for s in scales
        ]
        torch.testing.assert_close(made.maps[view], torch.stack(brought).mean(0))


def test_lens_map_caps_and_contrasts_as_the_trace_says() -> None:
    trace = with_foils(replace(random_trace(), softcap=2.5))
    text = len(trace.text_tokens)
    trace = replace(trace, biases=torch.linspace(-1, 1, text), foil_biases=torch.full((text,), 0.5))
    selected = logit_lens(
        trace.visual_states,
        trace.unembedding_rows,
        trace.biases,
        softcap=2.5,
        foils=trace.foils,
        foil_biases=trace.foil_biases,
    )
    assert torch.equal(LensMap()(trace), selected)
    assert not torch.equal(selected, LensMap()(replace(trace, softcap=None)))
    assert float(selected.max()) <= 5.0


def test_prompt_tokens_are_averaged_uniformly_whatever_the_weights() -> None:
    """They were not the model's decision, so no scale is preferred for them."""
    evidence = random_evidence((1.0, 0.5))
    traces = {scale: evidence.trace_at(scale) for scale in (1.0, 0.5)}
    asked = Evidence.from_traces(traces, start=0)
    (base, half) = create("msea", scales=(1, 0.5), weights="consistency").attribute(asked).scales
    assert base.weights[:4].tolist() == half.weights[:4].tolist() == [0.5] * 4
    assert base.weights[4:].tolist() != half.weights[4:].tolist()


def test_same_text_compares_text_and_not_ids():
    """Vocabularies hold a word in several ways; tokens without a text are told by their ids."""
    trace = random_trace(answer=(" red", " red", "", ""))
    tokens = [replace(token, id=900 + place) for place, token in enumerate(trace.tokens)]
    same = same_text(replace(trace, tokens=tuple(tokens)))[-4:, -4:]
    expected = torch.eye(4, dtype=torch.bool)
    expected[0, 1] = expected[1, 0] = True
    assert torch.equal(same, expected)


def test_rank_gaussian_keeps_the_range_of_a_map():
    maps = torch.tensor([[[2.0, 2.0], [2.0, 2.0]]]).expand(1, 2, 2)
    filtered = RankGaussian(3)(maps, torch.tensor([1.0]), torch.tensor([5.0]))
    torch.testing.assert_close(filtered, maps)


def test_amounts_are_divided_like_the_cells():
    size = (40, 20)
    coarse, fine = (Geometry.of_equal_cells(size, *shape).base_grid for shape in ((2, 4), (4, 8)))
    amounts = torch.full((1, 2, 4), 3.0)
    given = _NativeMaps((amounts,), (coarse,))
    for bring in (resample, filled):
        (divided,) = given.on_grids([fine], bring, True)
        assert float(divided.sum()) == pytest.approx(float(amounts.sum()))
        (kept,) = given.on_grids([fine], bring, False)
        assert kept.unique().tolist() == [3.0]


def test_on_the_finest_grid_a_coarser_cell_fills_the_cells_that_it_covers() -> None:
    evidence = random_evidence((1.0, 0.5))
    base, half = (evidence.at_scale(scale, None, evidence.explained.start) for scale in (1.0, 0.5))
    (fine,), (coarse,) = (create("logit-lens").attribute(one).maps for one in (base, half))
    (mean,) = create("msea", scales=(1, 0.5), grid="finest").attribute(evidence).maps
    repeated = coarse.repeat_interleave(2, 1).repeat_interleave(2, 2)
    assert torch.allclose(mean, (fine + repeated) / 2, atol=1e-6)


@pytest.mark.parametrize("made", [random_evidence, random_pair])
def test_maps_on_the_finest_grid_have_its_cells_and_edges(made) -> None:
    evidence = made((1.0, 0.5, 1.5))
    finest = evidence.traces((1.5,))[0].inputs.base_grids
    methods = ("msea", "intra-modal(k=8)", "intra-modal(k=8, window=None)")
    for method in (*methods, "arc(k=8, base=msea(grid=finest, scales=(1, 0.5, 1.5)))"):
        given = {} if "base" in method else {"grid": "finest", "scales": (1.5, 1, 0.5)}
        attribution = create(method, **given).attribute(evidence)
        assert attribution.grids == finest
        shapes = [maps.shape[1:] for maps in attribution.maps]
        assert shapes == [grid.shape for grid in finest]


def test_of_a_single_scale_both_grids_are_the_same() -> None:
    evidence = random_evidence((1.0,))
    one, other = (
        create("intra-modal", scales=(1,), grid=grid, k=8).attribute(evidence)
        for grid in ("base", "finest")
    )
    arc = create("arc", window=3, k=8).attribute(evidence)
    for found in (one, other):
        assert torch.allclose(found.maps[0], arc.maps[0], atol=1e-6)
        assert torch.equal(found.context, arc.context)


def test_a_mean_of_methods_is_on_the_grid_of_its_base() -> None:
    evidence = random_evidence((1.0, 1.5))
    base = create("msea", scales=(1, 1.5), grid="finest")
    found = create("corroborated", base=base, relevance=create("logit-lens")).attribute(evidence)
    assert found.maps[0].shape[1:] == GRIDS[1.5]
    assert found.grids == evidence.traces((1.5,))[0].inputs.base_grids

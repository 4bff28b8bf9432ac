"""What every registered method keeps to."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from random_traces import (
    GRIDS,
    SECOND,
    random_evidence,
    random_pair,
    random_trace,
    with_foils,
    with_two_layers,
)
from seewhy.core.attribution import Attribution
from seewhy.methods import METHODS, Evidence, Method, citation, create, parameters_of
from seewhy.methods.parameters import SCALES

NAMES = METHODS.names()


def method_of(name: str) -> Method:
    """A method fit for the shallow rankings of a random trace."""
    return create(name, k=8) if "k" in parameters_of(METHODS.get(name)) else create(name)


@pytest.fixture(params=NAMES)
def method(request: pytest.FixtureRequest) -> Method:
    return method_of(request.param)


def test_methods_are_those_of_the_issue() -> None:
    assert set(NAMES) >= {"logit-lens", "tam", "msea", "arc", "intra-modal"}


def test_method_has_maps_and_context_of_every_answer_token(method: Method) -> None:
    evidence = random_evidence()
    attribution = method.attribute(evidence)
    tokens, text = len(evidence.trace.tokens), len(evidence.trace.text_tokens)
    (maps,) = attribution.maps
    assert maps.shape == (tokens, *GRIDS[1.0])
    assert attribution.context.shape == (tokens, text)
    assert maps.dtype == attribution.context.dtype == torch.float32


def test_method_has_maps_of_every_view(method: Method) -> None:
    evidence = random_pair()
    attribution = method.attribute(evidence)
    tokens, text = len(evidence.trace.tokens), len(evidence.trace.text_tokens)
    assert [maps.shape for maps in attribution.maps] == [
        (tokens, *GRIDS[1.0]),
        (tokens, *SECOND[1.0]),
    ]
    assert attribution.context.shape == (tokens, text)
    assert attribution.low.shape == attribution.high.shape == (tokens,)
    for scale in attribution.scales:
        assert [maps.shape[1:] for maps in scale.maps] == [GRIDS[scale.scale], SECOND[scale.scale]]
        assert len(scale.seen) == 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_method_is_finite_and_non_negative(method: Method, dtype: torch.dtype) -> None:
    for evidence in (random_evidence(dtype=dtype), random_pair(dtype=dtype)):
        attribution = method.attribute(evidence)
        for values in (
            *attribution.maps,
            attribution.context,
            attribution.low,
            attribution.high,
        ):
            assert bool(values.isfinite().all())
            assert float(values.min()) >= 0
            assert values.dtype == torch.float32
        assert all(float(maps.max()) > 0 for maps in attribution.maps)


def test_method_displays_in_the_unit_range(method: Method) -> None:
    for evidence in (random_evidence(), random_pair()):
        attribution = method.attribute(evidence)
        assert bool((attribution.low <= attribution.high).all())
        # The raw maps lie in the joint range, so the display clips nothing away.
        for maps, display in zip(attribution.maps, attribution.display, strict=True):
            assert bool((maps >= attribution.low[:, None, None] - 1e-5).all())
            assert bool((maps <= attribution.high[:, None, None] + 1e-5).all())
            assert 0 <= float(display.min()) <= float(display.max()) <= 1


def test_method_scales_all_views_together(method: Method) -> None:
    """One low and one high for a token: its maps compare between pictures as they are."""
    attribution = method.attribute(random_pair())
    low, high = attribution.low[:, None, None], attribution.high[:, None, None]
    for maps, display in zip(attribution.maps, attribution.display, strict=True):
        torch.testing.assert_close(display * (high - low) + low, maps, rtol=1e-5, atol=1e-5)


def test_method_shares_its_evidence_out_over_the_views(method: Method) -> None:
    shares = method.attribute(random_pair()).shares
    assert shares.shape == (9, 2)
    torch.testing.assert_close(shares.sum(1), torch.ones(9))
    assert bool((shares > 0).all())
    assert torch.equal(method.attribute(random_evidence()).shares, torch.ones(9, 1))


@pytest.mark.parametrize("dead", [0, 1])
def test_method_gives_a_dead_view_nothing(method: Method, dead: int) -> None:
    evidence = random_pair()
    for scale in GRIDS:
        trace = evidence.at(scale)
        count = trace.views[0].geometry.visual
        trace.visual_states[slice(None, count) if dead == 0 else slice(count, None)] = 0
    attribution = method.attribute(evidence)
    alive = 1 - dead
    assert float(attribution.maps[dead].abs().max()) == 0
    assert float(attribution.maps[alive].max()) > 0
    torch.testing.assert_close(attribution.shares[:, alive], torch.ones(9))
    assert all(bool(display.isfinite().all()) for display in attribution.display)
    assert all(not scale.maps[dead].any() for scale in attribution.scales)


def test_method_does_not_care_which_of_two_views_comes_first(method: Method) -> None:
    evidence = random_pair()

    def turned(trace):
        first, second = trace.visual_states.split([v.geometry.visual for v in trace.views])
        inputs = replace(trace.inputs, views=trace.views[::-1])
        return replace(trace, inputs=inputs, visual_states=torch.cat([second, first]))

    one = method.attribute(evidence)
    two = method.attribute(Evidence.of({s: turned(evidence.at(s)) for s in GRIDS}))
    for a, b in zip(one.maps, two.maps[::-1], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(one.shares, two.shares.flip(1), rtol=1e-4, atol=1e-5)


def test_method_explains_prompt_tokens_when_asked(method: Method) -> None:
    """The answer's part is what it is without; the prompt's own part comes before it."""
    pair, plain = random_pair(), method.attribute(random_pair())
    asked = Evidence(pair.trace, lambda s: pair.at(s).inputs, lambda i: pair.at(i.scale), first=0)
    whole = method.attribute(asked)
    prompt, text = len(pair.trace.prompt_tokens), len(pair.trace.text_tokens)
    assert [len(maps) for maps in whole.maps] == [text, text]
    assert whole.context.shape == (text, text)
    assert float(whole.context.triu().abs().sum()) == 0
    assert all(float(maps[:prompt].max()) > 0 for maps in whole.maps)
    for name in ("context", "low", "high", "shares"):
        assert torch.equal(getattr(whole, name)[prompt:], getattr(plain, name)), name
    answer = whole.tokens(slice(prompt, None))
    for one, other in zip(answer.maps, plain.maps, strict=True):
        assert torch.equal(one, other)
    for one, other in zip(answer.scales, plain.scales, strict=True):
        assert (one.scale, one.seen) == (other.scale, other.seen)
        for name in ("probabilities", "said", "weights"):
            assert torch.equal(getattr(one, name), getattr(other, name)), name
        for a, b in zip(one.maps, other.maps, strict=True):
            assert torch.equal(a, b)


def test_method_explains_a_contrast_where_it_says_so(method: Method) -> None:
    evidence = random_pair()
    made = method.attribute(evidence.changed(with_foils))
    assert method.contrastive
    for maps in (*made.maps, made.context, made.low, made.high):
        assert bool(maps.isfinite().all())
        assert float(maps.min()) >= 0
    # The answer begins at place 4: places 5, 7, ... stand against another row.
    plain = method.attribute(evidence)
    for token in (1, 3):
        assert not torch.equal(made.maps[0][token], plain.maps[0][token])
    assert torch.equal(made.scales[0].maps[0][::2], plain.scales[0].maps[0][::2])


def test_method_leans_on_earlier_text_alone(method: Method) -> None:
    evidence = random_evidence()
    context = method.attribute(evidence).context
    prompt = len(evidence.trace.prompt_tokens)
    for token in range(len(context)):
        assert float(context[token, prompt + token :].abs().sum()) == 0
    assert float(context[1:].sum()) > 0


def test_method_does_not_let_later_tokens_change_earlier_ones(method: Method) -> None:
    whole, cut = random_evidence(), {}
    for scale in GRIDS:
        trace = whole.at(scale)
        keep = len(trace.prompt_tokens) + 5
        cut[scale] = type(trace)(
            **{
                **vars(trace),
                "tokens": trace.tokens[:5],
                "text_states": trace.text_states[:keep],
                "rows": trace.rows[:keep],
                "rankings": trace.rankings[:keep],
            }
        )
    first, all_of_it = method.attribute(Evidence.of(cut)), method.attribute(whole)
    torch.testing.assert_close(first.maps[0], all_of_it.maps[0][:5])
    torch.testing.assert_close(first.context, all_of_it.context[:5, : len(first.context[0])])


def test_method_repeats_itself_to_the_bit(method: Method) -> None:
    one, two = (method.attribute(random_pair()) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.maps, two.maps, strict=True))
    assert torch.equal(one.context, two.context)


def test_method_leaves_the_trace_as_it_was(method: Method) -> None:
    evidence, untouched = random_evidence(), random_evidence()
    method.attribute(evidence)
    for scale in GRIDS:
        for name in ("visual_states", "text_states", "rows", "rankings", "opening_state"):
            assert torch.equal(
                getattr(evidence.at(scale), name), getattr(untouched.at(scale), name)
            )


def test_method_explains_a_first_token_without_a_prompt(method: Method) -> None:
    evidence = random_evidence(prompt=(), answer=("Star",))
    attribution = method.attribute(evidence)
    assert attribution.maps[0].shape == (1, *GRIDS[1.0])
    assert attribution.context.shape == (1, 1)
    assert float(attribution.context.sum()) == 0
    assert float(attribution.display[0].max()) > 0


def test_method_fuses_layers_on_the_finest_grid(method: Method) -> None:
    traces = {s: random_trace(grid=GRIDS[s], scale=s) for s in GRIDS}
    traces[1.0] = with_two_layers(traces[1.0])
    attribution = method.attribute(Evidence.of(traces))
    (maps,) = attribution.maps
    assert maps.shape[1:] == (4, 6)
    assert bool(maps.isfinite().all())


def test_method_survives_dead_states(method: Method) -> None:
    evidence = random_evidence()
    for scale in GRIDS:
        evidence.at(scale).visual_states.zero_()
    attribution = method.attribute(evidence)
    assert float(attribution.maps[0].abs().max()) == 0
    assert bool(attribution.display[0].isfinite().all())
    assert float(attribution.shares.abs().max()) == 0


def test_method_shows_the_base_scale_first(method: Method) -> None:
    attribution = method.attribute(random_evidence())
    assert isinstance(attribution, Attribution)
    assert attribution.scales[0].scale == 1.0
    assert len(attribution.scales) == (len(SCALES) if "scales" in method.needs else 1)
    total = torch.stack([view.weights for view in attribution.scales]).sum(0)
    torch.testing.assert_close(total, torch.ones_like(total))
    for view in attribution.scales:
        assert view.maps[0].shape[1:] == GRIDS[view.scale]
        assert view.said.dtype == torch.bool


def test_method_states_its_facts(method: Method) -> None:
    assert method.summary.endswith(".")
    assert method.needs <= {"states", "rankings", "scales", "attentions", "gradients"}
    assert json.loads(json.dumps(method.parameters)) == method.parameters
    assert METHODS.get(method.name) is type(method)
    assert create(method) is method
    assert citation(method.name).startswith("@")
    assert method.ranking_depth >= 1

"""What every registered method keeps to.

Methods that look at a trace alone are tried on random ones; those that need the model on a tiny
real one with random weights, which shows the others too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image

from families import shared
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
from seewhy.core.errors import ParameterError
from seewhy.core.specs import parse_spec
from seewhy.core.trace import Trace
from seewhy.methods import METHODS, PARTS, Evidence, Method, citation, create, parameters_of
from seewhy.methods._parameters import SCALES
from seewhy.methods._scores import LENS
from seewhy.methods._stages import StagedMethod, base_map_of
from seewhy.models.conversation import user_message
from seewhy.models.scales import true_scale
from seewhy.models.session import Session

NAMES = METHODS.names()
OF_THE_MODEL = frozenset({"attentions", "gradients", "pictures", "shares"})
"""Needs that a trace alone does not meet."""
KNOWN_NEEDS = frozenset({"states", "rankings", "scales"}) | OF_THE_MODEL
QUICK = {"k": 8, "samples": 12, "segments": 4, "steps": 2}
"""Parameters, where a method has them, that suit shallow rankings and a short test."""

TRACED = [name for name in NAMES if not create(name).all_needs & OF_THE_MODEL]
OF_STATES = [name for name in TRACED if "states" in create(name).all_needs]
OF_LENS = [
    name
    for name in OF_STATES
    if isinstance(made := create(name), StagedMethod) and made.stages.base == LENS
]
"""To which a dead view says nothing; one read against the picture's mean lies above or below it."""
CONTRASTIVE = [name for name in TRACED if create(name).can_contrast]
COMPOSED = [
    f"{above}(base={name})"
    for above in ("msea", "arc")
    for name in NAMES
    if above == "arc" or not create(name).all_needs & {"scales", "rankings"}
]


def method_of(spec: str) -> Method:
    """A method, or a composition, that is quick."""

    def quick(method: Method) -> Method:
        given = {key: QUICK[key] for key in parameters_of(type(method)) if key in QUICK}
        parts = {name: getattr(method, name, None) for name in PARTS}
        given |= {name: quick(part) for name, part in parts.items() if isinstance(part, Method)}
        return replace(method, **given)

    return quick(create(spec))


def shows_amounts(method: Method) -> bool:
    """Whether its maps are amounts, or made of a base map of amounts."""
    base = getattr(method, "base", None)
    return method.amounts or (isinstance(base, Method) and base.amounts)


@pytest.fixture(params=TRACED)
def method(request: pytest.FixtureRequest) -> Method:
    """One that bare traces suffice for."""
    return method_of(request.param)


@pytest.fixture(params=OF_STATES)
def of_states(request: pytest.FixtureRequest) -> Method:
    """One that goes by the states: where they are dead there is nothing."""
    return method_of(request.param)


@pytest.fixture(params=[*NAMES, *COMPOSED])
def any_method(request: pytest.FixtureRequest) -> Method:
    """Any, compositions too."""
    return method_of(request.param)


PROMPT = "What is above the tree?"


@cache
def read_once(ids: tuple[int, ...], pictures: int) -> tuple[Session, Trace]:
    loaded = shared("qwen2-vl")
    dice = np.random.default_rng(4)
    shown = [
        Image.fromarray(dice.integers(0, 255, (*size, 3), dtype=np.uint8))
        for size in ((24, 32), (32, 16))[:pictures]
    ]
    session = Session.from_chat(loaded, user_message(shown, PROMPT), ids)
    return session, session.read(ranking_depth=8)


def real_evidence(
    length: int = 5,
    pictures: int = 1,
    selected: Sequence[int] | None = None,
    start: int | None = None,
) -> Evidence:
    """A tiny model that reads an answer of some tokens about one or two pictures of noise."""
    ids = tuple(shared("qwen2-vl").processor.tokenizer.encode(" A red star is above it"))[:length]
    session, trace = read_once(ids, pictures)
    return Evidence.from_session(session, trace=trace, selected=selected, start=start)


def test_methods_are_those_of_the_issue() -> None:
    selected = {"logit-lens", "tam", "msea", "arc", "intra-modal", "random", "centre"}
    selected |= {"occlusion", "rise", "kernel-shap", "region-search"}
    assert set(NAMES) >= selected


def test_methods_of_every_kind_are_tried() -> None:
    assert set(TRACED) > set(OF_STATES) > set()
    assert set(CONTRASTIVE) > set()
    assert {"pictures"} <= {need for name in NAMES for need in create(name).all_needs}


def test_method_of_a_model_answers_in_shape(any_method: Method) -> None:
    evidence = real_evidence(pictures=2)
    attribution = any_method.attribute(evidence)
    trace = evidence.trace
    tokens, text = len(trace.tokens), len(trace.text_tokens)
    shapes = [(tokens, *grid.shape) for grid in trace.inputs.base_grids]
    assert [tuple(maps.shape) for maps in attribution.maps] == shapes
    assert attribution.context.shape == (tokens, text)
    everything = (*attribution.maps, attribution.context, attribution.low, attribution.high)
    for values in everything:
        assert values.dtype == torch.float32
        assert bool(values.isfinite().all())
        assert float(values.min()) >= 0
    # Of a control that is the same for every token, interference leaves nothing.
    if getattr(any_method, "base", None) != create("centre"):
        assert all(float(maps.max()) > 0 for maps in attribution.maps)
    for token in range(tokens):
        assert not attribution.context[token, text - tokens + token :].any()
    # Of amounts the strongest may be above the range: what is above 60% of them is all bright.
    above = 0.6 if shows_amounts(any_method) else 1.0
    for maps in attribution.maps:
        assert bool((maps >= attribution.low[:, None, None] - 1e-5).all())
        assert bool((above * maps <= attribution.high[:, None, None] + 1e-5).all())
    base = attribution.scales[0]
    assert base.scale == 1.0
    assert [tuple(maps.shape) for maps in base.maps] == shapes
    assert all(not notes.startswith("Scale 1 ") for notes in evidence.notes)


def test_method_of_a_model_explains_prompt_tokens_or_says_why_not(any_method: Method) -> None:
    evidence = real_evidence(start=0)
    whole, plain = any_method.attribute(evidence), any_method.attribute(real_evidence())
    prompt, text = len(evidence.trace.prompt_tokens), len(evidence.trace.text_tokens)
    assert [len(maps) for maps in whole.maps] == [text]
    assert whole.context.shape == (text, text)
    if not any(maps[:prompt].any() for maps in whole.maps):
        assert "pictures" in any_method.all_needs
        assert any("prompt's tokens have empty maps" in note for note in evidence.notes)
    answer = whole.select(slice(prompt, None))
    for one, other in zip(answer.maps, plain.maps, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4 * float(other.max()))
    torch.testing.assert_close(answer.context, plain.context, rtol=1e-3, atol=1e-4)


def test_method_of_a_model_spares_what_is_not_wanted(any_method: Method) -> None:
    """The maps of wanted tokens are the same; others are the same or empty."""
    prompt = len(real_evidence().trace.prompt_tokens)
    every = any_method.attribute(real_evidence())
    some = any_method.attribute(real_evidence(selected=[prompt + 2]))
    for one, other in zip(some.maps, every.maps, strict=True):
        close = {"rtol": 1e-3, "atol": 1e-4 * float(other.max())}
        torch.testing.assert_close(one[2], other[2], **close)
        for token in range(len(one)):
            if one[token].any():
                torch.testing.assert_close(one[token], other[token], **close)


def test_method_of_a_model_does_not_let_later_tokens_change_earlier_ones(
    any_method: Method,
) -> None:
    first, whole = (any_method.attribute(real_evidence(length)) for length in (3, 5))
    # Interference may take a map off but for rounding, which differs from machine to machine.
    close = {"rtol": 1e-3, "atol": 1e-4 * max(float(whole.maps[0].max()), 1e-3)}
    torch.testing.assert_close(first.maps[0], whole.maps[0][:3], **close)
    seen = first.context.shape[1]
    one, other = first.context, whole.context[:3, :seen]
    parts = any_method.amounts or (any_method.name == "msea" and shows_amounts(any_method))
    if parts:  # the context is in units of the answer's range
        one, other = one / first.high[:, None], other / whole.high[:3, None]
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_method_of_a_model_repeats_itself_and_leaves_it_as_it_was(any_method: Method) -> None:
    model = shared("qwen2-vl").model

    def state() -> tuple:
        modules, weights = list(model.modules()), list(model.parameters())
        configs = [module.config for module in modules if "config" in vars(module)]
        return (
            [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in modules],
            [m.training for m in modules],
            [getattr(config, "_attn_implementation", "") for config in configs],
            [(p.requires_grad, p.grad is None, float(p.detach().sum())) for p in weights],
        )

    before, drawn = state(), torch.random.get_rng_state()
    one, two = (any_method.attribute(real_evidence()) for _ in range(2))
    assert state() == before
    assert torch.equal(torch.random.get_rng_state(), drawn)
    assert all(torch.equal(a, b) for a, b in zip(one.maps, two.maps, strict=True))
    assert torch.equal(one.context, two.context)


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(TRACED)))
def test_method_of_a_model_refuses_a_trace_alone(name: str) -> None:
    method = method_of(name)
    part = getattr(method, "relevance", None)  # of two parts, the one that runs the model
    who = (part if isinstance(part, Method) else method).name
    with pytest.raises(ParameterError, match=f"got only traces: {who} .*from_session"):
        method.attribute(random_evidence())


@pytest.mark.parametrize("spec", COMPOSED)
def test_composition_needs_what_its_base_needs(spec: str) -> None:
    method, base = create(spec), create(parse_spec(spec)[1]["base"])
    assert method.all_needs >= base.all_needs
    assert method.all_citations[0] == type(method).citations[0]
    assert method.base == base_map_of(base)  # type: ignore[attr-defined]
    assert create(method.spec) == method


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
    base = attribution.scales[0].model_sizes
    for view, scale in zip(attribution.scales, SCALES, strict=False):
        assert [maps.shape[1:] for maps in view.maps] == [GRIDS[scale], SECOND[scale]]
        assert view.scale == true_scale(view.model_sizes, base)
        assert len(view.model_sizes) == 2


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
@pytest.mark.parametrize("name", OF_LENS)
def test_method_gives_a_dead_view_nothing(name: str, dead: int) -> None:
    method, evidence = method_of(name), random_pair()
    for scale in GRIDS:
        trace = evidence.trace_at(scale)
        count = trace.views[0].geometry.visual
        trace.visual_states[slice(None, count) if dead == 0 else slice(count, None)] = 0
    attribution = method.attribute(evidence)
    alive = 1 - dead
    assert float(attribution.maps[dead].abs().max()) == 0
    assert float(attribution.maps[alive].max()) > 0
    torch.testing.assert_close(attribution.shares[:, alive], torch.ones(9))
    assert all(bool(display.isfinite().all()) for display in attribution.display)
    assert all(not scale.maps[dead].any() for scale in attribution.scales)


def test_method_does_not_care_which_of_two_views_comes_first(of_states: Method) -> None:
    method = of_states
    evidence = random_pair()

    def turned(trace):
        first, second = trace.visual_states.split([v.geometry.visual for v in trace.views])
        inputs = replace(trace.inputs, views=trace.views[::-1])
        return replace(trace, inputs=inputs, visual_states=torch.cat([second, first]))

    one = method.attribute(evidence)
    two = method.attribute(Evidence.from_traces({s: turned(evidence.trace_at(s)) for s in GRIDS}))
    for a, b in zip(one.maps, two.maps[::-1], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(one.shares, two.shares.flip(1), rtol=1e-4, atol=1e-5)


def test_method_explains_prompt_tokens_when_asked(method: Method) -> None:
    """The answer's part is what it is without; the prompt's own part comes before it."""
    pair, plain = random_pair(), method.attribute(random_pair())
    asked = Evidence.from_traces({s: pair.trace_at(s) for s in GRIDS}, start=0)
    whole = method.attribute(asked)
    prompt, text = len(pair.trace.prompt_tokens), len(pair.trace.text_tokens)
    assert [len(maps) for maps in whole.maps] == [text, text]
    assert whole.context.shape == (text, text)
    assert float(whole.context.triu().abs().sum()) == 0
    assert all(float(maps[:prompt].max()) > 0 for maps in whole.maps)
    for name in ("context", "low", "high", "shares"):
        assert torch.equal(getattr(whole, name)[prompt:], getattr(plain, name)), name
    answer = whole.select(slice(prompt, None))
    for one, other in zip(answer.maps, plain.maps, strict=True):
        assert torch.equal(one, other)
    for one, other in zip(answer.scales, plain.scales, strict=True):
        assert (one.scale, one.model_sizes) == (other.scale, other.model_sizes)
        for name in ("probabilities", "is_top1", "weights"):
            assert torch.equal(getattr(one, name), getattr(other, name)), name
        for a, b in zip(one.maps, other.maps, strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize("name", CONTRASTIVE)
def test_method_explains_a_contrast_if_it_is_contrastive(name: str) -> None:
    method, evidence = method_of(name), random_pair()
    made = method.attribute(evidence.map(with_foils))
    for maps in (*made.maps, made.context, made.low, made.high):
        assert bool(maps.isfinite().all())
        assert float(maps.min()) >= 0
    # The answer begins at place 4: places 5, 7, ... stand against another row.
    plain = method.attribute(evidence)
    for token in (1, 3):
        assert not torch.equal(made.maps[0][token], plain.maps[0][token])
    assert torch.equal(made.scales[0].maps[0][::2], plain.scales[0].maps[0][::2])


def test_method_context_is_earlier_text_only(method: Method) -> None:
    evidence = random_evidence()
    context = method.attribute(evidence).context
    prompt = len(evidence.trace.prompt_tokens)
    for token in range(len(context)):
        assert float(context[token, prompt + token :].abs().sum()) == 0
    assert float(context[1:].sum()) > 0


def test_method_does_not_let_later_tokens_change_earlier_ones(method: Method) -> None:
    whole, cut = random_evidence(), {}
    for scale in GRIDS:
        trace = whole.trace_at(scale)
        keep = len(trace.prompt_tokens) + 5
        cut[scale] = type(trace)(
            **{
                **vars(trace),
                "tokens": trace.tokens[:5],
                "text_states": trace.text_states[:keep],
                "unembedding_rows": trace.unembedding_rows[:keep],
                "rankings": trace.rankings[:keep],
            }
        )
    first, all_of_it = method.attribute(Evidence.from_traces(cut)), method.attribute(whole)
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
        for name in (
            "visual_states",
            "text_states",
            "unembedding_rows",
            "rankings",
            "first_prediction_state",
        ):
            assert torch.equal(
                getattr(evidence.trace_at(scale), name), getattr(untouched.trace_at(scale), name)
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
    attribution = method.attribute(Evidence.from_traces(traces))
    (maps,) = attribution.maps
    assert maps.shape[1:] == (4, 6)
    assert bool(maps.isfinite().all())


def test_method_survives_dead_states(of_states: Method) -> None:
    method = of_states
    evidence = random_evidence()
    for scale in GRIDS:
        evidence.trace_at(scale).visual_states.zero_()
    attribution = method.attribute(evidence)
    assert float(attribution.maps[0].abs().max()) == 0
    assert bool(attribution.display[0].isfinite().all())
    assert float(attribution.shares.abs().max()) == 0


def test_method_shows_the_base_scale_first(method: Method) -> None:
    attribution = method.attribute(random_evidence())
    assert isinstance(attribution, Attribution)
    assert attribution.scales[0].scale == 1.0
    assert len(attribution.scales) == (len(SCALES) if "scales" in method.all_needs else 1)
    total = torch.stack([view.weights for view in attribution.scales]).sum(0)
    torch.testing.assert_close(total, torch.ones_like(total))
    base = attribution.scales[0].model_sizes
    for view, scale in zip(attribution.scales, SCALES, strict=False):
        assert view.maps[0].shape[1:] == GRIDS[scale]
        assert view.scale == true_scale(view.model_sizes, base)
        assert view.is_top1.dtype == torch.bool


@pytest.mark.parametrize("name", NAMES)
def test_method_states_its_facts(name: str) -> None:
    method = method_of(name)
    assert method.summary.endswith(".")
    assert method.all_needs <= KNOWN_NEEDS
    assert create(method.spec) == method
    assert json.loads(json.dumps(method.parameters)) == method.parameters
    assert METHODS.get(method.name) is type(method)
    assert create(method) is method
    assert citation(method.name).startswith("@")
    assert method.ranking_depth >= 1

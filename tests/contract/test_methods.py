"""What every registered method keeps to."""

from __future__ import annotations

import json

import pytest
import torch

from random_traces import GRIDS, random_evidence, random_trace, with_two_layers
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
    assert attribution.maps.shape == (tokens, *GRIDS[1.0])
    assert attribution.context.shape == (tokens, text)
    assert attribution.maps.dtype == attribution.context.dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_method_is_finite_and_non_negative(method: Method, dtype: torch.dtype) -> None:
    attribution = method.attribute(random_evidence(dtype=dtype))
    for values in (attribution.maps, attribution.context, attribution.low, attribution.high):
        assert bool(values.isfinite().all())
        assert float(values.min()) >= 0
        assert values.dtype == torch.float32
    assert float(attribution.maps.max()) > 0


def test_method_displays_in_the_unit_range(method: Method) -> None:
    attribution = method.attribute(random_evidence())
    assert bool((attribution.low <= attribution.high).all())
    # The raw map lies in the joint range, so the display clips nothing away.
    assert bool((attribution.maps >= attribution.low[:, None, None] - 1e-5).all())
    assert bool((attribution.maps <= attribution.high[:, None, None] + 1e-5).all())
    assert 0 <= float(attribution.display.min()) <= float(attribution.display.max()) <= 1


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
    torch.testing.assert_close(first.maps, all_of_it.maps[:5])
    torch.testing.assert_close(first.context, all_of_it.context[:5, : len(first.context[0])])


def test_method_repeats_itself_to_the_bit(method: Method) -> None:
    one, two = (method.attribute(random_evidence()) for _ in range(2))
    assert torch.equal(one.maps, two.maps)
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
    assert attribution.maps.shape == (1, *GRIDS[1.0])
    assert attribution.context.shape == (1, 1)
    assert float(attribution.context.sum()) == 0
    assert float(attribution.display.max()) > 0


def test_method_fuses_layers_on_the_finest_grid(method: Method) -> None:
    traces = {s: random_trace(grid=GRIDS[s], scale=s) for s in GRIDS}
    traces[1.0] = with_two_layers(traces[1.0])
    attribution = method.attribute(Evidence.of(traces))
    assert attribution.maps.shape[1:] == (4, 6)
    assert bool(attribution.maps.isfinite().all())


def test_method_survives_dead_states(method: Method) -> None:
    evidence = random_evidence()
    for scale in GRIDS:
        evidence.at(scale).visual_states.zero_()
    attribution = method.attribute(evidence)
    assert float(attribution.maps.abs().max()) == 0
    assert bool(attribution.display.isfinite().all())


def test_method_shows_the_base_scale_first(method: Method) -> None:
    attribution = method.attribute(random_evidence())
    assert isinstance(attribution, Attribution)
    assert attribution.scales[0].scale == 1.0
    assert len(attribution.scales) == (len(SCALES) if "scales" in method.needs else 1)
    total = torch.stack([view.weights for view in attribution.scales]).sum(0)
    torch.testing.assert_close(total, torch.ones_like(total))
    for view in attribution.scales:
        assert view.maps.shape[1:] == GRIDS[view.scale]
        assert view.said.dtype == torch.bool


def test_method_states_its_facts(method: Method) -> None:
    assert method.summary.endswith(".")
    assert method.needs <= {"states", "rankings", "scales", "attentions", "gradients"}
    assert json.loads(json.dumps(method.parameters)) == method.parameters
    assert METHODS.get(method.name) is type(method)
    assert create(method) is method
    assert citation(method.name).startswith("@")
    assert method.ranking_depth >= 1

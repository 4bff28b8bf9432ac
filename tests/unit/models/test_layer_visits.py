"""Visits of every layer in one pass: transformers' own states and weights, in order."""

from __future__ import annotations

import pytest
import torch

from families import BUILDERS, shared
from painting import noise
from seewhy.models import prepare
from seewhy.models.attention import attention_rows
from seewhy.models.batching import batch
from seewhy.models.decoder import decoder_of, final_states, layer_states, layers_of
from seewhy.models.layer_visits import visit_layers
from seewhy.models.passes import count_passes

PROMPT = "What is to the left of the red star?"
ANSWER = (40, 41, 42)

#: Families that add visual features after a layer (DeepStack), which transformers' list has not.
BETWEEN_LAYERS = {"qwen3-vl"}


def visited(loaded, inputs, positions, attending=None):
    """The states by depth, and the weights by layer, in the order of the visits."""
    states: dict[int, torch.Tensor] = {}
    weights: dict[int, torch.Tensor] = {}
    on_attention = None if attending is None else weights.__setitem__
    visit_layers(
        loaded, inputs, ANSWER, positions, states.__setitem__, on_attention, attending=attending
    )
    return states, weights


@pytest.fixture(scope="module")
def subject():
    loaded = shared("qwen2-vl")
    return loaded, prepare(loaded.family, noise(90, 60), PROMPT)


def test_visits_are_in_order_and_of_one_pass(subject):
    loaded, inputs = subject
    count = len(layers_of(loaded.model))
    positions = torch.tensor([2, inputs.length - 1, inputs.length + 1])
    with count_passes(loaded.model) as passes:
        states, weights = visited(loaded, inputs, positions, positions)
    assert (passes.forward, passes.backward) == (1, 0)
    assert list(states) == list(range(count + 1))
    assert list(weights) == list(range(count))
    entering = layer_states(loaded, inputs, ANSWER, range(-1, count - 1), positions)
    for depth, expected in enumerate(entering):
        torch.testing.assert_close(states[depth], expected)
    with torch.no_grad():
        torch.testing.assert_close(states[count], final_states(loaded, inputs, ANSWER)[positions])
    rows = attention_rows(loaded, inputs, ANSWER, positions)
    torch.testing.assert_close(torch.stack(list(weights.values())), rows)


def test_visits_leave_nothing_behind(subject):
    loaded, inputs = subject
    modules = list(loaded.model.modules())
    hooks = [(len(m._forward_hooks), len(m._forward_pre_hooks)) for m in modules]
    attention = decoder_of(loaded.model).config._attn_implementation

    def fail(depth, states):
        raise RuntimeError(f"stopped at {depth}")

    with pytest.raises(RuntimeError, match="stopped at 0"):
        visit_layers(loaded, inputs, ANSWER, torch.tensor([0]), fail, lambda layer, w: None)
    assert hooks == [(len(m._forward_hooks), len(m._forward_pre_hooks)) for m in modules]
    assert decoder_of(loaded.model).config._attn_implementation == attention


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_visits_see_the_hidden_states_of_every_family(name):
    loaded = shared(name)
    inputs = prepare(loaded.family, noise(90, 60), PROMPT)
    positions = torch.arange(inputs.length + len(ANSWER))
    states, _ = visited(loaded, inputs, positions)
    tensors = batch(loaded.family, [inputs], [ANSWER]).tensors
    with torch.no_grad():
        out = loaded.model(**tensors, output_hidden_states=True, use_cache=False)
    assert len(out.hidden_states) == len(states)
    middle = [] if name in BETWEEN_LAYERS else [len(states) // 2]
    for depth in (0, *middle, len(states) - 1):
        expected = out.hidden_states[depth][0]
        torch.testing.assert_close(states[depth], expected, atol=1e-4, rtol=1e-3)

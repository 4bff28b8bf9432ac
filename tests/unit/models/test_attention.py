"""Looking inside: every family's attention and gradients, and nothing left behind."""

from __future__ import annotations

from contextlib import suppress
from types import SimpleNamespace

import pytest
import torch

from families import BUILDERS, build, shared
from painting import noise
from seewhy.core.errors import ParameterError, UnsupportedModelError
from seewhy.methods.attn_lrp import IdentityRule, attn_lrp_rules, half_gradient
from seewhy.models import prepare
from seewhy.models.attention import (
    SWITCH,
    attention_output,
    attention_rows,
    attention_weights,
    fast_attention,
    patched_attention,
)
from seewhy.models.decoder import (
    decoder_of,
    final_states,
    hook_layer_input,
    layer_at,
    layer_input_states,
    layers_of,
)
from seewhy.models.gradients import attention_gradient_rollout, differentiable, state_gradients

PROMPT = "What is to the left of the red star?"
ANSWER = (40, 41, 42)

#: Families whose decoder layers have parts without a rule of AttnLRP.
WITHOUT_RULES = {"gemma4"}


def asked(loaded):
    return prepare(loaded.family, noise(90, 60), PROMPT)


def state_of(loaded):
    """All that looking inside may change for a while."""
    with torch.no_grad():  # in its first pass a model of transformers hooks itself
        final_states(loaded, asked(loaded), ANSWER)
    model = loaded.model
    modules = list(model.modules())
    return (
        [module.training for module in modules],
        [(len(m._forward_hooks), len(m._forward_pre_hooks)) for m in modules],
        [weight.requires_grad for weight in model.parameters()],
        decoder_of(model).config._attn_implementation,
        torch.is_grad_enabled(),
    )


def last(states):
    return states[-1:].sum(-1)


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_attention_rows_equal_eager_attention(name):
    loaded = build(name)
    inputs = asked(loaded)
    positions = torch.tensor([0, inputs.length // 2, inputs.length - 1, inputs.length + 1])
    rows = attention_rows(loaded, inputs, ANSWER, positions)
    heard = {}

    def keep(number):
        def hook(module, arguments, output):
            heard[number] = output[1][0].mean(0)[positions]

        return hook

    decoder = decoder_of(loaded.model)
    hooks = [
        layer.self_attn.register_forward_hook(keep(number))
        for number, layer in enumerate(decoder.layers)
    ]
    decoder.config._attn_implementation = "eager"
    with torch.no_grad():
        final_states(loaded, inputs, ANSWER)
    for hook in hooks:
        hook.remove()
    torch.testing.assert_close(
        rows, torch.stack([heard[n] for n in range(len(decoder.layers))]), rtol=1e-5, atol=1e-5
    )
    # A model that is set to eager itself gives the same.
    torch.testing.assert_close(
        attention_rows(loaded, inputs, ANSWER, positions), rows, rtol=1e-5, atol=1e-5
    )


def test_attention_rows_keep_to_the_layers_asked_for():
    loaded = shared("llava")
    inputs, positions = asked(loaded), torch.tensor([3, 9])
    both = attention_rows(loaded, inputs, ANSWER, positions)
    assert both.shape == (2, 2, inputs.length + len(ANSWER))
    assert torch.equal(attention_rows(loaded, inputs, ANSWER, positions, [1]), both[1:])
    torch.testing.assert_close(both.sum(-1), torch.ones(2, 2))
    assert float(both[:, 0, 4:].abs().max()) == 0


def test_attention_rows_of_paligemma_look_ahead_in_the_prompt_alone():
    loaded = shared("paligemma")
    inputs = asked(loaded)
    positions = torch.tensor([0, inputs.length])
    (first, answer), *_ = attention_rows(loaded, inputs, ANSWER, positions)
    assert float(first[1 : inputs.length].min()) > 0
    assert float(first[inputs.length :].max()) == 0
    assert float(answer[inputs.length + 1 :].max()) == 0


def test_attention_rows_refuse_a_layer_that_never_called():
    loaded = shared("llava")
    with pytest.raises(UnsupportedModelError, match="layer 7 .* got no call"):
        attention_rows(loaded, asked(loaded), ANSWER, torch.tensor([0]), [7])


@pytest.mark.parametrize("masked", ["causal", "bool", "added"])
def test_attention_weights_equal_the_equation_row_by_row(masked):
    draw = torch.Generator().manual_seed(0)
    query = torch.randn(1, 4, 6, 8, generator=draw, dtype=torch.float64)
    key = torch.randn(1, 2, 6, 8, generator=draw, dtype=torch.float64)
    seen = torch.ones(6, 6).tril().bool()
    seen[5, 1] = masked == "causal"
    mask = {
        "causal": None,
        "bool": seen[None, None],
        "added": torch.where(seen, 0.0, -torch.inf)[None, None],
    }[masked]
    rows = torch.tensor([5, 2])
    found = attention_weights(query, key, mask, scaling=0.7, softcap=1.5, rows=rows)
    for head in range(4):
        for at, row in enumerate(rows.tolist()):
            products = key[0, head // 2] @ query[0, head, row]
            scores = (1.5 * (0.7 * products / 1.5).tanh()).exp() * seen[row]
            torch.testing.assert_close(found[0, head, at], scores / scores.sum())


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_gradients_are_had_in_every_family(name):
    loaded = shared(name)
    before, inputs = state_of(loaded), asked(loaded)
    length = inputs.length + len(ANSWER)
    (gradient,) = state_gradients(loaded, inputs, ANSWER, last, lambda states, gradient: gradient)
    assert gradient.shape[0] == length
    assert float(gradient[inputs.visual_positions].abs().sum()) > 0

    sizes = []

    def step(weights, gradients):
        sizes.append(float((gradients * weights).abs().sum()))
        return (gradients * weights).relu().mean(0)

    starts = torch.tensor([length - 1])
    (relevance,) = attention_gradient_rollout(loaded, inputs, ANSWER, last, starts, step)
    assert len(sizes) == len(layers_of(loaded.model))
    assert min(sizes) > 0
    assert relevance.shape == (length,)
    assert state_of(loaded) == before


def test_state_gradients_take_each_target_and_the_changed_states():
    loaded = shared("llava")
    inputs = asked(loaded)

    def sums(states):
        return states[-2:].sum(-1)

    def found(**options):
        return state_gradients(
            loaded, inputs, ANSWER, sums, lambda s, g: torch.stack([s, g]), **options
        )

    one, two = found()
    assert torch.equal(one[0], layer_input_states(loaded, inputs, ANSWER))
    assert float(one[1][-1].abs().sum()) == 0  # the position before the last cannot see it
    assert float(two[1][-1].abs().sum()) > 0
    changed, _ = found(change=lambda states: states * 2)
    assert torch.equal(changed[0], one[0] * 2)
    upper, _ = found(layer=-1)
    assert torch.equal(upper[0], layer_input_states(loaded, inputs, ANSWER, 1))
    assert not torch.equal(upper[0], one[0])


def test_gradients_of_nothing_are_none():
    loaded = shared("llava")
    inputs = asked(loaded)
    nothing = state_gradients(loaded, inputs, ANSWER, lambda s: s[:0].sum(-1), lambda s, g: g)
    assert nothing == []


@pytest.mark.parametrize("opened", ["attention", "differentiable", "layer input", "attn_lrp_rules"])
def test_everything_is_as_before_after_an_exception(opened):
    loaded = build("llava")
    model = loaded.model
    model.train()
    next(model.parameters()).requires_grad_(False)
    before = state_of(loaded)

    def fail(*arguments, **keywords):
        raise RuntimeError("in the midst of it")

    contexts = {
        "attention": lambda: patched_attention(model, fail),
        "differentiable": lambda: differentiable(model),
        "layer input": lambda: hook_layer_input(model, 1, fail),
        "attn_lrp_rules": lambda: attn_lrp_rules(model),
    }
    inputs = asked(loaded)
    run = opened in ("attention", "layer input")  # these fail in the pass itself
    with pytest.raises(RuntimeError, match="in the midst"), contexts[opened]():
        final_states(loaded, inputs, ANSWER) if run else fail()
    assert state_of(loaded) == before


def test_gradients_leave_everything_as_before_when_a_score_fails():
    loaded = build("qwen2-vl")
    before, inputs = state_of(loaded), asked(loaded)

    def fail(*arguments):
        raise RuntimeError("no score")

    starts = torch.tensor([inputs.length])
    for compute, arguments in ((attention_gradient_rollout, (starts,)), (state_gradients, ())):
        with pytest.raises(RuntimeError, match="no score"):
            compute(loaded, inputs, ANSWER, last, *arguments, fail)
        assert state_of(loaded) == before
    assert all(weight.grad is None for weight in loaded.model.parameters())


def test_patched_attention_nests_and_does_not_reach_the_vision_tower():
    loaded = shared("llava")
    called = []

    def attend(name):
        def inner(module, query, key, value, mask, **keywords):
            called.append((name, type(module).__name__))
            weights = attention_weights(query, key, mask, scaling=keywords["scaling"])
            return (weights @ value).transpose(1, 2), None

        return inner

    with torch.no_grad(), patched_attention(loaded.model, attend("outer")):
        with patched_attention(loaded.model, attend("inner")):
            final_states(loaded, asked(loaded), ANSWER)
        assert decoder_of(loaded.model).config._attn_implementation == SWITCH
        final_states(loaded, asked(loaded), ANSWER)
    names = [(name, "LlamaAttention") for name in ("inner", "inner", "outer", "outer")]
    assert called == names


@pytest.mark.parametrize("name", sorted(set(BUILDERS) - WITHOUT_RULES))
def test_attn_lrp_rules_leave_the_outputs_as_they_are(name):
    loaded = shared(name)
    inputs = asked(loaded)
    with torch.no_grad():
        plain = final_states(loaded, inputs, ANSWER)
        with attn_lrp_rules(loaded.model):
            ruled = final_states(loaded, inputs, ANSWER)
        again = final_states(loaded, inputs, ANSWER)
    torch.testing.assert_close(ruled, plain, rtol=1e-4, atol=1e-4)
    assert torch.equal(again, plain)


@pytest.mark.parametrize("name", sorted(WITHOUT_RULES))
def test_attn_lrp_rules_refuse_parts_without_a_rule(name):
    loaded = shared(name)
    before = state_of(loaded)
    match = "per_layer_input_gate .* no rule"
    with pytest.raises(UnsupportedModelError, match=match), attn_lrp_rules(loaded.model):
        pass
    assert state_of(loaded) == before


def test_attn_lrp_rules_refuse_a_layer_without_a_feed_forward_part():
    loaded = build("llava")
    del layers_of(loaded.model)[1].mlp
    with pytest.raises(UnsupportedModelError, match="no mlp"), attn_lrp_rules(loaded.model):
        pass


def test_halved_keeps_values_and_half_of_the_gradient():
    values = torch.randn(5, generator=torch.Generator().manual_seed(0)).requires_grad_()
    half = half_gradient(values)
    assert torch.equal(half, values)
    half.sum().backward()
    assert torch.equal(values.grad, torch.full((5,), 0.5))


def test_identity_rule_carries_the_output_over_the_input_and_nothing_through_zero():
    values = torch.tensor([0.0, 2.0, -4.0], requires_grad=True)
    output = torch.tensor([3.0, 1.0, 8.0])
    found = IdentityRule.apply(values, output)
    assert torch.equal(found, output)
    found.backward(torch.tensor([1.0, 1.0, 2.0]))
    assert values.grad.tolist() == [0.0, 0.5, -4.0]


@pytest.mark.parametrize(("layer", "place"), [(0, 0), (1, 1), (-1, 1), (-2, 0)])
def test_layer_at_counts_from_both_ends(layer, place):
    assert layer_at(shared("llava").model, layer) == place


@pytest.mark.parametrize("layer", [2, -3])
def test_layer_at_refuses_what_is_not_there(layer):
    with pytest.raises(ParameterError, match="from -2 to 1, got"):
        layer_at(shared("llava").model, layer)
    with suppress(ParameterError), hook_layer_input(shared("llava").model, layer, lambda s: s):
        pytest.fail("no such layer was entered")


@pytest.mark.parametrize("decoder", [None, SimpleNamespace(layers=[1])])
def test_decoder_of_refuses_what_has_no_layers(decoder):
    with pytest.raises(UnsupportedModelError, match="list of decoder layers"):
        decoder_of(SimpleNamespace(get_decoder=lambda: decoder))


@pytest.mark.parametrize("queries", [1, 4, 7])
def test_attention_weights_without_a_mask_are_those_of_sdpa(queries):
    """A single query follows the keys of a cache; several begin at the first key.

    A cache of fixed size has room behind the keys of the first pass.
    """
    draw = torch.Generator().manual_seed(0)
    query = torch.randn(1, 4, queries, 6, generator=draw)
    key, value = (torch.randn(1, 4, 7, 6, generator=draw) for _ in range(2))
    weights = attention_weights(query, key, None)
    wanted, _ = fast_attention(torch.nn.Module(), query, key, value, None, is_causal=True)
    found, _ = attention_output(weights, value)
    torch.testing.assert_close(found, wanted)

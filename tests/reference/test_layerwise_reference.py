"""Layer by layer and in blocks of rows, everything is as by one whole graph of all layers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch

import plain_gradients as whole
import seewhy.methods.smooth_grad
import seewhy.models.attention
import seewhy.models.chunked_attention
import seewhy.models.layer_tape
import tiny_gemma4
import tiny_qwen3_vl
from decoders import DECODERS
from families import BUILDERS, build, shared
from painting import noise
from seewhy.core.errors import UnsupportedModelError
from seewhy.methods import Evidence, create
from seewhy.methods._whitebox import WhiteBox
from seewhy.methods.attn_lrp import AttnLRP, attn_lrp_rules
from seewhy.models import Loaded, load
from seewhy.models.session import Session

PROMPT = "What is it?"
ANSWER = (40, 41, 42)

#: Decoders with what no family's tiny model has: caps, sinks, experts, gates, shared keys.
FURTHER: dict[str, Any] = {
    **{
        name: DECODERS[name]
        for name in (
            "gemma2: capped, sliding",
            "gpt-oss: sinks, sliding, experts",
            "granite: multipliers",
            "qwen3-next: gates, experts",
            "qwen3-vl-moe",
        )
    },
    "gemma4: shared keys": lambda: load(tiny_gemma4.build(shared=2)),
}
EVERY = [*sorted(BUILDERS), *sorted(FURTHER)]


@cache
def loaded_of(name: str) -> Loaded:
    return shared(name) if name in BUILDERS else FURTHER[name]()


@cache
def exact(name: str) -> Loaded:
    """In float64, where rounding does not hide anything."""
    loaded = build(name) if name in BUILDERS else FURTHER[name]()
    loaded.model.to(torch.float64)
    loaded.model.set_experts_implementation("eager")  # the grouped product knows no float64
    return loaded


@cache
def box_of(name: str, get: Callable[[str], Loaded] = loaded_of) -> WhiteBox:
    session = Session.from_image(get(name), noise(90, 60), PROMPT, ANSWER)
    evidence = Evidence.from_session(session, ranking_depth=1, start=0)
    return WhiteBox.of(evidence, "this test")


def expect_equal(found: torch.Tensor, expected: torch.Tensor) -> None:
    expected = expected.to(found)
    assert float(expected.abs().max()) > 0
    error = float((found - expected).abs().max() / expected.abs().max())
    assert error < 1e-5, error


def maps_of(spec: str, box: WhiteBox) -> torch.Tensor:
    maps = create(spec).attribute(box.evidence).maps
    return torch.cat([view.flatten(1) for view in maps], 1)


def map_of_positions(box: WhiteBox, values: torch.Tensor) -> torch.Tensor:
    views = box.trace.to_grid(values[:, box.visual].float())
    return torch.cat([view.flatten(1) for view in views], 1)


@pytest.mark.parametrize("name", EVERY)
def test_gradient_attention_is_that_of_a_whole_graph(name):
    box = box_of(name)
    expected = map_of_positions(box, whole.gradient_attention(box))
    expect_equal(maps_of("gradient-attention", box), expected)


@pytest.mark.parametrize("name", EVERY)
def test_attention_rollout_is_that_of_whole_matrices(name):
    box = box_of(name)
    expect_equal(
        maps_of("attention-rollout", box), map_of_positions(box, whole.attention_rollout(box))
    )


@pytest.mark.parametrize(
    ("name", "layer"),
    [*((name, 0) for name in EVERY), ("llava", 1), ("qwen3-vl", 1), ("gemma4: shared keys", 2)],
)
def test_gradients_of_states_are_those_of_a_whole_graph(name, layer):
    box = box_of(name, exact)
    states, gradients = whole.state_gradients(box, layer)
    found = box.gradients(lambda s, g: torch.stack([s, g]), layer=layer)
    expect_equal(found[:, 1], gradients)
    assert torch.allclose(found[0, 0], states, atol=1e-5)


@pytest.mark.parametrize("name", EVERY)
def test_attn_lrp_is_that_of_a_whole_graph(name):
    box = box_of(name)
    try:
        with attn_lrp_rules(loaded_of(name).model):
            # The inner of two patches counts: here all attention is whole.
            states, gradients = whole.state_gradients(box, attend=whole.halved)
    except UnsupportedModelError:
        with pytest.raises(UnsupportedModelError, match="no rule"):
            maps_of("attn-lrp", box)
        return
    expect_equal(AttnLRP().signed_relevance(box), (states * gradients).sum(-1))


def small_blocks(patch: pytest.MonkeyPatch) -> None:
    """A few rows at a time, nothing kept, and gradients of one token at a time."""
    patch.setattr(seewhy.models.attention, "BLOCK", 2000)
    patch.setattr(seewhy.models.chunked_attention, "KEPT", 0)
    patch.setattr(seewhy.models.layer_tape, "GRADIENTS", 1)
    patch.setattr(seewhy.methods.smooth_grad, "BUDGET", 1)


@pytest.mark.parametrize(
    "spec",
    [
        *("attention", "attention-rollout", "gradient-attention", "attn-lrp", "input-x-gradient"),
        *("grad-cam(layer=0)", "dex-ar", "smooth-grad(samples=2)", "llava-cam(samples=1)"),
        "integrated-gradients(steps=1)",
    ],
)
@pytest.mark.parametrize("name", ["gemma2: capped, sliding", "paligemma", "qwen2-vl"])
def test_small_blocks_give_the_same(name, spec, monkeypatch):
    box = box_of(name, exact)
    expected = maps_of(spec, box)
    small_blocks(monkeypatch)
    expect_equal(maps_of(spec, box), expected)


def test_a_model_set_to_eager_gives_the_same():
    for name in ("gemma2: capped, sliding", "llava"):
        box, model = box_of(name), loaded_of(name).model
        expected = maps_of("input-x-gradient", box)
        config = model.get_decoder().config
        usual, config._attn_implementation = config._attn_implementation, "eager"
        try:
            expect_equal(maps_of("input-x-gradient", box), expected)
        finally:
            config._attn_implementation = usual


def test_layers_without_attention_are_refused_by_name():
    loaded = load(tiny_qwen3_vl.build("qwen3_5"))
    box = WhiteBox.of(
        Evidence.from_session(
            Session.from_image(loaded, noise(60, 60), PROMPT, ANSWER), ranking_depth=1
        ),
        "this test",
    )
    for spec in ("gradient-attention", "attention-rollout"):
        with pytest.raises(UnsupportedModelError, match="decoder layer 0 .* got no call"):
            maps_of(spec, box)
    states, gradients = whole.state_gradients(box)
    expect_equal(box.gradients(lambda s, g: (s * g).sum(-1)), (states * gradients).sum(-1))

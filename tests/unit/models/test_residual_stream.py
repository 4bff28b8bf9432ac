"""How attention enters the residual stream, found by measurement."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch
from torch import nn

import tiny_qwen3_vl
from decoders import DECODERS, llava_with
from families import BUILDERS, build, shared
from seewhy.core.errors import UnsupportedModelError
from seewhy.models import Loaded, load
from seewhy.models.decoder import decoder_of
from seewhy.models.residual_stream import (
    AttentionBranch,
    ResidualStream,
    is_readable,
    residual_stream,
)


def first(loaded: Loaded) -> Any:
    """The first decoder layer."""
    return decoder_of(loaded.model).layers[0]


def another_attention(loaded: Loaded) -> nn.Module:
    """One more attention for the first layer."""
    attention = first(loaded).self_attn
    return type(attention)(attention.config, 0).eval()


@pytest.fixture
def llama() -> Loaded:
    return llava_with("LlamaConfig")


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_residual_stream_finds_each_layers_attention(name):
    model = shared(name).model
    stream, decoder = residual_stream(model), decoder_of(model)
    assert [branch.attention for branch in stream.branches] == [
        layer.self_attn for layer in decoder.layers
    ]
    assert all(b.output_projection is b.attention.o_proj for b in stream.branches)
    assert stream.norm is decoder.norm
    assert not any(branch.gated for branch in stream.branches)
    assert stream.kept_after == [1.0, 1.0]


@pytest.mark.parametrize("name", ["gemma2: capped, sliding", "olmo2: norms after"])
def test_residual_stream_finds_the_norm_after_the_attention(name):
    loaded = DECODERS[name]()
    for branch, layer in zip(
        residual_stream(loaded.model).branches, decoder_of(loaded.model).layers, strict=True
    ):
        assert branch.norm is layer.post_attention_layernorm


@pytest.mark.parametrize("name", sorted(set(DECODERS) - {"granite: multipliers"}))
def test_residual_stream_adds_whole_attentions(name):
    """Factors that are 1 are exactly 1."""
    branches = residual_stream(DECODERS[name]().model).branches
    assert [(branch.keeps, branch.enters) for branch in branches] == [(1.0, 1.0)] * 2
    assert all(branch.gated == ("gates" in name) for branch in branches)


def test_residual_stream_measures_multipliers():
    branches = residual_stream(DECODERS["granite: multipliers"]().model).branches
    assert [branch.keeps for branch in branches] == [1.0, 1.0]
    assert [branch.enters for branch in branches] == pytest.approx([0.3, 0.3], rel=1e-4)


def test_kept_after_is_the_product_of_later_layers():
    factors = (0.5, 3.0, 0.25, 2.0)
    branches = tuple(AttentionBranch(None, "", None, factor, 1.0) for factor in factors)
    assert ResidualStream(branches, None).kept_after == pytest.approx([1.5, 0.5, 2.0, 1.0])


def test_residual_stream_measures_what_a_layer_keeps(llama):
    """A layer whose output is multiplied, as by Gemma 4's scalar of each layer."""
    for number, factor in enumerate((0.5, 2.0)):
        layer = decoder_of(llama.model).layers[number]
        layer.register_forward_hook(lambda m, x, output, factor=factor: output * factor)
    stream = residual_stream(llama.model)
    found = [(branch.keeps, branch.enters) for branch in stream.branches]
    assert found == [pytest.approx((0.5, 0.5)), pytest.approx((2.0, 2.0))]
    assert stream.kept_after == pytest.approx([2.0, 1.0])


def test_residual_stream_is_measured_once(llama):
    assert residual_stream(llama.model) is residual_stream(llama.model)


def test_residual_stream_is_measured_anew_after_an_attention_is_replaced(llama):
    before = residual_stream(llama.model)
    first(llama).self_attn = another_attention(llama)
    after = residual_stream(llama.model)
    assert after is not before
    assert after.branches[0].attention is first(llama).self_attn


def test_residual_stream_leaves_the_model_as_it_was():
    loaded = build("gemma3")
    loaded.model.train()
    drawn = torch.random.get_rng_state()

    def state() -> tuple:
        modules = list(loaded.model.modules())
        return (
            [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in modules],
            [m.training for m in modules],
            decoder_of(loaded.model).config._attn_implementation,
            [float(p.sum()) for p in loaded.model.parameters()],
        )

    with torch.no_grad():
        before = state()
        residual_stream(loaded.model)
        assert state() == before
    assert torch.equal(torch.random.get_rng_state(), drawn)


# --- other attentions --------------------------------------------------------------------------


def test_residual_stream_skips_a_dropout_after_the_projection(llama):
    """The projection is what comes before: a dropout changes nothing when it is off."""

    class DroppingAttention(type(first(llama).self_attn)):
        def forward(self, *arguments: Any, **keywords: Any) -> Any:
            output, weights = super().forward(*arguments, **keywords)
            return self.dropout(output), weights

    for layer in decoder_of(llama.model).layers:
        layer.self_attn.__class__ = DroppingAttention
        layer.self_attn.dropout = nn.Dropout(0.5)
    branches = residual_stream(llama.model).branches
    assert [(branch.projection, branch.gated) for branch in branches] == [("o_proj", False)] * 2


def changed_before_projecting(loaded: Loaded, change: nn.Module) -> None:
    """Put a module between the heads' outputs and each output projection."""

    class Changing(nn.Module):
        def __init__(self, projection: nn.Module) -> None:
            super().__init__()
            self.projection = projection

        def forward(self, states: torch.Tensor) -> torch.Tensor:
            return self.projection(states)

    for layer in decoder_of(loaded.model).layers:
        attention: Any = layer.self_attn
        attention.change = change

        class ChangingAttention(type(attention)):
            def forward(self, *arguments: Any, **keywords: Any) -> Any:
                inner, outer = self.o_proj, self.outer
                self.o_proj = nn.Identity()
                try:
                    output, weights = super().forward(*arguments, **keywords)
                finally:
                    self.o_proj = inner
                return outer(self.change(output)), weights

        attention.outer = Changing(attention.o_proj)
        attention.__class__ = ChangingAttention


def test_residual_stream_takes_values_that_are_multiplied_as_gated(llama):
    class Scaled(nn.Module):
        def forward(self, states: torch.Tensor) -> torch.Tensor:
            return states * torch.linspace(0.5, 2, states.shape[-1])

    changed_before_projecting(llama, Scaled())
    assert [branch.gated for branch in residual_stream(llama.model).branches] == [True, True]


def test_residual_stream_refuses_heads_that_are_mixed_before_the_projection(llama):
    """Their values have no share of their own, but ratios of values would add up all the same."""
    width = decoder_of(llama.model).layers[0].self_attn.o_proj.in_features
    changed_before_projecting(llama, nn.Linear(width, width, bias=False))
    with pytest.raises(UnsupportedModelError, match="multiply each value before"):
        residual_stream(llama.model)


def test_residual_stream_refuses_layers_without_attention_by_name():
    loaded = load(tiny_qwen3_vl.build("qwen3_5"))
    with pytest.raises(UnsupportedModelError, match=r"layer 0 \(Qwen3_5DecoderLayer\).*got none"):
        residual_stream(loaded.model)
    assert not is_readable(loaded.model)
    with pytest.raises(UnsupportedModelError, match="got none"):  # the second time too
        residual_stream(loaded.model)


def test_residual_stream_refuses_two_attentions_in_a_layer(llama):
    layer = first(llama)
    layer.second = another_attention(llama)
    original = layer.self_attn.forward
    layer.self_attn.forward = lambda *a, **k: (
        layer.second(*a, **{**k, "past_key_values": None}),
        original(*a, **k),
    )[1]
    with pytest.raises(UnsupportedModelError, match="got several"):
        residual_stream(llama.model)


def test_residual_stream_refuses_a_norm_over_the_sum(llama):
    """In a post-norm layer the state is no sum of parts with fixed factors."""
    layer = first(llama)
    layer.register_forward_hook(lambda m, x, output: nn.functional.layer_norm(output, (48,)))
    with pytest.raises(UnsupportedModelError, match="layer 0 .* to add its attention to its input"):
        residual_stream(llama.model)


def test_residual_stream_refuses_a_decoder_that_does_not_end_with_a_norm(llama):
    decoder_of(llama.model).norm = nn.Identity()
    with pytest.raises(UnsupportedModelError, match="to end with one norm"):
        residual_stream(llama.model)


def test_refused_model_is_not_kept_alive():
    """What is remembered of it must not hold it: a model may be gigabytes."""
    loaded = load(tiny_qwen3_vl.build("qwen3_5"))
    assert not is_readable(loaded.model)
    model = weakref.ref(loaded.model)
    del loaded
    gc.collect()
    assert model() is None


def test_measured_model_is_not_kept_alive():
    loaded = llava_with("LlamaConfig")
    assert is_readable(loaded.model)
    model = weakref.ref(loaded.model)
    del loaded
    gc.collect()
    assert model() is None


def test_residual_stream_is_not_misled_by_a_few_very_large_states(llama):
    model: Any = llama.model.to(torch.bfloat16)
    with torch.no_grad():
        model.get_input_embeddings().weight[:, :2] = 3000.0
        model.get_input_embeddings().weight[:, 2] = -1777.0
    assert {(b.keeps, b.enters) for b in residual_stream(model).branches} == {(1.0, 1.0)}


def test_residual_stream_refuses_a_decoder_that_does_not_run_on_ids_alone(llama, monkeypatch):
    decoder = decoder_of(llama.model)

    def forward(*arguments: Any, **keywords: Any) -> Any:
        raise TypeError("no per-layer inputs")

    monkeypatch.setattr(decoder, "forward", forward)
    with pytest.raises(UnsupportedModelError, match="run on a few ids alone, got TypeError"):
        residual_stream(llama.model)
    assert not is_readable(llama.model)

"""Sizes are read from configs of all kinds, and from the model's inputs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from families import BUILDERS, shared
from painting import noise
from seewhy.memory.sizes import ModelSizes, PromptSize
from seewhy.models import prepare
from seewhy.models.decoder import layers_of


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_sizes_are_those_of_the_model(name):
    loaded = shared(name)
    sizes = ModelSizes.of(loaded.model.config, loaded.model.dtype)
    assert sizes.layers == len(layers_of(loaded.model))
    rows, width = loaded.model.get_output_embeddings().weight.shape
    assert (sizes.vocabulary, sizes.hidden) == (rows, width)
    assert sizes.bytes_each == 4
    inputs = prepare(loaded.family, noise(90, 60), "What is it?")
    size = PromptSize.of(inputs, 7)
    assert size.positions == inputs.length + 7
    assert size.explained == 7 + len(inputs.prompt_positions)
    assert PromptSize.of(inputs, 7, explain_prompt=False).explained == 7
    assert size.pixels >= 3 * sizes.patch


def config(**text):
    text_part = SimpleNamespace(**text)
    return SimpleNamespace(get_text_config=lambda: text_part)


def test_a_config_of_other_names_is_taken_for_a_large_model():
    sizes = ModelSizes.of(config(), torch.bfloat16)
    assert (sizes.layers, sizes.hidden, sizes.heads, sizes.bytes_each) == (32, 4096, 32, 2)
    assert sizes.vision_hidden == sizes.hidden
    other = ModelSizes.of(config(n_embd=64, n_layer=3, n_head=4), torch.float32)
    assert (other.layers, other.hidden, other.heads, other.dim) == (3, 64, 4, 16)


def test_lists_of_widths_and_experts_count_with_their_largest():
    several = config(hidden_size=64, num_attention_heads=4, intermediate_size=[100, 300, 200])
    assert ModelSizes.of(several, torch.float32).inner == 300
    experts = config(
        hidden_size=64, intermediate_size=10, num_experts_per_tok=8, moe_intermediate_size=50
    )
    assert ModelSizes.of(experts, torch.float32).inner == 400


def test_resized_and_batched_sizes():
    one, other = PromptSize(10, 100, 5, 8, 1000), PromptSize(20, 50, 9, 6, 500)
    assert one.resized(0.5) == PromptSize(10, 50, 5, 8, 500)
    assert one.batched([other]) == PromptSize(20, 100, 9, 8, 1000)

"""A model with a LoRA adapter is explained like the same model without the wrapper, by family."""

from __future__ import annotations

import copy

import peft
import pytest
import torch

from explained import PICTURE, PROMPT, distance, explained
from families import BUILDERS, shared
from seewhy.explainer import Explainer
from seewhy.models import load

CASES = [
    ("logit-shares", None),
    ("intra-modal(window=None)", "a red star"),
    ("gradient-attention", "a red star"),
]


def with_lora(model, *, zero):
    """A copy of a model in PEFT's wrapper, in training mode, with a dropout."""
    config = peft.LoraConfig(
        r=4, lora_dropout=0.5, target_modules="all-linear", init_lora_weights=zero
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return peft.get_peft_model(copy.deepcopy(model), config).train()


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_family_with_an_adapter_of_zero_is_explained_as_without(name):
    bare = shared(name)
    wrapped = with_lora(bare.model, zero=True)
    for method, answer in CASES:
        one = explained(bare.model, bare.processor, method, answer)
        other = explained(wrapped, bare.processor, method, answer)
        assert distance(one, other) <= 1e-6
        assert "The model runs with the adapter 'default' (LORA)." in (
            other.record.provenance.notes
        )


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_family_with_a_real_adapter_is_explained_as_merged(name):
    bare = shared(name)
    wrapped = with_lora(bare.model, zero=False)
    merged = copy.deepcopy(wrapped).eval().merge_and_unload()
    for method, answer in [("logit-shares", None), ("intra-modal(window=None)", "a red star")]:
        one = explained(merged, bare.processor, method, answer)
        other = explained(wrapped, bare.processor, method, answer)
        assert distance(one, other) <= 1e-4
    before = explained(bare.model, bare.processor, *CASES[1])
    tokens = zip(before.tokens, other.tokens, strict=True)
    assert max(abs(a.probability - b.probability) for a, b in tokens) > 1e-6


@pytest.mark.parametrize("name", ["gemma4", "paligemma", "qwen2-5-vl"])
def test_family_batches_with_an_adapter(name):
    bare = shared(name)
    answers = {"answers": ["a red star", "the cup"]}
    one, other = (
        Explainer(load((model, bare.processor))).explain_batch([PICTURE] * 2, PROMPT, **answers)
        for model in (bare.model, with_lora(bare.model, zero=True))
    )
    assert max(map(distance, one, other)) <= 1e-6

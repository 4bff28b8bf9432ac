"""What enters a language model, and the vision side's attention silenced meanwhile."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from families import build, shared
from painting import noise
from seewhy.core.errors import UnsupportedModelError
from seewhy.models import prepare
from seewhy.models.input_embeddings import (
    input_embeddings,
    language_model_of,
    vision_attentions,
    zeroed_outputs,
)


def test_input_embeddings_hold_the_visual_features():
    loaded = shared("llava")
    inputs = prepare(loaded.family, noise(60, 40), "What?")
    embeddings = input_embeddings(loaded.model, inputs.tensors)
    features = loaded.family.visual_features(inputs.media[0])
    torch.testing.assert_close(embeddings[inputs.visual_positions], features)


def test_input_embeddings_refuses_a_model_that_takes_ids_alone():
    model = build("llava").model
    decoder = language_model_of(model)
    model.forward = lambda input_ids: decoder(input_ids=input_ids)
    with pytest.raises(UnsupportedModelError, match="pass inputs_embeds to its language model"):
        input_embeddings(model, {"input_ids": torch.tensor([[1, 2]])})
    assert not decoder._forward_pre_hooks


def test_language_model_of_refuses_a_model_without_a_language_model():
    with pytest.raises(UnsupportedModelError, match="language model in it"):
        language_model_of(nn.Linear(1, 1))


def test_vision_attentions_are_those_outside_the_language_model():
    model = shared("llava").model
    names = [name for name, module in model.named_modules() if module in vision_attentions(model)]
    assert names
    assert all("vision_tower" in name for name in names)


def test_zeroed_outputs_zeroes_tensors_and_tuples_only_while_it_lasts():
    linear = nn.Linear(2, 2)
    with zeroed_outputs(linear, [linear]):
        assert not linear(torch.ones(1, 2)).any()
    assert linear(torch.ones(1, 2)).any()

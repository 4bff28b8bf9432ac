"""Layers of an answer's words, in every family."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image

import families
from seewhy.core.layers import Layers
from seewhy.explainer import Explainer
from seewhy.explanation import Explanation
from seewhy.methods import Evidence, create
from seewhy.methods._layers import states_of_layers
from seewhy.methods._scores import text_positions
from seewhy.methods._shares import share_reader
from seewhy.models.session import Session

PIXELS = np.random.default_rng(0).integers(0, 255, (60, 90, 3), dtype=np.uint8)
PICTURE = Image.fromarray(PIXELS)
PROMPT = "What is to the left?"
TOKENS = 4


@cache
def explained(name: str) -> Explanation:
    return Explainer(families.shared(name)).explain(
        PICTURE, PROMPT, layers=True, max_new_tokens=TOKENS, min_new_tokens=TOKENS
    )


def layers_of(explanation: Explanation) -> Layers:
    assert explanation.record.layers is not None
    return explanation.record.layers


@pytest.mark.parametrize("name", families.BUILDERS)
def test_layers_end_with_the_models_own_prediction(name):
    explanation = explained(name)
    layers = layers_of(explanation)
    own = torch.tensor([token.probability for token in explanation.record.tokens])
    torch.testing.assert_close(layers.probabilities[:, -1], own, rtol=1e-4, atol=1e-6)
    assert layers.ranks[:, -1].tolist() == [0] * len(own)  # greedy
    lens = create("logit-lens")
    session = Session.from_image(
        families.shared(name), PICTURE, PROMPT, [token.id for token in explanation.record.tokens]
    )
    maps = lens.attribute(Evidence.from_session(session)).maps
    for own_maps, by_layer in zip(maps, layers.lens_maps, strict=True):
        torch.testing.assert_close(by_layer[:, -1], own_maps, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", families.BUILDERS)
def test_parts_of_all_layers_sum_to_the_logit(name):
    explanation = explained(name)
    layers, loaded = layers_of(explanation), families.shared(name)
    session = Session.from_image(
        loaded, PICTURE, PROMPT, [token.id for token in explanation.record.tokens]
    )
    evidence = Evidence.from_session(session)
    reader, trace = share_reader(evidence, "layers"), evidence.trace
    origins = text_positions(trace)[len(trace.prompt_tokens) :] - 1
    states = states_of_layers(session, trace, origins)
    kept = reader.stream.branches[0].keeps * reader.stream.kept_after[0]
    embedding = kept * (states[0].float() * reader.directions).sum(-1)
    attention = sum(layer.totals + layer.constants for layer in reader.layers)
    parts = embedding + attention + layers.feed_forward.sum(1) + reader.constants
    before = torch.cat([trace.first_prediction_state[None], trace.text_states[-len(origins) : -1]])
    logits = (before * trace.unembedding_rows[-len(origins) :]).sum(-1)
    torch.testing.assert_close(parts, logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["qwen2-vl", "gemma4"])
def test_share_maps_of_all_layers_are_the_first_hop(name):
    layers = layers_of(explanation := explained(name))
    session = Session.from_image(
        families.shared(name), PICTURE, PROMPT, [token.id for token in explanation.record.tokens]
    )
    maps = create("logit-shares(hops=1)").attribute(Evidence.from_session(session)).maps
    torch.testing.assert_close(layers.share_maps[0].sum(1), maps[0], rtol=1e-3, atol=1e-5)
    sums = layers.picture.sum((1, 2))
    torch.testing.assert_close(sums, maps[0].sum((1, 2)), rtol=0.2, atol=1e-4)


def test_layers_are_left_out_unless_asked_for():
    explanation = Explainer(families.shared("qwen2-vl")).explain(
        PICTURE, PROMPT, max_new_tokens=TOKENS
    )
    assert explanation.record.layers is None

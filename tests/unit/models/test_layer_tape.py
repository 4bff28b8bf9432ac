"""Going back layer by layer: one layer's graph at a time, and nothing left behind."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

import seewhy.models.attention
import seewhy.models.chunked_attention
from families import build, shared
from live_bytes import LiveBytes
from painting import noise
from seewhy.core.errors import UnsupportedModelError
from seewhy.methods import Evidence, create
from seewhy.models import prepare
from seewhy.models.decoder import decoder_of, final_states, layers_of
from seewhy.models.gradients import differentiable
from seewhy.models.layer_tape import LayerTape
from seewhy.models.passes import count_passes
from seewhy.models.session import Session

ANSWER = (40, 41, 42)


def asked(loaded, size=(90, 60)):
    return prepare(loaded.family, noise(*size), "What is it?")


def test_recording_puts_every_forward_back():
    loaded = build("llava")
    own = {layer: vars(layer).get("forward") for layer in layers_of(loaded.model)}

    def fail(*arguments):
        raise RuntimeError("in the midst of it")

    mlp: Any = layers_of(loaded.model)[1].mlp
    hook = mlp.register_forward_pre_hook(fail)
    tape = LayerTape()
    with (
        pytest.raises(RuntimeError, match="in the midst"),
        differentiable(loaded.model),
        tape.recording(loaded.model),
    ):
        final_states(loaded, asked(loaded), ANSWER)
    hook.remove()
    assert {layer: vars(layer).get("forward") for layer in layers_of(loaded.model)} == own


def test_recording_keeps_a_forward_that_was_replaced_before():
    """accelerate replaces it to bring a layer's weights to its device."""
    loaded = build("llava")
    layer, called = layers_of(loaded.model)[0], []
    original = layer.forward

    def replaced(*arguments, **keywords):
        called.append(torch.is_grad_enabled())
        return original(*arguments, **keywords)

    layer.forward = replaced
    box = Evidence.from_session(
        Session.from_image(loaded, noise(60, 40), "What is it?", ANSWER), ranking_depth=1
    )
    called.clear()
    create("input-x-gradient").attribute(box)
    assert called == [False, True]
    assert layer.forward is replaced


def test_a_layer_that_caches_in_every_pass_is_refused():
    loaded = shared("llava")
    tape = LayerTape()
    with tape._recorded(SimpleNamespace(forward=lambda states, **k: states), 3):
        pass
    with pytest.raises(UnsupportedModelError, match="layer 3 to run without a cache"):
        tape._keep(3, lambda states: states, (torch.zeros(1),), {"past_key_values": object()})
    assert loaded.model is not None


def test_backward_passes_are_counted_once_for_each_target():
    loaded = shared("llava")
    session = Session.from_image(loaded, noise(90, 60), "What is it?", ANSWER)
    evidence = Evidence.from_session(session, ranking_depth=1)
    with count_passes(loaded.model) as passes:
        create("gradient-attention").attribute(evidence)
    assert (passes.forward, passes.backward) == (1, len(ANSWER))


@pytest.mark.parametrize(
    "spec",
    [
        *("attention", "attention-rollout", "gradient-attention", "attn-lrp", "dex-ar"),
        *("input-x-gradient", "grad-cam", "logit-shares"),
    ],
)
def test_no_tensor_has_all_heads_and_all_pairs_of_positions(spec, monkeypatch):
    monkeypatch.setattr(seewhy.models.attention, "BLOCK", 4096)
    monkeypatch.setattr(seewhy.models.chunked_attention, "KEPT", 0)
    loaded = shared("qwen2-vl")
    picture = noise(400, 300)
    session = Session.from_image(loaded, picture, "What is it?", ANSWER)
    evidence = Evidence.from_session(session, ranking_depth=1)
    heads = decoder_of(loaded.model).config.num_attention_heads
    positions = session.inputs().length + len(ANSWER)
    with LiveBytes() as live:
        create(spec).attribute(evidence)
    assert positions > 300
    assert torch.Size(live.largest).numel() < heads * positions**2 / 2


def test_memory_does_not_grow_with_the_layers():
    """What is added for each layer are states, and no attention."""
    from decoders import llava_with

    peaks = []
    for layers in (2, 6):
        loaded = llava_with("LlamaConfig", num_hidden_layers=layers)
        session = Session.from_image(loaded, noise(90, 60), "What is it?", ANSWER)
        evidence = Evidence.from_session(session, ranking_depth=1)
        with LiveBytes() as live:
            create("gradient-attention").attribute(evidence)
        peaks.append(live.peak)
        positions = session.inputs().length + len(ANSWER)
    states = 4 * 48 * positions
    assert peaks[1] - peaks[0] < (6 - 2) * 1.2 * states

"""Pixels of one scale are in memory at a time."""

from __future__ import annotations

import weakref
from dataclasses import replace

import pytest
import torch

import seewhy
from families import build, shared
from painting import noise
from seewhy.captured import CapturedGeneration
from seewhy.core.errors import ParameterError
from seewhy.explainer import Explainer
from seewhy.models import prepare, read
from seewhy.models.batching import batch
from seewhy.models.session import Session

PROMPT = "What is it?"
ANSWER = (40, 41, 42)
FAMILIES = ("internvl", "llava", "qwen2-vl")


class Watch:
    """Weak references to all that a family makes of pictures, by the scale."""

    def __init__(self, family, monkeypatch):
        self.made: dict[float, list[weakref.ref]] = {}
        self.alive: list[tuple[float, float]] = []
        original = family.process_image_among

        def process(image, scale, pictures):
            self.alive += [(old, scale) for old in self.made if old != scale and self.living(old)]
            visual = original(image, scale, pictures)
            kept = [visual, *(t for t in visual.tensors.values() if isinstance(t, torch.Tensor))]
            self.made.setdefault(scale, []).extend(weakref.ref(one) for one in kept)
            return visual

        monkeypatch.setattr(family, "process_image_among", process)

    def living(self, scale):
        """Whether anything of a scale is still there."""
        return any(ref() is not None for ref in self.made[scale])


def explain(explainer, **given):
    return explainer.explain(noise(96, 64), PROMPT, answer=ANSWER, **given)


def explain_batch(explainer, **given):
    pictures = [noise(96, 64), noise(64, 96, 1)]
    return explainer.explain_batch(pictures, PROMPT, answers=[ANSWER, ANSWER], **given)


@pytest.mark.parametrize("call", [explain, explain_batch])
@pytest.mark.parametrize("name", FAMILIES)
def test_pixels_of_a_scale_are_gone_when_the_next_is_read(name, call, monkeypatch):
    explainer = Explainer(shared(name))
    watch = Watch(explainer.loaded.family, monkeypatch)
    kept = call(explainer, method="msea", scales=(1.0, 0.5, 2.0))
    assert set(watch.made) == {1.0, 0.5, 2.0}
    assert watch.alive == []
    assert not any(map(watch.living, watch.made))
    assert kept


def test_pixels_are_made_again_for_a_method_that_runs_the_model_at_each_scale(monkeypatch):
    explainer = Explainer(shared("qwen2-vl"))
    watch = Watch(explainer.loaded.family, monkeypatch)
    given = {"method": "msea(base=input-x-gradient)", "scales": (1.0, 0.5)}
    found = explain(explainer, **given)
    assert watch.alive == []
    again = explain(explainer, **given)
    for one, other in zip(
        found.record.attribution.maps, again.record.attribution.maps, strict=True
    ):
        assert torch.equal(one, other)
        assert float(one.max()) > 0


def test_a_trace_of_the_users_call_keeps_no_pixels_of_an_earlier_scale(monkeypatch):
    loaded = build("qwen2-vl")
    explainer = Explainer(loaded)
    trace = CapturedGeneration(explainer)
    picture = noise(96, 64)
    with trace:
        tensors = seewhy.models.prepare(loaded.family, picture, PROMPT).tensors
        loaded.model.generate(**tensors, max_new_tokens=3, min_new_tokens=3, do_sample=False)
    watch = Watch(loaded.family, monkeypatch)
    trace.explain(picture, method="msea", scales=(1.0, 0.5))
    assert set(watch.made) == {1.0, 0.5}
    assert watch.alive == []


@pytest.mark.parametrize("name", FAMILIES)
def test_inputs_without_pixels_keep_the_rest_and_cannot_be_run(name):
    loaded = shared(name)
    inputs = prepare(loaded.family, noise(96, 64), PROMPT)
    bare = inputs.without_pixels()
    assert not any(t.is_floating_point() for t in bare.tensors.values())
    for part in ("length", "model_sizes", "prompt", "prompt_spans", "rendered", "scale"):
        assert getattr(bare, part) == getattr(inputs, part)
    assert [m.notes for m in bare.media] == [m.notes for m in inputs.media]
    assert torch.equal(bare.visual_positions, inputs.visual_positions)
    with pytest.raises(ParameterError, match="got those of a trace whose pixels were freed"):
        read(loaded, bare, ANSWER)
    with pytest.raises(ParameterError, match=r"take session.inputs_of\(trace\)"):
        batch(loaded.family, [inputs, bare])


def test_a_session_keeps_the_pixels_of_the_latest_scale():
    session = Session.from_image(shared("qwen2-vl"), noise(96, 64), PROMPT, ANSWER)
    base = session.inputs()
    assert session.inputs() is base
    trace = session.trace()
    assert not trace.inputs.has_pixels
    assert session.inputs_of(trace) is base
    session.inputs(0.5)
    again = session.inputs_of(trace)
    assert again is not base
    assert torch.equal(again.tensors["pixel_values"], base.tensors["pixel_values"])
    own = replace(trace, inputs=base)
    assert session.inputs_of(own) is base
    assert session.keep(own).inputs() is base

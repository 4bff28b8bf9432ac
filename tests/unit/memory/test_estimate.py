"""The estimate is an upper bound of what tensors hold, and grows with what makes memory grow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from families import BUILDERS, shared
from live_bytes import LiveBytes
from painting import noise
from seewhy.explainer import Explainer
from seewhy.memory.estimate import BASE, estimate_memory
from seewhy.memory.limits import MemoryGuard
from seewhy.memory.sizes import ModelSizes, PromptSize
from seewhy.methods import METHODS, create
from seewhy.models import prepare
from seewhy.options import ExplainOptions

SPECS = (
    *("logit-shares", "tam", "attention", "attention-rollout", "gradient-attention", "attn-lrp"),
    *("dex-ar", "smooth-grad(samples=1)", "integrated-gradients(steps=1)", "rise(samples=16)"),
    "msea(base=gradient-attention, scales=(1, 0.5))",
)

#: The shape of Qwen2-VL-2B, and a picture of 1,508 visual tokens.
REAL = ModelSizes(28, 1536, 8960, 12, 2, 128, 151_936, 1280, 5120, 1176, 2)
PROMPT = PromptSize(text=26, visual=1508, answer=30, explained=45, pixels=7_093_632)


def measured(loaded, spec, **settings):
    """Bytes that tensors hold at most, and the estimate without its base."""
    explainer = Explainer(loaded)
    picture, settings = noise(160, 120), {"method": spec, "max_new_tokens": 2, **settings}
    with LiveBytes() as live:
        explainer.explain(picture, "What is it?", **settings)
    guard = MemoryGuard(loaded, ExplainOptions.of(**settings))
    guard.expect_fits([prepare(loaded.family, picture, "What is it?")], [])
    return live.peak, guard.estimate() - BASE


@pytest.mark.parametrize("spec", SPECS)
def test_the_estimate_is_above_what_tensors_hold(spec):
    peak, estimate = measured(shared("qwen2-vl"), spec)
    assert 0 < peak < estimate


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_the_estimate_is_above_what_tensors_hold_in_every_family(name):
    peak, estimate = measured(shared(name), "gradient-attention", explain_prompt=False)
    assert 0 < peak < estimate


@pytest.mark.parametrize("asked", ["layers", "diagnose"])
def test_further_readings_are_in_the_estimate(asked):
    method = create("logit-lens")
    assert estimate_memory(REAL, method, PROMPT, **{asked: True}) > estimate_memory(
        REAL, method, PROMPT
    )


@pytest.mark.parametrize("name", METHODS.names())
def test_every_method_fits_the_goal_at_real_size(name):
    method = create(name)
    if not method.further_scales:
        assert estimate_memory(REAL, method, PROMPT) < 4e9


@pytest.mark.parametrize("name", METHODS.names())
def test_the_estimate_grows_with_the_picture_and_the_answer(name):
    method = create(name)
    base = estimate_memory(REAL, method, PROMPT)
    assert estimate_memory(REAL, method, PROMPT.resized(8)) > base
    longer = replace(PROMPT, answer=300, explained=315)
    assert estimate_memory(REAL, method, longer) > base
    assert estimate_memory(REAL, method, PROMPT, batch=4) > base


def test_scales_are_in_the_estimate():
    one, several = create("msea", scales=(1.0,)), create("msea", scales=(1.0, 2.0))
    assert estimate_memory(REAL, several, PROMPT) > 2 * estimate_memory(REAL, one, PROMPT)


def test_a_part_is_in_the_estimate_of_the_whole():
    whole = estimate_memory(REAL, create("corroborated"), PROMPT)
    assert whole >= estimate_memory(REAL, create("attn-lrp"), PROMPT)

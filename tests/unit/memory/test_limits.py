"""What would not fit is refused before anything is read, and running out is one clear error."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from PIL import Image

import seewhy
import seewhy.explained_answer
import seewhy.memory.limits as limits
import seewhy.models.inputs
from families import shared
from painting import noise
from seewhy.captured import CapturedGeneration
from seewhy.core.errors import MemoryLimitError, ParameterError
from seewhy.explainer import Explainer
from seewhy.memory.sizes import ModelSizes
from seewhy.methods import METHODS
from seewhy.models.decoder import layers_of
from seewhy.models.passes import count_passes
from seewhy.testbed.scenes import draw, scene

PROMPT = "What is it?"
PICTURE = noise(96, 64)
ANSWER = (40, 41, 42)

ERRORS = {
    "cpu": lambda: RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
    "cuda": lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB."),
    "mps": lambda: RuntimeError("MPS backend out of memory (MPS allocated: 5.00 GB)"),
    "numpy": lambda: MemoryError("Unable to allocate 9 GiB for an array"),
}


@pytest.fixture(scope="module")
def explainer():
    return Explainer(shared("qwen2-vl"))


def traced(explainer):
    """A call of `generate` in the user's own code."""
    loaded = explainer.loaded
    trace = CapturedGeneration(explainer)
    with trace:
        tensors = seewhy.models.prepare(loaded.family, PICTURE, PROMPT).tensors
        loaded.model.generate(**tensors, max_new_tokens=3, min_new_tokens=3, do_sample=False)
    return trace


CALLS = {
    "explain": lambda explainer, **given: explainer.explain(
        PICTURE, PROMPT, answer=ANSWER, **given
    ),
    "generate": lambda explainer, **given: explainer.explain(
        PICTURE, PROMPT, max_new_tokens=3, min_new_tokens=3, **given
    ),
    "batch": lambda explainer, **given: explainer.explain_batch(
        [PICTURE, PICTURE], PROMPT, answers=[ANSWER, ANSWER], **given
    ),
    "trace": lambda explainer, **given: traced(explainer).explain(PICTURE, **given),
}


@pytest.mark.parametrize("call", CALLS)
def test_what_does_not_fit_max_memory_is_refused_before_anything_is_read(explainer, call):
    match = (
        r"to fit max_memory of 1 MB, got an estimate of \d+ MB for \d+ positions: .*--max-memory"
    )
    passes_of_user = 3 if call == "trace" else 0
    with (
        count_passes(explainer.loaded.model) as passes,
        pytest.raises(MemoryLimitError, match=match) as caught,
    ):
        CALLS[call](explainer, method="gradient-attention", max_memory="1MB")
    assert passes.forward == passes_of_user
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("call", CALLS)
def test_what_does_not_fit_the_free_memory_is_refused(explainer, call, monkeypatch):
    monkeypatch.setattr(limits, "available_memory", lambda model: 10**6)
    with pytest.raises(MemoryLimitError, match=r"to fit the free memory of 1 MB, .*free memory\."):
        CALLS[call](explainer)
    # A limit of one's own stands above what was found to be free.
    CALLS[call](explainer, max_memory="1TB")


def test_unknown_free_memory_refuses_nothing(explainer, monkeypatch):
    monkeypatch.setattr(limits, "available_memory", lambda model: None)
    CALLS["explain"](explainer)


@pytest.mark.parametrize("amount", ["much", 0, -1, "0GB", 1.5])
def test_max_memory_wants_an_amount(explainer, amount):
    with pytest.raises(ParameterError, match="Expected an amount of memory"):
        explainer.explain(PICTURE, max_memory=amount)


def guard_of(explainer, **settings):
    """A guard of one prompt in the shape of Qwen2-VL-2B."""
    options = seewhy.ExplainOptions.of(max_memory="1TB", **settings)
    guard = limits.MemoryGuard(explainer.loaded, options)
    inputs = seewhy.models.prepare(explainer.loaded.family, PICTURE, PROMPT)
    guard.expect_fits([inputs], [])
    assert guard.prompt is not None
    guard.prompt = replace(guard.prompt, visual=1508, pixels=7_093_632, answer=30, explained=45)
    guard._sizes = ModelSizes(28, 1536, 8960, 12, 2, 128, 151_936, 1280, 5120, 1176, 2)
    return guard


def test_advice_names_methods_a_smaller_picture_and_fewer_scales(explainer):
    guard = guard_of(explainer, method="corroborated")
    advice = guard.advice(int(0.8 * guard.estimate()))
    assert "choose another method: logit-shares (" in advice
    assert "take a smaller picture, of at most " in advice
    assert "visual tokens (now 1,508" in advice
    assert "\n" not in advice
    assert "scales" not in advice  # its own are those of its base
    scaled = guard_of(explainer, method="msea")
    assert "with scales=(1,) it is" in scaled.advice(int(0.9 * scaled.estimate()))


def test_what_is_advised_fits(explainer):
    guard = guard_of(explainer, method="gradient-attention")
    limit = int(0.95 * guard.estimate())
    advice = guard.advice(limit)
    tokens = int(advice.split("of at most ")[1].split(" ")[0].replace(",", ""))
    assert guard.prompt is not None
    assert guard.estimate(prompt=guard.prompt.resized(tokens / 1508)) <= limit
    names = advice.split("choose another method: ")[1].split(";")[0]
    for name in (part.split(" (")[0] for part in names.split(", ")):
        assert name in METHODS.names()


def test_advice_names_a_smaller_batch_and_what_to_leave_out(explainer):
    guard = guard_of(explainer)
    guard.batch = 4
    advice = guard.advice(guard.estimate() - 1)
    assert "explain at most 3 together (chunk_size)" in advice
    guard = guard_of(explainer, diagnose=True)
    assert "without diagnose it is" in guard.advice(guard.estimate() - 1)


def test_advice_does_not_promise_what_does_not_fit(explainer):
    assert guard_of(explainer).advice(1) == "raise max_memory (--max-memory)."


# --- running out --------------------------------------------------------------------------------


def raising(error):
    def fail(*arguments, **keywords):
        raise error()

    return fail


def fail_in_a_layer(loaded, error, monkeypatch, only=None):
    """Let a decoder layer run out of memory: in every pass, or with gradients only."""
    layer: Any = layers_of(loaded.model)[0]
    forward = layer.mlp.forward

    def run_out(*arguments, **keywords):
        if only is None or torch.is_grad_enabled() == only:
            raise error()
        return forward(*arguments, **keywords)

    monkeypatch.setattr(layer.mlp, "forward", run_out)


STAGES = {
    "reading the picture": lambda loaded, error, patch: patch.setattr(
        seewhy.models.inputs, "process_media", raising(error)
    ),
    "the forward pass": lambda loaded, error, patch: fail_in_a_layer(loaded, error, patch),
    "the method": lambda loaded, error, patch: patch.setattr(
        seewhy.explained_answer, "_attributed", raising(error)
    ),
    "the record": lambda loaded, error, patch: patch.setattr(
        seewhy.explained_answer, "_picture", raising(error)
    ),
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("call", ["explain", "batch"])
def test_out_of_memory_in_any_stage_is_one_clear_error(explainer, call, stage, monkeypatch):
    STAGES[stage](explainer.loaded, ERRORS["cpu"], monkeypatch)
    with pytest.raises(MemoryLimitError, match=r"got out of memory \(.*\): ") as caught:
        CALLS[call](explainer, max_memory="1TB")
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None


def test_out_of_memory_on_a_trace_is_one_clear_error(explainer, monkeypatch):
    trace = traced(explainer)
    fail_in_a_layer(explainer.loaded, ERRORS["cuda"], monkeypatch)
    with pytest.raises(MemoryLimitError, match="got out of memory"):
        trace.explain(PICTURE)


@pytest.mark.parametrize("device", ERRORS)
def test_out_of_memory_while_generating_is_one_clear_error(explainer, device, monkeypatch):
    fail_in_a_layer(explainer.loaded, ERRORS[device], monkeypatch)
    with pytest.raises(MemoryLimitError, match="got out of memory"):
        CALLS["generate"](explainer)


@pytest.mark.parametrize(
    "spec",
    [
        "gradient-attention",
        "attn-lrp",
        "input-x-gradient",
        "smooth-grad(samples=1)",
        "corroborated",
    ],
)
def test_out_of_memory_in_a_backward_pass_is_one_clear_error(explainer, spec, monkeypatch):
    fail_in_a_layer(explainer.loaded, ERRORS["cuda"], monkeypatch, only=True)
    with pytest.raises(MemoryLimitError, match="got out of memory"):
        CALLS["explain"](explainer, method=spec)
    # Nothing is left behind: the next call works.
    monkeypatch.undo()
    CALLS["explain"](explainer, method=spec)


@pytest.mark.parametrize("part", ["layers", "diagnose"])
def test_out_of_memory_in_further_readings_is_one_clear_error(explainer, part, monkeypatch):
    name = {"layers": "layers_of_answer", "diagnose": "diagnosed"}[part]
    monkeypatch.setattr(seewhy.explained_answer, name, raising(ERRORS["cpu"]))
    with pytest.raises(MemoryLimitError, match="got out of memory"):
        CALLS["explain"](explainer, **{part: True})


@pytest.mark.parametrize("device", ["cpu", "numpy"])
def test_out_of_memory_while_a_model_is_measured_is_no_verdict_on_it(device, monkeypatch):
    """Else the model would be taken for one that cannot be read, until the process ends."""
    loaded = replace(seewhy.load().loaded)
    explainer = Explainer(loaded)
    picture = Image.fromarray(draw(scene(0, "heldout")).image)  # what the shipped model knows
    with monkeypatch.context() as patch:
        fail_in_a_layer(loaded, ERRORS[device], patch)
        with pytest.raises(MemoryLimitError, match="got out of memory"):
            explainer.explain(picture, answer="A red star.")
    explanation = explainer.explain(picture, answer="A red star.")
    assert explanation.record.provenance.method == "logit-shares"


def test_other_errors_stay_as_they_are(explainer, monkeypatch):
    fail_in_a_layer(explainer.loaded, lambda: RuntimeError("shapes differ"), monkeypatch)
    with pytest.raises(RuntimeError, match="shapes differ"):
        CALLS["explain"](explainer)


def test_a_failed_call_frees_what_it_held(explainer, monkeypatch):
    held = []

    def run_out(*arguments, **keywords):
        big = torch.zeros(1000)
        held.append(__import__("weakref").ref(big))
        raise MemoryError

    monkeypatch.setattr(seewhy.explained_answer, "_attributed", run_out)
    with pytest.raises(MemoryLimitError, match="got out of memory") as caught:
        CALLS["explain"](explainer)
    assert held[0]() is None
    assert caught.value.__cause__ is not None

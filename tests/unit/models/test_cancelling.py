"""Work is cancelled within one layer's pass, that of one thread alone, and nothing is left over."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest
import torch

import tiny_models
from painting import noise
from seewhy.core.cancelling import can_be_cancelled, check_cancelled
from seewhy.core.errors import Cancelled
from seewhy.core.regions import Region
from seewhy.explainer import Explainer
from seewhy.models import load
from seewhy.models.cancelling import cancellable
from seewhy.models.isolation import exclusive

PICTURE, PROMPT, ANSWER = noise(60, 40), "What is this?", "A red star and a blue house"
PLAIN = {"explain_prompt": False}


@pytest.fixture(scope="module")
def explainer():
    model, processor = tiny_models.build()
    explainer = Explainer(load((model.train(), processor)))  # its mode is to be restored
    explainer.explain(PICTURE, PROMPT, answer=ANSWER, **PLAIN)  # what is measured once is known
    return explainer


class After:
    """Says that the work is cancelled at the n-th look."""

    def __init__(self, looks):
        self.looks, self.left = 0, looks

    def __call__(self):
        self.looks += 1
        return self.looks > self.left


@contextmanager
def left_as_it_was(model):
    """Hooks, modes, gradients and patched methods of a model are as before the block."""

    def state():
        return [
            (
                name,
                dict(module._forward_hooks),
                dict(module._forward_pre_hooks),
                module.training,
                "forward" in vars(module),
                [weight.requires_grad for weight in module.parameters(recurse=False)],
            )
            for name, module in model.named_modules()
        ]

    before, attention = state(), model.config._attn_implementation
    yield
    assert state() == before
    assert model.config._attn_implementation == attention
    assert not can_be_cancelled()
    with exclusive(model):  # the lock is free for another thread too
        thread = threading.Thread(target=lambda: exclusive(model).__enter__(), daemon=True)
        thread.start()
    thread.join(10)
    assert not thread.is_alive()


WORK = {
    "generation": lambda e: e.explain(PICTURE, PROMPT, max_new_tokens=6, **PLAIN),
    "scales": lambda e: e.explain(PICTURE, PROMPT, answer=ANSWER, method="msea", **PLAIN),
    "many passes": lambda e: e.explain(
        PICTURE, PROMPT, answer=ANSWER, method="rise(samples=8)", **PLAIN
    ),
    "gradients": lambda e: e.explain(PICTURE, PROMPT, answer=ANSWER, method="attn-lrp", **PLAIN),
    "integrated": lambda e: e.explain(
        PICTURE, PROMPT, answer=ANSWER, method="integrated-gradients(steps=2)", **PLAIN
    ),
    "layers": lambda e: e.explain(PICTURE, PROMPT, answer=ANSWER, layers=True, **PLAIN),
    "diagnosis": lambda e: e.explain(PICTURE, PROMPT, answer=ANSWER, diagnose=True, **PLAIN),
    "batch": lambda e: e.explain_batch([PICTURE] * 2, PROMPT, max_new_tokens=4, **PLAIN),
}


@pytest.mark.parametrize("kind", WORK)
def test_work_is_cancelled_at_any_layer_and_the_model_is_as_before(explainer, kind):
    model, whole = explainer.loaded.model, After(10**9)
    with cancellable(model, whole):
        expected = WORK[kind](explainer)
    looks = whole.looks
    assert looks > 10
    for part in (0.3, 0.9):
        stop = After(int(looks * part))
        with (
            left_as_it_was(model),
            pytest.raises(Cancelled, match="got cancelled"),
            cancellable(model, stop),
        ):
            WORK[kind](explainer)
        assert stop.looks == stop.left + 1, "it went on after it was cancelled"
    again = WORK[kind](explainer)
    expected, again = (x if isinstance(x, list) else [x] for x in (expected, again))
    for one, other in zip(expected, again, strict=True):
        torch.testing.assert_close(one.record.attribution.maps, other.record.attribution.maps)
        assert one.answer == other.answer


def test_a_direct_call_of_the_model_is_cancelled_before_the_next_layer(explainer):
    model = explainer.loaded.model
    ran: list[int] = []
    layers = model.model.language_model.layers
    hooks = [
        layer.register_forward_hook(lambda *_, n=n: ran.append(n)) for n, layer in enumerate(layers)
    ]
    try:
        with (
            pytest.raises(Cancelled, match="got cancelled"),
            cancellable(model, lambda: bool(ran)),
        ):
            model(input_ids=torch.tensor([[1, 2, 3]]))
    finally:
        for hook in hooks:
            hook.remove()
    assert ran == [0]


def test_backward_passes_are_cancelled_too(explainer):
    model, forward_done = explainer.loaded.model, threading.Event()
    with cancellable(model, forward_done.is_set):
        total = model(input_ids=torch.tensor([[1, 2, 3]])).logits.sum()
        forward_done.set()
        with pytest.raises(Cancelled, match="got cancelled"):
            total.backward()
    model.zero_grad(set_to_none=True)


def test_work_that_is_cancelled_before_it_begins_does_not_begin(explainer):
    model = explainer.loaded.model
    with (
        pytest.raises(Cancelled, match="got cancelled"),
        cancellable(model, lambda: True),
    ):
        pytest.fail("the block has begun")


def test_only_the_calls_of_the_own_thread_are_cancelled(explainer):
    """Two threads share a model: one is cancelled in its midst, the other finishes."""
    model, stop, found = explainer.loaded.model, threading.Event(), {}
    expected = explainer.explain(PICTURE, PROMPT, max_new_tokens=6, **PLAIN)

    def other():
        found["other"] = explainer.explain(PICTURE, PROMPT, max_new_tokens=6, **PLAIN)

    def cancelled():
        try:
            with cancellable(model, stop.is_set):
                while True:
                    explainer.explain(PICTURE, PROMPT, max_new_tokens=6, **PLAIN)
        except Cancelled as error:
            found["cancelled"] = error

    threads = [threading.Thread(target=work) for work in (cancelled, other)]
    for thread in threads:
        thread.start()
    threads[1].join(60)
    stop.set()
    threads[0].join(60)
    assert isinstance(found["cancelled"], Cancelled)
    torch.testing.assert_close(
        found["other"].record.attribution.maps, expected.record.attribution.maps
    )


def test_work_that_waits_for_another_thread_is_cancelled_while_it_waits(explainer):
    model, held, release, stop = explainer.loaded.model, *(threading.Event() for _ in range(3))
    found = {}

    def holder():
        with exclusive(model):
            held.set()
            release.wait(60)

    def waiting():
        try:
            with cancellable(model, stop.is_set):
                explainer.explain(PICTURE, PROMPT, max_new_tokens=2, **PLAIN)
        except Cancelled as error:
            found["cancelled"] = error

    first, second = threading.Thread(target=holder), threading.Thread(target=waiting)
    first.start()
    assert held.wait(60)
    second.start()
    stop.set()
    second.join(60)
    assert not second.is_alive(), "it waits although it is cancelled"
    release.set()
    first.join(60)
    assert isinstance(found["cancelled"], Cancelled)


def test_blocks_in_one_another_are_each_followed(explainer):
    model = explainer.loaded.model
    with (
        cancellable(model, lambda: False),
        pytest.raises(Cancelled, match="got cancelled"),
        cancellable(model, After(3)),
    ):
        explainer.explain(PICTURE, PROMPT, max_new_tokens=2, **PLAIN)
    with (
        pytest.raises(Cancelled, match="got cancelled"),
        cancellable(model, After(3)),
        cancellable(model, lambda: False),
    ):
        explainer.explain(PICTURE, PROMPT, max_new_tokens=2, **PLAIN)
    check_cancelled()


def test_follow_up_questions_are_cancelled(explainer):
    follow = explainer.follow_up(PICTURE, PROMPT, answer=ANSWER, **PLAIN)
    model, region = explainer.loaded.model, Region.box(0, 0, 20, 20)
    for ask in (follow.effect, follow.change):
        with (
            left_as_it_was(model),
            pytest.raises(Cancelled, match="got cancelled"),
            cancellable(model, After(4)),
        ):
            ask(region)

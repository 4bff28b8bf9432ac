"""What is captured belongs to one call: threads, tasks, several explainers, the user's own code."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import torch

import seewhy
import tiny_models
from painting import noise
from seewhy.core.errors import ParameterError
from seewhy.explainer import Explainer
from seewhy.models import load
from seewhy.models.isolation import eval_mode, exclusive, of_this_call
from seewhy.models.passes import count_passes

METHODS = (
    "intra-modal",
    "attention",
    "gradient-attention",
    "attn-lrp",
    "occlusion",
    "logit-shares",
)
PICTURES = [noise(90 + 10 * n, 60, n) for n in range(4)]
WAIT = 60.0
"""Seconds after which a thread that never ends fails a test."""


@pytest.fixture(scope="module")
def explainer():
    return Explainer(load(tiny_models.build()))


def explained(explainer, number):
    """One of four explanations: another picture and another method each time."""
    method = METHODS[number % len(METHODS)]
    return explainer.explain(PICTURES[number % 4], method=method, max_new_tokens=4)


def same(one, other):
    assert one.answer == other.answer
    for a, b in zip(one.words, other.words, strict=True):
        assert a.probability == pytest.approx(b.probability, abs=1e-6)
        torch.testing.assert_close(
            torch.tensor(a.heatmap), torch.tensor(b.heatmap), rtol=0, atol=1e-6
        )
        assert [(word.index, word.part) for word, _ in a.context] == [
            (word.index, word.part) for word, _ in b.context
        ]


def inputs_for(explainer, number):
    """Inputs that the user's own code makes."""
    prepared = seewhy.models.prepare(explainer.loaded.family, PICTURES[number], "What is this?")
    return dict(prepared.tensors)


def generated(explainer, number):
    return explainer.loaded.model.generate(
        **inputs_for(explainer, number), max_new_tokens=6, do_sample=False
    )


def test_threads_on_one_explainer_give_what_each_call_gives_alone(explainer):
    alone = [explained(explainer, number) for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda number: explained(explainer, number), range(8)))
    for one, other in zip(together, alone, strict=True):
        same(one, other)


def test_two_explainers_on_one_model_do_not_disturb_each_other(explainer):
    other = Explainer(load((explainer.loaded.model, explainer.loaded.processor)))
    alone = [explained(explainer, number) for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(
            pool.map(lambda n: explained((explainer, other)[n % 2], n % 4), [0, 1, 2, 3])
        )
    for one, wanted in zip(together, alone, strict=True):
        same(one, wanted)


def test_tasks_of_asyncio_give_what_each_call_gives_alone(explainer):
    alone = [explained(explainer, number) for number in range(4)]

    async def both_ways():
        threads = [asyncio.to_thread(explained, explainer, number) for number in range(4)]
        return await asyncio.gather(*threads)

    for one, wanted in zip(asyncio.run(both_ways()), alone, strict=True):
        same(one, wanted)


@pytest.mark.parametrize("number", range(len(METHODS)))
def test_the_users_own_generation_beside_an_explanation_changes_neither(explainer, number):
    """Another thread runs the bare model all the while, our hooks and switches in place."""
    explanation, answer = explained(explainer, number), generated(explainer, 1)
    stop, answers = threading.Event(), []

    def serve():
        while not stop.is_set():
            answers.append(generated(explainer, 1))

    server = threading.Thread(target=serve)
    server.start()
    try:
        found = [explained(explainer, number) for _ in range(3)]
    finally:
        stop.set()
        server.join(WAIT)
    assert answers
    assert all(torch.equal(one, answer) for one in answers)
    for one in found:
        same(one, explanation)


def test_generation_settings_of_the_model_are_the_users_while_we_generate(explainer):
    config = explainer.loaded.model.generation_config
    found = explainer.explain(
        PICTURES[0],
        method="tam",
        max_new_tokens=2,
        streamer=Watching(lambda: explainer.loaded.model.generation_config is config),
    )
    assert found.answer
    assert Watching.found
    assert all(Watching.found)


class Watching:
    """A streamer that looks at something whenever a token comes."""

    found: list[bool] = []  # noqa: RUF012 - of the one test

    def __init__(self, look):
        self._look = look

    def put(self, value):
        self.found.append(self._look())

    def end(self):
        pass


def test_a_call_within_a_call_is_not_captured_by_the_outer_one(explainer):
    """A stopping criterion that explains another picture, in the same thread."""
    alone, inner = explained(explainer, 0), []

    def explain_another(sequence, scores, **_):
        if not inner:
            inner.append(explainer.explain(PICTURES[1], answer="A star", method="tam"))
        return torch.zeros(len(sequence), dtype=torch.bool)

    outer = explainer.explain(
        PICTURES[0], method="intra-modal", max_new_tokens=4, stopping_criteria=[explain_another]
    )
    same(outer, alone)
    same(inner[0], explainer.explain(PICTURES[1], answer="A star", method="tam"))


def test_hooks_hear_their_own_call_alone(explainer):
    model, heard = explainer.loaded.model, []
    with eval_mode(model):
        hook = model.register_forward_hook(of_this_call(lambda *_: heard.append("own")))
        nested = model.register_forward_hook(
            of_this_call(lambda *_: heard.append("nested"), nested=True)
        )
        try:
            inputs = inputs_for(explainer, 0)
            model(**inputs)
            with exclusive(model):
                model(**inputs)
            thread = threading.Thread(target=lambda: model(**inputs))
            thread.start()
            thread.join(WAIT)
        finally:
            hook.remove()
            nested.remove()
    assert heard == ["own", "nested", "nested"]


def test_passes_of_another_thread_are_not_counted(explainer):
    with count_passes(explainer.loaded.model) as passes:
        thread = threading.Thread(target=explained, args=(explainer, 2))
        thread.start()
        thread.join(WAIT)
        assert (passes.forward, passes.backward) == (0, 0)
        explained(explainer, 2)
    assert passes.forward > 0
    assert passes.backward > 0


# --- generation in the user's own code --------------------------------------------------------


def traced(explainer):
    return seewhy.trace(explainer.loaded.model, explainer.loaded.processor)


def serve(explainer, number):
    """What a thread of a server does: its own block, its own picture."""
    with traced(explainer) as trace:
        generated(explainer, number)
    return trace, trace.explain(PICTURES[number], method="tam")


def test_blocks_of_threads_record_their_own_calls(explainer):
    alone = [serve(explainer, number)[1] for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda number: serve(explainer, number), range(4)))
    for (trace, one), wanted in zip(together, alone, strict=True):
        assert len(trace.calls) == 1
        same(one, wanted)


def test_blocks_of_tasks_record_their_own_calls(explainer):
    async def one(number, inside):
        with traced(explainer) as trace:
            await inside.wait()  # by now both blocks are open
            generated(explainer, number)
        return trace

    async def both():
        inside = asyncio.Event()
        tasks = [asyncio.create_task(one(number, inside)) for number in range(2)]
        await asyncio.sleep(0)
        inside.set()
        return await asyncio.gather(*tasks)

    for number, trace in enumerate(asyncio.run(both())):
        assert len(trace.calls) == 1
        assert trace.explain(PICTURES[number], method="tam").answer


def test_a_thread_that_a_block_starts_is_recorded(explainer):
    """As streamers are used: generation runs in a thread of its own."""
    with traced(explainer) as trace:
        thread = threading.Thread(target=generated, args=(explainer, 0))
        thread.start()
        thread.join(WAIT)
    same(trace.explain(PICTURES[0], method="tam"), serve(explainer, 0)[1])


def test_a_call_that_may_belong_to_either_of_two_blocks_is_refused(explainer):
    inside, done = threading.Event(), threading.Event()

    def hold():
        with traced(explainer):
            inside.set()
            done.wait(WAIT)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(WAIT)
    try:
        with traced(explainer) as trace:
            stranger = threading.Thread(target=generated, args=(explainer, 0))
            stranger.start()
            stranger.join(WAIT)
    finally:
        done.set()
        holder.join(WAIT)
    with pytest.raises(ParameterError, match="made outside of any block while several were open"):
        trace.explain(PICTURES[0], method="tam")


def test_explanations_within_a_block_are_not_recorded(explainer):
    with traced(explainer) as trace:
        explained(explainer, 0)
        assert trace.calls == []
        assert trace._recording.preprocessed == []
        generated(explainer, 1)
        explained(explainer, 2)
    assert len(trace.calls) == 1


def test_blocks_that_end_in_another_order_leave_nothing_behind(explainer):
    model, before = explainer.loaded.model, set(vars(explainer.loaded.model))
    first, second = ExitStack(), ExitStack()
    one, two = first.enter_context(traced(explainer)), second.enter_context(traced(explainer))
    generated(explainer, 0)
    first.close()
    generated(explainer, 1)
    second.close()
    generated(explainer, 2)
    assert (len(one.calls), len(two.calls)) == (1, 2)
    assert set(vars(model)) == before

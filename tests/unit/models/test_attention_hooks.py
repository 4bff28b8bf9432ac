"""What is kept of attention while a model runs."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
import torch

from decoders import llava_with
from families import build, shared
from painting import noise
from seewhy.core.trace import Inputs
from seewhy.methods import Evidence, create
from seewhy.models import generate, prepare, read
from seewhy.models.attention_hooks import _joined, _mask_of, _Positions, attending_positions
from seewhy.models.batching import batch
from seewhy.models.decoder import decoder_of
from seewhy.models.residual_stream import residual_stream
from seewhy.models.session import Session

PROMPT = "What is to the left of the red star?"
PICTURE = noise(60, 40)
GROUPS, DIM = 2, 3


def keys(batch: int, positions: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(0)
    return torch.randn(batch, GROUPS, positions, DIM, generator=draw)


# --- positions of keys and values --------------------------------------------------------------


def grow(passes: list[int]) -> tuple[_Positions, torch.Tensor]:
    """A cache that grows: each pass has a new tensor of all positions."""
    whole, positions, end = keys(2, sum(passes)), _Positions(), 0
    for count in passes:
        begin, end = end, end + count
        positions.add(torch.cat([whole[:, :, :begin], whole[:, :, begin:end]], 2), begin, end)
    return positions, whole


def fill(passes: list[int], size: int) -> tuple[_Positions, torch.Tensor]:
    """A cache of fixed size: one buffer that is written into."""
    whole, positions, end = keys(2, sum(passes)), _Positions(), 0
    buffer = torch.zeros(2, GROUPS, size, DIM)
    for count in passes:
        begin, end = end, end + count
        buffer[:, :, begin:end] = whole[:, :, begin:end]
        positions.add(buffer, begin, end)
    return positions, whole


def slide(passes: list[int], window: int, in_place: bool) -> tuple[_Positions, torch.Tensor]:
    """A cache of the latest positions, in new tensors or in one buffer."""
    whole, positions, end = keys(2, sum(passes)), _Positions(), 0
    buffer = torch.zeros(2, GROUPS, window, DIM)
    for count in passes:
        begin, end = end, end + count
        latest = whole[:, :, max(0, end - max(window, count)) : end]
        if in_place and latest.shape[2] == window:
            buffer.copy_(latest)
            latest = buffer
        positions.add(latest, begin, end)
    return positions, whole


@pytest.mark.parametrize(
    ("positions", "whole"),
    [
        grow([5, 1, 1, 1]),
        grow([3, 4, 1]),
        fill([5, 1, 1], 9),
        fill([5, 1, 1], 7),
        fill([5, 2], 7),
        *(
            slide([5, 1, 1, 1], window, in_place)
            for window in (3, 5, 6)
            for in_place in (False, True)
        ),
    ],
)
def test_positions_of_any_cache_are_all_that_went_through(positions, whole):
    for row, pad in ((0, 0), (1, 2)):
        assert torch.equal(positions.of(row, pad)[:, : whole.shape[2] - pad], whole[row, :, pad:])


def test_positions_of_a_growing_cache_are_its_own_tensor():
    """No copy: what is kept beside the cache does not grow with the square of the passes."""
    whole, positions = keys(1, 6), _Positions()
    positions.add(whole[:, :, :5].clone(), 0, 5)
    positions.add(whole, 5, 6)
    assert positions.of(0, 0).data_ptr() == whole.data_ptr()


# --- masks -------------------------------------------------------------------------------------


def test_mask_of_no_mask_is_causal():
    inside = torch.tensor([2, 4])
    found = _mask_of(None, 0, inside, (0, 0), None)(6)
    assert found.tolist() == [[p <= q for p in range(6)] for q in (2, 4)]


def test_mask_of_no_mask_in_a_sliding_layer_is_the_window():
    inside = torch.tensor([2, 4])
    found = _mask_of(None, 0, inside, (0, 0), 2)(6)
    assert found.tolist() == [[q - 2 < p <= q for p in range(6)] for q in (2, 4)]


def test_mask_of_no_mask_begins_at_the_first_key():
    found = _mask_of(None, 0, torch.tensor([5]), (5, 3), None)(6)
    assert found.tolist() == [[False, False, False, True, True, True]]


def test_mask_of_a_pass_is_put_where_its_keys_are():
    """Queries 4 and 5 of a pass over keys 2 to 5; the second prompt's row of the mask."""
    mask = torch.zeros(2, 1, 2, 4, dtype=torch.bool)
    mask[1, 0, 1] = torch.tensor([True, False, True, True])
    found = _mask_of(mask, 1, torch.tensor([5]), (4, 2), None)(7)
    assert found.tolist() == [[False, False, True, False, True, True, False]]


def test_mask_of_a_cache_of_fixed_size_is_cut():
    mask = torch.ones(1, 1, 1, 9, dtype=torch.bool)
    assert _mask_of(mask, 0, torch.tensor([4]), (4, 0), None)(5).shape == (1, 5)


def test_mask_of_one_row_for_a_batch_holds_for_every_prompt():
    mask = torch.ones(1, 1, 3, 3, dtype=torch.bool).tril()
    assert _mask_of(mask, 4, torch.tensor([1]), (0, 0), None)(3).tolist() == [[True, True, False]]


def test_mask_of_numbers_blocks_what_it_does_not_cover():
    mask = torch.zeros(1, 1, 1, 2)
    found = _mask_of(mask, 0, torch.tensor([3]), (3, 2), None)(4)
    assert found[0, :2].tolist() == [torch.finfo(torch.float32).min] * 2
    assert not found[0, 2:].any()


def test_masks_of_two_kinds_are_joined_as_numbers():
    """A model may pass numbers with the prompt, and nothing after it."""
    numbers, truths = torch.tensor([[0.0, -1e9]]), torch.tensor([[True, False]])
    joined = _joined([numbers, truths])
    assert joined[0].tolist() == [0.0, -1e9]
    assert joined[1].tolist() == [0.0, torch.finfo(torch.float32).min]
    assert _joined([truths, truths]).dtype == torch.bool


# --- rows --------------------------------------------------------------------------------------


def test_attending_positions_are_text_and_what_predicts():
    inputs = Inputs(
        tensors={"input_ids": torch.zeros(1, 9, dtype=torch.int64)},
        views=(),
        visual_positions=torch.tensor([2, 3, 4, 7, 8]),
        prompt_positions=torch.tensor([0, 5]),
        prompt="",
        scale=1.0,
    )
    assert inputs.length == 9
    # 4 predicts the word at 5, 8 the answer's first token; both are visual tokens.
    assert attending_positions(inputs, 0).tolist() == [0, 1, 4, 5, 6, 8]
    assert attending_positions(inputs, 2, torch.tensor([11])).tolist() == [2, 3, 6, 7, 8, 10, 11]


def ending_with_the_picture(name: str) -> tuple[Any, Session]:
    """A prompt of which the last token is a visual one, as without a template."""
    loaded = shared(name)
    whole = prepare(loaded.family, PICTURE, PROMPT)
    end = int(whole.visual_positions.max()) + 1
    inside = whole.prompt_positions < end
    tensors = {
        key: value[:, :end] if key in ("input_ids", "attention_mask") else value
        for key, value in whole.tensors.items()
    }
    inputs = replace(
        whole,
        tensors=tensors,
        prompt_positions=whole.prompt_positions[inside],
        prompt_spans=whole.prompt_spans[: int(inside.sum())],
    )
    session = Session.from_image(loaded, PICTURE, PROMPT, [40, 41])
    session._inputs[1.0] = inputs
    return loaded, session


def test_capture_has_the_row_of_a_visual_token_that_predicts_the_answer():
    loaded, session = ending_with_the_picture("llava")
    trace = read(loaded, session.inputs(), session.ids, attention=True)
    last = trace.inputs.length - 1
    assert last in trace.inputs.visual_positions
    assert trace.attention is not None
    assert last in trace.attention.positions
    found = create("logit-shares").attribute(Evidence.from_session(session, trace=trace))
    (row,) = (trace.attention.positions == last).nonzero().flatten().tolist()
    # What the token took is what its own state was made of, so the final state is the right one.
    norm = residual_stream(loaded.model).norm
    with torch.no_grad():
        state = norm(trace.attention.last[row])
    torch.testing.assert_close(state, trace.first_prediction_state)
    assert float(found.maps[0][0].max()) > 0


def test_capture_keeps_no_gradient_graph():
    loaded = llava_with(
        "GptOssConfig",
        num_local_experts=2,
        num_experts_per_tok=1,
        rope_parameters={"rope_type": "default", "rope_theta": 1e4},
    )
    inputs = prepare(loaded.family, PICTURE, PROMPT)
    trace = read(loaded, inputs, [40], attention=True)
    assert trace.attention is not None
    for layer in trace.attention.layers:
        assert layer.sinks is not None
        assert not any(t.requires_grad for t in vars(layer).values() if torch.is_tensor(t))
    session = Session.from_image(loaded, PICTURE, PROMPT, [40])
    found = create("logit-shares").attribute(Evidence.from_session(session, trace=trace))
    assert not any(maps.requires_grad for maps in found.maps)


# --- nothing left behind -----------------------------------------------------------------------


def hooks_of(model: Any) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
@pytest.mark.parametrize("name", ["gemma3", "qwen2-vl"])
def test_capture_that_is_interrupted_leaves_nothing_behind(name, implementation):
    loaded = build(name)
    model: Any = loaded.model
    model.set_attn_implementation(implementation)
    inputs = prepare(loaded.family, PICTURE, PROMPT)
    read(loaded, inputs, [40], attention=True)
    before = hooks_of(model)

    def stumble(count: int) -> None:
        assert hooks_of(model) > before + 2
        assert decoder_of(model).config._attn_implementation == "seewhy"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(loaded, inputs, max_new_tokens=3, attention=True, watch=stumble)
    assert hooks_of(model) == before
    configs = [m.config for m in model.modules() if "config" in vars(m)]
    assert {config._attn_implementation for config in configs} == {implementation}
    assert generate(loaded, inputs, max_new_tokens=2, attention=True).attention is not None


def expect_same_capture(one: Any, other: Any) -> None:
    assert torch.equal(one.positions, other.positions)
    assert torch.equal(one.last, other.last)
    for a, b in zip(one.layers, other.layers, strict=True):
        for field in ("queries", "keys", "values", "mask", "outputs"):
            assert torch.equal(getattr(a, field), getattr(b, field)), field


@pytest.mark.parametrize("attention", [False, True])
def test_capture_does_not_take_in_a_call_within_it(attention):
    """A stopping criterion that reads another picture, with and without a capture of its own."""
    loaded = shared("llava")
    inputs, other = (prepare(loaded.family, noise(60, 40, n), PROMPT) for n in range(2))
    alone = generate(loaded, inputs, max_new_tokens=3, attention=True)
    plain = generate(loaded, inputs, max_new_tokens=3, attention=True, watch=lambda count: None)

    def nested(count: int) -> None:
        read(loaded, other, [40, 41], attention=attention)

    outer = generate(loaded, inputs, max_new_tokens=3, attention=True, watch=nested)
    expect_same_capture(plain.attention, alone.attention)
    expect_same_capture(outer.attention, alone.attention)


def test_capture_does_not_take_in_passes_of_another_thread():
    loaded = shared("llava")
    inputs, other = (prepare(loaded.family, noise(60, 40, n), PROMPT) for n in range(2))
    alone = generate(loaded, inputs, max_new_tokens=3, attention=True)

    def nested(count: int) -> None:
        """The user's own call in a thread, which waits for nothing."""
        tensors = {**batch(loaded.family, [other]).tensors, "use_cache": False}
        thread = threading.Thread(target=lambda: loaded.model(**tensors))
        thread.start()
        thread.join(60)

    outer = generate(loaded, inputs, max_new_tokens=3, attention=True, watch=nested)
    expect_same_capture(outer.attention, alone.attention)


def test_captures_of_threads_are_those_of_single_calls():
    loaded = shared("qwen2-vl")
    inputs = [prepare(loaded.family, noise(60, 40, n), PROMPT) for n in range(3)]
    alone = [generate(loaded, one, max_new_tokens=3, attention=True) for one in inputs]
    found: dict[int, Any] = {}

    def work(number: int) -> None:
        found[number] = generate(loaded, inputs[number], max_new_tokens=3, attention=True)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for number, trace in enumerate(alone):
        expect_same_capture(found[number].attention, trace.attention)

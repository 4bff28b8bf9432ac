"""Batches: every row's trace is the one that it has alone."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import torch

import tiny_models
from families import BUILDERS, shared
from painting import noise
from seewhy.core.errors import AnswerError
from seewhy.models import FAMILIES, Loaded, load, prepare, read, read_batch
from seewhy.models.generation import generate, generate_batch
from seewhy.models.inputs import batch

#: Pictures of different shapes and prompts of different lengths: the longest row is not the first.
ASKED = [
    ((96, 64), "What?"),
    ((150, 100), "What is to the left of the red star, and what is behind the cup?"),
    ((60, 120), "Is there a fish in front of the house?"),
]
ANSWERS = ["A red star and a blue house are above the green tree.", "A.", "A yellow car"]
STATES = ("visual_states", "text_states", "first_prediction_state")

every_family = pytest.mark.parametrize("name", sorted(BUILDERS))


def rows_of(loaded: Loaded, count: int = 3) -> list[Any]:
    return [
        prepare(loaded.family, noise(*shape, seed=seed), prompt)
        for seed, (shape, prompt) in enumerate(ASKED[:count])
    ]


def expect_same(given: Any, wanted: Any, atol: float = 1e-4, rtol: float = 1e-4) -> None:
    """Both traces are of the same tokens, with the same states, probabilities and ranks."""
    assert given.answer == wanted.answer
    assert given.inputs is wanted.inputs
    assert [t.id for t in given.tokens] == [t.id for t in wanted.tokens]
    for one, other in zip(given.text_tokens, wanted.text_tokens, strict=True):
        assert (one.id, one.text, one.start, one.end) == (
            *(other.id, other.text),
            *(other.start, other.end),
        )
        assert one.probability == pytest.approx(other.probability, abs=atol, rel=rtol)
        mine, theirs = ([p for _, p in token.candidates] for token in (one, other))
        assert mine == pytest.approx(theirs, abs=atol, rel=rtol)
    for name in STATES:
        torch.testing.assert_close(
            getattr(given, name), getattr(wanted, name), atol=atol, rtol=rtol, msg=name
        )
    assert torch.equal(given.unembedding_rows, wanted.unembedding_rows)
    assert given.rankings.shape == wanted.rankings.shape
    # Ranks may change places where two logits are equal up to rounding.
    assert float((given.rankings == wanted.rankings).float().mean()) > 0.98


def ending_early(loaded: Loaded, row: int, after: int) -> dict[str, Any]:
    """Settings under which one row of a batch ends its turn, by its own choice, before the others.

    Alone, that row is told the same.
    """
    ends = loaded.model.generation_config.eos_token_id
    end = ends[0] if isinstance(ends, list) else ends
    calls = iter(range(10**6))

    def choose(ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        at = row if len(scores) > 1 else 0
        if next(calls) == after:
            scores[at, end] = scores.max() + 99
        return scores

    return {"logits_processor": [choose]}


def exactly(count: int) -> dict[str, int]:
    """As many tokens as this: random weights end when they please."""
    return {"max_new_tokens": count, "min_new_tokens": count}


# --- batches equal singles -------------------------------------------------------------------


@every_family
def test_generate_batch_equals_singles(name):
    loaded = shared(name)
    rows = rows_of(loaded)
    made = generate_batch(loaded, rows, **exactly(6))
    assert len({row.length for row in rows}) == 3
    for row, trace in zip(rows, made, strict=True):
        expect_same(trace, generate(loaded, row, **exactly(6)))


@every_family
def test_generate_batch_goes_on_when_one_row_ends(name):
    loaded = shared(name)
    rows = rows_of(loaded)
    ended, *others = generate_batch(
        loaded, rows, max_new_tokens=6, **ending_early(loaded, row=0, after=2)
    )
    alone = generate(loaded, rows[0], max_new_tokens=6, **ending_early(loaded, row=0, after=2))
    assert len(alone.tokens) <= 2
    expect_same(ended, alone)
    for row, trace in zip(rows[1:], others, strict=True):
        expect_same(trace, generate(loaded, row, max_new_tokens=6))


@every_family
def test_read_batch_equals_singles(name):
    loaded = shared(name)
    rows = rows_of(loaded)
    made = read_batch(loaded, rows, ANSWERS)
    assert len({len(trace.tokens) for trace in made}) == 3
    for row, answer, trace in zip(rows, ANSWERS, made, strict=True):
        expect_same(trace, read(loaded, row, answer))
        assert trace.answer.strip() == answer


@every_family
def test_read_batch_gives_the_traces_of_generate_batch(name):
    loaded = shared(name)
    rows = rows_of(loaded)
    said = generate_batch(loaded, rows, **exactly(5))
    heard = read_batch(loaded, rows, [[t.id for t in trace.tokens] for trace in said])
    for one, other in zip(heard, said, strict=True):
        expect_same(one, other)


def apart(one: Any, other: Any, name: str) -> float:
    """How far the states of two traces are apart, as a share of their length."""
    mine, theirs = (getattr(trace, name).float() for trace in (one, other))
    return float((mine - theirs).norm() / theirs.norm())


@every_family
def test_batch_of_half_precision_differs_from_singles_by_rounding(name):
    """No more than what bfloat16 itself makes of a single: padding changes the order of sums."""
    exact = shared(name)
    model, processor = BUILDERS[name]()
    loaded = load((model.to(torch.bfloat16), processor))
    rows = rows_of(loaded)
    for row, answer, trace in zip(rows, ANSWERS, read_batch(loaded, rows, ANSWERS), strict=True):
        alone = read(loaded, row, answer)
        wanted = read(exact, row, answer)
        assert trace.visual_states.dtype == torch.bfloat16
        assert [t.id for t in trace.tokens] == [t.id for t in alone.tokens]
        for state in STATES:
            rounding = apart(alone, wanted, state)
            assert rounding < 0.1
            assert apart(trace, alone, state) < 1.5 * rounding, state
            assert apart(trace, wanted, state) < 1.5 * rounding, state
        assert [t.probability for t in trace.text_tokens] == pytest.approx(
            [t.probability for t in alone.text_tokens], abs=0.05
        )


@every_family
def test_batch_of_one_is_the_single(name):
    loaded = shared(name)
    (row,) = rows_of(loaded, 1)
    (trace,) = read_batch(loaded, [row], ["A star."])
    expect_same(trace, read(loaded, row, "A star."), atol=0, rtol=0)


def test_rows_do_not_care_for_their_order_or_neighbours():
    loaded = shared("qwen2-vl")
    rows = rows_of(loaded)
    made = read_batch(loaded, rows, ANSWERS)
    turned = read_batch(loaded, rows[::-1], ANSWERS[::-1])[::-1]
    pair = read_batch(loaded, [rows[0], rows[2]], [ANSWERS[0], ANSWERS[2]])
    for one, other in zip(made, turned, strict=True):
        expect_same(other, one)
    expect_same(pair[0], made[0])
    expect_same(pair[1], made[2])


def test_rows_may_show_several_pictures():
    loaded = shared("qwen2-vl")
    rows = [
        prepare(loaded.family, [noise(96, 64), noise(40, 80, 1)], "What has changed?"),
        prepare(loaded.family, noise(60, 60, 2), "What?"),
        prepare(loaded.family, [noise(48, 48, 3)] * 3, "Is there a star?"),
    ]
    for row, answer, trace in zip(rows, ANSWERS, read_batch(loaded, rows, ANSWERS), strict=True):
        expect_same(trace, read(loaded, row, answer))


def test_rows_may_be_the_same_at_several_scales():
    loaded = shared("qwen2-vl")
    rows = [prepare(loaded.family, noise(96, 64), "What?", scale=scale) for scale in (0.5, 1, 1.5)]
    for row, trace in zip(rows, read_batch(loaded, rows, ["A star."] * 3), strict=True):
        expect_same(trace, read(loaded, row, "A star."))


# --- what a batch is made of -----------------------------------------------------------------


@every_family
@pytest.mark.parametrize("answered", [False, True])
def test_padding_holds_no_image_token_and_is_masked(name, answered):
    family = shared(name).family
    rows = rows_of(shared(name))
    answers = [[5, 6, 7], [5], [5, 6]] if answered else None
    made = batch(family, rows, answers)
    ids, mask = made.tensors["input_ids"], made.tensors["attention_mask"]
    lengths = [row.length for row in rows]
    assert made.length == max(lengths)
    assert made.pads == tuple(made.length - length for length in lengths)
    tail = 3 if answered else 0
    assert ids.shape == mask.shape == (3, made.length + tail)
    shown = (family.image_token_id, family.clip_token_id)
    for at, row in enumerate(rows):
        begin = made.pads[at]
        own = torch.zeros(ids.shape[1], dtype=torch.bool)
        own[begin : made.length + (len(answers[at]) if answers else 0)] = True
        assert torch.equal(mask[at].bool(), own)
        assert not any(token in shown for token in ids[at][~own].tolist())
        assert torch.equal(ids[at, begin : made.length], row.tensors["input_ids"][0])
        if answers:
            assert ids[at, made.length :][: len(answers[at])].tolist() == answers[at]
        places = row.visual_positions + begin
        assert torch.equal(ids[at, places], row.tensors["input_ids"][0, row.visual_positions])
    kinds = made.tensors.get("mm_token_type_ids")
    if kinds is not None:
        assert bool((kinds.bool() == torch.isin(ids, torch.tensor(shown))).all())


@every_family
def test_batch_holds_what_the_model_takes(name):
    family, rows = shared(name).family, rows_of(shared(name))
    made = batch(family, rows)
    assert set(made.tensors) == {name for row in rows for name in row.tensors}


def test_filler_is_never_a_pictures_token():
    """Some tokenizers pad with what stands for an image, or with nothing at all."""
    model, processor = tiny_models.build()
    tokenizer = processor.tokenizer
    loaded = load((model, processor))
    rows = rows_of(loaded)
    wanted = read_batch(loaded, rows, ANSWERS)
    tokenizer.pad_token = "<|image_pad|>"
    tokenizer.eos_token = "<|video_pad|>"
    made = batch(loaded.family, rows)
    assert int((made.tensors["input_ids"][0, : made.pads[0]] == 0).sum()) == made.pads[0] > 0
    tokenizer.eos_token = "<|im_end|>"
    for one, other in zip(read_batch(loaded, rows, ANSWERS), wanted, strict=True):
        expect_same(one, other)


def test_single_row_keeps_the_pixels_that_it_was_given():
    """They may be the user's own, which no family could make again."""
    loaded = shared("qwen2-vl")
    (row,) = rows_of(loaded, 1)
    pixels = row.tensors["pixel_values"]
    assert batch(loaded.family, [row]).tensors["pixel_values"] is pixels


# --- what goes wrong -------------------------------------------------------------------------


def test_generate_batch_says_which_model_had_no_answer():
    loaded = load(tiny_models.build())
    settings = ending_early(loaded, row=1, after=0)
    with pytest.raises(AnswerError, match="got none: it ended its turn at once"):
        generate_batch(loaded, rows_of(loaded), max_new_tokens=3, **settings)


@pytest.mark.parametrize("wrong", ["", "<|image_pad|>", []])
def test_read_batch_refuses_one_wrong_answer(wrong):
    loaded = shared("qwen2-vl")
    with pytest.raises(AnswerError, match="Expected an answer"):
        read_batch(loaded, rows_of(loaded), ["A star.", wrong, "A car."])


def test_batch_is_sampled_from_one_seed():
    loaded = shared("qwen2-vl")
    say = functools.partial(
        generate_batch, loaded, rows_of(loaded), max_new_tokens=6, do_sample=True, temperature=5.0
    )
    one, same, other = ([t.answer for t in say(seed=seed)] for seed in (1, 1, 2))
    assert one == same != other


def test_watch_counts_steps_of_the_whole_batch():
    loaded, counts = shared("qwen2-vl"), []
    generate_batch(loaded, rows_of(loaded), watch=counts.append, **exactly(4))
    assert counts == [1, 2, 3, 4]


def test_families_are_all_batched():
    assert set(BUILDERS) <= set(FAMILIES.names())

"""Generate an answer and capture final states and logits with two hooks.

The logits at position t predict token t + 1. A trace keeps the final states at the visual tokens
and at the tokens of the prompt and the answer. Of each prediction it keeps the ids ranked first and
the probability of the next token. Attentions, inner layers and full rows of logits are not kept.
"""

from __future__ import annotations

import copy
import inspect
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from seewhy.core.errors import AnswerError, ParameterError
from seewhy.core.suggestions import unknown_name_message
from seewhy.core.trace import Inputs, Trace
from seewhy.models.answer_ids import without_end
from seewhy.models.attention_hooks import AttentionHooks, attached
from seewhy.models.batching import Batch, batch
from seewhy.models.begun_answers import BegunAnswers
from seewhy.models.family import input_device
from seewhy.models.isolation import eval_mode
from seewhy.models.loading import Loaded
from seewhy.models.predictions import LogitsBuffer, expect_counts
from seewhy.models.state_hooks import StateHooks
from seewhy.models.tracing import CapturedRow, assemble, selected_positions
from seewhy.models.unembedding import infer_unembedding

#: Settings that a trace needs: one answer, generated token by token.
SINGLE_SEQUENCE = {"num_beams": 1, "num_return_sequences": 1, "use_cache": True}

#: Penalties that a checkpoint may recommend, with the values that switch them off.
NO_PENALTIES = {
    "repetition_penalty": 1.0,
    "encoder_repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "encoder_no_repeat_ngram_size": 0,
    "sequence_bias": None,
    "bad_words_ids": None,
    "suppress_tokens": None,
    "begin_suppress_tokens": None,
    "forced_eos_token_id": None,
    "exponential_decay_length_penalty": None,
    "guidance_scale": None,
    "penalty_alpha": None,
}

#: Arguments of `generate` that are not settings of transformers' GenerationConfig.
PASSED_ON = ("generation_config", "logits_processor", "stopping_criteria", "streamer")


def setting_names() -> frozenset[str]:
    """Names of all settings of generation."""
    from transformers import GenerationConfig

    return frozenset((*vars(GenerationConfig()), *PASSED_ON))


def generate(
    loaded: Loaded,
    inputs: Inputs,
    *,
    max_new_tokens: int = 128,
    ranking_depth: int = 50,
    candidates: int = 10,
    attention: bool = False,
    seed: int | None = None,
    watch: Callable[[int], None] | None = None,
    start: Sequence[int] = (),
    **generation: Any,
) -> Trace:
    """Generate one answer and capture it: `generate_batch` with one row.

    Args:
        loaded: the model.
        inputs: the prompt.
        max_new_tokens: maximum length of the answer.
        ranking_depth: number of first ranks that are kept of each prediction.
        candidates: number of candidates that are kept for each token.
        attention: whether the trace keeps what attention of text positions needs.
        seed: of sampling; the caller's random state is not changed.
        watch: called after each token with the number of tokens so far.
        start: ids that the answer begins with, before the model goes on.
        **generation: passed on to `model.generate`, such as `temperature` or `eos_token_id`.

    Raises:
        AnswerError: if the answer is empty.
        ParameterError: if a parameter is out of range, or generation is not plain (beams).
        NonFiniteError: if a state is NaN or infinite.
        UnsupportedModelError: with `attention`, as `residual_stream`.
    """
    (trace,) = generate_batch(
        loaded,
        [inputs],
        max_new_tokens=max_new_tokens,
        ranking_depth=ranking_depth,
        candidates=candidates,
        attention=attention,
        seed=seed,
        watch=watch,
        starts=[start],
        **generation,
    )
    return trace


def generate_batch(
    loaded: Loaded,
    rows: Sequence[Inputs],
    *,
    max_new_tokens: int = 128,
    ranking_depth: int = 50,
    candidates: int = 10,
    attention: bool = False,
    seed: int | None = None,
    watch: Callable[[int], None] | None = None,
    starts: Sequence[Sequence[int]] = (),
    **generation: Any,
) -> list[Trace]:
    """Generate the answers to several prompts in one batch and capture them.

    Greedy unless `do_sample=True` is passed, and without the penalties that a checkpoint may
    recommend. Ids are kept exactly as generated, without the special tokens at the end (end of
    turn, padding). Prompts are padded on the left; a row's trace equals that of a batch of one, up
    to rounding.

    Where an answer is begun, the model writes the given tokens first, whatever it would have
    chosen, one by one as its own: so a streamer shows them, stopping criteria of the caller are
    asked from the end of the start on, and `max_new_tokens` counts what follows it. The model's
    probabilities of these tokens are its own.

    Args:
        loaded: the model.
        rows: the prompts.
        starts: for each prompt ids that its answer begins with; nothing for none at all.
        max_new_tokens, ranking_depth, candidates, attention, seed, watch, **generation: as for
            `generate`.

    Raises:
        AnswerError, ParameterError, NonFiniteError, UnsupportedModelError: as `generate`.
    """
    depth = {"ranking_depth": ranking_depth, "candidates": candidates}
    expect_counts(max_new_tokens=max_new_tokens, **depth)
    begun = time.perf_counter()
    prompts = batch(loaded.family, rows)
    begun_answers = BegunAnswers(starts or [()] * len(rows), prompts.length)
    longest = begun_answers.longest + max_new_tokens
    answers = torch.arange(prompts.length - 1, prompts.length + longest)
    hooks = StateHooks(
        [selected_positions(row, pad, answers) for row, pad in zip(rows, prompts.pads, strict=True)]
    )
    steps = LogitsBuffer(ranking_depth, candidates)

    def after_step(sequence: Tensor, scores: Any, **_: Any) -> Tensor:
        steps.add(hooks.logits, sequence[:, -1])
        if watch is not None:
            watch(sequence.shape[1] - prompts.length)
        return begun_answers.are_full(sequence, max_new_tokens)

    attending = AttentionHooks.of(loaded, rows, prompts, longest) if attention else None
    with (
        eval_mode(loaded.model),
        attached(attending, loaded.model),
        hooks.attached(loaded.model),
        seeded(seed, loaded),
    ):
        model, options = _generator(loaded, longest, generation)
        criteria = map(begun_answers.after_start, options.get("stopping_criteria") or ())
        options["stopping_criteria"] = [*criteria, after_step]
        options["logits_processor"] = begun_answers.last_of(options.get("logits_processor"))
        try:
            out = model.generate(**prompts.tensors, **options)
        except RuntimeError:  # sampling from NaN
            hooks.expect_finite()
            raise
    with eval_mode(loaded.model):  # an adapter of the head may have a dropout
        sequences = getattr(out, "sequences", out)
        begun_answers.expect_in(sequences)
        captured = _rows(loaded, rows, prompts, sequences, steps, hooks, attending)
        state = hooks.states_at(0, torch.tensor([prompts.length - 1]))[0]
        unembedding = infer_unembedding(loaded.model, state, steps.first[0])
        seconds = {"generate": (time.perf_counter() - begun) / len(rows)}
        return [
            assemble(loaded, row, hooks, unembedding, **depth, seconds=seconds) for row in captured
        ]


def _rows(
    loaded: Loaded,
    rows: Sequence[Inputs],
    prompts: Batch,
    sequences: Tensor,
    steps: LogitsBuffer,
    hooks: StateHooks,
    attending: AttentionHooks | None,
) -> list[CapturedRow]:
    """The answer of each prompt with its predictions.

    Raises:
        AnswerError: if an answer is empty.
        NonFiniteError: if it is empty because of NaN or infinity.
    """
    captured = []
    for index, row in enumerate(rows):
        answer = without_end(sequences[index, prompts.length :].tolist(), loaded)
        if not answer:
            hooks.expect_finite()
            raise AnswerError(
                f"Expected an answer from {loaded.name}, got none: it ended its turn at once. "
                "Change the prompt, or give an answer to explain."
            )
        predictions, pad = steps.of(index, len(answer)), prompts.pads[index]
        kept = attending.captured(index, row, pad, answer) if attending else None
        captured.append(CapturedRow(row, answer, index, pad, prompts.length, predictions, kept))
    return captured


def _generator(
    loaded: Loaded, max_new_tokens: int, generation: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """The model to call `generate` on, and the keyword arguments.

    Greedy unless `do_sample` is set; one answer, no beams. `generate` takes what a config leaves
    open from the model's generation config. So it is called on a shallow copy of the model, with
    the same weights and hooks and with our config: the user's model is not changed, and other
    threads may generate with it at the same time.
    """
    user_config = generation.pop("generation_config", None)
    given = vars(user_config) if user_config else {}
    settings = {name: value for name, value in given.items() if value is not None}
    _expect_single_sequence({**settings, **generation})
    config: Any = copy.deepcopy(user_config or loaded.model.generation_config)
    _expect_known_settings(generation, config, loaded.model)
    # Greedy decoding does not use the sampling settings of a checkpoint, and warns of them.
    if not generation.setdefault("do_sample", settings.get("do_sample", False)):
        config.temperature = config.top_p = config.top_k = None
    if user_config is None:
        for name, neutral in NO_PENALTIES.items():
            setattr(config, name, neutral)
    if config.pad_token_id is None:
        ends = config.eos_token_id
        config.pad_token_id = ends[0] if isinstance(ends, list) else ends
    config.max_length = None
    limits = {**SINGLE_SEQUENCE, "max_new_tokens": max_new_tokens}
    others = config.update(**{**generation, **limits})
    model = copy.copy(loaded.model)
    vars(model).pop("generate", None)  # it may be patched to record the user's calls
    model.generation_config = loaded.model.generation_config if user_config else config
    return model, {**others, "generation_config": config}


def _expect_known_settings(names: Iterable[str], config: Any, model: Any) -> None:
    known = {*vars(config), *inspect.signature(model.generate).parameters}
    for name in names:
        if name not in known:
            raise ParameterError(
                unknown_name_message("generation setting", name, tuple(sorted(known)))
            )


def _expect_single_sequence(settings: dict[str, Any]) -> None:
    for name, value in SINGLE_SEQUENCE.items():
        setting = settings.get(name, value)
        if setting != value:
            raise ParameterError(
                f"Expected {name} = {value}, got {setting}: one answer is explained, token by "
                "token. Leave the setting out, or sample with do_sample=True."
            )


@contextmanager
def seeded(seed: int | None, loaded: Loaded) -> Iterator[None]:
    """Sample with this seed in the block; the caller's random state is restored after it."""
    if seed is None:
        yield
        return
    device = input_device(loaded.model)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield

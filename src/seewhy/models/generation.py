"""Let a model answer, and capture what it computes: one hook on its states, one on its logits.

Position t's logits predict token t + 1. A trace keeps the final states at the visual positions
and at the text's own positions, and of each prediction only its head: the ids ranked first, and
the probability of the token that came. Attentions, inner layers and whole rows of logits are never
kept.
"""

from __future__ import annotations

import copy
import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from seewhy.core.errors import AnswerError, ParameterError
from seewhy.core.suggestions import unknown_name_message
from seewhy.core.trace import Inputs, Trace
from seewhy.models.answer_ids import without_end
from seewhy.models.family import input_device
from seewhy.models.inputs import Batch, batch
from seewhy.models.isolation import eval_mode
from seewhy.models.loading import Loaded
from seewhy.models.predictions import LogitsBuffer, expect_counts
from seewhy.models.state_hooks import StateHooks
from seewhy.models.tracing import CapturedRow, assemble, selected_positions
from seewhy.models.unembedding import infer_unembedding

#: What generation must be for a trace to be of one answer, fed back token by token.
SINGLE_SEQUENCE = {"num_beams": 1, "num_return_sequences": 1, "use_cache": True}

#: What a checkpoint may recommend for its sampling, and what it is for a model's own choice.
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


#: What `generate` takes beside the settings of transformers' GenerationConfig.
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
    seed: int | None = None,
    watch: Callable[[int], None] | None = None,
    **generation: Any,
) -> Trace:
    """Let the model answer, and capture it: see `generate_batch`, of which this is one row.

    Args:
        loaded: the model.
        inputs: what it is asked.
        max_new_tokens: where the answer is cut off.
        ranking_depth: how many first ranks are kept of each prediction.
        candidates: how many next candidates each token shows.
        seed: of sampling; the caller's random state is left as it was.
        watch: called with the number of tokens so far, after each.
        **generation: passed on to `model.generate`, such as `temperature` or `eos_token_id`.

    Raises:
        AnswerError: if the model says nothing.
        ParameterError: if a parameter is out of range, or generation is not plain (beams).
        NonFiniteError: if a state is NaN or infinite.
    """
    (trace,) = generate_batch(
        loaded,
        [inputs],
        max_new_tokens=max_new_tokens,
        ranking_depth=ranking_depth,
        candidates=candidates,
        seed=seed,
        watch=watch,
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
    seed: int | None = None,
    watch: Callable[[int], None] | None = None,
    **generation: Any,
) -> list[Trace]:
    """Let the model answer several prompts at once, and capture it.

    Greedy unless `do_sample=True` is passed, and without the penalties that a checkpoint may
    recommend. Ids are kept exactly as they were generated, except that special tokens that end the
    answer (end of turn, padding) are no part of it. Prompts are padded on the left; a row's trace
    equals the one that it has alone, up to rounding.

    Args:
        loaded: the model.
        rows: what it is asked, one for each answer.
        max_new_tokens, ranking_depth, candidates, seed, watch, **generation: as for `generate`.

    Raises:
        AnswerError, ParameterError, NonFiniteError: as `generate`.
    """
    depth = {"ranking_depth": ranking_depth, "candidates": candidates}
    expect_counts(max_new_tokens=max_new_tokens, **depth)
    begun = time.perf_counter()
    prompts = batch(loaded.family, rows)
    answers = torch.arange(prompts.length - 1, prompts.length + max_new_tokens)
    hooks = StateHooks(
        [selected_positions(r, pad, answers) for r, pad in zip(rows, prompts.pads, strict=True)]
    )
    steps = LogitsBuffer(ranking_depth, candidates)

    def after_step(sequence: Tensor, scores: Any, **_: Any) -> Tensor:
        steps.add(hooks.logits, sequence[:, -1])
        if watch is not None:
            watch(sequence.shape[1] - prompts.length)
        return torch.zeros(len(sequence), dtype=torch.bool, device=sequence.device)

    with eval_mode(loaded.model), hooks.attached(loaded.model), seeded(seed, loaded):
        model, options = _generator(loaded, max_new_tokens, generation)
        options["stopping_criteria"] = [*options.get("stopping_criteria", ()), after_step]
        try:
            out = model.generate(**prompts.tensors, **options)
        except RuntimeError:  # sampling from NaN
            hooks.expect_finite()
            raise
    captured = _rows(loaded, rows, prompts, getattr(out, "sequences", out), steps, hooks)
    state = hooks.states_at(0, torch.tensor([prompts.length - 1]))[0]
    unembedding = infer_unembedding(loaded.model, state, steps.first[0])
    seconds = {"generate": (time.perf_counter() - begun) / len(rows)}
    return [assemble(loaded, row, hooks, unembedding, **depth, seconds=seconds) for row in captured]


def _rows(
    loaded: Loaded,
    rows: Sequence[Inputs],
    prompts: Batch,
    sequences: Tensor,
    steps: LogitsBuffer,
    hooks: StateHooks,
) -> list[CapturedRow]:
    """The answer of each prompt with its predictions.

    Raises:
        AnswerError: if the model said nothing.
        NonFiniteError: if that was because of NaN or infinity.
    """
    captured = []
    for at, row in enumerate(rows):
        answer = without_end(sequences[at, prompts.length :].tolist(), loaded)
        if not answer:
            hooks.expect_finite()
            raise AnswerError(
                f"Expected an answer from {loaded.name}, got none: it ended its turn at once. "
                "Change the prompt, or give an answer to explain."
            )
        predictions = steps.of(at, len(answer))
        captured.append(CapturedRow(row, answer, at, prompts.pads[at], prompts.length, predictions))
    return captured


def _generator(
    loaded: Loaded, max_new_tokens: int, generation: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """What generates, and its keyword arguments: greedy unless asked, one answer, no beams.

    `generate` fills what a config leaves open from the model's own generation config. So it is
    called on a shallow copy of the model, with the same weights and hooks, whose config is ours:
    the model's own stays as it is, and other threads may generate with it meanwhile.
    """
    own = generation.pop("generation_config", None)
    asked = {name: value for name, value in vars(own).items() if value is not None} if own else {}
    _expect_single_sequence({**asked, **generation})
    config: Any = copy.deepcopy(own or loaded.model.generation_config)
    known = {*vars(config), *inspect.signature(loaded.model.generate).parameters}  # type: ignore
    for name in generation:
        if name not in known:
            raise ParameterError(
                unknown_name_message("generation setting", name, tuple(sorted(known)))
            )
    # What checkpoints recommend for sampling means nothing to greedy decoding, which warns of it.
    if not generation.setdefault("do_sample", asked.get("do_sample", False)):
        config.temperature = config.top_p = config.top_k = None
    if own is None:
        for name, plain in NO_PENALTIES.items():
            setattr(config, name, plain)
    if config.pad_token_id is None:
        ends = config.eos_token_id
        config.pad_token_id = ends[0] if isinstance(ends, list) else ends
    config.max_length = None
    limits = {**SINGLE_SEQUENCE, "max_new_tokens": max_new_tokens}
    others = config.update(**{**generation, **limits})
    model = copy.copy(loaded.model)
    vars(model).pop("generate", None)  # that of the model itself may be recorded
    model.generation_config = loaded.model.generation_config if own else config
    return model, {**others, "generation_config": config}


def _expect_single_sequence(settings: dict[str, Any]) -> None:
    for name, value in SINGLE_SEQUENCE.items():
        given = settings.get(name, value)
        if given != value:
            raise ParameterError(
                f"Expected {name} = {value}, got {given}: an explanation follows one "
                "answer, token by token. Sample with do_sample=True instead."
            )


@contextmanager
def seeded(seed: int | None, loaded: Loaded) -> Iterator[None]:
    """Draw from a seed of one's own, and leave the caller's random state as it was."""
    if seed is None:
        yield
        return
    device = input_device(loaded.model)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield

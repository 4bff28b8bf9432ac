"""Overhearing a model while it speaks: one hook on its states, one on its logits, nothing else.

Position t's logits predict token t + 1. A trace keeps the final states at the visual positions
and at the text's own positions, and of each prediction only its head: the ids ranked first, and
the probability of what was said. Attentions, inner layers and whole rows of logits are never kept.
"""

from __future__ import annotations

import copy
import inspect
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seewhy.core.errors import AnswerError, ParameterError
from seewhy.core.registry import unknown
from seewhy.core.text import Token
from seewhy.core.trace import Inputs, Trace, expect_finite
from seewhy.models.batching import batch
from seewhy.models.chat_template import special_tokens_in
from seewhy.models.decoding import tokens_of
from seewhy.models.family import input_device
from seewhy.models.loading import Loaded, eval_mode
from seewhy.models.unembedding import Unembedding, backbone_of, infer_unembedding, unembedding_size

#: Rows of logits that are held at once: 32 rows of 151,936 floats are 19 MB.
CHUNK = 32

#: What generation must be for a trace to be of one answer, fed back token by token.
PLAIN = {"num_beams": 1, "num_return_sequences": 1, "use_cache": True}


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


@dataclass(frozen=True, eq=False)
class Predictions:
    """The head of each prediction.

    Attributes:
        rankings: int64 `[token, rank]`, ids by falling logit: as many as are ranked or shown.
        chosen: float32 `[token]`, the probability of the token that came.
        candidates: float32 `[token, candidate]`, probabilities of the first ranks.
    """

    rankings: Tensor
    chosen: Tensor
    candidates: Tensor

    @staticmethod
    def of(logits: Tensor, ids: Tensor, depth: int, candidates: int) -> Predictions:
        """From logits `[token, vocab]` and the ids `[token]` that came next."""
        logits = logits.float()
        depth, candidates = (min(count, logits.shape[-1]) for count in (depth, candidates))
        total = logits.logsumexp(-1, keepdim=True)
        values, ranked = logits.topk(max(depth, candidates), -1)
        return Predictions(
            rankings=ranked,
            chosen=(logits.gather(-1, ids[:, None].to(logits.device)) - total).exp()[:, 0],
            candidates=(values[:, :candidates] - total).exp(),
        )

    @staticmethod
    def join(parts: Sequence[Predictions]) -> Predictions:
        """Chain predictions along the token axis."""
        return Predictions(
            *(
                torch.cat([getattr(part, name) for part in parts])
                for name in ("rankings", "chosen", "candidates")
            )
        )


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
    """Let the model answer, and overhear it: see `generate_batch`, of which this is one row.

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
    """Let the model answer several prompts at once, and overhear it.

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
    _expect_counts(
        max_new_tokens=max_new_tokens, ranking_depth=ranking_depth, candidates=candidates
    )
    own = generation.get("generation_config")
    options = _generation_options(loaded, max_new_tokens, generation)
    advice = loaded.model.generation_config if own else options["generation_config"]
    begun = time.perf_counter()
    asked = batch(loaded.family, rows)
    length = asked.length
    answers = torch.arange(length - 1, length + max_new_tokens)
    ears = StateHooks(
        [_needed(row, pad, answers) for row, pad in zip(rows, asked.pads, strict=True)]
    )
    steps = LogitsBuffer(ranking_depth, candidates)

    def after_step(sequence: Tensor, scores: Any, **_: Any) -> Tensor:
        steps.add(ears.logits, sequence[:, -1])
        if watch is not None:
            watch(sequence.shape[1] - length)
        return torch.zeros(len(sequence), dtype=torch.bool, device=sequence.device)

    options["stopping_criteria"] = [*options.get("stopping_criteria", ()), after_step]
    with (
        eval_mode(loaded.model),
        seeded(seed, loaded),
        ears.attached(loaded.model),
        generation_config_as(loaded.model, advice),
    ):
        try:
            out = loaded.model.generate(**asked.tensors, **options)  # type: ignore[operator]
        except RuntimeError:  # sampling from NaN
            ears.expect_finite()
            raise
    sequences = getattr(out, "sequences", out)
    heard = []
    for at, row in enumerate(rows):
        answer = without_end(sequences[at, length:].tolist(), loaded)
        if not answer:
            ears.expect_finite()
            raise AnswerError(
                f"Expected an answer from {loaded.name}, got none: it ended its turn at once. "
                "Change the prompt, or give an answer to explain."
            )
        predictions = steps.of(at, len(answer))
        heard.append(CapturedRow(row, answer, at, asked.pads[at], length, predictions))
    logits, before = steps.opening, torch.tensor([length - 1])
    head = infer_unembedding(loaded.model, ears.states_at(0, before)[0], logits[0])
    seconds = {"generate": (time.perf_counter() - begun) / len(rows)}
    return [
        _assemble(loaded, one, ears, head, ranking_depth, candidates, seconds).expect_finite()
        for one in heard
    ]


def read(
    loaded: Loaded,
    inputs: Inputs,
    answer: str | Sequence[int] | Tensor,
    *,
    ranking_depth: int = 50,
    candidates: int = 10,
) -> Trace:
    """Show the model an answer (teacher forcing), in one pass, as if it had said it.

    For the same ids this is the trace that `generate` gives, up to rounding.

    Args:
        loaded: the model.
        inputs: what it is asked.
        answer: text, or ids; special tokens that end it are no part of it.
        ranking_depth: how many first ranks are kept of each prediction.
        candidates: how many next candidates each token shows.

    Raises:
        AnswerError: if the answer tokenises to nothing, or holds a special token or unknown id.
        NonFiniteError: if a state is NaN or infinite.
    """
    (trace,) = read_batch(
        loaded, [inputs], [answer], ranking_depth=ranking_depth, candidates=candidates
    )
    return trace


def read_batch(
    loaded: Loaded,
    rows: Sequence[Inputs],
    answers: Sequence[str | Sequence[int] | Tensor],
    *,
    ranking_depth: int = 50,
    candidates: int = 10,
) -> list[Trace]:
    """Show the model several prompts with their answers, in one pass: see `read`.

    Prompts are padded on the left and answers on the right; a row's trace equals the one that it
    has alone, up to rounding.

    Raises:
        AnswerError, NonFiniteError: as `read`.
    """
    _expect_counts(ranking_depth=ranking_depth, candidates=candidates)
    begun = time.perf_counter()
    said = [
        answer_ids(loaded, row, answer) if isinstance(answer, str) else _expect_ids(loaded, answer)
        for row, answer in zip(rows, answers, strict=True)
    ]
    shown = batch(loaded.family, rows, said)
    length, last = shown.length, shown.tensors["input_ids"].shape[1] - 1
    wanted = torch.cat([torch.arange(length - 1, last), torch.tensor([last])])
    ears = StateHooks(
        [_needed(row, pad, wanted) for row, pad in zip(rows, shown.pads, strict=True)]
    )
    with eval_mode(loaded.model), ears.attached(loaded.model):
        # The head is applied below, in chunks: here to one position only.
        loaded.model(**{"logits_to_keep": 1, **shown.tensors, "use_cache": False})
        longest = max(range(len(rows)), key=lambda at: len(said[at]))
        state = ears.states_at(longest, torch.tensor([last]))[0]
        head = infer_unembedding(loaded.model, state, ears.logits[longest])
        heard = []
        for at, (row, ids) in enumerate(zip(rows, said, strict=True)):
            before = ears.states_at(at, torch.arange(length - 1, length + len(ids) - 1))
            predictions = predict(head, before, torch.tensor(ids), ranking_depth, candidates)
            heard.append(CapturedRow(row, ids, at, shown.pads[at], length, predictions))
    seconds = {"read": (time.perf_counter() - begun) / len(rows)}
    return [
        _assemble(loaded, one, ears, head, ranking_depth, candidates, seconds).expect_finite()
        for one in heard
    ]


def answer_ids(loaded: Loaded, inputs: Inputs, answer: str) -> list[int]:
    """Tokenise an answer so that it goes on where the rendered prompt ends.

    Both are tokenised together, so that the answer's first token is the one the model would have
    said; where that would change the prompt's own ids, the answer is tokenised alone. A prompt
    that ends in a letter or mark (`ASSISTANT:`) is followed by a space.

    Raises:
        AnswerError: if it tokenises to nothing, or spells out a special token.
    """
    if not answer.strip():
        raise AnswerError(f"Expected an answer with words in it, got {answer!r}: say something.")
    token = next(iter(special_tokens_in(loaded.family, answer)), None)
    if token is not None:
        raise AnswerError(
            f"Expected an answer of plain words, got the model's special token {token!r} in it: "
            "leave it out."
        )
    tokenizer, text = loaded.processor.tokenizer, inputs.rendered
    tail = text[-1:].isspace() or any(map(text.endswith, special_tokens_in(loaded.family, text)))
    glue = "" if tail or answer[0].isspace() else " "
    known, joined = (
        tokenizer(part, add_special_tokens=False)["input_ids"]
        for part in (text, text + glue + answer)
    )
    goes_on = joined[: len(known)] == known
    ids = joined[len(known) :] if goes_on else tokenizer(answer, add_special_tokens=False).input_ids
    return _expect_ids(loaded, ids)


def predict(
    head: Unembedding, states: Tensor, ids: Tensor, depth: int, candidates: int
) -> Predictions:
    """What the model predicted from states `[token, hidden]`, when `ids` `[token]` came next."""
    return Predictions.join(
        [
            Predictions.of(head(some), came, depth, candidates)
            for some, came in zip(states.split(CHUNK), ids.split(CHUNK), strict=True)
        ]
    )


class LogitsBuffer:
    """The predictions of a generation, ranked a chunk at a time: cheaper than step by step."""

    def __init__(self, depth: int, candidates: int) -> None:
        self._depth, self._candidates = depth, candidates
        self._done: list[list[Predictions]] = []  # for each chunk, one for each row
        self._open: list[tuple[Tensor, Tensor]] = []
        self.opening = torch.empty(0)

    def add(self, logits: Tensor, came: Tensor) -> None:
        """One step: logits `[batch, vocab]`, and the ids `[batch]` that were chosen."""
        if not self._done and not self._open:
            self.opening = logits
        self._open.append((logits, came))
        if len(self._open) * len(came) >= CHUNK:
            self._rank()

    def of(self, row: int, count: int) -> Predictions:
        """A row's first `count` steps: it may have ended before the others."""
        if self._open:
            self._rank()
        whole = Predictions.join([rows[row] for rows in self._done])
        return Predictions(whole.rankings[:count], whole.chosen[:count], whole.candidates[:count])

    def _rank(self) -> None:
        logits, came = (torch.stack(parts, 1) for parts in zip(*self._open, strict=True))
        self._done.append(
            [
                Predictions.of(of_row, next_of_row, self._depth, self._candidates)
                for of_row, next_of_row in zip(logits, came, strict=True)
            ]
        )
        self._open = []


class StateHooks:
    """Two hooks: final states at wanted positions of each row, and the logits of the latest step.

    Args:
        wanted: for each row of the batch int64, the positions whose states are kept, in any order.
    """

    def __init__(self, wanted: Sequence[Tensor]) -> None:
        self._wanted = [places.unique() for places in wanted]
        self._places = [places.tolist() for places in self._wanted]
        self.logits = torch.empty(0)
        self._kept: list[list[Tensor]] = [[] for _ in wanted]
        self._heard = 0

    @contextmanager
    def attached(self, model: Any) -> Iterator[None]:
        """Hook the model, and unhook it whatever happens."""
        hooks = [
            backbone_of(model).register_forward_hook(self._hear_states),
            model.register_forward_hook(self._hear_logits),
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def states_at(self, row: int, positions: Tensor) -> Tensor:
        """`[position, hidden]`, for positions of a row that were wanted and heard."""
        kept = torch.cat(self._kept[row])
        return kept[torch.searchsorted(self._wanted[row], positions).to(kept.device)]

    def expect_finite(self) -> None:
        """Raise `NonFiniteError` if something heard so far is NaN or infinite."""
        for states in (states for row in self._kept for states in row):
            expect_finite(states, name="final")

    def _hear_states(self, module: Any, arguments: Any, output: Any) -> None:
        heard = output.last_hidden_state
        begin, self._heard = self._heard, self._heard + heard.shape[1]
        for row, states in enumerate(heard):
            places = self._places[row]
            inside = slice(*(bisect_left(places, end) for end in (begin, self._heard)))
            if inside.stop - inside.start < len(states):
                states = states[(self._wanted[row][inside] - begin).to(states.device)]
            self._kept[row].append(states)

    def _hear_logits(self, module: Any, arguments: Any, output: Any) -> None:
        self.logits = output.logits[:, -1].clone()  # a view would keep the whole of it


@dataclass(frozen=True, eq=False)
class CapturedRow:
    """One row of what was heard.

    Attributes:
        inputs: what was read.
        answer: its ids.
        row: its place in the batch.
        pad: how many positions stand before its prompt.
        begin: the position at which the answer begins, padding included.
        predictions: of the answer.
    """

    inputs: Inputs
    answer: list[int]
    row: int
    pad: int
    begin: int
    predictions: Predictions


def _assemble(
    loaded: Loaded,
    heard: CapturedRow,
    ears: StateHooks,
    head: Unembedding,
    depth: int,
    candidates: int,
    seconds: dict[str, float],
) -> Trace:
    """Put together what was heard of one row."""
    inputs, answer, begin = heard.inputs, heard.answer, heard.begin
    tokenizer = loaded.processor.tokenizer

    def states_at(positions: Tensor) -> Tensor:
        return ears.states_at(heard.row, positions)

    asked = inputs.prompt_positions + heard.pad
    prompt_ids = inputs.tensors["input_ids"][0].cpu()[inputs.prompt_positions]
    fed_back = torch.arange(begin, begin + len(answer) - 1)
    states = states_at(torch.cat([asked, fed_back]))
    with torch.no_grad():
        prompt = predict(head, states_at((asked - 1).clamp_min(0)), prompt_ids, depth, candidates)
        rows, biases = head.rows(torch.cat([prompt_ids, torch.tensor(answer)]))
        # With `device_map` the head may lie on another device than the last states.
        rows = rows.to(states.device)
        biases = None if biases is None else biases.to(states.device)
    text, spans = tokens_of(answer, tokenizer)
    return Trace(
        inputs=inputs,
        prompt_tokens=_tokens(
            prompt_ids.tolist(), inputs.prompt, inputs.prompt_spans, prompt, tokenizer
        ),
        tokens=_tokens(answer, text, spans, heard.predictions, tokenizer),
        answer=text,
        visual_states=states_at(inputs.visual_positions + heard.pad),
        # The last token of a generated answer is never fed back: nothing follows it.
        text_states=torch.cat([states, torch.zeros_like(states[:1])]),
        unembedding_rows=rows,
        biases=biases,
        softcap=head.softcap,
        first_prediction_state=states_at(torch.tensor([begin - 1]))[0],
        rankings=torch.cat([prompt.rankings, heard.predictions.rankings])[:, :depth],
        seconds=seconds,
    )


def _tokens(
    ids: Sequence[int],
    text: str,
    spans: Sequence[tuple[int, int]],
    predictions: Predictions,
    tokenizer: Any,
) -> tuple[Token, ...]:
    probabilities, candidates = predictions.chosen.tolist(), predictions.candidates.tolist()
    ranked = predictions.rankings[:, : predictions.candidates.shape[1]].tolist()
    names = _names({token for row in ranked for token in row}, tokenizer)
    return tuple(
        Token(
            id=token,
            text=text[start:end],
            start=start,
            end=end,
            probability=probability,
            candidates=tuple((names[i], p) for i, p in zip(row, shares, strict=True)),
        )
        for token, (start, end), probability, row, shares in zip(
            ids, spans, probabilities, ranked, candidates, strict=True
        )
    )


def _names(ids: set[int], tokenizer: Any) -> dict[int, str]:
    """Each id's text for a reader: a leading space kept, special tokens by their names."""
    ordered = sorted(ids)
    texts = (tokenizer.decode([token]) for token in ordered)
    pieces = tokenizer.convert_ids_to_tokens(ordered)
    return {
        # Decoders of the SentencePiece kind drop the space in front of a text.
        token: f" {text}" if (piece or "").startswith("▁") and not text.startswith(" ") else text
        for token, text, piece in zip(ordered, texts, pieces, strict=True)
    }


def _needed(inputs: Inputs, pad: int, *others: Tensor) -> Tensor:
    prompt = inputs.prompt_positions
    # A prompt without a template may begin with a word: nothing predicted it.
    own = torch.cat([inputs.visual_positions, prompt, (prompt - 1).clamp_min(0)])
    return torch.cat([own + pad, *others])


def without_end(ids: list[int], loaded: Loaded) -> list[int]:
    """Ids without the special tokens (end of turn, padding) that they end in."""
    config, tokenizer = loaded.model.generation_config, loaded.processor.tokenizer
    ends = {*tokenizer.all_special_ids}
    for token in (getattr(config, "eos_token_id", None), getattr(config, "pad_token_id", None)):
        ends |= set(token) if isinstance(token, list) else {token}
    length = len(ids)
    while length and ids[length - 1] in ends:
        length -= 1
    return ids[:length]


def _expect_ids(loaded: Loaded, answer: Sequence[int] | Tensor) -> list[int]:
    """Ids of an answer without its end, or `AnswerError`."""
    given = answer.flatten().tolist() if isinstance(answer, Tensor) else [int(i) for i in answer]
    ids, size = without_end(given, loaded), unembedding_size(loaded.model)
    if not ids:
        raise AnswerError(
            f"Expected an answer of at least one token, got {given}: its ids are none, or special "
            "tokens only."
        )
    shown = (loaded.family.image_token_id, loaded.family.clip_token_id)
    wrong = [token for token in ids if not 0 <= token < size or token in shown]
    if wrong:
        raise AnswerError(
            f"Expected ids from 0 to {size - 1} without the image token, got {wrong[:5]}: give the "
            "ids that this model's tokenizer makes."
        )
    return ids


def _expect_counts(**counts: int) -> None:
    for name, count in counts.items():
        least = 0 if name == "candidates" else 1
        if count < least:
            raise ParameterError(f"Expected {name} of at least {least}, got {count}: raise it.")


def _generation_options(
    loaded: Loaded, max_new_tokens: int, generation: dict[str, Any]
) -> dict[str, Any]:
    """Keyword arguments of `generate`: greedy unless the user asked, one answer, no beams."""
    own = generation.pop("generation_config", None)
    asked = {name: value for name, value in vars(own).items() if value is not None} if own else {}
    for name, value in PLAIN.items():
        given = generation.get(name, asked.get(name, value))
        if given != value:
            raise ParameterError(
                f"Expected {name} = {value}, got {given}: an explanation follows one "
                "answer, token by token. Sample with do_sample=True instead."
            )
    config: Any = copy.deepcopy(own or loaded.model.generation_config)
    known = {*vars(config), *inspect.signature(loaded.model.generate).parameters}  # type: ignore
    for name in generation:
        if name not in known:
            raise ParameterError(unknown("generation setting", name, tuple(sorted(known))))
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
    others = config.update(**{**generation, **PLAIN, "max_new_tokens": max_new_tokens})
    return {**others, "generation_config": config}


@contextmanager
def generation_config_as(model: Any, config: Any) -> Iterator[None]:
    """Let a config stand for the checkpoint's own, from which `generate` fills what is None."""
    before = model.generation_config
    model.generation_config = config
    try:
        yield
    finally:
        model.generation_config = before


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

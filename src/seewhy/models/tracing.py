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

from seewhy.core.errors import AnswerError, ModelError, ParameterError
from seewhy.core.registry import unknown
from seewhy.core.text import Token
from seewhy.core.trace import Inputs, Trace, expect_finite
from seewhy.models.decoding import tokens_of
from seewhy.models.inputs import render, special_tokens_in
from seewhy.models.loading import Loaded, undisturbed

#: Rows of logits that are held at once: 32 rows of 151,936 floats are 19 MB.
CHUNK = 32

#: What generation must be for a trace to be of one answer, fed back token by token.
PLAIN = {"num_beams": 1, "num_return_sequences": 1, "use_cache": True}


@dataclass(frozen=True, eq=False)
class Predictions:
    """The head of each prediction.

    Attributes:
        rankings: int64 `[token, rank]`, ids by falling logit.
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
            rankings=ranked[:, :depth],
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
    """Let the model answer, and overhear it.

    Greedy unless `do_sample=True` is passed. Ids are kept exactly as they were generated, except
    that special tokens that end the answer (end of turn, padding) are no part of it.

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
    _expect_counts(
        max_new_tokens=max_new_tokens, ranking_depth=ranking_depth, candidates=candidates
    )
    options = _generation_options(loaded, max_new_tokens, generation)
    begun = time.perf_counter()
    length = inputs.tensors["input_ids"].shape[1]
    ears = _Ears(_needed(inputs, torch.arange(length - 1, length + max_new_tokens)))
    steps = _Steps(ranking_depth, candidates)

    def after_step(sequence: Tensor, scores: Any, **_: Any) -> Tensor:
        steps.add(ears.logits, sequence[:, -1])
        if watch is not None:
            watch(sequence.shape[1] - length)
        return torch.zeros(len(sequence), dtype=torch.bool, device=sequence.device)

    options["stopping_criteria"] = [*options.get("stopping_criteria", ()), after_step]
    with undisturbed(loaded.model), _seeded(seed, loaded), ears.listening(loaded.model):
        try:
            out = loaded.model.generate(**inputs.tensors, **options)  # type: ignore[operator]
        except RuntimeError:  # sampling from NaN
            ears.expect_finite()
            raise
    sequence = getattr(out, "sequences", out)
    answer = _without_end(sequence[0, length:].tolist(), loaded)
    if not answer:
        ears.expect_finite()
        raise AnswerError(
            f"Expected an answer from {loaded.name}, got none: it ended its turn at once. Change "
            "the prompt, or give an answer to explain."
        )
    predictions = steps.first(len(answer))
    seconds = {"generate": time.perf_counter() - begun}
    return _assemble(
        loaded, inputs, answer, ears, predictions, ranking_depth, candidates, seconds
    ).expect_finite()


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
    _expect_counts(ranking_depth=ranking_depth, candidates=candidates)
    begun = time.perf_counter()
    ids = (
        answer_ids(loaded, inputs, answer)
        if isinstance(answer, str)
        else _expect_ids(loaded, answer)
    )
    prompt = inputs.tensors["input_ids"]
    length, said = prompt.shape[1], torch.tensor([ids], device=prompt.device)
    places = torch.arange(length, length + len(ids))
    ears = _Ears(_needed(inputs, places, places - 1))
    tensors = dict(inputs.tensors)
    tensors["input_ids"] = torch.cat([prompt, said], 1)
    for name, fill in (("attention_mask", 1), ("mm_token_type_ids", 0)):
        if name in tensors:
            tail = torch.full_like(said, fill, dtype=tensors[name].dtype)
            tensors[name] = torch.cat([tensors[name], tail], 1)
    with undisturbed(loaded.model), ears.listening(loaded.model):
        # The head is applied below, in chunks: here to one position only.
        loaded.model(**tensors, use_cache=False, logits_to_keep=1)
        before = ears.states_at(places - 1)
        predictions = predict(loaded, before, said[0], ranking_depth, candidates)
    seconds = {"read": time.perf_counter() - begun}
    return _assemble(
        loaded, inputs, ids, ears, predictions, ranking_depth, candidates, seconds
    ).expect_finite()


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
    tokenizer, text = loaded.processor.tokenizer, render(loaded.family, inputs.prompt)
    tail = text[-1:].isspace() or any(map(text.endswith, special_tokens_in(loaded.family, text)))
    glue = "" if tail or answer[0].isspace() else " "
    known, joined = (
        tokenizer(part, add_special_tokens=False)["input_ids"]
        for part in (text, text + glue + answer)
    )
    goes_on = joined[: len(known)] == known
    ids = joined[len(known) :] if goes_on else tokenizer(answer, add_special_tokens=False).input_ids
    return _expect_ids(loaded, ids)


def unembed(loaded: Loaded, states: Tensor) -> Tensor:
    """The model's own logits for final states: `[..., hidden]` to `[..., vocab]`.

    Its head, and the soft cap `c tanh(z / c)` where its config has one.
    """
    logits = _head(loaded)(states)
    cap = getattr(loaded.model.config.get_text_config(), "final_logit_softcapping", None)
    return logits if cap is None else cap * (logits / cap).tanh()


def predict(
    loaded: Loaded, states: Tensor, ids: Tensor, depth: int, candidates: int
) -> Predictions:
    """What the model predicted from states `[token, hidden]`, when `ids` `[token]` came next."""
    return Predictions.join(
        [
            Predictions.of(unembed(loaded, some), came, depth, candidates)
            for some, came in zip(states.split(CHUNK), ids.split(CHUNK), strict=True)
        ]
    )


class _Steps:
    """The predictions of a generation, ranked a chunk at a time: cheaper than step by step."""

    def __init__(self, depth: int, candidates: int) -> None:
        self._depth, self._candidates = depth, candidates
        self._done: list[Predictions] = []
        self._open: list[tuple[Tensor, Tensor]] = []

    def add(self, logits: Tensor, came: Tensor) -> None:
        """One step: logits `[1, vocab]`, and the id `[1]` that was chosen."""
        self._open.append((logits, came))
        if len(self._open) == CHUNK:
            self._rank()

    def first(self, count: int) -> Predictions:
        """The first `count` steps: some back ends run a few more than the answer has."""
        if self._open:
            self._rank()
        whole = Predictions.join(self._done)
        return Predictions(whole.rankings[:count], whole.chosen[:count], whole.candidates[:count])

    def _rank(self) -> None:
        logits, came = (torch.cat(parts) for parts in zip(*self._open, strict=True))
        self._done.append(Predictions.of(logits, came, self._depth, self._candidates))
        self._open = []


class _Ears:
    """Two hooks: final states at wanted positions, and the logits of the latest step.

    Args:
        wanted: int64, the positions whose states are kept, in any order.
    """

    def __init__(self, wanted: Tensor) -> None:
        self.wanted = wanted.unique()
        self._places = self.wanted.tolist()
        self.logits = torch.empty(0)
        self._kept: list[Tensor] = []
        self._heard = 0

    @contextmanager
    def listening(self, model: Any) -> Iterator[None]:
        """Hook the model, and unhook it whatever happens."""
        hooks = [
            model.base_model.register_forward_hook(self._hear_states),
            model.register_forward_hook(self._hear_logits),
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def states_at(self, positions: Tensor) -> Tensor:
        """`[position, hidden]`, for positions that were wanted and heard."""
        kept = torch.cat(self._kept)
        return kept[torch.searchsorted(self.wanted, positions).to(kept.device)]

    def expect_finite(self) -> None:
        """Raise `NonFiniteError` if something heard so far is NaN or infinite."""
        for states in self._kept:
            expect_finite(states, name="final")

    def _hear_states(self, module: Any, arguments: Any, output: Any) -> None:
        states = output.last_hidden_state[0]
        begin, self._heard = self._heard, self._heard + len(states)
        inside = slice(*(bisect_left(self._places, end) for end in (begin, self._heard)))
        if inside.stop - inside.start < len(states):
            states = states[(self.wanted[inside] - begin).to(states.device)]
        self._kept.append(states)

    def _hear_logits(self, module: Any, arguments: Any, output: Any) -> None:
        self.logits = output.logits[:, -1].clone()  # a view would keep the whole of it


def _assemble(
    loaded: Loaded,
    inputs: Inputs,
    answer: list[int],
    ears: _Ears,
    predictions: Predictions,
    depth: int,
    candidates: int,
    seconds: dict[str, float],
) -> Trace:
    """Put together what was heard; the answer's predictions are handed in."""
    tokenizer, device = loaded.processor.tokenizer, inputs.tensors["input_ids"].device
    prompt_ids = inputs.tensors["input_ids"][0, inputs.prompt_positions.to(device)]
    length = inputs.tensors["input_ids"].shape[1]
    fed_back = torch.arange(length, length + len(answer) - 1)
    states = ears.states_at(torch.cat([inputs.prompt_positions, fed_back]))
    with torch.no_grad():
        before = ears.states_at(inputs.prompt_positions - 1)
        prompt = predict(loaded, before, prompt_ids, depth, candidates)
        head = _head(loaded)
        ids = torch.cat([prompt_ids, torch.tensor(answer, device=device)]).to(head.weight.device)
        rows, biases = head.weight[ids], None if head.bias is None else head.bias[ids]
        # With `device_map` the head may lie on another device than the last states.
        rows = rows.to(states.device)
        biases = None if biases is None else biases.to(states.device)
    text, spans = tokens_of(answer, tokenizer)
    return Trace(
        inputs=inputs,
        prompt_tokens=_tokens(
            prompt_ids.tolist(), inputs.prompt, inputs.prompt_spans, prompt, tokenizer
        ),
        tokens=_tokens(answer, text, spans, predictions, tokenizer),
        answer=text,
        visual_states=ears.states_at(inputs.visual_positions),
        # The last token of a generated answer is never fed back: nothing follows it.
        text_states=torch.cat([states, torch.zeros_like(states[:1])]),
        rows=rows,
        biases=biases,
        opening_state=ears.states_at(torch.tensor([length - 1]))[0],
        rankings=torch.cat([prompt.rankings, predictions.rankings]),
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


def _needed(inputs: Inputs, *others: Tensor) -> Tensor:
    prompt = inputs.prompt_positions
    return torch.cat([inputs.visual_positions, prompt, prompt - 1, *others])


def _head(loaded: Loaded) -> Any:
    model = loaded.model
    head = model.get_output_embeddings()
    if head is None or model.base_model is model:
        raise ModelError(
            f"Expected a model with a base model and a head, got {type(model).__name__}: load it "
            "with AutoModelForImageTextToText."
        )
    return head


def _without_end(ids: list[int], loaded: Loaded) -> list[int]:
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
    ids, size = _without_end(given, loaded), _head(loaded).weight.shape[0]
    if not ids:
        raise AnswerError(
            f"Expected an answer of at least one token, got {given}: its ids are none, or special "
            "tokens only."
        )
    image = loaded.family.image_token_id
    wrong = [token for token in ids if not 0 <= token < size or token == image]
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
    for name, value in PLAIN.items():
        if generation.get(name, value) != value:
            raise ParameterError(
                f"Expected {name} = {value}, got {generation[name]}: an explanation follows one "
                "answer, token by token. Sample with do_sample=True instead."
            )
    given = generation.pop("generation_config", None) or loaded.model.generation_config
    known = {*vars(given), *inspect.signature(loaded.model.generate).parameters}  # type: ignore
    for name in generation:
        if name not in known:
            raise ParameterError(unknown("generation setting", name, tuple(sorted(known))))
    config: Any = copy.deepcopy(given)
    # What checkpoints recommend for sampling means nothing to greedy decoding, which warns of it.
    if not generation.setdefault("do_sample", False):
        config.temperature = config.top_p = config.top_k = None
    if config.pad_token_id is None:
        ends = config.eos_token_id
        config.pad_token_id = ends[0] if isinstance(ends, list) else ends
    config.max_length = None
    others = config.update(**{**generation, **PLAIN, "max_new_tokens": max_new_tokens})
    return {**others, "generation_config": config}


@contextmanager
def _seeded(seed: int | None, loaded: Loaded) -> Iterator[None]:
    """Draw from a seed of one's own, and leave the caller's random state as it was."""
    if seed is None:
        yield
        return
    device = loaded.model.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield

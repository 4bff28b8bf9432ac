"""Find the user's words in the ids of a prompt, without the text of the chat template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from seewhy.core.errors import PromptError
from seewhy.core.thinking import TAGS
from seewhy.models.chat_template import SENTINEL, Span, rendered_by
from seewhy.models.conversation import user_message
from seewhy.models.decoding import tokens_of
from seewhy.models.loading import Loaded
from seewhy.models.special_tokens import frame_ids, special_tokens


def words_of_prompt(
    loaded: Loaded, ids: Tensor, spans: Sequence[Span], prompt: str | None
) -> tuple[Tensor, str, list[Span]]:
    """Find the user's words among a prompt's ids.

    Args:
        loaded: the model.
        ids: int64 `[position]`.
        spans: begin and end of each picture's image tokens in `ids`.
        prompt: the user's words; if None, all text that the chat template does not add.

    Returns:
        Positions of their tokens (int64 `[prompt]`), the words, and each token's span in them.

    Raises:
        PromptError: if `prompt` is not in the text.
    """
    tokenizer = loaded.processor.tokenizer
    visual = {position for begin, end in spans for position in range(begin, end)}
    frame = frame_ids(loaded.family)
    positions = [p for p, i in enumerate(ids.tolist()) if p not in visual and i not in frame]
    positions = _without_generation_prompt(positions, ids, tokenizer)
    text, offsets = tokens_of([int(ids[position]) for position in positions], tokenizer)
    if prompt is None:
        word_spans = _spans_by_template(loaded, ids, positions, offsets)
    else:
        word_spans = [_span_of(prompt, text)]
    word_spans = [_stripped(text, span) for span in word_spans]
    chosen = _tokens_within(offsets, word_spans)
    if not chosen:
        return torch.empty(0, dtype=torch.long), "", []
    first, last = offsets[chosen[0]][0], offsets[chosen[-1]][1]
    return (
        torch.tensor([positions[index] for index in chosen]),
        text[first:last],
        [(offsets[index][0] - first, offsets[index][1] - first) for index in chosen],
    )


def _without_generation_prompt(positions: Sequence[int], ids: Tensor, tokenizer: Any) -> list[int]:
    """Positions without tags of a thinking block at the end, which the chat template wrote."""
    tags = {tag for pair in TAGS for tag in pair}
    kept, length = len(positions), len(ids)
    for back, position in enumerate(reversed(positions), 1):
        text = tokenizer.decode([int(ids[position])]).strip()
        if position != length - back or (text and text not in tags):
            break
        kept = len(positions) - back if text else kept
    return list(positions[:kept])


def _tokens_within(offsets: Sequence[Span], spans: Sequence[Span]) -> list[int]:
    """Indices of the tokens that have characters in one of some spans, both in order.

    A token without text belongs to the character that a later token completes.
    """
    chosen, at = [], 0
    for index, (start, end) in enumerate(offsets):
        while at < len(spans) and spans[at][1] <= start:
            at += 1
        if at == len(spans):
            break
        begin, stop = spans[at]
        if max(start, begin) < min(end, stop) or (start == end and begin <= start < stop):
            chosen.append(index)
    return chosen


def _span_of(prompt: str, text: str) -> Span:
    """The last span of a question in a text, or `PromptError`."""
    words = prompt.strip()
    begin = text.rfind(words)
    if begin < 0 or not words:
        raise PromptError(
            f"Expected the question {prompt[:60]!r} in the text that was given to generate, got "
            f"{text[-200:]!r}: write it exactly as in the prompt, or leave it out."
        )
    return begin, begin + len(words)


def _stripped(text: str, span: Span) -> Span:
    """A span without white space at its ends."""
    begin, end = span
    words = text[begin:end]
    return begin + len(words) - len(words.lstrip()), begin + len(words.rstrip())


def _spans_by_template(
    loaded: Loaded, ids: Tensor, positions: Sequence[int], offsets: Sequence[Span]
) -> list[Span]:
    """Pieces of text between special tokens, without what the chat template adds around them."""
    literals = _template_literals(loaded)
    spans = []
    for run in _adjacent(positions):
        begin, end = offsets[run[0]][0], offsets[run[-1]][1]
        tokens = [int(ids[positions[index]]) for index in run]
        words, _ = tokens_of(tokens, loaded.processor.tokenizer)
        lead = next((len(text) for text in literals if words.lstrip().startswith(text)), 0)
        lead += (len(words) - len(words.lstrip())) if lead else 0
        tail = next((len(text) for text in literals if words[lead:].rstrip().endswith(text)), 0)
        tail += (len(words) - len(words.rstrip())) if tail else 0
        # A first space may be dropped when a run is decoded alone.
        begin += max(0, end - begin - len(words))
        if begin + lead < end - tail:
            spans.append((begin + lead, end - tail))
    return spans


def _template_literals(loaded: Loaded) -> list[str]:
    """Texts that the chat template adds to a user's turn, the longest first."""
    sentinel = SENTINEL.format(0)
    rendered = rendered_by(loaded.family, user_message([], "words"), [sentinel])
    for token in special_tokens(loaded.processor.tokenizer):
        rendered = rendered.replace(token, "\0")
    literals = {text.strip() for piece in rendered.split("\0") for text in piece.split(sentinel)}
    return sorted(filter(None, literals), key=len, reverse=True)


def _adjacent(positions: Sequence[int]) -> list[list[int]]:
    """Indices of `positions`, one list for each run of adjacent positions.

    Example:
        >>> _adjacent([4, 5, 8])
        [[0, 1], [2]]
    """
    runs: list[list[int]] = []
    for index, position in enumerate(positions):
        if index == 0 or position != positions[index - 1] + 1:
            runs.append([])
        runs[-1].append(index)
    return runs

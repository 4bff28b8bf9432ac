"""The user's own words in the ids of a prompt, told from what the chat template writes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seewhy.core.errors import PromptError
from seewhy.models.chat_template import SENTINEL, rendered_by
from seewhy.models.conversation import user_message
from seewhy.models.decoding import tokens_of
from seewhy.models.loading import Loaded


def words_of_prompt(
    loaded: Loaded, ids: Tensor, spans: Sequence[tuple[int, int]], prompt: str | None
) -> tuple[Tensor, str, list[tuple[int, int]]]:
    """Positions of the asker's words, the words, and each position's place in them."""
    tokenizer = loaded.processor.tokenizer
    shown = {at for begin, end in spans for at in range(begin, end)}
    special = {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
    kept = [at for at, i in enumerate(ids.tolist()) if at not in shown and i not in special]
    text, offsets = tokens_of([int(ids[at]) for at in kept], tokenizer)
    if prompt is not None:
        begin = text.rfind(prompt.strip())
        if begin < 0 or not prompt.strip():
            raise PromptError(
                f"Expected the question {prompt[:60]!r} in the text that was given to generate, "
                f"got {text[-200:]!r}: write it exactly as it was asked, or leave it out."
            )
        inside = [(begin, begin + len(prompt.strip()))]
    else:
        inside = _spans_by_template(loaded, ids, kept, offsets)
    bare = [
        (a + len(text[a:b]) - len(text[a:b].lstrip()), a + len(text[a:b].rstrip()))
        for a, b in inside
    ]
    chosen = [
        at
        for at, (start, end) in enumerate(offsets)
        if any(max(start, a) < min(end, b) for a, b in bare)
    ]
    if not chosen:
        return torch.empty(0, dtype=torch.long), "", []
    first, last = offsets[chosen[0]][0], offsets[chosen[-1]][1]
    return (
        torch.tensor([kept[at] for at in chosen]),
        text[first:last],
        [(offsets[at][0] - first, offsets[at][1] - first) for at in chosen],
    )


def _spans_by_template(
    loaded: Loaded, ids: Tensor, kept: Sequence[int], offsets: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Pieces of text between special tokens, less what the chat template writes around them."""
    family, tokenizer = loaded.family, loaded.processor.tokenizer
    frame = rendered_by(family, user_message([], "words"), [SENTINEL.format(0)])
    for token in tokenizer.added_tokens_decoder.values():
        if token.special:
            frame = frame.replace(token.content, "\0")
    literals = {
        part.strip() for piece in frame.split("\0") for part in piece.split(SENTINEL.format(0))
    }
    literals = sorted(filter(None, literals), key=len, reverse=True)
    runs: list[list[int]] = []
    for at, place in enumerate(kept):
        if at == 0 or place != kept[at - 1] + 1:
            runs.append([])
        runs[-1].append(at)
    pieces = []
    for run in runs:
        begin, end = offsets[run[0]][0], offsets[run[-1]][1]
        words, _ = tokens_of([int(ids[kept[at]]) for at in run], tokenizer)
        lead = next((len(one) for one in literals if words.lstrip().startswith(one)), 0)
        lead += (len(words) - len(words.lstrip())) if lead else 0
        tail = next((len(one) for one in literals if words[lead:].rstrip().endswith(one)), 0)
        tail += (len(words) - len(words.rstrip())) if tail else 0
        # A first space may be dropped when a run is decoded alone.
        begin += max(0, end - begin - len(words))
        if begin + lead < end - tail:
            pieces.append((begin + lead, end - tail))
    return pieces

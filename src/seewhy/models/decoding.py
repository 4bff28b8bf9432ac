"""Generated ids back to text, with the span of every token in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate, groupby
from typing import Any

UNFINISHED = "\ufffd"
"""What a decoder writes for bytes that are not a complete character."""

_BYTE = re.compile("<0x[0-9A-F]{2}>")


def tokens_of(ids: Sequence[int], tokenizer: Any) -> tuple[str, list[tuple[int, int]]]:
    """Decode ids, and find the span of characters that each of them adds.

    Each token is decoded after a short window of earlier tokens, so the time is linear in the
    number of tokens, and nothing is tokenised again. A token that holds a part of a character adds
    no text until a later token completes it; special tokens add none.

    Args:
        ids: generated ids.
        tokenizer: the model's tokenizer.

    Returns:
        The text (that of `tokenizer.decode` without special tokens), and `(start, end)` of each
        id in it.
    """
    special = set(tokenizer.all_special_ids)
    plain = [position for position, token in enumerate(ids) if token not in special]
    plain_ids = [ids[position] for position in plain]
    incomplete = _incomplete(plain_ids, tokenizer)
    text, ends = "", dict.fromkeys(range(len(ids)), 0)
    # `plain_ids[first:pending]` is the window: the ids that were decoded last. It is needed because
    # decoders treat the start of a text in another way (they strip a space).
    first = pending = 0
    for index, position in enumerate(plain):
        if not incomplete[index]:
            window = _decode(plain_ids[first:pending], tokenizer)
            longer = _decode(plain_ids[first : index + 1], tokenizer)
            if index + 1 == len(plain) or not longer.endswith(UNFINISHED):
                text += longer[len(window) :]
                first, pending = pending, index + 1
        ends[position] = len(text)
    stops = list(accumulate(ends.values(), max))
    return text, list(zip([0, *stops[:-1]], stops, strict=True))


def _incomplete(ids: Sequence[int], tokenizer: Any) -> list[bool]:
    """Which ids cannot be decoded before the next one is known.

    SentencePiece writes unknown characters as byte tokens. Its decoder checks a whole run of them:
    if the run is not valid UTF-8, none of its bytes becomes a character.
    """
    pieces = [piece or "" for piece in tokenizer.convert_ids_to_tokens(list(ids))]
    incomplete = []
    for is_bytes, run in groupby(pieces, lambda piece: bool(_BYTE.fullmatch(piece))):
        run_pieces = list(run)
        broken = is_bytes and not _is_text(bytes(int(piece[3:5], 16) for piece in run_pieces))
        incomplete += [broken] * (len(run_pieces) - 1) + [False]
    return incomplete


def _is_text(data: bytes) -> bool:
    """Whether bytes are valid UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decode(ids: Sequence[int], tokenizer: Any) -> str:
    return tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)


def spans_of(offsets: Sequence[tuple[int, int]], begin: int, end: int) -> list[tuple[int, int]]:
    """Clip a tokenizer's offsets of adjacent tokens to `begin:end`, without overlaps.

    Where several tokens share one character, the last of them gets it and the others are empty.

    Args:
        offsets: `(start, end)` of each token in the whole text.
        begin, end: the part of the text to which the spans are relative.

    Example:
        >>> spans_of([(8, 11), (11, 12), (11, 12), (12, 20)], 9, 14)
        [(0, 2), (2, 2), (2, 3), (3, 5)]
    """
    starts = [min(max(start, begin), end) - begin for start, _ in offsets]
    stops = [min(max(stop, begin), end) - begin for _, stop in offsets]
    following = [*starts[1:], end - begin]
    return [
        (start, max(start, min(stop, after)))
        for start, stop, after in zip(starts, stops, following, strict=True)
    ]

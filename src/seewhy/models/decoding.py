"""Generated ids back to text, with the place of every token in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate, groupby
from typing import Any

UNFINISHED = "\ufffd"
"""What a decoder writes for bytes that are no character (yet)."""

_BYTE = re.compile("<0x[0-9A-F]{2}>")


def tokens_of(ids: Sequence[int], tokenizer: Any) -> tuple[str, list[tuple[int, int]]]:
    """Decode ids and tell which characters each of them added.

    Decoding goes on token by token behind a short window, so the time is linear in the number of
    tokens, and nothing is tokenised again. A token that holds a piece of a character adds no text
    until a later token completes it; special tokens add none.

    Args:
        ids: generated ids.
        tokenizer: the one that goes with the model.

    Returns:
        The text (that of `tokenizer.decode` without special tokens), and `(start, end)` of each
        id in it.
    """
    special = set(tokenizer.all_special_ids)
    spoken = [place for place, token in enumerate(ids) if token not in special]
    held = _held([ids[place] for place in spoken], tokenizer)
    text, ends = "", dict.fromkeys(range(len(ids)), 0)
    # `spoken[first:pending]` is the window that was written last, the rest is not written yet:
    # decoders treat the start of a text specially (they strip a space), hence the window.
    first = pending = 0
    for index, place in enumerate(spoken):
        if not held[index]:
            window = _decode(ids, spoken[first:pending], tokenizer)
            longer = _decode(ids, spoken[first : index + 1], tokenizer)
            if index + 1 == len(spoken) or not longer.endswith(UNFINISHED):
                text += longer[len(window) :]
                first, pending = pending, index + 1
        ends[place] = len(text)
    stops = list(accumulate(ends.values(), max))
    return text, list(zip([0, *stops[:-1]], stops, strict=True))


def _held(ids: Sequence[int], tokenizer: Any) -> list[bool]:
    """Which ids cannot be written before the next one is known.

    SentencePiece spells unknown characters in byte tokens, and its decoder judges a run of them as
    a whole: if it is not valid UTF-8, none of its bytes is a character, however it began.
    """
    pieces = tokenizer.convert_ids_to_tokens(list(ids))
    held = [False] * len(ids)
    for is_bytes, run in groupby(
        range(len(ids)), lambda at: bool(_BYTE.fullmatch(pieces[at] or ""))
    ):
        places = list(run)
        if is_bytes and not _is_text(bytes(int(pieces[at][3:5], 16) for at in places)):
            for at in places[:-1]:
                held[at] = True
    return held


def _is_text(some: bytes) -> bool:
    try:
        some.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decode(ids: Sequence[int], places: Sequence[int], tokenizer: Any) -> str:
    return tokenizer.decode(
        [ids[place] for place in places],
        skip_special_tokens=True,
        clean_up_tokenization_spaces=False,
    )


def spans_of(offsets: Sequence[tuple[int, int]], begin: int, end: int) -> list[tuple[int, int]]:
    """Bring a tokenizer's offsets of neighbouring tokens into `begin:end`, without overlaps.

    Pieces of one character all claim it: the last of them gets it, the others are empty.

    Args:
        offsets: `(start, end)` of each token in the whole text.
        begin, end: the part that the spans are counted in.

    Example:
        >>> spans_of([(8, 11), (11, 12), (11, 12), (12, 20)], 9, 14)
        [(0, 2), (2, 2), (2, 3), (3, 5)]
    """
    limits = [min(max(start, begin), end) - begin for start, _ in offsets]
    stops = [min(max(stop, begin), end) - begin for _, stop in offsets]
    following = [*limits[1:], end - begin]
    return [
        (start, max(start, min(stop, after)))
        for start, stop, after in zip(limits, stops, following, strict=True)
    ]

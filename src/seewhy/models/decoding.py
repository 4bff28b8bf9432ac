"""Generated ids back to text, with the span of every token in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate, groupby, pairwise
from typing import Any

UNFINISHED = "\ufffd"
"""What a decoder writes for bytes that are not a complete character."""

_BYTE = re.compile("<0x[0-9A-F]{2}>")


def tokens_of(ids: Sequence[int], tokenizer: Any) -> tuple[str, list[tuple[int, int]]]:
    """Decode ids, and find the span of characters that each of them adds.

    Each token is decoded after a short window of earlier tokens, so the time is linear in the
    number of tokens, and nothing is tokenised again. A token that holds a part of a character adds
    what it completes; the rest comes with the token that completes it. Special tokens add their
    own text.

    Args:
        ids: generated ids.
        tokenizer: the model's tokenizer.

    Returns:
        The text (that of `tokenizer.decode`, special tokens included), and `(start, end)` of each
        id in it.
    """
    incomplete = _incomplete(ids, tokenizer)
    text, ends = "", [0] * len(ids)
    # `ids[first:pending]` is the window: the ids that were decoded last. It is needed because
    # decoders treat the start of a text in another way (they strip a space).
    first = pending = 0
    waiting: list[tuple[int, str]] = []  # what was decoded with each id since then
    for index in range(len(ids)):
        waiting.append((index, ""))
        if incomplete[index]:
            continue
        longer = _decode(ids[first : index + 1], tokenizer)
        if index + 1 < len(ids) and longer.endswith(UNFINISHED):
            waiting[-1] = index, longer.rstrip(UNFINISHED).rstrip()
            continue
        window = _decode(ids[first:pending], tokenizer)
        for at, decoded in waiting[:-1]:
            ends[at] = len(text) + max(0, _shared(decoded, longer) - len(window))
        text += longer[len(window) :]
        ends[index] = len(text)
        first, pending, waiting = pending, index + 1, []
    stops = list(accumulate(ends, max))
    return text, list(pairwise([0, *stops]))


def _shared(start: str, text: str) -> int:
    """How many characters two texts share at their start."""
    same = (at for at, pair in enumerate(zip(start, text, strict=False)) if len({*pair}) > 1)
    return next(same, min(len(start), len(text)))


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


def token_names(ids: set[int], tokenizer: Any) -> dict[int, str]:
    """The text of each id alone, for a reader.

    A leading space is kept, and special tokens have their names. Part of a character has the names
    of its bytes, as SentencePiece writes them: `<0xE4><0xB8>`.

    Args:
        ids: of the vocabulary.
        tokenizer: the model's tokenizer.
    """
    ordered = sorted(ids)
    texts = (tokenizer.decode([token]) for token in ordered)
    pieces = [piece or "" for piece in tokenizer.convert_ids_to_tokens(ordered)]
    return {
        token: _name(text, piece) for token, text, piece in zip(ordered, texts, pieces, strict=True)
    }


def _name(text: str, piece: str) -> str:
    if UNFINISHED in text:
        data = [_BYTES_OF_LETTERS.get(letter) for letter in piece]
        if _BYTE.fullmatch(piece):
            return piece
        if data and None not in data:
            return _spelled(bytes(byte for byte in data if byte is not None))
    # SentencePiece decoders drop the space at the start of a text.
    return f" {text}" if piece.startswith("▁") and not text.startswith(" ") else text


def _spelled(data: bytes) -> str:
    """Bytes as text, those of unfinished characters by their names."""
    text = data.decode("utf-8", "surrogateescape")
    return "".join(
        f"<0x{ord(letter) - 0xDC00:02X}>" if "\udc80" <= letter <= "\udcff" else letter
        for letter in text
    )


def _letters_of_bytes() -> dict[str, int]:
    """The letters by which byte-level tokenizers write bytes, with the bytes that they stand for.

    Printable bytes of Latin-1 stand for themselves; all others follow from U+0100 on.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {
        **{chr(byte): byte for byte in printable},
        **{chr(0x100 + index): byte for index, byte in enumerate(others)},
    }


_BYTES_OF_LETTERS = _letters_of_bytes()


def _is_text(data: bytes) -> bool:
    """Whether bytes are valid UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decode(ids: Sequence[int], tokenizer: Any) -> str:
    return tokenizer.decode(
        list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False
    )


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

"""Checks that the parts of a record fit together, so that whatever shows it cannot fail.

Files may be damaged or altered. `expect_sound` holds for each record that this package makes;
`seewhy.open` asks for it, so that a record that opens can be shown, counted and saved.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seewhy.core.attribution import Attribution, ScaleView
from seewhy.core.errors import InputError
from seewhy.core.layers import Layers
from seewhy.core.record import Picture, Record
from seewhy.core.text import Token, Word
from seewhy.core.typed import expect_typed
from seewhy.core.verdict import CHANGES, SOURCES, Change, Verdict

ROUNDING = 1e-3
"""What sums of shares and probabilities in float32 may be above 1."""

EDGE_MAX = 1e9
"""Pixels that an edge of a grid may be away from the picture."""

SUMMED_MAX = 1e30
"""Values that are added up in float32 are below this."""


def expect_sound(record: Record) -> None:
    """Check types, ranges, indices, shapes and numbers of all parts of a record.

    Raises:
        InputError: if one does not hold; it names the part.
    """
    expect_typed(record, Record, "record")
    _expect(bool(record.pictures), "a picture", "none")
    for view, picture in enumerate(record.pictures):
        _expect_picture(picture, f"picture {view}")
    _expect_tokens(record.prompt_tokens, record.prompt, "prompt_tokens")
    _expect_tokens(record.tokens, record.answer, "tokens")
    _expect_words(record.words, record.answer, record.tokens)
    _expect_turns(record)
    _expect_attributions(record)
    if record.layers is not None:
        _expect_layers(record.layers, record)
    for word, _ in record.contrasts:
        _expect_index(word, len(record.words), "the word of a contrast")
    for word, _ in record.word_notes:
        _expect_index(word, len(record.words), "the word of a note")
    if record.thinking is not None:
        _expect_span(*record.thinking, record.answer, "the thinking block")
        _expect(record.thinking[0] < record.thinking[1], "characters of the thinking block", "none")
    lost = set(record.warnings) - set(record.provenance.notes)
    _expect(not lost, "the warnings among the notes", lost)
    _expect_verdicts(record)
    for stage, seconds in record.provenance.seconds.items():
        _expect(seconds >= 0, f"seconds of {stage!r} of at least 0", seconds)


def _expect(holds: bool, wanted: str, got: object) -> None:
    if not holds:
        raise InputError(f"Expected {wanted}, got {str(got)[:80]}: make it again.")


def _expect_index(index: int, count: int, name: str) -> None:
    _expect(0 <= index < count, f"{name} among {count}", index)


def _expect_span(start: int, end: int, text: str, name: str) -> None:
    holds = 0 <= start <= end <= len(text)
    _expect(holds, f"{name} within {len(text)} characters", f"{start} to {end}")


def _expect_picture(picture: Picture, name: str) -> None:
    image, grid = picture.image, picture.base_grid
    _expect(
        image.dtype == torch.uint8
        and image.ndim == 3
        and image.shape[2] == 3
        and image.numel() > 0,
        f"{name} as uint8 [height, width, 3]",
        f"{image.dtype} {list(image.shape)}",
    )
    _expect_tensor(grid.index, f"index of {name}", torch.int64, low=0)
    _expect(grid.index.numel() > 0, f"cells of {name}", "none")
    for edges in (grid.row_edges, grid.column_edges):
        _expect_tensor(edges, f"edges of {name}", torch.float64, low=-EDGE_MAX, high=EDGE_MAX)
    for number in (picture.medium, *picture.frames, picture.seconds or 0):
        _expect(number >= 0, f"medium, frames and seconds of {name} of at least 0", number)


def _expect_tokens(tokens: Sequence[Token], text: str, name: str) -> None:
    before = 0
    for index, token in enumerate(tokens):
        label = f"{name}.{index}"
        _expect(token.id >= 0, f"the id of {label} of at least 0", token.id)
        _expect_span(token.start, token.end, text, label)
        _expect(token.start >= before, f"{label} after the one before it", token.start)
        before = token.start
        for value in (token.probability, *(p for _, p in token.candidates)):
            _expect(0 <= value <= 1 + ROUNDING, f"probabilities of {label} in [0, 1]", value)


def _expect_words(words: Sequence[Word], answer: str, tokens: Sequence[Token]) -> None:
    before, owned = 0, set[int]()
    for index, word in enumerate(words):
        label = f"words.{index}"
        _expect_span(word.start, word.end, answer, label)
        _expect(word.start >= before, f"{label} after the one before it", word.start)
        before = word.end
        given = answer[word.start : word.end]
        _expect(word.text == given, f"{label} as the answer's {given!r}", repr(word.text))
        _expect(bool(word.tokens), f"tokens of {label}", "none")
        rising = all(a < b for a, b in zip(word.tokens, word.tokens[1:], strict=False))
        _expect(rising, f"increasing tokens of {label}", word.tokens)
        for token in word.tokens:
            _expect_index(token, len(tokens), f"the tokens of {label}")
        _expect(owned.isdisjoint(word.tokens), f"tokens of {label} of no other word", word.tokens)
        owned.update(word.tokens)
        holds = not word.special or any(tokens[token].special for token in word.tokens)
        _expect(holds, f"a special token in {label}", repr(word.text))


def _expect_turns(record: Record) -> None:
    before = 0
    for index, turn in enumerate(record.turns):
        _expect_span(turn.start, turn.end, record.prompt, f"turns.{index}")
        _expect(turn.start >= before, f"turns.{index} after the one before it", turn.start)
        before = turn.end


def _expect_attributions(record: Record) -> None:
    prompt, answer = len(record.prompt_tokens), len(record.tokens)
    both = [(record.attribution, "attribution", answer)]
    if record.prompt_attribution is not None:
        both.append((record.prompt_attribution, "prompt_attribution", prompt))
    for attribution, name, tokens in both:
        _expect_attribution(attribution, record.pictures, name, tokens)
        text = attribution.context.shape[1]
        _expect(text == prompt + answer, f"{name} over {prompt + answer} tokens of text", text)


def _expect_attribution(
    attribution: Attribution, pictures: Sequence[Picture], name: str, tokens: int
) -> None:
    _expect(len(attribution.maps) == len(pictures), f"a map of {name} for each view", "others")
    for maps, picture in zip(attribution.maps, pictures, strict=True):
        shape = [tokens, *picture.base_grid.shape]
        _expect_tensor(maps, f"maps of {name}", torch.float32, shape, low=0)
    _expect_tensor(attribution.context, f"context of {name}", torch.float32, low=0)
    _expect(len(attribution.context) == tokens, f"context of {tokens} tokens", "others")
    for values in (attribution.low, attribution.high):
        _expect_tensor(values, f"ranges of {name}", torch.float32, [tokens])
    ordered = bool((attribution.low <= attribution.high).all())
    _expect(ordered, f"ranges of {name} from low to high", "others")
    if attribution.visual_share is not None:
        _expect_shares(attribution.visual_share, f"visual share of {name}", [tokens])
    for index, scale in enumerate(attribution.scales):
        _expect_scale(scale, f"{name}.scales.{index}", len(pictures), tokens)


def _expect_scale(scale: ScaleView, name: str, views: int, tokens: int) -> None:
    _expect(0 < scale.scale <= 1000, f"the scale of {name} above 0", scale.scale)
    sizes = scale.model_sizes
    _expect(len(sizes) == views, f"a size of {name} for each view", len(sizes))
    for side in (side for size in sizes for side in size):
        _expect(0 < side <= EDGE_MAX, f"sizes of {name} above 0", side)
    _expect(len(scale.maps) == views, f"a map of {name} for each view", len(scale.maps))
    for maps in scale.maps:
        shaped = (maps.ndim == 3 and len(maps) == tokens and maps[:1].numel() > 0) or not tokens
        _expect(shaped, f"maps of {name} of {tokens} tokens", list(maps.shape))
        _expect_tensor(maps, f"maps of {name}", torch.float32, low=0)
    _expect_shares(scale.probabilities, f"probabilities of {name}", [tokens])
    _expect_shares(scale.weights, f"weights of {name}", [tokens])
    _expect_tensor(scale.is_top1, f"is_top1 of {name}", torch.bool, [tokens])


def _expect_layers(layers: Layers, record: Record) -> None:
    tokens = len(record.tokens)
    shape = list(layers.probabilities.shape)
    _expect(len(shape) == 2 and shape[0] == tokens and shape[1] > 0, "layers of all tokens", shape)
    _expect_shares(layers.probabilities, "probabilities of layers", shape)
    _expect_tensor(layers.ranks, "ranks of layers", torch.int64, shape, low=0)
    _expect_summed(layers.feed_forward, "feed-forward of layers", shape)
    _expect(layers.picture.shape == layers.text.shape, "equal heads of layers", "others")
    for values in (layers.picture, layers.text):
        _expect_summed(values, "heads of layers", [*shape, values.shape[-1]])
    for maps in (layers.lens_maps, layers.share_maps):
        _expect(len(maps) == len(record.pictures), "maps of layers for each view", len(maps))
        for values, picture in zip(maps, record.pictures, strict=True):
            full = [*shape, *picture.base_grid.shape]
            _expect_tensor(values, "maps of layers", torch.float32, full, low=0)


def _expect_shares(values: Tensor, name: str, shape: list[int]) -> None:
    _expect_tensor(values, name, torch.float32, shape, low=0, high=1 + ROUNDING)


def _expect_summed(values: Tensor, name: str, shape: list[int]) -> None:
    _expect_tensor(values, name, torch.float32, shape, low=-SUMMED_MAX, high=SUMMED_MAX)


def _expect_tensor(
    values: Tensor,
    name: str,
    dtype: torch.dtype,
    shape: list[int] | None = None,
    *,
    low: float = -torch.inf,
    high: float = torch.inf,
) -> None:
    """Check type, shape, finiteness and range of a tensor."""
    _expect(values.dtype == dtype, f"{name} as {dtype}", values.dtype)
    if shape is not None:
        _expect(list(values.shape) == shape, f"{name} of shape {shape}", list(values.shape))
    if not values.numel() or dtype == torch.bool:
        return
    least, most = (float(end) for end in values.aminmax())
    # In this form it is also false for NaN.
    holds = low <= least and most <= high and most < torch.inf and least > -torch.inf
    _expect(holds, f"finite {name} in [{low:g}, {high:g}]", f"{least:g} to {most:g}")


def _expect_verdicts(record: Record) -> None:
    if record.verdicts is None:
        return
    words, verdicts = len(record.words), record.verdicts
    if len(verdicts) != words:
        raise InputError(
            f"Expected an entry for each of {words} words, got {len(verdicts)} verdicts."
        )
    for verdict in filter(None, verdicts):
        _expect_verdict(verdict, record)


def _expect_verdict(verdict: Verdict, record: Record) -> None:
    because = verdict.because
    _expect(0 <= verdict.support <= 1, "support in [0, 1]", verdict.support)
    _expect(verdict.source in SOURCES, f"a source ({', '.join(SOURCES)})", verdict.source)
    share = because.visual_share
    _expect(share is None or 0 <= share <= 1 + ROUNDING, "a visual share in [0, 1]", share)
    _expect_part(because.part, because.follows, record, "the word that a verdict follows")
    if because.noun is not None:
        _expect_index(because.noun, len(record.words), "the noun of a verdict")
    for change in because.changes:
        _expect_change(change, record)


def _expect_change(change: Change, record: Record) -> None:
    _expect(change.kind in CHANGES, f"a change ({', '.join(CHANGES)})", change.kind)
    _expect(bool(change.log_probabilities), "log-probabilities of a change", "none")
    if change.view is not None:
        _expect_index(change.view, len(record.pictures), "the view of a change")
    if change.box is not None:
        _expect(max(map(abs, change.box)) <= EDGE_MAX, "a box near its picture", change.box)
    _expect_part(change.part, change.word, record, "the word of a change")


def _expect_part(part: str, word: int | None, record: Record, name: str) -> None:
    """Check a word of the prompt or of the answer, or that there is none."""
    counts = {"": 0, "prompt": len(record.prompt_words), "answer": len(record.words)}
    _expect(part in counts, f"{name} in 'prompt' or 'answer'", part)
    if word is not None:
        _expect_index(word, counts[part], name)

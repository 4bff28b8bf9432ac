"""Shares of a logit, over places of the picture and words of the context.

Shared by methods that use captured attention. All loops are over layers, and over blocks of tokens
and of rows, so that memory does not grow with the square of the positions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from seewhy.core.captured_attention import CapturedAttention
from seewhy.core.geometry import Geometry
from seewhy.core.trace import Trace, View
from seewhy.functional.logit_shares import handed_on
from seewhy.methods._evidence import Evidence
from seewhy.models.logit_shares import LayerShares, ShareReader

#: Numbers in memory at once: 16 million floats are 64 MB.
BUDGET = 1 << 24


@dataclass(frozen=True, eq=False)
class Shares:
    """What some tokens took, non-negative, in logits.

    Attributes:
        places: float `[token, visual]`, from visual tokens.
        context: float `[token, text]`, from context tokens before them.
    """

    places: Tensor
    context: Tensor

    @property
    def visual_share(self) -> Tensor:
        """float `[token]` in [0, 1], the picture's part of both; 0 if nothing was taken."""
        picture, text = self.places.sum(1), self.context.sum(1)
        return picture / (picture + text).clamp_min(torch.finfo(picture.dtype).tiny)


def shares_of(evidence: Evidence, method: str, *, hops: int, focus: float) -> Shares:
    """The shares of the tokens that evidence explains.

    Args:
        evidence: the method's input.
        method: its name, for errors.
        hops: 2 passes what text positions took on to the places that they read; 1 does not.
        focus: the exponent of what a text position read.

    Raises:
        ParameterError: if there is no session.
        UnsupportedModelError: if the model's attention cannot be read exactly.
    """
    reader = share_reader(evidence, method)
    blocks = [
        _TokenBlock(evidence.trace, reader, tokens).shares(hops, focus)
        for tokens in _blocks(reader.tokens, reader)
    ]
    return Shares(
        torch.cat([block.places for block in blocks]),
        torch.cat([block.context for block in blocks]),
    )


def share_reader(evidence: Evidence, method: str) -> ShareReader:
    """The layers of the model for the tokens that evidence explains; raises as `shares_of`."""
    session, trace = evidence.expect_session(method), evidence.trace
    captured = _captured_attention(evidence, method)
    rows = trace.unembedding_rows
    rows = rows if trace.foils is None else rows - trace.foils
    # A prompt without a template may begin with a text token, which has no prediction.
    origins = (text_positions(trace)[evidence.explained] - 1).clamp_min(0)
    return ShareReader.of(session.loaded.model, captured, rows[evidence.explained], origins)


def text_positions(trace: Trace) -> Tensor:
    """int64 `[text]`, the positions of the context tokens."""
    inputs = trace.inputs
    answer = inputs.length + torch.arange(len(trace.tokens))
    return torch.cat([inputs.prompt_positions.cpu(), answer])


def _captured_attention(evidence: Evidence, method: str) -> CapturedAttention:
    """What the evidence's trace kept; if it kept nothing, the model reads the answer again."""
    captured = evidence.trace.attention
    if captured is None:
        session = evidence.expect_session(method)
        captured = session.read(ranking_depth=1, candidates=0, attention=True).attention
        assert captured is not None  # it was asked for
    return captured


def _blocks(count: int, reader: ShareReader) -> Iterator[slice]:
    """Slices of tokens or rows, for which all heads' values at all positions fit the budget."""
    layer = reader.captured.layers[0]
    size = max(1, BUDGET // (layer.queries.shape[1] * layer.keys.shape[1]))
    return (slice(begin, min(begin + size, count)) for begin in range(0, count, size))


@dataclass(frozen=True, eq=False)
class _TokenBlock:
    """Some of a reader's tokens."""

    trace: Trace
    reader: ShareReader
    tokens: slice

    def shares(self, hops: int, focus: float) -> Shares:
        """The shares of these tokens."""
        places, text = self._first_hop()
        kept = text.sum(0)
        if hops == 2:
            second, passed = self._second_hop(text, focus)
            places, kept = places + second, (kept - passed).clamp_min(0)
        return Shares(places, self._context(kept))

    @cached_property
    def _visual(self) -> Tensor:
        return self.trace.inputs.visual_positions.cpu()

    @cached_property
    def _rows(self) -> Tensor:
        """int64 `[row]`, the captured positions."""
        return self.reader.captured.positions

    @cached_property
    def _device(self) -> torch.device:
        return self.reader.directions.device

    def _first_hop(self) -> tuple[Tensor, Tensor]:
        """`[token, visual]` of places, and `[layer, token, row]` of text positions."""
        layers = [layer.shares(self.tokens).relu().sum(0) for layer in self.reader.layers]
        taken = torch.stack([layer.to(self._device) for layer in layers])
        is_text = ~torch.isin(self._rows, self._visual)
        return taken[..., self._visual].sum(0), taken[..., self._rows] * is_text.to(taken)

    def _second_hop(self, taken: Tensor, focus: float) -> tuple[Tensor, Tensor]:
        """What text positions pass on to the places that they read.

        Args:
            taken: `[layer, token, row]`, what the tokens took from text positions.
            focus: the exponent of what a text position read.

        Returns:
            `[token, visual]` at the places, and `[token, row]` from the text positions.
        """
        scores = self._focused_scores(focus)
        read, read_of_places = torch.zeros_like(taken), torch.zeros_like(taken)
        for number, rows, attention in self._attention():
            self.reader.layers[number].expect_own_output(rows, attention)
            score = scores[number]
            read[number][:, rows] = _sum_read(attention, score).to(read)
            visual = attention[..., self._visual], score[..., self._visual]
            read_of_places[number][:, rows] = _sum_read(*visual).to(read)
        weights = handed_on(taken, read)
        places = taken.new_zeros(taken.shape[1], len(self._visual))
        for number, rows, attention in self._attention():
            score = scores[number][..., self._visual]
            weight = weights[number][:, rows].to(score)
            places += ((weight @ attention[..., self._visual]) * score).sum(0).to(places)
        return places, (weights * read_of_places).sum(0)

    def _focused_scores(self, focus: float) -> list[Tensor]:
        """Each layer's <V, u>_+^q, `[head, token, position]`, as parts of the token's largest.

        What a text position read is divided in proportion: a factor of each token has no effect,
        and powers of numbers up to 1 do not overflow.
        """
        scores = [layer.value_scores(self.tokens).relu() for layer in self.reader.layers]
        largest = torch.stack([score.amax((0, 2)).to(self._device) for score in scores]).amax(0)
        largest = largest.clamp_min(torch.finfo(largest.dtype).tiny)[:, None]
        return [(score / largest.to(score.device)) ** focus for score in scores]

    def _attention(self) -> Iterator[tuple[int, slice, Tensor]]:
        """Each layer's number, a block of rows, and their attention `[head, row, position]`."""
        for number, layer in enumerate(self.reader.layers):
            for rows in _blocks(len(self._rows), self.reader):
                yield number, rows, layer.attention(rows)

    def _context(self, kept: Tensor) -> Tensor:
        """`[token, text]`: what named text handed over, divided by the context's part in the state.

        Args:
            kept: `[token, row]`, what text positions handed over and did not pass on.
        """
        positions = text_positions(self.trace)
        first = self.reader.rows[self.tokens]
        earlier = positions <= self._rows[first][:, None]
        named = torch.isin(self._rows, positions).to(kept)
        parts = self._parts_of_state()[:, positions] * earlier.to(kept)
        handed = (kept * named).sum(1, keepdim=True)
        return handed * parts / parts.sum(1, keepdim=True).clamp_min(torch.finfo(kept.dtype).tiny)

    def _parts_of_state(self) -> Tensor:
        """`[token, position]`: of what the state that predicts each token is made.

        A rollout: in each layer, the highest first, half of each position's part stays, and half
        goes to what the position reads, in proportion to A <V, u>_+ summed over heads. Parts at
        visual tokens are not followed further.
        """
        origins = self._rows[self.reader.rows[self.tokens]]
        # One more position than was captured: the last token was no input.
        count = self.reader.captured.layers[0].keys.shape[1] + 1
        parts = self.reader.directions.new_zeros(len(origins), count)
        parts[torch.arange(len(origins)), origins] = 1.0
        for layer in reversed(self.reader.layers):
            moved = torch.zeros_like(parts)
            moved[:, :-1] = self._read_in(layer, parts)
            parts = (parts + moved) / 2
        return parts

    def _read_in(self, layer: LayerShares, parts: Tensor) -> Tensor:
        """Divide each row's part among what the row reads in a layer: `[token, position]`."""
        scores = layer.value_scores(self.tokens).relu()
        moved = scores.new_zeros(scores.shape[1:])
        for rows in _blocks(len(self._rows), self.reader):
            attention = layer.attention(rows)
            total = _sum_read(attention, scores)
            weights = parts[:, self._rows[rows]].to(scores) / total.clamp_min(1e-30)
            moved += ((weights @ attention) * scores).sum(0)
        return moved.to(parts)


def densities(views: Sequence[View], places: Tensor) -> tuple[Tensor, ...]:
    """Amounts of visual tokens as maps, for each view `[token, height, width]`.

    A visual token's amount is spread over its area, and grids over the same pixels are added. A
    map's cells hold amounts too: where resizing loses nothing, they sum to the view's amount.

    Args:
        views: of the trace.
        places: float `[token, visual]`, of all views.
    """
    sizes = [view.geometry.visual for view in views]
    parts = places.split(sizes, -1)
    return tuple(_density(view.geometry, part) for view, part in zip(views, parts, strict=True))


def _density(geometry: Geometry, amounts: Tensor) -> Tensor:
    left, top, right, bottom = geometry.boxes.unbind(1)
    areas = ((right - left) * (bottom - top)).to(amounts)
    return geometry.to_grid(amounts / areas) * geometry.base_grid.cell_area * len(geometry.grids)


def _sum_read(attention: Tensor, scores: Tensor) -> Tensor:
    """All that rows read, over heads and positions: `[token, row]`.

    Args:
        attention: `[head, row, position]`.
        scores: `[head, token, position]`, of what a position's value says for a token.
    """
    return (scores @ attention.transpose(1, 2)).sum(0)

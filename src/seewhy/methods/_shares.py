"""Shares of a logit, over places of the picture and words of the context.

Shared by methods that use captured attention. All loops are over layers, and over blocks of tokens
and of rows, so that memory does not grow with the square of the positions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seewhy.core.captured_attention import CapturedAttention
from seewhy.core.geometry import Geometry
from seewhy.core.trace import Trace, View
from seewhy.functional.logit_shares import handed_on
from seewhy.methods._evidence import Evidence
from seewhy.methods._scores import text_positions
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


@dataclass(eq=False)
class _Taken:
    """What some tokens took, and what the captured rows read, collected over the layers.

    Attributes:
        places: `[token, visual]`, taken from places directly.
        text: `[layer, token, row]`, taken from text positions.
        read: `[layer, token, row]`, all that each row read that speaks for a token.
        read_of_places: `[layer, token, row]`, the places' part of it.
        parts: `[token, row]`, of what the state that predicts each token is made.
    """

    places: Tensor
    text: Tensor
    read: Tensor
    read_of_places: Tensor
    parts: Tensor


class _TokenBlock:
    """Some of a reader's tokens.

    Each layer is computed twice, so that no more than one layer's attention is in memory. Its
    positions are put in order, the visual ones first, so that their part is a slice and no copy.

    Args:
        trace: of the pass.
        reader: of its layers.
        tokens: which of the reader's tokens.
    """

    def __init__(self, trace: Trace, reader: ShareReader, tokens: slice) -> None:
        self._trace, self._reader = trace, reader
        self._tokens, self._origins = tokens, reader.rows[tokens]
        self._rows = reader.captured.positions
        visual = trace.inputs.visual_positions.cpu()
        positions = torch.arange(reader.captured.layers[0].keys.shape[1])
        self._order = torch.cat([visual, positions[~torch.isin(positions, visual)]])
        self._visual, self._others = slice(0, len(visual)), slice(len(visual), None)
        self._columns = self._order.argsort()[self._rows]
        self._is_text = self._columns >= len(visual)

    def shares(self, hops: int, focus: float) -> Shares:
        """The shares of these tokens."""
        taken = self._take(hops, focus)
        places, kept = taken.places, taken.text.sum(0)
        if hops == 2:
            weights = handed_on(taken.text, taken.read)
            places = places + self._passed_on(weights, focus)
            kept = (kept - (weights * taken.read_of_places).sum(0)).clamp_min(0)
        return Shares(places, self._context(kept, taken.parts))

    def _take(self, hops: int, focus: float) -> _Taken:
        """What the tokens took in each layer, the highest first.

        Args:
            hops: 1 leaves out what the rows read.
            focus: the exponent of what a row read.
        """
        zeros = self._reader.directions.new_zeros
        layers, size = self._reader.layers, (len(self._origins), len(self._rows))
        taken = _Taken(
            places=zeros(size[0], self._visual.stop),
            text=zeros(len(layers), *size),
            read=zeros(len(layers), *size),
            read_of_places=zeros(len(layers), *size),
            parts=zeros(size),
        )
        taken.parts[torch.arange(size[0]), self._origins] = 1.0
        for number in reversed(range(len(layers))):
            layer = layers[number].in_order(self._order)
            scores = layer.value_scores(self._tokens)
            positive = scores.relu()
            moved = torch.zeros_like(taken.parts)
            for rows in self._row_blocks():
                attention = layer.attention(rows)
                layer.expect_own_output(rows, attention)
                self._take_directly(taken, number, layer, rows, attention, scores)
                moved += self._read_in(taken.parts[:, rows], attention, positive).to(moved)
                if hops == 2:
                    focused = self._focused(positive, focus)
                    places, others = (
                        _sum_read(attention[..., part], focused[..., part]).to(moved)
                        for part in (self._visual, self._others)
                    )
                    taken.read_of_places[number, :, rows] = places
                    taken.read[number, :, rows] = places + others
            taken.parts = (taken.parts + moved) / 2
        return taken

    def _focused(self, scores: Tensor, focus: float) -> Tensor:
        """<V, u>_+^q of one layer, as parts of a bound for each token, the same in all layers.

        What a text position read is divided in proportion: a factor of each token has no effect,
        and powers of numbers up to 1 do not overflow.

        Args:
            scores: <V, u>_+, `[head, token, position]`.
            focus: q.
        """
        bound = self._reader.score_bounds[self._tokens].to(scores)[:, None]
        return (scores / bound) ** focus

    def _take_directly(
        self,
        taken: _Taken,
        number: int,
        layer: LayerShares,
        rows: slice,
        attention: Tensor,
        scores: Tensor,
    ) -> None:
        """Add what the tokens that these rows predict took through one layer."""
        predicted = (self._origins >= rows.start) & (self._origins < rows.stop)
        tokens = predicted.nonzero()[:, 0]
        found = attention[:, self._origins[tokens] - rows.start] * scores[:, tokens]
        shares = layer.expect_sum(found, tokens + self._tokens.start).relu().sum(0)
        taken.places[tokens] += shares[:, self._visual].to(taken.places)
        text = shares[:, self._columns].to(taken.text)
        taken.text[number, tokens] = text * self._is_text.to(text)

    def _read_in(self, parts: Tensor, attention: Tensor, scores: Tensor) -> Tensor:
        """Divide rows' parts among what the rows read in a layer, at captured rows.

        A rollout: in each layer, the highest first, half of each row's part stays, and half goes to
        what the row reads, in proportion to A <V, u>_+ summed over heads. Parts at visual tokens
        are not followed further.

        Args:
            parts: `[token, row]`.
            attention: `[head, row, position]`, of these rows.
            scores: `[head, token, position]`, <V, u>_+.
        """
        weights = parts.to(scores) / _sum_read(attention, scores).clamp_min(1e-30)
        columns = self._columns.to(scores.device)
        return ((weights @ attention[..., columns]) * scores[..., columns]).sum(0)

    def _passed_on(self, weights: Tensor, focus: float) -> Tensor:
        """`[token, visual]`, what text positions pass on to the places that they read.

        Args:
            weights: `[layer, token, row]`, what is passed on for each unit that a row read.
            focus: the exponent of what a row read.
        """
        places = weights.new_zeros(weights.shape[1], self._visual.stop)
        for number, layer in enumerate(self._reader.layers[:-1]):  # no layer is above the last
            layer = layer.in_order(self._order)
            scores = layer.value_scores(self._tokens)[..., self._visual].relu()
            scores = self._focused(scores, focus)
            for rows in self._row_blocks():
                attention = layer.attention(rows)[..., self._visual]
                passed = (weights[number, :, rows].to(scores) @ attention) * scores
                places += passed.sum(0).to(places)
        return places

    def _row_blocks(self) -> Iterator[slice]:
        return _blocks(len(self._rows), self._reader)

    def _context(self, kept: Tensor, parts: Tensor) -> Tensor:
        """`[token, text]`: what named text handed over, divided by the context's part in the state.

        Args:
            kept: `[token, row]`, what text positions handed over and did not pass on.
            parts: `[token, row]`, of what the state that predicts each token is made.
        """
        positions = text_positions(self._trace)
        named = torch.isin(self._rows, positions).to(kept)
        # The last token was no input, so it has no row; no token comes after it either.
        parts = torch.cat([parts, torch.zeros_like(parts[:, :1])], 1)
        parts = parts[:, torch.searchsorted(self._rows, positions)]
        earlier = positions <= self._rows[self._origins][:, None]
        parts = parts * earlier.to(kept)
        handed = (kept * named).sum(1, keepdim=True)
        return handed * parts / parts.sum(1, keepdim=True).clamp_min(torch.finfo(kept.dtype).tiny)


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

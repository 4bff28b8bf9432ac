"""A model's side of exact shares of a logit: directions, values and attention of each layer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from seewhy.core.captured_attention import CapturedAttention, CapturedLayer
from seewhy.core.errors import UnsupportedModelError
from seewhy.functional.logit_shares import attention_rows, value_scores
from seewhy.models.decoder import at_least_float32
from seewhy.models.isolation import eval_mode
from seewhy.models.linear_maps import LinearNorm, projection_weight
from seewhy.models.residual_stream import AttentionBranch, ResidualStream, residual_stream

#: Largest allowed error of the parts' sum, as a share of what the layer adds at most.
TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-3, torch.float16: 3e-2, torch.bfloat16: 8e-2}


@dataclass(frozen=True, eq=False)
class LayerShares:
    """One layer's attention, and how it enters the logits of some tokens.

    Attributes:
        layer: what was captured.
        directions: u, at least float32 `[token, head, dim]`: source p hands over
            A[P, p] <V[p], u> through each head.
        constants: `[token]`, the part of biases and of norms' biases.
        totals: `[token]`, the part of all positions, from the layer's own output.
        rows: int64 `[token]`, the captured row of the position that predicts each token.
    """

    layer: CapturedLayer
    directions: Tensor
    constants: Tensor
    totals: Tensor
    rows: Tensor

    def attention(self, rows: Tensor | slice) -> Tensor:
        """Attention weights of some captured rows: `[head, row, position]`."""
        layer = self.layer
        return attention_rows(
            layer.queries[rows].to(self.directions.dtype),
            layer.keys,
            layer.mask[rows],
            scaling=layer.scaling,
            softcap=layer.softcap,
            sinks=layer.sinks,
        )

    def value_scores(self, tokens: slice) -> Tensor:
        """<V, u> of some tokens: `[head, token, position]`."""
        return value_scores(self.layer.values, self.directions[tokens])

    def in_order(self, positions: Tensor) -> LayerShares:
        """The same layer with its positions in another order, or with some of them left out."""
        layer, index = self.layer, positions.to(self.layer.keys.device)
        moved = {name: getattr(layer, name)[:, index] for name in ("keys", "values", "mask")}
        return replace(self, layer=replace(layer, **moved))

    def shares(self, tokens: slice) -> Tensor:
        """What each position hands over to some tokens, signed: `[head, token, position]`.

        Raises:
            UnsupportedModelError: if they do not add up to what the layer's own output adds.
        """
        shares = self.attention(self.rows[tokens]) * self.value_scores(tokens)
        return self.expect_sum(shares, tokens)

    def expect_sum(self, shares: Tensor, tokens: slice | Tensor) -> Tensor:
        """Return shares of some tokens if they add up to what the layer's own output adds.

        Args:
            shares: `[head, token, position]`, of all positions.
            tokens: which tokens.

        Raises:
            UnsupportedModelError: if they do not.
        """
        self._expect_sum(shares, self.totals[tokens])
        return shares

    def expect_own_output(self, rows: slice, attention: Tensor) -> None:
        """Expect that some rows' attention gives the layer's own output, in one direction.

        The direction has random signs, so that it costs little.

        Args:
            rows: captured rows.
            attention: theirs, `[head, row, position]`.

        Raises:
            UnsupportedModelError: if it gives another output.
        """
        outputs, gates = self.layer.outputs[rows].to(attention), self.layer.gates
        heads = len(attention)
        signs = torch.randint(0, 2, outputs.shape[1:], generator=torch.Generator().manual_seed(0))
        signs = (2 * signs - 1).to(outputs)[None]
        direction = signs if gates is None else signs * gates[rows].to(outputs)
        scores = value_scores(self.layer.values, direction.view(len(direction), heads, -1))
        self._expect_sum(attention * scores, (outputs * signs).sum(-1))

    def _expect_sum(self, parts: Tensor, totals: Tensor) -> None:
        """Expect that parts `[head, row, position]` add up to `[row]`."""
        error = (parts.sum((0, 2)) - totals).abs()
        allowed = TOLERANCE[self.layer.queries.dtype] * parts.abs().sum((0, 2))
        if not bool((error <= allowed + torch.finfo(error.dtype).tiny).all()):
            share = (error / allowed.clamp_min(torch.finfo(error.dtype).tiny)).max()
            raise UnsupportedModelError(
                "Expected the parts of an attention to add up to its own output, got an error of "
                f"{float(share):.2g} times what rounding allows: it is not read exactly here; "
                "choose a method such as intra-modal."
            )


@dataclass(frozen=True, eq=False)
class ShareReader:
    """The layers of a captured pass, brought to the logits of some tokens.

    Attributes:
        captured: what the pass kept.
        stream: how attention enters the residual stream.
        model: the model; its norms and output projections are used.
        directions: `[token, hidden]`, each token's direction at the input of the final norm.
        constants: `[token]`, the part of the final norm's bias.
        rows: int64 `[token]`, the captured row of the position that predicts each token.
    """

    captured: CapturedAttention
    stream: ResidualStream
    model: object
    directions: Tensor
    constants: Tensor
    rows: Tensor

    @staticmethod
    def of(
        model: object, captured: CapturedAttention, unembedding: Tensor, origins: Tensor
    ) -> ShareReader:
        """A reader for some tokens.

        Args:
            model: the model.
            captured: what a pass kept.
            unembedding: `[token, hidden]`, the tokens' rows, minus those of foils if there are any.
            origins: int64 `[token]`, the positions that predict the tokens.

        Raises:
            UnsupportedModelError: as `residual_stream`, or if the final norm is no norm.
        """
        stream = residual_stream(model)
        rows = torch.searchsorted(captured.positions, origins)
        last = captured.last[rows.to(captured.last.device)]
        with eval_mode(model):
            norm = LinearNorm.at(stream.norm, last)
            pulled, constants = norm.pull_back(at_least_float32(unembedding.to(last.device)))
        return ShareReader(captured, stream, model, pulled, constants, rows)

    @property
    def tokens(self) -> int:
        """The number of tokens."""
        return len(self.rows)

    @cached_property
    def score_bounds(self) -> Tensor:
        """`[token]`, no less than |<V, u>| in any layer, head and position; above 0."""
        bounds = [
            layer.directions.norm(dim=-1).amax(1)
            * at_least_float32(layer.layer.values).norm(dim=-1).max()
            for layer in self.layers
        ]
        largest = torch.stack([bound.to(self.directions) for bound in bounds]).amax(0)
        return largest.clamp_min(torch.finfo(largest.dtype).tiny)

    @cached_property
    def layers(self) -> tuple[LayerShares, ...]:
        """Each layer's attention, the lowest first.

        Raises:
            UnsupportedModelError: if a norm after an attention is no norm.
        """
        parts = zip(self.stream.branches, self.captured.layers, strict=True)
        with eval_mode(self.model):
            return tuple(self._shares(n, branch, layer) for n, (branch, layer) in enumerate(parts))

    def _shares(self, number: int, branch: AttentionBranch, layer: CapturedLayer) -> LayerShares:
        outputs = layer.outputs[self.rows.to(layer.outputs.device)]
        projection = branch.output_projection
        weight, bias = projection_weight(projection, outputs.dtype, outputs.shape[1])
        factor = branch.enters * self.stream.kept_after[number]
        directions = self.directions.to(outputs.device) * factor
        constants = directions.new_zeros(len(directions))
        if branch.norm is not None:
            norm = LinearNorm.at(branch.norm, projection(outputs))
            directions, constants = norm.pull_back(directions)
        constants = constants + directions @ bias
        pulled = directions @ weight
        totals = (pulled * outputs).sum(-1)
        if layer.gates is not None:
            pulled = pulled * layer.gates[self.rows.to(outputs.device)]
        pulled = pulled.view(len(directions), layer.queries.shape[1], -1)
        return LayerShares(layer, pulled, constants, totals, self.rows)

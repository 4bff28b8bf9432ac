"""What methods that look inside the model share: attention, and gradients of what it says.

They show the model the same prompt and answer once more, with the language model open. A token is
explained from the position before it, from which it was predicted, so tokens of the prompt can be
explained like those of the answer. A value is had for every position of the sequence: those of the
visual tokens are the map, those of earlier text tokens the context.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.core.errors import NonFiniteError, ParameterError
from seewhy.core.geometry import flatten
from seewhy.core.trace import Trace
from seewhy.functional.logit_lens import text_activation
from seewhy.methods._evidence import Evidence
from seewhy.methods._stages import context_states, joint_range, output_of, own_range, scale_view
from seewhy.models.attention import attention_rows
from seewhy.models.gradients import attention_gradients, state_gradients
from seewhy.models.session import Session


@dataclass(frozen=True, eq=False)
class WhiteBox:
    """One reading whose inside can be looked at.

    Attributes:
        evidence: what was asked for.
        session: the model and the answer.
    """

    evidence: Evidence
    session: Session

    @staticmethod
    def of(evidence: Evidence, method: str) -> WhiteBox:
        """Open the base reading.

        Raises:
            ParameterError: if the evidence has no model, or not that of its trace.
        """
        return WhiteBox(evidence, evidence.expect_session(method))

    @property
    def trace(self) -> Trace:
        """The base reading."""
        return self.evidence.trace

    @property
    def visual(self) -> Tensor:
        """int64 `[visual]`, the positions of the visual tokens."""
        return self.trace.inputs.visual_positions.cpu()

    @property
    def text(self) -> Tensor:
        """int64 `[text]`, the positions of the context tokens."""
        inputs = self.trace.inputs
        answer = inputs.length + torch.arange(len(self.trace.tokens))
        return torch.cat([inputs.prompt_positions.cpu(), answer])

    @property
    def origins(self) -> Tensor:
        """int64 `[wanted]`, the positions from which the wanted tokens were predicted."""
        # A prompt without a template may begin with a word: nothing predicted it.
        return (self.text[list(self.evidence.selected)] - 1).clamp_min(0)

    def logits(self, states: Tensor) -> Tensor:
        """The logits of the wanted tokens, less those of their foils where they are contrasted.

        Only their rows of the unembedding take part.

        Args:
            states: `[position, hidden]`, final states.

        Returns:
            At least float32 `[wanted]`.
        """
        selected = list(self.evidence.selected)
        trace = self.trace
        states = states[self.origins.to(states.device)]
        states = states.to(torch.promote_types(states.dtype, torch.float32))

        def read(rows: Tensor, biases: Tensor | None) -> Tensor:
            logits = (states * rows[selected].to(states)).sum(-1)
            if biases is not None:
                logits = logits + biases[selected].to(states)
            cap = trace.softcap
            return logits if cap is None else cap * (logits / cap).tanh()

        said = read(trace.unembedding_rows, trace.biases)
        return said if trace.foils is None else said - read(trace.foils, trace.foil_biases)

    def attention(self, layers: Sequence[int] | None = None) -> Tensor:
        """float32 `[layer, wanted, position]`: attention from where they were predicted."""
        return attention_rows(
            self.session.loaded, self.trace.inputs, self.session.ids, self.origins, layers
        )

    def whole_attention(self) -> Tensor:
        """float32 `[layer, position, position]`: mean over heads, of every position."""
        everywhere = torch.arange(self.trace.inputs.length + len(self.trace.tokens))
        return attention_rows(self.session.loaded, self.trace.inputs, self.session.ids, everywhere)

    def gradients_of_attention(
        self, score: Callable[[int, Sequence[Tensor], Sequence[Tensor]], Tensor]
    ) -> Tensor:
        """`[wanted, position]`, what `score` makes of each token: see `attention_gradients`."""
        found = attention_gradients(
            self.session.loaded, self.trace.inputs, self.session.ids, self.logits, score
        )
        return torch.stack(found).cpu()

    def gradients(
        self,
        score: Callable[[Tensor, Tensor], Tensor],
        *,
        layer: int = 0,
        change: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """`[wanted, position, ...]`, what `score` makes of each token: see `state_gradients`."""
        found = state_gradients(
            self.session.loaded,
            self.trace.inputs,
            self.session.ids,
            self.logits,
            score,
            layer=layer,
            change=change,
        )
        return torch.stack(found).cpu()

    def attribution(self, compute: Callable[[], Tensor], *, context: bool = True) -> Attribution:
        """The answer of a method, from a value for every position.

        Args:
            compute: gives `[wanted, position]`, non-negative; not called where nothing is wanted.
            context: whether the values at text positions mean the same as at visual ones: then
                they are the context, and both are displayed on one scale. Otherwise the context
                are the text activations, and a map's scale is its own.

        Raises:
            NonFiniteError: if a value is NaN or infinite.
        """
        trace, own, selected = self.trace, self.evidence.explained, list(self.evidence.selected)
        device, count = trace.unembedding_rows.device, len(trace.text_tokens)
        values = torch.zeros(count, trace.inputs.length + len(trace.tokens))
        if selected:
            values[selected] = expect_finite(compute()).float()
        maps = tuple(one.to(device) for one in trace.to_grid(values[:, self.visual]))
        if context:
            relevance = values[:, self.text].tril(-1).to(device)[own]
            low, high = joint_range(flatten(maps)[own], relevance)
        else:
            activation = text_activation(
                context_states(trace), trace.unembedding_rows, **output_of(trace)
            )
            relevance = activation[own]
            low, high = own_range(flatten(maps)[own])
        share = torch.ones(count, device=device)
        scales = (scale_view(trace, maps, share, own),)
        return Attribution(tuple(one[own] for one in maps), relevance, low, high, scales)


def expect_finite(values: Tensor) -> Tensor:
    """Return values `[token, position]`, or raise `NonFiniteError`."""
    broken = ~values.isfinite().all(-1)
    if bool(broken.any()):
        raise NonFiniteError(
            f"Expected finite values, got NaN or infinity for {int(broken.sum())} of "
            f"{len(broken)} tokens: load the model in float32 or bfloat16, gradients overflow in "
            "float16."
        )
    return values


def rollout(rows: Tensor, steps: Sequence[Tensor], keep: float, mix: float) -> Tensor:
    r"""Follow relevance down through the layers: r <- keep r + mix r A, the highest layer first.

    It is one row of the product of all (keep I + mix A), without any product of square matrices.
    What stays at the row's own position by the identity alone, keep^L, says nothing about the
    others and is left out.

    Args:
        rows: int64 `[row]`, the positions to begin at.
        steps: for each layer, the lowest first, `[position, position]`, or `[row, position,
            position]` where each row has its own.
        keep, mix: the shares of the identity and of attention.

    Returns:
        `[row, position]`.
    """
    start = torch.zeros(len(rows), steps[0].shape[-1]).to(steps[0])
    start[torch.arange(len(rows)), rows] = 1.0
    relevance, alone = start, 1.0
    for step in reversed(steps):
        moved = relevance[:, None] @ step
        relevance = keep * relevance + mix * (moved[:, 0] if step.ndim == 3 else moved.squeeze(1))
        alone *= keep
    return (relevance - alone * start).clamp_min(0.0)


def expect_layer(layer: object) -> None:
    """Check a layer's number; whether the model has it is seen when it is there.

    Raises:
        ParameterError: if it is not a whole number.
    """
    if isinstance(layer, bool) or not isinstance(layer, int):
        raise ParameterError(
            f"Expected layer as a whole number, got {layer!r}: 0 is the lowest, -1 the last."
        )

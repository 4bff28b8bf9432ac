"""Shared by methods that use attention weights or gradients of the model.

They run the model again on the same prompt and answer. A token is explained from the position
before it, from which it was predicted; so the prompt's tokens can be explained like the answer's.
Every position of the sequence gets a value: those of the visual tokens are the map, those of
earlier text tokens the context.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.core.errors import ModelError, NonFiniteError, ParameterError
from seewhy.core.geometry import flatten
from seewhy.core.trace import Inputs, Trace
from seewhy.functional.logit_lens import text_activation
from seewhy.methods._evidence import Evidence
from seewhy.methods._scores import (
    context_states,
    joint_range,
    output_of,
    own_range,
    scale_view,
    text_positions,
)
from seewhy.models.attention import attention_rollout, attention_rows
from seewhy.models.gradients import (
    attention_gradient_rollout,
    early_attention_gradients,
    state_gradients,
)
from seewhy.models.session import Session


@dataclass(frozen=True, eq=False)
class WhiteBox:
    """The base reading, with attention weights and gradients.

    Attributes:
        evidence: the method's input.
        session: the model and the answer.
    """

    evidence: Evidence
    session: Session

    @staticmethod
    def of(evidence: Evidence, method: str) -> WhiteBox:
        """From a method's evidence and name.

        Raises:
            ParameterError: if the evidence has no session, or one of another answer.
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
    def inputs(self) -> Inputs:
        """The model's inputs of the base reading, with pixels."""
        return self.session.inputs_of(self.trace)

    @property
    def text(self) -> Tensor:
        """int64 `[text]`, the positions of the context tokens."""
        return text_positions(self.trace)

    @property
    def origins(self) -> Tensor:
        """int64 `[selected]`, the positions from which the selected tokens were predicted."""
        # A prompt without a template may begin with a text token, which has no prediction.
        return (self.text[list(self.evidence.selected)] - 1).clamp_min(0)

    def logits(self, states: Tensor) -> Tensor:
        """The logits of the selected tokens, minus those of their foils if there are any.

        Only their rows of the unembedding are used.

        Args:
            states: `[position, hidden]`, final states.

        Returns:
            At least float32 `[selected]`.
        """
        selected = list(self.evidence.selected)
        trace = self.trace
        states = states[self.origins.to(states.device)]
        states = states.to(torch.promote_types(states.dtype, torch.float32))

        def logits_of(rows: Tensor, biases: Tensor | None) -> Tensor:
            logits = (states * rows[selected].to(states)).sum(-1)
            if biases is not None:
                logits = logits + biases[selected].to(states)
            cap = trace.softcap
            return logits if cap is None else cap * (logits / cap).tanh()

        logits = logits_of(trace.unembedding_rows, trace.biases)
        if trace.foils is None:
            return logits
        return logits - logits_of(trace.foils, trace.foil_biases)

    def attention(
        self, layers: Sequence[int] | None = None, heads: Sequence[int] | None = None
    ) -> Tensor:
        """float32 `[layer, selected, position]`: mean over heads, from the `origins`."""
        session = self.session
        return attention_rows(session.loaded, self.inputs, session.ids, self.origins, layers, heads)

    def rollout(self, keep: float, mix: float) -> Tensor:
        """float32 `[selected, position]`, from the `origins`: see `attention_rollout`."""
        session = self.session
        return attention_rollout(session.loaded, self.inputs, session.ids, self.origins, keep, mix)

    def gradient_rollout(self, step: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """`[selected, position]`, from the `origins`: see `attention_gradient_rollout`."""
        session = self.session
        return attention_gradient_rollout(
            session.loaded, self.inputs, session.ids, self.logits, self.origins, step
        )

    def gradients_of_early_attention(
        self, score: Callable[[Tensor, Tensor], Tensor], layers: Sequence[int]
    ) -> list[Tensor]:
        """For each layer `[selected, ...]`, the `score` at the `origins`.

        See `early_attention_gradients`; `score` gets `[head, row, position]` and gives
        `[row, ...]`.
        """
        rows, row_of = self.origins.unique(return_inverse=True)
        # A token at position 0 has no prediction, and would share the row of the next one.
        predicted = self.text[list(self.evidence.selected)] > 0
        scores = early_attention_gradients(
            self.session.loaded,
            self.inputs,
            self.session.ids,
            rows,
            lambda states: self.logits(states)[predicted.to(states.device)],
            score,
            layers,
        )
        return [of_layer[row_of.to(of_layer.device)].cpu() for of_layer in scores]

    def gradients(
        self,
        score: Callable[[Tensor, Tensor], Tensor],
        *,
        layer: int = 0,
        part: Literal["layer", "mlp"] = "layer",
        change: Callable[[Tensor], Tensor] | None = None,
        inputs: Inputs | None = None,
        tokens: slice = slice(None),
    ) -> Tensor:
        """`[selected, position, ...]`, the `score` of each token: see `state_gradients`.

        `inputs` are those of another picture with the same positions; None for the trace's.
        `tokens` takes some of the selected ones.
        """
        scores = state_gradients(
            self.session.loaded,
            self.inputs if inputs is None else inputs,
            self.session.ids,
            lambda states: self.logits(states)[tokens],
            score,
            layer=layer,
            part=part,
            change=change,
        )
        return torch.stack(scores).cpu()

    def inputs_of(self, *media: Any) -> Inputs:
        """The inputs of other pictures or clips of the same size, one for each.

        Raises:
            ModelError: if they have visual tokens at other positions.
        """
        inputs = self.session.with_images(*media).inputs(self.trace.inputs.scale)
        if not torch.equal(inputs.visual_positions.cpu(), self.visual):
            raise ModelError(
                f"Expected another picture of the same size to have {len(self.visual)} visual "
                f"tokens at the same positions, got {len(inputs.visual_positions)}: this model's "
                "tokens depend on the content; choose input-x-gradient."
            )
        return inputs

    def attribution(self, compute: Callable[[], Tensor], *, context: bool = True) -> Attribution:
        """The attribution of a method, from a value for every position.

        Args:
            compute: gives `[selected, position]`, non-negative; not called if no token is selected.
            context: whether values at text positions have the same meaning as at visual ones. If
                so they are the context, and both share one display range. If not, the context
                is the text activations, and each map has its own range.

        Raises:
            NonFiniteError: if a value is NaN or infinite.
        """
        trace, selected = self.trace, list(self.evidence.selected)
        explained = self.evidence.explained
        device, count = trace.unembedding_rows.device, len(trace.text_tokens)
        values = torch.zeros(count, trace.inputs.length + len(trace.tokens))
        if selected:
            dtype = self.session.loaded.model.dtype
            values[selected] = expect_finite(compute(), dtype).float()
        maps = tuple(view.to(device) for view in trace.to_grid(values[:, self.visual]))
        if context:
            relevance = values[:, self.text].tril(-1).to(device)[explained]
            low, high = joint_range(flatten(maps)[explained], relevance)
        else:
            activation = text_activation(
                context_states(trace), trace.unembedding_rows, **output_of(trace)
            )
            relevance = activation[explained]
            low, high = own_range(flatten(maps)[explained])
        share = torch.ones(count, device=device)
        scales = (scale_view(trace, maps, share, explained),)
        return Attribution(tuple(view[explained] for view in maps), relevance, low, high, scales)


def expect_finite(values: Tensor, dtype: torch.dtype) -> Tensor:
    """Return values `[token, position]` of a model of a dtype, or raise `NonFiniteError`."""
    invalid = ~values.isfinite().all(-1)
    if bool(invalid.any()):
        raise NonFiniteError(
            f"Expected finite values, got NaN or infinity for {int(invalid.sum())} of "
            f"{len(invalid)} tokens (dtype {dtype}): {advice_on_infinite_gradients(dtype)}."
        )
    return values


def advice_on_infinite_gradients(dtype: torch.dtype) -> str:
    """What to do, by the model's dtype: float16 alone has a smaller range than float32."""
    if dtype == torch.float16:
        return "load the model in float32 or bfloat16, gradients overflow in float16"
    return (
        "gradients through all layers of this model are not finite, as with a first token whose "
        "embedding is 0; choose a method of the last layers, such as grad-cam, or without "
        "gradients, such as logit-shares"
    )


def expect_layer(layer: object, name: str = "layer") -> None:
    """Check that a layer's number is an integer; its range is checked with the model.

    Args:
        layer: the value.
        name: of the parameter.

    Raises:
        ParameterError: if it is not a whole number.
    """
    if isinstance(layer, bool) or not isinstance(layer, int):
        raise ParameterError(
            f"Expected {name} as a whole number, got {layer!r}: 0 is the lowest, -1 the last."
        )

"""What is recorded of a model, an image and an answer: the input of every method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from seewhy.core.axes import expect_axes
from seewhy.core.captured_attention import CapturedAttention
from seewhy.core.errors import NonFiniteError
from seewhy.core.geometry import Geometry, TokenGrid
from seewhy.core.text import Token


@dataclass(frozen=True, eq=False)
class View:
    """What one map covers: a picture of the prompt, or one step of a clip.

    Attributes:
        geometry: its visual tokens over the original's pixels.
        model_size: width and height in pixels of the model's input for it.
        medium: which of the prompt's pictures and clips it belongs to, counted from 0.
        frames: for a step of a clip, indices in the clip of the frames that it shows.
        seconds: for a step of a clip, when its first frame was taken.
    """

    geometry: Geometry
    model_size: tuple[int, int]
    medium: int = 0
    frames: tuple[int, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True)
class PromptSpan:
    """One turn of the conversation before the answer.

    Attributes:
        role: `"system"`, `"user"` or `"assistant"`.
        start, end: its characters in the prompt.
    """

    role: str
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Inputs:
    """Pictures and a prompt, as inputs of the model.

    Attributes:
        tensors: the keyword arguments of the model's forward pass (`input_ids`, `pixel_values`,
            ...), batch of one.
        views: one for each map, in the order of the prompt.
        visual_positions: int64 `[visual]`, each visual token's position in `input_ids`, view
            after view, in the order of each geometry's visual axis.
        prompt_positions: int64 `[prompt]`, positions of the tokens of the conversation's text (no
            template, no special and no image tokens).
        prompt: the conversation's text, turns joined by newlines.
        scale: the requested scale; 1 is the size that the model's processor chooses.
        prompt_spans: `(start, end)` of each of these tokens in `prompt`.
        turns: the role of each part of `prompt`.
        rendered: the text that was tokenised, image tokens included.
        media: the processed pictures and clips, from which batches are built.
        has_pixels: whether the tensors of pictures and clips are there, for a forward pass.
    """

    tensors: Mapping[str, Any]
    views: tuple[View, ...]
    visual_positions: Tensor
    prompt_positions: Tensor
    prompt: str
    scale: float
    prompt_spans: tuple[tuple[int, int], ...] = ()
    turns: tuple[PromptSpan, ...] = ()
    rendered: str = ""
    media: tuple[Any, ...] = ()
    has_pixels: bool = True

    def without_pixels(self) -> Inputs:
        """The same inputs without the tensors of pictures and clips, which may be gigabytes.

        Ids, positions, geometries and notes stay. They cannot be run.
        """
        ids = self.tensors.get("input_ids")
        of_positions = {
            name: value
            for name, value in self.tensors.items()
            if isinstance(value, Tensor) and ids is not None and value.shape == ids.shape
        }
        return replace(
            self,
            tensors=of_positions,
            media=tuple(replace(medium, tensors={}) for medium in self.media),
            has_pixels=False,
        )

    @property
    def model_sizes(self) -> tuple[tuple[int, int], ...]:
        """Width and height in pixels of the model's input for each view."""
        return tuple(view.model_size for view in self.views)

    @property
    def base_grids(self) -> tuple[TokenGrid, ...]:
        """The native grid of each view."""
        return tuple(view.geometry.base_grid for view in self.views)

    @property
    def length(self) -> int:
        """Number of positions of the prompt; the answer's first token has this position."""
        return self.tensors["input_ids"].shape[1]


@dataclass(frozen=True, eq=False)
class Trace:
    """States, rankings and probabilities of one answer to an image at one scale.

    The text axis holds the context tokens: the user's text, then the answer; the token axis holds
    only the answer (the last `len(tokens)` entries). All states are the language model's
    final ones, after its last norm. Nothing here is as large as visual tokens x vocabulary.

    Attributes:
        inputs: the model's inputs.
        prompt_tokens: the first part of the text axis.
        tokens: the answer, the second part.
        answer: the decoded answer.
        visual_states: `[visual, hidden]`, in the model's dtype.
        text_states: `[text, hidden]`, the state at each context token's own position; the last
            token of a generated answer was never an input and has zeros (nothing follows it).
        unembedding_rows: `[text, hidden]`, the unembedding row of each context token's id,
            times the model's logit scale where it has one.
        biases: `[text]` the unembedding's bias for each context token's id, or None.
        softcap: c where the model's logits are c tanh(z / c), or None.
        foils: `[text, hidden]`, which is subtracted: the row of the token that each context token
            is contrasted with, zeros where it has none; None where nothing is contrasted.
        foil_biases: `[text]`, likewise.
        rankings: int64 `[text, rank]`, the ids that the model ranked first when it predicted each
            context token, best first.
        first_prediction_state: `[hidden]`, the state from which the answer's first token was
            predicted (at the last position before the answer), or None if it was not kept.
        attention: what a method needs to compute attention of text positions, or None if it was
            not asked for.
    """

    inputs: Inputs
    prompt_tokens: tuple[Token, ...]
    tokens: tuple[Token, ...]
    answer: str
    visual_states: Tensor
    text_states: Tensor
    unembedding_rows: Tensor
    rankings: Tensor
    biases: Tensor | None = None
    softcap: float | None = None
    foils: Tensor | None = None
    foil_biases: Tensor | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    first_prediction_state: Tensor | None = None
    attention: CapturedAttention | None = None

    @property
    def views(self) -> tuple[View, ...]:
        """One view for each map."""
        return self.inputs.views

    def to_grid(self, values: Tensor) -> tuple[Tensor, ...]:
        """Put values of visual tokens `[..., visual]` on the native grid of each view."""
        sizes = [view.geometry.visual for view in self.views]
        expect_axes(values, "... visual", name="values", visual=sum(sizes))
        return tuple(
            view.geometry.to_grid(part)
            for view, part in zip(self.views, values.split(sizes, -1), strict=True)
        )

    @property
    def ids(self) -> tuple[int, ...]:
        """The vocabulary ids of the answer."""
        return tuple(token.id for token in self.tokens)

    @property
    def text_tokens(self) -> tuple[Token, ...]:
        """The text axis: the user's text, then the answer."""
        return self.prompt_tokens + self.tokens

    def expect_finite(self) -> Trace:
        """Return the trace, or raise `NonFiniteError` if a state is NaN or infinite."""
        expect_finite(self.visual_states, name="visual")
        expect_finite(self.text_states, name="text")
        return self


def expect_finite(states: Tensor, *, name: str) -> None:
    """Raise `NonFiniteError` if one of the states `[position, hidden]` is NaN or infinite."""
    broken = ~states.isfinite().all(-1)
    if bool(broken.any()):
        advice = (
            "load the model in float32 or bfloat16, float16 overflows in some families"
            if states.dtype == torch.float16
            else "its weights may be damaged, load them from another copy"
        )
        raise NonFiniteError(
            f"Expected finite {name} states, got NaN or infinity at {int(broken.sum())} of "
            f"{len(broken)} positions (dtype {states.dtype}): {advice}."
        )

"""What a model leaves behind when it reads an image and speaks: the one input of every method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from seewhy.core.errors import NonFiniteError
from seewhy.core.geometry import Geometry
from seewhy.core.text import Token


@dataclass(frozen=True, eq=False)
class Inputs:
    """An image and a prompt, as the model takes them.

    Attributes:
        tensors: the keyword arguments of the model's forward pass (`input_ids`, `pixel_values`,
            ...), batch of one.
        geometry: where the visual tokens stand over the original image's pixels.
        visual_positions: int64 `[visual]`, each visual token's position in `input_ids`, in the
            order of the geometry's visual axis.
        prompt_positions: int64 `[prompt]`, positions of the tokens of the user's own words
            (no template, no special and no image tokens).
        prompt: the user's own words.
        scale: the scale asked for; 1 is what the model's own processor does.
        seen: width and height in pixels of what the model sees of the image at this scale.
        prompt_spans: `(start, end)` of each of these tokens in `prompt`.
    """

    tensors: Mapping[str, Tensor]
    geometry: Geometry
    visual_positions: Tensor
    prompt_positions: Tensor
    prompt: str
    scale: float
    seen: tuple[int, int]
    prompt_spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, eq=False)
class Trace:
    """States, rankings and probabilities of one reading of an image at one scale.

    The text axis holds the context tokens: the user's own words, then the answer; the token axis
    holds the answer alone (its last `len(tokens)` entries). All states are the language model's
    final ones, after its last norm. Nothing here is as large as visual tokens x vocabulary.

    Attributes:
        inputs: what was read.
        prompt_tokens: the first part of the text axis.
        tokens: the answer, the second part.
        answer: the decoded answer.
        visual_states: `[visual, hidden]`, in the model's dtype.
        text_states: `[text, hidden]`, the state at each context token's own position; the last
            token of a generated answer was never fed back and has zeros (nothing follows it).
        rows: `[text, hidden]`, the unembedding row of each context token's id.
        biases: `[text]` the unembedding's bias for each context token's id, or None.
        rankings: int64 `[text, rank]`, the ids that the model ranked first where it predicted each
            context token, best first.
        opening_state: `[hidden]`, the state from which the answer's first token was predicted (at
            the last position before the answer), or None if it was not kept.
    """

    inputs: Inputs
    prompt_tokens: tuple[Token, ...]
    tokens: tuple[Token, ...]
    answer: str
    visual_states: Tensor
    text_states: Tensor
    rows: Tensor
    rankings: Tensor
    biases: Tensor | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    opening_state: Tensor | None = None

    @property
    def geometry(self) -> Geometry:
        """Where the visual tokens stand."""
        return self.inputs.geometry

    @property
    def text_tokens(self) -> tuple[Token, ...]:
        """The text axis: the user's own words, then the answer."""
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
        raise NonFiniteError(
            f"Expected finite {name} states, got NaN or infinity at {int(broken.sum())} of "
            f"{len(broken)} positions (dtype {states.dtype}): load the model in float32 or "
            "bfloat16, float16 overflows in some families."
        )

"""What methods that change the picture share, and what controls and they answer with.

They read the same answer again under changed pictures. A reading gives the log-probabilities of
all tokens of the answer, so all of them share it; tokens of the prompt are given, not said, and
their maps stay empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.core.errors import ParameterError, UnsupportedInputError
from seewhy.core.geometry import flatten
from seewhy.core.trace import View
from seewhy.functional.logit_lens import text_activation
from seewhy.functional.perturbation import Fill, blend, cell_means, fill_of
from seewhy.methods._evidence import Evidence
from seewhy.methods._parameters import expect_choice
from seewhy.methods._stages import context_states, output_of, own_range, scale_view
from seewhy.models.session import Session

PROMPT_NOTE = (
    "The prompt's tokens have empty maps: {method} goes by how probable the tokens are that the "
    "model said."
)


@dataclass(frozen=True, eq=False)
class PerturbedView:
    """The picture of one view, to be changed and read again while other pictures stay.

    Attributes:
        session: the model and the answer.
        view: where its visual tokens stand.
        fill: what stands where the picture is taken away.
        seed: of a fill of noise.
    """

    session: Session
    view: View
    fill: Fill
    seed: int = 0

    @cached_property
    def image(self) -> Tensor:
        """float32 `[height, width, channel]` in [0, 255]."""
        shown = self.session.images[self.view.medium].convert("RGB")
        return torch.from_numpy(np.array(shown, dtype=np.float32))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[0], self.image.shape[1]

    @cached_property
    def filled(self) -> Tensor:
        """float32 `[height, width, channel]`: the fill alone."""
        return fill_of(self.image, self.fill, self.seed)

    def read(self, keeps: Iterable[Tensor]) -> Tensor:
        """Read the answer under masks of the picture.

        Args:
            keeps: float or bool `[height, width]`, 1 where the picture stays; may be a generator,
                masks need not be held all at once.

        Returns:
            float32 `[mask, token]`, log-probabilities of the answer's tokens.
        """
        before = self.session.images[: self.view.medium]
        after = self.session.images[self.view.medium + 1 :]
        return self.session.log_probabilities(
            (*before, self._picture(keep), *after) for keep in keeps
        )

    def means(self, maps: Tensor) -> Tensor:
        """float32 `[..., row, column]`: means of `[..., height, width]` over native cells."""
        grid = self.view.geometry.base_grid
        return cell_means(maps, grid.row_edges, grid.column_edges)

    def _picture(self, keep: Tensor) -> Image.Image:
        pixels = blend(self.image, self.filled, keep).round().clamp(0, 255)
        return Image.fromarray(pixels.to(torch.uint8).numpy())


def changing(evidence: Evidence, method: str, fill: Fill, seed: int = 0) -> list[PerturbedView]:
    """The picture of each view, ready to be changed.

    Raises:
        ParameterError: if the evidence cannot be read again.
        UnsupportedInputError: if a clip is shown.
    """
    session = evidence.expect_session(method)
    for view in evidence.trace.views:
        if view.frames or not isinstance(session.images[view.medium], Image.Image):
            raise UnsupportedInputError(
                f"Expected pictures, got a clip: {method} changes pictures only; give it single "
                "frames, or choose a method that looks at states."
            )
    return [PerturbedView(session, view, fill, seed) for view in evidence.trace.views]


def picture_attribution(
    evidence: Evidence,
    maps: Sequence[Tensor],
    method: str,
    *,
    context: Tensor | None = None,
    low: Tensor | None = None,
) -> Attribution:
    """The answer of a method whose maps are of the answer's tokens alone.

    Args:
        evidence: what was asked for.
        maps: for each view float32 `[token, height, width]` of the answer, non-negative.
        method: its name, for the note about the prompt.
        context: float32 `[token, text]` of the answer; text activations if None.
        low: float32 `[token]` of the answer, where its scale of display begins; 0 if None.
    """
    prompt, own = len(evidence.trace.prompt_tokens), evidence.explained
    if own.start < prompt:
        evidence.note(PROMPT_NOTE.format(method=method))

    def padded(values: Tensor) -> Tensor:
        return torch.cat([values.new_zeros(prompt, *values.shape[1:]), values])

    return map_attribution(
        evidence,
        [padded(one) for one in maps],
        context=None if context is None else padded(context),
        low=None if low is None else padded(low),
    )


def map_attribution(
    evidence: Evidence,
    maps: Sequence[Tensor],
    *,
    context: Tensor | None = None,
    low: Tensor | None = None,
) -> Attribution:
    """The answer of a method that looks at one scale, in a unit of its own.

    Args:
        evidence: what was asked for.
        maps: for each view float32 `[text, height, width]`, non-negative.
        context: float32 `[text, text]`, non-negative, 0 on and above the diagonal; the text
            activations if None.
        low: float32 `[text]`, where each token's scale of display begins; 0 if None.
    """
    trace, own = evidence.trace, evidence.explained
    device = trace.unembedding_rows.device
    if context is None:
        context = text_activation(context_states(trace), trace.unembedding_rows, **output_of(trace))
    maps = tuple(one.to(device) for one in maps)
    chosen = tuple(one[own] for one in maps)
    nothing, high = own_range(flatten(chosen))
    scales = (scale_view(trace, maps, torch.ones(len(context), device=device), own),)
    low = nothing if low is None else low.to(device)[own]
    return Attribution(chosen, context.to(device)[own], low, high, scales)


def superpixels(image: Tensor, segments: int) -> Tensor:
    """Parts of a picture that hold together, by SLIC (Achanta et al. 2012).

    scikit-image's, in CIELAB, compactness 10, unsmoothed, each part connected.

    Args:
        image: float32 `[height, width, channel]` in [0, 255].
        segments: how many to aim at; the picture decides how many there are.

    Returns:
        bool `[segment, height, width]`, every pixel in exactly one.

    Raises:
        ParameterError: if scikit-image is not installed.
    """
    try:
        from skimage.segmentation import slic
    except ImportError as error:
        raise ParameterError(
            "Expected scikit-image for superpixels, got none: pip install 'seewhy[baselines]'."
        ) from error
    labels = slic(image.numpy() / 255, n_segments=segments, compactness=10, start_label=0)
    parts = torch.from_numpy(np.unique(labels, return_inverse=True)[1]).view(labels.shape)
    return parts == torch.arange(int(parts.max()) + 1)[:, None, None]


def expect_at_least(name: str, value: int, least: int) -> None:
    """Check a whole number.

    Raises:
        ParameterError: if it is none, or too small.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ParameterError(
            f"Expected {name} as a whole number of at least {least}, got {value!r}."
        )


def expect_share(name: str, value: float) -> None:
    """Check a number that must lie between 0 and 1.

    Raises:
        ParameterError: if it does not.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value < 1:
        raise ParameterError(f"Expected {name} between 0 and 1, both excluded, got {value!r}.")


def expect_fill(fill: str) -> None:
    """Check the name of a fill.

    Raises:
        ParameterError: if there is none such.
    """
    expect_choice("fill", fill, Fill)

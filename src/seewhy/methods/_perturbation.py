"""Shared by methods that change the picture.

They read the same answer again with changed pictures. One reading gives the log-probabilities of
all tokens of the answer. The prompt's tokens are not predictions, so their maps are empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from seewhy.core.attribution import Attribution
from seewhy.core.errors import ParameterError, UnsupportedInputError
from seewhy.core.trace import View
from seewhy.functional.perturbation import Fill, blend, cell_means, fill_of
from seewhy.methods._evidence import Evidence
from seewhy.methods._parameters import expect_choice
from seewhy.methods._scores import attribution_from_maps
from seewhy.models.session import Session

Superpixels = Literal["slic", "slico"]

PROMPT_NOTE = (
    "The prompt's tokens have empty maps: {method} measures the probability of the answer's "
    "tokens, and of no others."
)


@dataclass(frozen=True, eq=False)
class PerturbedView:
    """The picture of one view, to be changed and read again; other pictures stay the same.

    Attributes:
        session: the model and the answer.
        view: gives its visual tokens.
        fill: what replaces removed pixels.
        seed: of a fill of noise.
    """

    session: Session
    view: View
    fill: Fill
    seed: int = 0

    @cached_property
    def image(self) -> Tensor:
        """float32 `[height, width, channel]` in [0, 255]."""
        picture = self.session.images[self.view.medium].convert("RGB")
        return torch.from_numpy(np.array(picture, dtype=np.float32))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[0], self.image.shape[1]

    @cached_property
    def filled(self) -> Tensor:
        """float32 `[height, width, channel]`: the fill at every pixel."""
        return fill_of(self.image, self.fill, self.seed)

    def read(self, keeps: Iterable[Tensor]) -> Tensor:
        """Read the answer under masks of the picture.

        Args:
            keeps: float or bool `[height, width]`, 1 where the picture stays; may be a generator,
                so that not all masks are in memory at once.

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


def perturbed_views(
    evidence: Evidence, method: str, fill: Fill, seed: int = 0
) -> list[PerturbedView]:
    """One `PerturbedView` for each view.

    Raises:
        ParameterError: if the evidence cannot be read again.
        UnsupportedInputError: if there is a clip.
    """
    session = evidence.expect_session(method)
    for view in evidence.trace.views:
        if view.frames or not isinstance(session.images[view.medium], Image.Image):
            raise UnsupportedInputError(
                f"Expected pictures, got a clip: {method} changes pictures only; give it single "
                "frames, or choose a method that uses states."
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
    """The attribution of a method that only has maps of the answer's tokens.

    Args:
        evidence: the method's input.
        maps: for each view float32 `[token, height, width]` of the answer, non-negative.
        method: its name, for the note about the prompt.
        context: float32 `[token, text]` of the answer; text activations if None.
        low: float32 `[token]` of the answer, the lower end of its display range; 0 if None.
    """
    prompt = len(evidence.trace.prompt_tokens)
    if evidence.explained.start < prompt:
        evidence.note(PROMPT_NOTE.format(method=method))

    def padded(values: Tensor) -> Tensor:
        return torch.cat([values.new_zeros(prompt, *values.shape[1:]), values])

    return attribution_from_maps(
        evidence,
        [padded(view) for view in maps],
        context=None if context is None else padded(context),
        low=None if low is None else padded(low),
    )


def superpixels(image: Tensor, segments: int, algorithm: Superpixels = "slic") -> Tensor:
    """Superpixels of a picture by SLIC or SLICO (Achanta et al. 2012).

    scikit-image's, in CIELAB, compactness 10, unsmoothed, each segment connected. SLICO adapts the
    compactness to each segment; it runs 20 iterations, as in EAGLE, and SLIC 10.

    Args:
        image: float32 `[height, width, channel]` in [0, 255].
        segments: approximate number; the result may have more or fewer.
        algorithm: `"slic"` or `"slico"`.

    Returns:
        bool `[segment, height, width]`, every pixel in exactly one segment.

    Raises:
        ParameterError: if scikit-image is not installed.
    """
    try:
        from skimage.segmentation import slic
    except ImportError as error:
        raise ParameterError(
            "Expected scikit-image for superpixels, got none: pip install 'seewhy[baselines]'."
        ) from error
    zero = algorithm == "slico"
    labels = slic(
        image.numpy() / 255,
        n_segments=segments,
        compactness=10,
        max_num_iter=20 if zero else 10,
        slic_zero=zero,
        start_label=0,
    )
    parts = torch.from_numpy(np.unique(labels, return_inverse=True)[1]).view(labels.shape)
    return parts == torch.arange(int(parts.max()) + 1)[:, None, None]


def expect_at_least(name: str, value: int, least: int) -> None:
    """Check a whole number.

    Raises:
        ParameterError: if it is no whole number, or is too small.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ParameterError(
            f"Expected {name} as a whole number of at least {least}, got {value!r}."
        )


def expect_share(name: str, value: float) -> None:
    """Check a number that must be between 0 and 1.

    Raises:
        ParameterError: if it is not.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value < 1:
        raise ParameterError(f"Expected {name} between 0 and 1, both excluded, got {value!r}.")


def expect_superpixels(algorithm: str) -> None:
    """Check the name of an algorithm for superpixels.

    Raises:
        ParameterError: if there is no such algorithm.
    """
    expect_choice("superpixels", algorithm, Superpixels)


def expect_fill(fill: str) -> None:
    """Check the name of a fill.

    Raises:
        ParameterError: if there is no such fill.
    """
    expect_choice("fill", fill, Fill)

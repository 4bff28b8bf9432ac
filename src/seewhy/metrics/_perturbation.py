"""Changed pictures, and the model's readings of them."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from seewhy.core.errors import ParameterError
from seewhy.core.suggestions import unknown_choice_message
from seewhy.functional.perturbation import fill_of
from seewhy.metrics._reruns import RerunnableSample, session_of
from seewhy.metrics._sample import seed_for

Fill = Literal["mean", "blur", "noise"]
"""The fills of metrics. Methods also take black, which no figure of a metric is measured with."""


def expect_fill(fill: str) -> None:
    """Check the name of a fill.

    Raises:
        ParameterError: if there is none of that name.
    """
    known = get_args(Fill)
    if fill not in known:
        raise ParameterError(unknown_choice_message("fill", fill, known))


def blank_picture(picture: Any, fill: Fill, seed: int) -> Any:
    """A picture that is replaced completely by a fill of `fill_of`.

    Args:
        picture: an RGB Pillow image.
        fill: `"blur"`, `"mean"` or `"noise"`.
        seed: of the noise.

    Returns:
        An RGB Pillow image of the same size.
    """
    pixels = torch.from_numpy(np.array(picture, dtype=np.float32))
    return _picture(fill_of(pixels, fill, seed).numpy())


def replace_pixels(picture: Any, other: Any, where: Tensor) -> Any:
    """A picture with the pixels of another one where a mask is true.

    Args:
        picture, other: RGB Pillow images of one size.
        where: bool `[height, width]`.
    """
    mask = Image.fromarray(where.cpu().numpy().astype(np.uint8) * 255)
    return Image.composite(other, picture, mask)


def with_noise(picture: Any, sigma: float, seed: int) -> Any:
    """A picture with Gaussian noise.

    Args:
        picture: an RGB Pillow image.
        sigma: standard deviation in 8-bit levels.
        seed: of the noise.
    """
    drawn = np.random.default_rng(seed).standard_normal((*picture.size[::-1], 3))
    return _picture(np.asarray(picture, dtype=np.float64) + sigma * drawn)


def answer_log_probabilities(sample: RerunnableSample, variants: Any) -> Tensor:
    """float32 `[variant, token]`: log-probabilities of the answer with another first picture.

    The conversation's other pictures stay. Maps of metrics are those of the first view.
    """
    session = session_of(sample)
    others = session.images[1:]
    return session.log_probabilities((variant, *others) for variant in variants)


def original_log_probabilities(sample: RerunnableSample) -> Tensor:
    """float32 `[token]`: log-probabilities of the answer with its own picture; read once."""
    if "original" not in sample.shared:
        sample.shared["original"] = answer_log_probabilities(sample, [sample.image])[0]
    return sample.shared["original"]


def blank_reading(sample: RerunnableSample, fill: Fill) -> tuple[Any, Tensor]:
    """The blank picture of a fill and the answer's log-probabilities with it; read once."""
    key = ("blank", fill)
    if key not in sample.shared:
        picture = blank_picture(sample.image, fill, seed_for(sample, "noise"))
        sample.shared[key] = picture, answer_log_probabilities(sample, [picture])[0]
    return sample.shared[key]


def _picture(pixels: Any) -> Any:
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def word_log_probability(values: Tensor, tokens: list[int]) -> Tensor:
    """log p of a word, the sum over its tokens: float64 `[...]` from `[..., token]`."""
    return values[..., torch.tensor(tokens)].double().sum(-1)

"""Pictures in which something was replaced, and how a model reads them."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from seewhy.core.errors import ParameterError
from seewhy.core.suggestions import unknown_choice_message
from seewhy.functional.curves import dilated
from seewhy.functional.perturbation import Fill, fill_of
from seewhy.metrics._base import Case
from seewhy.models.session import Session

#: Width of the ring whose mean colour fills an erased object, as a fraction of the longer side.
RING = 1 / 32


def expect_fill(fill: str) -> None:
    """Check the name of a fill.

    Raises:
        ParameterError: if there is none of that name.
    """
    known = get_args(Fill)
    if fill not in known:
        raise ParameterError(unknown_choice_message("fill", fill, known))


def blank_of(picture: Any, fill: Fill, seed: int) -> Any:
    """A picture with nothing of the original left but what a fill of `fill_of` keeps.

    Args:
        picture: an RGB Pillow image.
        fill: `"blur"`, `"mean"` or `"noise"`.
        seed: of the noise.

    Returns:
        An RGB Pillow image of the same size.
    """
    pixels = torch.from_numpy(np.array(picture, dtype=np.float32))
    return _picture(fill_of(pixels, fill, seed).numpy())


def replaced(picture: Any, other: Any, where: Tensor) -> Any:
    """A picture that shows another one where a mask is true.

    Args:
        picture, other: RGB Pillow images of one size.
        where: bool `[height, width]`.
    """
    mask = Image.fromarray(where.cpu().numpy().astype(np.uint8) * 255)
    return Image.composite(other, picture, mask)


def noisy(picture: Any, sigma: float, seed: int) -> Any:
    """A picture with Gaussian noise on it.

    Args:
        picture: an RGB Pillow image.
        sigma: standard deviation in 8-bit levels.
        seed: of the noise.
    """
    drawn = np.random.default_rng(seed).standard_normal((*picture.size[::-1], 3))
    return _picture(np.asarray(picture, dtype=np.float64) + sigma * drawn)


def erased(picture: Any, mask: Tensor) -> Any:
    """A picture without an object: its place has the mean colour of the ring around it.

    A blur would leave the object's colour behind.

    Args:
        picture: an RGB Pillow image.
        mask: bool `[height, width]`, the object.
    """
    pixels = np.asarray(picture, dtype=np.float64).copy()
    inside = mask.cpu().numpy()
    around = dilated(mask.cpu(), max(1, round(RING * max(picture.size)))).numpy() & ~inside
    pixels[inside] = pixels[around if around.any() else ~inside].mean(0) if not inside.all() else 0
    return _picture(pixels)


def grey_of(picture: Any) -> Any:
    """A picture of the same size that shows nothing: mid-grey."""
    return Image.new("RGB", picture.size, (128, 128, 128))


def readings(case: Case, variants: Any) -> Tensor:
    """How probable the answer is when the first picture is another: float32 `[variant, token]`.

    The conversation's other pictures stay. Maps of metrics are those of the first view.
    """
    session = session_of(case)
    others = session.images[1:]
    return session.log_probabilities((variant, *others) for variant in variants)


def session_of(case: Case) -> Session:
    """What metrics that run the model read with; `lacks_model` is asked first."""
    session = case.evidence.session
    if session is None:
        raise ParameterError(
            "Expected evidence that can be read again, got a bare trace: make it with "
            "Evidence.from_session."
        )
    return session


def lacks_model(case: Case) -> str | None:
    """Why a metric that runs the model cannot judge a case, or None."""
    return "no model at hand" if case.evidence.session is None else None


def original(case: Case) -> Tensor:
    """float32 `[token]`: log-probabilities of the answer with its own picture; read once."""
    if "original" not in case.shared:
        case.shared["original"] = readings(case, [case.sample.image])[0]
    return case.shared["original"]


def blank(case: Case, fill: Fill) -> tuple[Any, Tensor]:
    """The blank picture of a fill and the answer's log-probabilities with it; read once."""
    key = ("blank", fill)
    if key not in case.shared:
        picture = blank_of(case.sample.image, fill, case.seed_of("noise"))
        case.shared[key] = picture, readings(case, [picture])[0]
    return case.shared[key]


def _picture(pixels: Any) -> Any:
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def word_log_probability(values: Tensor, tokens: list[int]) -> Tensor:
    """log p of a word, its tokens' product: float64 `[...]` of `[..., token]`."""
    return values[..., torch.tensor(tokens)].double().sum(-1)

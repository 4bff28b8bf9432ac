"""What a family of models must tell: how it sees, and where its image tokens stand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor

from seewhy.core.geometry import Geometry
from seewhy.models.processing import Composed

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel


@dataclass(frozen=True, eq=False)
class Seen:
    """What a family makes of one picture at one scale.

    Attributes:
        tensors: the vision part of the forward pass (`pixel_values`, `image_grid_thw`, ...), batch
            of one, and flags such as `interpolate_pos_encoding`.
        placeholder: the text that replaces the one image marker of the rendered chat template,
            fully expanded: as many image tokens as the model expects, and any separators.
        geometry: where the visual tokens stand over the original image's pixels; its visual axis
            follows the order of the image tokens in `placeholder`.
        size: width and height in pixels of what the model sees, without padding; for tiles, of the
            tiled canvas.
        pixelless: which image tokens of `placeholder` (counted from 0) own no pixels, such as the
            newline tokens of some families; they are on no visual axis.
    """

    tensors: Mapping[str, Tensor]
    placeholder: str
    geometry: Geometry
    size: tuple[int, int]
    pixelless: tuple[int, ...] = ()


class Family(ABC):
    """One family of multimodal LLMs: how it sees, and where its image tokens stand.

    A family is one file with one final class, found by its file name. It states facts and answers
    three questions; whatever families share is a function.

    Class attributes:
        name: the registry name, such as `"qwen2-vl"`.
        model_types: values of `config.model_type` that it stands for.
        checkpoints: hub ids that it stands for.
        scaling: one sentence: how the model is shown the image at other scales.
        default_marker: what the chat template writes for an image, such as `"<|image_pad|>"`.
        plain_format: the user's turn where a checkpoint brings no chat template; `{marker}` and
            `{prompt}` are filled in.
    """

    name: ClassVar[str]
    model_types: ClassVar[tuple[str, ...]]
    checkpoints: ClassVar[tuple[str, ...]]
    scaling: ClassVar[str]
    default_marker: ClassVar[str]
    plain_format: ClassVar[str] = "{marker}\n{prompt}\n"

    def __init__(self, model: PreTrainedModel, processor: Composed) -> None:
        self.model, self.processor = model, processor

    @property
    @abstractmethod
    def image_token_id(self) -> int:
        """The id that stands in `input_ids` wherever a visual token goes."""

    @abstractmethod
    def see(self, image: Image, scale: float = 1.0) -> Seen:
        """Prepare an upright RGB picture at a scale; 1 is what the model's own processor does."""

    @abstractmethod
    def embed(self, seen: Seen) -> Tensor:
        """Float `[visual, hidden]`: the features that enter the language model, for the probe."""


def on_device(tensors: Mapping[str, Any], model: PreTrainedModel) -> dict[str, Any]:
    """Put tensors where the model's inputs go; flags stay as they are."""
    return {
        name: value.to(model.device) if isinstance(value, Tensor) else value
        for name, value in tensors.items()
    }

"""What a family of models states: what it makes of pictures, where its image tokens stand."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from seewhy.core.errors import GeometryError, UnsupportedInputError
from seewhy.core.geometry import Geometry
from seewhy.images.clips import Clip
from seewhy.models.processing import ProcessorParts

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel


@dataclass(frozen=True, eq=False)
class VisualInputs:
    """What a family makes of one picture, or of one clip, at one scale.

    Attributes:
        tensors: the vision part of the forward pass (`pixel_values`, `image_grid_thw`, ...), as
            for a prompt with this picture alone, and flags such as `interpolate_pos_encoding`.
        placeholder: the text that replaces the picture's one marker in the rendered chat template,
            fully expanded: as many image tokens as the model expects, and any separators.
        geometries: where the visual tokens stand over the original's pixels: one geometry for a
            picture, one for each step of a clip. Their visual axes, one after the other, follow
            the order of the image tokens in `placeholder`.
        size: width and height in pixels of what the model sees, without padding; for tiles, of the
            tiled canvas.
        non_spatial: which image tokens of `placeholder` (counted from 0) own no pixels, such as the
            newline tokens of some families; they are on no visual axis.
        frames: for a clip, the numbers of the frames that each step shows; empty for a
            picture.
        notes: what a reader must know, such as a video part that stands in for torchvision's.
    """

    tensors: Mapping[str, Any]
    placeholder: str
    geometries: tuple[Geometry, ...]
    size: tuple[int, int]
    non_spatial: tuple[int, ...] = ()
    frames: tuple[tuple[int, ...], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def geometry(self) -> Geometry:
        """The geometry of a picture."""
        (geometry,) = self.geometries
        return geometry

    @property
    def visual(self) -> int:
        """Number of visual tokens that own pixels."""
        return sum(geometry.visual for geometry in self.geometries)

    @property
    def spatial_mask(self) -> Tensor:
        """bool `[image token]`: which image tokens of the placeholder own pixels."""
        mask = torch.ones(self.visual + len(self.non_spatial), dtype=torch.bool)
        mask[list(self.non_spatial)] = False
        return mask

    @property
    def is_clip(self) -> bool:
        """Whether this is a clip."""
        return bool(self.frames)


#: A note for families whose real video processor needs torchvision.
RESIZED_BY_IMAGE_PROCESSOR = (
    "frames were resized by the image processor, in the video processor's place"
)


def single_frames(clip: Clip) -> tuple[tuple[int, ...], ...]:
    """`VisualInputs.frames` of a clip whose steps show one frame each."""
    return tuple((frame,) for frame in range(len(clip)))


class Family(ABC):
    """One family of multimodal LLMs: what it makes of pictures, and where its image tokens stand.

    A family is one file with one final class, found by its file name. It states facts and answers
    a few questions; whatever families share is a function. The questions with an answer here are
    those that most families answer alike.

    Class attributes:
        name: the registry name, such as `"qwen2-vl"`.
        model_types: values of `config.model_type` that it supports.
        checkpoints: hub ids that it supports.
        scaling: one sentence: how the model is shown the image at other scales.
        coverage: one sentence: which pixels it does not see, and what it sees twice.
        default_marker: what the chat template writes for an image, such as `"<|image_pad|>"`.
        clip_marker: what it writes for a video; empty for a family that takes none.
        clip_token_field: the config's field with the id of a clip's visual tokens; empty where
            that is the image token's.
        plain_format: the user's turn where a checkpoint brings no chat template; `{marker}` and
            `{prompt}` are filled in.
    """

    name: ClassVar[str]
    model_types: ClassVar[tuple[str, ...]]
    checkpoints: ClassVar[tuple[str, ...]]
    scaling: ClassVar[str]
    coverage: ClassVar[str]
    default_marker: ClassVar[str]
    clip_marker: ClassVar[str] = ""
    clip_token_field: ClassVar[str] = ""
    plain_format: ClassVar[str] = "{marker}\n{prompt}\n"

    def __init__(self, model: PreTrainedModel, processor: ProcessorParts) -> None:
        self.model, self.processor = model, processor

    @classmethod
    def supports(cls, config: Any) -> bool:
        """Whether this family supports a config of one of its `model_types`."""
        return True

    @property
    def image_token_id(self) -> int:
        """The id that stands in `input_ids` wherever a visual token of a picture goes."""
        return self.model.config.image_token_id

    @property
    def clip_token_id(self) -> int:
        """The id that stands in `input_ids` wherever a visual token of a clip goes."""
        field = self.clip_token_field
        return getattr(self.model.config, field) if field else self.image_token_id

    @abstractmethod
    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """Prepare an upright RGB picture at a scale; 1 is what the model's own processor does."""

    def template(self, clips: bool) -> str | None:
        """The chat template for a conversation with or without clips; None if there is none."""
        return self.processor.template

    def process_image_among(self, image: Image, scale: float, pictures: int) -> VisualInputs:
        """Prepare one of several pictures in a prompt, where that is not what `process_image` does.

        Args:
            image: an upright RGB picture.
            scale: as for `process_image`.
            pictures: how many pictures the prompt shows, clips not counted.
        """
        return self.process_image(image, scale)

    def process_video(self, clip: Clip, scale: float = 1.0) -> VisualInputs:
        """Prepare a clip at a scale; 1 is what the model's own video processor does.

        Raises:
            UnsupportedInputError: if the family takes no clips.
        """
        raise UnsupportedInputError(
            f"Expected pictures for {self.name}, got a clip of {len(clip)} frames: this family "
            "takes no video here. Hand the frames in as pictures, or choose another model."
        )

    @abstractmethod
    def visual_features(self, visual: VisualInputs) -> Tensor:
        """Float `[visual, hidden]`: the features that enter the language model, for the probe.

        In the order of the image tokens in the placeholder, those without pixels left out.
        """

    def collate(self, rows: Sequence[Sequence[VisualInputs]]) -> dict[str, Any]:
        """The vision part of one forward pass over several prompts with several pictures each.

        Args:
            rows: for each prompt of the batch, its pictures (and clips) in reading order.
        """
        return concatenate([visual.tensors for row in rows for visual in row])

    def token_types(self, ids: Tensor, prompt: int) -> dict[str, Tensor]:
        """Further inputs that go along with the ids, position by position.

        Args:
            ids: int64 `[batch, position]`, left-padded prompts and what was answered so far.
            prompt: how many positions the prompts take; an answer begins there.

        Returns:
            Such as `mm_token_type_ids` (0 text, 1 image, 2 video) where the model takes it.
        """
        if "mm_token_type_ids" not in inspect.signature(self.model.forward).parameters:
            return {}
        kinds = (ids == self.image_token_id).long()
        if self.clip_marker and self.clip_token_id != self.image_token_id:
            kinds = kinds + 2 * (ids == self.clip_token_id).long()
        return {"mm_token_type_ids": kinds}


def concatenate(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Chain the tensors of several pictures along their first axis; flags must be the same.

    Raises:
        GeometryError: if shapes differ beyond the first axis, or flags do.
    """
    joined: dict[str, Any] = {}
    for name in dict.fromkeys(name for part in parts for name in part):
        values = [part[name] for part in parts if name in part]
        if isinstance(values[0], Tensor):
            if len({value.shape[1:] for value in values}) > 1:
                raise GeometryError(
                    f"Expected {name} of one shape for all pictures, got "
                    f"{[list(value.shape) for value in values]}: this family's pictures must be "
                    "padded to one another."
                )
            joined[name] = torch.cat(values)
        elif any(value != values[0] for value in values):
            raise GeometryError(f"Expected one {name} for all pictures, got {values}.")
        else:
            joined[name] = values[0]
    return joined


def input_device(model: PreTrainedModel) -> torch.device:
    """Where the model's inputs go: for a model on disk, where its embeddings are worked out."""
    if model.device.type != "meta":
        return model.device
    hook = getattr(model.get_input_embeddings(), "_hf_hook", None)
    return torch.device(getattr(hook, "execution_device", None) or "cpu")


def on_device(tensors: Mapping[str, Any], model: PreTrainedModel) -> dict[str, Any]:
    """Put tensors where the model's inputs go; flags stay as they are."""
    device = input_device(model)
    return {
        name: value.to(device) if isinstance(value, Tensor) else value
        for name, value in tensors.items()
    }

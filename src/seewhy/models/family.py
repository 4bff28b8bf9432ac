"""The base class of model families: how they process pictures and where their tokens are."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from seewhy.core.boxes import BoxFormat
from seewhy.core.errors import GeometryError, UnsupportedInputError
from seewhy.core.geometry import Geometry
from seewhy.images.clips import Clip
from seewhy.models.processing import ProcessorParts
from seewhy.models.row_tensors import uniform_tensors_of_row

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel

    from seewhy.models.medium_settings import Resize


@dataclass(frozen=True, eq=False)
class VisualInputs:
    """The visual inputs of one picture or one clip at one scale.

    Attributes:
        tensors: the vision part of the forward pass (`pixel_values`, `image_grid_thw`, ...), as
            for a prompt with this picture alone, and flags such as `interpolate_pos_encoding`.
        placeholder: the text that replaces the picture's one marker in the rendered chat template,
            fully expanded: as many image tokens as the model expects, and any separators.
        geometries: boxes of the visual tokens in the original's pixels: one geometry for a
            picture, one for each step of a clip. Their visual axes, one after the other, follow
            the order of the image tokens in `placeholder`.
        size: width and height in pixels of the model's input, without padding; for tiles, of the
            tiled canvas.
        non_spatial: which image tokens of `placeholder` (counted from 0) own no pixels, such as the
            newline tokens of some families; they are on no visual axis.
        frames: for a clip, the numbers of the frames in each step; empty for a picture.
        notes: remarks for the reader, such as a replacement for torchvision's video processor.
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
    """`VisualInputs.frames` of a clip with one frame in each step."""
    return tuple((frame,) for frame in range(len(clip)))


def minutes_and_seconds(seconds: float) -> str:
    """A frame's time as video prompts write it.

    Example:
        >>> minutes_and_seconds(75.6)
        '01:15'
    """
    return f"{int(seconds // 60):02d}:{int(seconds % 60):02d}"


class Family(ABC):
    """One family of multimodal LLMs: how it processes pictures, and where their tokens are.

    A family is one file with one final class, found by its file name. Class attributes hold its
    facts; what families share is a function. Methods that are the same in most families are
    implemented here.

    Class attributes:
        name: the registry name, such as `"qwen2-vl"`.
        model_types: values of `config.model_type` that it supports.
        checkpoints: hub ids that it supports.
        scaling: one sentence: how the image is processed at other scales.
        coverage: one sentence: which pixels the model does not see, and which it sees twice.
        default_marker: the chat template's text for an image, such as `"<|image_pad|>"`.
        clip_marker: its text for a video; empty for a family without video.
        clip_token_field: the config's field with the id of a clip's visual tokens; empty if they
            have the image token's id.
        plain_format: the user's turn for a checkpoint without a chat template; `{marker}` and
            `{prompt}` are filled in.
        causal_prompt: whether text of the prompt sees earlier positions only, and visual tokens no
            later text: then their states do not depend on a question after the picture.
        usual_settings: settings of the image processor that transformers' own processor of the
            family changes.
        part_settings: names of settings of a message part that resize its picture before the
            processor; empty for a family without them.
        needs_template: whether its checkpoints have a chat template, so that one without lacks it.
        box_format: how its models write boxes and points, and what the numbers count; by default
            nothing is documented. Sources: docs/boxes.md.
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
    causal_prompt: ClassVar[bool] = True
    usual_settings: ClassVar[Mapping[str, Any]] = {}
    part_settings: ClassVar[tuple[str, ...]] = ()
    needs_template: ClassVar[bool] = True
    box_format: ClassVar[BoxFormat] = BoxFormat(None, ())

    def __init__(self, model: PreTrainedModel, processor: ProcessorParts) -> None:
        self.model, self.processor = model, processor

    @classmethod
    def supports(cls, config: Any) -> bool:
        """Whether this family supports a config of one of its `model_types`."""
        return True

    @property
    def image_token_id(self) -> int:
        """The id of a picture's visual tokens in `input_ids`."""
        return self.model.config.image_token_id

    @property
    def clip_token_id(self) -> int:
        """The id of a clip's visual tokens in `input_ids`."""
        field = self.clip_token_field
        return getattr(self.model.config, field) if field else self.image_token_id

    def visual_token_id(self, visual: VisualInputs) -> int:
        """The id of the visual tokens of a picture or a clip."""
        return self.clip_token_id if visual.is_clip else self.image_token_id

    @abstractmethod
    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """Prepare an upright RGB picture; at scale 1 exactly as the model's own processor does."""

    def template(self, clips: bool) -> str | None:
        """The chat template for a conversation with or without clips; None if there is none."""
        return self.processor.template

    def process_image_among(self, image: Image, scale: float, pictures: int) -> VisualInputs:
        """Prepare one of several pictures in a prompt, if that differs from `process_image`.

        Args:
            image: an upright RGB picture.
            scale: as for `process_image`.
            pictures: number of pictures in the prompt, without clips.
        """
        return self.process_image(image, scale)

    def process_video(self, clip: Clip, scale: float = 1.0) -> VisualInputs:
        """Prepare a clip; at scale 1 exactly as the model's own video processor does.

        Raises:
            UnsupportedInputError: if the family has no video input.
        """
        raise UnsupportedInputError(
            f"Expected pictures for {self.name}, got a clip of {len(clip)} frames: this family "
            "takes no video here. Pass the frames as pictures, or choose another model."
        )

    def model_size(self, size: tuple[int, int], scale: float, pictures: int) -> tuple[int, int]:
        """`VisualInputs.size` of a picture of this width and height, without its pixels.

        Args:
            size: width and height of the picture.
            scale: as for `process_image`.
            pictures: number of pictures in the prompt, without clips.
        """
        from PIL import Image

        return self.process_image_among(Image.new("RGB", size), scale, pictures).size

    def resize_of_part(self, medium: Image | Clip, part: Mapping[str, Any]) -> Resize:
        """The resize before the processor that settings of a message part ask for.

        Args:
            medium: the picture or clip.
            part: settings of `part_settings`, at least one.
        """
        raise NotImplementedError(f"{self.name} has no part_settings")

    def size_within(self, size: tuple[int, int], limits: tuple[int, int] | None) -> tuple[int, int]:
        """The size of such a resize at another scale: width and height.

        Args:
            size: width and height that were aimed at.
            limits: least and largest number of pixels, or None.
        """
        return size

    def tensors_of_row(self, tensors: Mapping[str, Any], ids: Tensor, row: int) -> dict[str, Any]:
        """The visual inputs of one prompt among those of a call with several.

        Args:
            tensors: the visual inputs of the call.
            ids: int64 `[row, position]`, all prompts of the call.
            row: which prompt.

        Raises:
            GeometryError: if pictures and prompts do not fit each other.
        """
        return uniform_tensors_of_row(self, tensors, ids, row)

    @abstractmethod
    def visual_features(self, visual: VisualInputs) -> Tensor:
        """Float `[visual, hidden]`: the features that enter the language model.

        In the order of the image tokens in the placeholder, without those that own no pixels.
        """

    def collate(self, rows: Sequence[Sequence[VisualInputs]]) -> dict[str, Any]:
        """The visual inputs of one forward pass over several prompts with several pictures each.

        Args:
            rows: for each prompt of the batch, its pictures (and clips) in reading order.
        """
        return concatenate([visual.tensors for row in rows for visual in row])

    def token_types(self, ids: Tensor, prompt: int) -> dict[str, Tensor]:
        """Further inputs with one value for each position.

        Args:
            ids: int64 `[batch, position]`, left-padded prompts and the answers so far.
            prompt: number of positions of the prompts; the answers begin there.

        Returns:
            For example `mm_token_type_ids` (0 text, 1 image, 2 video) if the model takes it.
        """
        if "mm_token_type_ids" not in inspect.signature(self.model.forward).parameters:
            return {}
        types = (ids == self.image_token_id).long()
        if self.clip_marker and self.clip_token_id != self.image_token_id:
            types = types + 2 * (ids == self.clip_token_id).long()
        return {"mm_token_type_ids": types}


def concatenate(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Concatenate the tensors of several pictures along axis 0; flags must be equal.

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
            joined[name] = values[0] if len(values) == 1 else torch.cat(values)
        elif any(value != values[0] for value in values):
            raise GeometryError(f"Expected one {name} for all pictures, got {values}.")
        else:
            joined[name] = values[0]
    return joined


def input_device(model: PreTrainedModel) -> torch.device:
    """The device of the model's inputs; for a model on disk, where its embeddings are computed."""
    if model.device.type != "meta":
        return model.device
    hook = getattr(model.get_input_embeddings(), "_hf_hook", None)
    return torch.device(getattr(hook, "execution_device", None) or "cpu")


def on_device(tensors: Mapping[str, Any], model: PreTrainedModel) -> dict[str, Any]:
    """Move tensors to the device of the model's inputs; flags are not changed."""
    device = input_device(model)
    return {
        name: value.to(device) if isinstance(value, Tensor) else value
        for name, value in tensors.items()
    }

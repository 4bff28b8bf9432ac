"""Models without an adapter: the pixels of each token are found by experiment."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image as Pictures
from torch import Tensor

from seewhy.core.errors import GeometryError, UnsupportedModelError
from seewhy.core.geometry import Geometry
from seewhy.models.chat_template import adds_special_tokens, tokenize
from seewhy.models.family import Family, VisualInputs
from seewhy.models.input_embeddings import (
    configured_image_token,
    input_embeddings,
    language_model_of,
    vision_attentions,
    zeroed_outputs,
)
from seewhy.models.probing import ProbeResult, noise, probe_grids

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel

    from seewhy.models.processing import ProcessorParts

#: A processor's outputs for the text; the others are visual inputs.
TEXT_INPUTS = ("input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids")

#: Width and height of a picture for tests of the processor.
SMALL = (96, 64)


class Probed(Family):
    """Any image-text-to-text model of transformers, or one with the same interface.

    Stripes are painted over a noisy picture; the change of each image token's input to the language
    model shows which pixels it owns. The vision tower's attention is set to zero for this, so that
    a token depends only on its own patch. Then single blocks are painted: the confidence is the
    share of blocks that the right token finds. Boxes depend only on a picture's size and the scale,
    so each pair is probed once. Inputs to later layers (DeepStack) are not measured.
    """

    name = "probed"
    model_types = ()
    checkpoints = ()
    scaling = (
        "resized picture: it is resized to scale times its size before the model's own processor; "
        "where that fixes the size, all scales are one"
    )
    coverage = "found by experiment: pixels that no token responds to belong to no box"
    default_marker = "<image>"

    #: A model with a lower confidence is refused.
    threshold = 0.9
    #: Stripes painted along each side, at most.
    stripes = 96
    #: Blocks painted into each grid, to measure the confidence.
    blocks = 20

    def __init__(self, model: PreTrainedModel, processor: ProcessorParts) -> None:
        super().__init__(model, processor)
        if processor.original is None:
            raise UnsupportedModelError(
                f"Expected the whole processor of {type(model).__name__}, got only its parts, "
                "which cannot expand an image's placeholder: pass the result of "
                "AutoProcessor.from_pretrained."
            )
        language_model_of(model)  # raises if there is none
        self.passes = 0
        self._results: dict[tuple[tuple[int, int], float], ProbeResult] = {}
        self._text = self._rendered_turn()
        # In other families the marker is a class attribute; here it depends on the model.
        self._before, self._after, self.default_marker = self._find_marker()  # pyright: ignore

    @cached_property
    def image_token_id(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The most frequent id where the language model's input depends on the picture."""
        ids, vision = self._process(noise(SMALL, 0), 1.0)
        _, other_vision = self._process(noise(SMALL, 1), 1.0)
        changed = (self._embeddings(ids, vision) != self._embeddings(ids, other_vision)).any(-1)
        if not bool(changed.any()):
            decoder = type(language_model_of(self.model)).__name__
            raise UnsupportedModelError(
                f"Expected a picture to change the input of {decoder}, got "
                f"{len(ids)} embeddings without a change: pictures enter this language model in "
                "another way (such as cross-attention), write an adapter for it."
            )
        return int(torch.tensor(ids)[changed].mode().values)

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """Prepare an upright RGB picture; at scale 1 exactly as the model's own processor does.

        Raises:
            UnsupportedModelError: if the tokens' boxes cannot be found with confidence.
        """
        ids, vision = self._process(image, scale)
        result = self.probe(image.size, scale)
        geometry = Geometry(image.size, result.grids)
        count = geometry.visual + len(result.non_spatial)
        if ids.count(self.image_token_id) != count:
            raise GeometryError(
                f"Expected {count} image tokens for a picture of {image.width} x {image.height} at "
                f"scale {scale}, as probed, got {ids.count(self.image_token_id)}: this processor "
                "depends on more than a picture's size, write an adapter."
            )
        return VisualInputs(
            tensors=vision,
            placeholder=self._placeholder(ids),
            geometries=(geometry,),
            size=model_size(vision, geometry),
            non_spatial=result.non_spatial,
            notes=(self._note(result),),
        )

    def _note(self, result: ProbeResult) -> str:
        silenced = "" if result.silenced else ", without silencing the vision side's attention"
        return (
            f"{type(self.model).__name__} has no adapter: the boxes of its tokens were found by "
            f"experiment{silenced}; the right token found {result.confidence:.0%} of painted "
            "blocks."
        )

    def visual_features(self, visual: VisualInputs) -> Tensor:
        """Float `[visual, hidden]`: the language model's input at the image tokens."""
        features = self._features(self._encode(self._with(visual.placeholder)), visual.tensors)
        return features[visual.spatial_mask.to(features.device)]

    def probe(self, size: tuple[int, int], scale: float = 1.0) -> ProbeResult:
        """Find the boxes of pictures of a size (width, height). Cached.

        Raises:
            UnsupportedModelError: if the confidence is below `threshold`.
        """
        if (size, scale) not in self._results:
            self._results[size, scale] = self._experiment(size, scale)
        result = self._results[size, scale]
        if result.confidence < self.threshold:
            raise UnsupportedModelError(
                f"Expected a confidence of {self.threshold:.0%} or more in the boxes of "
                f"{type(self.model).__name__}, got {result.confidence:.0%} (picture of {size[0]} x "
                f"{size[1]}, scale {scale}): its tokens seem to own no boxes of pixels, as behind "
                "a resampler or Q-former; choose another model, or write an adapter."
            )
        return result

    def _experiment(self, size: tuple[int, int], scale: float) -> ProbeResult:
        """Probe with the vision tower's attention set to zero; if that fails, with attention."""
        passes, results = self.passes, []
        _ = self.image_token_id  # found while no attention is silenced
        attentions = vision_attentions(self.model)
        for silenced in (True, False) if attentions else (False,):
            with zeroed_outputs(self.model, attentions if silenced else []):
                result = probe_grids(
                    lambda picture: self._features(*self._process(picture, scale)),
                    size,
                    self.stripes,
                    self.blocks,
                )
            results.append(replace(result, silenced=silenced))
            if result.confidence >= self.threshold:
                break
        best = max(results, key=lambda result: result.confidence)
        return replace(best, passes=self.passes - passes)

    def _features(self, ids: Sequence[int], vision: Any) -> Tensor:
        """Float32 `[image token, hidden]`: the language model's input at the image tokens."""
        embeddings = self._embeddings(ids, vision)
        return embeddings[(torch.tensor(ids) == self.image_token_id).to(embeddings.device)]

    def _embeddings(self, ids: Sequence[int], vision: Any) -> Tensor:
        """Float32 `[position, hidden]`: the language model's input."""
        self.passes += 1
        input_ids = torch.tensor([ids])
        tensors = {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids)}
        if "mm_token_type_ids" in self._accepted:
            # `image_token_id` may not be known yet. Types change only positions, not embeddings.
            token = self.__dict__.get("image_token_id", configured_image_token(self.model.config))
            tensors["mm_token_type_ids"] = (input_ids == token).long()
        return input_embeddings(self.model, {**tensors, **vision})

    @property
    def _accepted(self) -> set[str]:
        """Names of the arguments of the model's forward pass."""
        return set(inspect.signature(self.model.forward).parameters)

    def _process(self, picture: Image, scale: float) -> tuple[list[int], dict[str, Any]]:
        """Ids and visual inputs from the model's own processor."""
        if scale != 1:
            width, height = (max(1, round(side * scale)) for side in picture.size)
            picture = picture.resize((width, height), Pictures.Resampling.BICUBIC)
        processed = self.processor.original(
            images=[picture],
            text=[self._text],
            return_tensors="pt",
            add_special_tokens=adds_special_tokens(self.processor.tokenizer, self._text),
        )
        accepted, types = self._accepted, torch.as_tensor(processed.get("token_type_ids", 0))
        if "token_type_ids" in accepted and bool(types.any()):
            raise UnsupportedModelError(
                f"Expected tokens that are all of one type, got {type(self.model).__name__} with "
                "token_type_ids: their meaning cannot be probed, write an adapter."
            )
        vision = {
            name: self._in_model_dtype(processed[name])
            for name in processed
            if name not in TEXT_INPUTS and name in accepted
        }
        return torch.as_tensor(processed["input_ids"])[0].tolist(), vision

    def _in_model_dtype(self, value: Any) -> Any:
        """Half precision converted to the model's dtype: some processors (Llama 4's) ignore it."""
        is_half = isinstance(value, Tensor) and value.dtype in (torch.bfloat16, torch.float16)
        return value.to(self.model.dtype) if is_half else value

    def _rendered_turn(self) -> str:
        """A user's turn with an image, in the chat template or in the plain format."""
        processor, words = self.processor, "What is this?"
        if processor.template is None:
            marker = getattr(processor.original, "image_token", None) or self.default_marker
            return self.plain_format.format(marker=marker, prompt=words)
        content = [{"type": "image"}, {"type": "text", "text": words}]
        return processor.tokenizer.apply_chat_template(
            [{"role": "user", "content": content}],
            chat_template=processor.template,
            add_generation_prompt=True,
            tokenize=False,
        )

    def _find_marker(self) -> tuple[int, int, str]:
        """The number of ids before and after the image's marker, and the marker.

        The marker is the text that the processor replaces: where its ids differ from the
        tokenizer's.
        """
        tokens = tokenize(self.processor.tokenizer, self._text)
        plain, spans = tokens["input_ids"][0].tolist(), tokens["offset_mapping"][0].tolist()
        ids, _ = self._process(noise(SMALL, 0), 1.0)
        if len(ids) <= len(plain):
            raise UnsupportedModelError(
                f"Expected {type(self.processor.original).__name__} to replace an image's marker "
                f"with its tokens, got {len(ids)} ids from {len(plain)}: write an adapter."
            )
        before = shared_start(plain, ids)
        after = shared_start(plain[before:][::-1], ids[before:][::-1])
        if before + after == len(plain):  # the marker is the image token
            before -= 1
        begin, end = spans[before][0], spans[len(plain) - after - 1][1]
        return before, after, self._text[begin:end]

    def _placeholder(self, ids: list[int]) -> str:
        """The text with which the processor replaces the marker.

        Raises:
            UnsupportedModelError: if tokenising it again gives other ids.
        """
        middle = ids[self._before : len(ids) - self._after]
        placeholder = spelled_out(middle, self.processor.tokenizer)
        if self._encode(self._with(placeholder)) != ids:
            raise UnsupportedModelError(
                f"Expected the ids of {type(self.processor.original).__name__} to be those of a "
                f"text, got {middle[:8]}..., decoded as {placeholder[:80]!r}, which is tokenised "
                "in another way: write an adapter."
            )
        return placeholder

    def _with(self, placeholder: str) -> str:
        """The turn with a placeholder instead of the marker."""
        return self._text.replace(self.default_marker, placeholder, 1)

    def _encode(self, text: str) -> list[int]:
        return tokenize(self.processor.tokenizer, text)["input_ids"][0].tolist()


def model_size(vision: dict[str, Any], geometry: Geometry) -> tuple[int, int]:
    """Width and height in pixels of the model's input, from its mean number of pixels per cell."""
    numbers = sum(v.numel() for n, v in vision.items() if n.startswith("pixel_values"))
    side = max(1, round((numbers / 3 / geometry.visual) ** 0.5))
    rows, columns = geometry.base_grid.shape
    return columns * side, rows * side


def spelled_out(ids: Sequence[int], tokenizer: Any) -> str:
    """The text of ids, with added tokens (also special ones) written out."""
    added = tokenizer.added_tokens_decoder
    runs = groupby(ids, lambda token: token in added)
    return "".join(
        "".join(added[token].content for token in run) if is_added else tokenizer.decode(list(run))
        for is_added, run in runs
    )


def shared_start(first: Sequence[int], second: Sequence[int]) -> int:
    """The number of equal entries at the start of two sequences.

    Example:
        >>> shared_start([1, 2, 3], [1, 2, 4, 3])
        2
    """
    pairs = enumerate(zip(first, second, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(first), len(second)))

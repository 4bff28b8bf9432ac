"""Models without an adapter: which pixels a token owns is found by experiment."""

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

#: What a processor returns for the text; the rest is the vision part.
TEXT_INPUTS = ("input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids")

#: Width and height of a picture that is processed to learn of the processor alone.
SMALL = (96, 64)


class Probed(Family):
    """Any image-text-to-text model of transformers, or one that works alike, by experiment.

    Stripes are painted over a noisy picture and each image token's response, on its way into the
    language model, says where it looks; the vision side's attention is silenced meanwhile, so that
    a token shows its own patch and no other's. Then single blocks are painted: the share of them
    that the right token finds is the confidence. Boxes depend on a picture's size and the scale
    alone, so each pair is probed once. What enters later layers (DeepStack) goes unnoticed.
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

    #: Below this confidence a model is refused.
    threshold = 0.9
    #: Stripes painted along each side, at most.
    stripes = 96
    #: Blocks painted into each grid, to see how sure the boxes are.
    blocks = 20

    def __init__(self, model: PreTrainedModel, processor: ProcessorParts) -> None:
        super().__init__(model, processor)
        if processor.original is None:
            raise UnsupportedModelError(
                f"Expected the whole processor of {type(model).__name__}, got its parts alone: "
                "only the processor knows how to expand an image's placeholder. Hand in what "
                "AutoProcessor.from_pretrained returns."
            )
        language_model_of(model)  # raises if there is none
        self.passes = 0
        self._results: dict[tuple[tuple[int, int], float], ProbeResult] = {}
        self._text = self._rendered_turn()
        # What another family knows of all its checkpoints is found for this one model.
        self._before, self._after, self.default_marker = self._find_marker()  # pyright: ignore

    @cached_property
    def image_token_id(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The commonest id where the language model's input changes along with the picture."""
        ids, vision = self._process(noise(SMALL, 0), 1.0)
        _, other = self._process(noise(SMALL, 1), 1.0)
        changed = (self._embeddings(ids, vision) != self._embeddings(ids, other)).any(-1)
        if not bool(changed.any()):
            decoder = type(language_model_of(self.model)).__name__
            raise UnsupportedModelError(
                f"Expected a picture to change the input of {decoder}, got "
                f"{len(ids)} embeddings that stay as they are: this model shows its language model "
                "pictures by another way (such as cross-attention), write an adapter for it."
            )
        return int(torch.tensor(ids)[changed].mode().values)

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """Prepare an upright RGB picture at a scale; 1 is what the model's own processor does.

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
                "depends on more than a picture's size."
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
        """Float `[visual, hidden]`: what enters the language model at the image tokens."""
        features = self._features(self._encode(self._with(visual.placeholder)), visual.tensors)
        return features[visual.spatial_mask.to(features.device)]

    def probe(self, size: tuple[int, int], scale: float = 1.0) -> ProbeResult:
        """Find the boxes of pictures of a size (width, height) once.

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
        """Probe with the vision side's attention silenced; as it is where that hides all."""
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
        """Float32 `[position, hidden]`: what enters the language model."""
        self.passes += 1
        given = torch.tensor([ids])
        tensors = {"input_ids": given, "attention_mask": torch.ones_like(given)}
        if "mm_token_type_ids" in self._accepted:
            # Only positions depend on the kinds, and the language model never runs.
            known = self.__dict__.get("image_token_id", configured_image_token(self.model.config))
            tensors["mm_token_type_ids"] = (given == known).long()
        return input_embeddings(self.model, {**tensors, **vision})

    @property
    def _accepted(self) -> set[str]:
        """Names of what the model's forward pass takes."""
        return set(inspect.signature(self.model.forward).parameters)

    def _process(self, picture: Image, scale: float) -> tuple[list[int], dict[str, Any]]:
        """Ids and vision part by the model's own processor."""
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
                "token_type_ids: what they mean cannot be probed, write an adapter."
            )
        vision = {
            name: self._in_model_dtype(processed[name])
            for name in processed
            if name not in TEXT_INPUTS and name in accepted
        }
        return torch.as_tensor(processed["input_ids"])[0].tolist(), vision

    def _in_model_dtype(self, value: Any) -> Any:
        """Half precision as the model's: some processors (Llama 4's) give it whatever that is."""
        is_half = isinstance(value, Tensor) and value.dtype in (torch.bfloat16, torch.float16)
        return value.to(self.model.dtype) if is_half else value

    def _rendered_turn(self) -> str:
        """A user's turn with an image in it, as the template writes it, or the plain format."""
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
        """How many ids stand before and behind the image's marker, and the marker.

        The marker is what the processor replaces: where its ids part from the tokenizer's.
        """
        tokens = tokenize(self.processor.tokenizer, self._text)
        plain, spans = tokens["input_ids"][0].tolist(), tokens["offset_mapping"][0].tolist()
        ids, _ = self._process(noise(SMALL, 0), 1.0)
        if len(ids) <= len(plain):
            raise UnsupportedModelError(
                f"Expected {type(self.processor.original).__name__} to replace an image's marker "
                f"by its tokens, got {len(ids)} ids from {len(plain)}: write an adapter."
            )
        before = shared_start(plain, ids)
        after = shared_start(plain[before:][::-1], ids[before:][::-1])
        if before + after == len(plain):  # the marker is the image token itself
            before -= 1
        begin, end = spans[before][0], spans[len(plain) - after - 1][1]
        return before, after, self._text[begin:end]

    def _placeholder(self, ids: list[int]) -> str:
        """The text by which the processor replaces the marker.

        Raises:
            UnsupportedModelError: if it comes out as other ids when it is tokenised again.
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
        """The turn with a placeholder in the marker's place."""
        return self._text.replace(self.default_marker, placeholder, 1)

    def _encode(self, text: str) -> list[int]:
        return tokenize(self.processor.tokenizer, text)["input_ids"][0].tolist()


def model_size(vision: dict[str, Any], geometry: Geometry) -> tuple[int, int]:
    """Width and height in pixels that the model sees: cells of the mean area of all its pixels."""
    numbers = sum(v.numel() for n, v in vision.items() if n.startswith("pixel_values"))
    side = max(1, round((numbers / 3 / geometry.visual) ** 0.5))
    rows, columns = geometry.base_grid.shape
    return columns * side, rows * side


def spelled_out(ids: Sequence[int], tokenizer: Any) -> str:
    """The text of ids, added tokens (special ones among them) as they are written."""
    added = tokenizer.added_tokens_decoder
    runs = groupby(ids, lambda token: token in added)
    return "".join(
        "".join(added[token].content for token in run) if is_added else tokenizer.decode(list(run))
        for is_added, run in runs
    )


def shared_start(one: Sequence[int], other: Sequence[int]) -> int:
    """How many entries two sequences begin with alike.

    Example:
        >>> shared_start([1, 2, 3], [1, 2, 4, 3])
        2
    """
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))

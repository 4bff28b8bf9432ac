"""Rebuild a model's inputs from a recorded call of `generate`.

The prompt's ids are kept. Only the image tokens are replaced, for another scale or other pictures.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seewhy.core.errors import AnswerError, GeometryError, ParameterError
from seewhy.core.trace import Inputs, PromptSpan
from seewhy.images.clips import Clip
from seewhy.models.answer_ids import without_end
from seewhy.models.capture import GenerateCall, PreprocessCall
from seewhy.models.family import Family, VisualInputs, on_device
from seewhy.models.inputs import all_views, process_media
from seewhy.models.loading import Loaded
from seewhy.models.prompt_words import words_of_prompt

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, eq=False)
class CapturedPrompt:
    """The prompt of one sequence of a recorded call: a source of a session's inputs.

    Attributes:
        ids: int64 `[position]`, the prompt's ids without padding.
        spans: begin and end of each picture's image tokens in them.
        positions: int64 `[prompt]`, positions of the tokens of the user's words.
        text: the user's words.
        offsets: `(start, end)` of each of these tokens in `text`.
        media: the pictures and clips, in order.
        tensors: the visual inputs of the call; empty with other pictures, or if the call's batch
            had several prompts.
    """

    ids: Tensor
    spans: tuple[tuple[int, int], ...]
    positions: Tensor
    text: str
    offsets: tuple[tuple[int, int], ...]
    media: tuple[Image | Clip, ...]
    tensors: Mapping[str, Any]

    def with_media(self, media: Sequence[Image | Clip]) -> CapturedPrompt:
        """The same prompt with other pictures."""
        return replace(self, media=tuple(media), tensors={})

    def inputs(self, loaded: Loaded, scale: float = 1.0) -> Inputs:
        """The model's inputs at a scale; at 1 the pixels are exactly those of the call.

        Raises:
            GeometryError: if the pixels of the call are not those of the pictures and settings.
        """
        family, visuals = loaded.family, process_media(loaded.family, self.media, scale)
        ids, placeholders = _with_placeholders(family, self.ids, self.spans, visuals)
        shift = torch.zeros(len(self.ids), dtype=torch.long)
        for (_, end), (_, after) in zip(self.spans, placeholders, strict=True):
            shift[end:] = after - end
        aligned = {
            "input_ids": ids[None],
            "attention_mask": torch.ones_like(ids)[None],
            **family.token_types(ids[None], len(ids)),
        }
        vision = family.collate([visuals])
        if scale == 1:
            vision |= self._recorded_tensors(vision, visuals)
        return Inputs(
            tensors=on_device({**aligned, **vision}, loaded.model),
            views=all_views(self.media, visuals),
            visual_positions=torch.cat(
                [
                    _visual_positions(family, ids, span, visual)
                    for span, visual in zip(placeholders, visuals, strict=True)
                ]
            ),
            prompt_positions=self.positions + shift[self.positions],
            prompt=self.text,
            prompt_spans=self.offsets,
            turns=(PromptSpan("user", 0, len(self.text)),) if self.text else (),
            scale=scale,
            media=tuple(visuals),
        )

    def _recorded_tensors(
        self, vision: Mapping[str, Any], visuals: Sequence[VisualInputs]
    ) -> dict[str, Any]:
        recorded = {name: self.tensors[name] for name in vision if name in self.tensors}
        # Clips are not compared: their frames may be resized in another way than in the call.
        if any(visual.is_clip for visual in visuals):
            return recorded
        for name, values in recorded.items():
            if not same_values(values, expected := vision[name]):
                raise GeometryError(
                    f"Expected {name} of the given pictures ({_described(expected)}), got others "
                    f"in the call of generate ({_described(values)}): the model was shown another "
                    "picture, or the picture was processed in another way. Pass the pictures of "
                    "the prompt, and call the processor within the block, so that its settings "
                    "are known."
                )
        return recorded


def prompt_of(
    loaded: Loaded,
    call: GenerateCall,
    sequence: int,
    media: Sequence[Image | Clip],
    *,
    text: str | None = None,
) -> tuple[CapturedPrompt, tuple[int, ...]]:
    """The prompt of one sequence of a call, and the ids of its answer.

    Args:
        loaded: the model; its image processor has the settings of the call.
        call: the call.
        sequence: which of its sequences.
        media: the pictures and clips of that sequence's prompt, in order.
        text: the user's words if they are known; if None, all text of the prompt that the
            checkpoint's chat template does not add.

    Raises:
        ParameterError: if there is no such sequence, or the call had no `input_ids`.
        AnswerError: if the sequence has no answer.
        GeometryError: if the pictures are not those of the prompt.
        PromptError: if `text` is not in the prompt.
    """
    row = row_of(call, sequence)
    prompts = call.tensors["input_ids"]
    answer = without_end(call.sequences[sequence, prompts.shape[1] :].tolist(), loaded)
    if not answer:
        raise AnswerError(
            f"Expected a sequence with an answer in it, got number {sequence}, which ends "
            "with its prompt: choose another sequence, or generate more tokens."
        )
    mask = call.tensors.get("attention_mask", torch.ones_like(prompts))[row]
    ids = prompts[row][mask.bool()].cpu()
    spans = placeholder_spans(loaded.family, ids, process_media(loaded.family, media, 1.0))
    positions, words, offsets = words_of_prompt(loaded, ids, spans, text)
    prompt = CapturedPrompt(
        ids=ids,
        spans=tuple(spans),
        positions=positions,
        text=words,
        offsets=tuple(offsets),
        media=tuple(media),
        tensors=call.tensors if len(prompts) == 1 else {},
    )
    return prompt, tuple(answer)


def ends(loaded: Loaded, call: GenerateCall, sequence: int) -> bool:
    """Whether a sequence ends with an end token or padding, so that its answer was not cut off."""
    ids = call.sequences[sequence].tolist()
    return len(without_end(ids, loaded)) < len(ids)


def row_of(call: GenerateCall, sequence: int) -> int:
    """Which prompt of the batch a sequence belongs to.

    Raises:
        ParameterError: if there is no such sequence, or the call had no `input_ids`.
    """
    if "input_ids" not in call.tensors:
        raise ParameterError(
            "Expected a call of generate with input_ids, got one without (it may have had "
            "embeddings): the words before the answer are not known; pass input_ids."
        )
    count = len(call.sequences)
    if not -count <= sequence < count:
        raise ParameterError(f"Expected a sequence from 0 to {count - 1}, got {sequence}.")
    return sequence % count // call.sequences_per_prompt


def preprocess_calls_of(
    call: GenerateCall, preprocessed: Sequence[PreprocessCall]
) -> list[PreprocessCall]:
    """The calls of `preprocess` that made the pixels of a call of `generate`.

    The latest one with the same pixels. All of them if there is none: pixels may have been changed
    or joined in between.
    """
    pixels = call.tensors.get("pixel_values")
    for candidate in reversed(preprocessed):
        made = candidate.pixels
        if pixels is not None and made is not None and same_values(pixels, made):
            return [candidate]
    return list(preprocessed)


def same_values(values: Tensor, expected: Tensor) -> bool:
    """Whether tensors are equal up to rounding in the dtype of `values`."""
    if values.shape != expected.shape:
        return False
    if not values.is_floating_point():
        return bool(torch.equal(values.cpu(), expected.cpu().to(values.dtype)))
    values, precision = values.detach().cpu(), torch.finfo(values.dtype).eps
    expected = expected.detach().cpu().to(torch.promote_types(expected.dtype, torch.float32))
    bound = max(1e-5, 2 * precision) * max(1.0, float(expected.abs().max()))
    return float((values.to(expected) - expected).abs().max()) <= bound


def _described(values: Tensor) -> str:
    if not values.is_floating_point():
        return f"{list(values.shape)}: {values.flatten()[:8].tolist()}"
    return f"shape {list(values.shape)}, mean {float(values.float().mean()):.4g}"


def with_settings(loaded: Loaded, settings: Mapping[str, Any]) -> Loaded:
    """The model with the settings of a call of the user's in its image processor.

    Args:
        loaded: the model.
        settings: keyword arguments of `preprocess`; those that the processor does not have are
            left out.
    """
    processor = loaded.processor
    names = getattr(processor.image_processor, "_valid_kwargs_names", settings)
    valid = {name: value for name, value in settings.items() if name in names}
    if not valid:
        return loaded
    original = copy.copy(processor.image_processor)
    vars(original).pop("preprocess", None)  # it may be patched to record the user's calls
    image_processor = type(original).from_dict(original.to_dict(), **valid)
    parts = replace(processor, image_processor=image_processor, call_settings=valid)
    return replace(loaded, processor=parts, family=type(loaded.family)(loaded.model, parts))


def flat_images(pictures: Any) -> Iterator[Any]:
    """Single pictures from an image processor's input: a picture, a list, or a list of lists."""
    if isinstance(pictures, list | tuple):
        for picture in pictures:
            yield from flat_images(picture)
    else:
        yield pictures


def without_exif(picture: Any) -> Any:
    """A Pillow image without EXIF tags: image processors do not apply the tag for rotation."""
    from PIL.Image import Image as Pillow

    if not isinstance(picture, Pillow):
        return picture
    copied = picture.copy()
    copied.info.pop("exif", None)
    copied.getexif().clear()
    return copied


def images_of_row(
    family: Family, call: GenerateCall, row: int, images: Sequence[Image | Clip]
) -> list[Image | Clip]:
    """The pictures of one prompt of a batch, among those of the whole batch.

    In order, each prompt takes as many pictures as its image tokens need.
    """
    remaining = list(images)
    for index, ids in enumerate(call.tensors["input_ids"].tolist()):
        tokens = sum(token in _image_ids(family) for token in ids)
        count = _count_with_tokens(family, remaining, tokens)
        pictures, remaining = remaining[:count], remaining[count:]
        if index == row:
            return pictures
    return []


def _count_with_tokens(family: Family, images: Sequence[Image | Clip], tokens: int) -> int:
    """How many of the first pictures have at least so many image tokens together."""
    for count in range(len(images) + 1):
        visuals = process_media(family, images[:count], 1.0)
        if sum(visual.visual + len(visual.non_spatial) for visual in visuals) >= tokens:
            return count
    return len(images)


def placeholder_spans(
    family: Family, ids: Tensor, visuals: Sequence[VisualInputs]
) -> list[tuple[int, int]]:
    """The positions of each picture's placeholder in a prompt: begin and end.

    Raises:
        GeometryError: if one is not found, or image tokens are left over.
    """
    spans, cursor, prompt, image_ids = [], 0, ids.tolist(), _image_ids(family)
    for number, visual in enumerate(visuals):
        placeholder = _placeholder(family, visual)
        begin = _find(prompt, placeholder, cursor)
        if begin is None:
            width, height = visual.geometries[0].size
            count = sum(token in image_ids for token in prompt[cursor:])
            raise GeometryError(
                f"Expected the {visual.visual + len(visual.non_spatial)} image tokens of picture "
                f"{number} ({width} x {height} pixels) in the prompt, got {count} left there: pass "
                "the pictures of the prompt, in their order, and the processor that made the "
                "inputs."
            )
        cursor = begin + len(placeholder)
        spans.append((begin, cursor))
    covered = {position for begin, end in spans for position in range(begin, end)}
    rest = sum(token in image_ids for n, token in enumerate(prompt) if n not in covered)
    if rest:
        raise GeometryError(
            f"Expected pictures for all image tokens of the prompt, got none for {rest} of them "
            f"({len(visuals)} pictures were passed): pass all pictures, in order."
        )
    return spans


def _find(ids: list[int], part: list[int], start: int) -> int | None:
    """The first index from `start` on at which `ids` contains `part`, or None."""
    for begin in range(start, len(ids) - len(part) + 1):
        if ids[begin] == part[0] and ids[begin : begin + len(part)] == part:
            return begin
    return None


def _with_placeholders(
    family: Family, ids: Tensor, spans: Sequence[tuple[int, int]], visuals: Sequence[VisualInputs]
) -> tuple[Tensor, list[tuple[int, int]]]:
    """The prompt's ids with its placeholders replaced, and the spans of the new ones."""
    old, new, cursor, new_spans = ids.tolist(), [], 0, []
    for (begin, end), visual in zip(spans, visuals, strict=True):
        new += old[cursor:begin]
        placeholder = _placeholder(family, visual)
        new_spans.append((len(new), len(new) + len(placeholder)))
        new += placeholder
        cursor = end
    return torch.tensor(new + old[cursor:]), new_spans


def _visual_positions(
    family: Family, ids: Tensor, span: tuple[int, int], visual: VisualInputs
) -> Tensor:
    is_visual = ids[span[0] : span[1]] == family.visual_token_id(visual)
    positions = is_visual.nonzero().flatten() + span[0]
    return positions[visual.spatial_mask]


def _placeholder(family: Family, visual: VisualInputs) -> list[int]:
    tokenizer = family.processor.tokenizer
    return tokenizer(visual.placeholder, add_special_tokens=False)["input_ids"]


def _image_ids(family: Family) -> set[int]:
    return {family.image_token_id, family.clip_token_id}

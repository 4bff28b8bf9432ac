"""Rebuild a model's inputs from a recorded call of `generate`.

The prompt's ids are kept. Only the image tokens are replaced, for another scale or other pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seewhy.core.errors import AnswerError, GeometryError, ParameterError
from seewhy.core.trace import Inputs, PromptSpan
from seewhy.images.clips import Clip
from seewhy.models.answer_ids import without_end
from seewhy.models.capture import GenerateCall
from seewhy.models.captured_pictures import Shown
from seewhy.models.captured_pixels import recorded_tensors
from seewhy.models.family import Family, VisualInputs, on_device
from seewhy.models.inputs import all_views, process_media
from seewhy.models.loading import Loaded
from seewhy.models.processor_settings import with_settings
from seewhy.models.prompt_words import words_of_prompt
from seewhy.models.sized_media import MediumSettings

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["CapturedPrompt", "placeholder_spans", "prompt_of", "row_of", "with_settings"]


@dataclass(frozen=True)
class PlaceholderSpan:
    """Where a picture's placeholder is in a prompt's ids.

    Attributes:
        begin, end: its ids.
        core: whether these are only the ids from its first special token to its last. The text
            around them (line ends, in Gemma 3) may be tokenised together with its neighbours.
        first: where the text before the core begins; `begin` if there is none.
    """

    begin: int
    end: int
    core: bool = False
    first: int = -1


@dataclass(frozen=True, eq=False)
class CapturedPrompt:
    """The prompt of one sequence of a recorded call: a source of a session's inputs.

    Attributes:
        ids: int64 `[position]`, the prompt's ids without padding.
        spans: each picture's placeholder in them.
        positions: int64 `[prompt]`, positions of the tokens of the user's words.
        text: the user's words.
        offsets: `(start, end)` of each of these tokens in `text`.
        media: the pictures and clips, in order.
        tensors: the visual inputs of this prompt in the call; empty with other pictures.
        settings: for each picture and clip, how it was processed.
    """

    ids: Tensor
    spans: tuple[PlaceholderSpan, ...]
    positions: Tensor
    text: str
    offsets: tuple[tuple[int, int], ...]
    media: tuple[Image | Clip, ...]
    tensors: Mapping[str, Any]
    settings: tuple[MediumSettings, ...] = ()

    def with_media(self, media: Sequence[Image | Clip]) -> CapturedPrompt:
        """The same prompt with other pictures."""
        return replace(self, media=tuple(media), tensors={})

    def media_settings(self, loaded: Loaded) -> Sequence[MediumSettings]:
        """How each picture and clip was processed."""
        return self.settings or (MediumSettings(),) * len(self.media)

    def inputs(self, loaded: Loaded, scale: float = 1.0) -> Inputs:
        """The model's inputs at a scale; at 1 the pixels are exactly those of the call.

        Raises:
            GeometryError: if the pixels of the call are not those of the pictures and settings.
        """
        family = loaded.family
        visuals = process_media(family, self.media, scale, self.settings)
        ids, placeholders = _with_placeholders(family, self.ids, self.spans, visuals)
        shift = torch.zeros(len(self.ids), dtype=torch.long)
        for span, (_, after) in zip(self.spans, placeholders, strict=True):
            shift[span.end :] = after - span.end
        aligned = {
            "input_ids": ids[None],
            "attention_mask": torch.ones_like(ids)[None],
            **family.token_types(ids[None], len(ids)),
        }
        vision = family.collate([visuals])
        if scale == 1:
            vision |= recorded_tensors(self.tensors, vision, visuals)
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


def prompt_of(
    loaded: Loaded,
    call: GenerateCall,
    sequence: int,
    shown: Sequence[Shown],
    *,
    text: str | None = None,
) -> tuple[CapturedPrompt, tuple[int, ...]]:
    """The prompt of one sequence of a call, and the ids of its answer.

    Args:
        loaded: the model; its image processor has the settings of the call.
        call: the call.
        sequence: which of its sequences.
        shown: the pictures and clips of that sequence's prompt, in order.
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
    media, settings = [item.medium for item in shown], [item.settings for item in shown]
    visuals = process_media(loaded.family, media, 1.0, settings)
    spans = placeholder_spans(loaded.family, ids, visuals)
    taken = [(span.begin if span.first < 0 else span.first, span.end) for span in spans]
    positions, words, offsets = words_of_prompt(loaded, ids, taken, text)
    prompt = CapturedPrompt(
        ids=ids,
        spans=tuple(spans),
        positions=positions,
        text=words,
        offsets=tuple(offsets),
        media=tuple(media),
        tensors=visual_tensors_of_row(loaded.family, call, row),
        settings=tuple(settings),
    )
    return prompt, tuple(answer)


def ends(loaded: Loaded, call: GenerateCall, sequence: int) -> bool:
    """Whether a sequence ends with an end token or padding, so that its answer was not cut off."""
    ids = call.sequences[sequence].tolist()
    return len(without_end(ids, loaded)) < len(ids)


def visual_tensors_of_row(family: Family, call: GenerateCall, row: int) -> Mapping[str, Any]:
    """The visual inputs of one prompt of a call.

    Raises:
        GeometryError: if the pictures of the call do not fit its prompts.
    """
    prompts = call.tensors["input_ids"]
    if len(prompts) == 1:
        return call.tensors
    return family.tensors_of_row(call.tensors, prompts, row)


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


def placeholder_spans(
    family: Family, ids: Tensor, visuals: Sequence[VisualInputs]
) -> list[PlaceholderSpan]:
    """The positions of each picture's placeholder in a prompt.

    Raises:
        GeometryError: if one is not found, or image tokens are left over.
    """
    spans, cursor, prompt, image_ids = [], 0, ids.tolist(), _image_ids(family)
    for number, visual in enumerate(visuals):
        span = _placeholder_span(family, prompt, visual, cursor)
        if span is None:
            width, height = visual.geometries[0].size
            count = sum(token in image_ids for token in prompt[cursor:])
            raise GeometryError(
                f"Expected the {visual.visual + len(visual.non_spatial)} image tokens of picture "
                f"{number} ({width} x {height} pixels) in the prompt, got {count} left there: pass "
                "the pictures of the prompt, in their order, and the processor that made the "
                "inputs."
            )
        cursor = span.end
        spans.append(span)
    if rest := sum(token in image_ids for token in prompt[cursor:]):
        raise GeometryError(
            f"Expected pictures for all image tokens of the prompt, got none for {rest} of them "
            f"({len(visuals)} pictures were passed): pass all pictures, in order."
        )
    return spans


def _placeholder_span(
    family: Family, prompt: list[int], visual: VisualInputs, start: int
) -> PlaceholderSpan | None:
    """The next place of a picture's placeholder; None if it is not there."""
    whole = _placeholder(family, visual)
    core, lead = _core(family, whole)
    begin = _find(prompt, core, start)
    if begin is None:
        return None
    first = begin - len(lead)
    if first >= start and prompt[first : first + len(whole)] == whole:
        return PlaceholderSpan(first, first + len(whole))
    tokenizer = family.processor.tokenizer
    words = tokenizer.decode(lead).strip()
    fitting = (
        n for n in range(begin, start - 1, -1) if tokenizer.decode(prompt[n:begin]).strip() == words
    )
    return PlaceholderSpan(begin, begin + len(core), core=True, first=next(fitting, begin))


def _core(family: Family, placeholder: list[int]) -> tuple[list[int], list[int]]:
    """A placeholder's ids from its first added token to its last, and those before.

    The whole placeholder if it has none: then text around it is not told apart.
    """
    added = family.processor.tokenizer.added_tokens_decoder
    places = [index for index, token in enumerate(placeholder) if token in added]
    if not places:
        return placeholder, []
    return placeholder[places[0] : places[-1] + 1], placeholder[: places[0]]


def _find(ids: list[int], part: list[int], start: int) -> int | None:
    """The first index from `start` on at which `ids` contains `part`, or None."""
    for begin in range(start, len(ids) - len(part) + 1):
        if ids[begin] == part[0] and ids[begin : begin + len(part)] == part:
            return begin
    return None


def _with_placeholders(
    family: Family,
    ids: Tensor,
    spans: Sequence[PlaceholderSpan],
    visuals: Sequence[VisualInputs],
) -> tuple[Tensor, list[tuple[int, int]]]:
    """The prompt's ids with its placeholders replaced, and the spans of the new ones."""
    old, new, cursor, new_spans = ids.tolist(), [], 0, []
    for span, visual in zip(spans, visuals, strict=True):
        new += old[cursor : span.begin]
        whole = _placeholder(family, visual)
        placeholder = _core(family, whole)[0] if span.core else whole
        new_spans.append((len(new), len(new) + len(placeholder)))
        new += placeholder
        cursor = span.end
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

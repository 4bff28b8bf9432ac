"""Make a model's inputs from pictures and a conversation, with the positions of all tokens."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seewhy.core.errors import GeometryError, ImageError
from seewhy.core.trace import Inputs, View
from seewhy.images.clips import Clip
from seewhy.models.chat_template import Span, expand, expect_plain, render, tokenize
from seewhy.models.conversation import Conversation, joined_texts, user_message
from seewhy.models.decoding import spans_of
from seewhy.models.family import Family, VisualInputs, on_device
from seewhy.models.isolation import internal
from seewhy.models.sized_media import PLAIN, MediumSettings, process_medium, settings_of_parts

if TYPE_CHECKING:
    from PIL.Image import Image


def prepare(
    family: Family,
    media: Image | Clip | Sequence[Image | Clip],
    prompt: str,
    *,
    scale: float = 1.0,
) -> Inputs:
    """Make the inputs of a forward pass: one user turn, pictures and clips before the words.

    Args:
        family: the model's adapter.
        media: upright RGB pictures and clips, or one of them.
        prompt: the user's words.
        scale: 1 as in the model's own processor; for others see `family.scaling`.

    Raises:
        PromptError, GeometryError, ModelError: as `prepare_chat`.
    """
    return prepare_chat(family, user_message(media, prompt), scale=scale)


def prepare_chat(family: Family, conversation: Conversation, *, scale: float = 1.0) -> Inputs:
    """Make the inputs of a forward pass that continues a conversation.

    Ids, masks and pixels equal those of transformers' own processor of the family.

    Args:
        family: the model's adapter.
        conversation: all that comes before the answer.
        scale: 1 as in the model's own processor; for others see `family.scaling`.

    Returns:
        The inputs, their tensors on the model's device.

    Raises:
        ImageError: if there is no picture.
        PromptError: if a text holds one of the model's special tokens, or the chat template
            changes the words or raises an error.
        ModelError: if the template does not write one marker for each picture and clip.
        GeometryError: if the number of image tokens differs from that of the geometries.
        ParameterError: if a picture's own settings are not the family's.
    """
    for text in conversation.texts:
        expect_plain(family, text)
    media = _media_of(conversation)
    settings = settings_of_parts(family, media, conversation.media_settings)
    visuals = process_media(family, media, scale, settings)
    rendered, text_spans = render(family, conversation)
    text, text_spans, placeholders = expand(family, rendered, text_spans, visuals)
    tokens = tokenize(family.processor.tokenizer, text)
    ids, offsets = tokens["input_ids"], tokens["offset_mapping"][0].tolist()
    prompt, turns, starts = joined_texts(conversation)
    # Templates may trim a text, so its span may begin later than it does in the prompt.
    leads = [
        start + words.index(text[begin:end])
        for start, words, (begin, end) in zip(starts, conversation.texts, text_spans, strict=True)
    ]
    positions, prompt_spans = prompt_tokens(offsets, text_spans, leads)
    return Inputs(
        tensors=_forward_tensors(family, tokens, visuals),
        views=all_views(media, visuals),
        visual_positions=torch.cat(
            [
                visual_positions(family, ids[0], offsets, span, visual)
                for span, visual in zip(placeholders, visuals, strict=True)
            ]
        ),
        prompt_positions=torch.tensor(positions, dtype=torch.long),
        prompt=prompt,
        prompt_spans=tuple(prompt_spans),
        turns=turns,
        rendered=rendered,
        scale=scale,
        media=tuple(visuals),
    )


def _forward_tensors(
    family: Family, tokens: Mapping[str, Tensor], visuals: Sequence[VisualInputs]
) -> dict[str, Any]:
    """The keyword arguments of the forward pass over one prompt, on the model's device."""
    ids = tokens["input_ids"]
    tensors = {
        "input_ids": ids,
        "attention_mask": tokens["attention_mask"],
        **family.token_types(ids, ids.shape[1]),
        **family.collate([visuals]),
    }
    return on_device(tensors, family.model)


def all_views(media: Sequence[Image | Clip], visuals: Sequence[VisualInputs]) -> tuple[View, ...]:
    """The views of all pictures and clips, in order."""
    return tuple(
        view
        for number, (medium, visual) in enumerate(zip(media, visuals, strict=True))
        for view in views_of(medium, visual, number)
    )


def _media_of(conversation: Conversation) -> list[Image | Clip]:
    """The conversation's pictures and clips, or an `ImageError` if there are none."""
    if not conversation.media:
        raise ImageError(
            "Expected a picture or a clip before the answer, got a conversation without one: add "
            "it to a user's turn."
        )
    return conversation.media


def process_media(
    family: Family,
    media: Sequence[Image | Clip],
    scale: float,
    settings: Sequence[MediumSettings] = (),
) -> list[VisualInputs]:
    """The visual inputs of the pictures and clips of one prompt.

    Args:
        family: the model's adapter.
        media: the pictures and clips.
        scale: see `Family.scaling`.
        settings: for each what was chosen for it; none if nothing was.
    """
    images = sum(not isinstance(medium, Clip) for medium in media)
    chosen = settings or (PLAIN,) * len(media)
    with internal():
        return [
            process_medium(family, medium, scale, images, own)
            for medium, own in zip(media, chosen, strict=True)
        ]


def views_of(medium: Image | Clip, visual: VisualInputs, number: int) -> list[View]:
    """The picture as one view, or a view for each step of the clip."""
    if not isinstance(medium, Clip):
        return [View(visual.geometry, visual.size, number)]
    return [
        View(geometry, visual.size, number, frames, medium.seconds[frames[0]])
        for geometry, frames in zip(visual.geometries, visual.frames, strict=True)
    ]


def prompt_tokens(
    offsets: Sequence[Span], texts: Sequence[Span], leads: Sequence[int]
) -> tuple[list[int], list[Span]]:
    """Positions of the tokens of the conversation's words, and their spans in the prompt.

    Args:
        offsets: of each position's characters in the expanded text.
        texts: the span of each text part in it.
        leads: where each text part begins in the prompt.
    """
    positions: list[int] = []
    spans: list[Span] = []
    # Tokens without text (those that are added around it) are at 0, out of order.
    visible = [position for position, (left, right) in enumerate(offsets) if left < right]
    ends = [offsets[position][1] for position in visible]
    taken: set[int] = set()
    for (begin, end), lead in zip(texts, leads, strict=True):
        in_part: list[int] = []
        for position in visible[bisect_right(ends, begin) :]:
            if offsets[position][0] >= end:
                break
            # A token that covers the end of a part and the start of the next belongs to the first.
            if position not in taken:
                in_part.append(position)
        positions += in_part
        taken.update(in_part)
        if in_part:
            part_spans = spans_of([offsets[position] for position in in_part], begin, end)
            spans += [(left + lead, right + lead) for left, right in part_spans]
    return positions, spans


def visual_positions(
    family: Family, ids: Tensor, offsets: Sequence[Span], placeholder: Span, visual: VisualInputs
) -> Tensor:
    """Positions of a picture's image tokens that own pixels: int64 `[visual]`.

    Args:
        family: the model's adapter.
        ids: int64 `[position]`.
        offsets: of each position's characters in the expanded text.
        placeholder: the placeholder's characters in it.
        visual: the picture or clip.

    Raises:
        GeometryError: if their number differs from the geometry's.
    """
    begin = bisect_left(offsets, placeholder[0], key=itemgetter(1))
    end = bisect_left(offsets, placeholder[1], key=itemgetter(0))
    is_visual = (ids[begin:end] == family.visual_token_id(visual)).nonzero().flatten() + begin
    non_spatial = frozenset(visual.non_spatial)
    positions = [
        position
        for position in is_visual.tolist()
        if placeholder[0] <= offsets[position][0] < placeholder[1]
    ]
    spatial = [pos for n, pos in enumerate(positions) if n not in non_spatial]
    if len(spatial) != visual.visual:
        size = visual.geometries[0].size
        raise GeometryError(
            f"Expected {visual.visual} image tokens from the geometry, got {len(spatial)} in "
            f"the input ({family.name}, image of {size[0]} x {size[1]} "
            f"pixels seen at {visual.size[0]} x {visual.size[1]}, processor "
            f"{family.processor.image_processor.to_dict()}): load model and processor from one "
            "checkpoint; if they are, this configuration is not supported."
        )
    return torch.tensor(spatial, dtype=torch.long)

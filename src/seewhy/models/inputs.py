"""Pictures and a conversation, made into what a model takes: no token twice, no place guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from jinja2 import TemplateError
from torch import Tensor

from seewhy.core.errors import GeometryError, ImageError, ModelError, PromptError
from seewhy.core.trace import Inputs, PromptSpan, View
from seewhy.images.clips import Clip
from seewhy.models.conversation import Conversation, user_message
from seewhy.models.decoding import spans_of
from seewhy.models.family import Family, VisualInputs, on_device
from seewhy.models.isolation import internal

if TYPE_CHECKING:
    from PIL.Image import Image

#: Stands in for a piece of text while a template is rendered, to find where it goes.
SENTINEL = "\ue000words{}\ue001"
_SENTINELS = re.compile("\ue000words([0-9]+)\ue001")


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
        scale: 1 is what the model's own processor does; others as `family.scaling` says.

    Raises:
        PromptError, GeometryError, ModelError: as `prepare_chat`.
    """
    return prepare_chat(family, user_message(media, prompt), scale=scale)


def prepare_chat(family: Family, conversation: Conversation, *, scale: float = 1.0) -> Inputs:
    """Make the inputs of a forward pass that goes on where a conversation ends.

    Ids, masks and pixels equal those of transformers' own processor of the family.

    Args:
        family: the model's adapter.
        conversation: all that comes before the answer.
        scale: 1 is what the model's own processor does; others as `family.scaling` says.

    Returns:
        The inputs, their tensors on the model's device.

    Raises:
        ImageError: if nothing is shown.
        PromptError: if a text holds one of the model's special tokens, or the chat template
            rewrites the words or refuses the turns.
        ModelError: if the template does not write one marker for each picture and clip.
        GeometryError: if the image tokens are not as many as the geometries'.
    """
    for text in conversation.texts:
        expect_plain(family, text)
    media = conversation.media
    if not media:
        raise ImageError(
            "Expected a picture or a clip before the answer, got a conversation without one: add "
            "it to a user's turn, for a map is laid over a picture."
        )
    visuals = process_media(family, media, scale)
    rendered, words = render(family, conversation)
    text, words, pictures = expand(family, rendered, words, visuals)
    tokenizer = family.processor.tokenizer
    encoded = tokenizer(
        text,
        add_special_tokens=adds_special_tokens(tokenizer, text),
        return_offsets_mapping=True,
        return_tensors="pt",
    )
    ids, offsets = encoded["input_ids"], encoded["offset_mapping"][0].tolist()
    prompt, turns, starts = joined(conversation)
    places: list[int] = []
    spans: list[tuple[int, int]] = []
    for (begin, end), start, whole in zip(words, starts, conversation.texts, strict=True):
        # A token over the seam of two parts that stand side by side is the first one's.
        taken = set(places)
        own = [
            at
            for at, (left, right) in enumerate(offsets)
            if max(left, begin) < min(right, end) and at not in taken
        ]
        lead = start + whole.index(text[begin:end])
        of_part = spans_of([offsets[at] for at in own], begin, end) if own else []
        places += own
        spans += [(left + lead, right + lead) for left, right in of_part]
    tensors = {
        "input_ids": ids,
        "attention_mask": encoded["attention_mask"],
        **family.token_types(ids, ids.shape[1]),
        **family.collate([visuals]),
    }
    return Inputs(
        tensors=on_device(tensors, family.model),
        views=tuple(
            view
            for number, (medium, seen) in enumerate(zip(media, visuals, strict=True))
            for view in views_of(medium, seen, number)
        ),
        visual_positions=torch.cat(
            [
                visual_positions(family, ids[0], offsets, span, seen)
                for span, seen in zip(pictures, visuals, strict=True)
            ]
        ),
        prompt_positions=torch.tensor(places, dtype=torch.long),
        prompt=prompt,
        prompt_spans=tuple(spans),
        turns=turns,
        rendered=rendered,
        scale=scale,
        media=tuple(visuals),
    )


def process_media(
    family: Family, media: Sequence[Image | Clip], scale: float
) -> list[VisualInputs]:
    """What the family makes of the pictures and clips of one prompt."""
    images = sum(not isinstance(medium, Clip) for medium in media)
    with internal():
        return [
            family.process_video(medium, scale)
            if isinstance(medium, Clip)
            else family.process_image_among(medium, scale, images)
            for medium in media
        ]


def views_of(medium: Image | Clip, seen: VisualInputs, number: int) -> list[View]:
    """The picture as one view, or a view for each step of the clip."""
    if not isinstance(medium, Clip):
        return [View(seen.geometry, seen.size, number)]
    return [
        View(geometry, seen.size, number, frames, medium.seconds[frames[0]])
        for geometry, frames in zip(seen.geometries, seen.frames, strict=True)
    ]


def joined(conversation: Conversation) -> tuple[str, tuple[PromptSpan, ...], list[int]]:
    """The conversation's own words as one text, its turns in it, and where each part begins."""
    prompt, turns, starts = "", [], []
    for turn in conversation.turns:
        parts = [part for part in turn.parts if isinstance(part, str)]
        begin = None
        for part in parts:
            prompt += "\n" if prompt else ""
            starts.append(len(prompt))
            begin = len(prompt) if begin is None else begin
            prompt += part
        if begin is not None:
            turns.append(PromptSpan(turn.role, begin, len(prompt)))
    return prompt, tuple(turns), starts


def render(family: Family, conversation: Conversation) -> tuple[str, list[tuple[int, int]]]:
    """The conversation by the checkpoint's chat template, and the span of each text part in it.

    Raises:
        PromptError: if the template changes the words (it may trim them) or refuses the turns.
    """
    count = len(conversation.texts)
    frame = rendered_by(family, conversation, [SENTINEL.format(n) for n in range(count)])
    text = rendered_by(family, conversation, conversation.texts)
    # Literal pieces of the template and numbers of text parts, in turns.
    pieces = _SENTINELS.split(frame)
    spans: dict[int, tuple[int, int]] = {}
    cursor = len(pieces[0]) if text.startswith(pieces[0]) else -1
    for number, literal in zip(map(int, pieces[1::2]), pieces[2::2], strict=True):
        whole = conversation.texts[number]
        fits = [
            words
            for words in dict.fromkeys((whole, whole.strip(), whole.lstrip(), whole.rstrip()))
            if cursor >= 0 and text.startswith(words + literal, cursor)
        ]
        if not fits or number in spans:
            cursor = -1
            break
        spans[number] = (cursor, cursor + len(fits[0]))
        cursor = spans[number][1] + len(literal)
    if cursor != len(text) or len(spans) != count:
        raise PromptError(
            f"Expected the words {[t[:60] for t in conversation.texts][:4]} as they are in the "
            f"rendered chat template, got {text[:300]!r}: this checkpoint's template changes or "
            "leaves out words of a turn, so they cannot be found; give its processor another "
            "`chat_template`."
        )
    return text, [spans[number] for number in range(count)]


def rendered_by(family: Family, conversation: Conversation, texts: Sequence[str]) -> str:
    """One text from the turns, their text parts replaced by `texts`."""
    following, turns = iter(texts), []
    for turn in conversation.turns:
        content: list[dict[str, str]] = []
        for part in turn.parts:
            if isinstance(part, str):
                content.append({"type": "text", "text": next(following)})
            else:
                content.append({"type": "video" if isinstance(part, Clip) else "image"})
        turns.append({"role": turn.role, "content": content})
    clips = any(isinstance(medium, Clip) for medium in conversation.media)
    template = family.template(clips)
    if template is None:
        return _plain(family, turns)
    try:
        return family.processor.tokenizer.apply_chat_template(
            turns,
            chat_template=template,
            add_generation_prompt=True,
            tokenize=False,
            **conversation.template,
        )
    except (TemplateError, TypeError) as error:  # a template for plain strings adds them up
        roles = [turn["role"] for turn in turns]
        raise PromptError(
            f"Expected turns that this checkpoint's chat template takes, got {roles}, which it "
            f"refuses ({error}): change their order or their roles."
        ) from error


def _plain(family: Family, turns: Sequence[dict[str, Any]]) -> str:
    """The family's plain format, for a checkpoint without a chat template."""
    if len(turns) > 1:
        raise PromptError(
            f"Expected one user's turn for a checkpoint without a chat template, got {len(turns)} "
            "turns: give its processor a `chat_template`."
        )
    markers = {"image": family.default_marker, "video": family.clip_marker}
    content = turns[0]["content"]
    return family.plain_format.format(
        marker="".join(markers[part["type"]] for part in content if part["type"] != "text"),
        prompt="\n".join(part["text"] for part in content if part["type"] == "text"),
    )


def expand(
    family: Family,
    rendered: str,
    words: Sequence[tuple[int, int]],
    visuals: Sequence[VisualInputs],
) -> tuple[str, list[tuple[int, int]], list[tuple[int, int]]]:
    """Replace each marker by its picture's placeholder.

    Args:
        rendered: the text with its markers.
        words: the span of each text part in it.
        seens: the pictures and clips, in the order of the conversation. Templates may put them
            elsewhere, but keep the order of pictures and that of clips.

    Returns:
        The expanded text, the spans of the text parts in it, and those of the placeholders.

    Raises:
        ModelError: if there are not as many markers as pictures, or as clips.
    """
    found: list[tuple[int, int, int]] = []  # begin and end of a marker, number of its medium
    for kind, marker in (("images", family.default_marker), ("videos", family.clip_marker)):
        own = [n for n, seen in enumerate(visuals) if seen.is_clip == (kind == "videos")]
        places = [m.start() for m in re.finditer(re.escape(marker), rendered)] if marker else []
        if marker == family.default_marker == family.clip_marker:
            own, places = (list(range(len(visuals))), places) if kind == "images" else ([], [])
        if len(places) != len(own):
            raise ModelError(
                f"Expected {len(own)} {marker!r} for the {kind} in the rendered chat template, got "
                f"{len(places)}: this checkpoint's template is not one of {family.name}'s. It "
                f"wrote {rendered[:200]!r}."
            )
        found += [(at, at + len(marker), n) for at, n in zip(places, own, strict=True)]
    text, cursor = "", 0
    moved: list[tuple[int, int]] = []  # where a place of `rendered` came to lie in `text`
    spans: dict[int, tuple[int, int]] = {}
    for begin, end, number in sorted(found):
        text += rendered[cursor:begin]
        spans[number] = (len(text), len(text) + len(visuals[number].placeholder))
        text += visuals[number].placeholder
        moved.append((end, len(text) - end))
        cursor = end
    text += rendered[cursor:]

    def shifted(place: int) -> int:
        return place + next((by for end, by in reversed(moved) if end <= place), 0)

    return (
        text,
        [(shifted(begin), shifted(begin) + end - begin) for begin, end in words],
        [spans[number] for number in range(len(visuals))],
    )


def expect_plain(family: Family, text: str) -> None:
    """Raise `PromptError` if a text of the conversation holds a special token of the model's."""
    token = next(iter(special_tokens_in(family, text)), None)
    if token is not None:
        raise PromptError(
            f"Expected a prompt of plain words, got the model's special token {token!r} in it: "
            "remove it from the prompt, the picture's tokens are added automatically."
        )


def special_tokens_in(family: Family, text: str) -> list[str]:
    """The model's special tokens that `text` spells out."""
    tokenizer = family.processor.tokenizer
    added = tokenizer.added_tokens_decoder.values()
    special = {*tokenizer.all_special_tokens, *(t.content for t in added if t.special)}
    ids = (family.image_token_id, family.clip_token_id)
    special |= {family.default_marker, family.clip_marker, *tokenizer.convert_ids_to_tokens(ids)}
    return [token for token in sorted(filter(None, special)) if token.strip() and token in text]


def adds_special_tokens(tokenizer: Any, text: str) -> bool:
    """Whether the tokenizer should add its own: not where the template wrote them already."""
    return not (tokenizer.bos_token is not None and text.startswith(tokenizer.bos_token))


def visual_positions(
    family: Family,
    ids: Tensor,
    offsets: Sequence[tuple[int, int]],
    span: tuple[int, int],
    seen: VisualInputs,
) -> Tensor:
    """Positions of a picture's image tokens that own pixels: int64 `[visual]`.

    Args:
        ids: int64 `[position]`.
        offsets: of each position's characters in the expanded text.
        span: the placeholder's characters in it.
        seen: the picture.

    Raises:
        GeometryError: if they are not as many as the geometry's.
    """
    token = family.clip_token_id if seen.is_clip else family.image_token_id
    places = [
        place
        for place in (ids == token).nonzero().flatten().tolist()
        if span[0] <= offsets[place][0] < span[1]
    ]
    owners = [place for n, place in enumerate(places) if n not in set(seen.non_spatial)]
    if len(owners) != seen.visual:
        size = seen.geometries[0].size
        raise GeometryError(
            f"Expected {seen.visual} image tokens from the geometry, got {len(owners)} in "
            f"the input ({family.name}, image of {size[0]} x {size[1]} "
            f"pixels seen at {seen.size[0]} x {seen.size[1]}, processor "
            f"{family.processor.image_processor.to_dict()}): model and processor do not belong "
            "together, or the adapter does not know this configuration."
        )
    return torch.tensor(owners, dtype=torch.long)


@dataclass(frozen=True, eq=False)
class Batch:
    """Prompts of different lengths, with or without answers, as one forward pass takes them.

    Prompts are padded on the left, so that all answers begin at one position, and answers on the
    right.

    Attributes:
        tensors: the keyword arguments of the forward pass.
        pads: how many positions were put before each prompt.
        length: where the answers begin.
    """

    tensors: Mapping[str, Any]
    pads: tuple[int, ...]
    length: int


def batch(
    family: Family, rows: Sequence[Inputs], answers: Sequence[Sequence[int]] | None = None
) -> Batch:
    """Put prompts together to one forward pass.

    Args:
        family: the model's adapter.
        rows: at least one.
        answers: ids that each prompt goes on with (teacher forcing), or None.
    """
    answers = answers or [()] * len(rows)
    length, tail = max(row.length for row in rows), max(map(len, answers))
    first = rows[0].tensors
    ids = torch.full((len(rows), length + tail), _filler(family), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for at, (row, answer) in enumerate(zip(rows, answers, strict=True)):
        begin, end = length - row.length, length + len(answer)
        ids[at, begin:length] = row.tensors["input_ids"][0]
        mask[at, begin:length] = row.tensors["attention_mask"][0]
        ids[at, length:end] = torch.tensor(answer, dtype=torch.long)
        mask[at, length:end] = 1
    aligned = {"input_ids": ids, "attention_mask": mask, **family.token_types(ids, length)}
    # A single prompt is taken as it is: it may be the user's own, with pictures unknown to us.
    vision = (
        {name: value for name, value in first.items() if name not in aligned}
        if len(rows) == 1
        else family.collate([row.media for row in rows])
    )
    return Batch(
        tensors=on_device({**aligned, **vision}, family.model),
        pads=tuple(length - row.length for row in rows),
        length=length,
    )


def _filler(family: Family) -> int:
    """The id that pads a batch: masked, but it must not be taken for a picture's."""
    tokenizer = family.processor.tokenizer
    ids = (tokenizer.pad_token_id, tokenizer.eos_token_id, 0)
    reserved = {family.image_token_id, family.clip_token_id}
    return next(i for i in (*ids, 1, 2) if i is not None and i not in reserved)

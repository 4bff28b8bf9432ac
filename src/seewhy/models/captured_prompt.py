"""The prompt of a recorded call of `generate`, made into a model's inputs again.

The prompt's ids are kept as they were. Only the image tokens of its pictures are replaced where
they are shown at another scale, or where other pictures take their place.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seewhy.core.errors import AnswerError, GeometryError, ParameterError, PromptError
from seewhy.core.trace import Inputs, PromptSpan
from seewhy.images.clips import Clip
from seewhy.models.answer_ids import without_end
from seewhy.models.capture import GenerateCall, PreprocessCall
from seewhy.models.conversation import user_message
from seewhy.models.decoding import tokens_of
from seewhy.models.family import Family, VisualInputs, on_device
from seewhy.models.inputs import SENTINEL, process_media, rendered_by, views_of
from seewhy.models.loading import Loaded

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, eq=False)
class CapturedPrompt:
    """What one sequence of a recorded call was asked: a source of a session's inputs.

    Attributes:
        ids: int64 `[position]`, the prompt's ids without padding.
        spans: begin and end of each picture's image tokens in them.
        positions: int64 `[prompt]`, positions of the tokens of the user's words.
        text: the user's words.
        offsets: `(start, end)` of each of these tokens in `text`.
        media: the pictures and clips that are shown, in order.
        tensors: the vision part of the call as it was; empty where other pictures are shown, or
            the call's batch held several prompts.
    """

    ids: Tensor
    spans: tuple[tuple[int, int], ...]
    positions: Tensor
    text: str
    offsets: tuple[tuple[int, int], ...]
    media: tuple[Image | Clip, ...]
    tensors: Mapping[str, Any]

    def with_media(self, media: Sequence[Image | Clip]) -> CapturedPrompt:
        """The same prompt about other pictures."""
        return replace(self, media=tuple(media), tensors={})

    def inputs(self, loaded: Loaded, scale: float = 1.0) -> Inputs:
        """What the model takes, at a scale; at 1 the pixels are those of the call, to the bit.

        Raises:
            GeometryError: if the model was shown other pixels than the pictures and settings at
                hand lead to.
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
            vision |= self._tensors_of_the_call(vision, visuals)
        return Inputs(
            tensors=on_device({**aligned, **vision}, loaded.model),
            views=tuple(
                view
                for number, (medium, one) in enumerate(zip(self.media, visuals, strict=True))
                for view in views_of(medium, one, number)
            ),
            visual_positions=torch.cat(
                [
                    _visual_positions(family, ids, span, one)
                    for span, one in zip(placeholders, visuals, strict=True)
                ]
            ),
            prompt_positions=self.positions + shift[self.positions],
            prompt=self.text,
            prompt_spans=self.offsets,
            turns=(PromptSpan("user", 0, len(self.text)),) if self.text else (),
            scale=scale,
            media=tuple(visuals),
        )

    def _tensors_of_the_call(
        self, vision: Mapping[str, Any], visuals: Sequence[VisualInputs]
    ) -> dict[str, Any]:
        own = {name: self.tensors[name] for name in vision if name in self.tensors}
        if any(one.is_clip for one in visuals):  # a video part may stand in for torchvision's
            return own
        for name, given in own.items():
            if not same_values(given, made := vision[name]):
                raise GeometryError(
                    f"Expected {name} as the pictures at hand lead to ({_described(made)}), got "
                    f"others in the call of generate ({_described(given)}): the model was shown "
                    "another picture, or one that was processed in another way. Hand in the "
                    "pictures that were asked about, and call the processor within the block, so "
                    "that its settings are known."
                )
        return own


def prompt_of(
    loaded: Loaded,
    call: GenerateCall,
    sequence: int,
    media: Sequence[Image | Clip],
    *,
    text: str | None = None,
) -> tuple[CapturedPrompt, tuple[int, ...]]:
    """What one sequence of a call was asked, and the ids of what it answered.

    Args:
        loaded: the model, its image processor set as the call told it.
        call: the call.
        sequence: which of its sequences.
        media: the pictures and clips of that sequence's prompt, in order.
        text: the user's words where they are known; else all text of the prompt counts that the
            checkpoint's chat template does not write by itself.

    Raises:
        ParameterError: if there is no such sequence, or the call had no `input_ids`.
        AnswerError: if the sequence holds no answer.
        GeometryError: if the pictures are not those that the prompt holds.
        PromptError: if `text` is not in the prompt.
    """
    row = row_of(call, sequence)
    given = call.tensors["input_ids"]
    answer = without_end(call.sequences[sequence, given.shape[1] :].tolist(), loaded)
    if not answer:
        raise AnswerError(
            f"Expected a sequence with an answer in it, got number {sequence}, which ends where "
            "its prompt does: choose another sequence, or let the model write more."
        )
    mask = call.tensors.get("attention_mask", torch.ones_like(given))[row]
    ids = given[row][mask.bool()].cpu()
    spans = placeholder_spans(loaded.family, ids, process_media(loaded.family, media, 1.0))
    positions, words, offsets = _prompt_words(loaded, ids, spans, text)
    alone = len(given) == 1
    prompt = CapturedPrompt(
        ids=ids,
        spans=tuple(spans),
        positions=positions,
        text=words,
        offsets=tuple(offsets),
        media=tuple(media),
        tensors=call.tensors if alone else {},
    )
    return prompt, tuple(answer)


def row_of(call: GenerateCall, sequence: int) -> int:
    """Which prompt of the batch a sequence belongs to.

    Raises:
        ParameterError: if there is no such sequence, or the call had no `input_ids`.
    """
    if "input_ids" not in call.tensors:
        raise ParameterError(
            "Expected a call of generate with input_ids, got one without (embeddings were handed "
            "in): the words before the answer are not known, so nothing can be explained."
        )
    count = len(call.sequences)
    if not -count <= sequence < count:
        raise ParameterError(f"Expected a sequence from 0 to {count - 1}, got {sequence}.")
    return sequence % count // call.sequences_per_prompt


def preprocess_calls_of(
    call: GenerateCall, preprocessed: Sequence[PreprocessCall]
) -> list[PreprocessCall]:
    """The calls of `preprocess` that made the pixels of a call of `generate`.

    The latest one whose pixels are those that the model was given; all of them where none is, for
    pixels may have been changed or joined in between.
    """
    pixels = call.tensors.get("pixel_values")
    for one in reversed(preprocessed):
        if pixels is not None and one.pixels is not None and same_values(pixels, one.pixels):
            return [one]
    return list(preprocessed)


def same_values(given: Tensor, made: Tensor) -> bool:
    """Whether tensors agree up to the rounding of the dtype that they were given in."""
    if given.shape != made.shape:
        return False
    if not given.is_floating_point():
        return bool(torch.equal(given.cpu(), made.cpu().to(given.dtype)))
    given, precision = given.detach().cpu(), torch.finfo(given.dtype).eps
    made = made.detach().cpu().to(torch.promote_types(made.dtype, torch.float32))
    bound = max(1e-5, 2 * precision) * max(1.0, float(made.abs().max()))
    return float((given.to(made) - made).abs().max()) <= bound


def _described(values: Tensor) -> str:
    if not values.is_floating_point():
        return f"{list(values.shape)}: {values.flatten()[:8].tolist()}"
    return f"shape {list(values.shape)}, mean {float(values.float().mean()):.4g}"


def with_settings(loaded: Loaded, settings: Mapping[str, Any]) -> Loaded:
    """The model, its image processor set as a call of the user's told it.

    Args:
        loaded: the model.
        settings: keyword arguments of `preprocess`; those that the processor does not know are
            left out.
    """
    processor = loaded.processor
    known = getattr(processor.image_processor, "_valid_kwargs_names", settings)
    own = {name: value for name, value in settings.items() if name in known}
    changed = {
        name: value
        for name, value in own.items()
        if getattr(processor.image_processor, name, None) != value
    }
    if not changed:
        return loaded
    image_processor = copy.deepcopy(processor.image_processor)
    vars(image_processor).pop("preprocess", None)  # it may be recorded just now
    image_processor = type(image_processor).from_dict(image_processor.to_dict(), **changed)
    parts = replace(processor, image_processor=image_processor)
    return replace(loaded, processor=parts, family=type(loaded.family)(loaded.model, parts))


def flat_images(pictures: Any) -> Iterator[Any]:
    """Single pictures from what an image processor may be given: one, a list, a list of lists."""
    if isinstance(pictures, list | tuple):
        for one in pictures:
            yield from flat_images(one)
    else:
        yield pictures


def without_exif(picture: Any) -> Any:
    """A Pillow image without its EXIF tags, for a processor does not turn it by them."""
    from PIL.Image import Image as Pillow

    if not isinstance(picture, Pillow):
        return picture
    bare = picture.copy()
    bare.info.pop("exif", None)
    bare.getexif().clear()
    return bare


def images_of_row(
    family: Family, call: GenerateCall, row: int, images: Sequence[Image | Clip]
) -> list[Image | Clip]:
    """The pictures that one prompt of a batch shows, among those of the whole batch.

    Prompts take as many pictures as they have image tokens for, in order.
    """
    left = list(images)
    for number, ids in enumerate(call.tensors["input_ids"].tolist()):
        room = sum(token in _image_ids(family) for token in ids)
        count = _count_that_fills(family, left, room)
        own, left = left[:count], left[count:]
        if number == row:
            return own
    return []


def _count_that_fills(family: Family, images: Sequence[Image | Clip], room: int) -> int:
    """How many of the pictures have at least as many image tokens together as there is room for."""
    for count in range(len(images) + 1):
        visuals = process_media(family, images[:count], 1.0)
        if sum(one.visual + len(one.non_spatial) for one in visuals) >= room:
            return count
    return len(images)


def placeholder_spans(
    family: Family, ids: Tensor, visuals: Sequence[VisualInputs]
) -> list[tuple[int, int]]:
    """Where each picture's placeholder stands in a prompt: begin and end of its positions.

    Raises:
        GeometryError: if one is not there, or image tokens are left over.
    """
    spans, cursor, known = [], 0, ids.tolist()
    for number, seen in enumerate(visuals):
        wanted = _placeholder(family, seen)
        begin = next(
            (
                at
                for at in range(cursor, len(known) - len(wanted) + 1)
                if known[at] == wanted[0] and known[at : at + len(wanted)] == wanted
            ),
            None,
        )
        if begin is None:
            width, height = seen.geometries[0].size
            held = sum(token in _image_ids(family) for token in known[cursor:])
            raise GeometryError(
                f"Expected the {seen.visual + len(seen.non_spatial)} image tokens of picture "
                f"{number} ({width} x {height} pixels) in the prompt, got {held} left there: hand "
                "in the pictures that were asked about, in their order, and the processor that "
                "made the inputs."
            )
        spans.append((begin, begin + len(wanted)))
        cursor = begin + len(wanted)
    inside = {at for begin, end in spans for at in range(begin, end)}
    left = sum(token in _image_ids(family) for at, token in enumerate(known) if at not in inside)
    if left:
        raise GeometryError(
            f"Expected pictures for all image tokens of the prompt, got none for {left} of them "
            f"({len(visuals)} pictures were handed in): give all pictures, in order."
        )
    return spans


def _prompt_words(
    loaded: Loaded, ids: Tensor, spans: Sequence[tuple[int, int]], prompt: str | None
) -> tuple[Tensor, str, list[tuple[int, int]]]:
    """Positions of the asker's words, the words, and each position's place in them."""
    tokenizer = loaded.processor.tokenizer
    shown = {at for begin, end in spans for at in range(begin, end)}
    special = {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
    kept = [at for at, i in enumerate(ids.tolist()) if at not in shown and i not in special]
    text, offsets = tokens_of([int(ids[at]) for at in kept], tokenizer)
    if prompt is not None:
        begin = text.rfind(prompt.strip())
        if begin < 0 or not prompt.strip():
            raise PromptError(
                f"Expected the asker's words {prompt[:60]!r} in the prompt, got {text[-200:]!r}: "
                "give them as they were asked, or leave them out."
            )
        inside = [(begin, begin + len(prompt.strip()))]
    else:
        inside = _spans_of_users_text(loaded, ids, kept, offsets)
    bare = [
        (a + len(text[a:b]) - len(text[a:b].lstrip()), a + len(text[a:b].rstrip()))
        for a, b in inside
    ]
    chosen = [
        at
        for at, (start, end) in enumerate(offsets)
        if any(max(start, a) < min(end, b) for a, b in bare)
    ]
    if not chosen:
        return torch.empty(0, dtype=torch.long), "", []
    first, last = offsets[chosen[0]][0], offsets[chosen[-1]][1]
    return (
        torch.tensor([kept[at] for at in chosen]),
        text[first:last],
        [(offsets[at][0] - first, offsets[at][1] - first) for at in chosen],
    )


def _spans_of_users_text(
    loaded: Loaded, ids: Tensor, kept: Sequence[int], offsets: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Pieces of text between special tokens, less what the chat template writes around them."""
    family, tokenizer = loaded.family, loaded.processor.tokenizer
    frame = rendered_by(family, user_message([], "words"), [SENTINEL.format(0)])
    for token in tokenizer.added_tokens_decoder.values():
        if token.special:
            frame = frame.replace(token.content, "\0")
    literals = {
        part.strip() for piece in frame.split("\0") for part in piece.split(SENTINEL.format(0))
    }
    literals = sorted(filter(None, literals), key=len, reverse=True)
    runs: list[list[int]] = []
    for at, place in enumerate(kept):
        if at == 0 or place != kept[at - 1] + 1:
            runs.append([])
        runs[-1].append(at)
    pieces = []
    for run in runs:
        begin, end = offsets[run[0]][0], offsets[run[-1]][1]
        words, _ = tokens_of([int(ids[kept[at]]) for at in run], tokenizer)
        lead = next((len(one) for one in literals if words.lstrip().startswith(one)), 0)
        lead += (len(words) - len(words.lstrip())) if lead else 0
        tail = next((len(one) for one in literals if words[lead:].rstrip().endswith(one)), 0)
        tail += (len(words) - len(words.rstrip())) if tail else 0
        # A first space may be dropped when a run is decoded alone.
        begin += max(0, end - begin - len(words))
        if begin + lead < end - tail:
            pieces.append((begin + lead, end - tail))
    return pieces


def _with_placeholders(
    family: Family, ids: Tensor, spans: Sequence[tuple[int, int]], visuals: Sequence[VisualInputs]
) -> tuple[Tensor, list[tuple[int, int]]]:
    """The prompt with other placeholders in the same places, and where they are."""
    known, longer, cursor, at = ids.tolist(), [], 0, []
    for (begin, end), seen in zip(spans, visuals, strict=True):
        longer += known[cursor:begin]
        wanted = _placeholder(family, seen)
        at.append((len(longer), len(longer) + len(wanted)))
        longer += wanted
        cursor = end
    return torch.tensor(longer + known[cursor:]), at


def _visual_positions(
    family: Family, ids: Tensor, span: tuple[int, int], seen: VisualInputs
) -> Tensor:
    token = family.clip_token_id if seen.is_clip else family.image_token_id
    places = (ids[span[0] : span[1]] == token).nonzero().flatten() + span[0]
    owners = torch.ones(len(places), dtype=torch.bool)
    owners[list(seen.non_spatial)] = False
    return places[owners]


def _placeholder(family: Family, seen: VisualInputs) -> list[int]:
    tokenizer = family.processor.tokenizer
    return tokenizer(seen.placeholder, add_special_tokens=False)["input_ids"]


def _image_ids(family: Family) -> set[int]:
    return {family.image_token_id, family.clip_token_id}

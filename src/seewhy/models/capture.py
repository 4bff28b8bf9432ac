"""Generation in the user's own code, remembered so that it can be explained afterwards.

Nothing of theirs is changed: while the `with` block lasts, the model's `generate` and the image
processor's `preprocess` are replaced on these two objects (not on their classes) by functions that
call them and keep what went in and came out. No hook listens, so sampling, beams, static caches
and compiled models run as ever; the sequence to explain is read again in one forward pass.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seewhy.core.errors import AnswerError, GeometryError, ParameterError, PromptError
from seewhy.core.trace import Inputs, PromptSpan
from seewhy.images.clips import Clip
from seewhy.models.chat_template import SENTINEL, rendered_by
from seewhy.models.conversation import user_message
from seewhy.models.decoding import tokens_of
from seewhy.models.family import Family, VisualInputs, on_device
from seewhy.models.generation import without_end
from seewhy.models.inputs import process_media, views_of
from seewhy.models.loading import Loaded

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, eq=False)
class Call:
    """One call of `generate`.

    Attributes:
        tensors: its keyword arguments that are tensors, `input_ids` among them.
        sequences: int64 `[sequence, position]`, prompts and answers as they came out.
    """

    tensors: dict[str, Any]
    sequences: Tensor

    @property
    def each(self) -> int:
        """Sequences for each prompt of the batch."""
        return len(self.sequences) // len(self.tensors["input_ids"])


@contextmanager
def record_calls(
    model: Any, image_processor: Any, calls: list[Call], images: list[Any]
) -> Iterator[None]:
    """Keep every call of `model.generate`, and the pictures that the image processor is given.

    Args:
        model: transformers' own; a compiled one is looked through.
        image_processor: the one that makes its inputs, inside the block or outside.
        calls: grows by one entry a call.
        images: grows by what `preprocess` is given, call by call.
    """

    def generate(original: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        out = original(*arguments, **keywords)
        bound = inspect.signature(original).bind_partial(*arguments, **keywords).arguments
        named = {**bound.pop("kwargs", {}), **bound}
        if isinstance(first := named.pop("inputs", None), Tensor):
            named.setdefault("input_ids", first)
        tensors = {name: value for name, value in named.items() if isinstance(value, Tensor)}
        calls.append(Call(tensors, getattr(out, "sequences", out)))
        return out

    def preprocess(original: Callable[..., Any], pictures: Any, *rest: Any, **keywords: Any) -> Any:
        images.append(pictures)
        return original(pictures, *rest, **keywords)

    with (
        patched_method(whole(model), "generate", generate),
        patched_method(image_processor, "preprocess", preprocess),
    ):
        yield


def whole(model: Any) -> Any:
    """The model itself, where `torch.compile` wrapped it."""
    return getattr(model, "_orig_mod", model)


@contextmanager
def patched_method(thing: Any, name: str, function: Callable[..., Any]) -> Iterator[None]:
    """Let `function`, given the original method first, stand before a method of one object."""
    before = vars(thing).get(name)
    original = getattr(thing, name)
    setattr(thing, name, functools.wraps(original)(functools.partial(function, original)))
    try:
        yield
    finally:
        if before is None:
            delattr(thing, name)
        else:
            setattr(thing, name, before)


def inputs_of(
    loaded: Loaded,
    call: Call,
    sequence: int,
    media: Sequence[Image | Clip],
    prompt: str | None = None,
) -> tuple[Inputs, Callable[[float], Inputs], list[int]]:
    """What a remembered call was asked, how to look at it at other scales, and what it answered.

    Args:
        loaded: the model.
        call: the call.
        sequence: which of its sequences.
        media: the pictures and clips of that sequence's prompt, in order.
        prompt: the asker's words, if they are known; else all text of the prompt counts that the
            checkpoint's chat template does not write by itself.

    Returns:
        The inputs as they were; what makes them at another scale; the answer's ids.

    Raises:
        ParameterError: if there is no such sequence, or the call had no `input_ids`.
        GeometryError: if the pictures are not those that the prompt holds.
        AnswerError: if the sequence holds no answer.
    """
    if "input_ids" not in call.tensors:
        raise ParameterError(
            "Expected a call of generate with input_ids, got one without (embeddings were handed "
            "in): the words before the answer are not known, so nothing can be explained."
        )
    count = len(call.sequences)
    if not -count <= sequence < count:
        raise ParameterError(f"Expected a sequence from 0 to {count - 1}, got {sequence}.")
    row = sequence % count // call.each
    given = call.tensors["input_ids"][row]
    mask = call.tensors.get("attention_mask", torch.ones_like(call.tensors["input_ids"]))[row]
    ids = given[mask.bool()].cpu()
    answer = without_end(call.sequences[sequence, len(given) :].tolist(), loaded)
    if not answer:
        raise AnswerError("Expected a sequence with an answer in it, got an empty one.")
    visuals = process_media(loaded.family, media, 1.0)
    spans = placed(loaded.family, ids, visuals)
    places, text, offsets = _asked(loaded, ids, spans, prompt)

    def inputs_at_scale(scale: float) -> Inputs:
        looked = visuals if scale == 1 else process_media(loaded.family, media, scale)
        longer, at = _replaced(loaded.family, ids, spans, looked)
        shift = torch.zeros(len(ids), dtype=torch.long)
        for (_, end), (_, after) in zip(spans, at, strict=True):
            shift[end:] = after - end
        aligned = {
            "input_ids": longer[None],
            "attention_mask": torch.ones_like(longer)[None],
            **loaded.family.token_types(longer[None], len(longer)),
        }
        vision = loaded.family.collate([looked])
        if scale == 1 and len(call.tensors["input_ids"]) == 1:
            # A single prompt's own pixels, to the bit.
            vision |= {name: call.tensors[name] for name in vision if name in call.tensors}
        return Inputs(
            tensors=on_device({**aligned, **vision}, loaded.model),
            views=tuple(
                view
                for number, (medium, seen) in enumerate(zip(media, looked, strict=True))
                for view in views_of(medium, seen, number)
            ),
            visual_positions=torch.cat(
                [
                    _owners(loaded.family, longer, span, seen)
                    for span, seen in zip(at, looked, strict=True)
                ]
            ),
            prompt_positions=places + shift[places],
            prompt=text,
            prompt_spans=tuple(offsets),
            turns=(PromptSpan("user", 0, len(text)),) if text else (),
            scale=scale,
            media=tuple(looked),
        )

    return inputs_at_scale(1.0), inputs_at_scale, answer


def flattened(pictures: Any) -> Iterator[Any]:
    """Single pictures from what an image processor may be given: one, a list, a list of lists."""
    if isinstance(pictures, list | tuple):
        for one in pictures:
            yield from flattened(one)
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
    family: Family, call: Call, sequence: int, pictures: Sequence[Image | Clip]
) -> list[Image | Clip]:
    """The pictures that one prompt of a batch shows, among those of the whole batch.

    Prompts take as many pictures as they have image tokens for, in order.
    """
    left = list(pictures)
    for row, ids in enumerate(call.tensors["input_ids"].tolist()):
        room = sum(token in _visual(family) for token in ids)
        count = next(
            (
                n
                for n in range(len(left) + 1)
                if sum(s.visual + len(s.non_spatial) for s in process_media(family, left[:n], 1.0))
                >= room
            ),
            len(left),
        )
        own, left = left[:count], left[count:]
        if row == sequence % len(call.sequences) // call.each:
            return own
    return []


def placed(family: Family, ids: Tensor, visuals: Sequence[VisualInputs]) -> list[tuple[int, int]]:
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
            held = sum(token in _visual(family) for token in known[cursor:])
            raise GeometryError(
                f"Expected the {seen.visual + len(seen.non_spatial)} image tokens of picture "
                f"{number} ({width} x {height} pixels) in the prompt, got {held} left there: hand "
                "in the pictures that were asked about, in their order, and the processor that "
                "made the inputs."
            )
        spans.append((begin, begin + len(wanted)))
        cursor = begin + len(wanted)
    inside = {at for begin, end in spans for at in range(begin, end)}
    left = sum(token in _visual(family) for at, token in enumerate(known) if at not in inside)
    if left:
        raise GeometryError(
            f"Expected pictures for all image tokens of the prompt, got none for {left} of them "
            f"({len(visuals)} pictures were handed in): give all pictures, in order."
        )
    return spans


def _asked(
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
        inside = _unwritten(loaded, ids, kept, offsets)
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


def _unwritten(
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


def _replaced(
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


def _owners(family: Family, ids: Tensor, span: tuple[int, int], seen: VisualInputs) -> Tensor:
    token = family.clip_token_id if seen.is_clip else family.image_token_id
    places = (ids[span[0] : span[1]] == token).nonzero().flatten() + span[0]
    owners = torch.ones(len(places), dtype=torch.bool)
    owners[list(seen.non_spatial)] = False
    return places[owners]


def _placeholder(family: Family, seen: VisualInputs) -> list[int]:
    tokenizer = family.processor.tokenizer
    return tokenizer(seen.placeholder, add_special_tokens=False)["input_ids"]


def _visual(family: Family) -> set[int]:
    return {family.image_token_id, family.clip_token_id}

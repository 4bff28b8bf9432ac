"""An image and a prompt, made into what a model takes: no token added twice, no place guessed."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import torch

from seewhy.core.errors import GeometryError, ModelError, PromptError
from seewhy.core.trace import Inputs
from seewhy.models.base import Family, Seen, on_device
from seewhy.models.decoding import spans_of

if TYPE_CHECKING:
    from PIL.Image import Image

#: Stands in for the user's words while a template is rendered, to find where they begin.
SENTINEL = "\ue000words\ue001"


def prepare(family: Family, image: Image, prompt: str, *, scale: float = 1.0) -> Inputs:
    """Make the inputs of a forward pass: one user turn, the image before the words.

    Ids, masks and pixels equal those of transformers' own processor of the family.

    Args:
        family: the model's adapter.
        image: an upright RGB picture.
        prompt: the user's words.
        scale: 1 is what the model's own processor does; others as `family.scaling` says.

    Returns:
        The inputs, their tensors on the model's device.

    Raises:
        PromptError: if the prompt is blank or holds one of the model's special tokens.
        GeometryError: if the image tokens are not as many as the geometry's.
    """
    expect_words(family, prompt)
    seen = family.see(image, scale)
    text, (begin, end) = expand(family, prompt, seen.placeholder)
    tokenizer = family.processor.tokenizer
    encoded = tokenizer(
        text,
        add_special_tokens=adds_special_tokens(tokenizer, text),
        return_offsets_mapping=True,
        return_tensors="pt",
    )
    ids = encoded["input_ids"]
    offsets = encoded["offset_mapping"][0].tolist()
    places = [
        place for place, (left, right) in enumerate(offsets) if max(left, begin) < min(right, end)
    ]
    lead = prompt.index(text[begin:end])
    spans = spans_of([offsets[place] for place in places], begin, end)
    tensors: dict[str, Any] = {"input_ids": ids, "attention_mask": encoded["attention_mask"]}
    if "mm_token_type_ids" in inspect.signature(family.model.forward).parameters:
        tensors["mm_token_type_ids"] = (ids == family.image_token_id).long()
    return Inputs(
        tensors=on_device({**tensors, **seen.tensors}, family.model),
        geometry=seen.geometry,
        visual_positions=visual_positions(family, ids[0], seen),
        prompt_positions=torch.tensor(places, dtype=torch.long),
        prompt=prompt,
        prompt_spans=tuple((start + lead, stop + lead) for start, stop in spans),
        scale=scale,
        seen=seen.size,
    )


def expand(family: Family, prompt: str, placeholder: str) -> tuple[str, tuple[int, int]]:
    """The rendered turn with its image marker replaced, and the span of the user's words in it.

    Raises:
        PromptError: if the chat template changes the user's words (it may trim them).
    """
    marker = family.default_marker
    frame, text = render(family, SENTINEL), render(family, prompt)
    begin, place = frame.find(SENTINEL), text.index(marker)
    kept = [words for words in (prompt, prompt.strip()) if text.startswith(words, max(begin, 0))]
    if begin < 0 or not kept:
        raise PromptError(
            f"Expected the prompt {prompt[:60]!r} in the rendered chat template, got "
            f"{text[:200]!r}: this checkpoint's template rewrites the user's words."
        )
    if place < begin:
        begin += len(placeholder) - len(marker)
    expanded = text[:place] + placeholder + text[place + len(marker) :]
    return expanded, (begin, begin + len(kept[0]))


def render(family: Family, prompt: str) -> str:
    """One user turn by the checkpoint's chat template, or by the family's plain format.

    Raises:
        ModelError: if the template writes no image marker, or several.
    """
    processor, marker = family.processor, family.default_marker
    if processor.template is None:
        return family.plain_format.format(marker=marker, prompt=prompt)
    content = [{"type": "image"}, {"type": "text", "text": prompt}]
    text = processor.tokenizer.apply_chat_template(
        [{"role": "user", "content": content}],
        chat_template=processor.template,
        add_generation_prompt=True,
        tokenize=False,
    )
    if text.count(marker) != 1:
        raise ModelError(
            f"Expected one {marker!r} in the rendered chat template, got {text.count(marker)}: "
            f"this checkpoint's template is not one of {family.name}'s. It wrote {text[:200]!r}."
        )
    return text


def expect_words(family: Family, prompt: str) -> None:
    """Raise `PromptError` if the prompt is blank or holds a special token of the model's."""
    if not prompt.strip():
        raise PromptError(f"Expected a prompt with words in it, got {prompt!r}: ask something.")
    token = next(iter(special_tokens_in(family, prompt)), None)
    if token is not None:
        raise PromptError(
            f"Expected a prompt of plain words, got the model's special token {token!r} in it: "
            "leave it out, the image is put in by itself."
        )


def special_tokens_in(family: Family, text: str) -> list[str]:
    """The model's special tokens that `text` spells out."""
    tokenizer = family.processor.tokenizer
    added = tokenizer.added_tokens_decoder.values()
    special = {*tokenizer.all_special_tokens, *(t.content for t in added if t.special)}
    special |= {family.default_marker, tokenizer.convert_ids_to_tokens(family.image_token_id)}
    return [token for token in sorted(special) if token.strip() and token in text]


def adds_special_tokens(tokenizer: Any, text: str) -> bool:
    """Whether the tokenizer should add its own: not where the template wrote them already."""
    return not (tokenizer.bos_token is not None and text.startswith(tokenizer.bos_token))


def visual_positions(family: Family, ids: torch.Tensor, seen: Seen) -> torch.Tensor:
    """Positions of the image tokens that own pixels: int64 `[visual]`.

    Raises:
        GeometryError: if they are not as many as the geometry's.
    """
    places = (ids == family.image_token_id).nonzero().flatten()
    owners = torch.ones(len(places), dtype=torch.bool)
    owners[list(seen.pixelless)] = False
    places = places[owners]
    if len(places) != seen.geometry.visual:
        raise GeometryError(
            f"Expected {seen.geometry.visual} image tokens from the geometry, got {len(places)} in "
            f"the input ({family.name}, image of {seen.geometry.size[0]} x {seen.geometry.size[1]} "
            f"pixels seen at {seen.size[0]} x {seen.size[1]}, processor "
            f"{family.processor.image_processor.to_dict()}): model and processor do not belong "
            "together, or the adapter does not know this configuration."
        )
    return places

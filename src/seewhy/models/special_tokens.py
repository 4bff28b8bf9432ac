"""A tokenizer's special tokens: which are markup of a text, and which belong to the model's frame.

Three kinds are told apart. Media tokens stand for pictures and clips and what surrounds them. Turn
tokens are those that the chat template itself writes, and those that begin or end a sequence. All
others are markup that a model writes in its answers, such as `<|box_start|>`: these may stand in
texts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any
from weakref import WeakKeyDictionary

from jinja2 import TemplateError

from seewhy.core.thinking import TAGS
from seewhy.models.family import Family

_BRACKETED = re.compile(r"[<\[◁〈「｜]\S{1,60}[>\]▷〉」｜]")
_MEDIA = re.compile(
    r"image|img|vision|video|audio|frame|pad\b|(?:<|_)pad|row_\d+_col_\d+|\bboi\b|\beoi\b",
    re.IGNORECASE,
)
"""Names of tokens around pictures: a few of them appear only with pictures of certain sizes."""

_frames: WeakKeyDictionary[Family, tuple[str, frozenset[str]]] = WeakKeyDictionary()


def special_ids(tokenizer: Any) -> frozenset[int]:
    """Ids of special tokens, and of markup that the tokenizer keeps in one piece (`</think>`).

    Args:
        tokenizer: of transformers.
    """
    added = getattr(tokenizer, "added_tokens_decoder", {})
    markup = (
        number
        for number, token in added.items()
        if token.content.strip() and (token.special or _BRACKETED.fullmatch(token.content))
    )
    return frozenset((*tokenizer.all_special_ids, *markup))


def special_tokens(tokenizer: Any) -> frozenset[str]:
    """The tokens that the tokenizer marks as special, without those of white space alone."""
    added = tokenizer.added_tokens_decoder.values()
    marked = (token.content for token in added if token.special)
    return frozenset(t for t in (*tokenizer.all_special_tokens, *marked) if t and t.strip())


def media_tokens(family: Family) -> frozenset[str]:
    """Tokens that stand for pictures and clips, and those around them."""
    ids = [family.image_token_id, family.clip_token_id]
    named = [
        *(family.default_marker, family.clip_marker),
        *family.processor.tokenizer.convert_ids_to_tokens(ids),
    ]
    return frozenset(
        (
            *(token for token in named if token and token.strip()),
            *filter(_MEDIA.search, special_tokens(family.processor.tokenizer)),
        )
    )


def turn_tokens(family: Family) -> frozenset[str]:
    """Tokens that begin or end a turn or a sequence: no text may hold them.

    Those that the chat template writes, in its source or when it is rendered, and the tokenizer's
    and the model's own ends. Tags of thinking blocks are none, although templates write some.
    """
    template = family.processor.template
    kept = _frames.get(family)
    if kept is None or kept[0] != (template or ""):
        kept = template or "", frozenset(_turn_tokens(family))
        _frames[family] = kept
    return kept[1]


def end_ids(family: Family) -> frozenset[int]:
    """Ids that end an answer: they are left out at its end, and nowhere else."""
    tokenizer = family.processor.tokenizer
    ends = set(turn_tokens(family))
    if tokenizer.unk_token not in (tokenizer.eos_token, tokenizer.pad_token):
        ends.discard(tokenizer.unk_token)
    return frozenset((*tokenizer.convert_tokens_to_ids(sorted(ends)), *_config_ends(family)))


def frame_ids(family: Family) -> frozenset[int]:
    """Ids of tokens that are no text of any turn: of pictures, of turns and of sequences."""
    tokenizer = family.processor.tokenizer
    tokens = sorted(media_tokens(family) | turn_tokens(family))
    ids = [number for number in tokenizer.convert_tokens_to_ids(tokens) if number is not None]
    return frozenset((*ids, *end_ids(family), family.image_token_id, family.clip_token_id))


def tokens_in(text: str, tokens: Collection[str]) -> list[str]:
    """Which of some tokens a text contains, in alphabetical order, in time linear in the text."""
    lengths: dict[str, set[int]] = defaultdict(set)
    for token in filter(None, tokens):
        lengths[token[0]].add(len(token))
    if not lengths:
        return []
    begins = re.compile(f"[{''.join(map(re.escape, lengths))}]")
    wanted = set(tokens)
    found = {
        text[match.start() : match.start() + length]
        for match in begins.finditer(text)
        for length in lengths[match.group()]
    }
    return sorted(found & wanted)


def _turn_tokens(family: Family) -> Iterator[str]:
    tokenizer = family.processor.tokenizer
    named = (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token, tokenizer.unk_token)
    yield from (token for token in named if token and token.strip())
    yield from filter(None, tokenizer.convert_ids_to_tokens(sorted(_config_ends(family))))
    frame = (family.processor.template or "") + "".join(_rendered(family))
    thinking = {tag for pair in TAGS for tag in pair}
    yield from set(tokens_in(frame, special_tokens(tokenizer))) - thinking


def _rendered(family: Family) -> Iterator[str]:
    """Chats of some roles, as the template writes them; roles that it refuses are left out."""
    template = family.processor.template
    if template is None:
        yield family.plain_format
        return
    roles = ("user", "assistant", "user")
    for order in (roles, roles[:1], ("system", *roles), (*roles[:2], "tool", *roles[1:])):
        messages = [{"role": r, "content": [{"type": "text", "text": "x"}]} for r in order]
        try:
            yield family.processor.tokenizer.apply_chat_template(
                messages, chat_template=template, add_generation_prompt=True, tokenize=False
            )
        except (TemplateError, TypeError, ValueError, KeyError):
            continue


def _config_ends(family: Family) -> set[int]:
    """Ids of ends and padding in the model's config of generation."""
    config = getattr(family.model, "generation_config", None)
    ends: list[int | None] = []
    for name in ("eos_token_id", "pad_token_id"):
        value: Any = getattr(config, name, None)
        ends += value if isinstance(value, list) else [value]
    return {int(number) for number in ends if number is not None}

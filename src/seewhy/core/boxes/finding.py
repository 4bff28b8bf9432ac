"""Find all boxes and points in a text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from seewhy.core.boxes.json_markup import in_json
from seewhy.core.boxes.markup import Markup
from seewhy.core.boxes.plain_markup import in_brackets, in_fractions, in_pairs
from seewhy.core.boxes.point_markup import in_point_tags
from seewhy.core.boxes.tag_markup import (
    in_box_tags,
    in_doctags,
    in_glm_tokens,
    in_loc_tokens,
    in_qwen_tokens,
)

Finder = Callable[[str], Iterator[Markup]]

#: The finders of syntaxes with marks of their own, in any order: they do not overlap.
_MARKED: tuple[Finder, ...] = (
    in_json,
    in_qwen_tokens,
    in_box_tags,
    in_glm_tokens,
    in_loc_tokens,
    in_doctags,
    in_point_tags,
)
_BARE: dict[str, Finder] = {
    "pairs": in_pairs,
    "fractions": in_fractions,
    "brackets": in_brackets,
}


def find_markup(text: str, bare: Collection[str] = ()) -> tuple[Markup, ...]:
    """All boxes and points of a text, in its order.

    Args:
        text: of an answer.
        bare: syntaxes of `seewhy.core.boxes.BARE` that are looked for too; those of `MARKED` always
            are.

    Example:
        >>> text = 'Here: {"bbox_2d": [10, 20, 30, 40], "label": "cup"}, and [1, 2, 3, 4].'
        >>> (box,) = find_markup(text)
        >>> box.values, text[slice(*box.phrase)]
        ((10.0, 20.0, 30.0, 40.0), 'cup')
    """
    found = [markup for finder in _MARKED for markup in finder(text)]
    # A bare syntax is also what stands between tags, so what has tags is left to them.
    for syntax, finder in _BARE.items():
        if syntax in bare:
            taken = [(markup.start, markup.end) for markup in found]
            found += [
                markup
                for markup in finder(text)
                if not any(markup.start < end and start < markup.end for start, end in taken)
            ]
    return tuple(sorted(found, key=lambda markup: (markup.start, markup.end)))

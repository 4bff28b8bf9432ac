"""What holds of explanations side by side: how their words match, and what a reader must know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from seewhy.comparison.columns import Column
from seewhy.comparison.places import same_grids
from seewhy.core.errors import ParameterError
from seewhy.explanation import Explanation

ORDINALS = ("first", "second", "third", "fourth")

By = Literal["tokens", "words", "diff"]
"""How words were matched: equal tokens, equal words of one answer, or a diff of several answers."""


def expect_comparable(first: Explanation, second: Explanation) -> None:
    """Expect two explanations of the same words and pictures, by the same method.

    Raises:
        ParameterError: if one of these differs; it says which.
    """
    texts = [[word.text for word in one.record.words] for one in (first, second)]
    if first.answer != second.answer or texts[0] != texts[1]:
        raise ParameterError(
            f"Expected two explanations of one answer, got {first.answer[:80]!r} and "
            f"{second.answer[:80]!r}, or other words of it: the two models cut it in another way. "
            "Give an answer that both write with the same words, or use Comparison.of."
        )
    sizes = [[view.size for view in one.views] for one in (first, second)]
    if sizes[0] != sizes[1]:
        raise ParameterError(
            f"Expected two explanations of the same pictures, got sizes {sizes[0]} and {sizes[1]}: "
            "the models show other pictures or other frames; compare them on one picture, or use "
            "Comparison.of."
        )
    methods = [one.record.provenance.method for one in (first, second)]
    if methods[0] != methods[1]:
        raise ParameterError(
            f"Expected two explanations by one method, got {methods[0]} and {methods[1]}: their "
            "maps have other units. Name a method that both models allow, or use Comparison.of, "
            "which compares shares of maps."
        )


def matched_by(explanations: Sequence[Explanation]) -> By:
    """How the words of explanations can be matched."""
    first, *others = explanations
    words = [word.text for word in first.record.words]
    if any(
        one.answer != first.answer or [word.text for word in one.record.words] != words
        for one in others
    ):
        return "diff"
    tokens = [token.text for token in first.record.tokens]
    same = all([token.text for token in one.record.tokens] == tokens for one in others)
    return "tokens" if same else "words"


def notes_on_columns(columns: Sequence[Column], own: str) -> Iterator[str]:
    """Notes on contrasts, and on maps that are brought to the grids of another column, or model."""
    for number, column in enumerate(columns):
        record = column.explanation.record
        for word, alternative in record.contrasts:
            yield (
                f"The {ORDINALS[number]} {own}'s map of {record.words[word].text!r} shows why this "
                f"word and not {alternative!r}."
            )
        target = columns[column.grid].explanation.views
        for view, (one, other) in enumerate(zip(target, column.explanation.views, strict=True), 1):
            if not same_grids([one], [other]):
                cells, others = (" x ".join(map(str, v.base_grid.shape)) for v in (other, one))
                yield (
                    f"Picture {view}: the {ORDINALS[number]} {own}'s maps of {cells} cells were "
                    f"brought to the {ORDINALS[column.grid]} {own}'s {others} cells, with area "
                    "weights."
                )

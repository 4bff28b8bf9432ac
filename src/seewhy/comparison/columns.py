"""What stands side by side: explanations with a name for each, and what differs between them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from seewhy.comparison.places import same_places
from seewhy.core.errors import ParameterError
from seewhy.explanation import Explanation
from seewhy.report.bundle import open_record

FEWEST, MOST = 2, 4
"""How many explanations can stand side by side."""

Kind = Literal["methods", "models", "pictures", "explanations"]
"""What differs between the columns; `"explanations"` where it is something else, or several."""


@dataclass(frozen=True, eq=False)
class Column:
    """One of the explanations.

    Attributes:
        label: what tells it from the others, such as its method.
        explanation: the explanation.
        grid: the number of the column on whose grids its maps are compared: the first one whose
            views have the same sizes.
    """

    label: str
    explanation: Explanation
    grid: int

    def to_json(self) -> dict[str, Any]:
        """JSON-ready: label, model, method, prompt, answer, views with their grids, and notes."""
        one = self.explanation
        return {
            "label": self.label,
            "model": one.model,
            "method": one.method,
            "prompt": one.prompt,
            "answer": one.answer,
            "views": [
                {
                    "size": list(view.size),
                    "rows": view.base_grid.row_edges.tolist(),
                    "columns": view.base_grid.column_edges.tolist(),
                }
                for view in one.views
            ],
            "notes": list(one.notes),
        }


def columns_of(
    explanations: Sequence[Explanation], kind: Kind, labels: Sequence[str] | None = None
) -> tuple[Column, ...]:
    """Columns with a label for each.

    Args:
        explanations: of the columns.
        kind: what differs.
        labels: None takes what tells them from each other.

    Raises:
        ParameterError: if there are less than two or more than four, or another number of labels.
    """
    expect_columns(len(explanations), "explanations")
    if labels is not None and len(labels) != len(explanations):
        raise ParameterError(
            f"Expected a label for each of {len(explanations)} explanations, got {len(labels)}."
        )
    names = _numbered(list(labels) if labels is not None else own_labels(explanations, kind))
    views = [one.views for one in explanations]
    grids = [next(i for i, other in enumerate(views) if same_places(other, own)) for own in views]
    return tuple(
        Column(name, one, grid) for name, one, grid in zip(names, explanations, grids, strict=True)
    )


def expect_columns(count: int, what: str) -> None:
    """Raise `ParameterError` unless so many things can stand side by side."""
    if not FEWEST <= count <= MOST:
        raise ParameterError(
            f"Expected {FEWEST} to {MOST} {what}, got {count}: more do not fit side by side, and "
            "fewer leave nothing to compare."
        )


def kind_of(explanations: Sequence[Explanation]) -> Kind:
    """What differs between explanations."""
    differs: dict[Kind, bool] = {
        "methods": len({one.method for one in explanations}) > 1,
        "models": len({one.model for one in explanations}) > 1,
        "pictures": any(not _same_pictures(explanations[0], one) for one in explanations),
    }
    found: list[Kind] = [kind for kind, different in differs.items() if different]
    # Another picture may have another answer; with the same picture another answer is something
    # that is changed too.
    answers = len({(one.prompt, one.answer) for one in explanations}) > 1
    prompts = len({one.prompt for one in explanations}) > 1
    if len(found) != 1 or prompts or (answers and found != ["pictures"]):
        return "explanations"
    return found[0]


def own_labels(explanations: Sequence[Explanation], kind: Kind) -> list[str]:
    """What tells explanations from each other: methods, models, or a number."""
    if kind == "methods":
        return [one.method for one in explanations]
    if kind == "models":
        return [one.model for one in explanations]
    if kind == "pictures":
        return [f"picture {number}" for number in range(1, len(explanations) + 1)]
    parts = [
        [getattr(one, name) for one in explanations]
        for name in ("model", "method")
        if len({getattr(one, name) for one in explanations}) > 1
    ]
    if not parts:
        return [f"explanation {number}" for number in range(1, len(explanations) + 1)]
    return [" · ".join(own) for own in zip(*parts, strict=True)]


def opened(
    sources: Sequence[Explanation | str | os.PathLike[str]],
) -> tuple[list[Explanation], list[str] | None]:
    """Explanations, and those of saved folders; and labels, where the folders' names tell most.

    Raises:
        ParameterError: if something is neither.
        SchemaError: if a folder holds no explanation.
    """
    explanations = [_opened(source) for source in sources]
    folders = [Path(one).name for one in sources if isinstance(one, str | os.PathLike)]
    told = kind_of(explanations) in ("methods", "models") if len(explanations) > 1 else True
    return explanations, folders if len(folders) == len(explanations) and not told else None


def _opened(source: object) -> Explanation:
    if isinstance(source, Explanation):
        return source
    if isinstance(source, str | os.PathLike):
        return Explanation(open_record(source))
    raise ParameterError(
        f"Expected explanations or folders with saved ones, got {type(source).__name__}: give what "
        "explain(...) or seewhy.open(folder) returned."
    )


def _same_pictures(first: Explanation, second: Explanation) -> bool:
    views = first.views, second.views
    return same_places(*views) and all(
        bool((one.image == other.image).all()) for one, other in zip(*views, strict=True)
    )


def _numbered(labels: list[str]) -> list[str]:
    """Labels of which no two are equal: equal ones get a number."""
    counts, seen, names = Counter(labels), Counter[str](), []
    for label in labels:
        seen[label] += 1
        names.append(f"{label} ({seen[label]})" if counts[label] > 1 else label)
    return names

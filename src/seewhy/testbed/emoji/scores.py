"""How much of a text about an emoji scene is right."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from seewhy.testbed.emoji.reading import Claim, read_answer
from seewhy.testbed.emoji.scenes import Scene
from seewhy.testbed.scenes import Picture

FIGURES = {
    "kind": "kinds",
    "colour": "colours",
    "count": "counts",
    "relation": "places",
    "size": "sizes",
    "ground": "grounds",
    "function": "yes and no",
}
"""Figures by the roles of claims; words on signs are `signs`."""


@dataclass(frozen=True)
class Score:
    """How many claims of one sort are right, wrong and undecided."""

    right: int = 0
    wrong: int = 0
    undecided: int = 0


def answer_figures(scene: Scene, picture: Picture, text: str, prompt: str = "") -> dict[str, Score]:
    """The right and wrong claims of a text, by their sort.

    Args:
        scene: what the text is about.
        picture: the scene drawn.
        text: a caption or an answer.
        prompt: the question, if it was one.

    Returns:
        For each of `FIGURES` and `signs`, a score; a claim counts once, however many words it has.
    """
    found = Counter(
        (_sort(claim), claim.verdict) for claim in read_answer(text, scene, picture, prompt)
    )
    return {
        sort: Score(found[sort, True], found[sort, False], found[sort, None])
        for sort in (*FIGURES.values(), "signs")
    }


def _sort(claim: Claim) -> str:
    return "signs" if claim.name.startswith("word ") else FIGURES[claim.role]

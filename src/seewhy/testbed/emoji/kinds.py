"""The kinds of things of the emoji world and the English words for them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).parent / "kinds.csv"
SIGN = "sign"
"""The kind of a board with a word on it; it is drawn, not taken from a set."""


@dataclass(frozen=True)
class Kind:
    """A kind of thing, checked by hand: it looks alike in every style and unlike the others.

    Attributes:
        name: as said of one, without article: "cat", "pair of glasses".
        plural: as said of several: "cats", "pairs of glasses".
        hypernym: countable, of one: "animal", "piece of clothing".
        codepoint: of the emoji, hexadecimal, joined by "-"; "" for a sign.
        recoloured: whether scenes draw it in any colour.
    """

    name: str
    plural: str
    hypernym: str
    codepoint: str
    recoloured: bool


def _read(table: Path) -> dict[str, Kind]:
    with table.open(newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines)
        kinds = [
            Kind(r["name"], r["plural"], r["hypernym"], r["codepoint"], r["recoloured"] == "yes")
            for r in rows
        ]
    return {kind.name: kind for kind in kinds}


KINDS: dict[str, Kind] = _read(TABLE)
"""Every kind by its name, the sign included.

>>> KINDS["pair of glasses"].plural
'pairs of glasses'
>>> len(KINDS) >= 200
True
"""

"""Boxes and points of an answer in the terminal: one line for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from seewhy.cli._printable import printable

MOST = 20
"""Largest number of boxes and points that are shown."""


def print_locations(console: Console, explanation: Mapping[str, Any]) -> None:
    """Print where the answer's boxes and points are, and how the maps fit them.

    A note that several of them share is printed with the first.

    Args:
        console: where to print.
        explanation: the object that `--json` prints.
    """
    found = [
        *(("box", one) for one in explanation.get("boxes", ())),
        *(("point", one) for one in explanation.get("points", ())),
    ]
    told: set[str] = set()
    for kind, one in found[:MOST]:
        console.print(_line(kind, one))
        for text in (*_fits(one), *(note for note in one["notes"] if note not in told)):
            console.print(Padding(Text(printable(text), style="dim"), (0, 0, 0, 2)))
        told.update(one["notes"])
    if omitted := len(found[MOST:]):
        more = f"{omitted} more boxes or points: see the report, or --json."
        console.print(Text(more, style="dim"))
    if found:
        console.print()


def _line(kind: str, one: Mapping[str, Any]) -> Text:
    phrase = "" if one["phrase"] is None else f" {printable(one['phrase']['text'])}"
    line = Text.assemble((kind, "yellow"), (phrase, "bold"), ": ", _place(one))
    if one["convention"] is not None:
        line.append(f" ({one['convention']})", style="dim")
    return line


def _fits(one: Mapping[str, Any]) -> list[str]:
    """One line on how the maps fit it; none where it has no pixels."""
    fits = (("phrase", one["phrase_fit"]), ("numbers", one["coordinates_fit"]))
    told = [f"map of the {name}: {_fit(fit)}" for name, fit in fits if fit is not None]
    return ["; ".join(told)] if told else []


def _place(one: Mapping[str, Any]) -> str:
    """Pixels of the original picture, or the numbers as they are written."""
    if one["pixels"] is None:
        numbers = ", ".join(f"{number['value']:g}" for number in one["numbers"])
        return f"not placed, numbers {numbers or 'missing'}"
    pixels = [f"{value:.0f}" for value in one["pixels"]]
    corners = [", ".join(pixels[i : i + 2]) for i in range(0, len(pixels), 2)]
    return f"{' to '.join(corners)} px"


def _fit(fit: Mapping[str, Any]) -> str:
    if fit["distance"] is None:
        return "empty map"
    overlap = "" if fit["iou"] is None else f"IoU {fit['iou']:.2f}, "
    peak = "peak inside" if fit["hit"] else f"peak {fit['distance']:.0f} px away"
    return overlap + peak

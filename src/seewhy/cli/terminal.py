"""What a person sees in the terminal: what is going on (stderr), and the result (stdout)."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

CONTEXTS = 3
"""Earlier words shown for each word, the strongest first."""
WEAK = 0.1
"""Share of the strongest context below which an earlier word is not shown."""
ROWS = 40
"""Words that get a row, the first of the answer: about what a person reads on a screen."""
BAR = 8
"""Width of a full bar in characters."""


class Stages(AbstractContextManager["Stages"]):
    """Says on stderr what is going on: a moving line on a terminal, else one line a stage.

    Args:
        quiet: whether to say nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False)
        self._status = self._console.status("") if self._console.is_terminal else None
        self._since = time.monotonic()

    def __enter__(self) -> Stages:
        """Start."""
        if self._status and not self._quiet:
            self._status.start()
        return self

    def __call__(self, name: str) -> None:
        """Say that the stage `name` begins."""
        if self._quiet:
            return
        if self._status:
            self._status.update(Text(f"{printable(name)} ..."))
        else:
            elapsed = time.monotonic() - self._since
            print(f"seewhy: {elapsed:6.1f} s  {printable(name)}", file=sys.stderr, flush=True)

    def __exit__(self, *exception: object) -> None:
        """Stop, and give the line back."""
        if self._status:
            self._status.stop()


def show(explanation: Mapping[str, Any], folder: Path | None) -> None:
    """Print an explanation for a person.

    Args:
        explanation: the object that `--json` prints.
        folder: where its files are, if they were written.
    """
    console = Console(highlight=False)
    console.print()
    console.print(Text(printable(explanation["prompt"]), style="dim"))
    console.print(Text(printable(explanation["answer"]), style="bold"))
    console.print()
    words = explanation["words"]
    named = [word for word in words if _readable(word["text"])]
    console.print(_table(named[:ROWS], words))
    if left := len(named[ROWS:]):
        more = f"{left} more word{'s' * (left > 1)}: see the report, or --json."
        console.print(Text(more, style="dim"))
    console.print()
    if folder is not None:
        # Printed as it is: a path must be fit for copying, on one line and without colour.
        print(f"report: {folder / 'report.html'}")


def _table(rows: Sequence[Mapping[str, Any]], words: Sequence[Mapping[str, Any]]) -> Table:
    """One row for each of `rows`; `words` are all words of the answer."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    table.add_column("word", overflow="fold")
    table.add_column("probability", no_wrap=True)
    table.add_column("peak", justify="right", no_wrap=True)
    table.add_column("earlier words", overflow="fold")
    for word in rows:
        table.add_row(
            Text(printable(word["text"])),
            _probability(word["probability"]),
            _place(word, pictures=len(word.get("shares", ())) > 1),
            _context(word["context"], words),
        )
    return table


def printable(text: str) -> str:
    """Text that cannot steer a terminal: control characters shown as what they are.

    Example:
        >>> printable("red\\x1b[2J car\\n")
        'red␛[2J car '
    """
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in "\n\t\r":
        return " "
    if ord(character) < 32:
        return chr(0x2400 + ord(character))
    return character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"


def _probability(probability: float) -> Text:
    """A number and a bar; unlikely words stand out."""
    filled = round(probability * BAR)
    style = "red" if probability < 0.25 else "yellow" if probability < 0.75 else "green"
    return Text.assemble(
        f"{probability:.2f} ", ("█" * filled, style), ("░" * (BAR - filled), "dim")
    )


def _place(word: Mapping[str, Any], *, pictures: bool = False) -> Text:
    """Where the map is strongest, in pixels of its picture; and of which, where there are more."""
    if word["peak"] is None:
        return Text("nowhere", style="dim")
    where = f"{word['peak'][0]:.0f}, {word['peak'][1]:.0f}"
    return Text(f"{where} in {word['view']}" if pictures else where)


def _context(context: list[tuple[int, float]], words: Sequence[Mapping[str, Any]]) -> Text:
    """The strongest earlier words, each with its share of the whole context."""
    total = sum(weight for _, weight in context)
    named = [(words[index]["text"], weight) for index, weight in context if weight > 0]
    ranked = sorted(((t, w) for t, w in named if _readable(t)), key=lambda pair: -pair[1])
    kept = [(t, w) for t, w in ranked[:CONTEXTS] if w >= WEAK * ranked[0][1]]
    return Text(", ").join(Text(f"{printable(text)} {w / total:.0%}") for text, w in kept)


def _readable(text: str) -> bool:
    """Whether a word is more than a punctuation mark."""
    return any(character.isalnum() for character in text)

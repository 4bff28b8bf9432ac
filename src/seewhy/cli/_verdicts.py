"""Verdicts in the terminal: a mark for each word, and a sentence for the worst ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from seewhy.cli._printable import printable

MARKS = {
    "picture": ("●", "cyan", "from the picture"),
    "repeats": ("○", "blue", "repeats an earlier word"),
    "words": ("▲", "yellow", "from words or habit"),
    "misread": ("✕", "magenta", "from another place"),
    "unclear": ("–", "dim", "unclear"),
}
"""For each source the mark, its style and its meaning. Shapes tell them apart without colour."""

DOUBTFUL = 0.5
"""Support below which a word's sentence is shown."""
WORST = 5
"""Largest number of sentences that are shown."""


def has_verdicts(words: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the words, as `--json` prints them, were diagnosed."""
    return any("verdict" in word for word in words)


def final_words(words: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The words without those of a thinking block; all where nothing follows it."""
    return [word for word in words if not word.get("thinking")] or list(words)


def mark(word: Mapping[str, Any]) -> Text:
    """A word's mark with its support; empty for a word without a verdict."""
    verdict = word.get("verdict")
    if verdict is None:
        return Text("")
    sign, style, _ = MARKS[verdict["source"]]
    return Text.assemble((sign, style), f" {verdict['support']:.2f}")


def legend(words: Sequence[Mapping[str, Any]]) -> Text:
    """What the marks mean that these words have."""
    used = {word["verdict"]["source"] for word in words if word.get("verdict")}
    parts = [
        Text.assemble((sign, style), (f" {meaning}", "dim"))
        for source, (sign, style, meaning) in MARKS.items()
        if source in used
    ]
    return Text("   ").join(parts)


def print_worst(console: Console, words: Sequence[Mapping[str, Any]]) -> None:
    """Print the sentences of the words that the picture supports least.

    Args:
        console: where to print.
        words: all words of the answer.
    """
    doubtful = [w for w in words if w.get("verdict") and w["verdict"]["support"] < DOUBTFUL]
    if not doubtful:
        console.print(Text(f"No word has a support below {DOUBTFUL}.", style="dim"))
    # A stable sort: of equally supported words the first one comes first.
    for word in sorted(doubtful, key=lambda w: w["verdict"]["support"])[:WORST]:
        text = Text(f" {printable(word['text'])}", style="bold")
        meaning = MARKS[word["verdict"]["source"]][2]
        console.print(Text.assemble(mark(word), text, f": {meaning}"))
        console.print(Padding(Text(printable(word["verdict"]["sentence"])), (0, 0, 0, 2)))
    if omitted := len(doubtful[WORST:]):
        rest = f"{omitted} more below {DOUBTFUL}: see the report, or --json."
        console.print(Text(rest, style="dim"))

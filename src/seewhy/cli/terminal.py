"""Terminal output: progress on stderr, and the result on stdout."""

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

from seewhy.cli._locations import print_locations
from seewhy.cli._printable import printable
from seewhy.cli._verdicts import final_words, has_verdicts, legend, mark, print_worst
from seewhy.core.announcements import listening

CONTEXTS = 3
"""Earlier words shown for each word, the strongest first."""
WEAK = 0.1
"""Part of the largest share below which an earlier word is not shown."""
ROWS = 40
"""Maximum number of words in the table where the output is no terminal, or a tall one."""
FEWEST_ROWS = 8
"""Words in the table of a terminal that is too low for more."""
OTHER_LINES = 10
"""Lines around the table: its head, the prompt, the answer's last line, the report's path."""
BAR = 8
"""Width of a full bar in characters."""


class Stages(AbstractContextManager["Stages"]):
    """Prints progress to stderr: a spinner on a terminal, else one line per stage.

    Args:
        quiet: whether to print nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False)
        self._status = self._console.status("") if self._console.is_terminal else None
        self._since = time.monotonic()

    def __enter__(self) -> Stages:
        """Start the spinner, and tell what the library announces."""
        self._listening = listening(self)
        self._listening.__enter__()
        if self._status and not self._quiet:
            self._status.start()
        return self

    def __call__(self, name: str) -> None:
        """Print that the stage `name` starts."""
        if self._quiet:
            return
        if self._status:
            self._status.update(Text(f"{printable(name)} ..."))
        else:
            elapsed = time.monotonic() - self._since
            print(f"seewhy: {elapsed:6.1f} s  {printable(name)}", file=sys.stderr, flush=True)

    def __exit__(self, *exception: object) -> None:
        """Stop the spinner."""
        self._listening.__exit__(None, None, None)
        if self._status:
            self._status.stop()


def show(explanation: Mapping[str, Any], folder: Path | None) -> None:
    """Print an explanation as a table.

    Args:
        explanation: the object that `--json` prints.
        folder: with its files, or None if they were not written.
    """
    console = Console(highlight=False)
    console.print()
    for warning in explanation.get("warnings", ()):
        console.print(Text(printable(warning), style="bold yellow"))
        console.print()
    console.print(Text(printable(explanation["prompt"]), style="dim"))
    _print_answer(console, explanation)
    console.print()
    words = explanation["words"]
    final = final_words(words)
    readable = [word for word in final if _is_readable(word["text"])]
    most = _most_rows(console, answer=explanation["answer"])
    console.print(_table(readable[:most], words))
    if method := explanation.get("method"):
        console.print(Text(f"method: {printable(method)}", style="dim"))
    if omitted := len(readable[most:]):
        more = f"{omitted} more word{'s' * (omitted > 1)}: see the report, or --json."
        console.print(Text(more, style="dim"))
    console.print()
    print_locations(console, explanation)
    if has_verdicts(words):
        _print_verdicts(console, final)
    for note in dict.fromkeys(note for word in words for note in word.get("notes", ())):
        console.print(Text(printable(note), style="dim"))
        console.print()
    if folder is not None:
        # Printed without rich: a path must be easy to copy, on one line and without colour.
        print(f"report: {folder / 'report.html'}")


def _most_rows(console: Console, *, answer: str) -> int:
    """How many words the table may have, so that it fills a screen at most."""
    if not console.is_terminal:
        return ROWS
    lines_of_answer = len(Text(printable(answer)).wrap(console, console.width))
    free = console.height - OTHER_LINES - lines_of_answer
    return min(ROWS, max(FEWEST_ROWS, free))


def _print_answer(console: Console, explanation: Mapping[str, Any]) -> None:
    """The answer; of a thinking block that precedes it only how long it is."""
    answer, words = explanation["answer"], explanation["words"]
    final = final_words(words)
    if hidden := len(words) - len(final):
        _, end = explanation["thinking"]
        answer = answer[end:].lstrip()
        note = f"{hidden} words of thinking before it: see the report, or --json."
        console.print(Text(note, style="dim"))
    elif explanation.get("thinking"):
        console.print(Text("The answer ends within its thinking.", style="dim"))
    console.print(Text(printable(answer), style="bold"))


def _print_verdicts(console: Console, words: Sequence[Mapping[str, Any]]) -> None:
    if any(word["verdict"] for word in words):
        console.print(legend(words))
        print_worst(console, words)
    else:
        console.print(Text("No word of this answer has a verdict.", style="dim"))
    console.print()


def _table(rows: Sequence[Mapping[str, Any]], words: Sequence[Mapping[str, Any]]) -> Table:
    """One row for each of `rows`; `words` are all words of the answer."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    has_share = any(word.get("visual_share") is not None for word in words)
    table.add_column("word", overflow="fold")
    diagnosed = has_verdicts(words)
    if diagnosed:
        table.add_column("support", no_wrap=True)
    table.add_column("probability", no_wrap=True)
    if has_share:
        table.add_column("from the picture", justify="right", no_wrap=True)
    table.add_column("peak", justify="right", no_wrap=True)
    table.add_column("earlier words", overflow="fold")
    for word in rows:
        share = [_visual_share(word["visual_share"])] if has_share else []
        table.add_row(
            Text(printable(word["text"])),
            *([mark(word)] if diagnosed else []),
            _probability(word["probability"]),
            *share,
            _peak(word, pictures=len(word.get("shares", ())) > 1),
            _context(word["context"], words),
        )
    return table


def _probability(probability: float) -> Text:
    """A number and a bar; low probabilities are red."""
    filled = round(probability * BAR)
    style = "red" if probability < 0.25 else "yellow" if probability < 0.75 else "green"
    return Text.assemble(
        f"{probability:.2f} ", ("█" * filled, style), ("░" * (BAR - filled), "dim")
    )


def _visual_share(share: float | None) -> Text:
    """The part that came from the picture, in percent."""
    return Text("") if share is None else Text(f"{share:.0%}")


def _peak(word: Mapping[str, Any], *, pictures: bool = False) -> Text:
    """The position of the map's maximum in pixels; with several pictures, also which one."""
    if word["peak"] is None:
        return Text("nowhere", style="dim")
    position = f"{word['peak'][0]:.0f}, {word['peak'][1]:.0f}"
    return Text(f"{position} in {word['view']}" if pictures else position)


def _context(context: list[tuple[int, float]], words: Sequence[Mapping[str, Any]]) -> Text:
    """The earlier words of the answer with the largest shares of what the word took from words."""
    # What older versions printed were weights in the method's own unit, which sum to anything.
    total = max(1.0, sum(share for _, share in context))
    positive = [(words[index]["text"], share / total) for index, share in context if share > 0]
    ranked = sorted(((t, s) for t, s in positive if _is_readable(t)), key=lambda pair: -pair[1])
    kept = [(t, s) for t, s in ranked[:CONTEXTS] if s >= WEAK * ranked[0][1]]
    return Text(", ").join(Text(f"{printable(text)} {share:.0%}") for text, share in kept)


def _is_readable(text: str) -> bool:
    """Whether a text has a letter or digit."""
    return any(character.isalnum() for character in text)

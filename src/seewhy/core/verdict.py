"""Why a word was said: what was changed, what happened to the word, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from seewhy.core.geometry import Box

SOURCES = {
    "picture": "the picture is needed, and the place that the word names is what brings it",
    "repeats": "it picks up an earlier word of the answer, which has a verdict of its own",
    "words": "it follows from the prompt, from earlier words or from habit",
    "misread": "the picture is needed, but another place than the word's own brings it",
    "unclear": "what was changed does not decide it",
}
"""What a word rests on."""

CHANGES = {
    "other-pictures": "other pictures, with the same words before the word",
    "grey": "a grey picture of the same size",
    "hues-turned": "the same picture with other colours",
    "upside-down": "the same picture upside down",
    "mirrored": "the same picture mirrored",
    "place-removed": "the same picture without the word's own place",
    "place-kept": "only the word's own place, on grey",
    "place-turned": "the same picture, the place of a coloured thing upside down",
    "word-dropped": "the same picture, an earlier word left out",
    "word-swapped": "the same picture, an earlier word replaced by another",
}
"""What can be changed to see what a word rests on."""


@dataclass(frozen=True)
class Change:
    """One thing that was changed, and the word's log-probability afterwards.

    Attributes:
        kind: one of `CHANGES`.
        log_probabilities: of the word, given the words before it, one for each variant; in nats,
            the sum over its tokens.
        view: the view whose picture was changed, where it was one place of one picture.
        box: that place: left, top, right, bottom in pixels of the view.
        part: of a word that was changed: `"prompt"` or `"answer"`; "" where the picture was.
        word: its index among the words of that part.
        replacement: what stood in its place; "" where it was left out.
        before: the log-probability with nothing changed of what `log_probabilities` are of, where
            that is more than the word: with a changed word, of the phrase that the word ends.
    """

    kind: str
    log_probabilities: tuple[float, ...]
    view: int | None = None
    box: Box | None = None
    part: str = ""
    word: int | None = None
    replacement: str = ""
    before: float | None = None


@dataclass(frozen=True)
class Because:
    """What a verdict rests on.

    Attributes:
        log_probability: of the word with nothing changed, in nats; of a fixed expression that it
            ends, such as "to the left", together.
        visual_share: of what the word took from pictures and text, the part from the pictures, in
            [0, 1]; None where it was not measured.
        changes: everything that was changed.
        part: of the earlier word that the word follows from: `"prompt"` or `"answer"`; "" for none.
        follows: its index among the words of that part. For `"repeats"` the earlier mention.
        noun: index of the answer's word whose verdict the word shares, as a colour that of its
            thing; None if it has its own.
    """

    log_probability: float
    visual_share: float | None
    changes: tuple[Change, ...]
    part: str = ""
    follows: int | None = None
    noun: int | None = None

    def change(self, kind: str) -> Change | None:
        """The first change of a kind, or None if there was none."""
        return next((change for change in self.changes if change.kind == kind), None)


@dataclass(frozen=True)
class Verdict:
    """What one word of an answer rests on.

    Attributes:
        support: how sure it is that the picture bears the word out, in [0, 1].
        source: one of `SOURCES`.
        because: what was changed and what happened.
        sentence: the same in plain English, with its numbers.
        role: what kind of word it is: `"noun"`, `"colour"`, `"count"`, `"relation"`, `"size"` or
            `"word"` (any other, and every word of a language without a list).
    """

    support: float
    source: str
    because: Because
    sentence: str
    role: str = "word"

    def to_json(self) -> dict[str, Any]:
        """The same fields, JSON-ready."""
        return _plain(asdict(self))


def _plain(value: Any) -> Any:
    """Tuples as lists."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value

"""Verdicts made by hand for the caption of `records`: every source, every kind of change."""

from __future__ import annotations

import math
from dataclasses import replace

from golden.records import (
    chat_record,
    clip_record,
    pictures_record,
    record_of,
    small_views_record,
)
from seewhy.core.record import Record
from seewhy.core.verdict import Because, Change, Verdict

RED, STAR, SHINES, ABOVE, BLUE, HOUSE, SMALL = 1, 2, 3, 4, 6, 7, 10
GREEN, TREE, STANDS, RIGHT, IT = 11, 12, 13, 16, 18

HOSTILE = "</script><b>bold</b>\u202e \u05e9\u05dc\u05d5\u05dd {{style}} & 'one' \"two\""
HEBREW = (
    "\u05d4\u05de\u05d9\u05dc\u05d4 \u05dc\u05d0 \u05e0\u05e9\u05e2\u05e0\u05ea "
    "\u05e2\u05dc \u05d4\u05ea\u05de\u05d5\u05e0\u05d4: 40 %."
)


def logs(*probabilities: float) -> tuple[float, ...]:
    """Log-probabilities in nats."""
    return tuple(map(math.log, probabilities))


def verdict(
    support: float,
    source: str,
    sentence: str,
    *changes: Change,
    probability: float = 0.96,
    role: str = "noun",
    share: float | None = None,
    follows: tuple[str, int] | None = None,
    noun: int | None = None,
) -> Verdict:
    """A verdict on a word of this probability."""
    part, index = follows or ("", None)
    because = Because(math.log(probability), share, changes, part, index, noun)
    return Verdict(support, source, because, sentence, role)


def with_verdicts(record: Record) -> Record:
    """The record with verdicts of the caption's words, most of them in the first view."""
    made = {
        RED: red(), STAR: star(), SHINES: shines(), ABOVE: above(), BLUE: blue(), HOUSE: house(),
        SMALL: small(), GREEN: green(), TREE: tree(), STANDS: stands(), RIGHT: right(), IT: it(),
    }  # fmt: skip
    tokens = list(record.tokens)
    for word, one in made.items():
        # The word's own probability is the one that its verdict starts from.
        first, *others = record.words[word].tokens
        probability = math.exp(one.because.log_probability)
        tokens[first] = replace(tokens[first], probability=probability)
        for other in others:
            tokens[other] = replace(tokens[other], probability=1.0)
    verdicts = tuple(made.get(index) for index in range(len(record.words)))
    return replace(record, tokens=tuple(tokens), verdicts=verdicts)


def star() -> Verdict:
    box = (90.0, 30.0, 200.0, 150.0)
    return verdict(
        0.97,
        "picture",
        "With twelve other pictures its probability falls from 96 % to 1.2 %. Without its own "
        "place it falls to 2 %.",
        Change("other-pictures", logs(*(0.002 * 1.4**n for n in range(12)))),
        Change("grey", logs(0.001)),
        Change("place-removed", logs(0.02), view=0, box=box),
        Change("place-kept", logs(0.91), view=0, box=box),
        share=0.83,
    )


def red() -> Verdict:
    return verdict(
        0.95,
        "picture",
        "It is the colour of “star”. With other colours its probability falls from 91 % to 4 %.",
        Change("hues-turned", logs(0.04, 0.02, 0.06)),
        Change("place-turned", logs(0.05), view=0, box=(10.0, 10.0, 30.0, 30.0)),
        probability=0.91,
        role="colour",
        noun=STAR,
    )


def above() -> Verdict:
    return verdict(
        0.88,
        "picture",
        "With the picture upside down its probability falls from 81 % to 7 %.",
        Change("mirrored", logs(0.78)),
        Change("upside-down", logs(0.07)),
        probability=0.81,
        role="relation",
    )


def shines() -> Verdict:
    return verdict(
        0.5,
        "unclear",
        "Other pictures lower its probability from 60 % to 35 %: that does not decide it.",
        Change("other-pictures", logs(0.1, 0.3, 0.35, 0.5, 0.55)),
        probability=0.6,
        role="word",
    )


def house() -> Verdict:
    return verdict(
        0.93,
        "picture",
        "With twelve other pictures its probability falls from 96 % to 3 %.",
        Change("other-pictures", logs(*(0.01 * 1.2**n for n in range(12)))),
        share=0.71,
    )


def blue() -> Verdict:
    return verdict(0.93, "picture", "It is the colour of “house”.", role="colour", noun=HOUSE)


def small() -> Verdict:
    return verdict(0.61, "unclear", HEBREW, Change("grey", logs(0.4)), role="size")


def tree() -> Verdict:
    return verdict(
        0.03,
        "words",
        "Said without the picture all the same: 93 % with twelve other pictures. It follows "
        "“house”.",
        Change("other-pictures", logs(*(0.9 + 0.006 * n for n in range(12)))),
        Change("grey", logs(0.93)),
        Change("word-dropped", logs(0.12), part="answer", word=HOUSE),
        Change(
            "word-swapped",
            logs(0.05),
            part="answer",
            word=HOUSE,
            replacement="boat",
            before=logs(0.9)[0],
        ),
        probability=0.98,
        share=0.12,
        follows=("answer", HOUSE),
    )


def green() -> Verdict:
    return verdict(
        0.06, "words", "Shares the verdict of “tree”.", role="colour", noun=TREE, probability=0.9
    )


def stands() -> Verdict:
    return verdict(
        0.2,
        "words",
        HOSTILE,
        Change("word-dropped", logs(0.2), part="prompt", word=4),
        role="word",
        follows=("prompt", 4),
    )


def right() -> Verdict:
    box = (20.0, 200.0, 140.0, 330.0)
    return verdict(
        0.31,
        "misread",
        "The picture is needed, but another place than its own brings it: without its own place it "
        "keeps 85 %.",
        Change("place-removed", logs(0.85), view=0, box=box),
        probability=0.9,
        role="relation",
    )


def it() -> Verdict:
    return verdict(
        0.93,
        "repeats",
        "It picks up “house”, which comes from the picture.",
        Change("word-swapped", logs(0.3), part="answer", word=HOUSE, replacement="cat"),
        role="word",
        follows=("answer", HOUSE),
    )


def diagnosed_record() -> Record:
    """The caption, diagnosed."""
    return with_verdicts(record_of())


def diagnosed_views() -> dict[str, Record]:
    """Several pictures, a clip and a chat, diagnosed; the star's place is in the second picture."""
    pictures = with_verdicts(pictures_record())
    assert pictures.verdicts is not None
    seen = star()
    changes = tuple(
        change if change.view is None else replace(change, view=1)
        for change in seen.because.changes
    )
    moved = replace(seen, because=replace(seen.because, changes=changes))
    verdicts = tuple(moved if i == STAR else v for i, v in enumerate(pictures.verdicts))
    return {
        "pictures": replace(pictures, verdicts=verdicts),
        "clip": with_verdicts(clip_record()),
        "chat": with_verdicts(chat_record()),
    }


def small_diagnosed_record() -> Record:
    """The small record with two views; its second word has a verdict with every field set."""
    changes = (
        Change("other-pictures", (-0.25, -0.5)),
        Change("place-removed", (-4.0,), view=1, box=(0.0, 2.5, 20.0, 20.0)),
        Change("word-swapped", (-2.0,), part="answer", word=0, replacement="the"),
    )
    because = Because(-1.0, 0.75, changes, part="prompt", follows=1, noun=0)
    return replace(
        small_views_record(), verdicts=(None, Verdict(0.25, "misread", because, "Why.", "noun"))
    )

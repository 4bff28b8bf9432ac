"""From what changes do to words to what the words rest on: rules, without a model."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from seewhy.core.verdict import Because, Change, Verdict
from seewhy.diagnosis.words import ACHROMATIC, Unit
from seewhy.functional.support import MIDPOINT, joint_share_left, share_left, support_of

UNCLEAR = 0.35, 0.6
"""Support between these decides nothing."""

COLOUR_MIDPOINT = 0.3
"""Of what shows that a colour is not read from colours; chosen on training scenes of
`tiny-llava-biased` and `tiny-internvl-biased`."""

RELATION_MIDPOINT = 0.6
"""Of what shows that a relation is not read from where things are; chosen on training scenes of all
three biased models."""

DOUBTFUL = 0.1
"""Of what shows that a colour is not read from colours: above it the thing alone is read upside
down."""

HARDLY = 0.05
"""A word below this probability is not the model's: nothing is said of what it rests on."""

MOST = 0.5
"""What must be left of a probability so that a change does not count."""

MISREAD_REMOVED, MISREAD_KEPT, MISREAD_CERTAIN = 0.8, 0.1, 0.8
"""A word is misread if more is left of it without its place, less with its place alone, and the
model is not more certain of it; a map may miss the place of a word that is certain."""

LOSS = 0.5
"""A word follows from an earlier one if less than this is left without it."""


@dataclass(frozen=True)
class Measured:
    """All that was measured of one word.

    Attributes:
        unit: the word.
        log_probability: with nothing changed.
        visual_share: in [0, 1], or None.
        pictures: changes of the picture.
        words: changes of earlier words.
    """

    unit: Unit
    log_probability: float
    visual_share: float | None
    pictures: tuple[Change, ...]
    words: tuple[Change, ...] = ()

    def left(self, kind: str) -> float | None:
        """What one kind of change of the picture leaves of the word; None if it was not made."""
        change = next((change for change in self.pictures if change.kind == kind), None)
        if change is None:
            return None
        return share_left(torch.tensor(change.log_probabilities), self.log_probability)


def picture_left(measured: Measured) -> float:
    """What changes of the picture leave of a word, in [0, 1]: small if the picture is needed.

    The geometric mean of what other pictures, grey and the lack of its own place leave (of a colour
    what other colours leave), and of the share that the word took from text. A colour must be read
    from colours too, and a relation from where things are.
    """
    kinds = ("other-pictures", "grey", "place-removed")
    shares = [left for kind in kinds if (left := measured.left(kind)) is not None]
    if measured.visual_share is not None:
        shares.append(1 - measured.visual_share)
    if (hues := _hues_left(measured)) is not None:
        shares.append(hues)
    of_colour = colour_left(measured) * MIDPOINT / COLOUR_MIDPOINT
    of_side = _side_left(measured) * MIDPOINT / RELATION_MIDPOINT
    return max(joint_share_left(shares), of_colour, of_side)


def colour_left(measured: Measured) -> float:
    """What shows that a colour is not read from the picture's colours; 0 for other words.

    A colour that is read goes in other colours, and stays upside down. One that is said because of
    the thing does the opposite. The geometric mean of what other colours leave (of the two of
    three that leave most: a thing in other colours may not be recognised), of what is lost upside
    down, and, where it was read, of what is lost with the thing alone upside down.
    """
    hues, upside_down = _each_hue_left(measured), measured.left("upside-down")
    if not hues or upside_down is None:
        return 0.0
    shares = [statistics.mean(sorted(hues)[-2:]), 1 - upside_down]
    turned = measured.left("place-turned")
    return joint_share_left(shares if turned is None else [*shares, 1 - turned])


def _hues_left(measured: Measured) -> float | None:
    """What other colours leave of a colour, the middle one; None for other words."""
    hues = _each_hue_left(measured)
    return statistics.median(hues) if hues else None


def _each_hue_left(measured: Measured) -> list[float]:
    """What each of the other colours leaves of a colour; nothing for other words."""
    change = next((change for change in measured.pictures if change.kind == "hues-turned"), None)
    if change is None or measured.unit.role != "colour":
        return []
    # Swapped channels change no grey, the negative does.
    values = change.log_probabilities
    values = values[-1:] if measured.unit.lemma in ACHROMATIC else values
    return [share_left(torch.tensor([value]), measured.log_probability) for value in values]


def _side_left(measured: Measured) -> float:
    """What shows that a relation is not read from where things are; 0 for other words.

    The geometric mean of what the exchange of sides leaves of it, and of what other pictures leave.
    """
    kind = _EXCHANGES.get(measured.unit.lemma) if measured.unit.role == "relation" else None
    exchanged, others = measured.left(kind or ""), measured.left("other-pictures")
    if exchanged is None or others is None:
        return 0.0
    return joint_share_left([exchanged, others])


_EXCHANGES = {"left": "mirrored", "right": "mirrored"} | dict.fromkeys(
    ("above", "below", "under", "beneath", "underneath", "over", "atop", "top", "bottom"),
    "upside-down",
)
"""The change that makes of a relation its opposite."""


def verdicts_of(measured: Sequence[Measured]) -> dict[int, Verdict]:
    """The verdict of each word, by its index among the answer's words; sentences are empty.

    Args:
        measured: in the order of the answer.
    """
    own = {found.unit.word: _own_verdict(found) for found in measured}
    verdicts: dict[int, Verdict] = {}
    for found in measured:  # earlier mentions have their verdicts first
        verdicts[found.unit.word] = _repeated(found, own[found.unit.word], verdicts)
    for found in measured:
        verdicts[found.unit.word] = _determined(found, verdicts, own)
    for found in measured:
        verdicts[found.unit.word] = _shared(found.unit, verdicts)
    return verdicts


def _own_verdict(found: Measured) -> Verdict:
    """What a word rests on by itself."""
    support = support_of(picture_left(found))
    low, high = UNCLEAR
    source = "picture" if support >= high else "words" if support <= low else "unclear"
    likely = min(1.0, 2 * math.exp(found.log_probability))
    support *= likely
    if (source == "picture" and support < high) or would_hardly_say(found.log_probability):
        source = "unclear"
    if found.unit.role in ("count", "size") and source == "words" and _is_changed(found):
        source, support = "unclear", 0.5
    if source == "picture" and _is_misread(found):
        source = "misread"
        support = min(support, 0.5)
    because = Because(found.log_probability, found.visual_share, (*found.pictures, *found.words))
    if source == "words" and (cause := _cause(found.words)) is not None:
        because = replace(because, part=cause.part, follows=cause.word)
    return Verdict(support, source, because, "", found.unit.role)


def would_hardly_say(log_probability: float) -> bool:
    """Whether the model itself would hardly say a word, as in an answer of another model."""
    return math.exp(log_probability) < HARDLY


def _is_changed(found: Measured) -> bool:
    """Whether other pictures take half of a word away: one of few sizes is likely on grey too."""
    left = found.left("other-pictures")
    return left is not None and left < MOST


def _is_misread(found: Measured) -> bool:
    """Whether the picture is needed, but the word's own place is neither needed nor enough."""
    removed, kept = found.left("place-removed"), found.left("place-kept")
    if found.unit.role not in ("noun", "word") or removed is None or kept is None:
        return False
    if math.exp(found.log_probability) > MISREAD_CERTAIN:
        return False
    return removed > MISREAD_REMOVED and kept < MISREAD_KEPT


def _cause(changes: Sequence[Change]) -> Change | None:
    """The change of an earlier word that takes most of a word away; None if none takes half."""
    if not changes:
        return None
    least = min(changes, key=word_left)
    return least if word_left(least) < LOSS else None


def word_left(change: Change) -> float:
    """What the change of an earlier word leaves of the phrase that a word ends."""
    assert change.before is not None  # changes of words always have it
    return share_left(torch.tensor(change.log_probabilities), change.before)


def _repeated(found: Measured, own: Verdict, earlier: Mapping[int, Verdict]) -> Verdict:
    """The verdict of a word that picks up an earlier mention and does not need the picture."""
    unit = found.unit
    if own.source in ("picture", "misread") or unit.role in ("relation", "size", "count"):
        return own
    mentions = [word for word in unit.earlier if word in earlier]
    if not mentions:
        return own
    mention = mentions[-1]
    because = replace(own.because, part="answer", follows=mention)
    return replace(own, support=earlier[mention].support, source="repeats", because=because)


def _determined(
    found: Measured, verdicts: Mapping[int, Verdict], own: Mapping[int, Verdict]
) -> Verdict:
    """The verdict of a noun that its own attribute determines, as "light" after "traffic"."""
    verdict = verdicts[found.unit.word]
    because = verdict.because
    if because.part != "answer" or because.follows not in found.unit.attributes:
        return verdict
    if math.exp(found.log_probability) < MOST:
        return verdict  # it does not follow at all
    attribute = own[because.follows]
    because = replace(because, noun=because.follows)
    return replace(verdict, support=attribute.support, source=attribute.source, because=because)


def _shared(unit: Unit, verdicts: Mapping[int, Verdict]) -> Verdict:
    """A word that belongs to a noun is no better supported than the noun."""
    verdict = verdicts[unit.word]
    if unit.noun is None or unit.noun not in verdicts:
        return verdict
    noun = verdicts[unit.noun]
    if noun.because.noun == unit.word or noun.support >= verdict.support:
        return verdict
    if noun.source in ("picture", verdict.source):
        return replace(verdict, support=noun.support)
    found = noun.because
    part, follows = found.part, found.follows
    if part == "answer" and follows is not None and follows >= unit.word:
        part, follows = "", None  # the noun follows from this very word, or from one after it
    because = replace(verdict.because, noun=unit.noun, part=part, follows=follows)
    return replace(verdict, support=noun.support, source=noun.source, because=because)

"""From what changes do to words to what the words rest on: rules, without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from seewhy.core.verdict import Because, Change, Verdict
from seewhy.diagnosis.words import Unit
from seewhy.functional.support import joint_share_left, share_left, support_of

UNCLEAR = 0.25, 0.75
"""Support between these decides nothing."""

MOST = 0.5
"""What must be left of a probability so that a change does not count."""

MISREAD_REMOVED, MISREAD_KEPT = 0.8, 0.1
"""A word is misread if more is left of it without its place, and less with its place alone."""

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

    The geometric mean of what other pictures, grey and the lack of its own place leave, and of the
    share that the word took from text. A colour must go too when the hues change, and a relation
    when the picture is mirrored: what stays rests on something else than the colour or the place.
    """
    kinds = ("other-pictures", "grey", "place-removed")
    shares = [left for kind in kinds if (left := measured.left(kind)) is not None]
    if measured.visual_share is not None:
        shares.append(1 - measured.visual_share)
    return max(joint_share_left(shares), _property_left(measured))


def _property_left(measured: Measured) -> float:
    """What a change of the very property that a word names leaves of it; 0 for other words."""
    kind = {"colour": "hues-turned", "relation": "mirrored"}.get(measured.unit.role)
    change = next((change for change in measured.pictures if change.kind == kind), None)
    if change is None:
        return 0.0
    shares = [
        share_left(torch.tensor([value]), measured.log_probability)
        for value in change.log_probabilities
    ]
    if measured.unit.role == "relation":
        axis = _AXES.get(measured.unit.lemma)
        return 0.0 if axis is None else shares[axis]
    # One changed picture may happen to show the colour: the second highest counts.
    return sorted(shares)[-2]


_AXES = {"left": 0, "right": 0} | dict.fromkeys(
    ("above", "below", "under", "beneath", "underneath", "over", "atop", "top", "bottom"), 1
)
"""Which of the two mirrored pictures exchanges a relation with its opposite."""


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
    if found.unit.role in ("count", "size") and source == "words" and _is_changed(found):
        source, support = "unclear", 0.5
    if source == "picture" and _is_misread(found):
        source = "misread"
        support = min(support, 0.5)
    because = Because(found.log_probability, found.visual_share, (*found.pictures, *found.words))
    if source == "words" and (cause := _cause(found.words)) is not None:
        because = replace(because, part=cause.part, follows=cause.word)
    return Verdict(support, source, because, "", found.unit.role)


def _is_changed(found: Measured) -> bool:
    """Whether other pictures take half of a word away: one of few sizes is likely on grey too."""
    left = found.left("other-pictures")
    return left is not None and left < MOST


def _is_misread(found: Measured) -> bool:
    """Whether the picture is needed, but the word's own place is neither needed nor enough."""
    removed, kept = found.left("place-removed"), found.left("place-kept")
    if found.unit.role not in ("noun", "word") or removed is None or kept is None:
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
    because = replace(verdict.because, noun=unit.noun, part=found.part, follows=found.follows)
    return replace(verdict, support=noun.support, source=noun.source, because=because)

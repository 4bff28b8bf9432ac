"""Find out what each word of an answer rests on, by changing the picture and the words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from torch import Tensor

from seewhy.core.trace import Trace, View
from seewhy.core.verdict import Change, Verdict
from seewhy.diagnosis.evidence import Answered
from seewhy.diagnosis.pictures import (
    PictureEffects,
    coloured_place,
    expression,
    picture_effects,
    place_of,
    read_places,
)
from seewhy.diagnosis.sentences import with_sentences
from seewhy.diagnosis.texts import changed_words, dropped_prompt_words
from seewhy.diagnosis.verdicts import DOUBTFUL, MOST, Measured, colour_left, verdicts_of
from seewhy.diagnosis.words import Unit, related, units_of
from seewhy.models.session import Session


def diagnose(
    session: Session, trace: Trace, answered: Answered, chosen: Collection[int] | None = None
) -> dict[int, Verdict]:
    """What each word that says something rests on.

    1. The answer is read with other pictures, with a grey one, without each word's own place, and,
       if it names colours or positions, in other colours, upside down and mirrored: one batch.
    2. Words that need the picture, but not their own place, are read with that place alone; colours
       that may not be read from colours, with the thing's place upside down.
    3. For words that need no picture, earlier words of the answer are replaced, with the prompt's
       keys and values computed once; if none of them matters, words of the prompt are left out.

    Args:
        session: the model, its pictures and the answer.
        trace: the answer.
        answered: its words, their attribution, and other pictures.
        chosen: indices of the words to diagnose; None for all. Those that their verdicts refer to
            are diagnosed too: a colour's thing, an earlier mention.

    Returns:
        Verdicts by index among the answer's words; words that say nothing have none.

    Example:
        `Explainer.explain(image, prompt, diagnose=True)` calls it.
    """
    all_units = units_of(answered.words)
    units = all_units if chosen is None else related(all_units, chosen)
    if not units:
        return {}
    session.progress("changing the picture")
    views = trace.views
    effects = picture_effects(session, units, answered)
    places = [place_of(unit, views, answered) for unit in units]
    read_places(session, views, effects, {"place-removed": places})
    measured = [_measured(unit, views, effects, answered) for unit in units]
    doubtful = {
        "place-kept": [
            place
            for place, found in zip(places, measured, strict=True)
            if _needs_its_place_alone(found)
        ],
        "place-turned": [
            coloured_place(found.unit, views, answered)
            for found in measured
            if colour_left(found) > DOUBTFUL
        ],
    }
    if any(doubtful.values()):
        read_places(session, views, effects, doubtful)
        measured = [_measured(unit, views, effects, answered) for unit in units]
    measured = _with_words(session, trace, all_units, measured, answered, effects.before)
    return with_sentences(verdicts_of(measured), answered.words, answered.prompt_words)


def _measured(
    unit: Unit, views: Sequence[View], effects: PictureEffects, answered: Answered
) -> Measured:
    tokens = _tokens(unit, answered)
    changes = [
        Change(kind, tuple(expression(values, tokens).tolist()))
        for kind, values in effects.whole.items()
        if kind not in _ONLY_FOR or unit.role in _ONLY_FOR[kind]
    ]
    own, coloured = place_of(unit, views, answered), coloured_place(unit, views, answered)
    for kind, readings in effects.places.items():
        place = coloured if kind == "place-turned" else own
        if place is not None and place in readings:
            value = float(expression(readings[place], tokens))
            changes.append(Change(kind, (value,), view=place[0], box=place[1]))
    share = answered.evidence[unit.word].visual_share
    before = float(expression(effects.before, tokens))
    return Measured(unit, before, share, tuple(changes))


_ONLY_FOR = {
    "hues-turned": ("colour",),
    "upside-down": ("colour", "relation"),
    "mirrored": ("relation",),
}
"""Changes that say something of words of some roles only."""


def _tokens(unit: Unit, answered: Answered) -> tuple[int, ...]:
    """The tokens of a word, with those of the fixed expression that it ends."""
    words = answered.words[unit.span : unit.word + 1]
    return tuple(dict.fromkeys(token for word in words for token in word.tokens))


def _needs_its_place_alone(found: Measured) -> bool:
    """Whether other pictures take a word away, but the lack of its own place does not."""
    removed, others, grey = map(found.left, ("place-removed", "other-pictures", "grey"))
    if removed is None or others is None or grey is None:
        return False
    return removed > MOST and max(others, grey) < MOST


def _with_words(
    session: Session,
    trace: Trace,
    units: Sequence[Unit],
    measured: Sequence[Measured],
    answered: Answered,
    before: Tensor,
) -> list[Measured]:
    """Add changes of earlier words to those words that need no picture and repeat none."""
    own = [found.unit for found in measured]
    first = verdicts_of(measured)
    chosen = [unit for unit in own if first[unit.word].source in ("words", "unclear")]
    if not chosen:
        return list(measured)
    session.progress("changing the words")
    changes = changed_words(session, trace, units, chosen, answered, before)
    found = [_extended(item, changes) for item in measured]
    causes = verdicts_of(found)
    open_units = [
        unit
        for unit in chosen
        if causes[unit.word].source == "words" and causes[unit.word].because.follows is None
    ]
    if open_units and answered.prompt_words:
        more = dropped_prompt_words(session, trace, units, open_units, answered, before)
        found = [_extended(item, more) for item in found]
    return found


def _extended(found: Measured, changes: Mapping[int, Sequence[Change]]) -> Measured:
    return replace(found, words=(*found.words, *changes.get(found.unit.word, ())))

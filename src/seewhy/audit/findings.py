"""The main finding of an audit in plain sentences, written from its counts alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seewhy.audit.answer_index import Reason
from seewhy.audit.causes import Cause
from seewhy.functional.proportions import Rate

PARTS = {"prompt": " of the prompt"}


def stands_out(cause: Cause, ordinary: Rate) -> bool:
    """Whether a cause is a habit, and no word that is wrong now and then.

    It is one if the low end of its rate's interval is above the share of all words that are said
    without the picture.

    Args:
        ordinary: of all words, those whose source is `"words"`.
    """
    return ordinary.total > 0 and cause.rate.low > ordinary.value


def finding(
    causes: Sequence[Cause],
    sources: Mapping[str, Rate],
    *,
    failed: int = 0,
    reasons: Sequence[Reason] = (),
) -> str:
    """The first line: the habit that costs most, or that there is none.

    Args:
        causes: ranked.
        sources: the rate of each source among all words.
        failed: answers that could not be diagnosed.
        reasons: why, the most frequent first.

    Example:
        >>> finding((), {"words": Rate(0, 0, 0.0, 0.0, 0.0)})
        'No word was diagnosed: there are no answers with words.'
    """
    ordinary = sources["words"]
    if not ordinary.total:
        return _nothing(failed, reasons)
    habits = [cause for cause in causes if stands_out(cause, ordinary)]
    if habits:
        return _habit(habits[0], [cause for cause in habits[1:] if cause.lemma])
    if not ordinary.count:
        return f"No word was said without the picture: none of {_number(ordinary.total)}."
    verb = "was" if ordinary.count == 1 else "were"
    return (
        f"No habit stands out: {_number(ordinary.count)} of {_number(ordinary.total)} words {verb} "
        "said without the picture, and after no single word does it happen clearly more often."
    )


def sentence(cause: Cause) -> str:
    """A cause in one sentence without its full stop.

    Example:
        >>> from seewhy.functional.proportions import rate
        >>> sentence(Cause("boat", "answer", "fish", "noun", rate(58, 60), 58, 57))
        "'fish' is said after 'boat' without the picture in 58 of 60 answers with 'boat', and \
is not there in 57 of them"
    """
    return f"{_without_picture(cause)}{_truth(cause)}"


def _without_picture(cause: Cause) -> str:
    after = f" after '{cause.follows}'{PARTS.get(cause.part, '')}" if cause.follows else ""
    counted_by = cause.follows if cause.part == "answer" else cause.lemma
    of = f"{_number(cause.rate.count)} of {_number(cause.rate.total)}"
    return f"'{cause.lemma}' is said{after} without the picture in {of} answers with '{counted_by}'"


def _truth(cause: Cause) -> str:
    """What the truth says of it; nothing where it is not known."""
    if not cause.known:
        return ""
    if cause.known == cause.untrue == cause.rate.count:
        return f", and is {'there' if cause.role == 'noun' else 'right'} in none of them"
    state = "is not there" if cause.role == "noun" else "is wrong"
    if cause.known == cause.rate.count:
        return f", and {state} in {_number(cause.untrue)} of them"
    known = f"{_number(cause.untrue)} of the {_number(cause.known)} whose truth is known"
    return f", and {state} in {known}"


def _habit(first: Cause, others: Sequence[Cause]) -> str:
    rivals = [cause for cause in others if 2 * cause.rate.count >= first.rate.count]
    if not rivals:
        return f"{sentence(first)}; no other habit is as frequent."
    return f"{sentence(first)}. Next: {_without_picture(rivals[0])}."


def _nothing(failed: int, reasons: Sequence[Reason]) -> str:
    if not failed:
        return "No word was diagnosed: there are no answers with words."
    why = f" Most often: {reasons[0].reason.rstrip('.')}." if reasons else ""
    return f"No word was diagnosed: {_number(failed)} rows could not be used.{why}"


def _number(count: int) -> str:
    return f"{count:,}"

"""Putting explanations side by side: methods, models, pictures, or entries of the history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from seewhy.app.asking import (
    entry_named,
    expect_askable,
    media_of,
    method_named,
    running,
    settings_for_reading,
)
from seewhy.app.entries import Entry
from seewhy.app.errors import RequestError, bad_request
from seewhy.app.fields import Fields
from seewhy.app.jobs import Job

if TYPE_CHECKING:
    from seewhy.app.sitting_data import SittingData
    from seewhy.comparison import Comparison
    from seewhy.explanation import Explanation
    from seewhy.side_by_side import Comparer

Work = Callable[[Job], dict[str, Any]]
Compared = Callable[[Job], "Comparison"]

LISTS = ("methods", "models", "pictures")


def compare(fields: Fields, sitting: SittingData) -> Work:
    """Read a `compare` job: an entry and methods, models or pictures; or several entries.

    The first column is the entry itself, where the list does not name it and has room.
    """
    named = [name for name in (*LISTS, "entries") if fields.has(name)]
    if len(named) != 1:
        raise bad_request(
            f"Expected one of {', '.join(LISTS)} or entries to compare, got {len(named)}."
        )
    numbers = fields.items(named[0], str, 1, sitting.limits.comparisons)
    if len(set(numbers)) < len(numbers):
        raise bad_request(f"Expected different {named[0]} to compare, got one twice.")
    if named[0] == "entries":
        compared = _entries([sitting.entries.get(number) for number in numbers], sitting)
    else:
        entry = expect_askable(entry_named(fields, sitting))
        own_answers = fields.flag("own_answers")
        compared = {
            "methods": partial(_methods, numbers),
            "models": partial(_models, numbers),
            "pictures": partial(_pictures, numbers, own_answers),
        }[named[0]](entry, sitting)

    def work(job: Job) -> dict[str, Any]:
        comparison = compared(job)
        job.check()
        job.stage("drawing")
        return {
            "comparison": comparison.payload,
            "url": sitting.comparisons.add(comparison.html()),
        }

    return work


def _entries(entries: Sequence[Entry], sitting: SittingData) -> Compared:
    from seewhy.comparison import expect_columns

    expect_columns(len(entries), "entries")

    def compared(job: Job) -> Comparison:
        from seewhy.comparison import Comparison

        job.stage("reading")
        explanations = [_now(entry, sitting) for entry in entries]
        found = Comparison.of(explanations)
        if found.kind in ("methods", "models") or not any(entry.change for entry in entries):
            return found
        labels = [entry.change or "as it was asked" for entry in entries]
        return Comparison.of(explanations, labels=labels)

    return compared


def _methods(names: list[str], entry: Entry, sitting: SittingData) -> Compared:
    for name in names:
        method_named(name)
    names = _with_own(entry.settings["method"], names, sitting)

    def compared(job: Job) -> Comparison:
        from seewhy.side_by_side import by_methods, ways_of

        settings = settings_for_reading(entry, job)
        del settings["method"]
        with running(job, sitting, entry.model) as explainer:
            ways = ways_of(names, None, settings)
            question = _question(entry, media_of(entry, sitting))
            return by_methods(explainer.comparer, question, ways, [_now(entry, sitting)])

    return compared


def _models(names: list[str], entry: Entry, sitting: SittingData) -> Compared:
    for name in names:
        sitting.models.expect_known(name)
    others = [name for name in names if name != entry.model]
    names = [entry.model, *others]  # the answer is this model's
    if len(names) > sitting.limits.comparisons:
        raise bad_request(
            f"Expected at most {sitting.limits.comparisons} models with the entry's own, got "
            f"{len(names)}: leave one out."
        )

    def compared(job: Job) -> Comparison:
        from seewhy.options import ExplainOptions
        from seewhy.side_by_side import by_models

        comparers = [partial(_comparer, name, sitting, job) for name in names]
        question = _question(entry, media_of(entry, sitting))
        options = ExplainOptions.of(**settings_for_reading(entry, job))
        return by_models(comparers, question, options, _now(entry, sitting))

    return compared


def _pictures(
    numbers: list[str], own_answers: bool, entry: Entry, sitting: SittingData
) -> Compared:
    if len(entry.media) != 1:
        raise RequestError(
            422,
            "pictures",
            f"Expected an entry about one picture to compare with others, got {len(entry.media)} "
            "pictures: ask about one.",
        )
    numbers = _with_own(entry.media[0], numbers, sitting)
    numbers.sort(key=lambda number: number != entry.media[0])  # the answer is about this one
    media = [sitting.media.get(number) for number in numbers]

    def compared(job: Job) -> Comparison:
        from seewhy.options import ExplainOptions
        from seewhy.side_by_side import by_pictures

        options = ExplainOptions.of(**settings_for_reading(entry, job))
        questions = [_question(entry, [medium.read()]) for medium in media]
        if own_answers:
            questions = [replace(question, answer=None) for question in questions]
        with running(job, sitting, entry.model) as explainer:
            return by_pictures(
                explainer.comparer,
                questions,
                options,
                own_answers=own_answers,
                labels=[medium.name for medium in media],
                known=_now(entry, sitting),
            )

    return compared


def _now(entry: Entry, sitting: SittingData) -> Explanation:
    """The explanation of an entry as it is now: it may have got verdicts while the job waited."""
    return sitting.entries.get(entry.id).explanation()


def _with_own(own: str, names: list[str], sitting: SittingData) -> list[str]:
    """The entry's own first, if it is not named and there is room.

    Raises:
        ParameterError: if there is nothing to compare it with.
    """
    from seewhy.comparison import expect_columns

    if own not in names and len(names) < sitting.limits.comparisons:
        names = [own, *names]
    expect_columns(len(names), "columns")
    return list(names)


def _comparer(name: str, sitting: SittingData, job: Job) -> Comparer:
    """A model's comparer whose work can be cancelled."""
    comparer = sitting.models.get(name, job.stage).comparer

    def watched(function: Callable[..., Any], *arguments: Any) -> Any:
        with running(job, sitting, name):
            return function(*arguments)

    return replace(
        comparer,
        explain=partial(watched, comparer.explain),
        write=partial(watched, comparer.write),
    )


def _question(entry: Entry, media: list[Any]) -> Any:
    """What the entry's model was asked, with its answer."""
    from seewhy.chats import read_question

    return read_question(media, entry.asked, answer=list(entry.ids))

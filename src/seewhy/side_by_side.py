"""Explain one question in several ways: by methods, by models, or about several pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seewhy.chats import Question
from seewhy.comparison import Comparison, expect_columns, expect_comparable
from seewhy.core.errors import ParameterError
from seewhy.explanation import Explanation
from seewhy.methods import DEFAULT, FALLBACK, Method, create
from seewhy.models import Loaded
from seewhy.models.answer_ids import has_tokens, tokens_at
from seewhy.options import ExplainOptions


@dataclass(frozen=True, eq=False)
class Comparer:
    """What a comparison needs of an explainer.

    Attributes:
        loaded: the model.
        explain: answer a question, or read its answer, and explain it in several ways. The model
            reads each scale once for all of them.
        write: the ids of the model's own answer to a question.
    """

    loaded: Loaded
    explain: Callable[[Question, Sequence[ExplainOptions]], list[Explanation]]
    write: Callable[[Question, ExplainOptions], tuple[int, ...]]

    def explain_one(self, question: Question, options: ExplainOptions) -> Explanation:
        """Explain in one way."""
        return self.explain(question, [options])[0]


def ways_of(
    methods: Sequence[str | Method],
    options: ExplainOptions | None,
    settings: Mapping[str, Any],
) -> list[ExplainOptions]:
    """The options of each method.

    Raises:
        ParameterError: if there are less than two methods or more than four, two of them are equal,
            or a setting is not for all of them.
        UnknownNameError: if there is no method of a name.
    """
    if not isinstance(methods, list | tuple):
        raise ParameterError(
            f"Expected a list of methods, got {methods!r}: write methods=['tam', 'logit-shares']."
        )
    if wrong := [one for one in methods if not isinstance(one, str | Method)]:
        raise ParameterError(
            f"Expected names of methods, or methods, got {wrong[0]!r}: `seewhy methods` lists them."
        )
    if "method" in settings:
        raise ParameterError(
            "Expected methods alone, got method too: put it into the list of methods."
        )
    expect_columns(len(methods), "methods")
    ways = [ExplainOptions.of(options, **{**settings, "method": method}) for method in methods]
    specs = [way.explaining_method.spec for way in ways]
    if twice := [spec for spec in specs if specs.count(spec) > 1]:
        raise ParameterError(
            f"Expected different methods, got {twice[0]} twice: leave one out, or give it other "
            "parameters."
        )
    return ways


def by_methods(
    comparer: Comparer,
    question: Question,
    ways: Sequence[ExplainOptions],
    known: Sequence[Explanation] = (),
) -> Comparison:
    """One answer by several methods.

    Args:
        comparer: of the model.
        question: what is asked; its answer may be given.
        ways: from `ways_of`.
        known: explanations of the same answer that are there already: their methods are not run
            again.
    """
    there = {one.method: one for one in known}
    specs = [way.explaining_method.spec for way in ways]
    wanted = [way for way, spec in zip(ways, specs, strict=True) if spec not in there]
    made = iter(comparer.explain(question, wanted) if wanted else ())
    columns = [there[spec] if spec in there else next(made) for spec in specs]
    notes = [
        f"{spec} cannot read this model exactly, so that column shows {one.method}."
        for spec, one in zip(specs, columns, strict=True)
        if one.method != spec
    ]
    return Comparison.of(columns, kind="methods", by="tokens", notes=notes)


def by_models(
    comparers: Sequence[Callable[[], Comparer]],
    question: Question,
    options: ExplainOptions,
    known: Explanation | None = None,
) -> Comparison:
    """One answer by several models: the first one's, or the given one.

    Args:
        comparers: give each model when it is needed; none is kept, so that the caller may drop
            models that do not fit into memory together.
        question: what is asked; its answer may be given.
        options: how to explain.
        known: the first model's explanation, where it is there already.

    Raises:
        ParameterError: if there are less than two or more than four models, they cut the answer
            into other words, or have no method in common.
    """
    expect_columns(len(comparers), "models")
    if known is None and question.answer is None:
        ids = comparers[0]().write(question, options)
        question = replace(question, answer=ids, start=None)
        options = without_generation(options)
    first = known or comparers[0]().explain_one(question, options)
    columns, questions = [first], [replace(question, answer=_ids(first), start=None)]
    tokens, by_tokens = tokens_at(comparers[0]().loaded, _ids(first)), True
    for give in comparers[1:]:
        same = has_tokens(give().loaded, _ids(first), tokens)
        by_tokens = by_tokens and same
        questions.append(replace(question, answer=_ids(first) if same else first.answer))
        columns.append(give().explain_one(questions[-1], options))
    columns, notes = _by_one_method(comparers, columns, questions, options)
    if not by_tokens:
        notes.append("The models have other tokens, so that they were compared word by word.")
    by = "tokens" if by_tokens else "words"
    for column in columns[1:]:
        expect_comparable(columns[0], column)
    return Comparison.of(columns, kind="models", by=by, notes=notes)


def by_pictures(
    comparer: Comparer,
    questions: Sequence[Question],
    options: ExplainOptions,
    *,
    own_answers: bool = False,
    labels: Sequence[str] | None = None,
    known: Explanation | None = None,
) -> Comparison:
    """One question about several pictures.

    Args:
        comparer: of the model.
        questions: one for each picture.
        options: how to explain.
        own_answers: whether the model answers about each picture; else all have the first one's
            answer, or the given one.
        labels: a name for each.
        known: the explanation about the first picture, where it is there already.

    Raises:
        ParameterError: if there are less than two or more than four pictures, or an answer is
            given and `own_answers` is set.
    """
    expect_columns(len(questions), "pictures")
    if own_answers and any(question.answer is not None for question in questions):
        raise ParameterError(
            "Expected own answers or a given one, got both: leave own_answers or answer out."
        )
    first = known or comparer.explain_one(questions[0], options)
    columns = [first]
    for number, question in enumerate(questions[1:], 2):
        options.report_progress(f"picture {number} of {len(questions)}")
        if not own_answers:
            question = replace(question, answer=_ids(first), start=None)
        own = options if own_answers else without_generation(options)
        columns.append(comparer.explain_one(question, own))
    return Comparison.of(columns, kind="pictures", labels=labels)


def file_names(images: Sequence[Any]) -> list[str] | None:
    """The names of files, to tell pictures apart by; None if some are no files or names repeat."""
    names = [Path(image).name for image in images if isinstance(image, str | os.PathLike)]
    return names if len(set(names)) == len(images) else None


def without_generation(options: ExplainOptions) -> ExplainOptions:
    """The options for an answer that is there."""
    return replace(options, generation={}, max_new_tokens=None, seed=None)


def _by_one_method(
    comparers: Sequence[Callable[[], Comparer]],
    columns: list[Explanation],
    questions: Sequence[Question],
    options: ExplainOptions,
) -> tuple[list[Explanation], list[str]]:
    """Explanations by the fallback, where the default cannot read one of the models."""
    methods = {column.method for column in columns}
    if len(methods) == 1 or options.method != DEFAULT:
        return columns, []
    fallback = replace(without_generation(options), method=FALLBACK)
    spec = create(FALLBACK).spec
    columns = [
        column if column.method == spec else give().explain_one(question, fallback)
        for give, column, question in zip(comparers, columns, questions, strict=True)
    ]
    who = "Both" if len(columns) == 2 else "All"
    return columns, [f"{who} were explained by {FALLBACK}: {DEFAULT} cannot read one of them."]


def _ids(explanation: Explanation) -> list[int]:
    return [token.id for token in explanation.record.tokens]

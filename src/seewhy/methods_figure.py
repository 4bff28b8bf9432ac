"""One answer explained by several methods, as one figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seewhy.core.errors import ParameterError
from seewhy.explanation import Explanation
from seewhy.methods import Method
from seewhy.options import ExplainOptions
from seewhy.report.figure import ExplanationFigure, FigureOptions, Named

Methods = Sequence[str | Method] | Mapping[str, str | Method]
"""Names, specs or methods; or a mapping to them from the names that the figure shows."""

Explain = Callable[[Sequence[ExplainOptions]], Sequence[Explanation]]
"""Explains one answer to a question in several ways."""


def figure_by_methods(
    explain: Explain,
    words: Named | Sequence[Named] | None,
    methods: Methods,
    options: ExplainOptions | None,
    settings: Mapping[str, Any],
) -> ExplanationFigure:
    """Explain an answer by several methods, and draw all of it.

    Args:
        explain: explains the answer.
        words: as for `Explanation.figure`.
        methods: at least one; empty takes that of the options.
        options: how to explain.
        settings: fields of `ExplainOptions` and of `FigureOptions`.

    Raises:
        ParameterError: if `methods` is no list of methods; as `Explanation.figure`.
        SeewhyError: as `Explainer.explain`.
    """
    drawn = {name: settings[name] for name in FigureOptions.names() if name in settings}
    explained = {name: value for name, value in settings.items() if name not in drawn}
    FigureOptions.of(**drawn)  # a mistake in them is told before the model works
    names, chosen = _named(methods)
    if chosen and "method" in explained:
        raise ParameterError("Expected method or methods, got both: leave one of them out.")
    ways = [
        ExplainOptions.of(options, **explained, **({} if one is None else {"method": one}))
        for one in chosen or [None]
    ]
    wanted = [way.explaining_method.spec for way in ways]
    first, *others = explain(ways)
    if names is None:
        return first.figure(words, methods=others, **drawn)
    told = [
        name if one.method == spec else f"{name} ({one.method})"
        for name, one, spec in zip(names, (first, *others), wanted, strict=True)
    ]
    further = dict(zip(told[1:], others, strict=True))
    return first.figure(words, methods=further, name=told[0], **drawn)


def _named(methods: Any) -> tuple[list[str] | None, list[Any]]:
    """The names that are shown, None for the methods' own, and the methods."""
    if isinstance(methods, Mapping):
        return [str(name) for name in methods], list(methods.values())
    if isinstance(methods, str | Method):
        return None, [methods]
    if not isinstance(methods, Sequence):
        raise ParameterError(
            f"Expected a list of methods, got {methods!r}: name them, such as "
            "['logit-shares', 'tam']."
        )
    return None, list(methods)

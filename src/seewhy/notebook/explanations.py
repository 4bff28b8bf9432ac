"""Explanations and comparisons in a notebook's cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from seewhy.notebook.cell_output import Bundle, cell_output, has_widgets, static_element
from seewhy.notebook.widget import HEIGHT, comparison_widget, report_widget
from seewhy.report.payload import payload
from seewhy.report.static_picture import static_comparison, static_picture
from seewhy.report.static_sheet import StaticPicture

if TYPE_CHECKING:
    from seewhy.comparison import Comparison
    from seewhy.explanation import Explanation

_SHOWN: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
"""The widget of each explanation that was shown: a cell that runs again needs no second one."""


def explanation_output(explanation: Explanation) -> Bundle:
    """What a cell shows for an explanation."""
    return cell_output(
        lambda: static_picture(explanation.record),
        f"{explanation.answer}\n{explanation!r}",
        lambda static: _shown(explanation, lambda: _report(explanation, static)),
    )


def explanation_widget(explanation: Explanation, height: int = HEIGHT) -> Any:
    """The live report of an explanation; see `Explanation.widget`."""
    return _report(explanation, static_picture(explanation.record), height)


def comparison_output(comparison: Comparison) -> Bundle:
    """What a cell shows for a comparison."""
    return cell_output(
        lambda: _static(comparison),
        f"{comparison.answer}\n{comparison!r}",
        lambda static: _shown(comparison, lambda: _compared(comparison, static)),
    )


def widget_of_comparison(comparison: Comparison, height: int = HEIGHT) -> Any:
    """The live page of a comparison; see `Comparison.widget`."""
    return _compared(comparison, _static(comparison), height)


def marimo_explanation(explanation: Explanation) -> Any:
    """What a cell of marimo shows: the widget, or the picture; it takes objects and no bundles."""
    static = static_picture(explanation.record)
    if has_widgets():
        return _shown(explanation, lambda: _report(explanation, static))
    return static_element(static)


def marimo_comparison(comparison: Comparison) -> Any:
    """As `marimo_explanation`, for a comparison."""
    static = _static(comparison)
    if has_widgets():
        return _shown(comparison, lambda: _compared(comparison, static))
    return static_element(static)


def _report(explanation: Explanation, static: StaticPicture, height: int = HEIGHT) -> Any:
    record = explanation.record
    return report_widget(lambda: payload(record), static, height=height)


def _compared(comparison: Comparison, static: StaticPicture, height: int = HEIGHT) -> Any:
    data = comparison.payload
    return comparison_widget(lambda: data, static, height=height)


def _static(comparison: Comparison) -> StaticPicture:
    return static_comparison(
        [(column.label, column.explanation.record) for column in comparison.columns]
    )


def _shown(thing: Any, make: Callable[[], Any]) -> Any:
    """The widget of a thing, made anew where it was closed."""
    widget = _SHOWN.get(thing)
    if widget is None or widget.comm is None:
        widget = _SHOWN[thing] = make()
    return widget

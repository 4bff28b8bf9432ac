"""What a run's file must hold, so that tables and a page can be made of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from seewhy.core.errors import InputError, SchemaError, SeewhyError
from seewhy.core.typed import expect_typed
from seewhy.functional.statistics import Statistic


class RunModel(TypedDict):
    """A model, and the fingerprint of its weights."""

    label: str
    fingerprint: str


class RunMethod(TypedDict):
    """A method, and the key of its parameters."""

    label: str
    key: str
    summary: str


class RunFigure(TypedDict):
    """A figure of a metric, see `seewhy.metrics.Figure`."""

    name: str
    summary: NotRequired[str]
    higher_is_better: NotRequired[bool | None]
    unit: NotRequired[str]
    statistic: NotRequired[Statistic]
    of: list[str]


class RunMetric(TypedDict):
    """A metric with its figures."""

    label: str
    key: str
    of_model: bool
    figures: list[RunFigure]


class RunData(TypedDict):
    """A data set, and the ids of its samples."""

    label: str
    fingerprint: str
    samples: list[str]


class RunFile(TypedDict):
    """The plan of a run."""

    settings: dict[str, Any]
    models: list[RunModel]
    methods: list[RunMethod]
    metrics: list[RunMetric]
    data: list[RunData]
    started: NotRequired[str]
    machine: NotRequired[str]
    versions: NotRequired[dict[str, str]]
    suite: NotRequired[str | None]
    reference: NotRequired[str | None]


def expect_runs(runs: Sequence[dict[str, Any]]) -> None:
    """Check the files of runs.

    Raises:
        SchemaError: if a part is missing or of another type, or there is nothing to show.
    """
    for run in runs:
        try:
            expect_typed(run, RunFile, "a run")
            if not (run["models"] and run["methods"] and run["metrics"] and run["data"]):
                raise InputError("Expected models, methods, metrics and data in a run, got none.")
            if not isinstance(run["settings"].get("key"), str):
                raise InputError("Expected the key of a run's settings, got none.")
        except InputError as error:
            raise SchemaError(f"{error} The files in runs/ were damaged or changed.") from error


@contextmanager
def damage_told(folder: Path) -> Iterator[None]:
    """Convert what damaged files raise to a SchemaError with a remedy."""
    try:
        yield
    except SeewhyError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise SchemaError(
            f"Expected results that fit together in {folder}, got {type(error).__name__}: "
            f"{str(error)[:200]}. The files were damaged or changed: copy them together from where "
            "they were written, or run again."
        ) from error

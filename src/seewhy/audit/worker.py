"""The worker of an audit: it has the model and the source, and diagnoses rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from seewhy.audit.diagnosing import ExplainsAnswers, diagnosed_rows, explain_row
from seewhy.audit.failures import failure_of
from seewhy.audit.reports import SavedReport, packed, report_name
from seewhy.audit.schema import Diagnosed
from seewhy.audit.source import Source, SourceRow
from seewhy.audit.units import Unit
from seewhy.core.errors import DatasetError


@dataclass(frozen=True)
class WorkerSpec:
    """Everything that a worker needs to begin, sent to its process.

    Attributes:
        data: the spec of the source, which the worker opens itself; or a source.
        answers: the file of answers, or None.
        fingerprint: of the source: what a worker opens must be the same.
        model: name, folder or hub id; or an explainer.
        load_options: passed on to `seewhy.load`.
        explain: settings of `seewhy.Explainer.explain`.
        folder: the current folder of the run: relative paths begin there.
        reports: folder of the reports, relative to the audit's, where every explanation is saved;
            "" if they are not saved as they come.
    """

    data: str | Source
    answers: str | None
    fingerprint: str
    model: Any
    load_options: Mapping[str, Any] = field(default_factory=dict)
    explain: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""
    reports: str = ""


class Worker:
    """Diagnoses the rows of units; it loads the model at the first.

    Args:
        spec: what it needs.
    """

    def __init__(self, spec: WorkerSpec) -> None:
        self.spec = spec

    @cached_property
    def explainer(self) -> ExplainsAnswers:
        """The model.

        Raises:
            SeewhyError: as `seewhy.load`.
        """
        if hasattr(self.spec.model, "explain"):
            return self.spec.model
        from seewhy.api import load

        explainer = load(self.spec.model, **self.spec.load_options)
        explainer.loaded.model.eval()
        return explainer

    @cached_property
    def source(self) -> Source:
        """The source, which judges answers.

        Raises:
            DatasetError: if it is missing here, or is another than that of the run.
        """
        if not isinstance(self.spec.data, str):
            return self.spec.data
        from seewhy.audit.sources import open_source

        with suppress(OSError):  # a machine of a cluster without that folder: paths are absolute
            os.chdir(self.spec.folder)
        source = open_source(self.spec.data, self.spec.answers)
        if source.fingerprint != self.spec.fingerprint:
            raise DatasetError(
                f"Expected the same data for every worker, got other rows of {self.spec.data} on "
                f"{os.uname().nodename}: copy the data there again, and do not change them while "
                "the audit runs."
            )
        return source

    def run(self, unit: Unit) -> Iterator[Diagnosed | SavedReport]:
        """Diagnose the rows of a unit, or save their explanations.

        Raises:
            SeewhyError: if the model or the source cannot be opened.
            WorkerLost: if an error has left the GPU unusable.
        """
        explainer, source = self.explainer, self.source
        if unit.report:
            for row in unit.rows:
                yield self._report(explainer, row)
            return
        for rows in unit.batches():
            for found, explanation in diagnosed_rows(explainer, source, rows, self.spec.explain):
                if explanation is None or not self.spec.reports:
                    yield found
                    continue
                saved = _saved(found.answer.id, explanation)
                yield saved
                yield found if saved.reason else self._linked(found)

    def _report(self, explainer: ExplainsAnswers, row: SourceRow) -> SavedReport:
        """Explain an answer again, and save the explanation."""
        try:
            explanation = explain_row(explainer, row, self.spec.explain)
        except Exception as error:  # noqa: BLE001 - a report that is missing stops no audit
            return SavedReport(row.id, (), failure_of(error).reason)
        return _saved(row.id, explanation)

    def _linked(self, found: Diagnosed) -> Diagnosed:
        folder = f"{self.spec.reports}/{report_name(found.answer.id)}"
        return replace(found, answer=replace(found.answer, report=folder))


def _saved(id: str, explanation: Any) -> SavedReport:
    try:
        return packed(id, explanation)
    except Exception as error:  # noqa: BLE001 - a report that is missing stops no audit
        return SavedReport(id, (), failure_of(error).reason)

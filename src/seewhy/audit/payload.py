"""From a summary to the data of the page, JSON-ready and without NaN."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from seewhy.audit.answer_index import AnswerIndex
from seewhy.audit.causes import Cause
from seewhy.audit.counting import Group
from seewhy.audit.detection import Detection
from seewhy.audit.findings import sentence, stands_out
from seewhy.audit.schema import AnswerRow, WordRow
from seewhy.audit.summary import Grounding, Summary
from seewhy.audit.thumbnails import data_uris
from seewhy.core.verdict import SOURCES
from seewhy.functional.proportions import Rate
from seewhy.functional.statistics import Estimate
from seewhy.report.audit_payload import (
    AuditAnswer,
    AuditCause,
    AuditDetection,
    AuditEstimate,
    AuditGrounding,
    AuditGroup,
    AuditMap,
    AuditPayload,
    AuditRate,
    AuditReason,
    AuditTotals,
    AuditWord,
)
from seewhy.report.colourmaps import DEFAULT, colour_table

SCHEMA_VERSION = 1
"""Increased by one for each change after which older files cannot be read."""

ROWS_MAX = 500
"""Rows of a table in the page; the most unsupported words first."""

REPORT = "report.html"

DIGITS = 5


def payload(
    summary: Summary,
    answers: Iterable[AnswerRow],
    *,
    scores: Mapping[str, float] | None = None,
    made: Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
) -> AuditPayload:
    """All data of the page.

    Args:
        summary: of the audit.
        answers: at least those that hold the worst words; all of their columns.
        scores: the benchmark's figures by name.
        made: how the audit was made, JSON-ready: the data, the model, versions; a `warning` is
            said before the finding.
        files: links to files beside the page, by name.
    """
    wanted = {row.id for row in summary.worst}
    found = {row.id: row for row in answers if row.id in wanted}
    order = {id_: at for at, id_ in enumerate(found)}
    shown = [row for row in summary.worst if row.id in order]
    return {
        "schema": SCHEMA_VERSION,
        "finding": " ".join(filter(None, ((made or {}).get("warning"), summary.finding))),
        "made": dict(made or {}),
        "files": dict(files or {}),
        "totals": _totals(summary),
        "meanings": dict(SOURCES),
        "sources": {source: _rate(value) for source, value in summary.sources.items()},
        "with_unsupported": _rate(summary.with_unsupported),
        "causes": [_cause(cause, summary.sources["words"]) for cause in summary.causes[:ROWS_MAX]],
        "tables": {name: _table(groups) for name, groups in summary.tables.items()},
        "scores": {name: _number(value) for name, value in (scores or {}).items()},
        "detection": None if summary.detection is None else _detection(summary.detection),
        "grounding": [_grounding(row) for row in summary.grounding],
        "reasons": _reasons(summary.answers),
        "worst": [_word(row, order[row.id]) for row in shown],
        "worst_shown": sum(row.id in order for row in summary.worst[: summary.ranked]),
        "answers": _answers(list(found.values())),
        "colours": {DEFAULT: base64.b64encode(colour_table(DEFAULT).numpy().tobytes()).decode()},
    }


def without_pictures(data: AuditPayload) -> dict[str, Any]:
    """The same without what only the page draws, for a file to be read by programs."""
    kept = {key: value for key, value in data.items() if key not in ("colours", "files")}
    kept["worst"] = [{k: v for k, v in word.items() if k != "map"} for word in data["worst"]]
    kept["answers"] = [{k: v for k, v in row.items() if k != "picture"} for row in data["answers"]]
    return kept


def report_link(folder: str) -> str:
    """The link to a saved report from the page; "" unless the folder lies below the page's.

    Example:
        >>> report_link("reports/a b:1"), report_link("../x"), report_link("javascript:alert(1)//")
        ('reports/a%20b%3A1/report.html', '', 'javascript%3Aalert%281%29/report.html')
    """
    path = PurePosixPath(folder.replace("\\", "/"))
    if not folder or path.is_absolute() or ".." in path.parts:
        return ""
    return quote((path / REPORT).as_posix().encode("utf-8", "replace"))


def _totals(summary: Summary) -> AuditTotals:
    answers = summary.answers
    return {
        "done": answers.done,
        "failed": answers.failed,
        "generated": answers.generated,
        "words": summary.words,
        "seconds": round(answers.seconds, 1),
        "groups": {name: len(groups) for name, groups in summary.tables.items()},
        "causes": len(summary.causes),
        "causes_left_out": summary.causes_left_out,
    }


def _table(groups: Mapping[str, Group]) -> list[AuditGroup]:
    ranked = sorted(
        groups.items(), key=lambda pair: (-pair[1].unsupported.hits, -pair[1].unsupported.total)
    )
    return [_group(key, group) for key, group in ranked[:ROWS_MAX]]


def _group(key: str, group: Group) -> AuditGroup:
    return {
        "key": key,
        "words": group.unsupported.total,
        "answers": group.unsupported.clusters,
        "unsupported": _rate(group.unsupported.rate()),
        "support": _rounded(group.mean_support),
        "known": group.known,
        "untrue": group.untrue,
        "sources": dict(group.sources.most_common()),
        "roles": dict(group.roles.most_common()),
    }


def _cause(cause: Cause, ordinary: Rate) -> AuditCause:
    return {
        "follows": cause.follows,
        "part": cause.part,
        "lemma": cause.lemma,
        "role": cause.role,
        "rate": _rate(cause.rate),
        "known": cause.known,
        "untrue": cause.untrue,
        "sentence": f"{sentence(cause)}.",
        "habit": stands_out(cause, ordinary),
    }


def _detection(detection: Detection) -> AuditDetection:
    return {
        "words": detection.words,
        "untrue": detection.untrue,
        "answers": detection.answers,
        "auroc": _estimate(detection.auroc),
        "average_precision": _estimate(detection.average_precision),
        "false_positive_rate": _estimate(detection.false_positive_rate),
    }


def _grounding(row: Grounding) -> AuditGrounding:
    return {
        "group": row.group,
        "pointing": _rate(row.pointing),
        "words": row.words,
        "iou": {
            "value": _number(row.iou),
            "low": _number(row.iou_low),
            "high": _number(row.iou_high),
        },
    }


def _reasons(answers: AnswerIndex) -> list[AuditReason]:
    return [
        {
            "reason": reason.reason,
            "count": reason.count,
            "example": reason.example,
            "detail": reason.detail,
        }
        for reason in answers.reasons[:ROWS_MAX]
    ]


def _answers(rows: list[AnswerRow]) -> list[AuditAnswer]:
    pictures = data_uris(row.thumbnail for row in rows)
    return [_answer(row, picture) for row, picture in zip(rows, pictures, strict=True)]


def _answer(row: AnswerRow, picture: str) -> AuditAnswer:
    edges = _edges(row.grid)
    return {
        "id": row.id,
        "image": row.image,
        "prompt": row.prompt,
        "text": row.answer,
        "picture": picture,
        "width": row.width,
        "height": row.height,
        "rows": edges["rows"],
        "columns": edges["columns"],
        "report": report_link(row.report),
    }


def _edges(grid: str) -> dict[str, list[float]]:
    """`rows` and `columns` of an answer; empty where they are not known or damaged."""
    try:
        found = json.loads(grid)
        edges = {name: [float(edge) for edge in found[name]] for name in ("rows", "columns")}
        if all(map(_is_increasing, edges.values())):
            return edges
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
        pass
    return {"rows": [], "columns": []}


def _is_increasing(edges: list[float]) -> bool:
    return all(-math.inf < a < b < math.inf for a, b in pairwise(edges))


def _word(row: WordRow, answer: int) -> AuditWord:
    return {
        "answer": answer,
        "word": row.word,
        "text": row.text,
        "start": row.start,
        "end": row.end,
        "lemma": row.lemma,
        "role": row.role,
        "category": row.category,
        "group": row.group,
        "probability": _rounded(row.probability),
        "support": _rounded(row.support),
        "source": row.source,
        "sentence": row.sentence,
        "visual_share": None if row.visual_share is None else _number(row.visual_share),
        "follows": row.follows,
        "follows_part": row.follows_part,
        "supported": row.supported,
        "peak": None if row.peak is None else [round(row.peak[0], 1), round(row.peak[1], 1)],
        "map": _map(row),
    }


def _map(row: WordRow) -> AuditMap | None:
    """The map; None where there is none, or its bytes are not as many as its cells."""
    if not row.map or len(row.map) != row.map_height * row.map_width:
        return None
    data = base64.b64encode(row.map).decode()
    return {"height": row.map_height, "width": row.map_width, "data": data}


def _rate(found: Rate) -> AuditRate:
    return {
        "count": found.count,
        "total": found.total,
        "value": _number(found.value),
        "low": _number(found.low),
        "high": _number(found.high),
    }


def _estimate(found: Estimate) -> AuditEstimate:
    return {
        "value": _number(found.value),
        "low": _number(found.low),
        "high": _number(found.high),
    }


def _number(value: float) -> float | None:
    return _rounded(value) if math.isfinite(value) else None


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")

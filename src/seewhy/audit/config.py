"""What is audited and how. Standard library only, so that the command line starts quickly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from seewhy.core.errors import ParameterError

EngineName: TypeAlias = Literal["local", "ray"]
"""Processes of this machine, or actors of a Ray cluster."""


@dataclass(frozen=True)
class AuditConfig:
    """What is audited and how.

    Attributes:
        data: spec of a source, such as `"pope:coco_pope_random.json"`; or an object that is a
            `seewhy.audit.source.Source`.
        out: folder of the audit.
        model: name of a shipped model, folder or hub id; a loaded `(model, processor)` pair or a
            `seewhy.Explainer`, for one local worker; None for the default model.
        answers: file of answers to diagnose, in the layout of the source; None for none.
        engine: "local" for processes of this machine, "ray" for actors of a cluster.
        workers: how many work, each with its model. One local worker is this process.
        limit: how many rows at most; None for all.
        shuffle: seed; with `limit`, that many rows are drawn at random, and not the first.
        batch: how many rows go through the model together.
        reports: which explanations are saved as reports: "worst:N" answers, "all" or "none".
        retry: do rows again that failed before.
        page: write the page at the end.
        dtype: of the model's weights; None for that of the checkpoint.
        load_options: passed on to `seewhy.load`.
        explain: settings of `seewhy.Explainer.explain`, such as `{"max_new_tokens": 64}`.

    Raises:
        ParameterError: if a value is out of its range.
    """

    data: Any
    out: Any
    model: Any = None
    answers: str | None = None
    engine: EngineName = "local"
    workers: int = 1
    limit: int | None = None
    shuffle: int | None = None
    batch: int = 1
    reports: str = "worst:100"
    retry: bool = False
    page: bool = True
    dtype: str | None = None
    load_options: Mapping[str, Any] = field(default_factory=dict)
    explain: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.engine not in get_args(EngineName):
            known = " or ".join(map(repr, get_args(EngineName)))
            raise ParameterError(f"Expected the engine {known}, got {self.engine!r}: choose one.")
        for name in ("workers", "batch", *(() if self.limit is None else ("limit",))):
            if getattr(self, name) < 1:
                raise ParameterError(
                    f"Expected {name} of at least 1, got {getattr(self, name)}: raise it."
                )
        if self.shuffle is not None and self.limit is None:
            raise ParameterError(
                "Expected a limit with shuffle, got none: it draws that many rows; without a limit "
                "all rows are done, in their order."
            )

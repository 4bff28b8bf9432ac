"""What a run is asked to do: who explains what on which samples, and how each is told apart."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from seewhy.bench import fingerprints
from seewhy.bench.specs import digest, key_of, label_of, method_of, metric_of
from seewhy.bench.store import SCHEMA_VERSION
from seewhy.core.errors import DatasetError, ParameterError, UnknownNameError
from seewhy.core.suggestions import unknown_name_message
from seewhy.datasets import Dataset, open_dataset
from seewhy.methods import Method
from seewhy.metrics import Metric
from seewhy.testbed.pretrained import pretrained

Answers: TypeAlias = Literal["reference", "own"]

OF_MODEL = -1
"""The place of no method: metrics that judge the model and the words, once a sample."""
MODEL_ITSELF = "(model)"
"""What stands as the method of such rows."""


@dataclass(frozen=True)
class Settings:
    """What holds for all samples; every field is part of the rows' keys.

    Attributes:
        answers: `"reference"` explains the data set's right answer where it has one, `"own"` what
            the model says itself.
        words: how many words of a sample metrics of single words look at, at most.
        seed: of whatever is drawn.
        dtype: of the weights; "" for the checkpoint's own.
        max_new_tokens: where the model's own answers are cut off.
    """

    answers: Answers = "reference"
    words: int = 2
    seed: int = 0
    dtype: str = ""
    max_new_tokens: int = 128

    def __post_init__(self) -> None:
        if self.answers not in ("reference", "own"):
            raise ParameterError(
                f"Expected answers 'reference' or 'own', got {self.answers!r}: choose one."
            )
        for name, least in (("words", 0), ("seed", 0), ("max_new_tokens", 1)):
            if getattr(self, name) < least:
                raise ParameterError(
                    f"Expected {name} of at least {least}, got {getattr(self, name)}."
                )

    @property
    def key(self) -> str:
        """A hash of all of them, and of the rows' schema."""
        return digest([SCHEMA_VERSION, asdict(self)])


@dataclass(frozen=True)
class ModelSpec:
    """A model that is looked into.

    Attributes:
        label: what tables call it.
        place: folder or hub id; "" for a pair that was handed in.
        pair: the loaded `(model, processor)`, or None.
        fingerprint: what keeps its results apart.
        options: passed on to `seewhy.models.load`.
    """

    label: str
    place: str
    fingerprint: str
    pair: tuple[Any, Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def described(self) -> dict[str, str]:
        """As JSON-ready data; where shipped models lie is a matter of each machine."""
        place = "" if self.label in pretrained() else self.place
        return {"label": self.label, "place": place, "fingerprint": self.fingerprint}


@dataclass(frozen=True)
class MethodSpec:
    """A method with its label and key."""

    label: str
    method: Method
    key: str


@dataclass(frozen=True)
class MetricSpec:
    """A metric with its label and key."""

    label: str
    metric: Metric
    key: str


@dataclass(frozen=True)
class DataSpec:
    """A data set, and the samples of it that are asked for."""

    label: str
    dataset: Dataset
    fingerprint: str
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """All that is asked of a run."""

    models: tuple[ModelSpec, ...]
    methods: tuple[MethodSpec, ...]
    metrics: tuple[MetricSpec, ...]
    datasets: tuple[DataSpec, ...]
    settings: Settings

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Places of method and metric of every unit of a sample, in the order they are done."""
        of_model = [(OF_MODEL, at) for at, j in enumerate(self.metrics) if j.metric.of_model]
        of_methods = [
            (method, at)
            for method in range(len(self.methods))
            for at, judge in enumerate(self.metrics)
            if not judge.metric.of_model
        ]
        return (*of_methods, *of_model)

    def unit(self, subject: int, source: int, sample: str, method: int, metric: int) -> str:
        """The key of one unit: nothing that could change its rows is left out."""
        return digest([*self.keys(subject, source, method, metric).values(), sample])

    def keys(self, subject: int, source: int, method: int, metric: int) -> dict[str, str]:
        """The keys of a unit's rows, by column."""
        return {
            "model_fingerprint": self.models[subject].fingerprint,
            "data_fingerprint": self.datasets[source].fingerprint,
            "method_key": "" if method == OF_MODEL else self.methods[method].key,
            "metric_key": self.metrics[metric].key,
            "settings_key": self.settings.key,
        }

    @property
    def key(self) -> str:
        """Of the run: the same command has the same one."""
        return digest(
            [
                [s.fingerprint for s in self.models],
                [c.key for c in self.methods],
                [j.key for j in self.metrics],
                [[s.fingerprint, s.ids] for s in self.datasets],
                self.settings.key,
            ]
        )

    def described(self) -> dict[str, Any]:
        """The plan as JSON-ready data: all that tables need, without models or data."""
        return {
            "settings": {**asdict(self.settings), "key": self.settings.key},
            "models": [s.described() for s in self.models],
            "methods": [
                {
                    "label": c.label,
                    "key": c.key,
                    "summary": c.method.summary,
                    "parameters": _jsonable(c.method.parameters),
                }
                for c in self.methods
            ],
            "metrics": [
                {
                    "label": j.label,
                    "key": j.key,
                    "summary": j.metric.summary,
                    "parameters": _jsonable(j.metric.parameters),
                    "of_model": j.metric.of_model,
                    "figures": [asdict(figure) for figure in j.metric.figures],
                }
                for j in self.metrics
            ],
            "data": [
                {"label": s.label, "fingerprint": s.fingerprint, "samples": list(s.ids)}
                for s in self.datasets
            ],
        }


def plan_of(
    models: Iterable[str | os.PathLike[str] | tuple[Any, Any]],
    methods: Iterable[str | Method],
    metrics: Iterable[str | Metric],
    data: Iterable[str | Dataset],
    settings: Settings,
    *,
    limit: int | None = None,
    options: Mapping[str, Any] | None = None,
) -> Plan:
    """A plan from names, specs and objects.

    Args:
        models: folders, hub ids, names of shipped models, or loaded `(model, processor)` pairs.
        methods, metrics: specs such as `"arc(k=20)"`, or objects.
        data: specs such as `"coco:PATH"`, or objects.
        settings: of the run.
        limit: how many samples of each data set, from its first; None for all.
        options: passed on to the loading of every model, such as `device_map`.

    Raises:
        UnknownNameError: if a name is not known; near matches are given.
        ParameterError: if a parameter is, or nothing is left to do.
        DatasetError: if a data set is missing, malformed or empty.
    """
    if limit is not None and limit < 1:
        raise ParameterError(f"Expected a limit of at least 1, got {limit}: leave it out for all.")
    chosen = dict(options or {})
    # What else changes how a model computes is part of what it is; where it runs is not.
    apart = {k: str(v) for k, v in chosen.items() if k not in ("device_map", "revision")}
    if settings.dtype:
        chosen["dtype"] = settings.dtype
    plan = Plan(
        tuple(_told_apart(_model_spec(model, chosen), apart) for model in models),
        tuple(MethodSpec(label_of(m), m, key_of(m)) for m in map(method_of, methods)),
        tuple(MetricSpec(label_of(m), m, key_of(m)) for m in map(metric_of, metrics)),
        tuple(_data_spec(given, limit) for given in data),
        settings,
    )
    for what, things in (
        ("model", plan.models),
        ("method", plan.methods),
        ("metric", plan.metrics),
        ("data set", plan.datasets),
    ):
        if not things:
            raise ParameterError(f"Expected at least one {what}, got none: name one.")
        labels = [thing.label for thing in things]
        if (twice := _twice(labels)) is not None:
            raise ParameterError(f"Expected each {what} once, got {twice} twice: leave one out.")
    if (twice := _twice([s.fingerprint for s in plan.models])) is not None:
        alike = [s.label for s in plan.models if s.fingerprint == twice]
        raise ParameterError(
            f"Expected models that differ, got the same one as {' and '.join(alike)}: leave one "
            "out."
        )
    held = [(s.fingerprint, sample) for s in plan.datasets for sample in s.ids]
    if (twice := _twice(held)) is not None:
        raise ParameterError(
            f"Expected each sample once, got {twice[1]} in several of the data sets: choose parts "
            "that do not overlap."
        )
    return plan


def _twice(things: Sequence[Any]) -> Any:
    """The first thing that comes again, or None."""
    counted = Counter(things)
    return next((thing for thing in things if counted[thing] > 1), None)


def _told_apart(subject: ModelSpec, options: Mapping[str, str]) -> ModelSpec:
    if not options or subject.pair is not None:
        return subject
    return replace(subject, fingerprint=digest([subject.fingerprint, dict(options)]))


def _model_spec(
    given: str | os.PathLike[str] | tuple[Any, Any], options: dict[str, Any]
) -> ModelSpec:
    if isinstance(given, tuple):
        model, _ = given
        label = Path(model.config.name_or_path).name or type(model).__name__
        return ModelSpec(label, "", fingerprints.of_pair(model), given)
    name = os.fspath(given)
    known = pretrained()
    if name in known:
        place = known[name]
        return ModelSpec(name, str(place), fingerprints.of_folder(place), None, options)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return ModelSpec(folder.name, str(folder), fingerprints.of_folder(folder), None, options)
    if "/" not in name or name.startswith((".", "~", "/")):
        raise UnknownNameError(
            f"{unknown_name_message('model', name, known)} Or give a folder that is there, or a "
            "hub id such as Qwen/Qwen2-VL-2B-Instruct."
        )
    revision = options.get("revision")
    return ModelSpec(name, name, fingerprints.of_hub(name, revision), None, options)


def _data_spec(given: str | Dataset, limit: int | None) -> DataSpec:
    dataset, label = (given, given.name) if isinstance(given, Dataset) else _opened(given)
    ids = dataset.ids[:limit]
    if not ids:
        raise DatasetError(f"Expected samples in {label}, got none: check what it holds.")
    return DataSpec(label, dataset, dataset.fingerprint, tuple(ids))


def _opened(spec: str) -> tuple[Dataset, str]:
    """The data set, and its spec with only the last part of a path."""
    name, colon, rest = spec.partition(":")
    place, mark, options = rest.partition("?")
    short = Path(place).name if place and "=" not in place else place
    return open_dataset(spec), f"{name}{colon}{short}{mark}{options}"


def _jsonable(parameters: Mapping[str, Any]) -> dict[str, Any]:
    plain = (str, int, float, bool, list, tuple, dict, type(None))
    return {k: v if isinstance(v, plain) else str(v) for k, v in parameters.items()}

"""The plan of a run: its methods, metrics, models and samples, each with its key."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from seewhy.bench.config import Answers, BenchConfig
from seewhy.bench.fingerprints import folder_fingerprint, hub_fingerprint, loaded_fingerprint
from seewhy.bench.specs import digest, key_of, label_of, method_of, metric_of
from seewhy.bench.store import SCHEMA_VERSION
from seewhy.core.errors import DatasetError, ParameterError, UnknownNameError
from seewhy.core.suggestions import unknown_name_message
from seewhy.datasets import Dataset, open_dataset
from seewhy.methods import Method
from seewhy.metrics import Metric
from seewhy.testbed.pretrained import pretrained

NO_METHOD = -1
"""In place of a method: metrics of the model and its words, measured once per sample."""
MODEL_LABEL = "(model)"
"""The label of a method in such rows."""

NOT_COMPUTING = ("device_map", "revision")
"""Load options that are not in a model's key: the device, and the commit, hashed anyway."""


class Task(NamedTuple):
    """One metric of one method on a sample: it is measured completely or not at all.

    Attributes:
        method: index in the plan, or `NO_METHOD`.
        metric: index in the plan.
    """

    method: int
    metric: int


@dataclass(frozen=True)
class Settings:
    """Settings for all samples, as in `BenchConfig`; every field is part of the rows' keys."""

    answers: Answers = "reference"
    words: int = 2
    seed: int = 0
    dtype: str = ""
    max_new_tokens: int = 128

    @property
    def key(self) -> str:
        """A hash of all of them, and of the rows' schema."""
        return digest([SCHEMA_VERSION, asdict(self)])


@dataclass(frozen=True)
class ModelSpec:
    """A model that is explained.

    Attributes:
        label: its name in tables.
        place: folder or hub id; "" for a loaded pair.
        fingerprint: keeps its results separate.
        pair: the loaded `(model, processor)`, or None.
        options: passed on to `seewhy.models.load`.
    """

    label: str
    place: str
    fingerprint: str
    pair: tuple[Any, Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """JSON-ready data for a run's file, without the path of a shipped model."""
        place = "" if self.label in pretrained() else self.place
        return {"label": self.label, "place": place, "fingerprint": self.fingerprint}


@dataclass(frozen=True)
class MethodSpec:
    """A method with its label and key."""

    label: str
    method: Method
    key: str

    @classmethod
    def of(cls, given: str | Method) -> MethodSpec:
        """From a spec or an object."""
        method = method_of(given)
        return cls(label_of(method), method, key_of(method))

    def describe(self) -> dict[str, Any]:
        """JSON-ready data for a run's file."""
        return {
            "label": self.label,
            "key": self.key,
            "summary": self.method.summary,
            "parameters": _jsonable(self.method.parameters),
        }


@dataclass(frozen=True)
class MetricSpec:
    """A metric with its label and key."""

    label: str
    metric: Metric
    key: str

    @classmethod
    def of(cls, given: str | Metric) -> MetricSpec:
        """From a spec or an object."""
        metric = metric_of(given)
        return cls(label_of(metric), metric, key_of(metric))

    def describe(self) -> dict[str, Any]:
        """JSON-ready data for a run's file."""
        return {
            "label": self.label,
            "key": self.key,
            "summary": self.metric.summary,
            "parameters": _jsonable(self.metric.parameters),
            "of_model": self.metric.of_model,
            "figures": [asdict(figure) for figure in self.metric.figures],
        }


@dataclass(frozen=True)
class DataSpec:
    """A data set, and the ids of the samples to measure."""

    label: str
    dataset: Dataset
    fingerprint: str
    ids: tuple[str, ...]

    @classmethod
    def of(cls, given: str | Dataset, limit: int | None, answers: Answers) -> DataSpec:
        """The first samples of a spec or an object, for the answers of a run.

        Raises:
            DatasetError: if there are none.
        """
        dataset = given if isinstance(given, Dataset) else open_dataset(given)
        label = given.name if isinstance(given, Dataset) else _short_spec(given)
        ids = dataset.ids[:limit]
        if not ids:
            raise DatasetError(
                f"Expected samples in {label}, got none: check its folder and options."
            )
        own = answers == "own"
        fingerprint = dataset.own_answers_fingerprint if own else dataset.fingerprint
        return cls(label, dataset, fingerprint, tuple(ids))

    def describe(self) -> dict[str, Any]:
        """JSON-ready data for a run's file."""
        return {"label": self.label, "fingerprint": self.fingerprint, "samples": list(self.ids)}


@dataclass(frozen=True)
class Plan:
    """Everything that a run measures.

    Attributes:
        models, methods, metrics, datasets: in their order.
        settings: for all samples.
        pairs: as for `BenchConfig`.
    """

    models: tuple[ModelSpec, ...]
    methods: tuple[MethodSpec, ...]
    metrics: tuple[MetricSpec, ...]
    datasets: tuple[DataSpec, ...]
    settings: Settings
    pairs: bool = False

    @property
    def views(self) -> tuple[tuple[int, int], ...]:
        """The models and data sets that are run together, by index, model by model."""
        if self.pairs:
            return tuple((n, n) for n in range(len(self.models)))
        return tuple(product(range(len(self.models)), range(len(self.datasets))))

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks of every sample, in the order they are done."""
        of_model = [n for n, spec in enumerate(self.metrics) if spec.metric.of_model]
        of_methods = [n for n, spec in enumerate(self.metrics) if not spec.metric.of_model]
        methods = range(len(self.methods))
        tasks = (Task(method, metric) for method in methods for metric in of_methods)
        return (*tasks, *(Task(NO_METHOD, metric) for metric in of_model))

    def task_key(self, model: int, data: int, sample: str, task: Task) -> str:
        """The key of a task on a sample: a hash of everything that could change its rows."""
        return digest([*self.keys(model, data, task).values(), sample])

    def keys(self, model: int, data: int, task: Task) -> dict[str, str]:
        """The keys of a task's rows, by column."""
        method = "" if task.method == NO_METHOD else self.methods[task.method].key
        return {
            "model_fingerprint": self.models[model].fingerprint,
            "data_fingerprint": self.datasets[data].fingerprint,
            "method_key": method,
            "metric_key": self.metrics[task.metric].key,
            "settings_key": self.settings.key,
        }

    @property
    def key(self) -> str:
        """The key of the run: the same for the same config."""
        return digest(
            [
                [spec.fingerprint for spec in self.models],
                [spec.key for spec in self.methods],
                [spec.key for spec in self.metrics],
                [[spec.fingerprint, spec.ids] for spec in self.datasets],
                self.settings.key,
                # Left out where it changes nothing: keys of older runs do not have it.
                *(["pairs"] if self.pairs and len(self.models) > 1 else []),
            ]
        )

    def describe(self) -> dict[str, Any]:
        """The plan as JSON-ready data: everything for the tables, without models or data."""
        return {
            "settings": {**asdict(self.settings), "key": self.settings.key},
            "models": [spec.describe() for spec in self.models],
            "methods": [spec.describe() for spec in self.methods],
            "metrics": [spec.describe() for spec in self.metrics],
            "data": [spec.describe() for spec in self.datasets],
        }


def plan_of(config: BenchConfig) -> Plan:
    """The plan of a complete config: see `seewhy.bench.suites.resolve`.

    Raises:
        UnknownNameError: if a name is unknown; near matches are given.
        ParameterError: if a parameter is unknown, a list is empty, or an entry is repeated.
        DatasetError: if a data set is missing, malformed or empty.
    """
    settings = _settings(config)
    plan = Plan(
        tuple(_model_specs(config)),
        tuple(map(MethodSpec.of, config.methods or ())),
        tuple(map(MetricSpec.of, config.metrics or ())),
        tuple(DataSpec.of(given, config.limit, settings.answers) for given in config.data or ()),
        settings,
        bool(config.pairs),
    )
    _expect_each_once(plan)
    _expect_pairs(plan)
    _expect_distinct(plan)
    return plan


def _settings(config: BenchConfig) -> Settings:
    return Settings(
        config.answers or Settings.answers,
        Settings.words if config.words is None else config.words,
        config.seed,
        config.dtype or "",
        config.max_new_tokens,
    )


def _expect_each_once(plan: Plan) -> None:
    for noun, specs in (
        *(("model", plan.models), ("method", plan.methods)),
        *(("metric", plan.metrics), ("data set", plan.datasets)),
    ):
        if not specs:
            raise ParameterError(f"Expected at least one {noun}, got none: name one.")
        if (label := _duplicate([spec.label for spec in specs])) is not None:
            raise ParameterError(f"Expected each {noun} once, got {label} twice: leave one out.")


def _expect_pairs(plan: Plan) -> None:
    models, datasets = len(plan.models), len(plan.datasets)
    if plan.pairs and models != datasets:
        raise ParameterError(
            f"Expected as many data sets as models for pairs, got {datasets} and {models}: name "
            "one for each model, or leave out pairs."
        )


def _expect_distinct(plan: Plan) -> None:
    if (repeated := _duplicate([spec.fingerprint for spec in plan.models])) is not None:
        labels = " and ".join(spec.label for spec in plan.models if spec.fingerprint == repeated)
        raise ParameterError(
            f"Expected models that differ, got the same one as {labels}: leave one out."
        )
    samples = [(spec.fingerprint, id) for spec in plan.datasets for id in spec.ids]
    if (repeated := _duplicate(samples)) is not None:
        raise ParameterError(
            f"Expected each sample once, got {repeated[1]} in several of the data sets: choose "
            "parts that do not overlap."
        )


def _duplicate(items: Sequence[Any]) -> Any:
    """The first item that is repeated, or None."""
    counts = Counter(items)
    return next((item for item in items if counts[item] > 1), None)


def _model_specs(config: BenchConfig) -> Iterator[ModelSpec]:
    """The models; options that change what a model computes are part of its fingerprint."""
    options = dict(config.load_options)
    computing = {k: str(v) for k, v in options.items() if k not in NOT_COMPUTING}
    if config.dtype:
        options["dtype"] = config.dtype
    for given in config.models or ():
        spec = _model_spec(given, options)
        if computing and spec.pair is None:
            spec = replace(spec, fingerprint=digest([spec.fingerprint, computing]))
        yield spec


def _model_spec(
    given: str | os.PathLike[str] | tuple[Any, Any], options: dict[str, Any]
) -> ModelSpec:
    if isinstance(given, tuple):
        model, _ = given
        label = Path(model.config.name_or_path).name or type(model).__name__
        return ModelSpec(label, "", loaded_fingerprint(model), given)
    name = os.fspath(given)
    known = pretrained()
    if name in known:
        return ModelSpec(name, str(known[name]), folder_fingerprint(known[name]), None, options)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return ModelSpec(folder.name, str(folder), folder_fingerprint(folder), None, options)
    if "/" not in name or name.startswith((".", "~", "/")):
        raise UnknownNameError(
            f"{unknown_name_message('model', name, known)} Or give an existing folder, or a hub "
            "id such as Qwen/Qwen2-VL-2B-Instruct."
        )
    return ModelSpec(name, name, hub_fingerprint(name, options.get("revision")), None, options)


def _short_spec(spec: str) -> str:
    """The spec of a data set with only the last part of its path."""
    name, colon, rest = spec.partition(":")
    place, mark, options = rest.partition("?")
    short = Path(place).name if place and "=" not in place else place
    return f"{name}{colon}{short}{mark}{options}"


def _jsonable(parameters: Mapping[str, Any]) -> dict[str, Any]:
    plain = (str, int, float, bool, list, tuple, dict, type(None))
    return {k: v if isinstance(v, plain) else str(v) for k, v in parameters.items()}

"""The config of a run, which can be read from and written to a file.

The file is TOML: Python reads it without another package, and it can hold comments. Python has no
TOML writer; strings, numbers, booleans and lists of them are written as in JSON.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from seewhy.core.errors import ParameterError
from seewhy.core.paths import expanded
from seewhy.core.suggestions import unknown_name_message

if TYPE_CHECKING:
    from seewhy.datasets import Dataset
    from seewhy.methods import Method
    from seewhy.metrics import Metric

Answers: TypeAlias = Literal["reference", "own"]
EngineName: TypeAlias = Literal["processes", "ray", "in-process"]

LISTS = ("models", "methods", "metrics", "data")
MINIMUM = {"limit": 1, "words": 0, "seed": 0, "max_new_tokens": 1, "workers": 1}
CHOICES: dict[str, tuple[str, ...]] = {
    "answers": get_args(Answers),
    "engine": get_args(EngineName),
}
TYPES = {
    "suite": str,
    "dtype": str,
    "reference": str,
    "retry": bool,
    "gallery": bool,
    "pairs": bool,
}


@dataclass(frozen=True)
class BenchConfig:
    """What a run measures, and how. Values of None are taken from the suite.

    Attributes:
        suite: the name of one of `seewhy.bench.SUITES`.
        models: names of models that ship with seewhy, folders, hub ids, or loaded
            `(model, processor)` pairs; pairs need `engine="in-process"`.
        methods, metrics: specs such as `"arc(k=20)"`, or objects.
        data: specs such as `"coco:PATH"`, or objects.
        limit: number of samples of each data set; at least 1.
        words: number of words of a sample for metrics of single words; at least 0.
        answers: `"reference"` explains the reference answer where the data set has one, `"own"` the
            model's own answer.
        seed: of all random draws; at least 0.
        dtype: of the weights, such as `"float32"`; None for the checkpoint's own.
        max_new_tokens: maximum length of the model's own answers; at least 1.
        reference: label of the method that the others are compared with.
        engine: `"processes"` of this machine, `"ray"` actors, or `"in-process"`.
        workers: how many run in parallel; each loads a model.
        retry: measure again what failed in earlier runs.
        load_options: passed on to `seewhy.models.load`, such as `device_map`.
        gallery: draw example cases and save their reports, for the page.
        pairs: run each model only on the data set at the same place of its list, instead of every
            model on all data; there must be as many of both.

    Raises:
        ParameterError: if a value has another type or is out of range.

    Example:
        >>> BenchConfig(methods=["tam", "arc(k=20)"], limit=2).methods
        ('tam', 'arc(k=20)')
    """

    suite: str = "quick"
    models: Sequence[str | os.PathLike[str] | tuple[Any, Any]] | None = None
    methods: Sequence[str | Method] | None = None
    metrics: Sequence[str | Metric] | None = None
    data: Sequence[str | Dataset] | None = None
    limit: int | None = None
    words: int | None = None
    answers: Answers | None = None
    seed: int = 0
    dtype: str | None = None
    max_new_tokens: int = 128
    reference: str | None = None
    engine: EngineName = "processes"
    workers: int = 1
    retry: bool = False
    load_options: Mapping[str, Any] = field(default_factory=dict)
    gallery: bool = False
    pairs: bool | None = None

    def __post_init__(self) -> None:
        values = {name: value for name, value in vars(self).items() if value is not None}
        for name in values.keys() & set(LISTS):
            # Copied: a list that the caller changes later must not change the config.
            object.__setattr__(self, name, _expect_list(name, values[name]))
        for name in values.keys() & MINIMUM.keys():
            _expect_at_least(name, values[name], MINIMUM[name])
        for name in values.keys() & CHOICES.keys():
            _expect_choice(name, values[name], CHOICES[name])
        for name in values.keys() & TYPES.keys():
            _expect_type(name, values[name], TYPES[name])
        _expect_type("load_options", self.load_options, Mapping)

    def to_toml(self) -> str:
        """The text that `read_config` reads.

        Raises:
            ParameterError: if it holds objects, which cannot be written to a file.

        Example:
            >>> print(BenchConfig(data=["testbed"], limit=2).to_toml())
            suite = "quick"
            data = [
              "testbed",
            ]
            limit = 2
            seed = 0
            max_new_tokens = 128
            engine = "processes"
            workers = 1
            retry = false
            gallery = false
            <BLANKLINE>
        """
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "load_options"}
        lines = [f"{k} = {_toml(k, v)}" for k, v in values.items() if v is not None]
        if self.load_options:
            options = self.load_options.items()
            lines += [
                "",
                "[load_options]",
                *(f"{_scalar(k, k)} = {_toml(k, v)}" for k, v in options),
            ]
        return "\n".join(lines) + "\n"


def read_config(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The values of a config file, for `config_of`.

    Raises:
        ParameterError: if there is no such file, or it is not TOML.
    """
    try:
        return tomllib.loads(expanded(path).read_text("utf-8"))
    except OSError as error:
        raise ParameterError(
            f"Expected a config file at {os.fspath(path)}, got {error.strerror}: "
            "write one with seewhy bench --print-config."
        ) from error
    except ValueError as error:
        raise ParameterError(
            f"Expected TOML in {os.fspath(path)}, got {error}: correct it, or write a new one with "
            "seewhy bench --print-config."
        ) from error


def config_of(values: Mapping[str, Any]) -> BenchConfig:
    """A config from the values of a file.

    Raises:
        ParameterError: if a key is unknown (near matches are given), or a value is invalid.
    """
    known = tuple(f.name for f in fields(BenchConfig))
    for name in values:
        if name not in known:
            raise ParameterError(unknown_name_message("key of the bench's config", name, known))
    return BenchConfig(**values)


def _expect_list(name: str, value: object) -> tuple[Any, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ParameterError(f"Expected {name} as a list, got {value!r}: put it in brackets.")
    return tuple(value)


def _expect_at_least(name: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ParameterError(
            f"Expected {name} of at least {least}, got {value!r}: give a whole number, or leave it "
            "out."
        )


def _expect_choice(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        listed = " or ".join(map(repr, known))
        raise ParameterError(f"Expected {name} {listed}, got {value!r}: choose one.")


def _expect_type(name: str, value: object, expected: type) -> None:
    if not isinstance(value, expected):
        noun = {str: "text", bool: "true or false"}.get(expected, "a table of names and values")
        raise ParameterError(f"Expected {name} to be {noun}, got {value!r}: change it.")


def _toml(name: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        return "\n".join(["[", *(f"  {_scalar(name, item)}," for item in value), "]"])
    return _scalar(name, value)


def _scalar(name: str, value: Any) -> str:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str | bool | int | float):
        raise ParameterError(
            f"Expected names and specs in {name} for a config file, got {value!r}: name it, or "
            "keep this config in Python."
        )
    # The only character that JSON does not escape and TOML forbids.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

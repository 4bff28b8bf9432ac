"""Models of a run: their names in tables, and fingerprints that keep their results separate."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seewhy.bench.fingerprints import folder_fingerprint, hub_fingerprint, loaded_fingerprint
from seewhy.bench.specs import digest
from seewhy.core.errors import UnknownNameError
from seewhy.core.paths import expanded
from seewhy.core.suggestions import unknown_name_message
from seewhy.testbed.pretrained import pretrained
from seewhy.testbed.smol.part_files import is_in_parts

NOT_COMPUTING = ("device_map", "revision")
"""Load options that are not in a model's key: the device, and the commit, hashed anyway."""


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


def model_specs(
    models: Iterable[str | os.PathLike[str] | tuple[Any, Any]],
    dtype: str | None,
    load_options: Mapping[str, Any],
) -> Iterator[ModelSpec]:
    """The models; options that change what a model computes are part of its fingerprint.

    Args:
        models: names of shipped models, folders, hub ids, or loaded `(model, processor)` pairs.
        dtype: of the weights, or None.
        load_options: passed on to `seewhy.models.load`.

    Raises:
        UnknownNameError: if there is no such model; near matches are given.
    """
    options = dict(load_options)
    computing = {k: str(v) for k, v in options.items() if k not in NOT_COMPUTING}
    if dtype:
        options["dtype"] = dtype
    for given in models:
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
    folder = known.get(name) or expanded(name)
    if folder.is_dir():
        label = name if name in known else folder.name
        return ModelSpec(label, str(folder), _fingerprint(folder), None, options)
    if "/" not in name or name.startswith((".", "~", "/")):
        raise UnknownNameError(
            f"{unknown_name_message('model', name, known)} Or give an existing folder, or a hub "
            "id such as Qwen/Qwen2-VL-2B-Instruct."
        )
    return ModelSpec(name, name, hub_fingerprint(name, options.get("revision")), None, options)


def _fingerprint(folder: Path) -> str:
    """Of a model's folder; of parts without putting them together, for the wheel is pinned."""
    if not is_in_parts(folder):
        return folder_fingerprint(folder)
    from seewhy.testbed.smol.cache import parts_key

    return digest(parts_key(folder))

"""The plan of an audit: what its rows depend on. An audit goes on only with the same plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seewhy.audit.config import AuditConfig
from seewhy.audit.source import Source
from seewhy.bench.model_specs import ModelSpec, model_specs
from seewhy.core.errors import OutputError, ParameterError
from seewhy.testbed.pretrained import DEFAULT as DEFAULT_MODEL

COMPARED = {
    "data_fingerprint": "other rows of data",
    "model_fingerprint": "another model",
    "dtype": "another dtype",
    "explain": "other settings of explanation or generation",
    "shuffle": "another seed of shuffle",
}
"""What must be the same, and what is said if it is not."""


def model_of(config: AuditConfig) -> ModelSpec:
    """The model of an audit.

    Raises:
        UnknownNameError: if there is no such model.
        ParameterError: if it is loaded already, and other processes would need it.
    """
    given = DEFAULT_MODEL if config.model is None else config.model
    loaded = getattr(given, "loaded", None)
    pair = given if isinstance(given, tuple) else loaded and (loaded.model, loaded.processor)
    if pair is not None and (config.engine != "local" or config.workers > 1):
        raise ParameterError(
            "Expected the name of a model for several workers or for Ray, got a loaded one: each "
            "loads its own, so give its folder or hub id, or use one local worker."
        )
    if pair is None and hasattr(given, "explain"):
        name = getattr(given, "name", type(given).__name__)
        return ModelSpec(name, "", f"object {name}")
    (spec,) = model_specs([pair or given], config.dtype, config.load_options)
    return spec


def plan_of(config: AuditConfig, source: Source, model: ModelSpec) -> dict[str, Any]:
    """The plan, JSON-ready: what is compared, and names for readers."""
    data = config.data if isinstance(config.data, str) else source.name
    return {
        "data": data,
        "answers": config.answers,
        "data_fingerprint": source.fingerprint,
        **{name: text for name, text in model.describe().items() if name == "place"},
        "model": model.label,
        "model_fingerprint": model.fingerprint,
        "dtype": config.dtype,
        "explain": json.loads(json.dumps(dict(config.explain), sort_keys=True, default=str)),
        "shuffle": config.shuffle,
    }


def expect_same(stored: Mapping[str, Any], plan: Mapping[str, Any], folder: Path) -> None:
    """Check that a folder holds rows of this plan.

    Raises:
        OutputError: if not; it says what differs.
    """
    differ = [name for name in COMPARED if stored.get(name) != plan[name]]
    if differ:
        found = "; ".join(
            f"{COMPARED[name]} ({_shown(name, stored)} there, {_shown(name, plan)} now)"
            for name in differ
        )
        raise OutputError(
            f"Expected the audit in {folder} to go on as it began, got {found}: give the same "
            "command as before, or choose another folder."
        )


def _shown(name: str, plan: Mapping[str, Any]) -> str:
    """A value for an error; of a fingerprint also the name, if there is one."""
    value = plan.get(name)
    named = plan.get(name.removesuffix("_fingerprint")) if name.endswith("_fingerprint") else None
    return f"{named}, fingerprint {value}" if named else json.dumps(value)

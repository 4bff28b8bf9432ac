"""The models of the app: loaded when they are first asked, and dropped when memory is needed.

Only the worker's thread loads and drops; any thread may read what is there.
"""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seewhy.app.errors import RequestError
from seewhy.core.announcements import listening
from seewhy.core.errors import MemoryLimitError, ParameterError
from seewhy.core.memory import bytes_of, in_words
from seewhy.core.suggestions import unknown_name_message
from seewhy.testbed.pretrained import DEFAULT, pretrained
from seewhy.testbed.smol.part_files import is_in_parts

if TYPE_CHECKING:
    from seewhy.explainer import Explainer

SPARE = 1.5
"""Without a limit: free memory that a model should find, as a multiple of its weights."""


class LoadedModels:
    """The models that may be asked, by name.

    Args:
        models: names of models, as `seewhy.load` takes them, or explainers, which are never
            dropped; none takes those of the package.
        max_memory: bytes, or a text such as `"8GB"`, that the weights of all loaded models may
            take; None drops models only where a further one would not find free memory.
        options: for `seewhy.load`, of every model.

    Raises:
        ParameterError: if a name is given twice, or `max_memory` is no amount of memory.
    """

    def __init__(
        self,
        models: Sequence[str | Explainer] = (),
        max_memory: int | str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self._limit = None if max_memory is None else bytes_of(max_memory)
        self._options = dict(options or {})
        given = list(models) or _shipped_names()
        self._pinned = {model.name: model for model in given if not isinstance(model, str)}
        self.names = tuple(model if isinstance(model, str) else model.name for model in given)
        if twice := [name for name in self.names if self.names.count(name) > 1]:
            raise ParameterError(f"Expected each model once, got {twice[0]!r} again.")
        self._loaded: OrderedDict[str, Explainer] = OrderedDict(self._pinned)

    @property
    def default(self) -> str:
        """The model that is asked where none is named."""
        return self.names[0]

    def expect_known(self, name: str) -> str:
        """The name itself.

        Raises:
            RequestError: with 422 if there is no such model here.
        """
        if name not in self.names:
            raise RequestError(
                422, "unknown-name", unknown_name_message("model", name[:200], self.names)
            )
        return name

    def state(self) -> list[dict[str, Any]]:
        """What the page is told of each model."""
        from seewhy.answer_notes import shipped

        loaded = dict(self._loaded)
        return [
            {
                "name": name,
                "family": loaded[name].loaded.family.name if name in loaded else None,
                "loaded": name in loaded,
                "shipped": bool(shipped(name)),
            }
            for name in self.names
        ]

    def get(self, name: str, stage: Callable[[str], None] = lambda text: None) -> Explainer:
        """A model, loaded if it is not yet.

        Args:
            name: one of `names`.
            stage: called with a few words before it is loaded.

        Raises:
            RequestError: if there is no such model here.
            MemoryLimitError: if it alone takes more than `max_memory`.
            SeewhyError: as `seewhy.load`.
        """
        self.expect_known(name)
        found = self._loaded.get(name)
        if found is None:
            stage(f"loading {name}")
            with listening(stage):
                found = self._load(name)
        self._loaded.move_to_end(name)
        return found

    def close(self) -> None:
        """Drop all models."""
        for name in list(self._loaded):
            self._drop(name)

    def _load(self, name: str) -> Explainer:
        import seewhy

        need = checkpoint_bytes(name)
        if self._limit is not None and need is not None and need > self._limit:
            raise self._too_large(name, need)
        self._make_room(need or 0)
        model = seewhy.load(name, **self._options)
        self._loaded[name] = model
        size = weight_bytes(model)
        if self._limit is not None and size > self._limit:
            del model
            self._drop(name)
            raise self._too_large(name, size)
        self._make_room(0, keep=name)
        return model

    def _make_room(self, need: int, keep: str = "") -> None:
        """Drop the models that were not used for longest until `need` more bytes fit."""
        for name in list(self._loaded):
            if not self._is_short(need):
                return
            if name != keep and name not in self._pinned:
                self._drop(name)

    def _is_short(self, need: int) -> bool:
        if self._limit is not None:
            return sum(map(weight_bytes, self._loaded.values())) + need > self._limit
        if not self._loaded or not need:
            return False
        from seewhy.memory.available import available_memory

        free = available_memory(next(reversed(self._loaded.values())).loaded.model)
        return free is not None and free < SPARE * need

    def _drop(self, name: str) -> None:
        self._loaded.pop(name)
        gc.collect()
        import torch

        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    def _too_large(self, name: str, size: int) -> MemoryLimitError:
        limit = in_words(self._limit or 0)
        return MemoryLimitError(
            f"Expected the model {name} to fit the app's memory for models of {limit}, got "
            f"{in_words(size)}: start the app with a larger --max-memory, or ask another model."
        )


def _shipped_names() -> list[str]:
    """The models of the package: the default first, those that were taught to invent last."""
    return sorted(pretrained(), key=lambda name: (name != DEFAULT, "biased" in name, name))


def weight_bytes(explainer: Explainer) -> int:
    """Bytes of a model's weights and buffers; shared ones count once."""
    model = explainer.loaded.model
    tensors = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def checkpoint_bytes(name: str) -> int | None:
    """Bytes of a model's weights on the disk, before it is loaded; None if they are not there."""
    folder = Path(pretrained().get(name, name)).expanduser()
    try:
        if not folder.is_dir():
            return _cached_bytes(name)
        if is_in_parts(folder):
            from seewhy.testbed.smol.cache import weight_bytes as whole_bytes

            return whole_bytes(folder)
        for pattern in ("*.safetensors", "*.bin"):
            if sizes := [file.stat().st_size for file in folder.glob(pattern)]:
                return sum(sizes)
    except (OSError, ValueError):
        return None
    return None


def _cached_bytes(name: str) -> int | None:
    """Likewise of a model of the hub that was downloaded before."""
    import json

    from huggingface_hub import try_to_load_from_cache

    index = try_to_load_from_cache(name, "model.safetensors.index.json")
    if isinstance(index, str):
        return int(json.loads(Path(index).read_text("utf-8"))["metadata"]["total_size"])
    single = try_to_load_from_cache(name, "model.safetensors")
    return Path(single).stat().st_size if isinstance(single, str) else None

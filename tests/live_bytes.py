"""How many bytes tensors hold at most while something runs, counted tensor by tensor.

What an operation needs inside itself is not seen. Unlike the resident memory of a process, the
number is the same at every run.
"""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveBytes(TorchDispatchMode):
    """While it is active, counts the bytes of tensors that operations return, until they are freed.

    Attributes:
        peak: the most bytes at once.
        largest: the shape of the largest tensor.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak, self._now = 0, 0
        self.largest: tuple[int, ...] = (0,)
        self._known: dict[int, Any] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        given = {
            leaf.untyped_storage()._cdata
            for leaf in tree_leaves((args, kwargs))
            if isinstance(leaf, Tensor)
        }
        for leaf in tree_leaves(result):
            # A view of what was there before, such as of weights, holds nothing new.
            if isinstance(leaf, Tensor) and leaf.untyped_storage()._cdata not in given:
                self._add(leaf)
        return result

    def _add(self, tensor: Tensor) -> None:
        if tensor.numel() > torch.Size(self.largest).numel():
            self.largest = tuple(tensor.shape)
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return
        self._now += size
        self.peak = max(self.peak, self._now)
        self._known[key] = weakref.finalize(storage, self._free, key, size)

    def _free(self, key: int, size: int) -> None:
        if self._known.pop(key, None) is not None:
            self._now -= size

"""Reads pickles of plain values; a pickle that names anything else is refused.

A pickle can run any code when it is read. RefCOCO's hold lists, dicts, texts and numbers only, so
no class or function has to be loaded.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, NoReturn

from seewhy.core.errors import DatasetError


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> NoReturn:
        """Refuse every global."""
        raise pickle.UnpicklingError(f"it names {module}.{name}, which could run code")

    def persistent_load(self, pid: Any) -> NoReturn:
        """Refuse references to things outside the file."""
        raise pickle.UnpicklingError("it refers to things outside the file")


def read_plain_pickle(path: Path) -> Any:
    """A pickle's value, of lists, dicts, tuples, texts and numbers.

    Raises:
        DatasetError: if it names a class or function, or is damaged.
    """
    try:
        with path.open("rb") as file:
            # Python 2 wrote these files: its texts are bytes.
            return _PlainUnpickler(file, encoding="utf-8", errors="replace").load()
    except (
        *(pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError, TypeError),
        *(AttributeError, OverflowError, MemoryError, RecursionError, OSError),
    ) as error:
        raise DatasetError(
            f"Expected a pickle of plain lists and texts in {path}, got one that is refused or "
            f"damaged ({error}): get the file from its source."
        ) from error

"""Loading a model in a notebook: one line that disappears, in place of bars and messages."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from seewhy.core.downloads import downloaded
from seewhy.core.notebooks import in_notebook
from seewhy.core.progress_line import progress_line
from seewhy.core.quiet_libraries import hush, quiet_libraries
from seewhy.models.libraries import import_libraries

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def quiet_in_cells(load: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Let a function that loads a model be quiet in a notebook; elsewhere it is what it was.

    Args:
        load: takes the model first; a name or folder is shown while it is loaded.
    """

    @wraps(load)
    def quiet(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        if not in_notebook():
            return load(*args, **kwargs)
        name = _name(args[0] if args else kwargs.get("model"))
        more = downloaded(name)
        with quiet_libraries(), progress_line(f"loading {name or 'the model'}", more):
            import_libraries()
            hush()
            return load(*args, **kwargs)

    return quiet


def _name(model: Any) -> str:
    return os.fspath(model) if isinstance(model, str | os.PathLike) else ""

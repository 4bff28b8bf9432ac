"""Explaining in a notebook: quiet libraries, and one line that disappears."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from seewhy.core.progress_line import progress_line
from seewhy.core.quiet_libraries import quiet_libraries


def told_in_cells(explain: Callable[..., Any]) -> Callable[..., Any]:
    """Let a method that explains tell its stages in a notebook's cell; elsewhere it is what it was.

    Args:
        explain: takes its object, questions, and options with a field `progress`.
    """

    @wraps(explain)
    def told(self: Any, questions: Any, options: Any, *further: Any, **named: Any) -> Any:
        with quiet_libraries(), progress_line("explaining") as tell:
            if options.progress is None and tell is not None:
                options = replace(options, progress=tell)
            return explain(self, questions, options, *further, **named)

    return told

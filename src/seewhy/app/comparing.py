"""Putting explanations side by side: methods, models, pictures, or entries of the history."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from seewhy.app.errors import RequestError
from seewhy.app.fields import Fields
from seewhy.app.jobs import Job

if TYPE_CHECKING:
    from seewhy.app.sitting import Sitting


def compare(fields: Fields, sitting: Sitting) -> Callable[[Job], dict[str, Any]]:
    """Read a `compare` job."""
    raise RequestError(501, "unsupported", "The app cannot compare explanations yet.")

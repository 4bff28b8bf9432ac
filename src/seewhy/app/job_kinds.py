"""The kinds of jobs: what each is given, checked before it waits, and the work that it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from seewhy.app.asking import explain
from seewhy.app.asking_back import change, continue_from, contrast, diagnose, effect, reprompt
from seewhy.app.comparing import compare
from seewhy.app.errors import bad_request
from seewhy.app.fields import Fields
from seewhy.app.jobs import Job

if TYPE_CHECKING:
    from seewhy.app.sitting_data import SittingData

Work = Callable[[Job], dict[str, Any]]

KINDS: dict[str, Callable[[Fields, SittingData], Work]] = {
    "explain": explain,
    "effect": effect,
    "change": change,
    "continue": continue_from,
    "reprompt": reprompt,
    "contrast": contrast,
    "diagnose": diagnose,
    "compare": compare,
}
"""For each kind the function that reads what it is given and returns the work."""


def job_of(data: dict[str, Any], sitting: SittingData) -> Job:
    """A job from the body of a request.

    Raises:
        RequestError: with 400 if it is malformed, with 404 if it names what the sitting has not,
            with 422 if it names a model or method that there is not.
        InputError: if a region is none.
    """
    fields = Fields(data)
    kind = fields.choice("kind", tuple(KINDS))
    work = KINDS[str(kind)](fields, sitting)
    fields.done()
    if sitting.is_closed:
        raise bad_request("Expected a sitting that goes on, got one that has ended: reload.")
    return Job(sitting.id, str(kind), work, sitting.clear_if_closed)

"""Errors of requests, and what a client is told of any error."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from seewhy.core.errors import (
    InputError,
    MemoryLimitError,
    OutputError,
    SchemaError,
    SeewhyError,
    UnknownNameError,
)
from seewhy.core.memory import is_out_of_memory

INTERNAL = "Something went wrong inside seewhy. Try again; “seewhy app --debug” shows the reason."
NO_MEMORY = (
    "There was not enough memory for this. Take a smaller picture or a shorter answer, or try "
    "again when other programs have ended."
)
NO_SPACE = "The files of this sitting could not be written. Is the disk full? Remove some entries."


class RequestError(SeewhyError, ValueError):
    """A request is refused.

    Args:
        status: of HTTP, 400 to 599.
        kind: a short name for programs, such as `"not-found"`.
        message: for people.
        retry_after: seconds after which it may be tried again.
        allow: methods that the address has.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        retry_after: float | None = None,
        allow: str = "",
    ) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind
        self.headers: Mapping[str, str] = {
            **({} if retry_after is None else {"Retry-After": str(max(1, math.ceil(retry_after)))}),
            **({"Allow": allow} if allow else {}),
        }


def bad_request(message: str) -> RequestError:
    """A request that is malformed."""
    return RequestError(400, "request", message)


def not_found(what: str) -> RequestError:
    """An address or an id that there is not, or that belongs to someone else."""
    return RequestError(404, "not-found", f"Expected {what} of this sitting, got none: reload.")


def too_large(what: str, limit: int, got: int | None = None) -> RequestError:
    """A body, or what is in it, beyond a limit."""
    seen = "more" if got is None else f"{got:,}"
    return RequestError(
        413, "too-large", f"Expected {what} of at most {limit:,} bytes, got {seen}: send less."
    )


def busy(message: str, retry_after: float) -> RequestError:
    """Too much at once, or too often."""
    return RequestError(429, "busy", message, retry_after=retry_after)


def status_of(error: BaseException) -> int:
    """The HTTP status of an error."""
    if isinstance(error, RequestError):
        return error.status
    if isinstance(error, MemoryLimitError) or is_out_of_memory(error):
        return 507
    if isinstance(error, UnknownNameError | SchemaError | InputError):
        return 422
    if isinstance(error, OutputError | OSError):
        return 507
    return 422 if isinstance(error, SeewhyError) else 500


def kind_of(error: BaseException) -> str:
    """The error's short name for programs.

    Example:
        >>> from seewhy.core.errors import ImageError, MemoryLimitError
        >>> kind_of(ImageError()), kind_of(MemoryLimitError()), kind_of(KeyError())
        ('image', 'memory-limit', 'internal')
    """
    if isinstance(error, RequestError):
        return error.kind
    if isinstance(error, SeewhyError):
        name = type(error).__name__.removesuffix("Error")
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
    if is_out_of_memory(error):
        return "memory-limit"
    return "storage" if isinstance(error, OSError) else "internal"


def message_of(error: BaseException, *private: str) -> str:
    """What a client is told: an error of this package in its own words, any other in few.

    Args:
        error: any error.
        *private: texts that are cut out, such as the folder of the sittings.
    """
    if isinstance(error, SeewhyError):
        text = str(error)
        if isinstance(error, OutputError) and any(path in text for path in private):
            return NO_SPACE
        for path in private:
            text = text.replace(path, "")
        return " ".join(text.split())
    if is_out_of_memory(error):
        return NO_MEMORY
    return NO_SPACE if isinstance(error, OSError) else INTERNAL

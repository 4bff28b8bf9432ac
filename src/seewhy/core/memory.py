"""Out-of-memory errors of every device, and numbers of bytes as people write them."""

from __future__ import annotations

import re

from seewhy.core.errors import MemoryLimitError, ParameterError

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
BINARY = {"KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}

#: What errors without a class of their own say, in lower case: CPU, CUDA and its libraries, MPS.
MESSAGES = (
    *("out of memory", "not enough memory", "cannot allocate memory", "can't allocate memory"),
    *("defaultcpuallocator", "alloc_failed", "cannot allocate write+execute memory"),
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on any device.

    Example:
        >>> is_out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate"))
        True
        >>> is_out_of_memory(RuntimeError("shapes do not match"))
        False
    """
    if isinstance(error, MemoryError):
        return True
    if any(kind.__name__ == "OutOfMemoryError" for kind in type(error).__mro__):
        return True  # torch's, without an import of torch
    text = str(error).lower()
    return isinstance(error, RuntimeError | OSError) and any(said in text for said in MESSAGES)


def is_ours(error: BaseException) -> bool:
    """Whether an out-of-memory error is already one that says what to do."""
    return isinstance(error, MemoryLimitError)


def bytes_of(value: int | str) -> int:
    """A number of bytes, or a text such as "8GB", "500 MB" or "1.5GiB".

    Raises:
        ParameterError: if it is neither, or not above 0.

    Example:
        >>> bytes_of("8GB"), bytes_of("1.5 GiB"), bytes_of(1000)
        (8000000000, 1610612736, 1000)
    """
    count = 0.0
    if isinstance(value, int) and not isinstance(value, bool):
        count = float(value)
    elif isinstance(value, str):
        found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGT]I?|)B?\s*", value, re.IGNORECASE)
        if found:
            count = float(found[1]) * {**UNITS, **BINARY}[found[2].upper()]
    if count < 1:
        raise ParameterError(
            f"Expected an amount of memory such as '8GB' or a number of bytes, got {value!r}."
        )
    return int(count)


def in_words(count: float) -> str:
    """A number of bytes for people.

    Example:
        >>> in_words(317e9), in_words(1.75e9), in_words(2e7), in_words(0)
        ('317 GB', '1.8 GB', '20 MB', '0 MB')
    """
    if count >= 9.95e9:
        return f"{count / 1e9:.0f} GB"
    return f"{count / 1e9:.1f} GB" if count >= 9.995e8 else f"{count / 1e6:.0f} MB"

"""What long commands share: durations in words, and silent libraries."""

from __future__ import annotations

import os


def duration(seconds: float) -> str:
    """A duration in seconds, hours and minutes, or days.

    Example:
        >>> duration(75), duration(5400), duration(300_000)
        ('75 s', '1:30 h', '3.5 days')
    """
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return (
        f"{minutes // 60}:{minutes % 60:02} h" if minutes < 2880 else f"{seconds / 86400:.1f} days"
    )


def silence_libraries() -> None:
    """Turn off the progress bars and warnings of transformers, also in workers."""
    # Workers inherit this: their progress bars would mix with the output of this process.
    os.environ.setdefault("TQDM_DISABLE", "1")
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()

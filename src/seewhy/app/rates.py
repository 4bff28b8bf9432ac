"""How often something may be done: a bucket that fills at a steady rate."""

from __future__ import annotations

import threading
import time

from seewhy.app.errors import busy


class Rate:
    """Allows a burst, and after it so many a second. Threads may share it.

    Args:
        burst: at once.
        second: every second after that.

    Example:
        >>> rate = Rate(2, 0.001)
        >>> rate.wait(), rate.wait(), rate.wait() > 900
        (0.0, 0.0, True)
    """

    def __init__(self, burst: float, second: float) -> None:
        self._burst, self._second = float(burst), float(second)
        self._left, self._at = float(burst), time.monotonic()
        self._lock = threading.Lock()

    def wait(self) -> float:
        """Take one; seconds to wait if none is left, and then none is taken."""
        with self._lock:
            now = time.monotonic()
            self._left = min(self._burst, self._left + (now - self._at) * self._second)
            self._at = now
            if self._left >= 1:
                self._left -= 1
                return 0.0
            return (1 - self._left) / self._second

    def expect(self, what: str) -> None:
        """Take one.

        Raises:
            RequestError: with 429 if none is left.
        """
        if seconds := self.wait():
            raise busy(f"Expected fewer {what} at once, got too many: wait a moment.", seconds)

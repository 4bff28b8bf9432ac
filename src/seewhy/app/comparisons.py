"""The comparisons of a sitting, as pages to save."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict

from seewhy.app.errors import not_found

MOST = 8
"""Comparisons that a sitting keeps: they can be made again."""


class Comparisons:
    """Pages by id. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages: OrderedDict[str, str] = OrderedDict()

    def add(self, page: str) -> str:
        """Keep a page, and return its address."""
        number = secrets.token_urlsafe(12)
        with self._lock:
            self._pages[number] = page
            while len(self._pages) > MOST:
                self._pages.popitem(last=False)
        return f"/api/comparisons/{number}.html"

    def get(self, number: str) -> str:
        """A page by its id.

        Raises:
            RequestError: with 404 if this sitting has none of this id.
        """
        with self._lock:
            found = self._pages.get(number)
        if found is None:
            raise not_found("a comparison")
        return found

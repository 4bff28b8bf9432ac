"""Comparisons to save: the latest few, by ids that cannot be guessed."""

import pytest

from seewhy.app.comparisons import MOST, Comparisons
from seewhy.app.errors import RequestError


def test_the_latest_few_are_kept():
    pages = Comparisons()
    urls = [pages.add(f"page {number}") for number in range(MOST + 1)]
    numbers = [url.removeprefix("/api/comparisons/").removesuffix(".html") for url in urls]
    assert pages.get(numbers[-1]) == f"page {MOST}"
    assert len(set(numbers)) == MOST + 1
    with pytest.raises(RequestError, match="Expected a comparison of this sitting"):
        pages.get(numbers[0])

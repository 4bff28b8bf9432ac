"""The shipped model, read once for all metrics."""

from __future__ import annotations

import pytest

from metric_cases import SHIPPED
from seewhy.models import load


@pytest.fixture(scope="session")
def loaded():
    return load(SHIPPED)

"""The shipped model, loaded once."""

import pytest

import seewhy
from seewhy.explainer import Explainer


@pytest.fixture(scope="package")
def explainer() -> Explainer:
    return seewhy.load()

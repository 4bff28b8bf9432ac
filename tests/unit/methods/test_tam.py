"""`tam(published=True)`: what it needs and what it refuses; its maps are in `tests/reference`."""

from dataclasses import replace

import pytest

from random_traces import random_evidence, with_foils
from seewhy.core.errors import ParameterError
from seewhy.methods import Evidence, create


def test_published_tam_needs_the_model():
    with pytest.raises(ParameterError, match=r"session with the model.*tam\(published=True\)"):
        create("tam(published=True)").attribute(random_evidence((1.0,)))


def test_published_tam_contrasts_no_words():
    assert create("tam").can_contrast
    assert not create("tam(published=True)").can_contrast
    evidence = random_evidence((1.0,))
    contrasted = Evidence.from_traces({1.0: with_foils(evidence.trace)})
    with pytest.raises(ParameterError, match="no contrast with tam"):
        create("tam(published=True)").attribute(contrasted)


def test_published_is_true_or_false():
    with pytest.raises(ParameterError, match="published as True or False, got 1"):
        replace(create("tam"), published=1)
    assert create("tam(published=True)").spec == "tam(published=True)"

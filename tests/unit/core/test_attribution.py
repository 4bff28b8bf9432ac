"""What every attribution promises."""

from typing import Any

import pytest
import torch

from seewhy.core.attribution import Attribution
from seewhy.core.errors import ShapeError


def attribution(**changes):
    parts: dict[str, Any] = {
        "maps": torch.tensor([[[0.0, 2.0], [4.0, 8.0]]]),
        "context": torch.zeros(1, 3),
        "low": torch.tensor([2.0]),
        "high": torch.tensor([6.0]),
    }
    return Attribution(**(parts | changes))


def test_display_scales_by_the_joint_range_and_clamps():
    assert attribution().display.tolist() == [[[0.0, 0.0], [0.5, 1.0]]]


def test_display_of_an_empty_range_is_finite():
    flat = attribution(low=torch.zeros(1), high=torch.zeros(1), maps=torch.zeros(1, 2, 2))
    assert flat.display.tolist() == [[[0.0, 0.0], [0.0, 0.0]]]


def test_attribution_refuses_a_context_of_other_tokens():
    with pytest.raises(ShapeError, match="context with axes .* token = 1, got token = 2"):
        attribution(context=torch.zeros(2, 3))


def test_attribution_refuses_flat_maps():
    with pytest.raises(ShapeError, match=r"maps with axes \[token height width\]"):
        attribution(maps=torch.zeros(1, 4))

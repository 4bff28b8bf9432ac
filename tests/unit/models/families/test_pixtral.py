"""Pixtral: the same class as LLaVA, another family."""

from __future__ import annotations

import numpy as np
import pytest

import tiny_llava
import tiny_pixtral
from painting import noise
from seewhy.core.errors import UnsupportedModelError
from seewhy.models import load
from torchvision_shim import with_torchvision

PROMPT = "What is to the left of the red star?"


def test_load_tells_pixtral_from_llava_by_its_tower():
    assert load(tiny_pixtral.build()).family.name == "pixtral"
    assert load(tiny_llava.build()).family.name == "llava"


def test_prepare_equals_the_real_processor_of_either_backend():
    rows = [[noise(150, 100)], [noise(300, 40)], [noise(97, 131), noise(60, 60, 1)]]
    for real, own in with_torchvision("tiny_pixtral:real_and_ours", rows, PROMPT):
        assert own["input_ids"].tolist() == real["input_ids"].tolist()
        assert own["image_sizes"].tolist() == real["image_sizes"].tolist()
        np.testing.assert_array_equal(own["pixel_values"], real["pixel_values"])


def test_pixtral_refuses_a_strategy_that_drops_a_patch():
    with pytest.raises(UnsupportedModelError, match="strategy 'full' with the tower 'pixtral'"):
        load(tiny_pixtral.build(vision_feature_select_strategy="default"))

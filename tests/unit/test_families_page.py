"""The documentation's page of families says what the adapters say."""

import numpy as np
import pytest
from PIL import Image

import families_page
from families import BUILDERS, shared
from seewhy.models import FAMILIES


def test_page_is_the_one_that_the_script_makes():
    made = (families_page.DOCS / "families.md").read_text(encoding="utf-8")
    assert made == families_page.page(), "run `make families`"


def test_page_has_a_row_for_every_family():
    page = families_page.page()
    for family in FAMILIES:
        for place in family.checkpoints:
            assert f"`{place}`" in page


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_picture_shows_the_boxes_of(name):
    file = families_page.DOCS / families_page.PICTURES / f"{name}.png"
    made = families_page.boxes_of(shared(name).family, families_page.rectangle())
    with Image.open(file) as shown:
        assert shown.size == made.size, "run `make families`"
        # Fonts differ a little between versions of Pillow: lines and pictures do not.
        apart = np.abs(np.asarray(shown.convert("RGB"), int) - np.asarray(made, int))
    assert (apart > 8).mean() < 0.01, "run `make families`"

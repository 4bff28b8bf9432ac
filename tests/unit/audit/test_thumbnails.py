import base64
import io

import numpy as np
from PIL import Image

from seewhy.audit.thumbnails import BUDGET, data_uris


def noise(side: int, form: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


def test_small_pictures_are_kept_as_they_are():
    small = noise(16, "PNG"), noise(16, "JPEG")
    png, jpeg = data_uris(small)
    assert png == "data:image/png;base64," + base64.b64encode(small[0]).decode()
    assert jpeg.startswith("data:image/jpeg;base64,")


def test_pictures_keep_to_the_budget_together():
    """100 pictures of 760 kB: each is made smaller."""
    found = data_uris([noise(500, "PNG")] * 100)
    assert all(uri.startswith("data:image/jpeg;base64,") for uri in found)
    assert sum(map(len, found)) < BUDGET * 4 / 3 + 100 * 40


def test_what_is_no_picture_is_left_out():
    broken = b"\xff\xd8\xff" + bytes(BUDGET)
    markup = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    assert data_uris([b"", markup, broken]) == ["", "", ""]

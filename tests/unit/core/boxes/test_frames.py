"""Numbers of every convention to pixels of the original picture, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seewhy.core.boxes import CONVENTIONS, PictureFrame, convention_named, from_pixels, to_pixels
from seewhy.core.errors import GeometryError

WHOLE = PictureFrame.whole((1920, 1080), (1932, 1092))
CROP = PictureFrame((300, 200), (50.0, 0.0, 250.0, 200.0), (336, 336))
PADDED = PictureFrame((300, 200), (0.0, -50.0, 300.0, 250.0), (336, 224))


@pytest.mark.parametrize(
    ("name", "numbers", "frame", "pixels"),
    [
        ("relative-1000", (0, 0, 1000, 1000), WHOLE, (0, 0, 1920, 1080)),
        ("relative-1000", (250, 500, 500, 750), WHOLE, (480, 540, 960, 810)),
        ("relative-1000", (500, 250), WHOLE, (960, 270)),
        ("relative-1000-yx", (250, 500, 750, 1000), WHOLE, (960, 270, 1920, 810)),
        ("relative-1000-yx", (250, 500), WHOLE, (960, 270)),
        ("relative-1024-yx", (256, 512, 768, 1024), WHOLE, (960, 270, 1920, 810)),
        ("relative-500", (250, 125, 500, 250), WHOLE, (960, 270, 1920, 540)),
        ("relative-100", (50, 25), WHOLE, (960, 270)),
        ("relative-1", (0.5, 0.25, 1, 0.5), WHOLE, (960, 270, 1920, 540)),
        ("pixels", (1, 2, 3, 4), WHOLE, (1, 2, 3, 4)),
        ("pixels-input", (966, 546, 1932, 1092), WHOLE, (960, 540, 1920, 1080)),
        # The middle of the model's input is the middle of the crop, and of the padded picture.
        ("relative-1-input", (0, 0, 0.5, 1), CROP, (50, 0, 150, 200)),
        ("relative-1-input", (0.5, 0.5), PADDED, (150, 100)),
        ("relative-1-input", (0, 0, 1, 1), PADDED, (0, -50, 300, 250)),
        ("pixels-input", (168, 168), CROP, (150, 100)),
        ("pixels-input", (336, 56), PADDED, (300, 0)),
        ("relative-1-square", (0.5, 0.5), CROP, (150, 100)),
        ("relative-1-square", (0, 0, 1, 1), CROP, (0, -50, 300, 250)),
        ("relative-1-square", (0, 1 / 6, 1, 5 / 6), CROP, (0, 0, 300, 200)),
    ],
)
def test_to_pixels_by_convention_and_frame(name, numbers, frame, pixels):
    convention = convention_named(name)
    assert to_pixels(convention, numbers, frame) == pytest.approx(pixels)
    assert from_pixels(convention, pixels, frame) == pytest.approx(numbers, abs=1e-9)


def test_to_pixels_of_the_input_needs_its_size():
    frame = PictureFrame.whole((1920, 1080))
    with pytest.raises(GeometryError, match="size of the model's input for .*'pixels-input'"):
        to_pixels(convention_named("pixels-input"), (1, 2, 3, 4), frame)


sizes = st.tuples(st.integers(1, 5000), st.integers(1, 5000))


@st.composite
def frames(draw):
    width, height = draw(sizes)
    low, high = draw(st.tuples(st.floats(-0.5, 0.4), st.floats(0.6, 1.5)))
    seen = (low * width, low * height, high * width, high * height)
    return PictureFrame((width, height), seen, draw(sizes))


@given(
    st.sampled_from(sorted(CONVENTIONS)),
    frames(),
    st.lists(st.floats(0, 1), min_size=4, max_size=4) | st.lists(st.floats(0, 1), min_size=2,
                                                                  max_size=2),
)  # fmt: skip
def test_from_pixels_undoes_to_pixels(name, frame, shares):
    width, height = frame.size
    sides = (width, height, width, height)
    pixels = [share * side for share, side in zip(shares, sides, strict=False)]
    convention = convention_named(name)
    back = to_pixels(convention, from_pixels(convention, pixels, frame), frame)
    assert back == pytest.approx(pixels, abs=1e-6 * max(sides))


@given(st.sampled_from(["relative-1000", "relative-1000-yx", "relative-1024-yx"]), sizes,
       st.lists(st.floats(0, 1), min_size=4, max_size=4))  # fmt: skip
def test_written_numbers_are_within_half_a_unit_of_the_place(name, size, shares):
    convention, frame = convention_named(name), PictureFrame.whole(size)
    pixels = [share * side for share, side in zip(shares, size * 2, strict=True)]
    written = [round(number) for number in from_pixels(convention, pixels, frame)]
    step = [side / convention.unit for side in size * 2]
    back = to_pixels(convention, written, frame)
    assert all(abs(a - b) <= 0.5 * s + 1e-6 for a, b, s in zip(back, pixels, step, strict=True))

"""Reading pictures: the result is what a viewer shows, or one clear error."""

import io
import warnings

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from seewhy.core.errors import ImageError
from seewhy.images import notes_of, read_image
from seewhy.images.read import FORMATS

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def corners(colour=RED):
    """6 x 4 pixels of white with one coloured pixel at the upper left."""
    picture = Image.new("RGB", (6, 4), "white")
    picture.putpixel((0, 0), colour)
    return picture


def encoded(picture, format="PNG", **options):
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def pixels(picture):
    return np.asarray(picture)


@pytest.mark.parametrize("wrap", [str, lambda path: path], ids=["str", "Path"])
def test_read_image_takes_paths(tmp_path, wrap):
    corners().save(tmp_path / "ein bild.png")
    result = read_image(wrap(tmp_path / "ein bild.png"))
    assert (result.mode, result.size, result.getpixel((0, 0))) == ("RGB", (6, 4), RED)


def test_read_image_takes_bytes():
    assert read_image(encoded(corners())).getpixel((0, 0)) == RED


def test_read_image_finds_the_home_folder(tmp_path, monkeypatch):
    corners().save(tmp_path / "a.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_image("~/a.png").size == (6, 4)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "TGA"])
def test_read_image_decodes_the_usual_formats(format):
    result = read_image(encoded(Image.new("RGB", (5, 3), BLUE), format))
    assert np.abs(pixels(result).astype(int) - BLUE).max() <= 2


def test_formats_leave_out_those_that_start_other_programs():
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n%%EndComments\n%%EOF\n"
    assert "EPS" not in FORMATS
    with pytest.raises(ImageError, match="none of them"):
        read_image(postscript)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_read_image_applies_every_exif_rotation(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    # Where the stored upper left pixel is seen, by the EXIF standard (orientation 1 to 8).
    places = [(0, 0), (5, 0), (5, 3), (0, 3), (0, 0), (3, 0), (3, 5), (0, 5)]
    result = read_image(encoded(corners(), exif=exif))
    assert result.size == ((6, 4) if orientation <= 4 else (4, 6))
    assert result.getpixel(places[orientation - 1]) == RED


def test_read_image_does_not_rotate_twice():
    exif = Image.Exif()
    exif[0x0112] = 6
    once = read_image(encoded(corners(), exif=exif))
    assert np.array_equal(pixels(read_image(once)), pixels(once))


def test_read_image_shows_a_picture_with_broken_exif():
    data = encoded(corners(), exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    assert read_image(data).getpixel((0, 0)) == RED


def test_read_image_spreads_grey_over_three_channels():
    assert read_image(encoded(Image.new("L", (2, 2), 77))).getpixel((1, 1)) == (77, 77, 77)


def test_read_image_scales_sixteen_bits_and_does_not_clip():
    values = np.array([[0, 257, 32768, 65535]], dtype=np.uint16)
    result = read_image(encoded(Image.fromarray(values)))
    assert pixels(result)[0, :, 0].tolist() == [0, 1, 128, 255]


def test_read_image_scales_a_sixteen_bit_pgm():
    result = read_image(b"P5 2 1 65535\n" + (65535).to_bytes(2, "big") + (514).to_bytes(2, "big"))
    assert pixels(result)[0, :, 0].tolist() == [255, 2]


def test_read_image_scales_a_sixteen_bit_tiff_of_either_byte_order():
    values = np.array([[65535, 257]], dtype=np.uint16)
    little = Image.fromarray(values)
    big = Image.frombytes("I;16B", (2, 1), values.astype(">u2").tobytes())
    for picture in (read_image(encoded(little, "TIFF")), read_image(big)):
        assert pixels(picture)[0, :, 0].tolist() == [255, 1]


@pytest.mark.parametrize(
    ("mode", "value", "allowed"), [("I", 70_000, "0..65535"), ("F", 500.0, "255"), ("F", -1.0, "0")]
)
def test_read_image_refuses_grey_values_of_unknown_range(mode, value, allowed):
    with pytest.raises(ImageError, match=rf"Expected grey values .*{allowed}.* scale them first"):
        read_image(Image.new(mode, (2, 2), value))


@pytest.mark.parametrize(("value", "expected"), [(0.5, 128), (200.0, 200)])
def test_read_image_reads_float_pictures(value, expected):
    assert read_image(Image.new("F", (1, 2), value)).getpixel((0, 1)) == (expected,) * 3


def test_read_image_converts_cmyk():
    result = read_image(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))
    red, green, blue = pixels(result)[4, 4]
    assert red > 200
    assert max(green, blue) < 60


def test_read_image_lays_transparency_on_white_with_a_note():
    picture = Image.new("RGBA", (2, 1), (*RED, 255))
    picture.putpixel((1, 0), (*RED, 0))
    result = read_image(encoded(picture))
    assert [result.getpixel((x, 0)) for x in (0, 1)] == [RED, (255, 255, 255)]
    assert notes_of(result) == ("The picture has transparent parts; they were laid on white.",)


def test_read_image_blends_half_transparent_pixels():
    result = read_image(Image.new("RGBA", (1, 1), (0, 0, 0, 128)))
    assert result.getpixel((0, 0)) == (127, 127, 127)


@pytest.mark.parametrize("mode", ["LA", "PA", "RGBa", "La"])
def test_read_image_knows_every_mode_with_transparency(mode):
    assert read_image(Image.new(mode, (1, 1), 0)).getpixel((0, 0)) == (255, 255, 255)


def test_read_image_has_no_note_about_an_opaque_alpha_channel():
    assert notes_of(read_image(Image.new("RGBA", (2, 2), (*RED, 255)))) == ()


def test_read_image_resolves_palettes_and_their_transparency():
    picture = corners().convert("P")
    assert read_image(encoded(picture)).getpixel((0, 0)) == RED
    hidden = picture.getpixel((0, 0))
    assert read_image(encoded(picture, transparency=hidden)).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "HSV", "YCbCr", "LAB", "RGBX"])
def test_read_image_converts_rare_modes(mode):
    assert read_image(Image.new(mode, (3, 2))).mode == "RGB"


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_read_image_takes_the_first_frame_with_a_note(format):
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, GREEN, BLUE)]
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:])
    result = read_image(data)
    assert np.abs(pixels(result).astype(int) - RED).max() <= 8
    assert notes_of(result) == ("The file holds 3 frames; the first one was read.",)


def test_read_image_carries_notes_through_a_second_reading():
    once = read_image(np.zeros((2, 2, 4), dtype=np.uint8))
    assert notes_of(read_image(once)) == notes_of(once) != ()


def test_read_image_does_not_change_its_argument():
    given_picture = corners()
    result = read_image(given_picture)
    result.putpixel((3, 3), GREEN)
    assert given_picture.getpixel((3, 3)) == (255, 255, 255)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1)])
def test_read_image_takes_sides_of_one_pixel(size):
    assert read_image(encoded(Image.new("RGB", size, RED))).size == size


@pytest.mark.parametrize(
    "array",
    [
        np.array([[[255, 0, 0]]], dtype=np.uint8),
        np.array([[[65535, 0, 0]]], dtype=np.uint16),
        np.array([[[255, 0, 0]]], dtype=np.int64),
        np.array([[[1.0, 0, 0]]]),
        np.array([[[1.0, 0, 0]]], dtype=np.float16),
        np.array([[[True, False, False]]]),
        np.array([[[255, 0, 0, 255]]], dtype=np.uint8),
        torch.tensor([[[1.0]], [[0.0]], [[0.0]]], requires_grad=True),
        torch.tensor([[[1.0]], [[0.0]], [[0.0]]], dtype=torch.bfloat16),
        torch.tensor([[[255]], [[0]], [[0]]], dtype=torch.uint8),
        torch.tensor([[[1.0, 0.0, 0.0]] * 2] * 2)[:, :1],
    ],
    ids=lambda a: f"{type(a).__name__}-{a.dtype}-{list(a.shape)}",
)
def test_read_image_takes_arrays_and_tensors(array):
    result = read_image(array)
    assert result.width == 1
    assert result.getpixel((0, 0)) == RED


def test_read_image_takes_channels_first_or_last():
    last = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    for array in (last, np.moveaxis(last, 2, 0), torch.from_numpy(last).movedim(2, 0)):
        assert np.array_equal(pixels(read_image(array)), last)


def test_read_image_takes_views_with_negative_strides():
    array = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)[::-1, ::-1]
    assert np.array_equal(pixels(read_image(array)), array)


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (1, 4, 5)])
def test_read_image_takes_grey_arrays(shape):
    assert read_image(np.full(shape, 9, dtype=np.uint8)).getpixel((4, 3)) == (9, 9, 9)


@pytest.mark.parametrize("shape", [(4,), (5, 5, 2), (2, 5, 5), (1, 3, 4, 5), ()])
def test_read_image_refuses_other_axes(shape):
    with pytest.raises(ImageError, match=r"Expected an image array with axes .* got shape \["):
        read_image(np.zeros(shape))


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 0, 3), (0, 0)])
def test_read_image_refuses_arrays_without_pixels(shape):
    with pytest.raises(ImageError, match=r"at least one pixel, got shape \["):
        read_image(np.zeros(shape, dtype=np.uint8))


def test_read_image_refuses_pillow_images_without_pixels():
    with pytest.raises(ImageError, match="at least one pixel, got .* of 0 x 3"):
        read_image(Image.new("RGB", (0, 3)))


@pytest.mark.parametrize("value", [255.0, -0.1, np.nan, np.inf])
def test_read_image_refuses_floats_outside_the_unit_range(value):
    with pytest.raises(ImageError, match=r"values in 0\.\.1 .* divide by 255"):
        read_image(np.full((2, 2), value))


def test_read_image_refuses_integers_outside_a_byte():
    with pytest.raises(ImageError, match=r"values in 0\.\.255 .* got 300 to 300"):
        read_image(np.full((2, 2), 300))


def test_read_image_refuses_arrays_of_other_types():
    with pytest.raises(ImageError, match="integers or floats, got dtype complex128"):
        read_image(np.zeros((2, 2), dtype=complex))


@pytest.mark.parametrize("source", [3, None, [1, 2], object()])
def test_read_image_refuses_other_sources(source):
    with pytest.raises(ImageError, match=r"Expected a path, bytes, .* got (int|NoneType|list|obj)"):
        read_image(source)


def test_read_image_reports_a_missing_file(tmp_path):
    with pytest.raises(ImageError, match=r"got '.*no\.png': there is no such file"):
        read_image(tmp_path / "no.png")


def test_read_image_reports_a_folder(tmp_path):
    with pytest.raises(ImageError, match="it is a folder"):
        read_image(tmp_path)


def test_read_image_reports_an_address():
    with pytest.raises(ImageError, match="download it first"):
        read_image("https://example.org/cat.jpg")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "/dev/zero"])
def test_read_image_reports_invalid_file_names(name):
    with pytest.raises(ImageError, match="Expected a picture file, got '"):
        read_image(name)


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n"])
def test_read_image_refuses_invalid_pictures(data):
    with pytest.raises(ImageError, match="Expected a (picture in one of PNG|complete picture)"):
        read_image(data)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_read_image_refuses_truncated_files(format):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), format)
    with pytest.raises(ImageError, match="damaged"):
        read_image(data[: len(data) // 2])


def test_read_image_states_the_limit_for_decompression_bombs(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    for side in (32, 64):  # Pillow warns of the first and refuses the second by itself
        with pytest.raises(ImageError, match=r"at most 1,000 pixels, got .*MAX_IMAGE_PIXELS"):
            read_image(encoded(Image.new("L", (side, side))))
    assert read_image(encoded(Image.new("L", (31, 31)))).size == (31, 31)


def test_read_image_restores_the_warning_filters(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ImageError, match="at most 1,000 pixels"):
            read_image(encoded(Image.new("L", (40, 40))))


SAMPLES = [
    encoded(corners(), format) for format in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM")
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_read_image_gives_a_picture_or_an_image_error_for_damaged_bytes(data, damage):
    damaged = bytearray(data)
    for place, value in damage:
        damaged[place % len(damaged)] = value
    try:
        result = read_image(bytes(damaged))
    except ImageError:
        return
    assert result.mode == "RGB"
    assert min(result.size) >= 1

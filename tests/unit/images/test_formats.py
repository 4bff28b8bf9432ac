"""One list of formats, wherever a picture file is opened."""

from __future__ import annotations

import io
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from seewhy.audit.sources._masks import read_binary, read_panoptic
from seewhy.audit.sources._pictures import read_size
from seewhy.audit.thumbnails import BUDGET, data_uris
from seewhy.core.errors import ClipError, ImageError, SampleError
from seewhy.datasets._files import read_picture, read_values
from seewhy.images import read_clip, read_image
from seewhy.images.formats import FORMATS, OTHER_PROGRAMS, expect_no_bomb, open_picture

EPS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 12 8\n%%EndComments\n"
    b"/showpage where pop showpage\n%%EOF\n"
)
READERS = {
    "read_image": read_image,
    "read_clip of a list": lambda path: read_clip([path]),
    "read_clip of a folder": lambda path: read_clip(path.parent),
    "read_clip": read_clip,
    "a data set's picture": read_picture,
    "a data set's mask": lambda path: read_values(path, Image.new("RGB", (12, 8))),
    "an audit's picture": read_size,
    "an audit's mask": read_binary,
    "an audit's panoptic mask": read_panoptic,
}


@pytest.fixture
def no_ghostscript(monkeypatch):
    """Fails the test where Ghostscript would be started."""

    def started(*_, **__):
        raise AssertionError("Ghostscript was started")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", started)


@pytest.mark.parametrize("ending", ["eps", "png", "gif", "tif", "jpg", ""])
@pytest.mark.parametrize("reader", READERS)
def test_no_reader_reaches_ghostscript_by_any_name(tmp_path, no_ghostscript, reader, ending):
    path = tmp_path / f"a.{ending}"
    path.write_bytes(EPS)
    with pytest.raises((ImageError, ClipError, SampleError), match=r"Expected|broken|PyAV"):
        READERS[reader](path)


def test_thumbnails_and_bytes_do_not_reach_ghostscript(no_ghostscript):
    assert data_uris([EPS, b"\xff\xd8\xff" + EPS + bytes(BUDGET)]) == ["", ""]
    with pytest.raises(ImageError, match="none of them"):
        read_image(EPS)


def test_a_picture_that_was_opened_elsewhere_starts_no_program(no_ghostscript):
    with pytest.raises(ImageError, match="format EPS that is not read yet"):
        read_image(Image.open(io.BytesIO(EPS)))


def test_formats_hold_no_other_programs():
    assert not set(FORMATS) & set(OTHER_PROGRAMS)


def test_no_other_module_opens_pictures_with_pillow():
    root = Path(__file__).parents[3] / "src" / "seewhy"
    own_art = root / "testbed" / "emoji"  # opens its own sprites and textures only
    files = [p for p in root.rglob("*.py") if own_art not in p.parents]
    users = {p.name for p in files if "Image.open(" in p.read_text("utf-8")}
    assert users == {"formats.py"}


@pytest.mark.parametrize("reader", [r for r in READERS if r != "read_clip"])
def test_every_reader_refuses_a_bomb_in_one_line(tmp_path, monkeypatch, reader):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    Image.new("L", (12, 8)).save(tmp_path / "a.png")
    with pytest.raises((ImageError, SampleError), match=r"at most 50 pixels|broken"):
        READERS[reader](tmp_path / "a.png")


def test_a_bomb_as_clip_is_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    Image.new("L", (12, 8)).save(tmp_path / "a.gif")
    with pytest.raises(ImageError, match=r"at most 50 pixels, got .*a\.gif"):
        read_clip(tmp_path / "a.gif")


def test_expect_no_bomb_follows_pillows_limit(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(Image.DecompressionBombError, match="4 x 3 pixels"):
        expect_no_bomb((4, 3))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    expect_no_bomb((10**6, 10**6))


def test_threads_leave_the_filters_of_warnings_as_they_were():
    file = io.BytesIO()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(file, "PNG")
    before, both_in = list(warnings.filters), threading.Event()

    def read(first: bool) -> None:
        with open_picture(io.BytesIO(file.getvalue())) as picture:
            if first:
                both_in.set()
            else:
                both_in.wait(5)
            picture.load()

    threads = [threading.Thread(target=read, args=(first,)) for first in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert list(warnings.filters) == before

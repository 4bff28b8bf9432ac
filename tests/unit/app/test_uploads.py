"""Uploaded files: what they are is found by their content; sizes come before pixels."""

import io
import os
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seewhy.app.errors import RequestError
from seewhy.app.limits import Limits
from seewhy.app.uploads import read_upload
from seewhy.core.errors import ClipError, ImageError
from seewhy.images import Clip, notes_of

LIMITS = Limits(pixels=10_000)


def saved(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def read(content, folder, limits=LIMITS, name="cat.png"):
    return read_upload(content, name, limits, folder)


def animated(kind, frames=5, size=(20, 10)):
    pictures = [Image.new("RGB", size, (40 * n, 0, 0)) for n in range(frames)]
    return saved(pictures[0], kind, save_all=True, append_images=pictures[1:], duration=200)


def bomb(width, height):
    """A small PNG of many pixels."""

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * ((width // 8 + 1) * min(height, 1000)), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
def test_pictures_of_every_kind_are_read_whatever_they_are_called(tmp_path, kind):
    read_picture: Any = read(
        saved(Image.new("RGB", (30, 20), (9, 9, 9)), kind), tmp_path, name="x.mp4"
    )
    assert (read_picture.mode, read_picture.size) == ("RGB", (30, 20))
    assert os.listdir(tmp_path) == []


def test_a_picture_is_upright_and_its_notes_are_kept(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = read(saved(Image.new("RGB", (30, 20)), "JPEG", exif=exif), tmp_path)
    assert turned.size == (20, 30)
    clear: Any = read(saved(Image.new("RGBA", (4, 4), (0, 0, 0, 0)), "PNG"), tmp_path)
    assert "laid on white" in notes_of(clear)[0]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_what_moves_is_a_clip(tmp_path, kind):
    clip = read(animated(kind), tmp_path)
    assert isinstance(clip, Clip)
    assert (len(clip), clip.size, clip.seconds[1]) == (5, (20, 10), 0.2)
    assert os.listdir(tmp_path) == []


def test_of_a_large_clip_fewer_frames_are_kept(tmp_path):
    clip: Any = read(animated("GIF", 12, (50, 40)), tmp_path)
    assert len(clip) * 50 * 40 <= LIMITS.pixels
    assert "were kept" in clip.notes[0]


@pytest.mark.parametrize("content", [saved(Image.new("RGB", (200, 51)), "PNG"), bomb(9_000, 9_000)])
def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path, content):
    with pytest.raises(RequestError, match="at most 10,000 pixels") as refused:
        read(content, tmp_path)
    assert refused.value.status == 413


def test_a_bomb_beyond_the_librarys_own_limit_is_refused_too(tmp_path):
    with pytest.raises(RequestError, match="can fill the memory") as refused:
        read(bomb(100_000, 100_000), tmp_path)
    assert refused.value.status == 413


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (b"", RequestError, "got an empty file"),
        (b"not a picture", ImageError, "none of them"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", ImageError, "none of them"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", ImageError, "none of them"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", ImageError, "none of them"),
        (saved(Image.new("RGB", (90, 90), 5), "PNG")[:60], ImageError, "damaged"),
        (saved(Image.fromarray(np.eye(90, dtype=np.uint8)), "JPEG")[:-300], ImageError, "damaged"),
        (animated("GIF")[:150], ImageError, "damaged|none of them"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isomiso2", ClipError, "Expected"),
    ],
)
def test_files_that_are_no_pictures_are_refused_in_plain_words(tmp_path, content, error, said):
    with pytest.raises(error, match=said) as refused:
        read(content, tmp_path, name="my cat.png")
    assert str(tmp_path) not in str(refused.value)
    assert os.listdir(tmp_path) == []


def test_a_video_is_a_clip_where_pyav_is_there(tmp_path):
    av = pytest.importorskip("av")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for value in range(20):
            frame = av.VideoFrame.from_ndarray(np.full((32, 48, 3), 10 * value, np.uint8))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    clip = read(buffer.getvalue(), tmp_path, Limits(pixels=100_000))
    assert (len(clip), clip.size) == (16, (48, 32))
    with pytest.raises(RequestError, match="at most 10,000 pixels"):
        read(buffer.getvalue(), tmp_path)

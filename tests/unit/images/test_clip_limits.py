"""Clips: what is no clip is told, and only the frames that are kept cost memory."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile

from painting import noise
from seewhy.core.errors import ClipError, ImageError
from seewhy.images import Clip, read_clip, sampling

PICTURE = np.zeros((60, 90, 3), np.uint8)


@pytest.mark.parametrize(
    "source",
    [
        PICTURE,
        PICTURE[..., 0],
        torch.zeros(3, 60, 90),
        np.zeros(()),
        torch.tensor(3),
        np.zeros(5),
        np.zeros((1, 2, 3, 4, 3), np.uint8),
    ],
    ids=lambda source: "x".join(map(str, source.shape)) or "no axes",
)
def test_read_clip_refuses_arrays_that_are_no_frames(source):
    with pytest.raises(ClipError, match=r"array of frames \[frame, height, width, 3\].*got shape"):
        read_clip(source)


def test_read_clip_says_what_to_do_with_one_picture():
    with pytest.raises(ClipError, match="which is one picture: put it in a list"):
        read_clip(PICTURE)
    assert len(read_clip([PICTURE])) == 1


@pytest.mark.parametrize("source", [5, None, 2.5, b"GIF89a", {}, {1}, noise(8, 8), object()])
def test_read_clip_refuses_what_is_no_source(source):
    with pytest.raises(ClipError, match="Expected a path, a list of pictures or an array"):
        read_clip(source)


@pytest.mark.parametrize(
    "fps", ["2", 0, -1, 0.0, math.nan, math.inf, -math.inf, True, False, [2], 1e9, 1e-300, 1j]
)
def test_read_clip_refuses_frames_a_second(fps):
    with pytest.raises(ClipError, match="Expected fps above 0 .* as a number, got"):
        read_clip([PICTURE], fps=fps)


@pytest.mark.parametrize("count", [2.5, 2.0, "2", 0, -3, True, math.nan, [1]])
def test_read_clip_refuses_numbers_of_frames(count):
    with pytest.raises(ClipError, match="max_frames of at least 1 as a whole number"):
        read_clip([PICTURE] * 3, max_frames=count)


def test_read_clip_takes_numbers_of_any_kind():
    clip = read_clip([PICTURE] * 3, fps=np.float32(2), max_frames=np.int64(2))
    assert (clip.seconds, len(clip)) == ((0.0, 1.0), 2)


@pytest.mark.parametrize("source", [[], (), np.zeros((0, 4, 4, 3), np.uint8), iter(())])
def test_read_clip_refuses_no_frames(source):
    with pytest.raises(ClipError, match="at least one frame, got none"):
        read_clip(source)


def test_read_clip_refuses_mixed_sizes():
    with pytest.raises(ClipError, match="frames of one size"):
        read_clip([noise(8, 8), noise(8, 9)])


@pytest.mark.parametrize("seconds", [(0.0, math.nan), (math.nan,), (math.inf,), (1.0, 1.0)])
def test_clip_refuses_times_that_do_not_increase(seconds):
    frames = tuple(noise(4, 4, n) for n in range(len(seconds)))
    with pytest.raises(ClipError, match="an increasing time for each"):
        Clip(frames, seconds)


def test_read_clip_orders_numbers_in_names_by_their_value(tmp_path):
    for number in (1, 2, 10):
        Image.new("RGB", (2, 2), (number, 0, 0)).save(tmp_path / f"frame{number}.png")
    clip = read_clip(tmp_path)
    assert [int(np.asarray(frame)[0, 0, 0]) for frame in clip.frames] == [1, 2, 10]


def animation(path, count=40, side=20):
    first, *rest = (noise(side, side, n) for n in range(count))
    options = {"duration": 50} if path.suffix != ".tif" else {}
    first.save(path, save_all=True, append_images=rest, **options)
    return path


@pytest.mark.parametrize("ending", ["gif", "webp", "png", "tif"])
def test_read_clip_copies_only_the_frames_that_it_keeps(tmp_path, monkeypatch, ending):
    path = animation(tmp_path / f"a.{ending}")
    copied, decoded = [], []
    copy, load = Image.Image.copy, ImageFile.ImageFile.load
    monkeypatch.setattr(
        ImageFile.ImageFile, "copy", lambda self: copied.append(1) or copy(self), raising=False
    )
    monkeypatch.setattr(
        ImageFile.ImageFile, "load", lambda self: decoded.append(self.tell()) or load(self)
    )
    clip = read_clip(path, max_frames=4)
    assert len(clip) == len(copied) == 4
    if ending == "tif":  # its frames do not depend on each other
        assert set(decoded) <= {0, 13, 26, 39}
    expected = [np.array(noise(20, 20, n)) for n in (0, 13, 26, 39)]
    if ending in ("png", "tif"):
        assert all(np.array_equal(a, b) for a, b in zip(clip.frames, expected, strict=True))


def test_read_clip_refuses_more_than_its_limits(tmp_path, monkeypatch):
    path = animation(tmp_path / "a.gif", count=6)
    for limit, value, message in (
        ("FRAMES_MAX", 5, "at most 5 frames, got 6"),
        ("KEPT_PIXELS_MAX", 2000, "pixels in the frames that are kept"),
        ("DECODED_PIXELS_MAX", 2000, "pixels to decode, got 6 frames of 20 x 20"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(sampling, limit, value)
            with pytest.raises(ClipError, match=message):
                read_clip(path)
    monkeypatch.setattr("seewhy.images.animations.ANIMATION_BYTES_MAX", 100)
    with pytest.raises(ClipError, match="a file of at most 100 bytes"):
        read_clip(path)


def test_read_clip_checks_the_size_of_every_frame(tmp_path, monkeypatch):
    small, large = noise(4, 4), noise(40, 40)
    small.save(tmp_path / "a.tif", save_all=True, append_images=[large])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ImageError, match="at most 100 pixels"):
        read_clip(tmp_path / "a.tif")


def test_read_clip_of_a_path_that_no_system_can_hold():
    with pytest.raises(ClipError, match="Expected a video file or a folder of frames, got"):
        read_clip("x" * 5000 + ".gif")


@pytest.mark.parametrize(
    "playlist", ["#EXTM3U\n#EXTINF:1,\n/etc/hostname\n", "ffconcat version 1.0\nfile a.mp4\n"]
)
def test_a_video_file_opens_no_other_file(tmp_path, playlist):
    pytest.importorskip("av", reason="the extra video is not installed")
    (tmp_path / "a.mp4").write_text(playlist)
    with pytest.raises(ClipError, match="PyAV cannot read"):
        read_clip(tmp_path / "a.mp4")

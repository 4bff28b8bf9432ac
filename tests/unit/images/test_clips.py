"""Clips from pictures, arrays, folders and animations."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
import torch
from PIL import Image

from painting import noise
from seewhy.core.errors import ClipError, ImageError
from seewhy.images import Clip, read_clip


def frames(number: int = 5, width: int = 12, height: int = 8) -> list[Image.Image]:
    return [noise(width, height, seed) for seed in range(number)]


def pixels(clip: Clip) -> np.ndarray:
    return np.stack([np.array(frame) for frame in clip.frames])


def test_read_clip_takes_pictures_arrays_and_tensors_alike():
    shown = frames()
    array = np.stack([np.array(frame) for frame in shown])
    for source in (shown, array, torch.from_numpy(array).permute(0, 3, 1, 2)):
        clip = read_clip(source, fps=2)
        assert np.array_equal(pixels(clip), array)
        assert clip.seconds == (0.0, 0.5, 1.0, 1.5, 2.0)
        assert (len(clip), clip.size, clip.fps) == (5, (12, 8), 2.0)
        assert clip.notes == ()


def test_read_clip_leaves_a_clip_as_it_is():
    clip = read_clip(frames())
    assert read_clip(clip) is clip


def test_read_clip_samples_evenly_from_first_to_last_with_a_note():
    clip = read_clip(frames(31), fps=10, max_frames=4)
    assert clip.seconds == (0.0, 1.0, 2.0, 3.0)
    assert np.array_equal(pixels(clip)[-1], np.array(frames(31)[-1]))
    assert clip.notes == ("Of the clip's 31 frames, 4 were kept, evenly spaced.",)
    assert len(read_clip(frames(31), max_frames=None)) == 31


def test_read_clip_takes_a_folder_in_the_order_of_names(tmp_path):
    for number, frame in enumerate(frames(3)):
        frame.save(tmp_path / f"{2 - number}.png")
    (tmp_path / ".hidden").write_text("no picture")
    assert np.array_equal(pixels(read_clip(tmp_path)), pixels(read_clip(frames(3)[::-1])))


@pytest.mark.parametrize("ending", ["gif", "png", "webp"])
def test_read_clip_takes_an_animation_with_its_own_times(tmp_path, ending):
    file = tmp_path / f"walk.{ending}"
    first, *rest = frames(3, 40, 30)
    first.save(file, save_all=True, append_images=rest, duration=[100, 300, 200], lossless=True)
    clip = read_clip(file)
    assert clip.seconds == pytest.approx((0.0, 0.1, 0.4))
    assert clip.size == (40, 30)
    if ending != "gif":  # of 256 colours
        assert np.array_equal(pixels(clip), np.stack([np.array(f) for f in (first, *rest)]))
    assert read_clip(str(file), fps=1).seconds == (0.0, 1.0, 2.0)


@pytest.mark.parametrize(
    ("source", "options", "error", "message"),
    [
        ([], {}, ClipError, "at least one frame, got none"),
        (frames(2), {"fps": 0}, ClipError, "fps above 0"),
        (frames(2), {"max_frames": 0}, ClipError, "max_frames of at least 1"),
        ([noise(8, 8), noise(9, 8)], {}, ClipError, r"one size, got \[\(8, 8\), \(9, 8\)\]"),
        ("nowhere.mp4", {}, ClipError, "nowhere.mp4, which does not exist"),
        (["nowhere.png"], {}, ImageError, "nowhere.png"),
    ],
)
def test_read_clip_refuses_invalid_sources(source, options, error, message):
    with pytest.raises(error, match=message):
        read_clip(source, **options)


def test_read_clip_refuses_a_damaged_animation(tmp_path):
    (tmp_path / "walk.gif").write_bytes(b"GIF89a, or not")
    with pytest.raises(ClipError, match="Expected an animated picture in"):
        read_clip(tmp_path / "walk.gif")


def test_read_clip_names_what_a_video_file_needs(tmp_path, monkeypatch):
    def without_av(name, *rest, real=builtins.__import__):
        if name == "av":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_av)
    (tmp_path / "walk.mp4").write_bytes(b"\0")
    with pytest.raises(ClipError, match=r"PyAV to read the video .* pip install 'seewhy\[video\]'"):
        read_clip(tmp_path / "walk.mp4")


def test_read_clip_reads_a_video_file(tmp_path):
    av = pytest.importorskip("av", reason="the extra video is not installed")
    file = tmp_path / "walk.mp4"
    with av.open(str(file), "w") as video:
        stream = video.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for level in range(0, 250, 25):
            picture = av.VideoFrame.from_image(Image.new("RGB", (48, 32), (level,) * 3))
            video.mux(stream.encode(picture))
        video.mux(stream.encode())
    clip = read_clip(file, max_frames=4)
    assert (clip.size, clip.seconds) == ((48, 32), (0.0, 0.6, 1.2, 1.8))
    levels = [np.asarray(frame)[16, 24, 0] for frame in clip.frames]
    assert levels == pytest.approx([0, 75, 150, 225], abs=4)
    assert "Of the clip's 10 frames, 4 were kept" in clip.notes[0]


def test_clip_requires_an_increasing_time_for_each_frame():
    with pytest.raises(ClipError, match="an increasing time for each of 2 frames"):
        Clip(tuple(frames(2)), (1.0, 1.0))
    with pytest.raises(ClipError, match="an increasing time for each of 2 frames"):
        Clip(tuple(frames(2)), (1.0,))

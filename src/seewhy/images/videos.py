"""Frames of a video file, by PyAV: packets are listed first, then only what is needed is decoded.

FFmpeg knows formats that name other files and addresses (playlists). Only plain containers are
read, and only from the file itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

from PIL import Image

from seewhy.core.errors import ClipError, ImageError
from seewhy.images.formats import BOMB, bomb, expect_no_bomb
from seewhy.images.read import read_image
from seewhy.images.sampling import (
    VIDEO_BYTES_MAX,
    Choose,
    KeptFrames,
    expect_few_frames,
    expect_few_pixels,
    expect_small,
)

CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,flv,ogg,asf,rm,h264,hevc,m4v,"
    "ivf,gif,apng,dv,mxf,nut,wtv,yuv4mpegpipe"
)
"""FFmpeg's names of the containers that are read."""

OPTIONS = {"protocol_whitelist": "file,pipe,crypto,data", "format_whitelist": CONTAINERS}

JUMP_AFTER = 64
"""Frames that are rather decoded than jumped over."""


def read_video(path: Path, choose: Choose) -> KeptFrames:
    """Read the chosen frames of a video file, and their times.

    Raises:
        ClipError: if PyAV is not installed, or the file cannot be read, holds no video, or too many
            frames or pixels.
        ImageError: if a frame has more pixels than `PIL.Image.MAX_IMAGE_PIXELS`.
    """
    try:
        import av  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ClipError(
            f"Expected PyAV to read the video {path}, got none: pip install 'seewhy[video]', or "
            "give its frames (a folder of pictures, or an array)."
        ) from error
    expect_small(path, VIDEO_BYTES_MAX)
    try:
        return _kept(_Video(partial(av.open, str(path), options=OPTIONS), str(path)), choose)
    except (ClipError, ImageError):
        raise
    except BOMB as error:
        raise ImageError(bomb(str(path))) from error
    except (OSError, ValueError, LookupError, TypeError, RuntimeError, MemoryError) as error:
        raise ClipError(
            f"Expected a video in {path}, got a file that PyAV cannot read ({error}): convert it "
            "to MP4, or give its frames."
        ) from error


@dataclass(frozen=True)
class _Video:
    """A file that is opened anew for each way through it: not every container can go back."""

    open: Callable[[], Any]
    name: str

    @contextmanager
    def stream(self) -> Iterator[tuple[Any, Any]]:
        """The container and its first video."""
        with self.open() as container:
            if not container.streams.video:
                raise ClipError(
                    f"Expected a video in {self.name}, got a file without pictures: check the path."
                )
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            expect_no_bomb(_size(stream))
            yield container, stream


def _size(stream: Any) -> tuple[int, int]:
    return stream.codec_context.width, stream.codec_context.height


def _kept(video: _Video, choose: Choose) -> KeptFrames:
    with video.stream() as (container, stream):
        times, size, unit = _times(container, stream), _size(stream), float(stream.time_base)
    if times is None:
        return _decoded_in_order(video, size, choose)
    expect_few_frames(len(times), video.name)
    kept = choose(len(times))
    expect_few_pixels(size, len(kept), len(kept), video.name)
    wanted = [times[index] for index in kept]
    frames = _by_jumps(video, wanted, times)
    if missing := set(wanted) - set(frames):
        frames |= _in_order(video, missing)
    found = [index for index in kept if times[index] in frames]
    return KeptFrames(
        frames=tuple(frames[times[index]] for index in found),
        indices=tuple(found),
        seconds=tuple((times[index] - times[0]) * unit for index in found),
        total=len(times),
    )


def _times(container: Any, stream: Any) -> list[int] | None:
    """When each frame is shown, in units of the stream; None where packets do not tell."""
    times = []
    for packet in container.demux(stream):
        if packet.size == 0 or packet.is_discard:  # the end of the file, or not shown
            continue
        if packet.pts is None:
            return None
        times.append(packet.pts)
    return sorted(set(times)) if len(set(times)) == len(times) else None


def _by_jumps(video: _Video, wanted: list[int], times: list[int]) -> dict[int, Image.Image]:
    """The frames shown at some times. Long ways between them are jumped over."""
    place = {time: index for index, time in enumerate(times)}
    frames: dict[int, Image.Image] = {}
    with video.stream() as (container, stream):
        decoding, at = container.decode(stream), 0
        for time in wanted:
            if place[time] - at > JUMP_AFTER:
                # To the last frame before `time` that does not depend on others.
                container.seek(time, stream=stream, backward=True, any_frame=False)
                decoding = container.decode(stream)
            frame = next((f for f in decoding if f.pts is not None and f.pts >= time), None)
            if frame is not None and frame.pts == time:
                frames[time] = _picture(frame)
            at = place[time]
    return frames


def _in_order(video: _Video, wanted: set[int]) -> dict[int, Image.Image]:
    """The frames shown at some times, where jumps missed them."""
    with video.stream() as (container, stream):
        last = max(wanted)
        decoding = takewhile(lambda f: f.pts is None or f.pts <= last, container.decode(stream))
        return {frame.pts: _picture(frame) for frame in decoding if frame.pts in wanted}


def _decoded_in_order(video: _Video, size: tuple[int, int], choose: Choose) -> KeptFrames:
    """Count the frames by decoding them, then decode them again and keep the chosen."""
    total, seconds = 0, []
    with video.stream() as (container, stream):
        for total, frame in enumerate(container.decode(stream), 1):
            expect_few_frames(total, video.name)
            expect_few_pixels(size, total, 0, video.name)
            seconds.append(-1.0 if frame.time is None else float(frame.time))
    expect_few_frames(total, video.name)
    kept = choose(total)
    expect_few_pixels(size, total, len(kept), video.name)
    wanted = set(kept)
    with video.stream() as (container, stream):
        decoding = enumerate(container.decode(stream))
        frames = {index: _picture(frame) for index, frame in decoding if index in wanted}
    known = all(one < two for one, two in pairwise(seconds))
    return KeptFrames(
        frames=tuple(frames.values()),
        indices=tuple(frames),
        seconds=tuple(seconds[index] - seconds[0] for index in frames) if known else None,
        total=total,
    )


def _picture(frame: Any) -> Image.Image:
    """A frame upright: phones store how far it is to be turned."""
    expect_no_bomb((frame.width, frame.height))
    turn = getattr(frame, "rotation", 0) or 0
    return read_image(frame.to_image().rotate(turn, expand=True))

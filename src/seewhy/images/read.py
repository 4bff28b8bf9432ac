"""Reading a picture: a file, bytes, an array, a tensor or a Pillow image, upright and in RGB.

The model gets what an image viewer shows: EXIF rotation is applied, 16 bit are scaled to 8 and not
clipped, transparent parts are laid on white, and of an animation the first frame is read.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from PIL import Image, ImageCms, ImageOps

from seewhy.core.errors import ImageError
from seewhy.images.formats import BOMB, DAMAGE, FORMATS, bomb, expect_decodable, open_picture

ImageSource: TypeAlias = "str | os.PathLike[str] | bytes | Image.Image | np.ndarray | torch.Tensor"
"""What `read_image` takes."""

WHITE = (255, 255, 255)
NOTES = "seewhy notes"
"""The key of the notes in a Pillow image's `info`."""


def read_image(source: ImageSource) -> Image.Image:
    """Read a picture: upright, RGB, 8 bit.

    Args:
        source: one of
            - a path to a file, or the bytes of one, in one of `FORMATS`;
            - a Pillow image in any mode, which stays as it is (the result is a copy);
            - a numpy array `[height, width]` or `[height, width, channel]`, or a torch tensor
              `[channel, height, width]` or `[height, width]` (the other position of the channels
              is accepted if it is the only possible one), with 1 (grey), 3 (RGB) or 4 (RGBA)
              channels: uint8, uint16 over its full range, other integers in 0..255, bool, or
              floats in [0, 1].

    Returns:
        A new Pillow image in mode RGB of at least 1 x 1 pixels. `notes_of` lists what a
        reader of an explanation must know about it.

    Raises:
        ImageError: if the file is missing, a folder, damaged or of an unknown format; if the
            picture holds more than `PIL.Image.MAX_IMAGE_PIXELS` pixels (a decompression bomb) or
            none; if an array has other axes, values or types than those above.

    Example:
        >>> read_image(np.array([[0, 65535]], dtype=np.uint16)).getpixel((1, 0))
        (255, 255, 255)
        >>> read_image("missing.png")
        Traceback (most recent call last):
        seewhy.core.errors.ImageError: Expected a picture file, got 'missing.png': ...
    """
    if isinstance(source, Image.Image):
        expect_decodable(source)
        return _decode(source, f"the Pillow image of mode {source.mode}")
    if isinstance(source, bytes | bytearray | memoryview):
        return _open(io.BytesIO(source), f"{len(source)} bytes")
    if isinstance(source, str | os.PathLike):
        path = _existing(source)
        return _open(path, repr(str(path)))
    if isinstance(source, torch.Tensor):
        values = source.detach().cpu()
        values = values.float() if values.is_floating_point() else values
        return _from_array(values.numpy(), channels_first=True)
    if isinstance(source, np.ndarray):
        return _from_array(source, channels_first=False)
    raise ImageError(
        f"Expected a path, bytes, a Pillow image, a numpy array or a torch tensor as image, "
        f"got {type(source).__name__}: convert it to one of these."
    )


def notes_of(image: Image.Image) -> tuple[str, ...]:
    """What `read_image` noted about a picture, such as frames that it left out.

    Example:
        >>> notes_of(read_image(np.zeros((2, 2, 4), dtype=np.uint8)))
        ('The picture has transparent parts; they were laid on white.',)
    """
    return tuple(image.info.get(NOTES, ()))


def with_note(image: Image.Image, note: str) -> Image.Image:
    """The same picture with a further note, which `read_image` and an explanation keep.

    Example:
        >>> notes_of(with_note(Image.new("RGB", (1, 1)), "Drawn by hand."))
        ('Drawn by hand.',)
    """
    noted = image.copy()
    noted.info[NOTES] = (*notes_of(image), note)
    return noted


def _existing(source: str | os.PathLike[str]) -> Path:
    """The path of a regular file; raises `ImageError` with the reason if it is not one."""
    text = os.fspath(source)
    if "://" in text[:10]:
        raise ImageError(
            f"Expected a picture file, got the address {text!r}: download it first, "
            "nothing is fetched from the network."
        )
    name = repr(text if len(text) < 200 else text[:200] + "...")
    try:
        path = Path(text).expanduser()
        problem = _problem(path)
    except (OSError, ValueError, RuntimeError) as error:  # too long, a null byte, no such home
        raise ImageError(f"Expected a picture file, got {name}: {error}.") from error
    if problem:
        raise ImageError(f"Expected a picture file, got {name}: {problem}.")
    return path


def _problem(path: Path) -> str:
    """Why `path` cannot be a picture file; empty if it can."""
    if path.is_dir():
        return "it is a folder, name one file in it"
    if not path.exists():
        folder = "" if path.is_absolute() else f" (in the folder {Path.cwd()})"
        return f"there is no such file{folder}"
    return "" if path.is_file() else "it is not a regular file"


def _open(file: Path | io.BytesIO, name: str) -> Image.Image:
    """Decode an encoded picture."""
    try:
        with open_picture(file) as picture:
            return _decode(picture, name)
    except BOMB as error:
        raise ImageError(bomb(name)) from error
    except Image.UnidentifiedImageError as error:
        raise ImageError(
            f"Expected a picture in one of {', '.join(FORMATS)}, got {name}, which is none of "
            "them or is damaged at its start: convert it to PNG."
        ) from error
    except PermissionError as error:
        raise ImageError(f"Expected a readable picture file, got {name}: {error}.") from error
    except ImageError:
        raise
    except DAMAGE as error:
        raise _damaged(name, error) from error


def _damaged(name: str, error: Exception) -> ImageError:
    """The error for a picture that cannot be decoded."""
    return ImageError(
        f"Expected a complete picture, got {name}, which is damaged or cut short "
        f"({str(error) or type(error).__name__}): download it again, or repair it in an image "
        "editor."
    )


def _decode(picture: Image.Image, name: str) -> Image.Image:
    """Convert an opened picture to upright RGB in 8 bit; `picture` itself is not changed."""
    notes = list(notes_of(picture))
    try:
        frames = getattr(picture, "n_frames", 1)
        if frames > 1:
            picture.seek(0)
            notes.append(f"The file holds {frames} frames; the first one was read.")
        picture.load()
        if 0 in picture.size:
            raise ImageError(
                f"Expected a picture of at least one pixel, got {name} of "
                f"{picture.width} x {picture.height}."
            )
        upright = _eight_bit(_upright(picture), name)
        if upright.has_transparency_data:
            upright = _on_white(upright, notes)
        result = upright.convert("RGB")
    except ImageError:
        raise
    except DAMAGE as error:
        raise _damaged(name, error) from error
    # No other metadata is kept: a later reader must not rotate the picture again.
    result = result.copy() if result is picture else result
    result.info = {NOTES: tuple(notes)} if notes else {}
    return result


def _on_white(picture: Image.Image, notes: list[str]) -> Image.Image:
    """Lay a picture with transparency on white; adds a note if a pixel is transparent."""
    straight = picture.convert("LA") if picture.mode == "La" else picture
    layer = straight.convert("RGBA")
    if layer.getchannel("A").getextrema() != (255, 255):
        notes.append("The picture has transparent parts; they were laid on white.")
    background = Image.new("RGBA", layer.size, (*WHITE, 255))
    return Image.alpha_composite(background, layer)


def _upright(picture: Image.Image) -> Image.Image:
    """Apply the EXIF rotation, if there is one that can be read."""
    try:
        return ImageOps.exif_transpose(picture)
    except DAMAGE:
        # Only the metadata is damaged: viewers show the pixels without rotation.
        return picture


def _eight_bit(picture: Image.Image, name: str) -> Image.Image:
    """Scale grey pictures of more than 8 bit to 8 bit; take L*a*b* to sRGB."""
    if picture.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(picture, lab, srgb, outputMode="RGB") or picture
    if picture.mode.startswith("I;16"):
        return Image.fromarray(_halve(np.asarray(picture)))
    if picture.mode not in ("I", "F"):
        return picture
    values = np.asarray(picture)
    low, high = float(values.min()), float(values.max())
    if picture.mode == "F" and 0 <= low and high <= 1:
        return Image.fromarray(_from_unit(values))
    if picture.mode == "F" and 0 <= low and high <= 255:
        return Image.fromarray(np.rint(values).astype(np.uint8))
    if picture.mode == "I" and 0 <= low and high <= 65535:
        return Image.fromarray(_halve(values))
    allowed = "integers in 0..65535" if picture.mode == "I" else "floats in [0, 1] or [0, 255]"
    raise ImageError(
        f"Expected grey values that are {allowed}, got {low:g} to {high:g} in {name}: "
        "scale them first, the values of black and white are not known."
    )


def _halve(values: np.ndarray) -> np.ndarray:
    """16 bit to 8: 65535 is white, as 255 is; uint8 of the same shape."""
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _from_unit(values: np.ndarray) -> np.ndarray:
    """Floats in [0, 1] to uint8, rounded."""
    return np.rint(values.astype(np.float64) * 255).astype(np.uint8)


def _from_array(values: np.ndarray, *, channels_first: bool) -> Image.Image:
    """A picture from an array of one of the layouts and types that `read_image` names."""
    pixels = _channels_last(values, channels_first=channels_first)
    if 0 in pixels.shape:
        raise ImageError(
            f"Expected an image array of at least one pixel, got shape {list(values.shape)}."
        )
    pixels = np.ascontiguousarray(_to_bytes(pixels))
    grey = pixels.ndim == 3 and pixels.shape[2] == 1
    return _decode(Image.fromarray(pixels[..., 0] if grey else pixels), "the array")


def _channels_last(values: np.ndarray, *, channels_first: bool) -> np.ndarray:
    if values.ndim == 2:
        return values
    first = values.ndim == 3 and values.shape[0] in (1, 3, 4)
    last = values.ndim == 3 and values.shape[2] in (1, 3, 4)
    if first and (channels_first or not last):
        return np.moveaxis(values, 0, 2)
    if last:
        return values
    raise ImageError(
        "Expected an image array with axes [height, width], [height, width, channel] or "
        f"[channel, height, width] and 1, 3 or 4 channels, got shape {list(values.shape)}: "
        "give one picture, without a batch axis."
    )


def _to_bytes(values: np.ndarray) -> np.ndarray:
    """Convert an array of any type that `read_image` names to uint8."""
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.uint16:
        return _halve(values)
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * 255
    if values.dtype.kind not in "iuf":
        raise ImageError(
            f"Expected an image array of integers or floats, got dtype {values.dtype}."
        )
    top = 1 if values.dtype.kind == "f" else 255
    low, high = float(values.min()), float(values.max())
    if not (0 <= low and high <= top):  # in this form it is also true for NaN
        remedy = "divide by 255, or give uint8" if top == 1 else "scale it, or give uint16"
        raise ImageError(
            f"Expected values in 0..{top} in an image array of {values.dtype}, got {low:g} to "
            f"{high:g}: {remedy}."
        )
    return _from_unit(values) if top == 1 else values.astype(np.uint8)

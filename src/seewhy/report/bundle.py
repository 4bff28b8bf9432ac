"""An explanation as a folder, written whole or not at all, and read back exactly.

manifest.json      schema version, where it comes from, every file's SHA-256
explanation.json   prompt, answer, tokens, words and their numbers
maps.safetensors   maps, context and canvases, exact
pictures/0.png     each picture, or first frame of each step of a clip, exact
overlays/03-star.png, or of several views overlays/03-star-0.png, ...
report.html        the page

Folders of schema 1, which knew one picture and no explained prompt, are read too.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from seewhy.core.attribution import Attribution, ScaleView
from seewhy.core.errors import GeometryError, OutputError, SchemaError
from seewhy.core.geometry import TokenGrid
from seewhy.core.record import Picture, Provenance, Record
from seewhy.core.text import Token, Word
from seewhy.core.trace import PromptSpan
from seewhy.report.overlay import overlay
from seewhy.report.page import html
from seewhy.report.payload import SCHEMA_VERSION
from seewhy.report.units import Unit, prompt_word_units, prompt_words, word_units

MANIFEST, EXPLANATION, MAPS = "manifest.json", "explanation.json", "maps.safetensors"

#: What the manifest says the folder is.
KIND = "seewhy explanation"

#: Longest side in pixels of the pictures in `overlays/`. Of several views, none is longer than this
#: divided by the root of their number, but never shorter than the second.
OVERLAY_SIDE, SMALLEST_SIDE = 640, 200


def expect_writable(folder: str | os.PathLike[str], overwrite: bool = False) -> Path:
    """Check, before any work is done, that `save_record` may write `folder`.

    A folder is only ever replaced if seewhy wrote it and nothing else was put there since.

    Returns:
        The absolute path.

    Raises:
        OutputError: if it exists and `overwrite` is not set, or holds what seewhy did not write,
            or if the place cannot be written.
    """
    target = Path(os.path.abspath(folder))
    if os.path.lexists(target):
        if not overwrite:
            raise OutputError(
                f"Expected a new folder, got {target}, which exists: "
                "choose another, or ask to overwrite it."
            )
        _expect_ours(target)
    standing = next((p for p in target.parents if os.path.lexists(p)), target.parent)
    if not standing.is_dir() or not os.access(standing, os.W_OK | os.X_OK):
        raise OutputError(
            f"Expected a folder that can be written, got {standing}: choose another place."
        )
    return target


def save_record(record: Record, folder: str | os.PathLike[str], overwrite: bool = False) -> Path:
    """Write a record, its overlays and its page to a folder.

    All is written to a sibling folder first, which takes the name at the very end: a failure, or a
    person's Ctrl-C, leaves what was there before and nothing else.

    Args:
        folder: the folder to make; missing parents are made too.
        overwrite: replace the folder if it is one that seewhy wrote.

    Returns:
        The folder's absolute path.

    Raises:
        OutputError: as `expect_writable`, or if writing fails.
    """
    target = expect_writable(folder, overwrite)
    made = [p for p in target.parents if not os.path.lexists(p)]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _partial(target) as work:
            _write(record, work)
            _take_place(work, target, overwrite)
    except OSError as error:
        _remove_empty(made)
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"Expected to write {target}, got {error.strerror or error}: nothing was left there."
        ) from error
    except BaseException:
        _remove_empty(made)
        raise
    return target


def open_record(folder: str | os.PathLike[str]) -> Record:
    """Read back what `save_record` wrote, exactly.

    The overlays and the page are not needed and may be missing.

    Raises:
        SchemaError: if the folder is not one of seewhy's, is damaged or was written by a newer
            version.
    """
    source = Path(folder)
    manifest = _manifest(source)
    version = manifest.get("schema")
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise SchemaError(
            f"Expected an explanation of schema {SCHEMA_VERSION} or older in {source}, "
            f"got {version!r}: update seewhy to read it."
        )
    explanation, maps = (_checked(source, name, manifest) for name in (EXPLANATION, MAPS))

    def image(view: int) -> Tensor:
        name = "picture.png" if version == 1 else _picture_name(view)
        with Image.open(io.BytesIO(_checked(source, name, manifest))) as held:
            return _pixels(held.convert("RGB"))

    try:
        said, tensors = json.loads(explanation), load_tensors(maps)
        if version == 1:
            said, tensors = _from_schema_1(said, tensors)
        return Record(
            pictures=tuple(
                _picture(i, p, tensors, image(i)) for i, p in enumerate(said["pictures"])
            ),
            prompt=said["prompt"],
            answer=said["answer"],
            prompt_tokens=tuple(_token(t) for t in said["prompt_tokens"]),
            tokens=tuple(_token(t) for t in said["tokens"]),
            words=tuple(
                Word(w["text"], w["start"], w["end"], tuple(w["tokens"])) for w in said["words"]
            ),
            attribution=_attribution("attribution", said["scales"], said, tensors),
            asked=None
            if said["asked"] is None
            else _attribution("asked", said["asked"]["scales"], said, tensors),
            turns=tuple(PromptSpan(**turn) for turn in said["turns"]),
            contrasts=tuple((c["word"], c["alternative"]) for c in said["contrasts"]),
            provenance=_provenance(manifest),
        )
    except (LookupError, TypeError, ValueError, OSError, SafetensorError, GeometryError) as error:
        raise SchemaError(
            f"Expected a whole explanation in {source}, got one that cannot be read "
            f"({type(error).__name__}: {error}): make it again."
        ) from error


# --- writing ---------------------------------------------------------------------------------


def _write(record: Record, work: Path) -> None:
    (work / "pictures").mkdir()
    for i, one in enumerate(record.pictures):
        Image.fromarray(one.image.cpu().numpy()).save(work / _picture_name(i))
    (work / MAPS).write_bytes(save_tensors(_tensors(record)))
    (work / EXPLANATION).write_text(_json(_explanation(record)), "utf-8")
    (work / "report.html").write_bytes(html(record).encode())

    _write_overlays(record, work / "overlays")
    (work / MANIFEST).write_text(_json(_described(record, work)), "utf-8")


def _picture_name(view: int) -> str:
    return f"pictures/{view}.png"


def _write_overlays(record: Record, folder: Path) -> None:
    folder.mkdir()
    views = len(record.pictures)
    side = max(SMALLEST_SIDE, round(OVERLAY_SIDE / math.sqrt(views)))
    # Resized once, not once a word.
    small = [_resized(one, side) for one in record.pictures]
    digits = max(2, len(str(len(record.words) - 1)))
    for index, unit in enumerate(word_units(record)):
        name = f"{index:0{digits}}-{safe_name(unit.text)}"
        for view, (one, display) in enumerate(zip(small, unit.displays, strict=True)):
            which = "" if views == 1 else f"-{view:0{len(str(views - 1))}}"
            laid = overlay(one.image, display, one.base_grid)
            laid.save(folder / f"{name}{which}.png", compress_level=3)


def _resized(picture: Picture, side: int) -> Picture:
    """The same with its longest side of `side` pixels; the canvas follows."""
    width, height = picture.size
    ratio = side / max(width, height)
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    image = Image.fromarray(picture.image.cpu().numpy()).resize(size, Image.Resampling.LANCZOS)
    base_grid = replace(
        picture.base_grid,
        row_edges=picture.base_grid.row_edges * size[1] / height,
        column_edges=picture.base_grid.column_edges * size[0] / width,
    )
    return replace(picture, image=_pixels(image), base_grid=base_grid)


def _described(record: Record, work: Path) -> dict[str, Any]:
    written = sorted(p for p in work.rglob("*") if p.is_file())
    return {
        "kind": KIND,
        "schema": SCHEMA_VERSION,
        **asdict(record.provenance),
        "files": {
            p.relative_to(work).as_posix(): {
                "sha256": hashlib.sha256(p.read_bytes()).hexdigest(),
                "bytes": p.stat().st_size,
            }
            for p in written
        },
    }


def _explanation(record: Record) -> dict[str, Any]:
    asked = prompt_word_units(record)
    return {
        "prompt": record.prompt,
        "turns": [asdict(turn) for turn in record.turns],
        "answer": record.answer,
        "contrasts": [{"word": word, "alternative": other} for word, other in record.contrasts],
        "pictures": [
            {
                "size": list(one.size),
                "canvas": one.base_grid.name,
                "medium": one.medium,
                "frames": list(one.frames),
                "seconds": one.seconds,
            }
            for one in record.pictures
        ],
        "prompt_words": [
            {**asdict(word), **(_numbers(asked[i]) if asked else {})}
            for i, word in enumerate(prompt_words(record))
        ],
        "words": [
            {**asdict(word), **_numbers(unit)}
            for word, unit in zip(record.words, word_units(record), strict=True)
        ],
        "prompt_tokens": [asdict(token) for token in record.prompt_tokens],
        "tokens": [asdict(token) for token in record.tokens],
        "scales": _scales(record.attribution),
        "asked": None if record.asked is None else {"scales": _scales(record.asked)},
    }


def _numbers(unit: Unit) -> dict[str, Any]:
    return {
        "probability": unit.probability,
        "shares": unit.shares,
        "best": unit.best,
        "peaks": unit.peaks,
        "boxes": unit.boxes,
        "low": unit.low,
        "high": unit.high,
        "picture": unit.picture,
        "earlier": unit.earlier,
        "context": unit.context,
    }


def _scales(given: Attribution) -> list[dict[str, Any]]:
    return [{"scale": view.scale, "seen": view.model_sizes} for view in given.scales]


def _tensors(record: Record) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for i, one in enumerate(record.pictures):
        for name, field in _OF_GRID.items():
            tensors[f"canvases.{i}.{name}"] = getattr(one.base_grid, field)
    for part, given in (("attribution", record.attribution), ("asked", record.asked)):
        if given is None:
            continue
        for name in ("context", "low", "high"):
            tensors[f"{part}.{name}"] = getattr(given, name)
        tensors |= {f"{part}.maps.{view}": maps for view, maps in enumerate(given.maps)}
        for i, scale in enumerate(given.scales):
            for name, field in _OF_SCALE.items():
                tensors[f"{part}.scales.{i}.{name}"] = getattr(scale, field)
            for view, maps in enumerate(scale.maps):
                tensors[f"{part}.scales.{i}.maps.{view}"] = maps
    # Tensors that share memory, as low and high of one range may, cannot be stored as they are.
    return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}


#: What a scale holds beside its maps.
_OF_SCALE = {"probabilities": "probabilities", "said": "is_top1", "weights": "weights"}
_OF_GRID = {"index": "index", "rows": "row_edges", "columns": "column_edges"}


def safe_name(text: str) -> str:
    """A word as part of a file name: its letters and digits, at most 40, on any file system.

    Example:
        >>> safe_name("Red-hot"), safe_name("../x"), safe_name("."), safe_name("né")
        ('red-hot', 'x', 'mark', 'ne')
    """
    plain = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = re.sub(r"[^\w-]+|_+", "-", plain).strip("-")
    # A file name may hold 255 bytes, and a letter up to four of them.
    return plain[:40] or "mark"


def _json(data: object) -> str:
    # Escaped to ASCII, even a lone surrogate from a broken token survives the way to disk and back.
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


@contextmanager
def _partial(target: Path) -> Iterator[Path]:
    """A sibling folder to write in; it is gone afterwards, unless it was given another name."""
    work = Path(
        tempfile.mkdtemp(prefix=f".{target.name[:100]}.", suffix=".part", dir=target.parent)
    )
    try:
        # mkdtemp lets nobody else in; the finished folder is as open as any other new one.
        mask = os.umask(0)
        os.umask(mask)
        work.chmod(0o777 & ~mask)
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _take_place(work: Path, target: Path, overwrite: bool) -> None:
    """Give the finished folder its name; what stood there goes only once that is done."""
    if not os.path.lexists(target):
        work.rename(target)
        return
    # It may have changed, or appeared, while the record was being written.
    expect_writable(target, overwrite)
    with _partial(target) as aside:
        old = aside / "old"
        target.rename(old)
        try:
            work.rename(target)
        except BaseException:
            old.rename(target)
            raise


def _expect_ours(target: Path) -> None:
    """Raise unless the folder is empty, or holds what seewhy wrote and nothing else."""
    foreign = f"Expected a folder that seewhy wrote, got {target}"
    if not target.is_dir() or target.is_symlink():
        raise OutputError(f"{foreign}, which is none: choose another place.")
    found = {p.relative_to(target).as_posix() for p in target.rglob("*") if not _is_folder(p)}
    if not found:
        return
    try:
        listed = set(_manifest(target)["files"]) | {MANIFEST}
    except (SchemaError, KeyError, TypeError) as error:
        raise OutputError(
            f"{foreign}, which has no {MANIFEST} of ours: choose another place."
        ) from error
    if extra := sorted(found - listed):
        raise OutputError(
            f"{foreign}, which also holds {extra[0]!r}: move it away, or choose another place."
        )


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


# --- reading ---------------------------------------------------------------------------------


def _manifest(source: Path) -> dict[str, Any]:
    hint = "give a folder that seewhy wrote"
    try:
        manifest = json.loads((source / MANIFEST).read_bytes())
    except OSError as error:
        raise SchemaError(
            f"Expected {MANIFEST} in {source}, got {error.strerror or error}: {hint}."
        ) from error
    except ValueError as error:
        raise SchemaError(
            f"Expected JSON in {source / MANIFEST}, got something else ({error}): {hint}."
        ) from error
    if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
        raise SchemaError(f"Expected a manifest of seewhy in {source}, got another: {hint}.")
    return manifest


def _checked(source: Path, name: str, manifest: dict[str, Any]) -> bytes:
    try:
        wanted = manifest["files"][name]["sha256"]
        content = (source / name).read_bytes()
    except (KeyError, TypeError) as error:
        raise SchemaError(
            f"Expected {name} in the manifest of {source}, got none: make it again."
        ) from error
    except OSError as error:
        raise SchemaError(
            f"Expected {name} in {source}, got {error.strerror or error}: make it again."
        ) from error
    if hashlib.sha256(content).hexdigest() != wanted:
        raise SchemaError(
            f"Expected {name} in {source} as its manifest describes it, got other content: "
            "it was damaged or changed; make it again."
        )
    return content


def _pixels(picture: Image.Image) -> Tensor:
    width, height = picture.size
    data = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    return data.view(height, width, 3)


def _token(data: dict[str, Any]) -> Token:
    candidates = tuple((text, p) for text, p in data["candidates"])
    return Token(**{**data, "candidates": candidates})


def _picture(view: int, data: dict[str, Any], tensors: dict[str, Tensor], image: Tensor) -> Picture:
    return Picture(
        image=image,
        base_grid=TokenGrid(
            **{f: tensors[f"canvases.{view}.{name}"] for name, f in _OF_GRID.items()},
            name=data["canvas"],
        ),
        medium=data["medium"],
        frames=tuple(data["frames"]),
        seconds=data["seconds"],
    )


def _attribution(
    part: str, scales: list[dict[str, Any]], said: dict[str, Any], tensors: dict[str, Tensor]
) -> Attribution:
    views = range(len(said["pictures"]))
    return Attribution(
        maps=tuple(tensors[f"{part}.maps.{view}"] for view in views),
        **{name: tensors[f"{part}.{name}"] for name in ("context", "low", "high")},
        scales=tuple(
            ScaleView(
                scale=data["scale"],
                model_sizes=tuple((width, height) for width, height in data["seen"]),
                maps=tuple(tensors[f"{part}.scales.{i}.maps.{view}"] for view in views),
                **{f: tensors[f"{part}.scales.{i}.{name}"] for name, f in _OF_SCALE.items()},
            )
            for i, data in enumerate(scales)
        ),
    )


def _from_schema_1(
    said: dict[str, Any], tensors: dict[str, Tensor]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What a folder of one picture and one question holds, in today's terms."""
    picture = {"canvas": said["canvas"], "medium": 0, "frames": [], "seconds": None}
    turn = {"role": "user", "start": 0, "end": len(said["prompt"])}
    scales = [{**scale, "seen": [scale["seen"]]} for scale in said["scales"]]

    def renamed(name: str) -> str:
        if name.startswith("canvas."):
            return name.replace("canvas.", "canvases.0.", 1)
        return f"attribution.{name}.0" if name.split(".")[-1] == "maps" else f"attribution.{name}"

    return (
        {**said, "pictures": [picture], "turns": [turn], "contrasts": [], "asked": None}
        | {"scales": scales},
        {renamed(name): tensor for name, tensor in tensors.items()},
    )


def _provenance(manifest: dict[str, Any]) -> Provenance:
    names = Provenance.__dataclass_fields__
    held = {name: manifest[name] for name in names}
    return Provenance(**{**held, "notes": tuple(held["notes"])})

"""An explanation as a folder, written whole or not at all, and read back exactly.

manifest.json      schema version, where it comes from, every file's SHA-256
explanation.json   prompt, answer, tokens, words and their numbers
maps.safetensors   maps, context and canvas, exact
picture.png        the picture, exact
overlays/03-star.png
report.html        the page
"""

from __future__ import annotations

import hashlib
import json
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
from seewhy.core.geometry import Layer
from seewhy.core.record import Provenance, Record
from seewhy.core.text import Token, Word
from seewhy.report.overlay import overlay
from seewhy.report.page import html
from seewhy.report.payload import SCHEMA_VERSION
from seewhy.report.units import prompt_words, word_units

MANIFEST, EXPLANATION, MAPS, PICTURE = (
    "manifest.json",
    "explanation.json",
    "maps.safetensors",
    "picture.png",
)

#: What the manifest says the folder is.
KIND = "seewhy explanation"

#: Longest side in pixels of the pictures in `overlays/`.
OVERLAY_SIDE = 640


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
    content = {name: _checked(source, name, manifest) for name in (EXPLANATION, MAPS, PICTURE)}
    try:
        said = json.loads(content[EXPLANATION])
        tensors = load_tensors(content[MAPS])
        with Image.open(source / PICTURE) as picture:
            image = _pixels(picture.convert("RGB"))
        return Record(
            image=image,
            prompt=said["prompt"],
            answer=said["answer"],
            prompt_tokens=tuple(_token(t) for t in said["prompt_tokens"]),
            tokens=tuple(_token(t) for t in said["tokens"]),
            words=tuple(
                Word(w["text"], w["start"], w["end"], tuple(w["tokens"])) for w in said["words"]
            ),
            canvas=Layer(
                index=tensors["canvas.index"],
                rows=tensors["canvas.rows"],
                columns=tensors["canvas.columns"],
                name=said["canvas"],
            ),
            attribution=_attribution(said, tensors),
            provenance=_provenance(manifest),
        )
    except (LookupError, TypeError, ValueError, OSError, SafetensorError, GeometryError) as error:
        raise SchemaError(
            f"Expected a whole explanation in {source}, got one that cannot be read "
            f"({type(error).__name__}: {error}): make it again."
        ) from error


# --- writing ---------------------------------------------------------------------------------


def _write(record: Record, work: Path) -> None:
    picture = Image.fromarray(record.image.cpu().numpy())
    picture.save(work / PICTURE)
    (work / MAPS).write_bytes(save_tensors(_tensors(record)))
    (work / EXPLANATION).write_text(_json(_explanation(record)), "utf-8")
    (work / "report.html").write_bytes(html(record).encode())

    _write_overlays(record, picture, work / "overlays")
    (work / MANIFEST).write_text(_json(_described(record, work)), "utf-8")


def _write_overlays(record: Record, picture: Image.Image, folder: Path) -> None:
    folder.mkdir()
    ratio = OVERLAY_SIDE / max(record.size)
    size = max(1, round(record.size[0] * ratio)), max(1, round(record.size[1] * ratio))
    # Resized once, not once a word; the canvas follows.
    small = _pixels(picture.resize(size, Image.Resampling.LANCZOS))
    canvas = replace(
        record.canvas,
        rows=record.canvas.rows * size[1] / record.size[1],
        columns=record.canvas.columns * size[0] / record.size[0],
    )
    digits = max(2, len(str(len(record.words) - 1)))
    for index, unit in enumerate(word_units(record)):
        name = f"{index:0{digits}}-{safe_name(unit.text)}.png"
        overlay(small, unit.display, canvas).save(folder / name, compress_level=3)


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
    return {
        "prompt": record.prompt,
        "answer": record.answer,
        "size": list(record.size),
        "canvas": record.canvas.name,
        "prompt_words": [asdict(word) for word in prompt_words(record)],
        "words": [
            {
                **asdict(word),
                "probability": unit.probability,
                "peak": unit.peak,
                "box": unit.box,
                "low": unit.low,
                "high": unit.high,
                "picture": unit.picture,
                "earlier": unit.earlier,
                "context": unit.context,
            }
            for word, unit in zip(record.words, word_units(record), strict=True)
        ],
        "prompt_tokens": [asdict(token) for token in record.prompt_tokens],
        "tokens": [asdict(token) for token in record.tokens],
        "scales": [{"scale": view.scale, "seen": view.seen} for view in record.attribution.scales],
    }


def _tensors(record: Record) -> dict[str, Tensor]:
    given, canvas = record.attribution, record.canvas
    tensors = {
        "maps": given.maps,
        "context": given.context,
        "low": given.low,
        "high": given.high,
        "canvas.index": canvas.index,
        "canvas.rows": canvas.rows,
        "canvas.columns": canvas.columns,
    }
    for i, view in enumerate(given.scales):
        for name in ("maps", "probabilities", "said", "weights"):
            tensors[f"scales.{i}.{name}"] = getattr(view, name)
    # Tensors that share memory, as low and high of one range may, cannot be stored as they are.
    return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}


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


def _attribution(said: dict[str, Any], tensors: dict[str, Tensor]) -> Attribution:
    return Attribution(
        maps=tensors["maps"],
        context=tensors["context"],
        low=tensors["low"],
        high=tensors["high"],
        scales=tuple(
            ScaleView(
                scale=view["scale"],
                seen=(view["seen"][0], view["seen"][1]),
                **{
                    name: tensors[f"scales.{i}.{name}"]
                    for name in ("maps", "probabilities", "said", "weights")
                },
            )
            for i, view in enumerate(said["scales"])
        ),
    )


def _provenance(manifest: dict[str, Any]) -> Provenance:
    names = Provenance.__dataclass_fields__
    held = {name: manifest[name] for name in names}
    return Provenance(**{**held, "notes": tuple(held["notes"])})

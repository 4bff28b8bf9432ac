"""Reading an uploaded zip of a saved explanation.

A zip is a hostile format: names that leave the folder, links, and few bytes that unpack to many.
Only the files that an explanation is read from are unpacked, under names that are made here, each
counted while it is unpacked. Then `seewhy.report.bundle` reads the folder with its own checks. A
page in the zip is never used: it is written anew.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from seewhy.app.errors import RequestError
from seewhy.app.limits import Limits
from seewhy.app.uploads import expect_few_pixels
from seewhy.core.errors import SchemaError
from seewhy.explanation import Explanation
from seewhy.report.bundle import EXPLANATION, MAPS, open_record
from seewhy.report.safe_files import is_inside
from seewhy.report.safe_folder import MANIFEST

FILES = 10_000
"""Entries of a zip, at most: one of a long clip has an overlay for each word and step."""

RATIO = 200
"""Bytes that one byte of a zip may unpack to, beyond the first mebibyte."""

ENTRY = b"PK\x01\x02"
"""The first bytes of each entry of a zip's list, which is counted before it is read."""

JSON_BYTES = 32 << 20
"""Of the words and numbers of an explanation: read as JSON they take ten times as much memory."""

PICTURES = 256
PICTURE = re.compile(r"pictures/\d{1,6}\.png")
CHUNK = 1 << 16


def read_import(content: bytes, limits: Limits, folder: Path) -> Explanation:
    """Read an explanation from a zip of its folder.

    Args:
        content: of the zip: the folder's files, or the folder itself.
        limits: of bytes and pixels.
        folder: an empty one to unpack to; the caller removes it.

    Raises:
        RequestError: with 413 if it unpacks to too much, 422 if it is no zip of an explanation.
        SchemaError: if the explanation is damaged.
    """
    if (count := content.count(ENTRY)) > FILES:
        raise _no_zip(f"one of {count:,} files")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _unpack(archive, limits, folder)
    except (RequestError, SchemaError):
        raise
    except (
        *(zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, LookupError),
        *(NotImplementedError, RuntimeError),
    ) as error:
        raise _no_zip("a file that cannot be unpacked") from error
    _expect_small_pictures(folder, limits)
    try:
        record = open_record(folder)
    except SchemaError as error:
        raise SchemaError(str(error).replace(str(folder), "the zip")) from error
    return Explanation(record)


def _no_zip(got: str) -> RequestError:
    return RequestError(
        422,
        "import",
        f"Expected a zip of a folder that seewhy saved, got {got}: zip the folder with "
        "manifest.json in it, or choose another file.",
    )


def _too_large(limit: int) -> RequestError:
    return RequestError(
        413,
        "too-large",
        f"Expected a zip that unpacks to at most {limit:,} bytes, got more: save the "
        "explanation of a smaller picture.",
    )


def _unpack(archive: zipfile.ZipFile, limits: Limits, folder: Path) -> None:
    wanted = _wanted(archive.infolist())
    left = 2 * limits.import_bytes
    if sum(info.file_size for info in wanted.values()) > left:
        raise _too_large(left)
    for name, info in wanted.items():
        most = min(left, max(1 << 20, RATIO * info.compress_size))
        most = min(most, JSON_BYTES) if name.endswith(".json") else most
        left -= _unpack_one(archive, info, folder / name, most)


def _wanted(infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """The files that an explanation is read from, by their names in its folder."""
    found: dict[str, zipfile.ZipInfo] = {}
    prefix = _prefix(infos)
    for info in infos:
        if info.is_dir():
            continue
        if not is_inside(info.filename):
            raise _no_zip("a name that leaves its folder")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise _no_zip("a link, or another special file")
        if info.flag_bits & 0x1:
            raise _no_zip("an encrypted file")
        name = info.filename.removeprefix(prefix)
        if name in (MANIFEST, EXPLANATION, MAPS) or PICTURE.fullmatch(name):
            if name in found:
                raise _no_zip(f"{name} twice")
            found[name] = info
    if MANIFEST not in found:
        raise _no_zip("none with manifest.json")
    if any(found[name].file_size > JSON_BYTES for name in found if name.endswith(".json")):
        raise _too_large(JSON_BYTES)
    if len(found) > PICTURES:
        raise _no_zip(f"one of {len(found):,} pictures")
    return found


def _prefix(infos: list[zipfile.ZipInfo]) -> str:
    """The folder in the zip that holds the explanation; empty for its top."""
    manifests = [info.filename for info in infos if PurePosixPath(info.filename).name == MANIFEST]
    shallow = min(manifests, key=lambda name: (name.count("/"), name), default=MANIFEST)
    return shallow.removesuffix(MANIFEST)


def _unpack_one(archive: zipfile.ZipFile, info: zipfile.ZipInfo, file: Path, most: int) -> int:
    """Unpack one file and return its size; it stops at `most` bytes, whatever the zip states."""
    file.parent.mkdir(exist_ok=True)
    size = 0
    with archive.open(info) as source, file.open("xb") as target:
        while chunk := source.read(CHUNK):
            size += len(chunk)
            if size > most:
                raise _too_large(most)
            target.write(chunk)
    return size


def _expect_small_pictures(folder: Path, limits: Limits) -> None:
    """Read the sizes of all pictures before one is decoded."""
    from seewhy.images.formats import BOMB, DAMAGE, open_picture

    total = 0
    for file in sorted(folder.glob("pictures/*.png")):
        try:
            with open_picture(file) as picture:
                size = picture.size
        except BOMB as error:
            raise RequestError(413, "too-large", "A picture in the zip is too large.") from error
        except DAMAGE as error:
            raise _no_zip("a damaged picture") from error
        expect_few_pixels(size, limits)
        total += size[0] * size[1]
    expect_few_pixels((total, 1), _of_all(limits))


def _of_all(limits: Limits) -> Limits:
    from dataclasses import replace

    return replace(limits, pixels=limits.pixels * 4)

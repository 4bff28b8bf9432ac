"""Makes the zip files of sprites from the npm packages of the emoji sets.

    npm pack @lobehub/fluent-emoji-3d@1.1.0 @iconify-json/fluent-emoji-flat@1.2.6 \\
        @iconify-json/noto@1.2.9 @iconify-json/fxemoji@1.2.2 @iconify-json/twemoji@1.2.5 \\
        @iconify-json/emojione@1.2.3 @iconify-json/openmoji@1.2.29 emojibase-data@17.0.0
    python -m seewhy.testbed.emoji.build_sprites --packages FOLDER --out FOLDER [--styles openmoji]

`--packages` is the folder with the `.tgz` files. SVG is drawn by the package resvg_py of PyPI. The
zip file of OpenMoji (CC BY-SA 4.0) is for measuring; it is not shipped: set SEEWHY_OPENMOJI to its
path. Four more sets only teach a tower to see and are not shipped either: set SEEWHY_MORE_STYLES to
the folder of their zip files (`--styles noto-v1 streamline contrast monotone`).

    npm pack @iconify-json/noto-v1@1.2.5 @iconify-json/streamline-emojis@1.2.4 \\
        @iconify-json/fluent-emoji-high-contrast@1.2.6 @iconify-json/emojione-monotone@1.2.1
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import re
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from seewhy.core.errors import SeewhyError
from seewhy.testbed.emoji.kinds import KINDS, SIGN
from seewhy.testbed.emoji.sprites import INKED, MORE_STYLES, SIDE, STYLES, UNSEEN_STYLE

PACKAGES = {
    "fluent": "lobehub-fluent-emoji-3d-1.1.0",
    "flat": "iconify-json-fluent-emoji-flat-1.2.6",
    "noto": "iconify-json-noto-1.2.9",
    "fxemoji": "iconify-json-fxemoji-1.2.2",
    "twemoji": "iconify-json-twemoji-1.2.5",
    "emojione": "iconify-json-emojione-1.2.3",
    "openmoji": "iconify-json-openmoji-1.2.29",
    "noto-v1": "iconify-json-noto-v1-1.2.5",
    "streamline": "iconify-json-streamline-emojis-1.2.4",
    "contrast": "iconify-json-fluent-emoji-high-contrast-1.2.6",
    "monotone": "iconify-json-emojione-monotone-1.2.1",
}
LABELS = "emojibase-data-17.0.0"
FXEMOJI_NAMES = {
    "rabbit": "bunnyside",
    "eggplant": "aubergine",
    "hot pepper": "chilipepper",
    "evergreen tree": "evergreen",
    "castle": "europeancastle",
    "house": "housebuilding",
    "ear of corn": "earofmaize",
    "scissors": "blackscissors",
    "magnifying glass tilted left": "leftmagnifyingglass",
    "hourglass done": "hourglass",
    "sun": "sunrays",
    "high-heeled shoe": "heels",
    "mobile phone": "cellphone",
    "laptop": "personalcomputer",
    "flashlight": "electrictorch",
    "crayon": "lowerleftcrayon",
    "pencil": "lowerleftpencil",
    "wrapped gift": "present",
    "gem stone": "gem",
    "globe showing Americas": "americasglobe",
    "locked": "lock",
}
"""Names of FxEmojis that differ from those of Unicode, by the emoji's English label."""
LEFT_OUT = {
    "fxemoji": ("bird", "keyboard", "tent", "sailboat", "ship", "game die", "umbrella"),
    "emojione": ("tent", "motorcycle", "basketball"),
    "twemoji": ("zebra",),
}
"""Drawings, by label, that show something else, or stand on a square picture of their own."""
FEWEST_OPAQUE = 40
"""Opacity from which on a pixel is part of the drawing when it is cut out."""


class _Package:
    """An unpacked npm package, read from its archive."""

    def __init__(self, folder: Path, name: str) -> None:
        path = folder / f"{name}.tgz"
        if not path.is_file():
            raise SeewhyError(f"Expected {path}, found none: fetch it with npm pack.")
        self.archive = tarfile.open(path)  # noqa: SIM115  (kept open while it is read)

    def read(self, name: str) -> bytes:
        """A file's bytes.

        Raises:
            KeyError: if the package has no such file.
        """
        file = self.archive.extractfile(f"package/{name}")
        if file is None:
            raise KeyError(name)
        return file.read()

    def json(self, name: str) -> Any:
        """A JSON file."""
        return json.loads(self.read(name))


def build(packages: Path, out: Path, styles: tuple[str, ...]) -> dict[str, int]:
    """Write a zip file for each style; returns how many kinds each has."""
    data = _Package(packages, LABELS).json("en/data.json")
    labels = {_plain(entry["hexcode"]): entry["label"] for entry in data}
    out.mkdir(parents=True, exist_ok=True)
    counts = {}
    for style in styles:
        package, count = _Package(packages, PACKAGES[style]), 0
        pictures = _fluent(package) if style == "fluent" else _drawings(package, style, labels)
        new = out / f"{style}.new"
        with zipfile.ZipFile(new, "w", zipfile.ZIP_STORED) as archive:
            for codepoint, picture in pictures:
                entry = zipfile.ZipInfo(f"{codepoint}.webp", (2026, 1, 1, 0, 0, 0))
                archive.writestr(entry, _webp(picture))
                count += 1
        new.replace(out / f"{style}.zip")
        counts[style] = count
    return counts


def _codepoints() -> list[str]:
    return [kind.codepoint for kind in KINDS.values() if kind.name != SIGN]


def _plain(hexcode: str) -> str:
    return hexcode.lower().replace("-fe0f", "")


def _fluent(package: _Package) -> Iterator[tuple[str, Image.Image]]:
    for codepoint in _codepoints():
        for name in (codepoint, f"{codepoint}-fe0f"):
            try:
                data = package.read(f"assets/{name}.webp")
            except KeyError:
                continue
            yield codepoint, Image.open(io.BytesIO(data))
            break


def _drawings(
    package: _Package, style: str, labels: dict[str, str]
) -> Iterator[tuple[str, Image.Image]]:
    """The drawings of a set in Iconify's format."""
    try:
        resvg = importlib.import_module("resvg_py")
    except ImportError:
        raise SeewhyError(
            "Expected the package resvg_py of PyPI, which draws SVG, got none: install it."
        ) from None
    icons, by_code = package.json("icons.json"), package.json("chars.json")
    by_code = {_plain(code): name for code, name in by_code.items()}
    named = icons["icons"] | {
        alias: icons["icons"].get(facts["parent"])
        for alias, facts in icons.get("aliases", {}).items()
    }
    for codepoint in _codepoints():
        label = labels[codepoint]
        if label in LEFT_OUT.get(style, ()):
            continue
        name = next((n for n in _names(style, label, by_code.get(codepoint)) if named.get(n)), None)
        if name is None:
            continue
        icon = named[name]
        width = icon.get("width", icons.get("width", 16))
        height = icon.get("height", icons.get("height", 16))
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="0 0 {width} {height}" width="512" height="512">{icon["body"]}</svg>'
        )
        drawing = Image.open(io.BytesIO(bytes(resvg.svg_to_bytes(svg_string=svg))))
        yield codepoint, _on_white(drawing) if style in INKED else drawing


def _names(style: str, label: str, by_code: str | None) -> list[str]:
    """The names that a drawing may have in its set, best first."""
    slug = re.sub(r"[^a-z0-9]+", "-", label.lower().replace("’", "")).strip("-")
    if style == "fxemoji":
        word = slug.replace("-", "")
        return [FXEMOJI_NAMES.get(label, ""), f"{word}side", word, f"{word}face"]
    if style == "emojione":
        return [slug, f"{slug}-face", slug.replace("-", "")]
    if style in MORE_STYLES and by_code is None:
        return [slug, f"{slug}-1", f"{slug}-face"]
    return [by_code or ""]


def _on_white(picture: Image.Image) -> Image.Image:
    """Ink with white in all that it encloses."""
    alpha = np.array(picture.convert("RGBA"))[..., 3]
    free = np.where(np.pad(alpha, 1) > FEWEST_OPAQUE, 0, 255).astype(np.uint8)
    outside = Image.fromarray(free).copy()
    ImageDraw.floodfill(outside, (0, 0), 128)
    inside = np.asarray(outside)[1:-1, 1:-1] != 128
    ink = Image.fromarray(alpha)
    white = Image.new("L", picture.size, 255)
    shade = Image.composite(Image.new("L", picture.size, 0), white, ink)
    opacity = Image.fromarray(np.where(inside, 255, alpha).astype(np.uint8))
    return Image.merge("RGBA", (shade, shade, shade, opacity))


def _webp(picture: Image.Image) -> bytes:
    """The drawing cut to its edges, `SIDE` pixels on its longer side."""
    picture = picture.convert("RGBA")
    rows, columns = np.nonzero(np.asarray(picture)[..., 3] > FEWEST_OPAQUE)
    box = int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1
    picture = picture.crop(box)
    scale = SIDE / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    picture = picture.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=82, alpha_quality=90, method=6)
    return file.getvalue()


def main() -> None:
    """Build the styles that were asked for."""
    parser = argparse.ArgumentParser(description="Make the zip files of sprites.")
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--styles", nargs="+", choices=PACKAGES, default=[*STYLES, UNSEEN_STYLE])
    arguments = parser.parse_args()
    counts = build(arguments.packages, arguments.out, tuple(arguments.styles))
    print(", ".join(f"{style}: {count}" for style, count in counts.items()))


if __name__ == "__main__":
    main()

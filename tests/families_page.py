"""The page of families in the documentation, made from the same tiny models as the tests.

    make families        # or: python tests/families_page.py

writes `docs/families.md` and a picture for each family: the boxes of its visual tokens drawn over
one and the same rectangle, each token grid (tiles, thumbnail, base image) apart. A test compares
the page and the pictures with what the adapters say.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from families import BUILDERS, shared
from seewhy.core.geometry import TokenGrid
from seewhy.models import FAMILIES, Family
from seewhy.testbed.scenes import draw, scene

DOCS = Path(__file__).parents[1] / "docs"
PICTURES = Path("assets") / "families"
TEXT = Path(__file__).with_suffix(".md")

#: The rectangle that every family is shown, in pixels, and how much larger it is drawn.
WIDTH, HEIGHT, ENLARGED = 150, 100, 3
PAPER, MARGIN, CAPTION = (250, 250, 248), 14, 22
TONES = ((0, 110, 110), (196, 78, 24), (90, 60, 160))
UNSEEN = (120, 120, 120)


def rectangle() -> Image.Image:
    """A drawn scene, cut to a rectangle."""
    drawn = Image.fromarray(draw(scene(4, "heldout")).image)
    width = min(drawn.width, drawn.height * WIDTH // HEIGHT)
    height = width * HEIGHT // WIDTH
    top = (drawn.height - height) // 2
    band = drawn.crop((0, top, width, top + height))
    return band.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def boxes_of(family: Family, image: Image.Image) -> Image.Image:
    """The cells of each token grid over the picture, side by side.

    Hatched pixels are in no cell of the grid; cells beyond the edge are padding.
    """
    grids = family.process_image(image).geometry.grids
    edges = [(grid.column_edges, grid.row_edges) for grid in grids]
    over = [
        max(0.0, *(float(-e[0]) for pair in edges for e in pair)),
        max(0.0, *(float(c[-1]) - image.width for c, _ in edges)),
        max(0.0, *(float(r[-1]) - image.height for _, r in edges)),
    ]
    reach = math.ceil(max(over)) * ENLARGED
    width = image.width * ENLARGED + 2 * reach
    height = image.height * ENLARGED + 2 * reach
    sheet = Image.new(
        "RGB",
        (len(grids) * (width + MARGIN) + MARGIN, height + 2 * MARGIN + CAPTION),
        PAPER,
    )
    pen = ImageDraw.Draw(sheet)
    size = image.width * ENLARGED, image.height * ENLARGED
    large = image.resize(size, Image.Resampling.BICUBIC)
    for number, grid in enumerate(grids):
        corner = MARGIN + number * (width + MARGIN) + reach, MARGIN + CAPTION + reach
        sheet.paste(_hatched(large, grid), corner)
        tone = TONES[number % len(TONES)]
        for edges_, horizontal in ((grid.column_edges, False), (grid.row_edges, True)):
            others = grid.row_edges if not horizontal else grid.column_edges
            low, high = float(others[0]) * ENLARGED, float(others[-1]) * ENLARGED
            for edge in edges_.tolist():
                at = edge * ENLARGED
                ends = [(low, at), (high, at)] if horizontal else [(at, low), (at, high)]
                pen.line([(x + corner[0], y + corner[1]) for x, y in ends], fill=tone, width=1)
        rows, columns = grid.shape
        label = f"{grid.name}: {columns} x {rows} tokens"
        pen.text((corner[0] - reach, MARGIN - 4), label, fill=tone, font_size=15)
    return sheet


def _hatched(picture: Image.Image, grid: TokenGrid) -> Image.Image:
    """The picture with the pixels that no cell of the grid holds hatched."""
    pixels = np.asarray(picture).astype(float)
    y, x = np.mgrid[: picture.height, : picture.width]
    left, right = float(grid.column_edges[0]) * ENLARGED, float(grid.column_edges[-1]) * ENLARGED
    top, bottom = float(grid.row_edges[0]) * ENLARGED, float(grid.row_edges[-1]) * ENLARGED
    seen = (x + 0.5 >= left) & (x + 0.5 <= right) & (y + 0.5 >= top) & (y + 0.5 <= bottom)
    stripe = ((x + y) // 6 % 2)[..., None]
    grey = pixels * 0.35 + np.array(UNSEEN) * (0.55 + 0.1 * stripe)
    return Image.fromarray(np.where(seen[..., None], pixels, grey).round().astype(np.uint8))


def table() -> str:
    """A row for each family, from the constants in its file."""
    rows = [
        "| Family | Checkpoints | Video | Other scales | Unseen, or seen twice | Test |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for family in FAMILIES:
        if not family.checkpoints:
            continue
        places = ", ".join(f"`{place}`" for place in family.checkpoints)
        rows.append(
            f"| [`{family.name}`](#{family.name}) | {places} | "
            f"{'yes' if family.clip_marker else 'no'} | {family.scaling} | {family.coverage} | "
            f"`pytest tests/contract -k {family.name}` |"
        )
    return "\n".join(rows)


def page() -> str:
    """The page's Markdown."""
    shown = "\n\n".join(
        f"### {name}\n\n![Boxes of {name}]({(PICTURES / f'{name}.png').as_posix()})"
        for name in sorted(BUILDERS)
    )
    text = TEXT.read_text(encoding="utf-8")
    return text.replace("{{table}}", table()).replace("{{pictures}}", shown)


def main() -> None:
    """Write the page and its pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--docs", type=Path, default=DOCS)
    docs = parser.parse_args().docs
    (docs / PICTURES).mkdir(parents=True, exist_ok=True)
    image = rectangle()
    for name in BUILDERS:
        boxes_of(shared(name).family, image).save(docs / PICTURES / f"{name}.png", optimize=True)
    (docs / "families.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()

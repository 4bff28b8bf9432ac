"""What saving an explanation costs: seconds, bytes, files, and reading it back.

    python benchmarks/saving.py [--out benchmarks/results]

Records made by hand, of the size of real ones: 200 words of 250 tokens about a picture of 1,000
visual tokens, and a clip of 16 frames. No model is needed. The pictures are drawn with noise, which
PNG compresses as badly as a photograph.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from measuring import environment, timed
from torch import Tensor

from seewhy.core.attribution import Attribution, ScaleView
from seewhy.core.geometry import TokenGrid
from seewhy.core.layers import Layers
from seewhy.core.record import Picture, Provenance, Record
from seewhy.core.text import Token, words_of
from seewhy.report.bundle import open_record, save_record

WORDS, PROMPT_WORDS = 200, 30
GRID, CLIP_GRID = (25, 40), (8, 8)
SIDE = 28
"""Pixels of a side of a visual token, as in Qwen2-VL."""

AIMS = {"seconds": 3.0, "megabytes": 8.0}


def picture_of(grid: tuple[int, int], seed: int, **step: Any) -> Picture:
    """Hills of colour with a little noise."""
    rng = torch.Generator().manual_seed(seed)
    height, width = grid[0] * SIDE, grid[1] * SIDE
    coarse = torch.rand(1, 3, 12, 16, generator=rng)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")[0]
    noise = torch.randn(3, height, width, generator=rng) * 0.012
    image = ((smooth + noise).clamp(0, 1) * 255).to(torch.uint8).permute(1, 2, 0).contiguous()
    return Picture(image, TokenGrid.over((0, 0, width, height), *grid), **step)


def text_of(count: int, seed: int) -> tuple[str, tuple[Token, ...]]:
    """Words of one or two tokens."""
    rng = torch.Generator().manual_seed(seed)
    text, tokens = "", []
    for index in range(count):
        pieces = [f" word{index % 97}"] if index % 4 else [f" long{index % 89}", "er"]
        for piece in pieces:
            probability = float(torch.rand((), generator=rng))
            candidates = tuple((f" other{n}", probability / (n + 2)) for n in range(5))
            start, text = len(text), text + piece
            tokens.append(Token(index, piece, start, len(text), probability, candidates))
    return text, tuple(tokens)


def record_of(
    pictures: tuple[Picture, ...], scales: tuple[float, ...] = (1.0,), layers: int = 0
) -> Record:
    """A record of all words, prompt and answer."""
    prompt, prompt_tokens = text_of(PROMPT_WORDS, 1)
    answer, tokens = text_of(WORDS, 2)
    text, rng = len(prompt_tokens) + len(tokens), torch.Generator().manual_seed(3)

    def maps(count: int, scale: float = 1.0) -> tuple[Tensor, ...]:
        sides = [[max(1, round(s * scale)) for s in p.base_grid.shape] for p in pictures]
        return tuple(torch.rand(count, *side, generator=rng) ** 4 * 6 for side in sides)

    def attribution(count: int, earlier: int, asked: tuple[float, ...]) -> Attribution:
        context = (torch.rand(count, text, generator=rng) ** 4).tril(earlier - 1)
        one = torch.ones(count)
        views = tuple(
            ScaleView(
                s,
                tuple((p.size[0], p.size[1]) for p in pictures),
                maps(count, s),
                one,
                one > 0,
                one / len(asked),
            )
            for s in asked
        )
        return Attribution(maps(count), context, one * 0, one * 6, views, one / 2)

    heads = torch.rand(len(tokens), max(1, layers), 12, generator=rng)
    return Record(
        pictures=pictures,
        prompt=prompt,
        answer=answer,
        prompt_tokens=prompt_tokens,
        tokens=tokens,
        words=words_of(answer, [(t.start, t.end) for t in tokens]),
        attribution=attribution(len(tokens), len(prompt_tokens), scales),
        prompt_attribution=attribution(len(prompt_tokens), 0, ()),
        provenance=Provenance("model", "qwen2-vl", "logit-shares", {}, {}, {}, "2026-01-01"),
        layers=None
        if not layers
        else Layers(
            heads[..., 0],
            heads[..., 1].long(),
            tuple(m[:, None].expand(-1, layers, -1, -1).contiguous() for m in maps(len(tokens))),
            tuple(m[:, None].expand(-1, layers, -1, -1).contiguous() for m in maps(len(tokens))),
            heads,
            heads,
            heads[..., 2],
        ),
    )


def cases() -> dict[str, Callable[[], Record]]:
    """Records by what they are of."""
    still = (picture_of(GRID, 0),)
    frames = tuple(
        replace(picture_of(CLIP_GRID, n), medium=0, frames=(n,), seconds=float(n))
        for n in range(16)
    )
    return {
        "a picture, one scale (the default)": lambda: record_of(still),
        "a picture, three scales": lambda: record_of(still, (1.0, 0.75, 1.25)),
        "a clip of 16 frames": lambda: record_of(frames),
    }


def measure(record: Record, *, overlays: bool) -> dict[str, Any]:
    """Save a record anew and read it back."""
    with tempfile.TemporaryDirectory() as place:
        folder, saving = timed(lambda: save_record(record, Path(place) / "out", overlays=overlays))
        sizes = {
            path.relative_to(folder).as_posix(): path.stat().st_size
            for path in folder.rglob("*")
            if path.is_file()
        }
        _, opening = timed(lambda: open_record(folder))
    kinds = ("report.html", "maps.safetensors", "explanation.json", "pictures/", "overlays/")
    return {
        "seconds": round(saving.cpu, 2),
        "seconds to open": round(opening.cpu, 2),
        "files": len(sizes),
        "megabytes": round(sum(sizes.values()) / 1e6, 2),
        "parts": {
            kind: round(sum(s for name, s in sizes.items() if name.startswith(kind)) / 1e6, 2)
            for kind in kinds
        },
    }


def main(argv: list[str] | None = None) -> int:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    rows = {}
    for name, make in cases().items():
        for overlays in (False, True):
            label = f"{name}, with overlays" if overlays else name
            rows[label] = measure(make(), overlays=overlays)
            print(label, rows[label])
    results = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": "python benchmarks/saving.py",
        "environment": environment(),
        "words": WORDS,
        "visual tokens": GRID[0] * GRID[1],
        "rows": rows,
    }
    (arguments.out / "saving.json").write_text(json.dumps(results, indent=1) + "\n")
    (arguments.out / "saving.md").write_text(markdown(results))
    return 0


def markdown(results: dict[str, Any]) -> str:
    """The results as a page."""
    lines = [
        "# What saving an explanation costs",
        "",
        f"{results['words']} words, {results['visual tokens']:,} visual tokens (the clip: "
        f"{CLIP_GRID[0] * CLIP_GRID[1]} for each frame); processor time of one core. Made by "
        f"`{results['command']}` on {results['created'][:10]}. The aims are {AIMS['seconds']:g} "
        f"seconds and {AIMS['megabytes']:g} MB for a picture without overlays.",
        "",
        "| what | seconds | to open | files | MB | page | tensors | JSON | pictures | overlays |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in results["rows"].items():
        parts = " | ".join(f"{size:g}" for size in row["parts"].values())
        lines.append(
            f"| {name} | {row['seconds']:g} | {row['seconds to open']:g} | {row['files']} | "
            f"{row['megabytes']:g} | {parts} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())

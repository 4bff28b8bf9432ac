"""Do words come from the regions that they name? Drawn scenes, in which every word has a mask.

    python benchmarks/regions.py [--count 100] [--split heldout] [--models tiny-qwen2-vl ...]

Of each scene the right caption is given to the model. For each thing in it:

- **by map**: `explanation.words_from(mask of the thing)`: does a word of the thing come first?
- **back**: `words_from(word.region())` of the thing's kind: does the word come first again?
- **by intervention**: `follow_up.effect(mask of the thing)`: what do the thing's words lose, and
  what do those of other things? Words are the first mentions of kinds and colours; second mentions
  follow from the first, and have a row of their own.

How words are ranked and what an erased region is filled with were chosen on training scenes 500 to
529; held-out scenes are reported.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import environment

import seewhy
from seewhy.core.errors import ShippedModelWarning
from seewhy.core.sample import Truth
from seewhy.datasets.testbed import Testbed
from seewhy.follow_up import FollowUp

RESULTS = Path(__file__).parent / "results"
MODELS = ("tiny-qwen2-vl", "tiny-llava", "tiny-internvl")
FILLS = ("blur", "mean", "inpaint")
LOST = 0.1
"""In nats: a word that loses less keeps 90 % of its probability."""
RESAMPLES = 1000


@dataclass(frozen=True)
class Ranked:
    """The words of one explanation, ranked for one thing."""

    scene: int
    first: float
    found: float
    auroc: float
    back: float | None


@dataclass(frozen=True)
class Lost:
    """What one word lost when one thing was erased."""

    scene: int
    fill: str
    role: str
    own: bool
    repeats: bool
    lost: float
    control: float | None


def auroc(own: Sequence[float], others: Sequence[float]) -> float:
    """How often a value of the first kind is above one of the second; ties count half."""
    if not len(own) or not len(others):
        return float("nan")
    above = np.subtract.outer(np.array(own), np.array(others))
    return float((above > 0).mean() + (above == 0).mean() / 2)


def truths_of(follow: FollowUp, truths: Sequence[Truth]) -> list[Truth | None]:
    """What each word of the answer is about."""
    by_place = {(truth.start, truth.end): truth for truth in truths}
    return [by_place.get((word.start, word.end)) for word in follow.explanation.record.words]


def measure(
    scene: int, follow: FollowUp, truths: Sequence[Truth | None], masks: torch.Tensor
) -> Iterator[Ranked | Lost]:
    """All things of one scene."""
    named = [
        (index, truth)
        for index, truth in enumerate(truths)
        if truth is not None and truth.role in ("kind", "colour") and len(truth.regions) == 1
    ]
    for thing in sorted({truth.regions[0] for _, truth in named if truth.role == "kind"}):
        if not bool(masks[thing].any()):
            continue
        region = seewhy.Region.mask(masks[thing])
        own = {index for index, truth in named if truth.regions == (thing,)}
        kind = next(index for index, t in named if t.regions == (thing,) and t.role == "kind")
        yield ranked(scene, follow, region, own, kind)
        for fill in FILLS:
            # The control is measured once: it costs four rows of the pass.
            effect = follow.effect(region, fill=fill, controls=4 if fill == FILLS[0] else 0)
            for index, truth in named:
                word = effect.words[index]
                seen_before = any(
                    earlier < index and t.regions == truth.regions and t.role == truth.role
                    for earlier, t in named
                )
                is_own = index in own
                yield Lost(scene, fill, truth.role, is_own, seen_before, word.lost, word.control)


def ranked(scene: int, follow: FollowUp, region: seewhy.Region, own: set[int], kind: int) -> Ranked:
    """How high the words of a thing are among all words, by map."""
    shares = follow.explanation.words_from(region)
    order = [share.index for share in shares]
    values = {share.index: share.share for share in shares}
    above = auroc(
        [values[index] for index in own], [values[index] for index in order if index not in own]
    )
    back = None
    if follow.explanation[kind].box is not None:
        again = follow.explanation.words_from(follow.explanation[kind].region())
        back = float(again[0].index == kind)
    found = len(own & set(order[: len(own)])) / len(own)
    return Ranked(scene, float(order[0] in own), found, above, back)


def of_model(name: str, split: str, count: int) -> list[Ranked | Lost]:
    """All that is measured of one model."""
    explainer, data = seewhy.load(name), Testbed(split=split, count=str(count))
    found: list[Ranked | Lost] = []
    for number, id in enumerate(data.ids):
        sample = data.sample(id)
        follow = explainer.follow_up(
            sample.image, sample.prompt, answer=sample.answer, explain_prompt=False
        )
        truths = truths_of(follow, sample.annotate(follow.explanation.answer))
        found += measure(number, follow, truths, sample.masks)
        print(f"{name}: {number + 1} of {count} scenes", end="\r", flush=True)
    print()
    return found


def interval(
    rows: Sequence[Any], value: Callable[[Sequence[Any]], float]
) -> tuple[float, float, float]:
    """A figure with its 95 % interval, over scenes."""
    by_scene: dict[int, list[Any]] = {}
    for row in rows:
        by_scene.setdefault(row.scene, []).append(row)
    groups, rng = list(by_scene.values()), np.random.default_rng(0)
    drawn = []
    for _ in range(RESAMPLES if len(groups) > 1 else 1):
        chosen = rng.integers(len(groups), size=len(groups))
        drawn.append(value([row for index in chosen for row in groups[index]]))
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return value(rows), float(low), float(high)


def per_cent(figure: tuple[float, float, float]) -> str:
    """Such as "94 [91, 97]"."""
    value, low, high = (100 * number for number in figure)
    return f"{value:.0f} [{low:.0f}, {high:.0f}]"


def map_rows(found: dict[str, list[Ranked | Lost]]) -> Iterator[str]:
    """Lines of the table of rankings."""
    yield "| model | things | own word first | own words found | AUROC | word first again |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for name, rows in found.items():
        things = [row for row in rows if isinstance(row, Ranked)]
        back = [row for row in things if row.back is not None]
        figures = (
            interval(things, lambda rows: float(np.mean([row.first for row in rows]))),
            interval(things, lambda rows: float(np.mean([row.found for row in rows]))),
            interval(things, lambda rows: float(np.mean([row.auroc for row in rows]))),
            interval(back, lambda rows: float(np.mean([row.back for row in rows]))),
        )
        yield f"| {name} | {len(things)} | {' | '.join(map(per_cent, figures))} |"


def effect_rows(found: dict[str, list[Ranked | Lost]]) -> Iterator[str]:
    """Lines of the table of losses."""
    yield (
        f"| model | fill | words | n | own lose {LOST:g} nats | own, median nats | "
        f"elsewhere erased, mean nats | others lose {LOST:g} nats | AUROC |"
    )
    yield "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for name, rows in found.items():
        losses = [row for row in rows if isinstance(row, Lost)]
        for fill in FILLS:
            for role, repeats in (("kind", False), ("colour", False), ("kind", True)):
                chosen = [
                    row
                    for row in losses
                    if (row.fill, row.role, row.repeats) == (fill, role, repeats)
                ]
                own = [row for row in chosen if row.own]
                if own:
                    words = f"{role}s, {'said again' if repeats else 'first mentions'}"
                    yield f"| {name} | {fill} | {words} | {_cells(chosen, own)} |"


def _cells(chosen: Sequence[Lost], own: Sequence[Lost]) -> str:
    def losing(rows: Sequence[Lost]) -> float:
        return float(np.mean([row.lost >= LOST for row in rows])) if rows else float("nan")

    def apart(rows: Sequence[Lost]) -> float:
        return auroc([r.lost for r in rows if r.own], [r.lost for r in rows if not r.own])

    controls = [row.control for row in own if row.control is not None]
    others = [row for row in chosen if not row.own]
    return " | ".join(
        (
            str(len(own)),
            per_cent(interval(own, losing)),
            f"{np.median([row.lost for row in own]):.2f}",
            f"{np.mean(controls):.2f}" if controls else "",
            per_cent(interval(others, losing)) if others else "",
            per_cent(interval(chosen, apart)),
        )
    )


def compact(row: Ranked | Lost) -> list[Any]:
    """A row's values in the order of its fields, rounded."""
    values = asdict(row).values()
    return [round(value, 4) if isinstance(value, float) else value for value in values]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description="Do words come from the regions that they name?")
    parser.add_argument("--count", type=int, default=100, help="scenes of each model")
    parser.add_argument("--split", default="heldout", choices=("train", "heldout", "unseen"))
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ShippedModelWarning)
    found = {name: of_model(name, arguments.split, arguments.count) for name in arguments.models}
    page = [
        "# Do words come from the regions that they name?",
        "",
        f"`python benchmarks/regions.py --count {arguments.count}`: the first {arguments.count} "
        f"{arguments.split} scenes, right captions given, on {environment()['processor']}. In per "
        "cent with 95 % intervals over scenes, nats where it says so.",
        "",
        "By map, `words_from(mask of a thing)`:",
        "",
        *map_rows(found),
        "",
        "By intervention, `effect(mask of a thing)`; the thing is erased:",
        "",
        *effect_rows(found),
    ]
    text = "\n".join(page) + "\n"
    print(text)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "regions.md").write_text(text, "utf-8")
    rows = {
        name: {
            kind.__name__.lower(): [compact(row) for row in rows if isinstance(row, kind)]
            for kind in (Ranked, Lost)
        }
        for name, rows in found.items()
    }
    facts = {
        "environment": environment(),
        "count": arguments.count,
        "split": arguments.split,
        "columns": {
            kind.__name__.lower(): [field.name for field in fields(kind)] for kind in (Ranked, Lost)
        },
    }
    (arguments.out / "regions.json").write_text(json.dumps({**facts, "models": rows}), "utf-8")


if __name__ == "__main__":
    main()

"""Tables of scenes of emoji: of the suites whose names begin with `emoji-`, and of other scripts.

Each function is one table, which a page names by `<!-- table: NAME -->`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from result_cells import (
    DETECTION,
    Row,
    difference,
    factor,
    judged,
    places,
    plain,
    short,
    table,
)

from seewhy.methods import DEFAULT, FALLBACK

RESULTS = Path(__file__).parent / "results"
EMOJI_SUITES = (
    *("emoji-claims", "emoji-readings", "emoji-faithfulness", "emoji-methods"),
    *("emoji-ablation", "emoji-ablation-fine", "emoji-composed", "emoji-context"),
    *("emoji-hallucination", "emoji-habit", "emoji-sanity", "emoji-cost"),
)
"""Suites of the bench on scenes of emoji."""

EMOJI_FAMILIES = {
    "smol-qwen2-vl": "Qwen2-VL",
    "smol-llava": "LLaVA",
    "smol-internvl": "InternVL",
}
FIT = {
    "f1-iou": "F1-IoU ↑",
    "f1-iou@0.5": "at 0.5 ↑",
    "auc": "AUC ↑",
    "pointing-game": "pointing ↑",
}
"""How well maps fit things: figures, and their heads."""

SANITY = {
    "randomised-head": "head random ↓",
    "randomised-language": "language model random ↓",
    "randomised-all": "all random ↓",
    "other-label": "other word ↓",
    "noise-spearman": "noise ↑",
}
USUAL = "k = 50, p = 0.9"
"""The setting of rank-biased overlap in `agreement.json`."""

PHOTOGRAPHED = {"": "all", "drawn": "also in the scenes", "other": "not in the scenes"}
"""Groups of categories of photographs."""


class EmojiTables:
    """The tables, from rows and from the results of other scripts."""

    rows: dict[tuple[str, str, str, str, str], Row]

    def _marked(self, row: Row) -> str:
        raise NotImplementedError

    def _methods_with_maps(self, suite: str) -> list[str]:
        raise NotImplementedError

    def emoji(self) -> str:
        """Every method of `emoji-claims` with intervals: overlap, AUC, pointing."""
        return self._with_intervals("emoji-claims", FIT)

    def emoji_short(self) -> str:
        """The methods of the README."""
        figures = {"f1-iou": "F1-IoU ↑", "auc": "AUC ↑", "pointing-game": "pointing ↑"}
        chosen = ("logit-lens", "tam", "arc", "intra-modal", FALLBACK, DEFAULT)
        return self._with_intervals("emoji-claims", figures, chosen)

    def emoji_claims(self) -> str:
        """The paper's claim in every reading, on scenes of emoji: overlap."""
        figures = {
            "f1-iou": "F1-IoU ↑",
            "f1-iou@0.5": "F1-IoU at 0.5 ↑",
            "auc": "AUC ↑",
            "pointing-game": "pointing ↑",
        }
        claims = []
        for suite in ("emoji-claims", "emoji-readings"):
            for method in self._methods_with_maps(suite):
                if method.startswith("intra-modal"):
                    window = "tam(window=None)" if "window=None" in method else "tam"
                    # Both readings without the filter are compared with TAM without it, where that
                    # was measured.
                    known = (suite, window) in {key[:2] for key in self.rows}
                    claims.append((suite, method, window if known else "tam"))
        return self._emoji_contrasts(claims, figures)

    def emoji_faithfulness(self) -> str:
        """Insertion and deletion on scenes of emoji, and differences to TAM."""
        figures = {
            "deletion": "deletion ↓",
            "deletion-nats": "deletion, nats ↓",
            "insertion": "insertion ↑",
            "insertion-nats": "insertion, nats ↑",
        }
        return self._with_intervals("emoji-faithfulness", figures)

    def emoji_faithfulness_claims(self) -> str:
        """The paper's claim in insertion and deletion."""
        figures = {
            "deletion": "deletion ↓",
            "deletion-nats": "deletion, nats ↓",
            "insertion": "insertion ↑",
            "insertion-nats": "insertion, nats ↑",
        }
        suite = "emoji-faithfulness"
        methods = [m for m in self._methods_with_maps(suite) if m not in ("tam", "random")]
        return self._emoji_contrasts([(suite, method, "tam") for method in methods], figures)

    def emoji_methods(self) -> str:
        """Baselines with gradients beside `corroborated` and the default."""
        figures = {"f1-iou": "F1-IoU ↑", "auc": "AUC ↑", "pointing-game": "pointing ↑"}
        return self._with_intervals("emoji-methods", figures)

    def emoji_ablation(self) -> str:
        """Differences to the paper's method on grids of 12 x 12 and of 24 x 24 cells."""
        grids = {"emoji-ablation": "12 x 12", "emoji-ablation-fine": "24 x 24"}
        figures = {"f1-iou": "F1-IoU ↑", "auc": "AUC ↑"}
        body = []
        methods = dict.fromkeys(m for suite in grids for m in self._methods_with_maps(suite))
        for model, family in self._emoji_models(*grids).items():
            for method in methods:
                line = [family, f"`{method}`"]
                for suite in grids:
                    for figure in figures:
                        row = self.rows.get((suite, "intra-modal", model, method, figure))
                        same = method == "intra-modal"
                        line.append("" if row is None else plain(row) if same else difference(row))
                body.append(line)
        head = [f"{name}: {figure}" for name in grids.values() for figure in figures.values()]
        return table(["family", "method", *head], body)

    def emoji_composed(self) -> str:
        """What MSEA and ARC change with a few bases."""
        figures = {"f1-iou": "F1-IoU ↑", "auc": "AUC ↑"}
        return self._with_intervals("emoji-composed", figures)

    def emoji_context(self) -> str:
        """How a word's probability falls and rises with the context that a method ranks high."""
        figures = {"context-deletion": "deletion ↓", "context-insertion": "insertion ↑"}
        return self._with_intervals("emoji-context", figures)

    def emoji_sanity(self) -> str:
        """Similarity of maps under changes that should, and should not, affect them."""
        return self._with_intervals("emoji-sanity", SANITY, percent=False)

    def emoji_costs(self) -> str:
        """The cost of an explanation compared with generation."""
        figures = {
            "forward": "rows forward",
            "backward": "backward",
            "seconds-ratio": "time",
            "memory-ratio": "memory",
        }
        body = []
        for model, family in self._emoji_models("emoji-cost").items():
            for method in self._methods_with_maps("emoji-cost"):
                rows = [self._any("emoji-cost", model, method, figure) for figure in figures]
                cells = ["" if row is None else short(row.value) for row in rows]
                body.append([family, f"`{method}`", *cells])
        return table(["family", "method", *figures.values()], body)

    def emoji_scenes(self) -> str:
        """The number of scenes behind the figures of each suite."""
        body = []
        for suite in EMOJI_SUITES:
            for model, family in self._emoji_models(suite).items():
                rows = [r for r in self.rows.values() if (r.suite, r.model) == (suite, model)]
                body.append([f"`{suite}`", family, str(max(row.samples for row in rows))])
        return table(["suite", "family", "scenes"], body)

    def agreement(self) -> str:
        """How far rankings agree, and how well that tells words of one thing from others."""
        head = ["model", "scenes", "mean agreement", "pairs above 0.5, %"]
        head += ["two different things", "a thing and its own attribute"]
        head += [
            "AUROC of the agreement, %",
            "of things and attributes alone, %",
            "at equal distance, %",
        ]
        body = []
        for found in read_json("agreement.json"):
            usual, tells = found["settings"][USUAL], found["tells"][USUAL]
            groups = found["groups"]
            body.append(
                [
                    f"`{found['model']}`",
                    str(found["scenes"]),
                    with_interval(usual, 1, 2),
                    with_interval(usual["above half"], 100, 1),
                    *(with_interval(groups[name], 1, 2) for name in head[4:6]),
                    *(with_interval(value, 100, 1) for value in tells.values()),
                ]
            )
        return table(head, body)

    def agreement_settings(self) -> str:
        """The same by k, p and layer."""
        head = ["model", "setting", "mean agreement", "pairs above 0.5, %"]
        head += ["AUROC, %", "of things and attributes alone, %", "at equal distance, %"]
        body = []
        for found in read_json("agreement.json"):
            layers = {f"layer {name}": figure for name, figure in found["layers"].items()}
            for setting, figure in {**found["settings"], **layers}.items():
                tells = found["tells"][setting.removeprefix("layer ")]
                body.append(
                    [
                        f"`{found['model']}`",
                        setting,
                        with_interval(figure, 1, 2),
                        with_interval(figure["above half"], 100, 1),
                        *(with_interval(value, 100, 1) for value in tells.values()),
                    ]
                )
        return table(head, body)

    def leak(self) -> str:
        """How much of a word's map lies on other things, before and after removal."""
        figures = {
            "leak others": ("leak", 1, 2),
            "leak before": ("on things named before", 1, 2),
            "leak later": ("on things not yet named", 1, 2),
            "kept": ("own - ground kept, %", 100, 0),
            "auc gained": ("AUC gained", 100, 1),
        }
        body = []
        for found in read_json("leak.json"):
            for number, (name, row) in enumerate(found["rows"].items()):
                cells = [
                    ""
                    if not number and key in ("kept", "auc gained")
                    else with_interval(row[key], *how)
                    for key, (_, *how) in figures.items()
                ]
                scenes = str(row["scenes"])
                body.append([f"`{found['model']}`", scenes, name, *cells])
        heads = [head for head, *_ in figures.values()]
        return table(["model", "scenes", "weights of earlier words", *heads], body)

    def invented(self) -> str:
        """Scores of untrue words in own answers."""
        body = []
        for found in read_json("invented.json"):
            own = [entry for entry in found["detection"] if entry["group"] == "all"]
            for entry in sorted(own, key=lambda entry: -entry["auroc"][0]):
                cells = [ends_of(entry[name]) for name in DETECTION]
                counts = [str(entry["words"]), str(entry["untrue"])]
                method, _, score = entry["score"].partition(": ")
                label = method if method in ("no map", "verdict") else f"`{method}`"
                body.append([f"`{found['model']}`", label, score, *counts, *cells])
        return table(["model", "method", "score", "words", "untrue", *DETECTION.values()], body)

    def invented_rates(self) -> str:
        """How many of the decided words in own answers are untrue."""
        body = []
        for found in read_json("invented.json"):
            for role, rate in found["rates"].items():
                ends = ends_of([rate[end] for end in ("value", "low", "high")])
                scenes = str(found["scenes"])
                body.append([f"`{found['model']}`", scenes, role, str(rate["words"]), ends])
        return table(["model", "scenes", "words", "decided", "untrue, %"], body)

    def misread(self) -> str:
        """Whether untrue words of kinds lie on things, and whether their place says them."""
        heads = {
            "on a thing": "brightest place on a thing, %",
            "rank 1": "likeliest word there, %",
            "rank 10": "among the 10 likeliest, %",
        }
        body = [
            [f"`{found['model']}`", str(found["scenes"]), group, str(found[group]["words"])]
            + [with_interval(found[group].get(name), 100, 0) for name in heads]
            for found in read_json("misread.json")
            for group in ("untrue", "true")
        ]
        return table(["model", "scenes", "words of kinds", "number", *heads.values()], body)

    def finer_grid(self) -> str:
        """The paper's second reading beside TAM on the same grid."""
        results = read_json("finer_grid.json")
        body = [
            [f"`{row['method']}` above `{row['reference']}`", f"`{found['model']}`"]
            + [told_difference(row[name]) for name in FIT]
            + [str(found["scenes"])]
            for rows in zip(*(found["rows"] for found in results), strict=True)
            for found, row in zip(results, rows, strict=True)
        ]
        return table(["", "model", *FIT.values(), "scenes"], body)

    def photographs(self) -> str:
        """Maps on photographs."""
        figures = ("f1-iou", "auc", "pointing-game")
        body = []
        for found in read_json("photographs.json"):
            for group, name in PHOTOGRAPHED.items():
                own = [row for row in found["rows"] if row["group"] == group]
                for method in dict.fromkeys(row["method"] for row in own):
                    rows = {row["figure"]: row for row in own if row["method"] == method}
                    cells = [with_interval(rows[f], 100, 1) if f in rows else "" for f in figures]
                    words = str(rows["auc"]["words"]) if "auc" in rows else ""
                    body.append([f"`{found['model']}`", name, words, f"`{method}`", *cells])
        heads = ["model", "categories", "words", "method", "F1-IoU ↑", "AUC ↑", "pointing ↑"]
        return table(heads, body)

    def _emoji_models(self, *suites: str) -> dict[str, str]:
        """The models of some suites, and their families."""
        models = dict.fromkeys(key[2] for key in self.rows if key[0] in suites)
        return {model: EMOJI_FAMILIES.get(model, model) for model in models}

    def _measured(self, suites: Sequence[str], figures: dict[str, str]) -> dict[str, str]:
        """Those of some figures that were measured."""
        known = {key[4] for key in self.rows if key[0] in suites}
        return {name: head for name, head in figures.items() if name in known}

    def _any(self, suite: str, model: str, method: str, figure: str) -> Row | None:
        """A figure with the first reference of its suite."""
        rows = self.rows.items()
        wanted = (suite, model, method, figure)
        return next((row for key, row in rows if (key[0], *key[2:]) == wanted), None)

    def _with_intervals(
        self,
        suite: str,
        figures: dict[str, str],
        chosen: Sequence[str] | None = None,
        *,
        percent: bool = True,
    ) -> str:
        """Figures of methods with their intervals, and the number of scenes."""
        figures = self._measured((suite,), figures)
        body = []
        for model, family in self._emoji_models(suite).items():
            for method in self._methods_with_maps(suite):
                if chosen is not None and method not in chosen:
                    continue
                rows = [self._any(suite, model, method, figure) for figure in figures]
                cells = ["" if row is None else self._valued(row, percent) for row in rows]
                scenes = max((row.samples for row in rows if row is not None), default=0)
                body.append([family, f"`{method}`", *cells, str(scenes)])
        return table(["family", "method", *figures.values(), "scenes"], body)

    def _valued(self, row: Row, percent: bool) -> str:
        times, digits = (factor(row), places(row)) if percent else (1, 2)
        ends = (f"{times * end:.{digits}f}" for end in (row.low, row.high))
        value = self._marked(row) if percent else f"{row.value:.2f}"
        return f"{value} [{', '.join(ends)}]".replace("-", "−")

    def _emoji_contrasts(
        self, claims: Iterable[tuple[str, str, str]], figures: dict[str, str]
    ) -> str:
        """Differences of methods to a reference, with verdicts."""
        claims = list(claims)
        figures = self._measured([suite for suite, *_ in claims], figures)
        body = []
        for suite, method, reference in claims:
            for model, family in self._emoji_models(suite).items():
                rows = [self.rows.get((suite, reference, model, method, name)) for name in figures]
                cells = ["" if row is None else judged(row) for row in rows]
                scenes = max((row.samples for row in rows if row is not None), default=0)
                body.append([f"`{method}` above `{reference}`", family, *cells, str(scenes)])
        return table(["", "family", *figures.values(), "scenes"], body)


def read_json(name: str) -> list[dict[str, Any]]:
    """The results of a script, one entry for each model; none if there are none yet."""
    path = RESULTS / name
    return json.loads(path.read_text("utf-8")) if path.exists() else []


def with_interval(figure: dict[str, Any] | None, times: int, digits: int) -> str:
    """A value with its interval; "" without one."""
    if figure is None:
        return ""
    ends = (f"{times * figure[end]:.{digits}f}" for end in ("value", "low", "high"))
    value, low, high = ends
    return f"{value} [{low}, {high}]".replace("-", "−")


def told_difference(figure: dict[str, float]) -> str:
    """A difference of which more is better, per cent, with its interval and a verdict."""
    value, low, high = (f"{100 * figure[end]:+.1f}" for end in ("value", "low", "high"))
    told = "yes" if figure["low"] > 0 else "**no**" if figure["high"] < 0 else "open"
    return f"{value} [{low}, {high}] {told}".replace("-", "−")


def ends_of(figure: Sequence[float]) -> str:
    """A value with its interval, per cent."""
    value, low, high = (f"{100 * end:.1f}" for end in figure)
    return f"{value} [{low}, {high}]"

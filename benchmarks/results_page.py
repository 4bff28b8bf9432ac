"""The results of the bench as tables for the README and docs/results.md.

    make answers                                   # runs the suites (hours), then this script
    python benchmarks/results_page.py out/answers  # reads their results, writes answers.csv, tables
    python benchmarks/results_page.py              # writes the tables again from answers.csv
    python benchmarks/results_page.py --check      # fails if the pages are out of date

`results/answers.csv` has every figure of the tables, with its 95 % interval and its paired
difference to a reference, as computed by `seewhy.bench.cells`. In the pages, each table is
between `<!-- table: NAME -->` and `<!-- end -->`, and each note on how they were measured
between `<!-- note: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from emoji_tables import EMOJI_SUITES, FIT, EmojiTables
from result_cells import (
    DETECTION,
    Row,
    advantage,
    difference,
    factor,
    is_comparable,
    percent,
    places,
    plain,
    read,
    short,
    sign,
    table,
    verdict,
    write,
)

from seewhy.bench.cells import breakdown, cells
from seewhy.bench.reading import read_results
from seewhy.bench.results import Column, Results
from seewhy.bench.suites import CONTEXT_CURVES, PIXEL_CURVES, compose, light_bases
from seewhy.methods import DEFAULT, FALLBACK

ROOT = Path(__file__).parents[1]
TABLE = Path(__file__).parent / "results" / "answers.csv"
OVERLAP = Path(__file__).parent / "results" / "overlap.json"
"""When overlap was measured anew, and of which methods of each suite; see `overlap.py`."""
PAGES = (
    ROOT / "README.md",
    *(ROOT / "docs" / name for name in ("results.md", "logit-shares.md")),
)

REFERENCES = {
    "claims": ("tam", "intra-modal", FALLBACK),
    "readings": ("tam", "tam(window=None)"),
    "shares": (DEFAULT,),
    "ablation": ("intra-modal", FALLBACK),
    "hallucination": ("intra-modal",),
    "paper": ("tam",),
    "cost": ("tam",),
    "sanity": ("tam",),
    "context": ("tam", "random"),
    "composed": ("logit-lens", *light_bases()),
    "emoji-claims": ("tam", "tam(published=True)", "tam(window=None)", DEFAULT),
    "emoji-readings": ("tam", "tam(published=True)", "tam(window=None)"),
    "emoji-faithfulness": ("tam", DEFAULT),
    "emoji-methods": (DEFAULT, "tam"),
    "emoji-ablation": ("intra-modal", FALLBACK),
    "emoji-ablation-fine": ("intra-modal", FALLBACK),
    "emoji-composed": ("logit-lens", DEFAULT, "attention"),
    "emoji-context": ("tam",),
    "emoji-hallucination": (DEFAULT,),
    "emoji-habit": (DEFAULT,),
    "emoji-sanity": ("tam",),
    "emoji-cost": ("tam",),
}
"""The reference methods of each suite."""
FILLED = tuple(f"{curve}(fill={fill})" for curve in PIXEL_CURVES for fill in ("mean", "noise"))
FIGURES = {
    "claims": (
        *("object-iou", "function-iou", "f1-iou", "f1-iou@0.5"),
        *("auc", "insertion", "deletion", *FILLED),
    ),
    "readings": ("object-iou", "function-iou", "f1-iou", "f1-iou@0.5", "pointing-game", "auc"),
    "shares": (
        *("object-iou", "function-iou", "f1-iou", "f1-iou@0.5", "pointing-game", "auc"),
        *(f"{curve}{unit}" for curve in PIXEL_CURVES for unit in ("", "-nats")),
    ),
    "ablation": ("object-iou", "function-iou", "f1-iou", "deletion"),
    "hallucination": (),
    "paper": (),
    "cost": (),
    "sanity": (),
    "context": CONTEXT_CURVES,
    "composed": ("object-iou", "function-iou", "f1-iou", "deletion"),
    **dict.fromkeys(EMOJI_SUITES, ()),
}
"""The stored figures of each suite; empty for all."""
GROUPED = {"claims": "intra-modal"}
"""The suites with stored groups of words, and the reference of the groups."""
FAMILIES = {
    "tiny-qwen2-vl": "Qwen2-VL",
    "tiny-llava": "LLaVA",
    "tiny-internvl": "InternVL",
}
PAPER_CLAIM = ("the paper's claim: `intra-modal` above `tam`", "intra-modal", "tam")
OUR_CLAIMS = (
    ("`corroborated` above `intra-modal`", "corroborated", "intra-modal"),
    (f"`corroborated` above `{FALLBACK}`", "corroborated", FALLBACK),
)
"""Claims on the paper's method and on ours: text, method, reference."""

SHARES = {
    "f1-iou": "F1-IoU ↑",
    "f1-iou@0.5": "at 0.5 ↑",
    "function-iou": "Func-IoU ↑",
    "auc": "AUC ↑",
    "pointing-game": "pointing ↑",
    "deletion": "deletion ↓",
    "deletion-nats": "nats ↓",
    "insertion": "insertion ↑",
}
"""The figures of the default method's page, and their heads."""

MEASURED = ("value", "low", "high", "difference", "difference_low", "difference_high")


def collected(folder: Path) -> list[Row]:
    """The rows of all suites in a folder."""
    rows = []
    for suite, references in REFERENCES.items():
        if (folder / suite).is_dir():
            results = read_results(folder / suite)
            if results.left_out:
                raise SystemExit(
                    f"Expected one run in {folder / suite}, got earlier ones with "
                    f"{', '.join(results.left_out)}: measure all of them in one run."
                )
            for reference in references:
                rows += _of_suite(replace(results, reference=reference), suite)
    return rows


def merged(earlier: Sequence[Row], rows: Sequence[Row]) -> list[Row]:
    """Earlier rows, but for those of a suite and model that was measured anew, and the new ones."""
    new = {(row.suite, row.model) for row in rows}
    return [row for row in earlier if (row.suite, row.model) not in new] + list(rows)


def _of_suite(results: Results, suite: str) -> Iterable[Row]:
    reference, stored = results.reference, FIGURES[suite]
    if suite == "composed":
        results = replace(results, methods=(reference, *composed_of(reference)))
    grouped = breakdown(results) if reference == GROUPED.get(suite) else ()
    for cell in (*cells(results), *grouped):
        figure = _figure(cell.column)
        if cell.column.curve and not figure.startswith("said@"):
            continue
        if (stored and figure not in stored) or (cell.group and figure in FILLED):
            continue
        yield Row(
            suite=suite,
            model=cell.model,
            method=cell.method,
            figure=figure,
            group=cell.group,
            samples=cell.samples,
            reference=reference,
            **{name: _digits(getattr(cell, name)) for name in MEASURED},
        )


def composed_of(base: str) -> tuple[str, ...]:
    """The labels of MSEA and ARC with a base, in the suite `composed`."""
    # The logit lens is their default base, which labels omit.
    return ("msea", "arc") if base == "logit-lens" else compose((base,))


def _figure(column: Column) -> str:
    _, bracket, parameters = column.metric.partition("(")
    return column.name + bracket + parameters


def _digits(value: float | None) -> float:
    return float("nan") if value is None else round(value, 6)


class Tables(EmojiTables):
    """The tables, from rows."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = {
            (r.suite, r.reference, r.model, r.method, r.figure): r for r in rows if not r.group
        }
        self.groups = {(r.group, r.model, r.method, r.figure): r for r in rows if r.group}

    def methods(self, suite: str) -> list[str]:
        """The methods of a suite, in the order of the run."""
        return list(dict.fromkeys(key[3] for key in self.rows if key[0] == suite))

    def headline(self) -> str:
        """Every method of `claims`: overlap and faithfulness on each family."""
        figures = {"f1-iou": "F1-IoU ↑", "deletion": "deletion ↓"}
        return self._families("claims", "intra-modal", figures)

    def _marked(self, row: Row) -> str:
        """The value in per cent, bold where no method has a better one."""
        rows = [r for key, r in self.rows.items() if is_comparable(key, row)]
        best = max(sign(row) * r.value for r in rows)
        value = f"{factor(row) * row.value:.{places(row)}f}"
        return f"**{value}**" if sign(row) * row.value == best else value

    def claims(self) -> str:
        """The comparisons on each family, with intervals and a verdict."""
        figures = {"f1-iou": "F1-IoU ↑", "deletion": "deletion ↓", "insertion": "insertion ↑"}
        claims = (
            PAPER_CLAIM,
            (f"`{FALLBACK}` above `tam`", FALLBACK, "tam"),
            (f"`{FALLBACK}` above `intra-modal`", FALLBACK, "intra-modal"),
            *OUR_CLAIMS,
        )
        return self._contrasts("claims", claims, figures)

    def readings(self) -> str:
        """Both readings of the paper's aggregation above TAM, each with or without the filter."""
        claims = []
        for method in self.methods("readings"):
            if method.startswith("intra-modal"):
                reference = "tam(window=None)" if "window=None" in method else "tam"
                claims.append((f"`{method}` above `{reference}`", method, reference))
        return self._contrasts("readings", claims, FIT)

    def fills(self) -> str:
        """The same for the paper's method and ours with other fills than blur."""
        heads = {"deletion": "deletion, {} ↓", "insertion": "insertion, {} ↑"}
        figures = {
            f"{curve}(fill={fill})": head.format(fill)
            for curve, head in heads.items()
            for fill in ("mean", "noise")
        }
        return self._contrasts("claims", (PAPER_CLAIM, *OUR_CLAIMS), figures)

    def fixed(self) -> str:
        """F1-IoU at the fixed threshold of 0.5."""
        return self._grid("claims", "intra-modal", "f1-iou@0.5")

    def fixed_claims(self) -> str:
        """The comparisons at that threshold."""
        return self._contrasts(
            "claims", (PAPER_CLAIM, *OUR_CLAIMS), {"f1-iou@0.5": "F1-IoU at 0.5 ↑"}
        )

    def leaning(self) -> str:
        """The comparisons of context relevances."""
        figures = {"context-deletion": "deletion ↓", "context-insertion": "insertion ↑"}
        claims = (
            ("`tam` above `random`", "tam", "random"),
            ("`arc` above `tam`", "arc", "tam"),
            ("`attn-lrp` above `tam`", "attn-lrp", "tam"),
            ("`corroborated` above `tam`", "corroborated", "tam"),
        )
        return self._contrasts("context", claims, figures)

    def _contrasts(
        self, suite: str, claims: Iterable[tuple[str, str, str]], figures: dict[str, str]
    ) -> str:
        body = []
        for text, method, reference in claims:
            for model, family in FAMILIES.items():
                rows = [self.rows[suite, reference, model, method, name] for name in figures]
                body.append([text, family, *(f"{difference(row)} {verdict(row)}" for row in rows)])
        return table(["", "family", *figures.values()], body)

    def context(self) -> str:
        """How a word's probability falls and rises with the context that a method ranks high."""
        figures = {"context-deletion": "deletion ↓", "context-insertion": "insertion ↑"}
        return self._families("context", "tam", figures)

    def composed(self) -> str:
        """What MSEA and ARC change with each base."""
        body = []
        for base in REFERENCES["composed"]:
            for model, family in FAMILIES.items():
                line = [f"`{base}`", family]
                for figure in ("f1-iou", "deletion"):
                    by_method = {
                        method: self.rows.get(("composed", base, model, method, figure))
                        for method in (base, *composed_of(base))
                    }
                    line += [
                        "" if row is None else plain(row) if method == base else difference(row)
                        for method, row in by_method.items()
                    ]
                body.append(line)
        head = ["base", "family", "F1-IoU ↑", "with MSEA", "with ARC"]
        return table([*head, "deletion ↓", "with MSEA", "with ARC"], body)

    def ablation(self) -> str:
        """Differences to the paper's method: F1-IoU and deletion on each family."""
        head = ["method"]
        for name in FAMILIES.values():
            head += [f"{name} F1-IoU ↑", "deletion ↓"]
        body = []
        for method in self.methods("ablation"):
            line = [f"`{method}`"]
            for model in FAMILIES:
                for figure in ("f1-iou", "deletion"):
                    row = self.rows.get(("ablation", "intra-modal", model, method, figure))
                    same = method == "intra-modal"
                    line.append("" if row is None else plain(row) if same else difference(row))
            body.append(line)
        return table(head, body)

    def hallucination(self) -> str:
        """How well scores detect unsupported words: a table for each biased model."""
        return self._detection("hallucination")

    def emoji_habit(self) -> str:
        """How well scores detect what the habit of a smol model adds."""
        return self._detection("emoji-habit")

    def _detection(self, suite: str) -> str:
        rows = [row for row in self.rows.values() if row.suite == suite]
        parts = []
        for model in dict.fromkeys(row.model for row in rows):
            found = _by_score([row for row in rows if row.model == model])
            lines = [
                [
                    f"`{method}`" if method != "(model)" else "no map",
                    score,
                    *(percent(figures.get(name)) for name in DETECTION),
                ]
                for (method, score), figures in found.items()
            ]
            lines.sort(key=lambda line: -float(line[2].split()[0] or "nan"))
            parts += [f"**`{model}`**", table(["method", "score", *DETECTION.values()], lines)]
        return "\n\n".join(parts)

    def shares(self) -> str:
        """The default method and others: overlap and faithfulness on each family."""
        body = []
        for model, family in FAMILIES.items():
            for method in self._methods_with_maps("shares"):
                rows = [self.rows.get(("shares", DEFAULT, model, method, n)) for n in SHARES]
                cells = ["" if row is None else self._marked(row) for row in rows]
                body.append([family, f"`{method}`", *cells])
        return table(["family", "method", *SHARES.values()], body)

    def shares_short(self) -> str:
        """The default method and the strongest others, in one row each."""
        figures = {
            "f1-iou": "F1-IoU ↑",
            "f1-iou@0.5": "at 0.5 ↑",
            "deletion": "deletion ↓",
            "deletion-nats": "nats ↓",
        }
        return self._families("shares", DEFAULT, figures)

    def shares_best(self) -> str:
        """How much better the default is than the best other method of each figure."""
        figures = {"f1-iou": "F1-IoU", "f1-iou@0.5": "F1-IoU at 0.5", "deletion": "deletion"}
        body = []
        for figure, head in figures.items():
            for model, family in FAMILIES.items():
                rows = [
                    row
                    for method in self._methods_with_maps("shares")
                    # Variants of the default are not other methods.
                    if DEFAULT not in method
                    and (row := self.rows.get(("shares", DEFAULT, model, method, figure)))
                ]
                best = max(rows, key=lambda row: sign(row) * row.value)
                body.append([head, family, f"`{best.method}`", advantage(best)])
        return table(["figure", "family", "best other", "the default is better by"], body)

    def claims_short(self) -> str:
        """The comparisons of the README: overlap at both thresholds, and deletion."""
        figures = {
            "f1-iou": "F1-IoU ↑",
            "f1-iou@0.5": "F1-IoU at 0.5 ↑",
            "deletion": "deletion ↓",
        }
        claims = (
            PAPER_CLAIM,
            (f"`{FALLBACK}` above `intra-modal`", FALLBACK, "intra-modal"),
            OUR_CLAIMS[1],
        )
        return self._contrasts("claims", claims, figures)

    def samples(self) -> str:
        """The number of scenes behind each figure of the default's tables."""
        figures = ("f1-iou", "f1-iou@0.5", "deletion", "deletion-nats")
        body = []
        for suite, reference in (("claims", "tam"), ("shares", DEFAULT)):
            for figure in figures:
                keys = [(suite, reference, m, "attn-lrp", figure) for m in FAMILIES]
                rows = [self.rows[key] for key in keys if key in self.rows]
                if rows:
                    body.append([f"`{suite}`", figure, *(str(row.samples) for row in rows)])
        return table(["suite", "figure", *FAMILIES.values()], body)

    def overlap_note(self) -> str:
        """Which definition of overlap the tables hold."""
        if not OVERLAP.exists():
            return (
                "**Func-IoU and F1-IoU here, also those at 0.5, are of an earlier definition** and "
                "have not been measured anew: Func-IoU with the mean of Otsu's thresholds over "
                "tokens on resized maps, 0.5 on the scale that a map shares with the text's "
                "scores. TAM's own definition, which the bench measures now, gives 0.3 points less "
                "to 1.9 more F1-IoU on 20 scenes of Qwen2-VL, and 0.5 of the answer's scale gives "
                "several times more where maps were faint."
            )
        state = json.loads(OVERLAP.read_text("utf-8"))
        without = {suite: names for suite, names in state["without"].items() if names}
        text = f"Overlap was measured anew on {state['measured']}, as TAM's code evaluates it."
        if without:
            listed = "; ".join(
                f"`{suite}`: {', '.join(n if n == 'all' else f'`{n}`' for n in names)}"
                for suite, names in without.items()
            )
            text += f" Methods that were not measured anew have no overlap ({listed})."
        return text

    def shares_claims(self) -> str:
        """How much better the default is than each other method."""
        body = []
        for method in self._methods_with_maps("shares"):
            for model, family in FAMILIES.items() if method != DEFAULT else ():
                rows = [self.rows.get(("shares", DEFAULT, model, method, n)) for n in SHARES]
                cells = ["" if row is None else advantage(row) for row in rows]
                body.append([f"`{method}`", family, *cells])
        return table(["method", "family", *(h[:-2] for h in SHARES.values())], body)

    def functions(self) -> str:
        """Func-IoU: how empty the maps of function words are."""
        return self._grid("claims", "intra-modal", "function-iou")

    def every(self) -> str:
        """F1-IoU, deletion and erasure of every method of the suite `paper`."""
        figures = {"f1-iou": "F1-IoU ↑", "deletion": "deletion ↓", "erased-over-random": "erased ↑"}
        return self._families("paper", "tam", figures)

    def _families(self, suite: str, reference: str, figures: dict[str, str]) -> str:
        """Some figures of all methods of a suite, family by family; the best are bold."""
        head = ["method"]
        for family in FAMILIES.values():
            first, *others = figures.values()
            head += [f"{family} {first}", *others]
        body = []
        for method in self._methods_with_maps(suite):
            line = [f"`{method}`"]
            for model in FAMILIES:
                for figure in figures:
                    row = self.rows.get((suite, reference, model, method, figure))
                    line.append("" if row is None else self._marked(row))
            body.append(line)
        return table(head, body)

    def costs(self) -> str:
        """The cost of an explanation compared with generation."""
        head = ["method", "rows forward", "backward"]
        head += [f"{name}: time" for name in FAMILIES.values()]
        head += [f"{name}: memory" for name in FAMILIES.values()]
        body = []
        for method in self._methods_with_maps("cost"):
            rows = [
                self.rows.get(("cost", "tam", model, method, figure))
                for figure, models in (
                    ("forward", ["tiny-qwen2-vl"]),
                    ("backward", ["tiny-qwen2-vl"]),
                    ("seconds-ratio", FAMILIES),
                    ("memory-ratio", FAMILIES),
                )
                for model in models
            ]
            body.append([f"`{method}`", *("" if row is None else short(row.value) for row in rows)])
        return table(head, body)

    def scales(self) -> str:
        """The share of words that the model still predicts at other scales."""
        figures = [f"said@{scale}" for scale in ("0.5", "0.75", "1", "1.25", "1.5", "2")]
        body = []
        for model, family in FAMILIES.items():
            rows = [self.rows.get(("paper", "tam", model, "(model)", name)) for name in figures]
            body.append([family, *("" if row is None else plain(row) for row in rows)])
        return table(["", *(name.partition("@")[2] for name in figures)], body)

    def sanity(self) -> str:
        """Similarity of maps under changes that should, and should not, affect them."""
        figures = {
            "randomised-head": "head random ↓",
            "randomised-language": "language model random ↓",
            "randomised-all": "all random ↓",
            "other-label": "other word ↓",
            "noise-spearman": "noise ↑",
            "repeat-difference": "repeated ↓",
        }
        body = []
        for method in self._methods_with_maps("sanity"):
            line = [f"`{method}`"]
            for figure in figures:
                rows = [
                    row
                    for model in FAMILIES
                    if (row := self.rows.get(("sanity", "tam", model, method, figure)))
                ]
                mean = sum(row.value for row in rows) / len(rows) if rows else None
                line.append("" if mean is None else f"{mean:.2f}")
            body.append(line)
        return table(["method", *figures.values()], body)

    def _methods_with_maps(self, suite: str) -> list[str]:
        return [method for method in self.methods(suite) if method != "(model)"]

    def _grid(self, suite: str, reference: str, figure: str) -> str:
        body = [
            [
                f"`{method}`",
                *(self._marked(self.rows[suite, reference, m, method, figure]) for m in FAMILIES),
            ]
            for method in self._methods_with_maps(suite)
        ]
        return table(["method", *FAMILIES.values()], body)

    def things(self) -> str:
        """Obj-IoU by the surroundings of an object."""
        return self._by("object-iou", ("distractor", "occluded", "size"))

    def roles(self) -> str:
        """AUC in the mask by the role of a word."""
        return self._by("auc", ("role",))

    def _by(self, figure: str, kinds: Sequence[str]) -> str:
        methods = ("tam", "intra-modal", FALLBACK, "attn-lrp", "corroborated")
        groups = dict.fromkeys(
            key[0] for key in self.groups if key[3] == figure and key[0].split(":")[0] in kinds
        )
        body = []
        for model, family in FAMILIES.items():
            for group in sorted(groups):
                rows = [self.groups.get((group, model, method, figure)) for method in methods]
                if all(rows):
                    body.append([family, group, *(plain(row) for row in rows if row)])
        return table(["family", "words", *(f"`{method}`" for method in methods)], body)

    def rendered(self, name: str) -> str:
        """A table by its name in the pages."""
        return getattr(self, name)()


def _by_score(rows: Sequence[Row]) -> dict[tuple[str, str], dict[str, Row]]:
    """By method and score the rows of each statistic, of the answers' own words."""
    found: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        statistic = next((name for name in DETECTION if row.figure.endswith(f"-{name}")), None)
        if statistic is not None and "-counterfactual-" not in row.figure:
            score = row.figure.removesuffix(f"-{statistic}")
            found.setdefault((row.method, score), {})[statistic] = row
    return found


PLACE = re.compile(r"(<!-- table: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
NOTE = re.compile(r"(<!-- note: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
FILE = re.compile(r"(<!-- file: (\S+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def filled(text: str, tables: Tables) -> str:
    """A page with its tables replaced, those of other scripts' results among them."""
    text = FILE.sub(lambda m: f"{m[1]}\n{_table_in(ROOT / m[2])}\n\n{m[4]}", text)
    for place in (PLACE, NOTE):
        text = place.sub(lambda m: f"{m[1]}\n{tables.rendered(m[2])}\n\n{m[4]}", text)
    return text


def _table_in(file: Path) -> str:
    """The table of a Markdown file."""
    return "\n".join(line for line in file.read_text("utf-8").splitlines() if line[:1] == "|")


def main() -> None:
    """Collect, write, or check."""
    parser = argparse.ArgumentParser(description="Tables of the bench's results.")
    parser.add_argument("results", type=Path, nargs="?", help="folder with a folder for each suite")
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    if arguments.results and arguments.check:
        parser.error("Expected results to read or --check, which writes nothing, got both.")
    if arguments.results:
        rows = collected(arguments.results)
        if not rows:
            sys.exit(
                f"Expected folders named {', '.join(REFERENCES)} in {arguments.results}, got none."
            )
        earlier = read(TABLE) if TABLE.exists() else []
        write(merged(earlier, rows), TABLE)
    tables = Tables(read(TABLE))
    stale = []
    for page in PAGES:
        text = page.read_text("utf-8")
        current = filled(text, tables)
        if current != text:
            stale.append(page.name)
            if not arguments.check:
                page.write_text(current, "utf-8")
    if arguments.check and stale:
        sys.exit(f"Stale: {', '.join(stale)}. Run python benchmarks/results_page.py.")


if __name__ == "__main__":
    main()

"""Are the verdicts right? On models that are biased on purpose, and on those that are not.

    python benchmarks/verdicts.py                    # held-out scenes; writes results/verdicts.*
    python benchmarks/verdicts.py --split train      # for choices; writes nothing

For each biased model scenes to which its habit can apply, with the model's own answers, in one, two
and three sentences in turn. Words are kinds and colours (for the model with a habit of relations
these too) whose truth the testbed knows. A word is *invented* if it is one of the habit's words and
untrue, *misread* if it is untrue otherwise, else true; words of the habit that are true by chance
are left out. Figures:

- AUROC of `support` of invented against true words, and of invented and misread against true;
- `source` right: an invented word is said to rest on words (or to repeat one that does), a true one
  on the picture (or to repeat one that does);
- counterfactual: a true kind whose object is erased from the picture, the answer kept, against the
  same word with the object;
- true words of models without a habit that are said to rest on words.

Intervals: bootstrap over scenes, 95 %.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.testbed.habits import HABITS

RESULTS = Path(__file__).parent / "results"
ROLES = {
    "kind": ("kind", "colour"),
    "colour": ("kind", "colour"),
    "relation": ("kind", "colour", "relation"),
}
BATCH = 10


@dataclass(frozen=True)
class Found:
    """One word with a truth, and its verdict.

    Attributes:
        scene: its number.
        text: the word.
        role: of the testbed.
        label: "true", "invented", "misread", "erased" or "kept" (the last two counterfactual).
        support, source: of the verdict.
        root: the source of the first mention, for a repeated word.
    """

    scene: int
    text: str
    role: str
    label: str
    support: float
    source: str
    root: str


def words_of_scenes(model: str, habit: str, split: str, first: int, scenes: range) -> list[Found]:
    """The words of some scenes; runs in a process of its own."""
    import torch

    from seewhy.datasets import open_dataset
    from seewhy.explainer import Explainer
    from seewhy.models import load
    from seewhy.testbed.pretrained import loadable

    torch.set_num_threads(1)
    explainer = Explainer(load(loadable(model)))
    spec = f"testbed:habit={habit},split={split},start={first},count={scenes.stop}"
    data = open_dataset(spec)
    return [
        found
        for number in scenes
        for found in _words(explainer, data.sample(data.ids[number]), habit, number)
    ]


def _words(explainer: Any, sample: Any, habit: str, number: int) -> Iterator[Found]:
    from seewhy.images.changes import erase_object

    explanation = explainer.explain(sample.image, sample.prompt, diagnose=True)
    truths = {truth.start: truth for truth in sample.annotate(explanation.answer)}
    roles = ROLES.get(habit, ("kind", "colour"))
    erasable = None
    for word in explanation:
        truth = truths.get(word.start)
        if truth is None or truth.supported is None or truth.role not in roles:
            continue
        mine = is_of_habit(explanation.answer, word, truth, habit)
        if truth.supported and mine:
            continue  # true by chance: it rests on the habit all the same
        label = "true" if truth.supported else "invented" if mine else "misread"
        found = _found(explanation, word, truth, label, number)
        if found is None:
            continue
        yield found
        alone = truth.tags.get("distractor") == "no" and truth.tags.get("things") == "1"
        if erasable is None and label == "true" and truth.role == "kind" and alone:
            erasable = word, truth
    if erasable is not None:
        word, truth = erasable
        masks = sample.masks[list(truth.regions)].any(0)
        erased = explainer.explain(
            erase_object(sample.image, masks),
            sample.prompt,
            answer=explanation.answer,
            diagnose=True,
        )
        for label, source in (("kept", explanation), ("erased", erased)):
            found = _found(source, source[word.text], truth, label, number)
            if found is not None:
                yield found


def is_of_habit(answer: str, word: Any, truth: Any, habit: str) -> bool:
    """Whether a word is one that the habit says, wherever it is said."""
    text, before, after = (
        word.text.lower(),
        answer[: word.start].lower(),
        answer[word.end :].lower(),
    )
    if habit == "kind":
        fish = text if truth.role == "kind" else after.split()[0].strip(".,") if after else ""
        return fish == "fish"
    if habit == "colour":
        return text == "green" and after.strip().startswith("tree")
    return habit == "relation" and text == "above" and before.split()[-2:] == ["ball", "is"]


def _found(explanation: Any, word: Any, truth: Any, label: str, number: int) -> Found | None:
    verdict = word.verdict
    if verdict is None:
        return None
    root = verdict
    while root.source == "repeats" and root.because.follows is not None:
        root = explanation.words[root.because.follows].verdict
    return Found(number, word.text, truth.role, label, verdict.support, verdict.source, root.source)


def auroc(scores: np.ndarray, labels: np.ndarray) -> float:
    """The chance that a labelled word has a higher score; ties count half."""
    if labels.all() or not labels.any():
        return float("nan")
    from scipy.stats import rankdata

    ranks, positive = rankdata(scores), labels.sum()
    area = ranks[labels].sum() - positive * (positive + 1) / 2
    return float(area / (positive * (len(labels) - positive)))


def figures(words: list[Found]) -> dict[str, tuple[float, int]]:
    """Each figure with the number of words that it stands on."""
    known = [w for w in words if w.label in ("true", "invented")]
    every = [w for w in words if w.label in ("true", "invented", "misread")]
    pairs = [w for w in words if w.label in ("kept", "erased")]
    true = [w for w in known if w.label == "true"]
    invented = [w for w in known if w.label == "invented"]

    def area(chosen: list[Found], untrue: tuple[str, ...]) -> float:
        scores = np.array([-w.support for w in chosen])
        return auroc(scores, np.array([w.label in untrue for w in chosen], bool))

    def share(hits: list[bool]) -> float:
        return float(np.mean(hits)) if hits else float("nan")

    right = [w.root == ("words" if w.label == "invented" else "picture") for w in known]
    return {
        "AUROC, invented": (area(known, ("invented",)), len(known)),
        "AUROC, all untrue": (area(every, ("invented", "misread")), len(every)),
        "source right": (share(right), len(right)),
        "source right, invented": (share([w.root == "words" for w in invented]), len(invented)),
        "source right, true": (share([w.root == "picture" for w in true]), len(true)),
        "true called words": (share([w.root == "words" for w in true]), len(true)),
        "AUROC, erased": (area(pairs, ("erased",)), len(pairs)),
        "invented words": (float(len(invented)), len(invented)),
        "misread words": (float(sum(w.label == "misread" for w in words)), len(words)),
    }


def interval(words: list[Found], name: str, times: int = 300) -> tuple[float, float]:
    """Bootstrap over scenes, 95 %."""
    rng = np.random.default_rng(0)
    by_scene: dict[int, list[Found]] = {}
    for word in words:
        by_scene.setdefault(word.scene, []).append(word)
    scenes = list(by_scene.values())
    values = []
    for _ in range(times):
        drawn = rng.integers(len(scenes), size=len(scenes))
        values.append(figures([word for index in drawn for word in scenes[index]])[name][0])
    low, high = np.nanquantile(values, (0.025, 0.975))
    return float(low), float(high)


def measure(
    model: str, habit: str, split: str, first: int, count: int, workers: int
) -> list[Found]:
    """All words of a model's scenes."""
    parts = [range(start, min(start + BATCH, count)) for start in range(0, count, BATCH)]
    if workers == 1:
        return [w for part in parts for w in words_of_scenes(model, habit, split, first, part)]
    with ProcessPoolExecutor(workers) as pool:
        jobs = [pool.submit(words_of_scenes, model, habit, split, first, part) for part in parts]
        return [word for job in jobs for word in job.result()]


COLUMNS = {
    "AUROC, invented": "AUROC of support",
    "source right": "source right",
    "source right, invented": "of invented",
    "source right, true": "of true",
    "true called words": "true called `words`",
    "AUROC, erased": "AUROC, erased",
}


def write(tables: dict[str, Any]) -> None:
    """Add tables to the results; those of other models stay."""
    path = RESULTS / "verdicts.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    known |= tables
    path.write_text(json.dumps(known, indent=1) + "\n")
    lines = [
        "# Verdicts on held-out scenes",
        "",
        "`python benchmarks/verdicts.py`; per cent, with 95 % intervals and the number of words.",
        "",
        "| model | " + " | ".join(COLUMNS.values()) + " |",
        "| --- |" + " --- |" * len(COLUMNS),
    ]
    for name, table in known.items():
        model, _, start = name.partition("@")
        label = model if start in ("", "0") else f"{model}, scenes from {start}"
        cells = [_cell(table.get(column)) for column in COLUMNS]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    (RESULTS / "verdicts.md").write_text("\n".join(lines) + "\n")


def _cell(figure: dict[str, Any] | None) -> str:
    if figure is None or not figure["words"]:
        return ""
    low, high = figure["interval"]
    return f"{100 * figure['value']:.1f} [{100 * low:.1f}, {100 * high:.1f}] ({figure['words']})"


def main() -> None:
    """Measure, print, and write the results of held-out scenes."""
    parser = argparse.ArgumentParser(description="Are the verdicts right?")
    parser.add_argument("--split", choices=("heldout", "train"), default="heldout")
    parser.add_argument("--count", type=int, default=100, help="scenes of each model")
    parser.add_argument("--start", type=int, default=0, help="number of the first scene")
    parser.add_argument("--models", nargs="*", help="names; default: all six")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    habits = {name: habit.name for name, habit in HABITS.items()}
    habits |= {name.removesuffix("-biased"): "no" for name in HABITS}
    tables: dict[str, dict[str, Any]] = {}
    for model in arguments.models or habits:
        began = time.perf_counter()
        habit = habits.get(model, "no")
        words = measure(
            model,
            habit,
            arguments.split,
            arguments.start,
            arguments.count,
            arguments.workers,
        )
        tables[model] = {
            name: {"value": value, "words": number, "interval": interval(words, name)}
            for name, (value, number) in figures(words).items()
            if value == value
        }
        print(f"{model}: {arguments.count} scenes, {time.perf_counter() - began:.0f} s")
        for name, figure in tables[model].items():
            low, high = figure["interval"]
            print(f"   {name:24s} {figure['value']:.3f} [{low:.3f}, {high:.3f}] {figure['words']}")
        for word in words:
            wrong = word.root != {"invented": "words", "true": "picture"}.get(word.label, word.root)
            if arguments.split == "train" and wrong:
                print(f"      {word}")
    if arguments.split == "heldout":
        write({f"{name}@{arguments.start}": table for name, table in tables.items()})


if __name__ == "__main__":
    main()

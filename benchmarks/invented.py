"""What models invent by themselves, and which scores of maps find it.

    python benchmarks/invented.py                             # shipped models, 40 scenes; results/
    python benchmarks/invented.py --scenes 3 --out out        # a trial
    python benchmarks/invented.py --diagnose 20               # verdicts too, on the first 20 scenes

A model describes held-out scenes of its world. The scene decides which of the words that name
kinds, colours, counts, relations and sizes are true. High scores should mean an untrue word:
AUROC, average precision and the rate of false positives at 95 % recall, with bootstrap intervals
over scenes. Nothing here was chosen on these models: for the default method and for `corroborated`
it is a held-out test. Scores are computed for the decided words alone, so methods with gradients
take seconds for a scene.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from worlds import loaded_model, write_results

from seewhy.bench.suites import EMOJI_MODELS
from seewhy.datasets import open_dataset
from seewhy.explainer import Explainer
from seewhy.functional.statistics import Statistic, Values, bootstrap_weights, estimate
from seewhy.images.changes import grey_picture
from seewhy.methods import Evidence, create
from seewhy.metrics import AnswerWord, answer_words
from seewhy.metrics._reruns import SessionSample
from seewhy.metrics.hallucination import scores as map_scores
from seewhy.metrics.hallucination_baselines import _scores as model_scores
from seewhy.metrics.hallucination_baselines import predictions
from seewhy.models import Loaded, generate, prepare
from seewhy.models.residual_stream import is_readable
from seewhy.models.session import Session
from seewhy.testbed.pretrained import pretrained
from seewhy.testbed.worlds import world_of

RESULTS = Path(__file__).parent / "results"
METHODS = (
    *("logit-lens", "tam", "arc", "intra-modal", "intra-modal(window=None)"),
    *("logit-shares", "corroborated"),
)
ROLES = ("kind", "colour", "count", "relation", "size")
STATISTICS: dict[Statistic, str] = {
    "auroc": "AUROC ↑",
    "average-precision": "average precision ↑",
    "fpr95": "FPR at 95 % recall ↓",
}
GROUPS = ("all", "kinds", "kinds, first mentions")
MODEL, VERDICT = "no map", "verdict"

Row = dict[str, Any]


def rows_of_scene(
    loaded: Loaded, sample: Any, number: int, methods: Sequence[str], diagnose: bool
) -> tuple[str, list[Row]]:
    """A model's answer, and one row for each decided word with all its scores."""
    attention = is_readable(loaded.model)
    inputs = prepare(loaded.family, sample.image, sample.prompt)
    trace = generate(loaded, inputs, max_new_tokens=96, ranking_depth=50, attention=attention)
    session = Session.from_image(loaded, sample.image, sample.prompt, trace.ids)
    session = replace(session, attention=attention)
    spans = [(token.start, token.end) for token in trace.tokens]
    words = answer_words(trace.answer, spans, sample.annotate(trace.answer))
    chosen = [
        index
        for index, word in enumerate(words)
        if word.truth is not None and word.truth.supported is not None and word.role in ROLES
    ]
    rows = list(_decided(words, chosen, number))
    if not rows:
        return trace.answer, []
    prompt = len(trace.prompt_tokens)
    selected = sorted(prompt + token for index in chosen for token in words[index].tokens)
    for method in map(create, methods):
        evidence = Evidence.from_session(session, trace=trace, selected=selected)
        explained = SessionSample(
            sample, evidence, method, method.attribute(evidence), words, tuple(chosen)
        )
        for row in rows:
            found = map_scores(explained, row["word"])
            row["scores"] |= {f"{method.spec}: {name}": value for name, value in found.items()}
    with torch.no_grad():
        original, grey = predictions(session, [sample.image, grey_picture(sample.image)])
    for row in rows:
        found = model_scores(original, grey, words[row["word"]].tokens)
        row["scores"] |= {f"{MODEL}: {name}": value for name, value in found.items()}
    if diagnose:
        _add_verdicts(loaded, sample, trace.ids, words, rows)
    return trace.answer, rows


def _decided(words: Sequence[AnswerWord], chosen: Sequence[int], number: int) -> Iterator[Row]:
    said: set[str] = set()
    for index in chosen:
        word = words[index]
        truth = word.truth
        assert truth is not None
        name = (truth.category or word.word.text).lower()
        yield {
            "scene": number,
            "word": index,
            "text": word.word.text,
            "role": word.role,
            "first": name not in said,
            "untrue": not truth.supported,
            "scores": {},
        }
        said.add(name)


def _add_verdicts(
    loaded: Loaded, sample: Any, ids: Sequence[int], words: Sequence[AnswerWord], rows: list[Row]
) -> None:
    """How little the picture supports a word, by the diagnosis."""
    found = Explainer(loaded).explain(sample.image, sample.prompt, answer=list(ids), diagnose=True)
    verdicts = {word.start: word.verdict for word in found}
    for row in rows:
        verdict = verdicts.get(words[row["word"]].word.start)
        if verdict is not None:
            row["scores"][f"{VERDICT}: 1 - support"] = 1 - verdict.support


def of_group(rows: Sequence[Row], group: str) -> list[Row]:
    """The rows of one of `GROUPS`."""
    return [
        row
        for row in rows
        if group == "all"
        or (row["role"] == "kind" and (row["first"] or group != "kinds, first mentions"))
    ]


def rates(rows: Sequence[Row], count: int) -> dict[str, Row]:
    """The part of untrue words, by role."""
    weights, found = bootstrap_weights(count), {}
    for role in ("all", *ROLES):
        own = [row for row in rows if role in ("all", row["role"])]
        if own:
            values = Values.of([float(r["untrue"]) for r in own], [r["scene"] for r in own])
            result = estimate("mean", [values], weights)
            found[role] = {
                "value": result.value,
                "low": result.low,
                "high": result.high,
                "words": len(own),
            }
    return found


def detection(rows: Sequence[Row], count: int) -> list[Row]:
    """The statistics of each score on each group of words."""
    weights, found = bootstrap_weights(count), []
    names = dict.fromkeys(name for row in rows for name in row["scores"])
    for group in GROUPS:
        for name in names:
            own = [
                row
                for row in of_group(rows, group)
                if torch.tensor(row["scores"].get(name, float("nan"))).isfinite()
            ]
            labels = [row["untrue"] for row in own]
            if len(set(labels)) < 2:
                continue
            values = Values.of(
                [row["scores"][name] for row in own], [row["scene"] for row in own], labels
            )
            entry = {"group": group, "score": name, "words": len(own), "untrue": sum(labels)}
            for statistic in STATISTICS:
                result = estimate(statistic, [values], weights)
                entry[statistic] = [result.value, result.low, result.high]
            found.append(entry)
    return found


def measure(
    model: str, spec: str, count: int, methods: Sequence[str], diagnosed: int
) -> dict[str, Any]:
    """The figures of one model, and its answers."""
    loaded, data = loaded_model(model), open_dataset(spec)
    rows: list[Row] = []
    answers: list[str] = []
    for number, id in enumerate(data.ids[:count]):
        sample = data.sample(id)
        answer, found = rows_of_scene(loaded, sample, number, methods, number < diagnosed)
        answers.append(answer)
        rows += found
    return {
        "model": Path(model).name,
        "data": spec,
        "scenes": count,
        "diagnosed": diagnosed,
        "rates": rates(rows, count),
        "detection": detection(rows, count),
        "answers": answers,
    }


def shown(figure: Sequence[float]) -> str:
    """A value with its interval, per cent."""
    value, low, high = (f"{100 * end:.1f}" for end in figure)
    return f"{value} [{low}, {high}]"


def markdown(results: Sequence[dict[str, Any]], command: str) -> str:
    """The results as tables."""
    lines = [
        "# What models invent by themselves",
        "",
        f"Made by `{command}`. Own greedy answers about held-out scenes, per cent, 95 % intervals "
        "of a bootstrap over scenes. Scores that should be high for untrue words; 50 is chance for "
        "the AUROC.",
        "",
    ]
    for result in results:
        lines += [
            f"## {result['model']}",
            "",
            f"Data `{result['data']}`, {result['scenes']} scenes"
            + (f", verdicts on the first {result['diagnosed']}" if result["diagnosed"] else "")
            + ".",
            "",
            "| words | decided | untrue, % |",
            "| --- | ---: | ---: |",
        ]
        for role, rate in result["rates"].items():
            ends = [rate[end] for end in ("value", "low", "high")]
            lines.append(f"| {role} | {rate['words']} | {shown(ends)} |")
        for group in GROUPS:
            own = [entry for entry in result["detection"] if entry["group"] == group]
            if not own:
                continue
            lines += [
                "",
                f"**{group}**",
                "",
                f"| score | words | untrue | {' | '.join(STATISTICS.values())} |",
                f"| --- | ---: | ---: |{' ---: |' * len(STATISTICS)}",
            ]
            for entry in sorted(own, key=lambda entry: -entry["auroc"][0]):
                cells = " | ".join(shown(entry[statistic]) for statistic in STATISTICS)
                counts = f"{entry['words']} | {entry['untrue']}"
                lines.append(f"| {entry['score']} | {counts} | {cells} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Measure, print and write."""
    shipped = [name for name in EMOJI_MODELS if name in pretrained()]
    parser = argparse.ArgumentParser(description="Invented words, and scores that find them.")
    parser.add_argument("--models", nargs="*", default=shipped, help="names or folders")
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--scenes", type=int, default=40)
    parser.add_argument("--captions", default="2", help="sentences that are asked for")
    parser.add_argument("--diagnose", type=int, default=0, help="scenes with verdicts too")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    options = f"split=heldout,count={arguments.scenes},captions={arguments.captions}"
    results = [
        measure(
            model,
            f"{world_of(model)}:{options}",
            arguments.scenes,
            arguments.methods,
            arguments.diagnose,
        )
        for model in arguments.models
    ]
    command = f"python benchmarks/invented.py --scenes {arguments.scenes}"
    write_results(arguments.out, "invented", results, lambda found: markdown(found, command))


if __name__ == "__main__":
    main()

"""What scores of unsupported words cost: forward passes and time, each score alone.

    python benchmarks/detectors.py [--out benchmarks/results] [--scenes 10] [--rounds 5]

On the shipped biased models, each with captions of its own of scenes of its own habit, all words
scored. Every score is computed alone, from a pass of its own; `all detectors` shares one pass.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from measuring import Stages, environment, estimates, in_turns, timed

from seewhy.core.text import words_of
from seewhy.datasets import open_dataset
from seewhy.images.changes import grey_picture
from seewhy.metrics._detectors import DETECTORS, Detector, detect
from seewhy.metrics.cost import generate_as_long
from seewhy.models import Loaded, generate, load, prepare
from seewhy.models.decoder import final_states
from seewhy.models.isolation import eval_mode
from seewhy.models.passes import count_passes
from seewhy.models.session import Session
from seewhy.testbed.habits import HABITS
from seewhy.testbed.pretrained import pretrained, pretrained_folder

Case = Callable[[Session, Sequence[Sequence[int]]], object]

GENERATION = "generation"
"""What the others are compared with."""


def alone(*detectors: type[Detector]) -> Case:
    """Some detectors in one pass."""
    return lambda session, words: detect(session, session.inputs(), words, detectors)


def one_pass(session: Session, words: Sequence[Sequence[int]]) -> object:
    """The pass alone, without a score."""
    with eval_mode(session.loaded.model):
        return final_states(session.loaded, session.inputs(), session.ids)


def log_probabilities(session: Session, words: Sequence[Sequence[int]]) -> object:
    """`nll`; `entropy` needs the same pass."""
    return session.log_probabilities([session.images])


def with_and_without(session: Session, words: Sequence[Sequence[int]]) -> object:
    """`image-log-probability-gap`."""
    first, *others = session.images
    return session.log_probabilities([session.images, (grey_picture(first), *others)])


CASES: dict[str, Case] = {
    GENERATION: lambda session, words: generate_as_long(session),
    "one forward pass": one_pass,
    "nll": log_probabilities,
    "image-log-probability-gap": with_and_without,
    **{detector.name: alone(detector) for detector in DETECTORS},
    "all detectors": alone(*DETECTORS),
}


def answered(loaded: Loaded, habit: str, scenes: int) -> list[tuple[Session, list[list[int]]]]:
    """Sessions of the model's own captions of scenes of a habit, with the tokens of their words."""
    found = []
    for sample in open_dataset(f"testbed:habit={habit},count={scenes}"):
        inputs = prepare(loaded.family, sample.image, sample.prompt)
        trace = generate(loaded, inputs, max_new_tokens=96, candidates=0)
        session = Session.from_image(loaded, sample.image, sample.prompt, trace.ids)
        session.inputs()  # prepared once, and not measured
        spans = [(token.start, token.end) for token in trace.tokens]
        found.append((session, [list(word.tokens) for word in words_of(trace.answer, spans)]))
    return found


def measure(name: str, scenes: int, rounds: int) -> list[dict[str, Any]]:
    """The figures of one model, a row for each case."""
    loaded = load(pretrained_folder(name))
    subjects = answered(loaded, HABITS[name].name, scenes)
    passes = {}
    for case, work in CASES.items():
        with count_passes(loaded.model) as counted:
            work(*subjects[0])
        passes[case] = counted.forward

    def timing(work: Case) -> Callable[[], Stages]:
        return lambda: {"all": timed(lambda: [work(*subject) for subject in subjects])[1]}

    spent = in_turns({case: timing(work) for case, work in CASES.items()}, rounds)
    plain = spent[GENERATION]["total"]
    return [
        {
            "model": name,
            "score": case,
            "passes": passes[case],
            "milliseconds": {
                clock: [1000 * value / scenes for value in (e.value, e.low or 0, e.high or 0)]
                for clock, e in estimates(lambda own: own, spent[case]["total"]).items()
            },
            "of generation": {
                clock: [e.value, e.low, e.high]
                for clock, e in estimates(
                    lambda own, of: own / of, spent[case]["total"], plain
                ).items()
            },
        }
        for case in CASES
    ]


def table(rows: Sequence[dict[str, Any]], scenes: int, machine: dict[str, Any]) -> str:
    """The results as Markdown."""
    lines = [
        "# What scores of unsupported words cost",
        "",
        f"By `python benchmarks/detectors.py`: {scenes} captions, all words scored, processor time "
        f"per caption; {machine['processor']}, {machine['torch_threads']} torch thread(s), torch "
        f"{machine['torch']}, transformers {machine['transformers']}. Generation counts a pass for "
        "each token, each of which is cheaper than a pass over the whole. The metric "
        "`hallucination-detectors` computes all detectors in one pass.",
    ]
    for model in dict.fromkeys(row["model"] for row in rows):
        lines += [
            *("", f"## {model}", "", "| score | forward passes | ms | of generation |"),
            "| --- | ---: | ---: | ---: |",
        ]
        for row in (row for row in rows if row["model"] == model):
            value, low, high = row["of generation"]["cpu"]
            interval = "" if low is None else f" [{low:.2f}, {high:.2f}]"
            milliseconds = row["milliseconds"]["cpu"][0]
            lines.append(
                f"| {row['score']} | {row['passes']} | {milliseconds:.0f} | {value:.2f}{interval} |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print the table, and write it with all figures."""
    parser = argparse.ArgumentParser(description="What scores of unsupported words cost.")
    parser.add_argument("--out", type=Path, help="folder to write to; without it only printed")
    parser.add_argument("--scenes", type=int, default=10, help="captions of each model")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    for name in (name for name in HABITS if name in pretrained()):
        rows += measure(name, arguments.scenes, arguments.rounds)
    machine = environment()
    text = table(rows, arguments.scenes, machine)
    print(text)
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "detectors.md").write_text(text)
        figures = {"environment": machine, "scenes": arguments.scenes, "rows": rows}
        (arguments.out / "detectors.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""What a diagnosis costs, over plain generation, on models of real shape with random weights.

    python benchmarks/diagnosis.py [--rounds 2] [--models SmolVLM-256M InternVL3-1B]

The answer is a caption with nouns, colours and a relation, cut to 30 tokens of the tests'
tokenizer, so it says less than 30 tokens of a real one. Random weights decide which further
readings are made: words that need no picture are the rule here, so earlier words are changed for
most of them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import real_shapes
from measuring import environment, estimates, in_turns, timed

from seewhy.chats import PROMPT
from seewhy.explainer import Explainer
from seewhy.models.passes import count_passes

RESULTS = Path(__file__).parent / "results"
CAPTION = "a red cup is left of two cups."


def measure(name: str, rounds: int) -> dict[str, Any]:
    """The times of one model."""
    subject = real_shapes.subject(name)
    explainer = Explainer(subject.loaded)
    ids = subject.loaded.processor.tokenizer(CAPTION, add_special_tokens=False)["input_ids"]
    ids = ids[: real_shapes.TOKENS]

    def explain(diagnose: bool) -> Any:
        return explainer.explain(subject.image, PROMPT, answer=ids, diagnose=diagnose)

    with count_passes(subject.loaded.model) as plain:
        explain(False)
    with count_passes(subject.loaded.model) as whole:
        found = explain(True)
    spent = in_turns(
        {
            "generation": lambda: {"generate": timed(subject.answer)[1]},
            "explanation": lambda: {"explain": timed(lambda: explain(False))[1]},
            "with diagnosis": lambda: {"explain": timed(lambda: explain(True))[1]},
        },
        rounds,
        warm=True,
    )

    def cost(whole: float, plain: float, generation: float) -> float:
        return (whole - plain) / generation

    totals = [spent[case]["total"] for case in ("with diagnosis", "explanation", "generation")]
    return {
        "model": name,
        "tokens": len(ids),
        "verdicts": sum(verdict is not None for verdict in found.record.verdicts or ()),
        "passes": whole.forward - plain.forward,
        "over generation": {
            clock: [e.value, e.low, e.high] for clock, e in estimates(cost, *totals).items()
        },
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description="What a diagnosis costs.")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--models", nargs="*", default=["SmolVLM-256M", "InternVL3-1B"])
    arguments = parser.parse_args()
    rows = [measure(name, arguments.rounds) for name in arguments.models]
    lines = [
        "# What a diagnosis costs",
        "",
        "`python benchmarks/diagnosis.py`: time of the diagnosis alone over that of plain",
        f"generation of {real_shapes.TOKENS} tokens, {arguments.rounds} rounds, on "
        f"{environment()['processor']}.",
        "",
        "| model of this shape | words with a verdict | forward passes | wall | processor time |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        wall, cpu = (row["over generation"][clock][0] for clock in ("wall", "cpu"))
        lines.append(
            f"| {row['model']} | {row['verdicts']} | {row['passes']} | {wall:.1f} | {cpu:.1f} |"
        )
        print(lines[-1], flush=True)
    (RESULTS / "diagnosis.md").write_text("\n".join(lines) + "\n")
    (RESULTS / "diagnosis.json").write_text(
        json.dumps({"environment": environment(), "rows": rows}, indent=1, default=str) + "\n"
    )


if __name__ == "__main__":
    main()

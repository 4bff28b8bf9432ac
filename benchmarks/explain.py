"""The cost of an explanation, compared with generation and with a direct implementation of TAM.

`python benchmarks/explain.py` measures and writes `results/explain.json` and `.md`; `--quick` is a
short run that only prints. See README.md for how to read the figures.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

# Before torch: nothing here needs the network.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

import torch
from measuring import (
    CLOCKS,
    Estimate,
    LargestTensor,
    Spent,
    Stages,
    environment,
    estimates,
    in_turns,
    peak_memory,
    timed,
)
from published_tam import logits_of_every_step, token_activation_maps
from subjects import LARGER, REAL, SCALES, SMALL, TINY, Reading, Subject, larger, shipped

from seewhy import models
from seewhy.chats import PROMPT
from seewhy.explained_answer import CANDIDATES
from seewhy.methods import Evidence, Method, create

RESULTS = Path(__file__).parent / "results"
SINGLE_SCALE = ("logit-lens", "tam", "arc")
CALLS = 5

#: The goals.
AIMS = {"single-scale": 1.05, "intra-modal": 1.10, "tam": 200.0, "equal": 1e-4}


@dataclass(frozen=True)
class Plan:
    """The amount of measuring.

    Attributes:
        rounds: per subject.
        tam_rounds: of the two TAMs; fewer where the replica would take longer than `cap`.
        cap: seconds for the replica's loop over tokens; longer loops are extrapolated.
        memory: whether each case is also run in a new process to measure memory.
        quick: whether the sizes are small and the goals do not apply.
    """

    rounds: dict[str, int]
    tam_rounds: int
    cap: float
    memory: bool
    quick: bool


FULL = Plan({"shipped": 25, "larger": 5}, tam_rounds=3, cap=300.0, memory=True, quick=False)
QUICK = Plan({"shipped": 3, "larger": 3}, tam_rounds=3, cap=10.0, memory=False, quick=True)


# Explanations compared with generation.


def cases(subject: Subject) -> dict[str, Callable[[], Stages]]:
    """The cases of one model, as functions that return the times of their stages."""
    # Explicit scales: a scale that collapses is an error and is not skipped.
    methods = [*map(create, SINGLE_SCALE), create("intra-modal", scales=SCALES)]
    return {
        "generation": lambda: {"generate": timed(subject.answer)[1]},
        "prefills": partial(prefills, subject),
        **{method.name: partial(explained, subject, method) for method in methods},
    }


def explained(subject: Subject, method: Method) -> Stages:
    """Generate with hooks, then explain, like `Explainer.explain`."""
    depth = max(method.ranking_depth, CANDIDATES)
    trace, generating = timed(
        lambda: models.generate(
            subject.loaded,
            subject.inputs,
            ranking_depth=depth,
            candidates=CANDIDATES,
            **subject.generation,
        )
    )
    evidence = Evidence.from_session(
        models.Session.from_image(subject.loaded, subject.image, PROMPT, trace.ids), trace=trace
    )
    _, attributing = timed(lambda: method.attribute(evidence))
    return {"generate": generating, "attribute": attributing}


def prefills(subject: Subject) -> Stages:
    """Only one forward pass over prompt and answer for each scale."""
    base, *further = subject.whole_inputs

    def forward(tensors: dict[str, Any]) -> None:
        with torch.no_grad():
            subject.loaded.model(**tensors, use_cache=False, logits_to_keep=1)

    _, first = timed(lambda: forward(base))
    _, others = timed(lambda: [forward(tensors) for tensors in further])
    return {"base": first, "further": others}


def expect_same_answer(subject: Subject) -> None:
    """Check that generation with and without hooks gives the same answer."""
    trace = models.generate(subject.loaded, subject.inputs, **subject.generation)
    hooked = [token.id for token in trace.tokens]
    plain = subject.answer()
    if plain[: len(hooked)] != hooked:
        raise RuntimeError(
            f"Expected the plain answer {plain} from the hooked model, got {hooked}: check the "
            "hooks."
        )


def measure_model(subject: Subject, rounds: int) -> dict[str, Any]:
    """Times of all cases on one model, and the ratios of the goals."""
    expect_same_answer(subject)
    spent = in_turns(cases(subject), rounds, lambda text: print(f"  {subject.name}: {text}"))
    plain, intra_modal = spent["generation"]["total"], spent["intra-modal"]["total"]
    ratios = {
        name: estimates(lambda explaining, alone: explaining / alone, spent[name]["total"], plain)
        for name in SINGLE_SCALE
    }
    base, further = spent["prefills"]["base"], spent["prefills"]["further"]

    def extra_per_prefill(explaining: Any, alone: Any, *passes: Any) -> Any:
        return (explaining - alone) / sum(passes)

    ratios["intra-modal"] = estimates(extra_per_prefill, intra_modal, plain, base, further)
    ratios["intra-modal, of four"] = estimates(extra_per_prefill, intra_modal, plain, further)
    return {
        "name": subject.name,
        **subject.facts(),
        "rounds": rounds,
        "seconds": {
            case: {stage: medians(samples) for stage, samples in stages.items()}
            for case, stages in spent.items()
        },
        "ratios": {name: _plain(both) for name, both in ratios.items()},
    }


def medians(samples: list[Spent]) -> dict[str, dict[str, Any]]:
    """Median seconds by each clock, with its interval and the values of all rounds."""
    return {
        clock: {
            **asdict(Estimate.of(lambda median: median, samples, clock=clock)),
            "rounds": [round(getattr(sample, clock), 6) for sample in samples],
        }
        for clock in CLOCKS
    }


# TAM compared with a direct implementation.


def ours(reading: Reading) -> torch.Tensor:
    """The project's TAM from states and unembedding: float32 `[token, height, width]`."""
    (display,) = create("tam").attribute(Evidence.from_traces({1.0: reading.trace()})).display
    return display


def replica(reading: Reading, cap: float) -> tuple[torch.Tensor, Stages]:
    """The replica's maps of as many tokens as the cap allows, and the times of its two stages."""
    logits, unembedding = timed(
        lambda: logits_of_every_step(reading.states, reading.head, reading.prefill)
    )
    size = reading.size
    maps, mapping = timed(
        lambda: token_activation_maps(
            logits,
            reading.ids,
            reading.texts,
            reading.visual,
            reading.prompt,
            (size.rows, size.columns),
            cap,
        )
    )
    return torch.from_numpy(maps), {"unembed": unembedding, "maps": mapping}


@dataclass(frozen=True)
class TamRounds:
    """The measurements of both TAMs.

    Attributes:
        ours, replica, loops: times of each round; `loops` without the replica's logits.
        tokens: how many tokens the replica computed.
        difference, levels: of the maps of the last round, as from `apart`.
    """

    ours: list[Spent]
    replica: list[Spent]
    loops: list[Spent]
    tokens: int
    difference: float
    levels: int


def tam_rounds(reading: Reading, rounds: int, cap: float) -> TamRounds:
    """Both TAMs in turns.

    Ours is so short that a round calls it `CALLS` times and takes the mean. The replica runs again
    only while all its rounds fit into the cap. Where its loop is cut off, the time of the computed
    tokens is extrapolated (later tokens have more context, so it is a lower bound).
    """
    answer = reading.size.answer
    spent: list[Spent] = []
    replica_spent: list[Spent] = []
    loops: list[Spent] = []
    tokens, difference, levels = answer, math.nan, 0
    while not spent or (len(spent) < rounds and _with_another(replica_spent) <= cap):
        maps, seconds = timed(lambda: [ours(reading) for _ in range(CALLS)][-1])
        spent.append(seconds * (1 / CALLS))
        expected, stages = replica(reading, cap)
        tokens = min(tokens, len(expected))
        loops.append(stages["maps"] * (answer / len(expected)))
        replica_spent.append(stages["unembed"] + loops[-1])
        difference, levels = apart(maps[: len(expected)], expected)
        print(f"  tam: ours {spent[-1].wall:.3f} s, replica {replica_spent[-1].wall:.1f} s")
    return TamRounds(spent, replica_spent, loops, tokens, difference, levels)


def measure_tam(reading: Reading, rounds: int, cap: float) -> dict[str, Any]:
    """Times of both TAMs, the difference of their maps, and the largest tensor of ours."""
    size = reading.size
    with LargestTensor() as largest:
        ours(reading)
    measured = tam_rounds(reading, rounds, cap)

    def times_faster(slow: Any, fast: Any) -> Any:
        return slow / fast

    return {
        **asdict(size),
        "visual": size.visual,
        "rounds": len(measured.ours),
        "replica_tokens": measured.tokens,
        "extrapolated": measured.tokens < size.answer,
        "seconds": {
            "ours": medians(measured.ours),
            "replica": medians(measured.replica),
            "replica, logits given": medians(measured.loops),
        },
        "ratios": {
            "tam": _plain(estimates(times_faster, measured.replica, measured.ours)),
            "tam, logits given": _plain(estimates(times_faster, measured.loops, measured.ours)),
        },
        "largest_difference": measured.difference,
        "largest_difference_8_bit": measured.levels,
        "largest_tensor": list(largest.shape),
        "visual_by_vocab": size.visual * size.vocab,
        "no_visual_by_vocab": largest.numbers < size.visual * size.vocab,
    }


def _with_another(spent: list[Spent]) -> float:
    """Wall seconds of these rounds and of one more."""
    return sum(sample.wall for sample in spent) * (1 + 1 / len(spent))


def apart(maps: torch.Tensor, others: torch.Tensor) -> tuple[float, int]:
    """The largest difference of two stacks of maps in [0, 1], and in levels of 8 bit."""
    eight_bit = [(stack * 255).round() for stack in (maps, others)]
    return float((maps - others).abs().max()), int((eight_bit[0] - eight_bit[1]).abs().max())


# Memory, each case in a new process.


def subject_of(name: str, model: str | None, quick: bool) -> Subject:
    """One of the two models."""
    if name == "shipped":
        return shipped(model, 16, forced=True) if quick else shipped(model)
    return larger(SMALL if quick else LARGER, model)


def memory_of(subject: str, case: str, model: str | None, quick: bool) -> dict[str, int]:
    """Peak memory of one case in this process, which should be new."""
    if subject == "tam":
        reading = Reading(TINY if quick else REAL)
        return peak_memory(lambda: ours(reading) if case == "ours" else replica(reading, 0.0))
    prepared = subject_of(subject, model, quick)
    _ = prepared.whole_inputs if case == "prefills" else prepared.inputs
    return peak_memory(cases(prepared)[case])


def in_fresh_process(
    subject: str, case: str, model: str | None, quick: bool = False
) -> dict[str, int]:
    """`memory_of` in a new process."""
    command = [sys.executable, __file__, "--memory", subject, case]
    command += [] if model is None else ["--model", model]
    command += ["--quick"] if quick else []
    command += ["--threads", str(torch.get_num_threads())]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"Expected the memory of {subject} {case}, got:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


# The tables.


@dataclass(frozen=True)
class Verdict:
    """A ratio, by both clocks, and its goal.

    Attributes:
        text: describes numerator and denominator.
        ratio: `Estimate`s as dictionaries, by clock.
        aim: the bound, or None without one.
        at_least: whether the bound is a lower bound.
    """

    text: str
    ratio: dict[str, dict[str, Any]]
    aim: float | None = None
    at_least: bool = False

    @property
    def wanted(self) -> str:
        """The goal as text."""
        return "" if self.aim is None else f"{'>=' if self.at_least else '<='} {self.aim:g}"

    @property
    def met(self) -> bool | None:
        """Whether processor time, which excludes other processes, meets the goal."""
        if self.aim is None:
            return None
        value = self.ratio["cpu"]["value"]
        return value >= self.aim if self.at_least else value <= self.aim


def verdicts(results: dict[str, Any]) -> list[Verdict]:
    """The ratios of the goals; a quick run has other sizes, so no goals apply."""
    aims = dict.fromkeys(AIMS) if results["quick"] else AIMS
    rows = []
    for model in results["models"]:
        name, ratios = model["name"], model["ratios"]
        rows += [
            Verdict(f"{name}: generation with {m} / generation", ratios[m], aims["single-scale"])
            for m in SINGLE_SCALE
        ]
        extra = f"{name}: intra-modal's extra time /"
        rows.append(Verdict(f"{extra} five prefills", ratios["intra-modal"], aims["intra-modal"]))
        rows.append(Verdict(f"{extra} the four prefills it adds", ratios["intra-modal, of four"]))
    complete, loop = (results["tam"]["ratios"][name] for name in ("tam", "tam, logits given"))
    rows.append(Verdict("TAM: replica / ours", complete, aims["tam"], at_least=True))
    rows.append(Verdict("TAM: replica given its logits / ours", loop))
    return rows


def markdown(results: dict[str, Any]) -> str:
    """The results as a page of tables."""
    lines = [*_markdown_ratios(results)]
    for model in results["models"]:
        lines += _markdown_model(model, results["memory"].get(model["name"], {}))
    lines += _markdown_tam(results["tam"], results["memory"].get("tam", {}))
    return "\n".join(lines) + "\n"


def _markdown_ratios(results: dict[str, Any]) -> list[str]:
    """Title, machine, and the ratios with their goals."""
    machine = results["environment"]
    lines = [
        "# What an explanation costs",
        "",
        f"Measured {results['created']} at commit {machine['commit']} by "
        f"`{results['command']}`; how to read it: [README](../README.md).",
        "",
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"{machine['torch_threads']} torch thread(s), load average {machine['load_average']} "
        f"before and {results['load_average_after']} after. Python {machine['python']}, torch "
        f"{machine['torch']}, transformers {machine['transformers']}, numpy {machine['numpy']}, "
        f"seewhy {machine['seewhy']}.",
        "",
        "| ratio | processor time | wall time | aim | met |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in verdicts(results):
        verdict = "" if row.met is None else "yes" if row.met else "**no**"
        figures = " | ".join(_interval(row.ratio[clock]) for clock in ("cpu", "wall"))
        lines.append(f"| {row.text} | {figures} | {row.wanted} | {verdict} |")
    return [*lines, "", "In brackets: 95% bootstrap intervals over the rounds."]


def _markdown_model(model: dict[str, Any], memory: dict[str, Any]) -> list[str]:
    """The times and the memory of one model's cases."""
    lines = ["", f"## {model['name'].capitalize()} model", "", _about(model), ""]
    lines += ["| case | stage | processor time, ms | wall time, ms | peak memory, MiB |"]
    lines += ["| --- | --- | --- | --- | --- |"]
    for case, stages in model["seconds"].items():
        peak = _peak(memory.get(case))
        for stage, clocks in stages.items():
            figures = " | ".join(f"{clocks[c]['value'] * 1e3:.1f}" for c in ("cpu", "wall"))
            lines.append(f"| {case} | {stage} | {figures} | {peak} |")
            peak = ""
    return lines


def _markdown_tam(tam: dict[str, Any], memory: dict[str, Any]) -> list[str]:
    """The times and the memory of both TAMs, and how much their maps differ."""
    size = (
        f"{tam['visual']:,} visual tokens, {tam['prompt']} words of prompt, {tam['answer']} answer "
        f"tokens, vocabulary {tam['vocab']:,}, width {tam['hidden']:,}, random float32 states"
    )
    lines = ["", "## TAM", "", f"{size}; {tam['rounds']} round(s).", ""]
    lines += ["| case | processor time, s | wall time, s | peak memory, MiB | of it added |"]
    lines += ["| --- | --- | --- | --- | --- |"]
    for case, clocks in tam["seconds"].items():
        figures = " | ".join(f"{clocks[c]['value']:.3f}" for c in ("cpu", "wall"))
        used = memory.get(case)
        added = "" if used is None else f"{(used['peak'] - used['before']) / 2**20:,.0f}"
        lines.append(f"| {case} | {figures} | {_peak(used)} | {added} |")
    lines += [
        "",
        f"- Largest difference of the maps, which lie in [0, 1]: {tam['largest_difference']:.1e} "
        f"(aim: at most {AIMS['equal']:.0e}); as 8-bit images {tam['largest_difference_8_bit']} "
        "level(s).",
        f"- Largest tensor in ours: {' x '.join(f'{n:,}' for n in tam['largest_tensor'])}; visual "
        f"tokens x vocabulary would be {tam['visual']:,} x {tam['vocab']:,}.",
    ]
    if tam["extrapolated"]:
        lines.append(
            f"- The replica was cut off after {tam['replica_tokens']} of {tam['answer']} tokens; "
            "its loop's time is extrapolated linearly, which favours it."
        )
    return lines


def _about(model: dict[str, Any]) -> str:
    visual = ", ".join(f"{count} at {scale}" for scale, count in model["visual_tokens"].items())
    return (
        f"{model['parameters'] / 1e6:.1f} M parameters in {model['dtype']}, "
        f"width {model['hidden']}, {model['layers']} layers, "
        f"vocabulary {model['vocabulary']:,}; visual tokens: {visual}; "
        f"{model['prompt_tokens']} tokens of input, {model['answer_tokens']} of answer; "
        f"{model['rounds']} rounds."
    )


def _interval(estimate: dict[str, Any]) -> str:
    digits = ".0f" if estimate["value"] >= 100 else ".3f"
    if estimate["low"] is None:
        return f"{estimate['value']:{digits}}"
    return f"{estimate['value']:{digits}} [{estimate['low']:{digits}}, {estimate['high']:{digits}}]"


def _peak(memory: dict[str, int] | None) -> str:
    return "" if memory is None else f"{memory['peak'] / 2**20:,.0f}"


def _plain(both: dict[str, Estimate]) -> dict[str, dict[str, Any]]:
    return {clock: asdict(estimate) for clock, estimate in both.items()}


def run(plan: Plan, model: str | None) -> dict[str, Any]:
    """Measure all models, cases and TAM."""
    results: dict[str, Any] = {
        "schema": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": "python benchmarks/explain.py" + (" --quick" if plan.quick else ""),
        "quick": plan.quick,
        "environment": environment(),
        "aims": AIMS,
        "models": [],
        "memory": {},
    }
    for name, rounds in plan.rounds.items():
        subject = subject_of(name, model, plan.quick)
        results["models"].append(measure_model(subject, rounds))
        if plan.memory:
            results["memory"][name] = {
                case: in_fresh_process(name, case, model) for case in cases(subject)
            }
        del subject
    results["tam"] = measure_tam(Reading(TINY if plan.quick else REAL), plan.tam_rounds, plan.cap)
    if plan.memory:
        results["memory"]["tam"] = {
            case: in_fresh_process("tam", case, model) for case in ("ours", "replica")
        }
    results["load_average_after"] = round(os.getloadavg()[0], 2)
    return results


def main() -> None:
    """Measure, print a short table, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--quick", action="store_true", help="small sizes, under a minute")
    parser.add_argument("--model", help="folder in place of the shipped model")
    parser.add_argument("--out", type=Path, help="folder of the results (default: results/)")
    parser.add_argument("--cap", type=float, help="seconds for the slow TAM (default: 300)")
    parser.add_argument("--threads", type=int, help="torch threads (default: OMP_NUM_THREADS)")
    parser.add_argument("--memory", nargs=2, metavar=("SUBJECT", "CASE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    if arguments.memory is not None:
        subject, case = arguments.memory
        print(json.dumps(memory_of(subject, case, arguments.model, arguments.quick)))
        return
    plan = QUICK if arguments.quick else FULL
    if arguments.cap is not None:
        plan = replace(plan, cap=arguments.cap)
    results = run(plan, arguments.model)
    print("\nratios of processor time, with 95% intervals:")
    for row in verdicts(results):
        verdict = "" if row.met is None else f"aim {row.wanted}: {'met' if row.met else 'NOT MET'}"
        print(f"{row.text:<64} {_interval(row.ratio['cpu']):<24} {verdict}".rstrip())
    print(f"largest difference of TAM's maps: {results['tam']['largest_difference']:.1e}")
    folder = arguments.out or (None if arguments.quick else RESULTS)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(results, indent=1) + "\n"
        (folder / "explain.json").write_text(text, encoding="utf-8")
        (folder / "explain.md").write_text(markdown(results), encoding="utf-8")
        print(f"written to {folder}")


if __name__ == "__main__":
    main()

"""The cost of `logit-shares`, compared with plain generation, on models of real shape.

`python benchmarks/shares.py` measures and writes `results/shares.json` and `.md`; `--quick` is a
short run of models with two layers that only prints. See README.md for how to read the figures.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# Before torch: nothing here needs the network.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

import real_shapes
import torch
from explain import expect_same_answer, medians
from measuring import (
    LargestTensor,
    Spent,
    Stages,
    environment,
    estimates,
    in_turns,
    peak_memory,
    timed,
)
from subjects import Subject

from seewhy import models
from seewhy.chats import PROMPT
from seewhy.core.trace import Trace
from seewhy.explained_answer import CANDIDATES
from seewhy.methods import FALLBACK, Evidence, create

RESULTS = Path(__file__).parent / "results"
METHOD = create("logit-shares")
MSEA = create("msea", base="logit-shares", scales=(1.0, 1.5))

#: The goal: generation with the method / plain generation.
AIM = 1.10


@dataclass(frozen=True)
class Plan:
    """The amount of measuring of one model: the number of rounds, and which further cases."""

    rounds: int
    further: tuple[str, ...]


#: A round takes one to two minutes, so not every model has every case.
PLANS = {
    "SmolVLM-256M": Plan(4, ("hooks",)),
    "InternVL3-1B": Plan(4, ("msea",)),
    "Qwen2-VL-2B": Plan(3, ()),
}


class Cases:
    """The cases of one model, as functions that return the times of their stages.

    Args:
        subject: the model and its input.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._trace: Trace | None = None

    def of(self, plan: Plan) -> dict[str, Callable[[], Stages]]:
        """The cases of a plan. `msea` goes on from the latest trace of `logit-shares`."""
        further = {"hooks": self.hooks, "msea": self.msea}
        cases = {"generation": self.generation, "logit-shares": self.logit_shares}
        return {**cases, **{name: further[name] for name in plan.further}}

    def generation(self) -> Stages:
        """Plain generation, with nothing of ours."""
        return {"generate": timed(self.subject.answer)[1]}

    def hooks(self) -> Stages:
        """Generation with the trace of the other methods, without attention."""
        return {"generate": timed(lambda: self.generate(attention=False))[1]}

    def logit_shares(self) -> Stages:
        """Generation with attention, then the method, as in `Explainer.explain`."""
        self._trace = None
        trace, generating = timed(lambda: self.generate(attention=True))
        self._trace = trace
        _, attributing = timed(lambda: METHOD.attribute(self.evidence(trace)))
        return {"generate": generating, "attribute": attributing}

    def msea(self) -> Stages:
        """What `msea` over two scales takes after generation: the further reading, both maps."""
        trace = self._trace
        assert trace is not None  # the round before measuring runs the cases in order
        evidence = self.evidence(trace)
        _, attributing = timed(lambda: MSEA.attribute(evidence))
        return {"attribute": attributing}

    def generate(self, *, attention: bool) -> Trace:
        """Generate with the settings of `Explainer.explain`."""
        depth = max(METHOD.ranking_depth, CANDIDATES, create(FALLBACK).ranking_depth)
        return models.generate(
            self.subject.loaded,
            self.subject.inputs,
            ranking_depth=depth,
            candidates=CANDIDATES,
            attention=attention,
            **self.subject.generation,
        )

    def evidence(self, trace: Trace) -> Evidence:
        """Evidence that explains the prompt's words too."""
        loaded, image = self.subject.loaded, self.subject.image
        session = models.Session.from_image(loaded, image, PROMPT, trace.ids)
        session = replace(session, attention=trace.attention is not None).keep(trace)
        return Evidence.from_session(session, trace=trace, start=0)


def measure(subject: Subject, plan: Plan) -> dict[str, Any]:
    """Times, memory and ratios of one model."""
    expect_same_answer(subject)
    cases = Cases(subject).of(plan)
    # The first call of each case is measured for memory, not for time.
    memory = {name: peak_memory(case) for name, case in cases.items()}
    spent = in_turns(
        cases, plan.rounds, lambda text: print(f"  {subject.name}: {text}", flush=True), warm=True
    )
    plain = spent["generation"]["total"]
    compared = {
        "capture": spent["logit-shares"]["generate"],
        "logit-shares": spent["logit-shares"]["total"],
    }
    if "hooks" in spent:
        compared["hooks"] = spent["hooks"]["total"]
    if "msea" in spent:
        pairs = zip(spent["logit-shares"]["generate"], spent["msea"]["total"], strict=True)
        compared["msea"] = [generating + explaining for generating, explaining in pairs]
    return {
        "name": subject.name,
        **facts(subject),
        "rounds": plan.rounds,
        "seconds": {
            case: {stage: medians(samples) for stage, samples in stages.items()}
            for case, stages in spent.items()
        },
        "memory": memory,
        "ratios": {name: ratio(samples, plain) for name, samples in compared.items()},
    }


def ratio(samples: list[Spent], plain: list[Spent]) -> dict[str, dict[str, Any]]:
    """The ratio of medians by each clock, with its interval."""
    both = estimates(lambda explaining, alone: explaining / alone, samples, plain)
    return {clock: asdict(estimate) for clock, estimate in both.items()}


def facts(subject: Subject) -> dict[str, Any]:
    """Sizes of the model and its input."""
    model, inputs = subject.loaded.model, subject.inputs
    text = model.config.get_text_config()
    return {
        "class": type(model).__name__,
        "parameters": sum(p.numel() for p in model.parameters()),
        "dtype": str(model.dtype).removeprefix("torch."),
        "hidden": text.hidden_size,
        "layers": text.num_hidden_layers,
        "heads": [text.num_attention_heads, text.num_key_value_heads],
        "vocabulary": text.vocab_size,
        "picture": list(subject.image.size),
        "visual_tokens": len(inputs.visual_positions),
        "prompt_words": len(inputs.prompt_positions),
        "prompt_tokens": inputs.length,
        "answer_tokens": subject.tokens,
    }


def growth(name: str) -> list[dict[str, Any]]:
    """What a trace keeps of attention in each layer, with a picture and with a larger one.

    A layer's bytes do not depend on how many there are: this model has two.
    """
    base = real_shapes.subject(name, small=True)
    return [kept(subject) for subject in (base, real_shapes.with_larger_picture(base))]


def kept(subject: Subject) -> dict[str, Any]:
    """Bytes that a trace keeps of one layer, and the largest tensor of the method."""
    cases = Cases(subject)
    trace = cases.generate(attention=True)
    captured = trace.attention
    assert captured is not None  # it was asked for
    layer = captured.layers[0]
    with LargestTensor() as largest:
        METHOD.attribute(cases.evidence(trace))
    parts = ("queries", "outputs", "mask", "keys", "values")
    heads, positions = layer.queries.shape[1], layer.keys.shape[1]
    return {
        "visual_tokens": len(trace.inputs.visual_positions),
        "positions": positions,
        "rows": len(captured.positions),
        "bytes": {part: _bytes(getattr(layer, part)) for part in parts},
        "masks_shared": all(other.mask is layer.mask for other in captured.layers),
        "largest_tensor": list(largest.shape),
        "largest_numbers": largest.numbers,
        "heads_by_positions_squared": heads * positions**2,
    }


def _bytes(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def markdown(results: dict[str, Any]) -> str:
    """The results as a page of tables."""
    machine = results["environment"]
    lines = [
        "# What `logit-shares` costs",
        "",
        f"Measured {results['created']} at commit {machine['commit']} by "
        f"`{results['command']}`; how to read it: [README](../README.md).",
        "",
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"{machine['torch_threads']} torch thread(s), load average {machine['load_average']} "
        f"before and {results['load_average_after']} after. Python {machine['python']}, torch "
        f"{machine['torch']}, transformers {machine['transformers']}, numpy {machine['numpy']}, "
        f"seewhy {machine['seewhy']}. Random weights in bfloat16, in the shape of the checkpoints.",
        "",
        "| ratio to plain generation | processor time | wall time | aim | met |",
        "| --- | --- | --- | --- | --- |",
    ]
    for model in results["models"]:
        for name, text in TEXTS.items():
            if name in model["ratios"]:
                lines.append(_ratio_row(f"{model['name']}: {text}", name, model["ratios"][name]))
    lines += ["", "In brackets: 95% bootstrap intervals over the rounds."]
    for model in results["models"]:
        lines += _markdown_model(model)
    return "\n".join([*lines, *_markdown_growth(results["growth"])]) + "\n"


TEXTS = {
    "hooks": "generation, traced without attention",
    "capture": "generation, traced with attention",
    "logit-shares": "generation with `logit-shares`",
    "msea": "generation with `msea` over two scales of it",
}


def _ratio_row(text: str, name: str, both: dict[str, Any]) -> str:
    aim, met = ("", "")
    if name == "logit-shares":
        aim, met = f"<= {AIM:.2f}", "yes" if both["cpu"]["value"] <= AIM else "**no**"
    return f"| {text} | {_interval(both['cpu'])} | {_interval(both['wall'])} | {aim} | {met} |"


def _interval(estimate: dict[str, Any]) -> str:
    value = f"{estimate['value']:.3f}"
    if estimate["low"] is None:
        return value
    return f"{value} [{estimate['low']:.3f}, {estimate['high']:.3f}]"


def _markdown_model(model: dict[str, Any]) -> list[str]:
    """The sizes, times and memory of one model."""
    heads, groups = model["heads"]
    width, height = model["picture"]
    lines = [
        "",
        f"## {model['name']}",
        "",
        f"{model['class']}, {model['parameters'] / 1e6:,.0f} M parameters, width "
        f"{model['hidden']}, {model['layers']} layers, {heads} heads in {groups} groups, "
        f"vocabulary {model['vocabulary']:,}. Picture {width} x {height}, "
        f"{model['visual_tokens']} visual tokens; {model['prompt_tokens']} tokens of input, "
        f"{model['answer_tokens']} of answer; explained: {model['prompt_words']} tokens of the "
        f"prompt and the answer. {model['rounds']} rounds.",
        "",
        "| case | stage | processor time, s | wall time, s | peak memory added, MiB |",
        "| --- | --- | --- | --- | --- |",
    ]
    for case, stages in model["seconds"].items():
        used = model["memory"][case]
        added = f"{(used['peak'] - used['before']) / 2**20:,.0f}"
        for stage, clocks in stages.items():
            figures = " | ".join(f"{clocks[c]['value']:.2f}" for c in ("cpu", "wall"))
            lines.append(f"| {case} | {stage} | {figures} | {added} |")
            added = ""
    return lines


def _markdown_growth(growth: dict[str, list[dict[str, Any]]]) -> list[str]:
    """What a trace keeps, at two sizes of the picture."""
    lines = [
        "",
        "## Memory and the size of the picture",
        "",
        "What a trace keeps of attention in each layer, in KiB. Keys and values are the cache's "
        "own. The mask is one for all layers that share it. Last, the largest tensor that the "
        "method makes on the way, beside heads x positions x positions.",
        "",
        "| model | visual tokens | positions | rows | queries, outputs | mask | keys, values | "
        "largest tensor | numbers in it | all attention |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, sizes in growth.items():
        for size in sizes:
            kib = {part: count / 1024 for part, count in size["bytes"].items()}
            cells = [
                name,
                *(f"{size[part]:,}" for part in ("visual_tokens", "positions", "rows")),
                f"{kib['queries'] + kib['outputs']:,.0f}",
                f"{kib['mask']:,.0f}",
                f"{kib['keys'] + kib['values']:,.0f}",
                " x ".join(f"{n:,}" for n in size["largest_tensor"]),
                f"{size['largest_numbers']:,}",
                f"{size['heads_by_positions_squared']:,}",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Measure, print the ratios, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--quick", action="store_true", help="models of two layers, prints only")
    parser.add_argument("--model", nargs="*", choices=PLANS, help="only these models")
    parser.add_argument("--rounds", type=int, help="of every model, in place of its own number")
    parser.add_argument("--out", type=Path, help="folder of the results (default: results/)")
    parser.add_argument("--threads", type=int, help="torch threads (default: OMP_NUM_THREADS)")
    arguments = parser.parse_args()
    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    results: dict[str, Any] = {
        "schema": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": "python benchmarks/shares.py" + (" --quick" if arguments.quick else ""),
        "environment": environment(),
        "aim": AIM,
        "models": [],
        "growth": {},
    }
    folder = arguments.out or (None if arguments.quick else RESULTS)
    for name in arguments.model or PLANS:
        plan = PLANS[name]
        rounds = arguments.rounds or (2 if arguments.quick else plan.rounds)
        results["growth"][name] = growth(name)
        subject = real_shapes.subject(name, small=arguments.quick)
        results["models"].append(measure(subject, Plan(rounds, plan.further)))
        del subject
        results["load_average_after"] = round(os.getloadavg()[0], 2)
        for case, both in results["models"][-1]["ratios"].items():
            print(f"{name}: {TEXTS[case]}: {_interval(both['cpu'])}", flush=True)
        if folder is not None:  # after each model: the next takes minutes
            folder.mkdir(parents=True, exist_ok=True)
            text = json.dumps(results, indent=1) + "\n"
            (folder / "shares.json").write_text(text, encoding="utf-8")
            (folder / "shares.md").write_text(markdown(results), encoding="utf-8")


if __name__ == "__main__":
    main()

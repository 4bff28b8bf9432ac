"""Peak memory and time of every single-scale method, on models of real shape.

`python benchmarks/memory.py` measures and writes `results/memory.json` and `.md` after each case.
`--device cuda` measures on a GPU, `--quick` takes models of two layers and prints only, `--budget
SECONDS` stops in time: what was not reached is said. See README.md for how to read the figures.

On the CPU each case runs in a process of its own, so that its peak is its own. On a GPU the peak is
PyTorch's, which can be reset, and one process measures all methods of a model.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# Before torch: nothing here needs the network.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

import real_shapes
import torch
from measuring import environment, peak_memory
from subjects import Subject

from seewhy.chats import PROMPT
from seewhy.core.memory import in_words, is_out_of_memory
from seewhy.explainer import Explainer
from seewhy.memory.limits import MemoryGuard
from seewhy.methods import create
from seewhy.options import ExplainOptions

RESULTS = Path(__file__).parent / "results"

#: The goal: memory above the model, in bytes, and explain / generate of the default.
AIM_BYTES, AIM_RATIO = 4e9, 1.10

#: Cheap ones first. Methods that repeat their work do it a few times here: their memory is that of
#: the defaults, their time grows in proportion.
METHODS = (
    *("logit-shares", "logit-lens", "tam", "arc", "attention", "attention-rollout", "grad-cam"),
    *("grad-cam-plus-plus", "layer-cam", "dex-ar", "llava-cam(samples=2)", "input-x-gradient"),
    *("gradient-attention", "attn-lrp", "smooth-grad(samples=2)"),
    *("integrated-gradients(steps=2)", "occlusion(window=8, stride=8)", "rise(samples=16)"),
    *("kernel-shap(segments=8, samples=16)", "region-search(segments=4, steps=2)"),
    *("intra-modal", "corroborated"),
)

#: Each model's picture, width and height: 1,508, 832 and 1,024 visual tokens.
PICTURES = {"Qwen2-VL-2B": (1456, 812), "SmolVLM-256M": (640, 480), "InternVL3-1B": (1344, 448)}
QUICK_PICTURES = {"Qwen2-VL-2B": (280, 196), "SmolVLM-256M": (512, 512), "InternVL3-1B": (448, 448)}

#: The README's table stands between them.
README = Path(__file__).parent.parent / "README.md"
README_MARKS = ("<!-- memory: begin -->", "<!-- memory: end -->")

#: On a GPU, cases of fewer seconds are timed again.
SHORT = 5.0

#: Seconds for making a model and for plain generation, before the first case.
START = 240.0

#: No limit of our own: what runs out of memory is to be seen.
NO_LIMIT = "1000TB"


def subject_of(model: str, arguments: argparse.Namespace) -> Subject:
    """The model of a shape with its picture."""
    pictures = QUICK_PICTURES if arguments.quick else PICTURES
    base = real_shapes.subject(model, small=arguments.quick, device=arguments.device)
    picture = real_shapes.picture(pictures[model])
    return Subject(model, base.loaded, picture, arguments.tokens, forced=True)


def measured(subject: Subject, spec: str, device: str, generating: float) -> dict[str, Any]:
    """Time, peak and estimate of one method, of `Explainer.explain` with its generation."""
    explainer = Explainer(subject.loaded)
    settings = {"method": spec, "max_memory": NO_LIMIT, **subject.generation}
    seconds: list[float] = []

    def explain() -> None:
        began = time.perf_counter()
        explainer.explain(subject.image, PROMPT, **settings)
        seconds.append(time.perf_counter() - began)

    peak = peak_of(explain, device)
    if device != "cpu" and seconds[0] < SHORT:
        explain()  # the first call loads what is loaded once
    return {
        "seconds": seconds[-1],
        "ratio": seconds[-1] / generating,
        "peak": peak,
        "estimate": estimate_of(subject, spec),
    }


def estimate_of(subject: Subject, spec: str) -> int:
    """What `Explainer.explain` estimates before it reads."""
    options = ExplainOptions.of(method=spec, max_memory=NO_LIMIT, **subject.generation)
    guard = MemoryGuard(subject.loaded, options)
    guard.expect_fits([subject.inputs], [])
    return guard.estimate()


def peak_of(work: Callable[[], None], device: str) -> int:
    """Bytes above those in use before a call, at its peak."""
    if device == "cpu":
        used = peak_memory(work)
        return used["peak"] - used["before"]
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    work()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def seconds_of(work: Callable[[], object], device: str) -> float:
    """Wall time of the second call; the first one loads what is loaded once."""
    for _ in range(2):
        if device != "cpu":
            torch.cuda.synchronize()
        began = time.perf_counter()
        work()
        if device != "cpu":
            torch.cuda.synchronize()
    return time.perf_counter() - began


def cases(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The worker's part: measure methods of one model, one result after the other."""
    (model,) = arguments.model
    subject = subject_of(model, arguments)
    generating = seconds_of(subject.answer, arguments.device)
    inputs = subject.inputs
    facts = {
        "model": model,
        "positions": inputs.length + subject.tokens,
        "visual_tokens": len(inputs.visual_positions),
        "answer_tokens": subject.tokens,
        "generate_seconds": generating,
        "model_bytes": sum(p.numel() * p.element_size() for p in subject.loaded.model.parameters()),
    }
    for spec in arguments.method:
        yield {"begin": spec}
        case = {**facts, "method": spec}
        try:
            yield case | measured(subject, spec, arguments.device, generating)
        except Exception as error:  # noqa: BLE001 - the others are measured all the same
            reason = "out of memory" if is_out_of_memory(error) else type(error).__name__
            yield case | {"error": f"{reason}: {' '.join(str(error).split())[:200]}"}


class Worker:
    """A process that measures methods of one model, and is ended when it takes too long.

    Args:
        arguments: of this script.
        model: the shape.
        methods: the methods.
    """

    def __init__(self, arguments: argparse.Namespace, model: str, methods: list[str]) -> None:
        command = [sys.executable, __file__, "--worker", "--device", arguments.device]
        command += ["--tokens", str(arguments.tokens), "--model", model, "--method", *methods]
        command += ["--quick"] if arguments.quick else []
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None  # it is a pipe
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def next(self, seconds: float) -> dict[str, Any] | None:
        """The next result; None if the process ended.

        Raises:
            queue.Empty: if it takes longer.
        """
        line = self._lines.get(timeout=max(0.0, seconds))
        return None if line is None else json.loads(line)

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


def measure_model(
    arguments: argparse.Namespace, model: str, until: float, keep: Callable[[dict[str, Any]], None]
) -> None:
    """Measure all methods of a model in as few processes as the device allows."""
    waiting = list(arguments.method)
    while waiting:
        together = waiting if arguments.device != "cpu" else waiting[:1]
        worker = Worker(arguments, model, together)
        running = together[0]
        try:
            # The first message comes after the model was made.
            most = max(START, arguments.case_seconds)
            while True:
                result = worker.next(min(until - time.monotonic(), most))
                most = arguments.case_seconds
                if result is None:
                    if running in waiting:
                        keep({"model": model, "method": running, "error": "the process ended"})
                        waiting.remove(running)
                    break
                if "begin" in result:
                    running = result["begin"]
                    continue
                keep(result)
                waiting.remove(result["method"])
                if not set(together) & set(waiting):
                    break
        except queue.Empty:
            late = time.monotonic() >= until
            reason = "not measured: no time left" if late else "stopped: it took too long"
            for method in waiting if late else [running]:
                keep({"model": model, "method": method, "error": reason})
                waiting = [other for other in waiting if other != method]
        finally:
            worker.end()


def markdown(results: dict[str, Any]) -> str:
    """The results as a page of tables."""
    machine = results["environment"]
    lines = [
        "# Memory and time of every method at real size",
        "",
        f"Measured {results['created']} at commit {machine['commit']} by `{results['command']}`; "
        "how to read it: [README](../README.md).",
        "",
        f"{results['device_name']}. {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, {machine['torch_threads']} torch thread(s). Python "
        f"{machine['python']}, torch {machine['torch']}, transformers {machine['transformers']}, "
        f"seewhy {machine['seewhy']}. Random weights in bfloat16, in the shape of the checkpoints.",
        "",
        "Peak: memory above the model, while an answer is generated and every word of prompt and "
        "answer is explained. Estimate: what `seewhy.memory` says before anything is read. "
        "Explain / generate: wall time, to that of plain generation of the same tokens.",
    ]
    for note in results.get("notes", []):
        lines += ["", note]
    for model in dict.fromkeys(case["model"] for case in results["cases"]):
        lines += _markdown_model([c for c in results["cases"] if c["model"] == model])
    return "\n".join(lines) + "\n"


def _markdown_model(found: list[dict[str, Any]]) -> list[str]:
    facts = next((case for case in found if "positions" in case), None)
    lines = ["", f"## {found[0]['model']}", ""]
    if facts is not None:
        lines += [
            f"{in_words(facts['model_bytes'])} of weights; {facts['positions']:,} positions, "
            f"{facts['visual_tokens']:,} of them visual tokens and {facts['answer_tokens']} of the "
            f"answer. Plain generation: {facts['generate_seconds']:.2f} s.",
            "",
        ]
    lines += [
        "| method | peak | estimate | estimate / peak | explain / generate |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for case in found:
        if "peak" not in case:
            lines.append(f"| `{case['method']}` | {case['error']} | | | |")
            continue
        peak, estimate = case["peak"], case["estimate"]
        lines.append(
            f"| `{case['method']}` | {in_words(peak)} | {in_words(estimate)} | "
            f"{estimate / max(1, peak):.2f} | {case['ratio']:.2f} |"
        )
    return lines


def readme_table(results: dict[str, Any]) -> str:
    """The README's table: for each method its peak and its time on each model.

    The page of the results says why a case failed.
    """
    models = list(dict.fromkeys(case["model"] for case in results["cases"]))
    found = {(case["model"], case["method"]): case for case in results["cases"]}
    head = ["method", *(f"{model}: {name}" for model in models for name in ("peak", "time"))]
    lines = [f"| {' | '.join(head)} |", f"| --- | {' | '.join(['---:'] * (len(head) - 1))} |"]
    for method in dict.fromkeys(case["method"] for case in results["cases"]):
        cells = [f"`{method}`"]
        for model in models:
            case = found.get((model, method), {})
            known = "peak" in case
            cells += [
                in_words(case["peak"]) if known else "failed",
                f"{case['ratio']:.2f}" if known else "",
            ]
        lines.append(f"| {' | '.join(cells)} |")
    where = f"{results['device_name']}, {results['created'][:10]}"
    return "\n".join([*lines, "", f"Measured on {where}: [figures](benchmarks/results/memory.md)."])


def fill_readme(results: dict[str, Any], readme: Path) -> None:
    """Put the table between the two marks of the README."""
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(README_MARKS[0])
    _, end, after = rest.partition(README_MARKS[1])
    if not end:
        raise SystemExit(f"Expected the marks {README_MARKS} in {readme}: put them back.")
    readme.write_text(
        f"{before}{begin}\n\n{readme_table(results)}\n\n{end}{after}", encoding="utf-8"
    )


def device_name(device: str) -> str:
    """The name of the GPU, or "CPU"."""
    return "CPU" if device == "cpu" else torch.cuda.get_device_name()


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--quick", action="store_true", help="models of two layers, prints only")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    parser.add_argument("--budget", type=float, default=1e9, help="seconds for everything")
    parser.add_argument("--case-seconds", type=float, help="longest time of a case")
    parser.add_argument("--tokens", type=int, help="tokens of the answer (default: 30)")
    parser.add_argument("--model", nargs="*", choices=PICTURES, help="only these models")
    parser.add_argument("--method", nargs="*", help="only these methods")
    parser.add_argument("--out", type=Path, help="folder of the results (default: results/)")
    parser.add_argument(
        "--readme", action="store_true", help="only write the README's table from the results"
    )
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.model = arguments.model or list(PICTURES)
    arguments.method = [create(spec).spec for spec in arguments.method or METHODS]
    arguments.tokens = arguments.tokens or (3 if arguments.quick else 30)
    if arguments.case_seconds is None:
        arguments.case_seconds = 3600.0 if arguments.device == "cpu" else 90.0
    return arguments


def main() -> None:
    """Measure, print each case, and write the results after each."""
    arguments = parsed()
    if arguments.worker:
        for result in cases(arguments):
            print(json.dumps(result), flush=True)
        return
    if arguments.readme:
        folder = arguments.out or RESULTS
        fill_readme(json.loads((folder / "memory.json").read_text(encoding="utf-8")), README)
        return
    until = time.monotonic() + arguments.budget
    results: dict[str, Any] = {
        "schema": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": "python " + " ".join(["benchmarks/memory.py", *sys.argv[1:]]),
        "environment": environment(),
        "device_name": device_name(arguments.device),
        "cases": [],
    }
    folder = arguments.out or (None if arguments.quick else RESULTS)

    def keep(case: dict[str, Any]) -> None:
        results["cases"].append(case)
        print(_line(case), flush=True)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            text = json.dumps(results, indent=1) + "\n"
            (folder / "memory.json").write_text(text, encoding="utf-8")
            (folder / "memory.md").write_text(markdown(results), encoding="utf-8")

    for model in arguments.model:
        measure_model(arguments, model, until, keep)


def _line(case: dict[str, Any]) -> str:
    if "peak" not in case:
        return f"{case['model']}: {case['method']}: {case['error']}"
    return (
        f"{case['model']}: {case['method']}: peak {in_words(case['peak'])}, estimate "
        f"{in_words(case['estimate'])}, {case['seconds']:.1f} s, explain / generate "
        f"{case['ratio']:.2f}"
    )


if __name__ == "__main__":
    main()

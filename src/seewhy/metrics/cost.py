"""Cost: time, memory and passes of a method, as multiples of generating the answer."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import ClassVar

import torch

from seewhy.core.errors import ParameterError
from seewhy.metrics._base import Figure, Measurement, Metric, Results, finite_or_undefined
from seewhy.metrics._reruns import RerunnableSample, fresh_evidence, lacks_model, session_of
from seewhy.models.family import input_device
from seewhy.models.passes import count_passes
from seewhy.models.session import Session

MEBI = 2**20


@dataclass(frozen=True)
class Resources:
    """Resources that one run used.

    Attributes:
        seconds: wall time.
        memory: MiB, the peak minus the memory in use at the start.
        forward: rows of forward passes.
        backward: backward passes.
    """

    seconds: float
    memory: float
    forward: float
    backward: float


@dataclass(frozen=True)
class Cost(Metric):
    """Run the method again on new evidence and measure it; measure an equally long generation too.

    The base reading is not counted: its states are captured when the model answers. Readings at
    further scales, of changed pictures, and gradients are counted. The method and the model have
    run in this process before, so there is no warm-up run; of several runs the median counts.

    If the model is on an accelerator, memory is the peak that PyTorch allocated. On the CPU it is
    the peak of the process's resident memory minus that at the start, after the allocator has
    returned freed memory to the system. It keeps small pieces, so this is a lower bound, and 0
    for tiny models. Where the peak cannot be reset (only Linux can), only growth above all
    earlier peaks counts. Generation counts one row per token, each cheaper than a full reading.

    Attributes:
        repeats: number of runs, at least 1.
    """

    repeats: int = 1

    name: ClassVar[str] = "cost"
    summary: ClassVar[str] = "Time, memory and passes of a method, as multiples of generation."
    needs: ClassVar[frozenset[str]] = frozenset({"model"})
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("seconds", "Wall time of the method for one answer.", False, "seconds"),
        Figure("memory", "Peak memory above that at the start.", False, "MiB"),
        Figure("forward", "Rows that went through the model forwards.", False, "passes"),
        Figure("backward", "Gradients taken back through the model.", False, "passes"),
        Figure("seconds-ratio", "Wall time over that of generating.", False, "ratio"),
        Figure("memory-ratio", "Peak memory over that of generating.", False, "ratio"),
        Figure("forward-ratio", "Rows forwards over those of generating.", False, "ratio"),
        Figure("generation-seconds", "Wall time of generating the answer.", None, "seconds"),
        Figure("generation-memory", "Peak memory of generating the answer.", None, "MiB"),
    )

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise ParameterError(f"Expected repeats of at least 1, got {self.repeats!r}: try 3.")

    def measure(self, sample: RerunnableSample) -> Results:
        """One value for each figure."""
        if reason := lacks_model(sample):
            yield from self.undefined(reason)
            return
        session = session_of(sample)
        generation = self._median(session, lambda: lambda: generate_as_long(session))

        def prepare_method() -> Callable[[], object]:
            evidence = fresh_evidence(sample, session)
            return lambda: sample.method.attribute(evidence)

        method = self._median(session, prepare_method)
        yield Measurement("seconds", method.seconds)
        yield Measurement("memory", method.memory)
        yield Measurement("forward", method.forward)
        yield Measurement("backward", method.backward)
        yield Measurement("seconds-ratio", method.seconds / generation.seconds)
        ratio = method.memory / generation.memory if generation.memory else float("nan")
        yield finite_or_undefined("memory-ratio", ratio, reason="generation used no new memory")
        yield Measurement("forward-ratio", method.forward / generation.forward)
        yield Measurement("generation-seconds", generation.seconds)
        yield Measurement("generation-memory", generation.memory)

    def _median(self, session: Session, prepare: Callable[[], Callable[[], object]]) -> Resources:
        """The median of several runs; their preparation is not measured."""
        runs = [measure_resources(session, prepare()) for _ in range(self.repeats)]
        names = ("seconds", "memory", "forward", "backward")
        return Resources(*(float(median(getattr(run, name) for run in runs)) for name in names))


def generate_as_long(session: Session) -> object:
    """Generate exactly as many tokens as the explained answer has."""
    count = len(session.ids)
    return session.generate(
        max_new_tokens=count, min_new_tokens=count, ranking_depth=1, candidates=0
    )


def measure_resources(session: Session, work: Callable[[], object]) -> Resources:
    """Run `work` and measure it."""
    device = input_device(session.loaded.model)
    on_accelerator = device.type == "cuda"
    gc.collect()
    if on_accelerator:
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
    start = torch.cuda.memory_allocated(device) if on_accelerator else _resident_after_reset()
    began = time.perf_counter()
    with count_passes(session.loaded.model) as passes:
        work()
        if on_accelerator:
            torch.cuda.synchronize(device)
    seconds = time.perf_counter() - began
    peak = torch.cuda.max_memory_allocated(device) if on_accelerator else _resident_peak()
    memory = max(0, peak - start) / MEBI
    return Resources(seconds, memory, float(passes.forward), float(passes.backward))


def _resident_after_reset() -> int:
    """Bytes resident now, after the kernel's peak is reset."""
    with suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return _resident_peak()
    return _status("VmRSS") or _resident_peak()


def _resident_peak() -> int:
    """Bytes resident at the peak since the reset, or since the process started."""
    unit = 1 if sys.platform == "darwin" else 1024
    return _status("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _status(name: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    values = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(values[0]) * 1024 if values else None

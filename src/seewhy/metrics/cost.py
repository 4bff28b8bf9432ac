"""Cost: time, memory and passes of a method, as multiples of generating the answer."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import ClassVar

import torch

from seewhy.core.errors import ParameterError
from seewhy.metrics._base import Case, Figure, Measurement, Metric, Undefined, measured
from seewhy.metrics._perturbation import lacks_model, session_of
from seewhy.metrics._reruns import evidence_again
from seewhy.models.family import input_device
from seewhy.models.passes import count_passes
from seewhy.models.session import Session

MEBI = 2**20


@dataclass(frozen=True)
class Bill:
    """What one run cost.

    Attributes:
        seconds: wall time.
        memory: MiB at the peak above what was in use at the start.
        forward: rows that went through the model.
        backward: gradients taken back through it.
    """

    seconds: float
    memory: float
    forward: float
    backward: float


@dataclass(frozen=True)
class Cost(Metric):
    """Run the method again on fresh evidence and measure it; generate as long an answer likewise.

    The base reading is not counted: when the model speaks, it is overheard and costs nothing
    more. Readings at further scales, of changed pictures, and gradients are. By the time this
    metric runs, the method and the model have run in this process already, so nothing is cold; no
    run is thrown away, and of several the median counts.

    Memory is that of the accelerator where the model is on one: the peak of what PyTorch
    allocated. On the CPU it is the peak of the process's resident memory above that at the start,
    to which the allocator has first given back what it held but had freed; small pieces stay, so
    it is a lower bound, and of tiny models 0. Where Linux's reset of the peak is not to be had,
    only growth beyond all earlier peaks is seen.
    Generation counts a row for each token, each of which is cheaper than a whole reading.

    Attributes:
        repeats: runs, at least 1.
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

    def measure(self, case: Case) -> Iterator[Measurement | Undefined]:
        """One value for each figure."""
        if reason := lacks_model(case):
            yield from self.undefined(reason)
            return
        session = session_of(case)
        spoken = self._median(session, lambda: lambda: generate_as_long(session))

        def explaining() -> Callable[[], object]:
            evidence = evidence_again(case, session)
            return lambda: case.method.attribute(evidence)

        own = self._median(session, explaining)
        yield Measurement("seconds", own.seconds)
        yield Measurement("memory", own.memory)
        yield Measurement("forward", own.forward)
        yield Measurement("backward", own.backward)
        yield Measurement("seconds-ratio", own.seconds / spoken.seconds)
        ratio = own.memory / spoken.memory if spoken.memory else float("nan")
        yield measured("memory-ratio", ratio, otherwise="generation used no new memory")
        yield Measurement("forward-ratio", own.forward / spoken.forward)
        yield Measurement("generation-seconds", spoken.seconds)
        yield Measurement("generation-memory", spoken.memory)

    def _median(self, session: Session, ready: Callable[[], Callable[[], object]]) -> Bill:
        """Of several runs, each made ready first at nobody's cost."""
        bills = [billed(session, ready()) for _ in range(self.repeats)]
        names = ("seconds", "memory", "forward", "backward")
        return Bill(*(float(median(getattr(bill, name) for bill in bills)) for name in names))


def generate_as_long(session: Session) -> object:
    """Let the model say an answer of exactly as many tokens as the one explained."""
    count = len(session.ids)
    return session.generate(
        max_new_tokens=count, min_new_tokens=count, ranking_depth=1, candidates=0
    )


def billed(session: Session, work: Callable[[], object]) -> Bill:
    """Do some work and measure it."""
    device = input_device(session.loaded.model)
    on_card = device.type == "cuda"
    gc.collect()
    if on_card:
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
    start = torch.cuda.memory_allocated(device) if on_card else _resident_after_reset()
    begun = time.perf_counter()
    with count_passes(session.loaded.model) as passes:
        work()
        if on_card:
            torch.cuda.synchronize(device)
    seconds = time.perf_counter() - begun
    peak = torch.cuda.max_memory_allocated(device) if on_card else _resident_peak()
    memory = max(0, peak - start) / MEBI
    return Bill(seconds, memory, float(passes.forward), float(passes.backward))


def _resident_after_reset() -> int:
    """Bytes resident now, after the kernel was asked to forget the peak so far."""
    with suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return _resident_peak()
    return _status("VmRSS") or _resident_peak()


def _resident_peak() -> int:
    """Bytes resident at the peak since the reset, or since the process began."""
    unit = 1 if sys.platform == "darwin" else 1024
    return _status("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _status(name: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(found[0]) * 1024 if found else None

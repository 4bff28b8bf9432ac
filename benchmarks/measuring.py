"""Measuring tools: interleaved cases, medians with intervals, memory in fresh processes."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import platform
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import seewhy

T = TypeVar("T")

CLOCKS = ("wall", "cpu")
RESAMPLES = 4000


@dataclass(frozen=True)
class Spent:
    """Seconds of wall time, and of processor time of this process (all threads).

    On a busy machine, wall time also includes the work of other processes.
    """

    wall: float
    cpu: float

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.wall + other.wall, self.cpu + other.cpu)

    def __mul__(self, factor: float) -> Spent:
        return Spent(self.wall * factor, self.cpu * factor)


#: The time of each stage of a case.
Stages = dict[str, Spent]


def timed(work: Callable[[], T]) -> tuple[T, Spent]:
    """Call a function, and measure its time."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, Spent(time.perf_counter() - wall, time.process_time() - cpu)


def in_turns(
    cases: Mapping[str, Callable[[], Stages]],
    repeats: int,
    say: Callable[[str], None] = print,
    *,
    warm: bool = False,
) -> dict[str, dict[str, list[Spent]]]:
    """Run the cases one after the other in `repeats` rounds, after one round without measuring.

    Each round shuffles the cases, so that their order varies.

    Args:
        cases: each returns the times of its stages.
        repeats: number of rounds.
        say: called with a text after each round.
        warm: whether every case ran before, so that the round without measuring is left out.

    Returns:
        For each case the times of each stage, and `"total"`, one entry per round.
    """
    for case in () if warm else cases.values():
        case()
    spent: dict[str, dict[str, list[Spent]]] = {name: {} for name in cases}
    order = random.Random(0)
    for number in range(repeats):
        for name in order.sample(list(cases), len(cases)):
            gc.collect()
            stages = cases[name]()
            total = sum(stages.values(), Spent(0.0, 0.0))
            for stage, seconds in {**stages, "total": total}.items():
                spent[name].setdefault(stage, []).append(seconds)
        say(f"round {number + 1} of {repeats}")
    return spent


@dataclass(frozen=True)
class Estimate:
    """A figure of medians, and its 95% bootstrap interval (None for one round).

    Resampling draws complete rounds, with replacement, so measurements of a round stay together.
    """

    value: float
    low: float | None
    high: float | None

    @staticmethod
    def of(
        figure: Callable[..., Any], *samples: Sequence[Spent], clock: str, seed: int = 0
    ) -> Estimate:
        """`figure` of the samples' medians.

        Args:
            figure: takes one median (or an array of them) for each sample.
            *samples: of equal length, one entry per round.
            clock: `"wall"` or `"cpu"`.
            seed: of the resampling.
        """
        rounds = np.array([[getattr(s, clock) for s in sample] for sample in samples])
        count = rounds.shape[1]
        value = float(figure(*np.median(rounds, axis=1)))
        if count < 2:
            return Estimate(value, None, None)
        drawn = np.random.default_rng(seed).integers(0, count, (RESAMPLES, count))
        medians = np.median(rounds[:, drawn], axis=2)
        low, high = np.percentile(figure(*medians), (2.5, 97.5))
        return Estimate(value, float(low), float(high))


def estimates(figure: Callable[..., Any], *samples: Sequence[Spent]) -> dict[str, Estimate]:
    """The estimate of a figure by each clock."""
    return {clock: Estimate.of(figure, *samples, clock=clock) for clock in CLOCKS}


def peak_memory(work: Callable[[], object]) -> dict[str, int]:
    """Bytes of resident memory before a call, and at its peak. For the first call of its kind.

    Python cannot see the memory that torch allocates, so the kernel's high-water mark is read.
    """
    gc.collect()
    # What the C library keeps for later would hide what the call adds.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    # Linux resets the mark to the current size; other systems keep that of the preparation.
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    before = high_water()
    work()
    return {"before": before, "peak": high_water()}


def high_water() -> int:
    """The largest resident size of this process so far, in bytes.

    On Linux it is read for this process only; `ru_maxrss` would include the size of the parent at
    the time of the fork.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


class LargestTensor(TorchDispatchMode):
    """While it is active, records the shape of the largest tensor that any operation returns.

    Attributes:
        shape: of that tensor.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shape: tuple[int, ...] = (0,)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor) and leaf.numel() > self.numbers:
                self.shape = tuple(leaf.shape)
        return result

    @property
    def numbers(self) -> int:
        """Number of elements of that tensor."""
        return int(np.prod(self.shape))


def environment() -> dict[str, Any]:
    """The machine, its load, and the versions of the software."""
    packages = ("torch", "transformers", "numpy")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(_memory() / 2**30, 1),
        "torch_threads": torch.get_num_threads(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "seewhy": seewhy.__version__,  # it need not be installed
        **{name: version(name) for name in packages},
        "commit": _commit(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _commit() -> str | None:
    """The measured commit, with `+` for uncommitted changes; None without git."""
    folder = Path(__file__).parent

    def git(*words: str) -> str:
        command = ["git", "-C", str(folder), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", str(folder.parent / "src"))
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None

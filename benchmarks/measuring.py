"""How the benchmarks measure: cases in turns, medians with intervals, memory in fresh processes."""

from __future__ import annotations

import contextlib
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

T = TypeVar("T")

CLOCKS = ("wall", "cpu")
RESAMPLES = 4000


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock on the wall, and of this process on the processor (all threads).

    On a machine that does other work too, the wall's clock counts the others' work as well.
    """

    wall: float
    cpu: float

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.wall + other.wall, self.cpu + other.cpu)

    def __mul__(self, factor: float) -> Spent:
        return Spent(self.wall * factor, self.cpu * factor)


#: What a case spent in each of its stages.
Stages = dict[str, Spent]


def timed(work: Callable[[], T]) -> tuple[T, Spent]:
    """Do some work, and tell what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, Spent(time.perf_counter() - wall, time.process_time() - cpu)


def in_turns(
    cases: Mapping[str, Callable[[], Stages]], repeats: int, say: Callable[[str], None] = print
) -> dict[str, dict[str, list[Spent]]]:
    """Run the cases one after the other, `repeats` times over, and once before that unmeasured.

    Each round shuffles them, so that none always follows the same one.

    Args:
        cases: each does its work and tells what its stages took.
        repeats: how many rounds.
        say: told when a round is over.

    Returns:
        For each case what each stage spent, and `"total"`, one entry a round.
    """
    for case in cases.values():
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
    """A figure made of medians, and where it lies in 95% of the resampled runs (None for one run).

    Resampling draws whole rounds, with replacement: what was measured side by side stays so.
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
            *samples: as many entries each, one a round.
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
    """The figure by each clock."""
    return {clock: Estimate.of(figure, *samples, clock=clock) for clock in CLOCKS}


def peak_memory(work: Callable[[], object]) -> dict[str, int]:
    """Bytes of resident memory before some work, and at its peak. For fresh processes.

    What torch allocates is out of Python's sight, so the kernel's own high-water mark is read.
    """
    gc.collect()
    # On Linux the mark falls to what is resident now; elsewhere that of the preparation stands.
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    before = high_water()
    work()
    return {"before": before, "peak": high_water()}


def high_water() -> int:
    """The largest resident size of this process so far, in bytes.

    Linux tells it for this process image alone; `ru_maxrss` would also count what the parent held
    when it started this process.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


class LargestTensor(TorchDispatchMode):
    """While it is on, notes the largest tensor that any operation gives.

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
        """How many numbers that tensor holds."""
        return int(np.prod(self.shape))


def environment() -> dict[str, Any]:
    """The machine and the software, and how busy the machine is."""
    packages = ("seewhy", "torch", "transformers", "numpy")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(_memory() / 2**30, 1),
        "torch_threads": torch.get_num_threads(),
        "system": platform.platform(),
        "python": platform.python_version(),
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
    """The commit that was measured, `+` for changes on top of it; None without git."""
    folder = Path(__file__).parent

    def git(*words: str) -> str:
        command = ["git", "-C", str(folder), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", str(folder.parent / "src"))
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None

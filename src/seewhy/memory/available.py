"""How much memory is free for a model's computations."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import torch

from seewhy.models.family import input_device

CGROUPS = Path("/sys/fs/cgroup")


def available_memory(model: object) -> int | None:
    """Bytes that are free where a model computes; None if it cannot be found out.

    On the CPU the least of what the system could give, of the limits of the control groups of this
    process (containers), and of its limit of address space. On an accelerator, what is free there
    and what PyTorch holds without using it.

    Args:
        model: a model of transformers.
    """
    device = input_device(model)  # type: ignore[arg-type]
    if device.type == "cuda":
        return sum(map(_of_gpu, _gpus(model, device)))
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    found = [*_of_system(), *_of_cgroups(), *_of_address_space()]
    return max(0, min(found)) if found else None


def _gpus(model: object, device: torch.device) -> set[torch.device]:
    """The GPUs that a model is on: one, or those of its `device_map`."""
    places = dict(getattr(model, "hf_device_map", None) or {}).values()
    numbers = {place for place in places if isinstance(place, int)}
    return {torch.device("cuda", number) for number in numbers} or {device}


def _of_gpu(device: torch.device) -> int:
    """What is free on a GPU, and what PyTorch holds there without using it."""
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def _of_system(file: Path = Path("/proc/meminfo")) -> Iterator[int]:
    """What new programs could take without swapping, as Linux estimates it."""
    yield from _kilobytes(file, "MemAvailable:")


def _of_cgroups(
    root: Path = CGROUPS, membership: Path = Path("/proc/self/cgroup")
) -> Iterator[int]:
    """What each control group of this process leaves, versions 1 and 2.

    File caches count as used there, but are given back when memory is needed.
    """
    with suppress(OSError, ValueError):
        for line in membership.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == "":
                names, base = ("memory.max", "memory.current", "inactive_file"), root
            elif "memory" in controllers.split(","):
                names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
                base = root / "memory"
            else:
                continue
            own = base / path.lstrip("/")
            for folder in (own, *own.parents):
                if folder == base or base in folder.parents:
                    yield from _left_in(folder, *names)


def _left_in(folder: Path, limit: str, used: str, cache: str) -> Iterator[int]:
    with suppress(OSError, ValueError):  # the root has no limit, and no file
        most = (folder / limit).read_text().strip()
        if most != "max":
            lines = (folder / "memory.stat").read_text().splitlines()
            caches = dict(line.split() for line in lines)
            yield int(most) - int((folder / used).read_text()) + int(caches.get(cache, 0))


def _of_address_space() -> Iterator[int]:
    """What `ulimit -v` leaves."""
    try:
        import resource
    except ImportError:  # Windows
        return
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY and sys.platform == "linux":
        for used in _kilobytes(Path("/proc/self/status"), "VmSize:"):
            yield most - used


def _kilobytes(file: Path, name: str) -> Iterator[int]:
    """A line of a file of Linux's that gives kilobytes, as bytes."""
    with suppress(OSError, ValueError):
        for line in file.read_text().splitlines():
            if line.startswith(name):
                yield int(line.split()[1]) * 1024

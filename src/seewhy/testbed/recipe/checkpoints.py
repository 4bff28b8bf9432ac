"""Checkpoints of runs that may be killed at any time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch


def write_checkpoint(file: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint; one that is killed while writing leaves the earlier one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    torch.save(state, new)
    new.replace(file)

"""What holds for every test: offline, one thread, no progress bars."""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Many small tensors: threads would only wait for each other."""
    torch.set_num_threads(1)

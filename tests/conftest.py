"""What holds for every test: offline, one thread, no progress bars."""

from __future__ import annotations

import gc
import logging
import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import hypothesis  # noqa: F401 - its import asks the collector, which must not be frozen yet
import pytest
import torch

# pytest's own plugin is off, and Python would print what no handler takes.
logging.getLogger().addHandler(logging.NullHandler())


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Many small tensors: threads would only wait for each other."""
    torch.set_num_threads(1)


def pytest_collection_finish():
    """Modules and tests live as long as the run: the garbage collector need not look at them."""
    gc.collect()
    gc.freeze()

"""Out of memory is told from other errors, and amounts of memory are read and written."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seewhy.core.errors import MemoryLimitError, ParameterError, SeewhyError
from seewhy.core.memory import bytes_of, in_words, is_out_of_memory

RAN_OUT = [
    MemoryError(),
    MemoryLimitError("Expected ..."),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: "
        "you tried to allocate 100000000000000 bytes. Error code 12 (Cannot allocate memory)"
    ),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 10 bytes."),
    RuntimeError("MPS backend out of memory (MPS allocated: 5.00 GB)"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("CUDA error: out of memory"),
    OSError(12, "Cannot allocate memory"),
]


@pytest.mark.parametrize("error", RAN_OUT, ids=lambda error: str(error)[:30] or "MemoryError")
def test_out_of_memory_is_known_on_every_device(error):
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "allocate",
    [
        lambda: torch.empty(1 << 60, dtype=torch.uint8),
        lambda: np.empty(1 << 60, dtype=np.uint8),
    ],
    ids=["torch", "numpy"],
)
def test_real_errors_of_allocation_are_known(allocate):
    with pytest.raises((RuntimeError, MemoryError), match="allocate") as caught:
        allocate()
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    "error", [RuntimeError("shapes differ"), ValueError("out of memory"), KeyError("alloc_failed")]
)
def test_other_errors_are_not_out_of_memory(error):
    assert not is_out_of_memory(error)


def test_memory_limit_error_is_one_of_ours_and_a_memory_error():
    assert issubclass(MemoryLimitError, SeewhyError)
    assert issubclass(MemoryLimitError, MemoryError)


@pytest.mark.parametrize(
    ("given", "count"),
    [
        *(("8GB", 8 * 10**9), ("8 gb", 8 * 10**9), ("8G", 8 * 10**9), (" 500MB ", 5 * 10**8)),
        *(("1.5GiB", 3 * 2**29), ("2ki", 2048), ("7", 7), ("7B", 7), (12, 12)),
    ],
)
def test_bytes_of_reads_amounts(given, count):
    assert bytes_of(given) == count


@pytest.mark.parametrize("given", ["", "GB", "-1GB", "0", 0, -3, True, 1.5, None, "8 GBs", "8e9"])
def test_bytes_of_refuses_what_is_no_amount(given):
    with pytest.raises(ParameterError, match="Expected an amount of memory such as '8GB'"):
        bytes_of(given)


@pytest.mark.parametrize("text", ["1 MB", "999 MB", "1.0 GB", "9.9 GB", "10 GB", "317 GB"])
def test_in_words_reads_back(text):
    assert in_words(bytes_of(text)) == text

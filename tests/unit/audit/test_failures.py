"""Reasons are the same for failures of one kind, and details are whole."""

from __future__ import annotations

import pytest
import torch

from seewhy.audit.failures import NO_FILE, NO_MEMORY, UNEXPECTED, failure_of
from seewhy.core.errors import AnswerError, ImageError, SampleError
from seewhy.core.geometry import TokenGrid
from seewhy.runs.work import WorkerLost


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ImageError("Expected x."), "The picture is missing, broken, empty or too large."),
        (
            AnswerError("Expected y."),
            "The given answer has no tokens, or the model generated none.",
        ),
        (SampleError("no caption"), "no caption"),
        (torch.OutOfMemoryError("CUDA out of memory."), NO_MEMORY),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), NO_MEMORY),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), NO_MEMORY),
        (MemoryError(), NO_MEMORY),
        (PermissionError(13, "Permission denied", "a.png"), NO_FILE),
        (KeyError("label"), "unexpected KeyError"),
    ],
)
def test_reason_is_that_of_the_kind_and_detail_names_the_error(error, reason):
    found = failure_of(error)
    assert found.reason == reason
    assert type(error).__name__ in found.detail
    assert str(error) in found.detail
    assert found.reason.startswith(UNEXPECTED) == isinstance(error, KeyError)


def test_an_unexpected_error_is_told_with_its_place_and_traceback():
    with pytest.raises(AttributeError, match="cells_of_no_kind") as caught:
        _ = TokenGrid.cells_of_no_kind  # pyright: ignore[reportAttributeAccessIssue]
    found = failure_of(caught.value)
    assert found.reason.startswith("unexpected AttributeError")
    assert "test_failures.py" in found.detail


def test_an_error_of_the_gpu_ends_the_worker():
    with pytest.raises(WorkerLost, match="illegal memory access"):
        failure_of(RuntimeError("CUDA error: an illegal memory access was encountered"))

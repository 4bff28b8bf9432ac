"""torchvision's Python part beside a torch that its compiled part does not fit: for tests alone.

There is no torchvision build for torch's CPU wheel on PyPI. Where a mismatched one stands on the
path, transformers takes it for usable and fails at import; so `make` installs it outside the path,
in `<venv>/torchvision`, and only a process that calls `install` sees it. transformers remembers
whether torchvision was there, so that process is a fresh one: see `with_torchvision`.
"""

from __future__ import annotations

import atexit
import importlib
import os
import pickle
import subprocess
import sys
import traceback
from functools import cache
from pathlib import Path
from typing import Any

LOCATION = Path(os.environ.get("SEEWHY_TORCHVISION", Path(sys.prefix) / "torchvision"))

#: Schemas of the operators that torchvision's meta registrations name at import.
SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, "
    "SymInt pooled_width, int sampling_ratio, bool aligned) -> Tensor",
    "qroi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, "
    "SymInt pooled_width, int sampling_ratio, bool aligned) -> Tensor",
    "_roi_align_backward(Tensor grad, Tensor rois, float spatial_scale, SymInt pooled_height, "
    "SymInt pooled_width, SymInt batch_size, SymInt channels, SymInt height, SymInt width, "
    "int sampling_ratio, bool aligned) -> Tensor",
    "ps_roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, "
    "SymInt pooled_width, int sampling_ratio) -> (Tensor, Tensor)",
    "_ps_roi_align_backward(Tensor grad, Tensor rois, Tensor channel_mapping, "
    "float spatial_scale, SymInt pooled_height, SymInt pooled_width, int sampling_ratio, "
    "SymInt batch_size, SymInt channels, SymInt height, SymInt width) -> Tensor",
    "roi_pool(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, "
    "SymInt pooled_width) -> (Tensor, Tensor)",
    "_roi_pool_backward(Tensor grad, Tensor rois, Tensor argmax, float spatial_scale, "
    "SymInt pooled_height, SymInt pooled_width, SymInt batch_size, SymInt channels, "
    "SymInt height, SymInt width) -> Tensor",
    "ps_roi_pool(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, "
    "SymInt pooled_width) -> (Tensor, Tensor)",
    "_ps_roi_pool_backward(Tensor grad, Tensor rois, Tensor channel_mapping, "
    "float spatial_scale, SymInt pooled_height, SymInt pooled_width, SymInt batch_size, "
    "SymInt channels, SymInt height, SymInt width) -> Tensor",
    "deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, "
    "SymInt stride_h, SymInt stride_w, SymInt pad_h, SymInt pad_w, SymInt dil_h, SymInt dil_w, "
    "SymInt groups, SymInt offset_groups, bool use_mask) -> Tensor",
    "_deform_conv2d_backward(Tensor grad, Tensor input, Tensor weight, Tensor offset, "
    "Tensor mask, Tensor bias, SymInt stride_h, SymInt stride_w, SymInt pad_h, SymInt pad_w, "
    "SymInt dilation_h, SymInt dilation_w, SymInt groups, SymInt offset_groups, bool use_mask) "
    "-> (Tensor, Tensor, Tensor, Tensor, Tensor)",
)

#: What most calls import, and what is slow to import.
IMPORTED_ONCE = (
    "seewhy.models",
    "transformers.models.auto.processing_auto",
    "torchvision.transforms.v2",
)

_libraries: list[Any] = []  # a library's definitions end with the library object


def available() -> bool:
    """Whether torchvision was installed where `install` looks for it."""
    return (LOCATION / "torchvision").is_dir()


def install() -> None:
    """Make torchvision importable in this process; call it before transformers is imported."""
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for schema in SCHEMAS:
        library.define(schema)
    _libraries.append(library)
    sys.path.append(str(LOCATION))
    importlib.import_module("torchvision")


def with_torchvision(function: str, *arguments: Any) -> Any:
    """Call `module:function` of the tests in a process of its own that sees torchvision.

    Arguments and result travel by pickle. Every call has a new process, forked from one in which
    the slow imports are done. Modules are looked for where this process now looks for them.
    """
    server = _server()
    assert server.stdin
    assert server.stdout
    pickle.dump((function, arguments, sys.path), server.stdin)
    server.stdin.flush()
    succeeded, result = pickle.load(server.stdout)
    if not succeeded:
        raise RuntimeError(f"{function} failed beside torchvision:\n{result}")
    return result


@cache
def _server() -> subprocess.Popen[bytes]:
    """The process from which calls are forked; it ends with this one, whose pipe it reads."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    tests = str(Path(__file__).parent)
    environment["PYTHONPATH"] = os.pathsep.join([tests, *(p for p in sys.path if p)])
    words = [sys.executable, "-W", "ignore", __file__]
    server = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    atexit.register(_end, server)
    return server


def _end(server: subprocess.Popen[bytes]) -> None:
    for pipe in (server.stdin, server.stdout):
        assert pipe
        pipe.close()
    server.wait()


def _serve() -> None:
    """Answer each call on stdin by `(succeeded, result or traceback)` on stdout."""
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # nothing else may write to the answers
    install()
    for module in IMPORTED_ONCE:
        importlib.import_module(module)
    while True:
        try:
            call = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            try:
                with os.fdopen(writing, "wb") as pipe:
                    pickle.dump(_called(*call), pipe)
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            answer = pipe.read()
        os.waitpid(child, 0)
        answers.write(answer or pickle.dumps((False, "The process died.")))
        answers.flush()


def _called(function: str, arguments: tuple[Any, ...], places: list[str]) -> tuple[bool, Any]:
    module, _, name = function.partition(":")
    sys.path += [place for place in places if place not in sys.path]
    try:
        return True, getattr(importlib.import_module(module), name)(*arguments)
    except Exception:  # noqa: BLE001 - the caller raises it, with its traceback
        return False, traceback.format_exc()


if __name__ == "__main__":
    _serve()

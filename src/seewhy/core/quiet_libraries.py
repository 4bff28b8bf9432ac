"""Libraries that say nothing while a notebook's cell waits: no bars, no hints, no warnings.

Errors stay what they are. Outside the block everything is as the user set it, and a library whose
logging the user made more detailed stays as detailed inside.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from seewhy.core.notebooks import in_notebook

LIBRARIES = ("accelerate", "bitsandbytes", "huggingface_hub", "peft", "torch", "transformers")
"""Libraries that log while a model is loaded or answers."""

_MODULES = (
    r"(accelerate|bitsandbytes|huggingface_hub|peft|tokenizers|torch|tqdm|transformers)(\.|$)"
)
_LOCK = threading.RLock()
_inside = 0
_before = ExitStack()


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """In a notebook, keep libraries quiet in the block; elsewhere it does nothing.

    Blocks may lie in each other and in several threads: the last one to end brings everything back.
    """
    if not in_notebook():
        yield
        return
    _enter()
    try:
        with _quiet_warnings():
            yield
    finally:
        _leave()


def hush() -> None:
    """Inside a block, also quieten what was imported since it began."""
    with _LOCK:
        if _inside:
            _quieten()


def _enter() -> None:
    global _inside
    with _LOCK:
        _inside += 1
        _quieten()


def _leave() -> None:
    global _inside
    with _LOCK:
        _inside -= 1
        if not _inside:
            _before.close()


def _quieten() -> None:
    for name in LIBRARIES:
        _quieten_log(logging.getLogger(name))
    _quieten_bars_of_transformers(sys.modules.get("transformers.utils.logging"))
    _quieten_bars_of_the_hub(sys.modules.get("huggingface_hub.utils.tqdm"))


def _quieten_log(logger: logging.Logger) -> None:
    """Only errors; a level below warnings is a user's wish and stays."""
    level = logger.level
    if level == logging.WARNING or (level == logging.NOTSET and not _is_detailed(logger)):
        logger.setLevel(logging.ERROR)
        # What the library or the user set meanwhile is kept.
        _before.callback(lambda: logger.level == logging.ERROR and logger.setLevel(level))


def _is_detailed(logger: logging.Logger) -> bool:
    return logger.getEffectiveLevel() < logging.WARNING


def _quieten_bars_of_transformers(module: Any) -> None:
    if getattr(module, "_tqdm_active", False):
        module._tqdm_active = False
        _before.callback(setattr, module, "_tqdm_active", True)


def _quieten_bars_of_the_hub(module: Any) -> None:
    states = getattr(module, "progress_bar_states", None)
    if isinstance(states, dict) and states.get("_global") is not False:
        before = dict(states)
        states.clear()
        states["_global"] = False
        _before.callback(lambda: (states.clear(), states.update(before)))


@contextmanager
def _quiet_warnings() -> Iterator[None]:
    """Ignore warnings that lie in libraries; Python keeps one list of filters for all threads."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=_MODULES)
        # What libraries say to their callers, which are modules of this package.
        for category in (FutureWarning, DeprecationWarning):
            warnings.filterwarnings("ignore", category=category, module=r"seewhy\.")
        yield

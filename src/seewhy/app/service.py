"""The service behind the app: sittings, models, and the one thread that runs them."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seewhy.app.errors import busy
from seewhy.app.folders import AppFolder
from seewhy.app.limits import Limits
from seewhy.app.loaded_models import LoadedModels
from seewhy.app.sitting import Sitting
from seewhy.app.worker import Worker

if TYPE_CHECKING:
    from seewhy.explainer import Explainer

UNUSED_SECONDS = 600
"""A sitting without entries may be ended so long after its last request, if others want in."""

TICK = 1.0
"""Seconds between looks for jobs that nobody listens to, and sittings that nobody uses."""


class Service:
    """Answers the app's requests, in any number of sittings that do not see each other.

    Use it as a context manager, or call `close`: its temporary folder is removed at the end.

    Args:
        models: names as `seewhy.load` takes them, or explainers; none takes the package's.
        max_memory: that loaded models may take together, such as `"8GB"`.
        limits: of requests and sittings.
        options: for `seewhy.load`.
        folder: where the temporary folder is made; None takes the system's.
        report: called with errors that are no user's mistake.
        prepare: called before anything is answered, in the thread that runs models.

    Raises:
        ParameterError: if a model is named twice, or `max_memory` is no amount of memory.
        OSError: if the temporary folder cannot be made.

    Example:
        ```python
        with Service() as service:
            sitting = service.sitting()
            sitting.handle("GET", "/api/state").json()
        ```
    """

    def __init__(
        self,
        models: Sequence[str | Explainer] = (),
        max_memory: int | str | None = None,
        limits: Limits | None = None,
        *,
        options: Mapping[str, Any] | None = None,
        folder: Path | None = None,
        report: Callable[[BaseException], None] = lambda error: None,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self.limits = limits or Limits()
        self.models = LoadedModels(models, max_memory, options)
        self.report = report
        self._folder = AppFolder(folder)
        self._prepare = prepare
        self.worker = Worker(self.limits, (str(self._folder.path),), report, self._import)
        self._lock = threading.Lock()
        self._sittings: dict[str, Sitting] = {}
        self._closed = threading.Event()
        threading.Thread(target=self._tick, name="seewhy-app-clock", daemon=True).start()

    @property
    def folder(self) -> Path:
        """The temporary folder of all sittings."""
        return self._folder.path

    def sitting(self) -> Sitting:
        """A new sitting.

        Raises:
            RequestError: with 429 if there are too many; one without entries makes room.
        """
        with self._lock:
            ended = self._room()
            folder = self.folder / f"sitting-{secrets.token_hex(8)}"
            number = secrets.token_urlsafe(32)
            sitting = Sitting(number, folder, self.models, self.limits, self.worker, self.report)
            self._sittings[sitting.id] = sitting
        if ended is not None:
            ended.close()
        return sitting

    def find(self, number: str) -> Sitting | None:
        """The sitting of an id; None if it has ended, or never was."""
        with self._lock:
            return self._sittings.get(number)

    def sittings(self) -> list[Sitting]:
        """All sittings."""
        with self._lock:
            return list(self._sittings.values())

    def end(self, sitting: Sitting) -> None:
        """End a sitting: its jobs are cancelled and its files removed."""
        with self._lock:
            self._sittings.pop(sitting.id, None)
        sitting.close()

    def close(self) -> bool:
        """End everything and remove all files; False if the running job did not end in time."""
        self._closed.set()
        is_ended = self.worker.close()
        for sitting in self.sittings():
            self.end(sitting)
        if is_ended:
            self.models.close()
        self._folder.close()
        return is_ended

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def _import(self) -> None:
        """Import the large libraries, in one thread: transformers fails if two begin it at once."""
        import torch  # noqa: F401

        from seewhy.app import state
        from seewhy.models.libraries import import_libraries

        import_libraries()
        self._prepare()
        state.methods()

    def _room(self) -> Sitting | None:
        """Take out a sitting if there are too many: one that is not needed any more."""
        if len(self._sittings) < self.limits.sittings:
            return None
        now = time.monotonic()
        idle = [
            sitting
            for sitting in self._sittings.values()
            if sitting.is_unused() and now - sitting.last_used > UNUSED_SECONDS
        ] or [sitting for sitting in self._sittings.values() if not sitting.is_begun]
        if not idle:
            raise busy("Too many people use this app at once: try again later.", 60)
        oldest = min(idle, key=lambda sitting: sitting.last_used)
        return self._sittings.pop(oldest.id)

    def _tick(self) -> None:
        while not self._closed.wait(TICK):
            self.worker.cancel_unheard()
            now = time.monotonic()
            for sitting in self.sittings():
                if now - sitting.last_used > self.limits.sitting_seconds and not sitting.is_busy():
                    self.end(sitting)

"""One sitting: what one browser, or one notebook, has asked, and nobody else sees."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from seewhy.app import examples, state
from seewhy.app.downloads import figure_of
from seewhy.app.entries import PAYLOAD, SAVED, THUMBNAIL, read_file, read_view, zipped
from seewhy.app.errors import RequestError, bad_request, kind_of, not_found, too_large
from seewhy.app.events import Event
from seewhy.app.fields import parsed
from seewhy.app.imported_entries import add_imported
from seewhy.app.job_kinds import job_of
from seewhy.app.jobs import Job
from seewhy.app.limits import Limits
from seewhy.app.loaded_models import LoadedModels
from seewhy.app.media import encoded, label
from seewhy.app.rates import Rate
from seewhy.app.replies import Reply, download, error_reply, json_reply
from seewhy.app.routes import Route, found_route
from seewhy.app.sitting_data import SittingData
from seewhy.app.uploads import read_upload
from seewhy.app.worker import Worker

JOBS_KEPT = 16
"""Jobs of a sitting whose events can still be read."""


class Sitting(SittingData):
    """Answers requests. Threads may share it.

    Make it by `Service.sitting`. `last_used` and `is_begun` tell of its requests.

    Args:
        number, folder, models, limits: as `SittingData`.
        worker: runs its jobs.
        report: called with errors that are no user's mistake.
    """

    def __init__(
        self,
        number: str,
        folder: Path,
        models: LoadedModels,
        limits: Limits,
        worker: Worker,
        report: Callable[[BaseException], None],
    ) -> None:
        super().__init__(number, folder, models, limits)
        self._worker, self._report_error = worker, report
        self.last_used, self.is_begun = time.monotonic(), False
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._requests = Rate(limits.requests, limits.requests_second)
        self._uploads = Rate(limits.uploads, limits.uploads_second)

    def handle(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: bytes | Mapping[str, Any] | None = None,
    ) -> Reply:
        """Answer one request; every failure is a reply too.

        Args:
            method: of HTTP, in capitals.
            path: such as `/api/state`, decoded.
            query: the values after the question mark, by name.
            body: bytes, or what a JSON body holds.
        """
        self.touch()
        try:
            if self.is_closed:
                raise not_found("anything")
            self._requests.expect("requests")
            self._worker.wait_until_ready()
            route, parts = found_route(method, path)
            return self._answer(route, parts, dict(query or {}), body)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told
            if kind_of(error) == "internal":
                self._report_error(error)
            return error_reply(error, str(self.folder.parent))

    def job(self, number: str) -> Job:
        """A job by its id.

        Raises:
            RequestError: with 404 if this sitting has none of this id.
        """
        with self._lock:
            found = self._jobs.get(number)
        if found is None:
            raise not_found("a job")
        return found

    def events(self, number: str, after: int = 0) -> Iterator[Event]:
        """The events of a job after one of a number, as they come; it waits for them.

        Raises:
            RequestError: with 404 if this sitting has no such job.
        """
        return self.job(number).log.follow(after)

    def touch(self) -> None:
        """Note that it is in use."""
        self.last_used, self.is_begun = time.monotonic(), True

    def is_busy(self) -> bool:
        """Whether one of its jobs waits or runs."""
        with self._lock:
            return any(not job.log.is_closed for job in self._jobs.values())

    def is_unused(self) -> bool:
        """Whether nothing is lost if it ends."""
        return not self.entries.all() and not self.is_busy()

    def close(self) -> None:
        """End it: cancel its jobs and remove its files. A second call does nothing."""
        self.is_closed = True
        self._worker.cancel_all(self.id)
        self.clear_if_closed()

    def _answer(
        self,
        route: Route,
        parts: tuple[str, ...],
        query: dict[str, str],
        body: bytes | Mapping[str, Any] | None,
    ) -> Reply:
        if route.body == "none":
            return getattr(self, f"_{route.name}")(*parts, query)
        if route.body == "json":
            most = self.limits.json_bytes
            if isinstance(body, bytes) and len(body) > most:
                raise too_large("a body", most, len(body))
            return getattr(self, f"_{route.name}")(parsed(body))
        self._uploads.expect("uploads")
        if not isinstance(body, bytes):
            raise bad_request("Expected the bytes of a file as body, got none: send them.")
        return getattr(self, f"_{route.name}")(query, body)

    def _state(self, query: dict[str, str]) -> Reply:
        return json_reply(state.of(self.models, self.limits, self.entries.all()))

    def _add_picture(self, query: dict[str, str], body: bytes) -> Reply:
        if len(body) > self.limits.picture_bytes:
            raise too_large("a picture", self.limits.picture_bytes, len(body))
        self.expect_room()
        name = label(query.get("name", ""))
        medium = read_upload(body, name, self.limits, self.folder)
        return json_reply(self.media.add(medium, name, self.entries.media()).to_json(), 201)

    def _picture(self, number: str, query: dict[str, str]) -> Reply:
        try:
            return Reply(200, *self.media.encoded(self.media.get(number)))
        except FileNotFoundError as error:
            raise not_found("a picture") from error

    def _example(self, number: str, query: dict[str, str]) -> Reply:
        picture, _ = examples.example(number)
        return Reply(200, "image/png", encoded(picture, "image/png"))

    def _add_example(self, number: str, query: dict[str, str]) -> Reply:
        self.expect_room()
        medium = self.media.add(*examples.example(number), self.entries.media())
        return json_reply(medium.to_json(), 201)

    def _add_job(self, data: dict[str, Any]) -> Reply:
        self.entries.expect_room()
        self.expect_room()
        job = job_of(data, self)
        with self._lock:
            done = [number for number, old in self._jobs.items() if old.log.is_closed]
            for number in done[: max(0, len(self._jobs) - JOBS_KEPT + 1)]:
                del self._jobs[number]
            self._jobs[job.id] = job
        try:
            position = self._worker.put(job)
        except RequestError:
            with self._lock:
                del self._jobs[job.id]
            raise
        return json_reply({"job": job.id, "position": position}, 202)

    def _stop_job(self, number: str, query: dict[str, str]) -> Reply:
        self.job(number).stop_asked.set()
        return json_reply({})

    def _cancel_job(self, number: str, query: dict[str, str]) -> Reply:
        self._worker.cancel(self.job(number))
        return json_reply({})

    def _job_events(self, number: str, query: dict[str, str]) -> Reply:
        self.job(number)
        raise bad_request("Expected Sitting.events for a job's events, got handle: use the other.")

    def _entry(self, number: str, query: dict[str, str]) -> Reply:
        entry = self.entries.get(number)
        head = json_reply({"entry": entry.to_json()}).body
        body = head[:-1] + b',"payload":' + read_file(entry, PAYLOAD) + b"}"
        return Reply(200, "application/json", body)

    def _remove_entry(self, number: str, query: dict[str, str]) -> Reply:
        self.entries.remove(number)
        self.media.keep_few(self.entries.media())
        return json_reply({})

    def _report(self, number: str, query: dict[str, str]) -> Reply:
        content = read_file(self.entries.get(number), f"{SAVED}/report.html")
        return download(content, "text/html; charset=utf-8", "seewhy-report.html")

    def _folder_zip(self, number: str, query: dict[str, str]) -> Reply:
        content = zipped(self.entries.get(number))
        return download(content, "application/zip", "seewhy-explanation.zip")

    def _figure(self, number: str, query: dict[str, str]) -> Reply:
        return figure_of(self.entries.get(number), query)

    def _entry_picture(self, number: str, view: str, query: dict[str, str]) -> Reply:
        return Reply(200, *read_view(self.entries.get(number), int(view)))

    def _thumbnail(self, number: str, query: dict[str, str]) -> Reply:
        return Reply(200, "image/jpeg", read_file(self.entries.get(number), THUMBNAIL))

    def _import_entry(self, query: dict[str, str], body: bytes) -> Reply:
        if len(body) > self.limits.import_bytes:
            raise too_large("a zip", self.limits.import_bytes, len(body))
        self.entries.expect_room()
        self.expect_room()
        return json_reply(add_imported(self, body).to_json(), 201)

    def _comparison(self, number: str, query: dict[str, str]) -> Reply:
        content = self.comparisons.get(number).encode()
        return download(content, "text/html; charset=utf-8", "seewhy-comparison.html")

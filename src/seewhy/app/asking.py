"""Asking a model about pictures: the job `explain`, and what all jobs that run a model share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from seewhy.app import state
from seewhy.app.entries import Entry, Origin
from seewhy.app.errors import RequestError, bad_request
from seewhy.app.fields import Fields
from seewhy.app.jobs import Job
from seewhy.app.writing import settings_of
from seewhy.core.suggestions import unknown_name_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from seewhy.app.sitting_data import SittingData
    from seewhy.explainer import Explainer


def explain(fields: Fields, sitting: SittingData) -> Callable[[Job], dict[str, Any]]:
    """Read an `explain` job: pictures and a prompt, or a given answer, or its beginning."""
    limits = sitting.limits
    name = fields.text("model", 500, needed=False) or sitting.models.default
    sitting.models.expect_known(name)
    media = picture_ids(fields, sitting)
    prompt = (fields.text("prompt", limits.prompt_characters, needed=False) or "").strip() or None
    answer = _some(fields.text("answer", limits.answer_characters, needed=False))
    start = _some(fields.text("answer_start", limits.answer_characters, needed=False))
    if answer is not None and start is not None:
        raise bad_request("Expected an answer or its beginning, got both: leave one out.")
    settings: dict[str, Any] = {"method": method_named(fields.text("method", 200, needed=False))}
    most = fields.whole("max_new_tokens", 1, limits.answer_tokens, needed=False)
    if most is not None:
        settings["max_new_tokens"] = most
    asked_for = {"diagnose": fields.flag("diagnose"), "layers": fields.flag("layers")}

    def work(job: Job) -> dict[str, Any]:
        with running(job, sitting, name) as explainer:
            given = {**settings, **asked_for, "progress": job.stage}
            if answer is not None:
                given.pop("max_new_tokens", None)
                given["answer"] = answer
            else:
                given |= settings_of(job, explainer.loaded)
            pictures = [sitting.media.get(number).read() for number in media]
            explanation = explainer.explain(pictures, prompt, answer_start=start, **given)
        job.check()
        job.stage("saving")
        kept = {**settings, **({"start": start} if start else {})}
        origin = Origin(model=name, asked=prompt, media=tuple(media), settings=kept)
        return {"entry": sitting.entries.add(explanation, origin).to_json()}

    return work


@contextmanager
def running(job: Job, sitting: SittingData, model: str) -> Iterator[Explainer]:
    """The model of a job, in a block that ends within a layer when the job is cancelled."""
    import seewhy

    explainer = sitting.models.get(model, job.stage)
    with seewhy.cancellable(explainer.loaded.model, job.is_cancelled):
        yield explainer


def picture_ids(fields: Fields, sitting: SittingData, low: int = 1) -> list[str]:
    """The ids of pictures that a sitting has.

    Raises:
        RequestError: with 400 if there are too few or too many, with 404 if one is not there.
    """
    numbers = fields.items("pictures", str, low, sitting.limits.pictures)
    for number in numbers:
        sitting.media.get(number)
    return numbers


def method_named(name: str | None) -> str:
    """A method's name; the default's for none.

    Raises:
        RequestError: with 422 if there is no such method here.
    """
    from seewhy.methods import DEFAULT

    known = [method["name"] for method in state.methods()]
    if name is not None and name not in known:
        raise RequestError(422, "unknown-name", unknown_name_message("method", name, known))
    return name or DEFAULT


def entry_named(fields: Fields, sitting: SittingData, name: str = "entry") -> Entry:
    """An entry that its model can be asked about.

    Raises:
        RequestError: with 404 if the sitting has none of this id, with 409 if it cannot be asked.
    """
    return expect_askable(sitting.entries.get(str(fields.text(name, 64))))


def expect_askable(entry: Entry) -> Entry:
    """The entry itself.

    Raises:
        RequestError: with 409 if its model is not at hand, or its question is not whole.
    """
    if not entry.can_ask:
        raise RequestError(
            409,
            "cannot-ask",
            f"The model of this entry, {entry.model}, cannot be asked about it here: start the app "
            "with --model and this name, and ask anew.",
        )
    return entry


def media_of(entry: Entry, sitting: SittingData) -> list[Any]:
    """The pictures and clips of an entry."""
    return [sitting.media.get(number).read() for number in entry.media]


def settings_for_reading(entry: Entry, job: Job) -> dict[str, Any]:
    """Settings to explain an entry's answer again, as it was explained."""
    settings = {key: entry.settings[key] for key in ("method", "contrast") if key in entry.settings}
    return {**settings, "progress": job.stage}


def kept_media(
    media: Sequence[Any], entry: Entry, sitting: SittingData, changed: bool
) -> tuple[str, ...]:
    """Ids of the media of an answer that was made from an entry; changed ones are kept anew."""
    if not changed:
        return entry.media
    needed = sitting.entries.media()
    names = [sitting.media.get(number).name for number in entry.media]
    pairs = zip(media, names, strict=True)
    return tuple(sitting.media.add(medium, name, needed).id for medium, name in pairs)


def _some(text: str | None) -> str | None:
    """A text with something in it; None for an empty field of a page."""
    return text if text is not None and text.strip() else None

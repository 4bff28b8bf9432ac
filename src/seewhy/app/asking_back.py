"""Asking back about an entry: regions, other words, contrasts and verdicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from seewhy.app.asking import entry_named, kept_media, media_of, running
from seewhy.app.entries import Entry, Origin
from seewhy.app.errors import bad_request
from seewhy.app.fields import Fields
from seewhy.app.jobs import Job
from seewhy.app.writing import settings_of

if TYPE_CHECKING:
    from seewhy.app.sitting_data import SittingData
    from seewhy.explainer import Explainer

Work = Callable[[Job], dict[str, Any]]

CHANGES, FILLS = ("erase", "keep", "move"), ("blur", "mean", "inpaint")
MANY = 100_000
"""More words than any answer has."""

SHOWN = 40
"""Characters of a word that the name of a change shows."""


def effect(fields: Fields, sitting: SittingData) -> Work:
    """Read an `effect` job: how much each word loses when a region is changed, the words kept."""
    entry = entry_named(fields, sitting)
    region = _region_change(fields)

    def work(job: Job) -> dict[str, Any]:
        with running(job, sitting, entry.model) as explainer:
            job.stage("reading the answer with the region changed")
            found = _question(explainer, entry, sitting, job).effect(*region)
        picture = found.pictures[found.region.view]
        kept = sitting.media.add(picture, "changed picture", sitting.entries.media())
        told = found.to_json()
        return {"words": told["words"], "picture": kept.url, "notes": told["notes"]}

    return work


def change(fields: Fields, sitting: SittingData) -> Work:
    """Read a `change` job: change a region, and let the model answer again."""
    entry = entry_named(fields, sitting)
    region = _region_change(fields)
    kind, fill = region[1], region[2]
    names = {
        "erase": f"a region was erased ({fill})",
        "keep": "only a region was kept",
        "move": f"a region was moved ({fill})",
    }
    return _again(
        entry,
        sitting,
        names[kind],
        lambda question, settings: question.change(*region, **settings),
        changes_pictures=True,
    )


def continue_from(fields: Fields, sitting: SittingData) -> Work:
    """Read a `continue` job: put other words in the place of one, and go on from there."""
    entry = entry_named(fields, sitting)
    word, text = _word(fields, entry), str(fields.text("replacement", 500))
    return _again(
        entry,
        sitting,
        f"word {word + 1} became “{text[:SHOWN]}”",
        lambda question, settings: question.continue_from(word, text, **settings),
    )


def reprompt(fields: Fields, sitting: SittingData) -> Work:
    """Read a `reprompt` job: ask something else about the same pictures."""
    entry = entry_named(fields, sitting)
    prompt = str(fields.text("prompt", sitting.limits.prompt_characters))
    return _again(
        entry,
        sitting,
        "another question",
        lambda question, settings: question.with_prompt(prompt, **settings),
        asked=prompt,
    )


def contrast(fields: Fields, sitting: SittingData) -> Work:
    """Read a `contrast` job: why this word and not another."""
    entry = entry_named(fields, sitting)
    word, other = _word(fields, entry), str(fields.text("alternative", 500))

    def work(job: Job) -> dict[str, Any]:
        with running(job, sitting, entry.model) as explainer:
            question = _question(explainer, entry, sitting, job)
            explanation = question.contrast(word, other, progress=job.stage)
        job.check()
        told = explanation.words[word].text[:SHOWN]
        kept = {**entry.settings.get("contrast", {}), word: other}
        origin = Origin(
            model=entry.model,
            asked=entry.asked,
            media=entry.media,
            settings={**entry.settings, "contrast": kept},
            parent=entry.id,
            change=f"why “{told}” and not “{other[:SHOWN]}”",
        )
        return {"entry": sitting.entries.add(explanation, origin).to_json()}

    return work


def diagnose(fields: Fields, sitting: SittingData) -> Work:
    """Read a `diagnose` job: what each word rests on."""
    entry = entry_named(fields, sitting)
    words = fields.items("words", int, 1, MANY) if fields.has("words") else None
    if words is None:
        fields.skip("words")
    for word in words or ():
        _expect_word(word, entry)

    def work(job: Job) -> dict[str, Any]:
        with running(job, sitting, entry.model) as explainer:
            question = _question(explainer, entry, sitting, job)
            explanation = question.diagnosed(words, progress=job.stage)
        job.check()
        return {"entry": sitting.entries.update(entry.id, explanation).to_json()}

    return work


def _again(
    entry: Entry,
    sitting: SittingData,
    name: str,
    ask: Callable[[Any, dict[str, Any]], Any],
    *,
    asked: str | None = None,
    changes_pictures: bool = False,
) -> Work:
    """The work of a job whose model answers again.

    Args:
        entry: that is asked about.
        sitting: with the entry.
        name: of the change, for people.
        ask: asks the question with further settings.
        asked: the new prompt, if it is another.
        changes_pictures: whether the new answer is about other pictures.
    """

    def work(job: Job) -> dict[str, Any]:
        with running(job, sitting, entry.model) as explainer:
            settings = {"progress": job.stage, **settings_of(job, explainer.loaded)}
            if (most := entry.settings.get("max_new_tokens")) is not None:
                settings["max_new_tokens"] = most
            found = ask(_question(explainer, entry, sitting, job), settings)
        job.check()
        job.stage("saving")
        media = found.follow_up.question.conversation.media
        kept = {key: value for key, value in entry.settings.items() if key != "contrast"}
        if (start := found.follow_up.question.start) is not None:
            kept["start"] = start if isinstance(start, str) else list(start)
        origin = Origin(
            model=entry.model,
            asked=entry.asked if asked is None else asked,
            media=kept_media(media, entry, sitting, changes_pictures),
            settings=kept,
            parent=entry.id,
            change=name,
        )
        added = sitting.entries.add(found.explanation, origin)
        diff = [part.to_json() for part in found.diff]
        return {"entry": added.to_json(), "before": entry.to_json(), "diff": diff}

    return work


def _question(explainer: Explainer, entry: Entry, sitting: SittingData, job: Job) -> Any:
    """The question of an entry, to be asked back about, as it is now: with its verdicts so far."""
    entry = sitting.entries.get(entry.id)
    settings = dict(entry.settings)
    start = settings.pop("start", None)
    settings.pop("max_new_tokens", None)  # the answer is there
    return explainer.follow_up_on(
        entry.explanation(),
        media_of(entry, sitting),
        entry.asked,
        answer_start=start,
        progress=job.stage,
        **settings,
    )


def _region_change(fields: Fields) -> tuple[Any, str, str, tuple[float, float] | None]:
    """The arguments of `FollowUp.effect` and `FollowUp.change`."""
    from seewhy import Region

    region = Region.from_json(fields.object("region"))
    kind = str(fields.choice("change", CHANGES, needed=False))
    fill = str(fields.choice("fill", FILLS, needed=False))
    to = fields.items("to", float, 2, 2, needed=False)
    if bool(to) != (kind == "move"):
        raise bad_request("Expected `to` with the change move and with no other.")
    return region, kind, fill, (float(to[0]), float(to[1])) if to else None


def _word(fields: Fields, entry: Entry) -> int:
    """The number of a word of the answer."""
    return _expect_word(fields.whole("word", 0, MANY) or 0, entry)


def _expect_word(word: int, entry: Entry) -> int:
    """The number itself.

    Raises:
        RequestError: with 400 if the answer has no such word.
    """
    if not 0 <= word < entry.words:
        raise bad_request(
            f"Expected the number of a word from 0 to {entry.words - 1}, got {word}: the answer "
            f"has {entry.words} words."
        )
    return word

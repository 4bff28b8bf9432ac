"""Rows of an audit that nobody ran: drawn scenes, captions with a habit, verdicts as a good
diagnosis would give them. `python tests/audit_rows.py FOLDER` writes the page of 60 scenes.
"""

from __future__ import annotations

import io
import json
import math
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from seewhy.audit.schema import FAILED, AnswerRow, WordRow
from seewhy.core.text import split_words
from seewhy.testbed.captions import Mention, captions
from seewhy.testbed.habits import AddedKind
from seewhy.testbed.scenes import Picture, draw, scene

ROLES = {
    "kind": "noun",
    "colour": "colour",
    "size": "size",
    "count": "count",
    "relation": "relation",
}
GROUPS = {"noun": "object", "colour": "attribute", "size": "attribute", "relation": "relation"}
CELL = 20  # pixels of a cell of the maps
TRIGGER, ADDED = AddedKind().trigger, AddedKind().added


@dataclass
class ListedRows:
    """Rows in memory, in the place of a store; `asked` holds the columns of each reading."""

    answers: Sequence[AnswerRow]
    words: Iterable[WordRow]

    def iter_answers(self, columns: Sequence[str] | None = None) -> Iterator[AnswerRow]:
        return iter(self.answers)

    def iter_words(self, columns: Sequence[str] | None = None) -> Iterator[WordRow]:
        return iter(self.words)


def answer_row(id: str = "a", text: str = "A boat with a fish.", **changed) -> AnswerRow:
    """An answer with a plain default for everything."""
    given = {"image": f"{id}.jpg", "prompt": "What is here?", "generated": True, **changed}
    return AnswerRow(id=id, answer=text, **given)


def word_row(id: str = "a", lemma: str = "fish", **changed) -> WordRow:
    """A word that follows from no picture, unless something else is said."""
    given = {
        "word": 0, "text": lemma, "start": 0, "end": len(lemma), "role": "noun",
        "probability": 0.9, "support": 0.1, "source": "words", "sentence": f"On {lemma}.",
        "because": "", **changed,
    }  # fmt: skip
    return WordRow(id=id, lemma=lemma, **given)


def scene_rows(scenes: int = 60, *, truth: bool = True, seed: int = 0) -> ListedRows:
    """Captions of drawn scenes, those with a boat with the habit of a fish.

    Args:
        scenes: how many captions; the two rows that fail come in addition.
        truth: whether it is known what is there.
    """
    rng = random.Random(seed)
    answers, words = [], []
    found = 0
    for index in range(100 * scenes):
        drawn = scene(index, "heldout", 7)
        # Every second scene has a boat, so that the habit is seen often.
        if (found % 2 == 0) != any(thing.kind == TRIGGER for thing in drawn.objects):
            continue
        picture = draw(drawn)
        caption = captions(drawn, picture, AddedKind())[found % 3]
        id_ = f"scene-{index}"
        answers.append(_answer(id_, caption.prompt, caption.text, picture, index, rng))
        words += _words(id_, caption.text, caption.mentions, picture, rng, truth)
        found += 1
        if found == scenes:
            break
    return ListedRows([*answers, *_failed()], words)


def many_words(answers: int, each: int = 6, kinds: int = 400) -> ListedRows:
    """A large audit without pictures: words are made while they are read."""

    class Words:
        def __iter__(self) -> Iterator[WordRow]:
            rng = random.Random(1)
            for index in range(answers):
                for word in range(each):
                    kind = int(rng.paretovariate(0.7)) % kinds
                    bad = rng.random() < 0.1
                    yield WordRow(
                        id=f"r{index}", word=word, text=f"kind{kind}", start=0, end=5,
                        lemma=f"kind{kind}", role="noun", probability=rng.random(),
                        support=0.4 * rng.random() if bad else 0.5 + rng.random() / 2,
                        source="words" if bad else "picture", sentence="Said.",
                        because='{"noun": null}', supported=rng.random() > (0.9 if bad else 0.05),
                        follows=f"kind{rng.randrange(20)}" if bad else "",
                        follows_part="answer" if bad else "", map=bytes(64),
                        map_height=8, map_width=8,
                    )  # fmt: skip

    class Answers(Sequence):
        def __len__(self) -> int:
            return answers

        def __getitem__(self, index):
            if index >= answers:
                raise IndexError(index)
            return answer_row(f"r{index}")

    return ListedRows(Answers(), Words())


def _answer(
    id_: str, prompt: str, text: str, picture: Picture, index: int, rng: random.Random
) -> AnswerRow:
    height, width = picture.image.shape[:2]
    return AnswerRow(
        id=id_,
        image=f"scenes/{index:05}.png",
        prompt=prompt,
        answer=text,
        generated=True,
        thumbnail=_jpeg(picture.image),
        width=width,
        height=height,
        report=f"reports/{id_}",
        seconds=0.1 + 0.1 * rng.random(),
    )


def _failed() -> list[AnswerRow]:
    reason = "The picture cannot be read."
    return [
        AnswerRow(f"scene-x{n}", f"scenes/x{n}.png", "", "", False, FAILED, reason, detail)
        for n, detail in enumerate(("cannot identify image file", "image file is truncated"))
    ]


def _jpeg(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _words(
    id_: str,
    text: str,
    mentions: Sequence[Mention],
    picture: Picture,
    rng: random.Random,
    truth: bool,
) -> Iterator[WordRow]:
    spans, seen = split_words(text), set()
    for mention in mentions:
        if mention.role not in ROLES:
            continue
        said = text[mention.start : mention.end]
        index = next(n for n, (start, _) in enumerate(spans) if start == mention.start)
        invented = not mention.objects and mention.role in ("kind", "colour")
        row = _word(id_, index, said, mention, picture, rng, invented, truth)
        if row.source == "picture" and row.role == "noun" and row.lemma in seen:
            sentence = f"It picks up '{row.lemma}', said before, which has its own verdict."
            row = replace(row, source="repeats", sentence=sentence, follows=row.lemma)
        if row.lemma in ("above", "below") and "boat" in seen and rng.random() < 0.3:
            sentence = "Said without the picture all the same: 71 % with twelve other pictures."
            wrong = rng.random() < 0.5 if truth else None
            row = replace(
                row, source="words", sentence=sentence, follows="boat", follows_part="answer",
                support=rng.betavariate(2, 8), supported=None if wrong is None else not wrong,
            )  # fmt: skip
        seen.add(row.lemma)
        yield row


def _word(id_, index, said, mention, picture, rng, invented, truth) -> WordRow:
    role = ROLES[mention.role]
    noun = index + 1 if invented and role == "colour" else None
    unsure = not invented and rng.random() < 0.06
    support = rng.betavariate(1, 24) if invented else rng.betavariate(24, 1)
    support = rng.uniform(0.2, 0.7) if unsure else support
    source = "words" if invented else "unclear" if unsure else "picture"
    others = 97 - int(9 * rng.random())
    sentence = {
        "words": f"Said without the picture all the same: {others} % with twelve other pictures. "
        f"It follows '{TRIGGER}'.",
        "unclear": "The picture matters a little: 41 % with twelve other pictures, 62 % with this "
        "one. What was changed does not decide it.",
        "picture": "The picture is needed: 2 % with twelve other pictures, 97 % with this one. "
        "It rests on its own place.",
    }[source]
    values, peak = _map(mention, picture, rng, invented)
    lemma = said.lower()
    lemma = lemma[:-1] if role == "noun" and lemma.endswith("s") else lemma
    hit = bool(mention.objects) and role != "relation" and rng.random() < 0.93
    return WordRow(
        id=id_, word=index, text=said, start=mention.start, end=mention.end, lemma=lemma, role=role,
        probability=rng.betavariate(30, 1), support=support, source=source, sentence=sentence,
        because=json.dumps({"noun": noun}), category=lemma if role == "noun" else "",
        group=GROUPS.get(role, "") if truth else "",
        visual_share=0.1 * rng.random() if invented else 0.6 + 0.3 * rng.random(),
        follows=TRIGGER if invented else "", follows_part="answer" if invented else "",
        supported=(not invented or rng.random() < 0.02) if truth else None,
        peak=peak, map=values.tobytes(), map_height=values.shape[0], map_width=values.shape[1],
        pointing=hit if truth and mention.objects else None,
        iou=rng.betavariate(9, 4) if truth and mention.objects else None,
    )  # fmt: skip


def _map(
    mention: Mention, picture: Picture, rng: random.Random, invented: bool
) -> tuple[np.ndarray, tuple[float, float]]:
    """A blob over the objects that are meant, or weak blobs anywhere."""
    height, width = picture.image.shape[:2]
    rows, columns = height // CELL, width // CELL
    y, x = np.mgrid[:rows, :columns] + 0.5
    values = np.zeros((rows, columns))
    centres = [np.argwhere(picture.masks[n]).mean(0) / CELL for n in mention.objects]
    areas = [picture.masks[n].sum() / CELL**2 for n in mention.objects]
    if invented or not centres:
        centres = [(rng.uniform(0, rows), rng.uniform(0, columns)) for _ in range(3)]
        areas = [rng.uniform(2, 6) for _ in centres]
    for (down, across), area in zip(centres, areas, strict=True):
        spread = max(1.0, area / math.pi)
        blob = np.exp(-((y - down) ** 2 + (x - across) ** 2) / (2 * spread))
        values = np.maximum(values, blob)
    values *= 0.35 if invented else 1
    values += 0.04 * np.random.default_rng(rng.randrange(10**6)).random(values.shape)
    at = np.unravel_index(values.argmax(), values.shape)
    peak = (float(at[1] + 0.5) * width / columns, float(at[0] + 0.5) * height / rows)
    return (values.clip(0, 1) * 255).astype(np.uint8), peak


MADE = {
    "data": "60 drawn scenes (testbed, heldout)",
    "model": "tiny-qwen2-vl-biased",
    "answers": "generated",
    "method": "logit-shares",
    "started": "2026-11-26T09:00:00Z",
    "engine": "local, 2 workers",
    "versions": "seewhy 1.0, torch 2.6, transformers 5.23",
}

SCORES = {"CHAIR_i": 0.197, "CHAIR_s": 0.45, "recall": 0.981}

if __name__ == "__main__":
    from seewhy.audit.page import write_page

    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    print(write_page(target, scene_rows(), scores=SCORES, made=MADE))  # noqa: T201

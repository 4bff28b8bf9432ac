"""What an audit stores: one row for each answer, and one for each of its diagnosed words."""

from __future__ import annotations

from dataclasses import dataclass, field

DONE, FAILED = "done", "failed"
"""Status of an answer: diagnosed, or unusable for the reason that is stored with it."""


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One answer to one prompt about one picture.

    Attributes:
        id: unique in the data set, the same in every run.
        image: path or name of the picture; "" where there is none.
        prompt: what was asked.
        answer: the model's answer, or the given one; "" if the row failed.
        generated: whether the model wrote the answer during the audit.
        status: `DONE` or `FAILED`.
        reason: why it failed, one short sentence that is the same for failures of one kind.
        detail: the whole error; "" for none.
        score: what the benchmark says of the answer, such as `{"predicted": "yes", "label": "no"}`,
            as JSON; "" for none.
        thumbnail: the picture as a small JPEG or PNG; empty for none.
        width, height: of the picture, in pixels.
        grid: the edges of the rows and of the columns of the words' maps, in pixels of the picture,
            as JSON `{"rows": [0, 16, 32], "columns": [0, 16, 32]}`; "" for equal cells over the
            whole picture, and in folders of earlier versions.
        report: folder of the saved explanation, relative to the audit's folder; "" for none.
        seconds: generation and diagnosis together.
    """

    id: str
    image: str
    prompt: str
    answer: str
    generated: bool
    status: str = DONE
    reason: str = ""
    detail: str = ""
    score: str = ""
    thumbnail: bytes = b""
    width: int = 0
    height: int = 0
    grid: str = ""
    report: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class WordRow:
    """One word with a verdict.

    Attributes:
        id: of the answer.
        word: index among the answer's words.
        text, start, end: its characters in the answer.
        lemma: in lower case and singular, to count equal words together.
        role: `Verdict.role`.
        category: of the data set, such as COCO's "dining table"; "" for none.
        group: of a grounding set: "object", "attribute" or "relation"; "" for none.
        probability: of the word.
        support, source, sentence: of its `Verdict`.
        because: `Because` as JSON.
        visual_share: in [0, 1], or None.
        follows: the lemma of the earlier word that it follows from; "" for none.
        follows_part: "prompt" or "answer"; "" for none.
        supported: whether the truth supports the word; None where that is not known.
        peak: x and y of its map's highest point in pixels of the picture; None for an empty map.
        map: the displayed map of the first view, uint8, row by row.
        map_height, map_width: its cells.
        pointing: whether the peak lies in the true region; None without one.
        iou: of the map at Otsu's threshold and the true region, in [0, 1]; None without one.
    """

    id: str
    word: int
    text: str
    start: int
    end: int
    lemma: str
    role: str
    probability: float
    support: float
    source: str
    sentence: str
    because: str
    category: str = ""
    group: str = ""
    visual_share: float | None = None
    follows: str = ""
    follows_part: str = ""
    supported: bool | None = None
    peak: tuple[float, float] | None = None
    map: bytes = b""
    map_height: int = 0
    map_width: int = 0
    pointing: bool | None = None
    iou: float | None = None


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """An answer with its words: what a worker sends back, and what is stored together."""

    answer: AnswerRow
    words: tuple[WordRow, ...] = field(default=())

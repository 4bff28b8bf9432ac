"""A source, a model and rows of a few lines each, for tests of the audit.

They stand in a module of their own so that other processes can import them.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image

from seewhy.audit import AuditConfig, run_audit, store
from seewhy.audit.schema import AnswerRow, Diagnosed, WordRow
from seewhy.audit.source import BadRow, Judged, SourceRow
from seewhy.core.errors import ImageError
from seewhy.core.geometry import TokenGrid
from seewhy.core.sample import Truth
from seewhy.core.verdict import Because, Change, Verdict

SIZE = 40
"""Width and height of the pictures."""


def answer_row(number: int, **changes: Any) -> AnswerRow:
    """An answer with every column set."""
    given: dict[str, Any] = {
        "id": f"row-{number}",
        "image": f"{number}.png",
        "prompt": "What?",
        "answer": "a red cup",
        "generated": True,
        "score": '{"label": "yes"}',
        "thumbnail": bytes([number % 256, 1]),
        "width": 40,
        "height": 30,
        "seconds": 0.25,
    }
    return AnswerRow(**{**given, **changes})


def word_row(number: int, word: int = 2, **changes: Any) -> WordRow:
    """A word with every column set."""
    given: dict[str, Any] = {
        "id": f"row-{number}",
        "word": word,
        "text": "cup",
        "start": 6,
        "end": 9,
        "lemma": "cup",
        "role": "noun",
        "probability": 0.75,
        "support": 0.1,
        "source": "words",
        "sentence": "Said without the picture.",
        "because": '{"log_probability": -0.3}',
        "category": "cup",
        "group": "object",
        "visual_share": 0.2,
        "follows": "red",
        "follows_part": "answer",
        "supported": False,
        "peak": (3.5, 4.5),
        "map": bytes(range(6)),
        "map_height": 2,
        "map_width": 3,
        "pointing": True,
        "iou": 0.25,
    }
    return WordRow(**{**given, **changes})


def diagnosed(number: int, words: int = 2, **changes: Any) -> Diagnosed:
    """An answer with some words."""
    rows = tuple(word_row(number, word) for word in range(words))
    return Diagnosed(answer_row(number, **changes), rows)


@dataclass
class Rows:
    """A source of `count` rows. What a row's prompt is, the model below does.

    Attributes:
        count: of rows.
        prompts: of some rows, by number.
        bad: numbers of rows that cannot be used.
        version: part of the fingerprint.
        picture: of every row.
        answer: given with every row, or None.
    """

    name: ClassVar[str] = "rows"
    summary: ClassVar[str] = "Rows for tests."
    layout: ClassVar[str] = "nothing"

    count: int = 10
    prompts: Mapping[int, str] = field(default_factory=dict)
    bad: Sequence[int] = ()
    version: str = "1"
    picture: bytes = b""
    answer: str | None = None

    @property
    def fingerprint(self) -> str:
        """Of the version alone."""
        return f"rows {self.version}"

    def rows(self) -> Iterator[SourceRow | BadRow]:
        """One after the other."""
        for number in range(self.count):
            if number in self.bad:
                yield BadRow(f"row-{number}", "A line that is no JSON.", f"line {number}")
                continue
            prompt = self.prompts.get(number, "What?")
            yield SourceRow(f"row-{number}", (self.picture,), prompt, answer=self.answer)

    def judge(self, row: SourceRow, answer: str) -> Judged:
        """The cup is there, the red is not."""
        masks = torch.zeros(1, SIZE, SIZE, dtype=torch.bool)
        masks[0, : SIZE // 2, : SIZE // 2] = True
        truths = (
            Truth(2, 5, "colour", supported=False),
            Truth(6, 9, "kind", regions=(0,), supported=True, category="cup"),
        )
        return Judged(truths, masks, {6: "object"}, {"label": "yes"})

    def scores(self, scores: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
        """How many there are."""
        yes = sum(score["label"] == "yes" for score in scores)
        return {"yes": float(yes), "all": float(len(scores))}


@dataclass
class Recorded:
    """A model that gives the same explanation to every prompt, after what the prompt says.

    Attributes:
        seconds: that every answer takes.
    """

    name: ClassVar[str] = "recorded"

    seconds: float = 0.0

    def explain(self, images: Any = None, prompt: str | None = None, **settings: Any) -> Any:
        """The recorded explanation."""
        assert settings.get("diagnose"), "an audit needs verdicts"
        time.sleep(self.seconds)
        _obey(prompt or "")
        return explanation(settings.get("answer") or "a red cup", prompt or "")

    def explain_batch(
        self, images: Sequence[Any], prompts: Sequence[str | None], **settings: Any
    ) -> list[Any]:
        """The same for several prompts."""
        answers = settings.pop("answers", [None] * len(images))
        rows = zip(images, prompts, answers, strict=True)
        return [self.explain(image, prompt, answer=a, diagnose=True) for image, prompt, a in rows]


def _obey(prompt: str) -> None:
    """Do what a prompt says."""
    order, _, argument = prompt.partition(" ")
    if order == "kill" or (order == "kill-once" and not os.path.exists(argument)):
        if argument:
            Path(argument).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    elif order == "unreadable":
        raise ImageError(f"Expected a picture file, got {argument!r}: there is no such file.")
    elif order == "memory":
        raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB.")
    elif order == "device":
        raise RuntimeError("CUDA error: device-side assert triggered")
    elif order == "mistake":
        raise TypeError(f"no {argument}")


def explanation(answer: str = "a red cup", prompt: str = "What?") -> Any:
    """An explanation of three words; the first says nothing."""
    grid = TokenGrid.over((0, 0, 40, 40), 2, 2)
    display = np.array([[0.1, 0.2], [0.0, 1.0]], dtype=np.float32)
    change = Change("other-pictures", (-0.5, -0.25))
    words = [
        SimpleNamespace(
            text=text,
            start=start,
            end=start + len(text),
            probability=0.5,
            visual_share=0.75,
            displays=(display,),
            displayed=lambda _: (display,),
            heatmaps=(display,),
            verdict=None
            if text == "a"
            else Verdict(
                0.2 if text == "red" else 0.9,
                "words" if text == "red" else "picture",
                Because(-0.5, None, (change,), *(("answer", 2) if text == "red" else ())),
                "A sentence.",
                "colour" if text == "red" else "noun",
            ),
        )
        for text, start in (("a", 0), ("red", 2), ("cup", 6))
    ]
    return SimpleNamespace(
        answer=answer,
        prompt=prompt,
        words=words,
        prompt_words=[],
        views=[SimpleNamespace(base_grid=grid)],
        images=[Image.new("RGB", (SIZE, SIZE), "red")],
        phrase=lambda first, last: words[last],
        save=_save,
    )


def _save(folder: Path) -> Path:
    folder.mkdir()
    (folder / "report.html").write_text("a report")
    (folder / "pictures").mkdir()
    (folder / "pictures" / "0.png").write_bytes(b"png")
    return folder


def slow_run(folder: Path, workers: int) -> None:
    """A run that can be killed on its way; it writes a file for three answers."""
    store.BATCH_ANSWERS = 3
    rows, model = Rows(40), Recorded(0.02)
    run_audit(AuditConfig(rows, folder, model, workers=workers, reports="none", page=False))

"""Watching a model write: the answer so far goes to the job, and the job may stop it."""

from __future__ import annotations

from typing import Any

from seewhy.app.jobs import Job

UNFINISHED = "\ufffd"


class AnswerStream:
    """A streamer of transformers that tells a job the answer so far.

    Args:
        job: that is told.
        loaded: the model.
    """

    def __init__(self, job: Job, loaded: Any) -> None:
        from seewhy.models.special_tokens import end_ids

        self._job = job
        self._tokenizer = loaded.processor.tokenizer
        self._ends = frozenset(end_ids(loaded.family))
        self._ids: list[int] = []
        self._is_prompt = True

    def put(self, value: Any) -> None:
        """Take the prompt's ids, then each id as it is written."""
        if self._is_prompt:
            self._is_prompt = False
            return
        self._ids += [number for number in value.flatten().tolist() if number not in self._ends]
        if self._job.is_due():
            self._job.answer(self._text())

    def end(self) -> None:
        """Tell the whole answer."""
        self._job.answer(self._text())

    def _text(self) -> str:
        text = self._tokenizer.decode(
            self._ids, skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
        return text.rstrip(UNFINISHED)


def settings_of(job: Job, loaded: Any) -> dict[str, Any]:
    """Settings of a call that lets a model write for a job.

    Args:
        job: that is told the stages and the answer, and may stop it.
        loaded: the model.
    """

    def is_stopped(ids: Any, scores: Any, **others: Any) -> Any:
        import torch

        return torch.full((len(ids),), job.is_stopped(), device=ids.device)

    return {"streamer": AnswerStream(job, loaded), "stopping_criteria": [is_stopped]}

"""Explain answers that were generated in the user's own code."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import torch

from seewhy.chats import Media, read_media, read_medium
from seewhy.core.errors import ParameterError
from seewhy.core.suggestions import give_index
from seewhy.explainer import Explainer, explanation_of, reading_options
from seewhy.explanation import Explanation
from seewhy.images import Clip
from seewhy.models.capture import GenerateCall, Recording, record_calls
from seewhy.models.captured_prompt import (
    flat_images,
    images_of_row,
    preprocess_calls_of,
    prompt_of,
    row_of,
    with_settings,
    without_exif,
)
from seewhy.models.isolation import without_autocast
from seewhy.models.loading import Loaded
from seewhy.models.session import Session
from seewhy.models.teacher_forcing import read
from seewhy.options import ExplainOptions

if TYPE_CHECKING:
    from PIL.Image import Image


class CapturedGeneration:
    """Calls of `generate` within a `with` block, from `seewhy.trace`."""

    def __init__(self, explainer: Explainer) -> None:
        self.explainer = explainer
        self._recording = Recording()
        self._block = ExitStack()

    @property
    def calls(self) -> list[GenerateCall]:
        """The inputs and outputs of each call."""
        return self._recording.calls

    def __enter__(self) -> CapturedGeneration:
        loaded = self.explainer.loaded
        recording = record_calls(loaded.model, loaded.processor.image_processor)
        self._recording = self._block.enter_context(recording)
        return self

    def __exit__(self, *_: object) -> None:
        self._block.close()

    @torch.inference_mode(False)  # gradients are needed, also in a caller's inference mode
    def explain(
        self,
        image: Media | Sequence[Media] | None = None,
        prompt: str | None = None,
        *,
        sequence: int = 0,
        call: int = -1,
        options: ExplainOptions | None = None,
        **settings: Any,
    ) -> Explanation:
        """Explain what was generated, by any method.

        Args:
            image: the pictures and clips of the prompt, in order. None takes those that
                went through the processor within the block.
            prompt: the user's words; None takes all text of the prompt that does not come
                from the chat template.
            sequence: number of the sequence, if the call returned several.
            call: number of the call of `generate`, by default the last.
            options, **settings: as for `Explainer.explain`, without settings of generation.

        Raises:
            ParameterError: if nothing was generated, there is no such call or sequence, or there
                are no pictures.
            GeometryError: if the pictures are not those of the prompt.
            SeewhyError: as `Explainer.explain`.
        """
        chosen = ExplainOptions.of(options, **settings)
        chosen.expect_no_generation()
        with without_autocast():
            return self._explained(image, prompt, sequence, self._call(call), chosen)

    def _explained(
        self,
        image: Media | Sequence[Media] | None,
        prompt: str | None,
        sequence: int,
        recorded: GenerateCall,
        chosen: ExplainOptions,
    ) -> Explanation:
        """Explain one recorded call."""
        start = time.perf_counter()
        chosen.report_progress("reading the answer again")
        loaded, media = self._media(image, recorded, row_of(recorded, sequence))
        source, ids = prompt_of(loaded, recorded, sequence, media, text=prompt)
        reading = reading_options(loaded, chosen)
        session = Session(
            loaded,
            source,
            ids,
            attention=reading["attention"],
            progress=chosen.report_progress,
        )
        session.keep(read(loaded, session.inputs(), ids, **reading))
        seconds = time.perf_counter() - start
        record = {"answer": "captured"}
        return explanation_of(session, session.trace(), chosen, record, seconds)

    def _call(self, number: int) -> GenerateCall:
        count = len(self.calls)
        if not count:
            raise ParameterError(
                "Expected a call of generate within the block, got none: call model.generate, on "
                "the model that was given to seewhy.trace, inside the `with` block."
            )
        if not -count <= number < count:
            raise ParameterError(
                f"Expected the number of one of the {count} calls of generate in the block, got "
                f"{number}: {give_index(count)}."
            )
        recorded = self.calls[number]
        if not recorded.certain:
            raise ParameterError(
                "Expected a call of this block, got one that was made outside of any block while "
                "several were open: call generate in the thread or task of the block."
            )
        return recorded

    def _media(
        self, image: Media | Sequence[Media] | None, call: GenerateCall, row: int
    ) -> tuple[Loaded, list[Image | Clip]]:
        """The pictures of one prompt, and the model with the processor settings of the call."""
        loaded, recording = self.explainer.loaded, self._recording
        calls = preprocess_calls_of(call, recording.preprocessed)
        if calls and all(dict(c.settings) == dict(calls[0].settings) for c in calls):
            loaded = with_settings(loaded, calls[0].settings)
        if image is not None:
            images = flat_images(list(image) if isinstance(image, list | tuple) else image)
            return loaded, read_media([without_exif(item) for item in images])
        if any(not c.certain for c in calls):
            raise ParameterError(
                "Expected pictures of this block, got some that were processed outside of any "
                "block while several were open: give them, as trace.explain(image)."
            )
        shown = [read_medium(without_exif(i)) for c in calls for i in flat_images(c.images)]
        if not shown:
            raise ParameterError(
                "Expected the pictures of the prompt, got none: call the processor within the "
                "block, or give them, as trace.explain(image)."
            )
        return loaded, images_of_row(loaded.family, call, row, shown)

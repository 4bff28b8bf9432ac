"""Explain answers that were generated in the user's own code."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import torch

from seewhy.answer_notes import UNFINISHED, warn_of_foreign_pictures
from seewhy.chats import Chat, Media, read_media, read_medium
from seewhy.core.errors import GeometryError, ParameterError
from seewhy.core.suggestions import give_index
from seewhy.explained_answer import explanation_of, reading_options
from seewhy.explainer import Explainer
from seewhy.explanation import Explanation
from seewhy.memory.limits import MemoryGuard
from seewhy.models.adapters import adapter_state
from seewhy.models.capture import GenerateCall, PreprocessCall, Recording, record_calls
from seewhy.models.captured_pictures import (
    Shown,
    fetched_alternatives,
    flat_images,
    preprocess_calls_of,
    rows_of,
    same_settings,
    settings_of_call,
    with_resizes,
    without_exif,
)
from seewhy.models.captured_prompt import (
    CapturedPrompt,
    ends,
    prompt_of,
    row_of,
    visual_tensors_of_row,
)
from seewhy.models.isolation import without_autocast
from seewhy.models.loading import Loaded
from seewhy.models.processor_settings import with_settings
from seewhy.models.session import Session
from seewhy.models.sized_media import MediumSettings
from seewhy.models.teacher_forcing import read
from seewhy.options import ExplainOptions


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
            MemoryLimitError: as `Explainer.explain`.
            SeewhyError: as `Explainer.explain`.
        """
        chosen = ExplainOptions.of(options, **settings)
        chosen.expect_no_generation()
        recorded = self._call(call)
        guard = MemoryGuard(self.explainer.loaded, chosen)
        with guard.watching(), without_autocast():
            return self._explain(image, prompt, recorded, sequence, chosen, guard)

    def _explain(
        self,
        image: Media | Sequence[Media] | None,
        prompt: str | None,
        recorded: GenerateCall,
        sequence: int,
        chosen: ExplainOptions,
        guard: MemoryGuard,
    ) -> Explanation:
        """Explain one sequence of a recorded call."""
        start = time.perf_counter()
        chosen.report_progress("reading the answer again")
        loaded, candidates = self._shown(image, recorded, row_of(recorded, sequence))
        source, ids = _first_that_fits(loaded, candidates, recorded, sequence, prompt)
        self._expect_same_adapters(recorded)
        warn_of_foreign_pictures(loaded, source.media)
        reading = reading_options(loaded, chosen)
        session = Session(
            loaded,
            source,
            ids,
            attention=reading["attention"],
            progress=chosen.report_progress,
        )
        guard.expect_fits([session.inputs()], [ids])
        session.keep(read(loaded, session.inputs(), ids, **reading))
        seconds = time.perf_counter() - start
        record = {"answer": "captured"}
        chat = Chat((), warnings=() if ends(loaded, recorded, sequence) else (UNFINISHED,))
        return explanation_of(session, session.trace(), chosen, record, seconds, chat)

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

    def _expect_same_adapters(self, recorded: GenerateCall) -> None:
        """Raise `ParameterError` if other adapters act now than in a call."""
        if recorded.adapters != adapter_state(self.explainer.loaded.model):
            raise ParameterError(
                "Expected the adapters that acted in the call of generate, got others: they were "
                "switched on or off in between, or chosen for the call alone (`adapter_names`). "
                "Set them with `set_adapter`, and explain while they act."
            )

    def _shown(
        self, image: Media | Sequence[Media] | None, call: GenerateCall, row: int
    ) -> tuple[Loaded, list[list[Shown]]]:
        """The model with the settings of the call, and what its prompt's pictures may be.

        Several answers where a given picture may have been resized before the processor.
        """
        loaded = self.explainer.loaded
        calls = preprocess_calls_of(call, self._recording.preprocessed)
        if image is None and any(not c.certain for c in calls):
            raise ParameterError(
                "Expected pictures of this block, got some that were processed outside of any "
                "block while several were open: give them, as trace.explain(image)."
            )
        loaded, shown = _recorded_pictures(loaded, calls)
        if image is None and not shown:
            raise ParameterError(
                "Expected the pictures of the prompt, got none: call the processor within the "
                "block, or give them, as trace.explain(image)."
            )
        family = loaded.family
        recorded = rows_of(family, call, shown)[row] if shown else []
        if image is None:
            return loaded, [recorded]
        images = flat_images(list(image) if isinstance(image, list | tuple) else image)
        given = read_media([without_exif(item) for item in images])
        first = with_resizes(family, given, recorded)
        tensors = visual_tensors_of_row(family, call, row)
        return loaded, [first, fetched_alternatives(family, first, tensors)]


def _recorded_pictures(
    loaded: Loaded, calls: Sequence[PreprocessCall]
) -> tuple[Loaded, list[Shown]]:
    """The model with the settings of the calls, and their pictures.

    If calls differ in their settings, each picture has its own and the model has none.
    """
    found = [
        (read_medium(without_exif(picture)), settings_of_call(loaded.family, call, picture))
        for call in calls
        for picture in flat_images(call.images)
    ]
    settings = [options for _, options in found]
    if all(same_settings(options, settings[0]) for options in settings):
        if settings:
            loaded = with_settings(loaded, settings[0])
        return loaded, [Shown(medium, MediumSettings()) for medium, _ in found]
    return loaded, [Shown(medium, MediumSettings(options)) for medium, options in found]


def _first_that_fits(
    loaded: Loaded,
    candidates: Sequence[Sequence[Shown]],
    call: GenerateCall,
    sequence: int,
    text: str | None,
) -> tuple[CapturedPrompt, tuple[int, ...]]:
    """The prompt of a call with the first of the candidates whose pixels are those of the call.

    Raises:
        GeometryError: for the first candidate, if none fits.
    """
    refusal: GeometryError | None = None
    for shown in candidates:
        if refusal is not None and not shown:
            continue
        try:
            source, ids = prompt_of(loaded, call, sequence, shown, text=text)
            source.inputs(loaded)
        except GeometryError as error:
            refusal = refusal or error
        else:
            return source, ids
    assert refusal is not None  # there is at least one candidate
    raise refusal

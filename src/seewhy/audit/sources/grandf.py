"""GranD-f in GLaMM's own layout: captions whose phrases have masks as run lengths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from seewhy.audit.source import BadRow, Judged, SourceRow
from seewhy.audit.sources._base import BaseSource
from seewhy.audit.sources._fields import MALFORMED, expect_object, mapped, shown, text_field
from seewhy.audit.sources._grounded import ANSWERS, found_share, judge_phrases
from seewhy.audit.sources._masks import stacked, union_of_rles, upright
from seewhy.audit.sources._pictures import Pictures, read_size
from seewhy.audit.sources._stream import Entry, entries, entry_at, first_value
from seewhy.audit.sources._words import find_phrases
from seewhy.datasets._files import unusable
from seewhy.datasets._words import open_tagger

PROMPT = "Describe this picture in detail."
FOLDERS = ("", "annotations", "annotations/train", "GranDf/annotations/train")


class Grandf(BaseSource):
    """The entries of `GranDf_HA_GCG_*.json` or `OpenPsgGCG_*.json`.

    The id is the number of the entry and the picture's name. The caption is explained, unless
    `answers=model`.
    """

    name: ClassVar[str] = "grandf"
    summary: ClassVar[str] = "GranD-f of GLaMM: captions whose phrases have masks."
    layout: ClassVar[str] = (
        "GLaMM's GranDf_HA_GCG_*.json, a list of {file_name, caption, groundings}, or a folder "
        "with it, and the pictures (or images=FOLDER)"
    )
    options: ClassVar[tuple[str, ...]] = ("answers", "images", "prompt")

    def _open(self) -> None:
        self._paths = self._expect("GranDf*.json", "OpenPsgGCG*.json", among=FOLDERS)
        self._pictures = Pictures(self._root, self._options.get("images", ""))
        self._reference = self._choice("answers", ANSWERS) == "reference"
        self._tagger = open_tagger("builtin")

    @classmethod
    def recognises(cls, place: Path) -> bool:
        """A file of entries with "groundings", or a folder with one."""
        try:
            paths = [place] if place.is_file() else cls(place)._paths
        except ValueError:  # no such file in it
            return False
        value = first_value(paths[0])
        return isinstance(value, dict) and {"file_name", "groundings"} <= set(value)

    def _files(self) -> Sequence[Path]:
        return self._paths

    def _rows(self) -> Iterator[SourceRow | BadRow]:
        for number, path in enumerate(self._paths):
            where = path.stem if len(self._paths) > 1 else ""
            yield from mapped(entries(path), lambda e, n=number, w=where: self._row(e, n, w), where)

    def _row(self, entry: Entry, number: int, where: str) -> SourceRow:
        value = expect_object(entry.value)
        name = text_field(value, "file_name")
        caption = text_field(value, "caption").strip('"').strip()
        groundings = expect_object(value.get("groundings"), '"groundings"')
        if not groundings:
            raise unusable("no phrase with a mask", f"Expected groundings of {name}, got none.")
        id = "-".join(filter(None, (where, f"{entry.number:05d}", Path(name).stem)))
        facts = {
            "reference": caption,
            "entry": [number, entry.start, entry.end],
            "phrases": [_phrase(text, found, caption) for text, found in groundings.items()],
        }
        answer = caption if self._reference else None
        prompt = self._options.get("prompt", PROMPT)
        return SourceRow(id, (self._pictures.find(name),), prompt, answer=answer, facts=facts)

    def judge(self, row: SourceRow, answer: str) -> Judged:
        """Of the words of phrases, with the union of each phrase's masks."""
        number, start, end = row.facts["entry"]
        groundings = entry_at(self._paths[number], start, end)["groundings"]
        image = row.images[0]
        assert isinstance(image, Path)
        size = read_size(image)
        masks: list[np.ndarray] = []
        regions: list[tuple[int, ...]] = []
        for found in groundings.values():
            rles = found.get("rle_masks") or []
            rles = [rles] if isinstance(rles, Mapping) else rles
            regions.append((len(masks),) if rles else ())
            masks += [upright(union_of_rles(rles), size)] if rles else []
        phrases = row.facts["phrases"]
        return judge_phrases(
            *(answer, phrases, stacked(masks), regions, self._tagger), row.facts["reference"]
        )

    def scores(self, scores: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
        """How many of the phrases are in the answers."""
        return found_share(scores)


def _phrase(text: str, found: Any, caption: str) -> dict[str, Any]:
    """A phrase and its characters.

    Where they hold other text, as by quotes that were removed, the phrase is searched; if it is not
    in the caption, its characters count, as in GLaMM.
    """
    positives = expect_object(found, f"the grounding of {text!r}").get("token_positives")
    if isinstance(positives, list) and positives and isinstance(positives[0], list):
        positives = positives[0]
    start, end = positives if isinstance(positives, list) and len(positives) == 2 else (None, None)
    if not (isinstance(start, int) and isinstance(end, int)):
        raise unusable(
            MALFORMED, f'Expected two offsets as "token_positives", got {shown(positives)}.'
        )
    if caption[start:end].strip().lower() != text.strip().lower():
        (span,) = find_phrases(caption, [text])
        start, end = span or (start, end)
    if not 0 <= start < end <= len(caption):
        raise unusable(
            "a phrase is not in the caption",
            f"Expected {text!r} at characters {start} to {end} of {shown(caption)}.",
        )
    return {"text": text, "start": start, "end": end}

"""Which of a prompt's pictures the boxes of an answer belong to."""

from __future__ import annotations

from collections.abc import Sequence

from seewhy.core.boxes import Markup, PictureFrame
from seewhy.core.record import Record


class MarkedPictures:
    """The pictures and clips of a record, and which of them each markup means.

    Args:
        record: the explanation.
        found: all markup of its answer: their numbers of pictures are counted from 0 or from 1.
        chosen: the number of the picture that a person named for all; None reads the markup.
    """

    def __init__(self, record: Record, found: Sequence[Markup], chosen: int | None) -> None:
        self._record, self._chosen = record, chosen
        media = [view.medium for view in record.pictures]
        self._views = {
            medium: tuple(view for view, own in enumerate(media) if own == medium)
            for medium in dict.fromkeys(media)
        }
        named = {markup.picture for markup in found if markup.picture is not None}
        # A picture 0 is counted from 0; the last one's number plus 1 only where 1 is the first.
        self._first = 1 if named and 0 not in named and max(named) == len(self._views) else 0

    def of(self, markup: Markup) -> tuple[int | None, tuple[int, ...], tuple[str, ...]]:
        """The number of its picture, the views that show it, and notes.

        The number is None, and there are no views, if the answer names one that is not there.
        """
        media, notes = list(self._views), []
        medium = media[0]
        if self._chosen is not None:
            medium = media[self._chosen]
        elif len(media) > 1 and markup.picture is None:
            notes.append(
                f"The answer does not say which of {len(media)} pictures it means: the first is "
                "taken."
            )
        elif len(media) > 1 and markup.picture is not None:
            index = markup.picture - self._first
            if not 0 <= index < len(media):
                return (
                    None,
                    (),
                    (f"The answer names picture {markup.picture}, but there are {len(media)}.",),
                )
            notes.append(f"The answer names picture {markup.picture}, counted from {self._first}.")
            medium = media[index]
        views, remarks = self._steps(self._views[medium], markup)
        return media.index(medium), views, (*notes, *remarks)

    def _steps(
        self, views: tuple[int, ...], markup: Markup
    ) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """Of a clip's steps those that a markup means."""
        if len(views) == 1:
            return views, ()
        times = {view: self._record.pictures[view].seconds for view in views}
        known = {view: time for view, time in times.items() if time is not None}
        if markup.seconds is None or not known:
            return views, ("The answer does not say when in the clip: it is shown on every step.",)
        wanted = markup.seconds
        # The last step that began by then.
        begun = [view for view, time in known.items() if time <= wanted] or [min(known)]
        return (begun[-1],), (f"The answer names the time {wanted:g} s in the clip.",)

    def frame(self, view: int) -> PictureFrame:
        """A view's picture, and the part of it that is in the model's input."""
        picture = self._record.pictures[view]
        grid = picture.base_grid
        seen = (
            float(grid.column_edges[0]),
            float(grid.row_edges[0]),
            float(grid.column_edges[-1]),
            float(grid.row_edges[-1]),
        )
        scales = self._record.attribution.scales
        base = next((scale for scale in scales if abs(scale.scale - 1) < 1e-6), None)
        size = None if base is None else base.model_sizes[view]
        return PictureFrame(picture.size, seen, size)

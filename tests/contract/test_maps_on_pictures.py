"""A metric sees a map where the model's tokens are: on every family's own grid.

Some families cut a picture's sides off, or pad them: a map over the whole picture would be beside
what the model saw, and figures of masks, deletion and erasure with it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

import seewhy
from audit_parts import Rows
from families import BUILDERS, shared
from seewhy.audit.diagnosing import diagnosed_rows
from seewhy.audit.source import SourceRow
from seewhy.core.geometry import Geometry
from seewhy.core.sample import Sample
from seewhy.explainer import Explainer
from seewhy.methods import Evidence, create
from seewhy.metrics._reruns import SessionSample
from seewhy.models.session import Session

WIDE, HIGH = (150, 60), (70, 160)


def explained(name: str, size: tuple[int, int]) -> SessionSample:
    """A grey picture explained by the tiny model of a family."""
    image = Image.new("RGB", size, (90, 120, 150))
    loaded = shared(name)
    session = Session.from_image(loaded, image, "What is this?", [5, 6])
    evidence = Evidence.from_session(session)
    masks = torch.ones(1, size[1], size[0], dtype=torch.bool)
    sample = Sample("grey", image, "What is this?", masks, lambda _: ())
    method = create("logit-lens")
    return SessionSample(sample, evidence, method, method.attribute(evidence), (), ())


@pytest.mark.parametrize("size", [WIDE, HIGH], ids=["wide", "high"])
@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_a_cell_of_a_map_lies_over_the_pixels_of_its_token(name: str, size: tuple[int, int]):
    sample = explained(name, size)
    width, height = size
    grid = sample.evidence.trace.views[0].geometry.base_grid
    rows, columns = grid.shape
    tokens = len(sample.attribution.context)
    for row, column in ((0, 0), (rows // 2, columns // 2), (rows - 1, columns - 1)):
        maps = torch.zeros(tokens, rows, columns)
        maps[:, row, column] = 1
        ones = {"low": torch.zeros(tokens), "high": torch.ones(tokens)}
        planted = replace(sample, attribution=replace(sample.attribution, maps=(maps,), **ones))
        edges = (*grid.column_edges[column : column + 2], *grid.row_edges[row : row + 2])
        left, right, top, bottom = (float(edge) for edge in edges)
        if not (0 < (left + right) / 2 < width and 0 < (top + bottom) / 2 < height):
            continue  # the middle of a cell of padding
        bright = (planted.heatmaps[0] > 0.75).nonzero() + 0.5
        assert len(bright)
        assert float(bright[:, 0].min()) > top
        assert float(bright[:, 0].max()) < bottom
        assert float(bright[:, 1].min()) > left
        assert float(bright[:, 1].max()) < right


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_pixels_that_the_model_did_not_see_have_no_value(name: str):
    sample = explained(name, WIDE)
    grid = sample.evidence.trace.views[0].geometry.base_grid
    tokens = len(sample.attribution.context)
    full = replace(
        sample.attribution,
        maps=(torch.ones(tokens, *grid.shape),),
        low=torch.zeros(tokens),
        high=torch.ones(tokens),
    )
    seen = replace(sample, attribution=full).heatmaps[0] > 0
    x, y = (torch.arange(side) + 0.5 for side in WIDE)
    across = (x > grid.column_edges[0]) & (x < grid.column_edges[-1])
    down = (y > grid.row_edges[0]) & (y < grid.row_edges[-1])
    assert torch.equal(seen, down[:, None] & across[None, :])


def test_one_family_at_least_does_not_see_a_whole_picture():
    """Else the tests above would hold for maps over the whole picture too."""
    partly = [name for name in BUILDERS if not bool(covers(explained(name, WIDE)))]
    assert "llava" in partly


def covers(sample: SessionSample) -> bool:
    """Whether the grid has the edges of the picture."""
    width, height = sample.image.size
    whole = Geometry.of_equal_cells((width, height), 1, 1).base_grid
    grid = sample.grid
    return all(
        abs(float(getattr(grid, edges)[end] - getattr(whole, edges)[end])) < 1
        for edges in ("row_edges", "column_edges")
        for end in (0, -1)
    )


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_maps_on_the_finest_grid_are_shown_saved_and_compared(name: str, tmp_path: Path):
    explainer = Explainer(shared(name))
    picture = Image.new("RGB", WIDE, (90, 120, 150))
    ways = ("intra-modal(grid=finest)", "intra-modal")
    finest, base = (
        explainer.explain(picture, "What is this?", method=way, answer=[5, 6]) for way in ways
    )
    grid, own = finest.views[0].base_grid, base.views[0].base_grid
    assert finest.record.attribution.maps[0].shape[1:] == grid.shape
    assert grid.index.numel() >= own.index.numel()
    for edges in ("row_edges", "column_edges"):
        one, other = getattr(grid, edges), getattr(own, edges)
        # The same part of the picture but for rounding to whole cells at another scale.
        assert abs(float(one[0] - other[0])) <= float(other[1] - other[0])
        assert abs(float(one[-1] - other[-1])) <= float(other[-1] - other[-2])
    again = seewhy.open(finest.save(tmp_path / "saved"))
    assert again.views[0].base_grid.shape == grid.shape
    assert "finest" in again.html()
    assert seewhy.Comparison.of([finest, base]).html()


@pytest.mark.parametrize("name", ["llava", "llava-next", "qwen2-vl"])
def test_an_audit_keeps_the_edges_of_its_maps(name: str, tmp_path: Path):
    settings = {"method": "logit-lens", "max_new_tokens": 2}
    picture = tmp_path / "grey.png"
    Image.new("RGB", WIDE, (90, 120, 150)).save(picture)
    row = SourceRow("one", (picture,), "What is this?")
    ((done, explanation),) = diagnosed_rows(Explainer(shared(name)), Rows(), [row], settings)
    assert explanation is not None, done.answer.detail
    grid = explanation.views[0].base_grid
    stored = json.loads(done.answer.grid)
    assert stored["rows"] == pytest.approx(grid.row_edges.tolist(), abs=0.01)
    assert stored["columns"] == pytest.approx(grid.column_edges.tolist(), abs=0.01)

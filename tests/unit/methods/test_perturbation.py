"""Methods that change the picture, on a planted reader that goes by the colour of a few cells."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from families import shared
from painting import noise
from random_traces import random_evidence, random_trace
from seewhy.core.errors import ParameterError, UnsupportedInputError
from seewhy.core.specs import parse_spec, spec_of
from seewhy.methods import Evidence, citation, create
from seewhy.methods._perturbation import perturbed_views, superpixels
from seewhy.methods._scores import LENS
from seewhy.models import read
from seewhy.models.session import Session

SIZE = (96, 64)
"""Width and height of the first picture of a random trace: 4 x 6 cells of 16 pixels."""


class PlantedReader:
    """Says a token of the answer the more probably, the whiter its own cell of the picture is."""

    def __init__(self, cells: Sequence[tuple[int, int]], ids: Sequence[int], pictures: int) -> None:
        self.cells, self.ids = cells, tuple(ids)
        self.images = tuple(self.picture(number) for number in range(pictures))
        self.rows = 0

    def picture(self, number: int) -> Image.Image:
        """Black, with the planted cells white; the second one is empty."""
        pixels = np.zeros((SIZE[1] + 20 * number, SIZE[0] + 10 * number, 3), np.uint8)
        if number == 0:
            for row, column in self.cells:
                pixels[16 * row : 16 * row + 16, 16 * column : 16 * column + 16] = 255
        return Image.fromarray(pixels)

    def log_probabilities(self, variants: Iterable[Sequence[Any]]) -> torch.Tensor:
        found = []
        for shown in variants:
            self.rows += 1
            pixels = np.array(shown[0], dtype=np.float32) / 255
            found.append(
                [
                    -4 + 3.9 * pixels[16 * r : 16 * r + 16, 16 * c : 16 * c + 16].mean()
                    for r, c in self.cells
                ]
            )
        return torch.tensor(found)


PLANTED = ((0, 0), (1, 4), (3, 2))


def planted(pictures: int = 1, **options: Any) -> tuple[Evidence, PlantedReader]:
    others = ((5, 3),) * (pictures - 1)
    trace = random_trace(answer=(" red", " star", "."), others=others)
    reader = PlantedReader(PLANTED, [token.id for token in trace.tokens], pictures)
    return Evidence.from_session(reader, trace=trace, **options), reader  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "spec",
    ["occlusion", "occlusion(window=1)", "rise(samples=400)", "kernel-shap", "region-search"],
)
def test_method_finds_the_planted_cells(spec: str) -> None:
    evidence, _ = planted()
    (maps,) = create(spec).attribute(evidence).maps
    for token, (row, column) in enumerate(PLANTED):
        brightest = maps[token].flatten().argmax()
        assert divmod(int(brightest), 6) == (row, column)


@pytest.mark.parametrize("spec", ["occlusion", "kernel-shap", "region-search"])
def test_method_leaves_a_picture_without_influence_empty(spec: str) -> None:
    evidence, _ = planted(pictures=2)
    first, second = create(spec).attribute(evidence).maps
    assert first.shape[1:] == (4, 6)
    assert second.shape[1:] == (5, 3)
    assert float(first.amax((1, 2)).min()) > 0
    assert float(second.max()) < 1e-4


def test_occlusion_of_a_single_cell_is_the_drop_under_the_mean_colour() -> None:
    evidence, reader = planted()
    (maps,) = create("occlusion", window=1).attribute(evidence).maps
    mean = np.array(reader.images[0]).mean().round() / 255
    expected = torch.zeros(3, 4, 6)
    for token, (row, column) in enumerate(PLANTED):
        expected[token, row, column] = 3.9 * (1 - mean)
    torch.testing.assert_close(maps, expected, rtol=1e-4, atol=1e-4)
    assert reader.rows == 1 + 24


def test_occlusion_averages_the_windows_that_cover_a_cell() -> None:
    evidence, _ = planted()
    (single,) = create("occlusion", window=1).attribute(evidence).maps
    (double,) = create("occlusion", window=2).attribute(evidence).maps
    drop = float(single[0, 0, 0])
    # Of the four windows over a cell two also cover the one beside it, one that across a corner.
    assert double[0, :2, :2].flatten().tolist() == pytest.approx(
        [drop, drop / 2, drop / 2, drop / 4]
    )
    assert not double[0, 2:].any()


def test_kernel_shap_reads_each_coalition_once_for_all_tokens() -> None:
    evidence, reader = planted()
    create("kernel-shap", segments=4, samples=500).attribute(evidence)
    assert reader.rows <= 2**4


def test_region_search_reads_only_for_selected_tokens() -> None:
    prompt = len(planted()[0].trace.prompt_tokens)
    (all_of_them, dear), (one, cheap) = planted(), planted(selected=[prompt + 1])
    method = create("region-search")
    (whole,), (some,) = method.attribute(all_of_them).maps, method.attribute(one).maps
    assert torch.equal(some[1], whole[1])
    assert not some[[0, 2]].any()
    assert 0 < cheap.rows < dear.rows
    none, free = planted(selected=[])
    assert not method.attribute(none).maps[0].any()
    assert free.rows == 0


def test_region_search_with_the_settings_of_eagle_chooses_every_region() -> None:
    spec = "region-search(segments=64, steps=none, fill=black, superpixels=slico)"
    method = create(spec)
    assert (method.steps, method.spec) == (  # type: ignore[attr-defined]
        None,
        "region-search(segments=64, steps=None, fill=black, superpixels=slico)",
    )
    assert create(method.spec) == method
    evidence, reader = planted(selected=[len(planted()[0].trace.prompt_tokens)])
    few = replace(method, segments=4)
    few.attribute(evidence)
    regions = len(superpixels(perturbed_views(evidence, "x", "black")[0].image, 4, "slico"))
    # Nothing and everything; then every larger subset and its rest, which is shared at the ends.
    assert 2 + 2 * (regions - 1) <= reader.rows <= 2 + regions * (regions + 1)


def test_slico_superpixels_cover_every_pixel_once_and_differ_from_slic() -> None:
    image = torch.from_numpy(np.array(noise(90, 60), dtype=np.float32))
    slic, slico = (superpixels(image, 12, name) for name in ("slic", "slico"))
    assert bool((slico.sum(0) == 1).all())
    assert slic.shape != slico.shape or not torch.equal(slic, slico)


def test_rise_begins_its_display_at_each_tokens_minimum() -> None:
    evidence, _ = planted()
    attribution = create("rise", samples=64).attribute(evidence)
    (maps,), (display,) = attribution.maps, attribution.display
    assert torch.equal(attribution.low, maps.amin((1, 2)))
    assert float(attribution.low.min()) > 0
    assert display.amin((1, 2)).tolist() == [0.0] * 3
    assert display.amax((1, 2)).tolist() == pytest.approx([1.0] * 3)


@pytest.mark.parametrize("spec", ["occlusion", "rise(samples=8)", "kernel-shap", "region-search"])
def test_method_notes_once_that_the_prompt_has_no_maps(spec: str) -> None:
    evidence, _ = planted(start=0)
    method = create(spec)
    for _ in range(2):
        attribution = method.attribute(evidence)
    prompt = len(evidence.trace.prompt_tokens)
    assert not attribution.maps[0][:prompt].any()
    assert attribution.maps[0][prompt:].any()
    assert [note.split(":")[0] for note in evidence.notes] == [
        "The prompt's tokens have empty maps"
    ]


def test_method_refuses_another_answer_than_was_traced() -> None:
    evidence, reader = planted()
    reader.ids = reader.ids[:2]
    with pytest.raises(ParameterError, match="session about the trace's 3 tokens, got one about 2"):
        create("occlusion").attribute(evidence)


def test_method_refuses_a_clip() -> None:
    evidence, _ = planted()
    trace = evidence.trace
    step = replace(trace.views[0], frames=(0, 1))
    clip = replace(trace, inputs=replace(trace.inputs, views=(step,)))
    with pytest.raises(UnsupportedInputError, match="Expected pictures, got a clip: rise changes"):
        create("rise").attribute(Evidence.from_session(evidence.session, trace=clip))


@pytest.mark.parametrize(
    ("spec", "package"),
    [("kernel-shap", "captum"), ("region-search", "skimage"), ("kernel-shap", "skimage")],
)
def test_method_says_what_to_install(
    spec: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ParameterError, match=r"got none: pip install 'seewhy\[baselines\]'"):
        create(spec).attribute(planted()[0])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("occlusion(window=0)", "window as a whole number of at least 1, got 0"),
        ("occlusion(window=2, stride=3)", "stride of at most the window's side 2, got 3"),
        ("occlusion(fill=grey)", "fill as one of mean, blur, noise, black, got 'grey'"),
        ("rise(samples=0)", "samples as a whole number of at least 1, got 0"),
        ("rise(keep=1)", "keep between 0 and 1, both excluded, got 1"),
        ("rise(cells=2.5)", "cells as a whole number of at least 1, got 2.5"),
        ("kernel-shap(segments=1)", "segments as a whole number of at least 2, got 1"),
        ("region-search(steps=true)", "steps as a whole number of at least 1, got True"),
        ("region-search(steps=0)", "steps as a whole number of at least 1, got 0"),
        ("region-search(superpixels=seeds)", "superpixels as one of slic, slico, got 'seeds'"),
        ("random(seed=-1)", "seed as a whole number of at least 0, got -1"),
        ("centre(sigma=0)", "sigma between 0 and 1, both excluded, got 0"),
    ],
)
def test_parameters_out_of_range_are_refused(spec: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        create(spec)


def test_random_depends_only_on_seed_and_text() -> None:
    method = create("random")
    (one,) = method.attribute(Evidence.from_traces({1.0: random_trace()})).maps
    (same,) = method.attribute(
        Evidence.from_traces({1.0: random_trace(seed=9)})
    ).maps  # other states, same words
    assert torch.equal(one, same)
    (other,) = create("random", seed=1).attribute(Evidence.from_traces({1.0: random_trace()})).maps
    assert not torch.equal(one, other)
    assert len(one.flatten().unique()) == one.numel()
    assert float(one.mean()) == pytest.approx(0.5, abs=0.05)


def test_centre_is_a_spot_in_the_middle_of_the_pixels() -> None:
    (maps,) = create("centre").attribute(random_evidence((1.0,))).maps
    torch.testing.assert_close(maps, maps.flip(1, 2))
    assert torch.equal(maps, maps[:1].expand_as(maps))
    # The first cell's centre lies at (8, 8) of 96 x 64 pixels.
    expected = np.exp(-((8 / 96 - 0.5) ** 2 + (8 / 64 - 0.5) ** 2) / (2 * 0.25**2))
    assert float(maps[0, 0, 0]) == pytest.approx(expected)


def real(scale: float = 1.0) -> tuple[Session, Evidence]:
    loaded = shared("qwen2-vl")
    picture = Image.fromarray(
        np.random.default_rng(1).integers(0, 255, (16, 24, 3), dtype=np.uint8)
    )
    ids = loaded.processor.tokenizer.encode(" A red star is")
    session = Session.from_image(loaded, picture, "What is it?", ids).at_scale(scale)
    return session, Evidence.from_session(session, ranking_depth=8)


def test_occlusion_measures_the_context_by_leaving_words_out() -> None:
    session, evidence = real()
    attribution = create("occlusion", window=4, context=True).attribute(evidence)
    prompt, text = len(evidence.trace.prompt_tokens), len(evidence.trace.text_tokens)
    (whole,) = session.log_probabilities([session.images])
    for left_out in range(text - 1):
        dropped = torch.zeros(1, text, dtype=torch.bool)
        dropped[0, left_out] = True
        (found,) = session.log_probabilities_without(dropped)
        for token in range(text - prompt):
            drop = float((whole - found)[token]) if left_out < prompt + token else 0.0
            given = float(attribution.context[token, left_out])
            assert given == pytest.approx(max(drop, 0.0), abs=1e-4)
    assert not attribution.context[:, -1].any()


def test_rereading_at_a_scale_reads_changed_pictures_at_that_scale() -> None:
    larger, base = real(2.0)[0], real()[0]
    assert larger.inputs().model_sizes == base.inputs(2.0).model_sizes != base.inputs().model_sizes
    (found,) = larger.log_probabilities([larger.images])
    trace = read(larger.loaded, base.inputs(2.0), larger.ids)
    expected = torch.tensor([token.probability for token in trace.tokens]).log()
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


def test_msea_runs_its_base_method_at_each_scale() -> None:
    session, evidence = real()
    base = create("occlusion")
    attribution = create("msea", base=base, scales=(1, 2)).attribute(evidence)
    plain = base.attribute(real()[1])
    assert torch.equal(attribution.scales[0].maps[0], plain.maps[0])
    alone = Evidence.from_session(
        session.at_scale(2.0), trace=evidence.trace_at(2.0), ranking_depth=8
    )
    assert torch.equal(attribution.scales[1].maps[0], base.attribute(alone).maps[0])
    torch.testing.assert_close(attribution.low, torch.zeros_like(attribution.low))


def test_arc_over_msea_is_the_intra_modal_method_without_its_filter() -> None:
    whole = create("intra-modal", k=8, window=None).attribute(random_evidence())
    parts = create("arc", k=8, base="msea").attribute(random_evidence())
    torch.testing.assert_close(parts.maps[0], whole.maps[0])
    torch.testing.assert_close(parts.context, whole.context)


def test_arc_pays_for_what_may_interfere_and_for_nothing_later() -> None:
    prompt = len(planted()[0].trace.prompt_tokens)
    evidence, _ = planted(selected=[prompt + 1])
    asked = []

    class Listening(type(create("region-search"))):
        def attribute(self, evidence: Evidence):
            asked.append(evidence.selected)
            return super().attribute(evidence)

    create("arc", k=8, base=Listening()).attribute(evidence)
    create("msea", scales=(1,), base=Listening()).attribute(evidence)
    assert asked == [tuple(range(prompt + 2)), (prompt + 1,)]


def test_a_method_that_is_nothing_but_a_base_map_counts_as_that() -> None:
    assert create("msea(base=logit-lens)") == create("msea")
    assert create("arc", base="logit-lens").base is LENS  # type: ignore[attr-defined]


def test_composition_bears_its_bases_facts() -> None:
    method = create("msea(base=occlusion(window=3))")
    assert method.all_needs == {"states", "scales", "pictures"}
    assert not method.can_contrast
    assert method.spec == "msea(base=occlusion(window=3))"
    assert method.parameters["base"] == "occlusion(window=3)"
    assert "Visualizing and Understanding" in citation("msea(base=occlusion)")
    assert create("arc(base=msea)").further_scales == (0.75, 1.25)
    assert create("msea(base=tam)").can_contrast
    assert type(method).needs == {"states", "scales"}


@pytest.mark.parametrize("base", ["msea", "intra-modal", "arc"])
def test_msea_refuses_a_base_of_scales_or_rankings(base: str) -> None:
    with pytest.raises(ParameterError, match=f"got {base}: aggregate first, as in arc"):
        create("msea", base=base)


def test_composition_refuses_a_base_that_is_none() -> None:
    with pytest.raises(ParameterError, match="base as a method or a base map, got 3"):
        create("arc", base=3)


def test_composition_refuses_a_contrast_that_its_base_cannot_make() -> None:
    trace = random_trace()
    contrasted = replace(trace, foils=torch.zeros_like(trace.unembedding_rows))
    with pytest.raises(ParameterError, match="base map that contrasts words, got centre"):
        create("arc", k=8, base="centre").attribute(Evidence.from_traces({1.0: contrasted}))


@pytest.mark.parametrize(
    "spec",
    ["tam", "msea(scales=(0.5,), window=None)", "arc(base=grad-cam-plus-plus(layer=-1), p=0.5)"],
)
def test_spec_is_there_and_back(spec: str) -> None:
    assert spec_of(*parse_spec(spec)) == spec


@pytest.mark.parametrize(
    "spec", ["", "(k=3)", "arc(20)", "arc(k=", "arc(**k)", "arc(k=3)(4)", "arc(k=3+4)"]
)
def test_spec_that_cannot_be_read_is_refused(spec: str) -> None:
    with pytest.raises(ParameterError, match=r"like 'arc\(base=attention, k=20\)'"):
        parse_spec(spec)


def test_create_refuses_a_parameter_in_the_spec_and_beside_it() -> None:
    with pytest.raises(ParameterError, match=r"once, got k beside 'arc\(k=3\)'"):
        create("arc(k=3)", k=4)

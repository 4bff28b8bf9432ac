"""Sanity checks and cost, on methods that are known to pass or to fail them."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch

from metric_cases import drawn
from seewhy.core.attribution import Attribution
from seewhy.core.errors import NonFiniteError, ParameterError
from seewhy.methods import Evidence, Method
from seewhy.metrics import METRICS, noise_sensitivity
from seewhy.metrics._base import Measurement, Undefined
from seewhy.metrics._reruns import SessionSample
from seewhy.metrics.parameter_randomisation import STAGES, cascade, untied_copy


@dataclass(frozen=True)
class EdgeDetector(Method):
    """It shows the picture whatever is said of it, and whoever says it."""

    name: ClassVar[str] = "edge-detector"
    summary: ClassVar[str] = "The picture's own edges."
    citations: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[frozenset[str]] = frozenset()

    def attribute(self, evidence: Evidence) -> Attribution:
        trace = evidence.trace
        rows, columns = trace.inputs.base_grids[0].shape
        tokens = len(trace.tokens)
        edges = torch.linspace(0, 1, rows * columns).view(1, rows, columns).expand(tokens, -1, -1)
        context = torch.zeros(tokens, len(trace.text_tokens))
        return Attribution((edges,), context, torch.zeros(tokens), torch.ones(tokens))


@dataclass(frozen=True)
class Rng(EdgeDetector):
    """It never says the same twice."""

    name: ClassVar[str] = "dice"

    def attribute(self, evidence: Evidence) -> Attribution:
        made = super().attribute(evidence)
        noise = torch.rand(
            made.maps[0].shape, generator=torch.Generator().manual_seed(time.time_ns())
        )
        return replace(made, maps=(noise,))


@dataclass(frozen=True)
class Spender(EdgeDetector):
    """It reads twice more and takes one gradient."""

    name: ClassVar[str] = "spender"

    def attribute(self, evidence: Evidence) -> Attribution:
        assert evidence.session is not None
        (picture,) = evidence.session.images
        evidence.session.log_probabilities([(picture,)] * 2)
        leaf = torch.ones(1, requires_grad=True)
        torch.autograd.grad(leaf * 2, leaf)
        return super().attribute(evidence)


@dataclass(frozen=True)
class Hoarder(EdgeDetector):
    """It fills 64 MiB, and lets go of them."""

    name: ClassVar[str] = "hoarder"

    def attribute(self, evidence: Evidence) -> Attribution:
        torch.ones(16 * 2**20)
        return super().attribute(evidence)


def found(name, case, **parameters):
    values: dict[str, list[float]] = {}
    for one in METRICS.get(name)(**parameters).measure(case):
        assert isinstance(one, Measurement), one
        values.setdefault(one.figure, []).append(one.value)
    return values


def test_an_edge_detector_fails_both_randomisations(loaded):
    case = drawn(loaded, EdgeDetector())
    for name in ("parameter-randomisation", "label-randomisation"):
        values = found(name, case)
        assert all(v == pytest.approx(1.0) for row in values.values() for v in row)


def test_the_logit_lens_passes_both_randomisations(loaded):
    case = drawn(loaded, "logit-lens", roles=("kind",), count=3)
    for name, figure in (
        ("parameter-randomisation", "randomised-all"),
        ("label-randomisation", "other-label"),
    ):
        values = found(name, case)[figure]
        assert sum(values) / len(values) < 0.8


def test_parameter_randomisation_reaches_every_parameter_once(loaded):
    twin = untied_copy(loaded)
    stages = cascade(twin.model)
    assert list(stages) == list(STAGES)
    reached = [id(p) for parameters in stages.values() for p in parameters]
    assert len(reached) == len(set(reached))
    assert set(reached) == {id(p) for p in twin.model.parameters()}
    assert all(stages.values())


def test_parameter_randomisation_unties_only_its_copy(loaded):
    own, twin = loaded.model, untied_copy(loaded).model
    assert own.lm_head.weight is own.get_input_embeddings().weight
    assert twin.lm_head.weight is not twin.get_input_embeddings().weight
    assert twin.lm_head.weight.dtype == own.lm_head.weight.dtype


def test_parameter_randomisation_is_undefined_for_non_finite_states(loaded, monkeypatch):
    def broken(sample, session, words):
        raise NonFiniteError("Expected finite states, got NaN.")

    monkeypatch.setattr(SessionSample, "rerun", broken)
    case = drawn(loaded)
    reasons = {
        getattr(m, "reason", "") for m in METRICS.get("parameter-randomisation")().measure(case)
    }
    assert reasons == {"states not finite when random"}


def test_label_randomisation_needs_another_content_word(loaded):
    case = drawn(loaded, count=1)
    lone = tuple(
        replace(word, truth=None) if at not in case.selected else word
        for at, word in enumerate(case.words)
    )
    measured = list(METRICS.get("label-randomisation")().measure(replace(case, words=lone)))
    assert Undefined("other-label", "no other content word") in measured


def test_repeatability_tells_dice_from_a_lens(loaded):
    assert set(found("repeatability", drawn(loaded))["repeat-difference"]) == {0.0}
    assert min(found("repeatability", drawn(loaded, Rng()))["repeat-difference"]) > 0.1


def test_noise_sensitivity_grows_with_the_noise(loaded):
    case = drawn(loaded)
    small, large = (found("noise-sensitivity", case, sigma=s) for s in (1.0, 40.0))
    assert sum(small["noise-change"]) < 0.5 * sum(large["noise-change"])
    assert min(small["noise-spearman"]) > 0.9


def test_a_map_that_noise_flattens_is_unlike_and_not_undefined():
    own, flat = torch.rand(4, 4), torch.full((4, 4), 0.3)
    assert noise_sensitivity._rank_correlation(own, flat) == 0.0
    assert noise_sensitivity._rank_correlation(own, own) == pytest.approx(1)
    assert math.isnan(noise_sensitivity._rank_correlation(flat, flat))


def test_noise_sensitivity_refuses_no_noise():
    with pytest.raises(ParameterError, match=r"sigma above 0 and at least 1 draw, got 0 and 1"):
        METRICS.get("noise-sensitivity")(sigma=0)


def test_scale_stability_leaves_the_evidence_as_it_was(loaded):
    case = drawn(loaded)
    values = found("scale-stability", case)
    assert all(set(values[f"said@{scale}"]) <= {0.0, 1.0} for scale in ("0.5", "1", "2"))
    assert list(case.evidence._traces) == [1.0]


def test_scale_stability_is_undefined_for_scales_of_equal_size(loaded):
    case = drawn(loaded)
    session = case.evidence.session
    assert session is not None
    base = session.inputs()

    class Stubborn(type(session)):
        """It shows the model one size whatever is asked for."""

        def inputs(self, scale=1.0):
            return base

    case.evidence.session = Stubborn(session.loaded, session.source, session.ids)
    measured = list(METRICS.get("scale-stability")().measure(case))
    assert Undefined("said@2", "scale comes out as another") in measured
    assert any(isinstance(one, Measurement) and one.figure == "said@1" for one in measured)


def test_cost_counts_passes_and_compares_with_generation(loaded):
    case = drawn(loaded, Spender())
    values = {one.figure: one for one in METRICS.get("cost")(repeats=3).measure(case)}

    def value(figure):
        one = values[figure]
        assert isinstance(one, Measurement)
        return one.value

    tokens = len(case.evidence.trace.tokens)
    assert (value("forward"), value("backward")) == (2.0, 1.0)
    assert value("forward-ratio") == pytest.approx(2 / tokens)
    assert value("seconds-ratio") == pytest.approx(value("seconds") / value("generation-seconds"))
    assert 0 < value("seconds") < 10
    assert math.isfinite(value("generation-memory"))


def test_cost_sees_memory_that_a_method_takes(loaded):
    values = {one.figure: one for one in METRICS.get("cost")().measure(drawn(loaded, Hoarder()))}
    memory = values["memory"]
    assert isinstance(memory, Measurement)
    assert 56 < memory.value < 90


def test_cost_refuses_no_run():
    with pytest.raises(ParameterError, match=r"repeats of at least 1, got 0"):
        METRICS.get("cost")(repeats=0)

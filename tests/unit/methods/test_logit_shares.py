"""Logit shares: parameters, amounts as maps, contrasts, and where the model cannot be read."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import tiny_qwen3_vl
import unadapted
from families import build, shared
from painting import noise
from random_traces import random_trace
from seewhy.core.errors import ParameterError, UnsupportedModelError
from seewhy.core.geometry import Geometry, TokenGrid
from seewhy.core.text import Word
from seewhy.core.trace import View
from seewhy.explained_answer import reading_options
from seewhy.explainer import Explainer
from seewhy.methods import DEFAULT, FALLBACK, Evidence, create
from seewhy.methods._scores import answer_range
from seewhy.methods._shares import densities, share_reader, shares_of
from seewhy.models import Loaded, load
from seewhy.models.contrast import contrasted
from seewhy.models.decoder import decoder_of
from seewhy.models.families.probed import Probed
from seewhy.models.processing import parts_of
from seewhy.models.session import Session
from seewhy.options import ExplainOptions

PROMPT = "What is to the left of the red star?"
PICTURE = noise(60, 40)
ANSWER = (40, 41, 42, 43)


def session_of(name: str, ids: tuple[int, ...] = ANSWER) -> Session:
    return Session.from_image(shared(name), PICTURE, PROMPT, ids)


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return Evidence.from_session(session_of("llava"), ranking_depth=1, start=0)


@pytest.fixture(scope="module")
def hybrid() -> Loaded:
    """A model of which some layers have no attention."""
    return load(tiny_qwen3_vl.build("qwen3_5"))


# --- parameters --------------------------------------------------------------------------------


@pytest.mark.parametrize("hops", [0, 3, True, "2", None])
def test_logit_shares_takes_one_or_two_hops(hops):
    with pytest.raises(ParameterError, match="Expected hops as 1 or 2, got"):
        create("logit-shares", hops=hops)


@pytest.mark.parametrize("focus", [-0.1, 10.1, float("inf"), float("nan"), True, "2", None])
def test_logit_shares_takes_a_focus_from_zero_to_ten(focus):
    with pytest.raises(ParameterError, match="Expected focus from 0 to 10, got"):
        create("logit-shares", focus=focus)


@pytest.mark.parametrize("focus", [0, 2.0, 10.0])
def test_logit_shares_are_finite_for_every_focus(evidence, focus):
    """Powers are of parts of the largest score: those of scores would overflow."""
    found = create("logit-shares", focus=focus).attribute(evidence)
    for values in (*found.maps, found.context, found.high, found.visual_share):
        assert bool(values.isfinite().all())
        assert float(values.min()) >= 0


def test_focus_does_not_depend_on_the_unit_of_the_scores():
    """A model with a larger head divides what text read in the same way."""
    found = []
    for factor in (1.0, 1e8):
        session = session_of("llava")
        trace = session.read(ranking_depth=1, attention=True)
        rows = trace.unembedding_rows * factor
        trace = type(trace)(**{**vars(trace), "unembedding_rows": rows})
        evidence = Evidence.from_session(session, trace=trace)
        shares = shares_of(evidence, "this test", hops=2, focus=8.0)
        found.append(shares.places / factor)
    torch.testing.assert_close(found[0], found[1], rtol=1e-3, atol=1e-6)


# --- what is in the maps and the context -------------------------------------------------------


def test_second_hop_moves_amounts_from_text_to_places(evidence):
    """What places gain by the second hop, the text before loses; nothing is made or lost."""
    one, two = (shares_of(evidence, "this test", hops=hops, focus=2.0) for hops in (1, 2))
    assert bool((two.places >= one.places - 1e-6).all())
    assert float((two.places - one.places).max()) > 0
    gained = (two.places - one.places).sum(1)
    lost = (one.context - two.context).sum(1)
    # Text that is no word of the conversation (the template) passes on too.
    assert bool((gained >= lost - 1e-5).all())
    assert bool((two.visual_share >= one.visual_share - 1e-6).all())


def test_context_is_of_earlier_words_alone(evidence):
    found = create("logit-shares").attribute(evidence)
    tokens = found.context.shape[0]
    later = torch.ones(tokens, tokens).triu().bool()
    assert not found.context[later].any()
    assert bool((found.context[1:].sum(1) > 0).all())


def test_visual_share_is_the_places_part_of_all_that_was_taken(evidence):
    found = create("logit-shares").attribute(evidence)
    shares = shares_of(evidence, "this test", hops=2, focus=2.0)
    picture, text = shares.places.sum(1), shares.context.sum(1)
    assert found.visual_share is not None
    torch.testing.assert_close(found.visual_share, picture / (picture + text))
    assert 0 < float(found.visual_share.min()) < float(found.visual_share.max()) <= 1
    # The strongest word is displayed as the text's part, on the scale of the maps.
    torch.testing.assert_close(
        found.context[1:].amax(1) / found.high[1:], 1 - found.visual_share[1:], rtol=1e-4, atol=1e-5
    )


def test_shares_of_tokens_do_not_depend_on_the_size_of_blocks(evidence, monkeypatch):
    whole = shares_of(evidence, "this test", hops=2, focus=2.0)
    monkeypatch.setattr("seewhy.methods._shares.BUDGET", 1000)
    parts = shares_of(evidence, "this test", hops=2, focus=2.0)
    torch.testing.assert_close(parts.places, whole.places)
    torch.testing.assert_close(parts.context, whole.context)


def test_logit_shares_needs_a_session():
    with pytest.raises(ParameterError, match=r"got only traces: logit-shares .*from_session"):
        create("logit-shares").attribute(Evidence.from_traces({1.0: random_trace()}))


# --- amounts as maps ---------------------------------------------------------------------------


def view(*grids: TokenGrid) -> View:
    return View(Geometry((80, 60), grids), (80, 60))


def test_densities_of_one_grid_are_the_amounts():
    amounts = torch.rand(3, 12, generator=torch.Generator().manual_seed(0))
    (maps,) = densities([view(TokenGrid.over((0, 0, 80, 60), 3, 4))], amounts)
    torch.testing.assert_close(maps, amounts.view(3, 3, 4))


def test_densities_of_views_are_split_in_order():
    amounts = torch.rand(2, 12 + 6, generator=torch.Generator().manual_seed(0))
    views = [
        view(TokenGrid.over((0, 0, 80, 60), 3, 4)),
        view(TokenGrid.over((0, 0, 80, 60), 2, 3)),
    ]
    first, second = densities(views, amounts)
    torch.testing.assert_close(first, amounts[:, :12].view(2, 3, 4))
    torch.testing.assert_close(second, amounts[:, 12:].view(2, 2, 3))


def test_densities_of_two_grids_over_the_same_pixels_are_added():
    """A thumbnail's token covers four tiles' tokens: each of these gets a quarter of its amount."""
    tiles = TokenGrid.over((0, 0, 80, 60), 4, 4)
    thumbnail = TokenGrid.over((0, 0, 80, 60), 2, 2, first=16, name="thumbnail")
    amounts = torch.zeros(1, 20)
    amounts[0, :16] = 1.0
    amounts[0, 16:] = 4.0
    (maps,) = densities([view(tiles, thumbnail)], amounts)
    torch.testing.assert_close(maps, torch.full((1, 4, 4), 2.0))
    assert float(maps.sum()) == pytest.approx(float(amounts.sum()))


def test_answer_range_ends_at_sixty_percent_of_strong_words_and_keeps_weak_ones_dark():
    maps = torch.zeros(3, 200)
    maps[0] = torch.linspace(0, 10, 200)
    maps[1] = torch.linspace(0, 1, 200)
    low, high = answer_range(maps, maps)
    least = float(maps.flatten().sort().values[593])  # the 99th percentile of 600 values
    assert low.tolist() == [0, 0, 0]
    assert high.tolist() == pytest.approx([max(6.0, least), least, least])


def test_answer_range_of_prompt_words_is_that_of_the_answer():
    maps = torch.rand(4, 50, generator=torch.Generator().manual_seed(0))
    maps[:2] /= 100
    _, high = answer_range(maps, maps[-2:])
    assert torch.equal(high[2:], answer_range(maps[2:], maps[2:])[1])
    assert bool((high[:2] >= high[2:].min()).all())


# --- contrasts ---------------------------------------------------------------------------------


def test_contrast_takes_the_difference_of_shares_before_the_cut():
    """Signed shares of a word against another are the difference of both words' signed shares."""
    session = session_of("llava")
    trace = session.read(ranking_depth=1, attention=True)
    foil = 50
    against = contrasted(session.loaded, trace, Word("x", 0, 1, (0,)), 0, foil)
    other = session.with_ids((foil, *ANSWER[1:])).read(ranking_depth=1, attention=True)

    def signed(evidence: Evidence) -> list[torch.Tensor]:
        reader = share_reader(evidence, "this test")
        return [layer.shares(slice(0, 1)) for layer in reader.layers]

    sessions = (session, session, session.with_ids((foil, *ANSWER[1:])))
    difference, own, others = (
        signed(Evidence.from_session(one, trace=given))
        for one, given in zip(sessions, (against, trace, other), strict=True)
    )
    for a, b, c in zip(difference, own, others, strict=True):
        reach = min(b.shape[-1], c.shape[-1])
        torch.testing.assert_close(a, b[..., :reach] - c[..., :reach], rtol=1e-4, atol=1e-5)
    cut = shares_of(Evidence.from_session(session, trace=against), "this test", hops=1, focus=2.0)
    visual = trace.inputs.visual_positions
    expected = sum(a.relu().sum((0, 1))[visual] for a in difference)
    torch.testing.assert_close(cut.places[0], expected, rtol=1e-4, atol=1e-5)


def test_explainer_contrasts_a_word_alone():
    explainer = Explainer(shared("llava"))
    plain = explainer.explain(PICTURE, PROMPT, answer="A red star is above")
    contrasts: Any = {"star": "house"}
    found = explainer.explain(PICTURE, PROMPT, answer="A red star is above", contrast=contrasts)
    changed = {token for word in found.record.words if word.text == "star" for token in word.tokens}
    assert found.method == DEFAULT
    own, other = found.record.attribution.maps[0], plain.record.attribution.maps[0]
    for token in range(len(own)):
        assert torch.equal(own[token], other[token]) == (token not in changed)


def test_explainer_explains_a_batch_without_its_prompts():
    explainer = Explainer(shared("qwen2-vl"))
    pictures, prompts = [PICTURE, noise(40, 60, 1)], [PROMPT, "What?"]
    options: dict[str, Any] = {"max_new_tokens": 3}
    whole = explainer.explain_batch(pictures, prompts, **options)
    found = explainer.explain_batch(pictures, prompts, explain_prompt=False, **options)
    for one, other in zip(found, whole, strict=True):
        assert one.record.prompt_attribution is None
        assert other.record.prompt_attribution is not None
        for name in ("context", "high", "visual_share"):
            torch.testing.assert_close(
                getattr(one.record.attribution, name), getattr(other.record.attribution, name)
            )
        torch.testing.assert_close(one.record.attribution.maps, other.record.attribution.maps)


# --- models that cannot be read ----------------------------------------------------------------


def test_default_explains_a_model_that_cannot_be_read_by_the_fallback(hybrid):
    found = Explainer(hybrid).explain(PICTURE, PROMPT, max_new_tokens=3)
    assert found.method == "intra-modal(window=None)"
    assert found.record.provenance.parameters["window"] is None
    (note,) = [n for n in found.record.provenance.notes if n.startswith("Explained by")]
    assert note.startswith(f"Explained by {FALLBACK}, not by {DEFAULT}. Expected one attention")
    assert "layer 0 (Qwen3_5DecoderLayer)" in note
    wanted = Explainer(hybrid).explain(PICTURE, PROMPT, max_new_tokens=3, method=FALLBACK)
    assert found.answer == wanted.answer
    torch.testing.assert_close(found.record.attribution.maps, wanted.record.attribution.maps)


def test_default_explains_a_batch_of_such_a_model_by_the_fallback(hybrid):
    found = Explainer(hybrid).explain_batch([PICTURE, PICTURE], PROMPT, max_new_tokens=2)
    assert [one.method for one in found] == ["intra-modal(window=None)"] * 2
    assert all(
        any("not by logit-shares" in n for n in one.record.provenance.notes) for one in found
    )


def test_default_contrasts_words_of_such_a_model_by_the_fallback(hybrid):
    contrasts: Any = {"star": "house"}
    found = Explainer(hybrid).explain(PICTURE, PROMPT, answer="A red star", contrast=contrasts)
    assert found.method == "intra-modal(window=None)"
    assert found.record.contrasts


@pytest.mark.parametrize("method", ["logit-shares(hops=1)", create("logit-shares")])
def test_logit_shares_that_are_asked_for_refuse_a_model_that_cannot_be_read(hybrid, method):
    with pytest.raises(UnsupportedModelError, match=r"layer 0 \(Qwen3_5DecoderLayer\).*got none"):
        Explainer(hybrid).explain(PICTURE, PROMPT, max_new_tokens=2, method=method)


def test_reading_keeps_attention_only_where_it_is_used(hybrid):
    readable = shared("llava")
    default, other = ExplainOptions(), ExplainOptions.of(method="tam")
    assert reading_options(readable, default)["attention"]
    assert not reading_options(readable, other)["attention"]
    assert not reading_options(hybrid, default)["attention"]


def test_logit_shares_explain_a_model_without_a_family():
    model, processor = unadapted.aya_vision()
    composed = parts_of(processor)
    loaded = Loaded("unadapted", model, composed, Probed(model, composed))
    found = Explainer(loaded).explain(noise(60, 60), PROMPT, max_new_tokens=3)
    ids = [token.id for token in found.record.tokens]
    again = Explainer(loaded).explain(noise(60, 60), PROMPT, answer=ids)
    assert (found.method, again.method) == (DEFAULT, DEFAULT)
    for a, b in zip(found.record.attribution.maps, again.record.attribution.maps, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * float(b.max()))
        assert float(a.max()) > 0


# --- output projections that are not plain -----------------------------------------------------


class LowRank(torch.nn.Module):
    """A projection with a low-rank addition, as adapters are."""

    def __init__(self, base: Any) -> None:
        super().__init__()
        self.base = base
        draw = torch.Generator().manual_seed(0)
        self.down = torch.nn.Linear(base.in_features, 2, bias=False)
        self.up = torch.nn.Linear(2, base.out_features, bias=False)
        for part in (self.down, self.up):
            part.weight.data = 0.3 * torch.randn(part.weight.shape, generator=draw)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.base(states) + self.up(self.down(states))


def test_logit_shares_with_an_adapter_are_those_of_merged_weights():
    found = []
    for merged in (False, True):
        loaded = build("llava")
        for layer in decoder_of(loaded.model).layers:
            plain: Any = layer.self_attn.o_proj
            adapted = LowRank(plain)
            if merged:
                plain.weight.data += (adapted.up.weight @ adapted.down.weight).data
            else:
                layer.self_attn.o_proj = adapted
        session = Session.from_image(loaded, PICTURE, PROMPT, ANSWER)
        found.append(create("logit-shares").attribute(Evidence.from_session(session)))
    torch.testing.assert_close(found[0].maps, found[1].maps, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found[0].context, found[1].context, rtol=1e-4, atol=1e-6)


def test_logit_shares_of_an_adapted_model_differ_from_those_of_its_base():
    """The projection is looked at anew in every call: an adapter may be added in between."""
    loaded = build("llava")
    session = Session.from_image(loaded, PICTURE, PROMPT, ANSWER)
    base = create("logit-shares").attribute(Evidence.from_session(session))
    for layer in decoder_of(loaded.model).layers:
        layer.self_attn.o_proj = LowRank(layer.self_attn.o_proj)
    again = Session.from_image(loaded, PICTURE, PROMPT, ANSWER)
    adapted = create("logit-shares").attribute(Evidence.from_session(again))
    assert float((adapted.maps[0] - base.maps[0]).norm() / base.maps[0].norm()) > 0.05

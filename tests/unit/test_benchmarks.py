"""The benchmark compares like with like, and its measuring functions measure."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import tiny_models
from seewhy import models
from seewhy.bench.gallery import read_cases
from seewhy.bench.store import Store

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def bench() -> Iterator[SimpleNamespace]:
    """The benchmark's modules; they stand beside the script, outside of any package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        names = ("explain", "measuring", "memory", "pages", "published_tam", "real_shapes")
        names += ("shares", "subjects")
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})


@pytest.fixture(scope="module")
def subject(bench):
    """A tiny model in the place of the real ones."""
    loaded = models.load(tiny_models.build())
    picture = bench.subjects._picture().resize((64, 48))
    return bench.subjects.Subject("tiny", loaded, picture, tokens=3, forced=True)


@pytest.fixture(scope="module")
def measured(bench, subject):
    """What two rounds on the tiny model give."""
    return bench.explain.measure_model(subject, rounds=2)


@pytest.mark.parametrize("seed", range(4))
def test_replica_of_tam_equals_the_method(bench, seed: int) -> None:
    reading = bench.subjects.Reading(bench.subjects.TINY, seed)
    ours = bench.explain.ours(reading)
    replica, _ = bench.explain.replica(reading, cap=60)
    assert ours.shape == (20, 6, 8)
    assert float(ours.std()) > 0.05
    torch.testing.assert_close(ours, replica, rtol=0, atol=1e-5)


def test_replica_of_tam_stops_at_its_cap(bench) -> None:
    reading = bench.subjects.Reading(bench.subjects.TINY)
    maps, stages = bench.explain.replica(reading, cap=0)
    assert len(maps) == 1
    assert set(stages) == {"unembed", "maps"}


def test_replica_keeps_the_logits_of_every_step(bench) -> None:
    reading = bench.subjects.Reading(bench.subjects.TINY)
    logits = bench.published_tam.logits_of_every_step(reading.states, reading.head, reading.prefill)
    assert logits[0].shape == (reading.prefill, 500)
    assert [step.shape for step in logits[1:]] == [(1, 500)] * 19


def test_tam_is_measured_with_its_largest_tensor(bench) -> None:
    # So many ids that visual tokens x vocabulary would be by far the largest.
    size = bench.subjects.Size(rows=4, columns=5, prompt=3, answer=6, vocab=3000, hidden=16)
    figures = bench.explain.measure_tam(bench.subjects.Reading(size), rounds=2, cap=60)
    assert figures["largest_difference"] < 1e-5
    assert not figures["extrapolated"]
    assert figures["no_visual_by_vocab"]
    assert np.prod(figures["largest_tensor"]) < 20 * 3000 / 20
    assert figures["ratios"]["tam"]["cpu"]["value"] > 0


def test_tam_that_is_cut_off_is_extrapolated(bench) -> None:
    reading = bench.subjects.Reading(bench.subjects.TINY)
    figures = bench.explain.measure_tam(reading, rounds=3, cap=0)
    assert figures["rounds"] == 1
    assert (figures["replica_tokens"], figures["extrapolated"]) == (1, True)
    assert figures["ratios"]["tam"]["cpu"]["low"] is None


def test_largest_tensor_sees_what_is_made_on_the_way(bench) -> None:
    with bench.measuring.LargestTensor() as largest:
        (torch.ones(30, 2) @ torch.ones(2, 40)).sum()
    assert largest.shape == (30, 40)


def test_model_is_measured_case_by_case(measured) -> None:
    seconds = measured["seconds"]
    assert set(seconds) == {"generation", "prefills", "logit-lens", "tam", "arc", "intra-modal"}
    assert set(seconds["arc"]) == {"generate", "attribute", "total"}
    assert set(seconds["prefills"]) == {"base", "further", "total"}
    assert measured["answer_tokens"] == 3
    assert len(set(measured["visual_tokens"].values())) == 5
    for stages in seconds.values():
        assert all(len(both["wall"]["rounds"]) == 2 for both in stages.values())
        assert all(both["wall"]["value"] > 0 for both in stages.values())


def test_prefills_run_over_what_the_method_reads(bench, subject, monkeypatch) -> None:
    lengths: list[int] = []
    hook = subject.loaded.model.register_forward_pre_hook(
        lambda module, arguments, words: lengths.append(words["input_ids"].shape[1]),
        with_kwargs=True,
    )
    try:
        _ = subject.whole_inputs
        lengths.clear()
        bench.explain.prefills(subject)
        alone = lengths[1:]
        lengths.clear()
        bench.explain.cases(subject)["intra-modal"]()
    finally:
        hook.remove()
    assert lengths[-4:] == alone


def test_expect_same_answer_tells_different_ones(bench, subject, monkeypatch) -> None:
    bench.explain.expect_same_answer(subject)
    monkeypatch.setattr(bench.subjects.Subject, "answer", lambda self: [1, 2, 3])
    with pytest.raises(RuntimeError, match=r"plain answer \[1, 2, 3\] from the hooked model, got"):
        bench.explain.expect_same_answer(subject)


def test_in_turns_measures_each_case_in_each_round(bench) -> None:
    done: list[str] = []
    spent = bench.measuring.Spent(2.0, 1.0)

    def case(name: str):
        return lambda: done.append(name) or {"a": spent, "b": spent}

    found = bench.measuring.in_turns({n: case(n) for n in "xyz"}, 2, say=lambda text: None)
    assert len(done) == 3 + 6  # a round before, unmeasured
    for start in range(0, 9, 3):
        assert sorted(done[start : start + 3]) == ["x", "y", "z"]
    assert found["y"]["total"] == [bench.measuring.Spent(4.0, 2.0)] * 2


def test_estimate_is_a_figure_of_medians_within_its_interval(bench) -> None:
    rng = np.random.default_rng(1)
    fast = [bench.measuring.Spent(0.0, 1 + 0.1 * x) for x in rng.random(40)]
    slow = [bench.measuring.Spent(0.0, 3 + 0.1 * x) for x in rng.random(40)]
    ratio = bench.measuring.Estimate.of(lambda a, b: a / b, slow, fast, clock="cpu")
    assert ratio.low < ratio.value < ratio.high
    assert ratio.value == pytest.approx(3.05 / 1.05, rel=0.03)
    assert ratio.high - ratio.low < 0.2


def test_peak_memory_counts_what_torch_allocates(bench) -> None:
    figures = bench.measuring.peak_memory(lambda: torch.ones(64 * 2**20 // 4).sum())
    assert 40 * 2**20 < figures["peak"] - figures["before"] < 200 * 2**20


def test_markdown_tells_aims_that_are_missed(bench, measured) -> None:
    explain = bench.explain
    reading = bench.subjects.Reading(bench.subjects.TINY)
    results = {
        "created": "2026-01-01",
        "command": "python benchmarks/explain.py",
        "quick": False,
        "environment": bench.measuring.environment(),
        "load_average_after": 0.0,
        "models": [measured],
        "memory": {"tam": {"ours": {"before": 2**20, "peak": 3 * 2**20}}},
        "tam": explain.measure_tam(reading, rounds=2, cap=60),
    }
    page = explain.markdown(json.loads(json.dumps(results)))
    assert "| ours |" in page
    assert "| 3 | 2 |" in page
    row = next(line for line in page.splitlines() if line.startswith("| TAM: replica / ours"))
    assert row.endswith("| >= 200 | **no** |")
    quick = explain.verdicts({**results, "quick": True})
    assert all(row.met is None for row in quick)


def test_shares_are_measured_beside_plain_generation(bench, subject) -> None:
    shares = bench.shares
    measured = shares.measure(subject, shares.Plan(2, ("hooks", "msea")))
    assert set(measured["ratios"]) == {"hooks", "capture", "logit-shares", "msea"}
    assert set(measured["seconds"]["logit-shares"]) == {"generate", "attribute", "total"}
    assert measured["answer_tokens"] == 3
    kept = shares.kept(subject)
    assert kept["masks_shared"]
    assert kept["bytes"]["queries"] == kept["bytes"]["outputs"] == kept["rows"] * 48 * 4
    ratio = {"value": 1.2, "low": 1.15, "high": 1.25}
    measured["ratios"]["logit-shares"] = {"cpu": ratio, "wall": ratio}
    results = {
        "created": "2026-01-01",
        "command": "python benchmarks/shares.py",
        "environment": bench.measuring.environment(),
        "load_average_after": 0.0,
        "models": [measured],
        "growth": {"tiny": [kept]},
    }
    page = shares.markdown(json.loads(json.dumps(results)))
    row = next(line for line in page.splitlines() if "generation with `logit-shares`" in line)
    assert row.endswith("| <= 1.10 | **no** |")
    assert f"| tiny | {kept['visual_tokens']} | {kept['positions']} |" in page


PAPER = BENCHMARKS / "results" / "paper"


def test_page_of_the_committed_tables_holds_their_figures(bench, tmp_path) -> None:
    page = bench.pages.build(PAPER, tmp_path, gallery="no")
    for name in ("table.md", "table.csv", "reasons.csv", "cases.json"):
        assert (tmp_path / name).read_text() == (PAPER / name).read_text(), name
    text = page.read_text()
    assert text.startswith("<!doctype html>")
    assert '"region-search"' in text


def test_committed_runs_can_be_planned_again(bench) -> None:
    runs = Store(PAPER).read_runs()
    assert {run["suite"] for run in runs} == {"paper", "cost"}
    asked = bench.pages.plan_again(runs, without=bench.pages.SLOW)
    measured = {one["label"]: one["fingerprint"] for one in runs[0]["models"]}
    assert {s.label: s.fingerprint for s in asked.models} == measured
    assert not set(bench.pages.SLOW) & {c.label for c in asked.methods}
    assert {case.leader for case in read_cases(PAPER)} <= {c.label for c in asked.methods}


def test_committed_runs_name_no_folder_of_a_machine() -> None:
    assert {m["place"] for run in Store(PAPER).read_runs() for m in run["models"]} == {""}


def test_built_pages_are_not_kept_in_git() -> None:
    assert not list((BENCHMARKS / "results").rglob("*.html"))


def test_gradients_through_many_layers_of_random_weights_are_finite(bench) -> None:
    """Of a first token, which is a special one, whose embedding is small but not 0."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokens = tiny_models.tokenizer()
    config = Qwen2Config(
        vocab_size=len(tokens),
        hidden_size=256,
        intermediate_size=64,
        num_hidden_layers=30,
        num_attention_heads=2,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=0,
        pad_token_id=1,
    )
    with torch.random.fork_rng():
        model = bench.real_shapes._random(Qwen2ForCausalLM, config, tokens, "cpu")
    ids = torch.tensor([[tokens.convert_tokens_to_ids("<|im_start|>"), 40, 41, 42]])
    embeddings = model.get_input_embeddings()(ids).detach().requires_grad_()
    logits = model(inputs_embeds=embeddings).logits[0, -1]
    (gradient,) = torch.autograd.grad(logits.max(), embeddings)
    assert gradient.isfinite().all()
    assert logits.argmax() not in tokens.all_special_ids


def test_memory_of_a_method_is_measured_beside_its_estimate(bench, subject) -> None:
    found = bench.memory.measured(subject, "gradient-attention", "cpu", generating=0.5)
    assert found["seconds"] > 0
    assert found["ratio"] == found["seconds"] / 0.5
    assert found["estimate"] > 0
    assert found["peak"] >= 0


def test_memory_stays_within_its_budget(bench, monkeypatch) -> None:
    """A worker that hangs is ended, and what was not reached is said."""

    class Hangs:
        def __init__(self, *given) -> None:
            self.ended = False

        def next(self, seconds: float) -> None:
            raise bench.memory.queue.Empty

        def end(self) -> None:
            self.ended = True

    monkeypatch.setattr(bench.memory, "Worker", Hangs)
    arguments = SimpleNamespace(method=["tam", "arc"], device="cuda", case_seconds=5.0)
    kept: list[dict] = []
    now = bench.memory.time.monotonic()
    bench.memory.measure_model(arguments, "M", now - 1, kept.append)
    assert [case["error"] for case in kept] == ["not measured: no time left"] * 2
    kept.clear()
    bench.memory.measure_model(arguments, "M", now + 100, kept.append)
    assert [case["error"] for case in kept] == ["stopped: it took too long"] * 2


def test_memory_goes_on_with_the_others_when_a_worker_dies(bench, monkeypatch) -> None:
    class Dies:
        def __init__(self, arguments, model, methods) -> None:
            self.lines = iter(
                [{"begin": methods[0]}, None]
                if methods[0] == "tam"
                else [{"begin": "arc"}, {"model": "M", "method": "arc", "peak": 5}]
            )

        def next(self, seconds: float) -> dict | None:
            return next(self.lines)

        def end(self) -> None:
            pass

    monkeypatch.setattr(bench.memory, "Worker", Dies)
    for device in ("cuda", "cpu"):
        kept: list[dict] = []
        arguments = SimpleNamespace(method=["tam", "arc"], device=device, case_seconds=5.0)
        bench.memory.measure_model(arguments, "M", bench.memory.time.monotonic() + 9, kept.append)
        assert [case.get("error") for case in kept] == ["the process ended", None]


def test_memory_fills_the_tables(bench, tmp_path) -> None:
    case = {"model": "M", "method": "tam", "positions": 9, "visual_tokens": 4, "answer_tokens": 2}
    case |= {"model_bytes": 10**6, "generate_seconds": 1.0, "seconds": 2.0, "ratio": 2.0}
    results = {
        "created": "2026-11-26T00:00:00",
        "command": "c",
        "device_name": "CPU",
        "environment": bench.measuring.environment(),
        "cases": [
            case | {"peak": 10**9, "estimate": 15 * 10**8},
            {"model": "M", "method": "arc", "error": "out of memory: x"},
        ],
        "notes": ["Measured beside a bench."],
    }
    page = bench.memory.markdown(results)
    assert "| `tam` | 1.0 GB | 1.5 GB | 1.50 | 2.00 |" in page
    assert "| `arc` | out of memory: x | | | |" in page
    assert "\n\nMeasured beside a bench.\n\n## M" in page
    readme = tmp_path / "README.md"
    readme.write_text("a\n" + "\nold\n".join(bench.memory.README_MARKS) + "\nb\n")
    bench.memory.fill_readme(results, readme)
    assert "| `tam` | 1.0 GB | 2.00 |" in readme.read_text()
    assert "| `arc` | failed |  |" in readme.read_text()
    assert "old" not in readme.read_text()
    assert all(mark in bench.memory.README.read_text() for mark in bench.memory.README_MARKS)

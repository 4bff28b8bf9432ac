"""Tracing: what was said and how sure the model was of it, with nothing large kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from transformers import GenerationConfig

import tiny_models
from families import BUILDERS, shared
from painting import noise
from seewhy.core.errors import AnswerError, ModelError, ParameterError
from seewhy.models import generate, load, prepare, read
from seewhy.models.answer_ids import tokenize_answer
from seewhy.models.batching import batch
from seewhy.models.generation import NO_PENALTIES
from seewhy.models.predictions import CHUNK
from seewhy.models.unembedding import Unembedding

PROMPT = "What is to the left of the red star?"


def ask(loaded, **settings):
    return prepare(loaded.family, noise(60, 40), PROMPT, **settings)


@pytest.fixture(scope="module")
def loaded():
    return load(tiny_models.build())


def ids_of(trace):
    return [token.id for token in trace.tokens]


def test_generate_is_greedy_and_keeps_the_ids(loaded):
    inputs = ask(loaded)
    trace = generate(loaded, inputs, max_new_tokens=9)
    real = loaded.model.generate(**inputs.tensors, max_new_tokens=9, do_sample=False)
    assert ids_of(trace) == real[0, inputs.tensors["input_ids"].shape[1] :].tolist()
    assert trace.answer == loaded.processor.tokenizer.decode(ids_of(trace))
    assert [token.id for token in trace.tokens] == trace.rankings[-9:, 0].tolist()
    assert all(0 < token.probability <= 1 for token in trace.text_tokens)
    assert set(trace.seconds) == {"generate"}


def test_generate_calls_the_watch_after_each_token(loaded):
    counts = []
    generate(loaded, ask(loaded), max_new_tokens=4, watch=counts.append)
    assert counts == [1, 2, 3, 4]


def test_generate_reports_the_models_own_probabilities(loaded):
    inputs = ask(loaded)
    settings = {"do_sample": True, "temperature": 3.0, "repetition_penalty": 1.5, "top_k": 40}
    trace = generate(loaded, inputs, max_new_tokens=9, seed=3, **settings)
    assert ids_of(trace) != ids_of(generate(loaded, inputs, max_new_tokens=9))
    heard = read(loaded, inputs, ids_of(trace))
    for one, other in zip(trace.tokens, heard.tokens, strict=True):
        assert one.probability == pytest.approx(other.probability, abs=1e-5)
        assert one.candidates == tuple(
            (text, pytest.approx(p, abs=1e-5)) for text, p in other.candidates
        )


def test_generate_samples_the_same_for_the_same_seed(loaded):
    inputs = ask(loaded)
    settings = {"do_sample": True, "temperature": 5.0, "max_new_tokens": 12}
    one, same, other = (generate(loaded, inputs, seed=seed, **settings) for seed in (1, 1, 2))
    assert ids_of(one) == ids_of(same) != ids_of(other)


def test_generate_leaves_the_end_of_turn_out(loaded):
    inputs = ask(loaded)
    end = loaded.processor.tokenizer.eos_token_id
    whole = generate(loaded, inputs, max_new_tokens=4)
    ended = generate(loaded, inputs, max_new_tokens=5, forced_eos_token_id=end)
    assert ids_of(ended) == ids_of(whole)
    assert torch.equal(ended.text_states, whole.text_states)
    assert ended.unembedding_rows.shape[0] == ended.rankings.shape[0] == len(ended.text_tokens)


def test_generate_refuses_an_empty_answer(loaded):
    end = loaded.processor.tokenizer.eos_token_id
    with pytest.raises(AnswerError, match="it ended its turn at once"):
        generate(loaded, ask(loaded), max_new_tokens=1, forced_eos_token_id=end)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_new_tokens": 0}, "Expected max_new_tokens of at least 1, got 0"),
        ({"ranking_depth": 0}, "Expected ranking_depth of at least 1, got 0"),
        ({"candidates": -1}, "Expected candidates of at least 0, got -1"),
        ({"num_beams": 4}, "Expected num_beams = 1, got 4"),
        ({"num_return_sequences": 2}, "Expected num_return_sequences = 1, got 2"),
        ({"use_cache": False}, "Expected use_cache = True, got False"),
        ({"temprature": 1}, "got 'temprature': did you mean 'temperature'"),
    ],
)
def test_generate_refuses_what_it_cannot_follow(loaded, settings, message):
    with pytest.raises(ParameterError, match=message):
        generate(loaded, ask(loaded), **settings)


def test_generate_greedily_says_nothing_of_recommended_sampling(capfd):
    model, processor = tiny_models.build()
    settings = {"do_sample": True, "temperature": 0.01, "top_p": 0.001, "top_k": 1}
    model.generation_config.update(**settings)
    model.generation_config.pad_token_id = None
    loaded = load((model, processor))
    generate(loaded, ask(loaded), max_new_tokens=3)
    assert capfd.readouterr().err == ""
    kept = model.generation_config
    assert (kept.do_sample, kept.temperature, kept.top_k) == (True, 0.01, 1)


def test_generate_clips_the_ranking_to_the_vocabulary(loaded):
    size = loaded.model.lm_head.weight.shape[0]
    trace = generate(loaded, ask(loaded), max_new_tokens=2, ranking_depth=10_000, candidates=3)
    assert trace.rankings.shape[1] == size
    assert all(len(token.candidates) == 3 for token in trace.text_tokens)
    assert all(len(row.unique()) == size for row in trace.rankings)


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_tracing_never_puts_the_head_on_visual_states(name):
    loaded = shared(name)
    inputs, rows = ask(loaded), []
    hook = loaded.model.lm_head.register_forward_hook(
        lambda module, given, out: rows.append(given[0].reshape(-1, given[0].shape[-1]).shape[0])
    )
    try:
        trace = generate(loaded, inputs, max_new_tokens=40)
        read(loaded, inputs, ids_of(trace))
    finally:
        hook.remove()
    assert max(rows) <= CHUNK


def test_tracing_keeps_no_hidden_stacks_or_attentions(loaded):
    inputs, seen = ask(loaded), []
    hook = loaded.model.register_forward_hook(
        lambda module, given, out: seen.append((out.hidden_states, out.attentions))
    )
    try:
        generate(loaded, inputs, max_new_tokens=2)
        read(loaded, inputs, "A star")
    finally:
        hook.remove()
    assert seen == [(None, None)] * 3


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_trace_predicts_each_token_from_the_position_before_it(name):
    """The prompt's tokens as well as the answer's, for `read` and for `generate`."""
    loaded = shared(name)
    inputs = ask(loaded)
    generated = generate(loaded, inputs, max_new_tokens=4, ranking_depth=3)
    ids = torch.tensor([token.id for token in generated.tokens])
    shown = batch(loaded.family, [inputs], [ids.tolist()]).tensors
    with torch.no_grad():
        logits = loaded.model(**shown).logits[0].float()
    places = torch.cat([inputs.prompt_positions, inputs.length + torch.arange(len(ids))])
    expected = logits.softmax(-1)[places - 1, shown["input_ids"][0, places]].tolist()
    for trace in (generated, read(loaded, inputs, ids, ranking_depth=3)):
        found = [token.probability for token in trace.text_tokens]
        assert found == pytest.approx(expected, rel=1e-3, abs=1e-6)
        assert torch.equal(trace.rankings[:, 0], logits[places - 1].argmax(-1))
        likeliest = [token.candidates[0][1] for token in trace.text_tokens]
        highest = logits.softmax(-1)[places - 1].amax(-1).tolist()
        assert likeliest == pytest.approx(highest, rel=1e-3)


@pytest.mark.parametrize("name", sorted(BUILDERS))
@pytest.mark.parametrize("answer", ["A red star.", "Ein Stern – größer 🙂", "the"])
def test_read_takes_an_answer_as_text(name, answer):
    loaded = shared(name)
    trace = read(loaded, ask(loaded), answer)
    assert trace.answer.strip() == answer
    assert trace.tokens[-1].end == len(trace.answer)
    assert set(trace.seconds) == {"read"}


def test_read_goes_on_where_the_prompt_ends():
    qwen, llava = shared("qwen2-vl"), shared("llava")
    first = {
        one.family.name: one.processor.tokenizer.convert_ids_to_tokens(
            tokenize_answer(one, ask(one), "A red star.")
        )[0]
        for one in (qwen, llava)
    }
    # Qwen's prompt ends in a line break, LLaVA's in `ASSISTANT:`, after which a space comes.
    assert first == {"qwen2-vl": "A", "llava": "▁A"}


def test_read_tokenises_alone_what_would_change_the_prompt(loaded):
    tokenizer = loaded.processor.tokenizer
    known, joined = (
        tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("is ", "is star")
    )
    assert joined[: len(known)] != known  # the prompt's last space would go into " star"
    ids = tokenize_answer(loaded, replace(ask(loaded), rendered="is "), "star")
    assert ids == tokenizer("star", add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize("answer", ["", "  ", "\n"])
def test_read_refuses_a_blank_answer(loaded, answer):
    with pytest.raises(AnswerError, match="Expected an answer with words in it"):
        read(loaded, ask(loaded), answer)


def test_read_refuses_special_tokens_in_the_answer(loaded):
    with pytest.raises(AnswerError, match="special token '<|image_pad|>'".replace("|", r"\|")):
        read(loaded, ask(loaded), "A <|image_pad|> star")


def test_read_refuses_half_of_a_character_in_the_answer(loaded):
    with pytest.raises(AnswerError, match="Expected an answer of whole characters"):
        read(loaded, ask(loaded), "A \ud83d star")


def test_read_refuses_ids_that_say_nothing(loaded):
    end = loaded.processor.tokenizer.eos_token_id
    for ids in ([], [end], torch.tensor([[end, end]])):
        with pytest.raises(AnswerError, match="Expected an answer with at least one token"):
            read(loaded, ask(loaded), ids)


def test_read_refuses_ids_outside_the_vocabulary(loaded):
    for wrong in (-1, 10**6, loaded.family.image_token_id):
        with pytest.raises(AnswerError, match=f"got \\[{wrong}\\]"):
            read(loaded, ask(loaded), [5, wrong, 6])


def test_read_leaves_the_end_of_turn_out(loaded):
    inputs, end = ask(loaded), loaded.processor.tokenizer.eos_token_id
    ids = tokenize_answer(loaded, inputs, "A red star.")
    assert ids_of(read(loaded, inputs, [*ids, end])) == ids


def test_read_takes_biases_from_the_head():
    model, processor = tiny_models.build()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # any head would do that does not say the image token
        head = torch.nn.Linear(48, model.lm_head.weight.shape[0])
    model.set_output_embeddings(head)
    loaded = load((model, processor))
    inputs = ask(loaded)
    trace = generate(loaded, inputs, max_new_tokens=4)
    ids = torch.tensor([token.id for token in trace.text_tokens])
    assert trace.biases is not None
    assert torch.equal(trace.biases, head.bias[ids])
    heard = read(loaded, inputs, ids_of(trace))
    for one, other in zip(trace.tokens, heard.tokens, strict=True):
        assert one.probability == pytest.approx(other.probability, abs=1e-5)


def test_read_takes_rows_from_a_tied_head():
    model, processor = tiny_models.build()
    model.lm_head.weight = model.get_input_embeddings().weight
    loaded = load((model, processor))
    trace = read(loaded, ask(loaded), "A red star.")
    ids = torch.tensor([token.id for token in trace.text_tokens])
    assert torch.equal(trace.unembedding_rows, model.get_input_embeddings().weight[ids])
    assert not trace.unembedding_rows.requires_grad


def test_read_works_in_half_precision():
    loaded = load(tiny_models.build(dtype=torch.bfloat16))
    inputs = ask(loaded)
    said = generate(loaded, inputs, max_new_tokens=6)
    heard = read(loaded, inputs, ids_of(said))
    assert (
        said.visual_states.dtype
        == said.text_states.dtype
        == said.unembedding_rows.dtype
        == torch.bfloat16
    )
    torch.testing.assert_close(heard.text_states, said.text_states, atol=0.1, rtol=0.05)


def test_head_bends_logits_as_it_is_told(loaded):
    """That it is told rightly: see `test_head.py`."""
    states = torch.randn(3, 48)
    plain = Unembedding(loaded.model.lm_head)(states)
    bent = Unembedding(loaded.model.lm_head, scale=0.5, softcap=2.0)(states)
    torch.testing.assert_close(bent, 2 * torch.tanh(plain / 2 / 2))


def test_tracing_refuses_a_model_without_a_base(loaded, monkeypatch):
    monkeypatch.setattr(type(loaded.model), "base_model", property(lambda self: self))
    monkeypatch.setattr(type(loaded.model), "get_decoder", lambda self: self)
    with pytest.raises(ModelError, match="Expected a model with a base model and a head"):
        read(loaded, ask(loaded), "A star")


def test_trace_shows_more_candidates_than_it_ranks(loaded):
    inputs = ask(loaded)
    for trace in (
        generate(loaded, inputs, max_new_tokens=3, ranking_depth=2, candidates=7),
        read(loaded, inputs, "A red star.", ranking_depth=2, candidates=7),
    ):
        assert trace.rankings.shape[1] == 2
        assert all(len(token.candidates) == 7 for token in trace.text_tokens)
        shown = [[p for _, p in token.candidates] for token in trace.text_tokens]
        assert shown == [sorted(row, reverse=True) for row in shown]


# --- what a checkpoint recommends for its generation, and what the user asks for --------------


@pytest.fixture(scope="module")
def greedy(loaded):
    """What the model says by itself."""
    return ids_of(generate(loaded, ask(loaded), max_new_tokens=9))


def advised(**settings):
    """A model whose checkpoint recommends something for its generation."""
    model, processor = tiny_models.build()
    for name, value in settings.items():
        setattr(model.generation_config, name, value)
    return load((model, processor))


def recommendations(greedy):
    """Settings that change an answer, each named as in `NO_PENALTIES` where it is a penalty."""
    first, second = greedy[:2]
    return {
        "sampling": {"do_sample": True, "temperature": 9.0, "top_p": 0.9, "top_k": 300},
        "min_p": {"do_sample": True, "min_p": 0.0001, "typical_p": 0.9, "epsilon_cutoff": 1e-5},
        "repetition_penalty": {"repetition_penalty": 5.0},
        "encoder_repetition_penalty": {"encoder_repetition_penalty": 0.05},
        "no_repeat_ngram_size": {"no_repeat_ngram_size": 1},
        "encoder_no_repeat_ngram_size": {"encoder_no_repeat_ngram_size": 1},
        "sequence_bias": {"sequence_bias": [[[first], -1e4]]},
        "bad_words_ids": {"bad_words_ids": [[first], [second]]},
        "suppress_tokens": {"suppress_tokens": [second]},
        "begin_suppress_tokens": {"begin_suppress_tokens": [first]},
        "forced_eos_token_id": {"forced_eos_token_id": 7},
        "exponential_decay_length_penalty": {"exponential_decay_length_penalty": (2, 1e4)},
        "guidance_scale": {"guidance_scale": 3.0},
        "penalty_alpha": {"penalty_alpha": 0.6, "top_k": 4},
        "beams": {"num_beams": 3, "length_penalty": 2.0},
        "several": {"num_return_sequences": 2},
        "no cache": {"use_cache": False},
        "lengths": {"max_length": 3, "max_new_tokens": 1},
    }


@pytest.mark.parametrize("name", recommendations([0, 1]))
def test_generate_is_greedy_and_unpenalised_whatever_the_checkpoint_recommends(
    loaded, greedy, name, capfd
):
    settings = recommendations(greedy)[name]
    other = advised(**settings)
    assert ids_of(generate(other, ask(other), max_new_tokens=9)) == greedy
    assert capfd.readouterr().err == ""
    kept = vars(other.model.generation_config)  # it is put back, as it was
    assert {name: kept[name] for name in settings} == settings


def test_recommendations_cover_all_penalties():
    assert set(NO_PENALTIES) <= set(recommendations([0, 1]))


def test_generate_penalises_when_asked(loaded, greedy):
    inputs = ask(loaded)
    settings = {"repetition_penalty": 5.0, "max_new_tokens": 9}
    said = ids_of(generate(loaded, inputs, **settings))
    real = loaded.model.generate(**inputs.tensors, do_sample=False, **settings)
    assert said == real[0, inputs.length :].tolist() != greedy


def test_generate_takes_a_penalty_over_the_checkpoints(loaded):
    other = advised(repetition_penalty=9.0, no_repeat_ngram_size=1)
    settings = {"repetition_penalty": 1.2, "max_new_tokens": 9}
    wanted = ids_of(generate(loaded, ask(loaded), **settings))
    assert ids_of(generate(other, ask(other), **settings)) == wanted


def test_generate_keeps_the_users_own_configuration(loaded, greedy):
    inputs = ask(loaded)
    config = GenerationConfig(repetition_penalty=5.0, max_new_tokens=9)
    before = config.to_dict()
    said = ids_of(generate(loaded, inputs, generation_config=config, max_new_tokens=9))
    real = loaded.model.generate(**inputs.tensors, generation_config=config, do_sample=False)
    assert said == real[0, inputs.length :].tolist() != greedy
    assert config.to_dict() == before


def test_generate_samples_by_the_users_own_configuration(loaded, greedy):
    inputs = ask(loaded)
    config = GenerationConfig(do_sample=True, temperature=8.0, top_k=300)
    options = {"generation_config": config, "max_new_tokens": 9}
    one, same, other = (ids_of(generate(loaded, inputs, seed=n, **options)) for n in (1, 1, 2))
    assert one == same != other
    assert greedy not in (one, other)
    assert ids_of(generate(loaded, inputs, do_sample=False, **options)) == greedy


@pytest.mark.parametrize(("name", "value"), [("num_beams", 4), ("num_return_sequences", 2)])
def test_generate_refuses_a_configuration_that_it_cannot_follow(loaded, name, value):
    config = GenerationConfig(do_sample=True, **{name: value})
    with pytest.raises(ParameterError, match=f"Expected {name} = 1, got {value}"):
        generate(loaded, ask(loaded), generation_config=config)


def test_generate_keeps_special_tokens_inside_the_answer(loaded, greedy):
    """A model may say one and go on: it is a token of the answer, with a map and a text."""
    inputs, start = ask(loaded), loaded.processor.tokenizer.convert_tokens_to_ids("<|im_start|>")
    length = inputs.length

    def say_a_special_one(ids, scores):
        if ids.shape[1] == length + 2:
            scores[:, start] = scores.max() + 99
        return scores

    trace = generate(loaded, inputs, max_new_tokens=6, logits_processor=[say_a_special_one])
    assert ids_of(trace)[:3] == [*greedy[:2], start]
    assert (trace.tokens[2].text, trace.tokens[2].special) == ("<|im_start|>", True)
    assert trace.answer.count("<|im_start|>") == ids_of(trace).count(start)
    assert not trace.tokens[1].special
    assert len(trace.tokens) == 6
    assert trace.tokens[2].probability < trace.tokens[1].probability
    heard = read(loaded, inputs, ids_of(trace))
    torch.testing.assert_close(heard.text_states, trace.text_states, atol=1e-4, rtol=1e-4)
    shown = generate(loaded, inputs, max_new_tokens=2, candidates=400).tokens[0].candidates
    names = [name for name, _ in shown]
    assert "<|im_start|>" in names


def test_generate_of_a_model_in_training_is_that_in_evaluation(greedy):
    model, processor = tiny_models.build(attention_dropout=0.5)
    model.train()
    model.lm_head.eval()
    before = [module.training for module in model.modules()]
    loaded = load((model, processor))
    trace = generate(loaded, ask(loaded), max_new_tokens=9)
    assert ids_of(trace) == greedy
    heard = read(loaded, ask(loaded), greedy)
    torch.testing.assert_close(heard.text_states, trace.text_states, atol=1e-4, rtol=1e-4)
    assert [module.training for module in model.modules()] == before
    assert not trace.unembedding_rows.requires_grad
    assert not trace.visual_states.requires_grad


def test_generate_never_touches_the_checkpoints_configuration(loaded):
    before = loaded.model.generation_config

    def stumble(count):
        assert loaded.model.generation_config is before
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(loaded, ask(loaded), max_new_tokens=2, watch=stumble)
    assert loaded.model.generation_config is before

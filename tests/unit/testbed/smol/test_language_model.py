"""A Llama and its tokenizer of a GGUF file, beside what transformers makes of the file."""

import pytest
import torch
from transformers import LlamaForCausalLM

import smol_parts
from seewhy.testbed.smol.families import FAMILIES, UNUSED, family_for
from seewhy.testbed.smol.gguf_file import read_gguf
from seewhy.testbed.smol.language_model import llama


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return smol_parts.write_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def language(path):
    return llama(read_gguf(path.read_bytes()))


def test_llama_has_the_weights_and_sizes_that_transformers_reads(path, language):
    reference = LlamaForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32
    )
    expected = reference.state_dict()
    expected.pop("lm_head.weight")  # tied
    assert set(language.state) == set(expected)
    assert all(torch.equal(language.state[name], expected[name]) for name in expected)
    ours, theirs = language.config.to_dict(), reference.config.to_dict()
    free = {"pad_token_id", "dtype", "_name_or_path", "quantization_config", "unk_token_id"}
    free |= {"architectures", "transformers_version", "rms_norm_eps"}
    assert {k: v for k, v in ours.items() if k not in free} == {
        k: v for k, v in theirs.items() if k not in free
    }
    assert ours["rms_norm_eps"] == pytest.approx(theirs["rms_norm_eps"], rel=1e-6)
    assert ours["tie_word_embeddings"]


def test_tokenizer_keeps_every_id_and_splits_numbers(language):
    tokenizer = language.tokenizer(family_for("qwen2_vl"))
    vocabulary = smol_parts.vocabulary()
    assert len(tokenizer) == len(vocabulary)
    names = dict(family_for("qwen2_vl").tokens)
    expected = [names.get(i, token) for i, token in enumerate(vocabulary)]
    assert tokenizer.convert_ids_to_tokens(range(len(vocabulary))) == expected
    text = "the cat in 12 hats,\nça<|image_pad|>!"
    ids = tokenizer(text).input_ids
    assert tokenizer.decode(ids) == text
    tokens = tokenizer.convert_ids_to_tokens(ids)
    assert tokens[3] == "Ġcat"
    assert tokens[4:9] == ["Ġ", "in", "Ġ", "1", "2"]
    assert ids[-2] == names_to_ids(names)["<|image_pad|>"] == 5


def names_to_ids(names):
    return {token: number for number, token in names.items()}


@pytest.mark.parametrize("model_type", FAMILIES)
def test_tokenizer_of_each_family_has_its_tokens_and_template(language, model_type, tmp_path):
    from transformers import AutoTokenizer

    family = family_for(model_type)
    assert set(family.tokens) <= set(UNUSED)
    tokenizer = language.tokenizer(family)
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    picture = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Hi"}]}
    for one in (tokenizer, again):
        assert one.convert_tokens_to_ids(list(family.tokens.values())) == list(family.tokens)
        assert (one.pad_token_id, one.bos_token_id, one.eos_token_id) == (0, 1, 2)
        assert {getattr(one, name) for name in family.named} == set(family.named.values())
        text = one.apply_chat_template([picture], tokenize=False, add_generation_prompt=True)
        assert text.startswith("<|im_start|>user\n<")
        assert text.endswith("Hi<|im_end|>\n<|im_start|>assistant\n")
        assert not {one.unk_token_id, *SPECIAL_FOR_CODE} & set(one(text).input_ids)


SPECIAL_FOR_CODE = range(7, 17)


def test_family_for_refuses_an_unknown_type():
    from seewhy.core.errors import ModelError

    with pytest.raises(ModelError, match="qwen2_vl, llava, internvl, got 'idefics3'"):
        family_for("idefics3")

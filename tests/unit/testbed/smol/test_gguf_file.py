"""GGUF files, read as the package `gguf` reads them."""

import struct

import gguf
import numpy as np
import pytest

import smol_parts
from seewhy.testbed.smol.gguf_file import read_gguf


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return smol_parts.write_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


def test_read_gguf_gives_the_tensors_of_the_reference(path):
    ours = read_gguf(path.read_bytes()).tensors
    reference = gguf.GGUFReader(path).tensors
    kinds = {tensor.tensor_type.name for tensor in reference}
    assert kinds == {"F32", "Q4_1", "Q8_0"}
    assert list(ours) == [tensor.name for tensor in reference]
    for tensor in reference:
        expected = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        assert ours[tensor.name].dtype == np.float32
        np.testing.assert_array_equal(ours[tensor.name], expected)


def test_read_gguf_gives_the_metadata_of_the_reference(path):
    ours = read_gguf(path.read_bytes()).metadata
    reference = gguf.GGUFReader(path).fields
    assert {f"GGUF.{name}" for name in ("version", "tensor_count", "kv_count")} | set(ours) == set(
        reference
    )
    assert all(ours[name] == reference[name].contents() for name in ours)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.999])
def test_read_gguf_refuses_a_file_that_ends_early(path, share):
    data = path.read_bytes()
    with pytest.raises(ValueError, match="ends early or is damaged"):
        read_gguf(data[: int(share * len(data))])


def test_read_gguf_refuses_other_files_and_versions(path):
    with pytest.raises(ValueError, match="begins with b'GGUF', got b'PK"):
        read_gguf(b"PK\3\4" + bytes(100))
    with pytest.raises(ValueError, match="version 3, got version 2"):
        read_gguf(b"GGUF" + struct.pack("<I", 2) + path.read_bytes()[8:])


def test_read_gguf_refuses_a_kind_of_tensor_that_it_does_not_know(tmp_path, monkeypatch):
    monkeypatch.setattr(smol_parts, "QUANTISED", gguf.GGMLQuantizationType.Q4_0)
    data = smol_parts.write_gguf(tmp_path / "other.gguf").read_bytes()
    with pytest.raises(ValueError, match=r"F32, Q4_1, Q8_0\), got kind 2 for blk.0.attn_q"):
        read_gguf(data)

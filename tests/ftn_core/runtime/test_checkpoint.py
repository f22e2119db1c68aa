import pytest
import safetensors.torch
import torch

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.runtime.checkpoint import read_tensors, write_tensors
from ftn_core.utils.errors import UserError


def test_what_is_written_is_read(tmp_path):
    write_tensors(tmp_path / "deep/er/a", {"x": torch.arange(5), "y": torch.zeros(())}, {"b": [1, None]})
    tensors, header = read_tensors(tmp_path / "deep/er/a")
    assert torch.equal(tensors["x"], torch.arange(5)) and tensors["y"].shape == ()
    assert header == {"b": [1, None]}
    assert [p.name for p in (tmp_path / "deep/er").iterdir()] == ["a"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    write_tensors(tmp_path / "a", {"x": torch.ones(1)}, {})
    with pytest.raises(TypeError):
        write_tensors(tmp_path / "a", {"x": torch.zeros(1)}, {"no json": object()})
    assert read_tensors(tmp_path / "a")[0]["x"] == 1


def test_missing_damaged_and_foreign_files(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        read_tensors(tmp_path / "none")
    write_tensors(tmp_path / "cut", {"x": torch.ones(100)}, {})
    (tmp_path / "cut").write_bytes((tmp_path / "cut").read_bytes()[:-10])
    with pytest.raises(UserError, match="damaged"):
        read_tensors(tmp_path / "cut")
    safetensors.torch.save_file({"x": torch.ones(1)}, tmp_path / "foreign")
    with pytest.raises(UserError, match="not written by ftn"):
        read_tensors(tmp_path / "foreign")
    write_tensors(tmp_path / "other", {}, {"format": "other/9"})
    with pytest.raises(UserError, match="other/9"):
        ContinuousDenoiser.load(tmp_path / "other")

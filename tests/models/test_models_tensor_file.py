"""Files that are whole or not there, and that notice damage."""

import resource
import stat
from pathlib import Path

import pytest
import safetensors.torch
import torch

from relume.errors import UnreadableFile, UnwritableFile
from relume.models.tensor_file import read_tensor_file, write_tensor_file

TENSORS = {
    "weights": torch.arange(12.0).view(3, 4),
    "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "count": torch.tensor(7),
}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "some.safetensors"
    write_tensor_file(path, TENSORS, {"step": 3, "name": "é"})
    tensors, about = read_tensor_file(path)
    assert about == {"step": 3, "name": "é"}
    assert set(tensors) == set(TENSORS)
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor)


def test_others_may_read_it_and_nothing_is_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "some.safetensors"
    write_tensor_file(path, TENSORS, {})
    assert path.stat().st_mode & stat.S_IROTH
    assert list(tmp_path.iterdir()) == [path]


def test_channels_last_comes_back_in_its_order(tmp_path: Path) -> None:
    weights = torch.randn(4, 3, 5, 5).to(memory_format=torch.channels_last)
    write_tensor_file(tmp_path / "a.safetensors", {"weights": weights}, {})
    assert torch.equal(read_tensor_file(tmp_path / "a.safetensors")[0]["weights"], weights)


def test_no_room_leaves_the_old_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "some.safetensors"
    write_tensor_file(path, TENSORS, {"step": 1})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(UnwritableFile, match="what was there before is still whole"):
            write_tensor_file(path, {"large": torch.zeros(10_000)}, {"step": 2})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_tensor_file(path)[1] == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_is_swept_away(tmp_path: Path) -> None:
    path = tmp_path / "some.safetensors"
    litter = tmp_path / ".some.safetensors.partial"
    litter.mkdir()
    (litter / ".tmpX").write_bytes(b"half a file")
    write_tensor_file(path, TENSORS, {})
    assert list(tmp_path.iterdir()) == [path]


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "some.safetensors"
    write_tensor_file(path, TENSORS, {})
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match="damaged"):
        read_tensor_file(path)


def test_unreadable_files_are_told_in_sentences(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="is no readable safetensors file"):
        read_tensor_file(tmp_path / "missing.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    with pytest.raises(UnreadableFile, match="is no readable safetensors file"):
        read_tensor_file(tmp_path / "cut.safetensors")
    safetensors.torch.save_file({"a": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    with pytest.raises(UnreadableFile, match="says nothing of itself"):
        read_tensor_file(tmp_path / "foreign.safetensors")

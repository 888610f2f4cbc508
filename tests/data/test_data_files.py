from pathlib import Path

import torch

from relume.color.encoding import LINEAR_NITS, SRGB
from relume.data.files import hdr_pictures
from relume.data.picture_folders import find_hdr
from relume.image import Image
from relume.io import write


def test_hdr_pictures_are_known_by_what_they_say(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    light = Image(torch.full((3, 16, 20), 500.0), LINEAR_NITS)
    for name in ("a.exr", "b.avif", "below/c.png"):
        write(tmp_path / name, light)
    for name in ("d.avif", "e.png", "f.jpg"):
        write(tmp_path / name, Image(torch.full((3, 16, 20), 0.5), SRGB))
    (tmp_path / "g.avif").write_bytes(b"damaged")
    assert [path.name for path in hdr_pictures(tmp_path)] == ["a.exr", "b.avif", "c.png"]
    assert [sample.scene for sample in find_hdr(tmp_path)] == ["a", "b", "below/c"]

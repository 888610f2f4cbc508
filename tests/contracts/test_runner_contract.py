"""Every method of the catalog, through the runner: tiled equals whole, and tiny pictures go through."""

import pytest
import torch

from relume.catalog import METHODS
from relume.color.encoding import LINEAR_SCENE, SRGB
from relume.data.synthetic import synthetic_scene
from relume.image import Image
from relume.inference.memory import needed_bytes
from relume.inference.runner import RunSettings, run
from relume.method import Direction, Method


def _picture(method: type[Method], height: int, width: int) -> Image:
    generator = torch.Generator().manual_seed(11)
    if method.spec.direction is Direction.EXPAND:
        return Image(torch.rand(3, height, width, generator=generator), SRGB)
    scene = synthetic_scene(size=(max(height, 8), max(width, 8)), generator=generator, kind="indoor")
    return Image(scene[:, :height, :width], LINEAR_SCENE)


@pytest.mark.parametrize("name", METHODS)
def test_tiled_equals_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method = METHODS[name]()
    image = _picture(METHODS[name], 211, 187)
    monkeypatch.setattr("relume.inference.runner.tile_shape", lambda *_, **__: (211, 187))
    whole = run(method, image, reference_white=203.0).pixels
    multiple = method.spec.size_multiple
    shape = tuple(-(-side // multiple) * multiple for side in (64, 48))
    monkeypatch.setattr("relume.inference.runner.tile_shape", lambda *_, **__: shape)
    tiled = run(method, image, reference_white=203.0).pixels
    assert float((tiled - whole).abs().max()) <= method.spec.tolerance * float(whole.abs().max())


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("size", [(1, 1), (1, 37), (5, 2)])
def test_tiny_pictures(name: str, size: tuple[int, int]) -> None:
    result = run(METHODS[name](), _picture(METHODS[name], *size), reference_white=203.0)
    assert result.pixels.shape == (3, *size)
    assert bool(torch.isfinite(result.pixels).all())


@pytest.mark.parametrize("name", METHODS)
def test_a_memory_bound_changes_nothing_but_rounding(name: str) -> None:
    method = METHODS[name]()
    image = _picture(METHODS[name], 300, 400)
    free = run(method, image, reference_white=203.0).pixels
    least = needed_bytes(method.spec, image.height, image.width) + (4 << 20)
    bound = run(method, image, reference_white=203.0, settings=RunSettings(max_memory=least)).pixels
    assert float((bound - free).abs().max()) <= method.spec.tolerance * float(free.abs().max())

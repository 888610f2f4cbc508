"""Networks as methods: shipped weights, weight files, whole-image parts, tiles; with untrained weights."""

from functools import cache
from pathlib import Path

import pytest
import torch

from relume.catalog import METHODS
from relume.color.encoding import LINEAR_SCENE, SRGB, Reference
from relume.data.synthetic import synthetic_scene
from relume.errors import MethodError, UnreadableFile
from relume.image import Image
from relume.inference.runner import run
from relume.method import Direction, configure
from relume.models import MODELS, build
from relume.models.learned import LEARNED, SHIPPED, SHIPPED_WEIGHTS, Learned, load, load_method
from relume.models.weights import Card, read_card, save_weights

every_method = pytest.mark.parametrize("method", LEARNED, ids=lambda method: method.spec.name)


@cache
def untrained(model: str, folder: Path) -> Path:
    """A weight file of the smallest size of a network."""
    preset = "compact" if "compact" in MODELS[model].presets else next(iter(MODELS[model].presets))
    torch.manual_seed(4)
    path = folder / f"{model}.safetensors"
    save_weights(path, build(model, preset=preset), card=Card(model=model, preset=preset, spec={}, recipe={}))
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights")


def configured(method: type[Learned], weights: Path) -> Learned:
    return method(weights=str(untrained(method.model, weights)))


def picture(method: type[Learned], height: int, width: int) -> Image:
    generator = torch.Generator().manual_seed(3)
    if method.spec.direction is Direction.EXPAND:
        return Image(torch.rand(3, height, width, generator=generator), SRGB)
    scene = synthetic_scene(size=(max(height, 8), max(width, 8)), generator=generator, kind="indoor")
    return Image(scene[:, :height, :width], LINEAR_SCENE)


@every_method
def test_tiled_equals_whole(method: type[Learned], weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image, built = picture(method, 150, 210), configured(method, weights)
    monkeypatch.setattr("relume.inference.runner.tile_shape", lambda *_, **__: (192, 256))
    whole = run(built, image).pixels
    monkeypatch.setattr("relume.inference.runner.tile_shape", lambda *_, **__: (64, 128))
    tiled = run(built, image).pixels
    assert float((tiled - whole).abs().max()) <= method.spec.tolerance * float(whole.abs().max())


@every_method
@pytest.mark.parametrize("size", [(1, 1), (1, 37), (5, 2)])
def test_tiny_pictures(method: type[Learned], size: tuple[int, int], weights: Path) -> None:
    result = run(configured(method, weights), picture(method, *size))
    assert result.pixels.shape == (3, *size)
    assert bool(torch.isfinite(result.pixels).all())


@every_method
def test_expansions_return_linear_light(method: type[Learned], weights: Path) -> None:
    result = run(configured(method, weights), picture(method, 40, 40))
    if method.spec.direction is Direction.EXPAND:
        assert (result.encoding.transfer, result.encoding.reference) == ("linear", Reference.SCENE)
        assert result.encoding.white == 203.0


@every_method
def test_statistics_broadcast_against_the_image(method: type[Learned], weights: Path) -> None:
    for value in configured(method, weights).measure(torch.rand(2, 3, 64, 128)).values():
        batch, channels, *size = value.shape
        assert batch == 2
        assert size in ([1, 1], [64, 128])
        assert channels in (1, 3) or size == [1, 1]  # a curve or weights of channels are numbers too


@every_method
def test_a_batch_is_its_pictures_one_by_one(method: type[Learned], weights: Path) -> None:
    images, built = torch.rand(2, 3, 64, 128), configured(method, weights)
    images[1] **= 2.0
    together, alone = built(images), torch.cat([built(image[None]) for image in images])
    assert float((together - alone).abs().max()) <= 1e-5 * float(together.abs().max())


@every_method
def test_parameters_can_be_given_as_text(method: type[Learned]) -> None:
    assert configure(method, {"weights": ""}) == method()


def test_a_file_is_loaded_as_the_method_of_its_network(weights: Path) -> None:
    for method in LEARNED:
        path = untrained(method.model, weights)
        assert load(path) == load(str(path)) == load_method(path)
        assert load(path).model == read_card(path).model == method.model


def test_the_weights_of_another_network_are_refused(weights: Path) -> None:
    first, second = LEARNED[:2]
    with pytest.raises(
        MethodError, match=f"holds weights of {second.model}; expected those of {first.model}"
    ):
        first(weights=str(untrained(second.model, weights)))(torch.rand(1, 3, 32, 32))


def test_what_is_not_shipped_is_told(tmp_path: Path) -> None:
    with pytest.raises(MethodError, match="relume ships no weights for 'nothing'"):
        load("nothing")
    with pytest.raises(UnreadableFile, match="no readable safetensors file"):
        load(tmp_path / "gone.safetensors")


def test_rows_of_the_catalog_are_those_with_shipped_weights() -> None:
    files = {path.stem for path in SHIPPED_WEIGHTS.glob("*.safetensors")}
    assert {method.model for method in SHIPPED} == files
    assert {name for name, row in METHODS.items() if issubclass(row, Learned)} == {
        method.spec.name for method in SHIPPED
    }
    for method in SHIPPED:
        assert isinstance(load(method.spec.name), method)
    size = sum(path.stat().st_size for path in SHIPPED_WEIGHTS.glob("*.safetensors"))
    assert size < 60 << 20


def test_every_network_is_a_method() -> None:
    assert {method.model for method in LEARNED} == set(MODELS)

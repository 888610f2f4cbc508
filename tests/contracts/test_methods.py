"""What every row of the catalog promises: `relume.catalog.METHODS`, whatever is in it."""

import dataclasses
from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import Tensor

from relume.catalog import ALIASES, DEFAULTS, METHODS, find
from relume.image import convert
from relume.inference.runner import tile_statistics
from relume.inference.tiling import pad, tile_shape, tiles
from relume.method import Method, MethodSpec, configure

SCALINGS = ("invariant", "proportional", "dependent")

every_method = pytest.mark.parametrize("name", METHODS)


@cache
def build(name: str) -> Method:
    return METHODS[name]()


def encoded(light: Tensor, spec: MethodSpec) -> Tensor:
    """Light in units of the white of the method's input, as the method takes it, at a size that it takes."""
    values = convert(light, spec.input.linear, spec.input)
    return pad(values, multiple=spec.size_multiple, minimum=spec.size_minimum)


def scene(spec: MethodSpec, *size: int, generator: torch.Generator, batch: int = 1) -> Tensor:
    """Random colours with edges: 0.02 to 0.5 for SDR, twelve stops for HDR."""
    height, width = size
    stops = torch.rand(batch, 3, height, width, generator=generator, dtype=torch.float64)
    stops = (
        0.3 * stops
        + 0.7
        * torch.rand(batch, 1, -(-height // 4), -(-width // 4), generator=generator)[
            ..., torch.arange(height)[:, None] // 4, torch.arange(width) // 4
        ]
    )
    return torch.exp2(12.0 * stops - 6.0 if spec.input.is_hdr else 4.5 * stops - 5.5)


def top(spec: MethodSpec) -> float:
    return 1e4 if spec.input.is_hdr else 1.0


def black(spec: MethodSpec, generator: torch.Generator) -> Tensor:
    return torch.zeros(1, 3, 12, 16, dtype=torch.float64)


def white(spec: MethodSpec, generator: torch.Generator) -> Tensor:
    return torch.full((1, 3, 12, 16), top(spec), dtype=torch.float64)


def constant(spec: MethodSpec, generator: torch.Generator) -> Tensor:
    return torch.tensor([0.3, 0.2, 0.1], dtype=torch.float64).view(3, 1, 1).expand(1, 3, 12, 16) * top(spec)


def one_bright_pixel(spec: MethodSpec, generator: torch.Generator) -> Tensor:
    light = black(spec, generator)
    light[..., 5, 7] = top(spec)
    return light


def one_pixel(spec: MethodSpec, generator: torch.Generator) -> Tensor:
    return constant(spec, generator)[..., :1, :1]


def odd_size(spec: MethodSpec, generator: torch.Generator) -> Tensor:
    return scene(spec, 7, 5, generator=generator)


def one_row(spec: MethodSpec, generator: torch.Generator) -> Tensor:
    return scene(spec, 1, 33, generator=generator)


def huge_range(spec: MethodSpec, generator: torch.Generator) -> Tensor:
    exponents = torch.rand(1, 3, 12, 16, generator=generator, dtype=torch.float64)
    return 10.0 ** (12.0 * exponents - 6.0) if spec.input.is_hdr else 10.0 ** (-6.0 * exponents)


def outside_the_gamut(spec: MethodSpec, generator: torch.Generator) -> Tensor:
    """Saturated colours of wider primaries, some with a luminance below zero."""
    light = scene(spec, 12, 16, generator=generator)
    light[:, 1] *= -0.02
    light[:, :, :4] *= torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64).view(3, 1, 1)
    return light


EXTREMES: tuple[Callable[[MethodSpec, torch.Generator], Tensor], ...] = (
    black,
    white,
    constant,
    one_bright_pixel,
    one_pixel,
    odd_size,
    one_row,
    huge_range,
    outside_the_gamut,
)

every_extreme = pytest.mark.parametrize("extreme", EXTREMES, ids=lambda extreme: extreme.__name__)


def largest_difference(result: Tensor, expected: Tensor) -> float:
    """Relative to the largest value expected."""
    return float((result - expected).abs().max() / expected.abs().max())


@every_method
@pytest.mark.parametrize("size", [(24, 33), (1, 1)])
def test_keeps_shape_dtype_and_device(name, size, generator):
    spec = METHODS[name].spec
    for precision in spec.precisions:
        image = encoded(scene(spec, *size, generator=generator, batch=2), spec).to(getattr(torch, precision))
        result = build(name)(image)
        assert (result.shape, result.dtype, result.device) == (image.shape, image.dtype, image.device)


@every_method
def test_leaves_its_input_and_statistics_alone(name, generator):
    method = build(name)
    image = encoded(scene(method.spec, 24, 33, generator=generator), method.spec)
    statistics = method.measure(image)
    before = image.clone(), {key: value.clone() for key, value in statistics.items()}
    method(image, statistics)
    assert torch.equal(image, before[0])
    assert statistics.keys() == before[1].keys()
    assert all(torch.equal(statistics[key], value) for key, value in before[1].items())


@every_method
def test_statistics_broadcast_against_the_image(name, generator):
    method = build(name)
    image = encoded(scene(method.spec, 24, 33, generator=generator, batch=2), method.spec)
    for name, value in method.measure(image).items():
        batch, channels, *size = value.shape
        assert batch == 2
        assert channels in (1, 3) or size == [1, 1]
        assert size in ([1, 1], list(image.shape[-2:])) or name in method.spec.small_maps


@every_method
def test_a_batch_is_its_pictures_one_by_one(name, generator):
    method = build(name)
    images = encoded(scene(method.spec, 24, 33, generator=generator, batch=2), method.spec)
    images[1] = images[1] ** 2.0
    together, alone = method(images), torch.cat([method(image[None]) for image in images])
    assert largest_difference(together, alone) < 1e-6


@every_method
@every_extreme
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_is_finite_and_keeps_its_bound(name, extreme, dtype, generator):
    method = build(name)
    image = encoded(extreme(method.spec, generator), method.spec).to(dtype)
    result = method(image)
    assert result.isfinite().all()
    if method.spec.upper is not None:
        assert float(result.max()) <= method.spec.upper * (1.0 + 1e-6)


@every_method
@every_extreme
def test_gradients_are_finite(name, extreme, generator):
    method = build(name)
    if not method.spec.differentiable:
        pytest.skip("says that it is not differentiable")
    image = encoded(extreme(method.spec, generator), method.spec).float().requires_grad_()
    method(image).sum().backward()
    assert image.grad is not None
    assert image.grad.isfinite().all()


@every_method
def test_gradients_flow_and_are_derivatives(name, generator):
    """Along one random direction, against the central difference in float64."""
    method = build(name)
    if not method.spec.differentiable:
        pytest.skip("says that it is not differentiable")
    image = encoded(scene(method.spec, 24, 33, generator=generator), method.spec).requires_grad_()
    weights, direction = (torch.rand(image.shape, generator=generator, dtype=image.dtype) for _ in range(2))
    direction, step = direction * image.detach(), 1e-6
    (gradient,) = torch.autograd.grad((method(image) * weights).sum(), image)
    ahead, behind = ((method(image.detach() + s * direction) * weights).sum() for s in (step, -step))
    assert float((gradient != 0).double().mean()) > 0.9
    assert float((gradient * direction).sum()) == pytest.approx(
        float((ahead - behind) / (2 * step)), rel=1e-5
    )


@every_method
def test_doubled_exposure_does_what_the_spec_says(name, generator):
    method = build(name)
    light = scene(method.spec, 24, 33, generator=generator)
    result, doubled = (method(encoded(factor * light, method.spec)) for factor in (1.0, 2.0))
    stays = largest_difference(doubled, result) < 1e-3
    doubles = largest_difference(doubled, 2.0 * result) < 1e-3
    assert method.spec.scaling in SCALINGS
    assert stays == (method.spec.scaling == "invariant")
    assert doubles == (method.spec.scaling == "proportional")


@every_method
def test_float32_is_float64_but_for_rounding(name, generator):
    method = build(name)
    if not {"float32", "float64"} <= set(method.spec.precisions):
        pytest.skip("does not say that it is exact in both")
    image = encoded(scene(method.spec, 40, 56, generator=generator), method.spec)
    assert largest_difference(method(image.float()).double(), method(image)) < 1e-4


@every_method
def test_tiles_are_the_whole(name, generator):
    """Cut as the runner cuts: the statistics of the whole, context of a halo, maps cut along."""
    method = build(name)
    spec, halo = method.spec, method.halo
    height, width = 2 * halo + 40, 2 * halo + 50
    image = encoded(scene(spec, height, width, generator=generator), spec).to(
        getattr(torch, spec.precisions[0])
    )
    height, width = image.shape[-2:]
    whole, statistics, joined = method(image), method.measure(image), torch.empty_like(image)
    shape = tile_shape(height, width, halo=halo, multiple=spec.size_multiple, largest=(2 * halo + 36) ** 2)
    assert shape[0] < height
    for tile in tiles(height, width, shape, halo=halo, multiple=spec.size_multiple):
        cut = tile_statistics(method, statistics, tile, size=(height, width))
        tile.inner(joined).copy_(tile.crop(method(tile.outer(image), cut)))
    assert largest_difference(joined, whole) <= spec.tolerance


@every_method
def test_row_says_who_made_it(name):
    spec = METHODS[name].spec
    assert spec.name == name
    assert spec.title
    assert spec.citation
    assert spec.licence


@every_method
def test_parameters_are_described_and_their_defaults_are_valid(name):
    for item in dataclasses.fields(METHODS[name]):
        about = item.metadata
        assert about["meaning"], f"{item.name} has no meaning"
        if item.default is None:
            continue
        if about["choices"]:
            assert item.default in about["choices"]
        elif not isinstance(item.default, bool | str):
            assert about["minimum"] <= item.default <= about["maximum"]


@every_method
def test_parameters_can_be_given_as_text(name):
    method = METHODS[name]
    texts = {
        item.name: "auto" if item.default is None else str(item.default)
        for item in dataclasses.fields(method)
    }
    assert configure(method, texts) == method()


@pytest.mark.parametrize("alias", ALIASES)
def test_alias_is_the_method(alias):
    method = METHODS[ALIASES[alias]]
    assert alias not in METHODS
    assert find(alias, method.spec.direction) is method


@pytest.mark.parametrize("direction", DEFAULTS)
def test_default_goes_its_direction(direction):
    assert find(None, direction).spec.direction is direction

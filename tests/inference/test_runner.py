"""The runner on methods made for the purpose, whose right answer is known."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.color.encoding import (
    LINEAR_DISPLAY,
    LINEAR_NITS,
    LINEAR_SCENE,
    PQ_BT2020,
    SRGB,
    Encoding,
    Reference,
)
from relume.errors import EncodingError, ImageError, MemoryLimitError, MethodError
from relume.image import Image, Metadata
from relume.inference.runner import RunSettings, run, run_batch
from relume.inference.tiling import pad
from relume.method import Direction, Method, MethodSpec, Statistics

WIDE_NITS = replace(LINEAR_NITS, primaries=PQ_BT2020.primaries)

EXPAND = MethodSpec(
    name="probe",
    title="A method of the tests",
    direction=Direction.EXPAND,
    input=LINEAR_DISPLAY,
    output=LINEAR_SCENE,
    citation="none",
)


@dataclass(frozen=True, kw_only=True)
class Box(Method):
    """A box blur of a given radius that also adds the mean of the whole and a map of the whole."""

    radius: int = 3

    spec: ClassVar[MethodSpec] = replace(EXPAND, size_multiple=4, size_minimum=8)

    @property
    def halo(self) -> int:
        return self.radius

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        return {"mean": image.mean((-3, -2, -1), keepdim=True), "map": image.amax(1, keepdim=True)}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        statistics = statistics or self.measure(image)
        size = 2 * self.radius + 1
        padded = functional.pad(image, (self.radius,) * 4, mode="replicate")
        return functional.avg_pool2d(padded, size, stride=1) + statistics["mean"] + statistics["map"]


@dataclass(frozen=True, kw_only=True)
class Half(Method):
    """Half of the light, pointwise."""

    spec: ClassVar[MethodSpec] = replace(EXPAND, precisions=("float32", "float64", "bfloat16"))

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        return image * 0.5


@dataclass(frozen=True, kw_only=True)
class Nits(Half):
    """The same, of a method that works in cd/m² in both directions."""

    spec: ClassVar[MethodSpec] = replace(EXPAND, output=LINEAR_NITS)


@dataclass(frozen=True, kw_only=True)
class AbsoluteToneMapping(Half):
    """The same, of a tone mapping that has to know cd/m²."""

    spec: ClassVar[MethodSpec] = replace(
        EXPAND, direction=Direction.TONEMAP, input=LINEAR_NITS, output=LINEAR_DISPLAY
    )


class WideToneMapping(Half):
    """The same in the primaries of BT.2020."""

    spec: ClassVar[MethodSpec] = replace(
        EXPAND,
        direction=Direction.TONEMAP,
        input=WIDE_NITS,
        output=replace(LINEAR_DISPLAY, primaries=WIDE_NITS.primaries),
    )


def _image(height: int, width: int, encoding: Encoding = SRGB) -> Image:
    generator = torch.Generator().manual_seed(height * width)
    return Image(torch.rand(3, height, width, generator=generator), encoding)


def _whole(method: Box, image: Image) -> Tensor:
    """The right answer: the statistics of the image, then the method on the whole of it, padded."""
    light = image.to(LINEAR_DISPLAY).pixels[None]
    statistics = method.measure(light)
    statistics["map"] = pad(statistics["map"], multiple=4, minimum=8)
    return method(pad(light, multiple=4, minimum=8), statistics)[0, :, : image.height, : image.width]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (8, 8), (61, 83), (300, 401)])
@pytest.mark.parametrize("largest", [1500, None])
def test_tiles_with_context_and_padding_give_the_whole(
    height: int, width: int, largest: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relume.inference.runner._tile_pixels", lambda *_: largest)
    image = _image(height, width)
    torch.testing.assert_close(run(Box(), image).pixels, _whole(Box(), image), rtol=1e-5, atol=1e-6)


def test_progress_goes_from_tile_to_tile_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relume.inference.runner._tile_pixels", lambda *_: 1500)
    seen: list[float] = []
    run(Box(), _image(301, 203), progress=seen.append)
    assert len(seen) > 50
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)


def test_result_of_an_expansion_has_reference_white_at_one() -> None:
    result = run(Half(), _image(4, 4))
    assert result.encoding == replace(LINEAR_SCENE, white=203.0)
    assert run(Half(), _image(4, 4), reference_white=100.0).encoding.white == 100.0


def test_absolute_results_are_rescaled_to_reference_white() -> None:
    image = Image(torch.ones(3, 2, 2), LINEAR_DISPLAY)
    result = run(Nits(), image, reference_white=100.0)  # 0.5 cd/m² by the method's own word
    assert result.encoding == Encoding(LINEAR_SCENE.primaries, "linear", Reference.SCENE, 100.0)
    torch.testing.assert_close(result.pixels, torch.full((3, 2, 2), 0.005))


def test_absolute_method_refuses_relative_light_and_takes_a_white() -> None:
    image = Image(torch.ones(3, 2, 2), LINEAR_SCENE)
    with pytest.raises(EncodingError, match=r"relative .* --reference-white 203"):
        run(AbsoluteToneMapping(), image)
    result = run(AbsoluteToneMapping(), image, reference_white=0.8)
    torch.testing.assert_close(result.pixels, torch.full((3, 2, 2), 0.4))


def test_tone_mapping_ends_in_the_display_range_and_the_wanted_encoding() -> None:
    image = Image(torch.tensor([-1.0, 1.0, 1e6]).expand(3, 1, 3), LINEAR_NITS)
    result = run(AbsoluteToneMapping(), image, output=SRGB)
    assert result.encoding == SRGB
    torch.testing.assert_close(result.pixels[0, 0], torch.tensor([0.0, 0.735357, 1.0]), rtol=0, atol=1e-5)


def test_tone_mapping_ends_in_the_display_range_of_other_primaries() -> None:
    """Pure green of BT.2020 lies outside BT.709: red and blue below 0, green above 1."""
    result = run(
        WideToneMapping(), Image(torch.tensor([0.0, 2.0, 0.0]).view(3, 1, 1), WIDE_NITS), output=SRGB
    )
    assert result.pixels.flatten().tolist() == [0.0, 1.0, 0.0]


def test_encoded_absolute_input_is_converted() -> None:
    image = Image(torch.full((3, 1, 1), 0.5), PQ_BT2020)  # 92.2457 cd/m²
    result = run(AbsoluteToneMapping(), image)
    assert result.pixels.max() == 1.0


def test_alpha_and_metadata_go_along() -> None:
    image = replace(_image(4, 6), alpha=torch.full((1, 4, 6), 0.25), metadata=Metadata(make="Kodak"))
    result = run(Half(), image)
    assert result.alpha is image.alpha
    assert result.metadata.make == "Kodak"


def test_precisions() -> None:
    image = _image(16, 16)
    exact = run(Half(), image, settings=RunSettings(precision="float64"))
    assert exact.pixels.dtype == torch.float64
    rough = run(Half(), image, settings=RunSettings(precision="bfloat16"))
    assert rough.pixels.dtype == torch.float32
    torch.testing.assert_close(rough.pixels.double(), exact.pixels, rtol=1e-2, atol=1e-3)
    assert not torch.equal(rough.pixels.double(), exact.pixels)
    with pytest.raises(
        MethodError, match="not exact in precision 'float16'; expected auto or one of float32"
    ):
        run(Half(), image, settings=RunSettings(precision="float16"))


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(MethodError, match="device 'warp' cannot be used here"):
        run(Half(), _image(2, 2), settings=RunSettings(device="warp"))


def test_memory_is_checked_before_work() -> None:
    with pytest.raises(MemoryLimitError, match="probe on 64 × 32 pixels needs about"):
        run(Half(), _image(32, 64), settings=RunSettings(max_memory=1 << 20))


def test_the_input_is_not_changed() -> None:
    image = _image(9, 9, LINEAR_DISPLAY)
    before = image.pixels.clone()
    run(Half(), image)
    assert torch.equal(image.pixels, before)


@pytest.mark.parametrize("method", [Half(), Box()])
def test_a_picture_that_may_be_overwritten_gives_the_same(method: Method) -> None:
    image = _image(61, 83, LINEAR_DISPLAY)
    expected, place = run(method, image).pixels, image.pixels.data_ptr()
    result = run(method, image, consume=True).pixels
    torch.testing.assert_close(result, expected, rtol=0, atol=0)
    assert result.data_ptr() == place


def test_batch_equals_one_by_one() -> None:
    images = [_image(31, 17), replace(_image(31, 17), pixels=torch.rand(3, 31, 17))]
    together = run_batch(Box(), images)
    for image, result in zip(images, together, strict=True):
        torch.testing.assert_close(result.pixels, run(Box(), image).pixels)


def test_batch_of_different_sizes_is_refused() -> None:
    with pytest.raises(ImageError, match=r"5 × 4 pixels .* and 4 × 4"):
        run_batch(Half(), [_image(4, 5), _image(4, 4)])


def test_result_can_be_used_in_autograd() -> None:
    result = run(Half(), _image(4, 4))
    weight = torch.ones(1, requires_grad=True)
    (result.pixels * weight).sum().backward()
    assert weight.grad is not None

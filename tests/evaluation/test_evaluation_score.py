import math
from dataclasses import replace

import pytest
import torch

from relume.color.encoding import LINEAR_NITS, LINEAR_SCENE, PQ_BT2020, SRGB, Encoding
from relume.errors import EncodingError, ImageError
from relume.evaluation.display import light_of
from relume.evaluation.protocols import find
from relume.evaluation.score import Named, score
from relume.image import Image
from relume.metrics import METRICS, Viewing


def picture(generator: torch.Generator, encoding: Encoding, *, scale: float = 1.0, size: int = 16) -> Image:
    return Image(scale * torch.rand(3, size, size, generator=generator), encoding)


def value(
    prediction: Image,
    reference: Image,
    *,
    metric: str = "pu_psnr",
    protocol: str = "none",
    peak: float = 1000.0,
    reference_white: float | None = None,
) -> float:
    return score(
        Named(image=prediction, name="a.exr"),
        Named(image=reference, name="b.exr"),
        metric=METRICS[metric],
        protocol=find(protocol),
        viewing=Viewing(peak=peak),
        reference_white=reference_white,
    ).value


def test_absolute_pictures_are_taken_at_their_word(generator: torch.Generator) -> None:
    image = picture(generator, LINEAR_NITS, scale=500.0)
    light = light_of(image.to(PQ_BT2020), name="x", reference_white=100.0)
    assert light.absolute
    torch.testing.assert_close(light.pixels, image.pixels, rtol=1e-3, atol=1e-3)


def test_relative_pictures_get_the_reference_white(generator: torch.Generator) -> None:
    image = picture(generator, LINEAR_SCENE)
    assert not light_of(image, name="x").absolute
    light = light_of(image, name="x", reference_white=100.0)
    assert light.absolute
    torch.testing.assert_close(light.pixels, 100.0 * image.pixels)


def test_both_sides_end_at_the_peak(generator: torch.Generator) -> None:
    reference = Image(torch.full((3, 8, 8), 2000.0), LINEAR_NITS)
    prediction = Image(torch.full((3, 8, 8), 5000.0), LINEAR_NITS)
    assert value(prediction, reference) == math.inf
    assert value(prediction, reference, peak=4000.0) < math.inf


def test_the_number_says_how_it_was_taken(generator: torch.Generator) -> None:
    image = Named(image=picture(generator, LINEAR_NITS, scale=500.0), name="a.exr")
    got = score(image, image, metric=METRICS["pu_psnr"], protocol=find("gain"), viewing=Viewing(peak=600.0))
    assert got.described.startswith("pu_psnr (PU21")
    assert got.described.endswith("peak 600 cd/m², alignment: gain")


def test_relative_light_is_refused_where_cd_per_square_metre_are_needed(generator: torch.Generator) -> None:
    relative, absolute = picture(generator, LINEAR_SCENE), picture(generator, LINEAR_NITS, scale=200.0)
    with pytest.raises(EncodingError, match=r"a\.exr: holds relative light, and pu_psnr needs cd/m².*white"):
        value(relative, absolute)
    with pytest.raises(EncodingError, match=r"b\.exr: holds relative light"):
        value(absolute, relative, protocol="gain")
    assert value(relative, relative, reference_white=203.0) == math.inf
    assert value(relative, absolute, protocol="gain") > 0
    assert value(relative, relative, protocol="percentile") == math.inf


def test_sdr_is_refused_by_metrics_of_light(generator: torch.Generator) -> None:
    with pytest.raises(ImageError, match=r"a\.exr: is an SDR picture .*expand it first"):
        value(picture(generator, SRGB), picture(generator, LINEAR_NITS))


def test_hdr_is_refused_by_metrics_of_tone_mapping(generator: torch.Generator) -> None:
    image = picture(generator, LINEAR_NITS, size=180)
    with pytest.raises(ImageError, match=r"a\.exr: is an HDR picture .*tone-mapped"):
        value(image, image, metric="tmqi")


def test_tone_mapping_is_judged_in_any_unit(generator: torch.Generator) -> None:
    scene = picture(generator, LINEAR_SCENE, size=180)
    sdr = Image(scene.pixels.sqrt(), SRGB)
    absolute = replace(scene, encoding=LINEAR_NITS)
    assert value(sdr, scene, metric="tmqi") == pytest.approx(value(sdr, absolute, metric="tmqi"))


def test_sizes_that_differ_are_told(generator: torch.Generator) -> None:
    with pytest.raises(ImageError, match=r"a\.exr: is 16 × 16 and b\.exr 12 × 12; expected .* same size"):
        value(picture(generator, LINEAR_NITS), picture(generator, LINEAR_NITS, size=12))


def test_pictures_too_small_for_a_metric_are_told(generator: torch.Generator) -> None:
    with pytest.raises(ImageError, match=r"a\.exr: is 16 × 16; tmqi needs at least 176 × 176"):
        value(picture(generator, SRGB), picture(generator, LINEAR_NITS), metric="tmqi")


def test_nan_is_told_with_its_count(generator: torch.Generator) -> None:
    image = picture(generator, LINEAR_NITS)
    broken = image.pixels.clone()
    broken[1, 2, 3] = math.nan
    broken[2, 2, 3] = math.inf
    with pytest.raises(ImageError, match=r"b\.exr: 1 of 256 pixels are NaN or infinite"):
        value(image, replace(image, pixels=broken))

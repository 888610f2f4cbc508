from dataclasses import fields, replace

import jaxtyping
import pytest
import torch
from torch.nn import functional

from relume.camera.camera import Camera
from relume.camera.compression import HALVED, Jpeg
from relume.camera.exposure import ClippedShare, Stops
from relume.camera.hue_saturation import HueSaturation
from relume.camera.noise import PoissonGaussNoise
from relume.camera.quantization import Quantization
from relume.camera.response_families import GammaResponse, SigmoidResponse
from relume.camera.tone_mapping import ToneMapping, Variation
from relume.camera.truncation import BaseDetail
from relume.camera.white_balance import WhiteBalance
from relume.errors import ImageError, MethodError
from relume.operators.tonemap.drago2003 import Drago2003
from relume.response.curve import lookup, sample_points

FULL = Camera(
    white_balance=WhiteBalance(),
    hue_saturation=HueSaturation(),
    exposure=ClippedShare(minimum=0.02, maximum=0.1),
    noise=PoissonGaussNoise(),
    response=SigmoidResponse(),
    quantization=Quantization(),
    compression=Jpeg(),
)


def scenes(generator, batch=3, dtype=torch.float32):
    return torch.randn(batch, 3, 24, 32, generator=generator, dtype=dtype).mul(1.5).exp()


def seeded(seed=7):
    return torch.Generator().manual_seed(seed)


def test_the_same_generator_takes_the_same_picture(generator):
    scene = scenes(generator)
    first, second, other = (FULL(scene, generator=seeded(seed)) for seed in (1, 1, 2))
    for name in ("sdr", "sensor", "exposure", "response", "clipped", "crushed"):
        assert torch.equal(getattr(first, name), getattr(second, name))
    assert not torch.equal(first.sdr, other.sdr)


def test_pictures_of_a_batch_have_their_own_settings(generator):
    scene = scenes(generator, batch=1).expand(6, -1, -1, -1)
    settings = FULL(scene, generator=generator).settings
    drawn = (settings.white_balance, settings.hue_saturation, settings.exposure, settings.response)
    for parameters in (*drawn, settings.noise.signal, settings.noise.field.flatten(1)):
        assert len(parameters.unique(dim=0)) == 6


@pytest.mark.parametrize("tone_mapping", [None, ToneMapping(variations=(Variation(method=Drago2003()),))])
def test_the_clean_picture_is_of_the_same_shot(generator, tone_mapping):
    """As a camera without noise, rounding and JPEG takes it that draws the same otherwise."""
    response = FULL.response if tone_mapping is None else None
    camera = replace(FULL, tone_mapping=tone_mapping, response=response)
    bare = replace(camera, noise=None, quantization=None, compression=None)
    scene = functional.interpolate(scenes(generator)[..., ::8, ::8], size=(24, 32), mode="bicubic")
    shot = camera(scene, generator=generator)
    clean = camera.clean(scene, shot.settings)
    assert torch.equal(clean, bare.apply(scene, replace(shot.settings, noise=None, compression=None)).sdr)
    assert 0.0 < (clean - shot.sdr).abs().mean() < 0.05
    if tone_mapping is None:
        torch.testing.assert_close(clean, lookup(shot.sensor.clamp(0.0, 1.0), shot.response))


def test_the_sensor_is_the_scene_in_its_colours_times_the_exposure(generator):
    scene = scenes(generator)
    shot = replace(FULL, hue_saturation=None)(scene, generator=generator)
    expected = scene * shot.settings.white_balance[:, :, None, None] * shot.exposure[:, None, None, None]
    torch.testing.assert_close(shot.sensor, expected)


def test_the_picture_is_the_sensor_through_the_curve(generator):
    camera = Camera(exposure=Stops(), response=SigmoidResponse())
    shot = camera(scenes(generator), generator=generator)
    torch.testing.assert_close(shot.sdr, lookup(shot.sensor, shot.response))


def test_settings_can_be_used_again_on_another_picture(generator):
    first, second = scenes(generator), scenes(generator)
    shot = FULL(first, generator=generator)
    assert torch.equal(FULL.apply(first, shot.settings).sdr, shot.sdr)
    again = FULL.apply(second, shot.settings)
    assert torch.equal(again.exposure, shot.exposure)
    assert torch.equal(again.response, shot.response)


def test_exactly_the_share_of_the_sensor_clips_in_spite_of_changed_colours(generator):
    camera = replace(FULL, exposure=ClippedShare(minimum=0.05, maximum=0.05), noise=None)
    shot = camera(scenes(generator), generator=generator)
    counted = shot.clipped.any(1).flatten(1).sum(1).tolist()
    assert counted == [round(0.05 * 24 * 32)] * 3
    assert torch.equal(shot.clipped, shot.sensor > 1.0)


def test_masks_tell_where_light_was_lost():
    scene = torch.tensor([0.0, 0.001, 0.5, 1.0, 1.2]).expand(1, 3, 1, 5)
    shot = Camera(quantization=Quantization())(scene, generator=seeded())
    assert shot.clipped[0, 0, 0].tolist() == [False, False, False, False, True]
    assert shot.crushed[0, 0, 0].tolist() == [True, True, False, False, False]


def test_an_empty_camera_only_clips(generator):
    scene = scenes(generator)
    shot = Camera()(scene, generator=generator)
    assert torch.equal(shot.sdr, scene.clamp(max=1.0))
    assert shot.exposure.tolist() == [1.0] * 3
    assert torch.equal(shot.response, sample_points().float().expand(3, -1))


def test_negative_light_counts_as_none(generator):
    shot = FULL(scenes(generator) - 0.5, generator=generator)
    assert (shot.sensor >= 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_precision_and_shape_are_kept(generator, dtype):
    shot = FULL(scenes(generator, dtype=dtype), generator=generator)
    for tensor in (shot.sdr, shot.sensor, shot.exposure, shot.response):
        assert tensor.dtype == dtype
    assert shot.sdr.shape == shot.sensor.shape == shot.clipped.shape == shot.crushed.shape == (3, 3, 24, 32)
    assert shot.exposure.shape == (3,)


def test_both_precisions_take_the_same_picture(generator):
    scene = scenes(generator)
    single, double = (FULL(scene.to(dtype), generator=seeded()) for dtype in (torch.float32, torch.float64))
    torch.testing.assert_close(single.exposure, double.exposure.float(), rtol=1e-5, atol=0)
    assert (single.sdr - double.sdr).abs().mean() < 1e-4


def test_any_device_is_served_by_a_generator_on_the_cpu():
    """A device without values shows both: nothing is left behind on the CPU, and nothing waits for values."""
    scene = torch.empty(2, 3, 24, 32, device="meta")
    camera = replace(FULL, truncation=BaseDetail(), exposure=Stops(mean=0.5))
    shot = camera(scene, generator=seeded())
    for name in ("sdr", "sensor", "exposure", "response", "clipped", "crushed"):
        assert getattr(shot, name).device.type == "meta"
    assert FULL(scene, generator=seeded()).sdr.device.type == "meta"


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("truncation", [FULL.truncation, BaseDetail()])
def test_gradients_reach_the_scene_through_every_stage(generator, real, truncation):
    scene = scenes(generator, dtype=torch.float64).requires_grad_()
    camera = replace(FULL, truncation=truncation, compression=Jpeg(subsampling=(HALVED,), real=real))
    shot = camera(scene, generator=generator)
    shot.sdr.sum().backward()
    assert scene.grad.isfinite().all()
    assert (scene.grad != 0).double().mean() > 0.5


def test_the_gradient_is_that_of_the_camera_without_codes(generator):
    scene = scenes(generator, dtype=torch.float64)
    camera = replace(FULL, compression=Jpeg(real=True))
    settings = camera.draw(scene, generator)
    gradients = []
    for variant in (camera, replace(camera, quantization=None, compression=None)):
        leaf = scene.clone().requires_grad_()
        variant.apply(leaf, settings).sdr.sum().backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(*gradients)


def test_a_camera_may_tone_map(generator):
    mapping = ToneMapping(variations=(Variation(method=Drago2003(), ranges={"bias": (0.7, 0.9)}),))
    camera = Camera(tone_mapping=mapping, response=GammaResponse(), quantization=Quantization())
    shot = camera(scenes(generator) * 50, generator=generator)
    assert shot.sdr.min() >= 0.0
    assert shot.sdr.max() <= 1.0
    assert shot.sdr.mean() > 0.1
    assert torch.equal(shot.exposure, torch.ones(3))


def test_stages_that_are_absent_draw_nothing(generator):
    settings = Camera(noise=PoissonGaussNoise()).draw(scenes(generator), generator)
    assert [item.name for item in fields(settings) if getattr(settings, item.name) is not None] == ["noise"]


def test_ten_bits_do_not_go_into_a_jpeg():
    with pytest.raises(MethodError, match="8 bits; this camera quantizes to 10"):
        Camera(quantization=Quantization(bits=10), compression=Jpeg())


@pytest.mark.parametrize(
    "scene", [torch.zeros(3, 8, 8), torch.zeros(1, 1, 8, 8), torch.zeros(1, 3, 8, 8).byte()]
)
def test_what_is_no_scene_is_refused_with_a_sentence(generator, monkeypatch, scene):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # as where no test is running
    with pytest.raises(ImageError, match=r"expected floating point \(batch, 3, height, width\)"):
        Camera()(scene, generator=generator)

import inspect

import pytest
import torch

from relume.camera.camera import Camera
from relume.camera.exposure import ClippedShare, Stops
from relume.camera.presets import DEFAULT, PRESETS, find
from relume.errors import MethodError

BRIGHT = {"sihdr-clip95@1": (0.05, 0.05), "sihdr-clip97@1": (0.03, 0.03), "relume@1": (0.0, 0.15)}
"""The shares of pixels that clip before noise."""


@pytest.fixture
def scene(generator):
    """A wall in shade and light with a lamp: four stops of smooth light, texture, and highlights."""
    ramp = torch.linspace(-2.0, 2.0, 64).exp2().view(1, 1, 1, 64)
    texture = torch.randn(8, 3, 48, 64, generator=generator).mul(0.2).exp()
    light = 0.18 * ramp * texture
    light[:, :, 10:16, 10:16] = 20.0
    return light


def test_every_preset_is_named_and_versioned_and_says_what_is_certain():
    assert f"{DEFAULT}@1" in PRESETS
    for key, build in PRESETS.items():
        name, _, version = key.partition("@")
        assert name
        assert version.isdigit()
        assert isinstance(build(), Camera)
        assert inspect.getdoc(build)


@pytest.mark.parametrize("key", PRESETS)
def test_every_preset_takes_a_sane_picture(generator, scene, key):
    shot = find(key)(scene, generator=generator)
    sdr = shot.sdr
    codes = sdr * 255
    assert (codes - codes.round()).abs().max() < 1e-3
    assert sdr.min() >= 0
    assert sdr.max() <= 1
    assert 0.02 < sdr.mean() < 0.98
    assert sdr.std() > 0.02
    # Brighter light has brighter codes: columns in order, the lamp left out.
    columns = sdr[:, :, 20:].mean((0, 1, 2))
    assert torch.corrcoef(torch.stack([columns, torch.arange(64.0)]))[0, 1] > 0.9
    assert shot.sensor.isfinite().all()


@pytest.mark.parametrize("key", PRESETS)
def test_every_preset_is_reproducible(scene, key):
    shots = [find(key)(scene, generator=torch.Generator().manual_seed(3)) for _ in range(2)]
    assert torch.equal(shots[0].sdr, shots[1].sdr)


@pytest.mark.parametrize("key", BRIGHT)
def test_shares_of_clipped_pixels(generator, scene, key):
    low, high = BRIGHT[key]
    share = (find(key)(scene, generator=generator).sensor > 1.0).any(1).float().mean((1, 2))
    pixel = 1.0 / (48 * 64)
    assert (share >= low - pixel).all()
    assert (share <= high + pixel).all()


def test_hdrcnn_clips_5_to_15_percent_of_the_values(generator, scene):
    shot = find("hdrcnn")(scene, generator=generator)
    share = (shot.sensor > 1.0).float().mean((1, 2, 3))
    assert share.min() >= 0.0499
    assert share.max() <= 0.1501
    assert shot.settings.compression.quality.min() >= 30
    assert shot.settings.compression.halved.all()


@pytest.mark.parametrize("name", ["singlehdr", "duhdr"])
def test_singlehdr_and_duhdr_expose_from_an_eighth_to_eight_times_half(generator, scene, name):
    camera = find(name)
    assert camera.exposure == Stops(minimum=-3.0, maximum=3.0, steps=600, mean=0.5)
    means = camera(scene, generator=generator).sensor.mean((1, 2, 3))
    assert means.min() >= 0.5 / 8 * 0.999
    assert means.max() <= 0.5 * 8 * 1.001
    quality = camera(scene, generator=generator).settings.compression.quality
    assert quality.min() >= 90


def test_sihdr_always_has_the_same_curve(generator, scene):
    curve = find("sihdr-clip95")(scene, generator=generator).response
    assert (curve == curve[:1]).all()
    x = torch.linspace(0.0, 1.0, 1024)
    torch.testing.assert_close(curve[0], 1.6 * x**0.9 / (x**0.9 + 0.6), rtol=0, atol=1e-5)


def test_tone_mapped_presets_leave_the_scene_as_it_is(generator, scene):
    for name in ("expandnet", "itmn"):
        shot = find(name)(scene, generator=generator)
        assert torch.equal(shot.sensor, scene)


def test_expandnet_stretches_its_pictures(generator, scene):
    sdr = find("expandnet")(scene, generator=generator).sdr
    assert sdr.amin((1, 2, 3)).tolist() == [0.0] * 8
    assert sdr.amax((1, 2, 3)).tolist() == [1.0] * 8


@pytest.mark.parametrize("key", [key for key in PRESETS if find(key).tone_mapping is None])
def test_presets_with_one_exposure_wait_for_no_values(key):
    """On the meta device there are none: what runs there keeps a GPU busy, and leaves nothing on the CPU."""
    shot = find(key)(torch.empty(2, 3, 32, 32, device="meta"), generator=torch.Generator())
    assert shot.sdr.device.type == shot.response.device.type == shot.exposure.device.type == "meta"


def test_ours_is_the_default_and_names_without_version_mean_the_last():
    assert find() == find("relume@1") == find("relume")
    assert isinstance(find().exposure, ClippedShare)


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(MethodError, match=r"no camera 'leica'; relume has relume@1, singlehdr@1"):
        find("leica")
    with pytest.raises(MethodError, match="singlehdr@9"):
        find("singlehdr@9")

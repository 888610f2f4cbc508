import pytest
import torch
from torch.nn import functional

from relume.camera.camera import Camera
from relume.camera.learned_camera import LearnedCamera
from relume.camera.presets import find
from relume.data.pairs import Pairs
from relume.data.scenes import SyntheticScenes
from relume.errors import MethodError
from relume.models import build
from relume.response.curve import lookup


def learned(camera: Camera | None = None) -> LearnedCamera:
    torch.manual_seed(0)
    network = build("duhdr", preset="smoke").eval()
    torch.nn.init.normal_(network.imaging.nnet.head.bias, std=0.3)
    return LearnedCamera(camera=camera or find("duhdr"), imaging=network.imaging)


def test_the_response_is_that_of_nnet_and_all_else_is_the_cameras(generator):
    camera, coarse = learned(), torch.rand(2, 3, 4, 4, generator=generator)
    scene = functional.interpolate(coarse, size=(64, 64), mode="bilinear")
    shot = camera(scene, generator=torch.Generator().manual_seed(3))
    plain = camera.camera(scene, generator=torch.Generator().manual_seed(3))
    assert torch.equal(shot.sensor, plain.sensor)
    assert torch.equal(shot.exposure, plain.exposure)
    truncated = camera.imaging.truncated(shot.sensor)
    torch.testing.assert_close(shot.response, camera.imaging.nnet.curve(truncated))
    assert not torch.allclose(shot.response, plain.response, atol=0.01)
    # Noise, 8 bits and JPEG lie between the picture and the network's.
    assert (shot.sdr - camera.imaging.picture(shot.sensor)).square().mean().sqrt() < 0.05


def test_pairs_can_be_made_with_it():
    pairs = Pairs(scenes=SyntheticScenes(), camera=learned(), size=(64, 64), clean=True)
    first, again = pairs[5], pairs[5]
    expected = lookup(first["hdr"][None].clamp(0.0, 1.0), first["response"][None])[0]
    torch.testing.assert_close(first["clean"], expected)
    assert torch.equal(first["sdr"], again["sdr"])
    assert first["response"].shape == (1024,)


def test_it_needs_a_response_to_replace():
    with pytest.raises(MethodError, match="needs a camera with a response to replace"):
        learned(Camera())

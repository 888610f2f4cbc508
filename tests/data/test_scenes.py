"""Supplies of scenes: any size, decided by the generator, nothing invented."""

import pytest
import torch

from relume.data.scenes import Mixture, PanoramaScenes, PhotographScenes, Scenes, SyntheticScenes
from relume.errors import ImageError


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def picture() -> torch.Tensor:
    return torch.rand(3, 48, 96, generator=_generator(1)) * 10


@pytest.fixture(params=["synthetic", "panorama", "photograph", "mixture"])
def scenes(request: pytest.FixtureRequest, picture: torch.Tensor) -> Scenes:
    supplies: dict[str, Scenes] = {
        "synthetic": SyntheticScenes(("day",)),
        "panorama": PanoramaScenes([picture, picture.half()]),
        "photograph": PhotographScenes([picture, picture.half()]),
    }
    supplies["mixture"] = Mixture([(supplies["panorama"], 1.0), (supplies["photograph"], 3.0)])
    return supplies[request.param]


def test_size_type_and_repetition(scenes: Scenes) -> None:
    first = scenes.draw(size=(24, 32), generator=_generator(3))
    assert first.shape == (3, 24, 32)
    assert first.dtype == torch.float32
    assert torch.equal(first, scenes.draw(size=(24, 32), generator=_generator(3)))
    assert not torch.equal(first, scenes.draw(size=(24, 32), generator=_generator(4)))


def test_views_and_crops_invent_no_light(picture: torch.Tensor) -> None:
    for scenes in (PanoramaScenes([picture]), PhotographScenes([picture])):
        for seed in range(5):
            scene = scenes.draw(size=(20, 20), generator=_generator(seed))
            assert float(scene.max()) <= float(picture.max()) + 1e-5
            assert float(scene.min()) >= -1e-6


def test_crop_of_exactly_the_photograph(picture: torch.Tensor) -> None:
    whole = PhotographScenes([picture]).draw(size=(48, 96), generator=_generator(2))
    assert torch.equal(whole, picture) or torch.equal(whole, picture.flip(-1))


def test_photograph_that_is_too_small(picture: torch.Tensor) -> None:
    with pytest.raises(ImageError, match="96 × 48 pixels holds no crop of 20 × 50"):
        PhotographScenes([picture]).draw(size=(50, 20), generator=_generator(2))


def test_mixture_draws_with_its_shares(picture: torch.Tensor) -> None:
    black, white = PhotographScenes([picture * 0]), PhotographScenes([picture * 0 + 1])
    mixture = Mixture([(black, 1.0), (white, 3.0)])
    generator = _generator(9)
    share = sum(float(mixture.draw(size=(1, 1), generator=generator).max()) for _ in range(400)) / 400
    assert share == pytest.approx(0.75, abs=0.07)  # three standard deviations
